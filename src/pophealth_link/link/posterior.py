"""What a pair is weighed against: that the record is of nobody on the register.

Nobody is somebody off the register taken at random, or a member of the candidate's household who is
off it, and who shares its address and much of its names. Members of the household who are on the
register are candidates themselves.
"""

from __future__ import annotations

from math import log2

import polars as pl

from pophealth_link.link import habits
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS, JOINT
from pophealth_link.link.model import Model


def against_nobody(
    weighed: pl.DataFrame, model: Model, sources: pl.DataFrame, *, share: float | None = None
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `match_weight`: log2 of the odds of the pair against nobody.

    `weighed` is what `probabilistic.weigh` returns, `model` one that knows its register, `sources`
    holds `rid_r` and `source` of the records asked about. With a `share` that share
    of them is expected on the left; without, see `weighed_against`.
    """
    if share is None:
        known = weighed_against(weighed, model, sources)
    else:
        shift = habits.logit(share) - habits.logit(model.on_register)
        mated = weighed.with_columns(mate=_mate_weight(model))
        known = mated.with_columns(pl.col("weight") + shift)
    nobody = (1 + pl.lit(2.0).pow(pl.col("mate")).max().over("rid_r").fill_null(0.0)).log(2)
    odds = pl.col("weight") - nobody
    return known.select("rid_l", "rid_r", odds.round(6).alias("match_weight"))


def weighed_against(
    weighed: pl.DataFrame, model: Model, sources: pl.DataFrame, *, learn_m: bool = True
) -> pl.DataFrame:
    """Return `weighed` with its `weight` at the habits of the source of each record (`habits`).

    `mate` is added: log2 of the odds of an unregistered mate of the candidate against anybody
    else.
    """
    mated = weighed.with_columns(mate=_mate_weight(model))
    return habits.learnt(mated, model, sources, learn_m=learn_m)


def _mate_weight(model: Model) -> pl.Expr:
    """Return log2 of the odds of an unregistered mate of the candidate against anybody else.

    What the true person's levels add to the pair's weight is taken off again, and what a mate's
    would add is put in its place.
    """
    against_mate = pl.sum_horizontal(
        pl.col(name)
        .replace_strict(
            {
                level.name: log2(level.m) + level.adjust - log2(level.u) * comparison.by_dwelling
                for level in model.levels[name]
                if level.name.endswith(AT_HOME) or not comparison.by_dwelling
            },
            default=0.0,
            return_dtype=pl.Float64,
        )
        .fill_null(0.0)
        for name, comparison in COMPARISONS.items()
        if comparison.u_from != "register"
    )
    prior = habits.logit(model.on_register) - log2(model.mates * model.sharing)
    dwelling = model.levels["household"][0]
    mate = pl.col("weight") - against_mate + _together(model) - dwelling.adjust - prior
    return pl.when(pl.col("household") == dwelling.name).then(mate)


def _together(model: Model) -> pl.Expr:
    """Return the bits that comparisons which go together among mates add to a mate's weight."""
    bits = (pl.when(JOINT[name]).then(pl.lit(v)).otherwise(0.0) for name, v in model.joint.items())
    return pl.sum_horizontal(pl.lit(0.0), *bits)
