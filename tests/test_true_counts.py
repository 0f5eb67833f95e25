"""True counts: the library's own counting on perfect links, whatever the number of parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pophealth_link import demo, indicators, need, reference, synthetic, true_counts
from pophealth_link.job.analysing import Analysed, run_analyse
from pophealth_link.job.load import load
from pophealth_link.job.progress import Silent
from pophealth_link.reference import Pack
from pophealth_link.schema.outputs import PERSON_FACTS, PROPERTY_FACTS
from pophealth_link.synthetic import Synthetic, SynthSpec

SPEC = SynthSpec(people=6_000, seed=21)
AS_OF, FIRST, LAST = date(2026, 4, 1), date(2025, 4, 1), date(2026, 3, 31)
CELL = ["footprint_type", "footprint_code", "basis", "indicator", "stratum"]


@pytest.fixture(scope="module")
def pack() -> Pack:
    return reference.load(None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("true") / "data"
    return demo.make_synthetic(out, people=SPEC.people, seed=SPEC.seed).parent


@pytest.fixture(scope="module")
def counts(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "true_counts.parquet")


@pytest.fixture(scope="module")
def made(pack: Pack) -> Synthetic:
    return synthetic.generate(SPEC, pack)


@pytest.fixture(scope="module")
def analysed(
    folder: Path, made: Synthetic, pack: Pack, tmp_path_factory: pytest.TempPathFactory
) -> Analysed:
    """What `analyse` counts from the written files with an index in which every link is right."""
    linked = tmp_path_factory.mktemp("perfect") / "linked"
    linked.mkdir()
    register = pl.when(pl.col("source") == "gp_register").then(pl.lit("register"))
    made.truth.select(
        "source", "record_id", "person_id", register.otherwise(pl.lit("reviewed")).alias("method"),
        pl.lit(None, pl.Float64).alias("match_probability"),
    ).write_parquet(linked / "person_index.parquet")  # fmt: skip
    facts = made.people.filter("has_record").select(PERSON_FACTS.names)
    facts.write_parquet(linked / "person_facts.parquet")
    made.homes.select(PROPERTY_FACTS.names).write_parquet(linked / "property_facts.parquet")
    out = tmp_path_factory.mktemp("analysed")
    return run_analyse(load(folder / "job.toml", ["analyse"]), pack, linked, out, Silent())


def test_every_cell_of_the_baseline_has_its_true_counts(counts: pl.DataFrame) -> None:
    assert list(true_counts.COLUMNS) == counts.columns
    assert counts.select(CELL).is_unique().all()
    assert {"pcn", "icp", "lad", "whole"} <= set(counts["footprint_type"])
    assert set(counts["basis"]) == {"registered", "resident"}
    given = counts.filter(pl.col("status").is_in(["ok", "estimated", "imputed_down"]))
    assert given["numerator"].null_count() == given["denominator"].null_count() == 0
    whole = counts.filter(footprint_code="whole", stratum="all", basis="resident")
    # What no source can name has no data, whatever the job holds.
    unnamed = {each.id for each in indicators.catalogue() if each.unnamed}
    named = whole.filter(~pl.col("indicator").is_in(list(unnamed)))
    assert set(named["status"]) <= {"ok", "imputed_down"}
    assert set(whole.filter(status="no_data")["indicator"]) == unnamed


def test_analyse_on_perfect_links_counts_the_same(analysed: Analysed, counts: pl.DataFrame) -> None:
    exact = need.count(analysed.inputs).select(true_counts.COLUMNS)
    assert_frame_equal(exact, counts, check_exact=True)
    # As a run counts, people are rounded where they weigh area indicators; nothing else differs.
    people = pl.col("level") != "area"
    told = analysed.counts.filter(people).select(*CELL, "numerator", "denominator")
    both = told.join(counts, on=CELL, suffix="_true")
    assert both.height == told.height
    for part in ("numerator", "denominator"):
        assert both[part].equals(both[f"{part}_true"].alias(part), null_equal=True)


def test_parts_give_the_same_counts_as_all_at_once(folder: Path, pack: Pack) -> None:
    planned = synthetic.plan(SPEC, pack, part_size=2_000)
    parts = [synthetic.make_part(planned, part) for part in planned.parts]
    assert len(parts) == 3
    on = true_counts.ground(folder / "job.toml", pack)
    by_part = true_counts.count([true_counts.tally_part(p, on, alone=False) for p in parts], on)
    tables = {name: pl.concat(p.tables[name] for p in parts) for name in parts[0].tables}
    truth, people, homes = (
        pl.concat(getattr(p, name) for p in parts) for name in ("truth", "people", "homes")
    )
    whole = Synthetic(SPEC, tables, truth, people, homes)
    at_once = true_counts.count([true_counts.tally_part(whole, on)], on)
    assert_frame_equal(by_part, at_once, check_exact=True)


def test_data_that_one_part_alone_holds_is_data(folder: Path, made: Synthetic, pack: Pack) -> None:
    """A condition that is coded in one part only is no gap, nor is its denominator that part's."""
    on = true_counts.ground(folder / "job.toml", pack)
    first = made.people["person_id"].head(made.people.height // 2)
    halves = [_half(made, first, inside) for inside in (True, False)]
    events = dict(halves[1].tables)
    events["condition_events"] = events["condition_events"].filter(
        pl.col("condition") != "dementia"
    )
    halves[1] = replace(halves[1], tables=events)
    by_part = true_counts.count([true_counts.tally_part(half, on) for half in halves], on)
    row = by_part.filter(indicator="dementia_recorded", footprint_type="whole", stratum="all")
    assert "no_data" not in set(row["status"])
    people = made.people.filter("has_record", "current")
    known = set(halves[0].tables["condition_events"].filter(condition="dementia")["record_id"])
    assert known
    for basis in ("registered", "resident"):
        assert row.filter(basis=basis)["denominator"].sum() == people.height
    assert row.filter(basis="resident")["numerator"].sum() > 0
    alone = true_counts.count([true_counts.tally_part(halves[1], on)], on)
    assert set(alone.filter(indicator="dementia_recorded")["status"]) == {"no_data"}


def test_what_a_part_leaves_empty_is_filled_in_others(
    folder: Path, made: Synthetic, pack: Pack
) -> None:
    """Home treatment that never began is a long wait, though nothing began in the part at all."""
    on = true_counts.ground(folder / "job.toml", pack)
    empty = {name: frame.clear() for name, frame in made.tables.items()}
    record = made.truth.filter(source="mental_health_trust")["record_id"][0]
    assessed = empty["crisis_assessments"]
    pending = pl.DataFrame(
        {"record_id": [record], "completed_date": [FIRST], "decision": ["home_treatment"]}
    )
    tables = empty | {"crisis_assessments": pl.concat([assessed, pending], how="diagonal_relaxed")}
    one = replace(made, tables=tables)

    def over(*, alone: bool) -> int:
        units = true_counts.tally_part(one, on, alone=alone).tally.units
        cells = units.filter(
            pl.col("indicator") == "crisis_assessments_over_4_hours",
            pl.col("basis") == "resident",
            pl.col("stratum") == "all",
        )
        return int(cells["numerator"].sum())

    assert over(alone=True) == 0
    assert over(alone=False) == 1


def _half(made: Synthetic, first: pl.Series, inside: bool) -> Synthetic:
    """The half of the people who are among the first, or the other half."""
    chosen = pl.col("person_id").is_in(first.implode())
    people = made.people.filter(chosen if inside else ~chosen)
    truth = made.truth.join(people.select("person_id"), on="person_id", how="semi")
    keys = truth["record_id"].implode()
    tables = {
        name: rows.filter(pl.col("record_id").is_in(keys)) if name != "council_tax" else rows
        for name, rows in made.tables.items()
    }
    homes = made.homes if inside else made.homes.clear()
    return Synthetic(made.spec, tables, truth, people, homes)


# What follows counts a few indicators anew, from the files and plain Polars.


def events(folder: Path, table: str) -> pl.DataFrame:
    path = next(folder.glob(f"{table}.*"))
    if path.suffix == ".parquet":
        rows = pl.read_parquet(path)
    else:
        rows = pl.read_csv(path, infer_schema=False)
        days = [name for name in rows.columns if name.endswith("_date")]
        rows = rows.with_columns(pl.col(name).str.to_date() for name in days)
    truth = pl.read_parquet(folder / "truth.parquet")
    return rows.join(truth.select("record_id", "person_id"), on="record_id")


def people(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "true_people.parquet").filter("has_record")


def cells(
    counts: pl.DataFrame, indicator: str, kind: str, basis: str
) -> dict[str, tuple[float, float]]:
    rows = counts.filter(indicator=indicator, footprint_type=kind, basis=basis, stratum="all")
    return {
        code: (n, d)
        for code, n, d in rows.select("footprint_code", "numerator", "denominator").rows()
        if d
    }


ADULT = pl.col("age_band").str.extract(r"^(\d+)").cast(pl.Int64) >= 18


def test_depression_by_network(folder: Path, counts: pl.DataFrame, pack: Pack) -> None:
    found = events(folder, "condition_events").filter(
        pl.col("condition") == "depression", pl.col("recorded_date").is_between(date(2006, 4, 1), AS_OF),
        pl.col("resolved_date").is_null() | (pl.col("resolved_date") > AS_OF),
    )  # fmt: skip
    held = pack.read("practice_pcn").filter(
        pl.col("valid_from").fill_null(date.min) <= AS_OF,
        pl.col("valid_to").fill_null(date.max) >= AS_OF,
    )
    adults = (
        people(folder)
        .filter(ADULT, "current")
        .drop("pcn_code")
        .join(held.select("practice_code", "pcn_code"), on="practice_code")
    )
    ill = adults.with_columns(ill=pl.col("person_id").is_in(found["person_id"].implode()))
    expected = {
        code: (ill_, all_) for code, ill_, all_ in
        ill.group_by("pcn_code").agg(pl.col("ill").sum(), pl.len().alias("all")).iter_rows()
    }  # fmt: skip
    told = cells(counts, "depression_recorded", "pcn", "registered")
    assert {code: told[code] for code in expected} == expected
    assert sum(n for n, _ in expected.values()) > 300


def test_homelessness_by_authority(folder: Path, counts: pl.DataFrame, pack: Pack) -> None:
    cases = events(folder, "homelessness_cases").filter(
        pl.col("duty").is_in(["prevention", "relief", "main"]),
        pl.col("start_date").is_between(FIRST, LAST),
    )
    areas = pack.read("areas").select("lsoa_code", "lad_code")
    here = people(folder).filter(pl.col("person_years") > 0).join(areas, on="lsoa_code", how="left")
    code = (
        pl.when(pl.col("unplaced") == "unknown_postcode")
        .then(pl.lit("unknown_postcode"))
        .otherwise(pl.coalesce("lad_code", "unplaced"))
    )
    expected = (
        here.with_columns(code=code)
        .group_by("code")
        .agg(days=(pl.col("person_years") * 365.25).round(0).sum())
    )
    told = cells(counts, "homelessness_duty_owed", "lad", "resident")
    for name, days in expected.iter_rows():
        assert told[name][1] == pytest.approx(days / 365.25, abs=1e-5)
    owed = here.with_columns(code=code).join(
        cases.select("person_id").unique(), on="person_id"
    ).group_by("code").len()  # fmt: skip
    assert owed["len"].sum() > 20
    assert sum(n for n, _ in told.values()) >= owed["len"].sum()


def test_contacts_over_the_whole_area(folder: Path, counts: pl.DataFrame) -> None:
    timed = people(folder).filter((pl.col("person_years") * 365.25).round(0) > 0)
    attended = events(folder, "contacts").filter(
        pl.col("contact_date").is_between(FIRST, LAST), pl.col("attendance").is_in(["5", "6"])
    )
    found = attended.join(timed, on="person_id", how="semi")["contact_id"].n_unique()
    told = cells(counts, "mental_health_contacts", "whole", "resident")
    assert found > 500
    assert sum(numerator for numerator, _ in told.values()) == found


def test_single_person_discounts(folder: Path, counts: pl.DataFrame) -> None:
    tax = pl.read_csv(folder / "council_tax.csv")
    told = cells(counts, "single_person_discount", "whole", "resident")["whole"]
    assert told == (tax["single_person_discount"].sum(), tax["uprn"].n_unique())


def test_a_pack_without_measures_is_told_and_the_rest_is_written(
    pack: Pack, tmp_path: Path
) -> None:
    kept = [name for name in pack.tables if name not in ("area_measures", "exposures")]
    bare = tmp_path / "bare"
    reference.write(
        {name: pack.scan(name) for name in kept}, bare, name="bare", n_areas=pack.n_areas,
        about={name: pack.about[name] for name in kept},
    )  # fmt: skip
    told = Told()
    job = demo.make_synthetic(tmp_path / "out", people=200, seed=1, places=bare, progress=told)
    assert told.warnings == [
        "no true counts, and no job that runs: the reference pack has no area_measures."
    ]
    assert not (job.parent / "true_counts.parquet").exists()
    assert (job.parent / "true_people.parquet").exists()


class Told(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)
