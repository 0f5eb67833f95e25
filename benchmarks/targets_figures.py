"""The figures that targets are about, from a pool of answers, with intervals.

**At an equal share of false links**: the yardstick stands at its own threshold; another system's
threshold is, for each source, the lowest at which its pooled false links are no larger a share of
its links than the yardstick's. **At an equal recall**: the highest at which it has as many correct
links. A scope of several sources adds up their counts, each at its own threshold, because a score
means something within a source only. Thresholds are set with the truth at hand, one for each
source of all data sets together.

Limits: Wilson's for shares of records; for ratios, gaps and ways the percentiles of a bootstrap
over clusters, in which thresholds, best and worst group are found anew. A bootstrap cannot tell how
far off a few errors are (of none it makes none): there a ratio has the wider of its limits and
those of two Poisson counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from benchmarks.targets_answers import CEILING, LIBRARY, YARDSTICK
from benchmarks.targets_pool import (
    Floats,
    Point,
    Pool,
    Source,
    curve,
    own,
    reaching,
    within,
)
from pophealth_link.stats import proportion

MISSED_RATIO, FALSE_RATIO = "missed links ratio", "false links ratio"
# Shares of records, of which each system has both at a point or neither.
RATES = ("recall", "false links")
OWN, EQUAL, RECALL = "own threshold", "equal false links", "equal recall"
# Shares of false links at which all systems are compared besides, and that of the target.
LIMITS = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01)
LIMIT = 0.0015
# Groups with fewer linkable records, in all, are left out of a gap.
FEWEST_LINKABLE = 1_000
# With fewer errors than this of the library, limits are no narrower than those of Poisson counts.
_FEW = 20
_DRAWS_SEED = 20_260_401
_TAIL = 0.025


class Key(NamedTuple):
    """What a figure is: a measure of a scope, of a system (or of the library against others)."""

    measure: str
    scope: str
    system: str
    point: str


class Share(NamedTuple):
    """A figure as a part of a whole."""

    part: float
    whole: float

    @property
    def value(self) -> float:
        """The share; infinite where there is no whole: nothing is then known of a ratio."""
        return self.part / self.whole if self.whole > 0 else float("inf")


def within_limit(limit: float) -> str:
    """Return the name of the point at a limit of false links.

    >>> within_limit(0.0015)
    '≤ 0.15 %'
    """
    return f"≤ {100 * limit:g} %"


def as_found_at(limit: float) -> str:
    """Return the name of the point with the yardstick's recall at a limit of false links."""
    return f"recall of the yardstick at {within_limit(limit)}"


_Points = Mapping[tuple[str, str], Point | None]


def points(source: Source, weights: Floats) -> _Points:
    """Return what each system links in a source, by system and point; None where none gets there.

    The points of recall are the library's alone.
    """
    swept = {name: curve(each, weights) for name, each in source.systems.items()}
    found: dict[tuple[str, str], Point | None] = {}
    for name, each in source.systems.items():
        found[name, OWN] = own(each, weights)
    yardstick = own(source.systems[YARDSTICK], weights)
    share = yardstick.false / yardstick.linked if yardstick.linked else 0.0
    for name, at_all in swept.items():
        found[name, EQUAL] = yardstick if name == YARDSTICK else within(at_all, share)
    found[LIBRARY, RECALL] = reaching(swept[LIBRARY], yardstick.correct)
    for limit in LIMITS:
        kept = {name: within(each, limit) for name, each in swept.items()}
        found |= {(name, within_limit(limit)): each for name, each in kept.items()}
        asked = kept[YARDSTICK].correct
        found[LIBRARY, as_found_at(limit)] = reaching(swept[LIBRARY], asked)
    return found


def figures(
    pool: Pool, scopes: Mapping[str, Sequence[str]], weights: Floats, large: Mapping[str, Floats]
) -> dict[Key, Share]:
    """Return every figure of every scope, the clusters weighed.

    `large` says of each scope which groups (1 or 0) have enough linkable records for a gap.
    """
    told = {name: points(source, weights) for name, source in pool.sources.items()}
    linkable = {name: source.linkable @ weights for name, source in pool.sources.items()}
    found: dict[Key, Share] = {}
    for scope, names in scopes.items():
        summed = {key: _sum([told[name][key] for name in names]) for key in told[names[0]]}
        groups = np.sum([linkable[name] for name in names], axis=0)
        found |= _of_scope(scope, summed, groups, large[scope])
    return found


def _sum(each: Sequence[Point | None]) -> Point | None:
    known = [point for point in each if point is not None]
    if len(known) < len(each):
        return None
    by_group = np.sum([point.by_group for point in known], axis=0)
    return Point(sum(point.linked for point in known), by_group)


def _of_scope(scope: str, summed: _Points, groups: Floats, large: Floats) -> dict[Key, Share]:
    linkable = float(groups.sum())
    found: dict[Key, Share] = {}
    for (system, point), at in summed.items():
        if at is not None:
            found[Key("recall", scope, system, point)] = Share(at.correct, linkable)
            found[Key("false links", scope, system, point)] = Share(at.false, at.linked)
        if at is not None and point in (OWN, EQUAL):
            found[Key("gap", scope, system, point)] = Share(_gap(at, groups, large), 1.0)
            found[Key("F1", scope, system, point)] = Share(2 * at.correct, at.linked + linkable)
    for point in (OWN, EQUAL):
        ours, theirs = (found[Key("gap", scope, s, point)].part for s in (LIBRARY, YARDSTICK))
        found[Key("gap ratio", scope, LIBRARY, point)] = Share(ours, theirs)
    for point in (OWN, EQUAL, *map(within_limit, LIMITS)):
        found |= _against(scope, point, summed, linkable)
    for point, reached in ((OWN, RECALL), *((within_limit(n), as_found_at(n)) for n in LIMITS)):
        found[Key(FALSE_RATIO, scope, LIBRARY, reached)] = Share(
            _false(summed[LIBRARY, reached]), _false(summed[YARDSTICK, point])
        )
    return found


