"""The comparisons of the probabilistic pass: named levels of agreement and their conditions.

Conditions are written once, in the SQL of DuckDB, over columns of rows (see `rows`) ending in
`_l` and `_r`. The order of the levels is the order in which they are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

# Where a level's u comes from: pairs taken at random, counts in the register, or always there.
Source = Literal["random", "register", "always"]


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A named level; `frequency` names the column whose term frequency adjusts its weight.

    The share `frequency_weight` of the adjustment is made: names go together within a community,
    so that a rare given name says less beside a rare family name than by itself.
    """

    name: str
    condition: str
    frequency: str | None = None
    frequency_weight: float = 0.8


@dataclass(frozen=True, slots=True)
class Comparison:
    """Levels tried in order; pairs that meet `missing` say nothing; the last level is the rest.

    With `by_dwelling` every level has a twin, of the same condition, for two records of one
    dwelling, where the other members of the household are who a person could be mistaken for: its
    u is that of somebody else who lives there. `unlike` names the levels that speak of two people.
    """

    name: str
    missing: str
    rules: tuple[LevelRule, ...]
    by_dwelling: bool = True
    u_from: Source = "random"
    unlike: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[LevelRule, ...]:
        """All levels: in the order in which they are tried, those of one dwelling first."""
        if not self.by_dwelling:
            return self.rules
        return (*(_at_home(rule) for rule in self.rules), *self.rules)


AT_HOME = "_at_home"
DWELLING = "dwelling"
# One dwelling: by UPRN, by postcode and number, or by number and street where the rest of the
# postcode was misread.
SAME_DWELLING = (
    "coalesce(uprn_l = uprn_r or (house_l = house_r and (home_l = home_r"
    " or (same_street(address_words_l, address_words_r)"
    " and (sector_l = sector_r or damerau_levenshtein(home_l, home_r) <= 1)))), false)"
)


def context(level: str) -> str:
    """Return in which surroundings a level stands: `home` or `elsewhere`."""
    return "home" if level.endswith(AT_HOME) else "elsewhere"


def _at_home(rule: LevelRule) -> LevelRule:
    return replace(rule, name=f"{rule.name}{AT_HOME}")


def at_home(levels: pl.DataFrame) -> pl.DataFrame:
    """Return the levels of pairs, those of two records of one dwelling under their twins' names."""
    home = pl.col("household") == DWELLING
    return levels.with_columns(
        pl.when(home).then(pl.col(c.name) + AT_HOME).otherwise(pl.col(c.name)).alias(c.name)
        for c in COMPARISONS.values()
        if c.by_dwelling
    )


# What conditions call: few words for what they say often, and safe for any parser of SQL.
MACROS = (
    # One edit in names of four letters or more, two in names of eight or more.
    "is_close(a, b) as (least(length(a), length(b)) >= 4 and damerau_levenshtein(a, b)"
    " <= case when least(length(a), length(b)) >= 8 then 2 else 1 end)",
    # A line begins with building or street; towns and counties, which many share, come last.
    "same_street(a, b) as ((a[1] = b[1] or is_close(a[1], b[1]))"
    " and 2 * len(list_intersect(a, b)) > least(len(a), len(b)))",
    "has_close(words, b) as len(list_filter(words, lambda w: is_close(w, b))) > 0",
    "any_close(a, b) as len(list_filter(a, lambda v: has_close(b, v))) > 0",
    "is_alike(a, b, least_likeness) as jaro_winkler_similarity(a, b) >= least_likeness",
    "sounds_alike(a, b, sound_a, sound_b) as (sound_a = sound_b"
    " and (length(sound_a) >= 3 or jaro_winkler_similarity(a, b) >= 0.85))",
    "is_initial(a, b) as (left(a, 1) = left(b, 1) and least(length(a), length(b)) = 1)",
    "begins_alike(a, b) as (left(a, 3) = left(b, 3)"
    " or (least(length(a), length(b)) >= 3 and (contains(a, b) or contains(b, a))))",
)


def _missing(column: str) -> str:
    return f"({column}_l is null or {column}_r is null)"


def _either(call: str, words: str, name: str) -> str:
    """Return SQL: `call` holds of the words on one side and the name on the other."""
    return f"({call}({words}_l, {name}_r) or {call}({words}_r, {name}_l))"


