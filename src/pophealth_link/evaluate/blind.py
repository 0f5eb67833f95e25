"""The blind run: records that hold an NHS number are linked again without it.

The number is the answer, so recall and false links of the passes that ignore it can be counted
without truth. Records that hold a number are better recorded than those that hold none, also in
ways that no weight can see: what they say of the others is an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.evaluate import hidden as numbers_hidden
from pophealth_link.evaluate import recorded
from pophealth_link.evaluate.groups import latest_birth, record_groups
from pophealth_link.evaluate.raking import effective_size, rake
from pophealth_link.evaluate.rates import whole, with_rate
from pophealth_link.link import Links

UPPER_BOUND = (
    "Recall is an upper bound: records that hold an NHS number tend to be better recorded than "
    "those without, also in ways that no re-weighting sees."
)
# Why nothing could be asked.
NOBODY = "No record outside the register: there is nothing to be linked."
NUMBERLESS = "No record outside the register holds an NHS number that can be hidden."
# Fewer records with numbers than these say too little of a source: others are asked then.
FEWEST = 100
HELD, ALL, WITHOUT = "held", "all", "without"
OWN, BORROWED = "own", "borrowed"
_OUTCOMES = {
    "found": pl.col("outcome") == "found",
    "wrong": pl.col("outcome") == "wrong",
    "missed": pl.col("outcome") == "missed",
    "strangers": pl.col("outcome").str.starts_with("stranger"),
    "strangers_linked": pl.col("outcome") == "stranger_linked",
    "never_compared": (pl.col("outcome") == "missed") & ~pl.col("compared"),
}
_NAMES = ("source", "population", "basis", "dimension", "group")
_REAL = ("listed", "linked", "asked", "registered")
COUNTS = ("records", *_OUTCOMES, *_REAL)


@dataclass(frozen=True, slots=True)
class BlindRun:
    """What the passes after the first find of records whose number was hidden from them.

    `counts`: see `blind_run`. `outcomes`: source, record_id, outcome and compared of each hidden
    record, and `held` the `rid` of all records that hold a trusted number; both are person-level.
    `sample`: the most records hidden of a source. `unasked`: why nothing was hidden, else null.
    """

    counts: pl.DataFrame = field(repr=False)
    outcomes: pl.DataFrame = field(repr=False)
    held: pl.DataFrame = field(repr=False)
    seed: int
    sample: int
    caveat: str = field(default=UPPER_BOUND, repr=False)
    unasked: str | None = None

    def rates(self) -> pl.DataFrame:
        """Return the counts with recall, false links and their limits: see `blind_rates`."""
        return blind_rates(self.counts)

    def facts(self) -> dict[str, Any]:
        """Return plain values: the counts, the seed, the sample, the caveat; why none was asked."""
        settings = {"seed": self.seed, "sample": self.sample, "caveat": self.caveat}
        if self.unasked:
            settings["unasked"] = self.unasked
        return {**settings, "counts": self.counts.to_dicts()}


def blind_run(
    links: Links,
    *,
    seed: int,
    sample: int = 500,
    groups: pl.DataFrame | None = None,
) -> BlindRun:
    """Hide the numbers of at most `sample` records a source, link these again, count what is found.

    Only records whose number is trusted are hidden; all others keep the person whom they were
    linked to, who is taken in a source of unique people; those without one stay out of it.
    `groups` holds `rid` and columns of groups for the strata (left out: `record_groups` on the day
    of the latest birth).

    `counts` has one row per `source`, `population`, `dimension` and `group`, in whole numbers:
    `records` (their owner is on the register) = `found` + `wrong` (linked to another) + `missed`,
    of which `never_compared` met no blocking rule; `strangers` (their number is nobody's on the
    register), of which `strangers_linked` were linked all the same. Populations: `held`, the
    hidden records as they are; `all` records of the source, and those `without` a trusted number,
    for both of which the hidden ones are re-weighted: what is counted is the effective sample then.
    `listed`: records of the population, of which the real run `linked` some to the register;
    `asked`: the hidden records before weighting, of which `registered` have an owner there.
    Without any record to hide `counts` and `outcomes` are empty and `unasked` says why.
    `basis`: `own`, or `borrowed` where the source holds fewer than 100 trusted numbers: then the
    hidden records of all sources speak for it.

    Source: partial gold standards in Harron et al., Int J Epidemiol 2017;46:1699-1710.
    """
    held = numbers_hidden.holders(links)
    hidden = numbers_hidden.drawn(held, sample, seed)
    found = numbers_hidden.relinked(links, hidden)
    outcomes = numbers_hidden.outcomes(links, hidden, found)
    strata = groups
    if strata is None:
        strata = record_groups(links.records, as_of=latest_birth(links.records))
    people = _people(links, held, strata.drop("source", "record_id", strict=False))
    told = outcomes.join(people, on="rid", maintain_order="left")
    names = [name for name in strata.columns if name not in ("rid", "source", "record_id")]
    counts = pl.concat([_populations(told, people), _strata(told, ["completeness", *names])])
    shown = told.select("source", "record_id", "outcome", "compared")
    why = NOBODY if people.is_empty() else NUMBERLESS if hidden.is_empty() else None
    return BlindRun(counts.sort(_NAMES), shown, held.select("rid"), seed, sample, unasked=why)


def _people(links: Links, held: pl.DataFrame, strata: pl.DataFrame) -> pl.DataFrame:
    """Return each record outside the register with its groups, `holds` (a number) and `linked`."""
    main = links.records.filter(~pl.col("alias"))
    register = main.filter("on_register")["person_id"].unique().implode()
    others = main.filter(~pl.col("on_register")).select(
        "rid",
        "source",
        "record_id",
        pl.col("rid").is_in(held["rid"].implode()).alias("holds"),
        pl.col("person_id").is_in(register).alias("linked"),
    )
    written = others.join(recorded.quality(links.records), on="rid", how="left")
    return written.join(strata, on="rid", how="left").sort("rid")


def _strata(told: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    """Return the counts of the hidden records as they are, by source and group."""
    parts = [
        _tally(
            told.with_columns(pl.col(name).cast(pl.String).alias("group"), weight=pl.lit(1.0)),
            ["source", "group"],
        ).with_columns(dimension=pl.lit(name))
        for name in dimensions
    ]
    none = {name: pl.lit(None, pl.Int64) for name in _REAL}
    found = pl.concat(parts).with_columns(population=pl.lit(HELD), basis=pl.lit(OWN), **none)
    return found.select(*_NAMES, *COUNTS)


def _tally(told: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the outcomes by group in whole numbers, `weight` scaled to the effective size."""
    scale = effective_size(pl.col("weight")) / pl.col("weight").sum()
    counted = told.group_by(by).agg(
        whole((pl.col("weight") * met.fill_null(value=False)).sum() * scale).alias(name)
        for name, met in _OUTCOMES.items()
    )
    return counted.with_columns(records=pl.sum_horizontal("found", "wrong", "missed"))


