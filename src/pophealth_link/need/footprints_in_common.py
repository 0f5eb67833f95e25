"""Common footprints of two baselines: the smallest groups that hold the same units on both sides.

Released counts are of whole footprints, so a practice that moved cannot be counted where it was.
Where units were exchanged, the footprints that exchanged them are joined, on both sides: what the
joined footprint holds is the same, and its counts are sums of released ones.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.link.components import components
from pophealth_link.need.snapshot import Snapshot
from pophealth_link.need.units_in_common import parts_once, units_in_common
from pophealth_link.schema.outputs_compare import COMMON_FOOTPRINTS

_TYPE = ["basis", "footprint_type"]
_FOOTPRINT = [*_TYPE, "footprint_code"]
_UNIT = [*_TYPE, "unit"]
_DECIMALS, _SHARE_DECIMALS = 4, 6
# Shares that differ by less are the same: they are kept to six decimals.
_SAME = 1e-5


def common_footprints(
    before: pl.DataFrame,
    after: pl.DataFrame,
    before_snapshot: Snapshot | None,
    after_snapshot: Snapshot | None,
    *,
    tolerance: float = 0.0,
) -> pl.DataFrame:
    """Return COMMON_FOOTPRINTS: each footprint of two baselines with its common one, sorted.

    `before`, `after`: BASELINE frames. Units are followed through changes of LSOAs (split, merged
    or irregular), practices that were taken over and authorities that were recoded, as the later
    snapshot tells them; a practice that became shared between footprints, by its own code, for
    nobody knows how many of its people each of its parts has: as many as it has at the most went
    over. Footprints that hold the same units, by the same shares, are common ones;
    others are joined with those with which they exchanged units (connected components), unless
    what left and what came is at most `tolerance` of the people of each (`share_moved`, both
    together). Units weigh by their published people, else alike. A footprint without memberships on
    both sides (a reason, or any of a baseline without snapshot) is matched by its code.
    """
    own = pl.concat(
        _listed(frame, side) for frame, side in ((before, "before"), (after, "after"))
    ).unique(["side", *_FOOTPRINT])
    moves, sizes = _moves(before_snapshot, after_snapshot)
    edges = _edges(own, moves, sizes, tolerance)
    grouped = _grouped(own.sort("side", *_FOOTPRINT), edges)
    named = _named(grouped, _unit_facts(grouped, before_snapshot, after_snapshot, moves))
    return named.select(pl.col(c.name).cast(c.dtype) for c in COMMON_FOOTPRINTS.columns).sort(
        "footprint_type", "footprint_code", "basis", "side", "own_code"
    )


def _listed(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    return frame.select(*_FOOTPRINT, "footprint_name", side=pl.lit(side))


def _moves(before: Snapshot | None, after: Snapshot | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return how much of each unit went from which footprint to which, and footprints' people.

    Of a unit whose shares differ, what stays is the smaller share; the rest went from the
    footprints that hold less of it to those that hold more.
    """
    if before is None or after is None:
        flow = dict.fromkeys([*_UNIT, "code_before", "code_after"], pl.String)
        size = dict.fromkeys([*_FOOTPRINT, "side"], pl.String)
        return (
            pl.DataFrame(schema={**flow, "weight": pl.Float64}),
            pl.DataFrame(schema={**size, "people": pl.Float64}),
        )
    earlier, later = units_in_common(before, after)
    sizes = [_sizes(rows, side) for rows, side in ((earlier, "before"), (later, "after"))]
    return _flows(parts_once(earlier), parts_once(later)), pl.concat(sizes)


def _sizes(rows: pl.DataFrame, side: str) -> pl.DataFrame:
    # An earlier unit that was split stands in several rows: it counts once.
    once = rows.unique([*_FOOTPRINT, "own"]).sort(*_FOOTPRINT, "own")
    people = (pl.col("people") * pl.col("share")).sum().alias("people")
    summed = once.group_by(_FOOTPRINT, maintain_order=True).agg(people)
    return summed.select(*_FOOTPRINT, pl.lit(side).alias("side"), "people")