def _of(call: str, name: str, more: str = "") -> str:
    return f"{call}({name}_l, {name}_r{more})"


def _fuzzy(name: str, condition: str, frequency: str) -> LevelRule:
    # Some other name, misread, could give the same: half of what an exact name says.
    return LevelRule(name, condition, frequency, 0.4)


_GIVEN = (
    LevelRule("exact", "first_given_l = first_given_r", "first_given"),
    _fuzzy("nickname", "list_has_any(formal_l, formal_r)", "first_given"),
    _fuzzy("close", _of("is_close", "first_given"), "first_given"),
    LevelRule("middle", _either("list_contains", "middle_words", "first_given")),
    LevelRule("initial", _of("is_initial", "first_given")),
    _fuzzy(
        "sounds",
        "sounds_alike(first_given_l, first_given_r, sound_given_l, sound_given_r)",
        "first_given",
    ),
    LevelRule(
        "nickname_close",
        f"({_either('has_close', 'formal', 'first_given')}"
        f" or {_either('has_close', 'short', 'first_given')})",
    ),
    _fuzzy("near", _of("is_alike", "first_given", ", 0.85"), "first_given"),
    LevelRule("middle_close", _either("has_close", "middle_words", "first_given")),
    LevelRule("begins", _of("begins_alike", "first_given")),
    LevelRule("faint", _of("is_alike", "first_given", ", 0.7")),
    LevelRule("different", "ELSE"),
)
_FAMILY = (
    LevelRule("exact", "family_l = family_r", "family"),
    _fuzzy("close", _of("is_close", "family"), "family"),
    LevelRule("part", "list_has_any(family_words_l, family_words_r)"),
    _fuzzy("sounds", "sounds_alike(family_l, family_r, sound_family_l, sound_family_r)", "family"),
    _fuzzy("near", _of("is_alike", "family", ", 0.85"), "family"),
    LevelRule("part_close", _of("any_close", "family_words")),
    LevelRule("middle", _either("list_contains", "middle_words", "family")),
    LevelRule("initial", _of("is_initial", "family")),
    LevelRule("faint", _of("is_alike", "family", ", 0.7")),
    LevelRule("different", "ELSE"),
)
_YEARS = "abs(birth_year_l - birth_year_r)"
_PARTS_AGREE = (
    "((birth_year_l = birth_year_r)::int"
    " + (month(date_of_birth_l) = month(date_of_birth_r))::int"
    " + (day(date_of_birth_l) = day(date_of_birth_r))::int)"
)
# Eight letters: a day. Where a source tells the year alone the text is that; where it tells a month
# there is none, and the date is the first of the month.
_DAYS = "(coalesce(length(birth_text_l), 0) = 8 and coalesce(length(birth_text_r), 0) = 8)"
_NO_YEARS = "(coalesce(length(birth_text_l), 8) = 8 and coalesce(length(birth_text_r), 8) = 8)"
_MONTHS = "(birth_year_l = birth_year_r and month(date_of_birth_l) = month(date_of_birth_r))"
_ASSUMED = (
    "((placeholder_birth_l and birth_text_l is not null)"
    " or (placeholder_birth_r and birth_text_r is not null))"
)
_CLOSE = "damerau_levenshtein(birth_text_l, birth_text_r) <= 1"
_BIRTH = (
    LevelRule("placeholder", "(birth_text_l = birth_text_r and placeholder_birth_l)"),
    LevelRule("exact", "birth_text_l = birth_text_r"),
    LevelRule("swapped", "birth_text_l = birth_swapped_r"),
    LevelRule("close", f"({_CLOSE} and {_YEARS} < 10 and {_DAYS})"),
    LevelRule("decade", f"(month_day_l = month_day_r and {_YEARS} % 10 = 0 and {_DAYS})"),
    LevelRule(
        "two_parts",
        f"(({_DAYS} and {_PARTS_AGREE} = 2) or (not {_DAYS} and {_NO_YEARS} and {_MONTHS}))",
    ),
    LevelRule("placeholder_year", f"({_ASSUMED} and {_YEARS} <= 1)"),
    LevelRule("year", f"{_YEARS} = 0"),
    LevelRule("near_year", f"{_YEARS} <= 2"),
    LevelRule("different", f"{_YEARS} < 15"),
    # Namesakes at one address are mostly a parent and a child.
    LevelRule("generation", "ELSE"),
)
_SOME = "(row_kind_l = '{0}' or row_kind_r = '{0}')"

