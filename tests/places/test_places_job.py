"""A job's places on its day, with a reference that knows of other days."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pophealth_link import disclosure, reference
from pophealth_link.errors import JobError
from pophealth_link.job import footprints
from pophealth_link.job.layout import authorities, day_warnings, layout, measures, telling
from pophealth_link.job.model import Job
from pophealth_link.job.spec import parse
from pophealth_link.places import PlacesWarning
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
    told = footprints.warnings(asked, region, footprints.read(asked))
    assert told == [
        "footprints.hub: the reference knows none of its 1 practices, PCNs and areas, so nobody "
        "is in a footprint of this type."
    ]


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
