"""What a record without a link is: a candidate, somebody never compared, or on no register.

A latent class model, sampled by Gibbs: within a source the people of an ethnic group are on the
register with one probability, however complete their records are; a record of somebody on it was
never compared with a probability that depends on what the record lacks. Complete records are
nearly all compared, so they tell the first; the others then tell the second. Names and places
that the register has nowhere are commoner in records that were never compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

STRANGER, CANDIDATE, NEVER = 0, 1, 2
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_ROUNDS = 15
# Beta priors, all assumed and weak: of people on the register; of never being compared, by what a
# record lacks; and of a value being anybody's on the register, by what the record is.
_ON_REGISTER = (4.5, 0.5)
_WORTH = 20.0
_NEVER = ((0.2, 400.0), (0.5, 400.0), (1.0, 60.0), (1.0, 20.0), (1.0, 4.0), (2.0, 2.0))
_WORTH_OF_OTHERS = 0.5
# So strong that a draw in which all of a source were missed does not feed the next one.
_NEVER_WITH_NUMBER = (0.2, 50_000.0)
_SEEN = {STRANGER: ((7.0, 3.0),) * 3, NEVER: ((1.0, 3.0), (1.0, 3.0), (1.0, 1.5))}
# Several records of one person were never compared all: less likely than of one (assumed).
_SEVERAL = 0.1
# How far a source, and a group in it, may be off the model: deviations of log odds (assumed).
_DOUBT, _GROUP_DOUBT = 0.8, 0.6
# Names and places of one record go together, so that three flags say less than three (assumed).
_TEMPER = 0.6
# No record is surer than this to be of somebody on the register, or not to be: of those that hold a
# number, which may be wrong or another's, one in a hundred is (assumed).
_LEAST, _LEAST_WITH_NUMBER, _MOST = 0.005, 0.01, 0.88
_SMALL = 1e-6


@dataclass(slots=True)
class Open:
    """The records without a link, as arrays, and the state of the sampler.

    `group`, `pattern`: numbers of source and ethnic group, and of source and what is lacking;
    `source` of each group. `found_group`, `found_pattern`: linked records of each. `seen`: three
    flags, NaN where there is nothing to be seen. `alone`: factor for several records. `least`: the
    least chance to be of somebody with whom it was never compared.
    """

    group: Ints = field(repr=False)
    pattern: Ints = field(repr=False)
    source: Ints = field(repr=False)
    found_group: Floats = field(repr=False)
    found_pattern: Floats = field(repr=False)
    priors: Floats = field(repr=False)
    seen: Floats = field(repr=False)
    alone: Floats = field(repr=False)
    least: Floats = field(repr=False)
    kind: Ints = field(repr=False)

    @classmethod
    def of(cls, others: pl.DataFrame, speaks: pl.DataFrame) -> Open:
        """Return the state before any draw; `others`: all records outside the register."""
        told = others.with_columns(_lack(), _group())
        groups = told.select("source", "holds", "group").unique().sort("source", "holds", "group")
        places = groups.select("source", "holds").unique(maintain_order=True)
        patterns = told.select("source", "holds", "lack").unique().sort("source", "holds", "lack")
        asked = speaks.with_columns(_lack(), _group())
        linked = told.filter("linked")
        rows = patterns.select("holds", "lack").rows()
        several, holds = asked["records"].to_numpy() > 1, asked["holds"].to_numpy()
        priors = [_NEVER_WITH_NUMBER if holds else _NEVER[lack] for holds, lack in rows]
        return cls(
            _code(asked, groups),
            _code(asked, patterns),
            _code(groups, places),
            np.bincount(_code(linked, groups), minlength=groups.height).astype(float),
            np.bincount(_code(linked, patterns), minlength=patterns.height).astype(float),
            np.reshape(priors, (-1, 2)) + _seen_of_others(told, patterns),
            _flags(asked),
            np.where(several, _SEVERAL, 1.0),
            np.where(several, 0.0, np.where(holds, _LEAST_WITH_NUMBER, _LEAST)),
            np.zeros(asked.height, dtype=np.int64),
        )


def classes(state: Open, odds: Floats, rng: np.random.Generator) -> Ints:
    """Return what each record is in this draw; `odds` of its candidates against nobody.

    The state goes on from draw to draw, so that the draws are of one long chain.
    """
    sources = int(state.source.max(initial=-1)) + 1
    apart = rng.normal(0.0, _GROUP_DOUBT, len(state.source))
    doubt = np.exp(rng.normal(0.0, _DOUBT, sources)[state.source] + apart)[state.group]
    for _ in range(_ROUNDS):
        on_register, never = _rates(state, rng)
        ratio = _ratio(state, rng)
        there = on_register[state.group]
        lost = there / (1 - there) * never[state.pattern] * ratio * state.alone * doubt
        # Nobody, to a match probability, is either.
        chance = np.clip(lost / (1 + lost), state.least, _MOST)
        nobody = np.where(rng.random(len(odds)) < chance, NEVER, STRANGER)
        kind = np.where(rng.random(len(odds)) * (1 + odds) < odds, CANDIDATE, nobody)
        state.kind = kind.astype(np.int64)
    return state.kind.copy()


def _rates(state: Open, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the probability of being on the register by group, and never compared by pattern."""
    count = len(state.source)
    strange = np.bincount(state.group[state.kind == STRANGER], minlength=count).astype(float)
    there = state.found_group + np.bincount(state.group[state.kind != STRANGER], minlength=count)
    sources = int(state.source.max(initial=-1)) + 1
    yes, no = (
        np.bincount(state.source, weights=each, minlength=sources) for each in (there, strange)
    )
    whole = rng.beta(yes + _ON_REGISTER[0], no + _ON_REGISTER[1])[state.source]
    own = rng.beta(there + _WORTH * whole + _SMALL, strange + _WORTH * (1 - whole) + _SMALL)
    patterns = len(state.found_pattern)
    lost = np.bincount(state.pattern[state.kind == NEVER], minlength=patterns)
    met = state.found_pattern + np.bincount(
        state.pattern[state.kind == CANDIDATE], minlength=patterns
    )
    never = rng.beta(lost + state.priors[:, 0], met + state.priors[:, 1])
    return np.clip(own, _SMALL, 1 - _SMALL), never


