"""The comparisons of the probabilistic pass: named levels of agreement and their conditions.

Conditions are written once, in the SQL of DuckDB, over columns ending in `_l` and `_r`; edit
distances rather than Jaro-Winkler, because they agree between engines. The order of the levels is
the order in which they are tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A named level; `frequency` names the column whose term frequency adjusts its weight."""

    name: str
    condition: str
    frequency: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Levels tried in order; pairs that meet `missing` say nothing; the last level is the rest.

    With `by_dwelling` every level has a twin for two records of one dwelling, where the other
    members of the household are who a person could be mistaken for.
    """

    name: str
    missing: str
    rules: tuple[LevelRule, ...]
    by_dwelling: bool = True

    @property
    def levels(self) -> tuple[LevelRule, ...]:
        """The levels in the order in which they are tried."""
        if not self.by_dwelling:
            return self.rules
        return (*(_at_home(rule) for rule in self.rules), *self.rules)


AT_HOME = "_at_home"
_SAME_DWELLING = "coalesce(uprn_l = uprn_r or (home_l = home_r and house_l = house_r), false)"


def _at_home(rule: LevelRule) -> LevelRule:
    """Return the level for two records of one dwelling.

    A name that a household repeats is no rarer there for being rare elsewhere: its weight is not
    adjusted by term frequency.
    """
    within = "" if rule.condition == "ELSE" else f" and ({rule.condition})"
    return LevelRule(f"{rule.name}{AT_HOME}", f"({_SAME_DWELLING}{within})")


_SWAPPED = "(first_given_l = family_r and family_l = first_given_r and first_given_l <> family_l)"


def _either_missing(column: str) -> str:
    return f"({column}_l is null or {column}_r is null)"


def _close(column: str) -> str:
    """One edit in names of four letters or more, two in names of eight or more."""
    left, right = f"{column}_l", f"{column}_r"
    shorter = f"least(length({left}), length({right}))"
    distance = f"damerau_levenshtein({left}, {right})"
    return f"({shorter} >= 4 and {distance} <= case when {shorter} >= 8 then 2 else 1 end)"


_PARTS_AGREE = (
    "(year(date_of_birth_l) = year(date_of_birth_r))::int"
    " + (month(date_of_birth_l) = month(date_of_birth_r))::int"
    " + (day(date_of_birth_l) = day(date_of_birth_r))::int"
)
_BIRTH_SWAPPED = (
    "(year(date_of_birth_l) = year(date_of_birth_r)"
    " and month(date_of_birth_l) = day(date_of_birth_r)"
    " and day(date_of_birth_l) = month(date_of_birth_r))"
)
_INITIAL = (
    "(left(first_given_l, 1) = left(first_given_r, 1)"
    " and least(length(first_given_l), length(first_given_r)) = 1)"
)

COMPARISONS: Mapping[str, Comparison] = {
    each.name: each
    for each in (
        Comparison(
            "given",
            _either_missing("first_given"),
            (
                LevelRule("exact", "first_given_l = first_given_r", "first_given"),
                LevelRule("swapped", _SWAPPED),
                LevelRule("nickname", "list_has_any(formal_l, formal_r)"),
                LevelRule("close", _close("first_given")),
                LevelRule("initial", _INITIAL),
                LevelRule("different", "ELSE"),
            ),
        ),
        Comparison(
            "family",
            # Swapped names were weighed under `given`; weighing them twice would double them.
            f"({_either_missing('family')} or coalesce({_SWAPPED}, false))",
            (
                LevelRule("exact", "family_l = family_r", "family"),
                LevelRule(
                    "previous", "(family_l = previous_family_r or previous_family_l = family_r)"
                ),
                LevelRule(
                    "part",
                    "list_has_any(string_split(family_l, ' '), string_split(family_r, ' '))",
                ),
                LevelRule("close", _close("family")),
                LevelRule("different", "ELSE"),
            ),
        ),
        Comparison(
            "birth",
            _either_missing("date_of_birth"),
            (
                LevelRule(
                    "placeholder", "(date_of_birth_l = date_of_birth_r and placeholder_birth_l)"
                ),
                LevelRule("exact", "date_of_birth_l = date_of_birth_r"),
                LevelRule("swapped", _BIRTH_SWAPPED),
                LevelRule("close", "levenshtein(birth_text_l, birth_text_r) <= 1"),
                LevelRule("two_parts", f"({_PARTS_AGREE}) = 2"),
                LevelRule("different", "ELSE"),
            ),
        ),
        Comparison(
            "sex",
            _either_missing("sex"),
            (LevelRule("exact", "sex_l = sex_r"), LevelRule("different", "ELSE")),
        ),
        # One comparison for all that a household shares, so that it is weighed once. How many
        # people share a place depends on the register, so u is counted there, not trained.
        Comparison(
            "household",
            f"({_either_missing('home')} and {_either_missing('uprn')})",
            (
                LevelRule("dwelling", _SAME_DWELLING),
                LevelRule("postcode", "home_l = home_r"),
                LevelRule("sector", "sector_l = sector_r"),
                LevelRule("outward", "outward_l = outward_r"),
                LevelRule("elsewhere", "ELSE"),
            ),
            by_dwelling=False,
        ),
    )
}

# Pairs are compared where they agree on at least one of these.
BLOCKING_RULES: tuple[tuple[str, ...], ...] = (
    ("date_of_birth", "first_given"),
    ("date_of_birth", "family"),
    ("date_of_birth", "outward"),
    ("home", "first_given"),
    ("home", "birth_year"),
    ("uprn", "birth_year"),
    ("first_given", "family", "birth_year"),
    ("first_given", "family", "outward"),
)
SWAPPED_BLOCK = "l.first_given = r.family and l.family = r.first_given"

# Everything that a comparison or a blocking rule reads.
COLUMNS = (
    "first_given", "formal", "family", "previous_family", "date_of_birth", "birth_text",
    "birth_year", "placeholder_birth", "sex", "home", "house", "uprn", "sector", "outward",
)  # fmt: skip
