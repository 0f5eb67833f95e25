"""All estimates at once: plain facts, no row of anybody, the same each time."""

import json
from datetime import date

from pophealth_link.evaluate import assess, record_groups

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
