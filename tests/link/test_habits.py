"""What the records of a source teach of it, by the formula and by what must not matter."""

from math import log2

import numpy as np
import polars as pl
import pytest
from hand_model import drawn_model, sources_of, weighed
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.link.comparisons import AT_HOME, COMPARISONS, context
from pophealth_link.link.habits import learnt, logit
from pophealth_link.link.model import load

# Bits beyond any doubt that a pair is one person, or is none.
SURE, NEVER = 300.0, -300.0
M_WORTH, SHARE_WORTH = 500, 50
MODEL = drawn_model(11)


def drawn_pairs(seed: int, first: int, count: int, bits=SURE) -> list[tuple]:
    """One pair for each of some records, at levels drawn at random, some of them silent."""
    rng = np.random.default_rng(seed)
    plain = {name: [rule.name for rule in each.rules] for name, each in COMPARISONS.items()}

    def levels():
        drawn = {name: rng.choice(told) for name, told in plain.items() if rng.random() < 0.9}
        return drawn | {"row": rng.choice(plain["row"])}

    return [(9000 + i, first + i, bits, levels()) for i in range(count)]


def change(pairs: pl.DataFrame, sources: pl.DataFrame, **more) -> np.ndarray:
    """By how many bits each pair weighs more, in the order of pairs."""
    found = learnt(pairs, MODEL, sources, **more)
    keys = ["rid_l", "rid_r"]
    both = pairs.join(found, on=keys, suffix="_learnt", maintain_order="left")
    assert both.height == pairs.height == found.height
    return (both["weight_learnt"] - both["weight"]).to_numpy()


def share_shift(linked: float, records: int) -> float:
    """What a source's share says: the model's counts as 50 records."""
    share = (linked + MODEL.on_register * SHARE_WORTH) / (records + SHARE_WORTH)
    return log2(share / (1 - share)) - log2(MODEL.on_register / (1 - MODEL.on_register))


def moved(name: str, seen: dict[str, float]) -> dict[str, float]:
    """Bits more of each level of one context, of which so many pairs were seen.

    The model counts as one pair at each level and as 500 more, so that a level which starts from m
    has (seen + 1 + 500 m) / (n + 500 + 1 / m), and the levels share one; no level more than doubles.
    """
    m = {v.name: v.m for v in MODEL.levels[name] if v.name in seen}
    n = sum(seen.values())
    drawn = {k: (seen[k] + 1 + M_WORTH * m[k]) / (n + M_WORTH + 1 / m[k]) for k in m}
    bits = {k: log2(drawn[k] / sum(drawn.values()) / m[k]) for k in m}
    return {k: min(v, 1.0) for k, v in bits.items()}


def by_formula(pairs: pl.DataFrame, likely: np.ndarray | None = None) -> np.ndarray:
    """Bits more of each pair, each one person as `likely`."""
    likely = np.ones(pairs.height) if likely is None else likely
    total = np.zeros(pairs.height)
    for name in set(COMPARISONS) - {"row"}:
        told = np.array([each or "" for each in pairs[name].to_list()])
        for where in {context(level.name) for level in MODEL.levels[name]}:
            own = [v.name for v in MODEL.levels[name] if context(v.name) == where]
            for level, bits in moved(name, {k: likely[told == k].sum() for k in own}).items():
                total += np.where(told == level, bits, 0.0)
    return total


def test_where_all_is_sure_weights_move_by_the_formula_source_by_source():
    care, housing = (drawn_pairs(seed, first, n) for seed, first, n in ((1, 0, 200), (2, 500, 90)))
    sources = sources_of({"care": range(200), "housing": range(500, 590)})
    found = change(weighed([*care, *housing]), sources)
    expected = [
        by_formula(weighed(rows)) + share_shift(len(rows), len(rows)) for rows in (care, housing)
    ]
    assert found == pytest.approx(np.concatenate(expected), abs=2e-5)
    # Much was there to be learnt.
    assert np.ptp(found) > 1


