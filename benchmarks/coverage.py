"""How often the limits from linkage hold the true count, on synthetic replicates.

    python -m benchmarks.coverage --parts DIR [--first N] [--last N] [--people N]
    python -m benchmarks.coverage --parts DIR --report benchmarks/results

A replicate is a population of the preset hard, linked as a run links it. Its true counts are those
of the same records with every link right: the register stays as it is. Each replicate is written
as soon as it is made, so that a cut run counts, and one that is there is not made again. Replicates
whose seed divides by four are made a second time with numbers held unequally, and with two other
intervals: with the error rates known, and from match probabilities alone. Cells: all footprints,
bases and strata of the indicators named here, which rest on records outside the register, with a
true count of 20 or more. Seeds below 1001 were used to make the method, those from 1001 on to
judge it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.coverage_page import report
from benchmarks.coverage_rivals import naive, oracle
from benchmarks.coverage_worlds import NUMBERS, Replicate, replicate, settings
from pophealth_link import need
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.footprints import CELL
from pophealth_link.need.linkage_counts import changes
from pophealth_link.need.linkage_draws import Redraw
from pophealth_link.need.linkage_limits import with_limits
from pophealth_link.places.units import REASONS
from pophealth_link.synthetic.sources import SOURCES
from pophealth_link.true_counts import Ground

FIRST, LAST, PEOPLE = 1001, 1200, 20_000
LEAST = 20
_EVERY = 4
INDICATORS = (
    "homelessness_duty_owed", "temporary_accommodation", "overcrowding_housing_register",
    "social_care_mental_health_support", "mental_health_referrals", "mental_health_contacts",
    "mental_health_emergency_admissions", "occupied_bed_days",
    "mental_illness_known_to_social_care", "mental_illness_in_temporary_accommodation",
    "mental_illness_recorded", "severe_mental_illness_recorded",
    "smi_known_to_social_care", "smi_known_to_housing", "smi_known_to_either",
    "depression_known", "depression_known_gp_only", "depression_known_trust_only",
    "depression_known_gp_trust", "severe_mental_illness_known",
    "severe_mental_illness_known_gp_only", "severe_mental_illness_known_gp_trust",
)  # fmt: skip
# Counted because others are among them; they rest on the register alone and are not judged.
_NOT_JUDGED = ("mental_illness_recorded", "severe_mental_illness_recorded")
_KEPT = (*CELL[:2], *CELL[3:])


def listed() -> Catalogue:
    """Return the indicators that are judged."""
    shipped = catalogue().indicators
    return Catalogue({name: shipped[name] for name in INDICATORS if name in shipped})


def judged(one: Replicate, *, rivals: bool) -> pl.DataFrame:
    """Return each cell with its count, its true count, its limits and how many hold a number."""
    known = listed()
    counts = need.count(one.inputs, indicators=known)
    true = need.count(one.true, indicators=known)
    ways: dict[str, Redraw] = {"own": one.redraw}
    if rivals:
        ways |= {"oracle": oracle(one), "naive": naive(one)}
    told = true.filter(pl.col("numerator") >= LEAST).select(
        *CELL, true_numerator="numerator", true_denominator="denominator"
    )
    told = told.join(counts.select(*CELL, "numerator", "denominator", "level"), on=list(CELL))
    for name, redraw in ways.items():
        told = told.join(_limits(one, counts, redraw, known, name), on=list(CELL))
    inside = ~pl.col("footprint_code").is_in([code for each in REASONS.values() for code in each])
    own = (pl.col("level") == "person") & ~pl.col("indicator").is_in(_NOT_JUDGED)
    return _with_completeness(told.filter(inside & own), one, known).drop("footprint_name", "level")


def _limits(
    one: Replicate, counts: pl.DataFrame, redraw: Redraw, known: Catalogue, name: str
) -> pl.DataFrame:
    changed = changes(one.inputs, redraw, seed=one.seed, indicators=known)
    limits = with_limits(counts, changed, imputations=redraw.imputations, indicators=known)
    ends = {"lower": "linkage_lower", "upper": "linkage_upper"}
    if name == "own":
        ends |= {"ratio_lower": "linkage_ratio_lower", "ratio_upper": "linkage_ratio_upper"}
    return limits.select(*CELL, *(pl.col(c).alias(f"{name}_{end}") for end, c in ends.items()))


def _with_completeness(told: pl.DataFrame, one: Replicate, known: Catalogue) -> pl.DataFrame:
    """Add `completeness`: of the records that an indicator may count there, those with a number."""
    of_table = {table: source.name for source in SOURCES for table in source.events}
    pairs = [
        (each.id, of_table[rule.table])
        for each in known
        for rule in each.events
        if rule.table in of_table
    ]
    tables = pl.DataFrame(pairs, schema=["indicator", "source"], orient="row").unique()
    main = one.links.records.filter(~pl.col("alias") & ~pl.col("on_register")).select(
        "source", "record_id", held=pl.col("nhs_number").is_not_null()
    )
    placed = main.join(one.true_index, on=["source", "record_id"]).join(
        one.true.people.select("person_id", "registered_unit", "resident_unit"),  # type: ignore[union-attr]
        on="person_id",
    )
    mapping = one.true.unit_footprints
    found = [
        placed.with_columns(basis=pl.lit(basis)).join(
            mapping,
            left_on=["basis", f"{basis}_unit"],
            right_on=["basis", "unit"],  # type: ignore[arg-type]
        )
        for basis in ("registered", "resident")
    ]
    place = ["footprint_type", "footprint_code", "basis"]
    held = (
        pl.concat([each.select(*place, "source", "held") for each in found])
        .join(tables, on="source")
        .group_by(*place, "indicator")
        .agg(pl.col("held").mean().alias("completeness"))
    )
    return told.join(held, on=[*place, "indicator"], how="left")


def make(folder: Path, first: int, last: int, people: int) -> None:
    """Write a file of judged cells for each replicate that the folder lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        on = settings(Path(place))
        for seed in range(first, last + 1):
            for numbers in NUMBERS if seed % _EVERY == 0 else list(NUMBERS)[:1]:
                _make(folder, seed, numbers, people, on)


def _make(folder: Path, seed: int, numbers: str, people: int, on: Ground) -> None:
    file = folder / f"{seed}-{numbers.replace(' ', '-')}.parquet"
    if file.exists():
        return
    one = replicate(people, seed, numbers, on)
    cells = judged(one, rivals=seed % _EVERY == 0)
    told = cells.with_columns(seed=pl.lit(seed), numbers=pl.lit(numbers), people=pl.lit(people))
    draft = file.with_suffix(".part")
    told.sort(*_KEPT).write_parquet(draft)
    draft.rename(file)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=Path, required=True)
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--last", type=int, default=LAST)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    if asked.report is None:
        make(asked.parts, asked.first, asked.last, asked.people)
    else:
        report(asked.parts, asked.report)


if __name__ == "__main__":
    main()
