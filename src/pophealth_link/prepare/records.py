"""Standardise all identifiers of a people table at once, ready for linkage."""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare import address, dates, names, nhs_number, postcode, sex
from pophealth_link.schema.records import PEOPLE


def standardise(people: pl.LazyFrame, *, kind: nhs_number.Kind = "clear") -> pl.LazyFrame:
    """Return a people table with every identifier standardised, one row per row, in order.

    Columns of the contract that are absent are added empty. Added: `nhs_number_status`, `given`
    and `family` (for comparison), `first_given`, `placeholder_birth`, `home` (postcode for
    linkage: null for pseudo-postcodes), `outward`, `sector`, `house` (numbers of the address).

    >>> standardise(pl.LazyFrame({"record_id": ["1"], "sex": ["F"]})).collect()["sex"][0]
    '2'
    """
    whole = _with_all_columns(people)
    named = nhs_number.standardise(whole, kind=kind).with_columns(
        names.given(pl.col("given_name")).alias("given"),
        names.family(pl.col("family_name")).alias("family"),
        names.family(pl.col("previous_family_name")).alias("previous_family"),
        names.given(pl.col("middle_names")).alias("middle"),
        sex.standardise(pl.col("sex")).alias("sex"),
        postcode.standardise(pl.col("postcode")).alias("postcode"),
        address.uprn(pl.col("uprn")).alias("uprn"),
        address.line(pl.col("address")).alias("address"),
        pl.when(~dates.is_unknown(pl.col("date_of_birth"))).then(pl.col("date_of_birth")),
    )
    return _with_keys(named)


def _with_all_columns(people: pl.LazyFrame) -> pl.LazyFrame:
    present = people.collect_schema()
    missing = [c for c in PEOPLE.columns if c.name not in present]
    return people.with_columns(pl.lit(None, dtype=c.dtype).alias(c.name) for c in missing)


def _with_keys(people: pl.LazyFrame) -> pl.LazyFrame:
    home = pl.when(~postcode.is_pseudo(pl.col("postcode"))).then(pl.col("postcode"))
    return people.with_columns(
        home.alias("home"),
        dates.is_placeholder(pl.col("date_of_birth")).alias("placeholder_birth"),
        address.number(pl.col("address")).alias("house"),
        pl.col("given").str.extract(r"^(\S+)").alias("first_given"),
    ).with_columns(
        postcode.outward(pl.col("home")).alias("outward"),
        postcode.sector(pl.col("home")).alias("sector"),
    )
