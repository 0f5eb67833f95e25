"""The second error model: its habits one by one, the town behind it, the folder it writes."""

import ast
import functools
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import benchmarks.second_model as package
import numpy as np
import polars as pl
import pytest
from benchmarks.extracts import extracts, truth
from benchmarks.second_model import folder as folders
from benchmarks.second_model import habits, make
from benchmarks.second_model.desks import SURGERIES, Desk
from benchmarks.second_model.dwellings import postcodes
from benchmarks.second_model.recording import record
from benchmarks.second_model.rolls import LAST, Roll, families, register, revenues
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.job import load

ROOT = Path(__file__).parents[2]
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=15).map(str.capitalize)
NAMES = st.lists(LETTERS, min_size=1, max_size=20)
DATES = st.lists(st.dates(date(1900, 1, 1), date(2025, 12, 31)), min_size=1, max_size=20)
SEEDS = st.integers(0, 2**32)
COUNCIL = ("tenancies", "family_services", "revenues")


def rng(seed=0):
    return np.random.default_rng(seed)


def texts(*values):
    return pl.Series(values, dtype=pl.String)


def is_valid(number):
    """The check of an NHS number as the data dictionary words it, digit by digit."""
    if not re.fullmatch(r"\d{10}", number):
        return False
    remainder = sum(int(d) * w for d, w in zip(number, range(10, 1, -1), strict=False)) % 11
    return {11: 0}.get(11 - remainder, 11 - remainder) == int(number[9])


@functools.cache
def valid_numbers():
    return habits.number_range(rng(6))


def edits(one, other):
    """Optimal string alignment distance: insertions, deletions, replacements, exchanges."""
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            steps = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (not same)]
            if i > 1 and j > 1 and (one[i - 1], one[i - 2]) == (other[j - 2], other[j - 1]):
                steps.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(steps)
    return table[len(one), len(other)]


# Habits


@given(NAMES, SEEDS)
def test_a_slip_is_one_edit_after_the_first_letter(names, seed):
    made = habits.slipped(texts(*names), rng(seed)).to_list()
    assert all(edits(a, b) <= 1 and a[0] == b[0] for a, b in zip(names, made, strict=True))
    assert all(a == b for a, b in zip(names, made, strict=True) if len(a) < 3)


def test_slips_are_of_four_kinds():
    made = habits.slipped(texts(*["Darlington"] * 400), rng(1))
    assert set(made.str.len_chars()) == {9, 10, 11}
    same_length = made.filter(made.str.len_chars() == 10)
    exchanged = [sorted(each.lower()) == sorted("darlington") for each in same_length]
    assert any(exchanged)
    assert not all(exchanged)


@given(NAMES, SEEDS)
def test_a_scan_confuses_once_by_the_rules(names, seed):
    made = habits.scanned(texts(*names), rng(seed)).to_list()
    for name, scan in zip(names, made, strict=True):
        fits = [name.replace(a, b, 1) for a, b in habits.SCANNED if a in name] or [name]
        assert scan in {each[0].upper() + each[1:] for each in fits}


@pytest.mark.parametrize(
    ("name", "heard"),
    [("Phoo", {"Foo", "Phu"}), ("Kim", {"Kim"}), ("Nick", {"Nik"}), ("Zed", {"Sed"})],
)
def test_what_is_heard_is_spelt_otherwise(name, heard):
    made = habits.heard(texts(*[name] * 40), rng(2))
    assert set(made) == heard


def test_another_spelling_is_of_the_same_set():
    sets = (("Mohammed", "Muhammad", "Mohamed"), ("Reid", "Reed"))
    made = habits.respelt(texts(*["Mohamed"] * 60, *["Reid"] * 5), sets, rng(3)).to_list()
    assert set(made[:60]) == {"Mohammed", "Muhammad"}
    assert set(made[60:]) == {"Reed"}


@given(NAMES, st.integers(1, 12))
def test_a_form_holds_the_beginning(names, width):
    made = habits.truncated(texts(*names), width).to_list()
    assert made == [name[:width] for name in names]


@given(NAMES, SEEDS)
def test_initials(names, seed):
    made = habits.initialled(texts(*names), rng(seed)).to_list()
    assert all(b in {a[0], a[0] + "."} for a, b in zip(names, made, strict=True))


