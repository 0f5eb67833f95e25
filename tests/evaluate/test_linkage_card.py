"""The linkage card: twelve sections whose figures are counted by hand, and nothing else in it."""

from __future__ import annotations

import json
import random
from datetime import date

import polars as pl
import pytest

from pophealth_link.disclosure import POLICIES, Policy
from pophealth_link.errors import DisclosureError
from pophealth_link.evaluate import CardContext, card, facts, is_whole, linkage_card, to_markdown
from pophealth_link.evaluate.linkage_card_counts import parts
from pophealth_link.evaluate.linkage_card_ledger import Ledger, Sum, release
from pophealth_link.link import LinkSpec, People, link
from pophealth_link.privacy import Key

# Shows every count as it is: for figures that are counted by hand.
AS_IT_IS = Policy("as_it_is", base=1)
MARK = "CANARY"
# Valid numbers of the test range, by the modulus-11 rule.
NUMBERS = ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069"]
SCHEMA = dict.fromkeys(
    ("record_id", "nhs_number", "given_name", "family_name", "sex", "postcode", "uprn", "address"),
    pl.String,
) | {"date_of_birth": pl.Date}
SECTIONS = [
    "main_points", "purpose", "data", "preparation", "method", "results", "quality",
    "who_is_missed", "footprint_assignment", "disclosure", "limits", "how_to_repeat",
]  # fmt: skip
REGISTER = [
    ("1", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA"),
    ("2", NUMBERS[1], "Daniel", "Okafor", date(1981, 2, 3), "1", "XA1 1AA"),
    ("3", NUMBERS[2], "Ruth", "Whitcombe", date(1990, 3, 4), "2", "XA1 1AB"),
    ("4", NUMBERS[3], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD"),
]
CARE = [
    ("a", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA"),  # by number
    ("b", None, "Ruth", "Whitcombe", date(1990, 3, 4), "1", "XA1 1AB"),  # by name; another sex
    ("c", NUMBERS[3], "Olga", "Brandt", date(2001, 7, 7), "2", "XQ9 9ZZ"),  # another's number
    ("d", "123", "Zebedee", "Quill", date(1933, 12, 24), "1", None),  # nobody; no valid number
    ("e", NUMBERS[5], "Una", "Vane", date(1960, 6, 5), None, None),  # a number of nobody's
    ("f", NUMBERS[5], "Una", "Vane", date(1960, 6, 5), None, None),  # the same person again
]


def people(name, rows, **more):
    columns = ("record_id", "nhs_number", "given_name", "family_name", "date_of_birth", "sex",
               "postcode")  # fmt: skip
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String) |
                         {"date_of_birth": pl.Date}, orient="row")  # fmt: skip
    more.setdefault("setting", "local_authority")
    return People(name, frame, **more)


def sources():
    register = people("gp", REGISTER, setting="primary_care", unique_people=True, register=True)
    return [register, people("care", CARE, quarantined=2)]


@pytest.fixture(scope="module")
def links():
    return link(sources(), key=Key(b"a key for tests, 16+"))


@pytest.fixture(scope="module")
def exact(links):
    return facts(links, sources(), LinkSpec())


@pytest.fixture(scope="module")
def plain(links):
    return linkage_card(links, sources(), policy=AS_IT_IS).json


def test_twelve_sections_in_the_order_of_a_linkage_report(plain):
    assert [*plain] == ["title", *SECTIONS]
    headings = [line for line in to_markdown(plain).splitlines() if line.startswith("## ")]
    assert [int(line.split()[1]) for line in headings] == list(range(1, 13))
    assert headings[0] == "## 1 Main points"
    assert headings[5] == "## 6 Results by pass"


def test_the_flow_of_records_counted_by_hand(plain):
    results = plain["results"]
    flow = results["flow"]
    assert flow["records"] == 6
    assert {m["method"]: m["records"] for m in flow["methods"] if m["records"]} == {
        "nhs_number": 1,
        "name_birth_postcode": 1,
    }
    # Two records share a number that the register does not have: one person off the register.
    assert (flow["linked"], flow["elsewhere"], flow["unlinked"]) == (2, 2, 2)
    assert flow["linked_share"] == pytest.approx(1 / 3, abs=1e-4)
    assert sum(each["records"] for each in flow["unlinked_because"]) == 2
    assert [each["source"] for each in results["by_source"]] == ["care"]
    assert results["people"] == {"people": 7, "on_register": 4, "off_register": 3}
    assert results["counts"]["nhs_numbers_contradicted"] == 1


def test_why_records_are_unlinked_is_told_as_the_linkage_itself_counts_it(links, exact):
    told = {row["reason"]: row["records"] for row in exact["unlinked"]}
    counted = {name.removeprefix("unlinked_"): n for name, n in links.counts.items()
               if name.startswith("unlinked_") and n}  # fmt: skip
    assert told == counted


def test_records_in_are_linked_elsewhere_or_unlinked_in_every_source(plain):
    for flow in (plain["results"]["flow"], *plain["results"]["by_source"]):
        assert flow["records"] == flow["linked"] + flow["elsewhere"] + flow["unlinked"]
        assert flow["linked"] == sum(each["records"] for each in flow["methods"])
        assert flow["unlinked"] == sum(each["records"] for each in flow["unlinked_because"])
    for each in plain["results"]["passes"]:
        assert each["candidates"] == sum(d["pairs"] for d in each["decisions"])


def test_completeness_and_rows_counted_by_hand(plain):
    care = next(each for each in plain["data"]["sources"] if each["name"] == "care")
    assert (care["rows_in"], care["quarantined"], care["records"]) == (8, 2, 6)
    filled = {
        row["identifier"]: (row["filled"], row["missing"], row["share"])
        for row in plain["data"]["completeness"]
        if row["source"] == "care"
    }
    assert filled["nhs_number"] == (4, 2, 0.6667)
    assert filled["sex"] == (4, 2, 0.6667)
    assert filled["date_of_birth"] == (6, 0, 1.0)
    assert filled["postcode"] == (3, 3, 0.5)
    numbers = {row["source"]: row for row in plain["preparation"]["nhs_numbers"]["by_source"]}
    assert numbers["care"] == {"source": "care", "records": 6, "valid": 4, "invalid": 1, "none": 1}


def test_conflicts_counted_by_hand(plain):
    told = {
        row["attribute"]: (row["source_l"], row["source_r"], row["compared"], row["conflicting"])
        for row in plain["data"]["conflicts"]
    }
    assert told["sex"] == ("care", "gp", 2, 1)
    assert told["date_of_birth"] == ("care", "gp", 2, 0)
    assert told["postcode"] == ("care", "gp", 2, 0)


def test_the_method_has_every_level_of_the_model_and_its_weight(links, plain):
    told = {each["comparison"]: each["levels"] for each in plain["method"]["comparisons"]}
    assert {name: len(levels) for name, levels in told.items()} == {
        name: len(levels) for name, levels in links.model.levels.items()
    }
    assert len(plain["method"]["model"]["sha256"]) == 64
    assert plain["method"]["accept_probability"] == LinkSpec().accept_probability
    assert [each["name"] for each in plain["method"]["passes"]] == list(links.passes)
    assert plain["method"]["model"]["provenance"]


def test_markdown_is_made_from_the_json_alone(plain):
    assert to_markdown(json.loads(json.dumps(plain))) == to_markdown(plain)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda p: p.name)