def test_doubtful_pairs_count_as_they_are_likely_with_what_was_learnt():
    """What was learnt is what the probabilities teach that come of it: expectation, maximisation."""
    sure, doubtful = drawn_pairs(7, 0, 400), drawn_pairs(8, 400, 80, bits=1.0)
    pairs = weighed([*sure, *doubtful])
    found = change(pairs, sources_of({"care": range(1500)}))
    odds = np.exp2(np.minimum(pairs["weight"].to_numpy() + found, 500))
    likely = odds / (1 + odds)
    expected = by_formula(pairs, likely) + share_shift(likely.sum(), 1500)
    assert found == pytest.approx(expected, abs=0.01)
    # Far from what all of them were taken for at first.
    assert np.ptp(likely[400:]) > 0.5


def test_a_habit_that_a_source_has_weighs_less_against_its_pairs():
    """Every second pair is of a level that is rare in the model: it is this source's habit."""
    usual = {"row": "straight", "given": "exact", "family": "exact", "household": "dwelling"}
    odd = usual | {"given": "sounds"}
    rows = [(9000 + i, i, SURE, odd if i % 2 else usual) for i in range(1000)]
    found = change(weighed(rows), sources_of({"care": range(1000)}))
    seen = {f"{rule.name}{AT_HOME}": 0 for rule in COMPARISONS["given"].rules}
    bits = moved("given", seen | {"exact_at_home": 500, "sounds_at_home": 500})
    assert found[1] - found[0] == pytest.approx(
        bits["sounds_at_home"] - bits["exact_at_home"], abs=1e-5
    )
    # Rare in the model, and every second here; what is common in a source tells nobody apart in it.
    assert bits["sounds_at_home"] == 1


def test_many_with_the_birthday_and_home_of_somebody_else_teach_little():
    """Both names different, all else the same: such pairs become four times as likely, no more."""
    usual = {"row": "straight", "given": "exact", "family": "exact", "household": "dwelling"}
    other = usual | {"given": "different", "family": "different"}
    rows = [(9000 + i, i, SURE, other if i % 2 else usual) for i in range(1000)]
    pairs = weighed(rows)
    found = learnt(pairs, load("default"), sources_of({"care": range(1000)}))
    gain = (found["weight"] - pairs["weight"]).to_numpy()
    # The two kinds share all but the names; half as many agree in both as the model expects.
    assert gain[1] - gain[0] < 2 + 2 * 1.0
    assert gain[1] - gain[0] > 2


@pytest.mark.parametrize(("linked", "records"), [(6, 10), (60, 60), (3, 400), (1, 1)])
def test_the_share_is_that_of_all_records_also_those_without_candidates(linked, records):
    pairs = weighed(drawn_pairs(3, 0, linked))
    found = change(pairs, sources_of({"care": range(records)}), learn_m=False)
    assert found == pytest.approx(share_shift(linked, records), abs=1e-5)


def test_pairs_that_are_nobody_teach_that_few_are_on_the_register_and_nothing_else():
    pairs = weighed(drawn_pairs(4, 0, 30, bits=NEVER))
    found = change(pairs, sources_of({"care": range(120)}))
    assert found == pytest.approx(share_shift(0, 120), abs=1e-5)


def test_a_pair_whose_mate_is_as_sure_is_nobody():
    pairs = weighed(drawn_pairs(5, 0, 30, bits=100.0), mate=SURE)
    found = change(pairs, sources_of({"care": range(30)}))
    assert found == pytest.approx(share_shift(0, 30), abs=1e-5)


def test_a_record_teaches_once_however_many_rivals_it_has():
    rows = drawn_pairs(6, 0, 40)
    sources = sources_of({"care": range(40)})
    rivals = [(left + 1000, *rest) for left, *rest in rows]
    alone, both = weighed(rows), weighed([*rows, *rivals])
    found = change(both, sources)
    assert found[:40] == pytest.approx(change(alone, sources), abs=1e-5)
    assert found[40:] == pytest.approx(found[:40], abs=1e-9)


