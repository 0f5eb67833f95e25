"""Detentions under the Mental Health Act."""

from __future__ import annotations

import polars as pl

from pophealth_link.indicators.derived_parts import Given, continuous, declared
from pophealth_link.schema.codes import DETAINED_LEGAL_STATUSES
from pophealth_link.schema.codes_services import SHORT_TERM_ORDERS


def detentions(given: Given) -> pl.LazyFrame | None:
    """Return unbroken time under detention, and apart from it under short-term orders.

    Sections that follow one another (2, then 3, on the same or the next day) are one detention,
    whichever trust it is in.
    """
    if not given.has("legal_statuses"):
        return None
    status = pl.col("legal_status")
    short = pl.when(status.is_in(SHORT_TERM_ORDERS)).then(pl.lit("short_term_order"))
    kind = short.otherwise(pl.lit("detention")).alias("kind")
    held = given.table("legal_statuses").filter(status.is_in(DETAINED_LEGAL_STATUSES))
    spans = held.select("person_id", kind, "start_date", "end_date")
    return declared(continuous(spans, ("person_id", "kind"), gap=1), "detentions")
