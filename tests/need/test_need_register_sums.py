"""Registers that are the sum of what practices know of: true of the counts, and declared."""

from dataclasses import replace

import polars as pl
import world

from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.indicators.overlap import names_of, register_sums
from pophealth_link.need import count
from pophealth_link.need.protection import sums_of

REGISTERS = ("mental_illness_recorded", "anxiety_recorded", "anxiety_recorded_children")
REGISTERS += ("anxiety_recorded_age_unknown",)


def test_registers_equal_the_parts_known_to_practices_and_are_declared_so():
    shipped = catalogue()
    parts = {
        condition: [name for who, name in names_of(condition).items() if "gp" in who]
        for condition in ("mental_illness", "anxiety")
    }
    names = [*REGISTERS, *parts["mental_illness"], *parts["anxiety"]]
    some = Catalogue({name: shipped[name] for name in names})
    given = world.inputs(size=800, rows=500)
    # Of one in 20 the age is not known.
    aged = given.people.with_columns(
        age_band=pl.when(pl.int_range(pl.len()) % 20 != 0).then("age_band")
    )
    counts = count(replace(given, people=aged), indicators=some).filter(stratum="all")
    place = ["footprint_type", "footprint_code", "basis"]
    wide = counts.pivot("indicator", index=place, values="numerator").fill_null(0)
    both = wide.with_columns(
        mental_illness=pl.sum_horizontal(parts["mental_illness"]),
        anxiety=pl.sum_horizontal(parts["anxiety"]),
    )
    assert both["mental_illness"].sum() > 0
    assert (both["mental_illness"] - both["mental_illness_recorded"]).abs().max() < 1e-6
    assert both["anxiety_recorded_age_unknown"].sum() > 0
    together = both.select(pl.sum_horizontal(REGISTERS[1:])).to_series()
    assert (both["anxiety"] - together).abs().max() < 1e-6
    assert sorted(sums_of(shipped)["mental_illness_recorded"]) == sorted(parts["mental_illness"])
    (told,) = register_sums(shipped.ids)
    assert {name for name, _ in told} == {*REGISTERS[1:], *parts["anxiety"]}
    assert sum(told.values()) == 4 - 3
