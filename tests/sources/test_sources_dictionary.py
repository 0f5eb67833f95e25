"""The data dictionary says what the declarations say, and all of it."""

from __future__ import annotations

import polars as pl
import pytest

from pophealth_link.errors import JobError
from pophealth_link.schema import CODE_LISTS, TABLES
from pophealth_link.schema.describe import describe, dictionary


def test_every_column_has_one_row() -> None:
    frame = dictionary()
    assert frame.height == sum(len(table.columns) for table in TABLES.values())
    assert not frame.select("table", "column").is_duplicated().any()
    assert frame.select(pl.col("kind", "meaning", "sensitivity", "required").null_count()).row(
        0
    ) == (0, 0, 0, 0)


def test_a_row_says_what_was_declared() -> None:
    rows = dictionary().filter(table="delayed_discharges", column="reason").rows(named=True)
    (row,) = rows
    assert row["required"] is True
    assert row["kind"] == "code"
    assert row["sensitivity"] == "person"
    assert "14 = Housing: private rented; " in row["codes"]
    identifiers = dictionary().filter(table="dwellings", column="uprn")
    assert identifiers["sensitivity"].item() == "identifiable"
    assert dictionary().filter(table="areas", column="population")["unit"].item() == "people"


@pytest.mark.parametrize("name", [*TABLES, *CODE_LISTS])
def test_each_table_and_code_list_can_be_described(name: str) -> None:
    assert describe(name).height


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(JobError, match="Did you mean `referrals`"):
        describe("referals")
