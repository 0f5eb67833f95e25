"""Row accounting: every row that came in is in exactly one counted place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.sources import Counts


@dataclass(slots=True)
class Accounts:
    """Counts per source and table; `as_dict` goes into the manifest."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def read(self, source: str, table: str, counts: Counts, *, removed: int = 0) -> None:
        """Enter what reading a file gave: rows in = accepted + quarantined + removed by opt-out."""
        self.rows.setdefault(source, {})[table] = {
            "rows_in": counts.rows_in,
            "accepted": counts.accepted - removed,
            "quarantined": counts.quarantined,
            "removed_by_opt_out": removed,
            "quarantined_by": dict(counts.quarantined_by),
            "unreadable_values": {f"{c}: {r}": n for (c, r), n in counts.unreadable.items()},
        }

    def linked(self, person_index: pl.DataFrame) -> None:
        """Enter how the accepted records of each source were linked, by method."""
        counted = person_index.group_by("source", "method").len().sort("source", "method")
        for source, method, count in counted.iter_rows():
            self.rows[source]["people"].setdefault("by_method", {})[method] = count

    def joined(self, source: str, table: str, with_person: int) -> None:
        """Enter how many accepted events belong to a person of the index; the rest do not."""
        entry = self.rows[source][table]
        entry["with_person"] = with_person
        entry["without_person"] = entry["accepted"] - with_person

    def add(self, other: Accounts) -> None:
        """Take over the entries of the other half of a run."""
        for source, tables in other.rows.items():
            self.rows.setdefault(source, {}).update(tables)
