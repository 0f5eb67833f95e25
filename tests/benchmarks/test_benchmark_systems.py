"""The systems that need no optional package, on records made by hand."""

from datetime import date

import polars as pl
import pytest

from benchmarks import answer, deterministic_only, exact_rules, nhs_number_only, pophealth, systems
from pophealth_link.errors import JobError
from pophealth_link.link import Links, People
from pophealth_link.link.model import load

BORN = date(1980, 5, 17)
COLUMNS = [
    "record_id",
    "nhs_number",
    "given_name",
    "family_name",
    "date_of_birth",
    "sex",
    "postcode",
]
ONE, TWO, THREE = "9990000018", "9990000026", "9990000034"


def source(name, rows, *, register=False, unique=True, kind="clear"):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String) | {"date_of_birth": pl.Date},
                         orient="row")  # fmt: skip
    setting = "primary_care" if register else "local_authority"
    return People(name, frame, setting, unique, register, kind)


REGISTER = source(
    "gp",
    [
        ("1", ONE, "Ann", "Okafor", BORN, "2", "XA1 1AA"),
        ("2", TWO, "Ann", "Okafor", BORN, "2", "XA1 1AB"),
        ("3", THREE, "Bo", "Lee", BORN, "1", "XA2 2BB"),
    ],
    register=True,
)


def answered(rules, rows, **more):
    told = exact_rules.answers([REGISTER, source("care", rows, **more)], rules)
    assert told["source"].unique().to_list() == ["care"]
    assert told["accepted"].to_list() == told["register_record_id"].is_not_null().to_list()
    return dict(zip(told["record_id"], told["register_record_id"], strict=True))


def test_a_valid_number_links_and_nothing_else_does():
    rows = [
        ("a", "999 000 0018", None, None, None, None, None),  # written with blanks
        ("b", "9990000019", "Bo", "Lee", BORN, "1", "XA2 2BB"),  # wrong check digit
        ("c", None, "Bo", "Lee", BORN, "1", "XA2 2BB"),
        ("d", THREE, "Someone", "Else", None, None, None),
    ]
    found = answered(nhs_number_only._RULES, rows)
    assert found == {"a": "1", "b": None, "c": None, "d": "3"}


def test_a_number_that_two_records_claim_links_neither():
    rows = [(name, ONE, None, None, None, None, None) for name in ("a", "b")]
    assert answered(nhs_number_only._RULES, rows) == {"a": None, "b": None}
    assert answered(nhs_number_only._RULES, rows, unique=False) == {"a": "1", "b": "1"}


def test_exact_rules_ignore_case_and_blanks_and_refuse_ambiguous_keys():
    rows = [
        ("a", None, "ANN", "okafor", BORN, "Female", "xa11aa"),  # postcode tells the two apart
        ("b", None, "Ann", "Okafor", BORN, "F", None),  # two people hold this name and birth
        ("c", None, "bo", "lee", BORN, None, None),
        ("d", None, "Bo", "Lea", BORN, "M", "XA2 2BB"),  # given name, birth, postcode; c was first
        ("e", None, "Bo", None, None, None, None),
    ]
    found = answered(deterministic_only._RULES, rows)
    assert found == {"a": "1", "b": None, "c": "3", "d": None, "e": None}
    several = answered(deterministic_only._RULES, rows, unique=False)
    assert several["d"] == "3"


def test_an_earlier_rule_scores_higher():
    rows = [
        ("a", ONE, None, None, BORN, None, None),
        ("b", None, "Bo", "Lee", BORN, "1", None),
    ]
    told = exact_rules.answers([REGISTER, source("care", rows)], deterministic_only._RULES)
    by_number, by_names = told["score"]
    assert by_number > by_names


