"""Columns that several tables of records share."""

from __future__ import annotations

from pophealth_link.schema.core import Column

RECORD_ID = Column(
    "record_id", "text", "The source's own id of the person's record.", required=True, key=True
)
START = Column("start_date", "date", "First day.", required=True)
END = Column("end_date", "date", "Day on which it ended; empty: still open.")
RECORDED = Column("recorded_date", "date", "Day on which it was recorded.", required=True)


def identifier(name: str, meaning: str, kind: str = "text", **more: object) -> Column:
    """Return a column that only linkage may see.

    >>> identifier("uprn", "Unique property reference number.").identifier
    True
    """
    return Column(name, kind, meaning, identifier=True, **more)  # type: ignore[arg-type]
