"""Estimate the shipped linkage model from the truth of synthetic people.

    python -m benchmarks.train_model --people 60000 --seeds 101 102 103 --out model.json

m is the share of true pairs at each level, u that of pairs taken at random; both over the pairs
for which the comparison says something, and apart for two records of one dwelling, where u comes
from pairs of different people who live together. True pairs are those of council records, which
mostly hold no NHS number, with the register. Add-half smoothing keeps every level between 0 and 1.
The seeds are kept apart from those of tests and benchmarks.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.extracts import extracts
from pophealth_link import reference, synthetic
from pophealth_link.link import agreement
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS
from pophealth_link.link.model import Level, Model, save
from pophealth_link.link.records import register_of, stack
from pophealth_link.synthetic import SynthSpec
from pophealth_link.version import __version__

RANDOM_PAIRS = 4_000_000
SETTING = "local_authority"
# What members of one household share. Our synthetic households hold few twins and namesakes, and
# levels are weighed as if they were independent, though twins share family
# name and birthday at once. So u at one dwelling is assumed, on the high side: family name among
# relatives; a birthday among those of one name (about 15 in 1,000 maternities are multiple, Office
# for National Statistics, birth characteristics); a given name handed down.
ASSUMED_U = {
    ("family", f"exact{AT_HOME}"): 0.6,
    ("birth", f"exact{AT_HOME}"): 0.01,
    ("given", f"exact{AT_HOME}"): 0.015,
}
REST = f"different{AT_HOME}"


def true_pairs(records: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return rid_l (register), rid_r (council) of the pairs that are one person."""
    main = records.filter(~pl.col("alias")).join(
        truth.select("source", "record_id", truth="person_id"), on=["source", "record_id"]
    )
    register = main.filter("on_register").select(rid_l="rid", truth="truth")
    council = main.filter(pl.col("setting") == SETTING).select(rid_r="rid", truth="truth")
    return register.join(council, on="truth").select("rid_l", "rid_r")


def home_pairs(records: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return rid_l (register), rid_r (council) of different people at one address."""
    main = records.filter(~pl.col("alias")).join(
        truth.select("source", "record_id", truth="person_id"), on=["source", "record_id"]
    )
    place = ["home", "house"]
    register = main.filter("on_register").select(*place, rid_l="rid", who="truth")
    council = main.filter(pl.col("setting") == SETTING).select(*place, "truth", rid_r="rid")
    both = register.join(council, on=place).filter(pl.col("who") != pl.col("truth"))
    return both.select("rid_l", "rid_r")


def random_pairs(records: pl.DataFrame, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    main = records.filter(~pl.col("alias"))
    register = main.filter("on_register")["rid"].to_numpy()
    others = main.filter(pl.col("setting") == SETTING)["rid"].to_numpy()
    return pl.DataFrame(
        {
            "rid_l": rng.choice(register, RANDOM_PAIRS),
            "rid_r": rng.choice(others, RANDOM_PAIRS),
        }
    ).unique()


def tally(levels: pl.DataFrame) -> dict[str, dict[str, int]]:
    return {
        name: dict(levels.drop_nulls(name).group_by(name).len().iter_rows()) for name in COMPARISONS
    }


def population(people: int, seed: int, preset: str) -> tuple[dict, dict, int, int]:
    made = synthetic.generate(
        SynthSpec(people=people, seed=seed, preset=preset), reference.load(None)
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        synthetic.write(made, data, reference=None)
        sources = extracts(data)
        truth = pl.read_parquet(data / "truth.parquet")
    records = stack(sources, register_of(sources))
    true = true_pairs(records, truth)
    council = records.filter(~pl.col("alias") & (pl.col("setting") == SETTING)).height
    m = tally(agreement.levels(true, records))
    apart = tally(agreement.levels(random_pairs(records, seed), records))
    together = tally(agreement.levels(home_pairs(records, truth), records))
    u = {name: _elsewhere(apart[name]) | _at_home(together[name]) for name in COMPARISONS}
    return m, u, true.height, council


def _at_home(counts: dict[str, int]) -> dict[str, int]:
    return {level: count for level, count in counts.items() if level.endswith(AT_HOME)}


def _elsewhere(counts: dict[str, int]) -> dict[str, int]:
    return {level: count for level, count in counts.items() if not level.endswith(AT_HOME)}


def estimate(counts: list[dict[str, dict[str, int]]], name: str) -> list[float]:
    """Return the probability of each level, those of one dwelling summing to one by themselves."""
    levels = [level.name for level in COMPARISONS[name].levels]
    summed = {level: sum(each[name].get(level, 0) for each in counts) + 0.5 for level in levels}
    sums = {
        home: sum(n for level, n in summed.items() if level.endswith(AT_HOME) is home)
        for home in (True, False)
    }
    return [count / sums[level.endswith(AT_HOME)] for level, count in summed.items()]


def with_assumed(name: str, found: list[float]) -> list[float]:
    """Put the assumed u in place; what they take, the level of no agreement gives."""
    levels = [level.name for level in COMPARISONS[name].levels]
    u = dict(zip(levels, found, strict=True))
    for (comparison, level), assumed in ASSUMED_U.items():
        if comparison == name:
            u[REST] -= assumed - u[level]
            u[level] = assumed
    return list(u.values())


def train(people: int, seeds: list[int], presets: list[str]) -> Model:
    runs = [population(people, seed, preset) for seed in seeds for preset in presets]
    ms, us = [run[0] for run in runs], [run[1] for run in runs]
    levels = {
        name: tuple(
            Level(level.name, round(m, 6), round(u, 9))
            for level, m, u in zip(
                COMPARISONS[name].levels,
                estimate(ms, name),
                with_assumed(name, estimate(us, name)),
                strict=True,
            )
        )
        for name in COMPARISONS
    }
    pairs, council = sum(run[2] for run in runs), sum(run[3] for run in runs)
    provenance = {
        "name": "default",
        "made_from": "synthetic people of pophealth_link, by their truth",
        "version": __version__,
        "population": f"{people} people each, presets {', '.join(presets)}, seeds {seeds}",
        "assumed": [".".join(each) for each in ASSUMED_U],
        "true_pairs": pairs,
        "random_pairs": RANDOM_PAIRS * len(runs),
        "caution": "Not tried on real records: review a sample of pairs.",
    }
    return Model(levels, round(pairs / council, 3), provenance)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--presets", nargs="+", default=["typical", "hard"])
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    save(train(asked.people, asked.seeds, asked.presets), asked.out)
