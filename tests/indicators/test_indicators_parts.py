"""What is known of people in parts: who knows of whom, and the further keys of rules."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import AS_OF, FIRST, PERIOD, in_duckdb, indicator, rule, table

from pophealth_link.engine import collect, lazy
from pophealth_link.errors import JobError
from pophealth_link.indicators import catalogue, code_lists, extended, load, read
from pophealth_link.indicators.events import evidence, gap, in_part, per_person
from pophealth_link.indicators.overlap import PARTIES, names_of
from pophealth_link.indicators.parts import combined
from pophealth_link.indicators.rows import months_before

DAY = timedelta(days=1)
WHEN = {"as_of": AS_OF, "period": PERIOD}


def found(each, **events):
    return dict(collect(per_person(each, events, **WHEN)).sort("person_id").iter_rows())


GP = table(
    "condition_events",
    *((who, "dementia", date(2020, 1, 1)) for who in ("g", "gt", "gc", "gtc")),
    ("x", "depression", date(2020, 1, 1)),
    columns="person_id condition recorded_date",
).with_columns(setting=pl.lit("primary_care"))
TRUST = table(
    "diagnoses",
    *((who, "F00.1", date(2021, 1, 1)) for who in ("t", "gt", "tc", "gtc")),
    ("x", "F32", date(2021, 1, 1)),
    ("y", "G30", AS_OF + DAY),
    columns="person_id diagnosis recorded_date",
).with_columns(setting=pl.lit("secondary_care"))
COUNCIL = table(
    "social_care_events",
    *((who, date(2024, 1, 1), None, "memory_and_cognition") for who in ("c", "gc", "tc", "gtc")),
    ("x", date(2024, 1, 1), None, "physical"),
    ("z", date(2024, 1, 1), FIRST - DAY, "memory_and_cognition"),
    columns="person_id start_date end_date primary_support_reason",
).with_columns(setting=pl.lit("local_authority"))
TEMPORARY = table(
    "temporary_accommodation", ("x", date(2026, 1, 1), None),
    columns="person_id start_date end_date",
)  # fmt: skip
KNOWN = {"condition_events": GP, "diagnoses": TRUST, "social_care_events": COUNCIL}


def test_each_combination_of_who_knows_has_its_own_people():
    """One person of each, called by the letters of those who know."""
    for knowing, name in names_of("dementia").items():
        person = "".join(party[0] for party in PARTIES if party in knowing)
        assert found(catalogue()[name], **KNOWN) == {person: 1}
    every = {"c": 1, "g": 1, "gc": 1, "gt": 1, "gtc": 1, "t": 1, "tc": 1}
    assert found(catalogue()["dementia_known"], **KNOWN) == every


def test_the_setting_of_a_source_says_who_knows():
    """A council that sends diagnoses is no trust."""
    events = {**KNOWN, "diagnoses": TRUST.with_columns(setting=pl.lit("local_authority"))}
    why = gap(catalogue()["dementia_known"], events, **WHEN)
    assert (
        why
        == "trust: diagnoses holds no row of the time up to the day from secondary_care or community"
    )


def test_a_register_counts_what_general_practices_record_and_so_do_its_parts():
    """A trust that sends conditions adds nobody to the register of practices."""
    sent = GP.filter(condition="dementia").with_columns(
        person_id=pl.col("person_id").replace({"g": "a", "gc": "b"}),
        setting=pl.lit("secondary_care"),
    )
    events = {**KNOWN, "condition_events": pl.concat([GP, sent])}
    register = found(catalogue()["dementia_recorded"], **events)
    assert register == {"g": 1, "gc": 1, "gt": 1, "gtc": 1}
    parts = [name for knowing, name in names_of("dementia").items() if "gp" in knowing]
    counts = [set(found(catalogue()[name], **events)) for name in parts]
    assert sorted(register) == sorted(who for each in counts for who in each)


def test_every_count_of_conditions_of_general_practice_says_so():
    rules = [
        (each.id, rule.settings)
        for each in catalogue()
        for rule in each.events
        if rule.table == "condition_events"
    ]
    assert {settings for _, settings in rules} == {("primary_care",)}
    assert len(rules) > 70


def test_a_part_needs_one_of_its_tables_and_every_part_needs_one():
    each = catalogue()["dementia_known_gp_only"]
    assert gap(each, KNOWN, **WHEN) is None
    without = {name: frame for name, frame in KNOWN.items() if name != "social_care_events"}
    assert gap(each, without, **WHEN) == "council: no source gives social_care_events"
    none = {**KNOWN, "diagnoses": TRUST.with_columns(diagnosis=pl.lit("J18"))}
    assert gap(each, none, **WHEN) == "trust: diagnoses holds none of the codes"


def test_a_part_needs_every_code_of_a_table():
    """Depression alone is not mental illness: the others on record would be missing."""
    codes = ("depression", "anxiety", "severe_mental_illness", "eating_disorder")
    rows = [("ann", code, date(2020, 1, 1)) for code in (*codes, "personality_disorder")]
    names = "person_id condition recorded_date"
    each = catalogue()["mental_illness_recorded"]
    every = table("condition_events", *rows, columns=names)
    assert gap(each, {"condition_events": every}, **WHEN) is None
    fewer = every.filter(pl.col("condition") != "eating_disorder")
    said = gap(each, {"condition_events": fewer}, **WHEN)
    assert said == "mental: condition_events holds none of the codes eating_disorder"
    known = catalogue()["mental_illness_known"]
    events = {**KNOWN, "condition_events": fewer.with_columns(setting=pl.lit("primary_care"))}
    assert str(gap(known, events, **WHEN)).startswith("gp: condition_events holds none")


def told(each, events):
    return in_part(each, evidence(each, events, **WHEN))


def test_the_tables_that_a_part_goes_without_are_told():
    each = catalogue()["dementia_known_gp_only"]
    every = {
        **KNOWN,
        "admissions": table(
            "admissions", ("x", date(2021, 1, 1), "F00"),
            columns="person_id start_date primary_diagnosis",
        ),
        "emergency_attendances": table(
            "emergency_attendances", ("x", date(2021, 1, 1), "F00"),
            columns="person_id arrival_date diagnosis",
        ),
    }  # fmt: skip
    assert gap(each, every, **WHEN) is None
    assert told(each, every) is None
    some = {name: frame for name, frame in every.items() if name != "diagnoses"}
    assert gap(each, some, **WHEN) is None
    assert told(each, some) == "counted without trust: diagnoses"
    some["admissions"] = every["admissions"].clear()
    assert told(each, some) == "counted without trust: diagnoses, admissions"
    housing = catalogue()["smi_known_to_either"]
    assert told(housing, {"temporary_accommodation": TEMPORARY, "social_care_events": COUNCIL}) == (
        "counted without housing: housing_applications, homelessness_cases"
    )
    # Where there is no data at all, that is told.
    assert told(each, {}) is None
    # Whoever is not told in parts has all tables or no data.
    assert told(catalogue()["dementia_recorded"], KNOWN) is None


def test_nobody_is_known_to_a_council_alone_where_it_names_no_diagnosis():
    each = catalogue()["depression_known_council_only"]
    assert gap(each, KNOWN, **WHEN) == "the council's records name no such diagnosis"
    parts = {e.id for e in catalogue() if "depression_known" in e.part_of}
    assert len(parts) == 6
    assert each.id not in parts


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(PARTIES)), unique=True))
def test_the_parts_add_up_to_everyone_known(rows):
    """Each person is in exactly one combination."""
    held = pl.DataFrame(rows, schema={"person_id": pl.Int64, "part": pl.String}, orient="row")
    listed = catalogue()
    counts = [
        collect(combined(lazy(held), listed[name]))["person_id"].to_list()
        for name in names_of("dementia").values()
    ]
    every = sorted(person for each in counts for person in each)
    assert every == sorted({person for person, _ in rows})


def test_parts_that_add_up_are_told():
    listed = catalogue()
    parts = [e.id for e in listed if "dementia_known" in e.part_of]
    assert sorted(parts) == sorted(names_of("dementia").values())
    of_register = [e.id for e in listed if "dementia_recorded" in e.part_of]
    assert sorted(of_register) == sorted(n for k, n in names_of("dementia").items() if "gp" in k)


def test_duckdb_combines_alike():
    relations = in_duckdb(**KNOWN)
    for name in ("dementia_known", "dementia_known_gp_only", "dementia_known_gp_trust"):
        assert found(catalogue()[name], **relations) == found(catalogue()[name], **KNOWN)


def test_several_conditions_are_counted_by_condition_not_by_record():
    events = table(
        "condition_events",
        ("ann", "diabetes", date(2020, 1, 1), None),
        ("ann", "diabetes", date(2021, 1, 1), None),
        ("bob", "diabetes", date(2020, 1, 1), None),
        ("bob", "copd", date(2020, 1, 1), None),
        ("cat", "depression", date(2020, 1, 1), None),
        ("cat", "copd", date(2020, 1, 1), None),
        columns="person_id condition recorded_date resolved_date",
    )
    listed = catalogue()
    assert found(listed["multimorbidity_2"], condition_events=events) == {"bob": 1, "cat": 1}
    assert found(listed["multimorbidity_4"], condition_events=events) == {}
    both = found(listed["mental_and_physical_illness"], condition_events=events)
    assert both == {"cat": 1}


def test_a_resolving_code_undoes_earlier_records_alone():
    events = table(
        "condition_events",
        ("ann", "depression", date(2020, 1, 1), None),
        ("ann", "depression_resolved", date(2022, 1, 1), None),
        ("bob", "depression", date(2020, 1, 1), None),
        ("bob", "depression_resolved", date(2022, 1, 1), None),
        ("bob", "depression", date(2023, 1, 1), None),
        ("cat", "depression", date(2020, 1, 1), None),
        ("cat", "depression_resolved", AS_OF + DAY, None),
        ("dan", "depression", date(2022, 1, 1), None),
        ("dan", "depression_resolved", date(2022, 1, 1), None),
        columns="person_id condition recorded_date resolved_date",
    )
    held = found(catalogue()["depression_recorded"], condition_events=events)
    assert held == {"bob": 1, "cat": 1}
    relation = in_duckdb(condition_events=events)
    assert found(catalogue()["depression_recorded"], **relation) == held


def test_the_last_status_counts_and_no_earlier_one():
    events = table(
        "employment",
        ("ann", date(2024, 1, 1), "02"),
        ("ann", date(2025, 1, 1), "01"),
        ("bob", date(2024, 1, 1), "01"),
        ("bob", date(2025, 1, 1), "02"),
        ("cat", date(2025, 1, 1), "02"),
        ("cat", AS_OF + DAY, "01"),
        columns="person_id recorded_date employment_status",
    )
    each = catalogue()["mental_illness_unemployed"]
    assert found(each, employment=events) == {"bob": 1, "cat": 1}
    assert found(each, **in_duckdb(employment=events)) == {"bob": 1, "cat": 1}


def test_a_health_check_is_complete_with_all_six_within_twelve_months():
    six = ["alcohol", "blood_glucose", "blood_pressure", "bmi", "lipids", "smoking"]
    year_ago = date(2025, 4, 1)
    events = table(
        "health_checks",
        *(("ann", each, year_ago + DAY) for each in six),
        *(("bob", each, AS_OF) for each in six[1:]),
        *(("cat", each, AS_OF) for each in six[1:]),
        ("cat", "alcohol", year_ago),
        columns="person_id component recorded_date",
    )
    listed = catalogue()
    assert found(listed["smi_health_check_complete"], health_checks=events) == {"ann": 1}
    assert found(listed["smi_health_check_bmi"], health_checks=events) == {
        "ann": 1, "bob": 1, "cat": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2026, 4, 1), 12, date(2025, 4, 1)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
    ],
)
def test_months_are_those_of_the_calendar(day, months, earlier):
    assert months_before(day, months) == earlier


def test_amounts_are_added_up():
    each = indicator(
        statistic="rate",
        period="period",
        counted="amount",
        events=(rule("housing_applications", "in_period", "start_date", amount="bedrooms_short"),),
    )
    events = table(
        "housing_applications",
        ("ann", FIRST, 2),
        ("ann", FIRST + DAY, 3),
        ("bob", FIRST, 0),
        ("cat", FIRST, None),
        ("dan", FIRST - DAY, 4),
        columns="person_id start_date bedrooms_short",
    )
    assert found(each, housing_applications=events) == {"ann": 5}


def test_shipped_code_lists_are_of_the_chapters_that_they_name():
    listed = code_lists()
    assert listed["dementia"][:4] == ("F00", "F01", "F02", "F03")
    mental = {name for name in listed if name not in {
        "self_harm", "diabetes", "copd", "cardiovascular", "cancer", "chronic_pain"}}  # fmt: skip
    codes = {code for name in mental for code in listed[name] if not code.startswith("G3")}
    assert all(code.startswith("F") for code in codes)


OWN = """
[mine]
title = "t"
domain = "d"
role = "need"
direction = 1
level = "person"
statistic = "proportion"
unit = "%"
interval = "wilson"
period = "point"
counted = "people"
numerator = "n"
denominator = "d"
source = "s"
what_it_is = "w"
what_it_is_not = "w"
[[mine.events]]
table = "diagnoses"
timing = "ever"
date = "recorded_date"
codes = { diagnosis = "mine.csv" }
"""


def test_code_lists_by_file_lie_beside_the_catalogue(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN, "utf-8")
    with pytest.raises(JobError, match=r"mine.csv does not exist"):
        load(path)
    (tmp_path / "mine.csv").write_text(
        "code,term\n35489007,Depressive disorder\nF32.1,x\n", "utf-8"
    )
    each = extended(path)["mine"]
    assert "depression_recorded" in extended(path).ids
    events = table(
        "diagnoses",
        ("ann", "35489007", FIRST),
        ("bob", "354890071", FIRST),  # another concept
        ("cat", "F321", FIRST),
        ("dan", "F32.10", FIRST),
        ("eve", "F329", FIRST),
        columns="person_id diagnosis recorded_date",
    )
    assert found(each, diagnoses=events) == {"ann": 1, "cat": 1, "dan": 1}
    (tmp_path / "mine.csv").write_text("concept\n35489007\n", "utf-8")
    with pytest.raises(JobError, match="is not a code list"):
        load(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"mine.csv"', '"dementa"', "Did you mean `dementia`?"),
        ('counted = "people"', 'counted = "people"\namong = "other"', "`other` is no id"),
        ('counted = "people"', 'counted = "people"\nmax_age = 16', "last age of an age band"),
        ('counted = "people"', 'counted = "people"\nmin_age = 65\nmax_age = 17', "below min_age"),
        ('counted = "people"', 'counted = "people"\nstrata = ["ages"]', "Did you mean `age`?"),
        ('counted = "people"', 'counted = "people"\npart_of = ["nobody"]', "`nobody` is no id"),
        ('counted = "people"', 'counted = "people"\neach_of = ["gp"]', "`gp` is no part"),
        ('counted = "people"', 'counted = "amount"', "every rule has one"),
        ('timing = "ever"', 'timing = "ever"\nmonths = 0', "whole number above 0"),
        ('timing = "ever"', 'timing = "ever"\nsettings = ["gp"]', "`gp` is not a code"),
    ],
)
def test_definitions_that_cannot_be_are_refused(old, new, said):
    text = OWN.replace('"mine.csv"', '"dementia"') if old != '"mine.csv"' else OWN
    with pytest.raises(JobError) as caught:
        read(text.replace(old, new, 1))
    assert said in str(caught.value)


def test_the_people_of_a_denominator_are_of_the_same_ages():
    two = OWN.replace('"mine.csv"', '"dementia"')
    other = two.replace("[mine]", "[other]").replace("[[mine.", "[[other.")
    other = other.replace('counted = "people"', 'counted = "people"\nmin_age = 18')
    text = two.replace('counted = "people"', 'counted = "people"\namong = "other"') + other
    with pytest.raises(JobError, match="has another min_age"):
        read(text)
