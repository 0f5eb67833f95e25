"""Threshold sensitivity: what a linkage would have linked at other probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log2

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.evaluate.estimate import Estimate
from pophealth_link.evaluate.hidden import by_rid
from pophealth_link.evaluate.rates import with_rate
from pophealth_link.link import Links, assign, on_register
from pophealth_link.link.decisions import REVIEWED
from pophealth_link.link.linkage import PROBABILISTIC
from pophealth_link.link.on_register import ACCEPTED, PAIR, World

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99)
ALL = "all"
CAVEAT = (
    "False links are expected from the match probabilities, which are as right as the model; links "
    "by number and by deterministic passes are the same at every threshold and expected to be true."
)
# Candidates that nothing forbids: they would be decided otherwise at another threshold.
_FREE = ("accepted", "tie", "taken", "review", "rejected", "register_duplicate")
_CANDIDATE = (*PAIR, "match_weight", "match_probability")
# Bits: the rounding of a weight.
_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Sensitivity(Estimate):
    """Links at several values of `accept_probability`; `counts`: see `sensitivity`."""

    caveat: str = field(default=CAVEAT, repr=False)

    def rates(self) -> pl.DataFrame:
        """Return the counts with shares and limits: see `sensitivity_rates`."""
        return sensitivity_rates(self.counts)


def sensitivity(links: Links, *, thresholds: Sequence[float] = THRESHOLDS) -> Sensitivity:
    """Decide the candidates of a linkage again at each threshold; nothing is scored again.

    `counts` has one row per threshold and source, then `all`: `records` outside the register;
    `links` to the register, of which `weighed` rest on a match probability and of those
    `expected_false` are false by it (the sum of 1 - p, a number with decimals); `people` among all
    records (for `all` only), a record that is not linked counting as a person of its own. The
    run's own threshold is among those told, with the links of the run. A record that is linked by
    way of another one (by a number or a reviewer) is linked where that one is. Raises
    `LinkageError` for a threshold outside 0 to 1.
    """
    spec = links.spec
    asked = sorted({*thresholds, spec.accept_probability})
    if not all(0 < each < 1 for each in asked):
        raise LinkageError(
            "a threshold of the sensitivity is none.", fix="give probabilities between 0 and 1."
        )
    main = links.records.filter(~pl.col("alias"))
    linked = _linked(main)
    ways = _ways(by_rid(links), linked, links)
    decided = _decided(ways, links, min(asked))
    world = None if links.world is None else _concerned(links.world, decided)
    found = [_at(threshold, decided, ways, world) for threshold in asked]
    people = links.person_index["person_id"].n_unique() + linked.height
    return Sensitivity(_counts(pl.concat(found), main, people, asked))


@dataclass(frozen=True, slots=True)
class _Ways:
    """The candidates that a threshold decides on (`free`), and the links that it does not touch.

    `fixed` (`rid_l`, `rid_r`) stand whatever the threshold; `companions` (`rid_l`, `rid_r`) are
    linked by way of another record of the person.
    """

    free: pl.DataFrame
    fixed: pl.DataFrame
    companions: pl.DataFrame


def _linked(main: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l` (the person's first register row), `rid_r` of the records that are linked."""
    register = main.filter("on_register").group_by("person_id").agg(pl.col("rid").min())
    others = main.filter(~pl.col("on_register")).select("person_id", rid_r="rid")
    return others.join(register.rename({"rid": "rid_l"}), on="person_id").select(PAIR)


def _ways(pairs: pl.DataFrame, linked: pl.DataFrame, links: Links) -> _Ways:
    main = links.records.filter(~pl.col("alias"))
    register = main.filter("on_register").select(rid_l="rid")
    told = pairs.join(register, on="rid_l", how="semi")
    accepted = told.filter(pl.col("decision") == ACCEPTED)
    scored, reviewed = pl.col("pass") == PROBABILISTIC, pl.col("pass") == REVIEWED
    first = accepted.filter(~scored & ~reviewed).select(PAIR)
    fixed = [first, *_settled_before(accepted.filter(reviewed), linked, links)]
    sure = pl.concat(fixed).unique(PAIR).sort(PAIR)
    weighed = accepted.filter(scored).select("rid_r")
    direct = pl.concat([weighed, sure.select("rid_r")])
    open_pairs = told.filter(scored & pl.col("decision").is_in(_FREE)).select(_CANDIDATE)
    barred = assign.taken(open_pairs, sure, links.records).unique()
    return _Ways(
        open_pairs.join(barred, on=PAIR, how="anti").sort(PAIR),
        sure,
        linked.join(direct, on="rid_r", how="anti"),
    )


