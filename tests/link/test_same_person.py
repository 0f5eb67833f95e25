"""Who is on the register twice: a table of records drawn by hand, and what groups are."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.link import People
from pophealth_link.link.records import stack
from pophealth_link.link.same_person import same_person

HOME = {"postcode": "XA1 1AA", "address": "12 Mill Lane", "uprn": "11"}
AWAY = {"postcode": "XB2 3CD", "address": "7 High Street", "uprn": "99"}
NO_PLACE = dict.fromkeys(HOME)
BORN = date(1950, 5, 17)
ONE = {"given_name": "Margaret", "family_name": "Okafor", "date_of_birth": BORN}
FULL = ONE | {"middle_names": "Joan"}
NEW_YEAR = {"date_of_birth": date(1950, 1, 1)}
SCHEMA = {
    "record_id": pl.String, "given_name": pl.String, "middle_names": pl.String,
    "family_name": pl.String, "date_of_birth": pl.Date, "postcode": pl.String,
    "address": pl.String, "uprn": pl.String,
}  # fmt: skip


def of_register(people: list[dict]) -> People:
    numbered = [{"record_id": f"{place:04}"} | each for place, each in enumerate(people)]
    frame = pl.DataFrame(numbered, schema=SCHEMA)
    return People("gp", frame, "primary_care", unique_people=True, register=True)


def groups(*people: dict) -> list[int]:
    gp = of_register(list(people))
    found = same_person(stack([gp], gp)).sort("rid")
    assert found["rid"].to_list() == list(range(len(people)))
    return found["group"].to_list()


SAME = {
    "one dwelling": (ONE | HOME, ONE | HOME),
    "a misspelt family name in one dwelling": (ONE | HOME, ONE | HOME | {"family_name": "Okaffor"}),
    "married in one dwelling": (ONE | HOME, ONE | HOME | {"family_name": "Bell"}),
    "no family name in one dwelling": (ONE | HOME, ONE | HOME | {"family_name": None}),
    "one UPRN, the postcode unknown": (ONE | HOME, ONE | NO_PLACE | {"uprn": "11"}),
    "UPRN on one record only, the same postcode and number": (ONE | HOME, ONE | HOME | {"uprn": None}),
    "postcode and number without UPRN": (ONE | HOME | {"uprn": None}, ONE | HOME | {"uprn": None}),
    "all names, a middle one among them, living elsewhere": (FULL | HOME, FULL | AWAY),
    "a middle name written behind the given name, elsewhere": (
        ONE | HOME | {"given_name": "Margaret Joan"},
        ONE | AWAY | {"given_name": "Margaret Joan"},
    ),
    "all names, no place known": (FULL | NO_PLACE, FULL | NO_PLACE),
    "names in other letters": (FULL | HOME, FULL | AWAY | {"given_name": "MÁRGARET"}),
}  # fmt: skip
OTHERS = {
    "twins": (ONE | HOME, ONE | HOME | {"given_name": "Daniel"}),
    "a nickname is another given name": (ONE | HOME, ONE | HOME | {"given_name": "Peggy"}),
    "no given names": (ONE | HOME | {"given_name": None}, ONE | HOME | {"given_name": None}),
    "no middle name elsewhere": (ONE | HOME, ONE | AWAY),
    "a middle name on one record only": (FULL | HOME, ONE | AWAY),
    "another middle name elsewhere": (FULL | HOME, FULL | AWAY | {"middle_names": "Rose"}),
    "another name behind the given name elsewhere": (
        FULL | HOME | {"given_name": "Margaret Ann"},
        FULL | AWAY | {"given_name": "Margaret Rose"},
    ),
    "an initial alone elsewhere": (
        FULL | HOME | {"middle_names": "J"},
        FULL | AWAY | {"middle_names": "J"},
    ),
    "another family name elsewhere": (FULL | HOME, FULL | AWAY | {"family_name": "Okaffor"}),
    "an assumed birthday elsewhere": (FULL | NEW_YEAR | HOME, FULL | NEW_YEAR | AWAY),
    "another birthday": (FULL | HOME, FULL | HOME | {"date_of_birth": date(1950, 5, 18)}),
    "no birthday": (FULL | HOME | {"date_of_birth": None}, FULL | HOME | {"date_of_birth": None}),
    "the flat next door": (
        ONE | {"postcode": "XA1 1AA", "address": "Flat 1, 12 Mill Lane"},
        ONE | {"postcode": "XA1 1AA", "address": "Flat 2, 12 Mill Lane"},
    ),
    "a postcode alone": (ONE | {"postcode": "XA1 1AA"}, ONE | {"postcode": "XA1 1AA"}),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_plainly_one_person(pair):
    assert groups(*pair) == [0, 0]


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_not_plainly_one_person(pair):
    assert groups(*pair) == [0, 1]


def test_a_group_holds_together_through_others_and_the_smallest_number_names_it():
    stranger = ONE | AWAY | {"given_name": "Ruth"}
    # 1 and 3 share a dwelling, 3 and 4 all names; 1 and 4 neither.
    moved = FULL | AWAY
    chain = (stranger, ONE | HOME, stranger | {"given_name": "Beth"}, FULL | HOME, moved)
    assert groups(*chain) == [0, 1, 2, 1, 1]
    # Without the one between them they are two.
    assert groups(*chain[:3], moved) == [0, 1, 2, 3]


def test_records_of_others_and_former_rows_are_left_out():
    aliases = pl.DataFrame({"record_id": ["0000"], "given_name": ["Daniel"]})
    gp = of_register([ONE | HOME, ONE | HOME | {"given_name": "Daniel"}])
    gp = People(gp.source, gp.frame, gp.setting, True, True, aliases=aliases)
    care = People("zcare", of_register([ONE | HOME]).frame, "local_authority")
    found = same_person(stack([gp, care], gp)).sort("rid")
    assert found.rows() == [(0, 0), (1, 1)]


people = st.fixed_dictionaries(
    {
        "given_name": st.sampled_from(["Ann", "Ben", None]),
        "middle_names": st.sampled_from(["Joan", "Rose", None]),
        "family_name": st.sampled_from(["Okafor", "Bell", None]),
        "date_of_birth": st.sampled_from([BORN, date(1950, 1, 1), None]),
        "postcode": st.sampled_from(["XA1 1AA", "XB2 3CD", None]),
        "address": st.sampled_from(["12 Mill Lane", "7 High Street", None]),
        "uprn": st.sampled_from(["11", "99", None]),
    }
)


def plainly_one(a: dict, b: dict) -> bool:
    """The rule of docs/linkage.md, for two records."""

    def equal(*columns: str) -> bool:
        return all(a[c] is not None and a[c] == b[c] for c in columns)

    if not equal("given_name", "date_of_birth"):
        return False
    assumed = a["date_of_birth"] == date(1950, 1, 1)
    all_names = equal("middle_names", "family_name") and not assumed
    return equal("uprn") or equal("postcode", "address") or all_names


@settings(max_examples=40, deadline=None)
@given(st.lists(people, min_size=2, max_size=14))
def test_groups_are_the_components_of_pairs_that_are_plainly_one(drawn):
    group = list(range(len(drawn)))
    for _ in drawn:
        for i, one in enumerate(drawn):
            for j, other in enumerate(drawn):
                if plainly_one(one, other):
                    group[i] = group[j] = min(group[i], group[j])
    assert groups(*drawn) == group
