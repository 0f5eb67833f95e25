"""Codelists: which clinical codes stand for which condition, as files that the job names."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.errors import Problem, nearest
from pophealth_link.schema import CODE_LISTS
from pophealth_link.sources import delimited
from pophealth_link.sources.files import kind_of, parts_of, path_problems
from pophealth_link.sources.headers import positions
from pophealth_link.sources.problems import data_problem
from pophealth_link.sources.rowwise import SCIENTIFIC

_COLUMNS = ("code", "condition")
_EMPTY = pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))


def read(path: Path, where: str) -> tuple[pl.DataFrame, list[Problem]]:
    """Return `code` and `condition`, distinct and sorted, and what is wrong with the codelist.

    `path` is a CSV file with the columns `code` and `condition`; or a folder of CSV files with the
    column `code`, each named for its condition (`depression.csv`). Codes stay as they are written,
    for those of some systems differ only in case. Further columns are ignored.
    """
    wrong = path_problems(path, where)
    if wrong:
        return _EMPTY, wrong
    found, problems = [_EMPTY], []
    for each in parts_of(path):
        problems += path_problems(each, where)
        if not problems:
            frame, told = _one(each, where, named=path.is_dir())
            found.append(frame)
            problems += told
    codes = pl.concat(found).unique().sort("code", "condition")
    return codes, [*problems, *([] if problems else _faults(codes, path, where))]


def _one(path: Path, where: str, *, named: bool) -> tuple[pl.DataFrame, list[Problem]]:
    if kind_of(path) != "delimited":
        return _EMPTY, [data_problem(where, f"{path} is not CSV.", "save it as CSV (UTF-8).")]
    header = delimited.read_header(path)
    wanted = ("code",) if named else _COLUMNS
    places = {name: found[0] for name in wanted if (found := positions(header, name))}
    absent = [name for name in wanted if name not in places]
    if absent:
        what = f"{path} has no column {' and no column '.join(f'`{each}`' for each in absent)}."
        return _EMPTY, [data_problem(where, what, "give it the columns code and condition.")]
    chunks = list(delimited.read_chunks(path, len(header), places))
    ragged = sum(chunk.ragged.len() for chunk in chunks)
    if ragged:
        what = f"{ragged:,} rows of {path} have not the fields of its header."
        return _EMPTY, [data_problem(where, what, "put texts with commas in quotation marks.")]
    rows = pl.concat([_EMPTY, *(_named(chunk.frame, path, named=named) for chunk in chunks)])
    return rows.filter(pl.col("code") != ""), []


def _named(frame: pl.DataFrame, path: Path, *, named: bool) -> pl.DataFrame:
    condition = pl.lit(path.stem) if named else pl.col("condition")
    return frame.select(
        pl.col("code").str.strip_chars(),
        condition.str.strip_chars().str.to_lowercase().alias("condition"),
    )


def _faults(codes: pl.DataFrame, path: Path, where: str) -> list[Problem]:
    valid = tuple(CODE_LISTS["condition"].codes)
    unknown = codes.filter(~pl.col("condition").is_in(valid))["condition"].unique().sort()
    cut = codes.filter(pl.col("code").str.contains(SCIENTIFIC)).height
    problems = [data_problem(where, f"{path} holds no code.")] if codes.is_empty() else []
    if unknown.len():
        close = nearest(str(unknown[0]), valid) or f" Use {', '.join(valid)}."
        what = f"{path} names {unknown.len():,} conditions that there are not.{close}"
        problems.append(data_problem(where, what, "`describe condition` lists them."))
    if cut:
        what = f"{cut:,} codes of {path} are cut short (such as 1.95967E+14)."
        problems.append(data_problem(where, what, "export it with the codes as text."))
    return problems
