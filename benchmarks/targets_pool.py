"""Answers about many data sets, pooled by source, as arrays that a bootstrap can weigh again.

A **cluster** is what a bootstrap draws: a data set where there are many, else a block of people of
one. A **weight** is how often a cluster was drawn; every count here is linear in the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Fewer data sets than this say little about how they differ: then people are drawn, in blocks.
FEWEST_SETS, BLOCKS = 10, 50
GROUP = "ethnic_group"
# Equal shares of false links are equal but for the rounding of floats.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Ranked:
    """One system's answers about one source, the surest first; equal ones are one entry with `n`.

    `ends` are the places of the last entry of each score; `own_linked` (clusters) and `own_correct`
    (groups × clusters) are counts at the system's own threshold.
    """

    cluster: Ints
    group: Ints
    n: Floats
    right: Floats
    ends: Ints
    own_linked: Floats
    own_correct: Floats


@dataclass(frozen=True, slots=True)
class Source:
    """A source of all data sets: its linkable records (groups × clusters), its systems' answers."""

    name: str
    linkable: Floats
    systems: Mapping[str, Ranked]


@dataclass(frozen=True, slots=True)
class Pool:
    """All sources of a family of data sets. `groups` names the groups, the unknown one last."""

    sources: Mapping[str, Source]
    groups: tuple[str, ...]
    clusters: int
    drawn: str


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold gives: links, and correct links by group."""

    linked: float
    by_group: Floats

    @property
    def correct(self) -> float:
        return float(self.by_group.sum())

    @property
    def false(self) -> float:
        return self.linked - self.correct


def pool(graded: Mapping[str, Sequence[pl.DataFrame]]) -> Pool:
    """Return the pool of graded answers: of each system a frame for each data set, in one order.

    The frames are those of `accuracy_scores.graded`, by ethnic group.
    """
    sets = len(next(iter(graded.values())))
    many = sets >= FEWEST_SETS
    whole = {system: _clustered(frames, many=many) for system, frames in graded.items()}
    first = next(iter(whole.values()))
    named = sorted(first[GROUP].drop_nulls().unique())
    clusters = sets if many else sets * BLOCKS
    sources = {
        name: _source(name, {s: f.filter(source=name) for s, f in whole.items()}, named, clusters)
        for name in sorted(first["source"].unique())
    }
    return Pool(sources, (*named, "unknown"), clusters, "data sets" if many else "blocks of people")


def _clustered(frames: Iterable[pl.DataFrame], *, many: bool) -> pl.DataFrame:
    block = pl.lit(0) if many else (pl.col("person_id").rank("dense") % BLOCKS).cast(pl.Int64)
    each = [
        frame.with_columns(cluster=pl.lit(place * (1 if many else BLOCKS), pl.Int64) + block)
        for place, frame in enumerate(frames)
    ]
    return pl.concat(each)


def _source(
    name: str, graded: Mapping[str, pl.DataFrame], groups: Sequence[str], clusters: int
) -> Source:
    shape = (len(groups) + 1, clusters)
    placed = {
        system: frame.with_columns(
            group=pl.col(GROUP)
            .replace_strict(groups, range(len(groups)), default=len(groups), return_dtype=pl.Int64)
            .fill_null(len(groups))
        )
        for system, frame in graded.items()
    }
    linkable = _counted(next(iter(placed.values())).filter("linkable"), shape)
    ranked = {system: _ranked(frame, shape) for system, frame in placed.items()}
    return Source(name, linkable, ranked)


def _counted(records: pl.DataFrame, shape: tuple[int, int]) -> Floats:
    found = np.zeros(shape)
    np.add.at(found, (records["group"].to_numpy(), records["cluster"].to_numpy()), 1.0)
    return found


def _ranked(records: pl.DataFrame, shape: tuple[int, int]) -> Ranked:
    keys = ["score", "cluster", "group", "right"]
    entries = (
        records.drop_nulls("score")
        .group_by(keys)
        .len("n")
        .sort(keys, descending=[True, False, False, False])
    )
    scores = entries["score"].to_numpy()
    last = np.append(scores[1:] != scores[:-1], np.ones(min(len(scores), 1), dtype=bool))
    accepted = records.filter("accepted")
    n = entries["n"].to_numpy().astype(np.float64)
    return Ranked(
        entries["cluster"].to_numpy(),
        entries["group"].to_numpy(),
        n,
        n * entries["right"].to_numpy(),
        np.flatnonzero(last),
        _counted(accepted, shape).sum(axis=0),
        _counted(accepted.filter("right"), shape),
    )


def own(ranked: Ranked, weights: Floats) -> Point:
    """Return what the system links at its own threshold."""
    return Point(float(ranked.own_linked @ weights), ranked.own_correct @ weights)


@dataclass(frozen=True, slots=True)
class Curve:
    """Links and correct links of a system at each threshold, from the highest."""

    ranked: Ranked
    weights: Floats
    linked: Floats
    correct: Floats


def curve(ranked: Ranked, weights: Floats) -> Curve:
    """Return the counts at every threshold. Answers of one score are linked together or not."""
    drawn = weights[ranked.cluster]
    linked = np.cumsum(drawn * ranked.n)[ranked.ends]
    return Curve(ranked, weights, linked, np.cumsum(drawn * ranked.right)[ranked.ends])


def within(swept: Curve, share: float) -> Point:
    """Return the point of the lowest threshold at which the false links are no more than a share.

    Where even the surest links hold more, nothing is linked.
    """
    kept = np.flatnonzero(swept.linked - swept.correct <= share * swept.linked + _ROUNDING)
    return _at(swept, int(kept[-1]) if kept.size else None)


def reaching(swept: Curve, correct: float) -> Point | None:
    """Return the point of the highest threshold with so many correct links; None without one.

    To reach none at all nothing need be linked.
    """
    if correct <= _ROUNDING:
        return _at(swept, None)
    place = int(np.searchsorted(swept.correct, correct - _ROUNDING))
    return _at(swept, place) if place < swept.correct.size else None


def _at(swept: Curve, place: int | None) -> Point:
    ranked = swept.ranked
    groups = ranked.own_correct.shape[0]
    if place is None:
        return Point(0.0, np.zeros(groups))
    first = int(ranked.ends[place]) + 1
    right = swept.weights[ranked.cluster[:first]] * ranked.right[:first]
    by_group = np.bincount(ranked.group[:first], weights=right, minlength=groups)
    return Point(float(swept.linked[place]), by_group.astype(np.float64))
