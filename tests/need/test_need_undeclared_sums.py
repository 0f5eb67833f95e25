"""Sums between the counts of indicators: those that hold whatever the data are all declared.

The events are those of the generator, each given to several people and half of their codes drawn
anew: spells, ids and dates keep their order, and what the generator never makes is there too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pytest
import world

from pophealth_link import reference, synthetic
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.overlap import register_sums
from pophealth_link.need import tally
from pophealth_link.need.protection import sums_of
from pophealth_link.schema import EVENT_TABLES
from pophealth_link.synthetic import SynthSpec
from pophealth_link.synthetic.sources import SOURCES

SPEC = SynthSpec(people=6_000, seed=21)
# So often are the events of each person given, to so many people, who live in so many places.
COPIES, PEOPLE, PLACES = 12, 4_000, 1_000
OLDER, TINY = 9_000, 1e-7
Events = dict[str, pl.DataFrame]

pytestmark = pytest.mark.slow


def generated() -> Events:
    made = synthetic.generate(SPEC, reference.load(None))
    found = {}
    for source in SOURCES:
        own = made.truth.filter(pl.col("source") == source.name)
        who = own.select("source", "record_id", "person_id")
        for table in source.events:
            rows = made.tables[table].join(who, on="record_id", maintain_order="left")
            found[table] = rows.drop("record_id").with_columns(setting=pl.lit(source.setting))
    return found


def given_to(people: Sequence[str], events: Events) -> Events:
    """Give the events of everybody to several people; nobody gets the stays of two."""
    in_bed = events["hospital_spells"]["person_id"].unique().sort()
    assert len(in_bed) * COPIES <= len(people)
    everyone = pl.concat([frame["person_id"] for frame in events.values()]).unique().sort()
    order = pl.concat([in_bed, everyone.filter(~everyone.is_in(in_bed.implode()))])
    numbers = pl.DataFrame({"person_id": order}).with_row_index("number")
    each = [
        numbers.with_columns(
            to=pl.lit(pl.Series(people)).gather((pl.col("number") * COPIES + copy) % len(people))
        )
        for copy in range(COPIES)
    ]
    return {
        name: pl.concat([copied(frame, to, copy) for copy, to in enumerate(each)])
        for name, frame in events.items()
    }


def copied(frame: pl.DataFrame, to: pl.DataFrame, copy: int) -> pl.DataFrame:
    ids = [name for name in frame.columns if name.endswith("_id") and name != "person_id"]
    joined = frame.join(to, on="person_id", maintain_order="left")
    renamed = joined.with_columns(pl.col("to").alias("person_id"), pl.col(ids) + f"-{copy}")
    return renamed.select(frame.columns)


def scrambled(name: str, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Draw half of the codes anew, empty half of the distances, make half of the records older."""

    def half(then: pl.Series | pl.Expr | None, column: str) -> pl.Expr:
        drawn = pl.lit(pl.Series(rng.random(frame.height) < 0.5))
        return pl.when(drawn).then(then).otherwise(column).alias(column)

    changed = [
        half(pl.Series(rng.choice(sorted(column.codes.codes), frame.height)), column.name)
        for column in EVENT_TABLES[name].columns
        if column.codes is not None and column.name in frame.columns
    ]
    if "home_distance" in frame.columns:
        changed.append(half(None, "home_distance"))
    if name == "condition_events":
        days = pl.duration(days=pl.lit(pl.Series(rng.integers(0, OLDER, frame.height))))
        changed.append(half(pl.col("recorded_date") - days, "recorded_date"))
    return frame.with_columns(changed)


