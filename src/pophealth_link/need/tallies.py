"""What people, events and dwellings add to the counts of units: tallies of parts add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators import area, events, person, property
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import Evidence
from pophealth_link.indicators.parts import combined, parts_of
from pophealth_link.indicators.reduced import Reduced, reduced
from pophealth_link.indicators.rows import Plan
from pophealth_link.indicators.tally import COUNTS
from pophealth_link.need.homes import with_homes
from pophealth_link.need.inputs import BaselineInputs, require_age_bands
from pophealth_link.schema.strata import FAMILIES

_UNIT = ("basis", "unit", "indicator", "stratum")
_HOME = ("unit", "lsoa_code")
# So many indicators are counted together: more would hold more people at once.
AT_ONCE = 32


@dataclass(frozen=True)
class Tally:
    """Counts of some people and dwellings; those of others can be added, see `together`.

    `units`: basis, unit, indicator, stratum and COUNTS of person- and property-level indicators.
    `lives`: see `area.living`. `evidence`: what shows whether there is data, by indicator.
    """

    units: pl.DataFrame = field(repr=False)
    lives: pl.DataFrame = field(repr=False)
    evidence: Mapping[str, tuple[Evidence, ...]] = field(repr=False)


def tally(inputs: BaselineInputs, *, indicators: Catalogue | None = None) -> Tally:
    """Count people, their events and dwellings by unit, for the bases of `unit_footprints`.

    Only the rest of a count needs all people at once: see `counts.count_tally`. Raises `DataError`
    where people have an age band that does not exist.
    """
    listed = catalogue() if indicators is None else indicators
    require_age_bands(inputs.people)
    inputs = with_homes(inputs)
    bases = tuple(_bases(inputs.unit_footprints))
    small = reduced(
        _people(listed), inputs.people, inputs.events, as_of=inputs.as_of, period=inputs.period
    )
    shown = _shown(inputs, listed, small)
    known = [each.id for each in (*_people(listed), *_homes(listed)) if _has(each, shown, listed)]
    counted = [small.indicators[each.id] for each in _people(listed) if each.id in known]
    frames = list(of_people(counted, replace(inputs, events=small.events), small.indicators, bases))
    homes = [each for each in _homes(listed) if each.id in known]
    if homes:
        places = area.lsoas(inputs.areas, inputs.deprivation)
        placed = property.place(inputs.dwellings, inputs.people, places)
        frames += [_named(property.roll_up(each, placed, bases), each) for each in homes]
    empty = dict.fromkeys(_UNIT, pl.String) | dict.fromkeys(COUNTS, pl.Int64)
    units = pl.concat([pl.DataFrame(schema=empty), *frames])
    return Tally(units, area.living(inputs.people), shown)


def by_person(
    inputs: BaselineInputs, *, indicators: Catalogue
) -> Iterator[tuple[tuple[str, ...], pl.DataFrame, pl.DataFrame]]:
    """Return person-level indicators about the same people, these people, and what each counts.

    The people: person_id, weight (see `person.population`); what they count: person_id, indicator,
    count (above zero). Indicators whose tables are not there are left out.
    """
    inputs = with_homes(inputs)
    small = reduced(
        _people(indicators), inputs.people, inputs.events, as_of=inputs.as_of, period=inputs.period
    )
    shown = _shown(inputs, indicators, small)
    listed, held = small.indicators, replace(inputs, events=small.events)
    counted = [listed[e.id] for e in _people(indicators) if _has(e, shown, indicators)]
    parts: dict[str, Plan] = {}
    for group in _alike(counted):
        people = _members(group[0], held, listed, parts)
        counts = [
            _counts_of(group[begin : begin + AT_ONCE], people, held, parts)
            for begin in range(0, len(group), AT_ONCE)
        ]
        names = tuple(each.id for each in group)
        yield names, collect(people.select("person_id", "weight")), pl.concat(counts)


def _counts_of(
    some: Sequence[Indicator], people: Plan, inputs: BaselineInputs, parts: dict[str, Plan]
) -> pl.DataFrame:
    counts = nw.concat([_labelled(each, inputs, parts) for each in some])
    held = counts.join(people.select("person_id"), on="person_id", how="semi")
    return collect(held).select("person_id", "indicator", "count")


def together(tallies: Sequence[Tally]) -> Tally:
    """Add up tallies of people and dwellings of whom no two share one."""
    units = pl.concat(each.units for each in tallies)
    lives = pl.concat(each.lives for each in tallies)
    first, *rest = (each.evidence for each in tallies)
    shown = dict(first)
    for more in rest:
        shown = {
            name: tuple(a + b for a, b in zip(found, more[name], strict=True))
            for name, found in shown.items()
        }
    return Tally(
        units.group_by(_UNIT).agg(pl.col(COUNTS).sum()).sort(_UNIT),
        lives.group_by(_HOME).agg(pl.col("people").sum()).sort(_HOME),
        shown,
    )


def gaps(made: Tally, listed: Catalogue) -> dict[str, str]:
    """Return why there is no data for an indicator, for each that has none."""
    people = {e.id: events.gap_shown(e, made.evidence[e.id]) for e in _people(listed)}
    homes = {e.id: property.gap_shown(e, made.evidence[e.id][0]) for e in _homes(listed)}
    # Among people whom no source shows there is nobody to count.
    within = {e.id: people[e.id] or people[e.among] for e in _people(listed) if e.among}
    return {name: why for name, why in {**people, **homes, **within}.items() if why}


def notes(made: Tally, listed: Catalogue) -> dict[str, str]:
    """Return which tables an indicator is counted without, for each that has some of them."""
    told = {e.id: events.in_part(e, made.evidence[e.id]) for e in _people(listed)}
    return {name: why for name, why in told.items() if why}


def _people(listed: Catalogue) -> list[Indicator]:
    return list(listed.at("person"))


def _homes(listed: Catalogue) -> list[Indicator]:
    return list(listed.at("property"))


def _bases(unit_footprints: Frame) -> list[str]:
    found = collect(lazy(unit_footprints).select("basis").unique(keep="any"))
    return found["basis"].sort().to_list()


def _shown(
    inputs: BaselineInputs, listed: Catalogue, small: Reduced
) -> dict[str, tuple[Evidence, ...]]:
    """Return what the tables and dwellings show of each indicator; a rule is looked up once."""
    people = {e.id: tuple(small.evidence[repr(rule)] for rule in e.events) for e in _people(listed)}
    homes = {e.id: (property.evidence(e, inputs.dwellings),) for e in _homes(listed)}
    return {**people, **homes}


def _has(each: Indicator, shown: Mapping[str, tuple[Evidence, ...]], listed: Catalogue) -> bool:
    """Return whether the tables that an indicator reads are there."""
    if each.unnamed or (each.among and not _has(listed[each.among], shown, listed)):
        return False
    if not each.parts:
        return not any(one.lacks for one in shown[each.id])
    told = zip(each.events, shown[each.id], strict=True)
    return {rule.part for rule, one in told if not one.lacks} == set(each.parts)


def of_people(
    counted: Sequence[Indicator],
    inputs: BaselineInputs,
    listed: Mapping[str, Indicator],
    bases: tuple[str, ...],
) -> Iterator[pl.DataFrame]:
    """Return basis, unit, indicator, stratum and COUNTS of person-level indicators, some at a time.

    The people of an indicator are its denominator: they are counted once for all indicators that
    are about the same people, and joined once to those whom several of them count. What several
    indicators combine is looked up once, too.
    """
    parts: dict[str, Plan] = {}
    for group in _alike(counted):
        yield from _of_group(group, inputs, listed, bases, parts)


def _alike(counted: Sequence[Indicator]) -> list[list[Indicator]]:
    """Return the indicators, those together that are about the same people."""
    groups: dict[tuple[object, ...], list[Indicator]] = {}
    for each in counted:
        about = (each.min_age, each.max_age, each.statistic == "rate", each.among)
        groups.setdefault(about, []).append(each)
    return list(groups.values())


def _of_group(
    group: Sequence[Indicator],
    inputs: BaselineInputs,
    listed: Mapping[str, Indicator],
    bases: tuple[str, ...],
    parts: dict[str, Plan],
) -> Iterator[pl.DataFrame]:
    held = _members(group[0], inputs, listed, parts)
    families = tuple(FAMILIES.values())
    under = collect(person.denominators(held, families, bases))
    for begin in range(0, len(group), AT_ONCE):
        some = group[begin : begin + AT_ONCE]
        counts = nw.concat([_labelled(each, inputs, parts) for each in some])
        over = collect(person.numerators(held, counts, families, bases, by=("indicator",)))
        yield _together(some, under, over)


def _members(
    first: Indicator,
    inputs: BaselineInputs,
    listed: Mapping[str, Indicator],
    parts: dict[str, Plan],
) -> Plan:
    """Return the people of an indicator's denominator, made."""
    held = person.population(inputs.people, first)
    if first.among:
        theirs = _per_person(listed[first.among], inputs, parts)
        held = held.join(theirs, on="person_id", how="semi")
    return _kept(held)


