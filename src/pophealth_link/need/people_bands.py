"""Current people of footprints by age, sex and deprivation, as the policy lets them be released.

Rates of surveys are applied to these counts and to no others, so that nothing modelled tells more
than the counts do. The table itself is finer than the strata of the baseline and is not released:
beside them it would give small counts away by subtraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import narwhals as nw
import polars as pl

from pophealth_link.disclosure import Policy, protect, relations
from pophealth_link.engine import collect, lazy
from pophealth_link.indicators.footprints import (
    FOOTPRINT,
    complete_mapping,
    known_units,
    to_footprints,
)
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.outputs_modelled import PEOPLE_BANDS

FEMALE, MALE = "female", "male"
UNKNOWN = "unknown"
_FEMALE_CODE = "2"
# Deprivation is counted for broad ages only: finer ones would be withheld more often than not.
BROAD: Mapping[str, tuple[int, int]] = {"0-17": (0, 17), "18-64": (18, 64), "65+": (65, 200)}
_QUINTILES = ("1", "2", "3", "4", "5", UNKNOWN)
_PERSON = ("registered_unit", "resident_unit", "age_band", "sex", "quintile")
_STRATA = {
    "sex": ("all", f"sex_{FEMALE}", f"sex_{MALE}"),
    "quintile": ("all", *(f"quintile_{fifth}" for fifth in _QUINTILES)),
}
_PREFIX = "people_"
_CELL = (*FOOTPRINT, "indicator", "stratum")


@dataclass(frozen=True)
class PeopleBands:
    """`frame`: PEOPLE_BANDS, sorted. `account`: counts withheld and the differencing check."""

    frame: pl.DataFrame = field(repr=False)
    account: Mapping[str, Any]


def people_bands(inputs: BaselineInputs, policy: Policy) -> PeopleBands:
    """Count current people by footprint, basis, age band and sex, and by broad age and quintile.

    `male` also holds those whose sex is not stated. Counts go through the policy; further ones are
    withheld where subtraction would give one back, within the table and between nested footprints.
    People without an age band are in none of the bands. Withheld counts are empty, with the status
    `suppressed`. Raises `DisclosureError` where no release can pass the differencing check.
    """
    rows = _counted(inputs)
    sums = {_PREFIX + name: [_PREFIX + b for b in bands_of(*span)] for name, span in BROAD.items()}
    held = relations(rows, collect(lazy(inputs.unit_footprints)), sums=sums)
    done = protect(rows, policy, relations=held, counts=["people"])
    account = {
        "suppressed": done.suppressed["people"],
        "secondary": done.secondary["people"],
        "differencing": asdict(done.check),
    }
    return PeopleBands(_in_schema(done.frame), account)


def bands_of(first: int, last: int) -> tuple[str, ...]:
    """Return the age bands that begin between two ages, both included.

    >>> bands_of(65, 79)
    ('65-69', '70-74', '75-79')
    """
    return tuple(band for band, start in AGE_BAND_STARTS.items() if first <= start <= last)


def _counted(inputs: BaselineInputs) -> pl.DataFrame:
    """Return _CELL, people and status of every footprint, band and stratum."""
    plan = lazy(inputs.people).filter(nw.col("current").fill_null(value=False))
    plan = plan.group_by(*_PERSON).agg(nw.len().alias("people"))
    people = collect(plan).with_columns(pl.col("people").cast(pl.Float64)).sort(_PERSON)
    mapping = complete_mapping(inputs.unit_footprints)
    bases = mapping["basis"].unique().sort().to_list()
    units = pl.concat([_of_basis(people, basis) for basis in bases])
    known = collect(known_units(units, mapping))
    found = to_footprints(known, mapping).select(*_CELL, people="numerator", split="split")
    status = pl.when(pl.col("split").fill_null(value=False)).then(pl.lit("estimated"))
    return (
        _grid(mapping)
        .join(found, on=list(_CELL), how="left")
        .with_columns(
            pl.col("people").fill_null(0.0), status.otherwise(pl.lit("ok")).alias("status")
        )
        .drop("split")
        .sort(_CELL)
    )


def _of_basis(people: pl.DataFrame, basis: str) -> pl.DataFrame:
    """Return basis, unit, indicator, stratum and sums, by band and sex, by broad age and fifth."""
    # The few whose sex is not stated would be small counts, for which others had to be withheld.
    female = (pl.col("sex") == _FEMALE_CODE).fill_null(value=False)
    sex = pl.when(female).then(pl.lit(FEMALE)).otherwise(pl.lit(MALE))
    fifth = pl.col("quintile").cast(pl.Int64).cast(pl.String).fill_null(UNKNOWN)
    broad = {b: name for name, span in BROAD.items() for b in bands_of(*span)}
    ages = {
        "sex": (pl.col("age_band"), sex),
        "quintile": (pl.col("age_band").replace_strict(broad, default=None), fifth),
    }
    parts = [
        people.filter(band.is_not_null()).select(
            pl.lit(basis).alias("basis"),
            pl.col(f"{basis}_unit").alias("unit"),
            (_PREFIX + band).alias("indicator"),
            stratum.alias("stratum"),
            pl.col("people").alias("numerator"),
        )
        for family, (band, group) in ages.items()
        for stratum in (pl.lit("all"), f"{family}_" + group)
    ]
    keys = ["basis", "unit", "indicator", "stratum"]
    total = pl.concat(parts).group_by(keys).agg(pl.col("numerator").sum()).sort(keys)
    return total.with_columns(denominator=pl.lit(0.0), contributors=pl.lit(0.0))


def _grid(mapping: pl.DataFrame) -> pl.DataFrame:
    named = {
        "sex": list(AGE_BAND_STARTS),
        "quintile": list(BROAD),
    }
    rows = [
        (_PREFIX + ages, stratum)
        for family, bands in named.items()
        for ages in bands
        for stratum in _STRATA[family]
    ]
    cells = pl.DataFrame(rows, schema=["indicator", "stratum"], orient="row")
    return mapping.select(FOOTPRINT).unique().join(cells, how="cross").sort(_CELL)


def _in_schema(rows: pl.DataFrame) -> pl.DataFrame:
    named = pl.col("indicator").str.strip_prefix(_PREFIX)
    by_fifth = named.is_in(list(BROAD))
    group = pl.col("stratum").str.replace(r"^[a-z]+_", "")
    sort = ["footprint_type", "footprint_code", "basis", "order", "stratum"]
    order = named.replace_strict(
        {band: place for place, band in enumerate((*AGE_BAND_STARTS, *BROAD))}
    )
    return (
        rows.with_columns(order=order)
        .sort(sort)
        .select(
            *FOOTPRINT,
            named.alias("ages"),
            pl.when(~by_fifth).then(group).alias("sex"),
            pl.when(by_fifth).then(group).alias("quintile"),
            "people",
            "status",
        )
        .select(pl.col(c.name).cast(c.dtype) for c in PEOPLE_BANDS.columns)
    )
