from __future__ import annotations

import warnings

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.errors import DataError, ReferenceDataError
from pophealth_link.places import PlacesWarning, convert_vintage, on_2021, told_on_2021

LOOKUP = pl.DataFrame(
    [
        ("U1", "U1", "U", 100),
        ("S1", "S1a", "S", 300),
        ("S1", "S1b", "S", 100),
        ("M1", "M9", "M", 900),
        ("M2", "M9", "M", 100),
    ],
    schema=["lsoa11_code", "lsoa21_code", "change_code", "population"],
    orient="row",
)
IRREGULAR = pl.DataFrame(
    [("X1", "X8", "X", 40), ("X1", "X9", "X", 60), ("X2", "X9", "X", 20)],
    schema=LOOKUP.schema,
    orient="row",
)
OLD = pl.DataFrame({"lsoa11_code": ["U1", "S1", "M1", "M2"], "value": [7, 20, 10, 30]})


def test_counts_split_by_people_and_sum():
    found = convert_vintage(OLD, LOOKUP, values="value")
    assert found.rows() == [("M9", 40.0), ("S1a", 15.0), ("S1b", 5.0), ("U1", 7.0)]


def test_rates_copy_and_weigh_by_people():
    found = convert_vintage(OLD, LOOKUP, values=["value"], kind="rate")
    assert found.rows() == [("M9", 12.0), ("S1a", 20.0), ("S1b", 20.0), ("U1", 7.0)]


def test_irregular_areas_are_a_best_fit_with_a_warning():
    old = pl.DataFrame({"lsoa11_code": ["X1", "X2"], "value": [10.0, 30.0]})
    with pytest.warns(PlacesWarning, match="irregularly .X., values are a best fit: 2"):
        counts = convert_vintage(old, IRREGULAR, values="value")
    assert counts.rows() == [("X8", 4.0), ("X9", 36.0)]
    with pytest.warns(PlacesWarning, match="irregularly"):
        rates = convert_vintage(old, IRREGULAR, values="value", kind="rate")
    assert rates.rows() == [("X8", 10.0), ("X9", (60 * 10 + 20 * 30) / 80)]


def test_without_people_splits_are_even_and_say_so():
    with pytest.warns(PlacesWarning, match="split with no people given, .*: 1"):
        found = convert_vintage(OLD, LOOKUP.drop("population"), values="value")
    assert found.filter(lsoa21_code="S1a")["value"].item() == 10.0
    with pytest.warns(PlacesWarning, match="merged with no people given, .*: 2"):
        found = convert_vintage(OLD, LOOKUP.drop("population"), values="value", kind="rate")
    assert found.filter(lsoa21_code="M9")["value"].item() == 20.0


def test_areas_without_people_split_evenly():
    empty = LOOKUP.with_columns(population=pl.lit(0))
    found = convert_vintage(OLD, empty, values="value")
    assert found.filter(lsoa21_code="S1b")["value"].item() == 10.0


def test_a_value_missing_in_any_part_is_missing():
    old = OLD.with_columns(value=pl.Series([7, None, None, 30]))
    for kind in ("count", "rate"):
        found = convert_vintage(old, LOOKUP, values="value", kind=kind)
        assert found["value"].to_list() == [None, None, None, 7.0]


def test_areas_that_the_lookup_lacks_are_kept_for_counts_and_told():
    old = pl.concat([OLD, pl.DataFrame({"lsoa11_code": ["NO2011", None], "value": [4, 5]})])
    with pytest.warns(PlacesWarning, match="not in the lookup: 2"):
        counts = convert_vintage(old, LOOKUP, values="value")
    assert counts.row(-1) == (None, 9.0)
    with pytest.warns(PlacesWarning, match="not in the lookup"):
        rates = convert_vintage(old, LOOKUP, values="value", kind="rate")
    assert rates["lsoa21_code"].null_count() == 0


def test_groups_convert_apart():
    two = pl.concat([OLD.with_columns(sex=pl.lit(s), more=pl.lit(1)) for s in ("1", "2")])
    found = convert_vintage(two, LOOKUP.lazy(), values=["value", "more"], by=["sex"])
    assert found.columns == ["lsoa21_code", "sex", "value", "more"]
    one = convert_vintage(OLD, LOOKUP, values="value")
    apart = found.filter(sex="2").select("lsoa21_code", "value")
    assert_frame_equal(apart, one)


