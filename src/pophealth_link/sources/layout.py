"""Where each file of a table holds what is read of it: by its own header, file by file."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import compress
from pathlib import Path

from pophealth_link.errors import Problem
from pophealth_link.sources import columnar, delimited
from pophealth_link.sources.files import kind_of, parts_of, path_problems
from pophealth_link.sources.headers import Header, first_of, lacking, resolve
from pophealth_link.sources.lookups import LOOKED, Looked, beside, column_names, looked_in, taken
from pophealth_link.sources.model import Only, TableFile, columns_of
from pophealth_link.sources.problems import data_problem, job_problem
from pophealth_link.sources.shape import AUXILIARY, Part, may_lack

STACKED = "stack:"
# What the column of clinical codes is called where no preset says.
_CODE = (
    "code", "snomed_code", "snomedcode", "snomedct_code", "snomed_concept_id", "concept_id",
    "conceptid", "snomedct_conceptid", "read_code",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """One file of a table: what is read of it, where that stands, and what is wrong.

    `places`: name → position in `header`, for contract columns and for others (`file:`, `stack:`).
    `named`: contract columns and others that a lookup gives → that column of it. `combined` and
    `stacked`: contract column → the names that it is put together from.
    """

    path: Path
    number: int
    part: Part
    header: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    combined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stacked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code: str = ""
    looked: tuple[Looked, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_left_out: bool = False

    @property
    def found(self) -> set[str]:
        """The contract columns and others that the file fills."""
        made = (*self.places, *self.named, *self.combined, *self.stacked, *self.part.constants)
        position = (self.part.position,) if self.stacked and self.part.position else ()
        return {*made, *position, *(("condition",) if self.code else ())}


def layouts(file: TableFile, where: str, only: Only = "all") -> list[Layout]:
    """Return the layout of each file of a table, part by part, with what is wrong in each.

    A part of several whose files are not there is left out; where none is there, that is wrong. Of
    the parts that read one file those are left out whose columns it lacks, unless it lacks all.
    """
    return [each for each in every_layout(file, where, only) if not each.is_left_out]


def every_layout(file: TableFile, where: str, only: Only = "all") -> list[Layout]:
    """Return the layouts of `layouts` and those that are left out."""
    wrong = path_problems(file.path, where)
    if wrong:
        return [Layout(file.path, 0, Part(), problems=tuple(wrong))]
    found = [
        _layout(file, path, number, where, only)
        for number, part in enumerate(file.parts)
        for path in parts_of(file.path, part.files)
    ]
    if not found:
        patterns = tuple(dict.fromkeys(p for part in file.parts for p in part.files))
        wrong = path_problems(file.path, where, patterns) or [_no_part(file, where)]
        return [Layout(file.path, 0, Part(), problems=tuple(wrong))]
    found = _left_out(found)
    return [*_empty_told(file, _parquet_told(file, found, where), where)]


def _left_out(found: list[Layout]) -> list[Layout]:
    """Mark the parts whose columns a file lacks that fills another part."""
    sound = {each.path for each in found if not each.problems}
    return [replace(each, is_left_out=bool(each.problems) and each.path in sound) for each in found]


def is_there(file: TableFile) -> bool:
    """Return whether there is any file of a table at its path, whatever it holds."""
    return any(parts_of(file.path, part.files) for part in file.parts)


def paths_of(file: TableFile) -> list[Path]:
    """Return every data file that reading a table opens, lookups and codelists among them."""
    found = [path for part in file.parts for path in parts_of(file.path, part.files)]
    for part in file.parts:
        for each in part.lookup:
            found += looked_in(file, each)
    found += parts_of(file.codelist) if file.codelist else []
    return list(dict.fromkeys(found)) or [file.path]


def _no_part(file: TableFile, where: str) -> Problem:
    what = f"the name of {file.path.name} fits none of the preset's kinds of files."
    return data_problem(where, what, "name the folder that holds it, or rename it.")


def _layout(file: TableFile, path: Path, number: int, where: str, only: Only) -> Layout:
    part = file.parts[number]
    bare = Layout(path, number, part)
    wrong = path_problems(path, where)
    header = [] if wrong else column_names(path)
    if not wrong and not header:
        what = f"the first row of {path} cannot be read as a header."
        wrong = [data_problem(where, what, "export it again.")]
        if kind_of(path) == "parquet":
            wrong = columnar.schema_problems([path], where)
    if wrong:
        return replace(bare, problems=tuple(wrong))
    looked, wrong = beside(file, part, path, header, where)
    return _resolved(file, replace(bare, header=tuple(header), looked=looked), wrong, where, only)


def _resolved(
    file: TableFile, bare: Layout, wrong: list[Problem], where: str, only: Only
) -> Layout:
    part, names = bare.part, [*bare.header, *taken(bare.looked)]
    fit = {column: _fitting(patterns, names) for column, patterns in part.stack.items()}
    combined = _combined(file, part, names)
    told = {*combined, *(column for column, places in fit.items() if places)}
    made = {*told, *part.constants, part.position}
    made |= {"condition"} if part.codelist or file.codelist else set()
    header = Header(bare.path.name, names, made, is_one=bool(told))
    places, problems = resolve(file, header, where, only, part)
    if problems and not places:
        return replace(bare, problems=(*wrong, *problems))
    wanted = {column.name for column in columns_of(file.table, only)} | set(file.whole.names)
    found = {name: place for name, place in places.items() if name in wanted}
    combined = {c: items for c, items in combined.items() if c not in found and c in wanted}
    code, unnamed = _code(file, part, found, where)
    extra, absent = _extra(file, bare, names, ([*_items(combined), *code], code), where)
    stacked = {f"{STACKED}{c}:{i:04}": p for c, places in fit.items() for i, p in enumerate(places)}
    everything = {**found, **stacked, **extra}
    own = {name: place for name, place in everything.items() if place < len(bare.header)}
    looked = {name: names[p] for name, p in everything.items() if p >= len(bare.header)}
    return replace(
        bare,
        places=own,
        named={name: f"{LOOKED}{column}" for name, column in looked.items()},
        combined={c: tuple(f"{AUXILIARY}{i}" for i in items) for c, items in combined.items()},
        stacked={c: tuple(k for k in stacked if k.startswith(f"{STACKED}{c}:")) for c in fit},
        code="".join(f"{AUXILIARY}{each}" for each in code),
        problems=(*wrong, *problems, *unnamed, *absent, *_types(file, bare, own, where)),
    )


def _items(combined: Mapping[str, Sequence[str]]) -> list[str]:
    return [each for items in combined.values() for each in items]


def _code(
    file: TableFile, part: Part, found: Mapping[str, int], where: str
) -> tuple[list[str], list[Problem]]:
    """Return the column that a codelist explains, if it is needed, and where none is named."""
    if "condition" not in file.table.names or "condition" in found:
        return [], []
    if file.codelist:
        return ["|".join(part.codelist or _CODE)], []
    if not part.codelist:
        return [], []
    what = f"{file.table.name} holds clinical codes, and the job names no codelist for it."
    fix = 'name one, codelist = "codelist.csv", with the columns code and condition.'
    return [], [job_problem(where, what, fix)]


def _types(file: TableFile, bare: Layout, own: Mapping[str, int], where: str) -> list[Problem]:
    """Return which columns of a Parquet file hold what no table holds."""
    schema = columnar.read_schema(bare.path) if kind_of(bare.path) == "parquet" else None
    if schema is None:
        return []
    names = {name: bare.header[place] for name, place in own.items()}
    return columnar.type_problems(file.table, schema, names, where)


def _fitting(patterns: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the positions of the columns that fit the first pattern which any column fits."""
    for pattern in patterns:
        wanted = pattern.strip().casefold()
        fit = [i for i, n in enumerate(names) if fnmatchcase(n.strip().casefold(), wanted)]
        if fit:
            return fit
    return []