def test_titles_fit_sex_and_age():
    sex, age = np.repeat([1, 2, 1, 2], 50), np.repeat([40, 40, 8, 8], 50)
    made = habits.titled(texts(*["Anne"] * 200), sex, age, rng(4)).to_list()
    assert {each.split()[1] for each in made} == {"ANNE"}
    found = [{each.split()[0] for each in made[k : k + 50]} for k in range(0, 200, 50)]
    assert found[0] <= {"MR", "DR"}
    assert found[1] == {"MRS", "MISS", "MS"}
    assert found[2] <= {"MASTER", "DR"}
    assert found[3] == {"MISS"}


@pytest.mark.parametrize(
    ("habit", "before", "after"),
    [
        (habits.unmarked, "Łukasz Çiğdem Nguyễn José", "Lukasz Cigdem Nguyen Jose"),
        (habits.unprefixed, "O'Brien", "Brien"),
        (habits.unprefixed, "Al-Hassan", "Hassan"),
        (habits.unprefixed, "McKenzie", "Kenzie"),
        (habits.unprefixed, "Mace", "Mace"),
        (habits.ungendered, "Kowalska", "Kowalski"),
        (habits.ungendered, "Potocki", "Potocka"),
        (habits.ungendered, "Nowak", "Nowak"),
        (habits.turned_round, "Hill-Marlgate", "Marlgate-Hill"),
        (habits.turned_round, "Hill", "Hill"),
    ],
)
def test_habits_of_family_names(habit, before, after):
    assert habit(texts(before)).to_list() == [after]


def test_habits_of_double_names():
    double = texts("Hill-Marlgate", "Hill-Marlgate", "Hill")
    parts = habits.one_of_two(double, np.array([True, False, True]))
    assert parts.to_list() == ["Marlgate", "Hill", "Hill"]
    assert set(habits.rejoined(texts(*["A-B"] * 50), rng(5))) == {"A B", "AB"}
    forenames = habits.halved(texts(*["Wei Ling"] * 3), np.array([0, 1, 2]))
    assert forenames.to_list() == ["Wei", "Wei-Ling", "Weiling"]
    assert habits.bracketed(texts("Katarzyna"), texts("Kasia")).to_list() == ["Katarzyna (Kasia)"]


@given(NAMES, SEEDS)
def test_missing_values_stay_missing(names, seed):
    values = texts(*names, None)
    for habit in (habits.slipped, habits.scanned, habits.heard, habits.initialled):
        assert habit(values, rng(seed))[-1] is None


@given(DATES, SEEDS)
def test_a_wrong_date_has_one_part_off(dates, seed):
    made = habits.misdated(pl.Series(dates), rng(seed)).to_list()
    for one, other in zip(dates, made, strict=True):
        assert one != other or one.day == one.month
        exchanged = one.day <= 12 and other == date(one.year, one.day, one.month)
        near = abs((one - other).days) == 1
        same_month = one.month == other.month and abs(one.year - other.year) in {1, 10}
        months = one.year == other.year and (one.month - other.month) % 12 in {1, 11}
        assert exchanged or near or ((same_month or months) and other.day == min(one.day, 28))


@given(DATES, st.integers(0, 99))
def test_a_guessed_century_keeps_two_digits(dates, pivot):
    made = habits.century_guessed(pl.Series(dates), pivot).to_list()
    for one, other in zip(dates, made, strict=True):
        assert other.year % 100 == one.year % 100
        assert (other.year >= 2000) == (one.year % 100 < pivot)
        assert (one.month, min(one.day, 28)) == (other.month, min(other.day, 28))


@given(DATES)
def test_american_dates_and_first_days(dates):
    column = pl.Series(dates)
    month_first = habits.american(column).to_list()
    assert month_first == [f"{d.month:02d}/{d.day:02d}/{d.year}" for d in dates]
    year_only = np.arange(len(dates)) % 2 == 0
    made = habits.first_of_month(column, year_only=year_only).to_list()
    wanted = [
        d.replace(day=1, month=1 if y else d.month) for d, y in zip(dates, year_only, strict=True)
    ]
    assert made == wanted


@given(st.lists(st.integers(0, 909_090), min_size=1, max_size=30), SEEDS)
@settings(max_examples=20, deadline=None)
def test_near_numbers_are_valid_and_two_digits_off(places, seed):
    numbers = valid_numbers()[places]
    for one, other in zip(numbers, habits.near_numbers(numbers, rng(seed)), strict=True):
        assert is_valid(str(other))
        assert str(other).startswith("999")
        # Modulus 11 finds every single wrong digit, so a valid number is two off at least.
        assert sum(a != b for a, b in zip(str(one), str(other), strict=True)) == 2


