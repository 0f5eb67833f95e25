"""Frames in the shape that a declaration gives, whichever engine holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import ReferenceDataError
from pophealth_link.schema import Table
from pophealth_link.schema.core import Column, Kind

Plan = nw.LazyFrame[Any]
TEXT = nw.String()
_DTYPES: dict[Kind, nw.dtypes.DType] = {
    "text": TEXT,
    "code": TEXT,
    "integer": nw.Int64(),
    "number": nw.Float64(),
    "date": nw.Date(),
    "boolean": nw.Boolean(),
}
NULL_TEXT = nw.lit(None, dtype=TEXT)


class PlacesWarning(UserWarning):
    """Something about places that a reader of the results should know; counts only."""


def shaped(frame: Frame, table: Table, names: Sequence[str]) -> Plan:
    """Return the named columns of a declared table, in their declared types.

    Optional columns that the frame lacks come back empty, and empty text becomes missing. Numbers
    may come in any numeric type; dates and geometry must be so already, because a strict
    conversion would show values. Raises `ReferenceDataError` naming the columns at fault.
    """
    plan = lazy(frame)
    found = plan.collect_schema()
    columns = [table.column(name) for name in names]
    absent = [c.name for c in columns if c.name not in found and c.name in table.required]
    wrong = [c.name for c in columns if c.name in found and not _readable(c, found[c.name])]
    if absent or wrong:
        raise ReferenceDataError(
            f"`{table.name}` is not in its declared shape.",
            *(f"{name}  the column is absent." for name in absent),
            *(f"{name}  is not of type {table.column(name).kind}." for name in wrong),
            fix="give the columns as `pophealth-link describe` lists them",
        )
    return plan.select(*(_typed(column, column.name in found) for column in columns))


def _readable(column: Column, dtype: nw.dtypes.DType) -> bool:
    if dtype in (nw.Unknown, nw.Object) or column.kind in ("text", "code"):
        return True
    if column.kind in ("integer", "number"):
        return dtype.is_numeric()
    return dtype == (nw.Boolean if column.kind == "boolean" else nw.Date)


def _typed(column: Column, present: bool) -> nw.Expr:
    dtype = _DTYPES[column.kind]
    if not present:
        return nw.lit(None, dtype=dtype).alias(column.name)
    values = nw.col(column.name).cast(dtype)
    if column.kind not in ("text", "code"):
        return values
    return nw.when(values != "").then(values).otherwise(NULL_TEXT).alias(column.name)


def require_unique(plan: Plan, key: str, table: str) -> None:
    """Raise `ReferenceDataError` if `key` repeats: a join on it would count people twice."""
    counts = collect(plan.select(nw.len().alias("rows"), nw.col(key).n_unique().alias("keys")))
    rows, keys = counts.row(0)
    if rows != keys:
        raise ReferenceDataError(
            f"`{table}` holds the same `{key}` more than once.",
            f"{rows - keys:,} of {rows:,} rows repeat one.",
            fix=f"keep one row per `{key}`, or rebuild the reference pack",
        )


def same_kind(plan: Plan, given: Frame) -> Frame:
    """Return the plan's result as the kind of frame that was given; Polars frames are run."""
    if isinstance(given, nw.LazyFrame):
        return plan
    return collect(plan) if isinstance(given, pl.DataFrame) else plan.to_native()


def listed(codes: Sequence[str], limit: int = 10) -> str:
    """Return codes of organisations or areas as a line of text, the first `limit` of them.

    >>> listed(["A", "B", "C"], limit=2)
    'A, B and 1 more'
    """
    shown = ", ".join(codes[:limit])
    return f"{shown} and {len(codes) - limit:,} more" if len(codes) > limit else shown
