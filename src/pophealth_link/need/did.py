"""Difference in differences: the change of some footprints less that of comparison footprints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pophealth_link.errors import JobError, nearest
from pophealth_link.need.compare import unparted
from pophealth_link.need.permutation import Contrast, clustered, permuted
from pophealth_link.places.units import is_reason
from pophealth_link.schema.outputs_compare import DIFFERENCES

# Fewer areas an arm than this carry no standard error of clusters (see `differences`).
LEAST_CLUSTERS = 10
_GROUP = ("basis", "indicator", "stratum")
_DECIMALS = 6
Footprint = tuple[str, str]

ASSUMPTIONS = (
    "Without what happened in the footprints of interest, their values would have changed by as "
    "much as those of the comparison footprints (parallel trends). One earlier and one later "
    "baseline cannot show it: compare two earlier baselines in the same way, and the difference "
    "should be about nothing.",
    "What happened in the footprints of interest did not reach the comparison footprints, by "
    "people who moved or were referred there, or by staff and beds that were taken from them.",
    "The people of each footprint are of the same kind before and after: nobody moved in or out, "
    "and no practice joined or left, because of what happened.",
    "Recording, coverage and linkage changed alike in both; footprints whose definition, sources, "
    "coverage or length of period changed, or of which that is not known, are left out of the "
    "means and counted in `left_out`.",
    "Each footprint counts once, however many people it has.",
    "The permutation test supposes that any of the footprints could as well have been those of "
    "interest; where they were chosen because of their values, it does not hold.",
)


def differences(
    changes: pl.DataFrame,
    areas: Sequence[Footprint],
    comparison: Sequence[Footprint],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Return DIFFERENCES: one row per basis, indicator and stratum of a changes table, sorted.

    `changes`: CHANGES; `areas` and `comparison`: footprint_type and footprint_code of the two arms,
    of one type. Difference = mean change of the areas less mean change of the comparison; the
    `rest` of a change is taken, where the linkage rate explains a part. `left_out` are footprints
    without one, or where something differs whose part nobody can say (`compare.unparted`). With ten
    areas or more in both arms the limits are Welch's t of the areas' changes, each area being one
    cluster. With fewer there is no standard error of clusters, which would be far too small
    (Cameron, Gelbach and Miller, Rev Econ Stat 2008;90:414-427): p is that of a permutation of
    areas between the arms, and limits are given only where so few areas can reach them. Where all
    areas of each arm changed alike, nothing tells how much they differ, and there are no limits.
    `within_*` are the limits from sampling, linkage and rounding within areas alone, recovered from
    those of the changes: they say nothing of how much areas differ from each other, and are no test
    of an effect.

    Raises `JobError` where a footprint is in no row, no place (people who are in none, for a
    reason), in both arms, or of another type.
    """
    chosen = [list(dict.fromkeys(arm)) for arm in (areas, comparison)]
    _require(changes, *chosen)
    rows = pl.concat(
        changes.join(_arm(arm, word), on=["footprint_type", "footprint_code"])
        for arm, word in zip(chosen, ("areas", "comparison"), strict=True)
    ).sort("footprint_code")
    groups = rows.sort(*_GROUP, "footprint_code").group_by(_GROUP, maintain_order=True)
    made = [_row(tuple(map(str, key)), own, seed, confidence) for key, own in groups]
    schema = DIFFERENCES.polars_schema
    found = pl.DataFrame(made, schema=schema, orient="row")
    numbers = [c.name for c in DIFFERENCES.columns if c.kind == "number"]
    return found.with_columns(pl.col(n).round(_DECIMALS) + 0.0 for n in numbers).sort(_GROUP)


def _arm(arm: Sequence[Footprint], word: str) -> pl.DataFrame:
    names = ["footprint_type", "footprint_code"]
    return pl.DataFrame(list(arm), schema=names, orient="row").with_columns(arm=pl.lit(word))


def _require(
    changes: pl.DataFrame, areas: Sequence[Footprint], comparison: Sequence[Footprint]
) -> None:
    known = set(changes.select("footprint_type", "footprint_code").unique().iter_rows())
    named = [f"{kind}:{code}" for kind, code in sorted(known)]
    problems = [
        f"{kind}:{code}  is no common footprint.{nearest(f'{kind}:{code}', named)}"
        for kind, code in (*areas, *comparison)
        if (kind, code) not in known
    ]
    problems += [
        f"{kind}:{code}  is no place, but a reason." for kind, code in _reasons(areas, comparison)
    ]
    problems += [f"{kind}:{code}  is in both arms." for kind, code in {*areas} & {*comparison}]
    if len({kind for kind, _ in (*areas, *comparison)}) > 1:
        problems.append("The footprints are of several types: name those of one.")
    if not areas or not comparison:
        problems.append("An arm has no footprint: name both.")
    if problems:
        raise JobError(
            "the footprints to compare cannot be used.",
            *sorted(problems),
            fix="name them as TYPE:CODE, as in changes.csv.",
        )


def _reasons(*arms: Sequence[Footprint]) -> list[Footprint]:
    named = [each for arm in arms for each in arm]
    schema = dict.fromkeys(("footprint_type", "footprint_code"), pl.String)
    return list(pl.DataFrame(named, schema=schema, orient="row").filter(is_reason()).rows())


def _row(
    key: tuple[str, ...], rows: pl.DataFrame, seed: int, confidence: float
) -> tuple[object, ...]:
    usable = rows.filter(pl.col("rest").is_not_null() & ~unparted())
    arms = [usable.filter(arm=word) for word in ("areas", "comparison")]
    counts = (arms[0].height, arms[1].height, rows.height - usable.height)
    unit = rows["unit"].drop_nulls().sort().first()
    if not all(arm.height for arm in arms):
        return (*key, *counts, *(None,) * 7, "none", None, None, unit, "no_areas")
    changed = [arm["rest"].to_numpy().astype(np.float64) for arm in arms]
    found = _contrast(changed[0], changed[1], seed, confidence)
    return (
        *(*key, *counts, float(changed[0].mean()), float(changed[1].mean())),
        *(found.difference, found.lower, found.upper, found.p_value, found.least_p_value),
        *(found.method, *_within(arms, found.difference), unit, "ok"),
    )


def _contrast(
    first: np.ndarray[tuple[int], np.dtype[np.float64]],
    second: np.ndarray[tuple[int], np.dtype[np.float64]],
    seed: int,
    confidence: float,
) -> Contrast:
    if min(len(first), len(second)) >= LEAST_CLUSTERS:
        return clustered(first, second, confidence=confidence)
    if len(first) + len(second) == len(first) * 2 == 2:
        # One area an arm: every division is as extreme as the other.
        seen = float(first[0] - second[0])
        return Contrast(seen, None, None, None, 1.0, "none")
    return permuted(first, second, seed=seed, confidence=confidence)


def _within(arms: Sequence[pl.DataFrame], seen: float) -> tuple[float | None, float | None]:
    """Return limits of a difference of means from the limits of each area's change."""
    if any(arm["rest_lower"].null_count() or arm["rest_upper"].null_count() for arm in arms):
        return None, None
    below, above = 0.0, 0.0
    for arm, turned in zip(arms, (False, True), strict=True):
        down = float(((arm["rest"] - arm["rest_lower"]) ** 2).sum()) / arm.height**2
        up = float(((arm["rest_upper"] - arm["rest"]) ** 2).sum()) / arm.height**2
        below, above = below + (up if turned else down), above + (down if turned else up)
    return seen - below**0.5, seen + above**0.5
