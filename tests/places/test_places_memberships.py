from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.errors import ReferenceDataError
from pophealth_link.places import REASONS, current, is_reason, practice_footprints
from pophealth_link.schema.outputs import UNIT_FOOTPRINTS

DAY = date(2026, 4, 1)
days = st.none() | st.integers(-3, 3).map(lambda shift: DAY + timedelta(days=shift))


@given(st.lists(st.tuples(days, days)))
def test_current_keeps_spells_that_hold_on_the_day(spells):
    schema = {"valid_from": pl.Date, "valid_to": pl.Date}
    frame = pl.DataFrame(spells, schema=schema, orient="row").with_row_index("row")
    held = current(frame, DAY)["row"].to_list()
    expected = [
        row
        for row, (first, last) in enumerate(spells)
        if (first is None or first <= DAY) and (last is None or last >= DAY)
    ]
    assert held == expected


def test_current_takes_frames_without_dates():
    frame = pl.DataFrame({"a": [1]})
    assert current(frame, DAY).height == 1


def of(units: pl.DataFrame, unit: str, kind: str) -> list[tuple[str, float]]:
    rows = units.filter(unit=unit, footprint_type=kind)
    return list(rows.select("footprint_code", "share").iter_rows())


def test_each_practice_has_its_footprints(region):
    units = region.registered
    assert units.columns == list(UNIT_FOOTPRINTS.names)
    assert of(units, "P1", "pcn") == [("U1", 1.0)]
    assert of(units, "P2", "pcn") == [("U1", 1.0)]  # the last day is inclusive
    assert of(units, "P3", "pcn") == [("U2", 1.0)]  # the earlier spell ended the day before
    assert of(units, "P4", "pcn") == [("no_pcn", 1.0)]
    assert of(units, "P1", "icp") == [("F1", 1.0)]  # by its PCN
    assert of(units, "P2", "icp") == [("F1", 0.25), ("F2", 0.75)]  # its own rows override
    assert of(units, "P3", "icp") == [("F2", 1.0)]
    assert of(units, "P4", "icp") == [("no_icp", 1.0)]
    assert of(units, "P1", "lad") == [("D1", 1.0)]
    assert of(units, "P4", "lad") == [("no_lad", 1.0)]
    assert of(units, "P4", "icb") == [("no_icb", 1.0)]
    assert of(units, "P4", "whole") == [("whole", 1.0)]
    for reason, name in REASONS["registered"].items():
        rows = units.filter(unit=reason)
        assert rows["footprint_type"].to_list() == ["icb", "icp", "lad", "pcn", "whole"]
        assert set(rows["footprint_code"]) == {reason}
        assert set(rows["footprint_name"]) == {name}


def test_names_travel_with_codes_and_stand_in_where_missing(region):
    pcn = region.practice_pcn.with_columns(pcn_name=pl.lit(None, dtype=pl.String))
    units = practice_footprints(
        region.practices, pcn, None, region.areas, region.postcodes, region.as_of
    )
    names = dict(units.select("footprint_code", "footprint_name").iter_rows())
    assert names["U1"] == "U1"
    assert names["D1"] == "Ashby"
    assert names["whole"] == "Whole area"
    assert names["no_pcn"] == "No PCN"
    assert "icp" not in units["footprint_type"]


def test_reasons_are_told_from_footprints(region):
    told = region.units.filter(is_reason())["footprint_code"].unique().sort().to_list()
    assert told == sorted(
        [
            *(reason for reasons in REASONS.values() for reason in reasons),
            *("no_best_fit", "no_pcn", "no_icp", "no_lad", "no_icb"),
        ]
    )


def test_an_unknown_icb_makes_no_footprint(region):
    areas = region.areas.drop("icb_code", "icb_name")
    units = practice_footprints(
        region.practices, region.practice_pcn, None, areas, region.postcodes, region.as_of
    )
    assert units["footprint_type"].unique().sort().to_list() == ["lad", "pcn", "whole"]


