"""Labelled data of one's own: a job, its sources, and `truth.parquet` beside it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.extracts import extracts
from pophealth_link.errors import DataError, JobError, Problem, raise_problems
from pophealth_link.folders import is_file, is_folder, shown
from pophealth_link.link import People

KEY = ("source", "record_id")
NEEDED = (*KEY, "person_id")
# Names that scoring uses for its own columns.
_TAKEN = {
    "method", "true_person", "register_person", "linkable", "linked", "correct", "dimension",
    "group", "all", "scope", "score", "accepted", "register_record_id", "found", "right", "limit",
    "threshold",
}  # fmt: skip


def check(folder: Path) -> list[People]:
    """Return the sources of a data folder, having checked that it can be scored.

    It must hold `job.toml`, with one source marked as the register, and `truth.parquet` with
    `source`, `record_id`, `person_id` as text: one row for each record of each source. Any number
    of further columns are subgroups. Raises one error with every problem, counts and names only.
    """
    if not is_folder(folder):
        raise JobError(
            f"the data folder {shown(folder)} does not exist.",
            fix="name a folder that holds job.toml, its sources and truth.parquet.",
        )
    absent = [name for name in ("job.toml", "truth.parquet") if not is_file(folder / name)]
    what = "is not in the folder."
    fixes = {
        "job.toml": "write the job that names the sources, as for `pophealth-link check`.",
        "truth.parquet": "write source, record_id, person_id of every record.",
    }
    found = [Problem(JobError, name, what, fixes[name]) for name in absent]
    raise_problems(f"the data folder {shown(folder)}", found)
    people = extracts(folder)
    truth = _truth(folder / "truth.parquet")
    problems = [*_registers(people), *_columns(truth)]
    problems = problems or _records(people, truth)
    raise_problems(f"the data folder {shown(folder)}", problems)
    return people


def _truth(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        kind = type(error).__name__
    raise DataError(f"truth.parquet could not be read ({kind}).", fix="write it as Parquet.")


def _registers(people: list[People]) -> list[Problem]:
    marked = sum(each.register for each in people)
    if marked == 1:
        return []
    told = f"{marked} of {len(people)} sources are marked as the register."
    return [Problem(JobError, "job.toml", told, "mark one source with register = true.")]


def _columns(truth: pl.DataFrame) -> list[Problem]:
    found = []
    for name in NEEDED:
        if name not in truth.columns:
            found.append(Problem(DataError, "truth.parquet", f"has no column `{name}`."))
        elif truth.schema[name] != pl.String():
            found.append(Problem(DataError, "truth.parquet", f"`{name}` is not text."))
    taken = sorted(_TAKEN & set(truth.columns))
    what = "is the name of a result as well."
    return found + [
        Problem(DataError, "truth.parquet", f"`{name}` {what}", "rename the column.")
        for name in taken
    ]


def _records(people: list[People], truth: pl.DataFrame) -> list[Problem]:
    """Return what forbids scoring: records without a truth, told twice, or of nobody."""
    found = []
    twice = truth.select(pl.struct(KEY).is_duplicated().sum()).item()
    if twice:
        told = f"{twice:,} rows are of records that are there more than once."
        found.append(Problem(DataError, "truth.parquet", told, "keep one row for each record."))
    nobody = truth["person_id"].null_count()
    if nobody:
        told = f"{nobody:,} rows have no person_id."
        fix = "give a person whom nobody else is an id of his own."
        found.append(Problem(DataError, "truth.parquet", told, fix))
    for each in people:
        known = truth.filter(pl.col("source") == each.source)
        lost = each.frame.join(known, on="record_id", how="anti").height
        if lost:
            told = f"{lost:,} of {each.frame.height:,} records have no row in truth.parquet."
            fix = f"give their truth, with source = {each.source}."
            found.append(Problem(DataError, each.source, told, fix))
    return found