def test_another_area_column_and_weight():
    found = convert_vintage(
        OLD.rename({"lsoa11_code": "area"}).lazy(),
        LOOKUP.rename({"population": "people"}),
        values="value",
        area="area",
        weight="people",
    )
    assert_frame_equal(found, convert_vintage(OLD, LOOKUP, values="value"))


@pytest.mark.parametrize(
    ("frame", "settings", "match"),
    [
        (pl.concat([OLD, OLD]), {}, "4 of 8 rows repeat"),
        (OLD, {"area": "lsoa_code"}, "lsoa_code  absent. Did you mean `lsoa11_code`"),
        (OLD.cast({"value": pl.String}), {}, "value  is not"),
        (OLD, {"kind": "score"}, "count"),
    ],
)
def test_wrong_frames_are_refused(frame, settings, match):
    with pytest.raises(DataError, match=match):
        convert_vintage(frame, LOOKUP, values="value", **settings)


@pytest.mark.parametrize(
    ("lookup", "match"),
    [
        (LOOKUP.drop("change_code"), "change_code"),
        (pl.concat([LOOKUP, LOOKUP.head(1)]), "1 pairs of areas repeat"),
        (LOOKUP.with_columns(population=pl.lit(-1)), "5 have fewer"),
    ],
)
def test_wrong_lookups_are_refused(lookup, match):
    with pytest.raises(ReferenceDataError, match=match):
        convert_vintage(OLD, lookup, values="value")


links = st.dictionaries(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from("VWXYZ")), st.none() | st.integers(0, 99)
)


@given(links, st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 10_000)))
def test_totals_are_conserved_and_rates_stay_between_their_parts(pairs, values):
    lookup = pl.DataFrame(
        [(old, new, "S", people) for (old, new), people in pairs.items()],
        schema=LOOKUP.schema,
        orient="row",
    )
    frame = pl.DataFrame(
        list(values.items()), schema={"lsoa11_code": pl.String, "v": pl.Int64}, orient="row"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlacesWarning)
        counts = convert_vintage(frame, lookup, values="v")
        rates = convert_vintage(frame, lookup, values="v", kind="rate")
        again = convert_vintage(frame.reverse(), lookup.reverse(), values="v")
    assert counts["v"].sum() == pytest.approx(sum(values.values()))
    assert_frame_equal(counts, again, check_exact=True)
    for code, value in rates.iter_rows():
        held = [values[old] for old, new in pairs if new == code and old in values]
        assert min(held) - 1e-9 <= value <= max(held) + 1e-9


def test_england_is_conserved(open_data):
    lookup = pl.read_parquet(open_data / "lookups" / "lsoa11_lsoa21_ltla22.parquet")
    lookup = lookup.filter(pl.col("lsoa11_code").str.starts_with("E"))
    people = pl.read_parquet(open_data / "census" / "ethnic_group_2021_lsoa21.parquet")
    people = people.select("lsoa21_code", population="total_residents")
    lookup = lookup.join(people, on="lsoa21_code", how="left")
    old = pl.read_parquet(open_data / "census" / "population_mid2020_single_year_lsoa11.parquet")
    old = old.select("lsoa11_code", people="total_population")
    with pytest.warns(PlacesWarning, match="irregularly .X., values are a best fit: 6"):
        found = convert_vintage(old, lookup, values="people")
    assert found.height == 33_755
    assert found["people"].sum() == pytest.approx(old["people"].sum(), abs=1e-3)
    same = (
        lookup.filter(change_code="U")
        .join(old, on="lsoa11_code")
        .join(found, on="lsoa21_code", suffix="_21")
    )
    assert same.height == 31_810
    assert (same["people"] == same["people_21"]).all()


NEW = pl.DataFrame({"lsoa21_code": ["U1", "S1a", "S1b", "M9"], "value": [7, 15, 5, 40]})


def test_the_way_back_sums_what_was_split_and_divides_what_was_merged():
    found = convert_vintage(NEW, LOOKUP, values="value", to="lsoa11")
    assert found.rows() == [("M1", 36.0), ("M2", 4.0), ("S1", 20.0), ("U1", 7.0)]
    rates = convert_vintage(NEW, LOOKUP, values="value", kind="rate", to="lsoa11")
    # S1 by people: (300 · 15 + 100 · 5) / 400.
    assert rates.rows() == [("M1", 40.0), ("M2", 40.0), ("S1", 12.5), ("U1", 7.0)]


