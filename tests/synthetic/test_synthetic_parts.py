"""Parts of a population: nothing in two of them, nothing lost, the same as if made at once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_places import LISTS, TinyPack

from pophealth_link.errors import JobError
from pophealth_link.synthetic import Plan, Synthetic, SynthSpec, generate, make_part, plan
from pophealth_link.synthetic.parts import plan_parts
from pophealth_link.synthetic.population import population_size
from pophealth_link.synthetic.profile import load_profile
from pophealth_link.synthetic.region import read_region
from pophealth_link.synthetic.sources import PROPERTIES, SOURCES

SPEC = SynthSpec(people=9_000, seed=11)
SIZE = 3_000


@pytest.fixture(scope="module")
def planned(pack: TinyPack) -> Plan:
    return plan(SPEC, pack, part_size=SIZE)


@pytest.fixture(scope="module")
def parts(planned: Plan) -> list[Synthetic]:
    return [make_part(planned, part) for part in planned.parts]


def joined(parts: list[Synthetic], table: str) -> pl.DataFrame:
    return pl.concat(part.tables[table] for part in parts)


def test_parts_are_of_whole_lsoas_and_hold_everybody(planned: Plan, parts: list[Synthetic]) -> None:
    assert len(planned.parts) == 3
    areas = [part.region.lsoas["lsoa_code"].to_list() for part in planned.parts]
    assert sum(map(len, areas)) == len(set().union(*areas)) == 12
    register = pl.concat(part.truth.filter(source="gp_register") for part in parts)
    assert register["person_id"].n_unique() == 9_000
    for part, codes in zip(parts, areas, strict=True):
        assert set(part.people["lsoa_code"].drop_nulls()) <= set(codes)


def test_parts_hold_as_many_people_as_was_planned(planned: Plan, parts: list[Synthetic]) -> None:
    """NHS numbers of later parts are counted from it."""
    sizes = [population_size(part.spec.people, planned.profile) for part in planned.parts]
    assert [part.people.height for part in parts] == sizes


def test_no_id_is_in_two_parts(parts: list[Synthetic]) -> None:
    for source in SOURCES:
        records = joined(parts, source.name)
        assert records["record_id"].is_unique().all(), source.name
        assert records["record_id"].n_unique() == records.height > 0
    people = pl.concat(part.people for part in parts)
    assert people["person_id"].is_unique().all()
    for one, other in ((0, 1), (0, 2), (1, 2)):
        for column in ("household_id", "keyed_uprn"):
            held = [set(parts[n].people[column].drop_nulls()) for n in (one, other)]
            assert not held[0] & held[1], column
    homes = joined(parts, PROPERTIES)
    assert homes["uprn"].is_unique().all()
    assert homes.select("postcode", "address").is_unique().all()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (t, c)
        for s in SOURCES
        for t in s.events
        for c in (
            "referral_id",
            "contact_id",
            "spell_id",
            "admission_id",
            "event_id",
            "application_id",
            "case_id",
            "placement_id",
        )
    ],
)
def test_no_event_id_is_in_two_parts(parts: list[Synthetic], table: str, column: str) -> None:
    if column not in parts[0].tables[table].columns:
        return
    held = [set(part.tables[table][column].drop_nulls()) for part in parts]
    assert sum(map(len, held)) == len(set().union(*held))


def test_nobody_has_a_number_of_another_part(parts: list[Synthetic]) -> None:
    held = [set(part.tables["gp_register"]["nhs_number"].drop_nulls()) for part in parts]
    assert sum(map(len, held)) == len(set().union(*held))


def test_delays_belong_to_spells_of_their_own_part(parts: list[Synthetic]) -> None:
    for part in parts:
        delays = part.tables["delayed_discharges"]["spell_id"]
        assert delays.is_in(part.tables["hospital_spells"]["spell_id"].implode()).all()
    assert sum(part.tables["delayed_discharges"].height for part in parts) > 0


def test_every_record_of_every_part_has_one_row_of_truth(parts: list[Synthetic]) -> None:
    truth = pl.concat(part.truth for part in parts)
    keys = truth.select("source", "record_id")
    assert keys.is_unique().all()
    for source in SOURCES:
        own = truth.filter(source=source.name)["record_id"].sort()
        assert own.equals(joined(parts, source.name)["record_id"].sort())
    people = pl.concat(part.people for part in parts)
    assert truth["person_id"].is_in(people["person_id"].implode()).all()
    known = people.filter("has_record")["person_id"]
    assert set(known) == set(truth["person_id"])


def test_lists_are_as_published_over_all_parts(parts: list[Synthetic]) -> None:
    people = pl.concat(part.people for part in parts).filter("on_register")
    local = people.filter(pl.col("practice_code").str.starts_with("A9900"))
    found = local.group_by("practice_code").len().sort("practice_code")["len"].to_numpy()
    shares = np.array(LISTS) / sum(LISTS)
    assert (np.abs(found / found.sum() - shares) < 0.02).all()


def test_generate_is_its_parts_made_in_any_order(pack: TinyPack) -> None:
    spec = SynthSpec(people=900, seed=3)
    whole = generate(spec, pack, part_size=450)
    planned = plan(spec, pack, part_size=450)
    second, first = (make_part(planned, planned.parts[number]) for number in (1, 0))
    for name in whole.tables:
        assert whole.tables[name].equals(joined([first, second], name)), name
    assert whole.truth.equals(pl.concat([first.truth, second.truth]))


def test_one_part_bears_no_number(pack: TinyPack) -> None:
    made = generate(SynthSpec(people=300, seed=1), pack)
    assert made.tables["gp_register"]["record_id"].str.contains(r"^G\d{8}$").all()
    assert made.people["person_id"].str.contains(r"^P\d{8}$").all()


@settings(max_examples=40, deadline=None)
@given(
    people=st.integers(50, 200_000),
    size=st.integers(100, 50_000),
    weights=st.lists(st.integers(1, 5_000), min_size=12, max_size=12),
)
def test_any_plan_holds_everybody_and_every_lsoa_once(
    pack: TinyPack, people: int, size: int, weights: list[int]
) -> None:
    areas = pack.read("areas").with_columns(pl.Series("population", weights))
    uneven = TinyPack({**pack.tables, "areas": areas})
    profile, spec = load_profile("typical"), SynthSpec(people=people, seed=1)
    region = read_region(uneven, profile, spec.as_of)
    made = plan_parts(spec, region, profile, size)
    assert sum(part.spec.people for part in made) == people
    assert min(part.spec.people for part in made) >= 50
    assert sum(part.region.lsoas.height for part in made) == region.lsoas.height
    numbers = [part.first_number for part in made]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0


def test_more_people_than_places_can_hold_are_refused(pack: TinyPack) -> None:
    with pytest.raises(JobError) as caught:
        plan(SynthSpec(people=10_000_000, seed=1), pack)
    told = str(caught.value)
    assert "too many for the 12 LSOAs" in told
    # The largest of the twelve holds 1,900 of 19,000 people.
    assert "at most 5,000,000" in told
    assert len(plan(SynthSpec(people=5_000_000, seed=1), pack).parts) == 12


# A process of its own makes each of these, for the number of threads is set as Polars is loaded.
MAKE = """
import sys
from pathlib import Path
from pophealth_link import demo, reference
from pophealth_link.job.progress import Silent
from pophealth_link.synthetic import SynthSpec, data_folder, plan
import resource
people, size, out = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
spec, pack = SynthSpec(people=people, seed=4), reference.load(None)
with data_folder(out, spec, reference=None) as folder:
    planned = plan(spec, pack, part_size=size)
    demo._add_parts(folder, planned, pack, Silent())
