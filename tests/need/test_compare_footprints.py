"""Common footprints after practices, LSOAs and codes changed."""

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compared import cells, memberships, snapshot
from pophealth_link.need.footprints_in_common import common_footprints


def common(before, after, *, tolerance=0.0, sizes=None, recoded=()):
    """Common PCNs of two lists of (unit, code, share)."""
    rows = pl.DataFrame(
        list(recoded), schema=dict.fromkeys(("kind", "old", "new"), pl.String), orient="row"
    )
    sides = [
        (cells({code: (10, 100) for _, code, _ in units}), snapshot(
            memberships=memberships(units), sizes=sizes or {}, recoded=rows))
        for units in (before, after)
    ]  # fmt: skip
    return common_footprints(
        sides[0][0], sides[1][0], sides[0][1], sides[1][1], tolerance=tolerance
    )


def told(found):
    """Common code → (earlier codes, later codes, membership)."""
    groups = defaultdict(lambda: ([], [], set()))
    for row in found.iter_rows(named=True):
        own = groups[row["footprint_code"]]
        own[row["side"] == "after"].append(row["own_code"])
        own[2].add(row["membership"])
    return {code: (sorted(a), sorted(b), *words) for code, (a, b, words) in groups.items()}


def whole(**codes):
    return [(unit, code, 1.0) for unit, code in codes.items()]


