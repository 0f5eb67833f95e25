"""What a pair is weighed against: that the record is of nobody on the register.

Nobody is somebody off the register taken at random, or a member of the candidate's household who is
off it, and who shares its address and much of its names. Members of the household who are on the
register are candidates themselves.
"""

from __future__ import annotations

from math import log2

import polars as pl

from pophealth_link.link.comparisons import AT_HOME, COMPARISONS, JOINT
from pophealth_link.link.model import Model

_ROUNDS = 4
# Records of a source that the shipped share counts as much as, when the source's own is learnt.
_WORTH = 50
_SHARES = (0.02, 0.995)
_GREATEST = 60.0
# Without the family name, which second registrations often have otherwise: married, or misspelt.
_SAME_PERSON = ("first_given", "date_of_birth")


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
        shift = _logit(share) - _logit(model.on_register)
        mated = weighed.with_columns(mate=_mate_weight(model))
        known = mated.with_columns(pl.col("weight") + shift)
    nobody = (1 + _power(pl.col("mate")).max().over("rid_r").fill_null(0.0)).log(2)
    odds = pl.col("weight") - nobody
    return known.select("rid_l", "rid_r", odds.round(6).alias("match_weight"))


def _logit(share: float) -> float:
    return log2(share / (1 - share))


def weighed_against(weighed: pl.DataFrame, model: Model, sources: pl.DataFrame) -> pl.DataFrame:
    """Return `weighed` with its `weight` at the share of the source that is on the register.

    `mate` is added: log2 of the odds of an unregistered mate of the candidate against anybody
    else. The share of each source is learnt from its own records.
    """
    mated = weighed.with_columns(mate=_mate_weight(model))
    pairs = mated.join(sources, on="rid_r", how="left", maintain_order="left")
    shifts = _learn(pairs, model)
    shifted = pairs.join(shifts, on="source", how="left", maintain_order="left")
    return shifted.with_columns(pl.col("weight") + pl.col("shift")).drop("source", "shift")


def _power(bits: pl.Expr) -> pl.Expr:
    return pl.lit(2.0).pow(bits.clip(-_GREATEST, _GREATEST))


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
    prior = _logit(model.on_register) - log2(model.mates * model.sharing)
    dwelling = model.levels["household"][0]
    mate = pl.col("weight") - against_mate + _together(model) - dwelling.adjust - prior
    return pl.when(pl.col("household") == dwelling.name).then(mate)


def _together(model: Model) -> pl.Expr:
    """Return the bits that comparisons which go together among mates add to a mate's weight."""
    bits = (pl.when(JOINT[name]).then(pl.lit(v)).otherwise(0.0) for name, v in model.joint.items())
    return pl.sum_horizontal(pl.lit(0.0), *bits)


def _learn(pairs: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Return `source`, `shift`: what to add to weights for the source's own share on the register.

    The share is found by expectation and maximisation over the candidates of its records.
    """
    start = model.on_register
    shifts = pairs.select("source", shift=pl.lit(0.0)).unique()
    nobody = 1 + _power(pl.col("mate")).max().fill_null(0.0)
    for _ in range(_ROUNDS):
        odds = _power(pl.col("weight") + pl.col("shift")).sum()
        chances = (
            pairs.join(shifts, on="source")
            .group_by("source", "rid_r")
            .agg((odds / (odds + nobody)).round(9).alias("chance"))
        )
        found = chances.group_by("source").agg(pl.col("chance").sum().round(3), pl.len())
        share = (pl.col("chance") + start * _WORTH) / (pl.col("len") + _WORTH)
        bounded = share.clip(*_SHARES)
        logit = (bounded / (1 - bounded)).log(2) - _logit(start)
        shifts = found.select("source", logit.round(6).alias("shift"))
    return shifts


def same_person(records: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `group`: the smallest rid among the register's records of plainly one person.

    These agree in given name, date of birth and dwelling: registered twice, they are no rivals of
    each other. Twins do not share a given name.
    """
    dwelling = pl.coalesce("uprn", pl.concat_str("home", "house", separator=" "))
    main = records.filter(~pl.col("alias") & pl.col("on_register")).with_columns(
        dwelling=dwelling.alias("dwelling")
    )
    keys = [*_SAME_PERSON, "dwelling"]
    known = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    first = pl.when(known).then(pl.col("rid").min().over(keys))
    return main.select("rid", pl.coalesce(first, "rid").alias("group"))