def _labelled(each: Indicator, inputs: BaselineInputs, parts: dict[str, Plan]) -> Plan:
    counts = _per_person(each, inputs, parts)
    return counts.select("person_id", "count", nw.lit(each.id).alias("indicator"))


def _together(some: Sequence[Indicator], under: pl.DataFrame, over: pl.DataFrame) -> pl.DataFrame:
    """Join denominators, in the strata of each indicator, with numerators: zero where nobody is."""
    strata = [(each.id, stratum) for each in some for stratum in each.all_strata]
    named = pl.DataFrame(strata, schema=["indicator", "stratum"], orient="row")
    cells = under.join(named, on="stratum").join(over, on=_UNIT, how="left")
    return cells.select(*_UNIT, pl.col(COUNTS).fill_null(0).cast(pl.Int64))


def _per_person(each: Indicator, inputs: BaselineInputs, parts: dict[str, Plan]) -> Plan:
    when = {"as_of": inputs.as_of, "period": inputs.period}
    if not each.parts:
        found = events.per_person(each, inputs.events, **when)  # type: ignore[arg-type]
        return person.of_its_ages(found, inputs.people, each)
    key = repr(each.events)
    if key not in parts:
        parts[key] = _kept(parts_of(each.events, inputs.events, **when))  # type: ignore[arg-type]
    return person.of_its_ages(combined(parts[key], each), inputs.people, each)


def _kept(plan: Plan) -> Plan:
    """Return the plan with its rows made, where that can be done on the engine it is on."""
    native = nw.to_native(plan)
    return lazy(native.collect()) if isinstance(native, pl.LazyFrame) else plan


def _named(rolled: Frame, indicator: Indicator) -> pl.DataFrame:
    named = collect(rolled).with_columns(pl.lit(indicator.id).alias("indicator"))
    return named.select(*_UNIT, pl.col(COUNTS).cast(pl.Int64))
