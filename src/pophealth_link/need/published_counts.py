"""Published registers as counts to reconcile a run with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from pophealth_link.need.reconcile import PRACTICE
from pophealth_link.places.units import REGISTERED
from pophealth_link.schema.outputs_compare import PUBLISHED_COUNTS


@dataclass(frozen=True, slots=True)
class Register:
    """A published register whose rules are those of an indicator.

    `list_type`: whose list it is of, as published (all, or 18 and over): of other ages, the rules
    are others. `until`: the last day on which they were the same, where they changed.
    """

    indicator: str
    list_type: str = "TOTAL"
    until: date | None = None


# Quality and Outcomes Framework, NHS England, business rules of DEP (18 and over, first recorded
# since April 2006, not resolved), MH (schizophrenia, bipolar affective disorder, other psychoses,
# lithium), DEM, LD (where it is of all ages), CAN (diagnoses since April 2003, without
# non-melanoma skin cancer) and COPD, whose register asks for spirometry of whoever was diagnosed
# since April 2020 (COPD009; guidance for the GMS contract 2020/21, NHS England). Left out: DM, of
# those aged 17 and over; CHD, HF, STIA and PAD, which count people of several of them again.
QOF_REGISTERS: Mapping[str, Register] = {
    "DEP": Register("depression_recorded", list_type="18OV"),
    "MH": Register("severe_mental_illness_recorded"),
    "DEM": Register("dementia_recorded"),
    "LD": Register("learning_disability_recorded"),
    "CAN": Register("cancer_recorded"),
    "COPD": Register("copd_recorded", until=date(2020, 3, 31)),
}
_SOURCE = "Quality and Outcomes Framework, NHS England, {}"


def from_qof(qof: pl.DataFrame) -> pl.DataFrame:
    """Return PUBLISHED_COUNTS of the registers of QOF that agree with an indicator, sorted.

    `qof`: the reference's table of that name. A register is a count on the last day of its year
    (`period`, such as 2020/21); without a year the day is missing, and nothing is of its time.
    Registers of other ages than the indicator's (`list_type`, where it is told) and those of years
    of other rules are left out, and so are practices without a number: nothing is published of
    them.

    >>> qof = pl.DataFrame({"practice_code": ["P1"], "register": ["DEM"], "numerator": [9],
    ...     "denominator": [900], "list_type": ["TOTAL"], "period": ["2020/21"]})
    >>> from_qof(qof)["indicator", "period_end"].row(0)
    ('dementia_recorded', datetime.date(2021, 3, 31))
    """
    rows = qof.filter(pl.col("register").is_in(list(QOF_REGISTERS))).drop_nulls("numerator")
    days = {year: last_day(year) for year in rows["period"].drop_nulls().unique().sort().to_list()}
    rows = rows.with_columns(
        period_end=pl.col("period").replace_strict(days, default=None, return_dtype=pl.Date)
    ).filter(_same_rules())
    made = rows.select(
        area_type=pl.lit(PRACTICE),
        area_code="practice_code",
        basis=pl.lit(REGISTERED),
        indicator=pl.col("register").replace_strict(
            {name: each.indicator for name, each in QOF_REGISTERS.items()},
            return_dtype=pl.String,
        ),
        numerator="numerator",
        denominator="denominator",
        period_start=pl.lit(None, pl.Date),
        period_end="period_end",
        source=pl.format(_SOURCE, pl.col("period").fill_null("year not told")),
    )
    return made.select(pl.col(c.name).cast(c.dtype) for c in PUBLISHED_COUNTS.columns).sort(
        PUBLISHED_COUNTS.unique
    )


def _same_rules() -> pl.Expr:
    """Return whether a row's register was of the ages and rules of its indicator in that year."""
    ages = {name: each.list_type for name, each in QOF_REGISTERS.items()}
    ends = {name: each.until for name, each in QOF_REGISTERS.items() if each.until is not None}
    named = pl.col("register")
    of_ages = pl.col("list_type") == named.replace_strict(ages, return_dtype=pl.String)
    until = named.replace_strict(ends, default=None, return_dtype=pl.Date)
    in_time = until.is_null() | (pl.col("period_end") <= until)
    return of_ages.fill_null(value=True) & in_time.fill_null(value=False)


def last_day(year: str) -> date | None:
    """Return the last day of a financial year such as `2020/21`; nothing of other words.

    >>> last_day("2020/21").isoformat()
    '2021-03-31'
    """
    first, mark, second = year.partition("/")
    if not (mark and first.isdecimal() and second.isdecimal() and len(first) == 4):
        return None
    return date(int(first) + 1, 3, 31) if int(second) == (int(first) + 1) % 100 else None
