"""The ceiling: whom it finds, what it measures, and a whole run in processes of its own."""

import doctest
import importlib
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("sklearn", reason="the ceiling needs scikit-learn (extra: bench)")

from benchmarks.ceiling_candidates import by_library, candidates
from benchmarks.ceiling_context import in_context
from benchmarks.ceiling_features import pair_features
from benchmarks.ceiling_loss import loss
from benchmarks.ceiling_people import with_people
from benchmarks.ceiling_rows import CONTRADICTED, INVALID, NO_NUMBER, TRUSTED, known_of
from benchmarks.extracts import extracts

from benchmarks import ceiling_learning as learning
from pophealth_link.link import People

ROOT = Path(__file__).parents[2]
MODULES = ("candidates", "choice", "context", "features", "learning", "model", "people", "rows")
COLUMNS = [
    "record_id", "nhs_number", "given_name", "middle_names", "family_name", "date_of_birth", "sex",
    "postcode", "address", "uprn",
]  # fmt: skip
# Ann and Amy are twins, Ben their father; Cat lives next door.
ANN, AMY, BEN, CAT = "9990000018", "9990000026", "9990000034", "9990000042"
TWINS = date(2001, 3, 9)


def people(name, rows, *, register=False, unique=True, aliases=None):
    schema = dict.fromkeys(COLUMNS, pl.String) | {"date_of_birth": pl.Date}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    setting = "primary_care" if register else "local_authority"
    return People(name, frame, setting, unique, register, aliases=aliases)


def known(*sources, aliases=None):
    home = ("XA1 1AA", "1 High Street", "100")
    register = people(
        "gp",
        [
            ("1", ANN, "Ann", "Ruth", "Okafor", TWINS, "2", *home),
            ("2", AMY, "Amy", None, "Okafor", TWINS, "2", *home),
            ("3", BEN, "Ben", None, "Okafor", date(1970, 1, 8), "1", *home),
            (
                "4",
                CAT,
                "Cat",
                None,
                "Lee",
                date(1980, 6, 7),
                "2",
                "XA1 1AA",
                "3 High Street",
                "102",
            ),
        ],
        register=True,
        aliases=aliases,
    )
    return known_of([register, *sources])


def measured(seen, asked=None, sources=None):
    """Features of each pair, by the ids of register record and record."""
    asked = seen.asked if asked is None else asked
    pairs = candidates(seen.rows, asked)
    features = with_people(pair_features(pairs, seen, asked), seen, asked, sources or {"care": 0})
    left = dict(seen.people.select("rid", "record_id").iter_rows())
    right = dict(seen.asked.select("rid", "record_id").iter_rows())
    return {(left[row["rid_l"]], right[row["rid_r"]]): row for row in features.to_dicts()}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(f"benchmarks.ceiling_{name}")).failed == 0


def test_what_a_pair_says_by_hand():
    rows = [
        ("a", None, "Anne", None, "Okafor", date(2001, 9, 3), "2", "XA1 1AA", "1 High St", None)
    ]
    pair = measured(known(people("care", rows)))["1", "a"]
    # ANN and ANNE: three letters agree in order, m = 3, no transposition, a common start of three:
    # Jaro (3/3 + 3/4 + 1)/3 = 11/12; Winkler adds 3 x 0.1 of what is missing to one.
    assert pair["given_like"] == pytest.approx(11 / 12 + 0.3 * (1 - 11 / 12))
    assert (pair["given_edits"], pair["family_edits"]) == (1, 0)
    assert (pair["born_same"], pair["born_swapped"], pair["year_same"]) == (0, 1, 1)
    assert pair["born_days"] == (date(2001, 9, 3) - TWINS).days
    # The address is the same once written out, and no UPRN says otherwise.
    assert (pair["home_main"], pair["house_main"], pair["address_main"]) == (1, 1, 1.0)
    assert (pair["uprn_main"], pair["r_no_uprn"], pair["l_no_uprn"]) == (None, 1, 0)


def test_what_surrounds_a_pair_by_hand():
    rows = [
        ("a", None, "Ann", None, "Okafor", TWINS, "2", "XA1 1AA", "1 High Street", "100"),
        ("b", None, "Amy", None, "Okafor", TWINS, "2", "XA1 1AA", "1 High Street", "100"),
        ("c", None, "Cat", None, "Lee", None, "2", "XA1 1AA", "3 High Street", "102"),
    ]
    told = measured(known(people("care", rows)))
    twin = told["1", "a"]
    assert (twin["l_dwelling"], twin["l_dwelling_born"], twin["l_home"]) == (3, 2, 4)
    assert (twin["l_family"], twin["l_names"], twin["l_family_born"]) == (3, 1, 2)
    assert (twin["r_family"], twin["r_given_born"], twin["r_dwelling_given"]) == (3, 1, 1)
    assert (twin["beside_dwelling"], twin["beside_dwelling_born"], twin["beside_home"]) == (2, 2, 3)
    neighbour = told["4", "c"]
    assert (neighbour["r_no_date_of_birth"], neighbour["r_born"]) == (1, None)
    assert (neighbour["l_dwelling"], neighbour["beside_dwelling"]) == (1, 1)


