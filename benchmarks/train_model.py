"""Estimate the shipped linkage model from the truth of synthetic people.

    python -m benchmarks.train_model --people 60000 --seeds 101 102 103 --out model.json

m is the share of true pairs at each level, of the rows through which they agree best; u that of
pairs of rows taken at random; both over the pairs for which the comparison says something, and
apart for
two records of one dwelling, where u comes from pairs of different people who live together. True
pairs are those of council records, which mostly hold no NHS number, with the register. Add-half
smoothing keeps every level between 0 and 1. Last, weights are adjusted (`train_adjustment`). The
seeds are kept apart from those of tests and benchmarks.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.extracts import extracts
from benchmarks.train_adjustment import adjusted
from pophealth_link import reference, synthetic
from pophealth_link.link import agreement, numbers
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS
from pophealth_link.link.model import Level, Model, save
from pophealth_link.link.records import register_of, stack
from pophealth_link.synthetic import SynthSpec
from pophealth_link.version import __version__

RANDOM_PAIRS = 500_000
SETTING = "local_authority"
ROUNDS = 3
# What members of one household share. Our synthetic households hold few twins and namesakes, and
# levels are weighed as if they were independent, though twins share family name and birthday at
# once. So u at one dwelling is assumed, on the high side: a birthday among those of one name
# (about 15 in 1,000 maternities are multiple, Office for National Statistics, birth
# characteristics); a given name handed down.
ASSUMED_U = {
    ("birth", f"exact{AT_HOME}"): 0.01,
    ("given", f"exact{AT_HOME}"): 0.015,
}
# Assumed: of the people off the register, those who live with somebody who is on it, where all do;
# and by how many bits a mate is likelier to share family name and birthday at once, as a twin, or
# both names, as a child, than one by one. Our households hold few twins of whom one is on no
# register: another given name on a young person's birthday at home would pass for the same person.
MATES = 0.6
JOINT = {"twins": 8.0, "namesakes": 0.7}
# Until the rows through which true pairs agree are known, what a kind of row is worth.
ROW_START = {"straight": 0.86, "former": 0.06, "previous": 0.03, "swapped": 0.03, "several": 0.02}


@dataclass(frozen=True, slots=True)
class Population:
    """Prepared records of one synthetic population, and what is known of their pairs.

    `asked` are the records that the NHS number does not link; `true`, `random` and `home` pairs
    (`rid_l`, `rid_r`) of one person, of people taken at random, of different people at one home.
    """

    records: pl.DataFrame
    asked: pl.DataFrame
    true: pl.DataFrame
    random: pl.DataFrame
    home: pl.DataFrame
    council: int


def population(people: int, seed: int, preset: str) -> Population:
    """Make a population and prepare it."""
    made = synthetic.generate(
        SynthSpec(people=people, seed=seed, preset=preset), reference.load(None)
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        synthetic.write(made, data, reference=None)
        sources = extracts(data)
        truth = pl.read_parquet(data / "truth.parquet")
    return of_sources(stack(sources, register_of(sources)), truth, seed)


def of_sources(records: pl.DataFrame, truth: pl.DataFrame, seed: int) -> Population:
    """Return a population from its prepared records and its truth."""
    main = records.filter(~pl.col("alias")).join(
        truth.select("source", "record_id", who="person_id"), on=["source", "record_id"]
    )
    accepted = numbers.link(records).pairs.filter(pl.col("decision") == "accepted")
    others = records.filter(~pl.col("on_register"))
    asked = others.join(accepted.select(rid="rid_r"), on="rid", how="anti")
    council = main.filter(pl.col("setting") == SETTING)
    register = main.filter("on_register")
    rng = np.random.default_rng(seed)
    random = pl.DataFrame(
        {
            "rid_l": rng.choice(register["rid"].to_numpy(), RANDOM_PAIRS),
            "rid_r": rng.choice(council["rid"].to_numpy(), RANDOM_PAIRS),
        }
    ).unique()
    left, right = register.select("who", "home", "house", rid_l="rid"), council
    same = left.join(right.select("who", rid_r="rid"), on="who").select("rid_l", "rid_r")
    mates = left.join(
        right.select("home", "house", other="who", rid_r="rid"), on=["home", "house"]
    ).filter(pl.col("who") != pl.col("other"))
    return Population(records, asked, same, random, mates.select("rid_l", "rid_r"), council.height)


def tally(levels: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many pairs stand at each level of each comparison."""
    return {
        name: dict(levels.drop_nulls(name).group_by(name).len().iter_rows()) for name in COMPARISONS
    }