@pytest.fixture(scope="module")
def counts() -> Mapping[str, np.ndarray]:
    """The count of each indicator by place, of those that anybody has."""
    rng = np.random.default_rng(7)
    people = world.people(PEOPLE, 80)
    events = given_to(people["person_id"].to_list(), generated())
    events = {name: scrambled(name, frame, rng) for name, frame in events.items()}
    events = derived(events, as_of=world.AS_OF, period=world.PERIOD)
    places = pl.Series(rng.integers(0, PLACES, PEOPLE)).cast(pl.String)
    given = world.inputs(people=people.with_columns(resident_unit=places), events=events)
    listed = catalogue()
    units = tally(given, indicators=Catalogue({e.id: e for e in listed.at("person")})).units
    here = units.filter(basis=pl.lit("resident"), stratum=pl.lit("all"))
    wide = here.pivot("indicator", index="unit", values="numerator").fill_null(0).drop("unit")
    return {each.name: each.to_numpy() for each in wide if each.sum() > 0}


@pytest.fixture(scope="module")
def sums() -> list[Mapping[str, int]]:
    listed = catalogue()
    totals = [dict.fromkeys(parts, 1) | {name: -1} for name, parts in sums_of(listed).items()]
    identities = register_sums(listed.ids)
    return totals + [{name: sign for (name, _), sign in each.items()} for each in identities]


def as_rows(declared: Sequence[Mapping[str, int]], names: Sequence[str]) -> np.ndarray:
    return np.array([[each.get(name, 0) for name in names] for each in declared], dtype=float)


def undeclared(columns: np.ndarray, declared: np.ndarray) -> np.ndarray:
    """Return a basis of the sums of the columns that are zero and that no declared ones give."""
    _, sizes, right = np.linalg.svd(np.linalg.qr(columns, mode="r"))
    zero = right[np.count_nonzero(sizes > TINY * sizes[0]) :]
    _, sizes, right = np.linalg.svd(declared, full_matrices=False)
    known = right[sizes > TINY * sizes[0]]
    rest = zero - zero @ known.T @ known
    _, sizes, right = np.linalg.svd(rest, full_matrices=False)
    return right[sizes > TINY**0.5]


def words(found: np.ndarray, names: Sequence[str]) -> list[list[str]]:
    return [
        [names[at] for at in np.argsort(-np.abs(one))[:6] if abs(one[at]) > TINY] for one in found
    ]


def test_nearly_every_indicator_counts_somebody(counts):
    named = [each.id for each in catalogue().at("person") if not each.unnamed]
    assert len(set(named) - set(counts)) < 0.05 * len(named)


def test_every_sum_that_is_declared_holds_in_every_place(counts, sums):
    names = sorted(counts)
    columns = np.array([counts[name] for name in names])
    off = np.abs(as_rows(sums, names) @ columns).max(axis=1)
    wrong = [each for each, by in zip(sums, off, strict=True) if by > 0]
    assert wrong == []


def test_no_sum_between_indicators_is_undeclared(counts, sums):
    names = sorted(counts)
    columns = np.array([counts[name] for name in names], dtype=float).T
    assert columns.shape[0] > 2 * columns.shape[1]
    found = undeclared(columns, as_rows(sums, names))
    assert words(found, names) == []


@pytest.mark.parametrize(
    "left_out", ["mental_illness_recorded", "waits_talking_therapies", "dementia_known_gp_only"]
)
def test_a_sum_that_were_not_declared_would_be_found(counts, sums, left_out):
    names = sorted(counts)
    columns = np.array([counts[name] for name in names], dtype=float).T
    fewer = [each for each in sums if left_out not in each]
    assert len(fewer) < len(sums)
    found = undeclared(columns, as_rows(fewer, names))
    assert any(left_out in each for each in words(found, names))


def test_two_equal_counts_and_a_sum_of_two_others_are_found():
    rng = np.random.default_rng(3)
    a, b, c = rng.integers(0, 9, (3, 50))
    columns = np.array([a, a, b, c, b + c], dtype=float).T
    assert len(undeclared(columns, np.array([[1.0, -1, 0, 0, 0]]))) == 1
    assert len(undeclared(columns, np.array([[0.0, 0, 1, 1, -1]]))) == 1
    assert len(undeclared(columns, np.array([[1.0, -1, 0, 0, 0], [0, 0, 1, 1, -1]]))) == 0
