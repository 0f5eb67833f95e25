"""The need index: social circumstances that go with mental ill health, as one number an area.

For each member indicator z = direction·(x − mean)/sd over the LSOAs of the reference, each LSOA
counting once. In a reference of enough LSOAs the index is the score of one or two factors fitted by
maximum likelihood (see `factor`); in a smaller one the mean of the z, with stated equal weights.
Either is divided by its standard deviation, so that it is in standard deviations of LSOAs and
averages zero. A footprint's index is the people-weighted mean of its LSOAs. Members measure need,
never supply or use; no member holds the health domain of the deprivation index, which counts mental
health already; no member is a value of a larger area. Reliability: Cronbach's alpha (Psychometrika
1951;16:297–334), omega and the determinacy of the factor score; the sign of each member is checked
by its correlation with the sum of the others, which is negative where its stated direction does not
fit the reference, and by its loading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.indicators.declaration import Indicator
from pophealth_link.need.factor import Factors, analyse
from pophealth_link.need.index_parts import Parts, members_of, parts_of

AREAS_PER_INDICATOR = 10
LEAST_MEMBERS = 3
# Areas that a factor analysis takes: Comrey and Lee, A First Course in Factor Analysis, 1992,
# call 300 good. Each indicator also needs ten.
LEAST_FACTOR_AREAS = 300
# With three a factor model fits whatever the data are: nothing is left over to judge it by.
LEAST_FACTOR_MEMBERS = 4
FACTOR, WEIGHTS = "factor", "weights"
_DECIMALS, _SINGULAR = 6, 1e-8
_ALONE = "it is a factor by itself: it would be the whole of the index"
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NeedIndex:
    """The fitted index.

    `values`: lsoa_code, value (standard deviations), sorted; empty where `reason` says why there is
    none. `members`: their ids; `left_out`: id → why; `areas`: LSOAs fitted; `incomplete`: LSOAs
    without every member, which have no value; `alpha`: Cronbach's; `item_rest`: id → correlation
    with the sum of the others. `method`: factor or weights, `method_reason` why not factor;
    `parts`: weights, loadings and reliability (see `index_parts`); `standardised`: lsoa_code and
    the z of each member.
    """

    values: pl.DataFrame
    members: tuple[str, ...]
    left_out: Mapping[str, str]
    areas: int
    incomplete: int
    alpha: float | None
    item_rest: Mapping[str, float]
    reason: str | None = None
    method: str | None = None
    method_reason: str | None = None
    parts: Parts | None = None
    standardised: pl.DataFrame | None = field(default=None, repr=False)

    @property
    def against(self) -> tuple[str, ...]:
        """Members that run against the others: by their correlation or by their loading."""
        loaded = self.parts.against if self.parts else ()
        return tuple(m for m in self.members if self.item_rest.get(m, 0) < 0 or m in loaded)

    def summary(self) -> dict[str, object]:
        """Return everything but the values, as JSON can hold it.

        Beside the fields: `weights`, id → the member's share of the index (none where there is no
        index); `loadings`, id → by factor; `communalities`, `factors` (share of the common variance
        of each), `omega` and `determinacy`, empty where the method is stated weights;
        `against_direction`, members that run against the others.
        """
        parts = self.parts or parts_of((), None)
        return {
            "members": list(self.members),
            "method": self.method,
            "method_reason": self.method_reason,
            "weights": dict(parts.shares) if self.reason is None else {},
            "loadings": {name: list(value) for name, value in parts.loadings.items()},
            "communalities": dict(parts.communalities),
            "factors": list(parts.factors),
            "left_out": dict(self.left_out),
            "areas": self.areas,
            "incomplete": self.incomplete,
            "alpha": self.alpha,
            "omega": parts.omega,
            "determinacy": parts.determinacy,
            "item_rest": dict(self.item_rest),
            "against_direction": list(self.against),
            "reason": self.reason,
        }

    def table(self) -> pl.DataFrame:
        """Return INDEX_MEMBERS: each member, and each indicator left out with the reason."""
        return members_of(self.members, self.left_out, self.method, self.parts, self.item_rest,
                          self.against)  # fmt: skip


def fit(cells: Mapping[str, pl.DataFrame], members: Sequence[Indicator]) -> NeedIndex:
    """Fit the index to every LSOA of a reference.

    `cells`: indicator → lsoa_code, numerator, denominator, one row per LSOA (see
    `indicators.area.cells`). A member that measures use or supply, is without data in ten areas for
    each member, or does not vary, is left out and named; where a value is no number the LSOA lacks
    it. There is no index, and `reason` says why,
    with fewer than three members or fewer than ten complete areas for each of them. Factor analysis
    takes 300 complete areas and four members of which none is a factor by itself: one that is
    (it would be the whole of the index) is left out and named. Otherwise weights are equal, and
    `method_reason` says why.
    """
    least = AREAS_PER_INDICATOR * len(members)
    known = {name: _numbers(frame) for name, frame in cells.items()}
    left_out = {m.id: why for m in members if (why := _why_not(m, known.get(m.id), least))}
    kept = [each for each in members if each.id not in left_out]
    wide = _complete(known, kept)
    every = {code for each in kept for code in cells[each.id]["lsoa_code"]}
    reason = _too_few(len(kept), wide.height)
    incomplete = len(every) - wide.height
    if reason:
        none = wide.select("lsoa_code", pl.lit(0.0).alias("value")).clear()
        names = tuple(each.id for each in kept)
        return NeedIndex(none, names, left_out, wide.height, incomplete, None, {}, reason)
    scores = _standardised(
        wide.select(each.id for each in kept).to_numpy(), [each.direction for each in kept]
    )
    places, factors, method_reason = _factors(scores)
    left_out |= {each.id: _ALONE for place, each in enumerate(kept) if place not in places}
    names = tuple(kept[place].id for place in places)
    own = scores[:, list(places)]
    value = pl.Series("value", scored(own, weights_of(factors, len(names)))).round(_DECIMALS)
    return NeedIndex(
        wide.select("lsoa_code").with_columns(value),
        names,
        left_out,
        wide.height,
        incomplete,
        round(cronbach_alpha(own), 4),
        {n: round(_item_rest(own, place), 3) for place, n in enumerate(names)},
        method=WEIGHTS if factors is None else FACTOR,
        method_reason=method_reason,
        parts=parts_of(names, factors),
        standardised=wide.select("lsoa_code").hstack(pl.DataFrame(own, schema=list(names))),
    )


def weights_of(factors: Factors | None, members: int) -> Matrix:
    """Return the weight of each standardised member: equal ones without a factor model."""
    return np.full(members, 1 / members) if factors is None else factors.weights


def scored(scores: Matrix, weights: Matrix) -> Matrix:
    """Return the weighted sum of standardised members, in its own standard deviations."""
    made = scores @ weights
    values: Matrix = (made - made.mean()) / made.std()
    return values


def correlations(scores: Matrix) -> Matrix:
    """Return the correlations of standardised members, to 12 decimals.

    Rounded, so that they do not depend on the order in which a machine adds up.
    """
    found: Matrix = (scores.T @ scores / len(scores)).round(12)
    return found


def _factors(scores: Matrix) -> tuple[tuple[int, ...], Factors | None, str | None]:
    """Return the places of the members, their factor model, or all of them and why there is none.

    A member that is a factor by itself is taken out, and the others are fitted again.
    """
    every = places = tuple(range(scores.shape[1]))
    if len(scores) < LEAST_FACTOR_AREAS:
        few = f"{len(scores):,} areas are complete; factor analysis takes {LEAST_FACTOR_AREAS:,}"
        return every, None, few
    while len(places) >= LEAST_FACTOR_MEMBERS:
        related = correlations(scores[:, list(places)])
        if np.linalg.eigvalsh(related)[0] < _SINGULAR:
            return every, None, "two members or more say the same"
        found = analyse(related, len(scores))
        if found.converged and not found.heywood:
            return places, found, None
        alone = int(np.argmin(found.uniquenesses))
        places = places[:alone] + places[alone + 1 :]
    return every, None, f"fewer than {LEAST_FACTOR_MEMBERS} members share a factor"


def _numbers(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the areas whose value is a number: not those of nobody, or without a count."""
    value = pl.col("numerator").cast(pl.Float64) / pl.col("denominator")
    return cells.filter(value.is_finite().fill_null(value=False))


