"""The model: shares of places counted pair by pair, the file, and what is refused."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hand_model import drawn_model, level_of
from hypothesis import given, settings
from hypothesis import strategies as st
from people import COLUMNS, register

from pophealth_link.errors import LinkageError
from pophealth_link.link import Model, agreement
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS
from pophealth_link.link.model import Level, load, place_shares, save, share_at_home
from pophealth_link.link.records import stack

PLACES = [rule.name for rule in COMPARISONS["household"].rules]
# Units of a sector one letter apart; sectors and districts more, so that a slip stays in its own.
POSTCODES = ["XA1 1AA", "XA1 1AB", "XA1 1DB", "XA1 2LN", "XA1 2PN", "XB24 3WX", "XB24 3YZ"]


def people_at(homes: list[tuple], aliases: pl.DataFrame | None = None) -> pl.DataFrame:
    """Prepared records of people of postcode, UPRN and address."""
    names = ("postcode", "uprn", "address")
    told = [
        {"record_id": f"{i:04}", "date_of_birth": date(1950, 5, 17)}
        | dict(zip(names, home, strict=True))
        for i, home in enumerate(homes)
    ]
    gp = register([tuple(each.get(column) for column in COLUMNS) for each in told])
    gp = type(gp)(gp.source, gp.frame, gp.setting, True, True, aliases=aliases)
    return stack([gp], gp)


def drawn_homes(seed: int, count: int) -> list[tuple]:
    """Postcodes with a UPRN for each of a few houses, no street shared by two postcodes."""
    rng = np.random.default_rng(seed)
    at, number = rng.integers(len(POSTCODES), size=count), rng.integers(1, 4, size=count)
    streets = ["Oak", "Elm", "Ash", "Mill", "High", "Park", "Quay"]
    return [
        (POSTCODES[p], str(100 * (p + 1) + n), f"{n} {streets[p]} Lane")
        for p, n in zip(at, number, strict=True)
    ]


def counted_by_pair(records: pl.DataFrame) -> dict[str, float]:
    """The share of all pairs of two people that agree at each level of the comparison."""
    every = list(combinations(records["rid"].to_list(), 2))
    pairs = pl.DataFrame(every, schema={"rid_l": pl.UInt32, "rid_r": pl.UInt32}, orient="row")
    counts = Counter(agreement.levels(pairs, records)["household"].to_list())
    return {name: counts[name] / len(every) for name in PLACES}


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shares_of_places_are_those_of_all_pairs(seed):
    records = people_at(drawn_homes(seed, 60))
    expected = counted_by_pair(records)
    # No level is so rare that what nobody was seen to share would count.
    assert min(expected.values()) > 1 / 60
    assert place_shares(records) == pytest.approx(expected)


def test_what_nobody_was_seen_to_share_is_not_held_to_be_impossible():
    """As if every second person shared it with one other; a dwelling, as if half a pair did."""
    people = people_at(
        [(f"X{a}{i} {i}{a}{a}", f"{a}{i}", f"{i} Mill Lane") for a in "ABDEF" for i in range(2, 9)]
    )
    n = people.height
    found = place_shares(people)
    assert found.pop("dwelling") == pytest.approx(0.5 / (n * (n - 1) / 2))
    assert found.pop("elsewhere") > 0.9
    assert list(found.values()) == pytest.approx([n / 2 / (n * (n - 1))] * 4, rel=0.05)


def test_a_register_gives_the_model_its_size_its_places_and_its_households():
    homes = drawn_homes(1, 40)
    aliases = pl.DataFrame({"record_id": ["0000", "0001"], "postcode": ["XC9 9ZZ", "XA1 1AA"]})
    records = people_at(homes, aliases)
    assert records.height == 42
    model = drawn_model(1)
    placed = model.at_register(records)
    main = records.filter(~pl.col("alias"))
    counted = counted_by_pair(main)
    assert min(counted.values()) > 0.5 / 40
    assert {level.name: level.u for level in placed.levels["household"]} == pytest.approx(counted)
    lives_with = Counter(uprn for _, uprn, _ in homes)
    shared = sum(count for count in lives_with.values() if count > 1)
    assert (placed.register_size, placed.sharing) == (40, pytest.approx(shared / 40))
    # The rest is the model's.
    kept = [{k: v for k, v in each.levels.items() if k != "household"} for each in (model, placed)]
    assert kept[0] == kept[1]
    m = [[(v.name, v.m, v.adjust) for v in each.levels["household"]] for each in (model, placed)]
    assert m[0] == m[1]


def test_a_dwelling_is_told_by_uprn_else_by_postcode_and_house():
    uprn, house = ("XA1 1AA", "11", None), ("XA1 1AB", None, "12 Mill Lane")
    # Two pairs of ten share a dwelling, four of the five of whom a place is known.
    people = people_at([uprn, uprn, house, house, ("XB2 3CD", "13", None)])
    assert place_shares(people)["dwelling"] == pytest.approx(2 / 10)
    assert share_at_home(people) == pytest.approx(4 / 5)
    # A postcode or a number alone is no dwelling: of those known, two of three share theirs.
    half = [("XA1 1AA", None, None), (None, None, "12 Mill Lane"), ("XB2 3CD", "13", None)]
    unknown = people_at([uprn, uprn, *half])
    assert place_shares(unknown)["dwelling"] == pytest.approx(1 / 3)
    assert share_at_home(unknown) == pytest.approx(2 / 3)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_no_share_is_nought_or_one_however_small_the_register(count):
    nobody_together = [(f"X{'ABCDEFGH'[i]}1 {i}AA", str(i), f"{i} Mill Lane") for i in range(count)]
    together = [("XA1 1AA", "11", "12 Mill Lane")] * count
    for homes in (nobody_together, together, [(None, None, None)] * count):
        people = people_at(homes) if homes else people_at([("XA1 1AA", "1", None)]).clear()
        assert all(0 < share < 1 for share in place_shares(people).values())
        assert 0 < share_at_home(people) <= 1
        drawn_model(0).at_register(people)


def test_the_prior_spreads_the_share_over_the_register():
    model = drawn_model(0, on_register=0.75, register_size=600)
    assert model.prior == pytest.approx(3 / 600)
    assert replace(model, register_size=0).prior == replace(model, register_size=2).prior


def test_u_of_anybody_is_that_of_strangers_for_both_twins():
    model = drawn_model(0)
    for name, comparison in COMPARISONS.items():
        plain = [rule.name for rule in comparison.rules]
        u = [level_of(model, name, level).u for level in plain]
        assert list(model.u_of_anybody(name)) == u * (2 if comparison.by_dwelling else 1)
        told = [level.name for level in model.levels[name]][: len(plain)]
        assert told == [each + AT_HOME * comparison.by_dwelling for each in plain]


SAVED = drawn_model(7, joint={"twins": 6.5, "namesakes": 1.25}, register_size=2, sharing=1.0)


@pytest.mark.parametrize("model", [SAVED, load("default")], ids=["drawn", "default"])
def test_a_model_that_was_saved_is_read_as_it_was(model, tmp_path):
    named = replace(model, provenance={"name": "mine", "of": [1, 2], "where": "Łódź"})
    path = tmp_path / "model.json"
    save(named, path)
    assert load(path) == load(str(path)) == named


def test_the_file_is_free_of_sql_and_holds_every_level_by_name(tmp_path):
    save(SAVED, tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    body = json.loads(text)
    names = {name: [v["name"] for v in levels] for name, levels in body["comparisons"].items()}
    assert names == {n: [rule.name for rule in c.levels] for n, c in COMPARISONS.items()}
    assert {k for each in body["comparisons"].values() for v in each for k in v} == {
        "name", "m", "u", "adjust",
    }  # fmt: skip
    for word in ("levenshtein", "jaro", "select", "case when", "_l", "duckdb"):
        assert word not in text.lower(), word


def test_what_a_register_tells_is_not_saved(tmp_path):
    path = tmp_path / "model.json"
    save(replace(SAVED, register_size=123_457, sharing=0.31337), path)
    text = path.read_text(encoding="utf-8")
    assert "123457" not in text
    assert "31337" not in text
    assert load(path) == SAVED


def written(tmp_path: Path, change) -> Path:
    path = tmp_path / "mine.json"
    save(SAVED, path)
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


def _set(comparison: str, place: int, **more):
    return lambda body: body["comparisons"][comparison][place].update(more)


REFUSED = {
    "a level is gone": (lambda b: b["comparisons"]["birth"].pop(), ["birth: its levels must be placeholder_at_home, "]),
    "levels out of order": (lambda b: b["comparisons"]["sex"].reverse(), ["sex: its levels must be", "in that order"]),
    "a comparison is gone": (lambda b: b["comparisons"].pop("family"), ["family: its levels must be"]),
    "m of 1": (_set("given", 3, m=1.0), ["given.middle_at_home: m and u must lie between 0 and 1."]),
    "u of 0": (_set("middle", 5, u=0.0), ["middle.different: m and u must lie between 0 and 1."]),
    "m that is no number": (_set("sex", 2, m=float("nan")), ["sex.exact: m and u must lie"]),
    "an adjustment too high": (_set("row", 0, m=0.9, adjust=0.5), ["row.straight: m with its adjustment passes 1."]),
    "a share of 1": (lambda b: b.update(on_register=1.0), ["on_register must lie between 0 and 1."]),
    "a negative share": (lambda b: b.update(mates=-0.1), ["mates must lie between 0 and 1."]),
    "unknown joint bits": (lambda b: b["joint"].update(cousins=1.0), ["joint: cousins is not known."]),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_by_name(change, words, tmp_path):
    with pytest.raises(LinkageError) as caught:
        load(written(tmp_path, change))
    assert caught.value.headline == "the linkage model cannot be used."
    for each in words:
        assert each in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path):
    def change(body):
        for wrong in ("m of 1", "u of 0", "a share of 1"):
            REFUSED[wrong][0](body)

    with pytest.raises(LinkageError) as caught:
        load(written(tmp_path, change))
    assert len(caught.value.lines) == 3


def _text(text: str):
    return lambda path: path.write_text(text, encoding="utf-8")


UNREADABLE = {
    "absent": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "no JSON": _text("m = 0.9"),
    "cut off": lambda path: (save(SAVED, path), path.write_text(path.read_text()[:-30])),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a list": _text("[]"),
    "another object": _text("{}"),
    "an older format": lambda path: written(path.parent, lambda b: b.update(format=2)),
    "no shares": lambda path: written(path.parent, lambda b: b.pop("mates")),
    "a level without m": lambda path: written(path.parent, lambda b: b["comparisons"]["sex"][0].pop("m")),
    "a level with more": lambda path: written(path.parent, _set("sex", 0, sql="1 = 1")),
    "m as text": lambda path: written(path.parent, _set("sex", 0, m="0.9")),
}  # fmt: skip


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_holds_no_model_is_refused_with_what_to_do(make, tmp_path):
    make(tmp_path / "mine.json")
    with pytest.raises(LinkageError) as caught:
        load(tmp_path / "mine.json")
    assert caught.value.headline == "the linkage model mine.json could not be read."
    assert "format 3" in caught.value.lines[0]
    assert 'link.model = "default"' in caught.value.fix


def test_a_model_made_by_hand_is_checked_too():
    levels = {**SAVED.levels, "sex": (Level("exact", 0.9, 0.5),)}
    with pytest.raises(LinkageError, match="sex: its levels must be exact_at_home"):
        Model(levels, 0.9, {})


def test_the_shipped_model_says_how_it_was_made_and_its_levels_are_shares():
    model = load("default")
    assert {"made_from", "population", "assumed", "caution"} <= set(model.provenance)
    for name, comparison in COMPARISONS.items():
        for where in (AT_HOME, ""):
            m = [v.m for v in model.levels[name] if v.name.endswith(AT_HOME) == bool(where)]
            if m:
                assert sum(m) == pytest.approx(1, abs=1e-3), (name, where)
        assert comparison.by_dwelling == (len(model.levels[name]) == 2 * len(comparison.rules))
