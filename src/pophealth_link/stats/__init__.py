"""Public-health statistics: frame in, frame out.

Each function takes a `pl.DataFrame` or a `pl.LazyFrame` and answers with the same type. A value
that cannot be given is null, and the column `method` says why.
"""

from pophealth_link.stats.contrasts import difference, ratio
from pophealth_link.stats.crude import mean, proportion, rate
from pophealth_link.stats.funnel import funnel_limits
from pophealth_link.stats.inequality import quantiles, slope_index
from pophealth_link.stats.intervals import byar_limits
from pophealth_link.stats.mortality import life_expectancy
from pophealth_link.stats.repeated import (
    bootstrap_rate,
    compound_poisson_rate,
    over_dispersion,
)
from pophealth_link.stats.standard_population import european_standard_population
from pophealth_link.stats.standardised import (
    directly_standardised_rate,
    indirectly_standardised_ratio,
)
from pophealth_link.stats.survival import kaplan_meier

__all__ = [
    "bootstrap_rate",
    "byar_limits",
    "compound_poisson_rate",
    "difference",
    "directly_standardised_rate",
    "european_standard_population",
    "funnel_limits",
    "indirectly_standardised_ratio",
    "kaplan_meier",
    "life_expectancy",
    "mean",
    "over_dispersion",
    "proportion",
    "quantiles",
    "rate",
    "ratio",
    "slope_index",
]
