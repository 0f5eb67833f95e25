"""The trained model beside the truth of synthetic people, and what it refuses."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from people import NUMBERS, REGISTER, register, source

from pophealth_link import job as jobs
from pophealth_link import reference, synthetic
from pophealth_link.errors import LinkageError
from pophealth_link.evaluate import score
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.people import Reading, read_people
from pophealth_link.job.progress import Silent
from pophealth_link.link import LinkSpec, agreement, link, model, numbers, train, train_pairs
from pophealth_link.link.comparisons import COMPARISONS, context
from pophealth_link.link.records import register_of, stack
from pophealth_link.privacy import Key
from pophealth_link.synthetic import SynthSpec

KEY = Key(b"a key for tests, 16+")
PAIR = ["rid_l", "rid_r"]
# Enough for what is compared with truth, and quick.
SMALL = train_pairs.Bounds(random_pairs=100_000)
SAMPLE = 100_000


def people_of(folder):
    job = jobs.load(folder / "job.toml", ("link",))
    return read_people(job, Reading.of(job, Accounts(), Silent(), kept=None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = tmp_path_factory.mktemp("train") / "data"
    made = synthetic.generate(
        SynthSpec(people=9_000, seed=31, preset="typical"), reference.load(None)
    )
    synthetic.write(made, data, reference=None)
    return data


@pytest.fixture(scope="module")
def world(folder):
    """Sources, truth, prepared records, and the records that the NHS number linked."""
    people = people_of(folder)
    records = stack(people, register_of(people))
    pairs = numbers.link(records).pairs
    linked = pairs.filter(pl.col("decision") == "accepted")["rid_r"]
    return people, pl.read_parquet(folder / "truth.parquet"), records, linked


@pytest.fixture(scope="module")
def trained(world):
    _, _, records, linked = world
    return train.train(records, linked, seed=1, bounds=SMALL)


def true_pairs(records, truth):
    main = records.filter(~pl.col("alias")).join(truth, on=["source", "record_id"])
    left, right = (main.filter(pl.col("on_register") == side) for side in (True, False))
    both = left.select("person_id", rid_l="rid").join(
        right.select("person_id", rid_r="rid"), on="person_id"
    )
    return both.select(PAIR)


def shares(seen, name):
    """Level → share of its context, and how many pairs of the context there are."""
    counts = dict(seen.drop_nulls(name).group_by(name).len().iter_rows())
    totals = {}
    for level, count in counts.items():
        totals[context(level)] = totals.get(context(level), 0) + count
    levels = [rule.name for rule in COMPARISONS[name].levels]
    return {
        level: (counts.get(level, 0) / totals[context(level)], totals[context(level)])
        for level in levels
        if context(level) in totals
    }


def _assert_near(trained, true, name):
    for level, (share, pairs) in shares(true, name).items():
        found = next(each.m for each in trained.levels[name] if each.name == level)
        # Which pairs are true is not told: a few are taken wrongly either way.
        assert found == pytest.approx(share, abs=0.01 + 6 / pairs), (name, level)


@pytest.mark.slow
def test_m_is_near_the_share_of_true_pairs(world, trained):
    _, truth, records, linked = world
    open_rids = ~pl.col("rid").is_in(linked.implode())
    of = train_pairs.Records(
        records.filter("on_register"), records.filter(~pl.col("on_register") & open_rids)
    )
    pairs = true_pairs(records, truth)
    # Through which rows a pair agrees best depends on the model: as training saw them, and as the
    # trained model sees them.
    others = set(COMPARISONS) - {"row"}
    for seen_by, names in ((model.load("default"), COMPARISONS), (trained, others)):
        true = train_pairs.candidates(of, seen_by).join(pairs, on=PAIR, how="semi")
        assert true.height > 400
        for name in names:
            _assert_near(trained, true, name)
    assert trained.on_register == pytest.approx(true.height / of.count, abs=0.02)


@pytest.mark.slow
def test_u_is_near_the_share_of_pairs_of_two_people(world, trained):
    _, truth, records, linked = world
    main = records.filter(~pl.col("alias"))
    left = main.filter("on_register")["rid"].to_numpy()
    others = main.filter(~pl.col("on_register") & ~pl.col("rid").is_in(linked.implode()))
    rng = np.random.default_rng(99)
    drawn = [rng.choice(rids, SAMPLE) for rids in (left, others["rid"].to_numpy())]
    place = ["home", "house"]
    mates = (
        main.filter("on_register")
        .select(*place, rid_l="rid")
        .join(others.select(*place, rid_r="rid"), on=place)
    )
    for where, pairs in {
        "elsewhere": pl.DataFrame(dict(zip(PAIR, drawn, strict=True))).unique(),
        "home": mates.drop_nulls(place).select(PAIR),
    }.items():
        two = pairs.cast(pl.UInt32).join(
            true_pairs(records, truth).cast(pl.UInt32), on=PAIR, how="anti"
        )
        seen = agreement.levels(two, records)
        for name, comparison in COMPARISONS.items():
            if comparison.u_from != "random":
                continue
            for level, (share, total) in shares(seen, name).items():
                kept = f"{name}.{level}" in trained.provenance["kept_from_default"]
                if context(level) != where or share * total < 30 or kept:
                    continue
                found = next(each.u for each in trained.levels[name] if each.name == level)
                # Two samples of a rare level differ by chance: four standard errors of each.
                far = 4 * np.sqrt(2 * share * (1 - share) / total)
                assert found == pytest.approx(share, abs=far + 0.02 * share), (name, level)


@pytest.mark.slow
def test_it_links_about_as_well_as_the_default_and_the_saved_file_links_the_same(
    world, tmp_path, monkeypatch
):
    monkeypatch.setattr(train, "Bounds", lambda: SMALL)
    people, truth, _, _ = world
    by_model = {}
    path = tmp_path / "model.json"
    for named in ("default", "train", path):
        links = link(people, LinkSpec(model=named, seed=5), key=KEY)
        if named == "train":
            model.save(links.model, path)
        by_model[named] = links
    rates = {
        name: score(links.person_index, truth).row(0, named=True)
        for name, links in by_model.items()
    }
    assert rates["train"]["recall"] > rates["default"]["recall"] - 0.003
    assert rates["train"]["false_links"] < rates["default"]["false_links"] + 0.001
    assert by_model[path].person_index.equals(by_model["train"].person_index)
    assert by_model[path].pairs.equals(by_model["train"].pairs)
    assert by_model["train"].model.provenance["name"] == "train"


SCRIPT = """
import sys
from pathlib import Path
import polars as pl
sys.path.insert(0, sys.argv[3])
from test_train import SMALL, people_of
from dataclasses import replace
from pophealth_link.link import model, numbers, train
from pophealth_link.link.records import register_of, stack
people = people_of(Path(sys.argv[1]))
if sys.argv[4] == "mixed":
    people = [
        replace(p, frame=p.frame.sample(fraction=1, shuffle=True, seed=4)) for p in people[::-1]
    ]