def _ratio(state: Open, rng: np.random.Generator) -> Floats:
    """Return how many times likelier what is seen is in a record never compared."""
    ratio = np.ones(len(state.kind))
    for place in range(state.seen.shape[1]):
        flags = state.seen[:, place]
        chance = {}
        for kind, priors in _SEEN.items():
            of = flags[state.kind == kind]
            a, b = priors[place]
            chance[kind] = rng.beta(a + np.nansum(of), b + np.nansum(1 - of))
        yes, no = chance[NEVER] / chance[STRANGER], (1 - chance[NEVER]) / (1 - chance[STRANGER])
        ratio *= np.where(np.isnan(flags), 1.0, np.where(flags > 0, yes, no))
    return np.asarray(ratio**_TEMPER)


def _seen_of_others(told: pl.DataFrame, patterns: pl.DataFrame) -> Floats:
    """Return how many records with a number would have been missed, and met, by pattern.

    They speak for the records of their source without one. They are better recorded than those, so
    that they count for a part only.
    """
    known = (
        told.filter(pl.col("met").is_not_null())
        .group_by("source", "lack")
        .agg(
            (~pl.col("met")).sum().cast(pl.Float64).alias("lost"),
            pl.col("met").sum().cast(pl.Float64).alias("found"),
        )
    )
    joined = patterns.join(known, on=["source", "lack"], how="left", maintain_order="left")
    speaks = pl.when(~pl.col("holds")).then(_WORTH_OF_OTHERS).otherwise(0.0)
    counts = joined.select((pl.col(n).fill_null(0.0) * speaks).alias(n) for n in ("lost", "found"))
    return counts.to_numpy()


def _lack() -> pl.Expr:
    """Return what a record lacks, as the place of its prior in `_NEVER`."""
    born, home, dwelling = (pl.col(f"has_{name}") for name in ("birth", "home", "uprn"))
    without = pl.when(dwelling).then(3).when(home).then(4).otherwise(5)
    placed = pl.when(dwelling).then(0).when(home).then(1).otherwise(2)
    return pl.when(born).then(placed).otherwise(without).cast(pl.Int64).alias("lack")


def _group() -> pl.Expr:
    return pl.col("ethnicity").fill_null("unknown").alias("group")


def _flags(asked: pl.DataFrame) -> Floats:
    home = pl.when("has_home").then(pl.col("home_seen").cast(pl.Float64))
    names = (pl.col(f"{name}_seen").cast(pl.Float64) for name in ("given", "family"))
    return asked.select(*names, home.fill_null(float("nan")).alias("home")).to_numpy()


def _code(rows: pl.DataFrame, known: pl.DataFrame) -> Ints:
    """Return the place of each row in `known`."""
    placed = known.with_row_index("place")
    joined = rows.join(placed, on=known.columns, how="left", maintain_order="left")
    return joined["place"].to_numpy().astype(np.int64)
