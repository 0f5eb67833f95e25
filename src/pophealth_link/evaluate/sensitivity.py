"""Threshold sensitivity: what a linkage would have linked at other probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.evaluate.hidden import by_rid
from pophealth_link.evaluate.rates import with_rate
from pophealth_link.link import Links, LinkSpec, assign
from pophealth_link.link.linkage import PROBABILISTIC

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99)
ALL = "all"
CAVEAT = (
    "False links are expected from the match probabilities, which are as right as the model; links "
    "by number and by deterministic passes are the same at every threshold and expected to be true."
)
# Candidates that nothing forbids: they would be decided otherwise at another threshold.
_FREE = ("accepted", "tie", "taken", "review", "rejected", "register_duplicate")
_CANDIDATE = ("rid_l", "rid_r", "match_weight", "match_probability")


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Links at several values of `accept_probability`; `counts`: see `sensitivity`."""

    counts: pl.DataFrame = field(repr=False)
    caveat: str = field(default=CAVEAT, repr=False)

    def rates(self) -> pl.DataFrame:
        """Return the counts with shares and limits: see `sensitivity_rates`."""
        return sensitivity_rates(self.counts)

    def facts(self) -> dict[str, Any]:
        """Return plain values: the counts and the caveat."""
        return {"counts": self.counts.to_dicts(), "caveat": self.caveat}


def sensitivity(links: Links, *, thresholds: Sequence[float] = THRESHOLDS) -> Sensitivity:
    """Decide the candidates of a linkage again at each threshold; nothing is scored again.

    `counts` has one row per threshold and source, then `all`: `records` outside the register;
    `links` to the register, of which `weighed` rest on a match probability and of those
    `expected_false` are false by it (the sum of 1 - p, a number with decimals); `people` among all
    records (for `all` only), a record that is not linked counting as a person of its own. The
    run's own threshold is among those told. Raises `LinkageError` for one outside 0 to 1.
    """
    spec = links.spec
    asked = sorted({*thresholds, spec.accept_probability})
    if not all(0 < each < 1 for each in asked):
        raise LinkageError(
            "a threshold of the sensitivity is none.", fix="give probabilities between 0 and 1."
        )
    free, fixed = _free(links)
    found = [_at(threshold, free, links.records, spec) for threshold in asked]
    weighed = pl.concat(found)
    main = links.records.filter(~pl.col("alias"))
    people = (
        links.person_index["person_id"].n_unique()
        + main.filter(
            ~pl.col("on_register") & pl.col("person_id").is_in(_register(main).implode())
        ).height
    )
    return Sensitivity(_counts(weighed, fixed, main, people, asked))


def _register(main: pl.DataFrame) -> pl.Series:
    return main.filter("on_register")["person_id"].unique()


def _free(links: Links) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the candidates that a threshold decides on, and the links that none touches."""
    main = links.records.filter(~pl.col("alias"))
    register = main.filter("on_register").select(rid_l="rid")
    pairs = by_rid(links).join(register, on="rid_l", how="semi")
    scored = pl.col("pass") == PROBABILISTIC
    fixed = pairs.filter(~scored & (pl.col("decision") == "accepted")).select("rid_l", "rid_r")
    open_pairs = pairs.filter(scored & pl.col("decision").is_in(_FREE)).select(_CANDIDATE)
    barred = assign.taken(open_pairs, fixed, links.records).unique()
    free = open_pairs.join(barred, on=["rid_l", "rid_r"], how="anti")
    return free.sort("rid_l", "rid_r"), fixed


def _at(
    threshold: float, free: pl.DataFrame, records: pl.DataFrame, spec: LinkSpec
) -> pl.DataFrame:
    """Return `rid_r`, `p`, `threshold` of the links that the candidates give at a threshold."""
    review = min(spec.review_probability, threshold)
    decided = assign.decide(free, records, accept=threshold, review=review, margin=spec.margin)
    accepted = decided.filter(pl.col("decision") == "accepted")
    return accepted.select("rid_r", p="match_probability", threshold=pl.lit(threshold))


def _counts(
    weighed: pl.DataFrame,
    fixed: pl.DataFrame,
    main: pl.DataFrame,
    people: int,
    thresholds: Sequence[float],
) -> pl.DataFrame:
    """Return the table; `people` is how many there would be if no record were linked."""
    others = main.filter(~pl.col("on_register")).select("source", rid_r="rid")
    sure = others.join(fixed.select("rid_r").unique(), on="rid_r", how="semi")
    listed = others.group_by("source").agg(pl.len().cast(pl.Int64).alias("records"))
    grid = listed.join(pl.DataFrame({"threshold": list(thresholds)}), how="cross")
    counted = (
        weighed.join(others, on="rid_r")
        .group_by("source", "threshold")
        .agg(
            pl.len().cast(pl.Int64).alias("weighed"),
            (1 - pl.col("p")).sort().sum().alias("expected"),
        )
    )
    told = (
        grid.join(sure.group_by("source").agg(pl.len().alias("sure")), on="source", how="left")
        .join(counted, on=["source", "threshold"], how="left")
        .with_columns(pl.col("sure", "weighed").fill_null(0), pl.col("expected").fill_null(0.0))
        .with_columns((pl.col("sure") + pl.col("weighed")).cast(pl.Int64).alias("links"))
        .sort("source", "threshold")
    )
    sums = (pl.col("records", "links", "weighed").sum(), pl.col("expected").sum())
    whole = told.group_by("threshold").agg(sums).with_columns(source=pl.lit(ALL)).sort("threshold")
    both = pl.concat([told.select(whole.columns), whole])
    remaining = pl.when(pl.col("source") == ALL).then(people - pl.col("links")).alias("people")
    return both.select(
        "source", "threshold", "records", "links", "weighed",
        pl.col("expected").round(2).alias("expected_false"), remaining.cast(pl.Int64),
    )  # fmt: skip


def sensitivity_rates(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the counts with `linked` (links / records) and its limits, and `expected_false_share`.

    Counts may have been rounded or withheld (null); rates are null then.
    """
    told = with_rate(counts, "links", "records", "linked")
    share = pl.col("expected_false") / pl.col("links")
    return told.with_columns(pl.when(pl.col("links") > 0).then(share).alias("expected_false_share"))
