"""The disclosure policy put to the counts of a baseline: numerators, then who they are out of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import polars as pl

from pophealth_link.disclosure import Check, Policy, protect, relations
from pophealth_link.disclosure.additive import Identity
from pophealth_link.disclosure.suppression import SUPPRESSED
from pophealth_link.errors import DisclosureError
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.footprints import CELL
from pophealth_link.indicators.overlap import register_sums
from pophealth_link.need.age_sums import age_sums
from pophealth_link.schema.strata import ALL, family_of, parent_of

_COUNTS = ("numerator", "denominator")
# Sums of rounded shares of people may be this far from their total.
_HOLDS = 0.01
_PLACE = tuple(name for name in CELL if name != "indicator")
_KEYS = (*CELL, "period")


def protected(
    rows: pl.DataFrame,
    policy: Policy,
    listed: Catalogue,
    unit_footprints: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, dict[str, object]]:
    """Return the rows with counts as the policy releases them, sorted, and what was withheld.

    `rows`: raw counts of people, events, days or dwellings (see `counts.count`). Numerators are
    protected with the sums between indicators that the catalogue declares (`part_of`). Denominators
    are the same people for many indicators: each population is protected once, so that no two
    indicators show and withhold the same number. Where an indicator is `among` the people of
    another, its denominator is that one's numerator as released. Raises `DisclosureError` where no
    release can pass the differencing check.
    """
    over, first = _numerators(rows.sort(CELL), policy, listed, unit_footprints, previous)
    under, second = _denominators(over, rows, policy, listed, unit_footprints, previous)
    account: dict[str, object] = {
        "withheld": {"numerator": first.withheld, "denominator": second.withheld},
        "differencing": asdict(first.check + second.check),
    }
    return under, account


def require_covered(rows: pl.DataFrame) -> None:
    """Refuse raw counts whose strata do not add up to the stratum that they divide.

    What subtraction tells could not be worked out for them. Each family of strata of people, events
    and dwellings is looked at in each place that has a count in all of them. Raises
    `DisclosureError` with the numbers of such sums and the names of their indicators.
    """
    named = rows["stratum"].unique().to_list()
    families, parents = ({name: one(name) for name in named} for one in (family_of, parent_of))
    within = [name for name in CELL if name != "stratum"]
    counts = rows.filter(pl.col("level") != "area").select(
        *within, "stratum", *_COUNTS, family=pl.col("stratum").replace_strict(families),
        parent=pl.col("stratum").replace_strict(parents),
    )  # fmt: skip
    parts = counts.filter(pl.col("stratum") != ALL).group_by(*within, "family", "parent").agg(
        pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()).alias(f"sum_{name}")
        for name in _COUNTS
    )  # fmt: skip
    wholes = counts.select(*within, *_COUNTS, parent="stratum")
    sums = parts.join(wholes, on=[*within, "parent"])
    apart = [(pl.col(name) - pl.col(f"sum_{name}")).abs() > _HOLDS for name in _COUNTS]
    wrong = sums.filter(pl.any_horizontal(apart).fill_null(value=False))
    if wrong.height:
        names = ", ".join(wrong["indicator"].unique().sort().head(5))
        raise DisclosureError(
            f"{wrong.height:,} families of strata do not add up to what they divide.",
            f"Indicators: {names}. What subtraction would tell of them cannot be checked.",
            fix="count every person in one stratum of each family, `unknown` where need be",
        )


class _Account:
    """How many counts were withheld and why, and what the check of the result found."""

    def __init__(self, suppressed: int, secondary: int, check: Check) -> None:
        self.withheld = {"suppressed": suppressed, "secondary": secondary}
        self.check = check


def sums_of(listed: Catalogue) -> dict[str, list[str]]:
    """Return the indicators that others add up to, each with those that do."""
    found: dict[str, list[str]] = {}
    for each in listed:
        for parent in each.part_of:
            found.setdefault(parent, []).append(each.id)
    return found


def _numerators(
    rows: pl.DataFrame,
    policy: Policy,
    listed: Catalogue,
    unit_footprints: pl.DataFrame | None,
    previous: pl.DataFrame | None,
) -> tuple[pl.DataFrame, _Account]:
    """Few people behind a count of events are withheld as few people are."""
    last = policy.small_counts[1]
    few = policy.suppressed("contributors") | (pl.col("contributors") <= last)
    repeated = pl.col("numerator") > pl.col("contributors")
    marked = rows.with_columns(withhold=pl.col("dominated") | (few & repeated))
    done = protect(
        marked,
        policy,
        relations=relations(
            marked, unit_footprints, sums=sums_of(listed), identities=register_sums(listed.ids)
        ),
        counts=["numerator"],
        withhold="withhold",
        previous=previous,
    )
    told = _Account(done.suppressed["numerator"], done.secondary["numerator"], done.check)
    return done.frame.drop("withhold"), told


def _denominators(
    over: pl.DataFrame,
    rows: pl.DataFrame,
    policy: Policy,
    listed: Catalogue,
    unit_footprints: pl.DataFrame | None,
    previous: pl.DataFrame | None,
) -> tuple[pl.DataFrame, _Account]:
    """`over`: the rows with released numerators."""
    about = _populations(rows, listed)
    within = {each.id: each.among for each in listed if each.among}
    named = over.with_columns(pl.col("indicator").replace(about).alias("population"))
    own = named.filter(~pl.col("indicator").is_in(list(within)))
    people = own.unique(["population", *_PLACE], keep="first", maintain_order=True)
    people = people.with_columns(indicator="population").sort(CELL)
    done = protect(
        people.with_columns(status=_unsuppressed()),
        policy,
        relations=relations(people, unit_footprints, identities=_sums_by_age(people, listed)),
        counts=["denominator"],
        previous=_of_populations(previous, about, within),
    )
    told = _Account(done.suppressed["denominator"], done.secondary["denominator"], done.check)
    shown = done.frame.select(*_PLACE, population="indicator", shown="denominator")
    theirs = over.select(*_PLACE, among="indicator", theirs="numerator")
    joined = named.with_columns(
        pl.col("indicator").replace_strict(within, default=None, return_dtype=pl.String)
        .alias("among")
    ).join(shown, on=[*_PLACE, "population"], how="left")  # fmt: skip
    joined = joined.join(theirs, on=[*_PLACE, "among"], how="left")
    released = pl.when(pl.col("among").is_null()).then("shown").otherwise("theirs")
    hidden = pl.col("denominator").is_not_null() & released.is_null()
    done_rows = joined.with_columns(
        pl.when(hidden).then(pl.lit(SUPPRESSED)).otherwise("status").alias("status"),
        released.alias("denominator"),
    )
    return done_rows.select(over.columns).sort(CELL), told


def _unsuppressed() -> pl.Expr:
    """Return the status before the policy: a withheld numerator says nothing of the people."""
    given = pl.col("status") == SUPPRESSED
    return pl.when(given).then(pl.lit("ok")).otherwise("status").alias("status")


def _populations(rows: pl.DataFrame, listed: Catalogue) -> dict[str, str]:
    """Return each indicator with the name of the population that its denominators count.

    Where two indicators that should be about the same people count them differently, each is its
    own population.
    """
    names = {each.id: _population(each) for each in listed}
    named = rows.with_columns(
        pl.col("indicator").replace(names).alias("population"),
        pl.col("denominator").round(3),
    )
    counted = named.group_by("population", *_PLACE, "period").agg(pl.col("denominator").n_unique())
    apart = set(counted.filter(pl.col("denominator") > 1)["population"])
    periods = named.group_by("population").agg(pl.col("period").n_unique())
    apart |= set(periods.filter(pl.col("period") > 1)["population"])
    return {name: name if about in apart else about for name, about in names.items()}


def _population(each: Indicator) -> str:
    """Return a name for the people, dwellings or person-time that an indicator is out of."""
    if each.level != "person" or each.among:
        return each.id
    kind = "person-time" if each.statistic == "rate" else "people"
    first, last = each.min_age or 0, "" if each.max_age is None else each.max_age
    return f"{kind} {first}-{last}"


def _sums_by_age(people: pl.DataFrame, listed: Catalogue) -> list[Identity]:
    """Return the sums between populations of different ages, of people and of person-time."""
    ages: dict[str, dict[str, tuple[int, int | None]]] = {}
    here = set(people["indicator"])
    for each in listed:
        name = _population(each)
        if name in here and name != each.id:
            ages.setdefault(each.statistic, {})[name] = (each.min_age or 0, each.max_age)
    strata = people["stratum"].unique().sort().to_list()
    return [one for kind in ages.values() for one in age_sums(kind, strata)]


def _of_populations(
    previous: pl.DataFrame | None, about: Mapping[str, str], within: Mapping[str, str]
) -> pl.DataFrame | None:
    """Return an earlier release by population: one row of each cell, with its denominator."""
    if previous is None:
        return None
    keys = [name for name in _KEYS if name in previous.columns and name != "footprint_name"]
    held = previous.filter(~pl.col("indicator").is_in(list(within)))
    named = held.with_columns(pl.col("indicator").replace(about).alias("indicator"))
    known = named.filter(pl.col("denominator").is_not_null())
    return known.unique(keys, keep="first", maintain_order=True)
