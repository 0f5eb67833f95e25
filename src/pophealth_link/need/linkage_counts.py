"""What each draw of the links changes of the counts, from the people whose records move alone.

Everything is a number until the end: people, indicators, footprints and strata, so that sums are
of integers, do not depend on the order of rows, and a cell that no draw changes has no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.engine import collect, lazy
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.footprints import (
    FOOTPRINT,
    FURTHER_STRATA,
    complete_mapping,
    known_units,
)
from pophealth_link.indicators.tally import MILLIONTHS
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.need.linkage_draws import Redraw, moves
from pophealth_link.need.linkage_states import States, inputs_of, states
from pophealth_link.need.tallies import by_person
from pophealth_link.schema.records_derived import DERIVED_TABLES
from pophealth_link.schema.strata import ALL, FAMILIES, QUINTILE

_COLUMNS = tuple(dict.fromkeys(each.column for each in FAMILIES.values()))
_KINDS = ("numerator", "denominator")
_CHANGE = {"footprint": pl.Int64, "stratum": pl.Int64, "what": pl.Int64, "draw": pl.Int64}


@dataclass(frozen=True)
class Changes:
    """By how much draws change counts; what a draw leaves as it is has no row.

    `footprints`: FOOTPRINT with a number `footprint`; `strata`: stratum with `place`. `indicators`:
    indicator with `over`, the number of its numerators, and `under`, that of the people it is
    about, whom several may share. `numerators`, `denominators`: footprint, stratum, `what` (one of
    those numbers), draw and `more`, denominators in days of person-time for rates.
    """

    footprints: pl.DataFrame = field(repr=False)
    strata: pl.DataFrame = field(repr=False)
    indicators: pl.DataFrame = field(repr=False)
    numerators: pl.DataFrame = field(repr=False)
    denominators: pl.DataFrame = field(repr=False)


def changes(
    inputs: BaselineInputs, redraw: Redraw, *, seed: int, indicators: Catalogue | None = None
) -> Changes:
    """Return by how much each draw changes the counts of person-level indicators."""
    listed = catalogue() if indicators is None else indicators
    people = Catalogue({each.id: each for each in listed.at("person")})
    told = collect(lazy(inputs.people))
    given = {name: each for name, each in inputs.events.items() if name not in DERIVED_TABLES}
    moved = moves(redraw, told, {n: collect(lazy(e)) for n, e in given.items()}, seed=seed)
    made = states(moved)
    drawn = inputs_of(inputs, redraw, moved, made)
    named, rows = _rows(drawn, people)
    kinds = _kinds(drawn.people)
    changed = _changed(rows, kinds, made)
    mapping = complete_mapping(inputs.unit_footprints)
    footprints = mapping.select(FOOTPRINT).unique().sort(FOOTPRINT).with_row_index("footprint")
    footprints = footprints.with_columns(pl.col("footprint").cast(pl.Int64))
    strata = _strata()
    cells = _cells(changed, kinds, mapping.join(footprints, on=list(FOOTPRINT)), strata)
    over = cells["what"] < len(people.indicators)
    return Changes(footprints, strata, named, cells.filter(over), cells.filter(~over))


def _strata() -> pl.DataFrame:
    names = [ALL, *(name for family in FAMILIES.values() for name in family.strata)]
    return pl.DataFrame({"stratum": names}).with_columns(place=pl.int_range(pl.len()))


def _rows(drawn: BaselineInputs, people: Catalogue) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the indicators with their numbers; and id, what and value of each number above zero.

    Numbers of populations follow on those of indicators: theirs are the denominators.
    """
    numbers = {name: at for at, name in enumerate(people.indicators)}
    found: list[pl.DataFrame] = []
    about: dict[str, int] = {}
    for group, (names, held, counts) in enumerate(by_person(drawn, indicators=people)):
        about |= dict.fromkeys(names, len(numbers) + group)
        what = pl.col("indicator").replace_strict(numbers, return_dtype=pl.Int64)
        found += [
            counts.select(id="person_id", what=what, value="count"),
            held.select(id="person_id", what=pl.lit(len(numbers) + group), value="weight"),
        ]
    types = dict.fromkeys(("id", "what", "value"), pl.Int64)
    rows = pl.concat(
        [pl.DataFrame(schema=types), *(each.select(pl.all().cast(pl.Int64)) for each in found)]
    )
    those = list(about)
    named = pl.DataFrame(
        {"indicator": those, "over": [numbers[n] for n in those], "under": list(about.values())},
        schema={"indicator": pl.String, "over": pl.Int64, "under": pl.Int64},
    )
    return named, rows


