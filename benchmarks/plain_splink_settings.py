"""The two Splink settings of the yardstick: those of Splink's own guides, and NHS England's.

UPRN is left out of what is compared: as one more comparison it raised false links (the members of
a household share it with their postcode and surname), as a level above the postcode it gained
nothing. It is blocked on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to set Splink up: what it compares, blocks on, trains with, and when it accepts.

    `blocking` is SQL; `training` and `frequencies` name columns. `accept` and `margin` are match
    weights in bits.
    """

    name: str
    comparisons: Callable[[], list[Any]]
    blocking: tuple[str, ...]
    training: tuple[tuple[str, ...], ...]
    frequencies: tuple[str, ...]
    accept: float
    margin: float


# What is compared, and the columns that tell it.
SIDES = (("given", "family"), ("dob",), ("postcode",), ("sex",))


def same(*columns: str) -> str:
    """Return the rule that two records agree on columns."""
    return " and ".join(f"l.{column} = r.{column}" for column in columns)


def _alike(**letters: int) -> str:
    return " and ".join(
        f"substr(l.{column}, 1, {count}) = substr(r.{column}, 1, {count})"
        for column, count in letters.items()
    )


_TWO_OF_THREE = " or ".join(f"{c}_l = {c}_r" for c in ("year_day", "year_month", "month_day"))

# What a region has room for and a country has not: whole days of birth and postcodes, names in
# each other's place, and the rules of Splink's guide to linking people ("Linking a dataset of real
# historical persons") with an outward code where that has a place of birth.
_ROOMY = (
    same("dob"),
    same("postcode"),
    same("uprn"),
    same("given", "family"),
    "l.given = r.family and l.family = r.given",
    same("given", "outcode"),
    same("family", "outcode"),
    same("given", "year_month"),
    same("given", "year_day"),
    same("family", "year_month"),
    same("family", "year_day"),
    same("sound", "month_day"),
    _alike(given=3, family=4),
    _alike(given=2, family=2, dob=4),
)


# Names rarer than this weigh no more: those of one family are often its alone, and the whole
# household would agree on them. Assumed.
_LEAST_SHARE = 0.0005


def _guides() -> list[Any]:
    import splink.comparison_library as cl

    names = [cl.NameComparison(c).create_comparison_dict("duckdb") for c in ("given", "family")]
    levels = [level for name in names for level in name["comparison_levels"]]
    for level in levels:
        if "tf_adjustment_column" in level:
            level["tf_minimum_u_value"] = _LEAST_SHARE
    return [*names, _birthday(), cl.PostcodeComparison("postcode"), cl.ExactMatch("sex")]


def _birthday() -> Any:
    """Return a comparison of days of birth in the way of Splink's guide to customising them.

    Where somebody knew the year alone, 1 January stands for it.
    """
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl

    year_alone = (
        "substr(dob_l, 1, 4) = substr(dob_r, 1, 4) and '0101' in (month_day_l, month_day_r)"
    )
    return cl.CustomComparison(
        output_column_name="dob",
        comparison_levels=[
            cll.NullLevel("dob"),
            cll.ExactMatchLevel("dob"),
            cll.CustomLevel("dob_l = day_month_r", label_for_charts="day and month swapped"),
            cll.DamerauLevenshteinLevel("dob", 1),
            cll.CustomLevel(_TWO_OF_THREE, label_for_charts="two of three parts"),
            cll.CustomLevel(year_alone, label_for_charts="the year alone"),
            *(
                cll.AbsoluteDateDifferenceLevel(
                    "dob", threshold=years, metric="year", input_is_string=True
                )
                for years in (1, 10)
            ),
            cll.ElseLevel(),
        ],
    )


# Comparisons, and training on one rule for each side of what is compared, as in Splink's guides to
# linking two files ("Linking without deduplication", "febrl4"). Comparing both names at once, which
# Splink offers as well, did worse here; so did its ready-made comparison of birthdays.
GUIDES = Plan(
    "guides",
    _guides,
    _ROOMY,
    (("given", "family"), ("dob",)),
    ("given", "family"),
    accept=2.0,
    margin=3.0,
)

