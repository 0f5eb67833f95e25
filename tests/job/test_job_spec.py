"""The job file: every problem at once, the nearest valid name, and never a value."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.errors import JobError
from pophealth_link.job.spec import JobSpec, parse

SMALL = """\
version = 1
as_of = 2026-04-01
[[sources]]
name = "gp"
setting = "primary_care"
people = "gp.csv"
[disclosure]
policy = "hes"
"""


def spec_of(tmp_path, text):
    path = tmp_path / "job.toml"
    path.write_text(text, encoding="utf-8")
    return parse(path)


def message_of(tmp_path, text):
    with pytest.raises(JobError) as caught:
        spec_of(tmp_path, text)
    assert caught.value.exit_code == 10
    return str(caught.value)


def test_what_is_left_out_has_the_stated_defaults(tmp_path):
    spec = spec_of(tmp_path, SMALL)
    assert spec.link.accept_probability == 0.85
    assert spec.footprints.basis == ("registered", "resident")
    assert spec.reporting_period == (date(2025, 4, 1), date(2026, 3, 31))


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)))
def test_the_period_left_out_is_the_year_that_ends_the_day_before(day):
    source = {"name": "gp", "setting": "primary_care", "people": "x"}
    spec = JobSpec.model_validate(
        {"version": 1, "as_of": day, "sources": (source,), "disclosure": {"policy": "hes"}}
    )
    first, last = spec.reporting_period
    assert (day - last).days == 1
    assert (day - first).days in (365, 366)


def test_every_problem_is_told_at_once_with_the_nearest_name(tmp_path):
    text = SMALL.replace("people =", "poeple =").replace("as_of = 2026-04-01", 'as_of = "soon"')
    message = message_of(tmp_path, text + "[link]\naccept_probabilty = 0.9\nmodel = 3\n")
    assert message.startswith("JobError: job.toml has 5 problems.")
    for line in (
        "sources[0].poeple       not a setting. Did you mean `people`?",
        "sources[0].people       is missing.",
        "link.accept_probabilty  not a setting. Did you mean `accept_probability`?",
        "link.model              must be text in quotation marks.",
        "as_of                   must be a day from 1900 to 2199, for example 2026-04-01, without quotation marks.",
    ):
        assert line in message, line


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "9999-12-31"])
def test_a_day_without_a_year_before_it_is_refused(tmp_path, day):
    message = message_of(tmp_path, SMALL.replace("2026-04-01", day))
    assert "as_of  must be a day from 1900 to 2199" in message


@pytest.mark.parametrize("limit", ["0GB", "1KB", "999KB", "0.5MB"])
def test_a_memory_limit_below_a_megabyte_is_refused(tmp_path, limit):
    message = message_of(tmp_path, f'memory_limit = "{limit}"\n' + SMALL)
    assert "1MB" in message
    assert spec_of(tmp_path, 'memory_limit = "1MB"\n' + SMALL).memory_limit == "1MB"


def test_a_governance_value_of_a_wrong_type_is_one_problem(tmp_path):
    message = message_of(tmp_path, SMALL + '[governance]\npurpose = ["a"]\ntitle = {a = 1}\n')
    assert "has 2 problems" in message
    assert "governance.purpose  must be text, a day, a number, or true or false." in message


def test_a_key_from_two_places_is_refused(tmp_path):
    message = message_of(tmp_path, SMALL + '[privacy]\nkey_file = "k"\nkey_env = "MARKED"\n')
    assert "key_file and key_env are both set" in message
    assert "MARKED" not in message


def test_the_policy_must_be_stated(tmp_path):
    message = message_of(tmp_path, SMALL.split("[disclosure]", maxsplit=1)[0])
    assert (
        'disclosure  is missing: state the policy, for example [disclosure] policy = "hes".'
        in message
    )


def test_settings_of_later_versions_are_refused_and_not_ignored(tmp_path):
    message = message_of(tmp_path, 'engine = "spark"\n' + SMALL)
    assert "engine" in message
    assert "not available in this version" in message


def test_passes_of_the_job_are_tables_with_a_name_and_keys(tmp_path):
    text = SMALL + '[[link.passes]]\nname = "own"\nkeys = ["given", "date_of_birth"]\n'
    spec = spec_of(tmp_path, text)
    assert [(each.name, each.keys) for each in spec.link.passes] == [
        ("own", ("given", "date_of_birth"))
    ]
    assert spec.link.default_passes
    message = message_of(tmp_path, SMALL + '[[link.passes]]\nname = "own"\nkey = ["given"]\n')
    assert "link.passes[0].key   not a setting. Did you mean `keys`?" in message
    assert "link.passes[0].keys  is missing." in message


@pytest.mark.parametrize(
    "text",
    ["version = = 1", "\x00", 'version = 1\nsecret = "MARKED'],
)
def test_what_is_not_toml_is_refused_without_its_content(tmp_path, text):
    message = message_of(tmp_path, text)
    assert "is not TOML" in message
    assert "MARKED" not in message


def test_absent_file(tmp_path):
    with pytest.raises(JobError, match="does not exist"):
        parse(tmp_path / "none.toml")


def test_values_never_reach_the_message(tmp_path):
    text = (
        SMALL + '[privacy]\nkey_file = 7\nkey = "MARKED"\n[link]\naccept_probability = "MARKED"\n'
    )
    with pytest.raises(JobError) as caught:
        spec_of(tmp_path, text)
    chain, error = [], caught.value
    while error:
        chain.append(repr(error) + str(error))
        error = error.__cause__ or error.__context__
    assert "MARKED" not in "".join(chain)
