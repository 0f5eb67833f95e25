"""Who is linked to whom, and why: cases drawn by hand, and properties."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import NUMBERS, REGISTER, register, source, who

from pophealth_link.errors import LinkageError
from pophealth_link.link import LinkSpec, link
from pophealth_link.link.blocking import comparisons_per_rule
from pophealth_link.link.passes import DEFAULT_PASSES
from pophealth_link.link.records import stack
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")


def test_number_links_when_demographics_agree_or_say_nothing():
    trust = source("trust", [
        ("a", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17)),
        ("b", NUMBERS[1]),
        ("c", NUMBERS[3], "Peter", "Zielinski", date(1975, 11, 30)),
    ], setting="secondary_care")  # fmt: skip
    found = who(link([register(), trust], key=KEY))
    assert found == {k: (r, "nhs_number") for k, r in (("a", "1"), ("b", "2"), ("c", "4"))}


def test_contradicted_number_links_nobody_and_vetoes_nothing():
    trust = source("trust", [
        ("a", NUMBERS[0], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
        ("b", NUMBERS[2], "Kwame", "Stranger", date(1961, 8, 9), "1", "XC9 9ZZ"),
    ], setting="secondary_care")  # fmt: skip
    links = link([register(), trust], key=KEY)
    assert links.counts["nhs_numbers_contradicted"] == 2
    # Its own demographics still find the person that it really is.
    assert who(links)["a"] == ("4", "name_birth_postcode")
    assert who(links)["b"] == (None, "unlinked")


def test_number_held_twice_on_the_register_is_set_aside():
    twice = [*REGISTER, ("7", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17))]
    trust = source("trust", [("a", NUMBERS[0])], setting="secondary_care")
    links = link([register(twice), trust], key=KEY)
    assert links.counts["nhs_numbers_shared"] == 2
    assert who(links)["a"] == (None, "unlinked")


def test_deterministic_pass_refuses_an_ambiguous_key():
    namesakes = [*REGISTER, ("7", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD")]
    care = source("care", [("a", None, "Piotr", "Zielinski", date(1975, 11, 30), None, "XB2 3CD")])
    links = link([register(namesakes), care], key=KEY)
    assert who(links)["a"] == (None, "unlinked")
    passes = links.pairs.filter(pl.col("decision") == "ambiguous")["pass"].unique().to_list()
    assert "name_birth_postcode" in passes


def test_twins_of_one_household_are_told_apart():
    care = source("care", [
        ("a", None, "Anna", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
        ("b", None, "Beth", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
        ("c", None, "Clara", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
    ])  # fmt: skip
    found = who(link([register(), care], key=KEY))
    assert (found["a"][0], found["b"][0], found["c"][0]) == ("5", "6", None)


def test_probabilistic_pass_forgives_a_nickname_and_a_typing_slip():
    care = source("care", [
        ("a", None, "Peggy", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11"),
        ("b", None, "Piotr", "Zielinsky", date(1975, 11, 30), "1", "XB2 3CD"),
        ("c", None, "Whitcombe", "Ruth", date(1990, 1, 1), "2", "XA1 1AB"),
    ])  # fmt: skip
    found = who(link([register(), care], key=KEY))
    assert [found[k][0] for k in "abc"] == ["1", "4", "3"]
    assert {found[k][1] for k in "bc"} == {"probabilistic"}


def test_two_different_trusted_numbers_never_link():
    care = source("care", [
        ("a", "9990000077", "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
    ])  # fmt: skip
    links = link([register(), care], key=KEY)
    assert who(links)["a"] == (None, "unlinked")
    assert "cannot_link" in links.pairs["decision"].to_list()


def test_source_of_unique_people_gives_each_person_one_record():
    rows = [
        ("a", NUMBERS[3], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
        ("b", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
    ]
    once = who(link([register(), source("care", rows, unique_people=True)], key=KEY))
    assert (once["a"][0], once["b"]) == ("4", (None, "unlinked"))
    # A source that may hold a person twice folds both records into one person.
    folded = who(link([register(), source("care", rows)], key=KEY))
    assert (folded["a"][0], folded["b"][0]) == ("4", "4")


def test_aliases_are_further_rows_of_the_same_person():
    former = pl.DataFrame({"record_id": ["3"], "family_name": ["Maidenhead"]})
    care = source("care", [("a", None, "Ruth", "Maidenhead", date(1990, 4, 1), "2", "XA1 1AB")])
    gp_rows = [(*r[:4], date(1990, 4, 1), *r[5:]) if r[0] == "3" else r for r in REGISTER]
    plain = link([register(gp_rows), care], key=KEY)
    known = link([replace(register(gp_rows), aliases=former), care], key=KEY)
    assert who(plain)["a"][1] != "name_birth_postcode"
    assert who(known)["a"] == ("3", "name_birth_postcode")
    assert known.person_index.height == len(REGISTER) + 1


def test_two_records_of_a_unique_source_never_share_a_person_through_an_alias():
    former = pl.DataFrame({"record_id": ["4"], "family_name": ["Formerly"]})
    rows = [
        ("a", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD"),
        ("b", None, "Piotr", "Formerly", date(1975, 11, 30), "1", "XB2 3CD"),
    ]
    care = source("care", rows, unique_people=True)
    links = link([replace(register(), aliases=former), care], key=KEY)
    mine = links.person_index.filter(pl.col("source") == "care")
    assert not mine["person_id"].is_duplicated().any()


def test_people_known_to_two_services_and_no_register_are_one_person():
    row = ("a", "9990000077", "Kofi", "Mensah", date(1999, 3, 4))
    two = [source("care", [row]), source("housing", [("h", *row[1:])])]
    links = link([register(), *two], key=KEY)
    others = links.person_index.filter(pl.col("method") != "register")
    assert others["person_id"].n_unique() == 1
    assert others["method"].to_list() == ["nhs_number", "nhs_number"]


def test_person_ids_are_stable_for_a_key_and_differ_between_keys():
    care = source("care", [("a", None, "Nobody", "Known", date(2000, 2, 2))])
    first, again = (link([register(), care], key=KEY).person_index for _ in range(2))
    other = link([register(), care], key=Key(b"quite another key...")).person_index
    assert first.equals(again)
    assert not set(first["person_id"]) & set(other["person_id"])
    assert first["person_id"].str.contains("^[0-9a-f]{64}$").all()
    # The id does not change when a record without a number comes to the same person.
    alone = link([register()], key=KEY).person_index
    assert set(alone["person_id"]) <= set(first["person_id"])


POOL = [
    ("a", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11"),
    ("b", None, "Dan", "Okafor", date(1981, 3, 2), "1", "XA1 1AA", "11"),
    ("c", None, "Ruth", "Whitcomb", date(1990, 1, 1), "2", "XA1 1AB", "12"),
    ("d", "9990000077", "Kofi", "Mensah", date(1999, 3, 4)),
    ("e", None, "Anna", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
    ("f", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
    ("g", NUMBERS[3], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
]


@settings(max_examples=8, deadline=None)
@given(
    rows=st.lists(st.sampled_from(POOL), unique=True, max_size=7),
    order=st.randoms(use_true_random=False),
    unique=st.booleans(),
)
def test_order_changes_nothing_and_every_record_has_one_row(rows, order, unique):
    care = source("care", rows, unique_people=unique)
    trust = source("trust", rows[::2], setting="secondary_care")
    sources = [register(), care, trust]
    links = link(sources, key=KEY)
    shuffled = [
        replace(s, frame=s.frame.sample(fraction=1, shuffle=True, seed=order.randint(0, 99)))
        for s in order.sample(sources, 3)
    ]
    assert link(shuffled, key=KEY).person_index.equals(links.person_index)
    index = links.person_index
    assert index.height == sum(s.frame.height for s in sources)
    assert not index.select("source", "record_id").is_duplicated().any()
    if unique:
        mine = index.filter(pl.col("source") == "care")
        assert not mine["person_id"].is_duplicated().any()
    # People of the register stay apart.
    gp = index.filter(pl.col("method") == "register")
    assert gp["person_id"].n_unique() == gp.height


@pytest.fixture(scope="module")
def pool():
    return link([register(), source("care", POOL)], key=KEY)


def test_summary_has_one_row_per_pass_and_leaves_the_unlinked(pool):
    summary = pool.summary()
    passes = ["nhs_number", *(rule.name for rule in DEFAULT_PASSES), "probabilistic"]
    assert summary["pass"].to_list() == passes
    unlinked = pool.person_index.filter(method="unlinked").height
    assert summary["pairs"].sum() + unlinked == len(POOL)
    assert summary["cumulative_share"][-1] == pytest.approx(1 - unlinked / len(POOL))


def crowd(count: int) -> list[tuple]:
    """Register people who are nobody of these tests, in homes of two."""
    return [
        (f"x{i}", None, f"Given{i}", f"Family{i // 2}", date(1940 + i % 70, 1 + i % 12, 2 + i % 27),
         "12"[i % 2], f"XC{1 + i % 9} {i % 10}AB", f"9{i // 2}")
        for i in range(count)
    ]  # fmt: skip


MARGARET = ("1", NUMBERS[0], "Olivia", "Smith", date(2001, 2, 3), "2", "XA1 1AA", "11")
JOHN = ("2", NUMBERS[1], "John", "Smith", date(1950, 5, 17), "1", "XA1 1AA", "11")
HOME = ("XA1 1AA", "11")
RELATIVES = {
    "son of the same name": (None, "John", "Smith", date(1982, 9, 13), "1", *HOME),
    "same-sex twin": (None, "Sophia", "Smith", date(2001, 2, 3), "2", *HOME),
    "brother and sister twins": (None, "James", "Smith", date(2001, 2, 3), "1", *HOME),
    "lodger with the same birthday": (None, "Grace", "Walker", date(2001, 2, 3), "2", *HOME),
    "sister": (None, "Grace", "Smith", date(1998, 11, 24), "2", *HOME),
}


@pytest.fixture(scope="module", params=[20, 2000])
def at_home(request):
    """Record → register person, of a council source for each relative and one for the two."""
    relatives = [
        source(f"care{i}", [(name, *row)]) for i, (name, row) in enumerate(RELATIVES.items())
    ]
    care = source("care", [
        ("a", None, "Jon", "Smith", date(1950, 5, 17), "1", *HOME),
        ("b", None, "Olivia", "Smith", date(2001, 3, 2), "2", *HOME),
        ("c", None, "Olivia", "Jones", date(2001, 2, 3), "2", *HOME),
    ])  # fmt: skip
    gp_people = register([MARGARET, JOHN, *crowd(request.param)])
    found = who(link([gp_people, care, *relatives], key=KEY))
    return {record: person for record, (person, _) in found.items()}


@pytest.mark.parametrize("relative", RELATIVES)
def test_household_members_on_no_register_are_not_linked_to_relatives_who_are(relative, at_home):
    assert at_home[relative] is None


def test_at_home_a_nickname_or_a_slip_is_still_forgiven(at_home):
    assert [at_home[record] for record in "abc"] == ["2", "1", "1"]


def test_a_twins_number_and_a_fathers_number_are_contradicted_by_the_register():
    twins = [
        MARGARET,
        ("3", NUMBERS[2], "Sophia", "Smith", date(2001, 2, 3), "2", *HOME),
        JOHN,
        ("4", NUMBERS[3], "John", "Smith", date(1982, 9, 13), "1", *HOME),
    ]
    trust = source("trust", [
        ("a", NUMBERS[0], "Sophia", "Smith", date(2001, 2, 3), "2", *HOME),
        ("b", NUMBERS[1], "John", "Smith", date(1982, 9, 13), "1", *HOME),
    ], setting="secondary_care")  # fmt: skip
    links = link([register(twins), trust], key=KEY)
    assert links.counts["nhs_numbers_contradicted"] == 2
    assert (who(links)["a"][0], who(links)["b"][0]) == ("3", "4")


def test_a_token_says_nothing_of_a_number_in_clear():
    row = REGISTER[3]
    care = source("care", [("a", "9990000077", *row[2:])], nhs_number_kind="token")
    assert who(link([register(), care], key=KEY))["a"] == ("4", "name_birth_postcode")


def test_aliases_of_a_council_link_too():
    former = pl.DataFrame(
        {"record_id": ["a"], "given_name": ["Piotr"], "family_name": ["Zielinski"]}
    )
    care = source("care", [("a", None, "Peter", "Newname", date(1975, 11, 30), "1", "XB2 3CD")])
    known = replace(care, aliases=former)
    assert who(link([register(), known], key=KEY))["a"] == ("4", "name_birth_postcode")


@pytest.mark.parametrize("first", ["0wanda", "zwanda"])
def test_a_number_that_contradicting_strangers_share_belongs_to_none(first):
    rows = [
        (first, "9990000077", "Wanda", "Kowalska", date(1960, 7, 7)),
        ("p1", "9990000077", "Peter", "Parker", date(1991, 1, 12)),
        ("p2", "9990000077", "Peter", "Parker", date(1991, 1, 12)),
    ]
    links = link([register(), source("care", rows)], key=KEY)
    assert links.counts["nhs_numbers_contradicted"] == 3
    others = links.person_index.filter(pl.col("method") != "register")
    assert "nhs_number" not in others["method"].to_list()
    # Two of them are one person by their names and date of birth, the third is not.
    people = dict(others.select("record_id", "person_id").iter_rows())
    assert people["p1"] == people["p2"] != people[first]


def test_repr_shows_counts_only(pool):
    for shown in (repr(pool), repr(register()), repr(source("care", POOL))):
        assert not any(value in shown for value in ("Okafor", "OKAFOR", NUMBERS[0], "XA1"))


@pytest.mark.parametrize(
    "sources",
    [
        [source("a", REGISTER), source("b", REGISTER)],
        [register(), register()],
        [register(), source("b", REGISTER, register=True, unique_people=True)],
        [source("a", REGISTER, register=True)],
    ],
    ids=["no register", "same name", "two registers", "register not unique"],
)
def test_register_must_be_one(sources):
    with pytest.raises(LinkageError):
        link(sources, key=KEY)


def test_a_setting_must_be_known():
    with pytest.raises(LinkageError, match="Did you mean `local_authority`"):
        source("care", [], setting="local_autority")


def test_thresholds_must_be_ordered():
    with pytest.raises(LinkageError):
        LinkSpec(accept_probability=0.4, review_probability=0.5)


def test_comparisons_are_counted_rule_by_rule():
    def rows(source, *names):
        return [(f"{source}{i}", None, *each, date(1990 + i, 2, 2)) for i, each in enumerate(names)]

    gp_people = register(rows("g", ("Ann", "Lee"), ("Bo", "Lee"), ("Lee", "Ann")))
    care = source("care", rows("c", ("Ann", "Lee"), ("Lee", "Ann"), ("Cy", "Lee")))
    records = stack([gp_people, care], gp_people)
    sides = [records.filter(pl.col("on_register") == side) for side in (True, False)]
    counts = dict(comparisons_per_rule(*sides).iter_rows())
    # By hand: the day of birth is that of the row's number, and each record of a source stands in
    # two rows, as written and with its names exchanged.
    assert counts["birth"] == 3 * 2
    # Ann Lee and Lee Ann on the register, both in the source, each in either order.
    assert counts["sounds"] == 2 * 2
    assert counts["uprn"] == 0


def test_comparisons_over_budget_are_refused_with_advice():
    rows = [(str(i), None, "Ann", "Same", date(1990, 2, 2)) for i in range(40)]
    with pytest.raises(LinkageError, match="max_pairs"):
        link([register(rows), source("care", rows)], LinkSpec(max_pairs=100), key=KEY)
