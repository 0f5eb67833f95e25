"""Snapshots: what is in them, that they come back whole, and people in two runs."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from compared import memberships, snapshot
from pophealth_link.disclosure import policy
from pophealth_link.errors import DataError, LinkageError
from pophealth_link.indicators import catalogue
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.indicators.derived import _MAKERS
from pophealth_link.indicators.derived_parts import Given
from pophealth_link.indicators.waiting import pathways
from pophealth_link.job import snapshots
from pophealth_link.need import BaselineInputs
from pophealth_link.need.derived_rules import MADE_OF, rules
from pophealth_link.need.shared_people import _phi, correlations, shares_in_both
from pophealth_link.need.snapshot import definitions, members, read_snapshot
from pophealth_link.schema import DERIVED_TABLES, EVENT_TABLES
from pophealth_link.schema.codes_services import DELAY_GROUP


def full():
    return snapshot(
        code_lists={"dep": ("a", "b")},
        linkage=({"source": "care", "setting": "local_authority", "records": 9, "linked": 8},),
        memberships=memberships([("A", "U1", 1.0), ("B", "U1", 0.25), ("B", "U2", 0.75)]),
        sizes={"A": 1000},
        recoded=pl.DataFrame({"kind": ["lsoa"], "old": ["A"], "new": ["B"]}),
        previous="abc",
        shared=pl.DataFrame({"basis": ["registered"], "footprint_type": ["pcn"],
                             "footprint_code": ["U1"], "share": [0.9]}),
        correlation={"depression_recorded": 0.9},
        over_dispersion={"contacts": 2.5},
        withheld=3,
    )  # fmt: skip


def test_a_snapshot_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "snapshot.json"
    path.write_text(full().to_json(), encoding="utf-8")
    back = read_snapshot(path)
    assert back is not None
    assert back.to_json() == full().to_json()
    assert back.memberships.equals(full().memberships.sort(back.memberships.columns))
    assert (back.as_of, back.base, back.code_lists) == (date(2026, 4, 1), 1, {"dep": ("a", "b")})


def test_order_of_memberships_does_not_change_the_bytes():
    turned = replace(full(), memberships=full().memberships.reverse())
    assert turned.to_json() == full().to_json()


def test_no_snapshot_is_none_and_a_damaged_one_is_refused(tmp_path):
    assert read_snapshot(tmp_path / "snapshot.json") is None
    body = json.loads(full().to_json())
    damaged = [
        "",
        "[]",
        "{}",
        json.dumps(body | {"format": 99}),
        json.dumps(body | {"as_of": "MARKED"}),
    ]
    for number, text in enumerate(damaged):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        with pytest.raises(DataError) as caught:
            read_snapshot(path)
        assert "MARKED" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_words_for_readers_are_no_part_of_a_definition_and_rules_are():
    listed = catalogue()
    one = listed["depression_recorded"]
    told = definitions(listed)[one.id]
    prose = replace(one, title="Other", what_it_is="Other", source="Other")
    assert definitions(Catalogue({one.id: prose}))[one.id] == told
    rules = (replace(one.events[0], since=date(2010, 4, 1)),)
    for changed in (replace(one, min_age=16), replace(one, events=rules)):
        assert definitions(Catalogue({one.id: changed}))[one.id] != told


def test_the_index_is_defined_by_its_members():
    listed = catalogue()
    index = next(each for each in listed if each.composite)
    assert definitions(listed)[index.id]["members"] == sorted(m.id for m in listed.members())


def test_memberships_leave_out_reasons_and_withheld_units():
    held = pl.DataFrame({
        "basis": "resident", "unit": ["E1", "E2", "no_postcode", "E3"], "footprint_type": "pcn",
        "footprint_code": ["U1", "U1", "no_postcode", "no_pcn"], "footprint_name": "x",
        "share": 1.0})  # fmt: skip
    assert members(held, ["E2"])["unit"].to_list() == ["E1"]


def placed(ids, codes, current=True):
    return pl.DataFrame({"person_id": ids, "current": current, "registered_unit": codes,
                         "registered_pcn": codes})  # fmt: skip


def test_share_of_people_in_both_is_rounded_down_and_needs_enough_people():
    before = placed([f"p{i}" for i in range(1000)], ["U1"] * 900 + ["U2"] * 100)
    # 700 of U1 stay there, 200 go over to U2; U2's hundred stay; 200 new ones come to U1.
    after = placed([f"p{i}" for i in range(1200)], ["U1"] * 700 + ["U2"] * 300 + ["U1"] * 200)
    found = shares_in_both(before, after, policy("hes"))
    assert found["footprint_code"].to_list() == ["U1"]
    # 700 / √(900·900) = 0.777…
    assert found["share"].item() == 0.77
    gone = shares_in_both(before, after.with_columns(current=pl.lit(value=False)), policy("hes"))
    assert gone.is_empty()


@pytest.mark.parametrize("stay", [0.3, 0.9])
def test_correlation_is_numpys_rounded_down(stay):
    rng = np.random.default_rng(4)
    then = rng.random(20_000) < 0.1
    now = np.where(rng.random(20_000) < stay, then, rng.random(20_000) < 0.1)

    def told(people):
        sides = [pl.DataFrame({"person_id": np.flatnonzero(s[:people])}) for s in (then, now)]
        return _phi(people, sides[0], sides[1], policy("hes"))

    exact = np.corrcoef(then, now)[0, 1]
    assert told(20_000) == pytest.approx(np.floor(exact * 100) / 100)
    exact = np.corrcoef(then[:1200], now[:1200])[0, 1]
    assert told(1200) == pytest.approx(np.floor(exact * 10) / 10)
    assert told(300) is None


def test_correlations_look_records_up_on_both_days():
    rng = np.random.default_rng(8)
    size = 4000
    ids = [f"p{i}" for i in range(size)]
    people = pl.DataFrame({"person_id": ids, "current": True, "age_band": "40-44",
                           "person_years": 1.0, "registered_unit": "P", "resident_unit": "E",
                           "quintile": 1, "sex": "1", "ethnic_group": "white"})  # fmt: skip
    # A third had it before the first day; as many again, others, between the two days.
    kind = rng.integers(0, 3, size)
    day = np.where(kind == 0, np.datetime64("2020-01-01"), np.datetime64("2025-09-01"))
    rows = pl.DataFrame({"person_id": ids, "source": "gp", "setting": "primary_care",
                         "condition": "anxiety", "recorded_date": pl.Series(day).cast(pl.Date),
                         "resolved_date": pl.Series([None] * size, dtype=pl.Date)})  # fmt: skip
    held = rows.filter(pl.Series(kind) < 2)
    nothing = pl.DataFrame()
    inputs = BaselineInputs(
        people=people.head(3900), events={"condition_events": held}, dwellings=None, areas=nothing,
        deprivation=nothing, measures=nothing, unit_footprints=nothing, as_of=date(2026, 4, 1),
        period=(date(2025, 4, 1), date(2026, 3, 31)), n_areas=1,
    )  # fmt: skip
    found = correlations(
        people, inputs, as_of=date(2025, 4, 1), period=(date(2024, 4, 1), date(2025, 3, 31)),
        listed=catalogue(), policy=policy("hes"),
    )  # fmt: skip
    shared = kind[:3900]
    exact = np.corrcoef(shared == 0, shared < 2)[0, 1]
    assert found["anxiety_recorded"] == pytest.approx(np.floor(exact * 100) / 100)


def test_the_jobs_own_codes_of_conditions_are_in_the_snapshot(tmp_path):
    (tmp_path / "codes.csv").write_text("code,condition\nE2003,depression\nE2004,depression\n")
    file = SimpleNamespace(codelist=tmp_path / "codes.csv")
    job = SimpleNamespace(sources=[SimpleNamespace(events=[file, file])])
    held = snapshots._code_lists(job)
    assert held["condition:depression"] == ("E2003", "E2004")
    assert "sex" in held


def test_a_damaged_table_of_the_earlier_people_is_refused_without_its_values(tmp_path):
    path = tmp_path / "people.parquet"
    for spoil in (
        lambda: path.write_bytes(b"MARKED"),
        lambda: pl.DataFrame({"person_id": ["MARKED"]}).write_parquet(path),
    ):
        spoil()
        with pytest.raises(LinkageError, match=r"people\.parquet") as caught:
            snapshots._people(path)
        assert "MARKED" not in str(caught.value)


def test_every_derived_table_names_the_tables_that_it_is_made_of():
    """Each maker is run on tables, of which every column says something, that tell who is asked."""
    asked: set[str] = set()

    class Watched(dict):
        def __contains__(self, name):
            asked.add(name)
            return super().__contains__(name)

        def __getitem__(self, name):
            asked.add(name)
            return super().__getitem__(name)

    assert set(MADE_OF) == set(DERIVED_TABLES)
    empty = {
        name: pl.LazyFrame(schema={"person_id": pl.String, "source": pl.String})
        for name in EVENT_TABLES
    }
    said = frozenset((name, c.name) for name, each in EVENT_TABLES.items() for c in each.columns)
    day = date(2026, 3, 31)
    for table, make in _MAKERS.items():
        asked.clear()
        make(Given(Watched(empty), day, (day, day), said))
        assert asked == set(MADE_OF[table]), table


def test_a_snapshot_holds_the_pathways_in_order_and_the_groups_of_codes():
    held = rules()
    assert [each["id"] for each in held["pathways"]] == list(pathways())
    one = held["pathways"][0]
    assert one["waits"] == "talking_therapies_waits"
    assert not {"title", "source", "ends_with"} & {*one}
    # Chinese is among the other categories, and in the Asian group of the census of 2021.
    assert held["groups"]["ethnic_group"]["R"] == "asian"
    assert set(held["groups"]["delay_group"].values()) <= set(DELAY_GROUP.codes)


def test_a_snapshot_of_before_there_were_rules_in_it_is_read(tmp_path):
    path = tmp_path / "snapshot.json"
    body = json.loads(full().to_json())
    del body["derived"]
    path.write_text(json.dumps(body))
    back = read_snapshot(path)
    assert back is not None
    assert back.derived == {}


def test_the_tables_of_each_source_are_in_the_snapshot():
    event = SimpleNamespace(table=SimpleNamespace(name="homelessness_cases"))
    job = SimpleNamespace(sources=[SimpleNamespace(name="homeless", events=[event, event])])
    card = {"data": {"sources": [{"name": "homeless", "setting": "local_authority"}]},
            "results": {"by_source": [{"source": "homeless", "records": 9, "linked": 8}]}}  # fmt: skip
    assert snapshots._linkage(job, card) == ({
        "source": "homeless", "setting": "local_authority", "tables": ["homelessness_cases"],
        "records": 9, "linked": 8,
    },)  # fmt: skip