def test_the_way_back_warns_of_irregular_areas_by_their_vintage():
    new = pl.DataFrame({"lsoa21_code": ["X8", "X9"], "value": [10.0, 30.0]})
    with pytest.warns(PlacesWarning, match=r"LSOAs \(2021\) changed irregularly .X.,.*: 2"):
        found = convert_vintage(new, IRREGULAR, values="value", to="lsoa11")
    assert found.rows() == [("X1", 10.0 + 30 * 60 / 80), ("X2", 30 * 20 / 80)]


@given(links, st.dictionaries(st.sampled_from("VWXYZ"), st.integers(0, 10_000)))
def test_there_and_back_conserves_totals(pairs, values):
    lookup = pl.DataFrame(
        [(old, new, "S", people) for (old, new), people in pairs.items()],
        schema=LOOKUP.schema,
        orient="row",
    )
    frame = pl.DataFrame(
        list(values.items()), schema={"lsoa21_code": pl.String, "v": pl.Int64}, orient="row"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlacesWarning)
        old = convert_vintage(frame, lookup, values="v", to="lsoa11")
        again = convert_vintage(old, lookup, values="v")
    assert old["v"].sum() == pytest.approx(sum(values.values()))
    assert again["v"].sum() == pytest.approx(sum(values.values()))


def test_england_goes_there_and_back(open_data):
    lookup = pl.read_parquet(open_data / "lookups" / "lsoa11_lsoa21_ltla22.parquet")
    lookup = lookup.filter(pl.col("lsoa11_code").str.starts_with("E"))
    people = pl.read_parquet(open_data / "census" / "ethnic_group_2021_lsoa21.parquet")
    people = people.select("lsoa21_code", population="total_residents")
    old = pl.read_parquet(open_data / "census" / "population_mid2020_single_year_lsoa11.parquet")
    old = old.select("lsoa11_code", people="total_population")
    # The part's people: the new part's where split, the old part's where merged.
    lookup = lookup.join(people, on="lsoa21_code", how="left").join(old, on="lsoa11_code")
    merged = pl.col("change_code") == "M"
    part = pl.when(merged).then("people").otherwise("population").alias("population")
    lookup = lookup.select("lsoa11_code", "lsoa21_code", "change_code", part)
    with pytest.warns(PlacesWarning, match="irregularly"):
        new = convert_vintage(old, lookup, values="people")
        back = convert_vintage(new, lookup, values="people", to="lsoa11")
    assert back.height == 32_844
    both = back.join(old, on="lsoa11_code", suffix="_was").join(
        lookup.select("lsoa11_code", "change_code").unique(), on="lsoa11_code"
    )
    far = (both["people"] - both["people_was"]).abs() > 1e-6
    # All but the irregular come back as they were.
    assert set(both.filter(far)["change_code"]) <= {"X"}
    assert back["people"].sum() == pytest.approx(old["people"].sum())


def measure_rows(*rows):
    names = ("measure", "area_type", "area_code", "numerator", "denominator", "value", "period")
    schema = dict.fromkeys(names[:3], pl.String) | dict.fromkeys(names[3:6], pl.Float64)
    return pl.DataFrame(rows, schema=schema | {"period": pl.String}, orient="row")


def test_measures_of_2011_stand_on_2021():
    rows = measure_rows(
        ("n", "lsoa11", "M1", 1.0, 10.0, None, "2019"),
        ("n", "lsoa11", "M2", 2.0, 30.0, None, "2019"),
        ("s", "lsoa11", "S1", None, None, 4.5, None),
        ("both", "lsoa11", "U1", 9.0, 9.0, None, "2019"),
        ("both", "lsoa", "U1", 5.0, 6.0, None, "2021"),
        ("far", "lad", "D1", 5.0, 6.0, None, "2021"),
    )
    assert on_2021(rows, LOOKUP).rows() == [
        ("both", "lsoa", "U1", 5.0, 6.0, None, "2021"),
        ("far", "lad", "D1", 5.0, 6.0, None, "2021"),
        ("n", "lsoa", "M9", 3.0, 40.0, None, "2019"),
        ("s", "lsoa", "S1a", None, None, 4.5, None),
        ("s", "lsoa", "S1b", None, None, 4.5, None),
    ]
    assert on_2021(rows.tail(2), LOOKUP).equals(rows.tail(2))