print(len(planned.parts), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def make(people: int, size: int, out: Path, threads: int = 2) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(people), str(size), str(out)],
        env={**os.environ, "POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    parts, peak = done.stdout.split()
    return int(parts), int(peak)


@pytest.mark.slow
def test_the_same_bytes_whatever_the_number_of_threads(tmp_path: Path) -> None:
    digests = []
    for threads in (1, 4):
        out = tmp_path / str(threads)
        assert make(3_000, 1_500, out, threads)[0] == 2
        digests.append({
            path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*")) if path.is_file()
        })  # fmt: skip
    assert digests[0] == digests[1]
    assert {"truth.parquet", "true_counts.parquet", "job.toml"} < set(digests[0])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_parts(tmp_path: Path) -> None:
    few, many = (make(n, 20_000, tmp_path / str(n)) for n in (40_000, 120_000))
    assert (few[0], many[0]) == (2, 6)
    # Three times as many people in parts of the same size; the rest is room for noise.
    assert many[1] < 1.3 * few[1]


def test_files_of_several_parts_read_back_as_one_table(
    planned: Plan, parts: list[Synthetic], tmp_path: Path
) -> None:
    from pophealth_link.synthetic import data_folder

    with data_folder(tmp_path / "out", SPEC, reference=None) as folder:
        for part in parts:
            folder.add(part)
    register = pl.read_parquet(tmp_path / "out/gp_register.parquet")
    assert register.equals(joined(parts, "gp_register"))
    trust = pl.read_csv(tmp_path / "out/mental_health_trust.csv", infer_schema=False)
    assert trust["record_id"].equals(joined(parts, "mental_health_trust")["record_id"])
    assert pl.read_parquet_schema(tmp_path / "out/truth.parquet") == parts[0].truth.schema
