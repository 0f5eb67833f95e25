"""Postcode to LSOA, with the reason where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import DataError, nearest
from pophealth_link.places.dated import current
from pophealth_link.places.frames import NULL_TEXT, TEXT, Plan, require_unique, same_kind, shaped
from pophealth_link.schema.codes import NO_FIXED_ABODE, PSEUDO_POSTCODE_AREA
from pophealth_link.schema.reference import POSTCODES

_ROW = "__row"


def locate(
    frame: Frame, postcodes: Frame, *, postcode: str = "postcode", as_of: date | None = None
) -> Frame:
    """Add the LSOA of each row's postcode, or the reason why there is none.

    `frame` holds any rows with a standardised postcode (`AB1 2CD`); `postcodes` is the reference
    table. Adds `lsoa_code` and `unplaced` (replacing columns of those names): `unplaced` is
    missing where there is an LSOA, else `no_fixed_abode` (ZZ99 3VZ), `no_postcode` (missing, or
    another ZZ99 postcode) or `unknown_postcode`. Where a postcode has had several places, the one
    on the day `as_of` counts; a postcode that has gone out of use keeps its last, for letters stop
    but houses stay. No row is lost or doubled; a Polars DataFrame
    keeps its order. The answer is of the same kind as `frame`, which must be on one engine with
    `postcodes`. Raises `DataError` without the column, `ReferenceDataError` where the reference
    holds a postcode twice. Source: NHS Data Model and Dictionary, pseudo-postcodes.

    >>> known = pl.DataFrame({"postcode": ["AB1 2CD"], "lsoa_code": ["E01000001"]})
    >>> locate(pl.DataFrame({"postcode": ["AB1 2CD", "ZZ99 3VZ"]}), known).rows()
    [('AB1 2CD', 'E01000001', None), ('ZZ99 3VZ', None, 'no_fixed_abode')]
    """
    columns = lazy(frame).collect_schema().names()
    if postcode not in columns:
        hint = nearest(postcode, columns)
        raise DataError(f"`{postcode}` is not a column of the frame to place.{hint}")
    known = postcodes_on(postcodes, as_of)
    require_unique(known, "postcode", POSTCODES.name)
    if not isinstance(frame, pl.DataFrame):
        return same_kind(_located(lazy(frame), known, postcode), frame)
    # Joins do not keep the order of rows.
    numbered = lazy(frame.with_row_index(_ROW))
    return collect(_located(numbered, known, postcode).sort(_ROW).drop(_ROW))


def postcodes_on(
    postcodes: Frame, as_of: date | None, *, only: Sequence[str] | None = None
) -> Plan:
    """Return postcode and lsoa_code, of a postcode with several spells that of the day.

    `postcodes`: the reference table; `only` these, if given. See `locate`.
    """
    names, days = ("postcode", "lsoa_code"), ("valid_from", "valid_to")
    dated = set(days) & set(lazy(postcodes).collect_schema().names())
    every = shaped(postcodes, POSTCODES, (*names, *days) if dated else names)
    every = every if only is None else every.filter(nw.col("postcode").is_in(list(only)))
    known = every.select(*names)
    if as_of is None or not dated:
        return known
    counts = collect(known.select(nw.len().alias("rows"), nw.col("postcode").n_unique()))
    if counts["rows"].item() == counts["postcode"].item():
        return known
    now: Plan = current(every, as_of)
    past = every.filter(nw.col("valid_to") < as_of).join(now, on="postcode", how="anti")
    last = past.group_by("postcode").agg(nw.col("valid_to").max().alias("__last"))
    past = past.join(last, on="postcode").filter(nw.col("valid_to") == nw.col("__last"))
    return nw.concat([now.select(*names), past.select(*names)])


def ended_postcodes(frame: Frame, postcodes: Frame, as_of: date) -> list[str]:
    """Return a warning that counts the postcodes of `frame` that were not in use on the day.

    Postcodes are counted, each once, never people; none is named.
    """
    spells = shaped(postcodes, POSTCODES, ("postcode", "valid_from", "valid_to"))
    used: Plan = current(spells, as_of)
    held = lazy(frame).select(nw.col("postcode").cast(TEXT)).unique()
    held = held.join(spells.select("postcode").unique(), on="postcode", how="semi")
    counts = collect(held.join(used, on="postcode", how="anti").select(nw.len())).item()
    if not counts:
        return []
    every = collect(held.select(nw.len())).item()
    told = f"{counts:,} of {every:,} known postcodes of records were not in use on {as_of}"
    return [f"{told}: they are placed where they were last."]


def _located(plan: Plan, known: Plan, postcode: str) -> Plan:
    kept = [n for n in plan.collect_schema().names() if n not in ("lsoa_code", "unplaced")]
    known = known.filter(~nw.col("postcode").str.starts_with(PSEUDO_POSTCODE_AREA))
    key = nw.col(postcode).cast(TEXT).alias("__postcode")
    placed = plan.select(*kept).with_columns(key)
    placed = placed.join(known, left_on="__postcode", right_on="postcode", how="left")
    return placed.with_columns(_reason().alias("unplaced")).select(*kept, "lsoa_code", "unplaced")


def _reason() -> nw.Expr:
    code = nw.col("__postcode")
    unknown = (
        nw.when((code == "") | code.str.starts_with(PSEUDO_POSTCODE_AREA))
        .then(nw.lit("no_postcode"))
        .otherwise(nw.lit("unknown_postcode"))
    )
    reason = nw.when(code == NO_FIXED_ABODE).then(nw.lit("no_fixed_abode")).otherwise(unknown)
    reason = nw.when(code.is_null()).then(nw.lit("no_postcode")).otherwise(reason)
    return nw.when(nw.col("lsoa_code").is_null()).then(reason).otherwise(NULL_TEXT)