def test_numbers_are_valid_and_of_the_range_for_tests():
    numbers = valid_numbers()
    assert len(np.unique(numbers)) == len(numbers)
    assert all(is_valid(str(each)) and str(each)[:3] == "999" for each in numbers[:5000])
    valid = sum(is_valid(f"999{body:06d}{check}") for body in range(2000) for check in range(10))
    assert (numbers < 9_990_020_000).sum() == valid


def test_postcodes_are_different_and_of_no_post_town():
    made = postcodes(np.arange(20_000))
    assert len(np.unique(made)) == 20_000
    form = re.compile(r"WY[1-9]\d? [1-9][ABD-HJLNP-UW-Z]{2}")
    assert all(form.fullmatch(each) for each in made)


# The town


@pytest.fixture(scope="module")
def world():
    return folders.true_world(5000, 11)


def test_the_town_has_the_residents_asked_for(world):
    town = world.lives.town
    assert len(town.here()) == 5000
    age = world.age(town.here(), np.full(5000, LAST))
    assert 0.15 < (age < 18).mean() < 0.3
    assert 0.08 < (age > 64).mean() < 0.25
    assert (age >= 0).all()


def test_twins_live_together_and_differ_by_forename(world):
    town = world.lives.town
    here = town.here()
    twins = here[(town["twin"][here] >= 0) & (world.age(here, np.full(len(here), LAST)) < 16)]
    others = town["twin"][twins]
    assert len(twins) >= 10
    assert (town["twin"][others] == twins).all()
    assert (world.born[twins] == world.born[others]).all()
    assert (town["mother"][twins] == town["mother"][others]).all()
    assert (town["given"][twins] != town["given"][others]).all()
    assert (town["home"][twins] == town["home"][others]).mean() > 0.8


def test_relatives_share_names_and_homes_for_a_reason(world):
    town = world.lives.town
    here = town.here()
    fathered = here[(town["father"][here] >= 0) & (town["sex"][here] == 1)]
    father = town["father"][fathered]
    namesakes = (town["given"][fathered] == town["given"][father]) & (
        town["name"][fathered] == town["name"][father]
    )
    assert namesakes.any()
    women = here[(town["sex"][here] == 2) & (town["married"][here] == 1)]
    changed = town["name"][women] != town["birth_name"][women]
    assert 0.3 < changed.mean() < 0.95
    young = here[(world.age(here, np.full(len(here), LAST)) < 12) & (town["mother"][here] >= 0)]
    with_mother = town["home"][young] == town["home"][town["mother"][young]]
    assert with_mother.mean() > 0.85
    assert (town["partner"][town["partner"][here[town["partner"][here] >= 0]]] >= 0).all()
    mothers = town["mother"][: town.n]
    known = np.flatnonzero(mothers >= 0)
    assert (town["birth_year"][known] - town["birth_year"][mothers[known]] >= 14).all()


def test_history_tells_what_held_in_a_year(world):
    town, homes = world.lives.town, world.lives.homes
    here = town.here()
    assert (world.homes(here, np.full(len(here), LAST)) == town["home"][here]).all()
    since = homes.since(here, np.full(len(here), LAST))
    moved = here[since > town["arrived"][here]]
    before = world.homes(moved, homes.since(moved, np.full(len(moved), LAST)) - 1)
    assert (before != town["home"][moved]).all()


def test_addresses_grow_stale_with_the_years(world):
    roll = revenues(world, rng(8))
    now = world.homes(roll.person, np.full(len(roll.person), LAST))
    stale = world.homes(roll.person, roll.housed) != now
    years = LAST - roll.housed
    assert not stale[years == 0].any()
    assert stale[years >= 4].mean() > stale[(years > 0) & (years < 4)].mean() > 0.03


def test_some_are_on_no_register_and_some_who_left_still_are(world):
    town = world.lives.town
    roll, second = register(world, rng(9))
    here = town.here()
    new = here[(town["arrived"][here] >= LAST - 1) & (town["birth_year"][here] < LAST - 1)]
    on = np.isin(here, roll.person)
    assert 0.94 < on.mean() < 0.995
    assert np.isin(new, roll.person).mean() < on.mean() - 0.1
    assert (~np.isin(roll.person, here)).sum() > 20
    assert second.sum() > 5
    assert len(np.unique(roll.person[~second])) == (~second).sum()


