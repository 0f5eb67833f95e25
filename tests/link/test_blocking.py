"""Blocking: for every rule a true pair that it alone finds, and the counts of joins written out."""

from datetime import date
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import COLUMNS, register, source

from pophealth_link.link import blocking, rows
from pophealth_link.link.blocking import RULES, Rule
from pophealth_link.link.records import stack

# The register knows all of them.
KNOWN = {
    "given_name": "Margaret Joan", "family_name": "Okafor", "date_of_birth": date(1950, 5, 17),
    "postcode": "XA1 1AA", "uprn": "11", "address": "12 Mill Lane",
}  # fmt: skip
EARLY = KNOWN | {"date_of_birth": date(1950, 5, 7)}


def record(name: str, born: str | None = None, **more: str) -> dict:
    given_name, family_name = name.split(" ")
    known = {"given_name": given_name, "family_name": family_name} | more
    return known | ({"date_of_birth": date.fromisoformat(born)} if born else {})


HOME = {"postcode": "XA1 1AA"}
MISREAD = {"postcode": "XA1 2BD", "address": "12 Mill Lane"}
# How another source holds the person so that one rule alone finds them, and why it would.
TRUE_PAIRS = {
    "birth": (record("Emily Carter", "1950-05-17", postcode="XB2 3CD"),
              "took an English name, married and moved: only the birthday stays"),
    "birth_swapped": (record("Emily Carter", "1950-07-05"),
                      "the same, with the date as Americans write it"),
    "sounds": (record("Margarit Ogavour", "1970-01-01"),
               "names written as heard in a call, nothing else asked"),
    "starts": (record("Mar Okafxyz"), "a screen cut the given name short; the other ends illegibly"),
    "uprn": (record("Emily Carter", uprn="11"), "a housing list: UPRN, and names that are no longer"),
    "dwelling": (record("Emily Carter", **HOME, address="12 Mill Ln."), "the same, without UPRN"),
    "home_and_given": (record("Margaret Bell", **HOME), "married; house and birthday not asked"),
    "home_and_family": (record("Peggy Okafor", **HOME), "a nickname; house and birthday not asked"),
    "home_and_year": (record("Peggy Bell", "1950-01-01", **HOME), "nickname, married, a year alone"),
    "home_and_day": (record("Peggy Bell", "1960-05-17", **HOME), "nickname, married, a wrong year"),
    "family_and_year": (record("Peggy Okafor", "1950-01-01"), "a nickname, moved, a year alone"),
    "family_and_day": (record("Peggy Okafor", "1960-05-17"), "a nickname, moved, a wrong year"),
    "family_and_house": (record("Peggy Okafor", **MISREAD), "a nickname, the postcode misread"),
    "family_and_outward": (record("M Okafor", postcode="XA1 2BD"),
                           "an initial; moved within the district, no birthday"),
    "given_and_year": (record("Margaret Okonkwo", "1950-01-01"),
                       "the family name taken for one more often heard, a year alone"),
    "given_and_day": (record("Margaret Bell", "1960-05-17"), "married, moved, a wrong year"),
    "month_and_initials": (record("M O", "1950-05-01"), "masked: initials and month of birth"),
    "day_and_initials": (record("M O", "1960-05-17"), "initials, a wrong decade"),
    "year_day_and_initials": (record("M O", "1950-06-17"), "initials, a wrong month"),
    "year_and_starts": (record("M Okafor-Williams", "1950-01-01"),
                        "an initial, a double name, a year alone"),
    "given_and_house": (record("Margaret Bell", **MISREAD), "married, the postcode misread"),
    "middle_and_initials": (record("J Okonkwo", "1950-01-01"),
                            "goes by the middle name, by its initial; misheard; a year alone"),
    "middle_and_year": (record("Joan Bell", "1950-01-01"), "goes by the middle name, married"),
}  # fmt: skip


