"""The data folder: five extracts in layouts of their own, a job file that maps them, the truth."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.second_model import desks, rolls
from benchmarks.second_model.dwellings import dwellings
from benchmarks.second_model.lineages import AS_OF_YEAR
from benchmarks.second_model.names import Bools, Ints, read_names
from benchmarks.second_model.recording import record
from benchmarks.second_model.rolls import LAST, World
from benchmarks.second_model.sheet import Sheet, family_names
from benchmarks.second_model.years import live
from pophealth_link.schema.codes import AGE_BAND_STARTS

FEWEST, MOST = 500, 400_000


@dataclass(frozen=True, slots=True)
class Extract:
    """The layout of a source: its file, its ids, its column names (contract = file), its dates."""

    name: str
    setting: str
    file: str
    ids: str
    columns: Mapping[str, str]
    formats: tuple[str, ...] = ()
    unique: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)


_SURGERIES = Extract(
    "surgeries", "primary_care", "surgeries.parquet", "PT{:08d}",
    {
        "record_id": "PatientRef", "nhs_number": "NHSNo", "given_name": "Forename",
        "middle_names": "OtherForenames", "family_name": "Surname",
        "previous_family_name": "FormerSurname", "date_of_birth": "BirthDate", "sex": "Gender",
        "postcode": "PostCode", "address": "AddressLine", "uprn": "PropertyRef",
        "ethnic_category": "EthnicCode", "practice_code": "Surgery",
    },
    extra={"register": "true", "aliases": '"surgeries_former.parquet"'},
)  # fmt: skip
_INFIRMARY = Extract(
    "infirmary", "secondary_care", "infirmary.csv", "RX-{:07d}",
    {
        "record_id": "Unit No", "nhs_number": "NHS NUMBER", "family_name": "SURNAME",
        "given_name": "FIRST NAME", "middle_names": "MIDDLE", "date_of_birth": "D.O.B.",
        "sex": "SEX", "address": "ADDRESS", "postcode": "POSTCODE", "ethnic_category": "ETH",
    },
    ("%d-%b-%Y",), unique=False,
)  # fmt: skip
_TENANCIES = Extract(
    "tenancies", "local_authority", "rents/tenants.csv", "{:06d}/01",
    {
        "record_id": "Tenancy Ref", "given_name": "Tenant Forename",
        "family_name": "Tenant Surname", "date_of_birth": "Born", "sex": "M/F",
        "address": "Dwelling", "postcode": "Post Code",
        "uprn": "UPRN", "nhs_number": "NHS",
    },
    ("%d.%m.%Y", "%m/%d/%Y"), unique=False,
)  # fmt: skip
_FAMILIES = Extract(
    "family_services", "local_authority", "families.parquet", "CF{:06d}",
    {
        "record_id": "case_person_id", "given_name": "first_name", "middle_names": "second_name",
        "family_name": "last_name", "date_of_birth": "dob_text", "sex": "gender_code",
        "address": "lives_at", "postcode": "lives_at_postcode", "uprn": "lives_at_uprn",
        "nhs_number": "health_number", "ethnic_category": "ethnicity",
    },
    ("%d/%m/%Y",),
)  # fmt: skip
_REVENUES = Extract(
    "revenues", "local_authority", "revenues.csv", "9{:07d}",
    {
        "record_id": "Account", "family_name": "Name 1", "given_name": "Name 2",
        "date_of_birth": "Date of birth", "sex": "Sex", "address": "Liable property",
        "postcode": "Postcode", "uprn": "Property UPRN",
    },
    ("%d/%m/%Y", "%m/%d/%Y"),
)  # fmt: skip


def make(folder: Path, *, people: int, seed: int) -> None:
    """Write a data folder with sources, job file and truth of a town of `people` residents.

    The same seed gives the same bytes. Raises `ValueError` for a size out of 500 to 400,000
    (the NHS numbers of the range for tests are fewer than a million) or a negative seed, and
    `FileExistsError` if `folder` exists. Nothing half-written stays.
    """
    if not FEWEST <= people <= MOST:
        raise ValueError(f"people must be from {FEWEST:,} to {MOST:,}")
    if seed < 0:
        raise ValueError("seed must not be negative")
    if folder.exists():
        raise FileExistsError(f"{folder} exists: name a folder to make")
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(half, people, seed)
        half.chmod(0o755)
        half.rename(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def true_world(people: int, seed: int) -> World:
    """Return the town of a seed, as it truly is."""
    names = read_names(seed)
    lives = live(people, names, seed)
    rng = np.random.default_rng([seed, 4])
    return rolls.world(lives, names, dwellings(lives.town, seed), rng)


def _write(folder: Path, people: int, seed: int) -> None:
    world = true_world(people, seed)
    truth = [_register(folder, world, seed)]
    for number, (extract, roll_of, its_desks) in enumerate(
        (
            (_INFIRMARY, rolls.infirmary, desks.INFIRMARY),
            (_TENANCIES, rolls.tenancies, desks.TENANCIES),
            (_FAMILIES, rolls.families, desks.FAMILIES),
            (_REVENUES, rolls.revenues, desks.REVENUES),
        )
    ):
        rng = np.random.default_rng([seed, 10 + number])
        roll = roll_of(world, rng)
        sheet = record(world, roll, world.numbers[roll.person], its_desks, rng)
        written = _laid_out(sheet, extract)
        _save(written, folder / extract.file)
        truth.append(_truth(world, sheet, written, extract))
    pl.concat(truth).write_parquet(folder / "truth.parquet")
    _write_job(folder, people, seed)


def _register(folder: Path, world: World, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng([seed, 9])
    roll, second = rolls.register(world, rng)
    numbers = rolls.second_numbers(world, second, roll, rng)
    sheet = record(world, roll, numbers, desks.SURGERIES, rng)
    people = sheet.frame["person"].to_numpy()
    former = rng.random(len(people)) < 0.5
    sheet.frame = sheet.frame.with_columns(
        previous_family_name=_former_names(world, people, former),
        practice_code=pl.Series([f"Y9{each:04d}" for each in sheet.clerk // 24], dtype=pl.String),
    )
    written = _laid_out(sheet, _SURGERIES)
    _save(written, folder / _SURGERIES.file)
    ids = written["PatientRef"]
    former_homes = _aliases(world, people, ids, rng)
    # A job file maps the columns of both files at once: the second has those of the first.
    laid_out = pl.concat([written.clear(), former_homes], how="diagonal_relaxed")
    _save(laid_out, folder / "surgeries_former.parquet")
    return _truth(world, sheet, written, _SURGERIES)


def _former_names(world: World, people: Ints, noted: Bools) -> pl.Series:
    """Return the family name at birth where it was noted and differs from the present one."""
    first = family_names(world, people, np.full(len(people), 0))
    now = family_names(world, people, np.full(len(people), LAST))
    frame = pl.DataFrame({"a": first, "b": now, "noted": noted})
    return frame.select(f=pl.when(pl.col("noted") & (pl.col("a") != pl.col("b"))).then("a"))["f"]


def _aliases(world: World, people: Ints, ids: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    """Return former homes that the surgeries noted: of half of those who moved since 2012."""
    since = world.lives.homes.since(people, np.full(len(people), LAST))
    moved = (since > 2012) & (since > rolls.town_year(world, people))
    rows = np.flatnonzero(moved & (rng.random(len(people)) < 0.5))
    home = world.homes(people[rows], since[rows] - 1)
    rows, home = rows[home >= 0], home[home >= 0]
    return pl.DataFrame(
        {
            "PatientRef": ids.gather(rows),
            "Surname": family_names(world, people[rows], since[rows] - 1),
            "AddressLine": world.dwellings.long[home],
            "PostCode": world.dwellings.postcode[home],
            "PropertyRef": world.dwellings.uprn[home],
        }
    ).sort("PatientRef")


def _laid_out(sheet: Sheet, extract: Extract) -> pl.DataFrame:
    """Return the records in the layout of their source, with ids in the order of the rows."""
    ids = pl.Series([extract.ids.format(3 * row + 7) for row in range(sheet.frame.height)])
    frame = sheet.frame.with_columns(record_id=ids)
    if extract.formats:
        written = pl.col("date_of_birth").dt.strftime(extract.formats[0])
        american = pl.col("date_of_birth").dt.strftime("%m/%d/%Y")
        frame = frame.with_columns(
            date_of_birth=pl.when("american").then(american).otherwise(written)
        )
    return frame.select(pl.col(ours).alias(theirs) for ours, theirs in extract.columns.items())


def _save(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".csv":
        frame.write_csv(path, include_bom=True, line_terminator="\r\n")
    else:
        frame.write_parquet(path)


def _truth(world: World, sheet: Sheet, written: pl.DataFrame, extract: Extract) -> pl.DataFrame:
    """Return whose each record is, and the subgroups of that person."""
    people = sheet.frame["person"].to_numpy()
    bands = np.array(list(AGE_BAND_STARTS))
    age = _ages(pl.Series(world.born[people]))
    band = np.searchsorted(list(AGE_BAND_STARTS.values()), age, "right") - 1
    return pl.DataFrame(
        {
            "source": pl.Series([extract.name] * len(people), dtype=pl.String),
            "record_id": written[extract.columns["record_id"]],
            "person_id": pl.Series(np.char.mod("N%07d", people), dtype=pl.String),
            "ethnic_group": world.group[people],
            "sex": world.lives.town["sex"][people].astype(str),
            "age_band": bands[band],
            "quintile": rolls.quintiles(world, people),
        }
    )


def _ages(born: pl.Series) -> Ints:
    """Return ages on 1 April of the last year."""
    later = pl.col("b").dt.strftime("%m%d") > "0401"
    years = AS_OF_YEAR - pl.col("b").dt.year() - later.cast(pl.Int32)
    return born.alias("b").to_frame().select(years).to_series().to_numpy()


def _write_job(folder: Path, people: int, seed: int) -> None:
    (folder / "secrets").mkdir()
    key = hashlib.sha256(f"second model, {seed}".encode()).hexdigest()
    (folder / "secrets" / "project.key").write_text(f"{key}\n", encoding="utf-8")
    head = [
        "# People of an invented town: nobody in these files exists.",
        "version = 1",
        f"as_of = {AS_OF_YEAR}-04-01",
        f"period = [{AS_OF_YEAR - 1}-04-01, {AS_OF_YEAR}-03-31]",
        f"seed = {seed}",
    ]
    sources = (_SURGERIES, _INFIRMARY, _TENANCIES, _FAMILIES, _REVENUES)
    tail = [
        '[disclosure]\npolicy = "midpoint6"',
        '[privacy]\nkey_file = "secrets/project.key"',
        f'[governance]\npurpose = "Benchmark of linkage on an invented town of {people:,}"\n'
        "synthetic = true",
    ]
    blocks = ["\n".join(head), *(_source_block(each) for each in sources), *tail]
    (folder / "job.toml").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _source_block(extract: Extract) -> str:
    lines = [
        "[[sources]]",
        f'name = "{extract.name}"',
        f'setting = "{extract.setting}"',
        f'people = "{extract.file}"',
        f"unique_people = {str(extract.unique).lower()}",
        *(f"{key} = {value}" for key, value in extract.extra.items()),
        "[sources.columns]",
        *(f'{ours} = "{theirs}"' for ours, theirs in extract.columns.items()),
    ]
    if extract.formats:
        formats = ", ".join(f'"{each}"' for each in extract.formats)
        lines += ["[sources.formats]", f"date_of_birth = [{formats}]"]
    return "\n".join(lines)
