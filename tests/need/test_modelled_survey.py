"""Survey tables: what is refused, and rates raked to their margins."""

import hashlib
import tomllib

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from survey_tables import nation, row, survey, table

from pophealth_link.errors import DataError
from pophealth_link.need.raking import rake
from pophealth_link.need.survey import KEY, england, read, shipped, together, with_shipped
from pophealth_link.need.survey_rates import ASSUMED_DESIGN_EFFECT, nation_people, set_rates
from pophealth_link.published import reference_file

NATION = nation_people(nation())


def rates(*rows, people=NATION, seed=1):
    return set_rates(survey(*rows).rates, people, seed)


@pytest.mark.parametrize(
    "name", ["survey_apms", "survey_mhcyp", "survey_cfas", "population_england"]
)
def test_shipped_tables_are_those_that_their_sources_describe(name):
    about = tomllib.loads(reference_file(f"{name}.source.toml").read_text("utf-8"))
    assert about["sha256"] == hashlib.sha256(reference_file(f"{name}.csv").read_bytes()).hexdigest()
    assert all(about[key] for key in ("publisher", "title", "licence", "date"))


def test_shipped_rates_are_the_published_ones():
    """Headline rates of the three reports, each with its year."""
    held = together(shipped())

    def rate(**where):
        return held.filter(**where)["rate"].to_list()

    cmhc = {"condition": "common mental health condition", "sex": "all", "age_to": 64}
    assert rate(**cmhc, role="margin", year="2014") == [18.9]
    assert rate(**cmhc, role="margin", year="2023/4") == [22.6]
    children = held.filter(survey_group="children", role="margin")
    assert children["rate"].to_list() == [15.7, 22.6, 23.3, 21.7]
    assert held.filter(condition="dementia")["rate"].to_list() == [7.7, 4.9]
    assert held["year"].null_count() == 0
    assert england()["people"].sum() == 56_550_138


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(year=None)], "without its vintage"),
        ([row(year="unknown")], "year of four digits"),
        ([row(year="2023/4"), row(year="23/4")], "1 rows .* year of four digits"),
        ([row(rate=101)], "beyond 0 to 100"),
        ([row(rate=None)], "have no rate"),
        ([row(age_from=70, age_to=60)], "impossible ages"),
        ([row(age_from=20, age_to=200)], "impossible ages"),
        ([row(age_from=95)], "counted together"),
        ([row(lower=5)], "one limit without the other"),
        ([row(lower=11, upper=12)], "outside their limits"),
        ([row(quintile=1)], "quintile"),
        ([row(base=0)], "no respondents"),
        ([row(sex="women")], "none of all, female, male"),
        ([row(rate="ten")], "no number"),
        ([row(age_from=16, age_to=30), row(age_from=30, age_to=40)], "the same people"),
        ([row(sex="all"), row(sex="male")], "the same people"),
        ([row("margin", 16, 24), row(age_from=16, age_to=30)], "a part of their people"),
        ([row("margin", 16, 24), row(age_from=30)], "margins hold no rate"),
        ([row("rest", 16, 24, rate=None)], "lie in no margin"),
        ([row(age_from=5)], "do not fit"),
        ([row(survey_group="children", age_from=8, age_to=30)], "do not fit"),
        (
            [row(age_from=20, age_to=25), row(age_from=16, age_to=19, survey_group="children")],
            "mix adults and children",
        ),
        ([row(), row("deprivation", quintile=1)], "all five quintiles"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(rows, said):
    with pytest.raises(DataError, match=said):
        survey(*rows)


def test_every_problem_is_told_at_once_and_no_value():
    with pytest.raises(DataError) as raised:
        survey(row(year=None, rate=654.321), row(age_from=70, age_to=60))
    assert "year" in str(raised.value)
    assert "beyond 0 to 100" in str(raised.value)
    assert "654" not in str(raised.value)


def test_a_file_is_read_with_its_source(tmp_path):
    path = tmp_path / "rates.csv"
    table(row(), row(condition="other", year="2020", rate="0.5")).write_csv(path)
    with pytest.raises(DataError, match=r"rates\.source\.toml does not exist"):
        read(path)
    about = tmp_path / "rates.source.toml"
    about.write_text('publisher = "P"\ntitle = "T"\ndate = 2026-01-01\n', "utf-8")
    with pytest.raises(DataError, match="licence"):
        read(path)
    about.write_text('publisher = "P"\ntitle = "T"\nlicence = "L"\ndate = 2026-01-01\n', "utf-8")
    assert read(path).rates["rate"].to_list() == [10.0, 0.5]
    table(row()).drop("year").write_csv(path)
    with pytest.raises(DataError, match="year"):
        read(path)


def test_the_same_set_in_two_tables_is_refused():
    with pytest.raises(DataError, match="two survey tables"):
        together([survey(row()), survey(row(rate=11))])


def own_table(**more):
    """Common mental health conditions of 2023/4, as a table of a job's own."""
    named = {
        "survey": "Adult Psychiatric Morbidity Survey",
        "year": "2023/4",
        "condition": "common mental health condition",
    }
    return survey(row(rate=20, lower=18, upper=22, **named | more))


def test_a_table_of_ones_own_takes_the_place_of_the_shipped_one():
    own = own_table()
    held = with_shipped([own])
    rates = together(held)
    same = {name: own.rates[name][0] for name in ("survey", "year", "condition")}
    assert rates.filter(**same)["rate"].to_list() == [20.0]
    # Other years and conditions of the shipped table stay, row for row.
    others = together(shipped()).filter(~pl.all_horizontal(pl.col(n) == v for n, v in same.items()))
    assert rates.filter(~pl.all_horizontal(pl.col(n) == v for n, v in same.items())).equals(others)
    assert [each.replaces for each in held if each.replaces] == [(tuple(same.values()),)]


def test_a_table_of_another_year_stands_beside_the_shipped_ones():
    held = with_shipped([own_table(year="2030")])
    assert together(held).height == together(shipped()).height + 1
    assert not any(each.replaces for each in held)
    with pytest.raises(DataError, match="two survey tables"):
        together(with_shipped([own_table(), own_table()]))


def test_phase_one_of_2023_4_has_limits_of_its_6912_respondents():
    """Published interviews (NHS England, Introduction); conditions of phase two have none."""
    held = together(shipped()).filter(year="2023/4")
    phase_two = pl.col("condition").is_in(["psychotic disorder", "autism"])
    assert held.filter(~phase_two)["sample"].unique().to_list() == [6912]
    assert held.filter(~phase_two)["sample_age_from"].unique().to_list() == [16]
    assert held.filter(phase_two)["sample"].null_count() == held.filter(phase_two).height == 2
    people = nation_people(england())
    screened = set_rates(held.filter(pl.col("condition").str.starts_with("attention")), people, 1)
    low, high = np.percentile(screened.draws[:, 0, 0], [2.5, 97.5])
    # 13.9 % ± 1.96·√(1.5·0.139·0.861/6912).
    assert (low, high) == (pytest.approx(0.129, abs=0.0015), pytest.approx(0.149, abs=0.0015))
    assert screened.parts[0].limits == "assumed"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 6), columns=st.integers(1, 6))
