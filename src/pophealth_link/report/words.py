"""The report's words: numbers, dates, footprints, statuses, methods and policies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from types import MappingProxyType

from pophealth_link.schema.codes import ETHNIC_GROUP

BASES = MappingProxyType({"registered": "Registered", "resident": "Resident"})
BASIS_MEANINGS = MappingProxyType(
    {
        "registered": "people on the lists of the footprint’s practices",
        "resident": "people living in the footprint",
    }
)

WITHHELD = ("suppressed", "linkage_too_weak")
# status → words in a table; the statuses whose numbers are given come first.
GIVEN = ("ok", "estimated", "imputed_down")
STATUS_WORDS = MappingProxyType(
    {
        "ok": "",
        "estimated": "estimated",
        "imputed_down": "value of a larger area",
        "suppressed": "withheld by the disclosure policy",
        "linkage_too_weak": "withheld: too many links are missing",
        "no_data": "no data",
        "not_applicable": "not applicable",
    }
)

# footprint type → name in a sentence, heading, short singular, short plural
_TYPES = MappingProxyType(
    {
        "pcn": ("primary care network", "Primary care networks (PCNs)", "PCN", "PCNs"),
        "icp": ("integrated care partnership", "ICPs and local care networks", "ICP", "ICPs"),
        "lad": ("local authority", "Local authorities", "local authority", "local authorities"),
        "icb": ("integrated care board", "Integrated care boards (ICBs)", "ICB", "ICBs"),
        "whole": ("whole area", "Whole area", "whole area", "whole areas"),
    }
)
_TYPE_ORDER = MappingProxyType({"pcn": 0, "icp": 1, "lad": 3, "icb": 4, "whole": 5})

_METHODS = MappingProxyType(
    {
        "register": "On the register",
        "nhs_number": "NHS number",
        "probabilistic": "Probabilistic model",
        "reviewed": "Reviewed by people",
        "elsewhere": "Off the register",
        "unlinked": "Not linked",
    }
)
_METHOD_ORDER = MappingProxyType(
    {
        "register": 0,
        "nhs_number": 1,
        "probabilistic": 3,
        "reviewed": 4,
        "elsewhere": 5,
        "unlinked": 6,
    }
)

QUINTILES = MappingProxyType(
    {
        "quintile_1": "Most deprived fifth",
        "quintile_2": "Second fifth",
        "quintile_3": "Third fifth",
        "quintile_4": "Fourth fifth",
        "quintile_5": "Least deprived fifth",
        "quintile_unknown": "Deprivation not known",
    }
)

# stratum → the group of people in words, in reading order
GROUPS = MappingProxyType(
    {
        "quintile_1": "Core20: most deprived fifth",
        **{name: text for name, text in QUINTILES.items() if name != "quintile_1"},
        "sex_female": "Female",
        "sex_male": "Male",
        "age_0_17": "0 to 17",
        "age_18_25": "18 to 25",
        "age_26_64": "26 to 64",
        "age_65_over": "65 and over",
        **{f"ethnic_{group}": text for group, text in ETHNIC_GROUP.codes.items()},
    }
)

_ISO_DATE = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b")
# The same in the fewest words, for a crowded table.
STATUS_SHORT = MappingProxyType(
    {
        "suppressed": "withheld",
        "linkage_too_weak": "withheld",
        "no_data": "no data",
        "not_applicable": "not applicable",
    }
)

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

# Rules as published by the data owners or implemented by the policies of that name.
_POLICIES = MappingProxyType(
    {
        "hes": "Counts of 1 to 7 are withheld, all other counts are rounded to the nearest 5, and "
        "zero is shown. Percentages, rates and intervals are worked out from the rounded counts.",
        "opensafely": "Counts of 7 or fewer are withheld and all other counts are rounded to the "
        "nearest 5. Totals are sums of rounded counts, and values are worked out from them.",
        "midpoint6": "Every count above zero is replaced by the middle of a band of six (1 to 6 "
        "becomes 3, 7 to 12 becomes 9, and so on). Values are worked out from those counts.",
        "acro": "Counts below 10 are withheld, as are counts that one or two contributors "
        "dominate, and all other counts are rounded to the nearest 5.",
    }
)


# What holds under every policy.
_ALWAYS = (
    "Counts of events and of days are withheld where few people are behind them, however many the "
    "events. Further numbers are withheld wherever a small count could have been worked out by "
    "taking one footprint, basis, stratum or release from another."
)

# What limits from linkage are, what they leave out, and where they fell short when measured
# (docs/uncertainty.md).
LINKAGE_LIMITS = (
    "95% limits of what the same records would count, had each been given to the person it is of. "
    "They hold links that may be wrong, were left open or were never compared, and nothing else: "
    "they are not the error of the number as such."
)
LINKAGE_LEAVES_OUT = (
    "Left out are where people are placed (old addresses, unknown postcodes, people of no fixed "
    "abode who are counted at an address they gave), people who are twice on the register, ages "
    "and ethnic groups that are recorded wrongly or not at all, and rounding. So a number may be "
    "further off than these limits, on the resident basis and between ethnic groups above all."
)
LINKAGE_FALLS_SHORT = (
    "On synthetic people the limits held the right count less often than they should for people "
    "in temporary accommodation, with or without mental illness, for people with severe mental "
    "illness whom housing or social care knows, and for the values of black ethnic groups and of "
    "people of unknown ethnic group. Read these as less sure than they look."
)

# Why an indicator has no intervals, by its statistic or by the interval that it should have.
_NO_INTERVALS = MappingProxyType(
    {
        "score": "a score is not an estimate from a count",
        "proportion": "it is a share of everything that its denominator names, not of a sample",
        "compound_poisson": "one person may have many events, and too few people are behind these "
        "to tell how far they gather in few",
    }
)


def no_intervals(statistic: str, interval: str, *, imputed_down: bool) -> str:
    """Return why an indicator has no intervals, as far as its declaration tells.

    >>> no_intervals("score", "none", imputed_down=False)
    'No intervals: a score is not an estimate from a count'
    """
    if imputed_down:
        return "No intervals: the local authority’s value is taken as published, without one"
    kind = statistic if interval == "none" else interval
    why = _NO_INTERVALS.get(kind)
    return f"No intervals: {why}" if why else "No intervals are given"


def policy_in_words(policy: str) -> str:
    """Return the rule of a disclosure policy in a few sentences, and what holds under every one.

    >>> policy_in_words("midpoint6").split(".")[0][:37]
    'Every count above zero is replaced by'
    """
    own = "Small counts are withheld and others changed as the job’s own policy sets out."
    return f"{_POLICIES.get(policy, own)} {_ALWAYS}"


def type_heading(footprint_type: str) -> str:
    """Return the heading for footprints of a type.

    >>> type_heading("neighbourhood")
    'Neighbourhoods'
    """
    known = _TYPES.get(footprint_type)
    return known[1] if known else f"{footprint_type.replace('_', ' ').capitalize()}s"


def type_plural(footprint_type: str) -> str:
    """Return the plural of a footprint type inside a sentence."""
    known = _TYPES.get(footprint_type)
    return known[3] if known else f"{footprint_type.replace('_', ' ')}s"


def type_singular(footprint_type: str) -> str:
    """Return the singular of a footprint type inside a sentence."""
    known = _TYPES.get(footprint_type)
    return known[0] if known else footprint_type.replace("_", " ")


def type_short(footprint_type: str) -> str:
    """Return the short singular of a footprint type: PCN, ICP, local authority, neighbourhood.

    >>> type_short("icp")
    'ICP'
    """
    known = _TYPES.get(footprint_type)
    return known[2] if known else type_singular(footprint_type)


def type_order(footprint_type: str) -> tuple[int, str]:
    """Return the sort key of a footprint type: PCN, ICP, further ones, LAD, ICB, whole area."""
    return (_TYPE_ORDER.get(footprint_type, 2), footprint_type)


def method_words(method: str) -> str:
    """Return how a record was linked, in words; a deterministic pass keeps its own name.

    >>> method_words("exact_name_dob")
    'Pass: exact name dob'
    """
    return _METHODS.get(method, f"Pass: {method.replace('_', ' ')}")


def method_order(method: str) -> tuple[int, str]:
    """Return the sort key of a method: register, NHS number, passes, model, review, none."""
    return (_METHOD_ORDER.get(method, 2), method)


def date_words(day: date | str) -> str:
    """Return a day in words; other text stays as it is.

    >>> date_words(date(2026, 4, 1))
    '1 April 2026'
    """
    return dates_in_words(str(day))


def dates_in_words(text: str) -> str:
    """Return text with its ISO dates in words.

    >>> dates_in_words("2025-04-01 to 2026-03-31")
    '1 April 2025 to 31 March 2026'
    """
    return _ISO_DATE.sub(_in_words, text)


def _in_words(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.groups())
    return f"{day} {_MONTHS[month - 1]} {year}"


def group(stratum: str) -> str:
    """Return a stratum in words.

    >>> group("age_65_over")
    '65 and over'
    """
    return GROUPS.get(stratum, stratum.replace("_", " "))


def is_percent(unit: str) -> bool:
    """Return whether values in this unit carry a percent sign."""
    return unit.strip().lower() in {"%", "percent", "per cent", "percentage"}


def decimals(values: Iterable[float | None], unit: str) -> int:
    """Return how many decimals suit an indicator: fewer, the larger its largest value.

    >>> decimals([312.44, 8.1], "per 100,000")
    1
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if is_percent(unit):
        return 1 if largest >= 3 else 2
    return 0 if largest >= 1000 else 1 if largest >= 20 else 2


