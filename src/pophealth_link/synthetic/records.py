"""Records: what a source wrote down about its people, mistakes and all."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.schema.records import EVENT_TABLES, PEOPLE
from pophealth_link.synthetic.draws import Ints, Rng, Streams, chance
from pophealth_link.synthetic.mistakes import MISTAKES
from pophealth_link.synthetic.mistakes.change import one_of_each
from pophealth_link.synthetic.profile import Profile, per_quintile
from pophealth_link.synthetic.register import as_registered, with_second_records
from pophealth_link.synthetic.sources import Source
from pophealth_link.synthetic.unequal import Haste, haste

_ID_DIGITS = 8


def record(
    people: pl.DataFrame, persons: Ints, source: Source, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Return the records of a source: `person`, `record_id`, then its contract columns.

    `persons` are rows of `people`. Some people have two records where the source repeats itself,
    and a few on the register, of which it does not know. Records are in random order, so that
    their ids say nothing.
    """
    rng = streams.stage(f"{source.name} records")
    rows = _repeated(persons, people, source, profile, rng)
    known = people[rows].with_columns(pl.col("sex").cast(pl.String))
    if source.register:
        second = profile.rate("register_twice", source.name)
        stage = streams.stage(f"{source.name} second records")
        known = with_second_records(as_registered(known), second, stage)
    hasty = haste(known, source, profile, streams, streams.stage(f"{source.name} haste"))
    written = _with_mistakes(known, hasty, source, profile, streams)
    ids = pl.int_range(1, written.height + 1, eager=True).cast(pl.String).str.zfill(_ID_DIGITS)
    shuffled = written[rng.permutation(written.height)]
    return shuffled.select("person", *source.columns).insert_column(
        1, (source.letter + ids).alias("record_id")
    )


def _with_mistakes(
    records: pl.DataFrame, hasty: Haste, source: Source, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Return the records with the mistakes for which the profile gives the source a rate."""
    for name, mistake in MISTAKES.items():
        rate = profile.rate(name, source.name)
        if rate > 0:
            stage = streams.stage(f"{source.name} {name}")
            records = mistake(records, stage, hasty.chances(rate))
    return records


def _repeated(
    persons: Ints, people: pl.DataFrame, source: Source, profile: Profile, rng: Rng
) -> Ints:
    """Return the rows with those of the people whom the source holds twice once more."""
    rate = profile.rate("repeat_record", source.name)
    if rate == 0:
        return persons
    bias = per_quintile(profile.unequal["quintile"])[people["quintile"].to_numpy()[persons]]
    return np.concatenate([persons, persons[chance(rng, rate * bias)]])


def event_table(events: pl.DataFrame, records: pl.DataFrame, table: str, rng: Rng) -> pl.DataFrame:
    """Return events in contract columns: `record_id` in place of `person`.

    An event of a person with two records belongs to one of them, drawn at random.
    """
    grouped = records.group_by("person").agg(pl.col("record_id").sort())
    joined = events.join(grouped, on="person", how="inner", maintain_order="left")
    declared = EVENT_TABLES[table]
    whole = joined.with_columns(one_of_each(joined["record_id"], rng).alias("record_id"))
    return whole.select(
        pl.col(column.name).cast(column.dtype)
        for column in declared.columns
        if column.name in whole.columns
    ).sort(pl.all())


def contract(records: pl.DataFrame) -> pl.DataFrame:
    """Return records in the order and the types of the contract, without `person`."""
    return records.select(
        pl.col(column.name).cast(column.dtype)
        for column in PEOPLE.columns
        if column.name in records.columns
    )
