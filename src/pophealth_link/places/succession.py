"""What a code that has ended is called on a day: practices taken over, authorities recoded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from pophealth_link.engine import Frame, collect
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.frames import listed, shaped
from pophealth_link.schema.core import Table
from pophealth_link.schema.reference import LAD_CHANGES, PRACTICE_SUCCESSORS

_SCHEMA = {"code": pl.String, "successor": pl.String}


def practice_successors(
    changes: Frame, as_of: date, *, standing: Sequence[str] | pl.Series = ()
) -> pl.DataFrame:
    """Return `code` and `successor`: the practice that a merged or closed one ended in by the day.

    `changes`: PRACTICE_SUCCESSORS, one row per step; steps after `as_of` are not taken, one
    without a day is. Chains are followed; a practice of `standing` (open on the day) is an end, so
    what was split off it changes nothing. The latest step of a practice holds; where it names
    several successors, nobody can tell who went where, and `successor` is missing. Sorted. Raises
    `ReferenceDataError` where steps go round in a circle, naming the practices.

    >>> steps = {"practice_code": ["A", "B"], "successor_code": ["B", "C"]}
    >>> practice_successors(pl.DataFrame(steps), date(2026, 4, 1)).rows()
    [('A', 'C'), ('B', 'C')]
    """
    steps = _steps(changes, PRACTICE_SUCCESSORS, ("practice_code", "successor_code"), as_of)
    open_now = pl.Series("code", standing, dtype=pl.String)
    return ends_of(
        steps.filter(~pl.col("code").is_in(open_now.implode())), PRACTICE_SUCCESSORS.name
    )


def authority_successors(changes: Frame, as_of: date) -> pl.DataFrame:
    """Return `code` and `successor`: what each recoded local authority is called on the day.

    `changes`: LAD_CHANGES; as `practice_successors`.
    """
    return ends_of(authority_steps(changes, as_of), LAD_CHANGES.name)


def authority_steps(changes: Frame, as_of: date) -> pl.DataFrame:
    """Return code, successor and day: the steps by the day from a replaced code to the new."""
    return _steps(changes, LAD_CHANGES, ("lad_code", "successor_code"), as_of)


def authority_predecessors(changes: Frame, as_of: date) -> pl.DataFrame:
    """Return `code` and `predecessor`: what local authorities formed after the day were on it.

    `changes`: LAD_CHANGES; chains of steps after `as_of` are followed back. Parts of one that was
    divided each have it as predecessor. Where several became one, nobody can tell which of them a
    place was in, and `predecessor` is missing. Sorted.

    >>> steps = {"lad_code": ["A"], "successor_code": ["B"], "valid_from": [date(2026, 4, 1)]}
    >>> authority_predecessors(pl.DataFrame(steps), date(2026, 3, 31)).rows()
    [('B', 'A')]
    """
    back = ends_of(steps_back(changes, as_of), LAD_CHANGES.name)
    return back.rename({"successor": "predecessor"})


def authorities_named(codes: Sequence[str], changes: Frame, as_of: date) -> dict[str, list[str]]:
    """Return what each of the codes of local authorities is called on the day, sorted.

    One that was recoded by the day is its successor; one formed after it is all that it was made
    of; any other is itself.
    """
    ends = dict(authority_successors(changes, as_of).drop_nulls().iter_rows())
    back = steps_back(changes, as_of)
    ultimate = _followed(back.select("code", "successor").unique())
    made = ultimate.group_by("code").agg(pl.col("successor").unique().sort())
    before = dict(made.iter_rows())
    return {code: before.get(code, [ends.get(code, code)]) for code in codes}


def steps_back(changes: Frame, as_of: date) -> pl.DataFrame:
    """Return code, successor and day: the steps after the day, from the new code to the old."""
    held = collect(shaped(changes, LAD_CHANGES, ("lad_code", "successor_code", "valid_from")))
    later = held.drop_nulls().filter(pl.col("valid_from") > as_of)
    moved = later.filter(pl.col("lad_code") != pl.col("successor_code"))["successor_code"]
    # One that lists itself among those that became it was there before: it is not one's recode.
    later = later.filter(pl.col("successor_code").is_in(moved.unique().implode()))
    return later.select(
        code="successor_code", successor="lad_code", day=pl.lit(None, pl.Date)
    ).unique()


def _steps(changes: Frame, table: Table, names: tuple[str, str], as_of: date) -> pl.DataFrame:
    held = collect(shaped(changes, table, (*names, "valid_from")))
    held.columns = ["code", "successor", "day"]
    happened = pl.col("day").is_null() | (pl.col("day") <= as_of)
    # A code that stands for itself is how lookups write what has not changed.
    return held.drop_nulls(["code", "successor"]).filter(
        happened, pl.col("code") != pl.col("successor")
    )


def latest_steps(steps: pl.DataFrame) -> pl.DataFrame:
    """Return code and successor of the latest step of each code, several where it was divided."""
    day = pl.col("day").fill_null(date.min)
    return steps.filter(day == day.max().over("code")).select("code", "successor").unique()


def ends_of(steps: pl.DataFrame, table: str) -> pl.DataFrame:
    """Return code and successor: where the steps lead, missing where one leads to several.

    `table` is the name of theirs, for the `ReferenceDataError` about a circle.
    """
    latest = latest_steps(steps)
    parted = latest.filter(pl.col("successor").n_unique().over("code") > 1)["code"].unique()
    single = latest.filter(~pl.col("code").is_in(parted.implode())).sort("code")
    reached = _followed(single)
    _require_ends(reached, single["code"], table)
    told = pl.col("successor").is_in(parted.implode())
    reached = reached.with_columns(pl.when(~told).then("successor").alias("successor"))
    nowhere = pl.DataFrame({"code": parted}, schema={"code": pl.String}).with_columns(
        successor=pl.lit(None, pl.String)
    )
    return pl.concat([reached, nowhere]).cast(_SCHEMA).sort("code")  # type: ignore[arg-type]


def _followed(single: pl.DataFrame) -> pl.DataFrame:
    """Return each code with the end of its chain; each turn doubles how far it has come."""
    reached = single
    for _ in range(single.height.bit_length()):
        further = reached.select(successor="code", further="successor")
        joined = reached.join(further, on="successor", how="left", maintain_order="left")
        reached = joined.select("code", pl.coalesce("further", "successor").alias("successor"))
    return reached


def followed_through(steps: pl.DataFrame) -> pl.DataFrame:
    """Return code and whole: each code with everything that steps (code, whole) lead it to."""
    reached = steps
    for _ in range(steps.height.bit_length()):
        middle = reached.rename({"whole": "middle"})
        further = middle.join(reached, left_on="middle", right_on="code").select("code", "whole")
        reached = pl.concat([reached, further]).unique()
    return reached


def _require_ends(reached: pl.DataFrame, codes: pl.Series, table: str) -> None:
    # Who still has a successor after more turns than there are steps goes round in a circle.
    circling = reached.filter(pl.col("successor").is_in(codes.implode()))["code"].to_list()
    if circling:
        raise ReferenceDataError(
            f"`{table}` has successors that go round in a circle.",
            f"Codes that reach no end: {len(circling):,} ({listed(circling)}).",
            fix="take out the step that leads back, or give it the day on which it happened",
        )


def followed(codes: pl.Expr, successors: pl.DataFrame) -> pl.Expr:
    """Return the codes with each that has a successor replaced by it.

    >>> ends = pl.DataFrame({"code": ["A"], "successor": ["C"]})
    >>> pl.DataFrame({"c": ["A", "B"]}).select(followed(pl.col("c"), ends))["c"].to_list()
    ['C', 'B']
    """
    known = successors.drop_nulls()
    return codes.replace(known["code"], known["successor"])


def recode_areas(areas: pl.DataFrame, changes: Frame, as_of: date) -> pl.DataFrame:
    """Return `areas` with the codes and names of local authorities that hold on the day.

    Codes that ended by the day are followed to their successors, those formed after it back to
    their predecessors (see `authority_predecessors`); where several became one, the code stays.
    """
    ends = authority_successors(changes, as_of).drop_nulls()
    moved = _renamed(areas, ends, changes, ("successor_code", "successor_name"))
    back = authority_predecessors(changes, as_of).drop_nulls()
    # Where the old one is there too, the new one is not what has taken its place.
    back = back.filter(~pl.col("predecessor").is_in(areas["lad_code"].drop_nulls().implode()))
    back = back.rename({"predecessor": "successor"})
    return _renamed(moved, back, changes, ("lad_code", "lad_name"))


def _renamed(
    areas: pl.DataFrame, ends: pl.DataFrame, changes: Frame, names_in: tuple[str, str]
) -> pl.DataFrame:
    named = collect(shaped(changes, LAD_CHANGES, names_in)).drop_nulls()
    named.columns = ["lad_code", "__name"]
    names = named.group_by("lad_code").agg(pl.col("__name").min())
    moved = pl.col("lad_code").is_in(ends["code"].implode()).fill_null(value=False)
    held = areas.with_columns(moved.alias("__moved"), followed(pl.col("lad_code"), ends))
    held = held.join(names, on="lad_code", how="left", maintain_order="left")
    if "lad_name" in areas.columns:
        name = pl.when("__moved").then(pl.coalesce("__name", "lad_name")).otherwise("lad_name")
        held = held.with_columns(name.alias("lad_name"))
    return held.select(areas.columns)


def untold_authorities(codes: pl.Series, changes: Frame, as_of: date) -> list[str]:
    """Return those of the codes that several local authorities became after the day, sorted.

    Nothing of them can be told for the authorities of the day without a hierarchy by date.
    """
    back = authority_predecessors(changes, as_of)
    several = back.filter(pl.col("predecessor").is_null())["code"]
    return codes.filter(codes.is_in(several.implode())).unique().sort().to_list()
