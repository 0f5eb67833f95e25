"""What the synthetic trusts hold beside contacts and spells: waits, wards, sections, crises."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from pophealth_link.indicators.derived import derived
from pophealth_link.schema import DERIVED_TABLES, EVENT_TABLES
from pophealth_link.synthetic import Synthetic

START, END = date(2025, 4, 1), date(2026, 3, 31)
WHEN = {"as_of": date(2026, 4, 1), "period": (START, END)}
TRUST = (
    *("referrals", "contacts", "hospital_spells", "ward_stays", "delayed_discharges"),
    *("legal_statuses", "crisis_assessments", "emergency_attendances"),
    *("talking_therapies_referrals", "talking_therapies_contacts"),
)


@pytest.fixture(scope="module")
def events(made: Synthetic) -> dict[str, pl.DataFrame]:
    """The trusts' events of the people whom they are truly of."""
    who = made.truth.filter(pl.col("source").is_in(["mental_health_trust", "acute"]))
    ids = who.select("record_id", "person_id", "source")
    return {name: made.tables[name].join(ids, on="record_id").drop("record_id") for name in TRUST}


@pytest.fixture(scope="module")
def further(events: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return derived(events, **WHEN)


def test_every_derived_table_of_service_use_has_rows(further: dict[str, pl.DataFrame]) -> None:
    made_here = set(DERIVED_TABLES) & set(further)
    assert made_here >= {
        *("bed_discharges", "placements", "ward_type_stays", "ward_type_delays", "detentions"),
        *("crisis_presentations", "crisis_outcomes", "waits", "talking_therapies_waits"),
    }
    assert all(further[name].height > 0 for name in made_here)


@pytest.mark.parametrize("table", TRUST)
def test_codes_are_those_of_the_lists(made: Synthetic, table: str) -> None:
    declared = {column.name: column for column in EVENT_TABLES[table].columns}
    for name in made.tables[table].columns:
        codes = declared[name].codes
        if codes is not None:
            assert set(made.tables[table][name].drop_nulls()) <= set(codes.codes), name


def test_wards_fill_each_spell_from_its_first_day_to_its_last(events) -> None:
    spans = events["ward_stays"].group_by("spell_id").agg(
        pl.col("start_date").min(), pl.col("end_date").max(),
        pl.col("end_date").is_null().any().alias("open"),
        (pl.col("start_date").sort().shift(-1) == pl.col("end_date").sort(nulls_last=True))
        .all().alias("meet"),
    )  # fmt: skip
    spells = events["hospital_spells"].select("spell_id", first="start_date", last="end_date")
    both = spells.join(spans, on="spell_id", how="full", coalesce=True)
    assert both["start_date"].equals(both["first"].alias("start_date"))
    assert (both["open"] == both["last"].is_null()).all()
    assert both["meet"].all()


def test_out_of_area_is_far_and_mostly_for_want_of_a_bed(further) -> None:
    stays = further["ward_stays"].join(
        further["hospital_spells"].select("spell_id", away=pl.col("referral_id").is_not_null()),
        on="spell_id",
    )
    middle = dict(stays.group_by("away").agg(pl.col("home_distance").median()).iter_rows())
    assert middle[True] > 4 * middle[False] > 0
    kinds = further["placements"]["kind"]
    assert (kinds == "inappropriate").mean() > 0.6


def test_urgent_referrals_are_seen_sooner(further) -> None:
    waits = further["waits"].filter(outcome="seen")
    middle = dict(waits.group_by("pathway").agg(pl.col("days").median()).iter_rows())
    assert middle["crisis"] <= 3
    assert middle["crisis"] < middle["psychosis"] < middle["memory"]
    unseen = (further["waits"]["outcome"] == "unseen").mean()
    assert 0.05 < unseen < 0.5


def test_some_are_detained_and_longer_stays_move_to_section_3(events, further) -> None:
    statuses = events["legal_statuses"]
    held = statuses.filter(pl.col("legal_status").is_in(["02", "03"]))
    assert (
        0.2 < held["person_id"].n_unique() / events["hospital_spells"]["person_id"].n_unique() < 0.8
    )
    second = statuses.filter(legal_status="03").join(
        statuses.filter(legal_status="02").select("person_id", start_date="end_date"),
        on=["person_id", "start_date"], how="semi",
    )  # fmt: skip
    assert second.height == statuses.filter(legal_status="03").height > 0
    detentions = further["detentions"].filter(kind="detention")
    assert detentions.height <= statuses.filter(legal_status="02").height


def test_crises_wait_both_less_and_more_than_four_hours(further) -> None:
    waits = further["crisis_outcomes"]["wait"]
    for kind in ("within", "over"):
        assert 0.2 < (waits == kind).mean() < 0.8
    assert 0 < (waits == "not_known").mean() < 0.3


def test_whoever_is_admitted_for_self_harm_through_the_door_was_seen_there(events) -> None:
    seen = events["emergency_attendances"].filter(chief_complaint="248062006")
    assert (seen["injury_intent"] == "276853009").all()
    assert seen.height > 0


def test_talking_therapies_begin_with_an_assessment(events) -> None:
    contacts = events["talking_therapies_contacts"].sort("contact_date", "appointment_type")
    first = contacts.group_by("referral_id", maintain_order=True).first()
    assert (first["appointment_type"] == "01").all()
    asked = events["talking_therapies_referrals"].select("referral_id", "referral_date")
    both = contacts.join(asked, on="referral_id")
    assert both.height == contacts.height
    assert (both["contact_date"] >= both["referral_date"]).all()