def _populations(told: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    sources = people["source"].unique().sort()
    rows = [_of_source(told, people.filter(source=each)) for each in sources]
    everyone = (each.with_columns(dimension=pl.lit(ALL), group=pl.lit(ALL)) for each in rows)
    return pl.concat([_no_counts(), *(each.select(*_NAMES, *COUNTS) for each in everyone)])


def _no_counts() -> pl.DataFrame:
    return pl.DataFrame(
        schema={**dict.fromkeys(_NAMES, pl.String), **dict.fromkeys(COUNTS, pl.Int64)}
    )


def _of_source(told: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each population of a source of which hidden records can speak."""
    source = listed["source"].first()
    own, holding = told.filter(source=source), listed.filter("holds")
    asked, basis = (own, OWN) if own.height >= FEWEST else (told, BORROWED)
    without = listed.filter(~pl.col("holds"))
    ones = pl.Series("weight", [1.0] * own.height, pl.Float64)
    weighed = [
        (HELD, OWN, holding, own, ones),
        (ALL, basis, listed, asked, rake(asked, listed, recorded.MARGINS)),
        (WITHOUT, basis, without, asked, rake(asked, without, recorded.MARGINS)),
    ]
    return pl.concat(
        _tally(outcomes.with_columns(weights, source=pl.lit(source)), ["source"]).with_columns(
            population=pl.lit(population),
            basis=pl.lit(why),
            listed=pl.lit(target.height, pl.Int64),
            linked=pl.lit(target["linked"].sum(), pl.Int64),
            asked=pl.lit(outcomes.height, pl.Int64),
            registered=pl.lit((~outcomes["outcome"].str.starts_with("stranger")).sum(), pl.Int64),
        )
        for population, why, target, outcomes, weights in weighed
        if target.height
    )


def blind_rates(counts: pl.DataFrame) -> pl.DataFrame:
    """Return counts of a blind run with rates; counts may have been rounded or withheld (null).

    Added, each with `_lower` and `_upper`: `recall` (found / records; an upper bound for `all` and
    `without`), `false_links` (wrong and linked strangers / all that were linked), `never_compared`
    as a share of records (`lost`). `registered_alike`: the recall of the real run in the population
    if its people were on the register as often as the hidden ones: linked / (listed · registered /
    asked). It is a lower bound where people without a number are on the register less often; null
    for `held` and for strata.
    """
    linked = pl.col("found") + pl.col("wrong") + pl.col("strangers_linked")
    false = pl.col("wrong") + pl.col("strangers_linked")
    told = counts.with_columns(__linked=linked, __false=false)
    for part, of, name in (
        ("found", "records", "recall"),
        ("__false", "__linked", "false_links"),
        ("never_compared", "records", "lost"),
    ):
        told = with_rate(told, part, of, name)
    there = pl.col("listed") * pl.col("registered") / pl.col("asked")
    real = pl.when(pl.col("population") != HELD).then(there)
    told = told.with_columns(__there=pl.when(real.is_finite()).then(real))
    told = with_rate(told, "linked", "__there", "registered_alike")
    return told.drop("__linked", "__false", "__there")
