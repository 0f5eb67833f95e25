"""The system `recordlinkage` (de Bruin 2019): blocks, comparisons, a weighted sum of similarities.

    python -m benchmarks.record_linkage DATA ANSWER.parquet

As its guide has it: an index of several blocks, a comparison for each field, and a sum of the
similarities against a threshold, weighted by hand. Its unsupervised classifier (ECM) was tried:
with most choices of fields it took agreement on what is blocked on for the mark of a match, and
linked next to nobody within 0.3 % false links. Its supervised ones cannot be fitted under pandas 3,
nor can its own Jaro-Winkler be called with jellyfish 1, so that similarity is handed to it as a
function, as it allows.

NHS number first, and cleaning, as in the yardstick.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jellyfish
import numpy as np
import polars as pl

from benchmarks.answer import ANSWER, Asked, main
from benchmarks.extracts import extracts, register
from benchmarks.plain_splink_clean import exploded, with_keys
from benchmarks.plain_splink_numbers import by_number
from pophealth_link.link import People

_BLOCKS = (
    ["dob"],
    ["postcode"],
    ["given", "family"],
    ["given", "outcode"],
    ["family", "outcode"],
    ["given", "year_month"],
    ["given", "year_day"],
    ["family", "year_month"],
    ["family", "year_day"],
)
_WEIGHTS = {"given": 2.0, "family": 2.0, "dob": 3.0, "postcode": 1.5, "sector": 0.5, "sex": 0.7}
# Names less alike than this do not agree at all; above it agreement grows to one.
_LEAST_ALIKE = 0.7
_ACCEPT = 5.2
_MARGIN = 0.5
_BY_NUMBER = 100.0
# Records of a source compared at a time: some 100 pairs each, so that pairs fit in memory.
_AT_ONCE = 4_000


def record_linkage(asked: Asked) -> pl.DataFrame:
    """Return the best match of each record by number, else by the weighted sum."""
    people = extracts(asked.data)
    spine = _rows(register(people))
    return pl.concat(_of_source(spine, each) for each in people if not each.register)


def _rows(people: People) -> pl.DataFrame:
    token = people.nhs_number_kind == "token"
    return with_keys(exploded(people.frame, people.aliases, token=token))


def _of_source(spine: pl.DataFrame, people: People) -> pl.DataFrame:
    rows = _rows(people)
    linked = by_number(spine, rows, once=people.unique_people)
    left = rows.join(linked, on="record_id", how="anti")
    claims = pl.concat(
        [linked.with_columns(pl.lit(_BY_NUMBER).alias("score")), _best(_pairs(spine, left))]
    )
    claims = _sole(claims) if people.unique_people else claims
    accepted = (pl.col("score") >= _ACCEPT).fill_null(value=False)
    return (
        people.frame.select(pl.lit(people.source).alias("source"), "record_id")
        .join(claims, on="record_id", how="left")
        .with_columns(accepted.alias("accepted"))
        .select(ANSWER.names())
    )


def _pairs(spine: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `record_id`, `register_record_id`, `score` of the candidates, the best of each."""
    found = [_compared(spine, part) for part in rows.iter_slices(_AT_ONCE)]
    kinds = {"record_id": pl.String, "register_record_id": pl.String, "score": pl.Float64}
    pairs = pl.concat([pl.DataFrame(schema=kinds), *found])
    return pairs.group_by("record_id", "register_record_id").agg(pl.col("score").max())


def _compared(spine: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    import recordlinkage

    left, right = spine.to_pandas(), rows.to_pandas()
    index = recordlinkage.Index()
    for keys in _BLOCKS:
        index.block(keys)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of what newer pandas will drop
        pairs = index.index(left, right)
        if not len(pairs):
            return _scored(spine, rows, pairs, np.empty(0))
        similar = _comparison().compute(pairs, left, right)
    total = sum(similar[name].to_numpy(float) * weight for name, weight in _WEIGHTS.items())
    return _scored(spine, rows, pairs, np.asarray(total))


def _scored(spine: pl.DataFrame, rows: pl.DataFrame, pairs: Any, total: Any) -> pl.DataFrame:
    left, right = (pairs.get_level_values(side).to_numpy(np.int64) for side in (0, 1))
    return pl.DataFrame(
        {
            "record_id": rows["record_id"].gather(right),
            "register_record_id": spine["record_id"].gather(left),
            "score": pl.Series(total, dtype=pl.Float64).round(6),
        }
    )


def _comparison() -> Any:
    import recordlinkage

    compare = recordlinkage.Compare()
    for name in ("given", "family"):
        compare.compare_vectorized(_over_distinct(_alike), name, name, label=name)
    compare.compare_vectorized(_over_distinct(_same_day), "dob", "dob", label="dob")
    for name in ("postcode", "sector", "sex"):
        compare.exact(name, name, label=name)
    return compare


def _over_distinct(similarity: Callable[[str, str], float]) -> Callable[[Any, Any], Any]:
    """Return a comparison of two columns that asks about each pair of values once; missing is 0."""

    def compared(left: Any, right: Any) -> Any:
        both = pl.DataFrame({"l": _text(left), "r": _text(right)})
        known = both.drop_nulls().unique().sort("l", "r")
        found = [similarity(*pair) for pair in known.iter_rows()]
        known = known.with_columns(pl.Series("s", found, pl.Float64))
        joined = both.join(known, on=["l", "r"], how="left", maintain_order="left")
        return left.__class__(joined["s"].fill_null(0.0).to_numpy(), index=left.index)

    return compared


def _text(column: Any) -> pl.Series:
    return pl.Series(pl.from_pandas(column)).cast(pl.String)


def _alike(left: str, right: str) -> float:
    over = jellyfish.jaro_winkler_similarity(left, right) - _LEAST_ALIKE
    return max(over, 0.0) / (1 - _LEAST_ALIKE)


def _same_day(left: str, right: str) -> float:
    """Return 1 for one day, 0.5 for one digit, one part or the order of day and month amiss."""
    if left == right:
        return 1.0
    parts, other = left.split("-"), right.split("-")
    two = sum(a == b for a, b in zip(parts, other, strict=True)) == 2
    swapped = [parts[0], parts[2], parts[1]] == other
    return 0.5 if two or swapped or jellyfish.levenshtein_distance(left, right) == 1 else 0.0


def _best(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the best match of each record that leads its second by the margin."""
    first = (
        pairs.sort("record_id", "score", "register_record_id", descending=[False, True, False])
        .group_by("record_id", maintain_order=True)
        .agg(
            pl.col("register_record_id").first(),
            pl.col("score").first(),
            pl.col("score").get(1, null_on_oob=True).fill_null(0.0).alias("second"),
        )
    )
    return first.filter(pl.col("score") - pl.col("second") >= _MARGIN).drop("second")


def _sole(claims: pl.DataFrame) -> pl.DataFrame:
    """Return, of the records that claim one person, the best if it leads the next."""
    place = pl.col("score").rank("ordinal", descending=True).over("register_record_id")
    second = pl.col("score").top_k(2).min().over("register_record_id")
    alone = pl.len().over("register_record_id") == 1
    return claims.filter((place == 1) & (alone | (pl.col("score") - second >= _MARGIN)))


if __name__ == "__main__":
    main(record_linkage)
