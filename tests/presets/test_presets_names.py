"""Every name that a preset knows is read: one file for each table, each part and each name."""

from pathlib import Path

import pytest

from extracts import TABLES
from pophealth_link.schema import Column
from pophealth_link.sources import TableFile, preset, preset_names
from pophealth_link.sources.reading import load
from pophealth_link.sources.shape import Part, alternatives

PARTS = [
    (name, table, number)
    for name in preset_names()
    for table, told in preset(name).tables.items()
    for number in range(len(told.parts))
    if not (
        name.startswith("gp_") and table == "condition_events"
    )  # needs a codelist: test_presets_gp
]


def _value(column: Column, part: Part) -> str:
    if column.name in part.values:
        return next(iter(part.values[column.name])).rstrip("*")
    if column.kind == "date":
        return "2025-04-01"
    if column.codes is not None:
        return next(iter(column.codes.codes))
    return "1"


def _cells(part: Part, table: str, place: int) -> dict[str, str]:
    """Return column → value of a file that calls each column by its name at `place`, or its last."""
    told = {each.name: each for each in TABLES[table].columns}
    named = {
        names[min(place, len(names) - 1)]: _value(told[c], part)
        for c, names in part.columns.items()
    }
    combined = {
        alternatives(item)[min(place, len(alternatives(item)) - 1)]: "1"
        for column, items in part.combine.items()
        if column not in part.columns
        for item in items
    }
    where = {
        names.split("|")[0]: next(v for v in values if v).rstrip("*")
        for names, values in part.where.items()
    }
    stacked = {p[0].replace("*", "1").replace("??", "01"): "F200" for p in part.stack.values()}
    return {**stacked, **combined, **named, **where}


@pytest.mark.parametrize(("name", "table", "number"), PARTS)
def test_every_name_of_a_column_is_found_and_its_value_read(
    tmp_path: Path, name: str, table: str, number: int
) -> None:
    part = preset(name).tables[table].parts[number]
    told = (*part.columns.values(), *(alternatives(e) for i in part.combine.values() for e in i))
    for place in range(max(len(names) for names in told)):
        cells = _cells(part, table, place)
        keys = {
            key.split("|")[0]
            for of in (preset(name).tables[table].whole.spells,)
            if of
            for key in (*of.of, *of.otherwise)
        }
        cells = {**dict.fromkeys(keys - set(TABLES[table].names), "RAA"), **cells}
        path = tmp_path / (part.files[0].replace("*", "") + ".csv" if part.files else "file.csv")
        path.write_text(
            ",".join(f'"{key}"' for key in cells)
            + "\n"
            + ",".join(f'"{v}"' for v in cells.values())
            + "\n"
        )
        accepted = load(preset(name).apply_to_all(TableFile(TABLES[table], path)), where=name)
        assert not accepted.problems, [each.what for each in accepted.problems]
        assert {*part.columns, *part.constants, *part.combine} <= set(accepted.present)
        assert accepted.counts.unreadable == {}
        row = accepted.frame.row(0, named=True)
        assert all(
            row[column] is not None for column in (*part.columns, *part.constants, *part.stack)
        )