def test_the_card_can_be_made_under_every_policy(links, policy):
    made = linkage_card(links, sources(), policy=policy)
    assert [*made.json] == ["title", *SECTIONS]
    assert made.markdown.startswith("# Linkage card\n")
    assert json.loads(made.to_json()) == made.json
    assert made.json["disclosure"]["policy"] == policy.name


def test_facts_are_whole_after_a_file_and_not_without_a_part(exact):
    read = json.loads(json.dumps(exact))
    assert is_whole(read)
    assert not is_whole({})
    for name in exact:
        assert not is_whole({key: value for key, value in read.items() if key != name}), name
    assert not is_whole({**read, "methods": [{}]})


def test_neither_the_order_of_sources_nor_that_of_rows_matters(links):
    shuffled = [
        People(each.source, each.frame.sample(fraction=1, shuffle=True, seed=5), each.setting,
               each.unique_people, each.register, quarantined=each.quarantined)
        for each in reversed(sources())
    ]  # fmt: skip
    again = link(shuffled, key=Key(b"a key for tests, 16+"))
    first = linkage_card(links, sources(), policy=POLICIES["hes"])
    assert linkage_card(again, shuffled, policy=POLICIES["hes"]).to_json() == first.to_json()


def test_what_the_linkage_does_not_know_comes_from_the_context(links):
    context = CardContext(
        governance={"purpose": "A test", "legal_basis": "None | <b>needed</b>"},
        as_of="2026-04-01",
        limits=("It is small.",),
        repeat={"seed": "7"},
        footprints=(
            {"basis": "resident", "footprint_type": "pcn", "footprints": 2, "assigned": 90.0,
             "share": 0.9, "unassigned": [{"reason": "no_postcode", "name": "No postcode",
                                           "people": 10.0}]},
        ),
    )  # fmt: skip
    made = linkage_card(links, sources(), policy=AS_IT_IS, context=context)
    assert made.json["purpose"]["purpose"] == "A test"
    text = made.markdown
    for told in ("None \\| &lt;b>needed&lt;/b>", "* It is small.", "| seed | 7 |",
                 "no postcode 10"):  # fmt: skip
        assert told in text, told


