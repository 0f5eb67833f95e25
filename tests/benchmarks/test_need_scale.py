"""The scale benchmark on few events: both ways of counting agree, and the same is made again."""

from __future__ import annotations

import json

import polars as pl
import pytest

from benchmarks import need_scale, need_scale_plain
from pophealth_link.indicators import catalogue


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("scale")
    need_scale.make(made, 20_000, 600)
    return made


def test_the_library_counts_as_the_hand_written_code_does(folder):
    counted = need_scale.library(folder)
    plain = need_scale_plain.count(
        folder, need_scale.footprints(), need_scale.listed(), need_scale.AS_OF, need_scale.PERIOD
    )
    key, numbers = list(need_scale.CELL), list(need_scale.COUNTS)
    given = counted.filter(pl.col("denominator") > 0).select(*key, *numbers)
    both = given.join(plain, on=key, how="full", suffix="_plain")
    assert both.height == given.height == plain.height
    for name in numbers:
        gap = (both[name].cast(pl.Float64) - both[f"{name}_plain"].cast(pl.Float64)).abs()
        assert gap.max() < 1e-3
    assert given["numerator"].sum() > 1000


def test_the_same_seed_makes_the_same_events_in_parts(folder, tmp_path):
    need_scale.make(tmp_path, 20_000, 600)
    for name in ("people.parquet", "events/part-000.parquet"):
        assert pl.read_parquet(folder / name).equals(pl.read_parquet(tmp_path / name))
    rows = pl.scan_parquet(folder / "events" / "*.parquet")
    assert rows.select(pl.len()).collect().item() == 20_000


def test_what_is_counted_is_said_beside_the_whole_catalogue():
    told = need_scale.scope()
    assert told["of"] == len(catalogue())
    assert told["indicators"] == len(need_scale.listed()) > 10
    combined = {each.id for each in catalogue().at("person") if each.parts or each.among}
    assert told["combined"] == len(combined) > 100
    assert not combined & set(need_scale.listed().ids)


def test_the_results_hold_ratio_limits_and_what_was_counted(tmp_path, capsys):
    """By hand: medians 12 and 10 s, 6 and 5 s of processor; at most 7 GB."""
    for name in need_scale.SYSTEMS:
        pl.DataFrame({"a": [1]}).write_parquet(tmp_path / f"{name}.parquet")
    taken = {
        "library": [(11.0, 6.0, 7_000_000_000), (12.0, 6.0, 5), (13.0, 6.0, 5)],
        "plain": [(10.0, 5.0, 12_000_000_000)],
    }
    about = {"events": 20, "people": 6}
    assert need_scale.tell(taken, about, tmp_path, tmp_path) == 0
    found = json.loads((tmp_path / "need_scale.json").read_text())
    assert found["events"] == 20
    assert found["ratio"] == pytest.approx(1.2)
    assert found["scope"] == need_scale.scope()
    assert found["systems"]["library"] == {
        "seconds": 12.0, "processor": 6.0, "peak_memory": 7_000_000_000
    }  # fmt: skip
    assert (found["equal"], found["met"]) == (True, True)
    told = f"{len(need_scale.listed())} of {len(catalogue())} indicators"
    assert told in capsys.readouterr().out
    pl.DataFrame({"a": [2]}).write_parquet(tmp_path / "plain.parquet")
    assert need_scale.tell(taken, about, tmp_path, None) == 1
    slow = taken | {"plain": [(7.0, 5.0, 1)]}
    assert need_scale.tell(slow, about, tmp_path, None) == 1
