"""The people of a data folder: each source read as the library reads it, by its job file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.job import load
from pophealth_link.link import People
from pophealth_link.sources import read, read_aliases


def extracts(folder: Path) -> list[People]:
    """Return the sources of `folder/job.toml` in contract columns, identifiers only."""
    found = []
    for source in load(folder / "job.toml", ("link",)).sources:
        frame = read(source.people, where=source.name, only="identifiers").frame
        former = (
            read_aliases(source.aliases, frame["record_id"], where=source.name).frame
            if source.aliases
            else None
        )
        found.append(
            People(
                source.name,
                frame,
                source.setting,
                source.unique_people,
                source.register,
                source.nhs_number_kind,
                former,
                superseded_numbers=source.superseded_numbers,
            )
        )
    return found


def register(people: list[People]) -> People:
    """Return the register among the sources: the spine to which the others are linked."""
    return next(each for each in people if each.register)


def truth(folder: Path) -> pl.DataFrame:
    """Return source, record_id, person_id and subgroup columns of every record."""
    return pl.read_parquet(folder / "truth.parquet")
