"""The yardstick: what a good analyst gets from Splink 5, without anything of this library's own.

    python -m benchmarks.plain_splink DATA ANSWER.parquet

1. Links by NHS number, where it is valid and the demographics do not contradict it.
2. What is left of each source against the register by Splink, former names and addresses being
   further rows of the same person; of each record the best match, if it leads the second by a
   margin and, in a source that holds each person once, if no other record has a better claim.
3. Both of two settings are run, and for each source the better is kept: that with the higher recall
   at 0.3 % false links **by the truth of these very data**. No analyst could choose so; it can only
   make the yardstick stronger. Where there is no truth, that with more accepted links.

What is read is read by `benchmarks.extracts`; cleaning, comparing and choosing are its own.
"""

from __future__ import annotations

import polars as pl

from benchmarks.answer import ANSWER, Asked, main
from benchmarks.extracts import extracts, register, truth
from benchmarks.plain_splink_clean import exploded, with_keys
from benchmarks.plain_splink_model import FLOOR, learnt_m, learnt_u, weighed
from benchmarks.plain_splink_numbers import by_number
from benchmarks.plain_splink_settings import PLANS, Plan
from pophealth_link.link import People

# Above all match weights.
_BY_NUMBER = 100.0
_FALSE_LINKS = 0.003


def plain_splink(asked: Asked) -> pl.DataFrame:
    """Return the better of two settings for each source."""
    people = extracts(asked.data)
    known = truth(asked.data) if (asked.data / "truth.parquet").is_file() else None
    spine = register(people)
    rows = _rows(spine)
    others = {each.source: _rows(each) for each in people if not each.register}
    numbers = {
        each.source: by_number(rows, others[each.source], once=each.unique_people)
        for each in people
        if not each.register
    }
    answers = [_by_plan(plan, rows, people, others, numbers) for plan in PLANS]
    return better(answers, known, spine.source)


def _rows(people: People) -> pl.DataFrame:
    token = people.nhs_number_kind == "token"
    return with_keys(exploded(people.frame, people.aliases, token=token))


def _by_plan(
    plan: Plan,
    rows: pl.DataFrame,
    people: list[People],
    others: dict[str, pl.DataFrame],
    numbers: dict[str, pl.DataFrame],
) -> pl.DataFrame:
    first = rows.filter("first")
    model = learnt_u(plan, first, pl.concat(others.values()).filter("first"))
    answers = []
    for each in people:
        if each.register:
            continue
        source, linked = others[each.source], numbers[each.source]
        left = source.join(linked, on="record_id", how="anti")
        claims = _certain(linked)
        if left.height:
            taught = learnt_m(plan, model, first, source.filter("first"))
            claims = pl.concat([claims, best(weighed(plan, taught, rows, left), plan)])
        answers.append(_answered(each, sole(claims, plan) if each.unique_people else claims, plan))
    return pl.concat(answers)


def _certain(linked: pl.DataFrame) -> pl.DataFrame:
    return linked.with_columns(pl.lit(_BY_NUMBER).alias("score"))


def best(pairs: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return the best match of each record that has a lead over its second; `score` is its weight.

    `pairs` are ordered by record, best first.
    """
    first = pairs.group_by("record_id", maintain_order=True).agg(
        pl.col("register_record_id").first(),
        pl.col("weight").first().alias("score"),
        pl.col("weight").get(1, null_on_oob=True).fill_null(FLOOR).alias("second"),
    )
    return first.filter(pl.col("score") - pl.col("second") >= plan.margin).drop("second")


def sole(claims: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return, of the records that claim one person, the best if it has a lead over the next."""
    order = pl.col("score").rank("ordinal", descending=True).over("register_record_id")
    ahead = pl.col("score").top_k(2).min().over("register_record_id")
    alone = pl.len().over("register_record_id") == 1
    leads = pl.col("score") - ahead >= plan.margin
    return claims.filter((order == 1) & (alone | leads))


def _answered(people: People, claims: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return a row for each record of a source, those without a match with nulls."""
    accepted = (pl.col("score") >= plan.accept).fill_null(value=False)
    return (
        people.frame.select(pl.lit(people.source).alias("source"), "record_id")
        .join(claims, on="record_id", how="left")
        .with_columns(accepted.alias("accepted"))
        .select(ANSWER.names())
    )


def better(
    answers: list[pl.DataFrame], known: pl.DataFrame | None, register_name: str
) -> pl.DataFrame:
    """Return for each source the answer that links more; of two that link alike the first."""
    merits = [
        _accepted(answer) if known is None else _right(answer, known, register_name)
        for answer in answers
    ]
    ranked = pl.concat(
        merit.with_columns(pl.lit(place).alias("place")) for place, merit in enumerate(merits)
    ).sort("source", "merit", "place", descending=[False, True, False])
    chosen = ranked.unique("source", keep="first", maintain_order=True)
    return pl.concat(
        answer.join(chosen.filter(pl.col("place") == place), on="source", how="semi")
        for place, answer in enumerate(answers)
    )


def _accepted(answer: pl.DataFrame) -> pl.DataFrame:
    return answer.group_by("source").agg(pl.col("accepted").sum().cast(pl.Int64).alias("merit"))


def _right(answer: pl.DataFrame, known: pl.DataFrame, register_name: str) -> pl.DataFrame:
    """Return the most correct links of each source at any threshold within the false links."""
    who = known.filter(pl.col("source") == register_name).select(
        register_record_id="record_id", found="person_id"
    )
    graded = answer.join(
        known.select("source", "record_id", "person_id"), on=["source", "record_id"]
    )
    right = (pl.col("found") == pl.col("person_id")).fill_null(value=False)
    steps = (
        graded.join(who, on="register_record_id", how="left")
        .with_columns(right=right & pl.col("score").is_not_null())
        .drop_nulls("score")
        .group_by("source", "score")
        .agg(pl.len().cast(pl.Int64).alias("linked"), pl.col("right").sum().cast(pl.Int64))
        .sort("source", "score", descending=[False, True])
        .with_columns(pl.col("linked", "right").cum_sum().over("source"))
    )
    within = steps.filter(pl.col("linked") - pl.col("right") <= pl.col("linked") * _FALSE_LINKS)
    merits = within.group_by("source").agg(pl.col("right").max().alias("merit"))
    return (
        answer.select(pl.col("source").unique())
        .join(merits, on="source", how="left")
        .with_columns(pl.col("merit").fill_null(0))
    )


if __name__ == "__main__":
    main(plain_splink)
