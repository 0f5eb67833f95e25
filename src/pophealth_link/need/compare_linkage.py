"""The part of a change that a changed share of linked records can make up, and the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link.need.compare_context import REGISTER_SETTING, Context
from pophealth_link.places.units import REGISTERED

# The least and the most that v_before/v_after can be where links alone changed.
Bounds = tuple[float, float]
Settings = Mapping[str, Mapping[str, Any]]
_PERSON = "person"


def linkage_ratio(about: Context, settings: Settings, indicator: str) -> Bounds | None:
    """Return between what v_before/v_after lies where links alone changed; None: not known.

    `settings`: of each indicator as run. It supposes that records without a link are like those
    with one, and that a setting with λ of its records linked finds λ of the people it knows. Then,
    with r = λ_before/λ_after: of people known to one setting alone, r; to any of several, or to the
    register and others, between the least and the most of 1 and each r (who is known to many is
    found nearly as often as before); to several at once, between the products of those below 1 and
    of those above; a share among other people, that over theirs. Not known where people count whom
    a setting does not know (`none_of`), or where a rate is withheld.
    """
    held = settings.get(indicator, {})
    own = settings_of(held)
    ratios = [_one(*about.rates[name]) for name in sorted(own & {*about.rates})]
    if any(ratio is None for ratio in ratios):
        return None
    known = [ratio for ratio in ratios if ratio is not None]
    if held.get("none_of") and any(ratio != 1 for ratio in known):
        return None
    found = _together(held, own, known)
    among = held.get("among")
    if among is None or among == indicator:
        return found
    of = linkage_ratio(about, settings, among)
    return None if of is None else (found[0] / of[1], found[1] / of[0])


def settings_of(held: Mapping[str, object]) -> frozenset[str]:
    """Return the settings whose sources an indicator reads."""
    own = held.get("settings", ())
    return frozenset(own if isinstance(own, list | tuple) else ())


def moved(about: Context) -> frozenset[str]:
    """Return the settings whose share of linked records changed, or is not known."""
    return frozenset(
        name for name, (then, now) in about.rates.items() if then != now or then is None
    )


def _one(then: float | None, now: float | None) -> float | None:
    return then / now if then and now else None


def _together(held: Mapping[str, Any], own: frozenset[str], ratios: list[float]) -> Bounds:
    if held.get("each_of") or held.get("at_least") or held.get("among"):
        return math.prod(min(1.0, r) for r in ratios), math.prod(max(1.0, r) for r in ratios)
    if len(own) == len(ratios) == 1 and REGISTER_SETTING not in own:
        return ratios[0], ratios[0]
    return min([1.0, *ratios]), max([1.0, *ratios])


def parted(rows: pl.DataFrame, about: Context, settings: Settings) -> pl.DataFrame:
    """Add the part of `change` that the linkage rate explains, the rest, and the limits of both.

    `rows`: of CHANGES, with `change`, its limits and `_value_after`. Of several settings there are
    limits alone; where the part is not known there is neither. On the resident basis, and for
    what is no count of people, it is nothing.
    """
    names = rows["indicator"].unique().sort().to_list()
    person = [name for name in names if settings.get(name, {}).get("level") == _PERSON]
    found = {name: linkage_ratio(about, settings, name) for name in person}
    unknown = [name for name, ratio in found.items() if ratio is None]
    ends = [{n: 1 - ratio[end] for n, ratio in found.items() if ratio} for end in (1, 0)]
    applies = pl.col("basis") == REGISTERED
    lost = applies & pl.col("indicator").is_in(unknown)
    shares = [
        pl.when(~lost).then(pl.when(applies).then(_looked_up(end)).fill_null(0.0)) for end in ends
    ]
    bounded = rows.with_columns(
        (pl.col("_value_after") * share).alias(f"from_linkage_{end}")
        for share, end in zip(shares, ("lower", "upper"), strict=True)
    )
    one = pl.col("from_linkage_lower") == pl.col("from_linkage_upper")
    told = bounded.with_columns(from_linkage=pl.when(one).then("from_linkage_lower"))
    return told.with_columns(
        (pl.col("change") - pl.col("from_linkage")).alias("rest"),
        (pl.col("lower") - pl.col("from_linkage_upper")).alias("rest_lower"),
        (pl.col("upper") - pl.col("from_linkage_lower")).alias("rest_upper"),
    )


def _looked_up(held: Mapping[str, float]) -> pl.Expr:
    return pl.col("indicator").replace_strict(dict(held), default=None, return_dtype=pl.Float64)


def linkage_words(about: Context, settings: Settings) -> dict[str, list[str]]:
    """Return, by word of `differs`, the indicators whose sources are linked more or less often."""
    found: dict[str, list[str]] = {
        word: [] for word in ("linkage_rate", "linkage_rate_bounded", "linkage_rate_unparted")
    }
    changed = moved(about)
    for name in sorted(settings):
        if settings_of(settings[name]) & changed:
            ratio = linkage_ratio(about, settings, name)
            word = "_unparted" if ratio is None else "" if ratio[0] == ratio[1] else "_bounded"
            found[f"linkage_rate{word}"].append(name)
    return found
