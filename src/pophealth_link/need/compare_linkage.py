"""The part of a change that a changed share of linked records can make up, and the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import polars as pl

from pophealth_link.need.compare_context import REGISTER_SETTING, Context, Source
from pophealth_link.need.derived_rules import MADE_OF, made_of
from pophealth_link.places.units import REGISTERED, RESIDENT

# The least and the most that v_before/v_after can be where links alone changed.
Bounds = tuple[float, float]
Settings = Mapping[str, Mapping[str, Any]]
_Pair = tuple[float | None, float | None]
_PERSON = "person"
_SAME: Bounds = (1.0, 1.0)
# Settings of an indicator by which people count who are in several places at once.
_AT_ONCE = ("each_of", "at_least", "among")


def linkage_ratio(
    about: Context, settings: Settings, indicator: str, basis: str = REGISTERED
) -> Bounds | None:
    """Return between what v_before/v_after lies where links alone changed; None: not known.

    `settings`: of each indicator as run. It supposes that records without a link are like those
    with one, and that a source with λ of its records linked finds λ of the people it knows. Then,
    with r = λ_before/λ_after of each source that gives a table which the indicator reads: of people
    known to one source alone, r; to any of several, or to the register and others, between the
    least and the most of 1 and each r (who is known to many is found nearly as often as before); to
    several at once, between the products of those below 1 and of those above; a share among other
    people, that over theirs.

    Residents of one source need no link: 1. Those known to any of several count once more for
    each source that found no link: between 1 - Σ(λ_before - λ_after) of the sources that are linked
    less, and 1 + Σ(λ_after - λ_before) of those that are linked more. Those known to several at
    once are found by links alone, as on the registered basis.

    Not known where people count whom a source does not know (`none_of`), or where a rate is
    withheld.
    """
    held = settings.get(indicator, {})
    pairs = _pairs(about, settings, indicator)
    ratios = [_one(*pair) for pair in pairs]
    known = [ratio for ratio in ratios if ratio is not None]
    if len(known) < len(ratios) or (held.get("none_of") and any(ratio != 1 for ratio in known)):
        return None
    found = _together(held, pairs, known, basis)
    among = held.get("among")
    if among is None or among == indicator:
        return found
    of = linkage_ratio(about, settings, among, basis)
    return None if of is None else (found[0] / of[1], found[1] / of[0])


def settings_of(held: Mapping[str, object]) -> frozenset[str]:
    """Return the settings whose sources an indicator reads."""
    own = held.get("settings", ())
    return frozenset(own if isinstance(own, list | tuple) else ())


def _pairs(about: Context, settings: Settings, indicator: str) -> list[_Pair]:
    """Return λ before and after of each source that an indicator, or whom it is among, reads.

    A source that is there once stands beside each that is there in its place, or beside none.
    """
    named = _with_among(settings, indicator)
    then, now = ({name: each.rate for name, each in held.items() if _reads(named, each)}
                 for held in about.linkage)  # fmt: skip
    pairs: list[_Pair] = [(then[name], now[name]) for name in sorted({*then} & {*now})]
    gone, new = sorted({*then} - {*now}), sorted({*now} - {*then})
    if gone and new:
        return pairs + [(then[one], now[other]) for one, other in product(gone, new)]
    return pairs + [(then.get(name), now.get(name)) for name in (*gone, *new)]


def _with_among(settings: Settings, indicator: str) -> list[Mapping[str, Any]]:
    """Return the settings of an indicator and of those among whose people it counts."""
    names: list[str] = []
    among: str | None = indicator
    while among is not None and among not in names:
        names.append(among)
        among = settings.get(among, {}).get("among")
    return [settings.get(name, {}) for name in names]


def _reads(named: Iterable[Mapping[str, Any]], source: Source) -> bool:
    """Return whether one of the indicators reads a table that the source gives.

    Where its tables, or the rules, are not known, whether it reads sources of that setting.
    """
    for held in named:
        rules = held.get("events", ())
        if source.tables is None or not rules:
            if source.setting in settings_of(held):
                return True
        elif any(_reads_by(rule, source.setting, source.tables) for rule in rules):
            return True
    return False


def _reads_by(rule: Mapping[str, Any], setting: str | None, tables: frozenset[str]) -> bool:
    asked = rule.get("settings", ())
    return (not asked or setting in asked) and not tables.isdisjoint(made_of(rule["table"]))


def _one(then: float | None, now: float | None) -> float | None:
    return then / now if then and now else None


def _together(
    held: Mapping[str, Any], pairs: list[_Pair], ratios: list[float], basis: str
) -> Bounds:
    at_once = any(held.get(name) for name in _AT_ONCE)
    alone = len(ratios) == 1 and REGISTER_SETTING not in settings_of(held)
    if at_once or (_is_derived(held) and not alone):
        return math.prod(min(1.0, r) for r in ratios), math.prod(max(1.0, r) for r in ratios)
    if basis == RESIDENT:
        return _SAME if alone else _twice(pairs)
    if alone:
        return ratios[0], ratios[0]
    return min([1.0, *ratios]), max([1.0, *ratios])


def of_derived(settings: Settings) -> frozenset[str]:
    """Return the indicators that read a derived table, or are among the people of such ones."""
    return frozenset(
        name for name in settings if any(map(_is_derived, _with_among(settings, name)))
    )


def _is_derived(held: Mapping[str, Any]) -> bool:
    return any(rule.get("table") in MADE_OF for rule in held.get("events", ()))


def _twice(pairs: Iterable[_Pair]) -> Bounds:
    more = [(now or 0.0) - (then or 0.0) for then, now in pairs]
    return 1 + sum(min(0.0, each) for each in more), 1 + sum(max(0.0, each) for each in more)


def parted(rows: pl.DataFrame, about: Context, settings: Settings) -> pl.DataFrame:
    """Add the part of `change` that the linkage rate explains, the rest, and the limits of both.

    `rows`: of CHANGES, with `change`, its limits and `_value_after`. Of several sources there are
    limits alone; where the part is not known there is neither. For residents of one source, and
    for what is no count of people, it is nothing.
    """
    names = rows["indicator"].unique().sort().to_list()
    person = [name for name in names if settings.get(name, {}).get("level") == _PERSON]
    keys = [(basis, name) for basis in (REGISTERED, RESIDENT) for name in person]
    found = [linkage_ratio(about, settings, name, basis) for basis, name in keys]
    looked = pl.DataFrame(
        [(*key, 1 - each[1], 1 - each[0], True) if each else (*key, None, None, True)
         for key, each in zip(keys, found, strict=True)],
        schema={"basis": pl.String, "indicator": pl.String, "_lower": pl.Float64,
                "_upper": pl.Float64, "_person": pl.Boolean}, orient="row",
    )  # fmt: skip
    joined = rows.join(looked, on=["basis", "indicator"], how="left", maintain_order="left")
    bounded = joined.with_columns(
        pl.when(pl.col("_person").is_null()).then(0.0).otherwise(f"_{end}").alias(f"_{end}")
        for end in ("lower", "upper")
    ).with_columns(
        (pl.col("_value_after") * pl.col(f"_{end}")).alias(f"from_linkage_{end}")
        for end in ("lower", "upper")
    )
    one = pl.col("from_linkage_lower") == pl.col("from_linkage_upper")
    told = bounded.with_columns(from_linkage=pl.when(one).then("from_linkage_lower"))
    return told.with_columns(
        (pl.col("change") - pl.col("from_linkage")).alias("rest"),
        (pl.col("lower") - pl.col("from_linkage_upper")).alias("rest_lower"),
        (pl.col("upper") - pl.col("from_linkage_lower")).alias("rest_upper"),
    )


def linkage_cases(about: Context, settings: Settings) -> list[tuple[pl.Expr, str]]:
    """Return, for `differs`, cells whose sources are linked more or less often, and the word."""
    names: dict[tuple[str, str], list[str]] = {}
    for name in sorted(settings):
        pairs = _pairs(about, settings, name)
        if all(then == now and then is not None for then, now in pairs):
            continue
        for basis in (REGISTERED, RESIDENT):
            ratio = linkage_ratio(about, settings, name, basis)
            if ratio != _SAME:
                names.setdefault((_word(ratio), basis), []).append(name)
    return [
        ((pl.col("basis") == basis) & pl.col("indicator").is_in(held), word)
        for (word, basis), held in sorted(names.items())
    ]


def _word(ratio: Bounds | None) -> str:
    if ratio is None:
        return "linkage_rate_unparted"
    return "linkage_rate" if ratio[0] == ratio[1] else "linkage_rate_bounded"
