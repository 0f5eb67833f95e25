"""The linkage model `train`: m and u estimated from the records themselves, without truth.

u is counted over pairs of different people: of a register person and another record taken at
random and, for the levels of one dwelling, of all that live together; each pair counts as much as
the default model takes it for two people, which for all but few is fully. m is then estimated by
expectation and maximisation over the candidate pairs, from the default model, with u as it is.
Records that the NHS number linked are left out: the model is for the others. What has no m or u
(adjustments, the share of household mates) is the default model's.

Each comparison needs, both in one dwelling and apart, at least `LEAST_TRUE` pairs of one person
and `LEAST_OTHERS` pairs of two of which it says something; else the model is refused. What decides
little is kept from the default model instead, and told of: a comparison that says something of
less than `RARE` of the pairs of one person, and a level that no pair shows, as where a column is
empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.link import em, habits, numbers, train_pairs
from pophealth_link.link.comparisons import COMPARISONS
from pophealth_link.link.inputs import LinkSpec
from pophealth_link.link.levels import Levels
from pophealth_link.link.model import Level, Model, load
from pophealth_link.link.train_pairs import Bounds, Records
from pophealth_link.version import __version__

TRAIN = "train"
# Assumed: the default counts as one pair at each level, so that with 20 pairs a share of 0.1, of
# which one to three are seen, comes out between 0.07 and 0.13: within half a bit.
LEAST_TRUE, LEAST_OTHERS, RARE = 20, 50, 0.1
_REFUSED = "the linkage model could not be trained"
_FIX = 'set link.model = "default", or name a model file that was trained on more records.'
# m with its adjustment stays below 1.
_HIGHEST = 0.998


@dataclass(frozen=True, slots=True)
class _Counts:
    """Of each level: pairs of two people seen at it, and whether any pair shows it."""

    apart: em.Floats = field(repr=False)
    shown: em.Flags = field(repr=False)


def model_for(spec: LinkSpec, records: pl.DataFrame, by_number: numbers.NumberLinks) -> Model:
    """Return the model that a linkage asks for: shipped, saved in a file, or trained.

    `records` is the table of prepared records. Raises `LinkageError` where a file holds no model,
    or where one cannot be trained on these records.
    """
    if spec.model != TRAIN:
        return load(spec.model)
    linked = by_number.pairs.filter(pl.col("decision") == "accepted")["rid_r"]
    return train(records, linked, seed=spec.seed)


def train(
    records: pl.DataFrame, linked: pl.Series, *, seed: int, bounds: Bounds | None = None
) -> Model:
    """Return a model estimated from prepared `records`, whatever their order.

    `linked` holds the `rid` of records that are linked already and are not learnt from. The same
    seed gives the same model. Raises `LinkageError` where a parameter cannot be estimated.
    """
    bounds, levels, default = bounds or Bounds(), Levels.declared(), load("default")
    rng = np.random.default_rng(seed)
    of = _learnt_from(records, linked, rng, bounds)
    with_u, counts = _with_u(default, of, levels, rng, bounds)
    known = habits.coded(train_pairs.candidates(of, with_u), levels)
    start = levels.of(default, "m")
    first = em.fit(known, start, levels.groups, kept=~counts.shown, rounds=bounds.rounds)
    kept = ~counts.shown | _rare(first.seen, counts.apart, levels)
    fitted = em.fit(known, start, levels.groups, kept=kept, rounds=bounds.rounds)
    _refuse_unknown(fitted, counts.apart, kept, levels)
    u = np.where(kept, levels.of(default, "u"), levels.of(with_u, "u"))
    share = float(known.probabilities(np.log2(fitted.m / start)).sum()) / of.count
    told = _provenance(of, known, fitted.rounds, _named(levels, kept), seed)
    trained = _replaced(default, levels, fitted.m, u)
    on_register = round(min(max(share, 0.001), 0.999), 6)
    return replace(trained, on_register=on_register, provenance=told)


def _learnt_from(
    records: pl.DataFrame, linked: pl.Series, rng: np.random.Generator, bounds: Bounds
) -> Records:
    register = records.filter("on_register")
    others = records.filter(~pl.col("on_register") & ~pl.col("rid").is_in(linked.implode()))
    if register.is_empty() or others.is_empty():
        raise LinkageError(
            f"{_REFUSED}: there are no pairs to learn from.",
            f"The register has {register['rid'].n_unique():,} people; the NHS number left "
            f"{others['rid'].n_unique():,} records to link.",
            fix='set link.model = "default".',
        )
    return train_pairs.within_bounds(register, others, rng, bounds)


def _with_u(
    default: Model, of: Records, levels: Levels, rng: np.random.Generator, bounds: Bounds
) -> tuple[Model, _Counts]:
    """Return the default model with u of these records, and what u was counted from."""
    size = len(levels.names)
    near = train_pairs.candidates(of, default)
    known = habits.coded(near, levels)
    likely = known.probabilities(np.zeros(size))
    sums, shown = [], known.agreement.sums(np.ones(len(likely)), size) > 0
    for seen, chance in (
        train_pairs.mates(near, likely, of),
        train_pairs.strangers(of, default, rng, bounds),
    ):
        read = levels.read(seen)
        sums.append(read.sums(chance, size))
        shown |= read.sums(np.ones(len(chance)), size) > 0
    apart = np.where(levels.at_home, *sums)
    start = levels.of(default, "u")
    estimated = np.array([each == "random" for each in levels.u_from])
    shares = em.shares(apart, start, levels.groups, kept=~shown)
    u = np.where(estimated, shares, start)
    counts = _Counts(np.where(estimated, apart, np.inf), shown)
    return _replaced(default, levels, levels.of(default, "m"), u), counts


def _rare(seen: em.Floats, apart: em.Floats, levels: Levels) -> em.Flags:
    """Return the levels of comparisons that say too little to be estimated, and seldom enough."""
    true, others = (np.bincount(levels.groups, weights=each) for each in (seen, apart))
    few = (true < LEAST_TRUE) | (others < LEAST_OTHERS)
    # Of one comparison at least every pair says something: the rows through which it is compared.
    seldom = true < RARE * true.max()
    rare: em.Flags = (few & seldom)[levels.groups]
    return rare


def _refuse_unknown(fitted: em.Fit, apart: em.Floats, kept: em.Flags, levels: Levels) -> None:
    """Raise `LinkageError` where m or u of a level that matters could not be estimated."""
    lines = []
    for group in range(int(levels.groups.max()) + 1):
        inside = (levels.groups == group) & ~kept
        told = [levels.names[place] for place in np.flatnonzero(inside)]
        if not told:
            continue
        named = f"{told[0][0]} ({', '.join(level for _, level in told)})"
        true, others = float(fitted.seen[inside].sum()), float(apart[inside].sum())
        if true < LEAST_TRUE:
            seen = f"{true:,.0f} pairs of one person seen, {LEAST_TRUE} needed."
            lines.append(f"m of {named}: {seen}")
        if others < LEAST_OTHERS:
            seen = f"{others:,.0f} pairs of two people seen, {LEAST_OTHERS} needed."
            lines.append(f"u of {named}: {seen}")
    if not fitted.settled:
        lines.append(f"m had not settled after {fitted.rounds:,} rounds.")
    if lines:
        raise LinkageError(f"{_REFUSED}: parameters could not be estimated.", *lines, fix=_FIX)


def _named(levels: Levels, which: em.Flags) -> list[str]:
    return [".".join(levels.names[place]) for place in np.flatnonzero(which)]


def _replaced(model: Model, levels: Levels, m: em.Floats, u: em.Floats) -> Model:
    """Return the model with other m and u; an adjustment that takes m past 1 is made smaller."""
    adjust = np.minimum(levels.of(model, "adjust"), np.log2(_HIGHEST / m).clip(0))
    each = {
        name: Level(name[1], *(float(round(value, 12)) for value in row))
        for name, *row in zip(levels.names, np.minimum(m, _HIGHEST), u, adjust, strict=True)
    }
    by_comparison = {
        name: tuple(each[name, rule.name] for rule in comparison.levels)
        for name, comparison in COMPARISONS.items()
    }
    return replace(model, levels=by_comparison)


def _provenance(
    of: Records, known: em.Candidates, rounds: int, kept: list[str], seed: int
) -> dict[str, Any]:
    """Return where the model comes from. It is released with the card: counts to two digits."""
    return {
        "name": TRAIN,
        "made_from": "the records of the job that used it, without truth",
        "version": __version__,
        "seed": seed,
        "rounds": rounds,
        "records": _about(of.count),
        "candidate_pairs": _about(len(known.record)),
        "kept_from_default": kept,
        "caution": "Estimated without truth: review a sample of pairs.",
    }


def _about(count: int) -> int:
    """Return a count to two digits.

    >>> _about(12_345)
    12000
    """
    return int(float(f"{count:.1e}"))
