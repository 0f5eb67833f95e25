"""A small job on the example region, written by hand: a register, a trust, a council, dwellings."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pophealth_link import reference

PEOPLE = 600
AS_OF = date(2026, 4, 1)
GIVEN = ["Ann", "Bola", "Chidi", "Dilys", "Ewan", "Farah", "Gita", "Hugh", "Ines", "Jamal"]
FAMILY = ["Ash", "Bello", "Cole", "Dutt", "Eze", "Flint", "Gale", "Hart", "Iqbal", "Jones"]

JOB = """\
version = 1
as_of = 2026-04-01
seed = 1

[[sources]]
name = "gp"
setting = "primary_care"
register = true
unique_people = true
people = "gp.parquet"
[[sources.events]]
table = "condition_events"
path = "conditions.csv"

[[sources]]
name = "trust"
setting = "secondary_care"
people = "trust.csv"
[[sources.events]]
table = "contacts"
path = "contacts.csv"

[[sources]]
name = "care"
setting = "local_authority"
people = "care.csv"
[sources.columns]
given_name = "forename"
date_of_birth = "born"
[sources.formats]
date_of_birth = ["%d/%m/%Y"]
[[sources.events]]
table = "social_care_events"
path = "care_events.csv"

[[properties]]
name = "council_tax"
path = "council_tax.csv"

[disclosure]
policy = "hes"

[privacy]
key_file = "project.key"

[governance]
purpose = "A test"
"""


def valid_numbers(count: int) -> list[str]:
    """Numbers of the test range, with the check digit of the dictionary."""
    found, nine = [], 999_000_000
    while len(found) < count:
        nine += 1
        total = sum(int(d) * (10 - i) for i, d in enumerate(str(nine)))
        check = (11 - total % 11) % 11
        if check != 10:
            found.append(f"{nine}{check}")
    return found


def register(rng: np.random.Generator) -> pl.DataFrame:
    pack = reference.load(None)
    homes = pack.read("postcodes").sample(PEOPLE, with_replacement=True, seed=1)
    practices = pack.read("practices")["practice_code"].to_numpy()
    born = [date(1926, 4, 1) + timedelta(days=int(d)) for d in rng.integers(0, 36_000, PEOPLE)]
    return pl.DataFrame(
        {
            "record_id": [f"g{i}" for i in range(PEOPLE)],
            "nhs_number": valid_numbers(PEOPLE),
            "given_name": rng.choice(GIVEN, PEOPLE),
            "family_name": rng.choice(FAMILY, PEOPLE),
            "date_of_birth": born,
            "sex": rng.choice(["1", "2"], PEOPLE),
            "postcode": homes["postcode"],
            "uprn": [str(10_000 + i // 2) for i in range(PEOPLE)],
            "ethnic_category": rng.choice(["A", "H", "N", "Z"], PEOPLE),
            "practice_code": rng.choice(practices, PEOPLE),
        }
    )


def write_small_job(folder: Path) -> Path:
    """Write sources, events, dwellings, key and job file into `folder`; return the job file."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    gp = register(rng)
    gp.write_parquet(folder / "gp.parquet")
    ids = gp["record_id"].to_numpy()
    sick = rng.choice(ids, 200, replace=False)
    pl.DataFrame(
        {
            "record_id": sick,
            "condition": rng.choice(["depression", "severe_mental_illness", "dementia"], 200),
            "recorded_date": "2020-05-01",
        }
    ).with_columns(
        resolved_date=pl.when((pl.int_range(200) % 9 == 0) & (pl.col("condition") == "dementia"))
        .then(pl.lit("2022-02-02"))
        .otherwise(pl.lit(""))
    ).write_csv(folder / "conditions.csv")
    trust = gp.sample(150, seed=2).with_columns(record_id=pl.lit("t") + pl.col("record_id"))
    trust.drop("practice_code").write_csv(folder / "trust.csv")
    seen = rng.choice(trust["record_id"].to_numpy(), 900)
    pl.DataFrame(
        {"record_id": seen, "contact_date": "2025-06-15", "attendance": rng.choice(["5", "3"], 900)}
    ).write_csv(folder / "contacts.csv")
    write_council(gp, folder)
    (folder / "project.key").write_text("a key of the tests, long enough")
    job = folder / "job.toml"
    job.write_text(JOB, encoding="utf-8")
    return job


def write_council(gp: pl.DataFrame, folder: Path) -> None:
    care = gp.sample(120, seed=3).with_columns(
        record_id=pl.lit("c") + pl.col("record_id"),
        born=pl.col("date_of_birth").dt.strftime("%d/%m/%Y"),
    )
    held = care.select("record_id", "born", "family_name", "postcode", "sex", forename="given_name")
    held.write_csv(folder / "care.csv")
    care.select(
        "record_id",
        start_date=pl.lit("2025-01-10"),
        end_date=pl.when(pl.int_range(pl.len()) < 5)
        .then(pl.lit("2025-02-01"))
        .otherwise(pl.lit("")),
        primary_support_reason=pl.lit("mental_health"),
    ).write_csv(folder / "care_events.csv")
    homes = gp.unique("uprn").sort("uprn")
    homes.select(
        "uprn",
        "postcode",
        band=pl.lit("B"),
        single_person_discount=(pl.int_range(pl.len()) % 3 == 0).cast(pl.String),
        licensed_hmo=pl.lit("false"),
    ).write_csv(folder / "council_tax.csv")
