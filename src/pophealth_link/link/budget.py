"""What each blocking rule proposes between any two sides, and the refusal of what is too much.

The register is compared with every other source: these pairs are counted exactly. Records on no
register are then compared with one another, each pair of them once; which records these are is
known only when the others are linked, so before that a number is a bound.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.link import rows
from pophealth_link.link.blocking import RULES, Rule, met_by_none, proposed
from pophealth_link.link.on_register import World
from pophealth_link.link.skew import heaviest

EXACT, AT_MOST = "exact", "at most"
_SIDES = ["source_l", "source_r"]


def expected(world: World, links: pl.DataFrame) -> pl.DataFrame:
    """Return `source_l`, `source_r`, `rule`, `pairs`, `bound` of all that is still to be compared.

    `links` (`rid_l`, `rid_r`) is what is linked already. With the register on the left the number
    is exact; between other sources it is what there is `at most`, if none of their records is
    found on the register. Pairs of rows, before overlap; every pair of sides has every rule.
    Ordered by sides, the register's first, then as the rules are.
    """
    exact = _with_register(world, links).with_columns(bound=pl.lit(EXACT))
    among = among_others(*off_register(world, links)).with_columns(bound=pl.lit(AT_MOST))
    names = world.records.filter(~pl.col("on_register"))["source"].unique().sort()
    spine = world.register.select(source_l=pl.col("source").first())
    right = names.alias("source_r").to_frame()
    pairs = names.alias("source_l").to_frame().join(right, how="cross")
    sides = pl.concat(
        [
            spine.join(right, how="cross").with_columns(bound=pl.lit(EXACT)),
            pairs.filter(pl.col("source_l") <= pl.col("source_r")).with_columns(
                bound=pl.lit(AT_MOST)
            ),
        ]
    )
    grid = sides.join(_rules(), how="cross")
    found = pl.concat([exact, among])
    told = grid.join(found, on=[*_SIDES, "rule", "bound"], how="left", maintain_order="left")
    return told.select(*_SIDES, "rule", pl.col("pairs").fill_null(0), "bound")


def by_rule(comparisons: pl.DataFrame, bound: str) -> pl.DataFrame:
    """Return `rule`, `pairs` of the expected comparisons that have this bound: EXACT or AT_MOST."""
    asked = comparisons.filter(pl.col("bound") == bound)
    summed = asked.group_by("rule").agg(pl.col("pairs").sum())
    told = _rules().join(summed, on="rule", how="left", maintain_order="left")
    return told.with_columns(pl.col("pairs").fill_null(0))


def _rules() -> pl.DataFrame:
    return pl.DataFrame({"rule": [rule.name for rule in RULES]})


def _with_register(world: World, links: pl.DataFrame) -> pl.DataFrame:
    """Return `source_l`, `source_r`, `rule`, `pairs` of the records to be found on the register."""
    others = world.others(links)
    left = _expanded(world.register)
    right = _expanded(others, swapped=True)
    parts = [proposed(left, right, rule, ["source"]) for rule in RULES]
    named = zip(parts, RULES, strict=True)
    return pl.concat(
        part.select(*_SIDES, pl.lit(rule.name).alias("rule"), "pairs") for part, rule in named
    )


def _expanded(records: pl.DataFrame, *, swapped: bool = False) -> pl.DataFrame:
    """Return the rows of the records, each with its source."""
    sources = records.filter(~pl.col("alias")).select("rid", "source")
    return rows.expand(records, swapped=swapped).join(sources, on="rid")


def off_register(world: World, links: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records that `links` leave on no register, and those of them that are new.

    New are those on which no earlier run decided: each is compared with all the others.
    """
    free = world.records.filter(~pl.col("on_register")).join(
        links, left_on="rid", right_on="rid_r", how="anti"
    )
    return free, free.join(world.known, on="rid", how="anti")


def among_others(free: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return `source_l`, `source_r`, `rule`, `pairs` of the records `new` with those of `free`.

    `new` is a part of `free`. Pairs of rows are counted, before overlap of the rules: each pair of
    records once, whichever of the two stands on the left, and no record with itself.
    """
    left, right = _expanded(free), _expanded(new, swapped=True)
    fresh = pl.col("rid").is_in(new["rid"].unique().implode())
    parts = [_of_rule(left.filter(~fresh), left.filter(fresh), right, rule) for rule in RULES]
    return pl.concat(parts)


def _of_rule(
    known: pl.DataFrame, fresh: pl.DataFrame, right: pl.DataFrame, rule: Rule
) -> pl.DataFrame:
    """Return the pairs of a rule: a record that is new on both sides stands on either in turn."""
    twice = proposed(fresh, right, rule, ["source"]).join(
        proposed(fresh, right, rule, ["source", "rid"], same="rid"), on=_SIDES, how="left"
    )
    halves = twice.select(*_SIDES, doubled=pl.col("pairs") - pl.col("pairs_right").fill_null(0))
    once = proposed(known, right, rule, ["source"]).select(*_SIDES, doubled=pl.col("pairs") * 2)
    both = pl.concat([halves, once]).select(
        pl.min_horizontal(_SIDES).alias("source_l"),
        pl.max_horizontal(_SIDES).alias("source_r"),
        "doubled",
    )
    summed = both.group_by(_SIDES).agg(((pl.col("doubled").sum() + 1) // 2).alias("pairs"))
    return summed.select(*_SIDES, pl.lit(rule.name).alias("rule"), "pairs")


def refuse(comparisons: pl.DataFrame, world: World, links: pl.DataFrame, max_pairs: int) -> None:
    """Raise `LinkageError` where what is certain to be compared is over the budget.

    `comparisons` is what `expected` returns. Certain are the pairs with the register, and pairs
    of records that no rule compares with the register: these stay off it.
    """
    sides = world.register, world.others(links)
    _refuse_over(by_rule(comparisons, EXACT), max_pairs, *sides)
    if by_rule(comparisons, AT_MOST).filter(pl.col("pairs") > max_pairs).is_empty():
        return
    free, new = off_register(world, links)
    stay = met_by_none(free, world.register)
    sure, fresh = (each.join(stay, on="rid", how="semi") for each in (free, new))
    refuse_among_others(sure, fresh, max_pairs)


def refuse_among_others(free: pl.DataFrame, new: pl.DataFrame, max_pairs: int) -> None:
    """Raise `LinkageError` where a rule proposes too many pairs of records on no register.

    `free` and `new` as for `among_others`.
    """
    counts = by_rule(among_others(free, new).with_columns(bound=pl.lit(EXACT)), EXACT)
    _refuse_over(counts, max_pairs, free, new, alone=True)


def _refuse_over(
    counts: pl.DataFrame,
    max_pairs: int,
    left: pl.DataFrame,
    right: pl.DataFrame,
    *,
    alone: bool = False,
) -> None:
    over = counts.filter(pl.col("pairs") > max_pairs)
    if over.is_empty():
        return
    sides = rows.expand(left), rows.expand(right, swapped=True)
    of = {rule.name: rule for rule in RULES}
    lines = []
    for name, pairs in over.iter_rows():
        skew = heaviest(*sides, of[name].left, of[name].right, alone=alone)
        lines.append(f"{name}: {pairs:,}{f'; {skew}' if skew else ''}.")
    whom = " of records on no register with one another" if alone else ""
    raise LinkageError(
        f"{over.height} blocking rules propose more than {max_pairs:,} comparisons each{whom}.",
        *lines,
        fix="raise link.max_pairs, or empty a column where many records hold one value.",
    )
