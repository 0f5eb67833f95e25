"""Records: what a source wrote down about its people, mistakes and all."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.schema.records import EVENT_TABLES, PEOPLE
from pophealth_link.synthetic.draws import Floats, Ints, Rng, Streams, chance
from pophealth_link.synthetic.mistakes import MISTAKES
from pophealth_link.synthetic.mistakes.change import one_of_each
from pophealth_link.synthetic.profile import Profile, per_quintile
from pophealth_link.synthetic.sources import Source

_ID_DIGITS = 8


def record(
    people: pl.DataFrame, persons: Ints, source: Source, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Return the records of a source: `person`, `record_id`, then its contract columns.

    `persons` are rows of `people`. Some people have two records where the source repeats itself.
    Records are in random order, so that their ids say nothing.
    """
    rng = streams.stage(f"{source.name} records")
    rows = _repeated(persons, people, source, profile, rng)
    clean = people[rows].with_columns(pl.col("sex").cast(pl.String))
    bias = unequal(clean, source, profile, streams.stage(f"{source.name} organisations"))
    for name, mistake in MISTAKES.items():
        rate = profile.rate(name, source.name)
        if rate > 0:
            stage = streams.stage(f"{source.name} {name}")
            clean = mistake(clean, stage, np.minimum(rate * bias, 0.98))
    ids = pl.int_range(1, clean.height + 1, eager=True).cast(pl.String).str.zfill(_ID_DIGITS)
    shuffled = clean[rng.permutation(clean.height)]
    return shuffled.select("person", *source.columns).insert_column(
        1, (source.letter + ids).alias("record_id")
    )


def _repeated(
    persons: Ints, people: pl.DataFrame, source: Source, profile: Profile, rng: Rng
) -> Ints:
    """Return the rows with those of the people whom the source holds twice once more."""
    rate = profile.rate("repeat_record", source.name)
    if rate == 0:
        return persons
    bias = per_quintile(profile.unequal["quintile"])[people["quintile"].to_numpy()[persons]]
    return np.concatenate([persons, persons[chance(rng, rate * bias)]])


def unequal(records: pl.DataFrame, source: Source, profile: Profile, rng: Rng) -> Floats:
    """Return the ratio by which each record's mistakes are commoner than the rate.

    It follows ethnic group, deprivation, the organisation and the care taken over the record, so
    that mistakes come together; each of them has a mean of 1.
    """
    group = profile.per_group(profile.unequal["ethnic"])[records["group"].to_numpy()]
    fifth = per_quintile(profile.unequal["quintile"])[records["quintile"].to_numpy()]
    codes = records[source.organisation].fill_null("")
    known = codes.unique().sort()
    sd = profile.unequal["organisation_sd"]
    own = np.exp(rng.normal(0, sd, len(known)) - sd**2 / 2)
    number = (
        codes.alias("code")
        .to_frame()
        .join(
            known.alias("code").to_frame().with_columns(pl.Series("own", own)),
            on="code",
            how="left",
            maintain_order="left",
        )
    )
    spread = profile.unequal["record_sd"]
    hasty = np.exp(rng.normal(0, spread, records.height) - spread**2 / 2)
    return np.asarray(group * fifth * number["own"].to_numpy() * hasty)


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


def aliases(
    people: pl.DataFrame, records: pl.DataFrame, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Return previous names and addresses that the practice knows, one row each.

    Columns: record_id, family_name, postcode, address, uprn; a row fills one kind of them.
    """
    settings = profile.england["moves"]
    listed = people[records["person"].to_numpy()].with_columns(records["record_id"])
    name_known = chance(rng, settings["previous_surname_known_to_practice"], listed.height)
    place_known = chance(rng, settings["previous_address_known_to_practice"], listed.height)
    names = listed.filter(pl.Series(name_known) & pl.col("previous_family_name").is_not_null())
    # Where the record still has the old address, the practice has not heard of the move.
    heard = records["postcode"].ne_missing(listed["previous_postcode"]).to_numpy()
    moved = listed["previous_postcode"].is_not_null().to_numpy()
    places = listed.filter(pl.Series(place_known & heard & moved))
    former = names.select("record_id", family_name="previous_family_name")
    before = places.select(
        "record_id",
        postcode="previous_postcode",
        address="previous_address",
        uprn="previous_uprn",
    )
    columns = ("record_id", "family_name", "postcode", "address", "uprn")
    both = pl.concat([former, before], how="diagonal").select(columns)
    return both.sort("record_id", "family_name", nulls_last=True)


def contract(records: pl.DataFrame) -> pl.DataFrame:
    """Return records in the order and the types of the contract, without `person`."""
    return records.select(
        pl.col(column.name).cast(column.dtype)
        for column in PEOPLE.columns
        if column.name in records.columns
    )
