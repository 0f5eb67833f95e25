"""People who are in two runs: what their numbers tell of how far two baselines move together.

Worked out in the later run, which kept the person ids of the earlier one. What is told is a share
of each footprint and one correlation of each indicator, both rounded down, so that they tell of
nobody and never make an interval narrower than the counts would.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import polars as pl

from pophealth_link.disclosure import Policy
from pophealth_link.engine import Frame, collect
from pophealth_link.indicators import person
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import per_person
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.places.units import REGISTERED, RESIDENT

_BASES = (REGISTERED, RESIDENT)
_CELL = ("basis", "footprint_type", "footprint_code")
_HUNDREDTHS, _TENTHS = 100, 10
_SCHEMA = {**dict.fromkeys(_CELL, pl.String), "share": pl.Float64}


def shares_in_both(before: pl.DataFrame, after: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Return, by basis and footprint, the share of its people who were in it in both runs.

    `before`, `after`: PEOPLE_PLACED with a column of footprint codes for each basis and type, such
    as `registered_pcn`. Of current people, share = n_both / √(n_before·n_after), rounded down to
    hundredths, with n_both people in the same footprint both times. Only footprints of so many
    people (a hundred times the policy's smallest shown count or its step, if that is larger) are
    told: a hundredth of them is then more people than the policy rounds by, and no sum or
    difference of such shares gives a small count back. Sorted.

    >>> from pophealth_link.disclosure import policy
    >>> people = pl.DataFrame({"person_id": ["a"], "current": [True], "resident_pcn": ["U1"]})
    >>> shares_in_both(people, people, policy("hes")).height
    0
    """
    frames = [pl.DataFrame(schema=_SCHEMA)]
    then, now = (f.filter(pl.col("current").fill_null(value=False)) for f in (before, after))
    for basis in _BASES:
        for name in sorted({*before.columns} & {*after.columns}):
            if name.startswith(f"{basis}_") and name != f"{basis}_unit":
                kind = name.removeprefix(f"{basis}_")
                frames.append(_share(then, now, name, policy).select(
                    basis=pl.lit(basis), footprint_type=pl.lit(kind),
                    footprint_code="code", share="share"))  # fmt: skip
    return pl.concat(frames).sort(_CELL)


def _share(then: pl.DataFrame, now: pl.DataFrame, name: str, policy: Policy) -> pl.DataFrame:
    pair = [frame.select("person_id", code=name).drop_nulls() for frame in (then, now)]
    both = pair[0].join(pair[1], on=["person_id", "code"])
    counts = [
        frame.group_by("code").len(column)
        for frame, column in ((pair[0], "then"), (pair[1], "now"), (both, "both"))
    ]
    made = counts[0].join(counts[1], on="code").join(counts[2], on="code", how="left")
    enough = pl.min_horizontal("then", "now") >= _HUNDREDTHS * _least(policy)
    share = pl.col("both").fill_null(0) / (pl.col("then").cast(pl.Float64) * pl.col("now")).sqrt()
    # A tiny bit more, so that 0.29 · 100 is not 28.999 999.
    rounded = (share * _HUNDREDTHS + 1e-9).floor() / _HUNDREDTHS
    return made.filter(enough).select("code", rounded.alias("share"))


def _least(policy: Policy) -> int:
    """Return the smallest count above zero that the policy shows, or its step if larger."""
    return max(policy.small_counts[1] + 1, policy.base)


def correlations(
    before: Frame,
    after: BaselineInputs,
    *,
    as_of: date,
    period: tuple[date, date],
    listed: Catalogue,
    policy: Policy,
) -> dict[str, float]:
    """Return, by indicator, how far shared people's values then and now go together.

    `before`: PEOPLE_PLACED of the earlier run, of day `as_of` and that `period`; `after`: the
    inputs of the later one. Both values of a person are read from the later run's records, looked
    up on either day: φ = (p_both - p_then·p_now) / √(p_then·q_then·p_now·q_now) over the people in
    both. Person-level proportions only, of people of all or some ages; 0 where φ is negative.
    Rounded down, to tenths or, where ten times as many people have it, hundredths; left out where
    fewer have it than ten times the policy's smallest shown count, or where the later records do
    not reach back.
    """
    days = ((as_of, period), (after.as_of, after.period))
    both: dict[tuple[int | None, int | None], pl.DataFrame] = {}
    found = {}
    for each in listed.at("person"):
        if each.statistic != "proportion" or each.among or not _has(each, after.events):
            continue
        ages = (each.min_age, each.max_age)
        if ages not in both:
            both[ages] = _in_both(each, before, after.people)
        sides = [_counted(each, after.events, *when, both[ages]) for when in days]
        value = _phi(both[ages].height, sides[0], sides[1], policy)
        if value is not None:
            found[each.id] = value
    return found


def _has(indicator: Indicator, events: Mapping[str, Frame]) -> bool:
    """Return whether the job gives every table that an indicator reads."""
    return indicator.unnamed is None and all(rule.table in events for rule in indicator.events)


def _in_both(indicator: Indicator, before: Frame, after: Frame) -> pl.DataFrame:
    """Return person_id of those whom an indicator is about in both runs."""
    sides = [
        collect(person.population(people, indicator).select("person_id"))
        for people in (before, after)
    ]
    return sides[0].join(sides[1], on="person_id", how="semi")


def _counted(
    indicator: Indicator,
    events: Mapping[str, Frame],
    as_of: date,
    period: tuple[date, date],
    among: pl.DataFrame,
) -> pl.DataFrame:
    counts = per_person(indicator, events, as_of=as_of, period=period).select("person_id")
    return among.join(collect(counts), on="person_id", how="semi")


def _phi(people: int, then: pl.DataFrame, now: pl.DataFrame, policy: Policy) -> float | None:
    """Return the correlation of two yes/no values of `people`; `then`, `now`: whose is yes."""
    had, has = then.height, now.height
    together = then.join(now, on="person_id", how="semi").height
    rarest = min(had, has, people - had, people - has)
    if rarest < _TENTHS * _least(policy):
        return None
    spread = math.sqrt(had * (people - had) * has * (people - has))
    value = max(0.0, (people * together - had * has) / spread)
    step = _HUNDREDTHS if rarest >= _HUNDREDTHS * _least(policy) else _TENTHS
    return math.floor(value * step + 1e-9) / step