def _combined(file: TableFile, part: Part, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns that can be put together here: of a date the first item is enough."""
    found = {}
    for column, items in part.combine.items():
        there = [first_of(each, names) is not None for each in items]
        dated = file.table.column(column).kind == "date" and there[0]
        enough = all(map(operator.or_, there, map(may_lack, items))) and any(there)
        if enough or dated:
            found[column] = tuple(compress(items, there))
    return found


def _extra(
    file: TableFile,
    bare: Layout,
    names: Sequence[str],
    needed: tuple[Sequence[str], Sequence[str]],
    where: str,
) -> tuple[dict[str, int], list[Problem]]:
    """Return the positions of columns that are read besides the contract's, and which lack.

    `needed`: those that others are made of, and the codes, which must be there.
    """
    items, code = needed
    keys = [key for each in bare.looked for key in each.keys if key.startswith(AUXILIARY)]
    telling = [name for name in file.whole.names if name not in file.table.names]
    joined = [key.removeprefix(AUXILIARY) for key in keys]
    any_of = [name for name in bare.part.require_any if name not in file.table.names]
    wanted = dict.fromkeys([*items, *bare.part.where, *joined, *telling, *any_of])
    found = {name: first_of(name, names) for name in wanted}
    must = [name for name, values in bare.part.where.items() if "" not in values]
    problems = [
        lacking(bare.path.name, name, names, where)
        for name in dict.fromkeys((*must, *code, *_telling(file)))
        if found.get(name) is None
    ]
    return {f"{AUXILIARY}{n}": place for n, place in found.items() if place is not None}, problems


def _telling(file: TableFile) -> list[str]:
    """Return the columns of the file without which episodes make no spells."""
    spells = file.whole.spells
    of = (spells.otherwise or spells.of) if spells else ()
    return [name for name in of if name not in file.table.names and not may_lack(name)]


def _parquet_told(file: TableFile, found: list[Layout], where: str) -> list[Layout]:
    """Tell where the parts of one table in a folder of Parquet have other columns."""
    sole = file.path.is_dir() and len(file.parts) == 1 and not file.parts[0].files
    parquet = [each.path for each in found if kind_of(each.path) == "parquet"]
    if not sole or len(parquet) < 2 or _any_wrong(found):
        return found
    wrong = columnar.schema_problems(parquet, where)
    return [replace(found[0], problems=tuple(wrong)), *found[1:]]


def _empty_told(file: TableFile, found: list[Layout], where: str) -> list[Layout]:
    """Tell where a table that must have rows has none in any file."""
    if not file.table.unique or _any_wrong(found):
        return found
    if any(_has_rows(each.path) for each in found):
        return found
    what = f"{file.path} has a header and no rows."
    wrong = data_problem(where, what, "export it again.")
    return [replace(found[0], problems=(wrong,)), *found[1:]]


def _any_wrong(found: list[Layout]) -> bool:
    return any(each.problems and not each.is_left_out for each in found)


def _has_rows(path: Path) -> bool:
    if kind_of(path) == "delimited":
        return delimited.has_rows(path)
    return columnar.count_rows([path]) > 0
