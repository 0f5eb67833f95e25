"""Patients registered with practices, and the Quality and Outcomes Framework."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from pophealth_link.reference.official.kinds import NHS, Kind, Source, Wanted, days, numbers, whole

_PATIENTS = (
    Wanted("practice", r"^practice code$", "PRACTICE_CODE"),
    Wanted("lsoa", r"^lsoa code$", "LSOA_CODE"),
    Wanted("people", r"^number of patients$", "NUMBER_OF_PATIENTS"),
    Wanted("sex", r"^sex$", "SEX", False),
    Wanted("day", r"^extract date$", "EXTRACT_DATE", False),
)
_SEXES = {
    "all": "all",
    "persons": "all",
    "female": "female",
    "f": "female",
    "male": "male",
    "m": "male",
}
_LSOA = r"^[EW]01\d{6}$"
# The codes of 2021 begin here; those that did not change keep the code of 2011.
_FIRST_OF_2021 = 33_769


def _sex(column: str) -> pl.Expr:
    return (
        pl.col(column)
        .str.to_lowercase()
        .replace_strict(_SEXES, default=None, return_dtype=pl.String)
    )


def _with_sex_and_period(source: Source, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `sex` (all, female, male) and `period` (ISO), those of all if any."""
    rows = rows.with_columns(pl.col("sex").fill_null("all").alias("given"))
    rows = days(source, rows.with_columns(_sex("given").alias("sex")), "day")
    unknown = rows["sex"].null_count()
    if unknown:
        raise source.wrong(f"{unknown:,} values are none of ALL, FEMALE, MALE.", "sex")
    whole_lists = bool((rows["sex"] == "all").any())
    rows = rows.filter(pl.col("sex") == "all") if whole_lists else rows
    return rows.with_columns(pl.col("day").dt.strftime("%Y-%m-%d").alias("period"))


