"""Which value makes a blocking rule propose too many pairs: its column and counts, never itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

# Below this share of a rule's pairs no single value is to blame. Assumed.
_NOTABLE = 0.2


@dataclass(frozen=True, slots=True)
class Skew:
    """The value of one column that makes the most of a rule's pairs, in counts.

    `share` of the rule's pairs come from it; so many records hold it on either side.
    """

    column: str
    share: float
    on_register: int
    others: int

    def __str__(self) -> str:
        """Return the advice as a sentence, without the value."""
        return (
            f"one value of `{self.column}`, held by {self.on_register:,} records of the register "
            f"and {self.others:,} others, makes {self.share:.0%} of them"
        )


def heaviest(
    register: pl.DataFrame, others: pl.DataFrame, left: Sequence[str], right: Sequence[str]
) -> Skew | None:
    """Return the value that makes the most pairs of a rule, or null where none stands out.

    A rule proposes the pairs whose columns `left` on the register equal `right` of the others.

    >>> crowd = pl.DataFrame({"home": ["A"] * 9 + ["B"]})
    >>> print(heaviest(crowd, crowd, ["home"], ["home"]))
    one value of `home`, held by 9 records of the register and 9 others, makes 99% of them
    """
    keys = [f"key {place}" for place in range(len(left))]
    held = _counted(register, left, keys, "held")
    sought = _counted(others, right, keys, "sought")
    pairs = held.join(sought, on=keys).with_columns(pairs=pl.col("held") * pl.col("sought"))
    total = int(pairs["pairs"].sum())
    if not total:
        return None
    found = [
        _top(pairs, held, sought, key, name, total) for key, name in zip(keys, left, strict=True)
    ]
    top = max(found, key=lambda each: each.share)
    return top if top.share >= _NOTABLE else None


def _counted(
    records: pl.DataFrame, columns: Sequence[str], keys: Sequence[str], name: str
) -> pl.DataFrame:
    named = records.select(pl.col(c).alias(k) for c, k in zip(columns, keys, strict=True))
    return named.drop_nulls().group_by(keys).agg(pl.len().cast(pl.Int64).alias(name))


def _top(
    pairs: pl.DataFrame, held: pl.DataFrame, sought: pl.DataFrame, key: str, name: str, total: int
) -> Skew:
    by_value = pairs.group_by(key).agg(pl.col("pairs").sum()).sort("pairs", key, descending=True)
    value = by_value.head(1)
    counts = [
        int(each.join(value, on=key, how="semi")[count].sum())
        for each, count in ((held, "held"), (sought, "sought"))
    ]
    return Skew(name, int(value["pairs"][0]) / total, *counts)
