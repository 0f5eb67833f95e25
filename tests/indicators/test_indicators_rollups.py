"""Roll-ups of people, dwellings and areas to units, counted by hand."""

from datetime import date
from fractions import Fraction

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tiny import AS_OF, PERIOD, cells, in_duckdb, indicator, people, rule, table

from pophealth_link.engine import collect
from pophealth_link.errors import ReferenceDataError
from pophealth_link.indicators import area, catalogue, person, property

DEPRESSED = table(
    "condition_events",
    *(
        (who, "depression", date(2015, 1, 1), None)
        for who in ("ann", "ann", "bob", "dan", "eve", "fay", "hal", "nobody")
    ),
    columns="person_id condition recorded_date resolved_date",
)
CONTACTS = table(
    "contacts",
    *(
        (who, f"c{n}", date(2025, 6, 1), "5")
        for n, who in enumerate(["ann", "ann", "ann", "cat", "fay", "fay", "gil", "hal"])
    ),
    columns="person_id contact_id contact_date attendance",
)
STRATA = pl.DataFrame({"lsoa_code": ["E1", "E2"], "stratum": ["quintile_1", "quintile_4"]})


def rolled(name, **events):
    each = catalogue()[name]
    plan = person.roll_up(each, people(), events, as_of=AS_OF, period=PERIOD)
    return collect(plan).sort("basis", "unit", "stratum")


def test_a_proportion_counts_current_adults_once():
    frame = rolled("depression_recorded", condition_events=DEPRESSED)
    fifths = frame.filter(pl.col("stratum").str.contains("^(all|quintile)"))
    assert cells(fifths, "registered") == {
        ("P1", "all"): (1, 2),
        ("P1", "quintile_1"): (1, 1),
        ("P1", "quintile_4"): (0, 1),
        ("P2", "all"): (2, 2),
        ("P2", "quintile_4"): (1, 1),
        ("P2", "quintile_unknown"): (1, 1),
        ("not_registered", "all"): (1, 1),
        ("not_registered", "quintile_4"): (1, 1),
    }
    resident = cells(frame, "resident")
    assert resident["E1", "all"] == (1, 1)
    assert resident["E2", "all"] == (2, 3)
    assert resident["no_fixed_abode", "quintile_unknown"] == (1, 1)
    assert frame["contributors"].equals(frame["numerator"].alias("contributors"))


def test_a_rate_counts_events_of_those_with_person_time():
    """gil has no time in the period; hal is on no list, but known to a source for half of it."""
    frame = rolled("mental_health_contacts", contacts=CONTACTS)
    year = 365.25
    registered = cells(frame, "registered")
    assert registered["P1", "all"] == (4, round(year) + round(year) + round(year / 2))
    assert registered["P2", "all"] == (2, 2 * round(year) + round(year / 4))
    assert registered["not_registered", "all"] == (1, round(year / 2))
    whole = frame.filter(basis="registered", unit="P1", stratum="all").row(0, named=True)
    assert whole["contributors"] == 2
    assert whole["squares"] == 3**2 + 1**2


def test_people_on_both_bases_and_over_strata_are_the_same_people():
    frame = rolled("mental_health_contacts", contacts=CONTACTS)
    # The finer ages are of those of working age and older alone.
    every = frame.filter(~pl.col("stratum").str.starts_with("band"))
    family = pl.col("stratum").str.extract("^([a-z]+)")
    sums = every.group_by("basis", family=family).agg(
        pl.col("numerator", "denominator", "contributors", "squares").sum()
    )
    assert set(sums["family"]) == {"all", "quintile", "sex", "age", "ethnic"}
    assert sums.drop("basis", "family").unique().height == 1


def test_everyone_is_in_one_stratum_of_each_family():
    """By hand, from the people of tiny.py: the adults, and whose sex or ethnic group is unknown."""
    held = cells(rolled("depression_recorded", condition_events=DEPRESSED), "resident")
    assert held["E2", "sex_male"] == (1, 1)
    assert held["E2", "sex_female"] == (0, 1)
    assert held["E2", "sex_unknown"] == (1, 1)
    assert held["E2", "ethnic_asian"][1] == 1
    assert held["E2", "ethnic_unknown"][1] == 1
    assert held["E2", "age_18_25"] == (1, 1)
    assert held["E2", "age_65_over"][1] == held["E2", "band_65_74"][1] == 1
    assert held["E2", "age_26_64"][1] == held["E2", "band_45_64"][1] == 1
    assert not [stratum for _, stratum in held if stratum in ("age_0_17", "age_unknown")]