def test_raking_meets_both_margins_and_keeps_the_odds(seed, rows, columns):
    rng = np.random.default_rng(seed)
    start = rng.uniform(0.5, 2, (rows, columns))
    across, down = rng.uniform(1, 5, rows), rng.uniform(1, 5, columns)
    made = rake(start, across, down)
    assert made.sum(axis=1) == pytest.approx(across, rel=1e-6)
    assert made.sum(axis=0) == pytest.approx(down * across.sum() / down.sum(), rel=1e-6)
    odds = np.log(made / start)
    flat = odds - odds.mean(axis=0) - odds.mean(axis=1, keepdims=True) + odds.mean()
    assert flat == pytest.approx(np.zeros_like(flat), abs=1e-6)


def test_cells_are_raked_to_their_margin():
    """10 % of women and 20 % of men are 15 % of both; a margin of 18 % puts a fifth on each."""
    made = rates(row("margin", 16, 24, rate=18), row(age_from=16, age_to=24, sex="female", rate=10),
                 row(age_from=16, age_to=24, sex="male", rate=20))  # fmt: skip
    assert made.point[:, 0] == pytest.approx([0.12, 0.24])
    (part,) = made.parts
    assert (part.age_from, part.age_to, part.sex, part.raked) == (16, 24, "all", 18.0)


def test_what_a_margin_leaves_is_the_rest():
    """9 years at 30 % and 40 years at x are 49 years at 20 %: x = (49·20 − 9·30)/40."""
    made = rates(row("margin", 16, 64, rate=20), row(age_from=16, age_to=24, rate=30),
                 row("rest", 25, 64, rate=None))  # fmt: skip
    assert made.point[:, 0] == pytest.approx([0.30, (49 * 20 - 9 * 30) / 4000])
    with pytest.raises(DataError, match="does not go with its rates"):
        rates(row("margin", 16, 64, rate=2), row(age_from=16, age_to=24, rate=90),
              row("rest", 25, 64, rate=None))  # fmt: skip


def test_rates_by_deprivation_meet_the_margins_of_cells_and_quintiles():
    fifths = [
        row("deprivation", quintile=q, rate=r)
        for q, r in zip(range(1, 6), (26, 22, 20, 18, 16), strict=True)
    ]
    made = rates(row(sex="female", rate=24), row(sex="male", rate=16), *fifths)
    people = np.einsum("cas,asq->cq", made.masks, NATION)
    cases = made.point * people
    assert cases.sum(axis=1) / people.sum(axis=1) == pytest.approx([0.24, 0.16], rel=1e-6)
    by_fifth = cases.sum(axis=0) / people.sum(axis=0)
    # Quintiles keep their proportions; their level is that of the cells (20 %, against 20.4 %).
    assert by_fifth * 20.4 / 20 == pytest.approx([0.26, 0.22, 0.20, 0.18, 0.16], rel=1e-6)


