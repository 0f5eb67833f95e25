"""Rounded numbers of patients, which weigh published values on the registered basis."""

from __future__ import annotations

import polars as pl

from pophealth_link.disclosure import Policy
from pophealth_link.indicators.area import RoundPeople


def round_patients(policy: Policy | None) -> RoundPeople | None:
    """Return the function that rounds counts of patients by the policy; none without a policy.

    It takes a frame with `people`, whole counts above zero, and adds `withheld`. Counts that the
    policy withholds, or rounds to nothing, all become the same number, the middle of the small
    counts: it tells no more than the mark, and nobody vanishes from the weights.

    >>> from pophealth_link.disclosure import policy
    >>> known = round_patients(policy("hes"))(pl.DataFrame({"people": [1, 7, 8]}))
    >>> known["people"].to_list(), known["withheld"].to_list()
    ([4.0, 4.0, 10.0], [True, True, False])
    """
    if policy is None:
        return None
    tried = pl.DataFrame({"people": range(1, max(policy.first_shown, policy.base) + 1)})
    middle = tried.filter(_withheld(policy)).select(pl.col("people").mean()).item()
    return lambda frame: frame.with_columns(
        pl.when(_withheld(policy))
        .then(pl.lit(middle, pl.Float64))
        .otherwise(policy.released("people"))
        .alias("people"),
        withheld=_withheld(policy),
    )


def _withheld(policy: Policy) -> pl.Expr:
    return policy.released("people").fill_null(0) <= 0
