"""The draws of the links in the second half of a run: counts get their limits from linkage."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.job.index import Index
from pophealth_link.job.layout import Layout, facts_on_day
from pophealth_link.job.model import Job
from pophealth_link.need import BaselineInputs
from pophealth_link.need.linkage_counts import changes
from pophealth_link.need.linkage_draws import Redraw, losing
from pophealth_link.need.linkage_limits import with_limits
from pophealth_link.need.linkage_release import WEAK, too_weak
from pophealth_link.reference import Pack

_KEY = ["source", "record_id"]


def with_linkage_limits(
    counts: pl.DataFrame,
    inputs: BaselineInputs,
    loose: Mapping[str, pl.DataFrame],
    *,
    job: Job,
    pack: Pack,
    laid: Layout,
    index: Index,
    listed: Catalogue | None = None,
) -> pl.DataFrame:
    """Return raw counts with the limits from the draws that the first half left, if it left any.

    `loose`: table → events with source and record_id of everyone who loses a record in a draw (see
    `losers`). `listed`: the indicators; those that the library ships if left out.
    """
    if index.imputed is None or index.imputed_facts is None:
        return with_limits(counts, None, imputations=2, indicators=listed)
    draws = int(index.imputed["imputations"].max() or 2)  # type: ignore[arg-type]
    redraw = Redraw(
        draws,
        index.imputed,
        index.people.select(*_KEY, "person_id", "method", "match_probability"),
        laid.place(facts_on_day(index.imputed_facts, pack), pack),
        loose,
        [each.name for each in job.sources if each.unique_people],
    )
    changed = changes(inputs, redraw, seed=job.spec.seed, indicators=listed)
    bounds = job.spec.need
    weak = too_weak(bounds.least_recall, bounds.largest_gap).alias(WEAK)
    told = with_limits(counts, changed, imputations=draws, indicators=listed)
    return told.with_columns(weak)


def losers(index: Index) -> pl.DataFrame:
    """Return `person_id` of everyone from whom a record goes in some draw; nobody without draws."""
    if index.imputed is None:
        return index.people.select("person_id").clear()
    return losing(index.imputed, index.people)
