"""The factor model and the ranks of the need index, on data whose loadings and order are known."""

import json

import numpy as np
import polars as pl
import pytest
from benchmarks.open_data_measures import OpenData, area_measures, residents
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.indicators import Indicator, area, catalogue
from pophealth_link.need.factor import analyse, chance_eigenvalue, fitted
from pophealth_link.need.index import FACTOR, WEIGHTS, fit
from pophealth_link.need.index_ranks import membership as membership_of
from pophealth_link.need.index_ranks import ranks
from pophealth_link.report.need_index import index_card
from pophealth_link.schema.outputs_modelled import INDEX_MEMBERS, INDEX_RANKS

ONE = np.array([[0.9], [0.8], [0.7], [0.6], [0.5], [0.4]])
TWO = np.array([[0.8, 0.0], [0.7, 0.0], [0.6, 0.0], [0.0, 0.7], [0.0, 0.6], [0.0, 0.5]])


def drawn(loadings, areas, seed=1):
    """Standard normal factors, and indicators with those loadings and a variance of 1."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(areas, loadings.shape[1]))
    unique = np.sqrt(1 - (loadings**2).sum(axis=1))
    return factors, factors @ loadings.T + rng.normal(size=(areas, len(loadings))) * unique


def implied(loadings):
    made = loadings @ loadings.T
    return made - np.diag(np.diag(made)) + np.eye(len(loadings))


INCOME = catalogue()["income_deprived"]


def member(name, direction=1, role="need"):
    base = INCOME
    fields = {key: getattr(base, key) for key in base.__slots__}
    return Indicator(**(fields | {"id": name, "direction": direction, "role": role}))


def index_of(values, directions=None, roles=None):
    names = [f"m{n}" for n in range(values.shape[1])]
    signs = directions or [1] * len(names)
    kinds = roles or ["need"] * len(names)
    codes = [f"E{n:05d}" for n in range(len(values))]
    held = {
        name: pl.DataFrame({"lsoa_code": codes, "numerator": values[:, n] + 10.0}).with_columns(
            denominator=pl.lit(1.0)
        )
        for n, name in enumerate(names)
    }
    members = [member(*each) for each in zip(names, signs, kinds, strict=True)]
    return fit(held, members)


def test_known_loadings_of_one_factor_are_recovered():
    _, values = drawn(ONE, 20_000)
    found = analyse(np.corrcoef(values.T), 20_000)
    assert found.loadings.shape == (6, 1)
    assert found.loadings == pytest.approx(ONE, abs=0.02)
    assert found.uniquenesses == pytest.approx(1 - (ONE**2).ravel(), abs=0.03)
    assert not found.heywood


def test_known_loadings_of_two_factors_are_recovered():
    _, values = drawn(TWO, 20_000)
    found = analyse(np.corrcoef(values.T), 20_000)
    assert found.loadings == pytest.approx(TWO, abs=0.03)
    assert found.communalities == pytest.approx((TWO**2).sum(axis=1), abs=0.03)
    # Shares of the common variance, by hand: 1.49 and 1.10 of 2.59.
    assert found.shares == pytest.approx([1.49 / 2.59, 1.10 / 2.59], abs=0.02)


@settings(max_examples=25, deadline=None)
@given(loadings=st.lists(st.floats(0.3, 0.9), min_size=4, max_size=8))
def test_exact_correlations_give_exact_loadings(loadings):
    exact = np.array(loadings)[:, np.newaxis]
    found = fitted(implied(exact), 1)
    assert found.loadings == pytest.approx(exact, abs=5e-3)
    # Determinacy of a one-factor score, by the closed form: a/(1 + a), a = Σ λ²/ψ.
    ratio = (exact**2 / (1 - exact**2)).sum()
    assert found.determinacy == pytest.approx(ratio / (1 + ratio), abs=5e-3)
    omega = exact.sum() ** 2 / (exact.sum() ** 2 + (1 - exact**2).sum())
    assert found.omega == pytest.approx(omega, abs=5e-3)


def test_the_likelihood_is_at_its_maximum():
    """No loadings nearby fit better: log|Σ| + tr(R Σ⁻¹) is least at the solution."""
    _, values = drawn(ONE, 300, seed=4)
    related = np.corrcoef(values.T)

    def misfit(loadings, unique):
        model = loadings @ loadings.T + np.diag(unique)
        return np.linalg.slogdet(model)[1] + np.trace(np.linalg.solve(model, related))

    found = fitted(related, 1)
    best = misfit(found.loadings, found.uniquenesses)
    rng = np.random.default_rng(1)
    for _ in range(50):
        shift = rng.normal(size=6) * 0.02
        near = found.loadings + shift[:, np.newaxis]
        other = np.abs(found.uniquenesses + rng.normal(size=6) * 0.02)
        assert misfit(near, other) >= best - 1e-6


def test_determinacy_is_the_squared_correlation_with_the_true_factor():
    factors, values = drawn(ONE, 20_000, seed=3)
    found = analyse(np.corrcoef(values.T), 20_000)
    score = ((values - values.mean(axis=0)) / values.std(axis=0)) @ found.weights
    assert np.corrcoef(score, factors[:, 0])[0, 1] ** 2 == pytest.approx(
        found.determinacy, abs=0.015
    )


def test_chance_makes_the_eigenvalues_that_simulated_data_have():
    rng = np.random.default_rng(5)
    made = [np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(400, 6)).T))[-2] for _ in range(400)]
    assert chance_eigenvalue(6, 400, 1) == pytest.approx(np.percentile(made, 95), abs=0.015)


def test_noise_has_no_second_factor():
    _, values = drawn(ONE, 2_000, seed=2)
    assert analyse(np.corrcoef(values.T), 2_000).loadings.shape[1] == 1


def test_the_index_of_enough_areas_is_a_factor_score():
    factors, values = drawn(ONE, 1_000)
    index = index_of(values)
    assert (index.method, index.method_reason) == (FACTOR, None)
    score = index.values["value"].to_numpy()
    assert (score.mean(), score.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))
    assert np.corrcoef(score, factors[:, 0])[0, 1] > 0.9
    summary = index.summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert sum(summary["weights"].values()) == pytest.approx(1, abs=1e-5)
    assert summary["loadings"]["m0"][0] == pytest.approx(0.9, abs=0.05)
    assert summary["factors"] == [1.0]


def test_few_areas_have_stated_equal_weights_and_the_reason():
    _, values = drawn(ONE, 299)
    index = index_of(values)
    assert index.method == WEIGHTS
    assert index.method_reason == "299 areas are complete; factor analysis takes 300"
    assert index_of(drawn(ONE, 300)[1]).method == FACTOR


def test_a_member_that_runs_against_the_others_is_told():
    _, values = drawn(ONE, 1_000)
    index = index_of(values, directions=[1, 1, -1, 1, 1, 1])
    assert index.against == ("m2",)
    assert index.parts.loadings["m2"][0] < 0
    assert index_of(values).against == ()


def test_supply_and_use_are_no_members():
    _, values = drawn(ONE, 1_000)
    index = index_of(values, roles=["need", "use", "context", *["need"] * 3])
    assert index.members == ("m0", "m3", "m4", "m5")
    assert index.left_out == {
        "m1": "it measures use, not need",
        "m2": "it measures context, not need",
    }


def test_a_member_that_is_a_factor_by_itself_is_left_out():
    """One indicator is the factor itself: without it the others have loadings of their own."""
    factors, values = drawn(ONE, 2_000)
    index = index_of(np.column_stack([values, factors]))
    assert index.method == FACTOR
    assert "m6" in index.left_out
    assert "factor by itself" in index.left_out["m6"]
    assert index.parts.loadings["m0"][0] == pytest.approx(0.9, abs=0.04)


def test_members_that_say_the_same_have_equal_weights():
    _, values = drawn(ONE, 500)
    index = index_of(np.column_stack([values, values[:, 0] * 3]))
    assert (index.method, index.method_reason) == (WEIGHTS, "two members or more say the same")


def test_the_table_of_members_names_every_indicator():
    _, values = drawn(TWO, 3_000)
    table = index_of(values, roles=["need", "need", "need", "need", "need", "use"]).table()
    assert table.schema == INDEX_MEMBERS.polars_schema
    assert table["indicator"].to_list() == [f"m{n}" for n in range(6)]
    assert table.filter(indicator="m5")["left_out"].item() is not None
    assert table.filter(indicator="m0").select("left_out", "method").row(0) == (None, "factor")


def membership(count, places=10):
    return pl.DataFrame(
        {
            "lsoa_code": [f"E{n:05d}" for n in range(count)],
            "footprint_type": ["pcn"] * count,
            "footprint_code": [f"U{n % places}" for n in range(count)],
            "footprint_name": [f"U{n % places}" for n in range(count)],
            "people": [1000 + n % 7 for n in range(count)],
        }
    )


def test_ranks_are_an_order_of_the_index():
    _, values = drawn(ONE, 400)
    index = index_of(values)
    found = ranks(index, membership(400), seed=1, resamples=50)
    assert found.schema == INDEX_RANKS.polars_schema
    lsoas = found.filter(area_type="lsoa").sort("rank")
    assert lsoas["rank"].to_list() == list(range(1, 401))
    assert lsoas["index"].is_sorted(descending=True)
    inside = (found["rank_lower"] <= found["rank"]) & (found["rank"] <= found["rank_upper"])
    assert inside.all()
    assert found["rank_lower"].min() >= 1
    assert (found["rank_upper"] <= found["areas"]).all()
    # A footprint's index is the people-weighted mean of its LSOAs, by hand.
    own = membership(400).filter(footprint_code="U3").join(index.values, on="lsoa_code")
    mean = (own["value"] * own["people"]).sum() / own["people"].sum()
    assert found.filter(area_code="U3")["index"].item() == pytest.approx(mean, abs=1e-5)


def test_rank_intervals_hold_the_true_rank():
    """The true factor is known: 95 % intervals of its rank hold it in about 95 of 100 areas."""
    factors, values = drawn(ONE, 800, seed=6)
    found = (
        ranks(index_of(values), membership(800), seed=2).filter(area_type="lsoa").sort("area_code")
    )
    truth = (-factors[:, 0]).argsort().argsort() + 1
    held = (found["rank_lower"].to_numpy() <= truth) & (truth <= found["rank_upper"].to_numpy())
    assert 0.92 <= held.mean() <= 0.98


def test_ranks_of_noisier_indicators_are_less_sure():
    def width(loadings):
        found = ranks(index_of(drawn(loadings, 400)[1]), membership(400), seed=1, resamples=60)
        rows = found.filter(area_type="lsoa")
        return float((rows["rank_upper"] - rows["rank_lower"]).mean())

    assert width(np.full((5, 1), 0.9)) < width(np.full((5, 1), 0.5))


def test_ranks_are_the_same_with_the_same_seed_and_any_row_order():
    index = index_of(drawn(ONE, 350)[1])
    once = ranks(index, membership(350), seed=3, resamples=20)
    again = ranks(index, membership(350).reverse(), seed=3, resamples=20)
    assert once.equals(again)
    assert not once.equals(ranks(index, membership(350), seed=4, resamples=20))


def test_stated_weights_have_ranks_too_and_no_index_has_none():
    index = index_of(drawn(ONE, 100)[1])
    assert index.method == WEIGHTS
    assert ranks(index, membership(100), seed=1, resamples=20).height == 110
    none = index_of(drawn(ONE, 20)[1])
    assert none.reason is not None
    assert ranks(none, membership(20), seed=1).is_empty()
    assert none.table()["left_out"].null_count() == 0


def test_only_areas_of_the_footprints_are_shown_among_all():
    index = index_of(drawn(ONE, 400)[1])
    found = ranks(index, membership(400).head(40), seed=1, resamples=20)
    lsoas = found.filter(area_type="lsoa")
    assert lsoas.height == 40
    assert lsoas["areas"].unique().to_list() == [400]
    assert lsoas["rank"].max() > 40


def test_memberships_are_those_of_residents():
    units = pl.DataFrame(
        {
            "basis": ["resident", "resident", "resident", "registered", "resident"],
            "unit": ["E1", "E1", "E2", "P1", "no_postcode"],
            "footprint_type": ["pcn"] * 5,
            "footprint_code": ["U1", "U2", "U2", "U1", "no_postcode"],
            "footprint_name": ["One", None, None, "One", "No postcode"],
            "share": [0.25, 0.75, 1.0, 1.0, 1.0],
        }
    )
    areas = pl.DataFrame({"lsoa_code": ["E1", "E2"], "population": [1000, 300]})
    found = membership_of(units, areas)
    assert found.select("lsoa_code", "footprint_code", "footprint_name", "people").rows() == [
        ("E1", "U1", "One", 250.0),
        ("E1", "U2", "U2", 750.0),
        ("E2", "U2", "U2", 300.0),
    ]


@pytest.mark.slow
def test_the_index_of_all_england(open_data):
    """Every LSOA of England, from the published tables: a factor that all members load on."""
    data = OpenData(open_data)
    crimes = {
        "anti_social_behaviour": "anti_social_behaviour_rate_per_1_000_at_risk_population",
        "violence_with_injury": "violence_with_injury_rate_per_1_000_at_risk_population",
    }
    rates = data.scan("deprivation/iod2025_indicators_lsoa21").collect()
    rows = [
        rates.select(
            measure=pl.lit(name), area_type=pl.lit("lsoa"), area_code="lsoa21_code",
            value=pl.col(column).cast(pl.Float64),
        )
        for name, column in crimes.items()
    ]  # fmt: skip
    held = pl.concat([area_measures(data).collect(), *rows], how="diagonal_relaxed")
    places = residents(data).collect().select(
        "lsoa_code", pl.lit("").alias("lad_code"), "population", pl.lit("all").alias("stratum"),
        pl.col("population").alias("weight"), households=pl.lit(None, pl.Float64),
    )  # fmt: skip
    members = catalogue().members()
    index = fit({m.id: area.cells(m, places, held, 33_755) for m in members}, members)
    assert index.areas > 33_000
    assert index.method == FACTOR
    assert index.against == ()
    summary = index.summary()
    assert all(loading > 0.4 for loading, *_ in summary["loadings"].values())
    assert summary["determinacy"] > 0.85
    assert {"overcrowding_bedrooms", "housing_social_rented", "employment_deprived"} <= set(
        index.members
    )


def test_the_report_says_how_the_index_is_made():
    made = index_card(index_of(drawn(ONE, 500)[1]).summary(), {})
    assert any("score of one factor" in sentence for sentence in made.sentences)
    assert any("of the variance of what the indicators share" in each for each in made.sentences)
    stated = index_card(index_of(drawn(ONE, 200)[1]).summary(), {})
    assert any("mean of 6 indicators" in sentence for sentence in stated.sentences)
    assert any("factor analysis takes 300" in sentence for sentence in stated.sentences)