def test_brothers_and_sisters_are_known_together(world):
    roll, town = families(world, rng(10)), world.lives.town
    age = world.age(roll.person, np.full(len(roll.person), LAST))
    mothers = town["mother"][roll.person[(age < 18) & (town["mother"][roll.person] >= 0)]]
    assert len(np.unique(mothers)) < 0.85 * len(mothers)


# Recording


def sheet_of(world, desk, *, times=4, seed=12):
    people = np.tile(world.lives.town.here(), times)
    years = np.full(len(people), LAST)
    roll = Roll(people, years, years)
    return record(world, roll, world.numbers[people], (desk,), rng(seed))


def bounds(rate, count, width=4.5):
    """A sum of trials with unequal chances varies no more than a binomial one."""
    spread = width * (rate * (1 - rate) / count) ** 0.5
    return rate - spread, rate + spread


@pytest.mark.parametrize(
    ("habit", "column", "rate"),
    [
        ("no_sex", "sex", 0.04),
        ("no_date", "date_of_birth", 0.02),
        ("no_postcode", "postcode", 0.03),
    ],
)
def test_values_are_missing_at_the_rate_asked(world, habit, column, rate):
    desk = Desk(1.0, **({"no_postcode": 0.0, "postcode_slip": 0.0} | {habit: rate}))
    frame = sheet_of(world, desk).frame
    low, high = bounds(rate, frame.height)
    assert low < frame[column].null_count() / frame.height < high


@pytest.mark.parametrize("habit", ["keys", "initial", "title", "date_slip", "wrong_sex"])
def test_values_are_wrong_at_the_rate_asked(world, habit):
    rate, column = 0.03, {"date_slip": "date_of_birth", "wrong_sex": "sex"}
    plain = Desk(1.0, wrong_sex=0.0)
    written = sheet_of(world, Desk(1.0, **({"wrong_sex": 0.0} | {habit: rate}))).frame
    true = sheet_of(world, plain).frame
    assert written["person"].equals(true["person"])
    name = column.get(habit, "given_name")
    able = true[name].cast(pl.String).str.len_chars() > (2 if habit == "keys" else 0)
    off = (written[name] != true[name]).filter(able)
    low, high = bounds(rate, len(off))
    # A slip of the keys that turns two equal letters round changes nothing.
    assert low - 0.06 * rate < off.mean() < high


def test_numbers_are_held_at_the_rate_asked_by_clerk(world):
    sheet = sheet_of(world, Desk(1.0, numbers=0.4))
    held = sheet.frame["nhs_number"].is_not_null().to_numpy()
    by_clerk = np.bincount(sheet.clerk, held) / np.bincount(sheet.clerk)
    assert abs(held.mean() - 0.4) < 4.5 * (0.4 * 0.6 / 7 / len(by_clerk)) ** 0.5 + 0.01
    # Far more than the 0.03 by which a coin would have them differ.
    assert by_clerk.std() > 0.1
    assert sheet_of(world, Desk(1.0)).frame["nhs_number"].null_count() == len(held)
    assert sheet_of(world, Desk(1.0, numbers=1.0)).frame["nhs_number"].null_count() == 0


def test_wrong_numbers_are_a_relatives_or_nearly_right(world):
    frame = sheet_of(world, Desk(1.0, numbers=1.0, relatives=0.03, near=0.02)).frame
    people, town = frame["person"].to_numpy(), world.lives.town
    written = frame["nhs_number"].cast(pl.Int64).to_numpy()
    wrong = np.flatnonzero(written != world.numbers[people])
    kin = np.stack([town[each][people[wrong]] for each in ("mother", "twin", "partner")])
    theirs = ((world.numbers[kin] == written[wrong]) & (kin >= 0)).any(axis=0)
    assert 0.005 < theirs.sum() / len(people) < 0.035
    assert all(is_valid(str(each)) for each in written[wrong])
    low, high = bounds(0.02, len(people))
    assert low - 0.003 < (~theirs).sum() / len(people) < high + 0.001