def _read_patients(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("practice", "lsoa", "people", "sex", "day").drop_nulls(["practice", "lsoa"])
    rows = _with_sex_and_period(source, numbers(source, rows, "people"))
    coded = pl.col("lsoa").str.contains(_LSOA)
    # A file is of 2021 if it holds a code that 2011 did not have.
    number = pl.col("lsoa").str.slice(3).cast(pl.Int64, strict=False)
    newer = bool(
        rows.filter(coded & pl.col("lsoa").str.starts_with("E"))
        .select((number >= _FIRST_OF_2021).any())
        .item()
    )
    vintage = "2021" if newer else "2011"
    found = (
        rows.group_by("practice", "lsoa", "sex", "period")
        .agg(pl.col("people").sum())
        .select(
            pl.col("practice").alias("practice_code"),
            pl.col("lsoa").alias("lsoa_code"),
            "sex",
            *whole("people"),
            pl.when(pl.col("lsoa").str.contains(_LSOA)).then(pl.lit(vintage)).alias("lsoa_vintage"),
            "period",
        )
    )
    return {"practice_patients": found.sort("practice_code", "lsoa_code", "sex")}


_LISTS = (
    Wanted("practice", r"^(org|practice)? ?code$", "ORG_CODE or CODE"),
    Wanted("type", r"^(org )?type$", "ORG_TYPE or TYPE", False),
    Wanted("sex", r"^sex$", "SEX"),
    Wanted("age", r"^age( group 5)?$", "AGE or AGE_GROUP_5"),
    Wanted("people", r"^number of patients$", "NUMBER_OF_PATIENTS"),
    Wanted("day", r"^extract date$", "EXTRACT_DATE", False),
)


def _read_lists(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("practice", "type", "sex", "age", "people", "day")
    if source.has("type"):
        rows = rows.filter(pl.col("type").str.to_lowercase().str.starts_with("gp"))
    rows = _with_ages(source, numbers(source, rows, "people"))
    everyone = rows.filter((_sex("sex") == "all") & pl.col("age_from").is_null())
    bands = _with_sex_and_period(source, rows.filter(pl.col("age_from").is_not_null()))
    found = {
        "practice_lists": bands.select(
            pl.col("practice").alias("practice_code"),
            "sex",
            "age_from",
            "age_to",
            *whole("people"),
            "period",
        ),
        "practices": everyone.select(
            pl.col("practice").alias("practice_code"), *whole("people")
        ).rename({"people": "list_size"}),
    }
    return {name: frame for name, frame in found.items() if frame.height}


def _with_ages(source: Source, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with age_from and age_to: `ALL`, `7`, `5_9`, `90+`."""
    ages = pl.col("age").str.to_uppercase().str.replace(r"\.0$", "")
    first = ages.str.extract(r"^(\d+)").cast(pl.Int64)
    second = ages.str.extract(r"^\d+[_ -]+(\d+)$").cast(pl.Int64)
    last = pl.when(ages.str.contains(r"\+$")).then(None).otherwise(pl.coalesce(second, first))
    unknown = rows.filter(~ages.str.contains(r"^(ALL|\d+|\d+[_ -]+\d+|\d+\+)$")).height
    if unknown:
        raise source.wrong(f"{unknown:,} values are no ages.", "age")
    return rows.with_columns(first.alias("age_from"), last.alias("age_to"))


_REGISTERS = (
    Wanted("practice", r"^practice code$", "PRACTICE_CODE"),
    Wanted("group", r"^group code$", "GROUP_CODE"),
    Wanted("register", r"^register$", "REGISTER"),
    Wanted("type", r"^patient list type$", "PATIENT_LIST_TYPE"),
    Wanted("list", r"^practice list size$", "PRACTICE_LIST_SIZE"),
)


def year_of(text: str) -> str | None:
    """Return the financial year that a name holds, such as `2020/21`.

    >>> year_of("PREVALENCE_2021"), year_of("qof-2023-24"), year_of("PREVALENCE")
    ('2020/21', '2023/24', None)
    """
    for first, second in re.findall(r"(?<!\d)(?:20)?(\d\d)[-_ /]?(\d\d)(?!\d)", text):
        if int(second) == int(first) + 1:
            return f"20{first}/{second}"
    return None


def _read_registers(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("practice", "group", "register", "type", "list")
    rows = numbers(source, rows.drop_nulls(["practice", "group"]), "register", "list")
    # The file says nowhere which year it is: its name does, or the folder's.
    named = year_of(source.sheet.path.stem) or year_of(source.sheet.path.parent.name)
    totals = rows.filter(pl.col("type") == "TOTAL").group_by("practice").agg(pl.col("list").max())
    return {
        "qof": rows.drop_nulls("register").select(
            pl.col("practice").alias("practice_code"),
            pl.col("group").alias("register"),
            pl.col("register").round(0).cast(pl.Int64).alias("numerator"),
            pl.col("list").round(0).cast(pl.Int64).alias("denominator"),
            pl.col("type").alias("list_type"),
            pl.lit(named, dtype=pl.String).alias("period"),
        ),
        "practices": totals.sort("practice")
        .select(pl.col("practice").alias("practice_code"), *whole("list"))
        .rename({"list": "list_size"}),
    }


KINDS = (
    Kind(
        "practice_patients",
        "Patients registered at a GP practice, by practice and LSOA",
        NHS,
        _PATIENTS,
        _read_patients,
        tables=("practice_patients",),
    ),
    Kind(
        "practice_lists",
        "Patients registered at a GP practice, by sex and age",
        NHS,
        _LISTS,
        _read_lists,
        refused="^lsoa code$",
        order=20,
        tables=("practice_lists", "practices"),
    ),
    Kind(
        "qof",
        "Quality and Outcomes Framework, prevalence by practice",
        NHS,
        _REGISTERS,
        _read_registers,
        order=40,
        tables=("qof", "practices"),
    ),
)
