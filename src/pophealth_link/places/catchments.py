"""Where a practice's patients live, modelled from its postcode, its list and who lives nearby.

For use where the published counts of patients by practice and LSOA are not in the reference: a
gravity model held to both margins (Wilson, Transportation Research 1967;1:253-269). The weight of
practice i for LSOA j falls with their distance, exp(-distance / scale of j); then practices' and
LSOAs' factors are fitted in turn, so that each practice has its list and each LSOA its people. The
scale is a share of the LSOA's distance to its fifth-nearest practice, so that patients in the
country travel further than in town. docs/deprivation.md says how well it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.errors import DataError, ReferenceDataError, nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Nearer than this, distance no longer tells: a postcode's reference is itself within about 100 m.
_LEAST_METRES = 50.0
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Decay:
    """How patients thin out with distance.

    `share`: the scale of the decay as a share of an LSOA's distance to its `neighbour`-th nearest
    practice; fitted on half of England's practices, see docs/deprivation.md. `metres`: the same
    scale everywhere instead. `candidates`: nearest practices that an LSOA's people may choose
    among. `rounds`: times that both margins are fitted. `balanced`: fit the margins; otherwise
    practices attract by the size of their list alone (Huff).
    """

    share: float = 0.20
    neighbour: int = 5
    candidates: int = 40
    rounds: int = 20
    balanced: bool = True
    metres: float | None = None

    def __post_init__(self) -> None:
        scales = self.share > 0 and (self.metres is None or self.metres > 0)
        if not (scales and 1 <= self.neighbour <= self.candidates and self.rounds > 0):
            raise DataError(
                "the decay cannot be used.",
                fix="give a share, metres and rounds above 0, and a neighbour among the candidates",
            )


_PRACTICE: Mapping[str, str] = {"practice_code": "code", "list_size": "size"}
_AREA: Mapping[str, str] = {"lsoa_code": "code", "population": "size"}


def modelled_patients(
    practices: pl.DataFrame | pl.LazyFrame,
    areas: pl.DataFrame | pl.LazyFrame,
    *,
    decay: Decay | None = None,
) -> pl.DataFrame:
    """Return practice_code, lsoa_code and people: modelled patients, a fractional count, sorted.

    `practices`: practice_code, easting, northing (metres, EPSG:27700) and list_size; `areas`:
    lsoa_code, easting, northing (see `area_centres`) and population. Rows with a value missing, or
    without people, take no part. LSOAs' people are scaled to the lists' sum and are met; practices'
    sums come near the list sizes. Give the practices and LSOAs of a whole country, or a region and
    what lies around it: at an edge people have nowhere else to go. Raises `ReferenceDataError` for
    absent columns, codes that repeat or no rows. Source: see the module.

    >>> practices = pl.DataFrame({"practice_code": ["P1", "P2"], "easting": [0, 3000],
    ...     "northing": [0, 0], "list_size": [60, 40]})
    >>> areas = pl.DataFrame({"lsoa_code": ["E1", "E2"], "easting": [100, 2900],
    ...     "northing": [0, 0], "population": [60, 40]})
    >>> modelled_patients(practices, areas)["people"].round().to_list()
    [60.0, 0.0, 0.0, 40.0]
    """
    rule = decay or Decay()
    supply = _points(practices, "practices", _PRACTICE)
    demand = _points(areas, "areas", _AREA)
    pairs = _pairs(supply, demand, rule)
    lists, people = _sizes(supply), _sizes(demand)
    people = people * (lists.sum() / people.sum())
    found = pl.DataFrame(
        {
            "practice_code": supply["code"].gather(pairs.practice),
            "lsoa_code": demand["code"].gather(pairs.area),
            "people": _flows(pairs, lists, people, rule),
        }
    )
    return found.sort("practice_code", "lsoa_code")


def area_centres(postcodes: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Return lsoa_code, easting and northing: the mean place of each LSOA's postcodes, sorted.

    `postcodes`: the reference's table. A postcode counts by its `dwellings` where the table has
    them for any postcode of the LSOA, else each counts once.

    >>> rows = {"lsoa_code": ["E1", "E1"], "easting": [0, 30], "northing": [0, 0],
    ...     "dwellings": [2, 1]}
    >>> area_centres(pl.DataFrame(rows)).row(0)
    ('E1', 10.0, 0.0)
    """
    plan = postcodes.lazy()
    homes = pl.col("dwellings") if "dwellings" in plan.collect_schema() else pl.lit(None, pl.Int64)
    held = plan.select("lsoa_code", "easting", "northing", homes.fill_null(0).alias("homes"))
    held = held.drop_nulls(["lsoa_code", "easting", "northing"])
    some = pl.col("homes").sum().over("lsoa_code") > 0
    weighed = held.with_columns(pl.when(some).then("homes").otherwise(1).alias("homes"))
    # Sums of whole numbers do not depend on the order of rows.
    sums = weighed.group_by("lsoa_code").agg(
        *((pl.col(n).cast(pl.Int64) * pl.col("homes")).sum().alias(n) for n in _PLACE),
        pl.col("homes").sum(),
    )
    means = [(pl.col(name) / pl.col("homes")).alias(name) for name in _PLACE]
    return sums.select("lsoa_code", *means).sort("lsoa_code").collect()


