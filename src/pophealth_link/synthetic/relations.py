"""Whom a person is mixed up with: the twin, the dwelling beside."""

from __future__ import annotations

import polars as pl

from pophealth_link.synthetic.members import CHILD

_OF_TWINS = ("household", "date_of_birth", "role")


def with_relations(people: pl.DataFrame) -> pl.DataFrame:
    """Add twin_given_name and beside_uprn: null for people who have no twin or nobody beside them.

    `people` come household by household, the children of each by age.
    """
    return people.with_columns(_twins(people), _beside(people))


def _twins(people: pl.DataFrame) -> pl.Series:
    """Return the given name of the child of the same household and day of birth."""
    name = pl.col("given_name")
    twin = pl.when(_twin_at(-1)).then(name.shift(-1)).when(_twin_at(1)).then(name.shift(1))
    return people.select(twin.alias("twin_given_name")).to_series()


def _twin_at(step: int) -> pl.Expr:
    """Say whether the row that many rows before is of the twin."""
    alike = (pl.col(name) == pl.col(name).shift(step) for name in _OF_TWINS)
    return pl.all_horizontal(*alike, pl.col("role") == CHILD)


def _beside(people: pl.DataFrame) -> pl.Series:
    """Return the UPRN of another dwelling of the same postcode in which people live."""
    homes = people.select("postcode", "uprn").unique("uprn", maintain_order=True)
    uprn = pl.col("uprn")
    beside = uprn.shift(-1).fill_null(uprn.first()).over("postcode")
    homes = homes.with_columns(beside.alias("beside_uprn"))
    homes = homes.filter(uprn != pl.col("beside_uprn"))
    return people.select("uprn").join(homes, on="uprn", how="left", maintain_order="left")[
        "beside_uprn"
    ]
