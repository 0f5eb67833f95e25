"""No suppressed cell can be recovered: checked by linear programmes that share no code with it."""

import math

import numpy as np
import polars as pl
import pytest
from disclosure_reference import (
    HIDDEN,
    Table,
    blind_bounds,
    informed_bounds,
    mark_bounds,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from test_disclosure_additive import COUNTS, UNITS, baseline

from pophealth_link.disclosure import (
    Check,
    Relations,
    apply,
    check,
    feasible_ranges,
    policy,
    protect,
    relations,
)
from pophealth_link.errors import DisclosureError

NAMES = st.sampled_from(sorted(HIDDEN))
SMALL_WIDTH = {"hes": 6, "opensafely": 7, "acro": 9, "midpoint6": 5}
BEYOND = {"hes": 8, "opensafely": 8, "acro": 10, "midpoint6": 7}


def shown(table: Table, name: str) -> list[float | None]:
    done = protect(table.frame, policy(name), relations=table.relations, counts=["n"])
    assert done.check.passed
    return done.frame["n"].to_list()


@st.composite
def trees(draw) -> Table:
    """Totals of totals of counts; every cell has one parent, so ranges can be exact."""
    groups = draw(st.lists(st.lists(st.integers(0, 25), min_size=1, max_size=4), max_size=3))
    counts = [sum(map(sum, groups))]
    sums, middles = [], []
    for group in groups:
        middle = len(counts)
        middles.append(middle)
        counts += [sum(group), *group]
        sums.append((middle, list(range(middle + 1, middle + 1 + len(group)))))
    return Table(counts, [(0, middles), *sums] if groups else [])


def grid(seed: int) -> Table:
    """Rows by columns with margins, as footprints by strata are."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(2, 5, size=2)
    inner = rng.integers(0, rng.choice([4, 9, 20, 60]), size=(rows, columns))
    inner = inner * (rng.random((rows, columns)) < 0.8)
    whole = np.block([[inner, inner.sum(1, keepdims=True)], [inner.sum(0), inner.sum()]])
    number = np.arange(whole.size).reshape(whole.shape)
    sums = [(int(line[-1]), line[:-1].tolist()) for line in (*number, *number.T)]
    return Table([int(n) for n in whole.ravel()], sums)


@settings(max_examples=120, deadline=None)
@given(NAMES, trees())
def test_small_counts_are_told_no_closer_than_by_their_marks(name, table) -> None:
    numbers = shown(table, name)
    told, marks = informed_bounds(name, table, numbers), mark_bounds(name, table)
    for cell, count in enumerate(table.counts):
        if count in HIDDEN[name]:
            low, high = table.exact(told, cell)
            least, most = table.exact(marks, cell)
            assert low <= least + 1e-6
            assert high >= most - 1e-6


@settings(max_examples=120, deadline=None)
@given(NAMES, trees())
def test_withheld_counts_may_be_large_and_are_as_wide_as_the_policys_own(name, table) -> None:
    numbers = shown(table, name)
    bounds = blind_bounds(name, table, numbers)
    for cell, number in enumerate(numbers):
        if number is None and table.sums:
            low, high = table.exact(bounds, cell)
            assert high >= BEYOND[name] - 1e-6
            assert high - low >= SMALL_WIDTH[name] - 1e-6


@settings(max_examples=120, deadline=None)
@given(NAMES, trees())
def test_no_rounded_count_is_known_exactly(name, table) -> None:
    numbers = shown(table, name)
    bounds = informed_bounds(name, table, numbers)
    for cell, number in enumerate(numbers):
        if number and table.sums:
            low, high = table.exact(bounds, cell)
            assert high - low >= 1 - 1e-6


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_no_withheld_count_of_a_two_way_table_is_recovered(name) -> None:
    """Ranges of propagation are not exact here; no count may come out, marks alone aside."""
    for seed in range(25):
        table = grid(seed)
        numbers = shown(table, name)
        told, marks = informed_bounds(name, table, numbers), mark_bounds(name, table)
        for cell, number in enumerate(numbers):
            if number is None:
                low, high = table.exact(told, cell)
                least, most = table.exact(marks, cell)
                assert high - low >= min(1, most - least) - 1e-6


@settings(max_examples=60, deadline=None)
@given(NAMES, trees())
def test_ranges_equal_the_exact_ones_on_trees(name, table) -> None:
    got = apply(table.frame, policy(name), counts=["n"])
    found = feasible_ranges(
        got, policy(name), relations=table.relations, count="n", truth=table.frame
    )
    bounds = informed_bounds(name, table, got["n"].to_list())
    for cell in range(len(table.counts)):
        low, high = table.exact(bounds, cell) if table.sums else bounds[cell]
        assert found["low"][cell] == pytest.approx(low)
        assert found["high"][cell] == pytest.approx(high) or math.isinf(high)


@settings(max_examples=60, deadline=None)
@given(NAMES, trees(), st.randoms(use_true_random=False))
def test_protection_adds_to_the_policy_and_never_changes_a_number(name, table, _random) -> None:
    first = apply(table.frame, policy(name), counts=["n"])
    done = protect(table.frame, policy(name), relations=table.relations, counts=["n"])
    kept = done.frame.filter(pl.col("n").is_not_null())
    pair = pl.DataFrame({"before": first["n"], "after": done.frame["n"]})
    assert pair.filter(
        pl.col("after").is_not_null() & (pl.col("after") != pl.col("before"))
    ).is_empty()
    assert pair.filter(pl.col("before").is_null() & pl.col("after").is_not_null()).is_empty()
    assert (kept["status"] == "ok").all()
    lost = first["n"].is_not_null() & done.frame["n"].is_null()
    assert done.secondary["n"] == lost.sum()
    assert done.suppressed["n"] == first["n"].null_count()
    # A zero that the policy shows stays shown.
    assert not (lost & (first["n"] == 0)).any()


def tiny(counts: list[int]) -> Table:
    return Table(counts, [(0, list(range(1, len(counts))))])


def test_the_textbook_case() -> None:
    """14 = 7 + 7: 15 less the larger small count leaves 6 or 7, so the total has to go."""
    table = tiny([14, 7, 7])
    got = apply(table.frame, policy("hes"), counts=["n"])
    found = feasible_ranges(got, policy("hes"), relations=table.relations, count="n")
    assert found.rows() == [(13, 14), (6, 7), (6, 7)]
    failed = check(got, policy("hes"), relations=table.relations, counts=["n"])
    assert (failed.narrowed, failed.passed) == (2, False)
    with pytest.raises(DisclosureError, match="2 can be told more closely"):
        failed.require()
    assert shown(table, "hes") == [None, None, None]


def test_a_single_suppressed_part_gets_company() -> None:
    table = tiny([1_008, 7, 402, 599])
    numbers = shown(table, "hes")
    assert numbers == [1010, None, None, 600]


def test_all_ones_under_midpoint6_are_not_given_away() -> None:
    """6 = six ones: 3 = 3 + 3 + 3 + 3 + 3 + 3 leaves one possibility, so numbers have to go."""
    table = tiny([6] + [1] * 6)
    got = apply(table.frame, policy("midpoint6"), counts=["n"])
    failed = check(
        got, policy("midpoint6"), relations=table.relations, counts=["n"], truth=table.frame
    )
    assert failed.fixed == 7
    numbers = shown(table, "midpoint6")
    assert None in numbers


def test_nothing_is_withheld_without_need() -> None:
    table = tiny([100, 20, 30, 50])
    assert shown(table, "hes") == [100, 20, 30, 50]
    assert shown(Table([3, 40], []), "hes") == [None, 40]


def test_slivers_between_nested_areas() -> None:
    """A council of 52 that is a network of 50 and one small practice: 50 less 50 is 0 to 4."""
    units = pl.DataFrame(
        [
            ("registered", "A1", "pcn", "U1"),
            ("registered", "A2", "pcn", "U2"),
            ("registered", "A1", "lad", "L1"),
            ("registered", "A3", "lad", "L1"),
            ("registered", "A2", "lad", "L2"),
            ("registered", "A3", "pcn", "U2"),
        ],
        schema=["basis", "unit", "footprint_type", "footprint_code"],
        orient="row",
    ).with_columns(share=pl.lit(1.0))
    people = pl.DataFrame(
        {
            "basis": "registered",
            "unit": ["A1", "A2", "A3"],
            "stratum": "quintile_1",
            "n": [50, 90, 2],
        }
    )
    frame = baseline(people, units)
    found = relations(frame, units)
    got = apply(frame, policy("hes"), counts=["n"])
    assert got["n"].null_count() == 0
    failed = check(got, policy("hes"), relations=found, counts=["n"], truth=frame)
    # L1 less U1, which is U2 less L2, for all and for the one stratum.
    assert failed.slivers == 2
    done = protect(frame, policy("hes"), relations=found, counts=["n"])
    assert done.check.passed
    assert done.secondary["n"] > 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=15, max_size=15), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(values, random) -> None:
    frame = baseline(COUNTS.with_columns(n=pl.Series(values)))
    order = list(range(frame.height))
    random.shuffle(order)
    mixed = frame[order]
    each = [
        protect(rows, policy("hes"), relations=relations(rows, UNITS), counts=["n"]).frame
        for rows in (frame, mixed)
    ]
    assert each[0][order].equals(each[1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=15, max_size=15), NAMES)
def test_a_protected_baseline_passes_the_check_afresh(values, name) -> None:
    frame = baseline(COUNTS.with_columns(n=pl.Series(values)))
    found = relations(frame, UNITS)
    done = protect(frame, policy(name), relations=found, counts=["n"])
    again = check(done.frame, policy(name), relations=found, counts=["n"], truth=frame)
    assert again == done.check
    assert again.passed
    assert again.set_aside == 0


def test_derived_numbers_go_with_secondary_suppression() -> None:
    table = tiny([1_008, 7, 402, 599])
    frame = table.frame.with_columns(value=pl.lit(0.5), status=pl.lit("estimated"))
    done = protect(
        frame, policy("hes"), relations=table.relations, counts=["n"], derived=["value"]
    ).frame
    assert done["value"].to_list() == [0.5, None, None, 0.5]
    assert done["status"].to_list() == ["estimated", "suppressed", "suppressed", "estimated"]


def test_two_counts_are_looked_at_apart() -> None:
    table = tiny([1_008, 7, 402, 599])
    frame = table.frame.with_columns(d=pl.Series([3_000, 1_000, 1_000, 1_000]))
    done = protect(frame, policy("hes"), relations=table.relations, counts=["n", "d"])
    assert done.frame["d"].to_list() == [3_000, 1_000, 1_000, 1_000]
    assert done.secondary == {"n": 1, "d": 0}


def test_relations_that_the_counts_do_not_bear_out_are_set_aside() -> None:
    table = Table([50, 3, 400], [(0, [1, 2])])
    done = protect(table.frame, policy("hes"), relations=table.relations, counts=["n"])
    assert (done.check.set_aside, done.check.relations) == (1, 0)
    assert done.frame["n"].to_list() == [50, None, 400]
    missing = pl.DataFrame({"n": [None, 3, 400]}, schema={"n": pl.Int64})
    done = protect(missing, policy("hes"), relations=table.relations, counts=["n"])
    assert done.frame["status"].to_list() == ["ok", "suppressed", "ok"]


def test_contradictions_are_found_without_the_truth() -> None:
    table = Table([50, 20, 400], [(0, [1, 2])])
    got = apply(table.frame, policy("hes"), counts=["n"])
    assert check(got, policy("hes"), relations=table.relations, counts=["n"]).contradictory > 0


def test_fractions_of_shared_practices() -> None:
    counts = [100.75, 2.25, 40.5, 58.0]
    frame = pl.DataFrame({"n": counts})
    terms = pl.DataFrame({"relation": 0, "cell": range(4), "sign": [-1, 1, 1, 1]})
    found = Relations.of(terms, rows=4)
    done = protect(frame, policy("hes"), relations=found, counts=["n"])
    assert done.check.passed
    assert done.frame["n"][1] is None
    told = feasible_ranges(done.frame, policy("hes"), relations=found, count="n", truth=frame)
    assert all(low <= n <= high for n, (low, high) in zip(counts, told.rows(), strict=True))
    assert told.row(1) == (0, 8)


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_many_days_of_few_people_are_not_told_by_what_is_left(name: str) -> None:
    """1,749 days on three wards, 351 of them of six people: 1,749 - 1,311 - 87 would tell them."""
    table = tiny([1_749, 351, 1_311, 87])
    frame = table.frame.with_columns(few=pl.Series([False, True, False, False]))
    done = protect(frame, policy(name), relations=table.relations, counts=["n"], withhold="few")
    assert done.check.passed
    shown_ = done.frame["n"].to_list()
    assert shown_[1] is None
    base = policy(name).base
    rest = [(0, 10_000) if n is None else (n - base, n + base) for n in shown_]
    low = rest[0][0] - rest[2][1] - rest[3][1]
    high = rest[0][1] - rest[2][0] - rest[3][0]
    assert low < 0.5 * 351
    assert high > 1.5 * 351


def keyed(table: Table) -> pl.DataFrame:
    codes = [f"U{i}" for i in range(len(table.counts))]
    return table.frame.with_columns(
        footprint_type=pl.lit("pcn"),
        footprint_code=pl.Series(codes),
        basis=pl.lit("registered"),
        indicator=pl.lit("depression_recorded"),
        stratum=pl.lit("all"),
        period=pl.lit("2026"),
    )


def test_an_earlier_release_is_taken_into_account() -> None:
    table = tiny([1_008, 7, 402, 599])
    frame = keyed(table)
    plain = protect(frame, policy("hes"), relations=table.relations, counts=["n"]).frame
    assert plain["n"].to_list() == [1010, None, None, 600]
    earlier = plain.with_columns(n=pl.Series([None, None, 400, None]))
    done = protect(frame, policy("hes"), relations=table.relations, counts=["n"], previous=earlier)
    # 400 is out already, so withholding it protects nothing.
    assert done.frame["n"].to_list() == [1010, None, 400, None]
    other = earlier.with_columns(period=pl.lit("2025"))
    assert protect(
        frame, policy("hes"), relations=table.relations, counts=["n"], previous=other
    ).frame.equals(plain)


def test_what_an_earlier_release_gave_away_cannot_be_mended() -> None:
    table = tiny([1_008, 7, 402, 599])
    frame = keyed(table)
    earlier = frame.with_columns(n=pl.Series([1010, None, 400, 600]))
    with pytest.raises(DisclosureError, match="can be told more closely"):
        protect(frame, policy("hes"), relations=table.relations, counts=["n"], previous=earlier)


def test_frames_and_relations_must_fit() -> None:
    table = tiny([20, 10, 10])
    with pytest.raises(DisclosureError, match="relations are of another frame"):
        protect(table.frame.head(2), policy("hes"), relations=table.relations, counts=["n"])
    with pytest.raises(DisclosureError, match="status"):
        check(table.frame, policy("hes"), relations=table.relations, counts=["n"])


@pytest.mark.slow
def test_two_hundred_thousand_rows_take_seconds() -> None:
    import time

    rng = np.random.default_rng(1)
    areas, strata = 5_000, 6
    parts = rng.poisson(rng.choice([2, 10, 80], size=(areas, strata + 1)), size=None)
    codes = [f"U{i:05d}" for i in range(areas)]
    names = [f"quintile_{i}" for i in range(1, 6)] + ["quintile_unknown"]
    inner = pl.DataFrame(
        {
            "footprint_code": np.repeat(codes, strata),
            "stratum": names * areas,
            "n": parts[:, :strata].ravel(),
        }
    )
    whole = inner.group_by("footprint_code").agg(pl.col("n").sum(), stratum=pl.lit("all"))
    pcns = pl.concat([inner, whole.select(inner.columns)]).with_columns(
        footprint_type=pl.lit("pcn")
    )
    icps = pcns.with_columns(pl.col("footprint_code").str.slice(0, 4), footprint_type=pl.lit("icp"))
    icps = icps.group_by("footprint_type", "footprint_code", "stratum").agg(pl.col("n").sum())
    one = pl.concat([pcns, icps.select(pcns.columns)]).with_columns(basis=pl.lit("registered"))
    frame = pl.concat(one.with_columns(indicator=pl.lit(f"i{i}")) for i in range(5))
    assert frame.height > 175_000
    began = time.process_time()
    found = relations(frame)
    done = protect(frame, policy("hes"), relations=found, counts=["n"])
    assert time.process_time() - began < 30
    assert done.check.passed


def test_a_sliver_may_be_known_as_closely_as_the_policy_shows_a_small_count() -> None:
    # A footprint of 4 people holds one of nobody: what is left over is the footprint itself.
    frame = pl.DataFrame({"n": [4.0, 0.0]})
    terms = pl.DataFrame({"relation": 0, "cell": [0, 1, 2], "sign": [-1, 1, 1]})
    sums = Relations.of(terms, rows=2)

    def found(name: str, counts: list[float]) -> Check:
        truth = frame.with_columns(n=pl.Series(counts))
        shown = apply(truth, policy(name), counts=["n"])
        return check(shown, policy(name), relations=sums, counts=["n"], truth=truth)

    # `midpoint6` shows it as 3, one of 1 to 6: the sliver tells no more.
    assert found("midpoint6", [4.0, 0.0]).passed
    # `hes` hides small counts: 10 less 10 leaves 0 to 4, and nobody may know a sliver that closely.
    assert not found("hes", [12.0, 11.0]).passed