def test_default_practice_codes_are_no_practices(region):
    extra = region.practices.head(1).with_columns(practice_code=pl.lit("V81999"))
    units = practice_footprints(
        pl.concat([region.practices, extra]),
        region.practice_pcn,
        None,
        region.areas,
        region.postcodes,
        region.as_of,
    )
    assert "V81999" not in units["unit"]


def test_a_practice_known_only_by_its_pcn_is_a_unit(region):
    units = practice_footprints(
        region.practices.filter(pl.col("practice_code") != "P2"),
        region.practice_pcn,
        region.footprints,
        region.areas,
        region.postcodes,
        region.as_of,
    )
    assert of(units, "P2", "pcn") == [("U1", 1.0)]
    assert of(units, "P2", "lad") == [("no_lad", 1.0)]


def test_engines_agree(region, on_duckdb):
    names = ("practices", "practice_pcn", "footprints", "areas", "postcodes")
    there = (on_duckdb(getattr(region, name)) for name in names)
    assert_frame_equal(practice_footprints(*there, region.as_of), region.registered)


def refused(region, match: str, **changed: pl.DataFrame) -> str:
    names = ("practices", "practice_pcn", "footprints", "areas", "postcodes")
    frames = [changed.get(name, getattr(region, name)) for name in names]
    with pytest.raises(ReferenceDataError, match=match) as caught:
        practice_footprints(*frames, region.as_of)
    return str(caught.value)


def test_overlapping_spells_are_refused_with_the_practices_named(region):
    pcn = region.practice_pcn.with_columns(valid_to=pl.lit(None, dtype=pl.Date))
    text = refused(region, "2026-04-01: overlapping spells", practice_pcn=pcn)
    assert "Practices: 1 (P3)." in text


@pytest.mark.parametrize("shares", [[0.25, 0.5], [0.25, 0.7501], [1.5, -0.5], [float("nan"), 1.0]])
def test_shares_that_do_not_sum_to_one_are_refused(region, shares):
    split = pl.Series("share", [None, *shares, 1.0])
    text = refused(region, "do not sum to 1", footprints=region.footprints.with_columns(split))
    assert "icp  practices: 1 (P2)." in text


def test_overlapping_footprints_are_refused(region):
    extra = region.footprints.tail(1).with_columns(footprint_code=pl.lit("F3"))
    table = pl.concat([region.footprints, extra])
    assert "P3" in refused(region, "spells that overlap", footprints=table)


def test_thirds_are_accepted(region):
    rows = [("icp", "P1", f"F{n}", 0.3333333) for n in range(3)]
    schema = ["footprint_type", "practice_code", "footprint_code", "share"]
    table = pl.DataFrame(rows, schema=schema, orient="row")
    units = practice_footprints(
        region.practices, region.practice_pcn, table, region.areas, region.postcodes, region.as_of
    )
    assert len(of(units, "P1", "icp")) == 3


def test_names_of_built_in_footprints_are_refused(region):
    table = region.footprints.with_columns(footprint_type=pl.lit("pcn"))
    refused(region, "built in: pcn", footprints=table)


def test_rows_for_nobody_are_refused(region):
    table = region.footprints.with_columns(pcn_code=pl.lit("", dtype=pl.String))
    refused(region, "Rows: 2.", footprints=table)


def test_doubled_practices_are_refused(region):
    table = pl.concat([region.practices, region.practices.head(1)])
    refused(region, "same `practice_code` more than once", practices=table)


def test_wrong_shapes_are_named(region):
    table = region.practice_pcn.drop("pcn_code").with_columns(valid_to=pl.lit("2026"))
    text = refused(region, "not in its declared shape", practice_pcn=table)
    assert "pcn_code  the column is absent" in text
    assert "valid_to  is not of type date" in text


codes = st.sampled_from(["P1", "P2", "P3", "P4", "P5"])
pcns = st.sampled_from(["U1", "U2", None])


