"""Raw counts of every indicator by footprint, basis and stratum: not yet fit for release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import narwhals as nw
import polars as pl

from pophealth_link.disclosure import Policy, dominance
from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import DataError
from pophealth_link.indicators import area, person, property
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import gap, per_person
from pophealth_link.indicators.footprints import (
    CELL,
    SUMS,
    authorities,
    complete_mapping,
    fill,
    grid,
    known_units,
    to_footprints,
)
from pophealth_link.indicators.tally import Plan
from pophealth_link.need.index import NeedIndex, fit
from pophealth_link.need.rounding import round_patients

# Fewer people than this would make an over-dispersion factor that tells of single people.
LEAST_PEOPLE = 10
DECIMALS = 6
RAW = (
    *CELL,
    *("level", "numerator", "denominator", "contributors", "dominated", "dispersion"),
    *("period", "status", "reason", "policy"),
)
_UNIT = ("basis", "unit", "indicator", "stratum")


@dataclass(frozen=True)
class BaselineInputs:
    """What a baseline is counted from.

    `people`: PEOPLE_PLACED. `events`: table name → person_id, optionally source, and the table's
    columns; a table that no source gives is left out. `dwellings`: PROPERTY_FACTS with attribute
    columns, or nothing. `areas`, `deprivation`, `measures`: tables of the reference pack.
    `unit_footprints`: UNIT_FOOTPRINTS, whose bases and footprints the baseline has. `as_of`: the
    day. `period`: first and last day, both included. `n_areas`: LSOAs in the national deprivation
    ranking. `vintages`: edition of each reference table, told where a measure has no period.
    People, events and dwellings may be on any engine, all on the same one.
    """

    people: Frame
    events: Mapping[str, Frame]
    dwellings: Frame | None
    areas: Frame
    deprivation: Frame
    measures: Frame
    unit_footprints: Frame
    as_of: date
    period: tuple[date, date]
    n_areas: int
    vintages: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first, last = self.period
        if first > last:
            raise DataError(
                "the period ends before it begins.", fix="give the first day, then the last"
            )

    def __repr__(self) -> str:
        first, last = self.period
        tables = ", ".join(sorted(self.events)) or "none"
        return f"BaselineInputs(as_of={self.as_of}, period={first} to {last}, events: {tables})"


@dataclass(frozen=True)
class _Rolled:
    """Counts by unit of some indicators, and why others have none."""

    frames: tuple[pl.DataFrame, ...]
    gaps: Mapping[str, str]
    dispersions: Mapping[str, float]
    dominated: tuple[pl.DataFrame, ...] = ()


def count(
    inputs: BaselineInputs, *, policy: Policy | None = None, indicators: Catalogue | None = None
) -> pl.DataFrame:
    """Return the raw counts: RAW, one row per footprint, basis, indicator and stratum, sorted.

    The grid is complete: a cell without data says so in `status` and `reason`. Numerator and
    denominator are people, dwellings, households, LSOAs, events, days, person-years, or for a score
    Σ score·weight and Σ weight; where a shared practice is split by its share they may be
    fractions. `contributors`: people, dwellings or LSOAs behind it. `dispersion`: see
    `over_dispersion`. `dominated`: see `disclosure.dominance`; only a policy with such a rule finds
    any. With a `policy` the registered patients that weigh area-level indicators are rounded by it,
    as `release` requires, and all withheld ones are given the same number, the middle of the small
    counts: it tells no more than that they are withheld. `indicators`: the catalogue; the shipped
    one if left out.

    Raw counts of people are disclosive: pass them to `release`, never to a reader.
    """
    listed = catalogue() if indicators is None else indicators
    mapping = complete_mapping(inputs.unit_footprints)
    bases = tuple(mapping["basis"].unique().sort())
    people = _people(inputs, listed, bases, mapping, policy)
    places = area.lsoas(inputs.areas, inputs.deprivation)
    homes = _properties(inputs, listed, bases, places)
    lives = area.patients(inputs.people, places, round_patients(policy))
    areas = _areas(inputs, listed, places, lives)
    known = lazy(_concat([*people.frames, *homes.frames]))
    units = collect(known_units(known, mapping)) if people.frames or homes.frames else None
    found = to_footprints(
        _concat([*([units] if units is not None else []), *areas.frames]), mapping
    )
    gaps = {**people.gaps, **homes.gaps, **areas.gaps}
    lsoas, own = _lsoas(places, lives, mapping), authorities(mapping, places)
    cells = fill(grid(mapping, tuple(listed)), found, lsoas, own, gaps)
    return _finished(cells, inputs, listed, people, policy)


def need_index(inputs: BaselineInputs, *, indicators: Catalogue | None = None) -> NeedIndex:
    """Return the need index fitted to the reference's LSOAs, with its summary; see `index.fit`."""
    listed = catalogue() if indicators is None else indicators
    places = area.lsoas(inputs.areas, inputs.deprivation)
    measures = collect(lazy(inputs.measures))
    members = listed.members()
    return fit({m.id: area.cells(m, places, measures, inputs.n_areas) for m in members}, members)


