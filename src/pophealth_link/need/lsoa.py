"""Published values by LSOA, for maps: no figure that comes from records is among them."""

from __future__ import annotations

import polars as pl

from pophealth_link.engine import collect, lazy
from pophealth_link.indicators import area
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.need.counts import need_index
from pophealth_link.need.inputs import BaselineInputs

_COLUMNS = ("area_code", "indicator", "value")


def lsoa_values(inputs: BaselineInputs, *, indicators: Catalogue | None = None) -> pl.DataFrame:
    """Return `area_code`, `indicator`, `value` of every area-level indicator that LSOAs have.

    Values are in the indicator's unit, to 6 decimals. Values of local authorities are left out:
    put on LSOAs they are imputed, and a map of them would draw authorities. So is the local
    concentration: a single area has none.
    """
    listed = catalogue() if indicators is None else indicators
    places = area.lsoas(inputs.areas, inputs.deprivation)
    measures = collect(lazy(inputs.measures))
    areas = [each for each in listed if each.level == "area" and not each.imputed_down]
    drawn = [each for each in areas if each.deprivation != area.CONCENTRATION]
    frames = [
        _values(each, area.cells(each, places, measures, inputs.n_areas))
        for each in drawn
        if not each.composite
    ]
    index = need_index(inputs, indicators=listed)
    frames += [
        index.values.select(area_code="lsoa_code", indicator=pl.lit(each.id), value="value")
        for each in drawn
        if each.composite
    ]
    return pl.concat(frames).sort("indicator", "area_code")


def _values(indicator: Indicator, cells: pl.DataFrame) -> pl.DataFrame:
    value = indicator.multiplier * pl.col("numerator") / pl.col("denominator")
    return cells.select(
        pl.col("lsoa_code").alias("area_code"),
        pl.lit(indicator.id).alias("indicator"),
        value.round(6).alias("value"),
    )
