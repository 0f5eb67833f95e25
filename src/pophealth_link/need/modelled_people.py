"""The people of footprints as rates are applied to them: made from released counts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.need.people_bands import BROAD, FEMALE, MALE, bands_of
from pophealth_link.need.raking import Floats
from pophealth_link.need.survey_checks import LAST_AGE
from pophealth_link.need.survey_rates import AGES, FIFTHS
from pophealth_link.schema.codes import AGE_BAND_STARTS

PLACE = ("footprint_type", "footprint_code", "footprint_name", "basis")
_SEXES = ("all", FEMALE, MALE)
_FIFTHS = tuple(str(n) for n in range(1, FIFTHS + 1))


@dataclass(frozen=True)
class FootprintPeople:
    """People of each footprint by single year of age (0 to 90 and over), sex and quintile.

    `places`: PLACE and `split` (a shared practice is in it in part), one row per footprint and
    basis; `people`: places × ages × sexes × quintiles; `unsure`: how many of them are an even share
    of what several withheld counts have together, places × ages, and `unsure_by_sex`, places × ages
    × sexes; `lost`: 1 for places whose counts cannot be filled in.
    """

    places: pl.DataFrame = field(repr=False)
    people: Floats = field(repr=False)
    unsure: Floats = field(repr=False)
    unsure_by_sex: Floats = field(repr=False)
    lost: Floats = field(repr=False)


def footprint_people(bands: pl.DataFrame) -> FootprintPeople:
    """Return the people that PEOPLE_BANDS tells of.

    A withheld count is what the released total leaves for it, shared evenly where several are
    withheld. People of a band are spread evenly over its years of age, and over quintiles as the
    footprint's people of their broad age (0–17, 18–64, 65 and over) are.
    """
    places = bands.group_by(PLACE).agg((pl.col("status") == "estimated").any().alias("split"))
    places = places.sort(PLACE)
    counts = _wide(bands, places, "sex", tuple(AGE_BAND_STARTS), _SEXES)
    groups = ("all", *_FIFTHS, "unknown")
    broad = _wide(bands, places, "quintile", tuple(BROAD), groups)
    sexes, unsure, by_sex, lost = _filled(counts, broad[:, :, 0])
    shares = _shares(broad)
    years = _years()
    by_age = np.einsum("pbs,ba->pas", sexes, years)
    people = by_age[..., np.newaxis] * shares[:, _broad_of_ages()][:, :, np.newaxis, :]
    return FootprintPeople(places, people, unsure @ years,
                           np.einsum("pbs,ba->pas", by_sex, years), lost)  # fmt: skip


def _wide(
    bands: pl.DataFrame,
    places: pl.DataFrame,
    group: str,
    ages: Sequence[str],
    groups: Sequence[str],
) -> Floats:
    """Return places × ages × groups of people; NaN where a count is withheld."""
    names = pl.DataFrame(
        [(age, name) for age in ages for name in groups], schema=["ages", group], orient="row"
    )
    grid = places.select(PLACE).with_row_index("order").join(names, how="cross")
    grid = grid.with_row_index("cell")
    found = grid.join(bands.filter(pl.col(group).is_not_null()), on=[*PLACE, "ages", group],
                      how="left", nulls_equal=True).sort("cell")  # fmt: skip
    numbers: Floats = found["people"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return numbers.reshape(places.height, len(ages), len(groups)).copy()


def _filled(counts: Floats, broad: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return people by place, band and sex; the unsure ones by band, and by sex; places lost."""
    totals, sexes = counts[:, :, 0], counts[:, :, 1:]
    missing = np.isnan(sexes)
    shown = np.nan_to_num(sexes)
    totals = np.where(np.isnan(totals) & ~missing.any(axis=2), shown.sum(axis=2), totals)
    totals, unsure, lost = _band_totals(totals, shown.sum(axis=2), broad)
    left = np.clip(totals - shown.sum(axis=2), 0, None)
    both = missing.all(axis=2)
    given = np.where(missing, np.where(both, left / 2, left)[:, :, np.newaxis], 0.0)
    by_sex = np.where(missing & (both | (unsure > 0))[:, :, np.newaxis], given, 0.0)
    return shown + given, unsure, by_sex, lost


def _band_totals(totals: Floats, least: Floats, broad: Floats) -> tuple[Floats, Floats, Floats]:
    """Return totals by band, withheld ones made from those of broad ages; the unsure; the lost."""
    found, unsure, lost = totals.copy(), np.zeros_like(totals), np.zeros(len(totals))
    for place, span in enumerate(BROAD.values()):
        own = [n for n, band in enumerate(AGE_BAND_STARTS) if band in bands_of(*span)]
        absent = np.isnan(found[:, own])
        left = np.clip(broad[:, place] - np.nansum(found[:, own], axis=1), 0, None)
        many = absent.sum(axis=1)
        each = np.divide(left, many, out=np.zeros_like(left), where=many > 0)
        lost = np.maximum(lost, (np.isnan(broad[:, place]) & (many > 0)).astype(np.float64))
        filled = np.maximum(np.nan_to_num(each)[:, np.newaxis], least[:, own])
        found[:, own] = np.where(absent, filled, found[:, own])
        unsure[:, own] = np.where(absent & (many > 1)[:, np.newaxis], filled, 0.0)
    return found, unsure, lost


def _shares(broad: Floats) -> Floats:
    """Return places × broad ages × quintiles: shares of the people whose quintile is known."""
    totals, fifths = broad[:, :, 0], broad[:, :, 1 : FIFTHS + 1]
    parts = broad[:, :, 1:]
    missing = np.isnan(parts)
    left = np.clip(np.nan_to_num(totals) - np.nansum(parts, axis=2), 0, None)
    many = missing.sum(axis=2)
    each = np.divide(left, many, out=np.zeros_like(left), where=many > 0)
    known = np.where(np.isnan(fifths), each[:, :, np.newaxis], fifths)
    sums = known.sum(axis=2, keepdims=True)
    even = np.full_like(known, 1 / FIFTHS)
    shares: Floats = np.divide(known, sums, out=even, where=sums > 0)
    return shares


def _years() -> Floats:
    """Return bands × single years: the share of a band's people that each year of it holds."""
    starts = list(AGE_BAND_STARTS.values())
    ends = [*(start - 1 for start in starts[1:]), LAST_AGE]
    years = np.zeros((len(starts), AGES))
    for place, (first, last) in enumerate(zip(starts, ends, strict=True)):
        years[place, first : last + 1] = 1 / (last + 1 - first)
    return years


def _broad_of_ages() -> list[int]:
    spans = list(BROAD.values())
    return [next(n for n, (a, b) in enumerate(spans) if a <= age <= b) for age in range(AGES)]
