"""From an answer to figures: at the system's own operating point, and as its threshold is swept.

Recall and false links are those of `pophealth_link.evaluate.score`. A **scope** is what they are
counted over: all sources, one source, or all sources without NHS numbers. **Swept**: a record is
linked to its best match where the score reaches a threshold, which is set for each source with the
truth at hand, so that the recall is what the best threshold could give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from benchmarks.answer import ANSWER
from pophealth_link import evaluate
from pophealth_link.errors import DataError
from pophealth_link.link import People
from pophealth_link.stats import proportion

KEY = ["source", "record_id"]
ALL, WITHOUT_NUMBERS = "all", "sources without NHS numbers"
# A source with fewer of its records holding a number than this counts as one without.
HOLDS_NUMBERS = 0.05
# Shares of false links at which recall is told, and that at which groups are compared.
LIMITS = (0.0, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)
COMPARED_AT = 0.003
# Groups with fewer linkable records are left out of a gap: chance alone would make it large.
FEWEST_LINKABLE = 100
COUNTS = ("linkable", "correct", "linked", "false")
UNKNOWN = "unknown"


def check_answer(answer: pl.DataFrame, people: Sequence[People]) -> None:
    """Raise `DataError` unless each record outside the register is answered once, and soundly."""
    if answer.schema != ANSWER:
        raise DataError("the answer has other columns or types than benchmarks/answer.py asks for.")
    asked = pl.concat(_ids(each) for each in people if not each.register)
    known = pl.concat(_ids(each) for each in people if each.register)
    matched = pl.col("register_record_id").is_not_null()
    faults = {
        "records are not answered": asked.join(answer, on=KEY, how="anti").height,
        "rows are of no record": answer.join(asked, on=KEY, how="anti").height,
        "records are answered more than once": answer.height - answer.n_unique(KEY),
        "matches are not on the register": answer.filter(matched)
        .join(known, left_on="register_record_id", right_on="record_id", how="anti")
        .height,
        "rows do not say whether they are accepted": answer["accepted"].null_count(),
        "links to nobody are accepted": answer.filter(pl.col("accepted") & ~matched).height,
        "matches have no finite score": answer.filter(
            matched & ~pl.col("score").is_finite().fill_null(value=False)
        ).height,
    }
    told = [f"{count:,} {what}." for what, count in faults.items() if count]
    if told:
        raise DataError("the answer cannot be scored.", *told)


def _ids(people: People) -> pl.DataFrame:
    return people.frame.select(pl.lit(people.source).alias("source"), "record_id")


def scopes(people: Sequence[People]) -> dict[str, list[str]]:
    """Return the sources of each scope: all, each source, those without NHS numbers together."""
    others = [each for each in people if not each.register]
    names = sorted(each.source for each in others)
    bare = sorted(each.source for each in others if share_with_number(each) < HOLDS_NUMBERS)
    return {
        ALL: names,
        **({WITHOUT_NUMBERS: bare} if bare else {}),
        **{name: [name] for name in names},
    }


def share_with_number(people: People) -> float:
    """Return the share of a source's records that hold an NHS number, valid or not."""
    if "nhs_number" not in people.frame.columns or people.frame.is_empty():
        return 0.0
    return 1 - people.frame["nhs_number"].null_count() / people.frame.height


def main_scope(names: Sequence[str]) -> str:
    """Return the scope in which systems are compared: without NHS numbers where there is one."""
    return WITHOUT_NUMBERS if WITHOUT_NUMBERS in names else ALL


def person_index(answer: pl.DataFrame, truth: pl.DataFrame, register: str) -> pl.DataFrame:
    """Return the answer's accepted links as a person index, which `evaluate.score` takes."""
    spine = truth.filter(pl.col("source") == register).select(
        *KEY, _register_id("record_id").alias("person_id"), pl.lit("register").alias("method")
    )
    alone = pl.concat_str(pl.lit("alone"), *KEY, separator="\x1f")
    linked = pl.when("accepted").then(_register_id("register_record_id")).otherwise(alone)
    method = pl.when("accepted").then(pl.lit("linked")).otherwise(pl.lit("unlinked"))
    return pl.concat(
        [spine, answer.select(*KEY, linked.alias("person_id"), method.alias("method"))]
    )


def _register_id(column: str) -> pl.Expr:
    return pl.concat_str(pl.lit("register"), pl.col(column), separator="\x1f")


def operating(
    answer: pl.DataFrame,
    truth: pl.DataFrame,
    people: Sequence[People],
    *,
    by: Sequence[str],
    further: Sequence[str] = (),
) -> pl.DataFrame:
    """Return accuracy at the system's own operating point: a row per scope, dimension and group.

    `by` names truth columns that every scope is broken down by, `further` those for all sources
    together. Columns: scope, dimension, group, then those of `evaluate.score`.
    """
    register = next(each.source for each in people if each.register)
    index = person_index(answer, truth, register)
    tables = []
    for scope, sources in scopes(people).items():
        part = index.filter(pl.col("source").is_in([*sources, register]))
        columns = [*by, *further] if scope == ALL else list(by)
        scored = evaluate.score(part, truth, by=columns).filter(
            ~pl.col("dimension").is_in(["source", "pass"])
        )
        tables.append(scored.select(pl.lit(scope).alias("scope"), pl.all()))
    return pl.concat(tables).select(pl.exclude("precision", "^f1.*$", "^missed.*$"))


