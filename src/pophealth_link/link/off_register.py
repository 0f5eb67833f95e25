"""Records that are on no register, linked with one another: people whom only other sources know.

A person here has any number of records, so no choice is made among candidates: each pair is judged
by itself, and people are put together from good pairs without chaining.

The prior odds that two such records are one person are those of a record, of which every second
is of somebody there, and one of as many people as the register holds. There are far fewer records
to find a partner among, which speaks for higher odds; but people without registration come as
whole households, which share a place far more often than two people of the register do, and that
speaks against about as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2

import polars as pl

from pophealth_link.link import barred, budget, probabilistic
from pophealth_link.link.barred import KEPT_APART
from pophealth_link.link.clusters import SURE, together
from pophealth_link.link.components import components
from pophealth_link.link.decisions import REVIEWED
from pophealth_link.link.inputs import LinkSpec
from pophealth_link.link.model import Model
from pophealth_link.link.numbers import NumberLinks
from pophealth_link.link.on_register import (
    ACCEPTED,
    PAIR,
    World,
    links_of,
    pairs_of,
    screened,
    with_numbers,
)
from pophealth_link.link.person_index import NHS_NUMBER, OFF_REGISTER
from pophealth_link.link.person_index import units as settled_units

# The share of records that are of somebody among the others: assumed.
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class OffRegister:
    """Pairs as of a pass, and `people`: whose (`person`) each record (`rid`) is in the end.

    `person` is the `rid` that stands for the person: the settled unit, else the smallest.
    """

    pairs: pl.DataFrame = field(repr=False)
    people: pl.DataFrame = field(repr=False)


def link(
    world: World,
    found: pl.DataFrame,
    by_number: NumberLinks,
    model: Model,
    spec: LinkSpec,
) -> OffRegister:
    """Link the records that `found`, the pairs of all earlier passes, leaves on no register.

    They may join a person who is settled, as one who is on the register or whom an earlier run
    knows; two settled people stay two.
    """
    units = settled_units(world.records, links_of(found), world.known)
    scored = _judged(_scored(world, found, by_number, model, spec), world, spec)
    numbered = _numbered(world, by_number)
    everyone = world.records.select("rid").unique().join(units, on="rid", how="left")
    of = everyone.select("rid", pl.coalesce("unit", "rid").alias("unit"))
    edges = _edges(of, scored, numbered, _reviewed(world))
    compared = pl.concat([each.select(*PAIR, "decision") for each in (found, numbered, scored)])
    apart = _apart(of, compared, edges, units, world)
    people = _named(together(edges, apart, margin=spec.margin), units)
    joined = of.join(people, on="unit", how="left")
    persons = joined.select("rid", pl.coalesce("person", "unit").alias("person"))
    parts = {NHS_NUMBER: numbered, OFF_REGISTER: scored, REVIEWED: _reviewed(world)}
    pairs = pl.concat([pairs_of(part, name) for name, part in parts.items()])
    return OffRegister(_decided(pairs, persons), persons.sort("rid"))


def _scored(
    world: World, found: pl.DataFrame, by_number: NumberLinks, model: Model, spec: LinkSpec
) -> pl.DataFrame:
    """Return the scored pairs of records on no register, but for those that share a number."""
    free, new = budget.off_register(world, links_of(found))
    budget.refuse_among_others(free, new, spec.max_pairs)
    scored = probabilistic.score(
        free,
        new,
        model,
        spine=world.register,
        memory_limit=spec.memory_limit,
        share=_SHARE,
    )
    ordered = scored.select(
        "match_weight",
        rid_l=pl.min_horizontal(PAIR),
        rid_r=pl.max_horizontal(PAIR),
    ).filter(pl.col("rid_l") != pl.col("rid_r"))
    best = ordered.group_by(PAIR).agg(pl.col("match_weight").max()).sort(PAIR)
    apart = pl.concat([_in_unique_source(best, world.records), _of_number(best, by_number)])
    return with_numbers(best.join(apart, on=PAIR, how="anti"), world.trusted)


def _numbered(world: World, by_number: NumberLinks) -> pl.DataFrame:
    """Return the pairs on no register that share a number, contradicted ones as such."""
    agreed = pl.col("decision") == ACCEPTED
    allowed = screened(by_number.elsewhere.filter(agreed), world, links_of())
    return pl.concat([allowed, by_number.elsewhere.filter(~agreed)]).sort(PAIR)


def _reviewed(world: World) -> pl.DataFrame:
    """Return each record of a reviewed group beside the first of it."""
    groups = world.reviewed.groups.filter(pl.col("rid") != pl.col("group"))
    return groups.select(rid_l="group", rid_r="rid", decision=pl.lit(ACCEPTED))


def _in_unique_source(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of two records of one source of unique people."""
    return (
        barred.of_one_source(pairs.select("rid_r", rid="rid_l"), records)
        .select("rid_r", rid_l="rid")
        .select(PAIR)
    )


def _of_number(pairs: pl.DataFrame, by_number: NumberLinks) -> pl.DataFrame:
    """Return the pairs of two records that hold the same trusted NHS number."""
    held = by_number.trusted.select("rid", "nhs_number")
    both = pairs.join(held, left_on="rid_l", right_on="rid")
    keys = ["rid", "nhs_number"]
    return both.join(held, left_on=["rid_r", "nhs_number"], right_on=keys, how="semi").select(PAIR)