def shares(counts: Sequence[dict[str, dict[str, int]]], name: str) -> list[float]:
    """Return the probability of each level, those of one dwelling summing to one by themselves."""
    levels = [level.name for level in COMPARISONS[name].levels]
    summed = {level: sum(each[name].get(level, 0) for each in counts) + 0.5 for level in levels}
    sums = {
        home: sum(n for level, n in summed.items() if level.endswith(AT_HOME) is home)
        for home in (True, False)
    }
    return [count / sums[level.endswith(AT_HOME)] for level, count in summed.items()]


def with_assumed(name: str, found: list[float]) -> list[float]:
    """Put the assumed u in place; the other levels of one dwelling give it in proportion."""
    levels = [level.name for level in COMPARISONS[name].levels]
    u = dict(zip(levels, found, strict=True))
    for (comparison, level), assumed in ASSUMED_U.items():
        if comparison == name:
            rest = (1 - assumed) / (1 - u[level])
            u = {k: v * rest if k.endswith(AT_HOME) else v for k, v in u.items()}
            u[level] = assumed
    return list(u.values())


def _u(apart: list[dict], together: list[dict], name: str) -> list[float]:
    comparison = COMPARISONS[name]
    if comparison.u_from == "always":
        return [1.0] * len(comparison.levels)
    elsewhere, home = shares(apart, name), shares(together, name)
    names = [level.name for level in comparison.levels]
    both = zip(names, home, elsewhere, strict=True)
    return with_assumed(name, [h if n.endswith(AT_HOME) else e for n, h, e in both])


def _model(m: dict[str, list[float]], u: dict[str, list[float]], on_register: float) -> Model:
    levels = {
        name: tuple(
            Level(level.name, round(min(a, 0.999), 6), round(b, 9))
            for level, a, b in zip(COMPARISONS[name].levels, m[name], u[name], strict=True)
        )
        for name in COMPARISONS
    }
    return Model(levels, on_register, {}, MATES, JOINT)


def estimate(populations: Sequence[Population]) -> Model:
    """Return the model of the populations before adjustment."""
    apart = [tally(agreement.across_rows(p.random, p.records)) for p in populations]
    together = [tally(agreement.levels(p.home, p.records)) for p in populations]
    u = {name: _u(apart, together, name) for name in COMPARISONS}
    seen = [tally(agreement.levels(p.true, p.records)) for p in populations]
    m = {name: shares(seen, name) for name in COMPARISONS} | {"row": list(ROW_START.values())}
    true = sum(p.true.height for p in populations)
    on_register = round(true / sum(p.council for p in populations), 3)
    model = _model(m, u, on_register)
    for _ in range(ROUNDS):
        best = [tally(agreement.levels(p.true, p.records, _placed(model, p))) for p in populations]
        model = _model({name: shares(best, name) for name in COMPARISONS}, u, on_register)
    return model


def _placed(model: Model, of: Population) -> Model:
    return model.at_register(of.records.filter("on_register"))


def train(people: int, seeds: list[int], presets: list[str]) -> Model:
    """Return the model of synthetic populations, adjusted."""
    populations = [population(people, seed, preset) for seed in seeds for preset in presets]
    model = adjusted(estimate(populations), populations)
    provenance = {
        "name": "default",
        "made_from": "synthetic people of pophealth_link, by their truth",
        "version": __version__,
        "population": f"{people} people each, presets {', '.join(presets)}, seeds {seeds}",
        "assumed": [
            *(".".join(each) for each in ASSUMED_U),
            *(f"joint.{name}" for name in JOINT),
            "mates before adjustment",
        ],
        "adjusted": "weights of levels by penalised maximum likelihood, so that as many records"
        " are linked at each level as truly are",
        "true_pairs": sum(each.true.height for each in populations),
        "random_pairs": RANDOM_PAIRS * len(populations),
        "caution": "Not tried on real records: review a sample of pairs.",
    }
    return replace(model, provenance=provenance)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--presets", nargs="+", default=["typical", "hard"])
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    save(train(asked.people, asked.seeds, asked.presets), asked.out)
