"""The blind run: what it hides, what it counts, and how far its estimates are from the truth."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from quality_people import NUMBERS, REGISTER, register, source
from true_worlds import (
    KEY,
    RECORD,
    graded,
    holding,
    relinked,
    true_recall,
)

from pophealth_link.evaluate import blind_rates, blind_run, record_groups
from pophealth_link.evaluate.hidden import holders
from pophealth_link.link import link

ANNA = ("Anna", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14")
MARGARET = ("Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11")


def outcomes(*sources):
    run = blind_run(link([register(), *sources], key=KEY), seed=1)
    return dict(run.outcomes.select("record_id", "outcome").iter_rows()), run


def test_what_becomes_of_each_hidden_record():
    trust = source("trust", [
        ("right", NUMBERS[0], *MARGARET),
        ("bare", NUMBERS[3]),
        ("nobody", NUMBERS[6], "Kwame", "Stranger", date(1961, 8, 9), "1", "XC9 9ZZ"),
        ("alike", NUMBERS[7], "Daniel", "Okafor", date(1981, 2, 3), "1", "XA1 1AA", "11"),
        ("another", NUMBERS[2], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
        ("none", None, *ANNA),
    ], setting="secondary_care")  # fmt: skip
    found, run = outcomes(trust)
    # `another` holds a number that its demographics contradict; `none` holds none.
    assert found == {
        "right": "found", "bare": "missed", "nobody": "stranger", "alike": "stranger_linked",
    }  # fmt: skip
    row = run.rates().filter(dimension="all", population="held").row(0, named=True)
    assert (row["records"], row["found"], row["wrong"], row["missed"]) == (2, 1, 0, 1)
    assert (row["strangers"], row["strangers_linked"], row["never_compared"]) == (2, 1, 1)
    assert (row["recall"], row["false_links"], row["lost"]) == (0.5, 0.5, 0.5)


def test_a_person_whom_another_record_of_the_source_has_is_taken():
    """A record of Anna's, at the address of her namesake, is the namesake's once its number is
    hidden, unless the source has a record of the namesake already."""
    namesake = ("6", NUMBERS[5], *ANNA[:4], "XA7 7AA", "77")
    people = [*REGISTER[:5], namesake]
    moved = ("a", NUMBERS[4], *namesake[2:])
    hers = ("b", None, *namesake[2:])
    for others, wrong in (([], 1), ([hers], 0)):
        care = source("care", [moved, *others], unique_people=True)
        run = blind_run(link([register(people), care], key=KEY), seed=1)
        assert run.counts.filter(dimension="all", population="held")["wrong"].item() == wrong


def test_counts_add_up_and_strata_are_the_hidden_records(hard):
    run = blind_run(hard.links, seed=3, sample=150)
    counts = run.counts
    parts = pl.col("found") + pl.col("wrong") + pl.col("missed")
    assert counts.filter(parts != pl.col("records")).is_empty()
    assert counts.filter(pl.col("never_compared") > pl.col("missed")).is_empty()
    assert counts.filter(pl.col("strangers_linked") > pl.col("strangers")).is_empty()
    held = counts.filter(population="held")
    for dimension in held["dimension"].unique():
        one = held.filter(dimension=dimension)
        assert one["records"].sum() + one["strangers"].sum() == run.outcomes.height
    hidden = run.outcomes.group_by("source").len()
    assert hidden["len"].max() == 150
    whole = counts.filter(dimension="all", population="all").sort("source")
    listed = hard.links.person_index.filter(pl.col("method") != "register").group_by("source").len()
    assert whole["listed"].to_list() == listed.sort("source")["len"].to_list()


def test_nothing_is_changed_and_a_seed_gives_the_same_sample(hard):
    before = hard.links.records.clone()
    one, two = (blind_run(hard.links, seed=3, sample=100) for _ in range(2))
    other = blind_run(hard.links, seed=4, sample=100)
    assert hard.links.records.equals(before)
    assert one.counts.equals(two.counts)
    assert one.outcomes.equals(two.outcomes)
    assert not one.outcomes.select(RECORD).equals(other.outcomes.select(RECORD))
    assert "P0" not in repr(one) and len(repr(one)) < 100


def test_the_order_of_sources_and_rows_does_not_matter(hard):
    turned = [replace(s, frame=s.frame.reverse()) for s in reversed(hard.sources)]
    one = blind_run(hard.links, seed=3, sample=100)
    assert blind_run(relinked(turned), seed=3, sample=100).counts.equals(one.counts)


@pytest.mark.slow
def test_hiding_a_number_is_as_if_it_had_never_been_there(seen, numberless):
    """All hidden at once, records are linked as in a run without any numbers, but for the few whose
    candidates are claimed by others, or that a learnt share on the register decides: up to one in
    fifty."""
    run = blind_run(seen.links, seed=1, sample=10**6)
    told = graded(numberless["seen"], seen.truth).join(run.outcomes, on=RECORD)
    owned = told.filter(~pl.col("outcome").str.starts_with("stranger"))
    same = pl.col("correct") == (pl.col("outcome") == "found")
    agreeing = owned.group_by("source").agg(same.mean().alias("share"), pl.len())
    assert agreeing.filter(pl.col("len") > 100)["share"].min() > 0.98


def by_population(run, source):
    rows = run.rates().filter(dimension="all", source=source)
    return {row["population"]: row for row in rows.iter_rows(named=True)}


def known(links, *, held):
    main = links.records.filter(~pl.col("alias") & ~pl.col("on_register"))
    inside = pl.col("rid").is_in(holders(links)["rid"].implode())
    return main.filter(inside if held else ~inside).select(RECORD)


SOURCES = ("acute", "mental_health_trust")
# The standard error of a recall of 0.8 among 800 records is 0.014: three of those.
NEAR = 0.042


@pytest.mark.parametrize("name", ["seen", "unseen"])
def test_recall_of_the_holders_is_right(name, numberless, request):
    """No assumption is needed for them: only chance, and numbers that are not the record's own."""
    one = request.getfixturevalue(name)
    run = blind_run(one.links, seed=2, sample=800)
    truth = graded(numberless[name], one.truth)
    for source_name in SOURCES:
        own = truth.filter(source=source_name)
        true = true_recall(own, known(one.links, held=True))
        assert 0.7 < true < 0.9
        found = by_population(run, source_name)["held"]
        assert found["recall"] == pytest.approx(true, abs=NEAR)
        assert found["recall_lower"] - 0.01 < true < found["recall_upper"] + 0.01


