"""Row accounting: every row that came in is in exactly one counted place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.sources import Counts

_COUNTS = ("rows_in", "added", "accepted", "quarantined", "left_out", "removed_by_opt_out")
_REASONS = ("quarantined_by", "left_out_by", "added_by", "unreadable_values", "filled_values")


@dataclass(slots=True)
class Accounts:
    """Counts per source and table; `rows` goes into the manifest."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def read(self, source: str, table: str, counts: Counts, *, removed: int = 0) -> None:
        """Enter what reading a file gave.

        Rows in + added (made of others) = accepted + quarantined + left out (superseded, part of a
        spell, of another table) + removed by opt-out. Several files of one table in a source are
        added up.
        """
        entry = self.rows.setdefault(source, {}).setdefault(
            table, {**dict.fromkeys(_COUNTS, 0), **{name: {} for name in _REASONS}}
        )
        entry["rows_in"] += counts.rows_in
        entry["added"] += counts.added
        entry["accepted"] += counts.accepted - removed
        entry["quarantined"] += counts.quarantined
        entry["left_out"] += counts.left_out
        entry["removed_by_opt_out"] += removed
        by_value = (_named(counts.unreadable), _named(counts.filled))
        told = (counts.quarantined_by, counts.left_out_by, counts.added_by, *by_value)
        for name, found in zip(_REASONS, told, strict=True):
            _add(entry[name], found)

    def replaced(self, source: str, numbers: int) -> None:
        """Enter how many NHS numbers of a source's people were replaced by their current ones."""
        entry = self.rows[source]["people"]
        entry["numbers_replaced"] = entry.get("numbers_replaced", 0) + numbers

    def linked(self, person_index: pl.DataFrame) -> None:
        """Enter how the accepted records of each source were linked, by method."""
        counted = person_index.group_by("source", "method").len().sort("source", "method")
        for source, method, count in counted.iter_rows():
            self.rows[source]["people"].setdefault("by_method", {})[method] = count

    def joined(self, source: str, table: str, with_person: int) -> None:
        """Enter how many accepted events belong to a person of the index; the rest do not.

        Call it after `read` for each file; several files of one table are added up.
        """
        entry = self.rows[source][table]
        entry["with_person"] = entry.get("with_person", 0) + with_person
        entry["without_person"] = entry["accepted"] - entry["with_person"]

    def add(self, other: Accounts) -> None:
        """Take over the entries of the other half of a run."""
        for source, tables in other.rows.items():
            self.rows.setdefault(source, {}).update(tables)


def _named(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {f"{column}: {reason}": count for (column, reason), count in counts.items()}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count