def accounting(inputs: BaselineInputs, *, indicators: Catalogue | None = None) -> pl.DataFrame:
    """Return indicator, total, counted and outside: where every event of the job went, sorted.

    `total`: people, events or days that the indicator's rules select; `counted`: those in the
    baseline; `outside`: those of people whom it does not count, because they are not of its ages,
    not current, or for a rate without person-time. Indicators without data are left out.
    """
    listed = catalogue() if indicators is None else indicators
    rows = []
    for each in listed.at("person"):
        if gap(each, inputs.events, as_of=inputs.as_of, period=inputs.period):
            continue
        when = (each, inputs.people, inputs.events)
        found = per_person(each, inputs.events, as_of=inputs.as_of, period=inputs.period)
        counted = person.counted(*when, as_of=inputs.as_of, period=inputs.period)
        sums = [collect(plan.select(nw.col("count").sum())).item() for plan in (found, counted)]
        total, inside = (int(value or 0) for value in sums)
        rows.append((each.id, total, inside, total - inside))
    names = {"indicator": pl.String, **dict.fromkeys(("total", "counted", "outside"), pl.Int64)}
    return pl.DataFrame(rows, schema=names, orient="row").sort("indicator")


def over_dispersion(numerator: int, squares: int, people: int) -> float | None:
    """Return Σ count² / Σ count over people, to one decimal; nothing under ten people.

    Repeat events are a compound Poisson process: each of a Poisson number of people has a number
    of events. Its variance is estimated by the sum over people of their count squared, which is
    this factor times the number of events (1 where nobody has more than one).

    >>> over_dispersion(numerator=40, squares=100, people=20)
    2.5
    """
    return round(squares / numerator, 1) if people >= LEAST_PEOPLE else None


def _concat(frames: list[pl.DataFrame]) -> pl.DataFrame:
    columns = [*_UNIT, *SUMS]
    empty = pl.DataFrame(schema=dict.fromkeys(_UNIT, pl.String) | dict.fromkeys(SUMS, pl.Float64))
    typed = [
        frame.select(columns).with_columns(pl.col(name).cast(pl.Float64) for name in SUMS)
        for frame in frames
    ]
    return pl.concat([empty, *typed])


def _named(frame: pl.DataFrame, indicator: Indicator) -> pl.DataFrame:
    return frame.with_columns(pl.lit(indicator.id).alias("indicator"))


def _people(
    inputs: BaselineInputs,
    listed: Catalogue,
    bases: tuple[str, ...],
    mapping: pl.DataFrame,
    policy: Policy | None,
) -> _Rolled:
    frames: list[pl.DataFrame] = []
    dominated: list[pl.DataFrame] = []
    gaps: dict[str, str] = {}
    dispersions: dict[str, float] = {}
    for each in listed.at("person"):
        why = gap(each, inputs.events, as_of=inputs.as_of, period=inputs.period)
        if why:
            gaps[each.id] = why
            continue
        counted = person.counted(
            each, inputs.people, inputs.events, as_of=inputs.as_of, period=inputs.period
        )
        rolled = collect(person.by_units(counted, bases))
        frames.append(_named(rolled, each))
        if each.interval == "compound_poisson":
            factor = _factor(rolled, bases[0])
            dispersions |= {each.id: factor} if factor is not None else {}
            dominated.append(_named(_dominated(counted, bases, mapping, policy), each))
    return _Rolled(tuple(frames), gaps, dispersions, tuple(dominated))


def _factor(rolled: pl.DataFrame, basis: str) -> float | None:
    whole = rolled.filter(basis=basis, stratum="all").select(
        pl.col("numerator", "squares", "contributors").sum()
    )
    return over_dispersion(*whole.row(0)) if whole["numerator"].item() else None


def _dominated(
    counted: Plan, bases: tuple[str, ...], mapping: pl.DataFrame, policy: Policy | None
) -> pl.DataFrame:
    """Return the cells that few people dominate; a policy without such a rule has none."""
    cell = [name for name in CELL if name != "indicator"]
    if policy is None or (policy.dominance_n is None and policy.p_ratio is None):
        return mapping.select(cell[:-1]).clear().with_columns(stratum=pl.lit(""))
    each = collect(known_units(collect(person.contributions(counted, bases)), mapping))
    parts = each.join(mapping, on=["basis", "unit"]).with_columns(
        (pl.col("count") * pl.col("share")).round(DECIMALS)
    )
    found = dominance(parts.sort(*cell, "count"), policy, by=cell, value="count")
    return found.filter("dominated").select(cell)


