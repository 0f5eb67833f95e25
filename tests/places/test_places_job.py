"""A job's places on its day, with a reference that knows of other days."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pophealth_link import disclosure, reference
from pophealth_link.errors import JobError
from pophealth_link.job import analysing, footprints
from pophealth_link.job.layout import (
    areas_on_day,
    authorities,
    day_warnings,
    layout,
    measures,
    telling,
)
from pophealth_link.job.model import Job
from pophealth_link.job.spec import parse
from pophealth_link.places import PlacesWarning, is_reason
from pophealth_link.reference import Pack, TableAbout
from pophealth_link.schema.outputs import PERSON_FACTS

DAY = date(2026, 4, 1)
ABOUT = TableAbout("publisher", "title", "licence", "vintage")
JOB = """
version = 1
as_of = 2026-04-01
[[sources]]
name = "gp"
setting = "primary_care"
people = "gp.csv"
[disclosure]
policy = "hes"
[footprints]
"""


@pytest.fixture(scope="module")
def region() -> Pack:
    return reference.load(None)


def job(folder: Path, more: str = "", day: date = DAY) -> Job:
    path = folder / "job.toml"
    path.write_text(JOB.replace(str(DAY), str(day)) + more)
    return Job(path, parse(path), (), (), disclosure.policy("hes"))


def pack(region: Pack, **more: pl.DataFrame) -> Pack:
    tables = {name: region.read(name) for name in region.tables} | more
    about = dict(region.about) | dict.fromkeys(more, ABOUT)
    return reference.in_memory(tables, name="test", n_areas=region.n_areas, about=about)


def nobody() -> pl.DataFrame:
    schema = {"lsoa_code": pl.String, "practice_code": pl.String, "people": pl.Int64}
    return pl.DataFrame(schema=schema)


def test_areas_are_those_of_the_day(region, tmp_path):
    areas = region.read("areas")
    spells = [("E54000001", None, DAY - timedelta(days=1)), ("E54000002", DAY, None)]
    hierarchy = pl.concat(
        areas.select(
            "lsoa_code",
            area_type=pl.lit("icb"),
            area_code=pl.lit(code),
            area_name=pl.lit(code),
            ods_code=pl.lit(None, pl.String),
            valid_from=pl.lit(first, pl.Date),
            valid_to=pl.lit(last, pl.Date),
        )
        for code, first, last in spells
    )
    dated = pack(region, hierarchy=hierarchy)
    for day, code in ((DAY - timedelta(days=1), "E54000001"), (DAY, "E54000002")):
        laid = layout(job(tmp_path, day=day), dated, nobody(), {})
        for basis in ("registered", "resident"):
            found = laid.units.filter(basis=basis, footprint_type="icb")["footprint_code"]
            assert code in found.to_list()
        assert set(laid.areas["icb_code"]) == {code}


@pytest.fixture(scope="module")
def recoded(region) -> tuple[Pack, str, str]:
    old = region.read("areas")["lad_code"].sort()[0]
    new = "E09999777"
    rows = {"lad_code": [old], "lad_name": ["Was"], "successor_code": [new],
            "successor_name": ["Is"], "valid_from": [DAY]}  # fmt: skip
    return pack(region, lad_changes=pl.DataFrame(rows)), old, new


def test_authorities_that_were_recoded_are_followed(recoded, tmp_path):
    held, old, new = recoded
    asked = job(tmp_path, f'local_authorities = ["{old}"]')
    laid = layout(asked, held, nobody(), {})
    lads = laid.units.filter(basis="resident", footprint_type="lad")
    assert dict(lads.select("footprint_code", "footprint_name").iter_rows())[new] == "Is"
    assert old not in lads["footprint_code"]
    assert authorities(asked, held, laid.areas) == [new]
    before = job(tmp_path, f'local_authorities = ["{old}"]', DAY - timedelta(days=1))
    assert old in layout(before, held, nobody(), {}).areas["lad_code"]
    unknown = job(tmp_path, 'local_authorities = ["E09000099"]')
    with pytest.raises(JobError, match="does not hold 1 of the local authorities"):
        layout(unknown, held, nobody(), {})


def test_measures_stand_on_the_areas_of_the_day(region, recoded, tmp_path):
    held, old, new = recoded
    lsoa = region.read("areas")["lsoa_code"].sort()[0]
    changes = {"lsoa11_code": ["E01000011"], "lsoa21_code": [lsoa], "change_code": ["U"],
               "population": [None]}  # fmt: skip
    more = pl.DataFrame(
        {
            "measure": ["old_lad", "old_lsoa"],
            "area_type": ["lad", "lsoa11"],
            "area_code": [old, "E01000011"],
            "numerator": [1.0, 2.0],
            "denominator": [3.0, 4.0],
        }
    )
    rows = pl.concat([region.read("area_measures"), more], how="diagonal_relaxed")
    both = pack(
        region,
        lad_changes=held.read("lad_changes"),
        lsoa_changes=pl.DataFrame(changes, schema_overrides={"population": pl.Int64}),
        area_measures=rows,
    )
    asked = job(tmp_path)
    found = measures(asked, both, layout(asked, both, nobody(), {}).areas)
    told = found.filter(pl.col("measure").str.starts_with("old_"))
    assert told.select("measure", "area_type", "area_code", "numerator").rows() == [
        ("old_lad", "lad", new, 1.0),
        ("old_lsoa", "lsoa", lsoa, 2.0),
    ]


def test_best_fit_counts_published_patients_before_the_jobs_own(region, tmp_path):
    now = region.read("practice_pcn").filter(pl.col("valid_to").is_null())
    one, two = now.unique("pcn_code", maintain_order=True).sort("practice_code")[:2].rows()
    lsoa = region.read("areas")["lsoa_code"].sort()[0]
    published = pl.DataFrame(
        [(one[0], lsoa, "all", 5, "2021", "2026-01-01")],
        schema=["practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period"],
        orient="row",
    )
    own = pl.DataFrame({"lsoa_code": [lsoa], "practice_code": [two[0]], "people": [9]})
    asked = job(tmp_path)
    codes = [
        layout(asked, each, own, {}).fit.filter(footprint_type="pcn")["footprint_code"].to_list()
        for each in (region, pack(region, practice_patients=published))
    ]
    assert codes == [[two[1]], [one[1]]]


def test_successors_and_parts_reach_the_people(region, tmp_path):
    code = region.read("practices")["practice_code"].sort()[0]
    lsoas = region.read("areas")["lsoa_code"].sort()
    (tmp_path / "icp.csv").write_text(
        "practice_code,lsoa_code,footprint_code,share\n"
        f"{code},,F1,0.5\n{code},,F2,0.5\n{code},{lsoas[0]},F2,\n"
    )
    steps = pl.DataFrame(
        {"practice_code": ["A99001"], "successor_code": [code], "valid_from": [DAY]}
    )
    asked = job(tmp_path, '[footprints.icp]\npath = "icp.csv"')
    assert footprints.problems(asked) == []
    laid = layout(asked, pack(region, practice_successors=steps), nobody(), footprints.read(asked))
    facts = pl.DataFrame(
        {"person_id": ["a", "b"], "on_register": True, "current": True,
         "practice_code": ["A99001", code], "lsoa_code": [lsoas[0], lsoas[1]]},
    )  # fmt: skip
    people = laid.place(
        facts.cast({name: PERSON_FACTS.polars_schema[name] for name in facts.columns}), region
    )
    assert people["registered_unit"].to_list() == [f"{code}@icp=F2", code]
    assert people["registered_icp"].to_list() == ["F2", "F1"]


def test_a_file_of_areas_is_a_footprint_and_rows_for_nobody_are_told(region, tmp_path):
    (tmp_path / "hub.csv").write_text("lsoa_code,footprint_code\nE01000001,H1\n,H2\n")
    asked = job(tmp_path, '[footprints.hub]\npath = "hub.csv"')
    assert [each.what for each in footprints.problems(asked)] == [
        "1 of 2 rows name no practice, PCN or area."
    ]
    (tmp_path / "hub.csv").write_text("lsoa_code,footprint_code\nE01000001,H1\n")
    assert told_of_files(asked, region) == [
        "footprints.hub: 1 of 1 rows put nobody in a footprint, for the reference does not know on "
        "2026-04-01 what they name: E01000001, so nobody is in a footprint of this type."
    ]
    (tmp_path / "hub.csv").write_text(
        "lsoa_code,footprint_code,valid_to\nE01000001,H1,2020-01-01\n"
    )
    assert told_of_files(asked, region) == [
        "footprints.hub: none of its 1 rows holds on 2026-04-01, so nobody is in a footprint of "
        "this type."
    ]


def told_of_files(asked: Job, held: Pack) -> list[str]:
    files, areas = footprints.read(asked), areas_on_day(asked, held)
    return footprints.warnings(
        asked, files, footprints.practice_rows(asked, held, files, areas), areas
    )


def test_rows_of_what_nobody_knows_are_counted_and_named(region, tmp_path):
    code = region.read("practices")["practice_code"].sort()[0]
    pcn = region.read("practice_pcn").filter(pl.col("valid_to").is_null())["pcn_code"].sort()[0]
    area = region.read("areas").sort("lsoa_code").row(0, named=True)
    rows = [
        "practice_code,pcn_code,lsoa_code,lad_code,footprint_code",
        f"{code},,,,F1",  # known
        "A99001,,,,F1",  # taken over by one that is known
        f",{pcn},,,F2",
        f",,{area['lsoa_code']},,F2",
        f",,,{area['lad_code']},F1",
        "TYPO1,,,,F1",
        "TYPO1,,,E09000099,F2",
        ",U99999,,,F3",
        f",{pcn},E01999999,,F3",
        f",{pcn},{area['lsoa_code']},E09000099,F3",  # the LSOA goes before
    ]
    (tmp_path / "icp.csv").write_text("\n".join(rows) + "\n")
    asked = job(tmp_path, '[footprints.icp]\npath = "icp.csv"')
    steps = pl.DataFrame(
        {"practice_code": ["A99001"], "successor_code": [code], "valid_from": [DAY]}
    )
    assert told_of_files(asked, pack(region, practice_successors=steps)) == [
        "footprints.icp: 4 of 10 rows put nobody in a footprint, for the reference does not know "
        "on 2026-04-01 what they name: E01999999, E09000099, TYPO1, U99999."
    ]
    assert "5 of 10 rows" in told_of_files(asked, region)[0]


def test_rows_that_cannot_mean_what_they_say_are_problems(region, tmp_path):
    (tmp_path / "icp.csv").write_text(
        "practice_code,lsoa_code,footprint_code,share\n"
        "A1,E01000001,F1,0.5\nA1,,F1,0.5\nA1,,no_icp,0.5\n"
    )
    asked = job(tmp_path, '[footprints.icp]\npath = "icp.csv"')
    assert [each.what for each in footprints.problems(asked)] == [
        "1 of 3 rows share out the patients of a site or area.",
        "1 of 3 rows have a footprint_code that means why people are in none.",
    ]


def test_an_authority_recoded_after_the_day_is_what_it_was(region, tmp_path):
    areas, new = region.read("areas"), "E09999777"
    old = areas["lad_code"].sort()[0]
    recoded = areas.with_columns(lad_code=pl.col("lad_code").replace(old, new))
    rows = {"lad_code": [old], "lad_name": ["Was"], "successor_code": [new],
            "successor_name": ["Is"], "valid_from": [DAY]}  # fmt: skip
    values = region.read("area_measures")
    values = values.with_columns(area_code=pl.col("area_code").replace(old, new))
    later = pack(region, areas=recoded, lad_changes=pl.DataFrame(rows), area_measures=values)
    for day, code, name in ((DAY - timedelta(days=1), old, "Was"), (DAY, new, None)):
        for asked_for in (old, new):
            asked = job(tmp_path, f'local_authorities = ["{asked_for}"]', day)
            laid = layout(asked, later, nobody(), {})
            assert authorities(asked, later, laid.areas) == [code]
            lads = laid.units.filter(~is_reason(), basis="resident", footprint_type="lad")
            assert set(lads["footprint_code"]) == {code}
            assert name is None or set(lads["footprint_name"]) == {name}
            held = measures(asked, later, laid.areas).filter(area_type="lad")["area_code"]
            assert code in held
            assert not {old, new} - {code} & set(held)
            assert day_warnings(asked, later) == []


def test_authorities_that_became_one_after_the_day_are_told(region, tmp_path):
    areas = region.read("areas")
    first = areas["lad_code"].sort()[0]
    rows = {"lad_code": ["E07000001", "E07000002"], "successor_code": [first] * 2,
            "valid_from": [DAY] * 2}  # fmt: skip
    later = pack(region, lad_changes=pl.DataFrame(rows))
    before = job(tmp_path, day=DAY - timedelta(days=1))
    told = day_warnings(before, later)
    assert len(told) == 1
    assert f"after 2026-03-31: 1 ({first})" in told[0]
    assert day_warnings(job(tmp_path), later) == []
    hierarchy = areas.select(
        "lsoa_code", area_type=pl.lit("lad"), area_code=pl.lit("E07000001"), area_name=pl.lit("A"),
        ods_code=pl.lit(None, pl.String), valid_from=pl.lit(None, pl.Date),
        valid_to=pl.lit(DAY - timedelta(days=1)),
    )  # fmt: skip
    known = pack(region, lad_changes=pl.DataFrame(rows), hierarchy=hierarchy)
    assert day_warnings(before, known) == []
    named = job(tmp_path, f'local_authorities = ["{first}"]', DAY - timedelta(days=1))
    assert authorities(named, known, areas_on_day(named, known)) == ["E07000001"]


def test_types_that_areas_make_need_no_best_fit(region, tmp_path):
    code = region.read("practices")["practice_code"].sort()[0]
    areas = region.read("areas").sort("lsoa_code")
    lsoas = areas["lsoa_code"]
    own = pl.DataFrame({"lsoa_code": lsoas[:2], "practice_code": [code] * 2, "people": [9, 9]})
    (tmp_path / "hub.csv").write_text(f"lsoa_code,footprint_code\n{lsoas[0]},H1\n")
    (tmp_path / "icp.csv").write_text(
        f"practice_code,lsoa_code,footprint_code\n{code},,F1\n,{lsoas[0]},F2\n"
    )
    asked = job(
        tmp_path,
        'levels = ["msoa"]\n[footprints.hub]\npath = "hub.csv"\n[footprints.icp]\npath = "icp.csv"',
    )
    laid = layout(asked, region, own, footprints.read(asked))
    assert laid.fit["footprint_type"].unique().sort().to_list() == ["icp", "pcn"]
    # The LSOA that a row names has no need of a fit; the other has the practice's.
    assert laid.fit.filter(footprint_type="icp")["lsoa_code"].to_list() == [lsoas[1]]
    homes = laid.units.filter(pl.col("unit").is_in(lsoas[:3].implode()), basis="resident")
    codes = homes.sort("unit").group_by("footprint_type", maintain_order=True).agg("footprint_code")
    of = dict(codes.iter_rows())
    assert of["icp"] == ["F2", "F1", "no_best_fit"]
    assert of["hub"] == ["H1", "no_hub", "no_hub"]
    assert of["msoa"] == areas["msoa_code"][:3].to_list()


def test_noise_is_taken_from_the_polygons_once(region, tmp_path):
    asked = job(tmp_path)
    laid = layout(asked, region, nobody(), {})
    noise = pl.col("measure") == "noise_exposed_55db"
    once = measures(asked, region, laid.areas).filter(noise)
    assert once.height
    other = once.with_columns(numerator=pl.lit(1.0))
    far = other.head(1).with_columns(area_type=pl.lit("lad"), area_code=pl.lit("E09000001"))
    values = region.read("area_measures")
    both = pl.concat([values, other.select(values.columns), far.select(values.columns)])
    found = measures(asked, pack(region, area_measures=both), laid.areas).filter(noise)
    assert found.filter(area_type="lsoa").sort("area_code").equals(once.sort("area_code"))
    assert found.filter(area_type="lad").height == 1


def test_published_patients_of_no_known_lsoa_leave_the_register(region, tmp_path):
    code = region.read("practices")["practice_code"].sort()[0]
    lsoas = region.read("areas")["lsoa_code"].sort()
    own = pl.DataFrame({"lsoa_code": [lsoas[0]], "practice_code": [code], "people": [9]})
    asked = job(tmp_path)
    for known, expected in (([], lsoas[0]), ([lsoas[1]], lsoas[1])):
        rows = [(code, lsoa, "all", 5, "2011", "2022-01-01") for lsoa in ["E01999999", *known]]
        published = pl.DataFrame(
            rows, orient="row",
            schema=["practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period"],
        )  # fmt: skip
        with pytest.warns(PlacesWarning, match="1 of . LSOAs are left out"):
            laid = layout(asked, pack(region, practice_patients=published), own, {})
        assert laid.fit.filter(footprint_type="pcn")["lsoa_code"].to_list() == [expected]


def test_a_job_of_one_basis_says_nothing_of_the_other(region, tmp_path):
    code = region.read("practices")["practice_code"].sort()[0]
    lsoa = region.read("areas")["lsoa_code"].sort()[0]
    facts = pl.DataFrame({"person_id": ["a"], "on_register": True, "current": True,
                          "practice_code": [code], "lsoa_code": [lsoa]})  # fmt: skip
    facts = facts.cast({name: PERSON_FACTS.polars_schema[name] for name in facts.columns})
    units = {"registered": code, "resident": lsoa}
    for basis in units:
        asked = job(tmp_path, f'basis = ["{basis}"]')
        people = layout(asked, region, nobody(), {}).place(facts, region)
        held = {name: people[f"{name}_unit"].item() for name in units}
        assert held == {name: unit if name == basis else None for name, unit in units.items()}


def test_the_report_is_told_nothing_of_practices_that_records_name(region, tmp_path):
    code = region.read("practices")["practice_code"].sort()[0]
    closed = region.read("practices").with_columns(
        close_date=pl.when(pl.col("practice_code") == code)
        .then(pl.lit(DAY - timedelta(days=1)))
        .otherwise("close_date")
    )
    held = pack(region, practices=closed)
    laid = layout(job(tmp_path), held, nobody(), {})
    facts = pl.DataFrame({"person_id": ["a"], "on_register": True, "current": True,
                          "practice_code": [code], "lsoa_code": [None]})  # fmt: skip
    facts = facts.cast({name: PERSON_FACTS.polars_schema[name] for name in facts.columns})
    heard = Heard()
    notices = analysing._notices(laid, held, laid.place(facts, held), heard)
    assert sum(code in text for text in heard.said) == 1
    assert not any(code in text or "records name" in text for text in notices)
    assert set(notices) <= set(heard.said)


def test_levels_are_named_or_refused(tmp_path):
    assert job(tmp_path, 'levels = ["ward"]').spec.footprints.levels == ("ward",)
    with pytest.raises(JobError, match=r"footprints\.levels"):
        job(tmp_path, 'levels = ["parish"]')


def test_the_reference_of_another_day_is_told(region, tmp_path):
    late = {"practice_pcn": TableAbout("p", "t", "l", "v", valid_from=DAY + timedelta(days=1))}
    tables = {name: region.read(name) for name in region.tables}
    other = reference.in_memory(
        tables, name="test", n_areas=region.n_areas, about=dict(region.about) | late
    )
    told = day_warnings(job(tmp_path), other)
    assert len(told) == 1
    assert "practice_pcn (from 2026-04-02)" in told[0]


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, name: str) -> None:
        raise AssertionError(name)

    def warn(self, message: str) -> None:
        self.said.append(message)


def test_warnings_about_places_are_told_as_progress_and_others_pass():
    heard = Heard()
    with pytest.warns(DeprecationWarning, match="another"), telling(heard):
        warnings.warn("six areas", PlacesWarning, stacklevel=1)
        warnings.warn("another", DeprecationWarning, stacklevel=1)
    assert heard.said == ["six areas"]
