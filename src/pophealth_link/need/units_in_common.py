"""The units of two baselines by common codes: practices taken over, parts of practices, people."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link.need.snapshot import Snapshot
from pophealth_link.places.parts import PART_MARK

_TYPE = ["basis", "footprint_type"]
_BASE = [*_TYPE, "base"]
_PRACTICE = [*_TYPE, "unit", "own_base"]


def units_in_common(before: Snapshot, after: Snapshot) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the memberships of both with `own`, the unit's code there, and `unit`, the common one.

    Earlier units are followed to their later codes. A practice whose parts (`G83006@pcn=U1`) are
    not the same on both sides is one unit, and `one`. `whole`: published people of the practice or
    LSOA, else as many as the average one of the basis has; `people`: those of the unit, of parts,
    of whose people nothing is published, evenly.
    """
    earlier = _followed(before, after)
    later = after.memberships.with_columns(own="unit", base=_base("unit"))
    changed = _changed_parts(earlier, later)
    known = {**before.sizes, **after.sizes}
    return _with_people(earlier, changed, known), _with_people(later, changed, known)


def parts_once(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the units, those parts of a practice that are `one` once for each way to be placed.

    Nobody knows how the people of such a practice are spread over its parts. Those that are in the
    same footprints, by the same shares, stand there once; all others weigh alike. `ways`: how many
    there are, 1 of any other unit; `most`: people of the practice or unit.
    """
    place = pl.concat_str("footprint_code", "share", separator=" ").str.join("|")
    ways = (
        rows.sort(*_PRACTICE, "own", "footprint_code")
        .group_by(*_PRACTICE, "own", "one", maintain_order=True)
        .agg(place.alias("place"))
        .with_columns(way=pl.when("one").then("place").otherwise("own"))
        .unique([*_PRACTICE, "way"], keep="first", maintain_order=True)
        .with_columns(ways=pl.when("one").then(pl.len().over(_PRACTICE)).otherwise(1))
    )
    held = rows.join(ways.select(*_PRACTICE, "own", "ways"), on=[*_PRACTICE, "own"])
    return held.with_columns(
        people=pl.when("one").then(pl.col("whole") / pl.col("ways")).otherwise("people"),
        most=pl.when("one").then("whole").otherwise("people"),
    )


def _base(name: str) -> pl.Expr:
    return pl.col(name).str.split(PART_MARK).list.first()


def _followed(before: Snapshot, after: Snapshot) -> pl.DataFrame:
    """Return the earlier memberships by the later codes of their units; `own`: the code then.

    Codes that are not there later are followed, step by step, until one is.
    """
    there = after.memberships.select(*_TYPE, base=_base("unit")).unique()
    steps = pl.concat([after.recoded, before.recoded]).select(base="old", new="new").unique()
    then = before.memberships.with_columns(own="unit", base=_base("unit"))
    then = then.with_columns(mark=pl.col("own").str.strip_prefix(pl.col("base")))
    key = [*_TYPE, "base", "first"]
    first = then.select(_BASE).unique().with_columns(first="base")
    open_ = first.join(there, on=_BASE, how="anti")
    seen, ends = open_, open_.clear()
    while open_.height:
        stepped = open_.join(steps, on="base").with_columns(base="new").select(key).unique()
        ends = pl.concat([ends, stepped.join(there, on=_BASE, how="semi")])
        open_ = stepped.join(there, on=_BASE, how="anti").join(seen, on=key, how="anti")
        seen = pl.concat([seen, open_])
    renamed = ends.unique().rename({"base": "new", "first": "base"}).sort(*_BASE, "new")
    both = then.join(renamed, on=_BASE, how="left", maintain_order="left_right")
    code = pl.coalesce("new", "base")
    return both.with_columns(base=code, unit=code + pl.col("mark")).drop("new", "mark")


def _changed_parts(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Return the practices on both sides whose parts are not the same, marked by `one`."""
    codes = pl.col("unit").unique().sort().str.join("|")
    then, now = (rows.group_by(_BASE).agg(codes.alias("codes")) for rows in (earlier, later))
    both = then.join(now, on=_BASE, suffix="_now")
    changed = both.filter(pl.col("codes") != pl.col("codes_now"))
    return changed.select(*_BASE, one=pl.lit(value=True))


def _with_people(
    rows: pl.DataFrame, changed: pl.DataFrame, known: Mapping[str, int]
) -> pl.DataFrame:
    joined = rows.join(changed, on=_BASE, how="left", maintain_order="left").with_columns(
        pl.col("one").fill_null(value=False), own_base=_base("own")
    )
    published = pl.col("own_base").replace_strict(known, default=None, return_dtype=pl.Float64)
    average = joined.select("basis", "own_base").unique().group_by("basis")
    told = joined.with_columns(unit=pl.when("one").then("base").otherwise("unit")).join(
        average.agg(published.mean().alias("average")), on="basis", maintain_order="left"
    )
    parts = pl.col("own").n_unique().over(*_TYPE, "own_base")
    whole = pl.coalesce(published, "average", pl.lit(1.0))
    return told.with_columns(whole=whole, people=whole / parts).drop("average", "base")
