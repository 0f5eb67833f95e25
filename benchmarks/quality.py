"""How far each estimate of linkage quality is from the truth, on synthetic people.

    python -m benchmarks.quality [--people N] [--seeds S ...] [--out FILE.csv]
    python -m benchmarks.quality --cost N

Each estimate that `evaluate` makes without truth stands beside the truth of the same run: recall
in the blind run, blocking loss, the false links expected at a threshold. The populations are of
the preset hard, as it is and with a fifth of the records ill-recorded, which shows in the record
or does not; each with its numbers as generated, with half of them, and with four in five of the
well-recorded and one in five of the rest holding theirs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.quality_worlds import (
    RECORD,
    World,
    holding,
    relinked,
    without_numbers,
    world,
    worn,
)
from pophealth_link.evaluate import assess, blind_run, blocking_loss, sensitivity
from pophealth_link.evaluate.accuracy import grade
from pophealth_link.evaluate.compared import rules_of_pairs
from pophealth_link.evaluate.hidden import holders
from pophealth_link.link import Links, LinkSpec

# Kept for reports: see `datasets`.
SEEDS = (231, 232, 233, 234, 235)
PEOPLE = 20_000
# How likely a well-recorded and an ill-recorded record is to keep its number.
HOLDING = {"as generated": (1.0, 1.0), "at random": (0.5, 0.5), "unequally": (0.8, 0.2)}
_WORN = 0.2
_DAY = date(2026, 4, 1)
_THRESHOLDS = (0.5, 0.8)
Row = dict[str, Any]


def populations(count: int, seed: int) -> Iterator[tuple[str, World]]:
    one = world(count, seed)
    yield "hard", one
    yield "seen", worn(one, _WORN, seed, visibly=True)
    yield "unseen", worn(one, _WORN, seed, visibly=False)


def distances(count: int, seed: int) -> Iterator[Row]:
    """Yield each estimate for the populations of a seed beside its truth."""
    for kind, one in populations(count, seed):
        bare = relinked(without_numbers(one.sources))
        numberless = grade(bare.person_index, one.truth)
        for numbers, (well, ill) in HOLDING.items():
            links = relinked(holding(one, well=well, ill=ill, seed=seed))
            for row in _of_run(links, one.truth, numberless):
                yield {"seed": seed, "population": kind, "numbers": numbers, **row}
        if kind == "hard":
            for row in _false(one):
                yield {"seed": seed, "population": kind, "numbers": "as generated", **row}


def _of_run(links: Links, truth: pl.DataFrame, numberless: pl.DataFrame) -> Iterator[Row]:
    blind = blind_run(links, seed=1)
    real = grade(links.person_index, truth)
    lacking = _lacking(links)
    basis = {}
    for row in blind.rates().filter(dimension="all").iter_rows(named=True):
        rows = numberless.filter(source=row["source"])
        how = {"held": "anti", "without": "semi"}.get(row["population"])
        asked = rows.join(lacking, on=RECORD, how=how) if how else rows  # type: ignore[arg-type]
        told = {"source": row["source"], "basis": row["basis"]}
        named = f"recall, {row['population']}"
        yield {**told, "estimate": named, **_beside(row, "recall", _recall(asked))}
        if row["population"] == "without":
            basis[row["source"]] = row["basis"]
            own = real.filter(source=row["source"]).join(lacking, on=RECORD, how="semi")
            alike = _beside(row, "registered_alike", _recall(own))
            yield {**told, "estimate": "recall, registered alike", **alike}
    lost = _true_loss(links, truth, lacking)
    for row in blocking_loss(links, blind).rates().iter_rows(named=True):
        told = {"source": row["source"], "basis": basis.get(row["source"], "own")}
        named = f"loss, {row['method']}"
        yield {**told, "estimate": named, **_beside(row, "share", lost.get(row["source"]))}


def _recall(graded: pl.DataFrame) -> float | None:
    return graded.filter("linkable")["correct"].mean()  # type: ignore[return-value]


def _beside(row: Mapping[str, Any], name: str, true: float | None) -> Row:
    limits = {end: row[f"{name}_{end}"] for end in ("lower", "upper")}
    return {"estimated": row[name], **limits, "true": true}


def _lacking(links: Links) -> pl.DataFrame:
    others = links.records.filter(~pl.col("alias") & ~pl.col("on_register"))
    return others.join(holders(links), on="rid", how="anti").select(RECORD)


def _true_loss(links: Links, truth: pl.DataFrame, lacking: pl.DataFrame) -> dict[str, Any]:
    """Return the share of records without a number whose person no rule compares them with."""
    whose = truth.select(*RECORD, true_person="person_id")
    main = links.records.filter(~pl.col("alias")).join(whose, on=RECORD)
    persons = main.filter("on_register").select("true_person", rid_l="rid")
    asked = main.join(lacking, on=RECORD, how="semi").select("true_person", "source", rid_r="rid")
    pairs = asked.join(persons, on="true_person")
    met = rules_of_pairs(pairs, links.records)["rid_r"].unique().implode()
    each = pairs.unique("rid_r").with_columns(lost=~pl.col("rid_r").is_in(met))
    by_source = each.group_by("source").agg(pl.col("lost").mean())
    return {**dict(by_source.iter_rows()), "all": each["lost"].mean()}


def _false(one: World) -> Iterator[Row]:
    """Yield the false links expected at thresholds, as shares of all links, beside the true."""
    rows = sensitivity(one.links, thresholds=_THRESHOLDS).rates().filter(source="all")
    for row in rows.iter_rows(named=True):
        spec = LinkSpec(accept_probability=row["threshold"])
        links = relinked(one.sources, spec)
        graded = grade(links.person_index, one.truth).filter("linked")
        true = graded.select(~pl.col("correct")).to_series().mean()
        yield {
            "source": "all",
            "basis": "own",
            "estimate": f"false links at {row['threshold']}",
            "estimated": row["expected_false_share"],
            "lower": None,
            "upper": None,
            "true": true,
        }


def summary(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the mean of estimate and truth, and how far apart they are, over sources and seeds.

    `distance` is the mean of estimate less truth, `largest` the one furthest from 0, and `within`
    the share of cases in which the truth lies within the interval.
    """
    apart = pl.col("estimated") - pl.col("true")
    inside = pl.col("true").is_between(pl.col("lower"), pl.col("upper"))
    named = ["population", "numbers", "estimate", "basis"]
    told = (
        rows.drop_nulls(["estimated", "true"])
        .group_by(named)
        .agg(
            pl.len().alias("cases"),
            pl.col("estimated", "true").mean(),
            apart.mean().alias("distance"),
            apart.gather(apart.abs().arg_max()).first().alias("largest"),
            inside.mean().alias("within"),
        )
    )
    return told.sort("estimate", "basis", "population", "numbers")


def cost(count: int, seed: int) -> str:
    """Return how long the linkage and all its estimates took, in seconds of processor time."""
    sources = world(count, seed).sources  # links once: the first of a process loads packages
    start = time.process_time()
    links = relinked(sources)
    middle = time.process_time()
    assess(links, as_of=_DAY, seed=1)
    linking, assessing = middle - start, time.process_time() - middle
    share = assessing / linking
    return f"{count:,} people: link {linking:.1f} s, assess {assessing:.1f} s, {share:.0%}"


def run(count: int, seeds: Sequence[int]) -> pl.DataFrame:
    """Return the estimates for each of the seeds beside the truth."""
    rows = [row for seed in seeds for row in distances(count, seed)]
    return pl.DataFrame(rows, infer_schema_length=None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--cost", type=int, help="instead: the cost for so many people")
    given = parser.parse_args()
    if given.cost:
        print(cost(given.cost, given.seeds[0]))
    else:
        told = run(given.people, given.seeds)
        if given.out:
            told.write_csv(given.out)
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, float_precision=4):
            print(summary(told))
