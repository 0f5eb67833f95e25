"""The page of a comparison: what was compared, what changed, what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.need.compare_sides import Baseline
from pophealth_link.need.did import ASSUMPTIONS
from pophealth_link.schema.outputs_compare import CHANGE_STATUS, MEMBERSHIP

# As many rows of a table as a page shows; the rest is in the file.
_ROWS = 40
_SIMPLE = ("same", "not_known")

_RESTS_ON = (
    "Only released numbers are read: rounded counts, and the limits that were released with them. "
    "Limits of a change add up the error by sampling, that from links on both sides, and that from "
    "rounding.",
    "Errors of links are taken as independent in the two baselines. Where the later run kept the "
    "earlier one's links, the same mistakes stand in both, and the limits are too wide rather than "
    "too narrow.",
    "A changed share of linked records is set off by supposing that records without a link are "
    "like those with one.",
    "Where the people of both are known, the covariance of the two estimates is taken off; where "
    "they are not, the limits are those of independent samples, the widest, and `narrow_lower` and "
    "`narrow_upper` are those at the most that the correlation can be.",
    "Many changes are told at once: of a hundred without any change in need, five are expected to "
    "lie outside their limits.",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a page tells of: the two baselines, the tables by name, and the arms."""

    before: Baseline
    after: Baseline
    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    areas: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()


def page(told: Told) -> str:
    """Return the page as Markdown; the same tables give the same page."""
    parts = [
        *("# Two baselines compared", ""),
        *_sides(told),
        *_differing(told.tables["changed_definitions"]),
        *_footprints(told.tables["common_footprints"]),
        *_changes(told.tables["changes"]),
        *_two_arms(told),
        *("## What it rests on", "", *(f"* {line}" for line in _RESTS_ON), ""),
    ]
    return "\n".join(parts)


def _sides(told: Told) -> Iterator[str]:
    yield from _table(
        ("", "baseline", "day", "period", "library"),
        (_side(word, each) for word, each in (("before", told.before), ("after", told.after))),
    )
    yield from (_together(told.before, told.after), "")


def _side(word: str, each: Baseline) -> tuple[str, ...]:
    snapshot = each.snapshot
    if snapshot is None:
        return (word, each.name, "not told: no snapshot", "", "")
    first, last = snapshot.period
    return (word, each.name, f"{snapshot.as_of}", f"{first} to {last}", snapshot.library)


def _together(before: Baseline, after: Baseline) -> str:
    known = after.snapshot is not None and after.snapshot.previous is not None
    if known and after.snapshot and after.snapshot.previous == before.sha256:
        return (
            "The later run kept the earlier one's person ids: people who are in both are known, "
            "and the correlation of the two estimates is estimated from them."
        )
    return (
        "How many people are in both is not known: the limits take the two as independent, and the "
        "narrow ones as far correlated as they can be."
    )


def _differing(rows: pl.DataFrame) -> Iterator[str]:
    yield from ("## What differs besides the counts", "")
    if rows.is_empty():
        yield from ("Nothing: definitions, code lists, vintages, policy and linkage agree.", "")
        return
    yield from _table(("what", "of", "", "before", "after"), rows.iter_rows())


def _footprints(rows: pl.DataFrame) -> Iterator[str]:
    yield from ("## Common footprints", "")
    counted = rows.group_by("footprint_type", "basis", "membership").agg(
        pl.struct("footprint_code").n_unique().alias("footprints")
    )
    yield from _table(
        ("type", "basis", "membership", "footprints", ""),
        (
            (*row, MEMBERSHIP.codes[row[2]])
            for row in counted.sort("footprint_type", "basis", "membership").iter_rows()
        ),
    )
    changed = rows.filter(~pl.col("membership").is_in(_SIMPLE)).sort(
        "footprint_type", "footprint_code", "basis", "side", "own_code"
    )
    if not changed.is_empty():
        yield from _table(
            ("type", "common footprint", "basis", "side", "is part of it", "membership"),
            changed.select("footprint_type", "footprint_code", "basis", "side", "own_code",
                           "membership").iter_rows(),
        )  # fmt: skip


def _changes(rows: pl.DataFrame) -> Iterator[str]:
    yield from ("## Changes", "")
    counted = rows["status"].value_counts().sort("status")
    yield from _table(
        ("status", "cells", ""),
        ((name, f"{n:,}", CHANGE_STATUS.codes[name]) for name, n in counted.iter_rows()),
    )
    found = rows.filter(
        pl.col("direction").is_in(["higher", "lower"]), pl.col("stratum") == "all"
    ).sort("footprint_type", "footprint_code", "basis", "indicator")
    yield from (f"Cells of all people whose limits exclude no change: {found.height:,}.", "")
    shown = found.select(
        *("footprint_type", "footprint_code", "basis", "indicator"),
        *("value_before", "value_after", "rest", "rest_lower", "rest_upper", "unit"),
    )
    if shown.height:
        names = ("type", "code", "basis", "indicator", "before", "after", "change", "", "", "unit")
        yield from _table(names, shown.head(_ROWS).iter_rows())
    if shown.height > _ROWS:
        yield from (f"The other {shown.height - _ROWS:,} are in changes.csv.", "")


def _two_arms(told: Told) -> Iterator[str]:
    if "differences" not in told.tables:
        return
    yield from ("## Difference in differences", "")
    yield from (f"Of interest: {', '.join(told.areas)}.", "")
    yield from (f"Comparison: {', '.join(told.comparison)}.", "")
    rows = told.tables["differences"].filter(pl.col("status") == "ok", pl.col("stratum") == "all")
    shown = rows.select(
        *("basis", "indicator", "areas", "comparison_areas", "difference", "lower", "upper"),
        *("p_value", "least_p_value", "method", "within_lower", "within_upper", "unit"),
    )
    yield from _table(tuple(shown.columns), shown.head(_ROWS).iter_rows())
    yield from ("It supposes:", "", *(f"* {line}" for line in ASSUMPTIONS), "")


def _table(names: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(_cell(each) for each in row)} |"
    yield ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value).replace("|", "\\|").replace("\n", " ")
