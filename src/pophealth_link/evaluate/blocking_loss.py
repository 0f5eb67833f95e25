"""Blocking loss: the share of true links that no blocking rule ever compares.

Match probabilities cannot see them, for they tell only of pairs that were compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.evaluate.blind import WITHOUT, BlindRun
from pophealth_link.evaluate.compared import rules_of_pairs
from pophealth_link.evaluate.hidden import by_rid, holders
from pophealth_link.evaluate.rates import whole, with_rate
from pophealth_link.link import Links
from pophealth_link.link.blocking import RULES
from pophealth_link.stats.intervals import z_score

ALL = "all"
CHAO, NUMBERS, REGISTERED = "chao", "number_subset", "registered_alike"
LOSS_METHODS: Mapping[str, str] = {
    CHAO: (
        "A lower bound: capture and recapture of true links by the blocking rules. Rules that fail "
        "together, as on a record with many mistakes, hide more than it tells."
    ),
    NUMBERS: (
        "The share never compared among records whose NHS number was hidden, re-weighted to the "
        "records without a number: too low where these are recorded worse."
    ),
    REGISTERED: (
        "What is missing if the records without a number are of people on the register as often "
        "as the others: an upper bound where they are so less often, or where true pairs were "
        "compared and found unlikely."
    ),
}
_OPEN = ("accepted", "tie", "review", "rejected", "register_duplicate")
_OF_BLIND = ("records", "never_compared", "listed", "asked", "registered")
_ESTIMATES = ("share", "share_lower", "share_upper")


@dataclass(frozen=True, slots=True)
class BlockingLoss:
    """Counts from which blocking loss is estimated, and what each rule finds.

    `counts`: see `blocking_loss`. `rules`: one row per rule with the expected true links that it
    finds (`links`) and those that it alone finds (`alone`), in whole numbers.
    """

    counts: pl.DataFrame = field(repr=False)
    rules: pl.DataFrame = field(repr=False)

    def rates(self) -> pl.DataFrame:
        """Return the estimates by source and method: see `loss_rates`."""
        return loss_rates(self.counts)

    def facts(self) -> dict[str, Any]:
        """Return plain values: the counts, the rules and what each method assumes."""
        tables = {"counts": self.counts.to_dicts(), "rules": self.rules.to_dicts()}
        return {**tables, "methods": dict(LOSS_METHODS)}


def blocking_loss(links: Links, blind: BlindRun | None = None) -> BlockingLoss:
    """Count, among records without a trusted number, which rules found their true links.

    `counts` has one row per source, then one for `all`, in whole numbers: the true links expected
    among the pairs compared (the sum of match probabilities; links by a deterministic pass count
    as true), `found`, of which `once` and `twice` by exactly one and two of the `rules`; and, of
    the population `without` of the blind run, `records`, `never_compared`, `listed`, `asked`,
    `registered` (null without one).
    """
    expected = _expected(links, holders(links) if blind is None else blind.held)
    met = rules_of_pairs(expected, links.records)
    times = met.group_by("rid_l", "rid_r").agg(pl.len().alias("rules"))
    # A deterministic pass may link a pair that no rule compares: the rules did not find it.
    seen = expected.join(times, on=["rid_l", "rid_r"])
    each = pl.concat([_tally(seen), _tally(seen.with_columns(source=pl.lit(ALL)))])
    order = (pl.col("source") == ALL, "source")
    each = each.with_columns(pl.lit(len(RULES), pl.Int64).alias("rules"))
    told = each.join(_of_blind(blind), on="source", how="left").sort(*order)
    return BlockingLoss(told, _by_rule(seen, met))


def _expected(links: Links, held: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `source`, `p` of the pairs compared for records without a number."""
    main = links.records.filter(~pl.col("alias"))
    register = main.filter("on_register").select(rid_l="rid")
    others = main.filter(~pl.col("on_register")).select("source", rid_r="rid")
    asked = others.join(held.select(rid_r="rid"), on="rid_r", how="anti")
    pairs = by_rid(links).filter(pl.col("decision").is_in(_OPEN))
    sure = pl.when(pl.col("decision") == "accepted").then(1.0).otherwise(0.0)
    open_pairs = pairs.join(register, on="rid_l", how="semi").join(asked, on="rid_r")
    weighed = open_pairs.group_by("rid_l", "rid_r", "source").agg(
        pl.coalesce("match_probability", sure).max().alias("p")
    )
    return weighed.sort("rid_l", "rid_r")