def test_errors_cluster_by_clerk(world):
    sheet = sheet_of(world, Desk(1.0, no_sex=0.05))
    hit = sheet.frame["sex"].is_null().to_numpy()
    count = np.bincount(sheet.clerk)
    rate = np.bincount(sheet.clerk, hit) / count
    dispersion = ((rate - hit.mean()) ** 2 * count).mean() / (hit.mean() * (1 - hit.mean()))
    # 1 if all clerks were alike; the 99.9 % point of 81 clerks is under 1.6.
    assert dispersion > 3


def test_clerks_err_more_in_names_of_other_communities_and_poor_places(world):
    desk = Desk(1.0, keys=0.04)
    wrong = sheet_of(world, desk).frame, sheet_of(world, Desk(1.0)).frame
    off = (wrong[0]["family_name"] != wrong[1]["family_name"]).to_numpy()
    town, people = world.lives.town, wrong[0]["person"].to_numpy()
    strange = world.names.customs("strange")[town["community"][people]]
    assert off[strange >= 1.5].mean() > 1.15 * off[strange <= 1.1].mean()
    place = town.place_of(town["home"][people])
    same = strange <= 1.1
    assert off[same & (place < 0.4)].mean() > 1.1 * off[same & (place > 0.6)].mean()


def test_a_system_exchanges_names_of_whole_batches(world):
    sheet, true = sheet_of(world, Desk(1.0, swap_batches=0.3)), sheet_of(world, Desk(1.0))
    swapped = (sheet.frame["given_name"] == true.frame["family_name"]).to_numpy()
    share = np.bincount(sheet.batch, swapped) / np.bincount(sheet.batch)
    # A few people have one word as both names.
    assert ((share < 0.2) | (share == 1)).all()
    low, high = bounds(0.3, len(share))
    assert low < (share == 1).mean() < high


def test_a_form_writes_capitals_without_marks_in_few_boxes(world):
    frame = sheet_of(world, Desk(1.0, width=10, capitals=True, plain=True), times=1).frame
    for column in ("given_name", "family_name"):
        assert frame[column].str.contains(r"^[A-Z' .()-]{1,10}$").all()
    assert frame["family_name"].str.len_chars().max() == 10


def test_children_stand_under_their_mothers_name(world):
    town = world.lives.town
    frame = sheet_of(world, Desk(1.0, mothers=0.5), times=1).frame
    true = sheet_of(world, Desk(1.0), times=1).frame
    people = frame["person"].to_numpy()
    changed = (frame["family_name"] != true["family_name"]).to_numpy()
    assert changed.sum() > 10
    assert (world.age(people[changed], np.full(changed.sum(), LAST)) < 18).all()
    mother = town["mother"][people[changed]]
    words = np.char.partition(frame["family_name"].to_numpy().astype(str)[changed], "-")[:, 0]
    first = np.char.partition(words, " ")[:, 0]
    own = world.names.words[world.lives.family_names.at(mother, np.full(len(mother), LAST))[0]]
    assert (np.char.partition(own, "-")[:, 0] == first).mean() > 0.9


def test_people_without_home_have_no_address_or_a_friends(world):
    frame = sheet_of(world, Desk(1.0, friend=0.5, no_postcode=0.0, postcode_slip=0.0)).frame
    rough = world.lives.town["home"][frame["person"].to_numpy()] == -2
    found = frame.filter(pl.Series(rough))
    assert found.height > 0
    assert found["address"].str.contains("^(c/o .*|No fixed abode)$").all()
    assert not frame.filter(pl.Series(~rough))["address"].str.contains("c/o|No fixed").any()
    assert (found["postcode"] == "ZZ99 3VZ").equals(found["address"] == "No fixed abode")


# The folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("second") / "town"
    make(made, people=3000, seed=21)
    return made


def contents(root):
    files = sorted(each for each in root.rglob("*") if each.is_file())
    return {str(each.relative_to(root)): each.read_bytes() for each in files}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    make(tmp_path / "one", people=800, seed=3)
    command = (sys.executable, "-m", "benchmarks.second_model", "--people", "800")
    subprocess.run(
        [*command, "--seed", "3", "--out", str(tmp_path / "two")],
        cwd=ROOT, env={**os.environ, "POLARS_MAX_THREADS": "1"}, check=True,
    )  # fmt: skip
    make(tmp_path / "three", people=800, seed=4)
    one, two, three = (contents(tmp_path / each) for each in ("one", "two", "three"))
    assert one == two
    assert one.keys() == three.keys()
    assert not any(one[each] == three[each] for each in one)


