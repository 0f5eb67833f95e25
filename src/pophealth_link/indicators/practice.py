"""Published counts of practices, such as disease registers, rolled up to footprints."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link import stats
from pophealth_link.engine import Frame
from pophealth_link.errors import ReferenceDataError, nearest
from pophealth_link.indicators.footprints import FOOTPRINT
from pophealth_link.places import listed_shares
from pophealth_link.places.listed import UNKNOWN
from pophealth_link.places.parts import PART_MARK
from pophealth_link.places.units import REASONS, REGISTERED

_GROUP = (*FOOTPRINT, "register", "list_type", "period")
_DECIMALS = 6


def registers(
    qof: pl.DataFrame | pl.LazyFrame,
    unit_footprints: pl.DataFrame | pl.LazyFrame,
    *,
    wanted: Sequence[str] | None = None,
    codes: Frame | None = None,
    parts: Frame | None = None,
    patients: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the disease registers of each footprint of practices, with prevalence; sorted.

    `qof`: the reference's table (practice_code, register, numerator, denominator, list_type and
    period); `unit_footprints`: UNIT_FOOTPRINTS, whose registered rows count. `wanted`: registers,
    such as DEP, MH and DEM; left out: all. `codes` and `parts`: see `places.Registration`; a
    practice that had ended counts in its successor, and one that is split is divided as its
    published `patients` are (practice_code, lsoa_code, people; see `places.listed_shares`). Returns
    footprint, register, list_type, period, numerator and denominator (Σ count·share), value, lower
    and upper (%, Wilson), practices (with a count), coverage (practices with a count, of all of the
    footprint) and status: `ok`, or `estimated` where a practice lies in the footprint in part.
    Practices that lie in none are in the rows that say why, without coverage; those that
    `unit_footprints` does not know, such as the rest of England's, are left out. Raises
    `ReferenceDataError` for absent columns or repeated counts. Source: NHS England, Quality and
    Outcomes Framework, prevalence.

    >>> qof = pl.DataFrame({"practice_code": ["P1"], "register": ["DEM"], "numerator": [9],
    ...     "denominator": [900], "list_type": ["TOTAL"], "period": ["2020/21"]})
    >>> units = pl.DataFrame({"basis": ["registered"], "unit": ["P1"], "footprint_type": ["pcn"],
    ...     "footprint_code": ["U1"], "footprint_name": ["North"], "share": [1.0]})
    >>> registers(qof, units)["numerator", "value", "coverage"].row(0)
    (9.0, 1.0, 1.0)
    """
    held = _checked(qof.lazy().collect())
    if wanted is not None:
        held = held.filter(pl.col("register").is_in(list(wanted)))
    mapping = unit_footprints.lazy().filter(pl.col("basis") == REGISTERED).collect()
    own = listed_shares(
        held["practice_code"], mapping, codes=codes, parts=parts, patients=patients
    ).filter(pl.col("unit") != UNKNOWN)
    rows = held.join(own.rename({"share": "__share"}), on="practice_code").join(
        mapping.select(*FOOTPRINT, "unit", "share"), on="unit"
    )
    rows = rows.with_columns(_practice(), pl.col("share") * pl.col("__share"))
    counts = [
        (pl.col(name) * pl.col("share")).sort().sum().round(_DECIMALS).alias(name)
        for name in ("numerator", "denominator")
    ]
    split = (pl.col("share").min() < 1) | pl.col("divided").any()
    summed = rows.group_by(_GROUP).agg(
        *counts,
        pl.col("practice").n_unique().cast(pl.Int64).alias("practices"),
        pl.when(split).then(pl.lit("estimated")).otherwise(pl.lit("ok")).alias("status"),
    )
    joined = summed.join(_sizes(mapping), on=list(FOOTPRINT), how="left").with_columns(
        (pl.col("practices") / pl.col("units")).alias("coverage")
    )
    found = stats.proportion(joined.sort(_GROUP), "numerator", "denominator", multiplier=100)
    return found.select(
        *_GROUP, "numerator", "denominator", "value", "lower", "upper", "practices", "coverage",
        "status",
    )  # fmt: skip


def _practice() -> pl.Expr:
    """Return the practice that a unit is or is a part of; of a reason, whose count it is."""
    code = pl.col("unit").str.split(PART_MARK).list.first()
    reason = pl.col("unit").is_in(list(REASONS[REGISTERED]))
    return pl.when(reason).then("practice_code").otherwise(code).alias("practice")


def _sizes(mapping: pl.DataFrame) -> pl.DataFrame:
    """Return how many practices each footprint has; reasons have none."""
    known = mapping.filter(~pl.col("unit").is_in(list(REASONS[REGISTERED])))
    code = pl.col("unit").str.split(PART_MARK).list.first()
    return known.group_by(FOOTPRINT).agg(code.n_unique().alias("units"))


_COLUMNS = ("practice_code", "register", "numerator", "denominator", "list_type", "period")


def _checked(held: pl.DataFrame) -> pl.DataFrame:
    absent = [name for name in _COLUMNS if name not in held.columns]
    if absent:
        raise ReferenceDataError(
            "`qof` is not in its declared shape.",
            *(f"{name}  absent.{nearest(name, held.columns)}" for name in absent),
            fix="build the reference pack again",
        )
    rows = held.select(_COLUMNS).drop_nulls(["numerator", "denominator"])
    repeats = rows.height - rows.select("practice_code", "register", "period").n_unique()
    if repeats:
        raise ReferenceDataError(
            "`qof` holds the same register of a practice more than once.",
            f"{repeats:,} of {rows.height:,} rows repeat one.",
            fix="keep one row per practice, register and period",
        )
    return rows.with_columns(pl.col("numerator", "denominator").cast(pl.Float64))
