"""The scale benchmark on few events: both ways of counting agree, and the same is made again."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks import need_scale, need_scale_plain


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
