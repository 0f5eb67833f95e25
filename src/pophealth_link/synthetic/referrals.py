"""What a referral to mental-health services says, and how long the person waits to be seen."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats, Ints, Rng, pick_key
from pophealth_link.synthetic.profile import Table

_ADULT, _OLDER = 18, 65


def add_reasons(
    referrals: pl.DataFrame, people: pl.DataFrame, care: Table, rng: Rng
) -> pl.DataFrame:
    """Add primary_reason and priority, by age and condition, and `wait`: days until seen."""
    who = people[referrals["person"].to_numpy()]
    reason = _reasons(who, care, rng)
    crisis = reason == care["crisis_reason"]
    priority = np.where(
        crisis,
        pick_key(rng, care["priority_in_crisis"], len(reason)),
        pick_key(rng, care["priority"], len(reason)),
    )
    return referrals.with_columns(
        pl.Series("primary_reason", reason),
        pl.Series("priority", priority),
        pl.Series("wait", _waits(reason, priority, care, rng)),
    )


def _reasons(who: pl.DataFrame, care: Table, rng: Rng) -> np.ndarray:
    """Return a reason for each row, by age and condition."""
    age = who["age"].to_numpy()
    groups = {
        "child": age < _ADULT,
        "severe": who["has_severe_mental_illness"].to_numpy(),
        "older": (age >= _OLDER) | who["has_dementia"].to_numpy(),
    }
    drawn = {name: pick_key(rng, care["reason"][name], len(age)) for name in (*groups, "other")}
    found = drawn["other"]
    for name in reversed(groups):
        found = np.where(groups[name], drawn[name], found)
    return found


def _waits(reason: np.ndarray, priority: np.ndarray, care: Table, rng: Rng) -> Ints:
    """Return days until a referral is seen: log-normal, by reason, shorter where urgent."""
    medians = care["wait_days_median"]
    middle: Floats = np.full(len(reason), float(medians["other"]))
    for code, days in medians.items():
        middle = np.where(reason == code, days, middle)
    middle = middle * np.where(priority == "2", care["wait_ratio_urgent"], 1.0)
    middle = np.where(np.isin(priority, ("1", "4")), care["wait_days_emergency"], middle)
    days = rng.lognormal(np.log(middle), care["wait_days_sigma"])
    return np.asarray(np.floor(days), dtype=np.int64)
