"""An earlier person index: its people keep their ids, and only what is new is linked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.folders import is_folder, shown
from pophealth_link.link.passes import NAME
from pophealth_link.link.person_index import REGISTER, UNLINKED, number_name, record_name
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
    `vanished` counts its records that are not there any more, `undone` those that a reviewer's no
    took from their person.
    """

    records: pl.DataFrame = field(repr=False)
    ids: pl.Series = field(repr=False)
    vanished: int = 0
    undone: int = 0


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


def read(path: Path, unique: Collection[str] = ()) -> pl.DataFrame:
    """Return the person index of an earlier run: its folder `linked`, or the index itself.

    `unique` names the sources of unique people. Raises `LinkageError` where it is absent, is no
    person index, or is none that a run could have written: a record is there twice, one person is
    two rows of the register or two records of a unique source, a method or probability is none.
    """
    table = _parquet(files(path))
    if table is None:
        raise LinkageError(f"{shown(path)} holds no person index that can be read.", fix=_FIX)
    wrong = PERSON_INDEX.unfit(table.schema)
    if wrong:
        absent = f"Absent or of another type: {', '.join(wrong)}."
        raise LinkageError(f"{shown(path)} is not a person index.", absent, fix=_FIX)
    index = table.select(pl.col(each.name).cast(each.dtype) for each in PERSON_INDEX.columns)
    faults = _faults(index, unique)
    if faults:
        fix = f"{_FIX} Set unique_people as it was in that run."
        raise LinkageError(f"{shown(path)} is not a sound person index.", *faults, fix=fix)
    return index


def _faults(index: pl.DataFrame, unique: Collection[str]) -> list[str]:
    """Return what no run could have written, each fault with the number of rows that have it."""
    repeated = index.height - index.select(_RECORD).n_unique()
    registered = (pl.col("method") == REGISTER).fill_null(value=False)
    rows = registered.sum().over("source", "person_id")
    of_unique = pl.col("source").is_in(sorted(unique))
    records = pl.len().over("source", "person_id")
    likely = pl.col("match_probability").is_between(0, 1)
    written = pl.col("method").str.contains(f"^{NAME.pattern}$")
    told = {
        "lack an id.": pl.any_horizontal(pl.col("person_id", *_RECORD).is_null()),
        "of the register share a person_id with another one.": registered & (rows > 1),
        "of a source of unique people share a person_id with another one.": of_unique
        & (records > 1)
        & ~(registered & (rows > 1)),
        "have a match_probability that is not between 0 and 1.": ~likely,
        "have a method that no run writes.": ~written.fill_null(value=False),
    }
    counted = {
        text: index.filter(wrong.fill_null(value=False)).height for text, wrong in told.items()
    }
    every = {"repeat a record.": repeated, **counted}
    return [f"{count:,} rows {text}" for text, count in every.items() if count]


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


def obeyed(known: Known, refused: pl.DataFrame, one: pl.DataFrame) -> Known:
    """Return what is known but for the earlier links that a reviewer's no undoes, counted.

    `refused` (`rid_l`, `rid_r`) are the pairs with a no, `one` (`rid`, `group`) the records that
    are one person by a yes: they go together. Of two records of one person that a no parts, the
    one that stands for the person keeps it (the register row), else the smaller; the other is as
    if the index had not held it. Whoever is left alone is unlinked.
    """
    told = known.records.select("rid", "unit").join(one, on="rid", how="left")
    place = (
        pl.when(pl.col("rid") == pl.col("unit")).then(-1).otherwise(pl.col("rid").cast(pl.Int64))
    )
    group = pl.coalesce("group", "rid")
    parts = told.select("rid", "unit", part=place.min().over("unit", group))
    left, right = (parts.rename({"rid": f"rid_{s}"}) for s in "lr")
    both = refused.join(left, on="rid_l").join(right, on=["rid_r", "unit"], suffix="_r")
    sides = ("part", "part_r")
    edges = both.filter(pl.col("part") != pl.col("part_r")).select(
        "unit", stays=pl.min_horizontal(sides), goes=pl.max_horizontal(sides)
    )
    gone = parts.join(_going(edges), on=["unit", "part"], how="semi")
    rest = known.records.join(gone, on="rid", how="anti", maintain_order="left")
    bereft = pl.col("unit").is_in(gone["unit"].unique().implode()) & (pl.len().over("unit") == 1)
    alone = bereft & (pl.col("method") != REGISTER)
    records = rest.with_columns(
        method=pl.when(alone).then(pl.lit(UNLINKED)).otherwise("method"),
        match_probability=pl.when(~alone).then("match_probability"),
    )
    return replace(known, records=records, undone=gone.height)


def _going(edges: pl.DataFrame) -> pl.DataFrame:
    """Return `unit`, `part` of those that go; one that goes sends nobody else away."""
    lost = [edges.select("unit", part="goes").clear()]
    while not edges.is_empty():
        sent = edges.select("unit", stays="goes")
        now = edges.join(sent, on=["unit", "stays"], how="anti").select("unit", "goes").unique()
        lost.append(now.rename({"goes": "part"}))
        edges = edges.join(now, on=["unit", "goes"], how="anti").join(
            now, left_on=["unit", "stays"], right_on=["unit", "goes"], how="anti"
        )
    return pl.concat(lost)
