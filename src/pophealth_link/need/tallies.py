"""What people, events and dwellings add to the counts of units: tallies of parts add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators import area, events, person, property
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import Evidence
from pophealth_link.indicators.tally import COUNTS
from pophealth_link.need.inputs import BaselineInputs

_UNIT = ("basis", "unit", "indicator", "stratum")
_HOME = ("unit", "lsoa_code")


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

    Only the rest of a count needs all people at once: see `counts.count_tally`.
    """
    listed = catalogue() if indicators is None else indicators
    bases = tuple(_bases(inputs.unit_footprints))
    shown = {each.id: _evidence(each, inputs) for each in (*_people(listed), *_homes(listed))}
    known = [name for name, found in shown.items() if not any(one.lacks for one in found)]
    frames = [_of_people(each, inputs, bases) for each in _people(listed) if each.id in known]
    homes = [each for each in _homes(listed) if each.id in known]
    if homes:
        places = area.lsoas(inputs.areas, inputs.deprivation)
        placed = property.place(inputs.dwellings, inputs.people, places)
        frames += [_named(property.roll_up(each, placed, bases), each) for each in homes]
    empty = dict.fromkeys(_UNIT, pl.String) | dict.fromkeys(COUNTS, pl.Int64)
    units = pl.concat([pl.DataFrame(schema=empty), *frames])
    return Tally(units, area.living(inputs.people), shown)


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
    return {name: why for name, why in {**people, **homes}.items() if why}


def _people(listed: Catalogue) -> list[Indicator]:
    return list(listed.at("person"))


def _homes(listed: Catalogue) -> list[Indicator]:
    return list(listed.at("property"))


def _bases(unit_footprints: Frame) -> list[str]:
    found = collect(lazy(unit_footprints).select("basis").unique(keep="any"))
    return found["basis"].sort().to_list()


def _evidence(indicator: Indicator, inputs: BaselineInputs) -> tuple[Evidence, ...]:
    if indicator.level == "property":
        return (property.evidence(indicator, inputs.dwellings),)
    return events.evidence(indicator, inputs.events, as_of=inputs.as_of, period=inputs.period)


def _of_people(
    indicator: Indicator, inputs: BaselineInputs, bases: tuple[str, ...]
) -> pl.DataFrame:
    rolled = person.roll_up(
        indicator,
        inputs.people,
        inputs.events,
        as_of=inputs.as_of,
        period=inputs.period,
        bases=bases,
    )
    return _named(rolled, indicator)


def _named(rolled: Frame, indicator: Indicator) -> pl.DataFrame:
    named = collect(rolled).with_columns(pl.lit(indicator.id).alias("indicator"))
    return named.select(*_UNIT, pl.col(COUNTS).cast(pl.Int64))
