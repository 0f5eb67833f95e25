"""Conditions in general practice: who has them, since when, and which were resolved."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Rng, Streams, chance
from pophealth_link.synthetic.events import as_dates, some_day
from pophealth_link.synthetic.members import YEAR
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.risk import risk

_RECORDED_AGAIN = 0.04


def add_conditions(
    people: pl.DataFrame, profile: Profile, streams: Streams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return people with `has_<condition>`, and events by `person`, as `condition_events`.

    Resolved conditions come on top: a person with one does not have the condition now.
    """
    frames: list[pl.DataFrame] = []
    for name, settings in profile.england["conditions"].items():
        rng = streams.stage(f"condition {name}")
        probability = risk(people, settings, profile)
        has = chance(rng, probability)
        had = ~has & chance(rng, probability * settings["resolved"])
        people = people.with_columns(pl.Series(f"has_{name}", has))
        again = has & chance(rng, _RECORDED_AGAIN, people.height)
        rows = np.concatenate([np.flatnonzero(each) for each in (has, again, had)])
        events = _events(people[rows], settings, rng).with_columns(
            pl.lit(name).alias("condition"),
            # Those who had it come last: theirs alone have ended.
            pl.when(pl.int_range(pl.len()) >= len(rows) - int(had.sum())).then("resolved_date"),
        )
        frames.append(events.filter(people[rows]["registered"]))
    return people, pl.concat(frames).sort("person", "condition", "recorded_date")


def _events(people: pl.DataFrame, settings: Table, rng: Rng) -> pl.DataFrame:
    """Return one event for each of the people, with its day and the day of its end."""
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    last = people["last_day"].to_numpy()
    earliest = (date(settings["earliest"], 4, 1) - date(1970, 1, 1)).days
    first = np.maximum(born + int(settings["from_age"] * YEAR), earliest)
    day = some_day(rng, first, last)
    # A condition recorded before the usual age was recorded on the last day.
    day = np.minimum(day, last)
    return pl.DataFrame(
        {
            "person": people["person"],
            "recorded_date": as_dates(day),
            "resolved_date": as_dates(some_day(rng, day, last)),
        }
    )
