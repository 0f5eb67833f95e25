"""Columns that rows take from another file of the folder, joined by what both have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pophealth_link.errors import Problem
from pophealth_link.schema import Table
from pophealth_link.sources import columnar, delimited
from pophealth_link.sources.comparing import ordered_by
from pophealth_link.sources.delimited import ROW
from pophealth_link.sources.files import kind_of, parts_of, path_problems
from pophealth_link.sources.headers import first_of, lacking, positions
from pophealth_link.sources.model import TableFile
from pophealth_link.sources.shape import AUXILIARY, Lookup, Part, alternatives

LOOKED = "looked:"
_NO_TABLE = Table("lookup", "Columns of another file.", "identifiable", ())


@dataclass(frozen=True, slots=True)
class Looked:
    """A lookup beside one file: its own files, and how the rows are joined to it.

    `keys`: the names under which the rows hold what the lookup is joined `on`. `take`: the columns
    that it gives, under names that begin with `LOOKED`.
    """

    lookup: Lookup
    files: tuple[Path, ...]
    keys: tuple[str, ...]
    take: tuple[str, ...]


def beside(
    file: TableFile, part: Part, path: Path, header: Sequence[str], where: str
) -> tuple[tuple[Looked, ...], list[Problem]]:
    """Return the lookups that one file needs: those of columns that it has not got itself."""
    found: list[Looked] = []
    problems: list[Problem] = []
    for each in part.lookup:
        names = [*header, *taken(found)]
        needed = [take for take in each.take if first_of(take, names) is None]
        files = [other for other in parts_of(folder_of(file), each.files) if other != path]
        # Without the other file a column that must be there is told of as any other.
        if not needed or not files:
            continue
        lacks = replace(each, take=tuple(needed))
        made, wrong = _looked(lacks, files, (header, names), path.name, where)
        found += [made] if made else []
        problems += wrong
    return tuple(found), problems


def taken(looked: Iterable[Looked]) -> list[str]:
    """Return the columns that lookups give."""
    return [name for each in looked for name in each.take]


def folder_of(file: TableFile) -> Path:
    """Return the folder in which the files beside one are looked for."""
    return file.path if file.path.is_dir() else file.path.parent


def column_names(path: Path) -> list[str]:
    """Return the names in the header of a file as written; none if it cannot be read."""
    if kind_of(path) == "delimited":
        return delimited.read_header(path)
    schema = columnar.read_schema(path)
    return schema.names() if schema is not None else []


def read(looked: Looked) -> pl.DataFrame:
    """Return one row for each value of the keys, with the columns that the lookup gives.

    Rows without a value in a key tell nothing and are left out.
    """
    names = {f"{AUXILIARY}by{i}": each for i, each in enumerate(looked.lookup.latest_by)}
    wanted = dict(zip(looked.keys, looked.lookup.on, strict=True))
    wanted |= {f"{LOOKED}{each}": each for each in looked.take} | names
    frames = [frame for path in looked.files for frame in _chunks(path, wanted)]
    empty = pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    # Blanks around a key would keep it from its mate.
    rows = pl.concat([empty, *frames]).with_columns(pl.all().str.strip_chars())
    known = rows.filter(pl.all_horizontal(pl.col(key).fill_null("") != "" for key in looked.keys))
    ordered = ordered_by(known.with_row_index("@place"), list(names), "@place", ())
    last = ordered.unique(list(looked.keys), keep="last", maintain_order=True)
    return last.select(*looked.keys, *(f"{LOOKED}{each}" for each in looked.take))


def _chunks(path: Path, wanted: dict[str, str]) -> Iterable[pl.DataFrame]:
    header = column_names(path)
    found = {name: first_of(column, header) for name, column in wanted.items()}
    places = {name: place for name, place in found.items() if place is not None}
    if kind_of(path) == "delimited":
        chunks = delimited.read_chunks(path, len(header), places)
    else:
        names = {name: header[place] for name, place in places.items()}
        chunks = columnar.read_parts([path], _NO_TABLE, names)
    for chunk in chunks:
        absent = [name for name in wanted if name not in places]
        rows = chunk.frame.drop(ROW)
        empty = [pl.lit(None, dtype=pl.String).alias(name) for name in absent]
        yield rows.with_columns(empty).select(*wanted)


def _looked(
    lookup: Lookup,
    files: list[Path],
    known: tuple[Sequence[str], Sequence[str]],
    file: str,
    where: str,
) -> tuple[Looked | None, list[Problem]]:
    header, names = known
    wrong = [problem for path in files for problem in path_problems(path, where)]
    headers = [] if wrong else [column_names(path) for path in files]
    take = tuple(
        name
        for each in lookup.take
        for name in alternatives(each)
        if any(positions(columns, name) for columns in headers)
    )
    if wrong or not take:
        return None, wrong
    sides = [*zip((path.name for path in files), headers, strict=True), (file, names)]
    wrong = [
        lacking(name, on, (), where)
        for on in lookup.on
        for name, columns in sides
        if first_of(on, columns) is None
    ]
    keys = tuple(_key(on, header, names) for on in lookup.on)
    return (None if wrong else Looked(lookup, tuple(files), keys, take)), wrong


def _key(on: str, header: Sequence[str], names: Sequence[str]) -> str:
    """Return the name under which the rows hold a key: their own column, or an earlier lookup's."""
    place = first_of(on, names)
    if place is None or place < len(header):
        return f"{AUXILIARY}{on}"
    return f"{LOOKED}{names[place]}"