COMPARISONS: Mapping[str, Comparison] = {
    each.name: each
    for each in (
        # Through which of their rows two records are compared: m is the share of true pairs that
        # agree best through that kind; a row of each kind is there for any pair.
        Comparison(
            "row",
            "false",
            (
                LevelRule("straight", "(row_kind_l = 'straight' and row_kind_r = 'straight')"),
                LevelRule("former", f"({_SOME.format('former')} and {_SOME.format('straight')})"),
                LevelRule(
                    "previous", f"({_SOME.format('previous')} and {_SOME.format('straight')})"
                ),
                LevelRule("swapped", "(row_kind_l = 'straight' and row_kind_r = 'swapped')"),
                LevelRule("several", "ELSE"),
            ),
            by_dwelling=False,
            u_from="always",
        ),
        Comparison("given", _missing("first_given"), _GIVEN, unlike=("faint", "different")),
        Comparison("family", _missing("family"), _FAMILY, unlike=("faint", "different")),
        Comparison(
            "birth",
            _missing("date_of_birth"),
            _BIRTH,
            unlike=("year", "near_year", "different", "generation"),
        ),
        Comparison(
            "sex",
            # 9 (indeterminate) contradicts nobody.
            "coalesce(sex_l not in ('1', '2') or sex_r not in ('1', '2'), true)",
            (LevelRule("exact", "sex_l = sex_r"), LevelRule("different", "ELSE")),
            unlike=("different",),
        ),
        Comparison(
            "middle",
            _missing("middle_words"),
            (
                LevelRule("exact", "list_has_any(middle_words_l, middle_words_r)"),
                LevelRule("initial", "left(middle_words_l[1], 1) = left(middle_words_r[1], 1)"),
                LevelRule("different", "ELSE"),
            ),
            unlike=("different",),
        ),
        # One comparison for all that a household shares, so that it is weighed once. How many
        # people share a place depends on the register, so u is counted there, not trained.
        Comparison(
            "household",
            f"({_missing('home')} and {_missing('uprn')})",
            (
                LevelRule(DWELLING, SAME_DWELLING),
                LevelRule("postcode", "home_l = home_r"),
                LevelRule(
                    "near_postcode",
                    "(outward_l is not null and damerau_levenshtein(home_l, home_r) <= 1)",
                ),
                LevelRule("sector", "sector_l = sector_r"),
                LevelRule("outward", "outward_l = outward_r"),
                LevelRule("elsewhere", "ELSE"),
            ),
            by_dwelling=False,
            u_from="register",
        ),
    )
}


def _level_in(comparison: str, *names: str) -> pl.Expr:
    found = pl.col(comparison).str.strip_suffix(AT_HOME).is_in(names)
    return found.fill_null(value=False)


# Twins live together while they are young: counted from the youngest person on the register.
YOUNG = 25
# What is likelier together than one by one for a mate of one's household: a twin shares family name
# and birthday, a child its parent's names. `young` says whether the person on the left is.
JOINT: Mapping[str, pl.Expr] = {
    "twins": (pl.col("household") == DWELLING)
    & _level_in("given", "different")
    & _level_in("birth", "exact")
    & pl.col("young"),
    "namesakes": (pl.col("household") == DWELLING)
    & _level_in("given", "exact")
    & _level_in("birth", *COMPARISONS["birth"].unlike),
}


def frequency_columns() -> tuple[str, ...]:
    """Return the columns whose term frequencies adjust a weight."""
    found = (rule.frequency for _, rule in _rules())
    return tuple(dict.fromkeys(column for column in found if column))


def _rules() -> Iterator[tuple[str, LevelRule]]:
    return ((each.name, rule) for each in COMPARISONS.values() for rule in each.levels)


# What a comparison, a row or a blocking rule reads of a prepared record.
COLUMNS = (
    "given", "first_given", "formal", "middle_words", "sound_given", "family", "family_words",
    "sound_family", "previous_family", "date_of_birth", "birth_text", "birth_year",
    "placeholder_birth", "sex", "home", "house", "uprn", "sector", "outward", "address_words",
)  # fmt: skip
