"""Standardise all identifiers of a people table at once, ready for linkage."""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.prepare import (
    address,
    dates,
    distinct,
    names,
    nhs_number,
    nicknames,
    postcode,
    sex,
    whole_names,
)
from pophealth_link.schema.records import PEOPLE

_WORDS = pl.List(pl.String)
_GIVEN = pl.Struct(
    {"given": pl.String, "first_given": pl.String, "further": pl.String, "sound_given": pl.String,
     "formal": _WORDS}
)  # fmt: skip
_FAMILY = pl.Struct(
    {"family": pl.String, "family_words": _WORDS, "sound_family": pl.String, "former": pl.String}
)
_ADDRESS = pl.Struct(
    {"address": pl.String, "house": pl.String, "address_words": _WORDS, "told": pl.String}
)


def standardise(people: pl.LazyFrame, *, kind: nhs_number.Kind = "clear") -> pl.LazyFrame:
    """Return a people table with every identifier standardised, one row per row, in order.

    Columns of the contract that are absent are added empty. Replaced: `nhs_number`, `sex`,
    `postcode`, `address`, `uprn`, `date_of_birth`, and names that stood whole in one field.
    Added, for comparison: `nhs_number_status`; `given`, `first_given`, `formal` (formal names that
    the first given name may stand for), `middle`, `middle_words`, `sound_given`; `family`,
    `family_words`, `previous_family`, `sound_family`; `placeholder_birth`; `home` (postcode for
    linkage: null for pseudo-postcodes), `outward`, `sector`, `house`, `address_words`,
    `dwelling_key`. Standardised twice is standardised once. Raises `DataError` where
    `date_of_birth` is no date.

    >>> standardise(pl.LazyFrame({"record_id": ["1"], "sex": ["F"]})).collect()["sex"][0]
    '2'
    """
    whole = _with_all_columns(people)
    named = nhs_number.standardise(whole_names.apart(whole), kind=kind).with_columns(
        distinct.each(pl.col("given_name"), _given_parts, _GIVEN).alias("_given"),
        distinct.each(pl.col("family_name"), _family_parts, _FAMILY).alias("_family"),
        names.family(pl.col("previous_family_name")).alias("_previous"),
        names.given(pl.col("middle_names")).alias("middle"),
        distinct.each(pl.col("address"), _address_parts, _ADDRESS).alias("_address"),
        postcode.standardise(pl.col("postcode")).alias("_code"),
        postcode.other(pl.col("postcode")).alias("_other_code"),
        sex.standardise(pl.col("sex")).alias("sex"),
        address.uprn(pl.col("uprn")).alias("uprn"),
        dates.standardise(pl.col("date_of_birth")).alias("date_of_birth"),
        pl.col("lsoa_code").str.strip_chars().str.to_uppercase().alias("lsoa_code"),
    )
    return _with_keys(_with_parts(named))


def _with_all_columns(people: pl.LazyFrame) -> pl.LazyFrame:
    """Return people with every column of the contract, in its type, unless it is a date as text."""
    present = people.collect_schema()
    born = present.get("date_of_birth", pl.Date())
    if not _to_date(born):
        raise DataError(
            f"`date_of_birth` is no date but {born}: which number is the day cannot be told.",
            fix="read it with its formats first: pophealth_link.sources.dates.read_dates.",
        )
    wanted = {column.name: column.dtype for column in PEOPLE.columns}
    odd = [n for n in present if wanted.get(n) == pl.Date and not _to_date(present[n])]
    return people.with_columns(
        (pl.col(name) if name in present else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in wanted.items()
        if name not in odd
    )


def _to_date(dtype: pl.DataType) -> bool:
    return dtype.is_temporal() or dtype == pl.Null


def _given_parts(written: pl.Series) -> pl.Series:
    """Return all that is told by given names as written."""
    given, known_as = names.plain_given(written), names.plain_known_as(written)
    parts = pl.DataFrame(
        {
            "given": given,
            "first_given": given.str.extract("^([^ ]+)"),
            "rest": given.str.extract("^[^ ]+ (.+)$"),
            "known_as": known_as,
        }
    )
    further = pl.concat_str("rest", "known_as", separator=" ", ignore_nulls=True)
    formal = [nicknames.formal(pl.col(n)).fill_null([]) for n in ("first_given", "known_as")]
    return parts.select(
        "given",
        "first_given",
        further.alias("further"),
        names.sound(pl.col("first_given")).alias("sound_given"),
        pl.concat_list(formal).list.unique(maintain_order=True).alias("formal"),
    ).to_struct()


def _family_parts(written: pl.Series) -> pl.Series:
    """Return all that is told by family names as written."""
    family = names.plain_family(written)
    return _struct(
        family=family,
        family_words=names.plain_family_words(written),
        sound_family=names.plain_sound(family),
        former=names.plain_former(written),
    )


def _address_parts(written: pl.Series) -> pl.Series:
    """Return all that is told by addresses as written."""
    lines = address.plain_line(written)
    return _struct(
        address=lines,
        house=address.plain_house(lines),
        address_words=address.plain_words(lines),
        told=postcode.plain_at_end(written),
    )


def _struct(**parts: pl.Series) -> pl.Series:
    return pl.DataFrame(parts).to_struct()


def _with_parts(people: pl.LazyFrame) -> pl.LazyFrame:
    """Take apart what was found; fill the postcode from the address, and the former name."""
    given, family, place = (pl.col(name).struct for name in ("_given", "_family", "_address"))
    middle = pl.concat_str(given.field("further"), "middle", separator=" ", ignore_nulls=True)
    taken = people.with_columns(
        *(given.field(n) for n in ("given", "first_given", "sound_given", "formal")),
        *(family.field(n) for n in ("family", "family_words", "sound_family")),
        *(place.field(n) for n in ("address", "house", "address_words")),
        pl.coalesce("_previous", family.field("former")).alias("previous_family"),
        names.words(middle).alias("middle_words"),
        pl.coalesce("_code", place.field("told")).alias("_code"),
        _is_assumed().alias("placeholder_birth"),
    )
    abroad = pl.when(_mostly_abroad()).then("_other_code")
    return taken.with_columns(pl.coalesce("_code", abroad).alias("postcode")).drop(
        "_given", "_family", "_previous", "_address", "_code", "_other_code"
    )


def _is_assumed() -> pl.Expr:
    """Return whether the day of birth is a placeholder, or none was told (`birth_precision`).

    The date is then the first day of the month or year that it told.
    """
    told = pl.col("birth_precision").is_in(["month", "year"]).fill_null(value=False)
    return told | dates.is_placeholder(pl.col("date_of_birth"))


def _mostly_abroad() -> pl.Expr:
    """Return whether most postcodes of the frame are of another country.

    In a British extract what is no postcode is a slip, and two equal slips are no agreement.
    """
    return pl.col("_code").count() * 2 < pl.col("_other_code").count()


def _with_keys(people: pl.LazyFrame) -> pl.LazyFrame:
    code = pl.col("postcode")
    home = pl.when(~postcode.is_pseudo(code)).then(code)
    return people.with_columns(
        home.alias("home"),
        postcode.outward(home).alias("outward"),
        postcode.sector(home).alias("sector"),
        pl.concat_str(home, "house", separator=" ").alias("dwelling_key"),
    )
