"""Raw counts of a whole made-up area: complete, conserved, the same on every engine."""

import time
from dataclasses import replace

import duckdb
import polars as pl
import pytest
import world
from polars.testing import assert_frame_equal

from pophealth_link.disclosure import policy
from pophealth_link.errors import DataError
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.indicators.footprints import CELL, FURTHER_STRATA
from pophealth_link.need import accounting, count, need_index
from pophealth_link.schema import EVENT_TABLES
from pophealth_link.schema.codes import STATUS

GIVEN = ("ok", "estimated", "imputed_down")
# Which stratum the finer ages divide; every other family divides everyone.
PARENTS = {
    **dict.fromkeys(("band_26_44", "band_45_64"), "age_26_64"),
    **dict.fromkeys(("band_65_74", "band_75_84", "band_85_over"), "age_65_over"),
}


@pytest.fixture(scope="module")
def given():
    return world.inputs(unit_footprints=world.unit_footprints(80, split=True))


@pytest.fixture(scope="module")
def counts(given):
    return count(given)


def level(counts, *levels):
    return counts.filter(pl.col("level").is_in(levels))


def one(counts, **keys):
    return counts.filter(**keys).row(0, named=True)


def whole(counts, indicator, basis="resident"):
    keys = {"footprint_code": "whole", "stratum": "all"}
    return one(counts, indicator=indicator, basis=basis, **keys)


def test_every_footprint_basis_indicator_and_stratum_is_there_once(given, counts):
    places = given.unit_footprints.select(
        "footprint_type", "footprint_code", "footprint_name", "basis"
    ).unique()
    further = places.filter(pl.col("footprint_type").is_in(FURTHER_STRATA)).height
    wanted = 0
    for each in catalogue():
        everywhere = [name for name in each.all_strata if name == "all" or "quintile" in name]
        more = len(each.all_strata) - len(everywhere)
        wanted += places.height * len(everywhere) + further * more
    assert 0 < further < places.height
    assert counts.height == wanted
    assert counts.select(CELL).is_duplicated().sum() == 0
    assert set(counts["indicator"]) == set(catalogue().ids)
    assert set(counts["status"]) <= set(STATUS.codes)


@pytest.mark.parametrize("column", ["numerator", "denominator", "contributors"])
def test_people_and_dwellings_are_the_same_on_each_basis_and_in_each_type(counts, column):
    people = level(counts, "person", "property").filter(
        pl.col("status") != "no_data", stratum="all"
    )
    assert people["indicator"].n_unique() > 100
    sums = people.group_by("indicator", "basis", "footprint_type").agg(pl.col(column).sum())
    spread = sums.group_by("indicator").agg(pl.col(column).max() - pl.col(column).min())
    assert spread[column].max() < 1e-4
    # Some combinations are too rare for anybody to have them; nobody lacks every condition.
    registers = sums.filter(pl.col("indicator").str.ends_with("_recorded"))
    assert registers[column].min() > 0


@pytest.mark.parametrize("column", ["numerator", "denominator", "contributors"])
def test_strata_sum_to_all(counts, column):
    held = counts.filter(pl.col("status").is_in(GIVEN) & ~pl.col("indicator").is_in(
        [*(each.id for each in catalogue() if each.imputed_down),
         # The tenth of the people who are the most deprived is not made of tenths of the parts.
         "deprivation_local_concentration"]))  # fmt: skip
    keys = [name for name in CELL if name != "stratum"]
    family = pl.col("stratum").str.extract("^([a-z]+)_")
    held = held.with_columns(
        family=family, parent=pl.col("stratum").replace_strict(PARENTS, default="all")
    )
    parts = held.filter(pl.col("stratum") != "all").group_by(*keys, "family", "parent")
    sums = parts.agg(part=pl.col(column).sum())
    whole = held.drop("family", "parent").join(
        sums, left_on=[*keys, "stratum"], right_on=[*keys, "parent"]
    )
    assert whole.height > 2000
    assert set(whole["family"]) == {"quintile", "sex", "age", "band", "ethnic"}
    assert (whole[column] - whole["part"]).abs().max() < 1e-3


