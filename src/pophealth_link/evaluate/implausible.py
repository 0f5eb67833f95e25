"""Implausible scenarios: what can hardly be so if the links are right.

Source: Harron et al., Int J Epidemiol 2017;46:1699-1710; Blakely and Salmond, Int J Epidemiol
2002;31:1246-1252 (duplicates).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pophealth_link.evaluate import scenarios
from pophealth_link.evaluate.estimate import Estimate
from pophealth_link.evaluate.rates import with_rate
from pophealth_link.link import Links
from pophealth_link.link.linkage import NHS_NUMBER
from pophealth_link.stats.intervals import z_score

SCENARIOS: Mapping[str, str] = {
    "contact_after_death": "A record begins, or is used, after the person died.",
    "contact_before_birth": "A record begins, or is used, before the person was born.",
    "impossible_age": "The person is older than 115 and not known to have died.",
    "other_sex_and_birthday": "Sex and date of birth are both recorded otherwise.",
    "two_numbers": "Two records of a person hold different valid NHS numbers.",
    "two_records": "A person has two records in a source that holds each person once.",
    "two_registrations": "A person has two registrations that are live on one day.",
    "many_records": "A person has more records in a source than chance would give anybody.",
    "overlapping_stays": "A person has stays by two records that share two nights or more.",
    "impossible_mother": "A mother is less than 12 or more than 58 years older than her child.",
    "other_practice": "The record names another practice than the register.",
    "other_ethnic_group": "The record gives another of the five ethnic groups than the register.",
}
# Where true links and false links differ by more than this, the rate tells how many are false.
_TELLING = 0.25
# Fewer links by number than these do not tell how often a scenario comes up among true links.
_FEWEST = 100
CAVEAT = (
    "The share of false links is worked out from how often a scenario comes up among links by NHS "
    "number and among people paired at random. False links are to people more alike than that, so "
    "it is too low; records without a number are recorded worse, so it may be too high."
)


@dataclass(frozen=True, slots=True)
class Implausible(Estimate):
    """How often each scenario came up; `counts`: see `implausible`."""

    caveat: str = field(default=CAVEAT, repr=False)

    def rates(self) -> pl.DataFrame:
        """Return the counts with rates and limits: see `implausible_rates`."""
        return implausible_rates(self.counts)

    def facts(self) -> dict[str, Any]:
        """Return plain values: the counts, the meaning of each scenario and the caveat."""
        meanings = {name: SCENARIOS[name] for name in self.counts["scenario"].unique().sort()}
        return {**Estimate.facts(self), "scenarios": meanings}


def implausible(
    links: Links,
    *,
    as_of: date,
    events: pl.DataFrame | None = None,
    spells: pl.DataFrame | None = None,
    mothers: pl.DataFrame | None = None,
    seed: int = 0,
) -> Implausible:
    """Count each scenario among the links and the people of a linkage.

    `events`: source, record_id, date (any use of a service); `spells`: source, record_id,
    start_date, end_date (empty: still there on `as_of`); `mothers`: source, record_id,
    mother_source, mother_record_id. What needs the last two is left out without them.

    `counts` has one row per `scenario` and `source`, in whole numbers: `checked` links of the
    source (or people, with source `all`) for which the scenario can be told, of which it was
    `found` in some. Links made by the NHS number are counted apart, `checked_by_number`,
    `found_by_number`; and so are the same records, each with the register row of another one drawn
    at random, `checked_at_random`, `found_at_random`. These four are null for people.
    """
    pairs = scenarios.with_uses(scenarios.linked_pairs(links), events)
    drawn = scenarios.at_random(pairs, np.random.default_rng(seed))
    by_number = pl.col("method") == NHS_NUMBER
    told = [
        _of_links(name, test, pairs.filter(~by_number), pairs.filter(by_number), drawn)
        for name, test in scenarios.tests(as_of).items()
    ]
    people = scenarios.of_people(links, as_of=as_of, spells=spells, mothers=mothers)
    counts = pl.concat([*told, people], how="diagonal_relaxed")
    order = pl.col("scenario").replace_strict({n: i for i, n in enumerate(SCENARIOS)})
    return Implausible(counts.select(scenarios.COUNTS).sort(order, "source"))


def _of_links(
    scenario: str,
    test: scenarios.Test,
    pairs: pl.DataFrame,
    by_number: pl.DataFrame,
    drawn: pl.DataFrame,
) -> pl.DataFrame:
    """Return one row per source: how often a scenario came up among three kinds of pairs."""
    kinds = {"": pairs, "_by_number": by_number, "_at_random": drawn}
    told = [
        each.group_by("source").agg(
            test.checked.sum().cast(pl.Int64).alias(f"checked{kind}"),
            (test.checked & test.found).sum().cast(pl.Int64).alias(f"found{kind}"),
        )
        for kind, each in kinds.items()
    ]
    every = drawn.select("source").unique()
    for each in told:
        every = every.join(each, on="source", how="left")
    filled = every.with_columns(pl.exclude("source").fill_null(0), scenario=pl.lit(scenario))
    return filled.select(scenarios.COUNTS)


def implausible_rates(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the counts with `share` (found / checked) and `false_links`, each with 95 % limits.

    `false_links` is the share f of false links that would explain the scenario among the links not
    made by number: x = (1 - f)b + fq, where b is its share among links by number, which are
    nearly all true, and q among people paired at random; f = (x - b)/(q - b) within 0 to 1, with
    limits from the variances of the three shares. Null where q - b is below 0.25 (the scenario does
    not tell true from false), where fewer than 100 links by number show b, where the linkage itself
    looked at what the scenario is about, or where a count is withheld.
    """
    shares = {"x": "", "b": "_by_number", "q": "_at_random"}
    told = with_rate(counts, "found", "checked", "share")
    for name, kind in shares.items():
        told = with_rate(told, f"found{kind}", f"checked{kind}", f"__{name}")
    x, b, q = (pl.col(f"__{name}") for name in shares)
    apart = q - b
    asked = pl.col("scenario").is_in(list(scenarios.UNUSED))
    telling = asked & (apart > _TELLING) & (pl.col("checked_by_number") >= _FEWEST)
    false = (x - b) / apart
    error = (
        _variance(x, pl.col("checked"))
        + (1 - false) ** 2 * _variance(b, pl.col("checked_by_number"))
        + false**2 * _variance(q, pl.col("checked_at_random"))
    ).sqrt() / apart
    reach = z_score(0.95) * error
    estimates = {"": false, "_lower": false - reach, "_upper": false + reach}
    told = told.with_columns(
        pl.when(telling).then(each.clip(0, 1)).alias(f"false_links{end}")
        for end, each in estimates.items()
    )
    return told.select(pl.exclude("^__.*$"))


def _variance(share: pl.Expr, of: pl.Expr) -> pl.Expr:
    """Return the variance of a share; half a case more, so that none found is not certainty."""
    near = (share * of + 0.5) / (of + 1)
    return near * (1 - near) / (of + 1)
