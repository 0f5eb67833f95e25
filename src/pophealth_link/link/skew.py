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

    `share` of the rule's pairs come from it; so many records hold it on either side. `alone`: the
    two sides are the same records, on no register, compared with one another.
    """

    column: str
    share: float
    on_register: int
    others: int
    alone: bool = False

    def __str__(self) -> str:
        """Return the advice as a sentence, without the value."""
        holders = f"{self.on_register:,} records of the register and {self.others:,} others"
        if self.alone:
            holders = f"{self.others:,} records on no register"
        return f"one value of `{self.column}`, held by {holders}, makes {self.share:.0%} of them"


def heaviest(
    register: pl.DataFrame,
    others: pl.DataFrame,
    left: Sequence[str],
    right: Sequence[str],
    *,
    alone: bool = False,
) -> Skew | None:
    """Return the value that makes the most pairs of a rule, or null where none stands out.

    A rule proposes the pairs whose columns `left` on the register equal `right` of the others.
    `alone`: both are the records on no register, compared with one another.

    >>> crowd = pl.DataFrame({"home": ["A"] * 9 + ["B"]})
    >>> print(heaviest(crowd, crowd, ["home"], ["home"]))
    one value of `home`, held by 9 records of the register and 9 others, makes 99% of them
    """
    keys = [f"key {place}" for place in range(len(left))]
    held, sought = _keyed(register, left, keys), _keyed(others, right, keys)
    counted = [_counted(side, keys, name) for side, name in ((held, "held"), (sought, "sought"))]
    pairs = (
        counted[0].join(counted[1], on=keys).with_columns(pairs=pl.col("held") * pl.col("sought"))
    )
    total = int(pairs["pairs"].sum())
    if not total:
        return None
    shares = [_top(pairs, key, name, total) for key, name in zip(keys, left, strict=True)]
    key, column, value, share = max(shares, key=lambda each: each[-1])
    if share < _NOTABLE:
        return None
    one, other = (_holders(side, key, value) for side in (held, sought))
    # Alone, the left side has everybody, the right one those who are new.
    return Skew(column, share, 0, one, alone) if alone else Skew(column, share, one, other)


def _keyed(rows: pl.DataFrame, columns: Sequence[str], keys: Sequence[str]) -> pl.DataFrame:
    """Return the keys of the rows that have all of them, and whose rows they are, if it is told."""
    named = rows.select(
        *(pl.col(c).alias(k) for c, k in zip(columns, keys, strict=True)),
        pl.col("rid") if "rid" in rows.columns else pl.int_range(pl.len()).alias("rid"),
    )
    return named.drop_nulls(keys)


def _counted(keyed: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    return keyed.group_by(keys).agg(pl.len().cast(pl.Int64).alias(name))


def _top(
    pairs: pl.DataFrame, key: str, column: str, total: int
) -> tuple[str, str, pl.DataFrame, float]:
    """Return the key, its column, the value that makes the most pairs, and their share."""
    by_value = pairs.group_by(key).agg(pl.col("pairs").sum()).sort("pairs", key, descending=True)
    return key, column, by_value.head(1), int(by_value["pairs"][0]) / total


def _holders(keyed: pl.DataFrame, key: str, value: pl.DataFrame) -> int:
    """Return how many records, of any number of rows, hold the value."""
    return keyed.join(value, on=key, how="semi")["rid"].n_unique()
