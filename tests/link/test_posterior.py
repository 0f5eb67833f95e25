"""Odds against nobody, by hand from the definition: a stranger, or a mate who is off the register."""

from dataclasses import replace
from datetime import date
from math import log2

import numpy as np
import polars as pl
import pytest
from hand_model import drawn_model, in_full, level_of, sources_of, weighed, weight_of
from people import register, source

from pophealth_link.link import LinkSpec
from pophealth_link.link import model as models
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS
from pophealth_link.link.posterior import against_nobody, weighed_against
from pophealth_link.link.probabilistic import weigh
from pophealth_link.link.records import stack

HOME = {
    "row": "straight", "given": "nickname", "family": "exact", "birth": "close", "sex": "exact",
    "middle": None, "household": "dwelling",
}  # fmt: skip
TWIN = HOME | {"given": "different", "birth": "exact"}
NAMESAKE = HOME | {"given": "exact", "birth": "generation"}
AWAY = HOME | {"household": "outward"}
ONE = sources_of({"care": [1]})


def logit(share):
    return log2(share / (1 - share))


def odds_of_mate(model, levels, joint=0.0):
    """Odds that nobody is an unregistered mate of the candidate rather than a stranger.

    Some of the unregistered live with registered people, as far as these share dwellings, each as
    likely with any of them. A mate has the candidate's address as a true record has it, and else
    agrees as members of a household do.
    """
    home = level_of(model, "household", "dwelling")
    odds = model.mates * model.sharing / model.register_size * home.m / home.u * 2**joint
    for name, level in in_full(levels).items():
        if level and COMPARISONS[name].by_dwelling:
            plain = level_of(model, name, level.removesuffix(AT_HOME))
            odds *= level_of(model, name, level).u / plain.u
    return odds


def scored(model, levels, *, share=None, young=False, sources=ONE):
    pairs = weighed([(7, 1, weight_of(model, levels), levels)], young=young).drop("mate")
    found = against_nobody(pairs, model, sources, share=share)
    assert found.columns == ["rid_l", "rid_r", "match_weight"]
    return found["match_weight"].item()


@pytest.mark.parametrize("seed", range(6))
def test_odds_against_nobody_are_those_against_stranger_and_mate(seed):
    model = drawn_model(seed)
    levels = HOME | {"middle": "initial"}
    true = 2 ** weight_of(model, levels)
    expected = np.log2(true / (1 + odds_of_mate(model, levels)))
    assert scored(model, levels, share=model.on_register) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_elsewhere_nobody_is_a_stranger(seed):
    model = drawn_model(seed)
    bits = weight_of(model, AWAY)
    assert scored(model, AWAY, share=model.on_register) == pytest.approx(bits, abs=1e-5)


@pytest.mark.parametrize(
    ("levels", "young", "joint"),
    [
        (TWIN, True, 6.0),
        (TWIN, False, 0.0),  # twins who live together are young
        (TWIN | {"birth": "close"}, True, 0.0),
        (TWIN | {"given": "close"}, True, 0.0),
        (NAMESAKE, False, 2.0),
        (NAMESAKE | {"birth": "near_year"}, True, 2.0),
        (NAMESAKE | {"birth": "exact"}, True, 0.0),
    ],
)
def test_a_mate_who_is_a_twin_or_a_namesake_is_likelier(levels, young, joint):
    model = drawn_model(3, joint={"twins": 6.0, "namesakes": 2.0})
    expected = weight_of(model, levels) - np.log2(1 + odds_of_mate(model, levels, joint))
    found = scored(model, levels, share=model.on_register, young=young)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("levels", [HOME, AWAY])
def test_a_share_that_is_given_shifts_by_the_difference_of_logits(levels):
    model = drawn_model(1)
    few, many = (scored(model, levels, share=share) for share in (0.1, 0.97))
    assert many - few == pytest.approx(logit(0.97) - logit(0.1), abs=1e-5)


def test_without_a_share_the_odds_are_those_that_the_source_teaches():
    model = drawn_model(2)
    rows = [(7, rid, weight_of(model, HOME) + 30, HOME) for rid in range(20)]
    pairs = weighed(rows).drop("mate")
    sources = sources_of({"care": range(15), "housing": range(15, 30)})
    learnt = weighed_against(pairs, model, sources)
    expected = learnt["weight"].to_numpy() - np.log2(1 + np.exp2(learnt["mate"].to_numpy()))
    found = against_nobody(pairs, model, sources)
    assert found["match_weight"].to_numpy() == pytest.approx(expected, abs=1e-5)
    # The pairs are 30 bits heavier than the levels say, and so is their mate.
    mates = odds_of_mate(model, HOME) * 2**30
    assert np.exp2(learnt["mate"].to_numpy()) == pytest.approx(mates, rel=1e-4)


def test_a_mate_of_one_candidate_stands_against_all_of_the_record():
    model = drawn_model(4)
    rows = [(7, 1, weight_of(model, HOME), HOME), (8, 1, weight_of(model, AWAY), AWAY)]
    found = against_nobody(weighed(rows).drop("mate"), model, ONE, share=model.on_register)
    nobody = np.log2(1 + odds_of_mate(model, HOME))
    expected = [weight_of(model, levels) - nobody for levels in (HOME, AWAY)]
    assert found["match_weight"].to_list() == pytest.approx(expected, abs=1e-5)


