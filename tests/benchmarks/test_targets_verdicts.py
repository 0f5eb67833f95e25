"""The verdicts of the targets: what is asked of which scope, and when it is met."""

import polars as pl
import pytest
from benchmarks.targets_answers import LIBRARY
from benchmarks.targets_data import ALL, COUNCIL, SECONDARY, scopes
from benchmarks.targets_figures import EQUAL, OWN, RECALL, Key
from benchmarks.targets_verdicts import (
    FEBRL,
    LARGE,
    MET,
    MISSED,
    NOT_MEASURED,
    POOLED,
    targets,
    verdicts,
)


def source(name, setting, records, numbers, *, register=False):
    return {
        "name": name,
        "setting": setting,
        "records": records,
        "numbers": numbers,
        "register": register,
    }


def test_scopes_follow_setting_and_numbers():
    rows = [
        source("gp", "primary_care", 100, 100, register=True),
        source("trust", "secondary_care", 100, 90),
        source("bare", "local_authority", 1000, 19),
        source("some", "local_authority", 1000, 20),
        source("school", "other", 100, 0),
    ]
    told = scopes(rows)
    assert told[ALL] == ["bare", "school", "some", "trust"]
    assert told[COUNCIL] == ["bare"]
    assert told[SECONDARY] == ["trust"]
    assert [name for name in told if len(told[name]) == 1 and told[name] == [name]] == [
        "trust", "bare", "some", "school",
    ]  # fmt: skip
    assert COUNCIL not in scopes(rows[:2])


def judged(found, family, sources=("s",), sets=20):
    """Verdicts by key on a frame of figures."""
    return {each.target.key: each for each in verdicts(found, targets(family, sources), sets)}


def rows_of(*figures_):
    schema = {
        **dict.fromkeys(Key._fields, pl.String),
        **dict.fromkeys(["part", "whole", "value", "lower", "upper"], pl.Float64),
    }
    return pl.DataFrame([(*key, *more) for key, *more in figures_], schema=schema, orient="row")


def test_a_ratio_is_judged_by_its_upper_limit_and_a_rate_by_itself():
    missed = Key("missed links ratio", "s", LIBRARY, EQUAL)
    gap = Key("gap ratio", ALL, LIBRARY, OWN)
    told = judged(
        rows_of((missed, 40.0, 100.0, 0.4, 0.3, 0.52), (gap, 0.1, 0.25, 0.4, 0.2, 0.9)), POOLED
    )
    assert told[missed].verdict == MISSED
    assert told[missed].beyond == pytest.approx(-0.02)
    assert told[missed].errors == 100
    assert told[missed].note == ""
    assert told[gap].verdict == MET
    assert told[gap].beyond == pytest.approx(0.1)
    recall = Key("recall", COUNCIL, LIBRARY, OWN)
    on_it = judged(rows_of((recall, 962.0, 1000.0, 0.962, 0.95, 0.97)), LARGE)
    assert on_it[recall].verdict == MET
    assert on_it[recall].beyond == 0
    febrl = Key("F1", ALL, LIBRARY, OWN)
    assert judged(rows_of((febrl, 1.0, 1.0, 0.9939, 0.99, 1.0)), FEBRL)[febrl].verdict == MISSED


def test_too_few_errors_are_told_with_what_would_do():
    key = Key("false links ratio", "s", LIBRARY, RECALL)
    few = judged(rows_of((key, 4.0, 12.0, 0.33, 0.1, 0.45)), POOLED)[key]
    assert (few.verdict, few.errors) == (MET, 12)
    assert "about 167 " in few.note
    fewer_sets = judged(rows_of((key, 40.0, 120.0, 0.33, 0.1, 0.45)), POOLED, sets=4)[key]
    assert fewer_sets.note == "4 of 20 data sets"


def test_what_has_no_figure_is_missed_or_not_measured():
    false = Key("false links ratio", "s", LIBRARY, RECALL)
    gap = Key("gap ratio", ALL, LIBRARY, OWN)
    unreached = judged(rows_of((false, None, 12.0, None, None, None)), POOLED)[false]
    assert (unreached.verdict, unreached.beyond) == (MISSED, None)
    nothing = judged(rows_of((false, 0.0, 0.0, None, None, None)), POOLED)[false]
    assert nothing.verdict == NOT_MEASURED
    assert judged(rows_of((gap, None, None, None, None, None)), POOLED)[gap].verdict == NOT_MEASURED
    assert judged(rows_of(), POOLED) == {}