# A frequency below this counts as this: NHS England's `tf_minimum_u_value`.
_LEAST_FREQUENCY = 0.001


def _level(condition: str, label: str, column: str, weight: float = 1.0) -> dict[str, Any]:
    return {
        "sql_condition": condition,
        "label_for_charts": label,
        "tf_adjustment_column": column,
        "tf_adjustment_weight": weight,
        "tf_minimum_u_value": _LEAST_FREQUENCY,
    }


def _compared(name: str, missing: str, *levels: dict[str, Any]) -> dict[str, Any]:
    null = {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}
    rest = {"sql_condition": "ELSE", "label_for_charts": "all other"}
    return {"output_column_name": name, "comparison_levels": [null, *levels, rest]}


def _share(left: str, right: str) -> str:
    return f"len(list_intersect({left}_l, {right}_r)) > 0"


def _names() -> dict[str, Any]:
    alike = " and ".join(
        f"jaro_winkler_similarity({c}_l, {c}_r) > 0.88" for c in ("given", "family")
    )
    family = _share("family_parts", "family_parts")
    nickname = f"({_share('nicknames', 'given_parts')} or {_share('given_parts', 'nicknames')})"
    return _compared(
        "names",
        "(given_l is null and family_l is null) or (given_r is null and family_r is null)",
        _level("full_name_l = full_name_r", "exact", "full_name"),
        _level(alike, "Jaro-Winkler", "full_name", 0.5),
        _level(f"{_share('given_parts', 'given_parts')} and {family}", "parts", "full_name", 0.5),
        _level(f"{nickname} and {family}", "nickname", "full_name", 0.5),
        _level("given_l = given_r", "given only", "given"),
        _level("family_l = family_r", "family only", "family"),
    )


def _born() -> dict[str, Any]:
    return _compared(
        "born",
        "dob_l is null or dob_r is null",
        _level("dob_l = dob_r", "exact", "dob"),
        _level("dob_l = day_month_r", "day and month swapped", "dob", 0.5),
        _level("levenshtein(dob_l, dob_r) <= 1", "Levenshtein", "dob", 0.5),
        _level(_TWO_OF_THREE, "two of three parts", "dob", 0.5),
    )


def _place() -> dict[str, Any]:
    return _compared(
        "place",
        "postcode_l is null or postcode_r is null",
        _level("postcode_l = postcode_r", "exact", "postcode"),
        _level("levenshtein(postcode_l, postcode_r) <= 1", "Levenshtein", "postcode", 0.5),
        *(_level(f"{c}_l = {c}_r", c, c) for c in ("sector", "outcode", "area")),
    )


def _gender() -> dict[str, Any]:
    return _compared(
        "gender", "sex_l is null or sex_r is null", _level("sex_l = sex_r", "exact", "sex")
    )


# NHS England's probabilistic linkage pipeline (NHSDigital/splink-linkage-pipeline on GitHub, MIT):
# its levels, frequency weights, blocking and training rules, and its margin of 5 bits. NHS number
# is a step of its own here, and the roomier blocking is added to its own. Its threshold, 5 bits, is
# for sixty million people; its least frequency takes some ten bits off full agreement in a region.
NHS_ENGLAND = Plan(
    "nhs_england",
    lambda: [_names(), _born(), _place(), _gender()],
    (
        same("dob", "sex", "outcode"),
        same("sex", "sound", "dob"),
        same("sex", "family", "year_day"),
        same("postcode"),
        same("given", "dob"),
        same("given", "outcode"),
        same("family", "dob"),
        same("family", "outcode"),
        *_ROOMY,
    ),
    (
        ("dob", "postcode", "sex"),
        ("given", "family", "postcode", "sex"),
        ("given", "family", "dob", "sex"),
        ("given", "family", "dob", "postcode"),
        ("given", "family", "dob"),
        ("given", "family", "postcode"),
        ("dob", "postcode"),
    ),
    ("full_name", "given", "family", "dob", "postcode", "sector", "outcode", "area", "sex"),
    accept=-3.0,
    margin=5.0,
)

PLANS = (GUIDES, NHS_ENGLAND)
