"""The benchmark of preparation times what it names."""

from datetime import date

import polars as pl

from benchmarks import prepare_speed
from pophealth_link.schema.records import PEOPLE


def test_every_stage_runs_on_a_register_and_is_timed():
    row = {"record_id": "1", "given_name": "Ann", "date_of_birth": date(1980, 5, 1)}
    people = pl.DataFrame([row], schema=PEOPLE.polars_schema)
    stages = prepare_speed.stages(people)
    assert all(len(run()) == 1 for run in stages.values())
    calls = []
    figures = prepare_speed.timed({"one": lambda: calls.append(1)}, 5)
    assert len(calls) == 5
    assert all(each >= 0 for each in figures["one"])