def test_prevalence_is_what_a_count_of_people_says(given, counts):
    """Independent: sets of people, made without the roll-up."""
    events = given.events["condition_events"]
    open_ones = events.filter(
        (pl.col("condition") == "depression")
        & (pl.col("recorded_date") <= given.as_of)
        & (pl.col("recorded_date").cast(pl.String) >= "2006-04-01")
        & (pl.col("resolved_date").is_null() | (pl.col("resolved_date") > given.as_of))
    )
    undone = events.filter(
        pl.col("condition") == "depression_resolved", pl.col("recorded_date") <= given.as_of
    )
    last = {person: max(days) for person, days in undone.group_by("person_id").agg(
        pl.col("recorded_date")).iter_rows()}  # fmt: skip
    kept = [
        (person, day) for person, day in open_ones.select("person_id", "recorded_date").iter_rows()
        if person not in last or day > last[person]
    ]  # fmt: skip
    adults = given.people.filter(
        pl.col("current") & (pl.col("age_band").str.slice(0, 2).cast(pl.Int64) >= 18)
    )
    u1 = adults.filter(pl.col("registered_unit").is_in(["P1", "P2"]))
    sick = {person for person, _ in kept} & set(u1["person_id"])
    row = one(
        counts,
        indicator="depression_recorded",
        basis="registered",
        footprint_code="U1",
        stratum="all",
    )
    assert (row["numerator"], row["denominator"]) == (len(sick), u1.height)


def test_person_time_is_in_years(given, counts):
    row = whole(counts, "mental_health_contacts", basis="registered")
    people = given.people.filter(pl.col("registered_unit").is_in(list(world.PRACTICES)))
    assert row["denominator"] == pytest.approx(people["person_years"].sum(), abs=2)


def test_over_dispersion_is_that_of_people(given, counts):
    """Independent: counts of each person from the events themselves."""
    contacts = given.events["contacts"].filter(
        pl.col("contact_date").is_between(*given.period) & pl.col("attendance").is_in(["5", "6"])
    )
    of_area = given.people.filter(pl.col("person_years") > 0)
    each = contacts.join(of_area, on="person_id", how="semi").group_by("person_id").len()["len"]
    factor = round(float((each * each).sum()) / float(each.sum()), 1)
    assert whole(counts, "mental_health_contacts")["dispersion"] == factor
    assert factor > 1.2
    assert whole(counts, "depression_recorded")["dispersion"] is None


def test_area_values_on_the_resident_basis_are_sums_of_published_counts(given, counts):
    held = given.measures.filter(measure="overcrowded_bedrooms")
    row = whole(counts, "overcrowding_bedrooms")
    assert row["numerator"] == held["numerator"].sum()
    assert row["denominator"] == held["denominator"].sum()
    ranks = given.deprivation
    score = whole(counts, "deprivation_average_score")
    wanted = (ranks["imd_score"] * ranks["population"]).sum() / ranks["population"].sum()
    assert score["numerator"] / score["denominator"] == pytest.approx(wanted, rel=1e-9)


def test_values_of_authorities_are_imputed_down_and_genuine_only_as_their_own(counts):
    noise = counts.filter(indicator="noise_complaints", stratum="all", basis="resident")
    own = noise.filter(footprint_type="lad", footprint_code="L1").row(0, named=True)
    assert own["status"] == "ok"
    assert own["numerator"] / own["denominator"] == pytest.approx(4.0)
    given = noise.filter(pl.col("footprint_type").is_in(["pcn", "icp"]), pl.col("numerator") > 0)
    assert set(given["status"]) == {"imputed_down"}
    assert given.height == 4
    # The whole area consists of both authorities: nothing is imputed down to it.
    assert whole(counts, "noise_complaints")["status"] == "ok"
    assert whole(counts, "noise_complaints", basis="registered")["status"] == "imputed_down"
    for row in given.iter_rows(named=True):
        assert 4.0 <= row["numerator"] / row["denominator"] <= 8.0
    split = counts.filter(pl.col("indicator") == "noise_complaints", pl.col("stratum") != "all")
    assert set(split["status"]) == {"not_applicable"}