def _properties(
    inputs: BaselineInputs, listed: Catalogue, bases: tuple[str, ...], places: pl.DataFrame
) -> _Rolled:
    gaps = {each.id: property.gap(each, inputs.dwellings) for each in listed.at("property")}
    known = [each for each in listed.at("property") if gaps[each.id] is None]
    if known:
        placed = property.place(inputs.dwellings, inputs.people, places)
    frames = [_named(collect(property.roll_up(each, placed, bases)), each) for each in known]
    return _Rolled(tuple(frames), {name: why for name, why in gaps.items() if why}, {})


def _areas(
    inputs: BaselineInputs, listed: Catalogue, places: pl.DataFrame, lives: pl.DataFrame
) -> _Rolled:
    measures = collect(lazy(inputs.measures))
    cells = {e.id: area.cells(e, places, measures, inputs.n_areas) for e in listed.at("area")}
    gaps = {name: area.gap(listed[name], found) for name, found in cells.items()}
    for each in (one for one in listed if one.composite):
        fitted = fit(cells, listed.members())
        gaps[each.id] = fitted.reason
        cells[each.id] = area.scored(fitted.values, places)
    frames = [
        _named(area.roll_up(found, lives, patients=area.by_patients(listed[name])), listed[name])
        for name, found in cells.items()
        if gaps[name] is None
    ]
    return _Rolled(tuple(frames), {name: why for name, why in gaps.items() if why}, {})


def _lsoas(places: pl.DataFrame, lives: pl.DataFrame, mapping: pl.DataFrame) -> pl.DataFrame:
    """Return how many LSOAs (parts of them counted as parts) each footprint and stratum holds.

    `lsoas`: all of them; `shown`: those weighed by a count of patients that is not withheld.
    """
    one = places.select("lsoa_code", "stratum", numerator=pl.lit(1.0), denominator=pl.lit(1.0))
    rolled = [
        area.roll_up(one, each).with_columns(pl.lit(name).alias("indicator"))
        for name, each in (("lsoas", lives), ("shown", lives.filter(~pl.col("withheld"))))
    ]
    found = to_footprints(pl.concat(rolled), mapping)
    place = [name for name in CELL if name != "indicator"]
    sums = [
        pl.col("numerator").filter(pl.col("indicator") == name).sum().alias(name)
        for name in ("lsoas", "shown")
    ]
    return found.group_by(place).agg(sums)


def _finished(
    cells: pl.DataFrame,
    inputs: BaselineInputs,
    listed: Catalogue,
    people: _Rolled,
    policy: Policy | None,
) -> pl.DataFrame:
    """Add dispersion, dominated, period and policy; turn days of person-time into years."""
    rates = [each.id for each in listed if each.statistic == "rate"]
    years = (pl.col("denominator") / person.DAYS_A_YEAR).round(DECIMALS)
    by_id = pl.col("indicator").replace_strict
    periods = {each.id: _period(each, inputs) for each in listed}
    few = pl.concat([*people.dominated, cells.select(CELL).clear()], how="diagonal")
    return (
        cells.join(few.with_columns(dominated=pl.lit(value=True)), on=list(CELL), how="left")
        .with_columns(
            pl.col("dominated").fill_null(value=False),
            pl.when(pl.col("indicator").is_in(rates))
            .then(years)
            .otherwise("denominator")
            .alias("denominator"),
            by_id(dict(people.dispersions), default=None, return_dtype=pl.Float64).alias(
                "dispersion"
            ),
            by_id(periods, return_dtype=pl.String).alias("period"),
            pl.lit(policy.name if policy else None, pl.String).alias("policy"),
        )
        .select(RAW)
        .sort(CELL)
    )


def _period(indicator: Indicator, inputs: BaselineInputs) -> str:
    """Return the day or period that an indicator describes, for readers."""
    first, last = inputs.period
    if indicator.period == "point":
        return inputs.as_of.isoformat()
    if indicator.period == "period":
        return f"{first.isoformat()} to {last.isoformat()}"
    rows = lazy(inputs.measures).filter(
        nw.col("measure") == (indicator.measure or ""),
        nw.col("area_type") == indicator.area_type,
        ~nw.col("period").is_null(),
    )
    held = collect(rows.select("period").unique(keep="any"))["period"].sort().to_list()
    table = "area_measures" if indicator.deprivation is None else "deprivation"
    return ", ".join(held) or inputs.vintages.get(table) or "as published in the reference pack"