@given(
    members=st.dictionaries(codes, pcns),
    own=st.dictionaries(codes, st.integers(1, 9)),
    by_pcn=st.sets(st.sampled_from(["U1", "U2"])),
)
def test_every_practice_is_whole_in_every_type(members, own, by_pcn):
    practices = pl.DataFrame({"practice_code": list(members)}, schema={"practice_code": pl.String})
    spells = pl.DataFrame(
        [(k, v) for k, v in members.items() if v],
        schema={"practice_code": pl.String, "pcn_code": pl.String},
        orient="row",
    )
    rows = [(p, None, "F1", n / 10) for p, n in own.items()]
    rows += [(p, None, "F2", 1 - n / 10) for p, n in own.items()]
    rows += [(None, u, f"F{u}", None) for u in by_pcn]
    schema = {
        "practice_code": pl.String,
        "pcn_code": pl.String,
        "footprint_code": pl.String,
        "share": pl.Float64,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        footprint_type=pl.lit("icp")
    )
    areas = pl.DataFrame(schema={"lsoa_code": pl.String, "lad_code": pl.String})
    postcodes = pl.DataFrame(schema={"postcode": pl.String, "lsoa_code": pl.String})
    units = practice_footprints(practices, spells, table, areas, postcodes, DAY)
    sums = units.group_by("unit", "footprint_type").agg(pl.col("share").sum())
    assert (sums["share"].round(9) == 1).all()
    types = units["footprint_type"].n_unique()
    assert sums.height == types * (len(members) + len(REASONS["registered"]))
    placed = {p for p, u in members.items() if p in own or u in by_pcn}
    found = units.filter(~is_reason(), footprint_type="icp")["unit"].unique()
    assert set(found) == placed


def test_bexley_has_four_pcns_in_three_networks(open_data):
    networks = pl.read_csv(
        open_data / "footprints" / "bexley_local_care_networks.csv", infer_schema=False
    ).with_columns(
        pl.col("share").cast(pl.Float64),
        *(pl.col(name).replace("", None).str.to_date() for name in ("valid_from", "valid_to")),
    )
    day = pl.col("practice_to_pcn_relationship_start_date").str.to_date("%Y%m%d")
    end = pl.col("practice_to_pcn_relationship_end_date").str.to_date("%Y%m%d")
    members = pl.read_parquet(open_data / "nhs" / "epcn_2023_core_partner_details.parquet").select(
        "pcn_code",
        "pcn_name",
        practice_code="partner_organisation_code",
        valid_from=day,
        valid_to=end,
    )
    practices = (
        pl.read_parquet(open_data / "nhs" / "epraccur_2023.parquet")
        .select("postcode", practice_code="organisation_code")
        .join(networks, on="practice_code", how="semi")
    )
    members = members.join(practices, on="practice_code", how="semi")
    postcodes = pl.read_parquet(
        open_data / "postcodes" / "postcodes_england.parquet", columns=["pcds", "lsoa21cd"]
    ).rename({"pcds": "postcode", "lsoa21cd": "lsoa_code"})
    areas = pl.read_parquet(open_data / "lookups" / "lsoa21_msoa21_lad.parquet").select(
        lsoa_code="lsoa21cd", lad_code="ladcd_active"
    )
    units = practice_footprints(
        practices, members, networks, areas, postcodes, date(2023, 1, 1)
    ).filter(~is_reason())
    counts = dict(
        units.group_by("footprint_type").agg(pl.col("footprint_code").n_unique()).iter_rows()
    )
    assert counts["pcn"] == 4
    assert counts["icp"] == 3
    # APL Bexley straddles two networks.
    apl = units.filter(footprint_code="U07140")["unit"]
    across = units.filter(pl.col("unit").is_in(apl.implode()), footprint_type="icp")
    assert sorted(across["footprint_code"].unique()) == ["LCN01", "LCN02"]
    assert units.filter(footprint_code="E09000004")["unit"].n_unique() >= 19
