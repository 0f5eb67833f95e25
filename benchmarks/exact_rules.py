"""Links by exact agreement: what systems of rules alone share.

Values are compared as text in capitals without blanks, sex by its code. A key that two people of
the register hold, or two records of a source that holds each person once, is ambiguous and links
nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from benchmarks.answer import ANSWER
from benchmarks.extracts import register
from pophealth_link.link import People
from pophealth_link.prepare import nhs_number, sex

_TEXT = ("given_name", "family_name", "postcode")
_KEYS = ("nhs_number", *_TEXT, "sex", "date_of_birth")


def answers(people: list[People], rules: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return each record with the person that the first rule finds; earlier rules score higher."""
    spine = register(people)
    left = _plain(spine).rename({"record_id": "register_record_id"})
    others = [each for each in people if not each.register]
    return pl.concat(_of_source(left, each, rules) for each in others)


def _of_source(
    left: pl.DataFrame, each: People, rules: Mapping[str, Sequence[str]]
) -> pl.DataFrame:
    right = _plain(each)
    found = pl.DataFrame(
        schema={n: ANSWER[n] for n in ("record_id", "register_record_id", "score")}
    )
    for place, keys in enumerate(rules.values()):
        open_records = right.join(found, on="record_id", how="anti")
        pairs = _agreeing(left, open_records, keys, once=each.unique_people)
        if each.unique_people:  # the person has a record of this source by an earlier rule
            pairs = pairs.join(found, on="register_record_id", how="anti")
        score = pl.lit(float(len(rules) - place)).alias("score")
        found = pl.concat([found, pairs.with_columns(score)])
    return right.join(found, on="record_id", how="left").select(
        pl.lit(each.source).alias("source"),
        "record_id",
        "register_record_id",
        "score",
        pl.col("score").is_not_null().alias("accepted"),
    )


def _agreeing(
    left: pl.DataFrame, right: pl.DataFrame, keys: Sequence[str], *, once: bool
) -> pl.DataFrame:
    """Return record_id, register_record_id of the records whose key one person alone holds."""
    sole = left.drop_nulls(keys).filter(pl.len().over(keys) == 1)
    asking = right.drop_nulls(keys)
    if once:
        asking = asking.filter(pl.len().over(keys) == 1)
    return asking.join(sole, on=list(keys)).select("record_id", "register_record_id")


def _plain(people: People) -> pl.DataFrame:
    """Return record_id and the columns that rules compare, absent ones empty."""
    absent = [pl.lit(None, pl.String).alias(n) for n in _KEYS if n not in people.frame.columns]
    frame = people.frame.with_columns(absent)
    text = [_capitals(name) for name in _TEXT]
    known = sex.standardise(pl.col("sex"))
    coded = pl.when(known.is_in(["1", "2"])).then(known).alias("sex")
    return frame.select("record_id", _number(people), *text, coded, "date_of_birth")


def _capitals(name: str) -> pl.Expr:
    plain = pl.col(name).cast(pl.String).str.to_uppercase().str.replace_all(r"\s", "")
    return pl.when(plain != "").then(plain).alias(name)


def _number(people: People) -> pl.Expr:
    """Return valid numbers; a token is valid as it is."""
    if people.nhs_number_kind == "token":
        return _capitals("nhs_number")
    digits = nhs_number.digits(pl.col("nhs_number"))
    return pl.when(nhs_number.is_valid(digits)).then(digits).alias("nhs_number")
