"""The few facts about each person that placing and stratifying need, without identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from pophealth_link.link import attributes
from pophealth_link.places import locate
from pophealth_link.privacy import Key, keyed_hash
from pophealth_link.schema.codes import AGE_BAND_STARTS, GROUP_OF_CATEGORY
from pophealth_link.schema.outputs import PERSON_FACTS

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

    Where the records of a person differ, the rules of :mod:`pophealth_link.link.attributes` say
    whose word is taken.
    """
    people = attributes.resolve(records).rename({"lsoa_code": "told_lsoa"})
    placed = _at_told_lsoa(locate(people, postcodes, as_of=as_of))
    group = pl.col("ethnic_category").replace_strict(GROUP_OF_CATEGORY, return_dtype=pl.String)
    told = _with_time(placed, as_of, period).with_columns(
        age_band(as_of), group.fill_null("unknown").alias("ethnic_group")
    )
    keyed = keyed_hash(told, "uprn", key, kind="uprn").rename({"uprn": "keyed_uprn"})
    return keyed.select(PERSON_FACTS.names).sort("person_id")


def _at_told_lsoa(placed: pl.DataFrame) -> pl.DataFrame:
    """Place people without any postcode in the LSOA that a source tells of them."""
    told = pl.col("postcode").is_null() & pl.col("told_lsoa").is_not_null()
    return placed.with_columns(
        pl.when(told).then("told_lsoa").otherwise("lsoa_code").alias("lsoa_code"),
        pl.when(~told).then("unplaced").alias("unplaced"),
    )


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


def _with_time(people: pl.DataFrame, as_of: date, period: tuple[date, date]) -> pl.DataFrame:
    """Add `current` on the day and `person_years` within the period, both ends counted."""
    first, last = period
    ends = pl.min_horizontal("date_to", pl.col("date_of_death"))
    starts = pl.max_horizontal("date_from", "date_of_birth").fill_null(date.min)
    days = (
        pl.min_horizontal(ends, pl.lit(last)) - pl.max_horizontal(starts, pl.lit(first))
    ).dt.total_days() + 1
    return people.with_columns(
        ((starts <= as_of) & (ends >= as_of)).alias("current"),
        (days.clip(lower_bound=0) / _DAYS_A_YEAR).round(6).alias("person_years"),
    )


def age_band(as_of: date) -> pl.Expr:
    """Return the age band of `date_of_birth` in completed years on the day, null for none."""
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
