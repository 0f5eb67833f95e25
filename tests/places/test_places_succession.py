from __future__ import annotations

import warnings
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import ReferenceDataError
from pophealth_link.places import (
    PlacesWarning,
    authorities_named,
    authority_predecessors,
    authority_successors,
    practice_successors,
    recode_areas,
    recode_measures,
    untold_authorities,
)

DAY = date(2026, 4, 1)
SCHEMA = {"practice_code": pl.String, "successor_code": pl.String, "valid_from": pl.Date}


def steps(*rows: tuple) -> pl.DataFrame:
    filled = [(*row, None)[:3] for row in rows]
    return pl.DataFrame(filled, schema=SCHEMA, orient="row")


def ends(*rows: tuple, standing=()) -> dict[str, str | None]:
    return dict(practice_successors(steps(*rows), DAY, standing=standing).iter_rows())


def test_chains_are_followed_to_their_end():
    assert ends(("A", "B"), ("B", "C"), ("C", "D")) == {"A": "D", "B": "D", "C": "D"}


def test_steps_after_the_day_are_not_taken():
    later = DAY + timedelta(days=1)
    assert ends(("A", "B", DAY), ("B", "C", later)) == {"A": "B"}


def test_an_open_practice_ends_the_chain_and_has_no_successor():
    assert ends(("A", "B"), ("B", "C"), standing=["B"]) == {"A": "B"}


def test_the_latest_step_of_a_practice_holds():
    assert ends(("A", "B", date(2020, 1, 1)), ("A", "C", date(2021, 1, 1))) == {"A": "C"}


def test_several_successors_on_one_day_are_none():
    found = ends(("A", "B", DAY), ("A", "C", DAY), ("Z", "A"))
    assert found == {"A": None, "Z": None}


def test_a_code_that_stands_for_itself_has_not_changed():
    assert ends(("A", "A"), ("B", "A")) == {"B": "A"}


def test_circles_are_refused_with_the_codes_named():
    rows = (("A", "B"), ("B", "C"), ("C", "B"), ("X", "Y"))
    with pytest.raises(ReferenceDataError, match=r"no end: 3 \(A, B, C\)") as caught:
        ends(*rows)
    assert "`practice_successors`" in str(caught.value)


def test_a_circle_that_is_not_closed_by_the_day_is_none():
    assert ends(("A", "B", DAY), ("B", "A", DAY + timedelta(days=9))) == {"A": "B"}


codes = st.sampled_from("ABCDEFGH")


@given(st.dictionaries(codes, codes))
def test_every_route_ends_where_a_walk_by_hand_ends(edges):
    def walk(code: str) -> str | None:
        seen = {code}
        while code in edges and edges[code] != code:
            code = edges[code]
            if code in seen:
                return None
            seen.add(code)
        return code

    real = {old for old, new in edges.items() if old != new}
    expected = {code: walk(code) for code in real}
    if None in expected.values():
        with pytest.raises(ReferenceDataError, match="circle"):
            ends(*edges.items())
    else:
        assert ends(*edges.items()) == expected


CHANGES = pl.DataFrame(
    {
        "lad_code": ["E07000187", "E07000188", "E08000016", "E06000099"],
        "successor_code": ["E06000066", "E06000066", "E08000038", "E06000098"],
        "successor_name": ["Somerset", "Somerset", "Barnsley", "Later"],
        "valid_from": [date(2023, 4, 1), date(2023, 4, 1), date(2025, 4, 1), date(2027, 4, 1)],
    }
)


def test_authorities_are_called_what_they_are_on_the_day():
    found = dict(authority_successors(CHANGES, date(2024, 1, 1)).iter_rows())
    assert found == {"E07000187": "E06000066", "E07000188": "E06000066"}
    areas = pl.DataFrame(
        {
            "lsoa_code": ["a", "b", "c", "d"],
            "lad_code": ["E07000187", "E08000016", "E09000001", "E06000099"],
            "lad_name": ["Mendip", "Barnsley", "City", "Now"],
        }
    )
    told = recode_areas(areas, CHANGES, DAY).select("lad_code", "lad_name").rows()
    assert told == [
        ("E06000066", "Somerset"),
        ("E08000038", "Barnsley"),
        ("E09000001", "City"),
        ("E06000099", "Now"),
    ]


def measures(*rows: tuple) -> pl.DataFrame:
    names = ("measure", "area_type", "area_code", "numerator", "denominator", "value", "period")
    schema = dict.fromkeys(names[:3], pl.String) | dict.fromkeys(names[3:6], pl.Float64)
    return pl.DataFrame(rows, schema=schema | {"period": pl.String}, orient="row")