CASES = {
    "nothing changed": (
        whole(A="U1", B="U2"), whole(A="U1", B="U2"),
        {"U1": (["U1"], ["U1"], "same"), "U2": (["U2"], ["U2"], "same")},
    ),
    "another code": (
        whole(A="U1", B="U2"), whole(A="V1", B="U2"),
        {"V1": (["U1"], ["V1"], "renamed"), "U2": (["U2"], ["U2"], "same")},
    ),
    "two became one": (
        whole(A="U1", B="U2"), whole(A="U3", B="U3"),
        {"U3": (["U1", "U2"], ["U3"], "joined")},
    ),
    "one became two": (
        whole(A="U1", B="U1"), whole(A="U2", B="U3"),
        {"U2+U3": (["U1"], ["U2", "U3"], "parted")},
    ),
    "a practice went over": (
        whole(A="U1", B="U1", C="U2", D="U3"), whole(A="U1", B="U2", C="U2", D="U3"),
        {"U1+U2": (["U1", "U2"], ["U1", "U2"], "regrouped"), "U3": (["U3"], ["U3"], "same")},
    ),
    "a shared practice stays shared": (
        [("A", "U1", 0.25), ("A", "U2", 0.75)], [("A", "U1", 0.25), ("A", "U2", 0.75)],
        {"U1": (["U1"], ["U1"], "same"), "U2": (["U2"], ["U2"], "same")},
    ),
    "a shared practice is shared otherwise": (
        [("A", "U1", 0.25), ("A", "U2", 0.75)], [("A", "U1", 0.5), ("A", "U2", 0.5)],
        {"U1+U2": (["U1", "U2"], ["U1", "U2"], "regrouped")},
    ),
    "one ended and another began": (
        whole(A="U1", B="U2"), whole(A="U1", C="U3"),
        {"U1": (["U1"], ["U1"], "same"), "U2": (["U2"], [], "absent_after"),
         "U3": ([], ["U3"], "absent_before")},
    ),
    "a code was given to others": (
        whole(A="U1"), whole(B="U1"),
        {"U1": ([], ["U1"], "absent_before"), "U1 (earlier)": (["U1"], [], "absent_after")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_became_of_footprints(case):
    before, after, expected = CASES[case]
    assert told(common(before, after)) == expected


# LSOAs of 2011 and 2021: A split into A1 and A2; B and C merged into BC; D unchanged.
CHANGED = [("lsoa", "A", "A1"), ("lsoa", "A", "A2"), ("lsoa", "B", "BC"), ("lsoa", "C", "BC")]


def test_lsoas_that_split_and_merged_within_a_footprint_change_nothing():
    before = whole(A="U1", B="U2", C="U2", D="U2")
    after = whole(A1="U1", A2="U1", BC="U2", D="U2")
    assert told(common(before, after, recoded=CHANGED)) == {
        "U1": (["U1"], ["U1"], "same"),
        "U2": (["U2"], ["U2"], "same"),
    }


def test_lsoas_that_merged_across_footprints_join_them():
    before, after = whole(B="U1", C="U2", D="U3"), whole(BC="U1", D="U3")
    assert told(common(before, after, recoded=CHANGED)) == {
        "U1": (["U1", "U2"], ["U1"], "joined"),
        "U3": (["U3"], ["U3"], "same"),
    }


def test_part_of_a_split_lsoa_that_went_over_joins_both():
    before, after = whole(A="U1", D="U2"), whole(A1="U1", A2="U2", D="U2")
    assert set(told(common(before, after, recoded=CHANGED))) == {"U1+U2"}


def test_a_practice_that_was_taken_over_is_followed():
    before, after = whole(OLD="U1", B="U2"), whole(NEW="U1", B="U2")
    found = told(common(before, after, recoded=[("practice", "OLD", "NEW")]))
    assert found["U1"] == (["U1"], ["U1"], "same")


def test_small_exchanges_are_ignored_within_the_tolerance_and_told():
    before = whole(A="U1", B="U1", C="U2")
    after = whole(A="U1", B="U2", C="U2")
    sizes = {"A": 960, "B": 40, "C": 1000}
    kept = common(before, after, tolerance=0.05, sizes=sizes)
    assert told(kept) == {
        "U1": (["U1"], ["U1"], "moved"),
        "U2": (["U2"], ["U2"], "moved"),
    }
    # 40 of 1,000 left U1; 40 of the 1,040 of U2 came.
    shares = dict(kept.select("footprint_code", "share_moved").iter_rows())
    assert shares["U1"] == pytest.approx(0.04)
    assert shares["U2"] == pytest.approx(40 / 1040)
    assert set(told(common(before, after, tolerance=0.03, sizes=sizes))) == {"U1+U2"}


def test_many_small_exchanges_are_added_up_before_they_are_ignored():
    before = whole(A="U1", B="U1", C="U1", D="U2", E="U3")
    after = whole(A="U1", B="U2", C="U3", D="U2", E="U3")
    sizes = {"A": 940, "B": 30, "C": 30, "D": 1000, "E": 1000}
    assert set(told(common(before, after, tolerance=0.05, sizes=sizes))) == {"U1+U2+U3"}
    assert set(told(common(before, after, tolerance=0.06, sizes=sizes))) == {"U1", "U2", "U3"}


def test_units_that_came_and_went_are_told():
    found = common(whole(A="U1", B="U1"), whole(A="U1", C="U1", D="U1"))
    row = found.row(0, named=True)
    assert (row["membership"], row["units_before"], row["units_after"]) == ("same", 2, 3)
    assert row["share_gone"] == pytest.approx(1 / 2)
    assert row["share_new"] == pytest.approx(2 / 3, abs=1e-4)


def test_shares_of_units_that_came_and_went_are_of_people():
    # One practice of 38,400 of the 96,000 people went, one of 6,400 of the 64,000 came.
    sizes = {f"A{i:02}": 2400 for i in range(24)} | {"BIG": 38_400, "NEW": 6400}
    stay = [(unit, "U1", 1.0) for unit in sizes if unit.startswith("A")]
    found = common([*stay, ("BIG", "U1", 1.0)], [*stay, ("NEW", "U1", 1.0)], sizes=sizes)
    row = found.row(0, named=True)
    assert (row["units_before"], row["units_after"]) == (25, 25)
    assert (row["share_gone"], row["share_new"]) == (0.4, 0.1)


def test_a_unit_without_published_people_weighs_as_the_average_one():
    sizes = {"A": 1000, "B": 3000}
    stay = whole(A="U1", B="U1")
    row = common([*stay, ("C", "U1", 1.0)], stay, sizes=sizes).row(0, named=True)
    assert row["share_gone"] == pytest.approx(2000 / 6000, abs=1e-4)


def test_a_unit_that_is_there_in_part_weighs_by_its_part():
    sizes = {"A": 1000, "B": 1000}
    before = [("A", "U1", 1.0), ("B", "U1", 0.25), ("B", "U2", 0.75), ("C", "U2", 1.0)]
    row = common(before, whole(A="U1", C="U2"), sizes=sizes).row(0, named=True)
    assert (row["footprint_code"], row["share_gone"]) == ("U1", 0.2)


SMALL = {f"D{i:02}": 1000 for i in range(30)}
MANY = [(unit, "U2", 1.0) for unit in SMALL]
SIZES = {"A": 20_000, "B": 10_000, "C": 10_000, **SMALL}


def test_a_practice_that_becomes_shared_joins_the_footprints_of_its_parts():
    """Nobody knows how many of its 20,000 went to U2: it may be most of the 30,000 of U1."""
    before = [*whole(A="U1", B="U1", C="U2"), *MANY]
    after = [*before, ("A@pcn=U2", "U2", 1.0)]
    for sides in ((before, after), (after, before)):
        found = common(*sides, tolerance=0.05, sizes=SIZES)
        assert told(found) == {"U1+U2": (["U1", "U2"], ["U1", "U2"], "regrouped")}
        row = found.row(0, named=True)
        assert (row["share_gone"], row["share_new"]) == (0, 0)


def test_a_small_practice_that_becomes_shared_stays_within_the_tolerance():
    before = [*whole(A="U1", B="U1", C="U2"), *MANY]
    after = [*before, ("A@pcn=U2", "U2", 1.0)]
    found = common(before, after, tolerance=0.05, sizes=SIZES | {"A": 400})
    assert told(found) == {"U1": (["U1"], ["U1"], "moved"), "U2": (["U2"], ["U2"], "moved")}
    shares = dict(found.select("footprint_code", "share_moved").iter_rows())
    # At most all of its 400 went, of 10,400.
    assert shares["U1"] == pytest.approx(400 / 10_400)


PARTED = {
    "the same parts": (
        [("A", "U1", 1.0), ("A@pcn=U2", "U2", 1.0)], [("A", "U1", 1.0), ("A@pcn=U2", "U2", 1.0)],
    ),
    "parts that are of one network": (
        [("A", "U1", 1.0), ("B", "U2", 1.0)],
        [("A", "U1", 1.0), ("A@icp=F", "U1", 1.0), ("B", "U2", 1.0)],
    ),
    "parts of another type as well": (
        [("A", "U1", 1.0), ("A@pcn=U2", "U2", 1.0)],
        [("A", "U1", 1.0), ("A@icp=F", "U1", 1.0), ("A@icp=F+pcn=U2", "U2", 1.0)],
    ),
    "parts of a practice that is shared by its share": (
        [("A", "U1", 0.25), ("A", "U2", 0.75)],
        [("A", "U1", 0.25), ("A", "U2", 0.75), ("A@icp=F", "U1", 0.25), ("A@icp=F", "U2", 0.75)],
    ),
    "no part is called by the practice's code": (
        whole(A="U1", B="U2"), [("A@icp=F", "U1", 1.0), ("A@icp=G", "U1", 1.0), ("B", "U2", 1.0)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PARTED)
def test_parts_that_move_nobody_change_nothing(case):
    found = common(*PARTED[case], sizes={"A": 20_000, "B": 100})
    assert told(found) == {"U1": (["U1"], ["U1"], "same"), "U2": (["U2"], ["U2"], "same")}
    assert set(found["share_gone"]) == set(found["share_new"]) == {0.0}


def test_parts_of_a_practice_that_was_taken_over_are_followed():
    before = [("OLD", "U1", 1.0), ("OLD@pcn=U2", "U2", 1.0)]
    after = [("NEW", "U1", 1.0), ("NEW@pcn=U2", "U2", 1.0)]
    found = told(common(before, after, recoded=[("practice", "OLD", "NEW")]))
    assert found == {"U1": (["U1"], ["U1"], "same"), "U2": (["U2"], ["U2"], "same")}


CHAIN = [("practice", "A", "B"), ("practice", "B", "C")]


def test_chains_of_practices_that_were_taken_over_are_followed_to_their_end():
    before, after = whole(A="U1", X="U1", Y="U2"), whole(C="U2", X="U1", Y="U2")
    straight = common(before, after, recoded=[("practice", "A", "C")])
    found = common(before, after, recoded=CHAIN)
    assert found.equals(straight)
    assert told(found) == {"U1+U2": (["U1", "U2"], ["U1", "U2"], "regrouped")}
    assert set(found["share_gone"]) == {0.0}


def test_a_chain_ends_at_a_practice_that_is_still_there_and_a_circle_nowhere():
    before, after = whole(A="U1", X="U1"), whole(B="U1", C="U2", X="U1")
    found = told(common(before, after, recoded=CHAIN))
    assert found["U1"] == (["U1"], ["U1"], "same")
    round_ = [*CHAIN, ("practice", "C", "A")]
    row = common(before, whole(X="U1"), recoded=round_).row(0, named=True)
    assert row["share_gone"] == 0.5


def test_without_memberships_codes_are_matched_and_it_is_said():
    before, after = cells({"U1": (1, 9), "U2": (1, 9)}), cells({"U1": (1, 9), "U3": (1, 9)})
    assert told(common_footprints(before, after, None, None)) == {
        "U1": (["U1"], ["U1"], "not_known"),
        "U2": (["U2"], [], "absent_after"),
        "U3": ([], ["U3"], "absent_before"),
    }


def test_reasons_and_other_footprints_without_units_are_matched_by_code():
    rows = cells({"no_pcn": (1, 9)})
    found = common_footprints(rows, rows, snapshot(), snapshot())
    assert told(found) == {"no_pcn": (["no_pcn"], ["no_pcn"], "same")}


def brute_force(before, after):
    """Groups of (side, code) that hang together through a unit, by walking."""
    links = defaultdict(set)
    for unit in {*before} | {*after}:
        ends = [(s, held[unit]) for s, held in enumerate((before, after)) if unit in held]
        for one in ends:
            links[one] |= set(ends)
    groups, seen = set(), set()
    for start in links:
        reached, queue = {start}, [start]
        while queue:
            for other in links[queue.pop()] - reached:
                reached.add(other)
                queue.append(other)
        if start not in seen:
            groups.add(frozenset(reached))
            seen |= reached
    return groups


places = st.dictionaries(st.sampled_from("ABCDEFGH"), st.sampled_from(["U1", "U2", "U3", "U4"]),
                         min_size=1)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(before=places, after=places)
def test_groups_are_the_smallest_that_hold_the_same_units(before, after):
    found = common(whole(**before), whole(**after))
    groups = {
        frozenset(
            ((side == "after") * 1, code) for side, code in own.select("side", "own_code").rows()
        )
        for _, own in found.group_by("footprint_code")
    }
    assert groups == brute_force(before, after)
    assert found.select("side", "own_code").is_unique().all()


def held(frame, *, recoded=None):
    """A snapshot of units and codes, and cells of those codes."""
    units = frame.select("unit", "code").unique().sort("unit", "code").rows()
    rows = memberships([(unit, code, 1.0) for unit, code in units])
    changed = {} if recoded is None else {"recoded": recoded}
    codes = rows["footprint_code"].unique().sort()
    return cells(dict.fromkeys(codes, (10, 100))), snapshot(memberships=rows, **changed)


def test_networks_of_england_a_year_apart_are_put_on_common_ones(open_data):
    """PCN membership of practices in January 2022 and about January 2023, as published."""
    then = pl.read_parquet(open_data / "nhs/gp_reg_pat_prac_map_2022.parquet").select(
        unit="PRACTICE_CODE", code="PCN_CODE"
    )
    spells = pl.read_parquet(open_data / "nhs/epcn_2023_core_partner_details.parquet").filter(
        pl.col("practice_to_pcn_relationship_end_date").is_null()
    )
    now = spells.select(unit="partner_organisation_code", code="pcn_code")
    sides = [f.drop_nulls().filter(pl.col("code").str.starts_with("U")) for f in (then, now)]
    before, after = (held(side) for side in sides)
    found = common_footprints(before[0], after[0], before[1], after[1])
    for side, frame in zip(("before", "after"), sides, strict=True):
        assert sorted(found.filter(side=side)["own_code"]) == sorted(frame["code"].unique())
    # A practice that is there both times is in the same common network both times.
    place = found.select("side", code="own_code", common="footprint_code")
    both = (
        sides[0].join(place.filter(side="before"), on="code")
        .join(sides[1].join(place.filter(side="after"), on="code"), on="unit", suffix="_now")
    )  # fmt: skip
    assert both.height > 6000
    assert (both["common"] == both["common_now"]).all()
    moved = both.filter(pl.col("code") != pl.col("code_now"))
    untouched = ~pl.col("own_code").is_in(
        pl.concat([moved["code"], moved["code_now"]]).unique().implode()
    )
    # Whom nobody left or joined is the same; that is most of them, and not all.
    rest = found.filter(untouched & ~pl.col("membership").str.starts_with("absent"))
    assert set(rest["membership"]) == {"same"}
    assert 0.5 < (found["membership"] == "same").mean() < 1


def test_authorities_of_england_are_the_same_on_lsoas_of_2011_and_of_2021(open_data):
    lookup = pl.read_parquet(open_data / "lookups/lsoa11_lsoa21_ltla22.parquet").filter(
        pl.col("lsoa21_code").str.starts_with("E")
    )
    recoded = lookup.filter(pl.col("lsoa11_code") != pl.col("lsoa21_code")).select(
        kind=pl.lit("lsoa"), old="lsoa11_code", new="lsoa21_code"
    )
    before = held(lookup.select(unit="lsoa11_code", code="ltla22_code"))
    after = held(lookup.select(unit="lsoa21_code", code="ltla22_code"), recoded=recoded)
    found = common_footprints(before[0], after[0], before[1], after[1], tolerance=0.01)
    assert found["own_code"].n_unique() == lookup["ltla22_code"].n_unique()
    assert (found["own_code"] == found["footprint_code"]).all()
    assert (found["share_gone"] == 0).all()
    assert (found["share_new"] == 0).all()
    assert found.filter(side="before")["units_before"].sum() >= 32_844