def registered_mean(
    patients: pl.DataFrame | pl.LazyFrame,
    values: pl.DataFrame | pl.LazyFrame,
    *,
    value: str,
    unit: str = "practice_code",
) -> pl.DataFrame:
    """Return the mean of an LSOA value weighed by the patients who live there, one row per unit.

    `patients`: `unit` (practice, PCN or any footprint), lsoa_code and people, rows may repeat;
    `values`: lsoa_code and `value`, one row per LSOA. Returns `unit`, `value`, people and
    coverage, the share of the people who live where there is a value. Deciles are never averaged:
    give scores. Source: English Indices of Deprivation, guidance on practices and PCNs.

    >>> lives = {"practice_code": ["P1", "P1"], "lsoa_code": ["E1", "E2"], "people": [30, 10]}
    >>> scores = pl.DataFrame({"lsoa_code": ["E1", "E2"], "imd_score": [40.0, 20.0]})
    >>> registered_mean(pl.DataFrame(lives), scores, value="imd_score").row(0)
    ('P1', 35.0, 40.0, 1.0)
    """
    known = values.lazy().select("lsoa_code", pl.col(value).cast(pl.Float64).alias("__value"))
    rows = patients.lazy().select(unit, "lsoa_code", pl.col("people").cast(pl.Float64))
    joined = rows.join(known, on="lsoa_code", how="left").sort(unit, "lsoa_code", "people")
    met = pl.col("__value").is_not_null()
    weighed = (pl.col("people") * pl.col("__value")).filter(met).sum()
    held = pl.col("people").filter(met).sum()
    summed = joined.group_by(unit, maintain_order=True).agg(
        (weighed / held).fill_nan(None).alias(value),
        pl.col("people").sum(),
        (held / pl.col("people").sum()).fill_nan(None).alias("coverage"),
    )
    return summed.collect()


_PLACE = ("easting", "northing")


@dataclass(frozen=True)
class _Pairs:
    """Pairs of an LSOA and a practice that its people may choose, with the weight of the choice."""

    practice: Integers
    area: Integers
    weight: Floats


def _points(
    frame: pl.DataFrame | pl.LazyFrame, table: str, names: Mapping[str, str]
) -> pl.DataFrame:
    plan = frame.lazy()
    wanted = [*names, *_PLACE]
    held = plan.collect_schema().names()
    absent = [name for name in wanted if name not in held]
    if absent:
        raise ReferenceDataError(
            f"`{table}` cannot place patients.",
            *(f"{name}  absent.{nearest(name, held)}" for name in absent),
        )
    numbers = [pl.col(name).cast(pl.Float64) for name in wanted[1:]]
    rows = plan.select(pl.col(wanted[0]).cast(pl.String), *numbers).rename(dict(names))
    rows = rows.drop_nulls().filter(pl.col("size") > 0).sort("code")
    found = rows.collect()
    repeats = found.height - found["code"].n_unique()
    if repeats or found.is_empty():
        raise ReferenceDataError(
            f"`{table}` cannot place patients.",
            f"{found.height:,} rows have a place and people; {repeats:,} repeat a code.",
            fix="give one row per code, with easting, northing and people",
        )
    return found


def _pairs(supply: pl.DataFrame, demand: pl.DataFrame, rule: Decay) -> _Pairs:
    from scipy.spatial import cKDTree

    places, homes = (frame.select(_PLACE).to_numpy() for frame in (supply, demand))
    count = min(rule.candidates, len(places))
    # A list of ranks keeps the answer two-dimensional, also for one practice.
    distance, practice = cKDTree(places).query(homes, k=list(range(1, count + 1)))
    local = np.maximum(distance[:, min(rule.neighbour, count) - 1], _LEAST_METRES)
    # The nearest weighs one: only ratios matter, and none can vanish.
    beyond = distance - distance[:, :1]
    scale = np.full_like(local, rule.metres) if rule.metres else rule.share * local
    weight = np.exp(-beyond / scale[:, None])
    area = np.repeat(np.arange(len(homes), dtype=np.int64), count)
    return _Pairs(practice.ravel().astype(np.int64), area, weight.ravel())


def _sizes(frame: pl.DataFrame) -> Floats:
    return frame["size"].to_numpy().astype(np.float64)


def _flows(pairs: _Pairs, lists: Floats, people: Floats, rule: Decay) -> Floats:
    """Return people of each pair; the LSOAs' margin is fitted last, so that it is met."""
    pull = np.ones_like(lists) if rule.balanced else lists
    for _ in range(rule.rounds if rule.balanced else 0):
        push = people / _summed(pairs.area, pairs.weight * pull[pairs.practice], len(people))
        pull = lists / _summed(pairs.practice, pairs.weight * push[pairs.area], len(lists))
    pulled = pairs.weight * pull[pairs.practice]
    flows: Floats = pulled * (people / _summed(pairs.area, pulled, len(people)))[pairs.area]
    return flows


def _summed(place: Integers, values: Floats, size: int) -> Floats:
    sums: Floats = np.maximum(np.bincount(place, values, size), _TINY)
    return sums