def test_shares_are_marked_estimated(counts):
    held = level(counts, "person").filter(
        pl.col("denominator") > 0, basis="registered", stratum="all"
    )
    split = held.filter(pl.col("footprint_code").is_in(["I1", "I2"]))
    assert set(split["status"]) == {"estimated"}
    assert set(held.filter(footprint_type="pcn")["status"]) == {"ok"}


@pytest.fixture(scope="module")
def small():
    return world.inputs(size=300, rows=150)


@pytest.fixture(scope="module")
def small_counts(small):
    return count(small)


READ = {rule.table for entry in catalogue() for rule in entry.events}
GIVEN_TABLES = sorted(world.events(100, 10))


def test_tables_of_events_that_no_indicator_counts_are_known():
    """They are read, linked and described; no indicator counts them itself."""
    assert set(EVENT_TABLES) - READ >= {"accommodation", "carer_support", "coded_scores"}
    assert set(GIVEN_TABLES) <= READ


SLOW = [name for name in GIVEN_TABLES if name not in ("condition_events", "diagnoses", "contacts")]


@pytest.mark.parametrize(
    "missing",
    [
        "condition_events",
        "diagnoses",
        "contacts",
        *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
    ],
)
def test_a_table_that_is_not_given_is_never_a_zero(missing, small, small_counts):
    """A part with another table keeps its data: trusts tell of diagnoses in several."""
    events = {name: frame for name, frame in small.events.items() if name != missing}
    changed = count(replace(small, events=events))
    listed = catalogue()
    touched = {e.id: e for e in listed if missing in {rule.table for rule in e.events}}
    further = [e.id for e in listed if e.among in touched]
    alone = {
        each.id
        for each in touched.values()
        if not each.unnamed
        for part in (each.parts or (None,))
        if {rule.table for rule in each.events if rule.part == part} == {missing}
        or (not each.parts)
    }
    assert touched
    rows = changed.filter(pl.col("indicator").is_in(list(alone)))
    assert set(rows["status"]) <= {"no_data"}
    assert rows["numerator"].null_count() == rows.height
    assert rows["reason"].str.contains(f"no source gives {missing}|holds no").all()
    rest = ~pl.col("indicator").is_in([*touched, *further])
    assert_frame_equal(changed.filter(rest), small_counts.filter(rest))


def test_without_dwellings_measures_or_events_nothing_is_zero():
    bare = world.inputs(dwellings=None, events={}, measures=world.measures(80).clear())
    rows = count(bare)
    held = rows.filter(pl.col("numerator").is_not_null())
    assert set(held["indicator"]) == {
        each.id for each in catalogue() if each.deprivation is not None
    }
    assert rows.filter(status="no_data")["reason"].null_count() == 0


def test_a_measure_held_for_a_part_of_the_area_says_so():
    some = world.measures(80).filter(
        (pl.col("measure") != "disabled") | (pl.col("area_code") < world.lsoa(40))
    )
    row = whole(count(world.inputs(measures=some)), "disabled")
    assert row["status"] == "ok"
    assert row["reason"] == "part of the footprint's areas hold no value"


def test_duckdb_counts_alike(given):
    connection = duckdb.connect()

    def relation(name, frame):
        connection.register(f"view_{name}", frame.to_arrow())
        return connection.sql(f"select * from view_{name}")

    changes = {
        "people": relation("people", given.people),
        "events": {name: relation(name, frame) for name, frame in given.events.items()},
        "dwellings": relation("dwellings", given.dwellings),
        "unit_footprints": given.unit_footprints,
    }
    theirs = world.inputs(**changes)
    # One of each kind: the whole catalogue takes long in another engine.
    kinds = {
        (e.level, e.statistic, e.counted, e.among is None, len(e.parts)): e for e in catalogue()
    }
    listed = Catalogue({each.id: each for each in kinds.values() if each.among is None})
    assert_frame_equal(count(theirs, indicators=listed), count(given, indicators=listed))
    assert_frame_equal(accounting(theirs, indicators=listed), accounting(given, indicators=listed))


