"""People as a draw of the links makes them: each state of a person once, however many draws.

A person who gains or loses the same records in several draws is the same in all of them. So what
is counted anew are states: a person with the records that come and go. People as they are linked
and states are counted together, as people whose id is a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from pophealth_link.engine import collect, lazy
from pophealth_link.indicators.derived import derived
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.need.linkage_draws import Redraw
from pophealth_link.schema.records_derived import DERIVED_TABLES

_UNKNOWN = "unknown"
_WHO = ["draw", "person_id"]


@dataclass(frozen=True, slots=True)
class States:
    """Numbers of people and of their states; no two are the same.

    `before`: person_id and id of everyone whose records move in some draw. `first`: draw, person_id
    and id of each state, in the first draw that has it. `drawn`: id and draw, of all draws.
    `was`: id of each state and `before`, of the person as linked.
    """

    before: pl.DataFrame = field(repr=False)
    first: pl.DataFrame = field(repr=False)
    drawn: pl.DataFrame = field(repr=False)
    was: pl.DataFrame = field(repr=False)


def states(moved: pl.DataFrame) -> States:
    """Return the states of people in the draws; `moved`: see `linkage_draws.moves`."""
    key = ["source", "record_id"]
    records = moved.select(key).unique().sort(key).with_row_index("number", offset=1)
    told = moved.join(records, on=key).with_columns(pl.col("number").cast(pl.Int64))
    ends = pl.concat(
        [
            told.select("draw", person_id="was", sign=-pl.col("number")),
            told.select("draw", "person_id", sign="number"),
        ]
    )
    each = (
        ends.group_by(_WHO)
        .agg(pl.col("sign").sort())
        .with_columns(held=pl.col("sign").cast(pl.List(pl.String)).list.join(","))
        .drop("sign")
    )
    people = each.select("person_id").unique().sort("person_id").with_row_index("id")
    first = each.group_by("person_id", "held").agg(pl.col("draw").min()).sort("person_id", "held")
    first = first.with_row_index("id", offset=people.height)
    drawn = each.join(first.drop("draw"), on=["person_id", "held"])
    numbered = [frame.with_columns(pl.col("id").cast(pl.Int64)) for frame in (people, first, drawn)]
    people, first, drawn = numbered
    was = first.join(people.rename({"id": "before"}), on="person_id").select("id", "before")
    return States(people, first.select(*_WHO, "id"), drawn.select("id", "draw"), was)


def inputs_of(
    inputs: BaselineInputs, redraw: Redraw, moved: pl.DataFrame, made: States
) -> BaselineInputs:
    """Return people, as linked and in each state, with their events; person_id is the number."""
    movers = made.before.select("person_id")
    people = collect(lazy(inputs.people)).join(movers, on="person_id", how="semi")
    alone = redraw.alone.select(name for name in people.columns if name in redraw.alone.columns)
    everyone = pl.concat([people, alone], how="diagonal_relaxed")
    gone = _vanished(moved, redraw, people)
    after = everyone.join(made.first.join(gone, on=_WHO, how="anti"), on="person_id")
    drawn = _told_more(after, people, moved).drop("draw")
    both = pl.concat([people.join(made.before, on="person_id"), drawn], how="diagonal_relaxed")
    return replace(
        inputs,
        people=both.with_columns(pl.col("id").alias("person_id")).drop("id"),
        events=_events(inputs, redraw, moved, made),
    )


def _events(
    inputs: BaselineInputs, redraw: Redraw, moved: pl.DataFrame, made: States
) -> Mapping[str, pl.DataFrame]:
    lost = moved.select(person_id="was").unique()
    needed = _needed(moved, made, lost)
    found = {}
    for name, table in inputs.events.items():
        if name in DERIVED_TABLES:
            continue
        plan = lazy(table).to_native()
        frame = _of_movers(plan, made)
        kept = frame.join(lost, on="person_id", how="anti")
        parts = [_as(frame, made.before), _as(kept, made.first.drop("draw"))]
        if name in redraw.loose:
            parts.append(_moved_events(redraw.loose[name], needed, moved, made, frame.columns))
        found[name] = pl.concat(parts, how="diagonal_relaxed")
    return derived(found, as_of=inputs.as_of, period=inputs.period, extract=inputs.events)


def _of_movers(plan: pl.LazyFrame, made: States) -> pl.DataFrame:
    movers = made.before.lazy().select("person_id")
    return plan.join(movers, on="person_id", how="semi").collect()


def _as(events: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Return the events of each person as those of the numbers that stand for the person."""
    joined = events.join(numbers, on="person_id", how="inner")
    return joined.with_columns(pl.col("id").alias("person_id")).drop("id")


def _needed(moved: pl.DataFrame, made: States, lost: pl.DataFrame) -> pl.DataFrame:
    """Return draw and person_id of those whose records have to be looked at one by one."""
    own = made.first.join(lost, on="person_id", how="semi").select(_WHO)
    giving = moved.join(made.first, on=_WHO, how="semi").select("draw", person_id="was")
    return pl.concat([own, giving]).unique()


def _moved_events(
    loose: pl.DataFrame,
    needed: pl.DataFrame,
    moved: pl.DataFrame,
    made: States,
    columns: list[str],
) -> pl.DataFrame:
    """Return the events of everyone who loses a record in a draw, each with whom it is of then."""
    key = ["draw", "source", "record_id"]
    to = moved.select(*key, to="person_id")
    drawn = loose.join(needed, on="person_id").join(to, on=key, how="left")
    drawn = drawn.with_columns(person_id=pl.coalesce("to", "person_id"))
    numbered = drawn.join(made.first, on=_WHO)
    return numbered.with_columns(pl.col("id").alias("person_id")).select(columns)


def _told_more(after: pl.DataFrame, people: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Fill an unknown ethnic group from the records that come to a person in a draw."""
    group = pl.col("ethnic_group")
    known = people.filter(~pl.col("on_register") & (group != _UNKNOWN)).select(
        was="person_id", told="ethnic_group"
    )
    came = moved.join(known, on="was").group_by(_WHO).agg(pl.col("told").min())
    both = after.join(came, on=_WHO, how="left")
    unknown = group.is_null() | (group == _UNKNOWN)
    filled = pl.when(unknown).then(pl.coalesce("told", group)).otherwise(group)
    return both.with_columns(filled.alias("ethnic_group")).drop("told")


def _vanished(moved: pl.DataFrame, redraw: Redraw, people: pl.DataFrame) -> pl.DataFrame:
    """Return draw and person_id of people on no register whose records have all gone."""
    others = people.filter(~pl.col("on_register")).select("person_id")
    theirs = redraw.index.join(others, on="person_id", how="semi")
    held = theirs.group_by("person_id").agg(pl.len().alias("held"))
    gone = moved.group_by("draw", person_id="was").agg(pl.len().alias("gone"))
    whole = gone.join(held, on="person_id").filter(pl.col("gone") >= pl.col("held"))
    return whole.select(_WHO)