def test_who_moved_is_found_through_an_alias_and_through_another_source():
    moved = ("XA9 9ZZ", "7 Low Road", "900")
    aliases = pl.DataFrame(
        {"record_id": ["4"], "postcode": ["XA7 7ZZ"], "address": ["5 Mill Lane"]}
    )
    seen = known(
        people("care", [("a", None, "Cath", None, "Lee", None, "2", *moved),
                        ("b", None, "Cath", None, "Lee", None, "2", "XA7 7ZZ", "5 Mill Lane", None)]),
        people("trust", [("t", CAT, "Cat", None, "Lee", date(1980, 6, 7), "2", *moved)]),
        aliases=aliases,
    )  # fmt: skip
    told = measured(seen)
    assert (told["4", "a"]["home_main"], told["4", "a"]["dwelling_elsewhere"]) == (0, 1)
    assert (told["4", "b"]["home_main"], told["4", "b"]["home_alias"]) == (0, 1)
    assert told["4", "a"]["household_level"] > told["4", "a"]["household_best"] == 0


def test_a_record_does_not_speak_for_itself_nor_against_its_own_source():
    place = ("XA9 9ZZ", "7 Low Road", "900")
    rows = [
        ("a", ANN, "Ann", None, "Okafor", TWINS, "2", *place),
        ("b", None, "Ann", None, "Okafor", TWINS, "2", *place),
    ]
    once = known(people("care", rows))
    blind = learning.blind(once, 9, 0)
    assert blind["record_id"].to_list() == ["a"]
    own = measured(once, blind)["1", "a"]
    assert (own["rows_of_person"], own["dwelling_elsewhere"]) == (1, None)
    assert (own["number_edits"], own["r_number"], own["taken"]) == (None, NO_NUMBER, 0)
    # The source holds a person once: that the number gave Ann to `a` speaks against `b`.
    rival = measured(once, learning.unlinked(once))["1", "b"]
    assert (rival["rows_of_person"], rival["taken"]) == (1, 1)
    several = known(people("care", rows, unique=False))
    own = measured(several, learning.blind(several, 9, 0))["1", "a"]
    assert (own["rows_of_person"], own["taken"], own["dwelling_elsewhere"]) == (1, 0, None)
    other = measured(several, learning.unlinked(several))["1", "b"]
    assert (other["rows_of_person"], other["taken"], other["dwelling_elsewhere"]) == (2, 0, 1)


def test_what_is_known_of_a_number():
    rows = [
        ("a", "9990000019", "Ann", None, "Okafor", TWINS, "2", None, None, None),  # check digit
        ("b", AMY, "Amy", None, "Okafor", TWINS, "2", None, None, None),
        ("c", BEN, "Cat", None, "Lee", date(1980, 6, 7), "2", None, None, None),  # Ben's number
        ("d", None, "Ben", None, "Okafor", None, "1", None, None, None),
    ]
    seen = known(people("care", rows))
    states = dict(seen.asked.select("record_id", "number_state").iter_rows())
    assert states == {"a": INVALID, "b": TRUSTED, "c": CONTRADICTED, "d": NO_NUMBER}
    assert learning.unlinked(seen)["record_id"].to_list() == ["a", "c", "d"]
    told = measured(seen)
    assert told["1", "a"]["number_edits"] == 1
    assert (told["3", "d"]["number_refused"], told["4", "c"]["number_refused"]) == (0, 0)
    refused = dict(seen.refused.join(seen.people, left_on="rid_l", right_on="rid")
                   .select("record_id", "rid_r").iter_rows())  # fmt: skip
    assert list(refused) == ["3"]


def test_names_exchanged_and_misheard_and_addresses_without_a_postcode_are_found():
    # Names the other way round and each misheard, the day of birth wrong, no address.
    # And at an address that can be read, though its postcode cannot, by another name.
    rows = [
        ("a", None, "Okofor", None, "Amie", date(2001, 3, 19), None, None, None, None),
        ("b", None, "Kitty", None, None, None, None, "XA1", "3 High St", None),
    ]
    seen = known(people("care", rows))
    told = measured(seen)
    assert ("2", "a") in told
    assert ("4", "b") in told