@pytest.mark.parametrize("name", ["depression_recorded", "mental_health_contacts"])
def test_duckdb_rolls_up_alike(name):
    frames = {"condition_events": DEPRESSED, "contacts": CONTACTS, "people": people()}
    relations = in_duckdb(**frames)
    mine = {n: relations[n] for n in ("condition_events", "contacts")}
    plan = person.roll_up(catalogue()[name], relations["people"], mine, as_of=AS_OF, period=PERIOD)
    keys = ["basis", "unit", "stratum"]
    theirs = collect(plan).sort(keys)
    events = {n: frames[n] for n in mine}
    assert_frame_equal(theirs, rolled(name, **events))


def test_bands_from_an_age_are_whole_bands():
    assert "16-17" not in person.bands_from(18)
    assert person.bands_from(0)[0] == "00-04"
    assert person.bands_from(18)[0] == "18-19"


def dwellings():
    return table(
        "dwellings",
        ("h1", "E1", True, False),
        ("h1", "E1", None, True),  # a second list of the same dwelling
        ("h2", "E2", False, None),
        ("h3", "E2", True, None),
        (None, "E1", False, False),
        (None, None, False, False),
        ("h9", "E1", None, None),
        columns="keyed_uprn lsoa_code single_person_discount licensed_hmo",
    )


def test_dwellings_go_to_the_practice_of_most_of_their_residents():
    """h1: two current at P1, one at P2. h2: cat alone is current. h3: nobody on a list."""
    homes = dict(collect(property.practice_of_homes(people())).iter_rows())
    assert homes == {"h1": "P1", "h2": "P1"}
    tie = people().filter(pl.col("person_id").is_in(["ann", "dan"]))
    assert dict(collect(property.practice_of_homes(tie)).iter_rows()) == {"h1": "P1"}


def test_dwellings_count_once_where_the_attribute_is_known():
    placed = property.place(dwellings(), people(), STRATA)
    discount = collect(property.roll_up(catalogue()["single_person_discount"], placed))
    assert cells(discount, "resident") == {
        ("E1", "all"): (1, 2),
        ("E1", "quintile_1"): (1, 2),
        ("E2", "all"): (1, 2),
        ("E2", "quintile_4"): (1, 2),
        ("unknown_postcode", "all"): (0, 1),
        ("unknown_postcode", "quintile_unknown"): (0, 1),
    }
    registered = cells(discount, "registered")
    assert registered["P1", "all"] == (1, 2)
    assert registered["not_registered", "all"] == (1, 3)
    licensed = collect(property.roll_up(catalogue()["licensed_hmo"], placed))
    assert cells(licensed, "resident")["E1", "all"] == (1, 2)


def test_dwellings_without_data_say_so():
    discount = catalogue()["single_person_discount"]
    assert property.gap(discount, None) == "no property source is given"
    assert "lack" in str(property.gap(discount, dwellings().drop("single_person_discount")))
    empty = dwellings().with_columns(single_person_discount=pl.lit(None, pl.Boolean))
    assert "no value" in str(property.gap(discount, empty))
    assert property.gap(discount, dwellings()) is None


def test_duckdb_places_dwellings_alike():
    relations = in_duckdb(people=people(), dwellings=dwellings())
    theirs = property.place(relations["dwellings"], relations["people"], STRATA)
    assert_frame_equal(theirs, property.place(dwellings(), people(), STRATA))