def mixed(seed: int, first: int, count: int) -> pl.DataFrame:
    """Pairs of which most are doubtful, two for every second record."""
    rng = np.random.default_rng(seed)
    rows = [(*pair[:2], rng.normal(0, 6), pair[3]) for pair in drawn_pairs(seed, first, count)]
    rows += [(left + 1000, right, bits - 1, levels) for left, right, bits, levels in rows[::2]]
    return weighed(rows).with_columns(
        mate=pl.when(pl.col("household") == "dwelling").then(pl.col("weight") - 2)
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_sources_learn_apart_and_the_order_of_rows_changes_nothing(seed):
    care, housing = mixed(seed, 0, 30), mixed(seed + 1, 500, 20)
    held = {"care": range(35), "housing": range(500, 520)}
    together = learnt(pl.concat([care, housing]), MODEL, sources_of(held))
    apart = [
        learnt(pairs, MODEL, sources_of({name: held[name]}))
        for pairs, name in ((care, "care"), (housing, "housing"))
    ]
    assert pl.concat(apart).sort("rid_l", "rid_r").equals(together)
    shuffled = pl.concat([housing, care]).sample(fraction=1, shuffle=True, seed=seed)
    assert learnt(shuffled, MODEL, sources_of(held).reverse()).equals(together)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_without_m_every_pair_of_a_source_moves_alike(seed):
    pairs = pl.concat([mixed(seed, 0, 30), mixed(seed + 1, 500, 20)])
    sources = sources_of({"care": range(35), "housing": range(500, 520)})
    found = change(pairs, sources, learn_m=False)
    of_care = (pairs["rid_r"] < 500).to_numpy()
    for part in (found[of_care], found[~of_care]):
        assert np.ptp(part) < 1e-5
    assert np.ptp(change(pairs, sources)) > 1e-3


def test_of_one_record_at_usual_levels_next_to_nothing_is_learnt():
    names = [name for name in COMPARISONS if name != "row"]
    usual = {
        n: max(MODEL.levels[n][-len(COMPARISONS[n].rules) :], key=lambda v: v.m).name for n in names
    }
    pairs = weighed([(9000, 0, SURE, usual | {"row": "straight"})])
    (found,) = change(pairs, sources_of({"care": [0]}))
    assert abs(found) < 0.1
    # Of one that is nobody less still: the share alone, a fiftieth of a record.
    (doubted,) = change(weighed([(9000, 0, NEVER, usual)]), sources_of({"care": [0]}))
    assert doubted == pytest.approx(share_shift(0, 1), abs=1e-5)
    assert -0.2 < doubted < 0


def test_which_rows_agree_is_not_learnt():
    """What a record is called formerly is the register's to know, not a habit of the source."""
    kinds = [rule.name for rule in COMPARISONS["row"].rules]
    alike = {"given": "exact", "family": "exact", "household": "outward"}

    def moved(rows: list[str]) -> np.ndarray:
        pairs = weighed([(9000 + i, i, SURE, alike | {"row": kind}) for i, kind in enumerate(rows)])
        return change(pairs, sources_of({"care": range(len(rows))}))

    everything = moved(kinds * 40)
    assert np.ptp(everything) < 1e-6
    for kind in kinds:
        assert moved([kind] * 200) == pytest.approx(everything, abs=1e-6)


def test_what_came_in_goes_out_but_for_the_weight():
    pairs = mixed(9, 0, 25)
    sources = sources_of({"care": range(12), "housing": range(12, 25)})
    found = learnt(pairs, MODEL, sources)
    kept = [c for c in pairs.columns if c != "weight"]
    assert found.columns == pairs.columns
    assert found.select(kept).equals(pairs.sort("rid_l", "rid_r").select(kept))
    assert learnt(pairs.clear(), MODEL, sources).is_empty()


@given(st.floats(0.001, 0.999))
def test_the_logit_is_the_odds_in_bits(share):
    assert 2 ** logit(share) == pytest.approx(share / (1 - share))