def links(pairs):
    """A linkage in which these pairs were proposed: (record, person, pass, weight, decision)."""
    schema = {
        "record_id_r": pl.String, "record_id_l": pl.String, "pass": pl.String,
        "match_weight": pl.Float64, "decision": pl.String,
    }  # fmt: skip
    frame = pl.DataFrame(pairs, schema=schema, orient="row").with_columns(
        source_l=pl.lit("gp"), source_r=pl.lit("care"), match_probability=None
    )
    records = sorted({pair[0] for pair in pairs})
    index = pl.DataFrame(
        [("gp", str(i), "", "register") for i in range(9)] + [("care", r, "", "") for r in records],
        schema=["source", "record_id", "person_id", "method"],
        orient="row",
    )
    passes = ("nhs_number", "name_birth_postcode", "probabilistic")
    return Links(index, frame, pl.DataFrame(), {}, load("default"), passes)


def best(pairs, *, unique=True):
    people = [REGISTER, source("care", [], unique=unique)]
    told = pophealth.answers(links(pairs), people, margin=3.0).sort("record_id")
    return [row[1:] for row in told.iter_rows()]


def test_links_by_number_and_by_pass_score_above_all_weights():
    told = best(
        [
            ("a", "1", "nhs_number", None, "accepted"),
            ("b", "2", "name_birth_postcode", None, "accepted"),
            ("c", "3", "probabilistic", 40.0, "accepted"),
            ("c", "1", "probabilistic", 5.0, "rejected"),
            ("d", "4", "probabilistic", 2.0, "review"),
            ("e", "5", "nhs_number", None, "contradicted"),
        ]
    )
    assert [row[0] for row in told] == ["a", "b", "c", "d", "e"]
    assert [row[1] for row in told] == ["1", "2", "3", "4", None]
    assert [row[3] for row in told] == [True, True, True, False, False]
    weights = [row[2] for row in told]
    assert weights[0] > weights[1] > weights[2] > weights[3]
    assert weights[2:] == [40.0, 2.0, None]


def test_what_is_left_unlinked_at_any_threshold_has_no_match():
    told = best(
        [
            ("a", "1", "probabilistic", 2.0, "review"),  # not far enough ahead of the next
            ("a", "2", "probabilistic", 1.0, "review"),
            ("b", "3", "probabilistic", 9.0, "taken"),
            ("b", "4", "probabilistic", 1.0, "rejected"),
            ("c", "5", "probabilistic", 9.0, "tie"),
            ("d", "6", "probabilistic", 9.0, "cannot_link"),
            ("d", "7", "probabilistic", 1.0, "rejected"),  # the barred one does not compete
        ]
    )
    assert [row[1] for row in told] == [None, None, None, "7"]


def test_in_a_source_of_unique_people_the_surest_claim_counts():
    pairs = [
        ("a", "1", "probabilistic", 2.0, "review"),
        ("b", "1", "probabilistic", 1.0, "review"),
        ("c", "2", "nhs_number", None, "accepted"),
        ("d", "2", "probabilistic", 1.0, "review"),
    ]
    assert [row[1] for row in best(pairs)] == ["1", None, "2", None]
    assert [row[1] for row in best(pairs, unique=False)] == ["1", "1", "2", "2"]


def test_an_answer_is_written_once_and_links_nobody_to_nobody(tmp_path):
    row = pl.DataFrame([("care", "a", None, None, True)], schema=answer.ANSWER, orient="row")
    with pytest.raises(ValueError, match="nobody"):
        answer.write(row, tmp_path / "answer.parquet")
    sound = row.with_columns(accepted=pl.lit(False))
    with pytest.raises(ValueError, match="more than once"):
        answer.write(pl.concat([sound, sound]), tmp_path / "answer.parquet")
    assert not list(tmp_path.iterdir())


def test_systems_are_found_by_name_and_say_what_they_lack():
    assert systems.find("pophealth_link").lacking() is None
    with pytest.raises(JobError, match="Did you mean `plain_splink`"):
        systems.find("plain_spilnk")
    absent = systems.System("x", "x", "benchmarks.pophealth", needs=("no-such-package",))
    assert "no-such-package" in absent.lacking()
    assert "benchmarks.nowhere" in systems.System("x", "x", "benchmarks.nowhere").lacking()
