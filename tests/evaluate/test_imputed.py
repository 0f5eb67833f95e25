"""Draws of the links: how many, whose, and that nothing else decides them than the seed."""

import dataclasses

import polars as pl
import pytest
from true_worlds import RECORD

from pophealth_link.evaluate import facts_alone, imputed_links
from pophealth_link.evaluate.accuracy import grade
from pophealth_link.privacy import Key

KEY = Key(b"protects nobody: none of them exists")
DRAWS = 30


@pytest.fixture(scope="module")
def drawn(hard):
    return imputed_links(hard.links, seed=3, key=KEY, imputations=DRAWS)


@pytest.fixture(scope="module")
def graded(hard):
    return grade(hard.links.person_index, hard.truth)


def missed_in_draws(drawn, graded):
    """How many records without a link each draw takes for somebody's on the register."""
    unlinked = graded.filter(~pl.col("linked")).select(RECORD)
    rows = drawn.links.join(unlinked, on=RECORD, how="semi")
    return rows.group_by("draw").len().sort("draw")["len"]


def test_the_draws_hold_how_many_links_were_missed(drawn, graded):
    true = graded.filter(~pl.col("linked") & pl.col("linkable")).height
    found = missed_in_draws(drawn, graded)
    assert true > 15
    assert found.mean() - 3 * found.std() <= true <= found.mean() + 3 * found.std()
    assert 0.6 * true < found.mean() < 1.6 * true
    assert found.std() > 1


def test_more_is_missed_where_records_are_visibly_worse(drawn, graded, seen):
    worse = grade(seen.links.person_index, seen.truth)
    found = missed_in_draws(
        imputed_links(seen.links, seed=3, key=KEY, imputations=DRAWS), worse
    ).mean()
    true = worse.filter(~pl.col("linked") & pl.col("linkable")).height
    assert true > 5 * graded.filter(~pl.col("linked") & pl.col("linkable")).height
    assert found > 5 * missed_in_draws(drawn, graded).mean()


def test_nobody_has_two_records_of_a_source_of_unique_people(hard, drawn):
    index = hard.links.person_index
    unique = [each.source for each in hard.sources if each.unique_people]
    for draw in range(0, DRAWS, 10):
        moved = drawn.links.filter(draw=draw)
        whose = index.join(moved.select(*RECORD, to="person_id"), on=RECORD, how="left").join(
            moved.select(*RECORD, gone=pl.lit(value=True)), on=RECORD, how="left"
        )
        own = pl.when("gone").then("to").otherwise("person_id").alias("whose")
        told = whose.filter(pl.col("source").is_in(unique)).select("source", own).drop_nulls()
        assert not told.is_duplicated().any()


def test_a_draw_changes_what_the_index_says(hard, drawn):
    both = drawn.links.join(hard.links.person_index.select(*RECORD, was="person_id"), on=RECORD)
    assert both.height == drawn.links.height
    assert both.filter(pl.col("person_id") == pl.col("was")).is_empty()
    assert not set(both.join(hard.links.person_index.filter(method="register"), on=RECORD)["was"])


def test_records_of_one_person_off_the_register_stay_together(hard, drawn):
    index = hard.links.person_index
    register = index.filter(method="register")["person_id"].unique().implode()
    others = index.filter(~pl.col("person_id").is_in(register))
    several = others.filter(pl.len().over("person_id") > 1)
    assert several.height > 0
    moved = drawn.links.join(several.select(*RECORD, was="person_id"), on=RECORD)
    together = moved.group_by("draw", "was").agg(pl.col("person_id").n_unique().alias("people"))
    assert (together["people"] == 1).all()


def test_the_seed_alone_decides_the_draws(hard, drawn):
    same = imputed_links(hard.links, seed=3, key=KEY, imputations=DRAWS)
    assert same.links.equals(drawn.links)
    turned = dataclasses.replace(hard.links, pairs=hard.links.pairs.reverse())
    assert imputed_links(turned, seed=3, key=KEY, imputations=DRAWS).links.equals(drawn.links)
    other = imputed_links(hard.links, seed=4, key=KEY, imputations=DRAWS)
    assert not other.links.equals(drawn.links)


def test_who_stands_alone_is_a_new_person_on_no_register(hard, drawn):
    alone = facts_alone(hard.links.records, drawn.alone)
    assert set(alone["person_id"]) == set(drawn.alone["person_id"])
    assert not set(alone["person_id"]) & set(hard.links.person_index["person_id"])
    assert not alone["on_register"].any()


def test_a_repr_tells_of_no_record(drawn):
    assert repr(drawn) == f"Imputed(imputations={DRAWS})"
