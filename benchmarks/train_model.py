"""Estimate the shipped linkage model from the truth of synthetic people.

    python -m benchmarks.train_model --people 60000 --seeds 101 102 103 --out model.json

m is the share of true pairs at each level, u that of pairs taken at random; both over the pairs
for which the comparison says something. True pairs are those of council records, which mostly hold
no NHS number, with the register. Add-half smoothing keeps every level between 0 and 1. The seeds
are kept apart from those of tests and benchmarks.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from pophealth_link import reference, synthetic
from pophealth_link.job import load
from pophealth_link.link import People, agreement
from pophealth_link.link.comparisons import COMPARISONS
from pophealth_link.link.model import Level, Model, save
from pophealth_link.link.records import register_of, stack
from pophealth_link.sources import read, read_aliases
from pophealth_link.synthetic import SynthSpec
from pophealth_link.version import __version__

RANDOM_PAIRS = 4_000_000
SETTING = "local_authority"
# Our synthetic people are never recorded by an initial alone, though others are: where one is,
# it agrees for all true pairs and for about 1 in 14 others (the sum of squared shares of first
# letters among English given names), so the ratio of m to u is assumed, at a small m.
ASSUMED = {("given", "initial"): (0.002, 0.002 / 14)}


def people_of(job_file: Path) -> list[People]:
    found = []
    for source in load(job_file, ("link",)).sources:
        frame = read(source.people, where=source.name, only="identifiers").frame
        former = (
            read_aliases(source.aliases, frame["record_id"], where=source.name).frame
            if source.aliases
            else None
        )
        found.append(
            People(
                source.name,
                frame,
                source.setting,
                source.unique_people,
                source.register,
                source.nhs_number_kind,
                former,
            )
        )
    return found


def true_pairs(records: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return rid_l (register), rid_r (council) of the pairs that are one person."""
    main = records.filter(~pl.col("alias")).join(
        truth.select("source", "record_id", truth="person_id"), on=["source", "record_id"]
    )
    register = main.filter("on_register").select(rid_l="rid", truth="truth")
    council = main.filter(pl.col("setting") == SETTING).select(rid_r="rid", truth="truth")
    return register.join(council, on="truth").select("rid_l", "rid_r")


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
        sources = people_of(data / "job.toml")
        truth = pl.read_parquet(data / "truth.parquet")
    records = stack(sources, register_of(sources))
    true = true_pairs(records, truth)
    council = records.filter(~pl.col("alias") & (pl.col("setting") == SETTING)).height
    m = tally(agreement.levels(true, records))
    u = tally(agreement.levels(random_pairs(records, seed), records))
    return m, u, true.height, council


def estimate(counts: list[dict[str, dict[str, int]]], name: str) -> list[float]:
    levels = [level.name for level in COMPARISONS[name].levels]
    summed = [sum(each[name].get(level, 0) for each in counts) + 0.5 for level in levels]
    return [count / sum(summed) for count in summed]


def train(people: int, seeds: list[int], presets: list[str]) -> Model:
    runs = [population(people, seed, preset) for seed in seeds for preset in presets]
    ms, us = [run[0] for run in runs], [run[1] for run in runs]
    levels = {
        name: tuple(
            Level(level.name, *ASSUMED.get((name, level.name), (round(m, 6), round(u, 9))))
            for level, m, u in zip(
                COMPARISONS[name].levels, estimate(ms, name), estimate(us, name), strict=True
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
        "assumed": [".".join(each) for each in ASSUMED],
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
