"""The tables of service use that a run gives beside its baseline, by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.need.capacity import capacity
from pophealth_link.need.costs import costs
from pophealth_link.need.service_shares import service_shares
from pophealth_link.need.waits import waits


def service_outputs(
    baseline: pl.DataFrame,
    summary: Mapping[str, Any],
    *,
    period: tuple[date, date],
    beds: pl.DataFrame | None = None,
    unit_costs: pl.DataFrame | None = None,
    indicators: Catalogue | None = None,
) -> dict[str, pl.DataFrame]:
    """Return waiting_times, service_shares and, where their inputs are given, capacity and costs.

    `baseline` and `summary` (its policy and over-dispersion): as `release` returns them; nothing
    else is read. `period`: first and last day. `beds`, `unit_costs`: see `service_inputs`. Raises
    as `capacity` and `costs` do.
    """
    dispersion = {
        each["indicator"]: float(each["over_dispersion"])
        for each in summary.get("indicators", ())
        if "over_dispersion" in each
    }
    rounding = _rounding(summary)
    found = {
        "waiting_times": waits(baseline, rounding=rounding),
        "service_shares": service_shares(baseline, dispersion=dispersion, rounding=rounding),
    }
    if beds is not None:
        found["capacity"] = capacity(baseline, beds, period=period, indicators=indicators)
    if unit_costs is not None:
        found["costs"] = costs(baseline, unit_costs, indicators=indicators)
    return found


def _rounding(summary: Mapping[str, Any]) -> float:
    """Return how far a count may lie from its own, by the policy of the release."""
    base = float(summary.get("policy", {}).get("base", 1))
    return base / 2 if base > 1 else 0.0
