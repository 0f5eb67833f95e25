"""The tables of results as the JSON file holds them: counts, the systems of a row side by side.

Shares, their limits and gaps follow from the counts: they are made again when a file is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from benchmarks import accuracy_scores as scores

_DECIMALS = 5


class Layout(NamedTuple):
    """What names a row of a data set, and the columns that hold the figures of each system."""

    row: tuple[str, ...]
    figures: tuple[str, ...]


_GROUP = ("scope", "dimension", "group")
_COUNTED = Layout((*_GROUP, "linkable"), ("correct", "linked"))
LAYOUTS: Mapping[str, Layout] = {
    "runs": Layout((), ("status", "reason", "seconds", "peak_memory_mb")),
    "operating": _COUNTED,
    "within_limit": _COUNTED,
    "curves": Layout(_GROUP, ("recall",)),
}
_Tables = Mapping[str, pl.DataFrame]


def gaps(operating: pl.DataFrame, within_limit: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Return `accuracy_scores.gaps` at both points, with the column `point`.

    Both tables are those of one system on one data set. The dimensions are those of the second.
    """
    compared = within_limit["dimension"].unique().implode()
    points = {
        "operating": operating.filter(pl.col("dimension").is_in(compared)),
        "within_limit": within_limit,
    }
    return pl.concat(
        scores.gaps(rows, fewest=fewest).with_columns(point=pl.lit(point))
        for point, rows in points.items()
    )


def written(tables: _Tables, systems: Sequence[str]) -> list[str]:
    """Return `"TABLE": {…}` of each table that is kept; a row and all its systems is one line."""
    told = []
    for name, layout in LAYOUTS.items():
        heads = {"columns": layout.row, "of_each_system": layout.figures}
        words = ", ".join(f'"{head}": {json.dumps(names)}' for head, names in heads.items())
        rows = ",\n".join(_of_data_sets(_rounded(tables[name]), layout, systems))
        told.append(f'"{name}": {{{words}, "rows": {{\n{rows}\n}}}}')
    return told


def _of_data_sets(frame: pl.DataFrame, layout: Layout, systems: Sequence[str]) -> Iterator[str]:
    """Yield `"DATA SET": [rows]` of each data set."""
    for (data_set,), part in frame.group_by("data_set", maintain_order=True):
        yield f"{json.dumps(data_set)}: {by_line(side_by_side(part, layout, systems))}"


def side_by_side(
    frame: pl.DataFrame, layout: Layout, systems: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return a row for each that `layout.row` names: its name, then the figures of each system.

    `frame` has a column `system` and those of the layout. A system without a row has None.
    """
    places = {name: place for place, name in enumerate(systems)}
    rows: dict[tuple[Any, ...], list[Any]] = {}
    names = frame.select(layout.row).rows() if layout.row else [()] * frame.height
    figures = frame.select(layout.figures).rows()
    for name, system, each in zip(names, frame["system"], figures, strict=True):
        rows.setdefault(name, [None] * len(systems))[places[system]] = each
    return [(*name, *cells) for name, cells in rows.items()]


def one_below_the_other(
    rows: Sequence[Sequence[Any]], layout: Layout, systems: Sequence[str]
) -> list[list[Any]]:
    """Return the rows of each system in turn: system, name, figures. Undoes `side_by_side`."""
    start = len(layout.row)
    return [
        [system, *row[:start], *row[start + place]]
        for place, system in enumerate(systems)
        for row in rows
        if row[start + place] is not None
    ]


def by_line(value: object) -> str:
    """Return a value as JSON without spaces; of a list or a mapping each entry is one line."""
    if isinstance(value, Mapping):
        return "{\n" + ",\n".join(f"{compact(k)}:{compact(v)}" for k, v in value.items()) + "\n}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(compact(each) for each in value) + "\n]"
    return compact(value)


def compact(value: object) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _rounded(frame: pl.DataFrame) -> pl.DataFrame:
    lists = [n for n, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return frame.with_columns(
        pl.col(pl.Float64).round(_DECIMALS),
        *(pl.col(name).list.eval(pl.element().round(_DECIMALS)) for name in lists),
    )


def read(
    told: Mapping[str, Any],
    systems: Sequence[str],
    schemas: Mapping[str, Mapping[str, Any]],
    fewest: int,
) -> dict[str, pl.DataFrame]:
    """Return the tables that were written, with what follows from their counts.

    `told` holds what `written` wrote, by table; `schemas` the columns of every table. Groups with
    fewer linkable records than `fewest` are left out of a gap.
    """
    held = {
        name: _table(told[name]["rows"], layout, systems, schemas[name])
        for name, layout in LAYOUTS.items()
    }
    for name, layout in LAYOUTS.items():
        if layout == _COUNTED:
            false = (pl.col("linked") - pl.col("correct")).alias("false")
            held[name] = scores.rates(held[name].with_columns(false))
    held["gaps"] = _gaps(held, schemas["gaps"], fewest)
    return {name: _rounded(held[name].select(*columns)) for name, columns in schemas.items()}


def _table(
    told: Mapping[str, Sequence[Sequence[Any]]],
    layout: Layout,
    systems: Sequence[str],
    schema: Mapping[str, Any],
) -> pl.DataFrame:
    rows = [
        [data_set, *row]
        for data_set, each in told.items()
        for row in one_below_the_other(each, layout, systems)
    ]
    columns = ("data_set", "system", *layout.row, *layout.figures)
    return pl.DataFrame(rows, schema={name: schema[name] for name in columns}, orient="row")


def _gaps(tables: _Tables, schema: Mapping[str, Any], fewest: int) -> pl.DataFrame:
    """Return the gaps of each system on each data set."""
    within = tables["within_limit"]
    found = [pl.DataFrame(schema=dict(schema))]
    of_each = tables["operating"].group_by("data_set", "system", maintain_order=True)
    for (data_set, system), operating in of_each:
        told = gaps(operating, within.filter(data_set=data_set, system=system), fewest)
        named = told.with_columns(data_set=pl.lit(data_set), system=pl.lit(system))
        found.append(named.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    return pl.concat(found)
