"""How people live, as a table of events: made from dwellings, never read from a file."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList, Column, Table

ONLY_ADULT = CodeList(
    "only_adult",
    "Whether the council counts the person as the only adult of the dwelling.",
    "This library, from council tax (the discount for a single adult)",
    {"yes": "Yes", "no": "No"},
)

HOMES = Table(
    "homes",
    "Adults whose dwelling is on the council tax list, with whether the discount for a single "
    "adult applies there.",
    "person",
    (
        Column("known_date", "date", "Day for which it is known.", required=True),
        Column("only_adult", "code", "The discount applies.", ONLY_ADULT, required=True),
    ),
)
