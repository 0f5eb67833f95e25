"""Services against published figures, and children's social care."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from pophealth_link.synthetic import Synthetic

START, END = date(2025, 4, 1), date(2026, 3, 31)
REGISTERED = 40_000
HOUSEHOLDS = REGISTERED / 2.36  # Census 2021, England: 2.36 usual residents to a household


def events(made: Synthetic, table: str, source: str) -> pl.DataFrame:
    """The events of a table with who they truly are of."""
    truth = made.truth.filter(pl.col("source") == source).drop("source")
    return made.tables[table].join(truth, on="record_id")


def people(made: Synthetic, *bands: str) -> int:
    return made.people.filter(pl.col("age_band").is_in(bands)).height


CHILDREN = ("00-04", "05-09", "10-14", "15", "16-17")


@pytest.fixture(scope="module")
def episodes(made: Synthetic) -> pl.DataFrame:
    return events(made, "childrens_social_care_events", "childrens_social_care")


# Department for Education, per 10,000 under 18 on 31 March: 333 in need (2024), of whom 42 had a
# protection plan and 70 were looked after. The room is three standard errors of the counts, and
# that the twelve areas are not England.
@pytest.mark.parametrize(
    ("categories", "published", "room"),
    [
        (("child_in_need", "child_protection", "looked_after"), 333, 0.25),
        (("child_protection",), 42, 0.6),
        (("looked_after",), 70, 0.5),
    ],
)
def test_as_many_children_are_known_as_in_england(
    made: Synthetic,
    episodes: pl.DataFrame,
    categories: tuple[str, ...],
    published: int,
    room: float,
) -> None:
    live = episodes.filter(pl.col("end_date").is_null() & pl.col("category").is_in(categories))
    rate = 10_000 * live["person_id"].n_unique() / people(made, *CHILDREN)
    assert (1 - room) * published < rate < (1 + room) * published


def test_children_alone_are_known_and_of_one_category_on_a_day(episodes: pl.DataFrame) -> None:
    assert set(episodes["age_band"]) <= set(CHILDREN)
    assert episodes.filter(pl.col("end_date").is_null())["person_id"].is_unique().all()
    spans = episodes.sort("person_id", "start_date", "end_date", nulls_last=True)
    before = pl.col("end_date").shift().over("person_id")
    assert not spans.select((pl.col("start_date") < before).any()).item()


def test_poor_children_are_known_far_oftener(episodes: pl.DataFrame, made: Synthetic) -> None:
    held = made.people.filter(pl.col("age_band").is_in(CHILDREN)).group_by("quintile").len()
    sizes = dict(held.iter_rows())
    seen = dict(episodes.unique("person_id").group_by("quintile").len().iter_rows())
    first, last = (seen[f"quintile_{n}"] / sizes[n] for n in (1, 5))
    assert first > 2.5 * last


def test_abuse_or_neglect_is_the_commonest_need(episodes: pl.DataFrame) -> None:
    counts = dict(episodes["primary_need"].value_counts(sort=True).iter_rows())
    assert next(iter(counts)) == "N1"
    assert 0.45 < counts["N1"] / episodes.height < 0.7


def test_brothers_and_sisters_are_known_together(episodes: pl.DataFrame) -> None:
    homes = episodes.unique("person_id").group_by("household_id").len()
    assert (homes["len"] > 1).mean() > 0.1


def test_looked_after_children_live_elsewhere_than_the_register_says(
    made: Synthetic, episodes: pl.DataFrame
) -> None:
    live = episodes.filter((pl.col("category") == "looked_after") & pl.col("end_date").is_null())
    moved = live.filter(pl.col("situation") == "looked_after")
    assert moved.height > 0.6 * live.height
    council = made.tables["childrens_social_care"].select("record_id", council="postcode")
    register = made.truth.filter(pl.col("source") == "gp_register").join(
        made.tables["gp_register"].select("record_id", register="postcode"), on="record_id"
    )
    both = moved.join(council, on="record_id").join(
        register.select("person_id", "register"), on="person_id"
    )
    apart = both.select((pl.col("council") != pl.col("register")).mean()).item()
    assert 0.3 < apart < 0.9


def test_few_children_have_an_nhs_number_with_the_council(made: Synthetic) -> None:
    assert 0.1 < made.tables["childrens_social_care"]["nhs_number"].is_not_null().mean() < 0.35


def test_as_many_are_in_contact_with_mental_health_services_as_in_england(made: Synthetic) -> None:
    """Mental Health Bulletin 2023-24: 6.6 % of all ages; 1,139,355 of 12.0 million under 18."""
    seen = events(made, "referrals", "mental_health_trust").filter(
        (pl.col("referral_date") <= END)
        & (pl.col("discharge_date").is_null() | (pl.col("discharge_date") >= START))
    )
    all_ages = seen["person_id"].n_unique() / made.people.height
    assert 0.055 < all_ages < 0.077
    young = seen.filter(pl.col("age_band").is_in(CHILDREN))["person_id"].n_unique()
    assert 0.07 < young / people(made, *CHILDREN) < 0.125


def test_as_many_with_severe_mental_illness_have_the_whole_health_check_as_in_england(
    made: Synthetic,
) -> None:
    """29.5 % had all six parts in 2018-19 (NHS England); the aim for March 2025 was 60 %."""
    checks = events(made, "health_checks", "gp_register")
    within = checks.filter(pl.col("recorded_date") > END.replace(year=END.year - 1))
    parts = within.group_by("person_id").agg(pl.col("component").n_unique())
    told = events(made, "condition_events", "gp_register")
    ill = told.filter(condition="severe_mental_illness")["person_id"].n_unique()
    assert ill > 200
    assert 0.3 < parts.filter(component=6).height / ill < 0.6
    older = checks.filter(pl.col("recorded_date") <= END.replace(year=END.year - 1))
    assert older["person_id"].n_unique() / ill > 0.05


def test_as_many_adults_are_supported_as_in_england(made: Synthetic) -> None:
    """Client-level data: 1,460 adults per 100,000 with long-term support on 31 December 2024."""
    care = events(made, "social_care_events", "social_care").filter(pl.col("end_date").is_null())
    adults = made.people.height - people(made, *CHILDREN)
    assert 0.011 < care["person_id"].n_unique() / adults < 0.019


def test_admissions_are_as_many_as_in_england(made: Synthetic) -> None:
    """Hospital Episode Statistics 2014-15: 29,260 admissions per 100,000 people."""
    assert 0.24 < made.tables["admissions"].height / made.people.height < 0.34
    seen = events(made, "admissions", "acute")
    women = seen.filter(pl.col("sex") == "2").height / seen.height
    assert 0.5 < women < 0.6  # 56.0 %


def test_the_housing_register_is_as_long_as_in_england(made: Synthetic) -> None:
    """1.33 million households on 31 March 2024, of 23.8 million: 5.6 %."""
    live = made.tables["housing_applications"].filter(pl.col("end_date").is_null())
    assert 0.042 < live["application_id"].n_unique() / HOUSEHOLDS < 0.07


def test_as_many_households_are_homeless_as_in_england(made: Synthetic) -> None:
    """Statutory homelessness 2023-24: a duty owed to 1.39 % of households."""
    cases = made.tables["homelessness_cases"].filter(pl.col("start_date").is_between(START, END))
    assert 0.010 < cases["case_id"].n_unique() / HOUSEHOLDS < 0.019
