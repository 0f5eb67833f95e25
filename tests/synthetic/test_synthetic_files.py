"""What is written: forms of the sources, the job file, the key, whole folders only."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from synthetic_places import TinyPack

from pophealth_link.errors import OutputExistsError
from pophealth_link.indicators import catalogue
from pophealth_link.need.service_inputs import read_beds, read_unit_costs
from pophealth_link.schema.codes_services import ACUTE_WARD_TYPES
from pophealth_link.synthetic import Synthetic, SynthSpec, generate, write
from pophealth_link.synthetic.job_file import job_text
from pophealth_link.synthetic.sources import SOURCES


@pytest.fixture(scope="module")
def small(pack: TinyPack) -> Synthetic:
    return generate(SynthSpec(people=3_000, seed=5), pack)


@pytest.fixture(scope="module")
def folder(small: Synthetic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(small, tmp_path_factory.mktemp("made") / "out", reference=None)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_file_that_the_job_names_is_there(folder: Path) -> None:
    job = tomllib.loads((folder / "job.toml").read_text(encoding="utf-8"))
    named = [
        source[key] for source in job["sources"] for key in ("people", "aliases") if key in source
    ]
    named += [event["path"] for source in job["sources"] for event in source["events"]]
    named += [each["path"] for each in job["properties"]] + [job["privacy"]["key_file"]]
    named += [job["need"]["beds"], job["need"]["unit_costs"]]
    assert len(named) == 7 + 1 + sum(len(each.events) for each in SOURCES) + 1 + 1 + 2
    assert all((folder / name).is_file() for name in named)
    assert {Path(name).suffix for name in named} == {".csv", ".parquet", ".key"}


def test_the_job_says_what_it_must(folder: Path) -> None:
    job = tomllib.loads((folder / "job.toml").read_text(encoding="utf-8"))
    assert job["as_of"] == date(2026, 4, 1)
    assert job["period"] == [date(2025, 4, 1), date(2026, 3, 31)]
    assert job["seed"] == 5
    assert job["disclosure"] == {"policy": "midpoint6"}
    assert job["footprints"]["basis"] == ["registered", "resident"]
    assert "synthetic" in job["governance"]["purpose"]
    assert "reference" not in job
    assert [s["name"] for s in job["sources"] if s.get("register")] == ["gp_register"]


@pytest.mark.parametrize("path", ["packs/se-london", 'a "quoted" pack', "C:\\packs\\x", "a\nb"])
def test_a_reference_is_written_as_it_is(path: str) -> None:
    job = tomllib.loads(job_text(SynthSpec(people=100, seed=1), path))
    assert job["reference"] == path


def test_beds_and_unit_costs_are_what_a_job_reads_and_say_that_they_are_assumed(
    folder: Path,
) -> None:
    beds, costs = read_beds(folder / "beds.csv"), read_unit_costs(folder / "unit_costs.csv")
    assert set(beds["ward_type"]) == set(ACUTE_WARD_TYPES)
    assert beds["date"].unique().to_list() == [date(2025, 4, 1)]
    countable = {each.id for each in catalogue() if each.counted in ("events", "days")}
    assert set(costs["indicator"]) <= countable
    for table in (beds, costs):
        assert table["source"].str.starts_with("assumed").all()


def test_files_read_back_as_the_tables(folder: Path, small: Synthetic) -> None:
    register = pl.read_parquet(folder / "gp_register.parquet")
    assert register.equals(small.tables["gp_register"])
    trust = pl.read_csv(folder / "mental_health_trust.csv", infer_schema=False)
    born = trust["date_of_birth"].str.to_date("%Y-%m-%d")
    assert born.equals(small.tables["mental_health_trust"]["date_of_birth"])
    assert pl.read_parquet(folder / "truth.parquet").equals(small.truth)
    assert pl.read_parquet(folder / "true_people.parquet").equals(small.people)


def test_social_care_has_its_own_form(folder: Path, small: Synthetic) -> None:
    written = pl.read_csv(folder / "social_care.csv", infer_schema=False)
    table = small.tables["social_care"]
    assert {"forename", "surname", "born", "nhs_no", "gender"} <= set(written.columns)
    assert written["born"].str.to_date("%d/%m/%Y").equals(table["date_of_birth"])
    assert set(written["gender"].drop_nulls()) <= {"Male", "Female", "Unknown"}
    number = written["nhs_no"].drop_nulls()
    assert number.str.contains(r"^\d{3} \d{3} \d{4}$").all()
    assert number.str.replace_all(" ", "").equals(table["nhs_number"].drop_nulls())


def test_sources_differ_in_form(folder: Path) -> None:
    housing = pl.read_csv(folder / "housing_register.csv", infer_schema=False)
    assert set(housing["sex"].drop_nulls()) <= {"M", "F", "U"}
    acute = pl.read_parquet(folder / "acute.parquet")
    assert (acute["family_name"] == acute["family_name"].str.to_uppercase()).all()


def test_the_key_is_long_and_for_its_owner_alone(folder: Path) -> None:
    key = folder / "secrets" / "project.key"
    assert len(bytes.fromhex(key.read_text(encoding="ascii").strip())) == 32
    assert key.stat().st_mode & 0o077 == 0


def test_the_same_seed_gives_the_same_bytes(
    pack: TinyPack, small: Synthetic, folder: Path, tmp_path: Path
) -> None:
    again = write(generate(small.spec, pack), tmp_path / "again", reference=None)
    assert digests(again) == digests(folder)
    other = generate(SynthSpec(people=3_000, seed=6), pack)
    changed = digests(write(other, tmp_path / "other", reference=None))
    assert set(changed) == set(digests(folder))
    same = {name for name, digest in digests(folder).items() if changed[name] == digest}
    assert same == {"beds.csv", "unit_costs.csv"}  # of the number of people and the year alone


def test_an_existing_folder_is_left_alone(small: Synthetic, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(OutputExistsError):
        write(small, out, reference=None)
    assert list(tmp_path.iterdir()) == [out]
    assert list(out.iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(small: Synthetic, tmp_path: Path) -> None:
    broken = replace(small, tables={SOURCES[0].name: small.tables["gp_register"]})
    with pytest.raises(KeyError):
        write(broken, tmp_path / "out", reference=None)
    assert list(tmp_path.iterdir()) == []
