"""Stays in mental-health beds: which ward, how far from home, and under which section."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, chance, pick_key
from pophealth_link.synthetic.events import as_dates, with_ids
from pophealth_link.synthetic.profile import Table

_ADULT, _OLDER = 18, 65
_FOR_ASSESSMENT, _FOR_TREATMENT, _INFORMAL, _PLACE_OF_SAFETY = "02", "03", "01", "20"
_ASSESSMENT_DAYS = 28


def out_of_area(
    spells: pl.DataFrame, people: pl.DataFrame, care: Table, rng: Rng
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return spells with referral_id, and the referrals by which adults were placed out of area."""
    adult = people["age"].to_numpy()[spells["person"].to_numpy()] >= _ADULT
    away = adult & chance(rng, care["out_of_area"], spells.height)
    reason = pick_key(rng, care["out_of_area_reason"], spells.height)
    placed = spells.with_columns(pl.Series("reason", reason)).filter(pl.Series(away))
    made = placed.select(
        "person",
        pl.col("start_date").alias("referral_date"),
        pl.col("end_date").alias("discharge_date"),
        pl.lit(care["out_of_area_primary_reason"]).alias("primary_reason"),
        pl.lit("3").alias("priority"),
        pl.col("reason").alias("out_of_area_reason"),
        "spell_id",
    )
    made = with_ids(made.sort("person", "referral_date"), "referral_id", "O")
    named = made.select("spell_id", "referral_id")
    joined = spells.join(named, on="spell_id", how="left", maintain_order="left")
    return joined, made.drop("spell_id")


def ward_stays(spells: pl.DataFrame, people: pl.DataFrame, care: Table, rng: Rng) -> pl.DataFrame:
    """Return the stays on wards: some adults are in intensive care at first."""
    age = people["age"].to_numpy()[spells["person"].to_numpy()]
    size = spells.height
    intensive = (age >= _ADULT) & (age < _OLDER) & chance(rng, care["intensive_care"], size)
    begun = spells["start_date"].to_physical().to_numpy().astype(np.int64)
    until = begun + np.minimum(care["intensive_care_days"], _length(spells) // 2)
    intensive = intensive & (until > begun)
    away = spells["referral_id"].is_not_null().to_numpy()
    whole = spells.select("person", "spell_id", "start_date", "end_date").with_columns(
        pl.Series("home_distance", _distances(away, care, rng)),
        pl.Series("bed_type", _beds(age, care, rng)),
        pl.Series("moved", intensive),
        as_dates(until).alias("until"),
    )
    first = whole.filter("moved").with_columns(
        pl.col("until").alias("end_date"), pl.lit(care["intensive_care_bed"]).alias("bed_type")
    )
    rest = whole.with_columns(
        pl.when("moved").then("until").otherwise("start_date").alias("start_date")
    )
    both = pl.concat([first, rest]).drop("moved", "until").sort("person", "start_date", "bed_type")
    return with_ids(both, "ward_stay_id", "W")


def _length(spells: pl.DataFrame) -> Ints:
    """Return the days of each spell; of those that are open, a long time."""
    days = (spells["end_date"] - spells["start_date"]).dt.total_days().fill_null(10_000)
    return np.asarray(days.to_numpy(), dtype=np.int64)


def _beds(age: Ints, care: Table, rng: Rng) -> np.ndarray:
    drawn = {
        name: pick_key(rng, care["bed"][name], len(age)) for name in ("child", "adult", "older")
    }
    older = np.where(age >= _OLDER, drawn["older"], drawn["adult"])
    return np.where(age < _ADULT, drawn["child"], older)


def _distances(away: Bools, care: Table, rng: Rng) -> Ints:
    """Return whole kilometres from home: log-normal, far more where placed out of area."""
    middle: Floats = np.where(away, care["distance_km"]["away"], care["distance_km"]["local"])
    return np.asarray(np.rint(rng.lognormal(np.log(middle), 0.6)), dtype=np.int64)


def legal_statuses(
    spells: pl.DataFrame, people: pl.DataFrame, care: Table, rng: Rng
) -> pl.DataFrame:
    """Return legal statuses in hospital: informal, or section 2, then 3 where the stay goes on.

    Before some of them the person was taken to a place of safety, on the day of admission.
    """
    size, length = spells.height, _length(spells)
    age = people["age"].to_numpy()[spells["person"].to_numpy()]
    held = chance(rng, np.where(age >= _ADULT, care["detained"], care["detained"] / 3))
    safety = held & chance(rng, care["place_of_safety"], size)
    start = spells["start_date"]
    change = start.dt.offset_by(f"{_ASSESSMENT_DAYS}d")
    longer = held & (length > _ASSESSMENT_DAYS)
    # A spell that is open, and not yet so long, has not changed.
    gone_by = (
        change <= people["last_day"].cast(pl.Int32).cast(pl.Date).gather(spells["person"])
    ).to_numpy()
    longer = longer & gone_by
    rows = spells.select("person", "start_date", "end_date").with_columns(change.alias("change"))
    parts = [
        _status(rows.filter(pl.Series(~held)), _INFORMAL),
        _status(
            rows.filter(pl.Series(safety)).with_columns(end_date="start_date"), _PLACE_OF_SAFETY
        ),
        _status(rows.filter(pl.Series(held & ~longer)), _FOR_ASSESSMENT),
        _status(rows.filter(pl.Series(longer)).with_columns(end_date="change"), _FOR_ASSESSMENT),
        _status(rows.filter(pl.Series(longer)).with_columns(start_date="change"), _FOR_TREATMENT),
    ]
    events = pl.concat(parts).sort("person", "start_date", "legal_status")
    return with_ids(events, "period_id", "L")


def _status(rows: pl.DataFrame, code: str) -> pl.DataFrame:
    return rows.select("person", "start_date", "end_date", pl.lit(code).alias("legal_status"))
