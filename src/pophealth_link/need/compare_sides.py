"""One side of a comparison: a baseline's cells on common footprints, sums of released counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.need.release import GIVEN
from pophealth_link.need.snapshot import Snapshot

FOOTPRINT = ("footprint_type", "footprint_code", "basis")
CELL = (*FOOTPRINT, "indicator", "stratum")
COUNTS = ("numerator", "denominator")
LIMITS = ("lower", "upper")
LINKAGE = ("linkage_lower", "linkage_upper")
NUMBERS = (*COUNTS, "value", *LIMITS, *LINKAGE)
NOBODY = "not_applicable"
# Half the width of a 95 % interval, in standard deviations.
_Z = 1.959963984540054
_NO_SUM = "imd_concentration"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A released baseline: BASELINE cells, its snapshot if it has one, and what to call it.

    `sha256`: of its baseline.csv, by which a later snapshot names it.
    """

    name: str
    cells: pl.DataFrame = field(repr=False)
    snapshot: Snapshot | None = None
    sha256: str | None = None

    def settings(self, indicator: str) -> dict[str, Any]:
        """Return the settings of an indicator as run; empty where they are not known."""
        known = self.snapshot.definitions if self.snapshot else {}
        return dict(known.get(indicator, {}))


def side(baseline: Baseline, common: pl.DataFrame, which: str) -> pl.DataFrame:
    """Return the cells of a baseline on common footprints: CELL, NUMBERS and what they rest on.

    `common`: COMMON_FOOTPRINTS; `which`: before or after. Counts of joined footprints are sums;
    their value is the mean weighed by denominators; limits are recovered from the parts' (their
    distances from the values, weighed, added in squares), and those from linkage error, which
    footprints share, added as they are. A part in which nobody is adds nothing; one that is not
    given makes the whole not given. `why` says why a cell has no value, `rounding` is half the
    width of the interval from rounding, `parts` the number of footprints. Source: Zou, Huang and
    Zhang, Comput Stat Data Anal 2009;53:1080-1085 (limits of linear functions).
    """
    place = common.filter(side=which).select(
        "footprint_type", "basis", "own_code", common_code="footprint_code"
    )
    rows = baseline.cells.rename({"footprint_code": "own_code"}).join(
        place, on=["footprint_type", "basis", "own_code"]
    )
    rows = rows.rename({"common_code": "footprint_code"}).sort(*CELL, "own_code")
    shown = pl.col("status").is_in(GIVEN) & pl.col("value").is_not_null()
    marked = rows.with_columns(shown=shown, counts=pl.col("status") != NOBODY)
    groups = marked.group_by(CELL, maintain_order=True).agg(*_facts(), *_single(), *_summed())
    return _finished(groups, baseline)


def _facts() -> list[pl.Expr]:
    lacking = pl.col("status").filter(~pl.col("shown") & pl.col("counts")).sort().unique()
    return [
        pl.col("counts").sum().cast(pl.Int64).alias("parts"),
        lacking.sort().str.join("|").alias("lacking"),
        pl.col("unit").first(),
        pl.col("period").first(),
        pl.col("coverage").min(),
        (pl.col("status") == "imputed_down").any().alias("imputed"),
    ]


def _single() -> list[pl.Expr]:
    """Return the numbers of the one part that counts."""
    return [pl.col(name).filter("counts").first().alias(f"one_{name}") for name in NUMBERS]


def _summed() -> list[pl.Expr]:
    value, weight = pl.col("value"), pl.col("denominator")
    share = weight / weight.filter("counts").sum()
    mean = (value * share).filter("counts").sum()
    made = [_all(name, pl.col(name).filter("counts").sum()).alias(f"sum_{name}") for name in COUNTS]
    made.append(_all("value", mean).alias("sum_value"))
    for name in LIMITS:
        apart = ((share * (value - pl.col(name))) ** 2).filter("counts").sum().sqrt()
        made.append(_all(name, apart).alias(f"apart_{name}"))
    for name in LINKAGE:
        apart = (share * (value - pl.col(name)).abs()).filter("counts").sum()
        made.append(_all(name, apart).alias(f"apart_{name}"))
    return made


def _all(name: str, found: pl.Expr) -> pl.Expr:
    """Return a sum where no part that counts lacks the column."""
    return pl.when(pl.col(name).filter("counts").is_not_null().all()).then(found)


def _finished(groups: pl.DataFrame, baseline: Baseline) -> pl.DataFrame:
    one = pl.col("parts") <= 1
    sign = {"lower": -1, "upper": 1, "linkage_lower": -1, "linkage_upper": 1}
    joined = {name: pl.col(f"sum_{name}") for name in (*COUNTS, "value")}
    joined |= {n: pl.col("sum_value") + s * pl.col(f"apart_{n}") for n, s in sign.items()}
    no_sum = _flags(baseline, groups, lambda settings: settings.get("deprivation") == _NO_SUM)
    why = (
        pl.when(pl.col("parts") == 0)
        .then(pl.lit(NOBODY))
        .when(pl.col("lacking") != "")
        .then("lacking")
        .when(no_sum & ~one)
        .then(pl.lit("no_sum"))
        .alias("why")
    )
    made = groups.with_columns(why).with_columns(
        pl.when(pl.col("why").is_null())
        .then(pl.when(one).then(f"one_{name}").otherwise(joined[name]))
        .alias(name)
        for name in NUMBERS
    )
    # Limits that do not reach the value (rounded ones) are taken to touch it.
    made = made.with_columns(
        *(_known(n, pl.min_horizontal(n, "value")) for n in ("lower", "linkage_lower")),
        *(_known(n, pl.max_horizontal(n, "value")) for n in ("upper", "linkage_upper")),
    )
    kept = [*CELL, *NUMBERS, "unit", "period", "coverage", "imputed", "parts", "why"]
    return made.select(*kept, _rounding(baseline, made))


def _known(name: str, limit: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(name).is_not_null()).then(limit).alias(name)


def _flags(
    baseline: Baseline, groups: pl.DataFrame, test: Callable[[Mapping[str, Any]], bool]
) -> pl.Expr:
    names = groups["indicator"].unique().sort().to_list()
    return pl.col("indicator").is_in([each for each in names if test(baseline.settings(each))])


def _rounding(baseline: Baseline, groups: pl.DataFrame) -> pl.Expr:
    """Return half the width of the 95 % interval from rounding counts to a step, 0 if unknown.

    Each released count is off by up to half a step, evenly: its variance is step² / 12.
    """
    if baseline.snapshot is None or baseline.snapshot.base <= 1:
        return pl.lit(0.0).alias("rounding")
    base = float(baseline.snapshot.base)
    names = groups["indicator"].unique().sort().to_list()
    times = {
        each: float(baseline.settings(each).get("multiplier", 1))
        for each in names
        if baseline.settings(each).get("level") in ("person", "property")
    }
    scale = pl.col("indicator").replace_strict(times, default=0.0, return_dtype=pl.Float64)
    share = pl.col("numerator") / pl.col("denominator")
    spread = (pl.col("parts") * base**2 / 12 * (1 + share**2)).sqrt()
    half = _Z * scale / pl.col("denominator") * spread
    return pl.when(pl.col("denominator") > 0).then(half).fill_null(0.0).alias("rounding")
