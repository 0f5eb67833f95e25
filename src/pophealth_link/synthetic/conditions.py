"""Conditions in general practice: who has them, since when, and which were resolved."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Ints, Streams, chance
from pophealth_link.synthetic.events import as_dates
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
        rows = np.concatenate([np.flatnonzero(each) for each in (has, had, again)])
        resolved = np.repeat([False, True, False], [has.sum(), had.sum(), again.sum()])
        frames.append(_events(people, name, settings, rows, resolved, rng))
    events = pl.concat(frames).filter(people["registered"].gather(pl.concat(frames)["person"]))
    return people, events.sort("person", "condition", "recorded_date")


def _events(
    people: pl.DataFrame,
    condition: str,
    settings: Table,
    rows: Ints,
    resolved: np.ndarray[tuple[int], np.dtype[np.bool_]],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return one event for each of the people `rows`, with its day and that of its end."""
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)[rows]
    last = people["last_day"].to_numpy()[rows]
    earliest = (date(settings["earliest"], 4, 1) - date(1970, 1, 1)).days
    first = np.maximum(born + int(settings["from_age"] * YEAR), earliest)
    day = first + (rng.random(len(rows)) * np.maximum(last - first, 0)).astype(np.int64)
    day = np.minimum(day, last)
    end = day + (rng.random(len(rows)) * (last - day)).astype(np.int64)
    return pl.DataFrame(
        {
            "person": people["person"].gather(rows),
            "condition": [condition] * len(rows),
            "recorded_date": as_dates(day),
            "resolved_date": as_dates(end, known=resolved),
        }
    )
