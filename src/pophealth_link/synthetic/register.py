"""The register: where it still has people, whom it holds twice, what it knows of the past."""

from __future__ import annotations

import polars as pl

from pophealth_link.synthetic.draws import Rng, chance
from pophealth_link.synthetic.mistakes.places import PLACE
from pophealth_link.synthetic.profile import Profile

_ELSEWHERE = ("previous", "other")


def as_registered(people: pl.DataFrame) -> pl.DataFrame:
    """Return the people at the address at which the register has them (`registered_at`)."""
    return people.with_columns(_registered_at(name) for name in PLACE)


def _registered_at(name: str) -> pl.Expr:
    where = pl.col("registered_at")
    held = pl.col(name)
    for which in _ELSEWHERE:
        here = (where == which) & pl.col(f"{which}_postcode").is_not_null()
        held = pl.when(here).then(pl.col(f"{which}_{name}")).otherwise(held)
    return held.alias(name)


def with_second_records(people: pl.DataFrame, share: float, rng: Rng) -> pl.DataFrame:
    """Return the people, and a share of them once more as they came to be registered again.

    Who could not be found under their number was given another, valid one (`second_number`), on
    another practice's list, often at the address or with the name of before, and as a rule with a
    slip in the name or in the date of birth, for which they were not found.
    """
    could = people["second_number"].is_not_null().to_numpy()
    rate = min(1.0, share * people.height / max(int(could.sum()), 1))
    again = people.filter(pl.Series(could & chance(rng, rate, people.height)))
    if again.is_empty():
        return people
    return pl.concat([people, _registered_again(again, people["practice_code"], rng)])


def _registered_again(again: pl.DataFrame, practices: pl.Series, rng: Rng) -> pl.DataFrame:
    """Return second records: number, list, and what differs."""
    size = again.height
    practice = practices.drop_nulls().gather(rng.integers(0, practices.count(), size))
    born = again["date_of_birth"].dt.offset_by("1mo")
    past = (born.cast(pl.Int32) - again["date_of_birth"].cast(pl.Int32)) < again["age_days"]
    slip = pl.Series("slip", rng.random(size))
    frame = again.with_columns(
        pl.col("second_number").alias("nhs_number"),
        pl.when(pl.Series(chance(rng, 0.5, size))).then(practice).otherwise("practice_code")
        .alias("practice_code"),
        slip,
    )  # fmt: skip
    letter = pl.col("family_name").str.len_chars() // 2
    shorter = pl.col("family_name").str.slice(0, letter) + pl.col("family_name").str.slice(
        letter + 1
    )
    frame = frame.with_columns(
        pl.when(pl.col("slip") < 0.4).then(shorter)
        .when((pl.col("slip") < 0.6) & pl.col("previous_family_name").is_not_null())
        .then(pl.col("previous_family_name")).otherwise("family_name").alias("family_name"),
        pl.when(pl.col("slip").is_between(0.6, 0.8) & past).then(born)
        .otherwise("date_of_birth").alias("date_of_birth"),
    )  # fmt: skip
    moved = pl.Series(chance(rng, 0.5, size)) & pl.col("previous_postcode").is_not_null()
    return frame.with_columns(
        pl.when(moved).then(f"previous_{name}").otherwise(name).alias(name) for name in PLACE
    ).drop("slip")


def aliases(
    people: pl.DataFrame, records: pl.DataFrame, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Return previous names and addresses that the practice knows, one row each.

    Columns: record_id, family_name, postcode, address, uprn; a row fills one kind of them.
    """
    settings = profile.england["moves"]
    known = people[records["person"].to_numpy()].with_columns(
        records["record_id"], records["postcode"].alias("held_postcode")
    )
    share = settings["previous_address_known_to_practice"]
    names = _former(
        known, "previous_family_name", settings["previous_surname_known_to_practice"], rng
    )
    both = pl.concat(
        [
            names.select("record_id", family_name="previous_family_name"),
            _places(known, "previous", share, rng),
            _places(known, "earlier", share / 2, rng),
        ],
        how="diagonal",
    ).select("record_id", "family_name", *PLACE)
    return both.sort(pl.all(), nulls_last=True)


def _places(known: pl.DataFrame, which: str, share: float, rng: Rng) -> pl.DataFrame:
    """Return the former places that the practice knows.

    Where the record still has the former place, the practice has not heard of the move.
    """
    former = _former(known, f"{which}_postcode", share, rng)
    moved = former.filter(pl.col("held_postcode").ne_missing(pl.col(f"{which}_postcode")))
    return moved.select("record_id", **{name: f"{which}_{name}" for name in PLACE})


def _former(known: pl.DataFrame, column: str, share: float, rng: Rng) -> pl.DataFrame:
    heard = pl.Series(chance(rng, share, known.height))
    return known.filter(heard & pl.col(column).is_not_null())