def test_false_links_are_those_that_are_false(unseen, numberless):
    run = blind_run(unseen.links, seed=2, sample=10**6)
    truth = graded(numberless["unseen"], unseen.truth)
    told = truth.join(known(unseen.links, held=True), on=RECORD, how="semi")
    true = told.filter("linked").select(~pl.col("correct")).to_series().mean()
    counts = run.counts.filter(dimension="all", population="held")
    false = counts["wrong"].sum() + counts["strangers_linked"].sum()
    share = false / (false + counts["found"].sum())
    # A number of somebody else's that nothing contradicts makes a true link look false.
    assert true - 0.002 < share < true + 0.006


@pytest.mark.slow
def test_numbers_held_at_random_tell_of_all(seen, numberless):
    links = relinked(holding(seen, well=0.5, ill=0.5, seed=1))
    run = blind_run(links, seed=2)
    truth = graded(numberless["seen"], seen.truth)
    lacking = graded(links, seen.truth).join(known(links, held=False), on=RECORD, how="semi")
    for name in SOURCES:
        estimate = by_population(run, name)
        true = true_recall(truth.filter(source=name))
        assert estimate["all"]["recall"] == pytest.approx(true, abs=NEAR)
        assert estimate["without"]["recall"] == pytest.approx(true, abs=1.5 * NEAR)
        real = true_recall(lacking.filter(source=name))
        # Shares on the register of 450 records with and 450 without a number differ by chance by
        # up to 0.045, and a false link counts as a link.
        assert estimate["without"]["registered_alike"] == pytest.approx(real, abs=0.055)


