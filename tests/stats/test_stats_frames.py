"""What all statistics share: types, refusals without values, and the standard population."""

from __future__ import annotations

import hashlib
import tomllib

import polars as pl
import pytest

from pophealth_link import published, stats
from pophealth_link.errors import DataError, PophealthLinkError, ReferenceDataError, UserError

LIFE = {"age": [0, 1, *range(5, 95, 5)], "x": [5] * 20, "n": [1000] * 20, "g": ["a", "b"] * 10}
FIFTHS = {"q": [1, 2, 3, 4, 5], "v": [5.0, 4.0, 3.0, 2.0, 1.0], "se": [0.1] * 5, "n": [10] * 5}

CALLS = {
    "proportion": (lambda f: stats.proportion(f, "x", "n"), LIFE),
    "proportion by": (lambda f: stats.proportion(f, "x", "n", by="age"), LIFE),
    "rate": (lambda f: stats.rate(f, "x", "n"), LIFE),
    "rate by": (lambda f: stats.rate(f, "x", "n", by=["age"]), LIFE),
    "mean": (lambda f: stats.mean(f, "x", by="age"), LIFE),
    "direct": (
        lambda f: stats.directly_standardised_rate(f, "x", "n", by=None, standard_population="n"),
        LIFE,
    ),
    "ratio": (
        lambda f: stats.indirectly_standardised_ratio(
            f, "x", "n", by=None, reference=pl.DataFrame(LIFE), age="age"
        ),
        LIFE,
    ),
    "quantiles": (lambda f: stats.quantiles(f, "x"), LIFE),
    "slope": (lambda f: stats.slope_index(f, "v", "se", "n", "q", seed=1, simulations=50), FIFTHS),
    "funnel": (lambda f: stats.funnel_limits(f, "x", "n"), LIFE),
    "funnel, wide": (lambda f: stats.funnel_limits(f, "x", "n", over_dispersion="additive"), LIFE),
    "waits": (lambda f: stats.kaplan_meier(f, "age", events="x", censored="n"), LIFE),
    "waits, asked": (
        lambda f: stats.kaplan_meier(f, "age", events="x", censored="n", by="g", at=[3, 20]),
        LIFE,
    ),
    "dispersion": (lambda f: stats.over_dispersion(f, "x"), LIFE),
    "dispersion by": (lambda f: stats.over_dispersion(f, "x", by="age"), LIFE),
    "compound": (lambda f: stats.compound_poisson_rate(f, "x", "n", "x"), LIFE),
    "bootstrap": (lambda f: stats.bootstrap_rate(f, "x", "n", seed=1, resamples=20), LIFE),
    "bootstrap by": (
        lambda f: stats.bootstrap_rate(f, "x", "n", seed=1, resamples=20, by="age"),
        LIFE,
    ),
    "difference": (lambda f: stats.difference(f, ["x"] * 3, ["n"] * 3), LIFE),
    "quotient": (lambda f: stats.ratio(f, ["x"] * 3, ["n"] * 3), LIFE),
    "life": (lambda f: stats.life_expectancy(f, "x", "n", age_start="age"), LIFE),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_answer_is_lazy_where_the_question_is_and_says_the_same(name):
    call, data = CALLS[name]
    eager, lazy = call(pl.DataFrame(data)), call(pl.LazyFrame(data))
    assert isinstance(eager, pl.DataFrame)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect_schema() == eager.schema
    assert lazy.collect().equals(eager)


@pytest.mark.parametrize("name", CALLS)
def test_a_lazy_answer_can_be_planned_on(name):
    call, data = CALLS[name]
    planned = call(pl.LazyFrame(data)).with_row_index().filter(pl.col("index") < 2)
    assert planned.collect().drop("index").equals(call(pl.DataFrame(data))[:2])


@pytest.mark.parametrize("name", CALLS)
def test_no_rows_do_not_raise(name):
    call, data = CALLS[name]
    assert call(pl.DataFrame(data).clear()).height <= 1


CANARY = 987654321


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"x": [CANARY, 1], "n": [1, 1]}, "1 of 2 rows are above their denominator `n`"),
        ({"x": [-CANARY, 1], "n": [1, 1]}, "1 of 2 rows are below 0"),
        ({"x": [0, 1], "n": [-CANARY, 1]}, "1 of 2 rows are below 0"),
        ({"x": [float("nan"), 1.0], "n": [CANARY, 1]}, "1 of 2 rows are not finite"),
        ({"x": [str(CANARY), "1"], "n": [1, 1]}, "holds String"),
        ({"y": [CANARY], "n": [1]}, "`x`  is not a column"),
    ],
)
def test_refusals_count_rows_and_show_no_value(frame, message):
    for each in (pl.DataFrame(frame), pl.LazyFrame(frame)):
        with pytest.raises(DataError) as refusal:
            stats.proportion(each, "x", "n")
        assert message in str(refusal.value)
        assert str(CANARY) not in str(refusal.value)
        assert refusal.value.__context__ is None