def test_a_linkage_without_other_sources_has_a_card():
    alone = sources()[:1]
    made = linkage_card(link(alone), alone, policy=POLICIES["hes"])
    assert made.json["results"]["flow"] is None
    assert "linked to no other source" in made.markdown


def test_no_value_of_a_record_is_in_card_or_facts_whatever_the_identifier():
    """Marks in every text identifier; numbers and dates that stand nowhere else."""
    rows = [
        {
            "record_id": f"{MARK}ID{i}", "nhs_number": NUMBERS[i % 6] if i < 6 else f"{MARK}{i}",
            "given_name": f"{MARK}given{i}", "middle_names": f"{MARK}middle",
            "family_name": f"{MARK}family{i % 4}", "previous_family_name": f"{MARK}prev",
            "date_of_birth": date(1931, 10, 1 + i), "sex": f"{MARK}sex",
            "postcode": "QX7 7QX" if i % 2 else f"{MARK}", "address": f"7 {MARK} STREET",
            "uprn": f"9988776{i:02d}", "ethnic_category": f"{MARK}eth",
            "practice_code": f"{MARK}prac", "date_of_death": date(2025, 10, 1 + i),
        }
        for i in range(20)
    ]  # fmt: skip
    frame = pl.DataFrame(rows)
    register = People("gp", frame.unique("nhs_number"), "primary_care", True, True)
    care = People("care", frame, "local_authority")
    made = link([register, care], key=Key(b"a key for tests, 16+"))
    told = facts(made, [register, care], LinkSpec())
    for policy in (AS_IT_IS, *POLICIES.values()):
        out = card(told, policy, CardContext())
        texts = [out.to_json(), out.markdown, json.dumps(told), repr(out)]
        for text in texts:
            assert MARK not in text.upper()
            for secret in ("1931", "2025-10", "QX7", "9988776", *NUMBERS):
                assert secret not in text, secret
            assert not any(person in text for person in made.person_index["person_id"])


