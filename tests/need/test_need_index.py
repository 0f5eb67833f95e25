"""The need index against hand calculations and the properties that it states."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.indicators import Indicator, catalogue
from pophealth_link.need.index import AREAS_PER_INDICATOR, cronbach_alpha, fit

INCOME = catalogue()["income_deprived"]


def member(name, direction=1):
    base = INCOME
    fields = {key: getattr(base, key) for key in base.__slots__}
    return Indicator(**(fields | {"id": name, "direction": direction}))


def cells(values):
    codes = [f"E{n:04d}" for n in range(len(values))]
    return pl.DataFrame({"lsoa_code": codes, "numerator": values}).with_columns(
        pl.col("numerator").cast(pl.Float64) * 2, denominator=pl.lit(2.0)
    )


def drawn(seed=1, areas=60, members=4, common=1.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(areas, 1))
    values = common * shared + rng.normal(size=(areas, members)) + 10
    return {f"m{n}": cells(values[:, n]) for n in range(members)}, values


def test_values_by_hand():
    """Three members over 30 areas: z-scores, their mean, and its standard deviation."""
    held, values = drawn(areas=30, members=3)
    fitted = fit(held, [member("m0"), member("m1", -1), member("m2")])
    z = [
        [(x - sum(column) / 30) / (sum((y - sum(column) / 30) ** 2 for y in column) / 30) ** 0.5
         for x in column]
        for column in values.T.tolist()
    ]  # fmt: skip
    mean = [(a - b + c) / 3 for a, b, c in zip(*z, strict=True)]
    spread = (sum(m * m for m in mean) / 30) ** 0.5
    assert fitted.values["value"].to_list() == pytest.approx([m / spread for m in mean], abs=1e-6)
    assert fitted.reason is None


def test_the_index_has_mean_zero_and_standard_deviation_one():
    fitted = fit(drawn()[0], [member(f"m{n}") for n in range(4)])
    assert fitted.values["value"].mean() == pytest.approx(0, abs=1e-6)
    assert fitted.values["value"].std(ddof=0) == pytest.approx(1, abs=1e-6)


def test_alpha_is_that_of_the_covariances():
    """Alpha from the mean covariance and variance of items, another form of the same figure."""
    _, values = drawn(areas=500, members=5)
    covariance = np.cov(values.T, ddof=0)
    variance = np.diag(covariance).mean()
    between = (covariance.sum() - np.diag(covariance).sum()) / 20
    wanted = 5 * between / (variance + 4 * between)
    assert cronbach_alpha(values) == pytest.approx(wanted, rel=1e-12)
    # Four items that share half of their variance: k·r/(1 + (k − 1)·r) with r = 0.5 is 0.8.
    _, even = drawn(areas=20_000, members=4)
    assert cronbach_alpha(even) == pytest.approx(0.8, abs=0.02)


def test_a_direction_that_does_not_fit_the_reference_is_told():
    held, _ = drawn(areas=200)
    fitted = fit(held, [member("m0", -1), *(member(f"m{n}") for n in (1, 2, 3))])
    assert fitted.summary()["against_direction"] == ["m0"]
    assert fit(held, [member(f"m{n}") for n in range(4)]).summary()["against_direction"] == []


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(0.01, 1000),
    shift=st.floats(-1000, 1000),
    seed=st.integers(0, 1000),
)
def test_the_unit_of_a_member_does_not_matter(scale, shift, seed):
    held, values = drawn(seed=seed)
    members = [member(f"m{n}") for n in range(4)]
    changed = held | {"m0": cells(values[:, 0] * scale + shift)}
    once, again = fit(held, members), fit(changed, members)
    assert again.values["value"].to_list() == pytest.approx(
        once.values["value"].to_list(), abs=1e-4
    )
    # A measure turned round with its direction turned round is the same measure.
    turned = fit(held | {"m0": cells(-values[:, 0])}, [member("m0", -1), *members[1:]])
    assert turned.values["value"].to_list() == pytest.approx(
        once.values["value"].to_list(), abs=1e-4
    )


def test_there_are_at_least_ten_areas_for_each_indicator():
    members = [member(f"m{n}") for n in range(4)]
    enough = 4 * AREAS_PER_INDICATOR
    assert fit(drawn(areas=enough)[0], members).reason is None
    short = fit(drawn(areas=enough - 1)[0], members)
    assert short.values.is_empty()
    assert short.reason is not None
    assert set(short.left_out) == {"m0", "m1", "m2", "m3"}
    assert "39 areas; 40 are needed" in short.left_out["m0"]


def test_areas_must_be_complete():
    held, _ = drawn(areas=60)
    held["m0"] = held["m0"].head(45)
    members = [member(f"m{n}") for n in range(4)]
    fitted = fit(held, members)
    assert (fitted.areas, fitted.incomplete) == (45, 15)
    held["m1"] = held["m1"].tail(45)
    none = fit(held, members)
    assert none.reason == "30 areas are complete; 40 are needed"
    assert none.values.is_empty()


@pytest.mark.parametrize(
    ("column", "value"),
    [("numerator", float("nan")), ("numerator", None), ("denominator", 0.0), ("denominator", None)],
)
def test_an_area_whose_value_is_no_number_is_incomplete(column, value):
    held, _ = drawn(areas=60)
    first = pl.int_range(pl.len()) == 0
    held["m0"] = held["m0"].with_columns(
        pl.when(first).then(pl.lit(value, pl.Float64)).otherwise(column).alias(column)
    )
    members = [member(f"m{n}") for n in range(4)]
    fitted = fit(held, members)
    without = fit({name: frame.tail(59) for name, frame in drawn(areas=60)[0].items()}, members)
    assert (fitted.areas, fitted.incomplete) == (59, 1)
    assert fitted.values.equals(without.values)
    none = held | {"m0": held["m0"].with_columns(pl.lit(float("nan")).alias("numerator"))}
    assert fit(none, members).left_out == {"m0": "the reference does not hold it"}


def test_members_without_data_or_variation_are_left_out_and_named():
    held, _ = drawn(members=5, areas=60)
    held["m0"] = held["m0"].with_columns(numerator=pl.lit(4.0))
    del held["m1"]
    fitted = fit(held, [member(f"m{n}") for n in range(5)])
    assert fitted.members == ("m2", "m3", "m4")
    assert fitted.left_out == {
        "m0": "it is the same everywhere",
        "m1": "the reference does not hold it",
    }
    assert fitted.reason is None


def test_two_members_are_no_index():
    fitted = fit(drawn(members=2)[0], [member("m0"), member("m1")])
    assert fitted.reason == "2 of its indicators have data; 3 are needed"
    assert fit({}, catalogue().members()).reason is not None


def test_the_summary_holds_everything_but_the_values():
    summary = fit(drawn()[0], [member(f"m{n}") for n in range(4)]).summary()
    assert "values" not in summary
    assert {"members", "left_out", "areas", "incomplete", "alpha", "item_rest", "reason"} <= set(
        summary
    )


def test_the_summary_is_json_with_the_weight_of_each_member():
    held, _ = drawn(members=5, areas=60)
    held["m0"] = held["m0"].with_columns(numerator=pl.lit(4.0))
    summary = fit(held, [member(f"m{n}") for n in range(5)]).summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["weights"] == dict.fromkeys(["m1", "m2", "m3", "m4"], 0.25)
    assert summary["left_out"] == {"m0": "it is the same everywhere"}
    none = fit({}, catalogue().members()).summary()
    assert none["weights"] == {}
    assert json.loads(json.dumps(none, allow_nan=False)) == none