def test_all_problems_are_told_at_once():
    with pytest.raises(DataError, match="has 2 problems"):
        stats.rate(pl.DataFrame({"x": [-1], "n": [-1]}), "x", "n")
    with pytest.raises(DataError, match=r"has 2 problems(.|\n)*Did you mean `deaths`\?"):
        stats.rate(pl.DataFrame({"deaths": ["a"], "n": ["b"]}), "death", "n")


def test_a_column_cannot_be_a_group_or_count_and_a_result():
    frame = pl.DataFrame({"value": [1], "n": [1], "method": ["a"]})
    with pytest.raises(DataError, match="`value`  is the name of a result"):
        stats.rate(frame, "value", "n")
    with pytest.raises(DataError, match="`method`"):
        stats.mean(frame, "n", by="method")


def test_a_code_list_in_a_type_is_not_shown():
    frame = pl.DataFrame({"x": pl.Series(["k"], dtype=pl.Enum(["k", str(CANARY)])), "n": [1]})
    with pytest.raises(DataError) as refusal:
        stats.rate(frame, "x", "n")
    assert str(CANARY) not in str(refusal.value)


@pytest.mark.parametrize("options", [{"confidence": 95}, {"confidence": 0}, {"multiplier": 0}])
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(UserError):
        stats.rate(pl.DataFrame({"x": [1], "n": [1]}), "x", "n", **options)


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf")])
def test_byars_limits_refuse_what_is_not_a_count(count):
    with pytest.raises(PophealthLinkError):
        stats.byar_limits(count)


def test_columns_of_an_earlier_answer_are_replaced():
    frame = pl.DataFrame({"x": [1], "n": [10]})
    twice = stats.rate(stats.proportion(frame, "x", "n"), "x", "n")
    assert twice.equals(stats.rate(frame, "x", "n"))


# --- the standard population and its file --------------------------------------------------------


def test_the_european_standard_population_has_19_bands_and_100_000_people():
    table = stats.european_standard_population()
    assert table.columns == ["age_band", "age_start", "standard_population"]
    assert table["age_start"].to_list() == list(range(0, 95, 5))
    assert table["standard_population"].to_list() == [
        *(5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000),
        *(7000, 6500, 6000, 5500, 5000, 4000, 2500, 1500, 1000),
    ]
    assert table["age_band"].to_list()[:2] == ["00-04", "05-09"]
    assert table["age_band"].to_list()[-1] == "90+"


def test_the_standard_population_is_the_file_that_its_source_describes():
    path = published.reference_file("european_standard_population_2013.csv")
    text = published.reference_file("european_standard_population_2013.source.toml").read_text(
        "utf-8"
    )
    source = tomllib.loads(text)
    assert source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {"publisher", "title", "licence", "date"} <= set(source)


def test_files_are_found_in_the_package_before_the_checkout(tmp_path):
    module = tmp_path / "site" / "src" / "pophealth_link" / "published.py"
    wheel, checkout = published._folders(module)
    assert wheel == tmp_path / "site" / "src" / "pophealth_link" / "reference_data"
    assert checkout == tmp_path / "site" / "reference_data"
    checkout.mkdir(parents=True)
    (checkout / "facts.csv").write_text("a")
    assert published._first_found("facts.csv", [wheel, checkout]) == checkout / "facts.csv"
    wheel.mkdir(parents=True)
    (wheel / "facts.csv").write_text("a")
    assert published._first_found("facts.csv", [wheel, checkout]) == wheel / "facts.csv"


def test_an_absent_file_is_named_with_the_nearest_one():
    with pytest.raises(ReferenceDataError, match=r"european_standard_population_2013\.csv"):
        published.reference_file("european_standard_population_2031.csv")
