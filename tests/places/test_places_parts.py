"""Shared practices and PCNs: split person by person where something says where, else estimated."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import ReferenceDataError
from pophealth_link.places import area_footprints, best_fit, ended_practices, place, registration
from pophealth_link.schema.outputs import PERSON_FACTS

DAY = date(2026, 4, 1)
NAMES = ("footprint_type", "practice_code", "pcn_code", "site_code", "lsoa_code", "lad_code",
         "footprint_code", "share")  # fmt: skip
SCHEMA = dict.fromkeys(NAMES, pl.String) | {"share": pl.Float64}


def table(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in NAMES} for row in rows], schema=SCHEMA)


def icp(code: str, **where: object) -> dict[str, object]:
    return {"footprint_type": "icp", "footprint_code": code, **where}


def held(region: SimpleNamespace, footprints: pl.DataFrame, **more: object):
    frames = (region.practices, region.practice_pcn, footprints, region.areas, region.postcodes)
    return registration(*frames, DAY, **more)


def people(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
    names = ("person_id", "on_register", "current", "practice_code", "lsoa_code")
    made = [(f"{n:03d}", True, True, *row) for n, row in enumerate(rows)]
    schema = {name: PERSON_FACTS.polars_schema[name] for name in names}
    return pl.DataFrame(made, schema=schema, orient="row")


def placed(region: SimpleNamespace, found, frame: pl.DataFrame) -> pl.DataFrame:
    fit = best_fit(region.patients, found.units, codes=found.codes, parts=found.parts)
    homes = area_footprints(region.areas, fit, footprint_types=found.fitted, named=found.areas)
    units = pl.concat([found.units, homes])
    return place(
        frame, units, region.areas, region.deprivation, codes=found.codes, parts=found.parts
    )


def shares(found, unit: str, kind: str = "icp") -> dict[str, float]:
    rows = found.units.filter(unit=unit, footprint_type=kind)
    return dict(rows.select("footprint_code", "share").iter_rows())


def test_a_shared_practice_is_split_by_lsoa(region):
    found = held(
        region,
        table(
            icp("F1", practice_code="P1", share=0.7),
            icp("F2", practice_code="P1", share=0.3),
            icp("F2", practice_code="P1", lsoa_code="L2"),
        ),
    )
    told = placed(region, found, people(("P1", "L2"), ("P1", "L1"), ("P1", None)))
    assert told["registered_unit"].to_list() == ["P1@icp=F2", "P1", "P1"]
    assert told["registered_icp"].to_list() == ["F2", "F1", "F1"]
    # Who lives where no rule says anything is estimated by the shares.
    assert shares(found, "P1@icp=F2") == {"F2": 1.0}
    assert shares(found, "P1") == {"F1": 0.7, "F2": 0.3}
    assert shares(found, "P1@icp=F2", "pcn") == {"U1": 1.0}
    assert told["registered_pcn"].to_list() == ["U1"] * 3


def test_without_shares_the_rest_is_in_none(region):
    found = held(region, table(icp("F2", practice_code="P1", lsoa_code="L2")))
    assert shares(found, "P1") == {"no_icp": 1.0}
    assert shares(found, "P1@icp=F2") == {"F2": 1.0}


def test_some_of_a_practices_patients_leave_the_rest_with_the_pcn(region):
    found = held(
        region,
        table(
            icp("F1", pcn_code="U1"),
            icp("F2", practice_code="P1", lsoa_code="L2"),
            icp("F3", pcn_code="U1", lsoa_code="L2"),
            icp("F3", pcn_code="U1", lsoa_code="L3"),
        ),
    )
    rows = [("P1", "L1"), ("P1", "L2"), ("P1", "L3"), ("P2", "L2"), ("P2", None)]
    told = placed(region, found, people(*rows))
    # The practice's own row goes before its PCN's of the same patients, and no further.
    assert told["registered_icp"].to_list() == ["F1", "F2", "F3", "F3", "F1"]
    assert found.fitted == ("icp", "pcn")


def test_a_practice_as_a_whole_goes_before_every_row_of_its_pcn(region):
    rows = (icp("F1", pcn_code="U1"), icp("F3", pcn_code="U1", lsoa_code="L2"))
    found = held(region, table(*rows, icp("F2", practice_code="P1")))
    told = placed(region, found, people(("P1", "L1"), ("P1", "L2"), ("P2", "L2")))
    assert told["registered_icp"].to_list() == ["F2", "F2", "F3"]


def test_areas_without_a_row_keep_their_best_fit(region):
    # L1: 60 of 100 patients with P1, who is in U1 and so in F1; L4 only with P4, who is in none.
    found = held(region, table(icp("F1", pcn_code="U1"), icp("F2", lsoa_code="L3")))
    told = placed(region, found, people(("P1", "L1"), ("P1", "L3"), ("P1", "L4")))
    assert told["resident_icp"].to_list() == ["F1", "F2", "no_best_fit"]


def test_a_former_practices_rows_are_its_successors(region):
    world = with_closed(region)
    own = held(world, table(icp("F9", practice_code="P6")), successors=SUCCESSORS)
    assert shares(own, "P1") == {"F9": 1.0}
    both = table(
        icp("F9", practice_code="P6"), icp("F8", practice_code="P7", lsoa_code="L2"),
        icp("F1", practice_code="P1"), icp("F2", pcn_code="U1"),
    )  # fmt: skip
    assert shares(held(world, both, successors=SUCCESSORS), "P1") == {"F1": 1.0}
    alike = table(icp("F9", practice_code="P6"), icp("F9", practice_code="P7"))
    assert shares(held(world, alike, successors=SUCCESSORS), "P1") == {"F9": 1.0}
    apart = table(icp("F9", practice_code="P6"), icp("F8", practice_code="P7"))
    with pytest.raises(ReferenceDataError, match=r"icp  practices: 1 \(P1\)"):
        held(world, apart, successors=SUCCESSORS)


@pytest.mark.parametrize("where", [{"lsoa_code": "L2"}, {"lad_code": "D1"}, {"site_code": "P1001"}])
@pytest.mark.parametrize("share", [0.5, 1.5, 0.0])
def test_a_share_of_a_site_or_area_is_refused(region, where, share):
    rows = icp("F1", practice_code="P1"), icp("F2", practice_code="P1", share=share, **where)
    with pytest.raises(ReferenceDataError, match="some patients") as caught:
        held(region, table(*rows))
    assert "Rows: 1." in str(caught.value)


@pytest.mark.parametrize("code", ["no_icp", "outside_area", "closed_practice", "no_best_fit"])
def test_a_code_that_is_a_reason_is_refused(region, code):
    with pytest.raises(ReferenceDataError, match=f"Codes: 1 .{code}."):
        held(region, table(icp(code, practice_code="P1"), icp("no_pcn", practice_code="P2")))


def test_a_surgery_lies_where_its_postcode_is_on_the_day(region):
    moved = pl.DataFrame(
        {
            "postcode": ["AA1 1AA", "AA1 1AA", "AA2 2BB", "AA2 2BB"],
            "lsoa_code": ["L4", "L1", "L2", "L4"],
            "valid_from": [date(2000, 1, 1), date(2020, 1, 1), date(2000, 1, 1), DAY],
            "valid_to": [date(2019, 12, 31), None, date(2026, 3, 31), None],
        }
    )
    world = SimpleNamespace(**{**vars(region), "postcodes": moved})
    found = held(world, region.footprints)
    assert shares(found, "P1", "lad") == {"D1": 1.0}
    assert shares(found, "P2", "lad") == {"D2": 1.0}
    doubled = SimpleNamespace(**{**vars(region), "postcodes": moved.drop("valid_from", "valid_to")})
    with pytest.raises(ReferenceDataError, match="same `postcode` more than once"):
        held(doubled, region.footprints)


def test_a_shared_pcn_is_split_by_local_authority_of_residence(region):
    found = held(
        region,
        table(
            icp("East", pcn_code="U1", lad_code="D1"),
            icp("West", pcn_code="U1", lad_code="D2"),
            icp("North", pcn_code="U1", lsoa_code="L2"),
        ),
    )
    rows = [("P1", "L1"), ("P2", "L4"), ("P2", "L2"), ("P3", "L1")]
    told = placed(region, found, people(*rows))
    assert told["registered_icp"].to_list() == ["East", "West", "North", "no_icp"]


def test_a_branch_surgery_goes_before_the_lsoa(region):
    practices = region.practices.with_columns(
        practice_code=pl.col("practice_code").replace("P1", "K81003")
    )
    world = SimpleNamespace(**{**vars(region), "practices": practices})
    found = held(
        world,
        table(
            icp("F1", practice_code="K81003"),
            icp("F2", practice_code="K81003", site_code="K81003001"),
            icp("F3", practice_code="K81003", lsoa_code="L2"),
        ),
    )
    rows = [("K81003001", "L2"), ("K81003002", "L2"), ("K81003", "L1"), ("K81003002", "L1")]
    told = placed(world, found, people(*rows))
    assert told["registered_icp"].to_list() == ["F2", "F3", "F1", "F1"]
    assert told["practice_code"].to_list() == [code for code, _ in rows]


def test_a_shared_practice_is_split_by_the_areas_of_its_footprints(region):
    found = held(
        region,
        table(
            icp("F1", practice_code="P1", share=0.5),
            icp("F2", practice_code="P1", share=0.5),
            icp("F2", lsoa_code="L1"),
            icp("F9", lsoa_code="L2"),
            icp("F1", lad_code="D1"),
        ),
    )
    told = placed(region, found, people(("P1", "L1"), ("P1", "L3"), ("P1", "L2")))
    assert told["registered_icp"].to_list() == ["F2", "F1", "F1"]
    # L2 is in a footprint that is none of the practice's: estimated by the shares.
    assert told["registered_unit"].to_list() == ["P1@icp=F2", "P1@icp=F1", "P1"]
    # The areas decide the resident basis, in place of a best fit.
    assert told["resident_icp"].to_list() == ["F2", "F1", "F9"]


def test_footprints_of_areas_alone_hold_the_surgery(region):
    ward = {"footprint_type": "ward", "footprint_code": "W1", "lsoa_code": "L1"}
    found = held(region, table(ward))
    assert shares(found, "P1", "ward") == {"W1": 1.0}
    assert shares(found, "P2", "ward") == {"no_ward": 1.0}
    told = placed(region, found, people(("P2", "L1"), ("P1", "L2")))
    assert told["resident_ward"].to_list() == ["W1", "no_ward"]
    assert told["registered_ward"].to_list() == ["no_ward", "W1"]


def test_levels_of_areas_are_footprints_on_both_bases(region):
    areas = region.areas.with_columns(ward_code=pl.lit("W1"), ward_name=pl.lit("Hill"))
    frames = (region.practices, region.practice_pcn, None, areas, region.postcodes)
    found = registration(*frames, DAY, levels=["ward"])
    assert shares(found, "P1", "ward") == {"W1": 1.0}
    assert shares(found, "P4", "ward") == {"no_ward": 1.0}
    units = area_footprints(areas, region.best_fit, levels=["ward"])
    assert set(units.filter(unit="L4", footprint_type="ward")["footprint_name"]) == {"Hill"}
    with pytest.raises(ReferenceDataError, match="level of areas that is asked for: ward"):
        taken = table({"footprint_type": "ward", "footprint_code": "W", "lsoa_code": "L1"})
        registration(*frames[:2], taken, *frames[3:], DAY, levels=["ward"])


def test_two_types_split_one_practice_into_their_combinations(region):
    place_of = {"footprint_type": "place", "footprint_code": "Z"}
    found = held(
        region,
        table(
            icp("F1", practice_code="P1", lsoa_code="L1"),
            icp("F1", practice_code="P1", lsoa_code="L2"),
            {**place_of, "practice_code": "P1", "lsoa_code": "L2"},
        ),
    )
    units = set(found.parts["unit"])
    assert units == {"P1", "P1@icp=F1", "P1@icp=F1+place=Z"}
    told = placed(region, found, people(("P1", "L1"), ("P1", "L2"), ("P1", "L3")))
    assert told["registered_place"].to_list() == ["no_place", "Z", "no_place"]
    assert told["registered_icp"].to_list() == ["F1", "F1", "no_icp"]


def test_best_fit_counts_the_parts(region):
    found = held(
        region,
        table(
            icp("F1", practice_code="P1"),
            icp("F2", practice_code="P1", lsoa_code="L2"),
        ),
    )
    patients = pl.DataFrame(
        {"lsoa_code": ["L1", "L2"], "practice_code": ["P1", "P1"], "people": [10, 10]}
    )
    fit = best_fit(patients, found.units, codes=found.codes, parts=found.parts)
    icps = fit.filter(footprint_type="icp").select("lsoa_code", "footprint_code", "best_share")
    assert icps.rows() == [("L1", "F1", 1.0), ("L2", "F2", 1.0)]


def test_the_same_patients_in_two_footprints_are_refused(region):
    rows = (icp("F1", practice_code="P1", lsoa_code="L1"),
            icp("F2", practice_code="P1", lsoa_code="L1"))  # fmt: skip
    with pytest.raises(ReferenceDataError, match="two footprints on 2026-04-01") as caught:
        held(region, table(*rows))
    assert "Practices: 1 (P1)." in str(caught.value)


def test_areas_whose_shares_do_not_sum_to_one_are_refused(region):
    rows = (icp("F1", lsoa_code="L1", share=0.5), icp("F2", lsoa_code="L1", share=0.4))
    with pytest.raises(ReferenceDataError, match=r"icp  LSOAs: 1 \(L1\)"):
        held(region, table(*rows))


def test_engines_agree_on_parts(region, on_duckdb):
    found = held(
        region,
        table(icp("F1", practice_code="P1"), icp("F2", practice_code="P1", lsoa_code="L2")),
    )
    fit = best_fit(region.patients, found.units, codes=found.codes, parts=found.parts)
    units = pl.concat([found.units, area_footprints(region.areas, fit)])
    frames = (people(("P1", "L2"), ("P1", "L1"), ("P9", "L9"), (None, None)), units,
              region.areas, region.deprivation)  # fmt: skip
    here = place(*frames, codes=found.codes, parts=found.parts)
    there = place(
        *(on_duckdb(frame) for frame in frames),
        codes=on_duckdb(found.codes),
        parts=on_duckdb(found.parts),
    )
    assert there.pl().sort("person_id").equals(here)


SUCCESSORS = pl.DataFrame(
    {"practice_code": ["P7", "P6", "P5"], "successor_code": ["P6", "P1", "P8"],
     "valid_from": [date(2024, 1, 1), date(2025, 1, 1), date(2027, 1, 1)]}
)  # fmt: skip


def with_closed(region: SimpleNamespace) -> SimpleNamespace:
    more = pl.DataFrame(
        {
            "practice_code": ["P5", "P6", "P7", "P8"],
            "postcode": ["AA1 1AA"] * 4,
            "list_size": [1] * 4,
            "open_date": [None, None, None, date(2026, 5, 1)],
            "close_date": [date(2026, 1, 1), date(2024, 12, 31), date(2023, 12, 31), None],
        }
    )
    both = pl.concat([region.practices, more], how="diagonal_relaxed")
    return SimpleNamespace(**{**vars(region), "practices": both})


def test_merged_practices_count_in_their_successors_and_closed_ones_are_told(region):
    found = held(with_closed(region), region.footprints, successors=SUCCESSORS)
    told = placed(region, found, people(("P7", "L1"), ("P6", "L1"), ("P5", "L1"), ("P8", "L1")))
    assert told["registered_unit"].to_list() == [
        "P1",
        "P1",
        "closed_practice",  # its successor is of another year
        "unknown_practice",  # not open yet
    ]
    assert told["registered_pcn"].to_list() == ["U1", "U1", "closed_practice", "unknown_practice"]
    assert told["practice_code"].to_list() == ["P7", "P6", "P5", "P8"]
    later = registration(
        with_closed(region).practices, region.practice_pcn, region.footprints, region.areas,
        region.postcodes, date(2027, 4, 1), successors=SUCCESSORS,
    )  # fmt: skip
    assert dict(later.codes.iter_rows()) == {"P5": "P8", "P6": "P1", "P7": "P1"}


def test_what_ended_is_told_by_where_its_people_count(region):
    world = with_closed(region)
    day = date(2025, 1, 1)
    steps = {
        "practice_code": ["P5", "P6", "P7"],
        "successor_code": ["P99", "P8", "P1"],  # not in the reference; not open yet; open
        "valid_from": [day] * 3,
    }
    found = held(world, region.footprints, successors=pl.DataFrame(steps))
    rows = people(("P5", "L1"), ("P6", "L1"), ("P7", "L1"), ("P1", "L1"))
    assert placed(world, found, rows)["registered_unit"].to_list() == [
        "unknown_practice", "unknown_practice", "P1", "P1",
    ]  # fmt: skip
    assert ended_practices(rows, found) == [
        "1 practice that records name had ended by the day: their people count in the successors.",
        "2 practices that records name had ended by the day with a successor that the reference "
        "does not know then: their people count as unknown_practice (P5, P6).",
    ]
    alone = held(world, region.footprints)
    assert ended_practices(people(("P5", "L1")), alone) == [
        "1 practice that records name had closed by the day without one successor: their people "
        "count as closed_practice (P5)."
    ]
    assert ended_practices(people(("P1", "L1")), found) == []


def test_a_practice_closes_after_its_last_day(region):
    world = with_closed(region)
    on = registration(world.practices, region.practice_pcn, None, region.areas, region.postcodes,
                      date(2026, 1, 1))  # fmt: skip
    assert "P5" in on.units["unit"]
    assert "P5" not in on.codes["code"]
    after = held(world, region.footprints)
    assert "P5" not in after.units["unit"]
    assert after.codes.filter(code="P5").rows() == [("P5", None)]


lsoas = st.sampled_from(["L1", "L2", "L3", "L4"])
practices = st.sampled_from(["P1", "P2", "P4"])
icps = st.sampled_from(["F1", "F2", "F3"])
person = st.tuples(
    st.sampled_from([None, "P1", "P2", "P3", "P4", "P5", "P7", "P9", "V81997", "V81999"]),
    st.sampled_from([None, "L1", "L2", "L3", "L4", "L9"]),
)


@settings(max_examples=40, deadline=None)
@given(
    rules=st.dictionaries(st.tuples(practices, lsoas), icps),
    whole=st.dictionaries(practices, st.tuples(icps, icps, st.integers(1, 9))),
    areas=st.dictionaries(lsoas, icps),
    by_pcn=st.dictionaries(st.sampled_from(["U1", "U2"]), icps),
    who=st.lists(person),
)
def test_nobody_is_lost_or_doubled_by_splits_and_successors(
    region, rules, whole, areas, by_pcn, who
):
    rows = [icp(f, practice_code=p, lsoa_code=a) for (p, a), f in rules.items()]
    for p, (one, two, tenths) in whole.items():
        parted = one != two
        rows.append(icp(one, practice_code=p, share=tenths / 10 if parted else 1.0))
        rows += [icp(two, practice_code=p, share=1 - tenths / 10)] if parted else []
    rows += [icp(f, lsoa_code=a) for a, f in areas.items()]
    rows += [icp(f, pcn_code=u) for u, f in by_pcn.items()]
    found = held(with_closed(region), table(*rows), successors=SUCCESSORS)
    told = placed(region, found, people(*who))
    assert told.height == len(who)
    fit = best_fit(region.patients, found.units, codes=found.codes, parts=found.parts)
    homes = area_footprints(region.areas, fit, footprint_types=found.fitted, named=found.areas)
    units = pl.concat([found.units, homes])
    for basis in ("registered", "resident"):
        counts = told.group_by(unit=f"{basis}_unit").agg(people=pl.len())
        rolled = counts.join(units.filter(basis=basis), on="unit", how="left")
        assert rolled["share"].null_count() == 0
        totals = rolled.group_by("footprint_type").agg(
            (pl.col("people") * pl.col("share")).sum().round(9)
        )
        assert set(totals["people"]) <= {len(who)}
    # By hand: a rule of the person's LSOA decides; else the areas of a shared practice's own.
    for row in told.iter_rows(named=True):
        practice, home = row["practice_code"], row["lsoa_code"]
        rule = rules.get((practice, home))
        ruled = any(p == practice for p, _ in rules)
        one, two, _ = whole.get(practice, (None, None, 0))
        if rule is None and not ruled and one != two and areas.get(home) in (one, two):
            rule = areas[home]
        network = {"P1": "U1", "P2": "U1", "P3": "U2"}.get(practice)
        if rule is None and practice not in whole:
            rule = by_pcn.get(network)
        if rule is not None:
            assert row["registered_icp"] == rule