def graded(
    answer: pl.DataFrame, truth: pl.DataFrame, people: Sequence[People], *, by: Sequence[str] = ()
) -> pl.DataFrame:
    """Return each record with `score`, `linkable`, `right` and the truth columns of `by`."""
    register = next(each.source for each in people if each.register)
    who = truth.filter(pl.col("source") == register).select(
        register_record_id="record_id", found="person_id"
    )
    return (
        truth.filter(pl.col("source") != register)
        .select(*KEY, "person_id", *by)
        .join(answer, on=KEY)
        .join(who, on="register_record_id", how="left")
        .with_columns(
            linkable=pl.col("person_id").is_in(who["found"].implode()),
            right=(pl.col("found") == pl.col("person_id")).fill_null(value=False),
            score=pl.when(pl.col("found").is_not_null()).then("score"),
        )
    )


def swept(records: pl.DataFrame) -> pl.DataFrame:
    """Return linked and correct records of each source at every threshold, from the highest.

    Columns: source, threshold, linked, correct. Records of one score are linked together or not at
    all.
    """
    steps = (
        records.drop_nulls("score")
        .group_by("source", threshold="score")
        .agg(pl.len().cast(pl.Int64).alias("linked"), pl.col("right").sum().cast(pl.Int64))
        .sort("source", "threshold", descending=[False, True])
    )
    return steps.select(
        "source",
        "threshold",
        pl.col("linked").cum_sum().over("source"),
        pl.col("right").cum_sum().over("source").alias("correct"),
    )


def thresholds(steps: pl.DataFrame, limits: Sequence[float]) -> pl.DataFrame:
    """Return, for each source and limit, the threshold with the most links within the limit.

    Columns: source, limit, threshold. There is no row where even the surest links hold more false
    ones.
    """
    false = pl.col("linked") - pl.col("correct")
    within = [
        # A share that is the limit, but for the rounding of floats, is within it.
        steps.filter(false <= pl.col("linked") * limit + 1e-9).select(
            "source", pl.lit(limit).alias("limit"), "threshold"
        )
        for limit in limits
    ]
    lowest = pl.concat(within).group_by("source", "limit").agg(pl.col("threshold").min())
    return lowest.sort("source", "limit")


def at_limits(
    records: pl.DataFrame,
    places: Mapping[str, Sequence[str]],
    limits: Sequence[float],
    *,
    by: Sequence[str],
) -> pl.DataFrame:
    """Return accuracy within each limit of false links: a row per scope, limit, dimension, group.

    `places` are the scopes. The threshold is the source's: the same for all its groups, and its own
    in a scope of several, because a score means something within a source only. Where no threshold
    is within the limit nothing is linked.
    """
    chosen = thresholds(swept(records), limits)
    every = pl.DataFrame({"limit": limits}, schema={"limit": pl.Float64})
    placed = (
        records.join(every, how="cross")
        .join(chosen, on=["source", "limit"], how="left")
        .join(_places(places), on="source")
    )
    linked = (pl.col("score") >= pl.col("threshold")).fill_null(value=False)
    dimensions = {"all": pl.lit("all"), **{n: pl.col(n).cast(pl.String) for n in by}}
    order = ["scope", "limit", "dimension", "group"]
    tables = [
        placed.with_columns(dimension=pl.lit(name), group=group.fill_null(UNKNOWN))
        .group_by(order)
        .agg(
            pl.col("linkable").sum().cast(pl.Int64),
            (linked & pl.col("right")).sum().cast(pl.Int64).alias("correct"),
            linked.sum().cast(pl.Int64).alias("linked"),
            (linked & ~pl.col("right")).sum().cast(pl.Int64).alias("false"),
        )
        for name, group in dimensions.items()
    ]
    return rates(pl.concat(tables)).sort(order)


def _places(places: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    rows = [(scope, source) for scope, sources in places.items() for source in sources]
    return pl.DataFrame(rows, schema={"scope": pl.String, "source": pl.String}, orient="row")


def rates(counted: pl.DataFrame) -> pl.DataFrame:
    """Add recall and false links with Wilson intervals, in the columns of `evaluate.score`."""
    for name, part, whole in (
        ("recall", "correct", "linkable"),
        ("false_links", "false", "linked"),
    ):
        found = proportion(counted, part, whole).select(
            pl.col("value").alias(name),
            pl.col("lower").alias(f"{name}_lower"),
            pl.col("upper").alias(f"{name}_upper"),
        )
        counted = pl.concat([counted, found], how="horizontal")
    return counted


def gaps(scored: pl.DataFrame, *, fewest: int = FEWEST_LINKABLE) -> pl.DataFrame:
    """Return the gap in recall between the best and the worst group of each dimension.

    `scored` has the rows of one system, of one point for each scope. Columns: scope, dimension,
    groups, best, best_recall, worst, worst_recall, gap. Only groups with `fewest` linkable records
    count, and not that of records whose group is unknown; with fewer than two the gap is null.
    """
    counted = scored.filter(
        (pl.col("dimension") != "all")
        & (pl.col("linkable") >= fewest)
        & (pl.col("group") != UNKNOWN)
    ).sort("scope", "dimension", "group")
    several = pl.len() > 1
    ends = {
        "best": pl.col("group").sort_by("recall", descending=True, maintain_order=True).first(),
        "best_recall": pl.col("recall").max(),
        "worst": pl.col("group").sort_by("recall", maintain_order=True).first(),
        "worst_recall": pl.col("recall").min(),
        "gap": pl.col("recall").max() - pl.col("recall").min(),
    }
    return (
        counted.group_by("scope", "dimension", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("groups"),
            *(pl.when(several).then(value).alias(name) for name, value in ends.items()),
        )
        .sort("scope", "dimension")
    )