records = stack(people, register_of(people))
linked = numbers.link(records).pairs.filter(pl.col("decision") == "accepted")["rid_r"]
if sys.argv[4] == "mixed":
    records = records.sample(fraction=1, shuffle=True, seed=3)
    linked = linked.sample(fraction=1, shuffle=True, seed=3)
model.save(train.train(records, linked, seed=1, bounds=SMALL), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_neither_threads_nor_order_change_a_byte(folder, trained, tmp_path):
    here = os.path.dirname(__file__)  # noqa: PTH120
    model.save(trained, tmp_path / "plain.json")
    for threads in ("1", "4"):
        out = tmp_path / f"{threads}.json"
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder), str(out), here, "mixed"],
            check=True, env=os.environ | {"POLARS_MAX_THREADS": threads},
        )  # fmt: skip
        assert out.read_bytes() == (tmp_path / "plain.json").read_bytes()


def test_another_seed_draws_other_pairs(world, trained):
    _, _, records, linked = world
    few = train_pairs.Bounds(records=800, random_pairs=50_000)
    found = [train.train(records, linked, seed=seed, bounds=few) for seed in (1, 2)]
    assert found[0].levels != found[1].levels
    # About as many of them are on the register, whoever was drawn.
    assert found[0].on_register == pytest.approx(trained.on_register, abs=0.05)


def test_a_column_that_is_empty_keeps_the_levels_of_the_default_and_says_so(world):
    _, _, records, linked = world
    bare = records.with_columns(
        pl.lit(None, dtype=records.schema[name]).alias(name) for name in ("middle_words", "sex")
    )
    found = train.train(bare, linked, seed=1, bounds=SMALL)
    kept = found.provenance["kept_from_default"]
    for name in ("middle", "sex"):
        assert {f"{name}.{rule.name}" for rule in COMPARISONS[name].levels} <= set(kept)
        default = model.load("default").levels[name]
        assert [each.m for each in found.levels[name]] == pytest.approx(
            [each.m for each in default], rel=0.01
        )
    assert not any(each.startswith("birth.exact") for each in kept)


def test_counts_in_the_provenance_are_of_two_digits(trained):
    for count in (trained.provenance["records"], trained.provenance["candidate_pairs"]):
        assert len(str(count).rstrip("0")) <= 2


def test_too_few_pairs_are_refused_by_comparison_and_level_with_what_was_seen():
    care = source("care", [("a", None, *REGISTER[3][2:]), ("b", None, *REGISTER[0][2:])])
    with pytest.raises(LinkageError) as caught:
        link([register(), care], LinkSpec(model="train"), key=KEY)
    told = str(caught.value)
    assert "could not be trained: parameters could not be estimated" in told
    assert "m of given (exact" in told
    assert "pairs of one person seen, 20 needed" in told
    assert "pairs of two people seen, 50 needed" in told
    assert 'set link.model = "default"' in told
    assert not any(value in told.upper() for value in ("ZIELINSKI", "OKAFOR", "XB2", NUMBERS[0]))


def test_nobody_to_learn_from_is_told():
    trust = source("trust", [("a", NUMBERS[0])], setting="secondary_care")
    with pytest.raises(LinkageError, match="no pairs to learn from"):
        link([register(), trust], LinkSpec(model="train"), key=KEY)


def test_what_does_not_settle_is_refused(world):
    _, _, records, linked = world
    with pytest.raises(LinkageError, match="had not settled after 1 rounds"):
        train.train(records, linked, seed=1, bounds=replace(SMALL, rounds=1))


def test_candidates_are_bounded_by_learning_from_fewer_records(world):
    _, _, records, linked = world
    others = records.filter(~pl.col("on_register") & ~pl.col("rid").is_in(linked.implode()))
    sides = records.filter("on_register"), others
    rng = np.random.default_rng(1)
    all_of = train_pairs.within_bounds(*sides, rng, train_pairs.Bounds())
    few = train_pairs.within_bounds(*sides, rng, train_pairs.Bounds(candidates=5_000))
    assert all_of.count == others["rid"].n_unique()
    assert 0 < few.count < all_of.count
    assert train_pairs.candidates(few, model.load("default")).height <= 5_000
    # A record that is drawn is drawn with its aliases.
    assert few.others["rid"].n_unique() == few.count
