"""Whom on the register a record is: the deterministic passes, then the probabilistic one.

Each pass takes the records that no earlier one has linked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from pophealth_link.link import (
    assign,
    barred,
    blocking,
    decisions,
    passes,
    previous_index,
    probabilistic,
)
from pophealth_link.link.barred import CONTRADICTED, KEPT_APART
from pophealth_link.link.components import components
from pophealth_link.link.inputs import LinkSpec
from pophealth_link.link.model import Model
from pophealth_link.link.person_index import NHS_NUMBER, PROBABILISTIC

ACCEPTED, AMBIGUOUS, TIE = "accepted", "ambiguous", "tie"
_OPEN = "open"
PAIR = ["rid_l", "rid_r"]
_COLUMNS = (*PAIR, "pass", "match_weight", "match_probability", "decision")


@dataclass(frozen=True)
class World:
    """What every pass is told: the prepared records, and what rules links out.

    `trusted` holds `rid`, `nhs_number`, `firm`; `contradicted` pairs off the register that share a
    number and contradict each other; `known` the `rid` and `unit` (who stands for the person) of
    records whose links among each other an earlier run decided.
    """

    records: pl.DataFrame = field(repr=False)
    trusted: pl.DataFrame = field(repr=False)
    reviewed: decisions.Reviewed = field(default_factory=decisions.nothing)
    contradicted: pl.DataFrame = field(default_factory=lambda: decisions.nothing().refused)
    known: pl.DataFrame = field(default_factory=previous_index.no_units)

    @cached_property
    def numbers(self) -> pl.DataFrame:
        """The trusted numbers; one person by an earlier decision holds those of all its records."""
        before = self.known.select("rid", group="unit")
        return barred.as_one(self.trusted, pl.concat([self.reviewed.one, before]).unique())

    @cached_property
    def one(self) -> pl.DataFrame:
        """Records on no register that are one person already: `rid`, `group`.

        By a reviewer's yes or in the earlier index; also by way of others.
        """
        groups = self.reviewed.groups.select("rid", "group")
        before = self.known.join(self.register, left_on="unit", right_on="rid", how="anti")
        both = pl.concat([groups, before.select("rid", group="unit")])
        found = components(both.filter(pl.col("rid") != pl.col("group")))
        return found.cast(pl.UInt32).rename({"node": "rid", "component": "group"})

    def persons(self, links: pl.DataFrame) -> pl.DataFrame:
        """Return the links, and those of who is one person with the linked by an earlier run."""
        on_register = self.register.select("rid").unique()
        loose = self.known.join(on_register, left_on="unit", right_on="rid", how="anti")
        came = links.join(loose, left_on="rid_r", right_on="rid").select("rid_l", "unit").unique()
        whole = came.join(loose, on="unit").select("rid_l", rid_r="rid")
        return pl.concat([links, whole]).unique()

    @property
    def apart(self) -> pl.DataFrame:
        """The pairs that are known not to be one person, with the `reason`."""
        refused = self.reviewed.refused.with_columns(reason=pl.lit(barred.REVIEWED_NO))
        wrong = self.contradicted.select(PAIR).with_columns(reason=pl.lit(CONTRADICTED))
        return pl.concat([refused, wrong])

    @property
    def register(self) -> pl.DataFrame:
        """The register's records."""
        return self.records.filter("on_register")

    def others(self, links: pl.DataFrame) -> pl.DataFrame:
        """Return the records of other sources that `links` leave and that may find a person.

        One that was known to be on no register may be the person of a new row of it.
        """
        free = self.records.filter(~pl.col("on_register")).join(
            links, left_on="rid", right_on="rid_r", how="anti"
        )
        if self.register.join(self.known, on="rid", how="anti").is_empty():
            return free.join(self.known, on="rid", how="anti")
        return free


