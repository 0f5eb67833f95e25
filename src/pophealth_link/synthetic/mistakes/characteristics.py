"""Mistakes in sex and ethnic category. See `names` for what a mistake takes and returns."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.schema.codes import GROUP_OF_CATEGORY
from pophealth_link.synthetic.draws import Rng, chance, pick
from pophealth_link.synthetic.mistakes.change import met, replaced, rows_hit

# The category of each group that is taken where the true one is not known: "any other".
_OTHER_OF_GROUP = {"white": "C", "mixed": "G", "asian": "L", "black": "P", "other": "S"}
_COMMONEST = "A"


def lose_sex(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave sex empty, or write "not known"."""
    rows = rows_hit(rng, rate, met(records, pl.col("sex") != "X"))
    code = pl.Series(np.where(chance(rng, 0.5, len(rows)), "X", ""), dtype=pl.String)
    return replaced(records, "sex", rows, code.replace("", None))


def mistake_sex(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the other sex."""
    rows = rows_hit(rng, rate, met(records, pl.col("sex").is_in(["1", "2"])))
    other = records["sex"].gather(rows).replace({"1": "2", "2": "1"})
    return replaced(records, "sex", rows, other)


def mistake_ethnic_category(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write "any other" of the same group, of another group, or White British."""
    codes = pl.col("ethnic_category").is_in(list(GROUP_OF_CATEGORY))
    rows = rows_hit(rng, rate, met(records, codes))
    true = records["ethnic_category"].gather(rows).cast(pl.String)
    alike = true.replace(GROUP_OF_CATEGORY).replace(_OTHER_OF_GROUP)
    groups = pl.Series(list(_OTHER_OF_GROUP.values()))
    anywhere = groups.gather(pick(rng, [1.0] * len(groups), len(rows)))
    way = pl.Series(pick(rng, [0.6, 0.25, 0.15], len(rows)))
    drawn = pl.select(
        pl.when(way == 0).then(alike).when(way == 1).then(anywhere).otherwise(pl.lit(_COMMONEST))
    ).to_series()
    # Who bears the drawn category already is taken for the commonest, or for the other of those.
    spare = pl.select(pl.when(true == _COMMONEST).then(pl.lit("C")).otherwise(pl.lit(_COMMONEST)))
    wrong = pl.select(pl.when(drawn == true).then(spare.to_series()).otherwise(drawn)).to_series()
    return replaced(records, "ethnic_category", rows, wrong)


def lose_ethnic_category(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write "not stated" or "not known", or leave the ethnic category empty."""
    known = ~pl.col("ethnic_category").is_in(["Z", "99"])
    rows = rows_hit(rng, rate, met(records, known))
    codes = pl.Series(["Z", "99", None]).gather(pick(rng, [0.4, 0.25, 0.35], len(rows)))
    return replaced(records, "ethnic_category", rows, codes)