def _tally(seen: pl.DataFrame) -> pl.DataFrame:
    p = pl.col("p")
    counted = seen.group_by("source").agg(
        whole(p.sum()).alias("found"),
        whole(p.filter(pl.col("rules") == 1).sum()).alias("once"),
        whole(p.filter(pl.col("rules") == 2).sum()).alias("twice"),
    )
    return counted.sort("source")


def _by_rule(seen: pl.DataFrame, met: pl.DataFrame) -> pl.DataFrame:
    each = met.join(seen, on=["rid_l", "rid_r"])
    counted = each.group_by("rule").agg(
        whole(pl.col("p").sum()).alias("links"),
        whole(pl.col("p").filter(pl.col("rules") == 1).sum()).alias("alone"),
    )
    order = pl.DataFrame({"rule": [rule.name for rule in RULES]})
    told = order.join(counted, on="rule", how="left", maintain_order="left")
    return told.with_columns(pl.col("links", "alone").fill_null(0))


def _of_blind(blind: BlindRun | None) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"source": pl.String, **dict.fromkeys(_OF_BLIND, pl.Int64)})
    if blind is None:
        return empty
    rows = blind.counts.filter(population=WITHOUT, dimension=ALL)
    return rows.select("source", *_OF_BLIND)


def loss_rates(counts: pl.DataFrame) -> pl.DataFrame:
    """Return `source`, `method` and `share` never compared, with 95 % limits; null where unknown.

    chao: f₀ = (T − 1)/T · f₁(f₁ − 1)/(2(f₂ + 1)) more links than the T rules found, f₁ of them
    once and f₂ twice, with log-normal limits. number_subset: never_compared / records, Wilson.
    registered_alike: 1 − found / (listed · registered / asked), Wilson, the found counted as a part
    of those. See `LOSS_METHODS` for what each assumes.

    Source: Chao, Biometrics 1987;43:783-791.
    """
    parts = [_chao(counts), _numbers(counts), _registered(counts)]
    told = pl.concat(each.select("source", "method", *_ESTIMATES) for each in parts)
    # What the blind run says is of one source at a time.
    told = told.filter((pl.col("source") != ALL) | (pl.col("method") == CHAO))
    order = counts.select("source").with_row_index("place")
    return told.join(order, on="source").sort("place", "method").drop("place")


def _chao(counts: pl.DataFrame) -> pl.DataFrame:
    names = ("once", "twice", "found", "rules")
    once, twice, found, rules = (pl.col(name).cast(pl.Float64) for name in names)
    occasions, less = (rules - 1) / rules, (once - 1).clip(0)
    unseen = occasions * once * less / (2 * (twice + 1))
    variance = unseen + occasions**2 * (
        once * (2 * once - 1).clip(0) ** 2 / (4 * (twice + 1) ** 2)
        + once**2 * twice * less**2 / (4 * (twice + 1) ** 4)
    )
    spread = (z_score(0.95) * (1 + variance / unseen**2).log().sqrt()).exp()
    some = unseen > 0
    # Where no link was found once there is nothing to go by: the share is 0, without limits.
    lost = (unseen, pl.when(some).then(unseen / spread), pl.when(some).then(unseen * spread))
    estimates = zip(_ESTIMATES, lost, strict=True)
    return counts.with_columns(
        pl.lit(CHAO).alias("method"),
        *(pl.when(found > 0).then(each / (found + each)).alias(name) for name, each in estimates),
    )


def _numbers(counts: pl.DataFrame) -> pl.DataFrame:
    rated = with_rate(counts, "never_compared", "records", "share")
    return rated.with_columns(pl.lit(NUMBERS).alias("method"))


def _registered(counts: pl.DataFrame) -> pl.DataFrame:
    there = pl.col("listed") * pl.col("registered") / pl.col("asked")
    known = counts.with_columns(there=pl.when(there.is_finite()).then(there))
    rated = with_rate(known, "found", "there", "kept")
    return rated.with_columns(
        pl.lit(REGISTERED).alias("method"),
        share=1 - pl.col("kept"),
        share_lower=1 - pl.col("kept_upper"),
        share_upper=1 - pl.col("kept_lower"),
    )