def number(value: float | None, places: int, unit: str = "") -> str:
    """Return a number with thousands separated, a true minus sign and `%` where that is its unit.

    >>> number(-1234.56, 1), number(14.25, 1, "%"), number(None, 1)
    ('−1,234.6', '14.2%', '')
    """
    if value is None:
        return ""
    text = f"{value:,.{places}f}"
    text = text.removeprefix("-") if float(text.replace(",", "")) == 0 else text
    return text.replace("-", "−") + ("%" if is_percent(unit) else "")


def count(value: float | None) -> str:
    """Return a count: whole where it is whole, else with one decimal.

    >>> count(1250.0), count(12.5), count(None)
    ('1,250', '12.5', '–')
    """
    if value is None:
        return "–"
    return number(value, 0 if float(value).is_integer() else 1)


def interval(lower: float | None, upper: float | None, places: int, unit: str = "") -> str:
    """Return an interval, or an empty string where a limit is missing.

    >>> interval(1.0, 2.0, 1, "%")
    '1.0% to 2.0%'
    """
    if lower is None or upper is None:
        return ""
    return f"{number(lower, places, unit)} to {number(upper, places, unit)}"


def linkage(lower: float | None, upper: float | None, places: int, unit: str = "") -> str:
    """Return limits from linkage in words; a point says that no link is in doubt.

    >>> linkage(1.0, 2.0, 0), linkage(2.0, 2.0, 0)
    ('1 to 2', 'no link in doubt')
    """
    if lower is not None and lower == upper:
        return "no link in doubt"
    return interval(lower, upper, places, unit)


def shorten(text: str, width: int) -> str:
    """Cut text to `width` characters, ending in an ellipsis where it was cut.

    >>> shorten("Northgate and Harbour", 12)
    'Northgate a…'
    """
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def listed(names: Iterable[str]) -> str:
    """Join names as in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    names = [str(name) for name in names]
    return (
        names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
    )
