"""Public-health statistics: frame in, frame out.

Each function takes a `pl.DataFrame` or a `pl.LazyFrame` and answers with the same type. A value
that cannot be given is null, and the column `method` says why.
"""

from pophealth_link.stats.crude import mean, proportion, rate
from pophealth_link.stats.funnel import funnel_limits
from pophealth_link.stats.inequality import quantiles, slope_index
from pophealth_link.stats.intervals import byar_limits
from pophealth_link.stats.mortality import life_expectancy
from pophealth_link.stats.standard_population import european_standard_population
from pophealth_link.stats.standardised import (
    directly_standardised_rate,
    indirectly_standardised_ratio,
)

__all__ = [
    "byar_limits",
    "directly_standardised_rate",
    "european_standard_population",
    "funnel_limits",
    "indirectly_standardised_ratio",
    "life_expectancy",
    "mean",
    "proportion",
    "quantiles",
    "rate",
    "slope_index",
]
