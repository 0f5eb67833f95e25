"""Two other intervals: with the error rates known, and from match probabilities alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks.coverage_worlds import Replicate
from pophealth_link.evaluate.imputed_candidates import candidates
from pophealth_link.need.linkage_draws import Redraw, losing

_KEY = ["source", "record_id"]
_DRAW = [*_KEY, "draw", "person_id"]


def oracle(one: Replicate) -> Redraw:
    """Return the draws as if the error rates were known.

    Whom a record may be stays as likely as it is, but the draws of one record no longer go with
    those of another: what they share is that the rates are not known.
    """
    redraw = one.redraw
    shuffled = redraw.links.with_columns(turn=pl.struct(_KEY).rank("dense").cast(pl.Int64)).sort(
        *_KEY, "draw"
    )
    rng = np.random.default_rng(one.seed)
    count = int(shuffled["turn"].max() or 0)  # type: ignore[arg-type]
    order = np.argsort(rng.random((count + 1, redraw.imputations)), axis=1)
    moved = order[shuffled["turn"].to_numpy(), shuffled["draw"].to_numpy()]
    links = shuffled.with_columns(draw=pl.Series(moved, dtype=pl.Int64)).drop("turn")
    return replace(redraw, links=links.sort("draw", *_KEY))


def naive(one: Replicate) -> Redraw:
    """Return draws of the candidates by their match probabilities, which are taken to be right.

    Links by number and by deterministic passes are sure, a record without candidate is nobody's,
    and false links are people of their own.
    """
    redraw, rng = one.redraw, np.random.default_rng(one.seed)
    main = one.links.records.filter(~pl.col("alias"))
    register = main.filter("on_register")["person_id"].unique().implode()
    main = main.with_columns(linked=pl.col("person_id").is_in(register))
    asked = candidates(one.links, main).filter(kind="open").sort("rid", "logit", "to")
    best = asked.unique("rid", keep="last", maintain_order=True).with_columns(
        p=1 / (1 + (-pl.col("logit")).exp())
    )
    rows = best.join(main.select("rid", *_KEY), on="rid").sort(_KEY)
    weighed = main.filter(~pl.col("on_register") & pl.col("linked")).filter(
        pl.col("match_probability").is_not_null()
    )
    own = one.imputed.alone.select(*_KEY, alone="person_id")
    false = weighed.select(*_KEY, p=1 - pl.col("match_probability")).join(own, on=_KEY)
    every = pl.concat(
        [rows.select(*_KEY, "p", person_id="to"), false.select(*_KEY, "p", person_id="alone")]
    )
    found = [
        every.filter(pl.Series(rng.random(every.height)) < pl.col("p")).with_columns(
            draw=pl.lit(draw, pl.Int64)
        )
        for draw in range(redraw.imputations)
    ]
    links = pl.concat(found).select(_DRAW).sort("draw", *_KEY)
    kept = losing(links, redraw.index).join(losing(redraw.links, redraw.index), on="person_id")
    whole = links.join(redraw.index.select(*_KEY, was="person_id"), on=_KEY).join(
        kept.select(was="person_id"), on="was", how="semi"
    )
    return replace(redraw, links=whole.select(_DRAW).sort("draw", *_KEY))