def _judged(scored: pl.DataFrame, world: World, spec: LinkSpec) -> pl.DataFrame:
    """Add the `decision` on each pair by itself."""
    weight = pl.col("match_weight")
    accept, review = (log2(p / (1 - p)) for p in (spec.accept_probability, spec.review_probability))
    decision = (
        pl.when(weight >= accept)
        .then(pl.lit(ACCEPTED))
        .when(weight >= review)
        .then(pl.lit("review"))
        .otherwise(pl.lit("rejected"))
    )
    return screened(scored.with_columns(decision=decision), world, links_of())


def _edges(
    of: pl.DataFrame, scored: pl.DataFrame, numbered: pl.DataFrame, reviewed: pl.DataFrame
) -> pl.DataFrame:
    """Return the pairs of units that may be one: `a`, `b` and how sure that is, in bits."""
    agreed = numbered.filter(pl.col("decision") == ACCEPTED)
    good = scored.filter(pl.col("decision") == ACCEPTED)
    every = pl.concat(
        [
            reviewed.select(*PAIR, weight=pl.lit(2 * SURE)),
            agreed.select(*PAIR, weight=pl.lit(SURE)),
            good.select(*PAIR, weight="match_weight"),
        ]
    )
    return _of_units(every, of).group_by("a", "b").agg(pl.col("weight").max()).sort("a", "b")


def _of_units(pairs: pl.DataFrame, of: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of records as pairs `a`, `b` of different units, the smaller first."""
    left, right = of.rename({"unit": "unit_l"}), of.rename({"unit": "unit_r"})
    both = pairs.join(left, left_on="rid_l", right_on="rid").join(
        right, left_on="rid_r", right_on="rid"
    )
    units = ["unit_l", "unit_r"]
    named = both.with_columns(a=pl.min_horizontal(units), b=pl.max_horizontal(units))
    return named.filter(pl.col("a") != pl.col("b")).drop(*units, *PAIR)


def _unlike(of: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Return the units of which two records were compared and not accepted."""
    accepted = (pl.col("decision") == ACCEPTED).any()
    ended = compared.group_by(PAIR).agg(accepted.alias("accepted")).filter(~pl.col("accepted"))
    return _of_units(ended, of).select("a", "b").unique()


def _apart(
    of: pl.DataFrame,
    compared: pl.DataFrame,
    edges: pl.DataFrame,
    units: pl.DataFrame,
    world: World,
) -> pl.DataFrame:
    """Return the units that may not be one, of those that hang together.

    A reviewer's yes counts before numbers, dates and what was compared; not before a no, nor can it
    make two settled people one or give one person two records of a source of unique people.
    """
    pairs = _within_components(of, edges)
    asked = pairs.select(PAIR)
    reasons = barred.reasons(
        asked,
        links=links_of(),
        records=world.records,
        numbers=world.numbers,
        apart=world.apart,
        one=world.one,
    )
    refused = pl.col("reason") == barred.REVIEWED_NO
    settled = units["unit"].unique().implode()
    two = pairs.filter(pl.col("unit_l").is_in(settled) & pl.col("unit_r").is_in(settled))
    sure = [reasons.filter(refused).select(PAIR), _in_unique_source(asked, world.records)]
    firmly = _of_units(pl.concat([*sure, two.select(PAIR)]), of).select("a", "b")
    told = _of_units(reasons.filter(~refused).select(PAIR), of).select("a", "b")
    weakly = pl.concat([told, _unlike(of, compared)])
    weakly = weakly.join(_called_one(of, world), on=["a", "b"], how="anti")
    return pl.concat([firmly, weakly]).unique()


def _called_one(of: pl.DataFrame, world: World) -> pl.DataFrame:
    """Return the units (`a`, `b`) that hold records of one reviewed group."""
    units = of.join(world.one, on="rid").select("group", "unit").unique()
    pairs = units.select("group", a="unit").join(units.select("group", b="unit"), on="group")
    return pairs.filter(pl.col("a") < pl.col("b")).select("a", "b").unique()


def _within_components(of: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `unit_l`, `rid_r`, `unit_r`: records of units that hang together."""
    labels = components(edges.select("a", "b")).cast(pl.UInt32)
    inside = of.join(labels, left_on="unit", right_on="node")
    left, right = (
        inside.select("component", pl.col("rid", "unit").name.suffix(f"_{s}")) for s in "lr"
    )
    return left.join(right, on="component").filter(
        (pl.col("rid_l") < pl.col("rid_r")) & (pl.col("unit_l") != pl.col("unit_r"))
    )


def _named(clusters: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return `unit`, `person`: the settled unit of the person, else the smallest."""
    settled = pl.col("unit").is_in(units["unit"].unique().implode())
    whose = pl.col("unit").filter(settled).first().over("person")
    return clusters.cast(pl.UInt32).select("unit", pl.coalesce(whose, "person").alias("person"))


def _decided(pairs: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs, those good enough accepted only where they came to be one person."""
    left = persons.select(rid_l="rid", left="person")
    right = persons.select(rid_r="rid", right="person")
    both = pairs.join(left, on="rid_l").join(right, on="rid_r")
    good, one = pl.col("decision") == ACCEPTED, pl.col("left") == pl.col("right")
    word = pl.when(good & ~one).then(pl.lit(KEPT_APART)).otherwise("decision")
    return both.with_columns(decision=word).select(pairs.columns).sort(*PAIR, "pass")
