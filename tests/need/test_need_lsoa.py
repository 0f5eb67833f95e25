"""Values by LSOA for maps: published ones only, as the measures say."""

import pytest
import world

from pophealth_link.indicators import catalogue
from pophealth_link.need.lsoa import lsoa_values


def test_values_are_those_of_the_measures_and_never_of_a_larger_area():
    given = world.inputs(size=30, rows=10)
    values = lsoa_values(given)
    assert values.columns == ["area_code", "indicator", "value"]
    held = set(values["indicator"])
    drawn = {e.id for e in catalogue() if e.level == "area" and not e.imputed_down}
    # A single area has no local concentration.
    assert held == drawn - {"deprivation_local_concentration"}
    row = given.measures.filter(measure="overcrowded_bedrooms", area_code=world.lsoa(3))
    wanted = 100 * row["numerator"].item() / row["denominator"].item()
    value = values.filter(indicator="overcrowding_bedrooms", area_code=world.lsoa(3))["value"]
    assert value.item() == pytest.approx(wanted, abs=1e-6)
    assert values.equals(values.sort("indicator", "area_code"))