def test_the_job_is_accepted_and_every_record_has_its_truth(folder):
    sources = load(folder / "job.toml", ("link",)).sources
    assert [each.name for each in sources if each.register] == ["surgeries"]
    held = pl.concat(
        each.frame.select(pl.lit(each.source).alias("source"), "record_id")
        for each in extracts(folder)
    )
    told = truth(folder)
    assert set(held.rows()) == set(told.select("source", "record_id").rows())
    assert held.height == told.height == told.select("source", "record_id").n_unique()
    assert told.null_count().sum_horizontal().item() == 0
    assert set(told["ethnic_group"]) == {"white", "mixed", "asian", "black", "other"}
    assert set(told["quintile"]) <= {*(f"quintile_{k}" for k in range(1, 6)), "quintile_unknown"}
    per_person = told.group_by("person_id").agg(
        pl.col("ethnic_group", "sex", "age_band", "quintile").n_unique().max()
    )
    assert per_person.drop("person_id").max().row(0) == (1, 1, 1, 1)


def test_every_number_is_valid_and_council_sources_hold_few(folder):
    for source in extracts(folder):
        if "nhs_number" in source.frame.columns:
            numbers = source.frame["nhs_number"].drop_nulls()
            assert all(is_valid(each) and each.startswith("999") for each in numbers)
        held = source.frame.get_column("nhs_number", default=texts(None)).is_not_null().mean()
        wanted = {"surgeries": (1, 1), "infirmary": (0.85, 0.99), "family_services": (0.05, 0.4)}
        low, high = wanted.get(source.source, (0, 0.05))
        assert low <= held <= high


def test_dates_of_the_job_formats_are_read(folder):
    for source in extracts(folder):
        missing = source.frame["date_of_birth"].is_null().mean()
        assert missing < (0.15 if source.source in COUNCIL else 0.02)


def test_truth_has_ages_on_the_day_of_the_job(folder):
    gp = next(each for each in extracts(folder) if each.register).frame
    joined = gp.join(truth(folder).filter(source="surgeries"), on="record_id")
    born = joined["date_of_birth"].to_list()
    age = [2026 - d.year - ((d.month, d.day) > (4, 1)) for d in born]
    starts = joined["age_band"].str.extract(r"^(\d+)").cast(pl.Int64).to_list()
    ends = joined["age_band"].str.extract(r"(\d+)$").cast(pl.Int64).fill_null(130).to_list()
    fits = [a <= x <= z for a, x, z in zip(starts, age, ends, strict=True)]
    # All but those whose date of birth is wrong on the register itself.
    assert sum(fits) / len(fits) > 0.99


def test_councils_know_people_who_are_on_no_register(folder):
    told = truth(folder)
    registered = told.filter(source="surgeries")["person_id"].implode()
    for source in COUNCIL:
        off = 1 - told.filter(source=source)["person_id"].is_in(registered).mean()
        assert 0.02 < off < 0.2


def test_second_registrations_have_a_number_of_their_own(folder):
    gp = next(each for each in extracts(folder) if each.register).frame
    assert gp["nhs_number"].is_unique().all()
    told = truth(folder).filter(source="surgeries")
    assert told["person_id"].is_duplicated().sum() >= 4


def test_it_shares_nothing_with_the_generator():
    modules = Path(package.__file__).parent.glob("*.py")
    taken = set()
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                taken.add(node.module)
            elif isinstance(node, ast.Import):
                taken.update(each.name for each in node.names)
        assert "reference_data" not in module.read_text(encoding="utf-8")
    assert {each for each in taken if each.startswith("pophealth_link")} == {
        "pophealth_link.schema.codes"
    }


def test_what_cannot_be_made_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        make(tmp_path / "there", people=800, seed=1)
    for people, seed in ((499, 1), (400_001, 1), (800, -1)):
        with pytest.raises(ValueError, match="must"):
            make(tmp_path / "new", people=people, seed=seed)

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(folders, "_write_job", full)
    with pytest.raises(OSError, match="no space"):
        make(tmp_path / "new", people=800, seed=1)
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


def test_the_desks_of_an_organisation_share_its_records_out():
    assert sum(each.share for each in SURGERIES) == pytest.approx(1)
