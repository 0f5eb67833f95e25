"""What surrounds a pair: how common names and birthdays are, who lives there, what is missing."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from benchmarks.ceiling_rows import Known

# How many of the register share these with a register person, or with what a record says.
SHARED: Mapping[str, tuple[str, ...]] = {
    "given": ("first_given",),
    "family": ("family",),
    "names": ("first_given", "family"),
    "sounds": ("sound_given", "sound_family"),
    "names_year": ("first_given", "family", "birth_year"),
    "names_born": ("first_given", "family", "birth_text"),
    "born": ("birth_text",),
    "given_born": ("first_given", "birth_text"),
    "family_born": ("family", "birth_text"),
    "given_year": ("first_given", "birth_year"),
    "dwelling": ("dwelling",),
    "dwelling_family": ("dwelling", "family"),
    "dwelling_given": ("dwelling", "first_given"),
    "dwelling_born": ("dwelling", "birth_text"),
    "dwelling_sex": ("dwelling", "sex"),
    "dwelling_year": ("dwelling", "birth_year"),
    "home": ("home",),
    "home_given": ("home", "first_given"),
    "home_family": ("home", "family"),
}
# How many records of its own source share these with a record.
BESIDE: Mapping[str, tuple[str, ...]] = {
    "dwelling": ("dwelling",),
    "dwelling_family": ("dwelling", "family"),
    "dwelling_born": ("dwelling", "birth_text"),
    "names_born": ("first_given", "family", "birth_text"),
    "home": ("home",),
}
_MISSING = ("first_given", "family", "middle", "date_of_birth", "sex", "home", "uprn", "house")


def with_people(
    pairs: pl.DataFrame, known: Known, asked: pl.DataFrame, sources: Mapping[str, int]
) -> pl.DataFrame:
    """Add to pairs what is known of the register person, of the record, and of the two together.

    `sources` numbers the sources that were trained on; another source has no number.
    """
    left = of_register(known)
    right = of_records(known, asked, sources)
    wide = pairs.join(left, on="rid_l").join(right, on="rid_r")
    refused = known.refused.with_columns(number_refused=pl.lit(1, dtype=pl.Int8))
    whole = (
        wide.join(refused, on=["rid_l", "rid_r"], how="left")
        .join(_claims(known, pairs, asked), on=["rid_l", "rid_r"], how="left")
        .with_columns(pl.col("number_refused", "taken", "linked_elsewhere").fill_null(0))
    )
    # Half the memory of what came out of the database.
    narrow = pl.exclude("rid_l", "rid_r").cast(pl.Float32)
    return whole.with_columns(narrow).sort("rid_r", "rid_l")


def of_register(known: Known) -> pl.DataFrame:
    """Return `rid_l` and what the register tells of each of its people."""
    people = known.people
    shared = {f"l_{name}": _crowd(keys) for name, keys in SHARED.items()}
    return people.select(
        pl.col("rid").alias("rid_l"),
        *(expression.alias(name) for name, expression in shared.items()),
        pl.col("birth_year").cast(pl.Float32).alias("l_year"),
        pl.col("date_from").dt.year().cast(pl.Float32).alias("l_from"),
        pl.col("date_to").is_not_null().cast(pl.Int8).alias("l_left"),
        pl.col("uprn").is_null().cast(pl.Int8).alias("l_no_uprn"),
        pl.col("middle").is_null().cast(pl.Int8).alias("l_no_middle"),
        pl.col("placeholder_birth").cast(pl.Int8).alias("l_placeholder"),
    )


def of_records(known: Known, asked: pl.DataFrame, sources: Mapping[str, int]) -> pl.DataFrame:
    """Return `rid_r` and what each record says, leaves out and shares with the register."""
    found = asked.sort("rid")
    for name, keys in SHARED.items():
        found = _counted(found, known.people, keys, f"r_{name}")
    code = pl.col("source").replace_strict(dict(sources), default=None, return_dtype=pl.Float32)
    beside = {f"beside_{name}": _crowd(("source", *keys)) for name, keys in BESIDE.items()}
    near = known.asked.select("rid", *(e.alias(name) for name, e in beside.items()))
    return found.join(near, on="rid").select(
        pl.col("rid").alias("rid_r"),
        *(f"r_{name}" for name in SHARED),
        *beside,
        code.alias("r_source"),
        pl.col("number_state").cast(pl.Int8).alias("r_number"),
        *(pl.col(c).is_null().cast(pl.Int8).alias(f"r_no_{c}") for c in _MISSING),
        pl.col("birth_year").cast(pl.Float32).alias("r_year"),
        pl.col("placeholder_birth").cast(pl.Int8).alias("r_placeholder"),
        pl.col("sex").cast(pl.Float32, strict=False).alias("r_sex"),
        pl.col("first_given").str.len_chars().cast(pl.Float32).alias("r_given_length"),
        pl.col("family").str.len_chars().cast(pl.Float32).alias("r_family_length"),
    )


def _crowd(keys: tuple[str, ...]) -> pl.Expr:
    """Return how many rows share the keys with a row; null where one is missing."""
    known = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    return pl.when(known).then(pl.len().over(keys)).cast(pl.Float32)


def _counted(
    records: pl.DataFrame, people: pl.DataFrame, keys: tuple[str, ...], name: str
) -> pl.DataFrame:
    """Add how many people share the keys with a record; null where the record lacks one."""
    counts = people.drop_nulls(keys).group_by(keys).agg(pl.len().cast(pl.Float32).alias(name))
    known = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    joined = records.join(counts, on=keys, how="left", maintain_order="left")
    return joined.with_columns(pl.when(known).then(pl.col(name).fill_null(0.0)).alias(name))


def _claims(known: Known, pairs: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Return of each pair how many other records the NHS number gave the register person.

    `taken`: of the record's own source, where people are unique; `linked_elsewhere`: of others.
    """
    facts = known.asked.select("rid", "source", "unique_people")
    given = known.linked.join(facts, left_on="rid_r", right_on="rid").rename(
        {"rid_r": "other", "source": "other_source"}
    )
    both = (
        pairs.select("rid_l", "rid_r")
        .join(given, on="rid_l")
        .join(asked.select("source", rid_r="rid"), on="rid_r")
        .filter(pl.col("other") != pl.col("rid_r"))
    )
    own = pl.col("source") == pl.col("other_source")
    return both.group_by("rid_l", "rid_r").agg(
        (own & pl.col("unique_people")).sum().cast(pl.Int8).alias("taken"),
        (~own).sum().cast(pl.Int8).alias("linked_elsewhere"),
    )