def _kinds(people: pl.DataFrame) -> pl.DataFrame:
    """Return id, `kind`, units and the columns of strata: people of one kind count in one place."""
    absent = [pl.lit(None, pl.String).alias(n) for n in _COLUMNS if n not in people.columns]
    full = people.with_columns(absent)
    where = [pl.col(name).cast(pl.String) for name in ("registered_unit", "resident_unit")]
    told = full.select(pl.col("person_id").alias("id"), *where, *(
        pl.col(name).cast(pl.String) for name in _COLUMNS
    ))  # fmt: skip
    names = [name for name in told.columns if name != "id"]
    kinds = told.select(names).unique().sort(names).with_row_index("kind")
    return told.join(kinds, on=names, nulls_equal=True)


def _changed(rows: pl.DataFrame, kinds: pl.DataFrame, made: States) -> pl.DataFrame:
    """Return id of a state, kind, what and value: what it adds to the person as linked."""
    placed = rows.join(kinds.select("id", "kind"), on="id")
    after = placed.join(made.was, on="id", how="semi")
    linked = placed.rename({"id": "before"}).join(made.was, on="before")
    before = linked.select("id", "what", -pl.col("value"), "kind")
    both = pl.concat([after.select(before.columns), before])
    summed = both.group_by("id", "kind", "what").agg(pl.col("value").sum())
    return summed.filter(pl.col("value") != 0).join(made.drawn, on="id")


def _cells(
    changed: pl.DataFrame, kinds: pl.DataFrame, mapping: pl.DataFrame, strata: pl.DataFrame
) -> pl.DataFrame:
    """Return footprint, stratum, what, draw and `more`, without those that are zero, sorted."""
    facts = kinds.drop("id").unique("kind")
    parts = [
        _in_footprints(grouped, basis, mapping, strata)
        for basis in mapping["basis"].unique().sort()
        for grouped in _grouped(changed, facts, basis)
    ]
    none = pl.DataFrame(schema={**_CHANGE, "more": pl.Float64})
    told = [each.with_columns(pl.col("more") / MILLIONTHS) for each in parts]
    every = pl.concat([none, *(each.select(none.columns) for each in told)])
    return every.filter(pl.col("more") != 0).sort(list(_CHANGE))


def _grouped(changed: pl.DataFrame, facts: pl.DataFrame, basis: str) -> Iterator[pl.DataFrame]:
    """Return unit, stratum, what, draw and value: by one column of strata at a time."""
    for number, column in enumerate(_COLUMNS):
        families = [each for each in FAMILIES.values() if each.column == column]
        of = facts.select("kind", unit=f"{basis}_unit", group=column)
        ends = of.select("unit", "group").unique().sort("unit", "group").with_row_index("end")
        numbered = of.join(ends, on=["unit", "group"], nulls_equal=True).select("kind", "end")
        summed = (
            changed.join(numbered, on="kind")
            .group_by("end", "what", "draw")
            .agg(pl.col("value").sum())
        )
        told = summed.join(ends, on="end").drop("end")
        for family in families:
            name = pl.col("group").replace_strict(dict(family.values), default=None,
                                                  return_dtype=pl.String)  # fmt: skip
            rest = None if family.within else family.strata[-1]
            yield told.with_columns(stratum=name.fill_null(pl.lit(rest, pl.String)))
        if number == 0:
            yield told.with_columns(stratum=pl.lit(ALL))


def _in_footprints(
    rows: pl.DataFrame, basis: str, mapping: pl.DataFrame, strata: pl.DataFrame
) -> pl.DataFrame:
    some = rows.drop_nulls("stratum").join(strata, on="stratum").drop("stratum")
    units = some.select(pl.lit(basis).alias("basis"), "unit").unique()
    known = collect(known_units(lazy(units.with_columns(own="unit")), mapping))
    wide = {ALL, *QUINTILE.strata}
    names = pl.col("place").is_in(strata.filter(pl.col("stratum").is_in(wide))["place"].implode())
    inside = known.join(mapping.filter(basis=basis), on=["basis", "unit"]).select(
        unit="own", footprint="footprint",
        share=(pl.col("share") * MILLIONTHS).round(0).cast(pl.Int64),
        further=pl.col("footprint_type").is_in(FURTHER_STRATA),
    )  # fmt: skip
    joined = some.join(inside, on="unit", nulls_equal=True).filter(names | pl.col("further"))
    return joined.group_by("footprint", stratum="place", what="what", draw="draw").agg(
        more=(pl.col("value") * pl.col("share")).sum()
    )
