"""Which units are one person, where pairs may chain: nobody is joined by way of a third alone."""

from __future__ import annotations

import polars as pl

from pophealth_link.link.components import components

# Bits; more than any score: what a number or a reviewer says is dropped last.
SURE = 1e6


def together(edges: pl.DataFrame, apart: pl.DataFrame, *, margin: float) -> pl.DataFrame:
    """Return `unit`, `person` (its smallest unit): who is one, so that nobody apart is.

    `edges` holds pairs of units that may be one person (`a`, `b`, `weight` in bits), `apart` pairs
    (`a`, `b`, in any order) that are not. While two units that are apart hang together through
    edges, the weakest edges of their component are dropped, with all that are less than `margin`
    bits heavier: which of them is wrong cannot be told. The order of rows makes no difference.

    >>> edges = pl.DataFrame({"a": [1, 2], "b": [2, 3], "weight": [20.0, 10.0]})
    >>> apart = pl.DataFrame({"a": [3], "b": [1]})
    >>> together(edges, apart, margin=3.0)["person"].to_list()
    [1, 1]
    >>> together(edges, apart, margin=30.0).height
    0
    """
    kept = edges
    while True:
        labels = components(kept.select("a", "b"))
        torn = _torn(labels, apart)
        if torn.is_empty():
            return labels.select(unit="node", person="component")
        inside = kept.join(labels, left_on="a", right_on="node")
        weakest = pl.col("weight").min().over("component")
        dropped = pl.col("component").is_in(torn.implode()) & (
            pl.col("weight") < weakest + max(margin, 1e-6)
        )
        kept = inside.filter(~dropped).drop("component")


def _torn(labels: pl.DataFrame, apart: pl.DataFrame) -> pl.Series:
    """Return the components that hold two units that are apart."""
    both = apart.join(labels, left_on="a", right_on="node").join(
        labels, left_on="b", right_on="node", suffix="_b"
    )
    return both.filter(pl.col("component") == pl.col("component_b"))["component"].unique()
