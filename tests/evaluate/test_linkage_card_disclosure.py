"""What a card withholds cannot be worked out from what it shows."""

from __future__ import annotations

import card_attack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pophealth_link.disclosure import POLICIES
from pophealth_link.evaluate import CardContext, card, is_whole

# Small counts are what is at stake, and zeros are common.
COUNT = st.one_of(st.integers(0, 9), st.integers(0, 60), st.integers(200, 4000))
METHODS = ("nhs_number", "name_birth_postcode", "probabilistic")
REASONS = ("no_candidate", "review", "tie")
NAMES = ("care", "housing", "trust")


@st.composite
def exact_facts(draw):
    """Facts of a linkage of up to three sources, with counts that add up."""
    names = NAMES[: draw(st.integers(1, 3))]
    register = draw(st.integers(500, 5000))
    rows = [_source(draw, name) for name in names]
    sources = [_described("gp", register=True), *(_described(name) for name in names)]
    intake = [_intake(draw, "gp", register), *(_intake(draw, r["name"], r["of"]) for r in rows)]
    completeness, numbers = [], []
    for name, of in [("gp", register), *((r["name"], r["of"]) for r in rows)]:
        for identifier in ("nhs_number", "sex", "postcode"):
            missing = min(draw(COUNT), of)
            if identifier == "nhs_number":
                # Nobody was linked by a number that the source does not hold.
                by_number = next(
                    (r["by_method"]["nhs_number"] for r in rows if r["name"] == name), 0
                )
                missing = min(missing, of - by_number)
                invalid = draw(st.integers(0, missing))
                valid = of - missing
                numbers.append({"source": name, "valid": valid, "invalid": invalid,
                                "missing": missing - invalid,
                                "test_range": draw(st.integers(0, valid))})  # fmt: skip
            completeness.append(
                {"source": name, "identifier": identifier, "filled": of - missing, "of": of}
            )
    off = sum(r["elsewhere"] + r["unlinked"] for r in rows)
    found = {
        "sources": sources,
        "intake": intake,
        "unreadable": [],
        "completeness": completeness,
        "numbers": numbers,
        "methods": [row for r in rows for row in r["methods"]],
        "unlinked": [row for r in rows for row in r["reasons"]],
        "decisions": _decisions(draw, rows),
        "conflicts": _conflicts(draw, rows, completeness),
        "attribute_rules": [],
        "people": {"people": register + off, "on_register": register, "off_register": off},
        "counts": {"nhs_numbers_contradicted": draw(COUNT)},
        "comparisons": [],
        "method": {},
        "versions": {},
        "quality": {},
    }
    assert is_whole(found)
    return found


def one_source(register, of, numbers, postcodes):
    """Facts of a register and a source of which nobody is on it; few numbers, or few without."""
    rows = [("gp", register, register, register), ("care", of, numbers, postcodes)]
    empty = {"quarantined": 0, "removed_by_opt_out": 0}
    return {
        "sources": [_described("gp", register=True), _described("care")],
        "intake": [{"source": s, "rows_in": n, "accepted": n, **empty} for s, n, *_ in rows],
        "completeness": [
            {"source": source, "identifier": identifier, "filled": filled, "of": many}
            for source, many, with_number, with_postcode in rows
            for identifier, filled in (
                ("nhs_number", with_number), ("sex", many), ("postcode", with_postcode)
            )
        ],
        "numbers": [
            {"source": s, "valid": n, "invalid": 0, "missing": many - n, "test_range": 0}
            for s, many, n, _ in rows
        ],
        "methods": [
            {"source": "care", "method": "elsewhere", "records": of},
            {"source": "care", "method": "unlinked", "records": 0},
        ],
        "people": {"people": register + of, "on_register": register, "off_register": of},
        "counts": {"nhs_numbers_contradicted": 0},
        **{name: [] for name in
           ("unreadable", "unlinked", "decisions", "conflicts", "attribute_rules", "comparisons")},
        **{name: {} for name in ("method", "versions", "quality")},
    }  # fmt: skip