def _why_not(member: Indicator, cells: pl.DataFrame | None, least: int) -> str | None:
    if member.role != "need":
        return f"it measures {member.role}, not need"
    if cells is None or cells.is_empty():
        return "the reference does not hold it"
    if cells.height < least:
        return f"held for {cells.height:,} areas; {least:,} are needed"
    varies = cells.select(pl.col("numerator") / pl.col("denominator")).to_series().n_unique() > 1
    return None if varies else "it is the same everywhere"


def _complete(cells: Mapping[str, pl.DataFrame], kept: Sequence[Indicator]) -> pl.DataFrame:
    """Return lsoa_code and a column of values per member, for LSOAs that have them all; sorted."""
    wide: pl.DataFrame | None = None
    for each in kept:
        value = (pl.col("numerator") / pl.col("denominator")).alias(each.id)
        column = cells[each.id].select("lsoa_code", value)
        wide = column if wide is None else wide.join(column, on="lsoa_code", how="inner")
    return pl.DataFrame(schema={"lsoa_code": pl.String}) if wide is None else wide.sort("lsoa_code")


def _too_few(members: int, areas: int) -> str | None:
    if members < LEAST_MEMBERS:
        return f"{members} of its indicators have data; {LEAST_MEMBERS} are needed"
    least = AREAS_PER_INDICATOR * members
    return None if areas >= least else f"{areas:,} areas are complete; {least:,} are needed"


def _standardised(values: Matrix, directions: Sequence[int]) -> Matrix:
    deviations = values - values.mean(axis=0)
    standardised: Matrix = deviations / values.std(axis=0) * np.array(directions)
    return standardised


def cronbach_alpha(scores: Matrix) -> float:
    """Return Cronbach's alpha: k/(k − 1)·(1 − Σ var(item)/var(sum)); rows are areas.

    >>> round(cronbach_alpha(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 4.0]])), 4)
    0.9474
    """
    items = scores.shape[1]
    share = scores.var(axis=0).sum() / scores.sum(axis=1).var()
    return float(items / (items - 1) * (1 - share))


def _item_rest(scores: Matrix, place: int) -> float:
    item = scores[:, place]
    rest = scores.sum(axis=1) - item
    joint = ((item - item.mean()) * (rest - rest.mean())).mean()
    return float(joint / (item.std() * rest.std()))
