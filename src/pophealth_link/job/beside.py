"""What is released beside the baseline: tables that follow from its released counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link.indicators import Catalogue
from pophealth_link.job import need_files
from pophealth_link.job.analysing import Analysed
from pophealth_link.job.model import Job
from pophealth_link.job.need_files import NeedFiles
from pophealth_link.need import NeedIndex
from pophealth_link.need.expected import observed_expected
from pophealth_link.need.funnels import funnels
from pophealth_link.need.inequality import groups, slopes
from pophealth_link.need.modelled_outputs import modelled_outputs
from pophealth_link.need.nation import nation_of
from pophealth_link.need.service_outputs import service_outputs
from pophealth_link.need.standardised import standardised
from pophealth_link.need.survey import with_shipped
from pophealth_link.reference import Pack
from pophealth_link.schema.outputs_inequality import (
    FUNNELS,
    GROUPS,
    OBSERVED_EXPECTED,
    SLOPES,
    STANDARDISED,
)
from pophealth_link.schema.outputs_modelled import GAP, INDEX_MEMBERS, INDEX_RANKS, MODELLED
from pophealth_link.schema.outputs_services import (
    CAPACITY,
    COSTS,
    SERVICE_SHARES,
    WAITING_TIMES,
)

ALWAYS = (
    *(GROUPS, SLOPES, STANDARDISED, OBSERVED_EXPECTED, FUNNELS),
    *(WAITING_TIMES, SERVICE_SHARES),
    *(MODELLED, GAP, INDEX_RANKS, INDEX_MEMBERS),
)


def names(job: Job) -> list[str]:
    """Return the files that `tables` gives, by name."""
    asked = ((CAPACITY, job.spec.need.beds), (COSTS, job.spec.need.unit_costs))
    held = [*ALWAYS, *(table for table, path in asked if path)]
    return [f"{table.name}.csv" for table in held]


def tables(
    job: Job,
    pack: Pack,
    done: Analysed,
    baseline: pl.DataFrame,
    summary: Mapping[str, Any],
    index: NeedIndex,
) -> dict[str, pl.DataFrame]:
    """Return file name → table of everything that is released beside the baseline.

    `baseline` and `summary`: as released. Only modelled need counts people again, by the policy,
    by age; what the whole area's rates lead one to expect of footprints is of the same counts.
    Raises `DisclosureError` where those cannot be counted by it, `DataError` where surveys
    contradict.
    """
    files = need_files.read(job)
    services = service_outputs(
        baseline,
        summary,
        period=job.spec.reporting_period,
        beds=files.beds,
        unit_costs=files.unit_costs,
        indicators=done.listed,
    )
    found = {
        **_inequality(baseline, _dispersions(summary), job.spec.seed, done.listed),
        **services,
        **_modelled(job, pack, done, baseline, index, files),
    }
    return {f"{name}.csv": frame for name, frame in found.items()}


def _inequality(
    baseline: pl.DataFrame, dispersions: Mapping[str, float], seed: int, listed: Catalogue
) -> dict[str, pl.DataFrame]:
    return {
        GROUPS.name: groups(baseline, dispersions=dispersions, indicators=listed),
        SLOPES.name: slopes(baseline, seed=seed, dispersions=dispersions, indicators=listed),
        STANDARDISED.name: standardised(baseline, dispersions=dispersions, indicators=listed),
        FUNNELS.name: funnels(baseline, dispersions=dispersions, indicators=listed),
    }


def _modelled(
    job: Job,
    pack: Pack,
    done: Analysed,
    baseline: pl.DataFrame,
    index: NeedIndex,
    files: NeedFiles,
) -> dict[str, pl.DataFrame]:
    made = modelled_outputs(
        done.inputs,
        baseline,
        index,
        job.policy,
        seed=job.spec.seed,
        surveys=with_shipped(files.surveys),
        pairs=files.pairs,
        nation=_nation(pack),
        indicators=done.listed,
    )
    beside = observed_expected(baseline, made.people, indicators=done.listed)
    return {**made.frames, OBSERVED_EXPECTED.name: beside}


def _nation(pack: Pack) -> pl.DataFrame | None:
    if not pack.has("population"):
        return None
    return nation_of(pack.read("population"), pack.read("deprivation"), pack.n_areas)


def _dispersions(summary: Mapping[str, Any]) -> dict[str, float]:
    told = summary["indicators"]
    return {e["indicator"]: e["over_dispersion"] for e in told if e.get("over_dispersion")}
