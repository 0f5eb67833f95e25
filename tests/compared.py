"""Small released baselines with snapshots, to compare and reconcile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from pophealth_link import stats
from pophealth_link.need.compare_sides import Baseline
from pophealth_link.need.snapshot import Snapshot
from pophealth_link.schema.outputs import BASELINE

PERSON = {
    "level": "person", "statistic": "proportion", "unit": "%", "multiplier": 100,
    "interval": "wilson", "period": "point", "settings": ["primary_care"],
}  # fmt: skip
MEMBER = ("basis", "unit", "footprint_type", "footprint_code", "share")


def cells(counts: Mapping[str, tuple[float, float]], **more: Any) -> pl.DataFrame:
    """Cells of one indicator by PCN, with Wilson limits of the counts; `more` sets columns."""
    frame = pl.DataFrame(
        [(code, x, n) for code, (x, n) in counts.items()],
        schema={"footprint_code": pl.String, "numerator": pl.Float64, "denominator": pl.Float64},
        orient="row",
    )
    frame = stats.proportion(frame, "numerator", "denominator", multiplier=100).drop("method")
    base = {
        "footprint_type": "pcn", "basis": "registered", "indicator": "depression_recorded",
        "stratum": "all", "unit": "%", "period": "2026-04-01", "status": "ok",
    } | more  # fmt: skip
    frame = frame.with_columns(pl.lit(v).alias(k) for k, v in base.items())
    frame = frame.with_columns(footprint_name=pl.lit("PCN ") + pl.col("footprint_code"))
    absent = [c for c in BASELINE.columns if c.name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, c.dtype).alias(c.name) for c in absent)
    return frame.select(pl.col(c.name).cast(c.dtype) for c in BASELINE.columns)


def memberships(rows: Sequence[tuple[str, str, float]], basis: str = "registered") -> pl.DataFrame:
    """PCN memberships from unit, code and share."""
    held = [(basis, unit, "pcn", code, share) for unit, code, share in rows]
    schema = dict.fromkeys(MEMBER, pl.String) | {"share": pl.Float64}
    return pl.DataFrame(held, schema=schema, orient="row")


def snapshot(**changes: Any) -> Snapshot:
    given = {
        "library": "0.1.0",
        "as_of": date(2026, 4, 1),
        "period": (date(2025, 4, 1), date(2026, 3, 31)),
        "policy": {"name": "none", "base": 1},
        "definitions": {"depression_recorded": PERSON},
        "vintages": {"deprivation": "2025"},
    }
    return Snapshot(**(given | changes))


def baseline(name: str, counts: Mapping[str, tuple[float, float]], **changes: Any) -> Baseline:
    units = [(f"P{code}", code, 1.0) for code in counts]
    held = snapshot(**({"memberships": memberships(units)} | changes))
    return Baseline(name, cells(counts), held)