def _flows(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Return how much of each unit went from where to where; of a practice in parts, the most."""
    pair = [*_UNIT, "footprint_code"]
    then, now = _shares(earlier, pair), _shares(later, pair)
    people = later.group_by(_UNIT).agg(pl.col("most", "ways").max())
    ways = earlier.group_by(_UNIT).agg(pl.col("ways").max().alias("ways_then"))
    kept = then.join(now, on=pair, suffix="_now").with_columns(code_after="footprint_code")
    left, came = _residual(then, now, pair), _residual(now, then, pair)
    crossed = left.join(came, on=_UNIT, suffix="_now").rename({"footprint_code_now": "code_after"})
    columns = [*_UNIT, "footprint_code", "code_after", "share", "share_now"]
    flows = pl.concat([kept.select(columns), crossed.select(columns)]).join(people, on=_UNIT)
    flows = flows.join(ways, on=_UNIT)
    most = pl.max_horizontal("ways", "ways_then") * pl.min_horizontal("share", "share_now")
    return flows.select(
        *_UNIT,
        pl.col("footprint_code").alias("code_before"),
        "code_after",
        (pl.col("most") * pl.min_horizontal(most, 1.0)).alias("weight"),
    ).sort(*_UNIT, "code_before", "code_after")


def _shares(rows: pl.DataFrame, pair: list[str]) -> pl.DataFrame:
    """Return the share of each unit in each footprint; merged units weigh by their people."""
    once = rows.sort(*pair, "own").with_columns(part=pl.col("people") * pl.col("share"))
    summed = once.group_by(pair, maintain_order=True).agg(pl.col("part").sum())
    share = (pl.col("part") / pl.col("part").sum().over(_UNIT)).round(_SHARE_DECIMALS)
    return summed.select(*pair, share.alias("share"))


def _residual(rows: pl.DataFrame, others: pl.DataFrame, pair: list[str]) -> pl.DataFrame:
    """Return what each footprint holds of a unit beyond what the other side has of it there."""
    other = others.rename({"share": "other"})
    less = pl.col("share") - pl.col("other").fill_null(0.0)
    found = rows.join(other, on=pair, how="left").with_columns(share=less)
    return found.filter(pl.col("share") > _SAME).drop("other")


def _edges(
    own: pl.DataFrame, moves: pl.DataFrame, sizes: pl.DataFrame, tolerance: float
) -> pl.DataFrame:
    """Return which earlier footprint hangs together with which later one, and what is ignored.

    A footprint and the one that most of its people are in later, and that has most of its own from
    it, are one. What else left a footprint, and what else came to one, are shares of its people: a
    flow is ignored where neither is above `tolerance`.
    """
    by = [*_TYPE, "code_before", "code_after"]
    flows = moves.group_by(by).agg(pl.col("weight").sort().sum()).sort(by)
    kept = pl.lit(value=True)
    for side in ("before", "after"):
        size = sizes.filter(side=side).select(
            *_TYPE, pl.col("footprint_code").alias(f"code_{side}"), pl.col("people").alias(side)
        )
        flows = flows.join(size, on=[*_TYPE, f"code_{side}"], how="left", maintain_order="left")
        kept &= pl.col("weight") == pl.col("weight").max().over(*_TYPE, f"code_{side}")
    flows = flows.with_columns(main=kept)
    crossed = pl.when(~pl.col("main")).then("weight").otherwise(0.0)
    flows = flows.with_columns(
        (crossed.sum().over(*_TYPE, f"code_{side}") / pl.col(side)).alias(f"part_{side}")
        for side in ("before", "after")
    )
    small = pl.max_horizontal("part_before", "part_after") <= tolerance
    placed = flows.with_columns(ignored=~pl.col("main") & small)
    columns = [*by, "part_before", "part_after", "ignored"]
    return pl.concat([placed.select(columns), _by_code(own, moves, sizes).select(columns)])


def _by_code(own: pl.DataFrame, moves: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """Return the footprints that no unit's flow joins to any, matched by their code.

    Not where both have units: they are then other footprints, to which a code was given anew.
    """
    sides = []
    for side in ("before", "after"):
        flowing = moves.select(*_TYPE, footprint_code=f"code_{side}").unique()
        held = sizes.filter(side=side).select(*_FOOTPRINT, has_units=pl.lit(value=True))
        rows = own.filter(side=side).select(_FOOTPRINT).join(flowing, on=_FOOTPRINT, how="anti")
        sides.append(rows.join(held, on=_FOOTPRINT, how="left"))
    both = sides[0].join(sides[1], on=_FOOTPRINT, suffix="_after")
    others = pl.col("has_units").fill_null(value=False) & pl.col("has_units_after").fill_null(
        value=False
    )
    return both.filter(~others).select(
        *_TYPE,
        code_before="footprint_code",
        code_after="footprint_code",
        part_before=pl.lit(0.0),
        part_after=pl.lit(0.0),
        ignored=pl.lit(value=False),
    )


def _grouped(own: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return the footprints with the `group` that each is in."""
    nodes = own.with_row_index("node")
    kept = edges.filter(~pl.col("ignored"))
    for side in ("before", "after"):
        place = nodes.filter(side=side).select(
            *_TYPE, pl.col("footprint_code").alias(f"code_{side}"), pl.col("node").alias(side)
        )
        kept = kept.join(place, on=[*_TYPE, f"code_{side}"])
    found = components(kept.select("before", "after"))
    known = nodes.join(found.with_columns(pl.col("node").cast(pl.UInt32)), on="node", how="left")
    grouped = known.with_columns(pl.coalesce("component", "node").alias("group")).drop(
        "node", "component"
    )
    shares = pl.concat(_ignored(edges, side) for side in ("before", "after"))
    return grouped.join(shares, on=[*_FOOTPRINT, "side"], how="left")


def _ignored(edges: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return the share of each footprint's people whose going or coming is ignored."""
    rows = edges.filter("ignored").rename({f"code_{side}": "footprint_code"})
    moved = pl.col(f"part_{side}").max().alias("moved")
    return (
        rows.group_by(_FOOTPRINT)
        .agg(moved)
        .select(*_FOOTPRINT, pl.lit(side).alias("side"), "moved")
    )


def _unit_facts(
    grouped: pl.DataFrame,
    before: Snapshot | None,
    after: Snapshot | None,
    moves: pl.DataFrame,
) -> pl.DataFrame:
    """Return, by group, the units of each side, and the share of people in those of it alone."""
    groups = grouped.select("side", *_FOOTPRINT, "group")
    made = groups.select("group").unique()
    if before is None or after is None:
        nothing = [pl.lit(None, pl.Int64).alias(f"units_{s}") for s in ("before", "after")]
        alone = [pl.lit(None, pl.Float64).alias(f"alone_{s}") for s in ("before", "after")]
        return made.with_columns(*nothing, *alone, known=pl.lit(value=False))
    known = moves.select(_UNIT).unique().with_columns(met=True)
    for side, held in zip(("before", "after"), units_in_common(before, after), strict=True):
        placed = held.with_columns(side=pl.lit(side)).join(groups, on=["side", *_FOOTPRINT])
        placed = placed.join(known, on=_UNIT, how="left")
        made = made.join(_counted(placed, side), on="group", how="left")
    return made.with_columns(known=pl.lit(value=True))


def _counted(placed: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return, by group, its units, and the share of its people in those that are not `met`."""
    people = (pl.col("people") * pl.col("share")).first()
    met = pl.col("met").any().fill_null(value=False)
    once = placed.group_by("group", *_FOOTPRINT, "own").agg(met, people)
    share = pl.col("people").filter(~pl.col("met")).sum() / pl.col("people").sum()
    groups = once.sort(*_FOOTPRINT, "own").group_by("group", maintain_order=True)
    return groups.agg(
        pl.col("own").n_unique().cast(pl.Int64).alias(f"units_{side}"),
        share.round(_DECIMALS).alias(f"alone_{side}"),
    )


def _named(grouped: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Add the common footprint's code and name, and what became of it."""
    codes = [
        pl.col("footprint_code").filter(side=side).sort().alias(side)
        for side in ("before", "after")
    ]
    by_code = pl.col("footprint_name").sort_by("footprint_code")
    names = [by_code.filter(pl.col("side").sort_by("footprint_code") == side).alias(f"names_{side}")
             for side in ("before", "after")]  # fmt: skip
    groups = grouped.group_by("group").agg(*codes, *names, pl.col("moved").sum())
    last = pl.when(pl.col("after").list.len() > 0)
    groups = groups.with_columns(
        last.then("after").otherwise("before").list.join("+").alias("common_code"),
        last.then("names_after").otherwise("names_before").list.join(" + ").alias("common_name"),
    ).join(facts, on="group", how="left")
    groups = groups.with_columns(_membership())
    kinds = grouped.select("group", *_TYPE).unique()
    groups = groups.join(kinds, on="group").with_columns(_told_apart())
    own = grouped.select("side", *_FOOTPRINT, "group").rename({"footprint_code": "own_code"})
    return own.join(groups.drop(_TYPE), on="group").rename(
        {
            "common_code": "footprint_code",
            "common_name": "footprint_name",
            "alone_before": "share_gone",
            "alone_after": "share_new",
            "moved": "share_moved",
        }
    )


def _told_apart() -> pl.Expr:
    """Return the code; where one that ended was given to another footprint, the ended is marked."""
    again = pl.len().over(*_TYPE, "common_code") > 1
    ended = pl.col("membership") == "absent_after"
    marked = pl.col("common_code") + " (earlier)"
    return pl.when(again & ended).then(marked).otherwise("common_code").alias("common_code")


def _membership() -> pl.Expr:
    then, now = pl.col("before").list.len(), pl.col("after").list.len()
    one = (then == 1) & (now == 1)
    cases = (
        (then == 0, "absent_before"),
        (now == 0, "absent_after"),
        (one & ~pl.col("known").fill_null(value=False), "not_known"),
        (one & (pl.col("moved").fill_null(0.0) > 0), "moved"),
        (one & (pl.col("before") != pl.col("after")), "renamed"),
        (one, "same"),
        (now == 1, "joined"),
        (then == 1, "parted"),
    )
    made: pl.Expr = pl.lit("regrouped")
    for test, word in reversed(cases):
        made = pl.when(test).then(pl.lit(word)).otherwise(made)
    return made.alias("membership")
