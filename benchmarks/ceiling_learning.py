"""From data folders with truth to two classifiers, a calibration and thresholds.

The first stage sees a pair alone, the second sees it among all that compete with it; the second
learns from what the first says of pairs that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.ceiling_candidates import candidates
from benchmarks.ceiling_choice import best_matches, scored_with
from benchmarks.ceiling_context import in_context
from benchmarks.ceiling_features import pair_features
from benchmarks.ceiling_model import FOLDS, Stage, calibration, fit
from benchmarks.ceiling_people import with_people
from benchmarks.ceiling_rows import NO_NUMBER, Known, know
from benchmarks.extracts import truth

# False links among those of a source, at most, on the training data.
LIMIT = 0.0015
_SEED = 20_260
_ROUNDS = 200
# Of records whose number links them, as many are learned from, as if they held none.
_BLIND = 12_000
# Pairs that share little are all alike: of those beyond the likeliest few of a record, a share.
_HARD, _SHARE_OF_EASY = 6, 0.15
_IDS = ("rid_l", "rid_r", "match", "fold", "folder")


@dataclass(frozen=True, slots=True)
class Seen:
    """A data folder ready to be learned from or judged: its records, those asked, their pairs."""

    known: Known
    asked: pl.DataFrame
    pairs: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Learned:
    """Two stages; numbers of the sources trained on; the calibration's slope and intercept; the
    least score to accept by source, and for a source that was not there.
    """

    first: Stage
    second: Stage
    sources: Mapping[str, int]
    slope: float
    intercept: float
    thresholds: Mapping[str, float]
    otherwise: float


def see(known: Known, asked: pl.DataFrame, sources: Mapping[str, int]) -> Seen:
    """Return the candidate pairs of records, measured."""
    found = candidates(known.rows, asked)
    measured = pair_features(found, known, asked).join(found, on=["rid_l", "rid_r"])
    return Seen(known, asked, with_people(measured, known, asked, sources))


def unlinked(known: Known) -> pl.DataFrame:
    """Return the records that the NHS number does not link."""
    return known.asked.join(known.linked.select(rid="rid_r"), on="rid", how="anti").sort("rid")


def blind(known: Known, most: int, seed: int) -> pl.DataFrame:
    """Return some of the records that the NHS number links, `most` of them, without it."""
    linked = known.asked.join(known.linked.select(rid="rid_r"), on="rid").sort("rid")
    rng = np.random.default_rng([_SEED, seed])
    chosen = np.sort(rng.permutation(linked.height)[:most])
    return linked[chosen].with_columns(
        number_state=pl.lit(NO_NUMBER, dtype=linked.schema["number_state"]),
        digits=pl.lit(None, dtype=pl.String),
    )


def learn(folders: Sequence[Path]) -> Learned:
    """Learn from data folders with truth. Raises `ValueError` where there is none to learn from."""
    if not folders:
        raise ValueError("the ceiling learns from truth: name data folders after --train")
    lessons, told, sources = _lessons(folders)
    _refuse_one_sided(told)
    features = [name for name in told.columns if name not in _IDS]
    first, logits = fit(told, features, seed=_SEED, rounds=_ROUNDS, use=_hard(told))
    again = _in_context(told.with_columns(logit=logits), lessons)
    more = [name for name in again.columns if name not in _IDS]
    second, logits = fit(again, more, seed=_SEED + FOLDS, rounds=_ROUNDS)
    judged = [
        _judged(again.with_columns(score=logits), lesson, folder, number)
        for number, (lesson, folder) in enumerate(zip(lessons, folders, strict=True))
    ]
    return _settled(first, second, sources, pl.concat(judged))


def _lessons(folders: Sequence[Path]) -> tuple[list[Seen], pl.DataFrame, dict[str, int]]:
    """Return each folder's records, the pairs of all with the truth, the numbers of sources."""
    all_known = [know(folder) for folder in folders]
    names = sorted({name for known in all_known for name in known.asked["source"].unique()})
    sources = {name: number for number, name in enumerate(names)}
    lessons, parts = [], []
    for number, (known, folder) in enumerate(zip(all_known, folders, strict=True)):
        without = blind(known, _BLIND // len(folders), number)
        seen = see(known, pl.concat([unlinked(known), without]).sort("rid"), sources)
        parts.append(_told(seen, folder, number))
        lessons.append(replace(seen, pairs=seen.pairs.clear()))
    return lessons, pl.concat(parts), sources


def _told(seen: Seen, folder: Path, number: int) -> pl.DataFrame:
    """Return the pairs with `match`, `folder`, and the `fold` of the record's true person."""
    who = truth(folder).select("source", "record_id", "person_id")
    key = ["source", "record_id"]
    people = seen.known.people.join(who, on=key).select("person_id", rid_l="rid")
    records = seen.asked.join(who, on=key).select("person_id", rid_r="rid")
    everyone = records.select(pl.col("person_id").unique().sort())
    drawn = np.random.default_rng([_SEED, number]).integers(0, FOLDS, everyone.height)
    folds = everyone.with_columns(fold=pl.Series(drawn, dtype=pl.Int8))
    same = pl.col("person_id") == pl.col("person_id_l")
    return (
        seen.pairs.join(people.rename({"person_id": "person_id_l"}), on="rid_l")
        .join(records, on="rid_r")
        .join(folds, on="person_id")
        .with_columns(match=same.cast(pl.Int8), folder=pl.lit(number, dtype=pl.Int32))
        .drop("person_id", "person_id_l")
        .sort("rid_r", "rid_l")
    )


def _refuse_one_sided(told: pl.DataFrame) -> None:
    counts = told.group_by("match").agg(pl.col("fold").n_unique())
    if counts.height < 2 or counts["fold"].min() != FOLDS:
        raise ValueError("the training data hold too few records to learn from")


def _hard(told: pl.DataFrame) -> np.ndarray:
    """Return which pairs to learn from: matches, the likeliest of each record, some of the rest."""
    place = pl.col("keys_worth").rank("ordinal", descending=True).over("folder", "rid_r")
    some = np.random.default_rng(_SEED).random(told.height) < _SHARE_OF_EASY
    kept = told.select((place <= _HARD) | (pl.col("match") == 1)).to_series().to_numpy()
    return np.asarray(kept | some)


def _in_context(told: pl.DataFrame, lessons: Sequence[Seen]) -> pl.DataFrame:
    parts = []
    for number, lesson in enumerate(lessons):
        mine = told.filter(pl.col("folder") == number)
        around = in_context(mine, lesson.known, lesson.asked).drop("logit")
        parts.append(mine.join(around, on=["rid_l", "rid_r"]).sort("rid_r", "rid_l"))
    return pl.concat(parts)


def _judged(scored: pl.DataFrame, seen: Seen, folder: Path, number: int) -> pl.DataFrame:
    """Return source, score, right and `by_number` of the links of one folder, as it would be used.

    Records that the NHS number links count as linked by it, and none of them otherwise.
    """
    real = unlinked(seen.known).select("source", "unique_people", rid_r="rid")
    pairs = scored.filter(pl.col("folder") == number).select("rid_l", "rid_r", "score")
    best = best_matches(pairs, real, seen.known.linked, seen.known.asked)
    who = truth(folder).select("source", "record_id", "person_id")
    key = ["source", "record_id"]
    people = seen.known.people.join(who, on=key).select("person_id", rid_l="rid")
    records = seen.known.asked.join(who, on=key).select("person_id", "source", rid_r="rid")
    every = pl.concat(
        [
            best.select("rid_l", "rid_r", "score", by_number=pl.lit(value=False)),
            seen.known.linked.select(
                "rid_l", "rid_r", score=pl.lit(None, dtype=pl.Float64), by_number=pl.lit(value=True)
            ),
        ]
    )
    return (
        every.join(people, on="rid_l")
        .join(records, on="rid_r", suffix="_true")
        .select(
            "source",
            "score",
            "by_number",
            (pl.col("person_id") == pl.col("person_id_true")).alias("right"),
        )
    )


def _settled(
    first: Stage, second: Stage, sources: Mapping[str, int], judged: pl.DataFrame
) -> Learned:
    """Return what was learned, calibrated, with the least score to accept of each source."""
    open_ones = judged.filter(~pl.col("by_number"))
    slope, intercept = calibration(
        open_ones["score"].to_numpy(), open_ones["right"].cast(pl.Int8).to_numpy()
    )
    scored = judged.with_columns(scored_with(slope, intercept))
    return Learned(
        first,
        second,
        sources,
        slope,
        intercept,
        {name: least_score(scored.filter(pl.col("source") == name)) for name in sources},
        least_score(scored),
    )


def least_score(judged: pl.DataFrame, limit: float = LIMIT) -> float:
    """Return the least score at which the false links to expect are within the limit of all links.

    Expected, not counted: scores are calibrated logits, and a source has too few false links for
    their count to say where the limit is. Links by NHS number (`by_number`) are made whatever
    their score, and those that are wrong (not `right`) count. Never below 0: a match that is not
    likelier than not is not accepted.

    >>> judged = pl.DataFrame({"score": [3.0, 0.5], "right": [True, True], "by_number": False})
    >>> least_score(judged, 0.05), least_score(judged, 0.25)
    (3.0, 0.5)
    """
    given = judged.filter("by_number")
    already, wrong = given.height, int((~given["right"]).sum())
    steps = (
        judged.filter(~pl.col("by_number"))
        .sort("score", descending=True)
        .with_columns(
            links=pl.int_range(1, pl.len() + 1) + already,
            false=(1 / (1 + pl.col("score").exp())).cum_sum() + wrong,
        )
    )
    within = steps.filter(pl.col("false") <= pl.col("links") * limit)["score"].to_list()
    if within:
        return float(max(within[-1], 0.0))
    # Even the surest are too often wrong: none is accepted that is not surer still.
    return float(max([steps["score"][0] + 1.0, 0.0])) if steps.height else 0.0
