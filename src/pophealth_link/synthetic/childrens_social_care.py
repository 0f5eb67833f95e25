"""Children's social care: children in need, protected by a plan, looked after; and foster homes."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.households import COUPLES
from pophealth_link.synthetic.members import HEAD
from pophealth_link.synthetic.mistakes.change import replaced
from pophealth_link.synthetic.mistakes.places import PLACE
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.risk import risk

Names = NDArray[Any]
_EPOCH = date(1970, 1, 1)
_ADULT = 18
_CARERS = (30, 70)
# The strongest first: a child has one of them on a day.
_CATEGORIES = ("looked_after", "child_protection", "child_in_need")
_ORDER = ("person", "start_date", "category")


def childrens_social_care(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> tuple[pl.DataFrame, ServiceUse]:
    """Return people, some looked-after children in foster homes, and the episodes of the period.

    The family's home becomes their previous address, where the register still has many of them.
    Added: carers_family_name, null for everybody else.
    """
    care, rng = profile.england["childrens_social_care"], streams.stage("children's social care")
    level = _levels(people, care["siblings_together"], rng)
    known, low = [], np.zeros(people.height)
    for category in _CATEGORIES:
        high = low + _in_year(people, category, care, profile)
        known.append(np.flatnonzero((level >= low) & (level < high)))
        low = high
    start = (period[0] - _EPOCH).days
    frames = [
        _episodes(people[rows], category, start, care, rng)
        for rows, category in zip(known, _CATEGORIES, strict=True)
    ]
    events = with_ids(pl.concat(frames).sort(_ORDER), "event_id", "CS")
    away = known[0][chance(rng, care["placed_elsewhere"], len(known[0]))]
    use = ServiceUse(np.unique(np.concatenate(known)), {"childrens_social_care_events": events})
    return _placed(people, away, care["registered_at_placement"], rng), use


def _levels(people: pl.DataFrame, together: float, rng: Rng) -> Floats:
    """Return a level from 0 to 1 for each person; many brothers and sisters share theirs."""
    household = people["household"].to_numpy()
    own = rng.random(people.height)
    shared = rng.random(int(household.max()) + 1)[household]
    return np.where(chance(rng, together, people.height), shared, own)


def _in_year(people: pl.DataFrame, category: str, care: Table, profile: Profile) -> Floats:
    """Return the probability that a child was of the category at some time in the year.

    The rates are of children on the last day: those whose episode had ended come on top.
    """
    settings = profile.england["services"][category]
    child = (people["age"].to_numpy() < _ADULT) & ~people["lives_outside"].to_numpy()
    last_day = risk(people, settings, profile)
    return np.asarray(np.where(child, last_day / (1 - care["ended"][category]), 0.0))


def _episodes(
    people: pl.DataFrame, category: str, start: int, care: Table, rng: Rng
) -> pl.DataFrame:
    """Return an episode for each child, and for some a time in need before it."""
    size, last = people.height, people["last_day"].to_numpy()
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    ended = chance(rng, care["ended"][category], size)
    final = some_day(rng, np.maximum(start, born), last)
    end = np.where(ended, final, last)
    begun = np.maximum(end - _days(ended, category, care, rng), born)
    need = pick_key(rng, care[f"need_{category}"], size)
    main = _frame(people, begun, end, ended, category, need)
    if category == "child_in_need":
        return main
    before = chance(rng, care["in_need_before"], size) & (begun > born)
    earlier = np.maximum(begun - _days(before, "child_in_need", care, rng), born)
    always = np.ones(size, dtype=bool)
    first = _frame(people, earlier, begun, always, "child_in_need", need)
    return pl.concat([main, first.filter(pl.Series(before))])


def _days(ended: Bools, category: str, care: Table, rng: Rng) -> Ints:
    """Return how long episodes last, or have lasted that go on."""
    middle = np.where(ended, care["days_median_ended"][category], care["days_median"][category])
    days = rng.lognormal(np.log(middle), care["days_sigma"])
    return np.asarray(days, dtype=np.int64)


def _frame(
    people: pl.DataFrame, begun: Ints, end: Ints, ended: Bools, category: str, need: Names
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "person": people["person"],
            "start_date": as_dates(begun),
            "end_date": end_dates(people, end, ended),
            "category": pl.Series([category], dtype=pl.String).new_from_index(0, people.height),
            "primary_need": pl.Series(need, dtype=pl.String),
        }
    )


def _placed(people: pl.DataFrame, away: Ints, followed: float, rng: Rng) -> pl.DataFrame:
    """Move the children who live away from their family to foster homes.

    `followed` is the share whose registration went with them. The council that placed them, and
    with it their area's code, stays that of the family.
    """
    carers = _carers(people)
    away = away if len(carers) else away[:0]
    homes = people[carers[rng.integers(0, max(len(carers), 1), len(away))]]
    before = {f"previous_{name}": people[name].gather(away) for name in PLACE}
    now = {name: homes[name] for name in (*PLACE, "quintile")}
    where = pl.Series(np.where(chance(rng, followed, len(away)), "home", "previous"))
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, people.height)
    people = people.with_columns(
        empty.scatter(away, homes["family_name"]).alias("carers_family_name")
    )
    for name, values in (before | now | {"registered_at": where}).items():
        people = replaced(people, name, away, values)
    return people


def _carers(people: pl.DataFrame) -> Ints:
    """Return who could be a foster carer: heads of couples of middle age."""
    age = people["age"].to_numpy()
    could = (people["role"].to_numpy() == HEAD) & np.isin(people["kind"].to_numpy(), COUPLES)
    could &= (age >= _CARERS[0]) & (age < _CARERS[1]) & ~people["lives_outside"].to_numpy()
    return np.flatnonzero(could)