def test_counts_of_merged_authorities_sum_and_scores_are_weighed():
    found = recode_measures(
        measures(
            ("n", "lad", "E07000187", 3.0, 10.0, None, "2022"),
            ("n", "lad", "E07000188", 4.0, 30.0, None, "2022"),
            ("s", "lad", "E07000187", None, 10.0, 1.0, "2022"),
            ("s", "lad", "E07000188", None, 30.0, 5.0, "2022"),
            ("n", "lsoa", "E07000187", 8.0, 9.0, None, "2022"),
        ),
        CHANGES,
        DAY,
    )
    assert found.rows() == [
        ("n", "lad", "E06000066", 7.0, 40.0, None, "2022"),
        ("n", "lsoa", "E07000187", 8.0, 9.0, None, "2022"),
        ("s", "lad", "E06000066", None, 40.0, 4.0, "2022"),
    ]


def test_scores_without_weights_are_averaged_evenly_with_a_warning():
    rows = measures(
        ("s", "lad", "E07000187", None, None, 1.0, None),
        ("s", "lad", "E07000188", None, None, 5.0, None),
    )
    with pytest.warns(PlacesWarning, match="evenly for want of a weight: 1"):
        assert recode_measures(rows, CHANGES, DAY)["value"].to_list() == [3.0]


