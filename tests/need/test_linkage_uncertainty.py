"""Limits from linkage: draws counted anew, Rubin's rules, and what is released of them."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import world
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.disclosure import POLICIES, policy
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.footprints import CELL
from pophealth_link.need import count, release
from pophealth_link.need.linkage_counts import Changes, changes
from pophealth_link.need.linkage_donors import donors
from pophealth_link.need.linkage_draws import Redraw, losing, moves
from pophealth_link.need.linkage_limits import with_limits
from pophealth_link.need.linkage_release import too_weak, with_margins

SOME = ("depression_recorded", "mental_health_contacts", "mental_health_referrals",
        "delayed_discharge_days")  # fmt: skip
LISTED = Catalogue({name: catalogue()[name] for name in SOME})
KEY = ["source", "record_id"]
RAW = {"level": "person", "status": "ok"}


@pytest.fixture(scope="module")
def inputs():
    return world.inputs(size=900, count=40, rows=400, dwellings=None)


@pytest.fixture(scope="module")
def index(inputs):
    """One record a person, whose events are those of the person."""
    return inputs.people.select(
        source=pl.lit("s"), record_id=pl.format("r{}", "person_id"), person_id="person_id",
        method=pl.lit("probabilistic"), match_probability=pl.lit(0.99),
    )  # fmt: skip


def told(changed):
    """The changes of each cell and draw, numerators and denominators side by side."""
    cells = ["footprint", "stratum", "indicator", "draw"]
    parts = []
    for kind, number in (("numerator", "over"), ("denominator", "under")):
        named = changed.indicators.select("indicator", what=number)
        rows = getattr(changed, f"{kind}s").join(named, on="what")
        parts.append(rows.select(*cells, pl.col("more").alias(kind)))
    both = (
        pl.concat(parts, how="diagonal")
        .group_by(cells)
        .agg(pl.col("numerator", "denominator").sum())
    )
    strata = changed.strata.select(name="stratum", stratum="place")
    named = both.join(changed.footprints, on="footprint").join(strata, on="stratum")
    named = named.drop("stratum").rename({"name": "stratum"})
    return named.select(*CELL, "draw", "numerator", "denominator").sort(*CELL, "draw")


def coded(rows):
    """Changes of the cells of these rows, as the other way round."""
    footprints = rows.select(CELL[:4]).unique().with_row_index("footprint")
    strata = rows.select("stratum").unique().with_row_index("place")
    listed = rows.select("indicator").unique().with_row_index("over")
    indicators = listed.select("indicator", "over", under=pl.col("over") + 1000)
    coded_ = rows.join(footprints, on=list(CELL[:4])).join(strata, on="stratum")
    coded_ = coded_.join(indicators, on="indicator").drop("stratum").rename({"place": "stratum"})
    parts = [
        coded_.select("footprint", "stratum", "draw", what=number, more=kind)
        for kind, number in (("numerator", "over"), ("denominator", "under"))
    ]
    return Changes(footprints, strata, indicators, *parts)


def redraw(inputs, index, links, imputations):
    gone = losing(links, index)
    loose = {
        name: rows.join(index, on=["source", "person_id"]).join(gone, on="person_id", how="semi")
        for name, rows in inputs.events.items()
    }
    return Redraw(imputations, links, index, inputs.people.clear(), loose)


def links_of(index, people, draws, seed):
    """Records that are of somebody on the register in some of the draws.

    All of people on no register, and some of people on it, who may lose theirs and be given others.
    """
    rng = np.random.default_rng(seed)
    register = people.filter("on_register")["person_id"].sort().to_list()
    others = people.filter(~pl.col("on_register"))["person_id"].sort().to_list()
    rows = [
        (f"r{person}", draw, register[rng.integers(len(register))])
        for person in [*others, *register[:40]]
        for draw in range(draws)
        if rng.random() < 0.5
    ]
    frame = pl.DataFrame(rows, schema=["record_id", "draw", "person_id"], orient="row")
    return frame.select(pl.lit("s").alias("source"), "record_id", "draw", "person_id")


def moved(inputs, links):
    """The inputs with the records of one draw at whom they are drawn: everything counted anew."""
    who = links.select(was=pl.col("record_id").str.strip_prefix("r"), to="person_id")
    events = {
        name: rows.join(who, left_on="person_id", right_on="was", how="left")
        .with_columns(person_id=pl.coalesce("to", "person_id"))
        .drop("to")
        for name, rows in inputs.events.items()
    }
    others = inputs.people.filter(~pl.col("on_register"))
    told = inputs.people.join(
        who.join(others, left_on="was", right_on="person_id", how="semi"),
        left_on="person_id", right_on="was", how="anti",
    )  # fmt: skip
    group = others.select(was="person_id", told="ethnic_group").join(who, on="was")
    came = group.filter(pl.col("told") != "unknown").group_by("to").agg(pl.col("told").min())
    filled = pl.when(pl.col("ethnic_group") == "unknown").then(pl.coalesce("told", "ethnic_group"))
    people = told.join(came, left_on="person_id", right_on="to", how="left").with_columns(
        ethnic_group=filled.otherwise("ethnic_group")
    )
    return replace(inputs, events=events, people=people.drop("told"))


def test_the_changes_are_those_of_counting_everybody_anew(inputs, index):
    links = links_of(index, inputs.people, draws=3, seed=4)
    found = told(changes(inputs, redraw(inputs, index, links, 3), seed=1, indicators=LISTED))
    base = count(inputs, indicators=LISTED)
    for draw in range(3):
        anew = count(moved(inputs, links.filter(draw=draw)), indicators=LISTED)
        both = anew.join(base, on=list(CELL), suffix="_base").filter(level="person")
        days = pl.col("indicator").is_in([e.id for e in LISTED if e.statistic == "rate"])
        unit = pl.when(days).then(365.25).otherwise(1.0)
        wanted = both.select(
            *CELL,
            numerator=(pl.col("numerator") - pl.col("numerator_base")).round(4),
            denominator=((pl.col("denominator") - pl.col("denominator_base")) * unit).round(2),
        ).filter((pl.col("numerator") != 0) | (pl.col("denominator") != 0))
        own = (
            found.filter(draw=draw)
            .drop("draw")
            .with_columns(pl.col("numerator").round(4), pl.col("denominator").round(2))
        )
        # What a draw moves within a cell leaves the cell as it is; not every cell is in the grid.
        own = own.join(base, on=list(CELL), how="semi").filter(
            (pl.col("numerator") != 0) | (pl.col("denominator") != 0)
        )
        order = list(CELL)
        assert wanted.height > 20
        assert_frame_equal(own.sort(order), wanted.sort(order), abs_tol=0.02)


def test_draws_do_not_depend_on_the_order_of_rows(inputs, index):
    links = links_of(index, inputs.people, draws=2, seed=5).with_columns(
        person_id=pl.when(pl.col("draw") == 0).then("person_id")
    )
    first = changes(inputs, redraw(inputs, index, links, 2), seed=3, indicators=LISTED)
    mixed = replace(inputs, people=inputs.people.reverse())
    again = redraw(mixed, index.reverse(), links.reverse(), 2)
    mixed_up = changes(mixed, again, seed=3, indicators=LISTED)
    assert first.numerators.height > 20
    assert_frame_equal(mixed_up.numerators, first.numerators)
    assert_frame_equal(mixed_up.denominators, first.denominators)
    assert_frame_equal(mixed_up.footprints, first.footprints)
    one, other = (
        moves(redraw(inputs, index, links, 2), inputs.people, inputs.events, seed=seed)
        for seed in (3, 4)
    )
    assert not one.equals(other)


def cell(**columns):
    place = dict.fromkeys(CELL, "x") | {"indicator": "mental_health_contacts", "stratum": "all"}
    return pl.DataFrame({**place, **RAW, **columns})


def change(draws, numerators, indicator="mental_health_contacts", denominator=0.0):
    place = dict.fromkeys(CELL, "x") | {"indicator": indicator, "stratum": "all"}
    numbers = {"draw": draws, "numerator": numerators, "denominator": [denominator] * len(draws)}
    types = (
        dict.fromkeys(CELL, pl.String)
        | {"draw": pl.Int64}
        | dict.fromkeys(("numerator", "denominator"), pl.Float64)
    )
    rows = pl.DataFrame(numbers, schema_overrides=types)
    return coded(rows.with_columns(pl.lit(value).alias(name) for name, value in place.items()))


def test_limits_are_those_of_rubins_rules():
    """By hand: draws 50, 52, 51, 51; mean 51, B = 2/3, total (1 + 1/4)·2/3, t of 3 is 3.182446."""
    counts = cell(numerator=[50.0], denominator=[100.0])
    made = with_limits(counts, change([1, 2, 3], [2.0, 1.0, 1.0]), imputations=4)
    reach = 3.182446305284263 * (1.25 * 2 / 3) ** 0.5
    assert made["linkage_upper"][0] == pytest.approx(51 + reach, abs=1e-6)
    assert made["linkage_lower"][0] == pytest.approx(51 - reach, abs=1e-6)
    assert made["linkage_recall"][0] == pytest.approx(50 / 51, abs=1e-6)


def test_the_limits_hold_the_count_that_was_linked():
    counts = cell(numerator=[50.0], denominator=[100.0])
    made = with_limits(counts, change([0, 1, 2, 3], [9.0, 9.0, 9.0, 8.0]), imputations=4)
    assert made["linkage_lower"][0] == 50.0
    assert made["linkage_upper"][0] > 58.0


def test_a_count_that_no_draw_changes_is_sure_and_an_area_has_no_limits():
    counts = pl.concat([cell(numerator=[50.0], denominator=[100.0]),
                        cell(numerator=[7.0], denominator=[9.0]).with_columns(
                            level=pl.lit("area"), stratum=pl.lit("quintile_1"))])  # fmt: skip
    made = with_limits(counts, change([], []), imputations=4)
    assert made["linkage_lower"].to_list() == made["linkage_upper"].to_list() == [50.0, None]
    without = with_limits(counts, None, imputations=4)
    assert without["linkage_upper"].null_count() == 2


def test_the_value_moves_with_its_denominator():
    """A person who goes leaves 10 of 99 in place of 10 of 100: as if it were 10.101 of 100."""
    counts = cell(numerator=[10.0], denominator=[100.0]).with_columns(
        indicator=pl.lit("depression_recorded")
    )
    fewer = change([0, 1], [0.0, 0.0], indicator="depression_recorded", denominator=-1.0)
    made = with_limits(counts, fewer, imputations=2)
    assert made["linkage_ratio_upper"][0] == pytest.approx(1000 / 99, abs=1e-6)
    assert made["linkage_upper"][0] == 10.0


PEOPLE = pl.DataFrame(
    {
        "person_id": [f"p{n}" for n in range(40)] + ["lost"],
        "on_register": [True] * 40 + [False],
        "current": [True] * 41,
        "lsoa_code": ["A"] * 20 + ["B"] * 20 + ["A"],
        "sex": ["1", "2"] * 20 + ["2"],
        "age_band": ["30-34"] * 41,
        "ethnic_group": ["asian"] * 41,
    }
)


def lost(draws):
    return pl.DataFrame(
        {"draw": range(draws), "source": "s", "record_id": "r", "was": "lost"},
        schema_overrides={"draw": pl.Int64},
    )


def own_index(*held):
    return pl.DataFrame(
        {"source": "s", "record_id": list(held), "person_id": list(held),
         "method": "nhs_number", "match_probability": None},
        schema_overrides={"match_probability": pl.Float64},
    )  # fmt: skip


def test_a_donor_is_like_the_record_and_has_no_record_of_the_source():
    index = own_index("p1", "p3", "p5")
    drawn_ = donors(lost(200), PEOPLE, index, {}, ["s"], np.random.default_rng(1))
    taken = drawn_.join(PEOPLE, on="person_id")
    assert drawn_.height == 200
    assert set(taken["sex"]) == {"2"}
    assert not {"p1", "p3", "p5"} & set(drawn_["person_id"])
    at_home = taken.filter(lsoa_code="A").height
    # Who is like the record and lives there is drawn, but for those whose record is of elsewhere;
    # of these, all are placed where people of the source live, which is in A.
    assert at_home == 200


def test_a_source_that_has_people_once_gives_nobody_two_records_in_a_draw():
    asked = pl.concat([lost(50).with_columns(record_id=pl.lit(f"r{n}")) for n in range(30)])
    taken = donors(asked, PEOPLE, own_index("lost"), {}, ["s"], np.random.default_rng(1))
    assert taken.height > 30
    assert taken.select("draw", "person_id").is_unique().all()
    again = donors(asked, PEOPLE, own_index("lost"), {}, [], np.random.default_rng(1))
    assert again.height == asked.height


def test_as_many_donors_are_of_unknown_ethnic_group_as_the_register_has():
    """Of 40 people without a record 10 are; a record that tells its group may be one of theirs."""
    groups = (["unknown"] + ["asian"] * 3) * 10 + ["asian"]
    people = PEOPLE.with_columns(ethnic_group=pl.Series(groups), sex=pl.lit("2"))
    index = own_index("lost")
    drawn_ = donors(lost(2_000), people, index, {}, ["s"], np.random.default_rng(1))
    unknown = drawn_.join(people, on="person_id")["ethnic_group"].eq("unknown").mean()
    assert unknown == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 2_000) ** 0.5)


def test_a_source_that_may_repeat_people_may_draw_one_it_has():
    index = own_index(*(f"p{n}" for n in range(40)))
    assert donors(lost(5), PEOPLE, index, {}, ["s"], np.random.default_rng(1)).is_empty()
    assert donors(lost(5), PEOPLE, index, {}, [], np.random.default_rng(1)).height == 5


def released_limits(numerator, below, above, rules):
    known = cell(numerator=[numerator], denominator=[1000.0]).with_columns(
        policy=pl.lit(rules.name)
    )
    counts = known.with_columns(
        linkage_lower=pl.lit(numerator - below), linkage_upper=pl.lit(numerator + above),
        linkage_ratio_lower=pl.lit(numerator - below), linkage_ratio_upper=pl.lit(numerator + above),
        linkage_recall=pl.lit(1.0),
    )  # fmt: skip
    from pophealth_link.need.linkage_release import limits

    shown = known.with_columns(rules.released("numerator"), rules.released("denominator"))
    told = with_margins(shown, counts).with_columns(multiplier=pl.lit(1.0))
    return told.with_columns(limits(rules)).row(0, named=True)


@settings(max_examples=60, deadline=None)
@drawn(
    st.integers(20, 300),
    st.floats(0, 19, allow_nan=False),
    st.floats(0, 19, allow_nan=False),
    st.sampled_from(sorted(POLICIES)),
)
def test_released_limits_hold_the_released_form_of_all_that_the_limits_hold(
    numerator, below, above, name
):
    rules = policy(name)
    made = released_limits(float(numerator), below, above, rules)
    inside = pl.DataFrame({"n": np.linspace(numerator - below, numerator + above, 41)})
    shown = inside.select(rules.released("n"))["n"].drop_nulls()
    assert made["numerator_linkage_lower"] <= shown.min() + 1e-6
    assert made["numerator_linkage_upper"] >= shown.max() - 1e-6
    value = made["numerator"] / made["denominator"]
    assert made["linkage_lower"] - 1e-6 <= value <= made["linkage_upper"] + 1e-6


@pytest.mark.parametrize("name", ["hes", "midpoint6"])
def test_released_limits_do_not_tell_counts_apart_that_are_released_alike(name):
    rules = policy(name)
    alike = [n for n in range(20, 60) if pl.DataFrame({"n": [n]}).select(
        rules.released("n"))["n"][0] == pl.DataFrame({"n": [40]}).select(rules.released("n"))["n"][0]]  # fmt: skip
    assert len(alike) >= 5
    told = {tuple(released_limits(float(n), 2.5, 3.5, rules).values())[-6:] for n in alike}
    assert len(told) == 1


def test_a_cell_of_weak_linkage_is_withheld_and_says_why(inputs, index):
    counts = count(inputs, policy=policy("hes"), indicators=LISTED)
    weak = pl.col("indicator") == "mental_health_contacts"
    ends = ("linkage_lower", "linkage_upper", "linkage_ratio_lower", "linkage_ratio_upper")
    told = counts.with_columns(
        *(pl.col("numerator").alias(name) for name in ends),
        linkage_recall=pl.when(weak).then(0.8).otherwise(1.0),
    )
    baseline, _ = release(told, policy("hes"), indicators=LISTED)
    shown = baseline.filter(pl.col("denominator").is_not_null(), weak)
    hidden = shown.filter(status="linkage_too_weak")
    assert hidden.height > 20
    assert not set(shown["status"]) & {"ok", "estimated"}
    numbers = ["numerator", "value", "lower", "upper", "linkage_lower", "linkage_upper"]
    assert hidden.select(numbers).null_count().sum_horizontal()[0] == hidden.height * len(numbers)
    assert "linkage_too_weak" not in set(baseline.filter(~weak)["status"])


def test_a_small_count_of_weak_linkage_says_so_too(inputs):
    """Else the word `suppressed` would tell which of the weak counts are small."""
    rules = policy("midpoint6")
    counts = count(inputs, policy=rules, indicators=LISTED)
    plain, _ = release(counts, rules, indicators=LISTED)
    hidden = plain.filter(status="suppressed", indicator="delayed_discharge_days")
    assert hidden.height > 0
    ends = ("linkage_lower", "linkage_upper", "linkage_ratio_lower", "linkage_ratio_upper")
    weak = counts.with_columns(
        *(pl.col("numerator").alias(name) for name in ends), linkage_recall=pl.lit(0.58)
    )
    told, _ = release(weak, rules, indicators=LISTED)
    assert set(told["status"]) <= {"linkage_too_weak", "not_applicable", "no_data"}


def test_a_count_less_than_one_short_is_not_weak():
    counts = cell(numerator=[2.0], denominator=[100.0])
    made = with_limits(counts, change([0], [1.0]), imputations=4)
    assert made["linkage_recall"].to_list() == [1.0]
    none = cell(numerator=[0.0], denominator=[100.0])
    made = with_limits(none, change([0, 1, 2, 3], [2.0, 2.0, 2.0, 2.0]), imputations=4)
    assert made["linkage_recall"].to_list() == [0.0]


def test_without_moves_nothing_changes(inputs, index):
    none = redraw(inputs, index, links_of(index, inputs.people, 1, 1).clear(), 4)
    changed = changes(inputs, none, seed=1, indicators=LISTED)
    counts = count(inputs, indicators=LISTED)
    made = with_limits(counts, changed, imputations=4, indicators=LISTED)
    known = made.filter(level="person").drop_nulls("numerator")
    assert (known["linkage_upper"] == known["linkage_lower"]).all()
    assert known["linkage_lower"].null_count() == 0


def test_a_gap_between_ethnic_groups_makes_every_cell_of_the_footprint_weak():
    rows = pl.concat(
        cell(numerator=[n], denominator=[1000.0], linkage_recall=[recall]).with_columns(
            stratum=pl.lit(stratum)
        )
        for stratum, n, recall in [
            ("all", 500.0, 0.96), ("ethnic_white", 300.0, 0.99), ("ethnic_black", 120.0, 0.91),
            ("ethnic_other", 9.0, 0.50), ("ethnic_unknown", 150.0, 0.95),
        ]
    )  # fmt: skip
    # The smallest group falls short by itself; too few people tell of a gap.
    assert rows.select(too_weak()).to_series().to_list() == [False, False, False, True, False]
    assert rows.select(too_weak(gap=0.07)).to_series().all()