@pytest.mark.slow
def test_weighing_corrects_for_what_can_be_seen(seen, numberless):
    """Four in five of the well recorded hold a number, one in five of the rest. As they are, the
    holders flatter a source by more than a tenth; weighed, they tell of all of it."""
    links = relinked(holding(seen, well=0.8, ill=0.2, seed=1))
    run = blind_run(links, seed=2, sample=800)
    truth = graded(numberless["seen"], seen.truth)
    for name in SOURCES:
        estimate, own = by_population(run, name), truth.filter(source=name)
        assert estimate["held"]["recall"] > true_recall(own) + 0.09
        assert estimate["all"]["recall"] == pytest.approx(true_recall(own), abs=NEAR)
        without = true_recall(own, known(links, held=False))
        # Some 250 effective records.
        assert estimate["without"]["recall"] == pytest.approx(without, abs=2 * NEAR)


@pytest.mark.slow
def test_what_cannot_be_seen_leaves_an_upper_bound(unseen, numberless):
    """The same, but what is wrong with a record cannot be seen: hardly anything is corrected, and
    recall is overstated by more than a tenth. That is why it is called an upper bound. The share
    linked, compared with the share on the register among the holders, tells more."""
    links = relinked(holding(unseen, well=0.8, ill=0.2, seed=1))
    run = blind_run(links, seed=2, sample=800)
    truth = graded(numberless["unseen"], unseen.truth)
    for name in SOURCES:
        estimate, own = by_population(run, name), truth.filter(source=name)
        true, without = true_recall(own), true_recall(own, known(links, held=False))
        assert estimate["held"]["recall"] > estimate["all"]["recall"] > true + 0.05
        assert estimate["without"]["recall"] > without + 0.15
        assert estimate["without"]["registered_alike"] == pytest.approx(without, abs=0.065)


def test_a_source_without_numbers_borrows(seen):
    run = blind_run(seen.links, seed=2)
    housing = by_population(run, "housing_register")
    assert set(housing) == {"all", "without"}
    assert housing["all"]["basis"] == "borrowed"
    true = true_recall(graded(seen.links, seen.truth).filter(source="housing_register"))
    # Few of the hidden are alike those who apply for a home.
    assert housing["all"]["recall_lower"] - NEAR < true < housing["all"]["recall_upper"] + NEAR
    assert housing["all"]["registered_alike"] == pytest.approx(true, abs=0.055)


def test_rates_of_released_counts():
    rows = {"population": ["all"] * 3, "records": [100, None, 0], "found": [105, 4, 0],
            "wrong": [0, 0, 0], "missed": [5, 0, 0], "strangers": [10, 0, 0],
            "strangers_linked": [0, 0, 0], "never_compared": [None, 0, 0],
            "listed": [200, 10, 5], "linked": [100, 5, 0], "asked": [110, 5, 0],
            "registered": [100, 5, 0]}  # fmt: skip
    rated = blind_rates(pl.DataFrame(rows))
    assert rated["recall"].to_list() == [1.0, None, None]
    assert rated["lost"].to_list() == [None, None, None]
    # 100 linked of 200 · 100 / 110 who are there; nobody was asked in the last.
    assert rated["registered_alike"].to_list() == [pytest.approx(0.55), 0.5, None]


def test_groups_of_ones_own_are_strata(hard):
    groups = record_groups(hard.links.records, as_of=date(2026, 4, 1)).select("rid", "sex")
    run = blind_run(hard.links, seed=2, sample=100, groups=groups)
    assert set(run.counts["dimension"]) == {"all", "completeness", "sex"}