def test_a_value_of_which_a_part_has_no_row_is_left_out_and_told():
    rows = measure_rows(
        ("n", "lsoa11", "M1", 1.0, 10.0, None, "2019"),
        ("n", "lsoa11", "M2", 2.0, 30.0, None, "2021"),
        ("m", "lsoa11", "M1", 1.0, 10.0, None, None),
        ("m", "lsoa11", "M2", 2.0, 30.0, None, None),
        ("m", "lsoa11", "U1", 5.0, 9.0, None, None),
    )
    with pytest.warns(PlacesWarning, match=r"left out, for a part has no value .*: 2\.") as caught:
        found = on_2021(rows, LOOKUP)
    assert len(caught) == 1
    assert found.rows() == [
        ("m", "lsoa", "M9", 3.0, 40.0, None, None),
        ("m", "lsoa", "U1", 5.0, 9.0, None, None),
    ]


def test_a_part_without_a_row_is_told():
    old = pl.DataFrame({"lsoa11_code": ["M1", "S1"], "value": [5, 8]})
    with pytest.warns(PlacesWarning, match=r"\(2021\) of which a part has no row: 1\."):
        counts = convert_vintage(old, LOOKUP, values="value")
    assert counts.rows() == [("M9", 5.0), ("S1a", 6.0), ("S1b", 2.0)]  # the total is conserved
    with pytest.warns(PlacesWarning, match="of which a part has no row: 1"):
        rates = convert_vintage(old, LOOKUP, values="value", kind="rate")
    assert rates.rows() == [("M9", 5.0), ("S1a", 8.0), ("S1b", 8.0)]
    new = pl.DataFrame({"lsoa21_code": ["S1a"], "value": [5]})
    with pytest.warns(PlacesWarning, match=r"\(2011\) of which a part has no row: 1\."):
        convert_vintage(new, LOOKUP, values="value", to="lsoa11")


def test_a_group_without_a_count_has_none_there_but_a_rate_is_unknown():
    rows = pl.DataFrame(
        {"lsoa11_code": ["M1", "M2", "M2"], "by": ["a", "a", "b"], "value": [1, 2, 4]}
    )
    counts = convert_vintage(rows, LOOKUP, values="value", by=["by"])
    assert counts["value"].to_list() == [3.0, 4.0]
    with pytest.warns(PlacesWarning, match="of which a part has no row: 1"):
        convert_vintage(rows, LOOKUP, values="value", kind="rate", by=["by"])


def test_people_of_a_split_area_are_in_its_most_populous_part_and_counted():
    people = pl.DataFrame({"person_id": ["a", "b", "c", "d", "e"]}).with_columns(
        lsoa_code=pl.Series(["S1", "M1", "S1b", "W01000001", None])
    )
    areas = pl.DataFrame({"lsoa_code": ["U1", "S1a", "S1b", "M9"]})
    with pytest.warns(PlacesWarning, match="several of 2021: 1; "):
        found = told_on_2021(people, areas, LOOKUP)
    assert found["lsoa_code"].to_list() == ["S1a", "M9", "S1b", "W01000001", None]
    assert found.drop("lsoa_code").equals(people.drop("lsoa_code"))


@given(st.lists(st.sampled_from(["U1", "S1", "M1", "M2", "S1a", "M9", "Z"]), max_size=30))
def test_no_person_is_lost_by_being_told_of_2011(codes):
    people = pl.DataFrame({"person_id": range(len(codes)), "lsoa_code": codes}).cast(
        {"lsoa_code": pl.String}
    )
    areas = pl.DataFrame({"lsoa_code": ["U1", "S1a", "S1b", "M9"]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlacesWarning)
        found = told_on_2021(people, areas, LOOKUP)
    assert found["person_id"].to_list() == people["person_id"].to_list()
    assert found.filter(~pl.col("lsoa_code").is_in([*areas["lsoa_code"], "Z"])).is_empty()
