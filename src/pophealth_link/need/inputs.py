"""What a baseline is counted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import narwhals as nw

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import DataError
from pophealth_link.schema.codes import AGE_BAND_STARTS


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


def require_age_bands(people: Frame) -> None:
    """Refuse people whose age band is none of the list: they would be in no count by age.

    An empty band is an age that is not known, and is let through. Raises `DataError`, which tells
    how many people, and no value.
    """
    band = nw.col("age_band")
    strange = lazy(people).filter(~band.is_null(), ~band.is_in(list(AGE_BAND_STARTS)))
    many = int(collect(strange.select(nw.len().alias("people")))["people"].item())
    if many:
        raise DataError(
            f"{many:,} people have an age band that does not exist.",
            "They would count neither among children nor among adults.",
            fix="give bands of the code list `age_band`; leave an age that is not known empty.",
        )
