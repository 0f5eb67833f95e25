"""What is counted without some of its tables says so, in the counts and in the summary."""

from __future__ import annotations

import polars as pl
import pytest
import world

from pophealth_link.disclosure import policy
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.indicators.overlap import names_of
from pophealth_link.need import count, release

HES = policy("hes")
NAMES = ["dementia_known", *names_of("dementia").values(), "dementia_recorded"]
LISTED = Catalogue({name: catalogue()[name] for name in NAMES})
SAID = "counted without trust: diagnoses"


@pytest.fixture(scope="module")
def events():
    made = world.events(600, 2000)
    dementia = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("F00"))
    admissions = made["admissions"].with_columns(
        primary_diagnosis=dementia.otherwise("primary_diagnosis")
    )
    return {**made, "admissions": admissions}


def counted(events) -> pl.DataFrame:
    return count(world.inputs(size=600, events=events), policy=HES, indicators=LISTED)


def test_a_cell_says_which_tables_it_goes_without(events):
    some = {name: frame for name, frame in events.items() if name != "diagnoses"}
    rows = counted(some).filter(pl.col("numerator").is_not_null(), pl.col("denominator") > 0)
    known = rows.filter(pl.col("indicator") != "dementia_recorded")
    assert set(known["reason"]) == {SAID}
    assert set(known["status"]) <= {"ok", "estimated"}
    assert rows.filter(indicator="dementia_recorded")["reason"].null_count() > 0
    assert counted(events)["reason"].is_null().all()


def test_so_does_the_summary(events):
    some = {name: frame for name, frame in events.items() if name != "diagnoses"}
    _, summary = release(counted(some), HES, indicators=LISTED)
    facts = {fact["indicator"]: fact for fact in summary["indicators"]}
    assert facts["dementia_known_gp_only"]["reason"] == SAID
    assert "status" not in facts["dementia_known_gp_only"]
    assert "reason" not in facts["dementia_recorded"]
