"""Everything that can be said of a linkage without truth, asked at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from pophealth_link.evaluate.bias import Bias, bias
from pophealth_link.evaluate.blind import BlindRun, blind_run
from pophealth_link.evaluate.blocking_loss import BlockingLoss, blocking_loss
from pophealth_link.evaluate.groups import record_groups
from pophealth_link.evaluate.implausible import Implausible, implausible
from pophealth_link.evaluate.sensitivity import Sensitivity, sensitivity
from pophealth_link.link import Links


@dataclass(frozen=True, slots=True)
class Assessment:
    """What each estimate says of one linkage; its repr holds no row."""

    blind: BlindRun
    blocking: BlockingLoss
    implausible: Implausible
    sensitivity: Sensitivity
    bias: Bias = field(repr=False)

    def facts(self) -> dict[str, Any]:
        """Return the facts of each estimate by its name: exact counts, for the secure side."""
        names = ("blind", "blocking", "implausible", "sensitivity", "bias")
        return {name: getattr(self, name).facts() for name in names}


def assess(
    links: Links,
    *,
    as_of: date,
    seed: int,
    sample: int = 500,
    groups: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
    spells: pl.DataFrame | None = None,
    mothers: pl.DataFrame | None = None,
) -> Assessment:
    """Judge a linkage without truth: blind run, blocking loss, scenarios, thresholds, bias.

    `sample` bounds the hidden records of a source (see `blind_run`); `groups` holds rid, source,
    record_id and columns of groups (left out: `record_groups`); `events`, `spells` and `mothers`:
    see `implausible`. Missed matches by group are those of the blind run. The same seed gives the
    same answer.
    """
    groups = record_groups(links.records, as_of=as_of) if groups is None else groups
    blind = blind_run(links, seed=seed, sample=sample, groups=groups)
    further = {"events": events, "spells": spells, "mothers": mothers}
    return Assessment(
        blind,
        blocking_loss(links, blind),
        implausible(links, as_of=as_of, seed=seed, **further),
        sensitivity(links),
        bias(links.person_index, groups, outcomes=blind.outcomes),
    )
