"""The Index of Multiple Deprivation from its domains, and domains from their sub-domains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pophealth_link.errors import DataError, nearest

_SCALE = 23.0
_DOMAINS: Mapping[str, float] = {
    "income": 22.5,
    "employment": 22.5,
    "education": 13.5,
    "health": 13.5,
    "crime": 9.3,
    "barriers": 9.3,
    "living_environment": 9.3,
}
_EVEN_PARTS: Mapping[str, Mapping[str, float]] = {
    "education": {"children_and_young_people": 1 / 2, "adult_skills": 1 / 2},
    "barriers": {"geographical_barriers": 1 / 2, "wider_barriers": 1 / 2},
}


@dataclass(frozen=True, slots=True)
class Edition:
    """How one edition of the indices is put together.

    `n_areas`: LSOAs in the national ranking. `weights`: domain → its weight in the index, in per
    cent. `parts`: domain → sub-domain → its share of the domain. Income and employment are rates,
    health and crime factor scores: they have no sub-domains to rebuild them from.
    """

    n_areas: int
    weights: Mapping[str, float]
    parts: Mapping[str, Mapping[str, float]]


# Ministry of Housing, Communities and Local Government: English Indices of Deprivation 2019 and
# 2025, Technical Reports, weights of domains and sub-domains. That the living environment of 2025
# is 0.7 indoors and 0.3 outdoors follows from the published scores to within their rounding.
EDITIONS: Mapping[str, Edition] = {
    "2019": Edition(
        32_844,
        _DOMAINS,
        {**_EVEN_PARTS, "living_environment": {"indoors": 2 / 3, "outdoors": 1 / 3}},
    ),
    "2025": Edition(
        33_755, _DOMAINS, {**_EVEN_PARTS, "living_environment": {"indoors": 0.7, "outdoors": 0.3}}
    ),
}
DOMAIN_WEIGHTS: Mapping[str, float] = EDITIONS["2025"].weights


def edition_of(name: str) -> Edition:
    """Return the edition of that year; `DataError` naming those known if there is none.

    >>> edition_of("2019").n_areas
    32844
    """
    if name not in EDITIONS:
        raise DataError(
            f"`{name}` is not an edition of the indices that is known.",
            f"known  {', '.join(EDITIONS)}",
            fix="name one of these",
        )
    return EDITIONS[name]


def imd_from_domain_ranks(
    frame: pl.DataFrame | pl.LazyFrame,
    *,
    n_areas: int | None = None,
    ranks: Mapping[str, str] | None = None,
    edition: str = "2025",
) -> pl.DataFrame:
    """Add `imd_score`, the Index of Multiple Deprivation from the ranks of its seven domains.

    `frame` has one row per LSOA; `ranks` gives the column of each domain (`DOMAIN_WEIGHTS` names
    them), by default `<domain>_rank`, 1 most deprived of `n_areas` (by default the edition's
    own). With R = (n + 1 - rank) / n, E = -23 ln(1 - R (1 - exp(-100/23))), and the score is the
    sum of weight times E. A missing rank gives a missing score. Raises `DataError` where a domain
    has no column or a rank is not from 1 to n. Source: English Indices of Deprivation 2019 and
    2025, Technical Reports.

    >>> one = pl.DataFrame({f"{domain}_rank": [1] for domain in DOMAIN_WEIGHTS})
    >>> imd_from_domain_ranks(one, n_areas=100)["imd_score"].round(6).to_list()
    [99.9]
    """
    made = edition_of(edition)
    shares = {domain: weight / 100 for domain, weight in made.weights.items()}
    return _combined(frame, "imd_score", shares, ranks, n_areas or made.n_areas)


def domain_from_subdomain_ranks(
    frame: pl.DataFrame | pl.LazyFrame,
    domain: str,
    *,
    n_areas: int | None = None,
    ranks: Mapping[str, str] | None = None,
    edition: str = "2025",
) -> pl.DataFrame:
    """Add `<domain>_score`, a domain from the ranks of its sub-domains.

    `domain`: education, barriers or living_environment. `ranks` gives the column of each
    sub-domain (`EDITIONS` names them), by default `<sub-domain>_rank`, 1 most deprived. Each is
    transformed as in `imd_from_domain_ranks`, then they are added by their shares. Raises
    `DataError` for another domain, where a sub-domain has no column, or a rank is not from 1 to
    `n_areas`. Source: as there.

    >>> one = pl.DataFrame({"indoors_rank": [1], "outdoors_rank": [100]})
    >>> made = domain_from_subdomain_ranks(one, "living_environment", n_areas=100)
    >>> made["living_environment_score"].round(2).to_list()
    [70.07]
    """
    made = edition_of(edition)
    if domain not in made.parts:
        raise DataError(
            f"`{domain}` is not a domain made of sub-domains.{nearest(domain, made.parts)}",
            fix=f"name one of {', '.join(made.parts)}",
        )
    return _combined(frame, f"{domain}_score", made.parts[domain], ranks, n_areas or made.n_areas)


def ranked(score: str, *, name: str) -> pl.Expr:
    """Return the expression that ranks a score, 1 the highest; ties share the best rank.

    >>> pl.DataFrame({"s": [1.0, 3.0, 3.0]}).select(ranked("s", name="r"))["r"].to_list()
    [3, 1, 1]
    """
    return pl.col(score).rank("min", descending=True).cast(pl.Int64).alias(name)


def _combined(
    frame: pl.DataFrame | pl.LazyFrame,
    name: str,
    shares: Mapping[str, float],
    ranks: Mapping[str, str] | None,
    n_areas: int,
) -> pl.DataFrame:
    columns = dict(ranks) if ranks else {part: f"{part}_rank" for part in shares}
    held = frame.lazy().collect()
    unnamed = [part for part in shares if part not in columns]
    absent = [column for column in columns.values() if column not in held.columns]
    if unnamed or absent:
        raise DataError(
            f"`{name}` needs the rank of every part of it.",
            *(f"{part}  has no column in `ranks`." for part in unnamed),
            *(f"{column}  absent.{nearest(column, held.columns)}" for column in absent),
        )
    _require_ranks(held, {part: columns[part] for part in shares}, n_areas)
    terms = [_transformed(columns[part], n_areas) * share for part, share in shares.items()]
    return held.with_columns(sum(terms[1:], terms[0]).alias(name))


def _require_ranks(held: pl.DataFrame, columns: Mapping[str, str], n_areas: int) -> None:
    texts = [name for name in columns.values() if not _numbers(held.schema[name])]
    if texts:
        raise DataError("Ranks must be numbers.", *(f"{name}  is not." for name in texts))
    wrong = {
        name: held.filter(~pl.col(name).is_between(1, n_areas)).height for name in columns.values()
    }
    if any(wrong.values()):
        raise DataError(
            f"Ranks must be from 1 to the number of areas, {n_areas:,}.",
            *(f"{name}  {n:,} of {held.height:,} are not." for name, n in wrong.items() if n),
            fix="rank among all the areas of the edition, or give their number in `n_areas`",
        )


def _numbers(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Null


def _transformed(column: str, n_areas: int) -> pl.Expr:
    share = (n_areas + 1 - pl.col(column).cast(pl.Float64)) / n_areas
    return -_SCALE * (1 - share * (1 - math.exp(-100 / _SCALE))).log()
