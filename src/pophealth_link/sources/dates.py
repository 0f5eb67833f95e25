"""Dates as extracts write them: formats, their patterns, and reading by pattern first."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

DEFAULT_FORMATS = ("%Y-%m-%d", "%d/%m/%Y")

# Tried only to name a format in a message, when a whole column could not be read.
_COMMON_FORMATS = (
    *DEFAULT_FORMATS,
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d%m%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d%b%Y",
    "%d %B %Y",
    "%m/%d/%Y",
    "%Y-%m",
    "%m/%Y",
    "%Y",
)
# A time of day with what sets it off, as at the end of an ISO or SAS datetime.
_TIME = r"[T :]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2}|[AaPp][Mm])?$"
_TIME_DIRECTIVE = re.compile(r"[T :]*%[HIMSfTRpzZ].*$")
_DIRECTIVES = {
    "d": r"\d{1,2}",
    "m": r"\d{1,2}",
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "b": "[A-Za-z]{3}",
    "B": "[A-Za-z]{3,9}",
}
_TOUCHING = re.compile("(?<=%[dmYy])%[dm]|%[dm](?=%[dmYy])")
# Earlier years are placeholders of other systems (0001-01-01, 1753-01-01), not dates of people.
_FIRST_YEAR = 1800


def format_problem(text: str, column: str) -> str | None:
    """Return what is wrong with a date format as a clause, or None.

    >>> format_problem("dd/mm/yyyy", "date_of_birth")
    'has the format "dd/mm/yyyy", which has no year. Use %d, %m or %b, and %Y.'
    """
    day = _day_part(text)
    directives = re.findall(r"%(.?)", day)
    if any(each not in _DIRECTIVES for each in directives):
        return f'has the format "{text}", which is not understood. Use %d, %m or %b, and %Y.'
    if not {"Y", "y"} & set(directives):
        return f'has the format "{text}", which has no year. Use %d, %m or %b, and %Y.'
    if column == "date_of_birth" and "y" in directives:
        return f'has the format "{text}", whose years leave out the century. Use %Y.'
    return None


def read_dates(text: pl.Expr, formats: Sequence[str]) -> pl.Expr:
    """Return `text` (stripped) as dates under the first format that fits; else missing.

    A time of day is cut off. A format without a day or month gives the first one. The 31st of
    February and years before 1800 are missing.

    >>> frame = pl.DataFrame({"d": ["31/02/2020", "2020-01-02T10:00:00", "5/1/2020"]})
    >>> frame.select(read_dates(pl.col("d"), DEFAULT_FORMATS))["d"].to_list()
    [None, datetime.date(2020, 1, 2), datetime.date(2020, 1, 5)]
    """
    day = text.str.replace(_TIME, "")
    parsed = pl.coalesce([_read_format(day, _day_part(each)) for each in formats])
    return pl.when(parsed.dt.year() >= _FIRST_YEAR).then(parsed)


def read_precision(text: pl.Expr, formats: Sequence[str]) -> pl.Expr | None:
    """Return `month` or `year` where the first format that fits leaves out the day or the month.

    Missing where the day is told or nothing fits; null where every format tells the day.

    >>> frame = pl.DataFrame({"d": ["1980-06", "1980", "1980-06-05"]})
    >>> told = read_precision(pl.col("d"), ["%Y-%m-%d", "%Y-%m", "%Y"])
    >>> frame.select(d=told)["d"].to_list()
    ['month', 'year', None]
    """
    found = {each: _precision(_day_part(each)) for each in formats}
    if set(found.values()) == {"day"}:
        return None
    day = text.str.replace(_TIME, "")
    fitting = [
        pl.when(_read_format(day, _day_part(each)).is_not_null()).then(pl.lit(precision))
        for each, precision in found.items()
    ]
    told = pl.coalesce(fitting)
    return pl.when(told != "day").then(told)


def _precision(text: str) -> str:
    directives = set(re.findall("%(.)", text))
    if "d" in directives:
        return "day"
    return "month" if directives & {"m", "b", "B"} else "year"


def likely_format(values: pl.Series) -> str | None:
    """Return the common format that reads most of `values`, if it reads at least half of them."""
    day = pl.col(values.name)
    found = values.to_frame().select(
        read_dates(day, [each]).is_not_null().sum().alias(each) for each in _COMMON_FORMATS
    )
    best = max(_COMMON_FORMATS, key=lambda each: int(found[each].item()))
    return best if int(found[best].item()) * 2 >= max(1, values.len()) else None


def _day_part(text: str) -> str:
    return _TIME_DIRECTIVE.sub("", text)


def _read_format(day: pl.Expr, text: str) -> pl.Expr:
    full, padding = text, ""
    for directives, digits in (({"m", "b", "B"}, "%m"), ({"d"}, "%d")):
        if not directives & set(re.findall("%(.)", text)):
            full, padding = f"{full} {digits}", f"{padding} 01"
    fitting = pl.when(day.str.contains(_pattern(text))).then(day + pl.lit(padding))
    return fitting.str.to_date(full, strict=False)


def _pattern(text: str) -> str:
    """Return the regular expression of a format; numbers that touch have their full width."""
    fixed = _TOUCHING.sub(r"\\d{2}", re.escape(text))
    return f"^{re.sub('%(.)', lambda found: _DIRECTIVES[found[1]], fixed)}$"
