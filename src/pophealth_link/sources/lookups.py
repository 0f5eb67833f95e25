"""Columns that rows take from another file of the folder, joined by what both have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pophealth_link.errors import Problem
from pophealth_link.schema import Table
from pophealth_link.sources import columnar, delimited
from pophealth_link.sources.comparing import ordered_by, without_blanks
from pophealth_link.sources.delimited import ROW
from pophealth_link.sources.files import kind_of, parts_of, path_problems
from pophealth_link.sources.headers import first_of, lacking, positions
from pophealth_link.sources.model import TableFile
from pophealth_link.sources.shape import AUXILIARY, Lookup, Part, alternatives, may_lack

LOOKED = "looked:"
_NO_TABLE = Table("lookup", "Columns of another file.", "identifiable", ())


@dataclass(frozen=True, slots=True)
class Looked:
    """A lookup beside one file: its own files, and how the rows are joined to it.

    `keys`: the names under which the rows hold what the lookup is joined `on`, those columns that
    both sides have. `take`: the columns that it gives, under names that begin with `LOOKED`.
    """

    lookup: Lookup
    files: tuple[Path, ...]
    on: tuple[str, ...]
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
        files = [other for other in looked_in(file, each) if other != path]
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


def looked_in(file: TableFile, lookup: Lookup) -> list[Path]:
    """Return the files that a lookup finds: in the folder of the table, at any depth.

    Beside a single file, and no deeper, those that have the columns to join by: what else stands
    there may be of other sources.
    """
    if file.path.is_dir():
        return parts_of(file.path, lookup.files)
    folder = file.path.parent
    beside_it = [each for each in parts_of(folder, lookup.files) if each.parent == folder]
    return [each for each in beside_it if _can_join(each, lookup)]


def _can_join(path: Path, lookup: Lookup) -> bool:
    if path_problems(path, ""):
        return False
    names = column_names(path)
    return all(may_lack(on) or first_of(on, names) is not None for on in lookup.on)


def column_names(path: Path) -> list[str]:
    """Return the names in the header of a file as written; none if it cannot be read."""
    if kind_of(path) == "delimited":
        return delimited.read_header(path)
    schema = columnar.read_schema(path)
    return schema.names() if schema is not None else []


def read(looked: Looked, part: Part) -> pl.DataFrame:
    """Return one row for each value of the keys, with the columns that the lookup gives.

    Rows without a value in a key (but one that may lack) tell nothing and are left out, as are
    those that give nothing; but of a lookup that gives several rows each that differs stays.
    """
    names = {f"{AUXILIARY}by{i}": each for i, each in enumerate(looked.lookup.latest_by)}
    wanted = dict(zip(looked.keys, looked.on, strict=True))
    wanted |= {f"{LOOKED}{each}": each for each in looked.take} | names
    frames = [frame for path in looked.files for frame in _chunks(path, wanted)]
    empty = pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    rows = without_blanks(pl.concat([empty, *frames]), part.missing)
    firm = [k for k, on in zip(looked.keys, looked.on, strict=True) if not may_lack(on)]
    known = rows.filter(pl.all_horizontal(pl.col(key).is_not_null() for key in firm))
    given = [f"{LOOKED}{each}" for each in looked.take]
    if looked.lookup.each:
        return known.select(*looked.keys, *given).unique(maintain_order=True)
    telling = known.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in given))
    ordered = ordered_by(telling.with_row_index("@place"), list(names), "@place", part.dates)
    last = ordered.unique(list(looked.keys), keep="last", maintain_order=True)
    return last.select(*looked.keys, *given)


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
    given = {
        each: [name for name in alternatives(each) if any(positions(c, name) for c in headers)]
        for each in lookup.take
    }
    take = tuple(name for names in given.values() for name in names)
    # What may lack is no reason to look anything up: it goes with what is needed.
    if wrong or not any(found for each, found in given.items() if not may_lack(each)):
        return None, wrong
    sides = [*zip((path.name for path in files), headers, strict=True), (file, names)]
    absent = [(on, name) for on in lookup.on for name, c in sides if first_of(on, c) is None]
    wrong = [lacking(name, on, (), where) for on, name in absent if not may_lack(on)]
    told = tuple(on for on in lookup.on if on not in (each for each, _ in absent))
    keys = tuple(_key(on, header, names) for on in told)
    return (None if wrong else Looked(lookup, tuple(files), told, keys, take)), wrong


def _key(on: str, header: Sequence[str], names: Sequence[str]) -> str:
    """Return the name under which the rows hold a key: their own column, or an earlier lookup's."""
    place = first_of(on, names)
    if place is None or place < len(header):
        return f"{AUXILIARY}{on}"
    return f"{LOOKED}{names[place]}"
