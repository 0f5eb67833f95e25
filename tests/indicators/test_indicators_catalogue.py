"""The catalogue: what it must hold, and what it refuses."""

import pytest

from pophealth_link.errors import JobError
from pophealth_link.indicators import catalogue, load, read

# The core ids that the interface fixes.
CORE = (
    *("deprivation_average_score", "deprivation_most_deprived_decile"),
    *("housing_social_rented", "housing_private_rented", "homelessness_duty_owed"),
    *("temporary_accommodation", "overcrowding_bedrooms", "employment_deprived"),
    *("public_transport_access", "noise_exposed_55db", "one_person_households"),
    *("depression_recorded", "severe_mental_illness_recorded", "dementia_recorded"),
    *("mental_health_referrals", "mental_health_contacts"),
    *("mental_health_emergency_admissions", "delayed_discharge_days"),
    *("delayed_discharge_days_housing", "delayed_discharge_days_social_care"),
    *("social_care_mental_health_support", "need_index"),
)
DOMAINS = {
    *("deprivation", "housing", "overcrowding", "employment", "transport", "noise"),
    *("social_isolation", "recorded_need", "service_use", "index"),
    *("population", "crime", "environment", "services"),
}
VALID = """
[depressed]
title = "t"
domain = "d"
role = "need"
direction = 1
level = "person"
statistic = "proportion"
unit = "%"
multiplier = 100
interval = "wilson"
period = "point"
counted = "people"
numerator = "n"
denominator = "d"
source = "s"
what_it_is = "w"
what_it_is_not = "w"
[[depressed.events]]
table = "condition_events"
timing = "unresolved"
date = "recorded_date"
end = "resolved_date"
where = { condition = ["depression"] }
"""


def problem(text: str) -> str:
    with pytest.raises(JobError) as caught:
        read(text, "mine.toml")
    return str(caught.value)


def test_holds_every_core_id_and_domain():
    held = catalogue()
    assert set(CORE) <= set(held.ids)
    assert set(held.domains) >= DOMAINS
    assert len(held) == len(set(held.ids)) == sum(1 for _ in held)


def test_property_and_area_levels_are_covered():
    held = catalogue()
    assert {each.id for each in held.at("property")} == {"single_person_discount", "licensed_hmo"}
    of_authorities = {each.id for each in held if each.imputed_down}
    assert of_authorities >= {
        *("homelessness_assessed", "noise_complaints", "temporary_accommodation_lad"),
        *("noise_exposed_day_lad", "noise_exposed_night_lad", "loneliness", "rough_sleeping"),
    }
    # The indices list these by LSOA, and give every LSOA of an authority the same value.
    assert {each.id for each in held if each.imputed_down and each.area_type == "lsoa"} == {
        *("homelessness_iod", "core_homelessness"),
    }


def test_index_members_measure_need_in_areas_and_never_deprivation_as_a_whole():
    members = catalogue().members()
    assert len(members) >= 3
    for each in members:
        assert (each.level, each.role) == ("area", "need")
        assert each.direction in (1, -1)
        # The overall score holds a health domain that counts mental health.
        assert each.deprivation is None
        assert not each.imputed_down


def test_depression_is_the_register_of_the_quality_and_outcomes_framework():
    depression = catalogue()["depression_recorded"]
    (rule,) = depression.events
    assert depression.min_age == 18
    assert rule.since is not None
    assert rule.since.isoformat() == "2006-04-01"
    assert rule.timing == "unresolved"


def test_repeat_events_never_have_poisson_limits():
    for each in catalogue():
        if each.counted in ("events", "days"):
            assert each.interval == "compound_poisson", each.id


def test_public_transport_is_not_the_score_of_all_modes():
    assert catalogue()["public_transport_access"].measure == "public_transport"


def test_a_valid_catalogue_reads():
    assert read(VALID)["depressed"].events[0].where == {"condition": ("depression",)}


