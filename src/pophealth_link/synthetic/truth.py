"""Who each record truly is, with the groups by which linkage is judged, and the true people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from pophealth_link.link.facts import person_facts, property_facts
from pophealth_link.places import current
from pophealth_link.privacy import Key
from pophealth_link.schema.codes import NO_FIXED_ABODE
from pophealth_link.synthetic.draws import Bools, Streams
from pophealth_link.synthetic.region import Places
from pophealth_link.synthetic.spec import SynthSpec

_KEY_BYTES = 32
_NOT_REGISTERED, _NO_PCN = "not_registered", "no_pcn"
# What a row of truth says of its person, besides who it is.
_GROUPS = ("ethnic_group", "sex", "age_band", "quintile", "practice_code", "pcn_code", "situation")


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where postcodes are (postcode, lsoa_code), and the PCN of each practice on the day."""

    postcodes: pl.DataFrame = field(repr=False)
    networks: pl.DataFrame = field(repr=False)


def read_lookups(pack: Places, as_of: date) -> Lookups:
    """Read from a pack what says where true people belong; without PCNs there are none."""
    postcodes = pack.read("postcodes").select("postcode", "lsoa_code").drop_nulls()
    empty = pl.DataFrame(schema={"practice_code": pl.String, "pcn_code": pl.String})
    spells = pack.read("practice_pcn") if pack.has("practice_pcn") else empty
    held: pl.DataFrame = current(spells, as_of)
    networks = held.select("practice_code", "pcn_code").sort("practice_code", "pcn_code")
    return Lookups(postcodes, networks.unique("practice_code", keep="first"))


def project_key(seed: int) -> Key:
    """Return the key that the seed gives: it protects nobody, for nobody in the data exists."""
    return Key(Streams(seed).stage("key").bytes(_KEY_BYTES).hex().encode("ascii"))


def true_people(
    people: pl.DataFrame, has_record: Bools, lookups: Lookups, spec: SynthSpec
) -> pl.DataFrame:
    """Return one row for each row of `people`, in their order: who they are, whatever is recorded.

    The columns of PERSON_FACTS as linkage would make them of true facts, keyed with the project's
    key, and household_id, pcn_code, quintile (1 most deprived), situation (one hard case, or none)
    and has_record: some source knows the person. Who has no fixed abode lives in no LSOA, wherever
    their letters go.
    """
    key = project_key(spec.seed)
    records = _true_records(people)
    facts = person_facts(
        records, lookups.postcodes.lazy(), key, as_of=spec.as_of, period=spec.period
    )
    number = people["household"].cast(pl.String).str.zfill(8)
    return facts.with_columns(
        ("H" + number).alias("household_id"),
        _quintiles(people),
        people["situation"],
        pl.Series("has_record", has_record),
    ).join(lookups.networks, on="practice_code", how="left", maintain_order="left")


def _true_records(people: pl.DataFrame) -> pl.DataFrame:
    """Return the record that an all-knowing source would have of each person."""
    roofless = pl.col("no_fixed_abode") & ~pl.col("lives_outside")
    return people.select(
        ("P" + pl.col("person").cast(pl.String).str.zfill(8)).alias("person_id"),
        pl.lit("truth").alias("source"),
        pl.col("person").cast(pl.String).str.zfill(8).alias("record_id"),
        pl.lit("primary_care").alias("setting"),
        pl.lit(value=False).alias("alias"),
        pl.col("registered").alias("on_register"),
        "date_of_birth",
        pl.col("sex").cast(pl.String),
        "ethnic_category",
        pl.when(~roofless).then("uprn").alias("uprn"),
        pl.when(roofless).then(pl.lit(NO_FIXED_ABODE)).otherwise("postcode").alias("postcode"),
        *("practice_code", "date_from", "date_to", "date_of_death"),
    )


def _quintiles(people: pl.DataFrame) -> pl.Series:
    unplaced = people["no_fixed_abode"].to_numpy() | people["lives_outside"].to_numpy()
    fifth = np.where(unplaced, 0, people["quintile"].to_numpy())
    known = pl.Series("quintile", fifth)
    return pl.select(pl.when(known > 0).then(known).alias("quintile"))["quintile"]


def truth_rows(
    people: pl.DataFrame, true: pl.DataFrame, records: pl.DataFrame, source: str, organisation: str
) -> pl.DataFrame:
    """Return the truth of each record: who it is, and the groups that it may be judged by.

    Columns: source, record_id, person_id, household_id, organisation (the column of `people` that
    says whose mistakes the record shares), ethnic_group, sex, age_band, quintile, practice_code,
    pcn_code, situation; all are text. `true`: see `true_people`.
    """
    rows = records["person"].to_numpy()
    facts = true[rows]
    code = people[organisation].gather(rows).fill_null(_NOT_REGISTERED)
    return pl.DataFrame(
        {
            "source": pl.Series([source], dtype=pl.String).new_from_index(0, len(rows)),
            "record_id": records["record_id"],
            "person_id": facts["person_id"],
            "household_id": facts["household_id"],
            "organisation": code,
        }
    ).with_columns(facts.with_columns(*_in_words()).select(_GROUPS))


def _in_words() -> list[pl.Expr]:
    fifth = pl.format("quintile_{}", pl.col("quintile")).fill_null("quintile_unknown")
    none = pl.when(pl.col("practice_code").is_null()).then(pl.lit(_NOT_REGISTERED))
    return [
        fifth.alias("quintile"),
        none.otherwise("practice_code").alias("practice_code"),
        none.otherwise(pl.col("pcn_code").fill_null(_NO_PCN)).alias("pcn_code"),
    ]


def true_homes(tax: pl.DataFrame, source: str, lookups: Lookups, spec: SynthSpec) -> pl.DataFrame:
    """Return the dwellings of a council's list as PROPERTY_FACTS, with what the list says of them.

    `tax`: DWELLINGS with its true UPRNs and postcodes.
    """
    key = project_key(spec.seed)
    facts = property_facts(tax, lookups.postcodes.lazy(), key, source=source)
    told = tax.select("record_id", "single_person_discount", "licensed_hmo")
    return facts.join(told, on="record_id", how="left", maintain_order="left")
