"""Costs: released counts times the unit costs that a job gives."""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import JobError, Problem, nearest, raise_problems
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.need.released import LIMITS, fitted, with_limits
from pophealth_link.schema.outputs_services import COSTS
from pophealth_link.schema.records_services import UNIT_COSTS

_COUNTED = ("events", "days")


def costs(
    baseline: pl.DataFrame, unit_costs: pl.DataFrame, *, indicators: Catalogue | None = None
) -> pl.DataFrame:
    """Return COSTS, one row per footprint, basis and item, sorted.

    `baseline`: BASELINE as released; `unit_costs`: UNIT_COSTS (`service_inputs.read_unit_costs`).
    value = count × unit cost. Limits: the count's limits times the lowest and highest plausible
    unit cost where both are given (so no interval of 95 %), else times the unit cost; those from
    linkage error by the unit cost. Where the count is withheld the cost is empty and `status` says
    why. Costs of items that overlap (days out of area may be delayed
    days) are not to be added up.

    Raises `JobError` where an item costs an indicator that is not one of events or days.
    """
    listed = catalogue() if indicators is None else indicators
    require_counts(unit_costs, listed)
    whole = with_limits(baseline.filter(pl.col("stratum") == "all"), listed).drop(
        "value", *LIMITS, "unit"
    )
    priced = unit_costs.select(
        "item",
        "indicator",
        "unit_cost",
        pl.col("lower").alias("cost_lower"),
        pl.col("upper").alias("cost_upper"),
        "price_year",
        pl.col("date").alias("cost_date"),
        pl.col("source").alias("cost_source"),
    )
    rows = whole.join(priced, on="indicator")
    both = pl.all_horizontal(pl.col("cost_lower", "cost_upper").is_not_null())
    sides = [
        (
            pl.col(f"count_{side}")
            * pl.when(both).then(pl.col(f"cost_{side}")).otherwise("unit_cost")
        ).alias(side)
        for side in ("lower", "upper")
    ]
    sides += [
        (pl.col(f"count_{limit}") * pl.col("unit_cost")).alias(limit)
        for limit in ("linkage_lower", "linkage_upper")
    ]
    made = rows.with_columns(
        pl.col("count").alias("quantity"),
        (pl.col("count") * pl.col("unit_cost")).alias("value"),
        *sides,
        pl.lit("£").alias("unit"),
    )
    return fitted(made, COSTS)


def require_counts(unit_costs: pl.DataFrame, listed: Catalogue) -> None:
    """Raise `JobError`, once, for indicators of UNIT_COSTS that are none of events or days."""
    names = unit_costs["indicator"].unique().sort().to_list()
    fit = {each.id for each in listed if each.counted in _COUNTED}
    where = f"{UNIT_COSTS.name}.indicator"
    problems = [
        Problem(
            JobError, where, f"`{name}` is not an indicator of events or days.{nearest(name, fit)}"
        )
        for name in names
        if name not in fit
    ]
    raise_problems("the table of unit costs", problems)