def pairs_of(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return pairs with the columns that every pass fills, weights empty where no model spoke."""
    filled = pairs.with_columns(pl.lit(name).alias("pass"))
    for column in ("match_weight", "match_probability"):
        if column not in filled.columns:
            filled = filled.with_columns(pl.lit(None, dtype=pl.Float64).alias(column))
    return filled.select(_COLUMNS).cast(dict.fromkeys(PAIR, pl.UInt32))


def links_of(*found: pl.DataFrame) -> pl.DataFrame:
    """Return the accepted pairs `rid_l`, `rid_r` of passes."""
    none = pl.DataFrame(schema=dict.fromkeys(PAIR, pl.UInt32))
    accepted = (each.filter(pl.col("decision") == ACCEPTED).select(PAIR) for each in found)
    return pl.concat([none, *accepted])


def by_number(world: World, links: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of the NHS-number pass that stand beside what `links` links already."""
    linked = pairs.join(links, on="rid_r", how="anti", maintain_order="left")
    agreed = pl.col("decision") == ACCEPTED
    allowed = screened(linked.filter(agreed), world, links)
    every = pl.concat([allowed, linked.filter(~agreed)]).sort(PAIR)
    return pl.concat(settled(pairs_of(every, NHS_NUMBER), world, links))


def deterministic(
    world: World, links: pl.DataFrame, rules: Sequence[passes.DeterministicPass]
) -> pl.DataFrame:
    """Return the pairs of the deterministic passes, in their order, after what `links` links."""
    found = [_followers(world, links)]
    for rule in rules:
        done = pl.concat([links, links_of(*found)])
        proposed = passes.propose(world.register, world.others(done), rule)
        decision = pl.when("ambiguous").then(pl.lit(AMBIGUOUS)).otherwise(pl.lit(ACCEPTED))
        allowed = screened(proposed.select(*PAIR, decision.alias("decision")), world, done)
        found += settled(pairs_of(allowed, rule.name), world, done)
    return pl.concat(found)


def score(
    world: World, links: pl.DataFrame, model: Model, memory_limit: str | None
) -> pl.DataFrame:
    """Return the scored candidates of the records that `links` leave."""
    others = world.others(links)
    scored = probabilistic.score(
        blocking.near(world.register, others),
        others,
        model,
        spine=world.register,
        memory_limit=memory_limit,
    )
    return with_numbers(scored, world.trusted)


def with_numbers(scored: pl.DataFrame, trusted: pl.DataFrame) -> pl.DataFrame:
    """Add to the weights what differing numbers weigh where they are no veto.

    `match_probability` is that of the pair by itself, with nobody else to choose from.
    """
    weighed = barred.soft_evidence(scored.select(*PAIR, "match_weight"), trusted)
    weight = (pl.col("match_weight") + pl.col("bits")).round(6)
    probability = (1 / (1 + 2.0**-weight)).round(9)
    return weighed.select(*PAIR, weight.alias("match_weight"), match_probability=probability)


def probabilistic_pass(
    world: World, links: pl.DataFrame, model: Model, spec: LinkSpec
) -> pl.DataFrame:
    """Return the pairs of the probabilistic pass with what is decided of them."""
    scored = score(world, links, model, spec.memory_limit)
    open_pairs = screened(scored.with_columns(decision=pl.lit(_OPEN)), world, links)
    free = open_pairs.filter(pl.col("decision") == _OPEN).drop("decision")
    decided = assign.decide(
        free,
        world.records,
        accept=spec.accept_probability,
        review=spec.review_probability,
        margin=spec.margin,
    )
    closed = open_pairs.filter(pl.col("decision") != _OPEN).select(decided.columns)
    every = pairs_of(pl.concat([decided, closed]).sort(PAIR), PROBABILISTIC)
    return pl.concat(settled(every, world, links))


def screened(pairs: pl.DataFrame, world: World, links: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs, those that may not link with the reason as their `decision`.

    Pairs of two records that an earlier run decided on are left out.
    """
    known = world.known["rid"].implode()
    new = pairs.filter(~(pl.col("rid_l").is_in(known) & pl.col("rid_r").is_in(known)))
    forbidden = barred.reasons(
        new,
        links=world.persons(links),
        records=world.records,
        numbers=world.numbers,
        apart=world.apart,
        one=world.one,
    )
    reasons = pl.concat([forbidden, _kept_apart(new, world, links)])
    return _overruled(new, reasons.unique(PAIR, keep="first", maintain_order=True))


def _kept_apart(pairs: pl.DataFrame, world: World, links: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that would make two people of the earlier index one.

    Or take a record from the person whom a reviewer named.
    """
    mated = barred.mates(pairs, world.one)
    asked = mated.select(PAIR).unique()
    two = [
        previous_index.at_odds(asked, links, world.known),
        previous_index.two_people(asked, world.known),
    ]
    ours = mated.join(pl.concat(two), on=PAIR, how="semi").select("rid_l", rid_r="asked")
    persons = world.register.select(rid_l="rid")
    named = pairs.select(PAIR).join(world.reviewed.register, on="rid_r", suffix="_named")
    other = named.filter(pl.col("rid_l") != pl.col("rid_l_named")).select(PAIR)
    other = other.join(persons, on="rid_l", how="semi")
    return pl.concat([ours, other]).unique().with_columns(reason=pl.lit(KEPT_APART))


def settled(pairs: pl.DataFrame, world: World, links: pl.DataFrame) -> list[pl.DataFrame]:
    """Return a pass's pairs without links that contradict each other, and those who follow."""
    accepted = pairs.filter(pl.col("decision") == ACCEPTED)
    mated = barred.mates(accepted, world.one)
    odd = previous_index.at_odds(mated, mated, world.known)
    contrary = [
        barred.torn(
            accepted,
            records=world.records,
            numbers=world.numbers,
            apart=world.apart,
            one=world.one,
        ),
        decisions.torn(accepted, world.reviewed.groups),
        mated.join(odd, on=PAIR, how="semi").select("rid_l", rid_r="asked"),
    ]
    sound = _overruled(pairs, pl.concat(contrary).unique().with_columns(reason=pl.lit(TIE)))
    return [sound, _followers(world, pl.concat([links, links_of(sound)]))]


def _overruled(pairs: pl.DataFrame, reasons: pl.DataFrame) -> pl.DataFrame:
    joined = pairs.join(reasons, on=PAIR, how="left", maintain_order="left")
    return joined.with_columns(decision=pl.coalesce("reason", "decision")).drop("reason")


def _followers(world: World, links: pl.DataFrame) -> pl.DataFrame:
    """Return the links of records that a reviewer called the same person as one linked already."""
    if world.reviewed.groups.is_empty():
        return pairs_of(world.reviewed.register.clear().with_columns(decision=pl.lit("")), "")
    following = decisions.follow(links, world.reviewed.groups).with_columns(
        decision=pl.lit(ACCEPTED)
    )
    free = screened(following, world, links).filter(pl.col("decision") == ACCEPTED)
    return pairs_of(free, decisions.REVIEWED)