def prepared(on_register: list[dict], others: list[dict]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records of the register and of another source, told apart by `record_id`."""

    def told(people: list[dict], letter: str) -> list[tuple]:
        numbered = [{"record_id": f"{letter}{i:04}"} | each for i, each in enumerate(people)]
        return [tuple(each.get(column) for column in COLUMNS) for each in numbered]

    sources = [register(told(on_register, "g")), source("care", told(others, "c"))]
    records = stack(sources, sources[0])
    return records.filter("on_register"), records.filter(~pl.col("on_register"))


def met(rule: Rule, left: dict, right: dict) -> bool:
    pairs = zip(rule.left, rule.right, strict=True)
    return all(left[a] is not None and left[a] == right[b] for a, b in pairs)


def written_out(left: pl.DataFrame, right: pl.DataFrame) -> dict[str, list[tuple[int, int]]]:
    """The pairs of rows that meet each rule, found one by one."""
    sides = rows.expand(left), rows.expand(right, swapped=True)
    every = list(product(*(side.rows(named=True) for side in sides)))
    return {
        rule.name: [(a["rid"], b["rid"]) for a, b in every if met(rule, a, b)] for rule in RULES
    }


def test_every_rule_has_a_true_pair():
    assert list(TRUE_PAIRS) == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", TRUE_PAIRS)
def test_a_true_pair_that_one_rule_alone_finds(name):
    person = EARLY if name == "birth_swapped" else KNOWN
    sides = prepared([person], [TRUE_PAIRS[name][0]])
    assert [rule for rule, pairs in written_out(*sides).items() if pairs] == [name]
    assert blocking.candidates(*sides).height == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({}, {}),
        ({"date_of_birth": date(1980, 1, 1)}, {"date_of_birth": date(1980, 1, 1)}),
        ({"postcode": "ZZ99 3VZ", "address": "1 High Street"},) * 2,
        ({"given_name": "Margaret"}, {"given_name": "Margaret"}),
        ({"given_name": "Baby Boy", "family_name": "Okafor"},) * 2,
    ],
    ids=["nothing", "1 January", "pseudo-postcode", "a given name", "no given name"],
)
def test_what_many_hold_or_nobody_knows_proposes_nobody(left, right):
    sides = prepared([left], [right])
    assert blocking.candidates(*sides).is_empty()
    assert blocking.comparisons_per_rule(*sides)["pairs"].sum() == 0


def test_names_exchanged_or_changed_on_marriage_are_found_as_others_are():
    married = {"given_name": "Ruth", "family_name": "Bell", "previous_family_name": "Okafor"}
    exchanged = {"given_name": "Okafor", "family_name": "Ruth"}
    sides = prepared([married], [exchanged])
    assert {"sounds", "starts"} <= {rule for rule, pairs in written_out(*sides).items() if pairs}
    assert blocking.candidates(*sides).height == 1
    assert blocking.near(*sides).height == 1


def population(seed: int, count: int) -> list[dict]:
    """People of few names, days and places, parts of whom are missing."""
    rng = np.random.default_rng(seed)
    columns = {
        "given_name": ["Margaret Joan", "Peggy", "M", "Joan Ann", "Daniel", "Okafor", None],
        "family_name": ["Okafor", "Okaffor", "Bell", "Bell-Okafor", "Daniel", None],
        "date_of_birth": [
            date(y, m, d) for y, m, d in product((1950, 1981), (1, 5, 7), (1, 5, 17))
        ],
        "postcode": ["XA1 1AA", "XA1 2BD", "XB2 3CD", None],
        "uprn": ["11", "12", None, None, None],
        "address": ["12 Mill Lane", "Flat 1, 7 High Street", None],
        "previous_family_name": ["Okafor", "Lee", None, None, None],
    }
    return [
        {name: values[rng.integers(len(values))] for name, values in columns.items()}
        for _ in range(count)
    ]


def test_pairs_of_each_rule_are_those_of_a_join_written_out():
    sides = prepared(population(1, 30), population(2, 20))
    counts = {rule: len(pairs) for rule, pairs in written_out(*sides).items()}
    assert dict(blocking.comparisons_per_rule(*sides).iter_rows()) == counts
    assert min(counts.values()) > 0


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), known=st.integers(1, 25), asked=st.integers(1, 4))
def test_candidates_are_the_pairs_of_all_rules_and_near_keeps_whom_they_name(seed, known, asked):
    sides = prepared(population(seed, known), population(seed + 1, asked))
    pairs = {pair for met_by in written_out(*sides).values() for pair in met_by}
    found = blocking.candidates(*sides)
    assert found.rows() == sorted(pairs)
    near = blocking.near(*sides)
    assert near["rid"].to_list() == sorted({left for left, _ in pairs})
    # Asked of those alone, the same is found.
    assert blocking.candidates(near, sides[1]).equals(found)


def test_near_keeps_the_whole_of_a_record_one_row_of_which_is_met():
    former = {"given_name": "Ruth", "family_name": "Bell"}
    aliases = pl.DataFrame({"record_id": ["g0"], "family_name": ["Okafor"]})
    rows_of = [("g0", None, *former.values()), ("g1", None, "Daniel", "Lee")]
    gp = register(rows_of)
    gp = type(gp)(gp.source, gp.frame, gp.setting, True, True, aliases=aliases)
    records = stack([gp, source("care", [("c", None, "Ruth", "Okafor")])], gp)
    near = blocking.near(records.filter("on_register"), records.filter(source="care"))
    assert near.select("record_id", "alias").rows() == [("g0", False), ("g0", True)]
