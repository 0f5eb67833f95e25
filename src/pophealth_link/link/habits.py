"""What the records of a source teach of it: its share on the register, and how its records err.

Sources differ: one writes names as heard, another has addresses a year old. By expectation and
maximisation over the candidates of the records that earlier passes left open, with the model as
what is believed beforehand, a source's own share on the register and its own m of every level take
the place of the model's. Source: Dempster, Laird and Rubin, J R Stat Soc B 1977;39:1-38.
"""

from __future__ import annotations

from dataclasses import replace
from math import log2

import numpy as np
import polars as pl

from pophealth_link.link import em
from pophealth_link.link.levels import Levels
from pophealth_link.link.model import Model

_ROUNDS = 6
# Records of a source as which the model counts: for its share on the register, and for its m.
_SHARE_WORTH, _M_WORTH = 50, 500
_SHARES = (0.02, 0.995)
# Bits. No level may come to be more than twice as likely among true pairs: what a whole source has
# in common (initials alone, birthdays of 1 January) tells nobody apart there, and who has the
# birthday and address of somebody else looks like a person whose names are both wrong.
_MOST = 1.0


def learnt(
    pairs: pl.DataFrame, model: Model, sources: pl.DataFrame, *, learn_m: bool = True
) -> pl.DataFrame:
    """Return `pairs` with its `weight`, in bits, as the source of each record has it.

    `pairs` holds `rid_l`, `rid_r`, `weight`, `mate` and the levels; `sources` `rid_r` and `source`
    of all records asked about, also of those without candidates. Of few records little is learnt.
    Without `learn_m` the share on the register alone is.
    """
    levels = Levels.declared()
    told = pairs.join(sources, on="rid_r", how="left", maintain_order="left").sort("rid_r", "rid_l")
    records = dict(sources["source"].value_counts().iter_rows())
    parts = told.partition_by("source", as_dict=True, maintain_order=True)
    weighed = [
        part.with_columns(
            weight=_weights(coded(part, levels), records[source], model, levels, learn_m)
        )
        for (source,), part in parts.items()
    ]
    return pl.concat([told.clear(), *weighed]).drop("source").sort("rid_l", "rid_r")


def coded(pairs: pl.DataFrame, levels: Levels) -> em.Candidates:
    """Return pairs, ordered by `rid_r`, for expectation and maximisation."""
    by_record = pairs.group_by("rid_r", maintain_order=True).agg(pl.col("mate").max())
    nobody = 1 + np.exp2(by_record["mate"].fill_null(-np.inf).to_numpy())
    record = pairs["rid_r"].rle_id().cast(pl.Int64).to_numpy()
    return em.Candidates(levels.read(pairs), record, pairs["weight"].to_numpy(), nobody)


def logit(share: float) -> float:
    """Return log2 of the odds of a share.

    >>> logit(0.5)
    0.0
    """
    return log2(share / (1 - share))


def _weights(
    pairs: em.Candidates, records: int, model: Model, levels: Levels, learn_m: bool
) -> pl.Series:
    start = levels.of(model, "m")
    # Through which rows two records agree tells of the register, whose aliases they are.
    kept = np.array([not learn_m or where == "always" for where in levels.u_from])
    moved, shift = np.zeros(len(start)), 0.0
    for _ in range(_ROUNDS):
        # Bits more for every pair are as many less for nobody.
        likely = replace(pairs, nobody=pairs.nobody * 2**-shift).probabilities(moved)
        seen = pairs.agreement.sums(likely, len(start))
        m = em.shares(seen, start, levels.groups, kept=kept, worth=_M_WORTH)
        moved = np.where(kept, 0.0, np.minimum(np.log2(m / start), _MOST)).round(6)
        shift = round(_logit_of(likely.sum(), records, model) - logit(model.on_register), 6)
    return pl.Series((pairs.weights(moved) + shift).round(6))


def _logit_of(linked: float, records: int, model: Model) -> float:
    share = (linked + model.on_register * _SHARE_WORTH) / (records + _SHARE_WORTH)
    return logit(min(max(float(share), _SHARES[0]), _SHARES[1]))