AREAS = pl.DataFrame(
    {
        "lsoa_code": ["E1", "E2", "E3"],
        "lad_code": ["L1", "L1", "L2"],
        "population": [4, 4, 8],
        "households": [100, 300, 200],
    }
)
DEPRIVATION = pl.DataFrame(
    {
        "lsoa_code": ["E1", "E2"],
        "imd_score": [50.0, 10.0],
        "imd_rank": [3, 70],
        "imd_decile": [1, 7],
        "population": [5, 10],
    }
)
MEASURES = pl.DataFrame(
    [
        ("overcrowded_bedrooms", "lsoa", "E1", 20.0, 100.0, None),
        ("overcrowded_bedrooms", "lsoa", "E2", 30.0, 300.0, None),
        ("public_transport", "lsoa", "E1", None, 4.0, 80.0),
        ("public_transport", "lsoa", "E2", None, None, 20.0),
        ("homelessness_assessed", "lad", "L1", None, 9000.0, 5.0),
    ],
    schema=["measure", "area_type", "area_code", "numerator", "denominator", "value"],
    orient="row",
)
PLACES = area.lsoas(AREAS, DEPRIVATION)


def found(name, n_areas=100):
    return area.cells(catalogue()[name], PLACES, MEASURES, n_areas)


def test_lsoas_have_their_own_stratum_and_the_weight_of_the_indices():
    assert PLACES["stratum"].to_list() == ["quintile_1", "quintile_4", "quintile_unknown"]
    assert PLACES["weight"].to_list() == [5, 10, 8]


def test_cells_of_areas_by_hand():
    def pairs(name):
        return found(name).select("numerator", "denominator").rows()

    assert pairs("deprivation_average_score") == [(250.0, 5.0), (100.0, 10.0)]
    assert pairs("deprivation_average_rank") == [(98.0 * 5, 5.0), (31.0 * 10, 10.0)]
    assert pairs("deprivation_most_deprived_decile") == [(1.0, 1.0), (0.0, 1.0)]
    assert pairs("overcrowding_bedrooms") == [(20.0, 100.0), (30.0, 300.0)]
    # The second LSOA has no weight of its own: its residents weigh it.
    assert pairs("public_transport_access") == [(320.0, 4.0), (80.0, 4.0)]
    # The authority's value on each of its LSOAs, by their households; L2 has none.
    assert pairs("homelessness_assessed") == [(500.0, 100.0), (1500.0, 300.0)]
    assert found("noise_complaints").is_empty()
    assert "noise_complaints" in str(
        area.gap(catalogue()["noise_complaints"], found("noise_complaints"))
    )


def test_ranks_beyond_the_number_of_areas_are_refused():
    with pytest.raises(ReferenceDataError, match="beyond the number of areas"):
        found("deprivation_average_rank", n_areas=50)


def lives(*rows, rounded=None):
    frame = pl.DataFrame(
        [
            (f"p{n}-{unit}-{lsoa}", True, unit, lsoa)
            for unit, lsoa, size in rows
            for n in range(size)
        ],
        schema=["person_id", "current", "registered_unit", "lsoa_code"],
        orient="row",
    )
    return area.patients(frame, PLACES, rounded)


def test_registered_counts_are_shared_by_where_patients_live():
    """E1: 3 of P1 and 1 of P2 on lists; E2: 1 and 3. Both fully covered (4 residents each)."""
    held = lives(("P1", "E1", 3), ("P2", "E1", 1), ("P1", "E2", 1), ("P2", "E2", 3))
    assert held["share"].to_list() == [0.75, 0.25, 0.25, 0.75]
    frame = area.roll_up(found("overcrowding_bedrooms"), held)
    registered = cells(frame, "registered")
    assert registered["P1", "all"] == (20 * 0.75 + 30 * 0.25, 100 * 0.75 + 300 * 0.25)
    assert registered["P2", "quintile_4"] == (30 * 0.75, 300 * 0.75)
    assert cells(frame, "resident")["E2", "all"] == (30, 300)
    # Everybody is on a list: registered and resident add up to the same.
    for name in ("numerator", "denominator", "contributors"):
        sums = frame.filter(stratum="all").group_by("basis").agg(pl.col(name).sum())
        assert sums[name].n_unique() == 1


def test_a_score_is_the_mean_weighed_by_patients():
    held = lives(("P1", "E1", 3), ("P1", "E2", 1), ("P2", "E2", 4))
    frame = area.roll_up(found("deprivation_average_score"), held, patients=True)
    assert cells(frame, "registered")["P1", "all"] == (50 * 3 + 10 * 1, 4)


