"""Codes beside the services themselves: diagnoses and employment in the trust, health checks."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, some_day, with_ids
from pophealth_link.synthetic.profile import Profile, Table

_EPOCH = date(1970, 1, 1)
_YEARS_BACK, _YEAR = 6, 365
_FROM, _TO = 18, 64
_ICD10 = "02"


def add_trust_codes(
    people: pl.DataFrame,
    use: ServiceUse,
    period: tuple[date, date],
    profile: Profile,
    streams: Streams,
) -> ServiceUse:
    """Return the trust's use with `diagnoses` (ICD-10) and `employment` of the people it knows.

    Not every condition that a practice has on record is coded, and some are coded that it has not.
    """
    settings, known = profile.england["trust_records"], people[use.persons]
    start = (period[0] - _EPOCH).days
    diagnoses = pl.concat(
        [
            _diagnoses(known, name, start, settings, streams.stage(f"trust diagnosis {name}"))
            for name in settings["codes"]
        ]
    ).sort("person", "recorded_date", "diagnosis")
    coded = with_ids(diagnoses, "event_id", "X")
    work = _employment(known, start, settings, streams.stage("trust employment"))
    return ServiceUse(use.persons, {**use.events, "diagnoses": coded, "employment": work})


def _diagnoses(
    known: pl.DataFrame, name: str, start: int, settings: Table, rng: Rng
) -> pl.DataFrame:
    has = known[f"has_{name}"].to_numpy()
    coded = chance(rng, np.where(has, settings["coded"][name], settings["alone"][name]))
    rows = known.filter(pl.Series(coded))
    return pl.DataFrame(
        {
            "person": rows["person"],
            "recorded_date": _since(rows, start - _YEARS_BACK * _YEAR, rng),
            "scheme": pl.Series([_ICD10] * rows.height, dtype=pl.String),
            "diagnosis": pl.Series([settings["codes"][name]] * rows.height, dtype=pl.String),
            "position": pl.Series([1] * rows.height, dtype=pl.Int64),
        }
    )


def _since(rows: pl.DataFrame, first: int, rng: Rng) -> pl.Series:
    """Return a day for each row of people, from `first` or birth on, up to their last day."""
    born = rows["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    last = rows["last_day"].to_numpy()
    return as_dates(np.minimum(some_day(rng, np.maximum(first, born), last), last))


def _employment(known: pl.DataFrame, start: int, settings: Table, rng: Rng) -> pl.DataFrame:
    asked = chance(rng, settings["employment_asked"], known.height)
    asked &= known["age"].is_between(_FROM, _TO).to_numpy()
    rows = known.filter(pl.Series(asked))
    severe = rows["has_severe_mental_illness"].to_numpy()
    status = np.where(
        severe,
        pick_key(rng, settings["employment_severe"], rows.height),
        pick_key(rng, settings["employment"], rows.height),
    )
    days = _since(rows, start - _YEAR, rng)
    frame = pl.DataFrame({"person": rows["person"], "recorded_date": days})
    return frame.with_columns(pl.Series("employment_status", status, pl.String)).sort(
        "person", "recorded_date"
    )


def health_checks(people: pl.DataFrame, profile: Profile, streams: Streams) -> pl.DataFrame:
    """Return the components of the physical health check by `person`, as `health_checks`.

    Of registered people with severe mental illness: most have all their components at one visit,
    and some of those without one this year had it the year before.
    """
    settings, rng = profile.england["health_checks"], streams.stage("health checks")
    ill = people.filter(pl.col("registered") & pl.col("has_severe_mental_illness"))
    size, last = ill.height, ill["last_day"].to_numpy()
    at_once = chance(rng, settings["together"], size)
    keen, visit = rng.random(size), rng.random(size)
    frames = []
    for name, share in settings["done"].items():
        done = np.where(at_once, keen, rng.random(size)) < share
        before = ~done & chance(rng, settings["year_before"], size)
        since = np.where(at_once, visit, rng.random(size)) + before
        frames.append(
            pl.DataFrame(
                {
                    "person": ill["person"],
                    "recorded_date": as_dates(last - (since * _YEAR).astype(np.int64)),
                    "component": pl.repeat(name, size, dtype=pl.String, eager=True),
                }
            ).filter(pl.Series(done | before))
        )
    return pl.concat(frames).sort("person", "component", "recorded_date")
