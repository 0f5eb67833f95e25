"""Ages that are not known, and bands that do not exist: nobody is lost between the ages."""

import duckdb
import polars as pl
import pytest
import world

from pophealth_link.errors import DataError
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.need import count

CHILDREN, ADULTS, ALL = "anxiety_recorded_children", "anxiety_recorded", "anxiety_known"
CELL = ["footprint_type", "footprint_code", "basis", "stratum"]
NAMES = [CHILDREN, ADULTS, ALL, "mental_health_contacts"]


def listed():
    shipped = catalogue()
    return Catalogue({name: shipped[name] for name in NAMES})


def people(strange):
    """Make one in twenty of an age that is given."""
    each = pl.int_range(pl.len()) % 20 == 0
    band = pl.when(each).then(pl.lit(strange, pl.String)).otherwise("age_band")
    return world.people(2500, 80).with_columns(age_band=band)


def test_children_adults_and_people_of_unknown_age_are_everybody():
    given = people(None)
    counts = count(world.inputs(size=2500, rows=500, people=given), indicators=listed())
    by = counts.filter(stratum="all").pivot(
        "indicator", index=CELL, values="denominator", aggregate_function="first"
    )
    apart = by.select(pl.col(ALL) - pl.col(CHILDREN) - pl.col(ADULTS)).to_series()
    assert apart.min() >= 0
    whole = by.with_columns(unknown=apart).filter(footprint_type="whole").group_by("basis")
    unknown = given.filter("current", pl.col("age_band").is_null()).height
    assert unknown > 100
    assert dict(whole.agg(pl.col("unknown").sum()).iter_rows()) == {
        "registered": unknown,
        "resident": unknown,
    }
    # They are told apart where an indicator is given by age.
    contacts = counts.filter(indicator="mental_health_contacts", footprint_type="lad")
    wide = contacts.pivot("stratum", index=["footprint_code"], values="denominator")
    ages = ["age_0_17", "age_18_25", "age_26_64", "age_65_over", "age_unknown"]
    assert (wide["all"] - wide.select(pl.sum_horizontal(ages)).to_series()).abs().max() < 1e-3
    assert wide["age_unknown"].sum() > 0


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_an_age_band_that_does_not_exist_is_refused_without_telling_it(engine):
    given = people("40 to 44")
    frame = given if engine == "polars" else duckdb.sql("select * from given")
    with pytest.raises(DataError) as caught:
        count(world.inputs(size=2500, rows=10, people=frame), indicators=listed())
    assert "125 people have an age band that does not exist" in str(caught.value)
    assert "40 to 44" not in str(caught.value)
