"""What sources recorded, beside who the people truly are: identifiers wrong and missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from benchmarks.synthetic_figures_made import Made
from benchmarks.synthetic_figures_tables import Table, percent, table, words

SOURCES = ("gp_register", "mental_health_trust", "acute", "social_care", "childrens_social_care",
           "housing_register", "homelessness")  # fmt: skip
_COUNCIL = SOURCES[3:]
_NUMBERED = "social_care"
_NAMES = ("given_name", "family_name")
_TOLD = ("nhs_number", *_NAMES, "date_of_birth", "sex", "postcode")
_NOT_DRAWN = ("sex",)
MEASURES = {
    "number missing": "NHS number missing",
    "number wrong": "NHS number wrong",
    "given name": "given name differs",
    "family name": "family name differs",
    "birth": "date of birth differs",
    "sex": "sex differs or missing",
    "postcode": "postcode differs",
}


def tables(presets: Mapping[str, Made]) -> dict[str, Table]:
    compared = {name: compare(made) for name, made in presets.items()}
    both = {f"errors, {name}": _by_source(each) for name, each in compared.items()}
    return {**both, "errors by group": _by_group(compared)}


def charts(presets: Mapping[str, Made]) -> dict[str, Any]:
    shares: dict[str, Any] = {}
    for name, made in presets.items():
        compared = compare(made)
        for source in SOURCES:
            rows = compared.filter(pl.col("source") == source)
            for measure, label in MEASURES.items():
                share = _share(rows, measure)
                if share is not None and measure not in _NOT_DRAWN:
                    shares.setdefault(label, {}).setdefault(words(source), {})[name] = round(
                        100 * share, 3
                    )
    return {"errors": shares}


def compare(made: Made) -> pl.DataFrame:
    """Return one row for each record with what of it differs from the person (null: not held).

    Names are compared in capitals without accents; what is missing does not differ, but for sex.
    """
    true = made.all_true.select("person_id", "second_number", *_true_columns())
    frames = []
    for source in SOURCES:
        records = made.tables[source]
        held = [name for name in _TOLD if name in records.columns]
        told = records.select("record_id", *held).with_columns(
            pl.lit(None, pl.String).alias(name) for name in _TOLD if name not in held
        )
        who = made.truth.filter(pl.col("source") == source).select(
            "source", "record_id", "person_id", "ethnic_group", "quintile"
        )
        joined = told.join(who, on="record_id").join(true, on="person_id")
        frames.append(joined.select("source", "ethnic_group", "quintile", *_differences(held)))
    return pl.concat(frames)


def _true_columns() -> list[pl.Expr]:
    told = [pl.col(name).alias(f"true_{name}") for name in _TOLD if name != "sex"]
    return [*told, pl.col("sex").cast(pl.String).alias("true_sex")]


def _plain(name: str) -> pl.Expr:
    return pl.col(name).str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_uppercase()


def _differences(held: Sequence[str]) -> list[pl.Expr]:
    number = pl.col("nhs_number")
    wrong = (number != pl.col("true_nhs_number")) & number.ne_missing(pl.col("second_number"))
    known = pl.lit("nhs_number" in held)
    missing = pl.when(known).then(number.is_null())
    return [
        missing.alias("number missing"),
        pl.when(known & number.is_not_null()).then(wrong).alias("number wrong"),
        *((_plain(name) != _plain(f"true_{name}")).alias(label)
          for name, label in zip(_NAMES, ("given name", "family name"), strict=True)),
        (pl.col("date_of_birth") != pl.col("true_date_of_birth")).alias("birth"),
        pl.col("sex").ne_missing(pl.col("true_sex")).alias("sex"),
        (pl.col("postcode") != pl.col("true_postcode")).alias("postcode"),
    ]  # fmt: skip


def _share(rows: pl.DataFrame, measure: str) -> float | None:
    value = rows[measure].mean()
    return None if value is None else float(value)  # type: ignore[arg-type]


def _cell(rows: pl.DataFrame, measure: str) -> str:
    share = _share(rows, measure)
    return "–" if share is None else percent(share, 2 if share < 0.1 else 1)


def _by_source(compared: pl.DataFrame) -> Table:
    rows = []
    for source in SOURCES:
        of = compared.filter(pl.col("source") == source)
        rows.append([words(source), f"{of.height:,}", *(_cell(of, m) for m in MEASURES)])
    return table(["source", "records", *MEASURES.values()], rows)


def _by_group(compared: Mapping[str, pl.DataFrame]) -> Table:
    """Return the council sources together, by ethnic group and by fifth.

    Missing numbers are those of adult social care: sources differ in whether they hold any, and in
    whom they know, so together they would tell of that.
    """
    measures = ("number missing", "given name", "family name", "birth", "postcode")
    rows = []
    for preset, each in compared.items():
        council = each.filter(pl.col("source").is_in(_COUNCIL))
        for column, groups in (("ethnic_group", ("white", "mixed", "asian", "black", "other")),
                               ("quintile", ("quintile_1", "quintile_5"))):  # fmt: skip
            for group in groups:
                of = council.filter(pl.col(column) == group)
                label = f"{preset}: {words(group.replace('quintile', 'fifth'))}"
                care = of.filter(pl.col("source") == _NUMBERED)
                missing, *rest = measures
                rows.append([label, _cell(care, missing), *(_cell(of, m) for m in rest)])
    heads = ["NHS number missing, adult social care", *(MEASURES[m] for m in measures[1:])]
    return table(["preset and group", *heads], rows)