def test_patients_weigh_scores_of_people_and_households_those_of_households():
    kinds = {each.id: area.by_patients(each) for each in catalogue().at("area")}
    assert kinds["deprivation_average_score"]
    assert kinds["noise_complaints"]
    assert not kinds["homelessness_assessed"]
    assert not kinds["temporary_accommodation_lad"]
    assert not kinds["overcrowding_bedrooms"]


def test_an_lsoa_at_the_edge_weighs_no_more_than_its_patients():
    """E3 has 8 residents and one patient: an eighth, where E1 and E2 are covered in full."""
    held = lives(("P1", "E1", 4), ("P1", "E2", 4), ("P1", "E3", 1))
    assert held["share"].to_list() == [1.0, 1.0, 0.125]


def test_an_lsoa_with_more_patients_than_residents_is_shared_once():
    """Lists are inflated in E1 (8 on 4 residents); its shares still add up to one."""
    held = lives(("P1", "E1", 6), ("P2", "E1", 2), ("P1", "E2", 4), ("P1", "E3", 8))
    assert held["share"].to_list() == [0.75, 1.0, 1.0, 0.25]


def test_shares_do_not_depend_on_how_many_the_lists_cover_in_all():
    thin = lives(("P1", "E1", 1), ("P1", "E2", 1), ("P2", "E3", 2))
    assert thin["share"].to_list() == [1.0, 1.0, 1.0]


def test_patients_that_the_policy_withholds_weigh_as_the_number_that_it_gives_them():
    def withhold(frame):
        hidden = pl.col("people") < 3
        return frame.with_columns(
            people=pl.when(hidden).then(1.0).otherwise("people"), withheld=hidden
        )

    held = lives(("P1", "E1", 3), ("P2", "E1", 2), ("P1", "E2", 4), rounded=withhold)
    assert held.select("unit", "lsoa_code", "people", "share", "withheld").rows() == [
        ("P1", "E1", 3.0, 0.75, False),
        ("P1", "E2", 4.0, 1.0, False),
        ("P2", "E1", 1.0, 0.25, True),
    ]


def test_those_on_no_list_or_not_current_weigh_nothing():
    assert set(area.patients(people(), PLACES)["unit"]) == {"P1", "P2"}
    counted = {(u, c): n for u, c, n, _, _ in area.patients(people(), PLACES).iter_rows()}
    assert counted == {("P1", "E1"): 2, ("P1", "E2"): 1, ("P2", "E2"): 1}


def test_area_sums_are_exact_whatever_the_order_of_rows():
    size = 2000
    codes = [f"E{n}" for n in range(size)]
    frame = pl.DataFrame({"lsoa_code": codes, "stratum": "quintile_1"}).with_columns(
        numerator=pl.int_range(size) / 7, denominator=pl.lit(1.0)
    )
    held = pl.DataFrame({"unit": "P1", "lsoa_code": codes, "people": 1, "share": 1.0})
    once = area.roll_up(frame, held)
    again = area.roll_up(frame.sample(fraction=1, shuffle=True, seed=1), held.reverse())
    assert once.equals(again)
    wanted = sum(Fraction(round(Fraction(n, 7) * 10**6), 10**6) for n in range(size))
    assert once.filter(basis="registered", stratum="all")["numerator"].item() == float(wanted)


def test_population_ages_and_person_time():
    rate = indicator(
        statistic="rate", counted="events", events=(rule("contacts", "in_period", "contact_date"),)
    )
    held = dict(
        collect(person.population(people(), rate)).select("person_id", "weight").iter_rows()
    )
    assert "gil" not in held
    assert held["hal"] == round(365.25 / 2)
    assert held["fay"] == 91


def test_nobody_without_person_time_counts_in_a_rate():
    """hal is current, but of no source's time: neither events nor time of hal's are counted."""
    timeless = people().with_columns(
        person_years=pl.when(pl.col("person_id") != "hal").then("person_years")
    )
    plan = person.roll_up(
        catalogue()["mental_health_contacts"],
        timeless,
        {"contacts": CONTACTS},
        as_of=AS_OF,
        period=PERIOD,
    )
    frame = collect(plan)
    assert frame.filter(unit="not_registered").is_empty()
    assert frame.filter(pl.col("denominator") <= 0).is_empty()
