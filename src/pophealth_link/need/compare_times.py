"""Days and periods of two baselines: their order, and what unequal or common days mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pophealth_link.errors import DataError
from pophealth_link.need.snapshot import Snapshot

# The same months of two years differ by as many days at most.
LEAP = 1
_WITHIN = ("in_period", "overlap")


def require_order(before: Snapshot | None, after: Snapshot | None) -> None:
    """Raise `DataError` where the later baseline is of an earlier day, or its period ends before.

    Where one has no snapshot, nothing is known of its day.
    """
    if before is None or after is None:
        return
    pairs = {
        "day": (before.as_of, after.as_of),
        "last day of the period": (before.period[1], after.period[1]),
    }
    wrong = [
        f"The {word} is {then} in the first, {now} in the second."
        for word, (then, now) in pairs.items()
        if now < then
    ]
    if wrong:
        raise DataError(
            "the two baselines are out of order.", *wrong, fix="name the earlier one first."
        )


def period_words(
    before: Snapshot | None, after: Snapshot | None, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Return, by word of `differs`, the indicators of what happened within the period.

    `period_length`: shares of people, of whom more have something in a longer period; a rate by
    person-years has its length in it. `period_overlap`: some days are in both periods, so that
    the change is less than that of two periods apart.
    """
    words: dict[str, list[str]] = {"period_length": [], "period_overlap": []}
    if before is None or after is None:
        return words
    days = [(last - first).days for first, last in (before.period, after.period)]
    own = [name for name in sorted(settings) if _within(settings, name)]
    if abs(days[0] - days[1]) > LEAP:
        words["period_length"] = [n for n in own if settings[n].get("statistic") == "proportion"]
    if after.period[0] <= before.period[1]:
        words["period_overlap"] = own
    return words


def _within(settings: Mapping[str, Mapping[str, Any]], name: str) -> bool:
    """Return whether an indicator, or the people whom it counts among, depend on the period."""
    held = settings.get(name, {})
    among = held.get("among")
    timed = any(rule.get("timing") in _WITHIN for rule in held.get("events", ()))
    return (
        held.get("period") == "period"
        or timed
        or (among is not None and among != name and _within(settings, among))
    )