def _settled_before(
    reviewed: pl.DataFrame, linked: pl.DataFrame, links: Links
) -> list[pl.DataFrame]:
    """Return the links of an earlier run, and those that a reviewer made without any other's."""
    if links.world is None:
        return [reviewed.select(PAIR)]
    own = reviewed.join(links.world.reviewed.register, on=PAIR, how="semi")
    known = links.world.known.select(rid_r="rid")
    return [own.select(PAIR), linked.join(known, on="rid_r", how="semi")]


def _decided(ways: _Ways, links: Links, lowest: float) -> pl.DataFrame:
    """Return the candidates that would be accepted at the lowest threshold: at others, a part."""
    spec = links.spec
    review = min(spec.review_probability, lowest)
    decided = assign.decide(
        ways.free, links.records, accept=lowest, review=review, margin=spec.margin
    )
    return decided.filter(pl.col("decision") == ACCEPTED)


def _concerned(world: World, decided: pl.DataFrame) -> World:
    """Return the world of the candidates alone, unless a reviewer ties others to them."""
    if not world.reviewed.groups.is_empty():
        return world
    ends = pl.concat([decided["rid_l"], decided["rid_r"]]).unique().implode()
    return replace(world, records=world.records.filter(pl.col("rid").is_in(ends)))


def _at(threshold: float, decided: pl.DataFrame, ways: _Ways, world: World | None) -> pl.DataFrame:
    """Return `rid_r`, `p` (null where nothing was weighed), `threshold` of the links at it."""
    good = pl.col("match_weight") >= log2(threshold / (1 - threshold)) - _EQUAL
    weighed = decided.filter(good & (pl.col("match_probability") >= threshold))
    every = [ways.fixed.with_columns(p=None), *_sound(weighed, ways.fixed, world)]
    direct = pl.concat(every, how="diagonal_relaxed").unique("rid_r", keep="first")
    companions = ways.companions.join(direct, on="rid_l", how="semi").with_columns(p=None)
    whole = pl.concat(
        [direct, companions.join(direct, on="rid_r", how="anti")], how="vertical_relaxed"
    )
    return whole.select("rid_r", pl.col("p").cast(pl.Float64), threshold=pl.lit(threshold))


def _sound(weighed: pl.DataFrame, fixed: pl.DataFrame, world: World | None) -> list[pl.DataFrame]:
    """Return the weighed links without those that contradict each other, as the linkage does.

    And those of records which, by a reviewer, go with one that is linked.
    """
    if world is None:
        return [weighed.select(*PAIR, p="match_probability")]
    pairs = on_register.pairs_of(weighed, PROBABILISTIC)
    settled = on_register.settled(pairs, world, fixed.cast(dict.fromkeys(PAIR, pl.UInt32)))
    accepted = (each.filter(pl.col("decision") == ACCEPTED) for each in settled)
    return [each.select(*PAIR, p="match_probability") for each in accepted]


def _counts(
    found: pl.DataFrame, main: pl.DataFrame, people: int, thresholds: Sequence[float]
) -> pl.DataFrame:
    """Return the table; `people` is how many there would be if no record were linked."""
    others = main.filter(~pl.col("on_register")).select("source", rid_r="rid")
    listed = others.group_by("source").agg(pl.len().cast(pl.Int64).alias("records"))
    grid = listed.join(pl.DataFrame({"threshold": list(thresholds)}), how="cross")
    counted = (
        found.join(others, on="rid_r")
        .group_by("source", "threshold")
        .agg(
            pl.len().cast(pl.Int64).alias("links"),
            pl.col("p").count().cast(pl.Int64).alias("weighed"),
            (1 - pl.col("p")).drop_nulls().sort().sum().alias("expected"),
        )
    )
    told = grid.join(counted, on=["source", "threshold"], how="left").sort("source", "threshold")
    told = told.with_columns(
        pl.col("links", "weighed").fill_null(0), pl.col("expected").fill_null(0.0)
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
