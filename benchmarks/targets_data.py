"""The data sets of the targets: made, described, and their answers graded and pooled by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import accuracy_results, datasets, targets_code
from benchmarks import accuracy_scores as scores
from benchmarks.extracts import extracts, register, truth
from benchmarks.targets_pool import GROUP
from pophealth_link.link import People

ALL = "all sources"
COUNCIL = "council sources without NHS numbers"
SECONDARY = "secondary care"
# A council source counts as one without NHS numbers where fewer of its records hold one. Stricter
# than `accuracy_scores.HOLDS_NUMBERS`, to which some sources come so near that it is chance on
# which side of it a data set has them.
HOLDS_NUMBERS = 0.02


@dataclass(frozen=True, slots=True)
class Made:
    """A data set that is there: its folder, what is known of it, and its fingerprint.

    `facts` are those of `accuracy_results`, each source with the counts of `foreign_numbers`.
    """

    name: str
    folder: Path
    facts: Mapping[str, Any]
    contents: str
    train: tuple[str, ...]


def made(name: str, cache: Path, *, to_train: bool = False) -> Made:
    """Make a data set, unless it is there, and describe it. Raises `UserError` where it cannot."""
    found = datasets.find(name, to_train=to_train)
    folder = datasets.made(found, cache)
    people, known = extracts(folder), truth(folder)
    facts = accuracy_results.data_facts(people, known)
    contents = targets_code.contents(facts)
    sources = [each | foreign_numbers(people, known, each["name"]) for each in facts["sources"]]
    return Made(name, folder, facts | {"sources": sources}, contents, found.train)


def foreign_numbers(people: Sequence[People], known: pl.DataFrame, source: str) -> dict[str, int]:
    """Return how many records hold an NHS number, and how many one of another on the register."""
    spine = _numbers(register(list(people)), known).rename({"person_id": "holder"})
    own = _numbers(next(each for each in people if each.source == source), known)
    held = (
        own.join(spine.select("digits", "holder"), on="digits")
        .group_by("record_id")
        .agg((pl.col("holder") != pl.col("person_id")).all().alias("foreign"))
    )
    return {"numbers": own.height, "foreign_numbers": int(held["foreign"].sum())}


def _numbers(people: People, known: pl.DataFrame) -> pl.DataFrame:
    """Return record_id, person_id, digits of the records of a source that hold a number."""
    number = pl.col("nhs_number") if "nhs_number" in people.frame.columns else pl.lit(None)
    digits = number.cast(pl.String).str.replace_all(r"\s|-", "")
    return (
        people.frame.select("record_id", digits=digits)
        .filter(pl.col("digits") != "")
        .join(known.filter(source=people.source), on="record_id")
        .select("record_id", "person_id", "digits")
    )


def described(sets: Sequence[Made]) -> list[dict[str, Any]]:
    """Return a row for each source, its counts those of all data sets together."""
    rows = pl.concat(
        pl.DataFrame(
            [
                {name: each[name] for name in ("name", "setting", "register", "unique_people")}
                | {name: each[name] or 0 for name in ("records", "linkable")}
                | {name: each[name] for name in ("numbers", "foreign_numbers")}
                for each in one.facts["sources"]
            ]
        )
        for one in sets
    )
    same = ["name", "setting", "register", "unique_people"]
    return rows.group_by(same, maintain_order=True).sum().to_dicts()


def scopes(sources: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the sources of each scope, of the rows of `described`; a scope without one is absent.

    All, council sources without NHS numbers, secondary care, then each source.
    """
    others = [each for each in sources if not each["register"]]
    bare = (each for each in others if each["numbers"] < HOLDS_NUMBERS * max(each["records"], 1))
    found = {
        ALL: [each["name"] for each in others],
        COUNCIL: [each["name"] for each in bare if each["setting"] == "local_authority"],
        SECONDARY: [each["name"] for each in others if each["setting"] == "secondary_care"],
        **{each["name"]: [each["name"]] for each in others},
    }
    return {scope: sorted(names) for scope, names in found.items() if names}


def graded(made_set: Made, answers: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    """Return each system's answer about one data set, graded, as `targets_pool.pool` takes it."""
    known, people = truth(made_set.folder), extracts(made_set.folder)
    if GROUP not in known.columns:
        known = known.with_columns(pl.lit(None, pl.String).alias(GROUP))
    kept = ["source", "person_id", "score", "accepted", "linkable", "right", GROUP]
    found = {}
    for system, path in answers.items():
        rows = scores.graded(pl.read_parquet(path), known, people, by=[GROUP])
        found[system] = rows.sort(scores.KEY).select(kept)
    return found