def _false(point: Point | None) -> float:
    """Return the false links at a point; infinite where no threshold gets there."""
    return float("inf") if point is None else point.false


def _gap(point: Point, groups: Floats, large: Floats) -> float:
    """Return the recall of the best large group less that of the worst; nan with fewer than two."""
    kept = (large > 0) & (groups > 0)
    if kept.sum() < 2:
        return float("nan")
    recall = point.by_group[kept] / groups[kept]
    return float(recall.max() - recall.min())


def _against(scope: str, point: str, summed: _Points, linkable: float) -> dict[Key, Share]:
    """Return the library's misses as a share of the yardstick's, and how far it has come."""

    def correct(system: str) -> float:
        at = summed[system, point]
        return 0.0 if at is None else at.correct

    missed = Share(linkable - correct(LIBRARY), linkable - correct(YARDSTICK))
    told = {Key(MISSED_RATIO, scope, LIBRARY, point): missed}
    if (CEILING, point) in summed:
        done, whole = (correct(each) - correct(YARDSTICK) for each in (LIBRARY, CEILING))
        told[Key("way", scope, LIBRARY, point)] = Share(done, whole)
    return told


def large_groups(
    pool: Pool, scopes: Mapping[str, Sequence[str]], fewest: int = FEWEST_LINKABLE
) -> dict[str, Floats]:
    """Return of each scope which groups have enough linkable records; the unknown one never has."""
    found = {}
    for scope, names in scopes.items():
        counts = np.sum([pool.sources[name].linkable.sum(axis=1) for name in names], axis=0)
        found[scope] = (counts >= fewest).astype(np.float64)
        found[scope][-1] = 0.0
    return found


def table(
    pool: Pool, scopes: Mapping[str, Sequence[str]], *, draws: int, fewest: int = FEWEST_LINKABLE
) -> pl.DataFrame:
    """Return a row for each figure: its key, part, whole, value, lower, upper."""
    large = large_groups(pool, scopes, fewest)
    told = figures(pool, scopes, np.ones(pool.clusters), large)
    plain = pl.DataFrame(
        [(*key, *share) for key, share in told.items()],
        schema={**dict.fromkeys(Key._fields, pl.String), "part": pl.Float64, "whole": pl.Float64},
        orient="row",
    )
    rates = pl.col("measure").is_in(RATES)
    drawn = [key for key in told if key.measure not in RATES]
    limits = _widened(
        _bootstrap(pool, scopes, large, drawn, draws), [(key, told[key]) for key in drawn]
    )
    values = pl.DataFrame({"value": [told[key].value for key in drawn], **limits})
    others = pl.concat([plain.filter(~rates), values], how="horizontal")
    both = pl.concat([with_limits(plain.filter(rates)), others])
    return both.with_columns(_finite("value", "lower", "upper", "part"))


def with_limits(shares: pl.DataFrame) -> pl.DataFrame:
    """Add value, lower and upper to rows of recall or false links: part / whole, and Wilson's."""
    return proportion(shares, "part", "whole").drop("method")


def _widened(
    limits: Mapping[str, Floats], shares: Sequence[tuple[Key, Share]]
) -> dict[str, Floats]:
    """Return limits in which those of few errors are no narrower than those of Poisson counts."""
    lower, upper = limits["lower"].copy(), limits["upper"].copy()
    for place, (key, share) in enumerate(shares):
        if key.measure in (MISSED_RATIO, FALSE_RATIO) and share.part < _FEW and share.whole > 0:
            exact = poisson_limits(round(share.part), round(share.whole))
            lower[place] = min(lower[place], exact[0])
            upper[place] = max(upper[place], exact[1])
    return {"lower": lower, "upper": upper}


def poisson_limits(ours: int, theirs: int) -> tuple[float, float]:
    """Return the 95 % limits of the ratio of two independent Poisson counts, the second not 0.

    Given their sum the first is binomial, for whose chance p Clopper's and Pearson's limits hold;
    the ratio is p / (1 − p). Errors on the same records are not independent, which makes the true
    limits narrower.

    >>> [round(each, 3) for each in poisson_limits(0, 7)]
    [0.0, 0.694]
    """
    from scipy.stats import beta

    lower = float(beta.ppf(_TAIL, ours, theirs + 1)) if ours else 0.0
    upper = float(beta.ppf(1 - _TAIL, ours + 1, theirs))
    return lower / (1 - lower), upper / (1 - upper)


def _finite(*names: str) -> list[pl.Expr]:
    """Return columns in which what has no end is null."""
    return [pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in names]


def _bootstrap(
    pool: Pool,
    scopes: Mapping[str, Sequence[str]],
    large: Mapping[str, Floats],
    keys: Sequence[Key],
    draws: int,
) -> dict[str, Floats]:
    """Return the lower and upper 95 % limits of figures."""
    random = np.random.default_rng(_DRAWS_SEED)
    even = np.full(pool.clusters, 1 / pool.clusters)
    weights = random.multinomial(pool.clusters, even, size=draws).astype(np.float64)
    found = np.empty((draws, len(keys)))
    for place, each in enumerate(weights):
        told = figures(pool, scopes, each, large)
        found[place] = [told[key].value for key in keys]
    # No interpolation: a limit may be infinite.
    ends = np.quantile(found, [_TAIL, 1 - _TAIL], axis=0, method="inverted_cdf")
    return {"lower": ends[0], "upper": ends[1]}