def test_two_mates_count_for_no_less_than_one_and_no_more_than_both():
    model = drawn_model(4)
    rows = [(7, 1, weight_of(model, HOME), HOME), (8, 1, weight_of(model, TWIN), TWIN)]
    found = against_nobody(weighed(rows).drop("mate"), model, ONE, share=model.on_register)
    mates = [odds_of_mate(model, levels) for levels in (HOME, TWIN)]
    nobody = 2 ** (weight_of(model, HOME) - found["match_weight"][0])
    assert 1 + max(mates) - 1e-5 <= nobody <= 1 + sum(mates) + 1e-5


def test_records_do_not_stand_against_one_another_here():
    model = drawn_model(5)
    rows = [(7, rid, weight_of(model, HOME), HOME) for rid in (1, 2)]
    sources = sources_of({"care": [1, 2]})
    both = against_nobody(weighed(rows).drop("mate"), model, sources, share=0.5)
    assert both["match_weight"].to_list() == [scored(model, HOME, share=0.5)] * 2


def default_at(size: int, *, sharing: float, people_at_home: float = 3.0) -> models.Model:
    """The shipped model where everybody lives with so many others."""
    model = models.load("default")
    household = list(model.levels["household"])
    household[0] = replace(household[0], u=(people_at_home - 1) / (size - 1))
    levels = {**model.levels, "household": tuple(household)}
    return replace(model, levels=levels, register_size=size, sharing=sharing)


EXACT = HOME | {"given": "exact", "birth": "exact"}


@pytest.mark.parametrize("size", [5_000, 200_000])
def test_a_mate_loses_where_a_mate_is_likely_and_the_person_does_not(size):
    model, least = default_at(size, sharing=0.9), logit(LinkSpec().accept_probability)
    assert scored(model, EXACT, share=0.9) > least + 3
    # A twin, a father of the same name, a sister: on no register, they are left unlinked.
    assert scored(model, TWIN, share=0.9, young=True) < least
    assert scored(model, NAMESAKE, share=0.9) < least
    assert scored(model, TWIN | {"birth": "near_year"}, share=0.9) < least


def test_a_twin_is_likelier_than_the_person_where_mates_agree_as_often():
    """By hand: true persons are called otherwise in 1 of 100, and all unregistered are mates."""
    model = drawn_model(0, on_register=0.5, mates=0.999, sharing=1.0, joint={"twins": 7.0})
    bits = {"given": (0.01, 0.94), "family": (0.95, 0.7), "birth": (0.95, 0.01), "sex": (0.99, 0.5)}
    levels = {
        name: tuple(
            replace(v, m=bits[name][0], u=bits[name][1], adjust=0.0)
            if v.name == TWIN[name] + AT_HOME
            else v
            for v in model.levels[name]
        )
        for name in bits
    }
    straight, *others = model.levels["row"]
    rows = (replace(straight, m=0.99, adjust=0.0), *others)
    house, *more = model.levels["household"]
    home = (replace(house, m=0.9, u=1e-4, adjust=0.0), *more)
    made = replace(model, levels={**model.levels, **levels, "row": rows, "household": home})
    # 0.99 · 0.01 · 0.95 · 0.95 · 0.99 against 0.999 · 0.94 · 0.7 · 0.01 · 0.5 · 2^7; the stranger is
    # out of the question.
    expected = log2(0.99 * 0.01 * 0.95**2 * 0.99) - log2(0.999 * 0.94 * 0.7 * 0.01 * 0.5 * 2**7)
    found = scored(made, TWIN, share=0.5, young=True)
    assert found == pytest.approx(expected, abs=0.05)
    assert found < -5


def test_the_fewer_people_share_a_dwelling_the_less_a_mate_counts():
    many, few = (default_at(50_000, sharing=sharing) for sharing in (0.9, 0.001))
    assert scored(few, NAMESAKE, share=0.9) > scored(many, NAMESAKE, share=0.9) + 3


def test_the_order_of_pairs_changes_nothing():
    model = drawn_model(6)
    levels = [HOME, AWAY, TWIN, NAMESAKE]
    rows = [(7 + i, 1, weight_of(model, each), each) for i, each in enumerate(levels)]
    pairs = weighed(rows).drop("mate")
    found = against_nobody(pairs, model, ONE, share=0.7).sort("rid_l")
    turned = against_nobody(pairs.reverse(), model, ONE, share=0.7).sort("rid_l")
    assert found.equals(turned)
    assert found["match_weight"].dtype == pl.Float64


@pytest.mark.parametrize(("uprn", "household"), [("11", "dwelling"), (None, "postcode")])
def test_splink_weighs_pairs_as_the_definition_does(uprn, household):
    """With the part of the adjustment for how common a name is that its level makes."""
    born = date(1950, 5, 17)
    care = source("care", [("a", None, "Margaret", "Okafor", born, "2", "XA1 1AA", uprn)])
    records = stack([register(), care], register())
    sides = records.filter("on_register"), records.filter(~pl.col("on_register"))
    model = models.load("default")
    placed = model.at_register(sides[0])
    found = weigh(*sides, model, floor=1e-15).sort("weight").tail(1).row(0, named=True)
    exact = dict.fromkeys(("given", "family", "birth", "sex"), "exact")
    levels = {"row": "straight", "middle": None, "household": household} | exact
    assert {name: found[name] for name in COMPARISONS} == in_full(levels)
    # One of six people is a Margaret, two are Okafors.
    share = {"given": 1 / 6, "family": 2 / 6}
    common = sum(
        COMPARISONS[name].rules[0].frequency_weight * log2(level_of(model, name, "exact").u / each)
        for name, each in share.items()
    )
    assert found["weight"] == pytest.approx(weight_of(placed, levels) + common, abs=1e-4)
    assert found["young"] is False
