"""An earlier person index: its people keep their ids, and only what is new is linked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.folders import is_folder, shown
from pophealth_link.link.person_index import number_name, record_name
from pophealth_link.privacy import Key, keyed_hash
from pophealth_link.schema.outputs import PERSON_INDEX

_FILE = "person_index.parquet"
_RECORD = ["source", "record_id"]
# People whose ids are made again to see whether the key is that of the index.
_SAMPLE = 2_000
_PAIR = ["rid_l", "rid_r"]
_FIX = "name the folder `linked` of an earlier run in link.previous_index."


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier index tells of the records that are still there.

    `records` holds `rid`, `unit` (the `rid` that stands for the person: the register row, else the
    smallest), `person_id`, `method`, `match_probability`. `ids` are all person ids of the index,
    `vanished` counts its records that are not there any more.
    """

    records: pl.DataFrame = field(repr=False)
    ids: pl.Series = field(repr=False)
    vanished: int = 0


def nobody() -> Known:
    """Return what is known where there is no earlier index."""
    schema = {"rid": pl.UInt32, "unit": pl.UInt32, "person_id": pl.String, "method": pl.String}
    frame = pl.DataFrame(schema=schema | {"match_probability": pl.Float64})
    return Known(frame, frame["person_id"])


def no_units() -> pl.DataFrame:
    """Return the columns `rid`, `unit` of nobody known."""
    return nobody().records.select("rid", "unit")


def files(path: Path) -> list[Path]:
    """Return the files that `read` reads; one that is absent is named too."""
    index = path / _FILE if is_folder(path) and not _is_table(path) else path
    return sorted(index.glob("*.parquet")) if is_folder(index) else [index]


def _is_table(folder: Path) -> bool:
    """Return whether the folder is itself a table in Parquet files."""
    return folder.suffix == ".parquet"


def read(path: Path) -> pl.DataFrame:
    """Return the person index of an earlier run: its folder `linked`, or the index itself.

    Raises `LinkageError` where it is absent, is no person index, or names a record twice.
    """
    table = _parquet(files(path))
    if table is None:
        raise LinkageError(f"{shown(path)} holds no person index that can be read.", fix=_FIX)
    wrong = [
        column.name
        for column in PERSON_INDEX.columns
        if table.schema.get(column.name) not in (column.dtype, pl.Null())
    ]
    if wrong:
        absent = f"Absent or of another type: {', '.join(wrong)}."
        raise LinkageError(f"{shown(path)} is not a person index.", absent, fix=_FIX)
    twice = table.height - table.select(_RECORD).n_unique()
    unnamed = table.filter(pl.any_horizontal(pl.col("person_id", *_RECORD).is_null())).height
    if twice or unnamed:
        faults = f"{twice:,} rows repeat a record, {unnamed:,} lack an id."
        raise LinkageError(f"{shown(path)} is not a sound person index.", faults, fix=_FIX)
    return table.select(column.name for column in PERSON_INDEX.columns)


def _parquet(paths: list[Path]) -> pl.DataFrame | None:
    try:
        return pl.read_parquet(paths)
    except (OSError, pl.exceptions.PolarsError):
        return None


def known(index: pl.DataFrame, records: pl.DataFrame, key: Key | None) -> Known:
    """Return which of the prepared `records` the index holds, and as whom.

    Raises `LinkageError` where it holds none of them, and where its person ids were not made with
    this key (if one is given): new people would get ids of another kind.
    """
    main = records.filter(~pl.col("alias"))
    held = index.join(main.select("rid", "on_register", *_RECORD), on=_RECORD)
    if held.is_empty():
        raise LinkageError(
            f"the previous index holds none of these {main.height:,} records.",
            "Sources and record ids must be those of the earlier run.",
            fix="leave link.previous_index out to link everything anew.",
        )
    if key is not None:
        _refuse_other_key(held, main, key)
    # The register row comes first, then the smallest.
    ordered = held.sort("person_id", ~pl.col("on_register"), "rid")
    unit = pl.col("rid").first().over("person_id")
    told = ordered.select("rid", unit.alias("unit"), "person_id", "method", "match_probability")
    ids = index["person_id"].unique().sort()
    return Known(told.sort("rid"), ids, index.height - held.height)


def _refuse_other_key(held: pl.DataFrame, main: pl.DataFrame, key: Key) -> None:
    """Make the ids of some people again: one that fits shows that the key is the same."""
    asked = held["person_id"].unique().sort().head(_SAMPLE)
    rows = held.filter(pl.col("person_id").is_in(asked.implode()))
    named = rows.join(main.select("rid", "nhs_number"), on="rid").select(
        "person_id", record=record_name(), number=number_name("nhs_number")
    )
    for name in ("record", "number"):
        made = keyed_hash(named, name, key, kind="person")
        if made.filter(pl.col(name) == pl.col("person_id")).height:
            return
    raise LinkageError(
        "the person ids of the previous index were made with another key.",
        f"None of {asked.len():,} ids could be made again with the key of this run.",
        fix="give the key of that run in [privacy] key_file.",
    )


def links(known: Known, records: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l` (register), `rid_r`, `decision`: the links that the earlier run made."""
    on_register = records.filter(pl.col("on_register") & ~pl.col("alias"))["rid"].implode()
    told = known.records.filter(
        pl.col("unit").is_in(on_register) & ~pl.col("rid").is_in(on_register)
    )
    return told.select(rid_l="unit", rid_r="rid", decision=pl.lit("accepted")).sort(_PAIR)


def at_odds(pairs: pl.DataFrame, links: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that, with `links`, would make two people of the earlier index one.

    Or one two: a new row of the register and a known person belong to each other alone.
    `known` holds `rid` and `unit`.
    """
    units = known.select(rid_r="rid", unit="unit")
    asked, there = pairs.join(units, on="rid_r"), links.join(units, on="rid_r")
    same_row = asked.join(there, on="rid_l", suffix="_there")
    same_unit = asked.join(there, on="unit", suffix="_there")
    return pl.concat(
        [
            same_row.filter(pl.col("unit") != pl.col("unit_there")).select(_PAIR),
            same_unit.filter(pl.col("rid_l") != pl.col("rid_l_there")).select(_PAIR),
        ]
    ).unique()


def two_people(pairs: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid_l`, `rid_r` of records that are two people of the earlier index."""
    left, right = (known.select(pl.col("rid").alias(f"rid_{s}"), "unit") for s in "lr")
    both = pairs.join(left, on="rid_l").join(right, on="rid_r", suffix="_r")
    return both.filter(pl.col("unit") != pl.col("unit_r")).select(_PAIR)
