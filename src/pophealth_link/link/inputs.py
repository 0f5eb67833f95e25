"""What linkage takes: people of one source each, and the settings of a linkage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Literal

import polars as pl

from pophealth_link.errors import LinkageError, nearest
from pophealth_link.link.passes import DEFAULT_PASSES, DeterministicPass, repeated
from pophealth_link.prepare.nhs_number import Kind
from pophealth_link.schema.codes import SETTING
from pophealth_link.schema.records import PEOPLE
from pophealth_link.sources import ALIASES, from_frame

Setting = Literal[
    "primary_care", "secondary_care", "community", "local_authority", "voluntary_sector"
]


@dataclass(frozen=True, slots=True)
class People:
    """The people of one source in contract columns; its repr shows counts only.

    `superseded_numbers`: the source is known to hold NHS numbers that have been replaced, so a
    number that differs is evidence against a link, not a veto.
    """

    source: str
    frame: pl.DataFrame = field(repr=False)
    setting: Setting
    unique_people: bool = False
    register: bool = False
    nhs_number_kind: Kind = "clear"
    aliases: pl.DataFrame | None = field(default=None, repr=False)
    quarantined: int = 0
    superseded_numbers: bool = False

    def __post_init__(self) -> None:
        """Refuse a setting that does not exist."""
        if self.setting not in SETTING.codes:
            hint = nearest(self.setting, SETTING.codes) or f" Use {', '.join(SETTING.codes)}."
            raise LinkageError(f"`setting` of a source is none that is known.{hint}")

    def __repr__(self) -> str:
        """Return name, setting and counts."""
        refused = f", {self.quarantined:,} quarantined" if self.quarantined else ""
        counts = f"{self.frame.height:,} records{refused}"
        return f"People(source={self.source!r}, setting={self.setting!r}, {counts})"


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """Settings of a linkage.

    `model` is `default` (shipped), `train` (estimated from the records, drawing with `seed`) or a
    file saved by an earlier run. `accept_probability` (0.5 or more) and `review_probability` (no
    more than that) are match probabilities. `margin` is the lead in match weight, in bits, that the
    best candidate must have over the second best. `passes` are the deterministic passes, in order.
    `max_pairs` bounds the comparisons of each blocking rule of the probabilistic pass, and
    `memory_limit` (such as `4GB`) the memory that it holds before it goes to disk. `decisions` is
    a file of reviewed pairs; `previous_index` the folder `linked` of an earlier run, whose person
    ids are kept. Raises `LinkageError` where a setting is out of range.
    """

    model: str | Path = "default"
    accept_probability: float = 0.85
    review_probability: float = 0.50
    margin: float = 3.0
    passes: tuple[DeterministicPass, ...] = DEFAULT_PASSES
    max_pairs: int = 500_000_000
    memory_limit: str | None = None
    decisions: Path | None = None
    previous_index: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that are out of range, all at once."""
        problems = [f"more than one pass has the name `{name}`." for name in repeated(self.passes)]
        problems += _threshold_faults(self.accept_probability, self.review_probability)
        if not 0 <= self.margin < inf:
            problems.append("margin must be 0 bits or more.")
        problems += _path_faults(self.previous_index)
        if self.max_pairs < 1:
            problems.append("max_pairs must be 1 or more.")
        if self.memory_limit is not None and not _MEMORY.fullmatch(self.memory_limit):
            problems.append('memory_limit must be an amount such as "4GB" or "512MB".')
        if problems:
            raise LinkageError("LinkSpec cannot be used.", *problems)


# What DuckDB takes, of decimal units (GB) and binary ones (GiB); more than nothing.
_MEMORY = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[KMGT]i?B", re.ASCII)


def _threshold_faults(accept: float, review: float) -> list[str]:
    """Return what is wrong with the two probabilities.

    >>> _threshold_faults(0.4, 0.3)
    ['accept_probability must be from 0.5 up to, but not, 1: a link must be likelier than none.']
    """
    faults = []
    if not 0.5 <= accept < 1:
        why = "a link must be likelier than none."
        faults.append(f"accept_probability must be from 0.5 up to, but not, 1: {why}")
    if not 0 < review < 1:
        faults.append("review_probability must be between 0 and 1.")
    elif review > accept:
        faults.append("review_probability must not exceed accept_probability.")
    return faults


def _path_faults(previous_index: object) -> list[str]:
    """Return what is wrong with what names an earlier index, of whatever type it is.

    >>> _path_faults("linked")
    ['previous_index must be a path: write previous_index=Path(...), with Path from pathlib.']
    """
    if previous_index is None or isinstance(previous_index, Path):
        return []
    how = "write previous_index=Path(...), with Path from pathlib."
    return [f"previous_index must be a path: {how}"]


def people(
    frame: pl.DataFrame | pl.LazyFrame,
    *,
    source: str,
    setting: Setting,
    unique_people: bool = False,
    register: bool = False,
    nhs_number_kind: Kind = "clear",
    columns: Mapping[str, str] | None = None,
    formats: Mapping[str, tuple[str, ...]] | None = None,
    aliases: pl.DataFrame | None = None,
    superseded_numbers: bool = False,
) -> People:
    """Return the people of one source, checked against the contract of the table `people`.

    `columns` maps contract columns to the frame's own; further columns are ignored. `formats`
    gives date formats by contract column. `aliases` holds further rows of identifiers of the same
    record ids. Rows without a `record_id` are left out and counted.
    Raises `DataError` where `record_id` is absent or not unique, where a mapped column is absent,
    or where no value of a date column is a date.

    >>> people(pl.DataFrame({"id": ["1"]}), source="gp", setting="primary_care",
    ...        columns={"record_id": "id"})
    People(source='gp', setting='primary_care', 1 records)
    """
    given = frame.lazy().collect()
    accepted = from_frame(given, PEOPLE, where=source, columns=columns, formats=formats)
    former = None if aliases is None else from_frame(aliases, ALIASES, where=source).frame
    return People(
        source,
        accepted.frame,
        setting,
        unique_people,
        register,
        nhs_number_kind,
        former,
        accepted.counts.quarantined,
        superseded_numbers,
    )