def test_quality_is_told_by_rates_of_released_counts_and_what_could_not_be_asked_is_left_out(exact):
    group = {"source": "all", "known": None, "missed": None}
    rows = [
        {**group, "dimension": "all", "group": "all", "records": 6, "linked": 2},
        {**group, "dimension": "sex", "group": "1", "records": 4, "linked": 1},
        {**group, "dimension": "sex", "group": "2", "records": 2, "linked": 1},
    ]
    blind = {"counts": [], "caveat": "c", "seed": 1, "sample": 5}
    quality = {"blind": blind, "bias": {"counts": rows, "caveat": "Mind the register."}}
    told = card({**exact, "quality": quality}, AS_IT_IS, CardContext())
    assert told.json["quality"] == {}
    rates = {r["group"]: r["linkage_rate"] for r in told.json["who_is_missed"]["rates"]}
    assert rates == {"all": pytest.approx(1 / 3, abs=1e-4), "1": 0.25, "2": 0.5}
    assert "| sex | Male | 4 | 1 | 25.0 % |" in told.markdown
    hidden = card({**exact, "quality": quality}, POLICIES["hes"], CardContext()).json
    assert {r["linkage_rate"] for r in hidden["who_is_missed"]["rates"]} == {None}


# The ledger.


def test_a_part_is_withheld_so_that_its_whole_can_be_told():
    ledger = Ledger(
        {("of",): 2383, ("filled",): 2380, ("missing",): 3},
        (Sum(("of",), (("filled",), ("missing",)), yields=(("filled",),)),),
        frozenset({("of",)}),
    )
    told = release([ledger], POLICIES["hes"])
    # 2,383 and 2,380 round to 2,385 and 2,380: what is missing may be 1 to 7, as the policy hides.
    assert (told["of",], told["filled",], told["missing",]) == (2385, 2380, None)
    # 2,384 and 2,383 both round to 2,385: then what is missing would be known to be 1 to 4.
    counts = {("of",): 2384, ("filled",): 2383, ("missing",): 1}
    close = release([Ledger(counts, ledger.sums, ledger.keep)], POLICIES["hes"])
    assert (close["of",], close["filled",], close["missing",]) == (2385, None, None)
    assert (close.suppressed, close.secondary) == (1, 1)


def test_one_count_under_two_sections_is_one_cell_and_two_counts_are_refused():
    one = Ledger({("a",): 10, ("b",): 4})
    assert len((one + Ledger({("a",): 10, ("c",): 5})).counts) == 3
    with pytest.raises(DisclosureError, match="1 counts"):
        one + Ledger({("a",): 11})


def test_shares_come_from_released_counts():
    told = release([Ledger({("a",): 13, ("b",): 22, ("none",): 0})], POLICIES["hes"])
    assert told.share(("a",), ("b",)) == pytest.approx(15 / 20)
    assert told.share(("a",), ("none",)) is None


def test_the_order_of_counts_does_not_matter_to_what_is_withheld(exact):
    turned = []
    for each in parts(exact):
        names = list(each.counts)
        random.Random(3).shuffle(names)
        turned.append(Ledger({n: each.counts[n] for n in names}, each.sums[::-1], each.keep))
    first = release(parts(exact), POLICIES["hes"])
    assert release(turned, POLICIES["hes"]).counts == first.counts


def test_a_later_part_gives_way_to_an_earlier_one():
    flow = Ledger(
        {("of",): 1000, ("linked",): 996, ("unlinked",): 4},
        (Sum(("of",), (("linked",), ("unlinked",)), yields=(("linked",),)),),
        frozenset({("of",)}),
    )
    first = release([flow], POLICIES["hes"])
    assert (first["of",], first["linked",], first["unlinked",]) == (1000, 995, None)
    # The same linked records by sex: with it nothing more may be told of the four.
    groups = Ledger(
        {("f",): 502, ("m",): 494},
        (Sum(("linked",), (("f",), ("m",))),),
    )
    told = release([flow, groups], POLICIES["hes"])
    assert {key: told[key] for key in flow.counts} == first.counts
    # 500 and 495 stand for 498 to 502 and 493 to 497, so for 991 to 999: 1 to 7 are still open.
    assert (told["f",], told["m",]) == (500, 495)
    # As 500 and 500 they would stand for 996 to 1,004, and the four for 1 to 6 at most.
    near = Ledger({("f",): 498, ("m",): 498}, groups.sums)
    told = release([flow, near], POLICIES["hes"])
    assert {key: told[key] for key in flow.counts} == first.counts
    assert None in (told["f",], told["m",])