def test_wider_keys_find_whom_the_library_s_rules_lose():
    # By the middle name, born in another year and on another day, no address; the same with the
    # names the other way round; misread at the start of both names, in the right year; and by
    # another name at an address that can be read, though its postcode cannot.
    rows = [
        ("a", None, "Ruth", None, "Okafor", date(2002, 5, 19), None, None, None, None),
        ("b", None, "Okafor", None, "Ruth", date(2002, 5, 19), None, None, None, None),
        ("c", None, "Gen", None, "Pkafor", date(1970, 10, 28), None, None, None, None),
        ("d", None, "Kitty", None, None, None, None, "XA1", "3 High St", None),
    ]
    seen = known(people("care", rows))
    assert by_library(seen.rows, seen.asked).is_empty()
    told = measured(seen)
    assert {("1", "a"), ("1", "b"), ("3", "c"), ("4", "d")} <= told.keys()


def test_those_who_live_along_by_hand():
    rows = [
        ("a", None, "Ann", None, "Okafor", TWINS, "2", "XA9 9ZZ", "7 Low Road", "900"),
        ("b", BEN, "Ben", None, "Okafor", date(1970, 1, 8), "1", "XA9 9ZZ", "7 Low Road", "900"),
    ]
    seen = known(people("care", rows))
    asked = learning.unlinked(seen)
    pairs = candidates(seen.rows, asked).with_columns(logit=pl.lit(1.0))
    around = in_context(pairs, seen, asked).join(
        seen.people.select("record_id", rid_l="rid"), on="rid_l"
    )
    along = {row["record_id"]: (row["along_here"], row["along_away"]) for row in around.to_dicts()}
    # Ben is at the same new address, and on the register at Ann's: for her, not for a stranger.
    assert along["1"] == (1, 0)
    assert "4" not in along or along["4"] == (0, 1)


def synth(folder, seed):
    words = ("--people", "2000", "--seed", str(seed), "--preset", "hard", "--out", str(folder))
    subprocess.run(
        [sys.executable, "-m", "pophealth_link", "synth", *words],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return folder


def ask(data, answer, *more, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.ceiling", str(data), str(answer), *map(str, more)],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_without_training_data_it_says_so(tmp_path):
    done = ask(tmp_path, tmp_path / "answer.parquet")
    assert done.returncode != 0
    assert "--train" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_answers_each_record_once_the_same_each_time_and_reads_no_truth(tmp_path):
    data, train = synth(tmp_path / "data", 291), synth(tmp_path / "train", 391)
    truth = pl.read_parquet(data / "truth.parquet")
    (data / "truth.parquet").unlink()
    for other in data.glob("true_*"):
        other.unlink()
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    done = ask(data, first, "--train", train)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shutil.copytree(data, tmp_path / "moved")
    one_thread = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    assert ask(tmp_path / "moved", second, "--train", train, **one_thread).returncode == 0
    assert first.read_bytes() == second.read_bytes()

    answer = pl.read_parquet(first)
    sources = extracts(data)
    others = pl.concat(
        each.frame.select(pl.lit(each.source).alias("source"), "record_id")
        for each in sources
        if not each.register
    )
    assert answer.select("source", "record_id").equals(others.sort("source", "record_id"))
    once = [each.source for each in sources if each.unique_people]
    accepted = answer.filter(pl.col("accepted") & pl.col("source").is_in(once))
    assert not accepted.select(
        pl.struct("source", "register_record_id").is_duplicated().any()
    ).item()

    who = truth.select("source", "record_id", "person_id")
    register = who.filter(pl.col("source") == "gp_register")
    names = dict(register.select("record_id", "person_id").iter_rows())
    graded = answer.join(who, on=["source", "record_id"]).with_columns(
        found=pl.col("register_record_id").replace_strict(names, default=None)
    )
    linked = graded.filter("accepted")
    linkable = graded.filter(pl.col("person_id").is_in(register["person_id"].implode()))
    right = pl.col("found") == pl.col("person_id")
    # Loose bounds at this size; the figures that count are those of the benchmark.
    assert linkable.select(right.fill_null(value=False).mean()).item() > 0.9
    assert linked.select((~right).mean()).item() < 0.02
    assert linked.height > 0.6 * linkable.height

    lost = loss(train)
    every = lost.filter(pl.col("source") == "all").row(0)[1:]
    assert every == lost.filter(pl.col("source") != "all").sum().row(0)[1:]
    assert every[2] <= every[1] <= every[0]
