"""Reference packs: a folder of Parquet tables with `pack.toml`, checked on reading and writing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from pophealth_link.errors import (
    Problem,
    ReferenceDataError,
    nearest,
    raise_problems,
)
from pophealth_link.folders import new_folder
from pophealth_link.reference.about import PackAbout, TableAbout, parse, render
from pophealth_link.reference.geoparquet import geo_metadata
from pophealth_link.reference.validate import (
    conform,
    file_problems,
    problem,
    unknown_table,
    with_declared_columns,
)
from pophealth_link.schema import Table
from pophealth_link.schema.reference import REFERENCE_TABLES

PACK_FILE = "pack.toml"


@dataclass(frozen=True, slots=True)
class Pack:
    """A reference pack: dated tables about places, practices and footprints, read when asked for.

    `n_areas` is the number of LSOAs in the national deprivation ranking, which a pack of one place
    keeps: ranks and deciles are national. Every table has all declared columns, null where the
    pack does not know. Equal packs have equal names and equal files.
    """

    name: str
    n_areas: int
    about: Mapping[str, TableAbout]
    frames: Mapping[str, pl.LazyFrame] = field(compare=False)

    def __repr__(self) -> str:
        """Return the name and what the pack holds, without a row."""
        return f"Pack({self.name!r}, n_areas={self.n_areas:,}, tables={', '.join(self.tables)})"

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that the pack holds, in order."""
        return tuple(sorted(self.about))

    @property
    def digest(self) -> str:
        """One sha256 for the whole pack, from its name and the sha256 of each table."""
        parts = [self.name, str(self.n_areas), *(self.about[name].sha256 for name in self.tables)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def has(self, table: str) -> bool:
        """Say whether the pack holds the table."""
        return table in self.about

    def scan(self, table: str) -> pl.LazyFrame:
        """Return the table, not yet read; :class:`ReferenceDataError` where the pack lacks it."""
        if table not in self.frames:
            raise ReferenceDataError(
                f"the reference pack {self.name} has no table `{table}`."
                f"{nearest(table, self.about)}",
                f"It holds: {', '.join(self.tables)}.",
                fix="name a reference pack in the job that holds it, or add it to this one.",
            )
        return self.frames[table]

    def read(self, table: str) -> pl.DataFrame:
        """Return the table; :class:`ReferenceDataError` where the pack lacks it."""
        return self.scan(table).collect()


def _parquet(table: Table, frame: pl.DataFrame) -> bytes:
    geometry = [column.name for column in table.columns if column.kind == "geometry"]
    target = io.BytesIO()
    frame.write_parquet(
        target, compression="zstd", metadata=geo_metadata(geometry[0]) if geometry else None
    )
    return target.getvalue()


def _conformed(
    name: str, frame: pl.DataFrame | pl.LazyFrame, about: Mapping[str, TableAbout]
) -> tuple[pl.DataFrame, list[Problem]]:
    if name not in REFERENCE_TABLES:
        return pl.DataFrame(), [unknown_table(name)]
    unsaid = [] if name in about else [problem(name, "has no TableAbout.")]
    rows, problems = conform(REFERENCE_TABLES[name], frame.lazy().collect())
    return rows, unsaid + problems


def _check_head(name: str, n_areas: int) -> list[Problem]:
    empty = [] if name else [problem("name", "must not be empty.")]
    return empty if n_areas > 0 else [*empty, problem("n_areas", "must be above 0.")]


def in_memory(
    tables: Mapping[str, pl.DataFrame],
    *,
    name: str,
    n_areas: int,
    about: Mapping[str, TableAbout],
) -> Pack:
    """Make a pack of frames without a folder; `rows` and `sha256` are those that `write` gives.

    Raises :class:`ReferenceDataError` with every table that is not as declared.
    """
    made = {key: _conformed(key, frame, about) for key, frame in tables.items()}
    found = [each for _, problems in made.values() for each in problems]
    raise_problems(f"the reference pack {name}", _check_head(name, n_areas) + found)
    described = {
        key: _described(about[key], frame, _parquet(REFERENCE_TABLES[key], frame))
        for key, (frame, _) in made.items()
    }
    return Pack(name, n_areas, described, {key: frame.lazy() for key, (frame, _) in made.items()})


def _described(about: TableAbout, frame: pl.DataFrame, content: bytes) -> TableAbout:
    return replace(about, rows=frame.height, sha256=hashlib.sha256(content).hexdigest())


def _write_tables(
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame],
    folder: Path,
    about: Mapping[str, TableAbout],
) -> tuple[dict[str, TableAbout], list[Problem]]:
    """Write the tables one after the other, so that only one is in memory at a time."""
    described: dict[str, TableAbout] = {}
    problems: list[Problem] = []
    for name in sorted(tables):
        frame, found = _conformed(name, tables[name], about)
        problems += found
        if not found:
            content = _parquet(REFERENCE_TABLES[name], frame)
            (folder / f"{name}.parquet").write_bytes(content)
            described[name] = _described(about[name], frame, content)
    return described, problems


def write(
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame],
    folder: Path,
    *,
    name: str,
    n_areas: int,
    about: Mapping[str, TableAbout],
) -> Pack:
    """Write a pack to `folder`, which must not exist, and return it as read back.

    Lazy tables are computed one at a time. The folder appears only when it is whole: it is written
    under a temporary name beside it and then renamed. Raises :class:`OutputExistsError` where the
    folder exists and :class:`ReferenceDataError` with every table that is not as declared.
    """
    with new_folder(folder) as draft:
        described, problems = _write_tables(tables, draft, about)
        raise_problems(f"the reference pack {name}", _check_head(name, n_areas) + problems)
        text = render(PackAbout(name, n_areas, described))
        (draft / PACK_FILE).write_text(text, encoding="utf-8")
    return load(folder)


def load(path: Path | None) -> Pack:
    """Read and check a pack; without a path, make the embedded example region.

    Every file is checked against `pack.toml` (sha256) and against the declaration of its table
    (required columns, types). Raises :class:`ReferenceDataError` with every problem found.
    """
    if path is None:
        from pophealth_link.reference.example import example_region

        return example_region()
    about, problems = read_about(path)
    files = {name: path / f"{name}.parquet" for name in about.tables}
    problems += [
        each
        for name, table in about.tables.items()
        for each in file_problems(name, table, files[name])
    ]
    raise_problems(f"the reference pack {path}", problems)
    frames = {
        name: with_declared_columns(
            REFERENCE_TABLES[name], pl.scan_parquet(file.resolve(), glob=False)
        )
        for name, file in files.items()
    }
    return Pack(about.name, about.n_areas, dict(about.tables), frames)


def read_about(folder: Path) -> tuple[PackAbout, list[Problem]]:
    """Return what `pack.toml` says and its problems; tables with a problem are left out.

    Raises :class:`ReferenceDataError` where the folder does not exist.
    """
    if not folder.is_dir():
        raise ReferenceDataError(
            f"the reference pack {folder} does not exist, or is not a folder.",
            fix="build it with `pophealth-link reference build`, or leave `reference` out of the "
            "job to use the example region.",
        )
    try:
        text = (folder / PACK_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        text, fault = "", "does not exist: the folder is not a reference pack."
    except (OSError, UnicodeDecodeError):
        text, fault = "", "cannot be read."
    else:
        return parse(text)
    return PackAbout("", 0, {}), [problem(PACK_FILE, fault)]