def test_nothing_depends_on_the_order_of_rows(given, counts):
    def shuffled(frame):
        return frame.sample(fraction=1, shuffle=True, seed=4)

    changed = world.inputs(
        people=shuffled(given.people),
        events={name: shuffled(frame) for name, frame in reversed(given.events.items())},
        dwellings=shuffled(given.dwellings),
        areas=shuffled(given.areas),
        deprivation=shuffled(given.deprivation),
        measures=shuffled(given.measures),
        unit_footprints=shuffled(given.unit_footprints),
    )
    assert count(changed).equals(counts)


def test_every_event_is_accounted_for(given):
    rows = accounting(given)
    assert (rows["counted"] + rows["outside"]).equals(rows["total"].alias("counted"))
    assert rows["outside"].min() >= 0
    children = one(rows, indicator="social_care_mental_health_support")
    assert children["outside"] > 0
    totals = count(given).filter(
        footprint_type="pcn", basis="registered", stratum="all"
    ).group_by("indicator").agg(pl.col("numerator").sum())  # fmt: skip
    both = rows.join(totals, on="indicator")
    assert both.height == rows.height
    assert (both["counted"] - both["numerator"]).abs().max() < 1e-6


def test_patients_weigh_by_the_policy(given):
    raw, rounded = count(given), count(given, policy=policy("hes"))
    people = level(raw, "person", "property").drop("policy")
    assert_frame_equal(people, level(rounded, "person", "property").drop("policy"))
    score = whole(rounded, "deprivation_average_score", basis="registered")
    fours = given.people.filter(
        pl.col("current") & pl.col("registered_unit").is_in(list(world.PRACTICES))
    ).drop_nulls("lsoa_code")
    sizes = fours.filter(pl.col("lsoa_code") < world.lsoa(79)).group_by(
        "registered_unit", "lsoa_code"
    ).len()["len"]  # fmt: skip
    assert min(sizes) < 8 < max(sizes)
    wanted = sum(4 if n < 8 else 5 * ((n + 2) // 5) for n in sizes)
    assert score["denominator"] == wanted
    assert set(rounded["policy"]) == {"hes"}


def test_nobody_vanishes_from_the_weights_and_nothing_made_of_withheld_counts_is_shown():
    """Three of the unknown practice in one LSOA, two of another in none that is known."""
    people = world.people(4000, 80).with_columns(current=pl.lit(value=True))
    few = people.filter(registered_unit="unknown_practice", lsoa_code=world.lsoa(3)).head(3)
    lost = people.filter(pl.col("lsoa_code").is_null()).head(2)
    people = pl.concat(
        [
            people.filter(pl.col("registered_unit") != "unknown_practice"),
            few,
            lost.with_columns(registered_unit=pl.lit("P9")),
        ]
    )
    mapping = pl.concat(
        [
            world.unit_footprints(80),
            pl.DataFrame(
                [("registered", "P9", "pcn", "U9", "U9", 1.0)],
                schema=world.unit_footprints(80).schema,
                orient="row",
            ),
        ]
    )
    given = world.inputs(people=people, unit_footprints=mapping)
    counts = count(given, policy=policy("hes")).filter(basis="registered", stratum="all")
    area = level(counts, "area").filter(footprint_type="pcn")
    unknown = area.filter(footprint_code="unknown_practice")
    assert set(unknown["status"]) == {"suppressed"}
    assert (
        unknown["numerator"].null_count() == unknown["denominator"].null_count() == unknown.height
    )
    assert set(area.filter(footprint_code="U9")["status"]) == {"not_applicable"}
    assert set(area.filter(footprint_code="U1")["status"]) <= {"ok", "imputed_down"}


def test_values_of_households_are_weighed_by_households_on_either_basis(given, counts):
    """Registered: each LSOA's households by the share of its patients who are in the footprint."""
    homes = given.areas["households"].sum()
    assert whole(counts, "homelessness_assessed")["denominator"] == homes
    patients = given.people.filter(
        pl.col("current") & pl.col("registered_unit").is_in([*world.PRACTICES, "unknown_practice"])
    ).drop_nulls("lsoa_code")
    lsoas = given.areas.join(patients.group_by("lsoa_code").len(), on="lsoa_code").with_columns(
        cover=pl.col("len") / pl.col("population")
    )
    ordered = lsoas.sort("cover")
    half = ordered.filter(pl.col("len").cum_sum() * 2 >= pl.col("len").sum())["cover"][0]
    known = patients.filter(pl.col("registered_unit") != "unknown_practice")
    listed = known.group_by("lsoa_code").agg(known=pl.len())
    parts = lsoas.join(listed, on="lsoa_code").select(
        pl.col("households") * pl.col("known") / pl.col("len")
        * (pl.col("cover") / half).clip(upper_bound=1)
    )  # fmt: skip
    row = whole(counts, "homelessness_assessed", basis="registered")
    assert row["denominator"] == pytest.approx(parts.to_series().sum(), rel=1e-6)
    assert 4 < row["numerator"] / row["denominator"] < 8


def test_the_need_index_is_counted_by_people(given, counts):
    values = need_index(given).values.join(given.areas, on="lsoa_code")
    wanted = (values["value"] * values["population"]).sum() / values["population"].sum()
    row = whole(counts, "need_index")
    assert row["numerator"] / row["denominator"] == pytest.approx(wanted, abs=1e-6)


def test_cells_that_few_people_dominate_are_marked():
    """In P3 one person has almost all the contacts; elsewhere they are even."""
    people = world.people(600, 80).with_columns(current=pl.lit(value=True))
    small = people.filter(registered_unit="P3")["person_id"][:12].to_list()
    others = people.filter(registered_unit="P1")["person_id"][:60].to_list()
    rows = [*small, *small[:1] * 500, *others]
    contacts = pl.DataFrame({"person_id": rows}).with_columns(
        contact_date=pl.lit(world.PERIOD[0]),
        attendance=pl.lit("5"),
        contact_id=pl.lit(None, pl.String),
    )
    given = world.inputs(people=people, events={"contacts": contacts})
    marked = count(given, policy=policy("acro")).filter(
        "dominated", basis="registered", stratum="all"
    )
    assert set(marked.filter(footprint_type="pcn")["footprint_code"]) == {"U2"}
    assert set(marked["indicator"]) == {"mental_health_contacts"}
    assert not count(given, policy=policy("hes"))["dominated"].any()


def test_the_period_must_not_end_before_it_begins():
    with pytest.raises(DataError, match="ends before it begins"):
        world.inputs(period=(world.PERIOD[1], world.PERIOD[0]))


def test_repr_shows_no_row(given):
    text = repr(given)
    assert "p0000001" not in text
    assert "P1" not in text
    assert "contacts" in text


@pytest.mark.slow
def test_a_borough_counts_within_fifteen_seconds_of_two_cores():
    """By the processor's time: what else the machine does is no fault of counting."""
    given = world.inputs(size=240_000, count=160, rows=215_000)
    assert sum(frame.height for frame in given.events.values()) >= 3_000_000
    begin = time.process_time()
    count(given, policy=policy("hes"))
    assert time.process_time() - begin < 2 * 15


def test_a_table_without_periods_is_told_by_its_edition():
    told = world.inputs(vintages={"deprivation": "Indices of 2025"})
    periods = dict(count(told).select("indicator", "period").unique().iter_rows())
    assert periods["deprivation_average_score"] == "Indices of 2025"
    silent = dict(count(world.inputs()).select("indicator", "period").unique().iter_rows())
    assert silent["deprivation_average_score"] == "as published in the reference pack"
