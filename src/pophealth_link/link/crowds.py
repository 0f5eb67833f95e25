"""Records of a source that compete for people: how far every choice is off the best solution.

Records hang together in a component where they have candidates in common. A component is solved
exactly; the time grows with the cube of its records, so one of more than `LARGEST` first loses the
choices that are plainly out, by which it mostly falls apart, and what is still too large gets
bounds: nothing is called further off the best than it is, so nobody is linked who would not be.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.link.components import components

LARGEST = 256
# Bits: a choice so far off the best changes no probability by one in a million.
_FAR_OFF = 20.0
_CHOICE = ["rid_r", "person"]


def regrets(candidates: pl.DataFrame, *, least: float, largest: int = LARGEST) -> pl.DataFrame:
    """Return `rid_r`, `person`, `regret`, `nobody` of components in which records compete.

    `candidates` holds `source`, `rid_r`, `person` and `match_weight` (bits against nobody) of
    records of sources of unique people. `regret` is by how many bits the best solution with this
    choice falls short of the best of all, `nobody` the same of the record being nobody. In
    components of more than `largest` records those are told up to 20 bits, or `least` if that is
    more, and may be told too small.
    """
    labelled = _labelled(candidates)
    claims = pl.col("rid_r").n_unique().over("source", "person")
    conflicts = labelled.filter((claims > 1).any().over("component"))
    size = pl.col("rid_r").n_unique().over("component")
    small = conflicts.filter(size <= largest)
    large = conflicts.filter(size > largest)
    return pl.concat([_solved(small), _bounded(large, max(_FAR_OFF, least), largest)])


def _labelled(candidates: pl.DataFrame) -> pl.DataFrame:
    place = pl.struct("source", "person").rank("dense") + pl.col("rid_r").max()
    linked = candidates.with_columns(place=place)
    parts = components(linked.select("rid_r", "place")).cast({"node": pl.UInt32})
    return linked.drop("place").join(parts, left_on="rid_r", right_on="node")


def _solved(conflicts: pl.DataFrame) -> pl.DataFrame:
    """Solve each component; the only loop, over those."""
    parts = conflicts.partition_by("component", maintain_order=True)
    none = conflicts.clear().select(*_CHOICE, regret="match_weight", nobody="match_weight")
    return pl.concat([none, *(_solve(part) for part in parts)])


def _solve(part: pl.DataFrame) -> pl.DataFrame:
    import numpy as np

    from pophealth_link.link import one_to_one

    _, row = np.unique(part["rid_r"].to_numpy(), return_inverse=True)
    _, column = np.unique(part["person"].to_numpy(), return_inverse=True)
    weights = np.full((row.max() + 1, column.max() + 1), -np.inf)
    weights[row, column] = part["match_weight"].to_numpy()
    pairs, nobody = one_to_one.regrets(weights)
    return part.select(
        *_CHOICE, regret=pl.Series(pairs[row, column]), nobody=pl.Series(nobody[row])
    )


def _bounded(large: pl.DataFrame, far: float, largest: int) -> pl.DataFrame:
    """Return what is known of large components: of solutions within `far` bits all that matters.

    No such solution holds a choice that is further off, so without those the rest is as it was.
    """
    bounds = _bounds(large)
    near = large.join(bounds.filter(pl.col("regret") < far), on=_CHOICE, how="semi")
    parts = _labelled(near.drop("component"))
    solvable = parts.filter(pl.col("rid_r").n_unique().over("component") <= largest)
    told = bounds.join(_solved(solvable), on=_CHOICE, how="left", suffix="_solved")
    nobody = pl.col("nobody_solved").max().over("rid_r")
    return told.select(
        *_CHOICE,
        pl.coalesce("regret_solved", "regret").clip(upper_bound=far).alias("regret"),
        pl.coalesce(nobody, "nobody").clip(upper_bound=far).alias("nobody"),
    )


def _bounds(candidates: pl.DataFrame) -> pl.DataFrame:
    """Return the choices with bounds from below of `regret` and `nobody`.

    A choice that is `d` bits better than the record's next and the person's next together is in
    every solution that is less than `d` off the best: put into any other it moves only those two.
    So whatever it excludes is `d` bits off at the least.
    """
    weight = pl.col("match_weight")
    rivals = candidates.with_columns(
        elsewhere=_best_other("rid_r"), claimed=_best_other("source", "person")
    ).with_columns(ahead=weight - pl.col("elsewhere") - pl.col("claimed"))
    ahead = [pl.col("ahead").max().over(group) for group in ("rid_r", ["source", "person"])]
    excluded = pl.when(pl.col("ahead") > 0).then(0.0).otherwise(pl.max_horizontal(0.0, *ahead))
    alone = (weight - pl.col("claimed")).max().over("rid_r").clip(lower_bound=0.0)
    return rivals.select(*_CHOICE, regret=excluded.round(6), nobody=alone.round(6))


def _best_other(*group: str) -> pl.Expr:
    """Return the largest weight of the others of a group, 0 where it is less: nobody."""
    weight = pl.col("match_weight")
    second = weight.top_k(2).min().over(group)
    alone = pl.len().over(group) == 1
    most = weight.max().over(group)
    return pl.when(alone).then(0.0).when(weight < most).then(most).otherwise(second).clip(0.0)