def told(rows, changes, day):
    """Return what is warned of, and the codes and numerators by measure and period."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PlacesWarning)
        found = recode_measures(measures(*rows), changes, day)
    kept = found.select("measure", "area_code", "numerator", "period").rows()
    return [str(each.message) for each in caught], kept


def lad(measure, code, count, period="2022"):
    return (measure, "lad", code, float(count), 10.0, None, period)


def test_a_whole_without_one_of_its_parts_is_left_out_and_told():
    said, kept = told([lad("n", "E07000187", 3), lad("m", "E08000016", 4)], CHANGES, DAY)
    assert kept == [("m", "E08000038", 4.0, "2022")]
    assert said == [
        "Values of local authorities left out, for a part has no value in the period: 1."
    ]


def test_periods_are_not_put_together():
    rows = [lad("n", "E07000187", 3, "2019"), lad("n", "E07000188", 4, "2021")]
    said, kept = told(rows, CHANGES, DAY)
    assert kept == []
    assert said[0].endswith("in the period: 2.")
    both = [*rows, lad("n", "E07000188", 5, "2019"), lad("n", "E08000016", 1, None)]
    _, kept = told(both, CHANGES, DAY)
    assert kept == [("n", "E06000066", 8.0, "2019"), ("n", "E08000038", 1.0, None)]


# A and B became C, then C and D became E: C's own value holds A's and B's.
CHAIN = pl.DataFrame(
    {
        "lad_code": ["A", "B", "C", "D"],
        "successor_code": ["C", "C", "E", "E"],
        "lad_name": ["An", "Be", "Ce", "De"],
        "successor_name": ["Ce", "Ce", "Ee", "Ee"],
        "valid_from": [date(2020, 4, 1), date(2020, 4, 1), date(2023, 4, 1), date(2023, 4, 1)],
    }
)


@pytest.mark.parametrize(
    ("held", "expected"),
    [("ABD", 3.0), ("CD", 2.0), ("ABCD", 2.0), ("ACD", 2.0), ("AD", None), ("C", None), ("E", 1.0),
     ("ABCDE", 1.0)],
)  # fmt: skip
def test_a_whole_is_made_of_its_smallest_parts_once(held, expected):
    said, kept = told([lad("n", code, 1) for code in held], CHAIN, DAY)
    assert kept == ([] if expected is None else [("n", "E", expected, "2022")])
    assert bool(said) == (expected is None)


def test_what_was_divided_is_a_part_that_nobody_can_tell():
    # A was divided between B and C; D joined B.
    changes = pl.DataFrame({"lad_code": ["A", "A", "D"], "successor_code": ["B", "C", "B"]})
    said, kept = told([lad("n", "A", 5), lad("n", "D", 4)], changes, DAY)
    assert kept == [("n", "A", 5.0, "2022")]
    assert len(said) == 1


RECODED = pl.DataFrame(
    {
        "lad_code": ["A", "B", "C", "G", "H", "K", "K"],
        "lad_name": ["An", "Be", "Ce", "Ge", "Ha", "Ka", "Ka"],
        "successor_code": ["B", "C", "D", "J", "J", "L", "M"],
        "successor_name": ["Be", "Ce", "De", "Jo", "Jo", "El", "Em"],
        "valid_from": [date(2020, 4, 1), date(2027, 4, 1), date(2028, 4, 1), *[date(2027, 4, 1)] * 4],
    }
)  # fmt: skip


def test_codes_formed_after_the_day_are_stepped_back():
    back = dict(authority_predecessors(RECODED, DAY).iter_rows())
    assert back == {"C": "B", "D": "B", "J": None, "L": "K", "M": "K"}
    areas = pl.DataFrame(
        {"lsoa_code": list("vwxyz"), "lad_code": ["D", "J", "L", "M", "A"],
         "lad_name": ["De", "Jo", "El", "Em", "An"]},
    )  # fmt: skip
    found = recode_areas(areas, RECODED, DAY)
    assert found["lad_code"].to_list() == ["B", "J", "K", "K", "B"]
    assert found["lad_name"].to_list() == ["Be", "Jo", "Ka", "Ka", "Be"]
    assert untold_authorities(found["lad_code"], RECODED, DAY) == ["J"]
    assert recode_areas(areas, RECODED, date(2028, 4, 1))["lad_code"].to_list() == list("DJLMD")


def test_a_jobs_authorities_are_found_by_old_and_new_codes():
    found = authorities_named(list("ABCDGJKLZ"), RECODED, DAY)
    expected = {"A": ["B"], "J": ["G", "H"], "L": ["K"]} | {key: ["B"] for key in "BCD"}
    assert found == {code: [code] for code in "GKZ"} | expected


def test_values_of_codes_formed_after_the_day_are_stepped_back():
    rows = [
        lad("n", "D", 1), lad("n", "J", 2), lad("n", "L", 3), lad("n", "M", 4),
        lad("part", "L", 5), lad("own", "D", 6), lad("own", "B", 7, "2020"), lad("own", "J", 8),
        lad("own", "G", 9),
    ]  # fmt: skip
    said, kept = told(rows, RECODED, DAY)
    assert kept == [
        ("n", "B", 1.0, "2022"),
        ("n", "J", 2.0, "2022"),
        ("n", "K", 7.0, "2022"),
        ("own", "B", 7.0, "2020"),
        ("own", "G", 9.0, "2022"),
        ("own", "J", 8.0, "2022"),
    ]
    assert said == [
        "Values of local authorities that several became after the day, kept for the whole: 1.",
        "Values of local authorities left out, for a part has no value in the period: 1.",
    ]


def test_an_authority_that_took_another_in_is_not_its_recode():
    changes = pl.DataFrame(
        {"lad_code": ["A", "B"], "successor_code": ["B", "B"], "valid_from": [date(2027, 4, 1)] * 2}
    )
    areas = pl.DataFrame({"lsoa_code": ["x"], "lad_code": ["B"]})
    assert recode_areas(areas, changes, DAY)["lad_code"].to_list() == ["B"]
    both = pl.DataFrame({"lsoa_code": ["x", "y"], "lad_code": ["A", "B"]})
    assert recode_areas(both, changes.head(1), DAY)["lad_code"].to_list() == ["A", "B"]


def test_a_row_of_the_new_code_is_the_whole():
    rows = measures(
        ("n", "lad", "E07000187", 3.0, 10.0, None, "2022"),
        ("n", "lad", "E06000066", 8.0, 41.0, None, "2024"),
    )
    assert recode_measures(rows, CHANGES, DAY).rows() == [rows.row(1)]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_there_is_as_much_before_as_after(counts):
    later = pl.DataFrame(
        {
            "lad_code": ["A", "A", "B"],
            "successor_code": ["C", "D", "E"],
            "valid_from": [date(2027, 4, 1)] * 3,
        }
    )
    rows = [lad("n", code, count) for code, count in zip("CDE", counts, strict=True)]
    found = recode_measures(measures(*rows), later, DAY)
    assert found["area_code"].to_list() == ["A", "B"]
    assert found["numerator"].to_list() == [counts[0] + counts[1], counts[2]]
    assert recode_measures(measures(*rows), later, date(2027, 4, 1)).equals(measures(*rows))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_recoding_conserves_totals(counts):
    places = ("E07000187", "E07000188", "E08000016", "E09000001")
    rows = [
        ("n", "lad", p, float(c), float(c), None, None) for p, c in zip(places, counts, strict=True)
    ]
    found = recode_measures(measures(*rows), CHANGES, DAY)
    assert found["numerator"].sum() == sum(counts)
    assert found.height == 3


def test_englands_recodes_of_eight_years_are_followed(open_data):
    vintages = pl.read_parquet(open_data / "lookups" / "ltla_vintages.parquet")
    vintages = vintages.filter(pl.col("ltla24_code").str.starts_with("E"))
    years = range(16, 24)
    frames = [
        vintages.select(
            lad_code=f"ltla{y}_code",
            successor_code=f"ltla{y + 1}_code",
            valid_from=pl.lit(date(2001 + y, 4, 1)),
        )
        .drop_nulls()
        .unique()
        for y in years
    ]
    changes = pl.concat(frames).filter(pl.col("lad_code") != pl.col("successor_code"))
    found = dict(authority_successors(changes, DAY).iter_rows())
    expected = {
        old: new
        for old, new in vintages.select("ltla16_code", "ltla24_code").drop_nulls().iter_rows()
        if old != new
    }
    assert expected
    assert {old: found.get(old) for old in expected} == expected
