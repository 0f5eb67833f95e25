"""What rules a link out, and what only weighs against it."""

from dataclasses import replace
from datetime import date
from math import log2

import polars as pl
import pytest
from people import NUMBERS, REGISTER, register, source, who
from scored import score_by_hand, together, world

from pophealth_link.link import LinkSpec, People, barred, link
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")
OTHER = "9990000077"
PIOTR = ("Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13")


def dated(people: People, column: str, days: list[date | None]) -> People:
    return replace(people, frame=people.frame.with_columns(pl.Series(column, days, dtype=pl.Date)))


@pytest.mark.parametrize("number", [None, NUMBERS[3]], ids=["by name", "by number"])
@pytest.mark.parametrize(
    ("first_contact", "linked"),
    [(date(2020, 5, 1), True), (date(2020, 5, 2), True), (date(2020, 5, 3), False), (None, True)],
)
def test_who_died_before_the_contact_is_somebody_else(number, first_contact, linked):
    died = [date(2020, 5, 2) if row[0] == "4" else None for row in REGISTER]
    gp = dated(register(), "date_of_death", died)
    care = dated(source("care", [("a", number, *PIOTR)]), "date_from", [first_contact])
    links = link([gp, care], key=KEY)
    assert (who(links)["a"][0] == "4") is linked
    assert ("death_before_contact" in links.pairs["decision"].to_list()) is not linked
    assert links.counts["unlinked_death_before_contact"] == int(not linked)


@pytest.mark.parametrize("number", [None, NUMBERS[3]], ids=["by name", "by number"])
@pytest.mark.parametrize(
    ("first_contact", "linked"), [(date(2020, 5, 2), {"a", "t"}), (date(2020, 5, 3), set())]
)
def test_nobody_is_seen_after_a_death_that_another_source_tells(number, first_contact, linked):
    """The register tells no date; of two records of one pass either may be the wrong one."""
    trust = dated(source("trust", [("t", number, *PIOTR)]), "date_of_death", [date(2020, 5, 2)])
    care = dated(source("care", [("a", number, *PIOTR)]), "date_from", [first_contact])
    links = link([register(), trust, care], key=KEY)
    assert {record for record, (person, _) in who(links).items() if person == "4"} == linked
    assert links.counts["unlinked_tie"] == 2 - len(linked)


def test_who_was_linked_by_an_earlier_pass_keeps_the_one_seen_after_the_death_away():
    trust = source("trust", [("t", NUMBERS[3], *PIOTR)])
    trust = dated(trust, "date_of_death", [date(2020, 5, 2)])
    care = dated(source("care", [("a", None, *PIOTR)]), "date_from", [date(2020, 5, 3)])
    links = link([register(), trust, care], key=KEY)
    assert who(links)["t"][0] == "4"
    assert who(links)["a"][0] is None
    assert links.counts["unlinked_death_before_contact"] == 1


@pytest.mark.parametrize(
    ("settings", "linked"),
    [
        ({}, False),
        ({"superseded_numbers": True}, True),
        ({"nhs_number_kind": "token"}, True),
    ],
    ids=["firm", "superseded", "token"],
)
def test_a_number_that_differs_is_a_veto_only_where_numbers_are_firm(settings, linked):
    kind = {k: v for k, v in settings.items() if k == "nhs_number_kind"}
    gp = replace(register(), **kind)
    care = source("care", [("a", OTHER, *PIOTR)], **settings)
    links = link([gp, care], key=KEY)
    assert (who(links)["a"][0] == "4") is linked
    assert ("cannot_link" in links.pairs["decision"].to_list()) is not linked


def test_damaged_tokens_weigh_against_a_link():
    trusted = pl.DataFrame(
        {"rid": [0, 1, 2, 3], "nhs_number": ["token:x", "token:y", "1", "token:x"]}
    )
    held = barred.with_firmness(trusted)
    assert held["firm"].to_list() == [False, False, True, False]
    pairs = pl.DataFrame({"rid_l": [0, 0, 0, 0], "rid_r": [1, 2, 3, 4]})
    # Assumed: 1 in 20 tokens of true pairs differ. A number in clear is not compared with a token.
    assert barred.soft_evidence(pairs, held)["bits"].to_list() == [log2(0.05), 0.0, 0.0, 0.0]


def test_a_token_that_differs_tips_the_scale(monkeypatch):
    rows = {"gp": [("p", "tok1")], "care": [("a", "tok2")], "housing": [("h", None)]}
    # Bits that are enough, and too few with an assumed 1 in 20 against them, at the default.
    spec = LinkSpec()
    accept, review = (log2(p / (1 - p)) for p in (spec.accept_probability, spec.review_probability))
    bits = (accept + review) / 2 - log2(0.05)
    assert bits >= accept
    score_by_hand(monkeypatch, {("p", "a"): bits, ("p", "h"): bits})
    links = link(world(rows, nhs_number_kind="token"), spec, key=KEY)
    assert together(links) == {frozenset("ph")}
    scored = links.pairs.filter(record_id_r="a")
    assert scored["match_weight"].item() == pytest.approx(bits + log2(0.05), abs=1e-6)
    assert scored["decision"].item() == "review"


def test_nobody_gets_two_numbers_through_two_sources(monkeypatch):
    rows = {
        "gp": [("p", None), ("q", NUMBERS[5])],
        "care": [("a", NUMBERS[0])],
        "trust": [("t", NUMBERS[1]), ("u", NUMBERS[1])],
    }
    # Alone each of them is p; together they would give p two numbers.
    weights = {("p", "a"): 20.0, ("p", "t"): 18.0}
    score_by_hand(monkeypatch, weights)
    links = link(world(rows), key=KEY)
    assert together(links) == {frozenset("tu")}
    assert links.counts["unlinked_tie"] == 1


FOLDED = [
    ("a", NUMBERS[3], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD"),
    ("b", None, "Piotr", "Zielinsky", date(1975, 11, 30), "1", "XB2 3CD"),
    ("c", None, "Peter", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
]


def test_duplicates_within_a_trust_are_folded_also_where_one_alone_has_the_number():
    trust = source("trust", FOLDED, setting="secondary_care")
    found = who(link([register(), trust], key=KEY))
    assert {record: person for record, (person, _) in found.items()} == dict.fromkeys("abc", "4")
    assert found["a"][1] == "nhs_number"
    # On no register they are one person of the trust.
    others = [row for row in REGISTER if row[0] != "4"] + [
        (f"x{i}", None, f"Given{i}", f"Name{i}", date(1950 + i % 50, 1 + i % 12, 3))
        for i in range(300)
    ]
    strangers = link([register(others), trust], key=KEY)
    mine = strangers.person_index.filter(source="trust")
    assert mine["person_id"].n_unique() == 1
    assert set(mine["method"]) == {"probabilistic"}
