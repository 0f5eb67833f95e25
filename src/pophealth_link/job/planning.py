"""What a run would compare, cost and write: `plan` reads as `run` does, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import sources
from pophealth_link.errors import LinkageError
from pophealth_link.job import checking, cost, outputs
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.link_settings import link_spec
from pophealth_link.job.model import Job
from pophealth_link.job.people import Reading, read_people
from pophealth_link.job.progress import Progress, Recorder, Silent
from pophealth_link.link import LinkSpec, budget, linkage, on_register

_CHECKING, _READING, _COUNTING = "checking the job", "reading people", "counting comparisons"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do; its repr shows counts only.

    `described` is what `check` says. `sources`: `source`, `records`, `exact` (linked by NHS number
    or a deterministic pass), `compared` (left to the model). `comparisons`: see `budget.expected`.
    `refusal` is what `run` would refuse before it scores a pair, if anything.
    """

    described: tuple[str, ...] = field(repr=False)
    sources: pl.DataFrame = field(repr=False)
    comparisons: pl.DataFrame = field(repr=False)
    budget: int
    cost: cost.Cost
    files: tuple[str, ...] = field(repr=False)
    refusal: LinkageError | None = None

    def facts(self) -> dict[str, Any]:
        """Return the plan as plain values, for JSON."""
        return {
            "described": list(self.described),
            "sources": self.sources.to_dicts(),
            "comparisons": self.comparisons.to_dicts(),
            "budget": self.budget,
            "over_budget": list(self.refusal.lines) if self.refusal else [],
            "may_be_over_budget": list(may_be_over(self)),
            "expected": asdict(self.cost),
            "files": list(self.files),
        }


def plan(path: Path, progress: Progress | None = None) -> Plan:
    """Return what a run of the job would compare, cost and write; write nothing.

    Raises as `check` does, and what `run` raises of the people's files and before pairs are scored;
    but what is over the budget of comparisons is told in `refusal`.
    """
    recorder = Recorder(progress or Silent())
    recorder.stage(_CHECKING)
    job, described = checking.describe(path)
    recorder.stage(_READING)
    people = read_people(job, Reading.of(job, Accounts(), recorder, kept=None))
    spec = link_spec(job)
    recorder.stage(_COUNTING)
    opened = linkage.before_scoring(people, spec, key=job.read_key())
    links = on_register.links_of(opened.found)
    comparisons = budget.expected(opened.world, links)
    recorder.finish()
    size = opened.world.records.estimated_size() / 1e6
    return Plan(
        tuple(described),
        _sources(opened.world.records, opened.others),
        comparisons,
        spec.max_pairs,
        cost.expected(
            counting_seconds=recorder.seconds[_READING] + recorder.seconds[_COUNTING],
            people_mb=size,
            pairs=int(budget.by_rule(comparisons, budget.EXACT)["pairs"].sum()),
            events_mb=_events_mb(job),
            training=spec.model == "train",
        ),
        tuple(outputs.files(job)),
        _refusal(comparisons, opened.world, links, spec),
    )


def may_be_over(planned: Plan) -> list[str]:
    """Return the rules whose pairs off the register may pass the budget: which a run finds out."""
    if planned.refusal is not None:
        return []
    counts = budget.by_rule(planned.comparisons, budget.AT_MOST)
    return counts.filter(pl.col("pairs") > planned.budget)["rule"].to_list()


