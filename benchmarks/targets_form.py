"""The figures of a family as the JSON file holds them: by measure, the systems side by side.

Recall and false links are held as counts and made again, with their limits, when a file is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from benchmarks.accuracy_form import Layout, by_line, compact, one_below_the_other, side_by_side
from benchmarks.targets_figures import RATES, Key, with_limits

DECIMALS = 6
_VALUES = ("part", "whole", "value", "lower", "upper")
_SCHEMA = {**dict.fromkeys(Key._fields, pl.String), **dict.fromkeys(_VALUES, pl.Float64)}
# The key under which counts stand among the measures, and the columns of its rows and of theirs.
_LINKS = "links"
_COUNTS = Layout(("scope", "point", "linkable"), ("correct", "linked"))
_FIGURES = Layout(("scope", "point"), _VALUES)
Told = Mapping[str, Mapping[str, Sequence[Any]]]


def rounded(figures: pl.DataFrame) -> pl.DataFrame:
    """Return figures as they are told: in the columns of `targets_figures.table`."""
    return figures.select(pl.col(n).cast(kind) for n, kind in _SCHEMA.items()).with_columns(
        pl.col(pl.Float64).round(DECIMALS)
    )


def written(figures: pl.DataFrame, systems: Sequence[str]) -> str:
    """Return figures as JSON, by measure; a row with the figures of all systems is one line."""
    others = rounded(figures).filter(~pl.col("measure").is_in(RATES))
    parts = [_table(_LINKS, _counts(figures), _COUNTS, systems)]
    for (measure,), rows in others.group_by("measure", maintain_order=True):
        parts.append(_table(str(measure), rows, _FIGURES, systems))
    return "{\n" + ",\n".join(parts) + "\n}"


def _counts(figures: pl.DataFrame) -> pl.DataFrame:
    """Return what recall and false links are shares of."""
    recall, false = (figures.filter(measure=measure) for measure in RATES)
    keys = ["scope", "system", "point"]
    return recall.select(*keys, correct="part", linkable="whole").join(
        false.select(*keys, linked="whole"), on=keys, maintain_order="left"
    )


def _table(name: str, frame: pl.DataFrame, layout: Layout, systems: Sequence[str]) -> str:
    heads = f'"columns": {compact(layout.row)}, "of_each_system": {compact(layout.figures)}'
    rows = [_whole(row) for row in side_by_side(frame, layout, systems)]
    return f'{compact(name)}: {{{heads}, "rows": {by_line(rows)}}}'


def _whole(value: Any) -> Any:
    """Return what a row holds, whole numbers without a decimal point."""
    if isinstance(value, tuple):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read(told: Told, systems: Sequence[str]) -> pl.DataFrame:
    """Return the figures that were written, rounded."""
    others = [
        _frame(rows["rows"], _FIGURES, systems).with_columns(measure=pl.lit(measure))
        for measure, rows in told.items()
        if measure != _LINKS
    ]
    counts = _frame(told[_LINKS]["rows"], _COUNTS, systems)
    correct, linked = pl.col("correct"), pl.col("linked")
    keys = [pl.col(name) for name in Key._fields[1:]]
    parts = ((correct, pl.col("linkable")), (linked - correct, linked))
    rates = [
        counts.select(pl.lit(measure).alias("measure"), *keys, part=part, whole=whole)
        for measure, (part, whole) in zip(RATES, parts, strict=True)
    ]
    return pl.concat([rounded(each) for each in (with_limits(pl.concat(rates)), *others)])


def _frame(rows: Sequence[Sequence[Any]], layout: Layout, systems: Sequence[str]) -> pl.DataFrame:
    names = ("system", *layout.row, *layout.figures)
    schema = {name: _SCHEMA.get(name, pl.Float64) for name in names}
    return pl.DataFrame(one_below_the_other(rows, layout, systems), schema=schema, orient="row")