def _described(name, *, register=False):
    return {"name": name, "setting": "primary_care", "register": register,
            "unique_people": register, "nhs_number_kind": "clear"}  # fmt: skip


def _intake(draw, name, of):
    refused, gone = draw(COUNT), draw(COUNT)
    return {"source": name, "rows_in": of + refused + gone, "accepted": of,
            "quarantined": refused, "removed_by_opt_out": gone}  # fmt: skip


def _source(draw, name):
    methods = {method: draw(COUNT) for method in METHODS}
    reasons = {reason: draw(COUNT) for reason in REASONS}
    elsewhere = draw(COUNT)
    rows = [{"source": name, "method": m, "records": n} for m, n in methods.items() if n]
    rows.append({"source": name, "method": "elsewhere", "records": elsewhere})
    rows.append({"source": name, "method": "unlinked", "records": sum(reasons.values())})
    return {
        "name": name,
        "of": sum(methods.values()) + sum(reasons.values()) + elsewhere,
        "elsewhere": elsewhere,
        "unlinked": sum(reasons.values()),
        "by_method": methods,
        "methods": rows,
        "reasons": [{"source": name, "reason": r, "records": n} for r, n in reasons.items() if n],
    }


def _decisions(draw, rows):
    """Pairs by pass: as many accepted as were linked, at least as many undecided as records."""
    found = []
    for method in METHODS:
        accepted = sum(row["by_method"][method] for row in rows)
        found.append({"pass": method, "decision": "accepted", "pairs": accepted})
    for reason in REASONS[1:]:
        records = sum(each["records"] for row in rows for each in row["reasons"]
                      if each["reason"] == reason)  # fmt: skip
        more = draw(st.integers(0, 9))
        found.append({"pass": "probabilistic", "decision": reason, "pairs": records + more})
    return [row for row in found if row["pairs"]]


def _conflicts(draw, rows, completeness):
    """People compared: no more than were linked, and than both sources say the sex of."""
    filled = {row["source"]: row["filled"] for row in completeness if row["identifier"] == "sex"}
    found = []
    for row in rows:
        most = min(sum(row["by_method"].values()), filled[row["name"]], filled["gp"])
        compared = max(most - draw(st.integers(0, 20)), 0)
        wrong = draw(st.integers(0, min(compared, draw(COUNT))))
        found.append({"attribute": "sex", "source_l": row["name"], "source_r": "gp",
                      "compared": compared, "conflicting": wrong})  # fmt: skip
    return found


@pytest.mark.parametrize("name", ["hes", "opensafely", "acro"])
@given(exact=exact_facts())
@example(exact=one_source(500, 208, 8, 208))
@example(exact=one_source(2583, 211, 203, 203))
@settings(max_examples=8, deadline=None)
def test_no_withheld_count_can_be_worked_out_from_the_sums_of_the_card(name, exact):
    made = card(exact, POLICIES[name], CardContext()).json
    first, zero = card_attack.FIRST_SHOWN[name], card_attack.ZERO_SHOWN[name]
    small = (1 if zero else 0, first - 1)
    for what, low, high in card_attack.of_card(made, name).ranges():
        assert not (low > small[0] - 0.01 and high < small[1] + 0.99), (what, low, high)
        # One that is known to be none of the small ones may be known: it stands elsewhere too.
        wide = high - low > small[1] - small[0] - 0.01
        assert wide or low > small[1] + 0.01, (what, low, high)


@given(exact=exact_facts())
@settings(max_examples=10, deadline=None)
def test_every_count_of_a_card_is_one_that_the_policy_releases(exact):
    made = card(exact, POLICIES["hes"], CardContext()).json
    told = [count for name in ("data", "preparation", "results") for count in counts(made[name])]
    assert told
    assert all(count % 5 == 0 and (count == 0 or count >= 10) for count in told)


def counts(value):
    """Every whole number in a section."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [count for each in inner for count in counts(each)]