def _sources(records: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Return `source`, `records`, `exact`, `compared`; the register has nothing to be linked."""
    main = records.filter(~pl.col("alias"))
    left = main.join(compared, on="rid", how="semi").group_by("source").agg(compared=pl.len())
    counted = main.group_by("source").agg(pl.len().alias("records"), pl.col("on_register").first())
    both = counted.join(left, on="source", how="left").with_columns(pl.col("compared").fill_null(0))
    exact = pl.when("on_register").then(0).otherwise(pl.col("records") - pl.col("compared"))
    return both.select("source", "records", exact.alias("exact"), "compared").sort("source")


def _refusal(
    comparisons: pl.DataFrame, world: on_register.World, links: pl.DataFrame, spec: LinkSpec
) -> LinkageError | None:
    try:
        budget.refuse(comparisons, world, links, spec.max_pairs)
    except LinkageError as error:
        return error
    return None


def _events_mb(job: Job) -> float:
    events = [each for source in job.sources for each in source.events]
    parts = dict.fromkeys(path for each in events for path in sources.paths_of(each))
    return sum(part.stat().st_size for part in parts) / 1e6


def as_json(planned: Plan) -> str:
    """Return the plan as JSON."""
    return json.dumps(planned.facts(), indent=2)


def text(planned: Plan) -> str:
    """Return the plan for a person to read."""
    return "\n".join(
        [
            *planned.described,
            "",
            *_table("source", planned.sources),
            "",
            "Comparisons with the register per blocking rule, before overlap:",
            *_table("rule", _with_register(planned)),
            "",
            "Comparisons of records on no register with one another, each pair once, at most (a",
            "run counts them again when it knows who is on the register):",
            *_table("rule", _among_others(planned)),
            "",
            f"A rule may propose {planned.budget:,} of either kind (link.max_pairs).",
            *_doubts(planned),
            "",
            *_cost_lines(planned.cost),
            "",
            "A run writes:",
            *(f"  {name}" for name in planned.files),
            "  linked/quarantine/: a file for each input file that has refused rows",
        ]
    )


def _with_register(planned: Plan) -> pl.DataFrame:
    """Return `rule`, a column for each source, and `all`."""
    exact = planned.comparisons.filter(pl.col("bound") == budget.EXACT)
    return _wide(exact.with_columns(side="source_r"))


def _among_others(planned: Plan) -> pl.DataFrame:
    """Return `rule`, pairs `within a source` and `between sources`, and `all`."""
    bounds = planned.comparisons.filter(pl.col("bound") == budget.AT_MOST)
    same = pl.col("source_l") == pl.col("source_r")
    side = pl.when(same).then(pl.lit("within a source")).otherwise(pl.lit("between sources"))
    return _wide(bounds.with_columns(side=side))


def _wide(told: pl.DataFrame) -> pl.DataFrame:
    if told.is_empty():
        return pl.DataFrame(schema={"rule": pl.String, "all": pl.Int64})
    summed = told.group_by("rule", "side", maintain_order=True).agg(pl.col("pairs").sum())
    wide = summed.pivot("side", index="rule", values="pairs", maintain_order=True)
    return wide.with_columns(pl.sum_horizontal(wide.columns[1:]).alias("all"))


def _doubts(planned: Plan) -> list[str]:
    rules = may_be_over(planned)
    if not rules:
        return []
    return [
        f"Off the register these may be over it, and a run would stop there: {', '.join(rules)}."
    ]


def _table(head: str, frame: pl.DataFrame) -> list[str]:
    """Return a table as lines: the first column to the left, counts to the right."""
    rows: Sequence[tuple[Any, ...]] = frame.rows()
    cells = [tuple(frame.columns), *((row[0], *(f"{n:,}" for n in row[1:])) for row in rows)]
    widths = [max(len(str(row[place])) for row in cells) for place in range(frame.width)]
    lines = []
    for first, *rest in cells:
        counts = (str(c).rjust(width) for c, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join(["", str(first).ljust(widths[0]), *counts]))
    return lines


def _cost_lines(expected: cost.Cost) -> list[str]:
    whole = expected.link_seconds + expected.analyse_seconds
    return [
        f"Expected time    {whole:,.0f} s: linking {expected.link_seconds:,.0f} s, "
        f"analysing {expected.analyse_seconds:,.0f} s.",
        f"Expected memory  {expected.memory_mb:,.0f} MB at the most.",
    ]
