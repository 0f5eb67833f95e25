"""Event tables made from others, which an ordinary rule of the catalogue then counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from pophealth_link.engine import Frame
from pophealth_link.indicators import (
    derived_crisis,
    derived_detentions,
    derived_stays,
    derived_waits,
)
from pophealth_link.indicators.derived_parts import Given, Period

_Maker = Callable[[Given], pl.LazyFrame | None]
_MAKERS: Mapping[str, _Maker] = {
    "bed_discharges": derived_stays.bed_discharges,
    "placements": derived_stays.placements,
    "ward_type_stays": derived_stays.ward_type_stays,
    "ward_type_delays": derived_stays.ward_type_delays,
    "detentions": derived_detentions.detentions,
    "crisis_presentations": derived_crisis.presentations,
    "crisis_outcomes": derived_crisis.outcomes,
    "waits": derived_waits.waits,
    "talking_therapies_waits": derived_waits.talking_therapies,
}


# What an extract may leave out for everybody, and which then tells nothing of anybody.
_TELLING = (
    ("contacts", "attendance"),
    ("delayed_discharges", "reason"),
    ("hospital_spells", "admission_method"),
    ("hospital_spells", "spell_id"),
    ("hospital_spells", "start_date"),
    ("referrals", "out_of_area_reason"),
    ("referrals", "primary_reason"),
    ("referrals", "priority"),
    ("talking_therapies_contacts", "appointment_type"),
    ("talking_therapies_contacts", "attendance"),
    ("ward_stays", "home_distance"),
    ("ward_stays", "spell_id"),
)
# What it may leave out for all rows with a code: table, column, and the column of the code.
_TELLING_OF = (("crisis_assessments", "began_date", "decision"),)


def derived(
    events: Mapping[str, Frame],
    *,
    as_of: date,
    period: Period,
    extract: Mapping[str, Frame] | None = None,
) -> dict[str, Frame]:
    """Return `events` with the tables of DERIVED_TABLES that can be made from them.

    `events`: table name → person_id, optionally source, and the table's columns, those absent
    being empty. `as_of`: the day; `period`: first and last day, both included. A table whose
    inputs are not given is left out, so that what it would count has no data rather than a zero.
    Derived tables are Polars frames with `person_id` and the declared columns, in the same order
    for any order of rows and number of threads. They are made from Polars frames alone: tables on
    another engine are returned as they are, and nothing is derived from them.

    Stays, readmissions and waits are those of a person: where events are given to other people
    (another draw of the links), derive again. `extract`: the events of everybody, where `events`
    are those of some: whether a column is filled at all is looked up there. What would be made of
    a column that never is filled is left empty or out, so that no count of it is zero.

    >>> day = date(2026, 3, 1)
    >>> dates = {"start_date": day, "end_date": [date(2026, 3, 9)]}
    >>> spell = pl.DataFrame({"person_id": "a", "admission_method": "11", **dates})
    >>> made = derived({"hospital_spells": spell}, as_of=day, period=(day, day))
    >>> made["bed_discharges"]["readmitted"].to_list()
    ['no']
    """
    said = _said(Given(_plans(events if extract is None else extract), as_of, period))
    given = Given(_plans(events), as_of, period, said)
    made = {name: make(given) for name, make in _MAKERS.items() if name not in events}
    plans = {name: plan for name, plan in made.items() if plan is not None}
    frames = pl.collect_all([plan.sort(pl.all()) for plan in plans.values()])
    return {**events, **dict(zip(plans, frames, strict=True))}


def _plans(events: Mapping[str, Frame]) -> dict[str, pl.LazyFrame]:
    return {
        name: frame.lazy()
        for name, frame in events.items()
        if isinstance(frame, pl.DataFrame | pl.LazyFrame)
    }


def _said(extract: Given) -> frozenset[tuple[str, ...]]:
    """Return the columns of `_TELLING` and `_TELLING_OF` that hold a value anywhere."""
    held = [each for each in _TELLING if extract.has(each[0])]
    plans = [extract.table(name).select(pl.col(column).count() > 0) for name, column in held]
    filled = zip(held, pl.collect_all(plans), strict=True)
    coded = [each for each in _TELLING_OF if extract.has(each[0])]
    plans = [
        extract.table(name).filter(pl.col(column).is_not_null()).select(pl.col(by).unique())
        for name, column, by in coded
    ]
    told = zip(coded, pl.collect_all(plans), strict=True)
    codes = {
        (name, column, code)
        for (name, column, _), found in told
        for code in found.to_series().drop_nulls()
    }
    return frozenset({each for each, one in filled if one.item()} | codes)