def test_named_code_lists_come_from_the_schema():
    text = VALID.replace('["depression"]', '"HOUSING_DELAY_REASONS"')
    text = text.replace("condition_events", "delayed_discharges").replace("condition =", "reason =")
    text = text.replace("recorded_date", "start_date").replace("resolved_date", "end_date")
    assert read(text)["depressed"].events[0].where["reason"][:2] == ("14", "15")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "t"', 'titel = "t"', "Did you mean `title`?"),
        ('"condition_events"', '"condition_event"', "Did you mean `condition_events`?"),
        ('date = "recorded_date"', 'date = "recorded"', "Did you mean `recorded_date`?"),
        ("{ condition", "{ conditions", "Did you mean `condition`?"),
        ('["depression"]', '["depresion"]', "Did you mean `depression`?"),
        ('["depression"]', '"HOUSING_DELAY"', "Did you mean `HOUSING_DELAY_REASONS`?"),
        ('"unresolved"', '"unsolved"', "Did you mean `unresolved`?"),
        ('end = "resolved_date"', "", "this timing needs it"),
        ('date = "recorded_date"', 'date = "condition"', "not a column"),
        ('level = "person"', 'level = "persons"', "Did you mean `person`?"),
        ("direction = 1", "direction = 2", "must be 1, 0 or -1"),
        ('period = "point"', 'period = "period"', "only for a rate"),
        ('interval = "wilson"', 'interval = "byar"', "of a proportion must be one of wilson"),
        ('counted = "people"', 'counted = "events"', "a proportion counts people"),
        ('counted = "people"', 'counted = "people"\nmin_age = 17', "start of an age band"),
        ('counted = "people"', 'counted = "people"\nmeasure = "m"', "no meaning at level person"),
        ('counted = "people"', 'counted = "people"\nsettings = ["gp"]', "`gp` is not a code"),
        ("multiplier = 100", "multiplier = 0", "whole number above 0"),
        ("[depressed]", "depressed = 1\n[other]", "must be a table"),
    ],
)
def test_refuses_and_names_the_nearest(old, new, said):
    assert old in VALID
    text = VALID.replace(old, new, 1)
    text = "depressed = 1" if "must be a table" in said else text
    assert said in problem(text)


def test_reports_every_problem_at_once():
    text = VALID.replace('"%"', "1").replace("depression", "depresion")
    said = problem(text)
    assert "mine.toml has 2 problems" in said
    assert "depressed.unit" in said
    assert "depressed.events[0].where" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('measure = "m"\ndeprivation = "imd_score"', "must have one of measure"),
        ('measure = "m"\narea_type = "lad"', "must be true with area_type lad"),
        ('deprivation = "imd_score"\nimputed_down = true', "is of a measure only"),
        (
            'measure = "m"\nindex = true\nimputed_down = true\narea_type = "lad"',
            "cannot be a member",
        ),
        ('measure = "m"\nindex = true\nrole = "use"', "has role need"),
        ('deprivation = "imd_scores"', "Did you mean `imd_score`?"),
    ],
)
def test_refuses_area_definitions_that_contradict_themselves(change, said):
    text = VALID.split("[[", maxsplit=1)[0].replace('level = "person"', 'level = "area"')
    text = text.replace('counted = "people"\n', "")
    text = text.replace('role = "need"\n', "") if "role" in change else text
    assert said in problem(text + change)


def test_unknown_id_names_the_nearest():
    with pytest.raises(JobError, match="Did you mean `depression_recorded`"):
        catalogue()["depresion_recorded"]


def test_files_are_read_and_absent_or_broken_ones_refused(tmp_path):
    path = tmp_path / "mine.toml"
    with pytest.raises(JobError, match="does not exist"):
        load(path)
    path.write_text("a = [", "utf-8")
    with pytest.raises(JobError, match="is not TOML"):
        load(path)
    path.write_text(VALID, "utf-8")
    assert load(path).ids == ("depressed",)
