"""Raw counts of every indicator by footprint, basis and stratum: not yet fit for release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from pophealth_link.disclosure import Policy, dominance
from pophealth_link.engine import collect, lazy
from pophealth_link.indicators import area, concentration, person
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
from pophealth_link.indicators.rows import Plan
from pophealth_link.need.homes import with_homes
from pophealth_link.need.index import NeedIndex, fit
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.need.rounding import round_patients
from pophealth_link.need.tallies import Tally, gaps, notes, tally
from pophealth_link.schema.strata import ALL

# Fewer people than this would make an over-dispersion factor that tells of single people.
LEAST_PEOPLE = 10
DECIMALS = 6
RAW = (
    *CELL,
    *("level", "numerator", "denominator", "contributors", "dominated", "dispersion"),
    *("coverage", "period", "status", "reason", "policy"),
)
_UNIT = ("basis", "unit", "indicator", "stratum")


@dataclass(frozen=True)
class _Areas:
    """Counts by unit of area-level indicators, why others have none, and which are no sum."""

    frames: tuple[pl.DataFrame, ...]
    gaps: Mapping[str, str]
    whole: tuple[Indicator, ...]


def count(
    inputs: BaselineInputs,
    *,
    policy: Policy | None = None,
    indicators: Catalogue | None = None,
    made: Tally | None = None,
) -> pl.DataFrame:
    """Return the raw counts: RAW, one row per footprint, basis, indicator and stratum, sorted.

    The grid is complete: a cell without data says so in `status` and `reason`, and one that is
    counted without some of the tables of its indicator in `reason`. Numerator and
    denominator are people, dwellings, households, LSOAs, events, days, person-years, or for a score
    Σ score·weight and Σ weight; where a shared practice is split by its share they may be
    fractions. `contributors`: people, dwellings or LSOAs behind it. `dispersion`: see
    `over_dispersion`. `dominated`: see `disclosure.dominance`; only a policy with such a rule finds
    any. With a `policy` the registered patients that weigh area-level indicators are rounded by it,
    as `release` requires, and all withheld ones are given the same number, the middle of the small
    counts: it tells no more than that they are withheld. `indicators`: the catalogue; the shipped
    one if left out. `made`: the tally of the same inputs, where it is at hand.

    Raw counts of people are disclosive: pass them to `release`, never to a reader.
    """
    listed = catalogue() if indicators is None else indicators
    made = tally(inputs, indicators=listed) if made is None else made
    mapping = complete_mapping(inputs.unit_footprints)
    few = _few(inputs, listed, made, mapping, policy)
    return _counted(made, few, inputs, listed, policy)


def count_tally(
    made: Tally, inputs: BaselineInputs, *, indicators: Catalogue | None = None
) -> pl.DataFrame:
    """Return the raw counts that `count` would return, from what parts of the people added up to.

    The people, events and dwellings of `inputs` are not read: `made` stands for them. The counts
    are of no policy: nothing is rounded, and nothing told to be dominated.
    """
    listed = catalogue() if indicators is None else indicators
    return _counted(made, _no_cells(), inputs, listed, None)


def _counted(
    made: Tally,
    few: pl.DataFrame,
    inputs: BaselineInputs,
    listed: Catalogue,
    policy: Policy | None,
) -> pl.DataFrame:
    """Return the raw counts; `few`: cells that few people dominate."""
    mapping = complete_mapping(inputs.unit_footprints)
    absent = gaps(made, listed)
    places = area.lsoas(inputs.areas, inputs.deprivation)
    lives = area.patients_weighed(made.lives, places, round_patients(policy))
    areas = _areas(inputs, listed, places, lives)
    held = made.units.filter(~pl.col("indicator").is_in(list(absent)))
    known = collect(known_units(lazy(held), mapping))
    found = to_footprints(_concat([known, *areas.frames]), mapping)
    uneven = [concentration.roll_up(e, places, lives, mapping, inputs.n_areas) for e in areas.whole]
    found = pl.concat([found, *uneven])
    lsoas, own = _lsoas(places, lives, mapping), authorities(mapping, places)
    why, told = {**absent, **areas.gaps}, notes(made, listed)
    cells = fill(grid(mapping, tuple(listed)), found, lsoas, own, why, told)
    return _finished(cells, inputs, listed, _dispersions(held, listed), few, policy)


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
    inputs, rows = with_homes(inputs), []
    for each in listed.at("person"):
        if gap(each, inputs.events, as_of=inputs.as_of, period=inputs.period):
            continue
        when = (each, inputs.people, inputs.events)
        found = per_person(each, inputs.events, as_of=inputs.as_of, period=inputs.period)
        among = listed[each.among] if each.among else None
        counted = person.counted(*when, as_of=inputs.as_of, period=inputs.period, among=among)
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


def _dispersions(units: pl.DataFrame, listed: Catalogue) -> dict[str, float]:
    """Return the over-dispersion factor of each indicator that has one."""
    repeated = [each.id for each in listed if each.interval == "compound_poisson"]
    one_basis = pl.col("basis") == pl.col("basis").min()
    whole = units.filter(one_basis, pl.col("stratum") == ALL, pl.col("indicator").is_in(repeated))
    sums = whole.group_by("indicator").agg(pl.col("numerator", "squares", "contributors").sum())
    factors = {
        name: over_dispersion(*rest) for name, *rest in sums.filter(pl.col("numerator") > 0).rows()
    }
    return {name: factor for name, factor in factors.items() if factor is not None}


def _few(
    inputs: BaselineInputs,
    listed: Catalogue,
    made: Tally,
    mapping: pl.DataFrame,
    policy: Policy | None,
) -> pl.DataFrame:
    """Return the cells that few people dominate; a policy without such a rule has none."""
    if policy is None or (policy.dominance_n is None and policy.p_ratio is None):
        return _no_cells()
    absent, inputs = gaps(made, listed), with_homes(inputs)
    found = [_no_cells()]
    for each in listed.at("person"):
        if each.interval == "compound_poisson" and each.id not in absent:
            counted = person.counted(
                each,
                inputs.people,
                inputs.events,
                as_of=inputs.as_of,
                period=inputs.period,
                among=listed[each.among] if each.among else None,
            )
            found.append(_dominated(each, counted, mapping, policy))
    return pl.concat(found)


def _no_cells() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(CELL, pl.String))


def _dominated(
    indicator: Indicator, counted: Plan, mapping: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    bases = tuple(mapping["basis"].unique().sort())
    cell = [name for name in CELL if name != "indicator"]
    each = collect(
        known_units(collect(person.contributions(counted, bases, indicator.families)), mapping)
    )
    parts = each.join(mapping, on=["basis", "unit"]).with_columns(
        (pl.col("count") * pl.col("share")).round(DECIMALS)
    )
    found = dominance(parts.sort(*cell, "count"), policy, by=cell, value="count")
    rows = found.filter("dominated").with_columns(pl.lit(indicator.id).alias("indicator"))
    return rows.select(CELL)


def _areas(
    inputs: BaselineInputs, listed: Catalogue, places: pl.DataFrame, lives: pl.DataFrame
) -> _Areas:
    measures = collect(lazy(inputs.measures))
    cells = {e.id: area.cells(e, places, measures, inputs.n_areas) for e in listed.at("area")}
    absent = {name: area.gap(listed[name], found) for name, found in cells.items()}
    for each in (one for one in listed if one.composite):
        fitted = fit(cells, listed.members())
        absent[each.id] = fitted.reason
        cells[each.id] = area.scored(fitted.values, places)
    frames = [
        area.roll_up(found, lives, patients=area.by_patients(listed[name])).with_columns(
            pl.lit(name).alias("indicator")
        )
        for name, found in cells.items()
        if absent[name] is None and listed[name].deprivation != area.CONCENTRATION
    ]
    held = (listed[name] for name, why in absent.items() if why is None)
    whole = tuple(each for each in held if each.deprivation == area.CONCENTRATION)
    return _Areas(tuple(frames), {name: why for name, why in absent.items() if why}, whole)


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
    dispersions: Mapping[str, float],
    few: pl.DataFrame,
    policy: Policy | None,
) -> pl.DataFrame:
    """Add dispersion, dominated, period and policy; turn days of person-time into years."""
    rates = [each.id for each in listed if each.statistic == "rate"]
    years = (pl.col("denominator") / person.DAYS_A_YEAR).round(DECIMALS)
    by_id = pl.col("indicator").replace_strict
    periods = {each.id: _period(each, inputs) for each in listed}
    return (
        cells.join(few.with_columns(dominated=pl.lit(value=True)), on=list(CELL), how="left")
        .with_columns(
            pl.col("dominated").fill_null(value=False),
            pl.when(pl.col("indicator").is_in(rates))
            .then(years)
            .otherwise("denominator")
            .alias("denominator"),
            by_id(dict(dispersions), default=None, return_dtype=pl.Float64).alias("dispersion"),
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
