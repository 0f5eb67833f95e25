"""The few facts about each person that placing and stratifying need, without identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from pophealth_link.places import locate
from pophealth_link.privacy import Key, keyed_hash
from pophealth_link.schema.codes import AGE_BAND_STARTS, GROUP_OF_CATEGORY
from pophealth_link.schema.outputs import PERSON_FACTS

# Whose facts win where sources differ: the register, then those that update addresses most often.
SETTING_ORDER = (
    "primary_care", "secondary_care", "community", "local_authority", "voluntary_sector",
)  # fmt: skip
_DAYS_A_YEAR = 365.25


def person_facts(
    records: pl.DataFrame,
    postcodes: pl.LazyFrame,
    key: Key,
    *,
    as_of: date,
    period: tuple[date, date],
) -> pl.DataFrame:
    """Return the table `person_facts`, one row per person of the linked `records`.

    The register's facts win; where it has none, those of the next source in `SETTING_ORDER`. A
    death in any source ends the registration. Codes for "not known" never override a known one.
    """
    main = records.filter(~pl.col("alias"))
    located = _located(main, postcodes)
    ordered = located.sort(~pl.col("on_register"), _rank(), "source", "record_id")
    people = ordered.group_by("person_id").agg(
        pl.col("on_register").any(),
        _first("date_of_birth"),
        _first("sex"),
        _first("ethnic_group"),
        _first("uprn"),
        pl.col("date_of_death").min(),
        pl.col("place").drop_nulls().first(),
        pl.when("on_register").then("practice_code").drop_nulls().first().alias("practice_code"),
        # A person on the register is there from its dates; another from those of any source.
        pl.col("date_from").filter(pl.col("leads")).min(),
        pl.col("date_to").filter(pl.col("leads")).fill_null(date.max).max(),
    )
    timed = _with_time(people, as_of, period).unnest("place")
    banded = timed.with_columns(_age_band(as_of), pl.col("ethnic_group").fill_null("unknown"))
    keyed = keyed_hash(banded, "uprn", key, kind="uprn").rename({"uprn": "keyed_uprn"})
    return keyed.select(PERSON_FACTS.names).sort("person_id")


def with_uprn(records: pl.DataFrame, dwellings: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Fill missing UPRNs of records from dwellings with the same address within the postcode.

    `dwellings` hold standardised `uprn`, `address` and `postcode`. An address that two dwellings
    share, or that has no number or name of its own (an empty line), fills nothing.

    >>> people = pl.DataFrame({"uprn": [None], "address": ["1 HIGH STREET"], "home": ["AB1 2CD"]},
    ...     schema={"uprn": pl.String, "address": pl.String, "home": pl.String})
    >>> homes = pl.DataFrame({"uprn": ["9"], "address": ["1 HIGH STREET"],
    ...     "postcode": ["AB1 2CD"]})
    >>> with_uprn(people, [homes])["uprn"].to_list()
    ['9']
    """
    if not dwellings:
        return records
    place = ["address", "home"]
    known = pl.concat(
        each.select("address", pl.col("postcode").alias("home"), pl.col("uprn").alias("found"))
        for each in dwellings
    ).drop_nulls()
    sole = known.unique().filter(pl.col("found").n_unique().over(place) == 1)
    joined = records.join(sole, on=place, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("uprn", "found").alias("uprn")).drop("found")


def property_facts(
    dwellings: pl.DataFrame, postcodes: pl.LazyFrame, key: Key, *, source: str
) -> pl.DataFrame:
    """Return the table `property_facts` of a property source.

    `dwellings` holds `record_id`, standardised `uprn` and `postcode`.
    """
    placed = locate(dwellings, postcodes)
    keyed = keyed_hash(placed, "uprn", key, kind="uprn").rename({"uprn": "keyed_uprn"})
    return keyed.select(
        pl.lit(source).alias("source"), "record_id", "keyed_uprn", "lsoa_code"
    ).sort("record_id")


def _located(records: pl.DataFrame, postcodes: pl.LazyFrame) -> pl.DataFrame:
    placed: pl.DataFrame = locate(records, postcodes)
    category = pl.col("ethnic_category").str.strip_chars().str.to_uppercase()
    group = category.replace_strict(GROUP_OF_CATEGORY, default=None, return_dtype=pl.String)
    # Where a record gives no postcode at all, the next source may give one.
    told = pl.col("lsoa_code").is_not_null() | (pl.col("unplaced") != "no_postcode")
    return placed.with_columns(
        group.alias("ethnic_group"),
        pl.when(told).then(pl.struct("lsoa_code", "unplaced")).alias("place"),
        (pl.col("on_register") | ~pl.col("on_register").any().over("person_id")).alias("leads"),
    )


def _rank() -> pl.Expr:
    order = {setting: i for i, setting in enumerate(SETTING_ORDER)}
    return pl.col("setting").replace_strict(order, return_dtype=pl.Int32)


def _first(column: str) -> pl.Expr:
    return pl.col(column).drop_nulls().first()


def _with_time(people: pl.DataFrame, as_of: date, period: tuple[date, date]) -> pl.DataFrame:
    """Add `current` on the day and `person_years` within the period, both ends counted."""
    first, last = period
    ends = pl.min_horizontal("date_to", pl.col("date_of_death"))
    starts = pl.max_horizontal("date_from", "date_of_birth").fill_null(date.min)
    days = (
        pl.min_horizontal(ends, pl.lit(last)) - pl.max_horizontal(starts, pl.lit(first))
    ).dt.total_days() + 1
    nowhere = pl.struct(
        pl.lit(None, dtype=pl.String).alias("lsoa_code"), pl.lit("no_postcode").alias("unplaced")
    )
    return people.with_columns(
        ((starts <= as_of) & (ends >= as_of)).alias("current"),
        (days.clip(lower_bound=0) / _DAYS_A_YEAR).round(6).alias("person_years"),
        pl.coalesce("place", nowhere).alias("place"),
    )


def _age_band(as_of: date) -> pl.Expr:
    born = pl.col("date_of_birth")
    # Months are 8-bit numbers: a hundred times one would overflow.
    birthday = born.dt.month().cast(pl.Int32) * 100 + born.dt.day()
    later = birthday > as_of.month * 100 + as_of.day
    age = as_of.year - born.dt.year() - later.cast(pl.Int32)
    band = age.replace_strict(_bands_by_age(), default=None, return_dtype=pl.String)
    return band.alias("age_band")


def _bands_by_age() -> dict[int, str]:
    """Return the band of each age in years from 0 to 120."""
    starts = sorted((start, band) for band, start in AGE_BAND_STARTS.items())
    ends = [start for start, _ in starts[1:]] + [121]
    return {
        age: band
        for (start, band), end in zip(starts, ends, strict=True)
        for age in range(start, end)
    }
