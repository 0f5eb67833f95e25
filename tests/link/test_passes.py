"""Deterministic passes of one's own: names and keys that can be used, and what they link."""

from datetime import date

import duckdb
import polars as pl
import pytest
from people import register, source, who

from pophealth_link.errors import LinkageError
from pophealth_link.link import DeterministicPass, LinkSpec, link
from pophealth_link.link.passes import DEFAULT_PASSES, KEYS, RESERVED
from pophealth_link.link.records import stack
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")


def test_every_key_is_a_prepared_column_that_can_be_equal():
    gp = register()
    records = stack([gp], gp)
    for key in KEYS:
        assert records.schema[key] in (pl.String, pl.Date, pl.Int32), key


def test_every_built_in_pass_is_one_that_a_job_could_write():
    for rule in DEFAULT_PASSES:
        assert DeterministicPass(rule.name, rule.keys) == rule


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        *((name, ("family",), "the name of another method") for name in RESERVED),
        ("Name 1", ("family",), "small letters, digits and underscores"),
        ("_x", ("family",), "a letter first"),
        ("own", ("famly",), "Did you mean `family`?"),
        ("own", ("postcode",), "Use `home` or `sector` or `outward`."),
        ("own", ("given_name",), "Use `given` or `first_given`"),
        ("own", ("nhs_number",), "Keys: "),
        ("own", ("family", "family"), "`family` is there more than once"),
        ("own", (), "at least one key"),
    ],
)
def test_a_pass_that_cannot_be_run_is_refused(name, keys, words):
    with pytest.raises(LinkageError) as caught:
        DeterministicPass(name, keys)
    assert words in str(caught.value)


def test_passes_of_a_linkage_have_names_of_their_own():
    with pytest.raises(LinkageError, match="more than one pass has the name `name_birth_postcode`"):
        LinkSpec(passes=(*DEFAULT_PASSES, DEFAULT_PASSES[0]))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"margin": -1}, "margin must be 0"),
        ({"margin": float("nan")}, "margin must be 0"),
        ({"max_pairs": 0}, "max_pairs must be 1"),
        ({"accept_probability": 1}, "accept_probability must be from 0.5"),
        ({"accept_probability": float("nan")}, "accept_probability must be from 0.5"),
        ({"accept_probability": 0.49, "review_probability": 0.3}, "likelier than none"),
        ({"accept_probability": 0.9, "review_probability": 0.91}, "must not exceed accept"),
        ({"review_probability": 0}, "review_probability must be between"),
        ({"memory_limit": "4"}, '"4GB" or "512MB"'),
        ({"memory_limit": "lots"}, "memory_limit must be"),
        ({"memory_limit": "0GB"}, "memory_limit must be"),
        ({"memory_limit": "-1GB"}, "memory_limit must be"),
        ({"memory_limit": "4GB; drop"}, "memory_limit must be"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, says):
    with pytest.raises(LinkageError, match="LinkSpec") as raised:
        LinkSpec(**wrong)
    assert says in str(raised.value)


def test_everything_that_is_out_of_range_is_told_at_once():
    with pytest.raises(LinkageError) as raised:
        LinkSpec(margin=-1, memory_limit="much", accept_probability=0.2)
    # review_probability exceeds the other, too.
    assert len(raised.value.lines) == 4


@pytest.mark.parametrize("limit", ["4GB", "512MB", "1.5 GiB", "80KB", None])
def test_amounts_of_memory_that_duckdb_takes_are_taken(limit):
    spec = LinkSpec(memory_limit=limit)
    if spec.memory_limit:
        duckdb.connect(config={"memory_limit": spec.memory_limit}).close()


def test_a_link_may_be_as_likely_as_none_but_not_less():
    assert LinkSpec(accept_probability=0.5).accept_probability == 0.5


def test_a_pass_of_ones_own_links_by_its_name_and_after_those_before_it():
    moved = DeterministicPass("name_birth", ("given", "family", "date_of_birth"))
    care = source("care", [
        ("a", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "ZZ9 9ZZ"),
        ("b", None, "Ruth", "Whitcombe", date(1990, 1, 1), "2", "XA1 1AB"),
        ("c", None, "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA"),
    ])  # fmt: skip
    links = link([register(), care], LinkSpec(passes=(*DEFAULT_PASSES, moved)), key=KEY)
    found = who(links)
    assert found["a"] == ("4", "name_birth")
    # A placeholder date of birth links by no pass; an earlier pass goes first.
    assert found["b"][1] != "name_birth"
    assert found["c"] == ("1", "name_birth_postcode")
    assert links.summary()["pass"].to_list()[-2:] == ["name_birth", "probabilistic"]
