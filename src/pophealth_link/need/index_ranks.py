"""Ranks of areas by the need index, with intervals: how much of an order can be relied on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.need.factor import fitted
from pophealth_link.need.index import FACTOR, Matrix, NeedIndex, correlations, scored, weights_of
from pophealth_link.need.index import cronbach_alpha as alpha
from pophealth_link.places.units import RESIDENT, is_reason
from pophealth_link.schema.outputs_modelled import INDEX_RANKS

RESAMPLES = 200
_LIMITS = (2.5, 97.5)
LSOA = "lsoa"
_DECIMALS = 6


def ranks(
    index: NeedIndex, membership: pl.DataFrame, *, seed: int, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Return INDEX_RANKS: LSOAs of the footprints and the footprints, by type and rank.

    `index`: as fitted; `membership`: lsoa_code, footprint_type, footprint_code, footprint_name,
    people (usual residents of the LSOA in the footprint). LSOAs are ranked among all LSOAs of the
    reference, footprints among those of their type. Intervals are percentiles of the rank over
    bootstrap resamples of the reference's LSOAs: in each the means, standard deviations and weights
    are made anew and every area is scored by them, and each LSOA's score is moved by what the
    indicators do not tell of it, normal with variance 1 − ρ² (ρ²: determinacy of the factor score,
    or Cronbach's alpha for stated weights) about ρ × score. No interval excludes the rank itself.
    The same seed gives the same ranks. Empty where there is no index.

    Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993; Goldstein and
    Spiegelhalter, J R Stat Soc A 1996;159:385–443 (intervals of ranks).
    """
    if index.standardised is None:
        return INDEX_RANKS.empty()
    places = _Places(index.standardised["lsoa_code"], membership)
    made = _drawn(index, np.random.default_rng(seed), resamples, places)
    value = index.values["value"].to_numpy()
    frames = [
        _ranked(kind, areas, of(value), np.stack([each[n] for each in made]))
        for n, (kind, areas, of) in enumerate(places.kinds)
    ]
    shown = pl.concat(frames).join(places.shown, on=["area_type", "area_code"], how="semi")
    return shown.select(INDEX_RANKS.names).sort("area_type", "rank", "area_code")


def membership(unit_footprints: Frame, areas: Frame) -> pl.DataFrame:
    """Return lsoa_code, footprint_type, footprint_code, footprint_name and people, for `ranks`.

    `unit_footprints`: UNIT_FOOTPRINTS, whose rows on the resident basis count, reasons left out;
    `areas`: AREAS, whose usual residents weigh an LSOA, by its share where it lies in several.
    """
    units = collect(lazy(unit_footprints)).filter(pl.col("basis") == RESIDENT, ~is_reason())
    people = collect(lazy(areas)).select("lsoa_code", "population")
    joined = units.join(people, left_on="unit", right_on="lsoa_code")
    name = pl.coalesce("footprint_name", "footprint_code").alias("footprint_name")
    return joined.select(
        pl.col("unit").alias("lsoa_code"),
        "footprint_type",
        "footprint_code",
        name,
        (pl.col("population") * pl.col("share")).fill_null(0).alias("people"),
    ).sort("footprint_type", "footprint_code", "lsoa_code")


class _Places:
    """The areas of each type, and how the scores of LSOAs make theirs."""

    def __init__(self, codes: pl.Series, membership: pl.DataFrame) -> None:
        lsoas = codes.to_frame("lsoa_code").with_row_index("lsoa")
        held = membership.filter(pl.col("people") > 0).join(lsoas, on="lsoa_code")
        self.kinds: list[tuple[str, pl.DataFrame, Callable[[Matrix], Matrix]]]
        self.kinds = [(LSOA, _areas(codes), lambda value: value)]
        for kind in held["footprint_type"].unique().sort():
            rows = held.filter(footprint_type=kind)
            areas = (
                rows.group_by("footprint_code").agg(pl.col("footprint_name").sort().first())
            ).sort("footprint_code")
            of = rows.join(areas.with_row_index("area"), on="footprint_code").sort("area", "lsoa")
            self.kinds.append((kind, areas, _mean_over(of, areas.height)))
        own = held.select(pl.lit(LSOA).alias("area_type"), area_code="lsoa_code").unique()
        types = held.select(area_type="footprint_type", area_code="footprint_code").unique()
        self.shown = pl.concat([own, types])


def _areas(codes: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"footprint_code": codes}).with_columns(
        footprint_name=pl.lit(None, pl.String)
    )


def _mean_over(rows: pl.DataFrame, areas: int) -> Callable[[Matrix], Matrix]:
    """Return the function from scores of LSOAs to people-weighted means of areas."""
    lsoa, area = rows["lsoa"].to_numpy(), rows["area"].to_numpy()
    people = rows["people"].cast(pl.Float64).to_numpy()
    whole = np.bincount(area, people, areas)

    def mean(value: Matrix) -> Matrix:
        found: Matrix = np.bincount(area, people * value[lsoa], areas) / whole
        return found

    return mean


def _drawn(
    index: NeedIndex, generator: np.random.Generator, resamples: int, places: _Places
) -> list[list[NDArray[np.int64]]]:
    """Return the ranks of every type of area in each resample."""
    if index.standardised is None or index.parts is None:
        return []
    scores = index.standardised.drop("lsoa_code").to_numpy()
    factors = len(index.parts.factors)
    made = []
    for _ in range(resamples):
        chosen = generator.integers(0, len(scores), len(scores))
        value, told = _scored_anew(scores, scores[chosen], factors, index.method == FACTOR)
        error = generator.standard_normal(len(scores)) * np.sqrt(1 - told)
        moved = np.sqrt(told) * value + error
        made.append([_order(of(moved)) for _, _, of in places.kinds])
    return made


def _scored_anew(
    scores: Matrix, sample: Matrix, factors: int, modelled: bool
) -> tuple[Matrix, float]:
    """Return every area's score by a resample's means, spreads and weights, and its ρ²."""
    middle, spread = sample.mean(axis=0), sample.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    again = (sample - middle) / spread
    if modelled:
        found = fitted(correlations(again), factors)
        weights, told = found.weights, found.determinacy
    else:
        weights, told = weights_of(None, scores.shape[1]), alpha(again)
    return scored((scores - middle) / spread, weights), float(min(max(told, 0.0), 1.0))


def _order(value: Matrix) -> NDArray[np.int64]:
    """Return ranks, 1 for the highest value; equal values by their place."""
    order = np.argsort(-value.round(9), kind="stable")
    found = np.empty(len(value), dtype=np.int64)
    found[order] = np.arange(1, len(value) + 1)
    return found


def _ranked(
    kind: str, areas: pl.DataFrame, value: Matrix, drawn: NDArray[np.int64]
) -> pl.DataFrame:
    rank = _order(value)
    low, high = np.percentile(drawn, _LIMITS, axis=0)
    return areas.select(
        pl.lit(kind).alias("area_type"),
        area_code="footprint_code",
        area_name="footprint_name",
        index=pl.Series(value).round(_DECIMALS) + 0.0,
        rank=pl.Series(rank),
        rank_lower=pl.Series(np.minimum(np.floor(low).astype(np.int64), rank)),
        rank_upper=pl.Series(np.maximum(np.ceil(high).astype(np.int64), rank)),
        areas=pl.lit(len(rank), pl.Int64),
    )
