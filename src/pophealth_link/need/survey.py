"""Survey tables: rates by age, sex and deprivation, each with its vintage and its source."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link.errors import DataError, Problem, raise_problems
from pophealth_link.need.survey_checks import problems
from pophealth_link.published import reference_file
from pophealth_link.schema.outputs_modelled import SURVEY_RATES

SHIPPED = ("survey_apms.csv", "survey_mhcyp.csv", "survey_cfas.csv")
NATION = "population_england.csv"
# What the file `.source.toml` beside a table says of it.
SOURCE_KEYS = ("publisher", "title", "licence", "date")
KEY = ("survey", "year", "condition", "measure")
# What a table of a job's own holds of these, it holds in place of the shipped ones.
_OF = KEY[:3]


@dataclass(frozen=True)
class Survey:
    """A table of rates with its source.

    `rates`: SURVEY_RATES, checked, in the order of the file. `source`: what its `.source.toml`
    says, at least SOURCE_KEYS. `replaces`: survey, year and condition of the shipped rates whose
    place its own take.
    """

    rates: pl.DataFrame = field(repr=False)
    source: dict[str, Any] = field(repr=False)
    replaces: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        return f"Survey({self.source['title']!r}, {self.rates.height:,} rates)"


def shipped() -> tuple[Survey, ...]:
    """Return the survey tables that the library ships, each with its source.

    >>> [sorted(each.rates["year"].unique()) for each in shipped()]
    [['2014', '2023/4'], ['2023'], ['2008-2011']]
    """
    return tuple(read(reference_file(name)) for name in SHIPPED)


def with_shipped(own: Sequence[Survey]) -> tuple[Survey, ...]:
    """Return the shipped tables and those of a job, which go before.

    Of a survey, year and condition that a table of `own` holds, the shipped rates are left out; the
    table's `replaces` says of which.

    >>> [len(each.replaces) for each in with_shipped(shipped()[2:])]
    [0, 0, 1]
    """
    every = pl.concat([SURVEY_RATES.empty(), *(each.rates for each in own)])
    left = [
        replace(each, rates=each.rates.join(every, on=_OF, how="anti", maintain_order="left"))
        for each in shipped()
    ]
    known = pl.concat([each.rates.select(_OF) for each in shipped()])
    said = [
        each.rates.select(_OF).join(known, on=_OF, how="semi").unique().sort(_OF) for each in own
    ]
    told = [replace(each, replaces=tuple(s.rows())) for each, s in zip(own, said, strict=True)]
    return (*(each for each in left if each.rates.height), *told)


def read(path: Path) -> Survey:
    """Return the survey table in a CSV file, checked, with the source that lies beside it.

    The file has the columns of SURVEY_RATES (those that are not required may be left out); beside
    `rates.csv` lies `rates.source.toml` with publisher, title, licence and date. Raises `DataError`
    once with every problem: a column or the source absent, a row without a year, a rate beyond
    0 to 100 or outside its limits, ages or quintiles that make no sense, rows that overlap, a
    margin that holds no rate, rates of adults and of children in one table.
    """
    for needed in (path, source_path(path)):
        if not needed.is_file():
            raise DataError(
                f"{needed.name} does not exist.",
                "A survey table is a CSV file with a file .source.toml beside it.",
                fix="give the file, with publisher, title, licence and date",
            )
    return checked(_read_csv(path), _read_source(source_path(path)), path.name)


def checked(rates: pl.DataFrame, source: dict[str, Any], subject: str = "the table") -> Survey:
    """Return the survey of a frame of rates and its source; raises what `read` raises."""
    found = [
        Problem(DataError, key, "is not told in the source of the table.", "add it")
        for key in SOURCE_KEYS
        if not str(source.get(key, "")).strip()
    ]
    absent = [name for name in SURVEY_RATES.required if name not in rates.columns]
    found += [Problem(DataError, name, "is not a column of the table.") for name in absent]
    if absent:
        raise_problems(subject, found)
    typed = _typed(rates, found)
    if typed is not None:
        found += problems(typed)
    raise_problems(subject, found)
    return Survey(SURVEY_RATES.empty() if typed is None else typed, source)


def source_path(path: Path) -> Path:
    """Return where the source of a table lies.

    >>> source_path(Path("rates.csv")).name
    'rates.source.toml'
    """
    return path.with_name(f"{path.stem}.source.toml")


def together(surveys: Sequence[Survey]) -> pl.DataFrame:
    """Return the rates of all surveys; raises `DataError` where two hold the same rates."""
    rates = pl.concat([SURVEY_RATES.empty(), *(each.rates for each in surveys)])
    keys = [each.rates.select(KEY).unique() for each in surveys]
    every = pl.concat([rates.select(KEY).clear(), *keys])
    twice = every.height - every.n_unique()
    if twice:
        raise DataError(
            f"{twice:,} sets of rates are in two survey tables.",
            "Survey, year, condition and measure together name a set.",
            fix="give one of the tables, or another year",
        )
    return rates


def england() -> pl.DataFrame:
    """Return England's population by single year of age: age, sex, quintile, people.

    Mid-2020, 90 standing for 90 and over; both sexes together (`all`), and not by quintile.
    Source: Office for National Statistics, population estimates, mid-2020.

    >>> england()["people"].sum()
    56550138
    """
    types = {"age": pl.Int64, "sex": pl.String, "quintile": pl.Int64, "people": pl.Int64}
    return pl.read_csv(reference_file(NATION), schema=types)


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path.name} cannot be read as CSV.", fix="save it as CSV, in UTF-8, with a header"
        ) from error


def _read_source(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path.name} is not TOML.", fix="write it as key = value") from error


def _typed(rates: pl.DataFrame, found: list[Problem]) -> pl.DataFrame | None:
    """Return the columns of the schema, blanks as nothing; adds the columns that do not fit."""
    bad = []
    columns = []
    for column in SURVEY_RATES.columns:
        if column.name not in rates.columns:
            columns.append(pl.Series(column.name, [None] * rates.height, column.dtype))
            continue
        text = rates[column.name].cast(pl.String).str.strip_chars()
        text = text.set(text == "", None)
        series = text.cast(column.dtype, strict=False)
        wrong = int((series.is_null() & text.is_not_null()).sum())
        if wrong:
            bad.append(Problem(DataError, column.name, f"{wrong:,} values are no {column.kind}."))
        columns.append(series)
    found += bad
    return None if bad else pl.DataFrame(columns)
