"""The page about preparation: every row of its tables is run, and it names every column."""

import re
from pathlib import Path

import polars as pl
import pytest

from pophealth_link import prepare
from pophealth_link.prepare import records
from pophealth_link.schema.records import PEOPLE

PAGE = (Path(__file__).parents[2] / "docs" / "prepare.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)\.(\w+)` \| (.+?) \| (.+?) \|$", PAGE, re.M)


@pytest.mark.parametrize(("module", "function", "written", "becomes"), ROWS)
def test_what_becomes_of_what(module, function, written, becomes):
    made = getattr(getattr(prepare, module), function)
    value = pl.DataFrame({"v": [written]}).select(made(pl.col("v")))["v"].to_list()[0]
    told = "–" if value is None else ", ".join(value) if isinstance(value, list) else value
    assert told == becomes


def test_every_module_of_an_identifier_has_its_rows():
    shown = {module for module, *_ in ROWS}
    assert shown | {"dates", "records", "whole_names"} == set(prepare.__all__)


def test_the_page_names_every_column_that_is_added():
    table = PAGE.split("## Columns for comparison")[1]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.+?) \|", table, re.M))))
    made = records.standardise(pl.LazyFrame({"record_id": ["1"]})).collect_schema().names()
    assert named == set(made) - {column.name for column in PEOPLE.columns}
