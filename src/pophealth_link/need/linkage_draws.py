"""What a draw of the links changes: which record goes from whom to whom.

Of a record that was never compared with its person nobody knows whose it is: a donor stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.need.linkage_donors import donors

_MOVE = ("draw", "source", "record_id", "was", "person_id")


@dataclass(frozen=True)
class Redraw:
    """Draws of the links, as the second half of a run has them.

    `imputations`: how many draws. `links`: source, record_id, draw, person_id (null: somebody on
    the register, nobody knows whom). `index`: source, record_id, person_id of all records. `alone`:
    PEOPLE_PLACED of records that are a person of their own in a draw. `loose`: table → events, with
    source and record_id, of everyone from whom a record goes in a draw. `unique`: sources that have
    each person once.
    """

    imputations: int
    links: pl.DataFrame = field(repr=False)
    index: pl.DataFrame = field(repr=False)
    alone: pl.DataFrame = field(repr=False)
    loose: Mapping[str, pl.DataFrame] = field(repr=False)
    unique: Sequence[str] = ()


def losing(links: pl.DataFrame, index: pl.DataFrame) -> pl.DataFrame:
    """Return `person_id` of everyone from whom a record goes in some draw, sorted."""
    key = ["source", "record_id"]
    moved = index.join(links.select(key).unique(), on=key, how="semi")
    return moved.select("person_id").unique().sort("person_id")


def moves(
    redraw: Redraw, people: pl.DataFrame, events: Mapping[str, pl.DataFrame], *, seed: int
) -> pl.DataFrame:
    """Return draw, source, record_id, `was` and person_id: from whom a record goes to whom.

    `people`: PEOPLE_PLACED; `events`: table → events, as of the links as made. Where nobody knows
    to whom a record goes, it goes to a donor; the same seed draws the same ones. Sorted.
    """
    key = ["source", "record_id"]
    now = redraw.index.select(*key, was="person_id")
    told = redraw.links.join(now, on=key).sort("draw", *key)
    known = told.filter(pl.col("person_id").is_not_null())
    lost = told.filter(pl.col("person_id").is_null())
    given = donors(lost, people, redraw.index, events, redraw.unique, np.random.default_rng(seed))
    every = pl.concat([known.select(_MOVE), given.select(_MOVE)])
    return every.filter(pl.col("was") != pl.col("person_id")).sort(_MOVE[:3])
