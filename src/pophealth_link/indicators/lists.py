"""Lists beside mid-year estimates: where practices register more people than live there.

A list outruns the residents who should be on it (list inflation) where people have moved or died
and stay registered, and falls short where people register elsewhere or nowhere. Denominators of
recorded need inherit the difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.engine import Frame
from pophealth_link.errors import ReferenceDataError
from pophealth_link.indicators.footprints import FOOTPRINT
from pophealth_link.places import listed_shares, listed_units
from pophealth_link.places.listed import UNKNOWN
from pophealth_link.places.units import REGISTERED, RESIDENT

ALL = "all"
_WIDTH = 5
BAND_STARTS = tuple(range(0, 95, _WIDTH))
_OLDEST = 120
_DECIMALS = 3
_CELL = (*FOOTPRINT, "age_band", "sex")
_LSOA = "lsoa"


def list_inflation(
    unit_footprints: pl.DataFrame | pl.LazyFrame,
    *,
    population: pl.DataFrame | pl.LazyFrame,
    practice_patients: pl.DataFrame | pl.LazyFrame,
    practice_lists: pl.DataFrame | pl.LazyFrame | None = None,
    codes: Frame | None = None,
    parts: Frame | None = None,
) -> pl.DataFrame:
    """Return patients beside residents, by footprint, basis, age band and sex, sorted.

    `unit_footprints`: UNIT_FOOTPRINTS. Tables of the reference: `population` (mid-year estimates by
    LSOA, age and sex), `practice_patients` (patients by practice and LSOA, 2021 codes: see
    `places.patients_by_home`) and `practice_lists` (patients by practice, age and sex); of several
    periods the newest counts.
    `codes` and `parts`: see `places.Registration`; lists of practices that had ended count in their
    successors, and those of split practices are divided as their patients' homes are.

    * resident basis: patients of any practice who live in the footprint's LSOAs, by sex, beside
      the estimates of those LSOAs;
    * registered basis: patients on the lists of its practices, by age and sex where
      `practice_lists` are given, beside the residents expected on them: the estimates of each LSOA
      times the footprint's share of the LSOA's patients.

    Returns footprint, basis, age_band and sex (`all`: together), patients, residents, ratio
    (patients / residents), excess (patients - residents) and coverage: the share of its patients
    (resident: of its LSOAs) who live where there is an estimate; where nobody does there are no
    residents. Practices in no footprint are in the rows that say why, and those that
    `unit_footprints` does not know are left out. Raises `ReferenceDataError` where an age group
    crosses the bands. Source: ONS mid-year estimates; NHS England, Patients Registered
    at a GP Practice.

    >>> units = pl.DataFrame({"basis": ["resident"], "unit": ["E1"], "footprint_type": ["lad"],
    ...     "footprint_code": ["L1"], "footprint_name": ["Lea"], "share": [1.0]})
    >>> people = pl.DataFrame({"area_type": ["lsoa"], "area_code": ["E1"], "sex": ["all"],
    ...     "age_from": [0], "age_to": [None], "people": [100], "period": ["2024"]})
    >>> lives = pl.DataFrame({"practice_code": ["P1"], "lsoa_code": ["E1"], "sex": ["all"],
    ...     "people": [107], "period": ["2024-07-01"]})
    >>> list_inflation(units, population=people, practice_patients=lives)["ratio"].to_list()
    [1.07]
    """
    mapping = unit_footprints.lazy().select(*FOOTPRINT, "unit", "share").collect()
    mapping = mapping.filter(pl.col("unit") != UNKNOWN)
    lives = _newest(practice_patients).select("practice_code", "lsoa_code", "sex", "people")
    lives = lives.with_columns(listed_units(lives, mapping, codes=codes, parts=parts))
    here = population.lazy().filter(pl.col("area_type") == _LSOA)
    estimates = _banded(_newest(here), "area_code")
    near = shares(mapping, lives)
    residents = _residents(near, estimates)
    found = [_living(mapping, lives)]
    if practice_lists is not None:
        lists = _banded(_newest(practice_lists), "practice_code")
        own = listed_shares(lists["code"], mapping, codes=codes, parts=parts, patients=lives)
        found.append(_listed(mapping, lists, own))
    else:
        found.append(_registered(mapping, lives))
    patients = pl.concat(found)
    joined = patients.join(residents, on=list(_CELL), how="left")
    covered = _coverage(near, estimates["code"].unique())
    return _compared(joined.join(covered, on=list(FOOTPRINT), how="left"))


def _compared(joined: pl.DataFrame) -> pl.DataFrame:
    ratio = pl.when(pl.col("residents") > 0).then(pl.col("patients") / pl.col("residents"))
    excess = (pl.col("patients") - pl.col("residents")).round(_DECIMALS)
    found = joined.with_columns(ratio.round(4).alias("ratio"), excess.alias("excess"))
    columns = (*_CELL, "patients", "residents", "ratio", "excess", "coverage")
    return found.select(columns).sort(_CELL)


def shares(mapping: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    """Return footprint, lsoa_code, share (of the LSOA) and weight of each LSOA in a footprint.

    `lives`: unit, lsoa_code and people. Resident: the unit is the LSOA. Registered: the
    footprint's share of all patients who live in the LSOA. Weight: patients; resident: the share.
    """
    resident = mapping.filter(pl.col("basis") == RESIDENT).select(
        *FOOTPRINT, lsoa_code="unit", share="share", weight="share"
    )
    counted = lives.group_by("unit", "lsoa_code").agg(pl.col("people").sort().sum())
    every = pl.col("people").sort().sum().over("lsoa_code").alias("every")
    rows = mapping.filter(pl.col("basis") == REGISTERED).join(
        counted.with_columns(every), on="unit"
    )
    own = (pl.col("people") * pl.col("share")).sort().sum()
    registered = (
        rows.group_by(*FOOTPRINT, "lsoa_code")
        .agg(own.alias("weight"), pl.col("every").first())
        .select(
            *FOOTPRINT, "lsoa_code", (pl.col("weight") / pl.col("every")).alias("share"), "weight"
        )
    )
    return pl.concat([resident, registered]).sort(*FOOTPRINT, "lsoa_code")


def _newest(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    held = frame.lazy().collect()
    if "period" not in held.columns or held["period"].null_count() == held.height:
        return held
    return held.filter(pl.col("period") == pl.col("period").max())


def band(start: int, starts: Sequence[int] = BAND_STARTS) -> str:
    """Return the name of the age band that begins at `start`.

    >>> band(5), band(90)
    ('05-09', '90+')
    """
    later = [each for each in starts if each > start]
    return f"{start:02d}-{later[0] - 1:02d}" if later else f"{start}+"


def _banded(rows: pl.DataFrame, code: str) -> pl.DataFrame:
    """Return code, age_band, sex and people; a row of all ages has the band `all`."""
    last = pl.col("age_to").fill_null(_OLDEST)
    top = len(BAND_STARTS) - 1
    begins, ends = ((age // _WIDTH).clip(upper_bound=top) for age in (pl.col("age_from"), last))
    whole = (pl.col("age_from") == 0) & (last >= BAND_STARTS[-1])
    held = rows.with_columns(whole.alias("whole"), begins.alias("first"), ends.alias("last"))
    crossing = held.filter(~pl.col("whole") & (pl.col("first") != pl.col("last"))).height
    if crossing:
        raise ReferenceDataError(
            "age groups cross the bands in which lists are compared.",
            f"{crossing:,} of {held.height:,} rows do.",
            fix="give single years, or five-year groups that begin at 0",
        )
    names = dict(enumerate(band(start) for start in BAND_STARTS))
    named = pl.col("first").replace_strict(names, return_dtype=pl.String)
    bands = pl.when("whole").then(pl.lit(ALL)).otherwise(named)
    found = held.select(pl.col(code).alias("code"), bands.alias("age_band"), "sex", "people")
    return found.group_by("code", "age_band", "sex").agg(pl.col("people").sum().cast(pl.Float64))


def _cube(rows: pl.DataFrame, codes: Sequence[str], value: str) -> pl.DataFrame:
    """Return sums by footprint, age_band and sex, and by each of these together, sorted.

    Where a code has a row that is together already (`all`), that is its total, and is never added
    to its parts.
    """
    cells = [*_CELL, *codes]
    parts = [rows.select(*cells, value)]
    for name in ("age_band", "sex"):
        every = pl.lit(ALL).alias(name)
        parts += [each.filter(pl.col(name) != ALL).with_columns(every) for each in parts]
    summed = [part.group_by(cells).agg(pl.col(value).sort().sum()) for part in parts]
    # What was published comes last, so that it wins over what is added up.
    own = pl.concat([*summed[1:], summed[0]]).unique(cells, keep="last", maintain_order=True)
    total = pl.col(value).sort().sum().round(_DECIMALS)
    return own.group_by(_CELL).agg(total).sort(_CELL)


def _residents(parts: pl.DataFrame, estimates: pl.DataFrame) -> pl.DataFrame:
    people = (pl.col("people") * pl.col("share")).alias("residents")
    rows = parts.join(estimates, left_on="lsoa_code", right_on="code").with_columns(people)
    return _cube(rows, ["lsoa_code"], "residents")


def _living(mapping: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    here = mapping.filter(pl.col("basis") == RESIDENT)
    living = lives.drop("unit")
    return _of_all_ages(here.join(living, left_on="unit", right_on="lsoa_code"), "practice_code")


def _registered(mapping: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    here = mapping.filter(pl.col("basis") == REGISTERED)
    return _of_all_ages(here.join(lives, on="unit"), "practice_code", "lsoa_code")


def _listed(mapping: pl.DataFrame, lists: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """`own`: what share of each practice's list belongs to which unit, see `listed_shares`."""
    here = mapping.filter(pl.col("basis") == REGISTERED)
    units = own.select("unit", code="practice_code", part="share")
    rows = here.join(units, on="unit").join(lists, on="code")
    people = (pl.col("people") * pl.col("share") * pl.col("part")).alias("patients")
    return _cube(rows.with_columns(people), ["unit", "code"], "patients")


def _of_all_ages(rows: pl.DataFrame, *others: str) -> pl.DataFrame:
    people = (pl.col("people").cast(pl.Float64) * pl.col("share")).alias("patients")
    rows = rows.with_columns(people, pl.lit(ALL).alias("age_band"))
    return _cube(rows, ["unit", *others], "patients")


def _coverage(parts: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    met = pl.col("weight").filter(pl.col("lsoa_code").is_in(known.implode())).sort().sum()
    share = (met / pl.col("weight").sort().sum()).round(4).alias("coverage")
    return parts.group_by(FOOTPRINT).agg(share)