def test_draws_have_the_published_limits():
    made = rates(row(rate=22.6, lower=21.1, upper=24.2))
    low, high = np.percentile(made.draws[:, 0, 0], [2.5, 97.5])
    assert (low, high) == (pytest.approx(0.211, abs=0.003), pytest.approx(0.242, abs=0.003))
    assert made.parts[0].limits == "published"


def test_draws_from_respondents_have_the_width_of_a_proportion():
    """Against scipy's Wilson interval of the effective sample, which a logit-normal is close to."""
    made = rates(row(rate=20, base=1500, design_effect=1.5))
    low, high = np.percentile(made.draws[:, 0, 0], [2.5, 97.5])
    wilson = scipy_stats.binomtest(200, 1000).proportion_ci(method="wilson")
    assert (low, high) == (
        pytest.approx(wilson.low, abs=0.004),
        pytest.approx(wilson.high, abs=0.004),
    )
    assumed = rates(row(rate=20, sample=1500))
    assert assumed.parts[0].limits == "assumed"
    assert ASSUMED_DESIGN_EFFECT == 1.5
    assert assumed.draws.std() == pytest.approx(made.draws.std(), rel=1e-9)


@pytest.mark.parametrize("size", [50, 1500])
def test_a_rate_of_none_has_the_limits_of_a_count_of_none(size):
    """Nobody of n: up to 3 of n are not ruled out (rule of three), 3.7 two-sided."""
    none = rates(row(rate=0, base=size, design_effect=1))
    assert none.point[0, 0] == 0
    assert np.percentile(none.draws, 97.5) >= 3.6889 / size
    # All of n is none of n turned round.
    every = rates(row(rate=100, base=size, design_effect=1))
    assert np.percentile(every.draws, 2.5) <= 1 - 3.6889 / size


def test_published_limits_of_none_and_of_all_are_met():
    none = rates(row(rate=0, lower=0, upper=2))
    assert np.percentile(none.draws, 97.5) == pytest.approx(0.02, rel=0.3)
    every = rates(row(rate=100, lower=98, upper=100))
    assert np.percentile(every.draws, 2.5) == pytest.approx(0.98, abs=0.006)


def test_a_margin_over_rates_that_are_all_zero():
    cells = [row(age_from=16, age_to=24, sex=sex, rate=0, base=100) for sex in ("female", "male")]
    with pytest.raises(DataError, match="does not go with its rates"):
        rates(row("margin", 16, 24, rate=5, base=200), *cells)
    none = rates(row("margin", 16, 24, rate=0, base=200), *cells)
    assert (none.point == 0).all()
    assert np.isfinite(none.draws).all()
    # Cells that nothing is known of vary as their margin does.
    bare = [row(age_from=16, age_to=24, sex=sex, rate=0) for sex in ("female", "male")]
    drawn = rates(row("margin", 16, 24, rate=0, base=200), *bare).draws
    assert np.percentile(drawn, 97.5) >= 3.6889 / 200


def test_a_margin_of_people_whom_the_nation_lacks_is_refused():
    empty = nation_people(nation().filter(pl.col("age") > 30))
    cells = [row("margin", 16, 24, rate=5), row(age_from=16, age_to=24, rate=5)]
    with pytest.raises(DataError, match="nobody"):
        rates(*cells, people=empty)


def test_a_sample_is_shared_out_by_the_nations_ages():
    """A quarter of the sample's ages has a quarter of its respondents: twice the error."""
    whole = rates(row(age_from=20, age_to=59, rate=20, sample=1600))
    part = rates(
        row(age_from=20, age_to=29, rate=20, sample=1600, sample_age_from=20, sample_age_to=59)
    )
    assert part.draws.std() / whole.draws.std() == pytest.approx(2, rel=0.05)


def test_a_set_without_anything_to_make_limits_of_has_none():
    made = rates(row(rate=0.5))
    assert made.parts[0].limits == "none"
    assert made.draws.std() == 0


def test_draws_of_a_set_depend_on_the_seed_and_on_no_other_set():
    both = survey(row(rate=20, base=500), row(condition="other", rate=20, base=500)).rates
    groups = [rows for _, rows in both.group_by(KEY, maintain_order=True)]
    first, second = (set_rates(rows, NATION, 1).draws for rows in groups)
    alone = rates(row(rate=20, base=500)).draws
    assert (first == alone).all()
    assert not np.allclose(first, second)
    assert not np.allclose(first, rates(row(rate=20, base=500), seed=2).draws)


def test_the_nation_is_half_women_where_sexes_are_not_known():
    people = nation_people(nation(people=10.0))
    assert people.sum() == pytest.approx(910)
    assert (people[:, 0] == people[:, 1]).all()
    exact = pl.DataFrame(
        {"age": [95, 30], "sex": ["female", "male"], "quintile": [1, 5], "people": [3, 4]}
    )
    held = nation_people(exact)
    assert (held[90, 0, 0], held[30, 1, 4], held.sum()) == (3, 4, 7)


def test_adults_and_children_are_never_in_one_part():
    held = together(shipped())
    for _, rows in held.group_by(KEY):
        assert rows["survey_group"].n_unique() == 1
