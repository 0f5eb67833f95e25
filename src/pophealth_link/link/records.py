"""All records of all sources in one table of prepared identifiers, one number (`rid`) a record."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.link.comparisons import COLUMNS
from pophealth_link.link.inputs import People
from pophealth_link.prepare import records as prepare_records

# Told of a person and of a place: a former name or address brings its own.
_OF_PERSON = (
    "given", "formal", "middle", "middle_words", "sound_given", "sound_family", "family_words",
)  # fmt: skip
_OF_PLACE = ("home", "house", "uprn", "sector", "outward", "address_words", "dwelling_key")
# What an alias row can say otherwise than its record.
_TOLD = (
    "given", "middle", "family", "previous_family", "date_of_birth", "sex", "home", "house", "uprn",
)  # fmt: skip
# `COLUMNS` may name some of the others: each is kept once.
_KEPT = tuple(dict.fromkeys((
    "source", "record_id", "unique_people", "on_register", "alias", "nhs_number",
    "nhs_number_status", *_OF_PERSON, *_OF_PLACE, *COLUMNS, "ethnic_category", "practice_code",
    "postcode", "lsoa_code", "address", "birth_precision", "date_of_death", "date_from", "date_to",
    "setting",
)))  # fmt: skip


PSEUDONYM = "token:"


def register_of(sources: Sequence[People]) -> People:
    """Return the source that is the register: the one marked, else the first that can be.

    Raises `LinkageError` where two sources share a name, or none or several can be the register.
    """
    names_given = [each.source for each in sources]
    if len(set(names_given)) < len(names_given):
        raise LinkageError("two sources have the same name.", fix="give each source its own name.")
    marked = [each for each in sources if each.register]
    able = [s for s in sources if s.setting == "primary_care" and s.unique_people]
    chosen = marked or able[:1]
    if len(chosen) != 1 or not chosen[0].unique_people:
        raise LinkageError(
            f"there must be one register; {len(chosen)} of {len(sources)} sources can be it.",
            "The register holds each person once: setting primary_care, unique_people = true.",
            fix="mark one source with register = true and unique_people = true.",
        )
    return chosen[0]


def stack(sources: Sequence[People], register: People) -> pl.DataFrame:
    """Return every record of every source, prepared, ordered by source and record id.

    `rid` numbers the records from 0; rows with `alias` hold previous names and addresses of the
    same `rid`. Neither the order of the sources nor that of their rows matters.
    """
    rows = pl.concat(_prepared(each, register) for each in sources)
    main = rows.filter(~pl.col("alias")).sort("source", "record_id").with_row_index("rid")
    former = rows.filter("alias").join(
        main.select("rid", "source", "record_id"), on=["source", "record_id"], how="inner"
    )
    filled = _distinct(_fill_from_record(former, main).select(main.columns), main)
    return pl.concat([main, filled]).sort("rid", "alias", maintain_order=True)


def _prepared(people: People, register: People) -> pl.DataFrame:
    frames = [(people.frame, False), (people.aliases, True)]
    parts = [
        prepare_records.standardise(frame.lazy(), kind=people.nhs_number_kind).with_columns(
            pl.lit(alias).alias("alias")
        )
        for frame, alias in frames
        if frame is not None
    ]
    month, year = (
        (pl.col("birth_precision") == k).fill_null(value=False) for k in ("month", "year")
    )
    born = pl.col("date_of_birth").dt
    marked = pl.concat(parts, how="diagonal_relaxed").with_columns(
        pl.lit(people.source).alias("source"),
        pl.lit(people.setting).alias("setting"),
        pl.lit(people.unique_people).alias("unique_people"),
        pl.lit(people.source == register.source).alias("on_register"),
        # A month without a day is compared as a month, and a year as a year: neither is like a day.
        pl.when(~month & ~year)
        .then(born.strftime("%Y%m%d"))
        .when(year)
        .then(born.strftime("%Y"))
        .alias("birth_text"),
        born.year().alias("birth_year"),
    )
    return marked.with_columns(_own_kind(people)).select(_KEPT).collect()


def _own_kind(people: People) -> pl.Expr:
    """Return the number, a token marked as one: it is never compared with a number in clear."""
    number = pl.col("nhs_number")
    marked = pl.concat_str(pl.lit(PSEUDONYM), number).alias("nhs_number")
    return number if people.nhs_number_kind == "clear" else marked


def _fill_from_record(former: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Fill what an alias row leaves out from its record, but for the number, which it never has."""
    both = former.join(main, on="rid", how="left", suffix="_main", maintain_order="left")
    # An alias that gives an address gives the whole of it, and a date whether it is a placeholder.
    moved = pl.any_horizontal(pl.col(c).is_not_null() for c in ("home", "uprn", "house"))
    born = pl.col("date_of_birth").is_not_null()
    wholes = {**dict.fromkeys(_OF_PLACE, moved), "placeholder_birth": born, "birth_text": born}
    fillable = [c for c in dict.fromkeys((*_OF_PERSON, *COLUMNS)) if c not in wholes]
    return both.with_columns(
        *(pl.coalesce(c, f"{c}_main").alias(c) for c in fillable),
        *(pl.when(own).then(c).otherwise(f"{c}_main").alias(c) for c, own in wholes.items()),
        pl.lit(None, dtype=pl.String).alias("nhs_number"),
    )


def _distinct(former: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Return, ordered, the alias rows that say what neither their record nor another one says."""
    told = ["rid", *_TOLD]
    ordered = former.sort(*told, "address", nulls_last=True)
    seen = ordered.unique(told, keep="first", maintain_order=True)
    return seen.join(
        main.select(told), on=told, how="anti", nulls_equal=True, maintain_order="left"
    )
