"""All estimates at once: plain facts, no row of anybody, the same each time."""

import json
from datetime import date

import polars as pl
import pytest
from quality_people import NUMBERS, register, source
from true_worlds import KEY

from pophealth_link import disclosure, evaluate
from pophealth_link.evaluate import assess, record_groups
from pophealth_link.evaluate.blind import NOBODY, NUMBERLESS
from pophealth_link.link import link

DAY = date(2026, 4, 1)


def test_facts_are_plain_and_hold_nobody(hard):
    told = assess(hard.links, as_of=DAY, seed=1, sample=100)
    facts = told.facts()
    assert set(facts) == {"blind", "blocking", "implausible", "sensitivity", "bias"}
    text = json.dumps(facts, allow_nan=False)
    known = hard.links.records
    for column in ("nhs_number", "record_id", "person_id"):
        values = known[column].drop_nulls().unique()
        assert not any(f'"{value}"' in text for value in values.sample(500, seed=1))
    assert len(repr(told)) < 400
    again = assess(hard.links, as_of=DAY, seed=1, sample=100)
    assert json.dumps(again.facts()) == text


def test_groups_of_ones_own_are_used_throughout(hard):
    groups = record_groups(hard.links.records, as_of=DAY).select(
        "rid", "source", "record_id", "sex"
    )
    facts = assess(hard.links, as_of=DAY, seed=1, sample=100, groups=groups).facts()
    assert {row["dimension"] for row in facts["bias"]["counts"]} == {"all", "sex"}
    assert {row["dimension"] for row in facts["blind"]["counts"]} == {"all", "completeness", "sex"}


MARGARET = ("Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11")
NOTHING_TO_ASK = {
    "the register alone": ([register()], NOBODY),
    "another source that is empty": ([register(), source("care", [])], NOBODY),
    "no number": ([register(), source("care", [("a", None, *MARGARET)])], NUMBERLESS),
    "an empty register": ([register([]), source("care", [("a", None, *MARGARET)])], NUMBERLESS),
    "nobody at all": ([register([]), source("care", [])], NOBODY),
}


@pytest.mark.parametrize("case", NOTHING_TO_ASK)
def test_where_there_is_nothing_to_ask_the_tables_are_empty_and_say_why(case, hard):
    sources, why = NOTHING_TO_ASK[case]
    links = link(sources, key=KEY)
    told = assess(links, as_of=DAY, seed=1)
    usual = assess(hard.links, as_of=DAY, seed=1, sample=100)
    assert told.blind.unasked == why
    assert told.blind.counts.is_empty() and told.blind.outcomes.is_empty()
    for name in ("blind", "blocking", "sensitivity", "bias"):
        one, other = getattr(told, name), getattr(usual, name)
        assert one.counts.schema == other.counts.schema
        assert one.rates().schema == other.rates().schema
    assert told.bias.differences().schema == usual.bias.differences().schema
    assert usual.blind.unasked is None
    facts = json.loads(json.dumps(told.facts(), allow_nan=False))
    assert facts["blind"]["unasked"] == why
    if links.person_index.is_empty():
        return
    exact = evaluate.facts(links, sources, quality=facts)
    card = evaluate.card(exact, disclosure.policy("hes"), evaluate.CardContext())
    assert f"None was hidden. {why}" in card.markdown


def test_a_source_without_records_does_not_keep_others_from_being_judged():
    sources = [register(), source("empty", []), source("care", [("a", NUMBERS[0], *MARGARET)])]
    told = assess(link(sources, key=KEY), as_of=DAY, seed=1)
    assert told.blind.unasked is None
    held = told.blind.counts.filter(pl.col("dimension") == "all", population="held")
    assert held.select("source", "found").rows() == [("care", 1)]
