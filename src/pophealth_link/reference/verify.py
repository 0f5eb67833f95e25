"""Find any change to a reference pack since it was written, and say what a pack holds."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.errors import Problem, raise_problems
from pophealth_link.reference.about import PackAbout, TableAbout, altered
from pophealth_link.reference.pack import PACK_FILE, Pack, load, read_about
from pophealth_link.reference.validate import file_problems, problem

_REBUILT = "build the pack again, or copy it again from where it was built."


def verify(path: Path) -> Pack:
    """Return the pack if nothing of it has changed since it was written.

    Checked are `pack.toml` itself, every table's file (there, sha256, columns, types, number of
    rows), and that the folder holds nothing else. Raises :class:`ReferenceDataError` with every
    change found.
    """
    about, problems = read_about(path)
    problems = problems + _about_problems(path) + _unnamed(path, about)
    for name, table in about.tables.items():
        file = path / f"{name}.parquet"
        found = file_problems(name, table, file)
        problems += found or _row_problems(table, file)
    raise_problems(f"the reference pack {path}", problems)
    return load(path)


def _about_problems(path: Path) -> list[Problem]:
    try:
        # As bytes: reading as text would hide line ends that were changed.
        text = (path / PACK_FILE).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    if not altered(text):
        return []
    return [problem(PACK_FILE, "is not as it was written (its digest differs).", _REBUILT)]


def _unnamed(path: Path, about: PackAbout) -> list[Problem]:
    named = {PACK_FILE, *(f"{name}.parquet" for name in about.tables)}
    added = sorted(each.name for each in path.iterdir() if each.name not in named)
    return [problem(name, "is not named in pack.toml.", "remove it.") for name in added]


def _row_problems(about: TableAbout, file: Path) -> list[Problem]:
    rows = pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
    if rows == about.rows:
        return []
    return [problem(file.name, f"has {rows:,} rows; pack.toml says {about.rows:,}.", _REBUILT)]


def listing(pack: Pack) -> str:
    """Return what a pack holds: each table with its rows, vintage, publisher and licence."""
    lines = [f"Reference pack {pack.name}: {pack.n_areas:,} areas in the national ranking."]
    for name in pack.tables:
        about = pack.about[name]
        lines += [
            f"{name}: {about.rows:,} rows, {about.vintage}{_validity(about)}",
            f"  {about.title}",
            f"  {about.publisher}; {about.licence}",
        ]
    return "\n".join(lines)


def _validity(about: TableAbout) -> str:
    first = f", from {about.valid_from.isoformat()}" if about.valid_from else ""
    return f"{first}, to {about.valid_to.isoformat()}" if about.valid_to else first
