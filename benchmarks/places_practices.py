"""The deprivation of practices, modelled without published patients by practice and LSOA.

Each method makes patients by practice and LSOA from postcodes, list sizes and LSOA populations
alone; a practice's score is the mean over them. Half of the practices, drawn by a fixed seed,
choose each method's one number; the other half report it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from pophealth_link.places import (
    Decay,
    area_centres,
    imd_from_domain_ranks,
    modelled_patients,
    registered_mean,
)

_SEED = 2019
_RANKS: Mapping[str, str] = {
    "income": "Income_rank",
    "employment": "Employment_rank",
    "education": "Education_rank",
    "health": "Health_rank",
    "crime": "Crime_rank",
    "barriers": "Housing_and_Access_rank",
    "living_environment": "Environment_rank",
}
SHIPPED = "gravity held to lists and people, scale by local spacing (shipped)"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Practices with a place and a list, LSOAs (2011) with a place and people, and scores."""

    practices: pl.DataFrame
    areas: pl.DataFrame
    scores: pl.DataFrame
    published: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Method:
    """A method by name: the decays among which the fitting half chooses."""

    name: str
    number: str
    decays: Mapping[str, Decay]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors of one method, in points of the score, on the half that did not choose."""

    method: str
    number: str
    fitted: float
    median: float
    mean: float
    tenth: float
    bias: float
    practices: int


_SHARES = (0.14, 0.17, 0.20, 0.23, 0.26, 0.32)
_METRES = (300, 400, 500, 600, 800)


def _by_share(base: Decay) -> dict[str, Decay]:
    return {f"{share:.2f}": replace(base, share=share) for share in _SHARES}


METHODS: Sequence[Method] = (
    Method("all people to the nearest surgery", "–", {"–": Decay(metres=1.0, balanced=False)}),
    Method(
        "Huff: by size of list and distance, scale by local spacing",
        "scale, as a share of the distance to the fifth-nearest surgery",
        _by_share(Decay(balanced=False)),
    ),
    Method(
        "gravity held to lists and people, one scale everywhere",
        "scale, m",
        {f"{metres:,}": Decay(metres=metres) for metres in _METRES},
    ),
    Method(SHIPPED, "as for Huff", _by_share(Decay())),
)


def read(folder: Path) -> Inputs:
    """Read what the methods need; `folder`: open data for England."""

    def scan(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(folder / f"{name}.parquet")

    postcodes = scan("postcodes/postcodes_england")
    # Large users are businesses; where the user type is not known, people may live there.
    homes = postcodes.filter(pl.col("usertype").cast(pl.String).fill_null("0") == "0")
    people = scan("census/population_mid2020_single_year_lsoa11").select(
        lsoa_code="lsoa11_code", population="total_population"
    )
    centres = area_centres(homes.select("easting", "northing", lsoa_code="lsoa11cd"))
    ranks = scan("deprivation/iod2019_lsoa11").rename({"lsoa11_code": "lsoa_code"})
    scores = imd_from_domain_ranks(ranks, ranks=_RANKS, edition="2019")
    published = scan("nhs/practice_imd2019_registration_weighted").select(
        "practice_code", published="imd_score"
    )
    surgeries = _surgeries(scan).join(
        postcodes.select("easting", "northing", postcode="pcds", lsoa_code="lsoa11cd"),
        on="postcode",
    )
    return Inputs(
        surgeries.sort("practice_code").collect(),
        centres.join(people.collect(), on="lsoa_code"),
        scores.select("lsoa_code", "imd_score"),
        published.drop_nulls().collect(),
    )


def _surgeries(scan: Callable[[str], pl.LazyFrame]) -> pl.LazyFrame:
    """Return practices of QOF 2020/21 with their list and the postcode of their surgery."""
    lists = (
        scan("nhs/qof_prevalence_2020_21_practice")
        .filter(pl.col("PATIENT_LIST_TYPE") == "TOTAL")
        .group_by(practice_code="PRACTICE_CODE")
        .agg(list_size=pl.col("PRACTICE_LIST_SIZE").max())
    )
    mapped = scan("nhs/gp_reg_pat_prac_map_2022").select(
        practice_code="PRACTICE_CODE", mapped="PRACTICE_POSTCODE"
    )
    directory = scan("nhs/epraccur_2023").select(
        practice_code="organisation_code", listed="postcode"
    )
    joined = lists.join(mapped, on="practice_code", how="left").join(
        directory, on="practice_code", how="left"
    )
    return joined.select("practice_code", "list_size", postcode=pl.coalesce("mapped", "listed"))


def assess(given: Inputs, methods: Sequence[Method] = METHODS) -> list[Accuracy]:
    """Return each method's errors, the surgery's own LSOA first."""
    fitting = _halves(given.published)
    own = given.practices.join(given.scores, on="lsoa_code").select("practice_code", "imd_score")
    found = [_accuracy("the surgery's own LSOA", "–", own, given, fitting)]
    for method in methods:
        made = {number: _modelled(given, decay) for number, decay in method.decays.items()}
        medians = {n: _number(_errors(m, given, fitting).abs().median()) for n, m in made.items()}
        best = min(medians, key=lambda number: medians[number])
        number = f"{method.number}: {best}" if len(made) > 1 else "–"
        found.append(_accuracy(method.name, number, made[best], given, fitting))
    return found


def _modelled(given: Inputs, decay: Decay) -> pl.DataFrame:
    patients = modelled_patients(given.practices, given.areas, decay=decay)
    return registered_mean(patients, given.scores, value="imd_score")


def _halves(published: pl.DataFrame) -> pl.Series:
    """Return the practices of the half that chooses: drawn once, by a fixed seed."""
    codes = published["practice_code"].sort()
    drawn = np.random.default_rng(_SEED).permutation(len(codes))
    return codes.gather(np.sort(drawn[: len(codes) // 2]))


def _errors(
    scored: pl.DataFrame, given: Inputs, fitting: pl.Series, *, held_out: bool = False
) -> pl.Series:
    both = scored.join(given.published, on="practice_code").drop_nulls("imd_score")
    chosen = pl.col("practice_code").is_in(fitting.implode())
    rows = both.filter(~chosen if held_out else chosen).sort("practice_code")
    return rows["imd_score"] - rows["published"]


def _accuracy(
    name: str, number: str, scored: pl.DataFrame, given: Inputs, fitting: pl.Series
) -> Accuracy:
    errors = _errors(scored, given, fitting, held_out=True)
    size = errors.abs()
    return Accuracy(
        method=name,
        number=number,
        fitted=_number(_errors(scored, given, fitting).abs().median()),
        median=_number(size.median()),
        mean=_number(size.mean()),
        tenth=_number(size.quantile(0.9, "linear")),
        bias=_number(errors.mean()),
        practices=len(errors),
    )


def _number(value: object) -> float:
    return round(float(value), 3) if isinstance(value, int | float) else float("nan")
