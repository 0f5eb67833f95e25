"""Published counts and scores by area, from a folder of open data for England."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

_CENSUS = "2021-03-21"


@dataclass(frozen=True, slots=True)
class OpenData:
    """The folder, and the local authorities wanted (none: all of England)."""

    folder: Path
    authorities: tuple[str, ...] = ()

    def scan(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet(self.folder / f"{name}.parquet")

    def lsoas(self) -> pl.LazyFrame:
        """Return the wanted LSOAs with their local authority (2024 codes and names).

        Names come from the lookup of wards; its authorities are those of best-fit wards, and one
        LSOA of West Northamptonshire is in another there.
        """
        names = self.scan("lookups/lsoa21_ward24_ltla24").select(
            lad_code="ltla24_code", lad_name="ltla24_name"
        )
        frame = (
            self.scan("lookups/lsoa21_msoa21_lad")
            .select(lsoa_code="lsoa21cd", lad_code="ladcd_active")
            .join(names.unique(), on="lad_code", how="left")
        )
        return (
            frame.filter(pl.col("lad_code").is_in(self.authorities)) if self.authorities else frame
        )

    def wanted(self, frame: pl.LazyFrame, code: str = "lsoa21_code") -> pl.LazyFrame:
        """Return the rows of `frame` whose LSOA is wanted, with the code as `lsoa_code`."""
        return frame.rename({code: "lsoa_code"}).join(
            self.lsoas().select("lsoa_code"), on="lsoa_code", how="semi"
        )

    def census(self, name: str) -> pl.LazyFrame:
        return self.wanted(self.scan(f"census/{name}_lsoa21"))


def residents(data: OpenData) -> pl.LazyFrame:
    return data.census("ethnic_group_2021").select("lsoa_code", population="total_residents")


def households(data: OpenData) -> pl.LazyFrame:
    frame = data.census("occupancy_rating_bedrooms_2021")
    return frame.select("lsoa_code", households="total_households")


def _counts(frame: pl.LazyFrame, measure: str, parts: Sequence[str], whole: str) -> pl.LazyFrame:
    return frame.select(
        measure=pl.lit(measure),
        area_type=pl.lit("lsoa"),
        area_code="lsoa_code",
        numerator=pl.sum_horizontal(parts, ignore_nulls=False).cast(pl.Float64),
        denominator=pl.col(whole).cast(pl.Float64),
        value=pl.lit(None, pl.Float64),
        period=pl.lit(_CENSUS),
    ).drop_nulls("numerator")


def census_measures(data: OpenData) -> list[pl.LazyFrame]:
    rooms, tenure = data.census("occupancy_rating_bedrooms_2021"), data.census("tenure_2021")
    groups, disability = data.census("ethnic_group_2021"), data.census("disability_2021")
    ethnic = {
        "white": "White",
        "mixed": "Mixed or Multiple ethnic groups",
        "asian": "Asian, Asian British or Asian Welsh",
        "black": "Black, Black British, Black Welsh, Caribbean or African",
        "other": "Other ethnic group",
    }
    social = [
        "Social rented: Other social rented",
        "Social rented: Rents from council or Local Authority",
    ]
    private = [
        "Private rented: Other private rented",
        "Private rented: Private landlord or letting agency",
    ]
    homes, people = "total_households", "total_residents"
    # "+2 or more (under-occupied)" also holds a hyphen: name the two ratings that are meant.
    crowded = ["-1 (overcrowded)", "-2 or less (overcrowded)"]
    return [
        _counts(rooms, "overcrowded_bedrooms", crowded, homes),
        _counts(tenure, "tenure_social_rented", social, homes),
        _counts(tenure, "tenure_private_rented", private, homes),
        *(_counts(groups, f"ethnic_{key}", [name], people) for key, name in ethnic.items()),
        _counts(disability, "disabled", ["Disabled under the Equality Act"], people),
    ]


def _deprivation_measures(data: OpenData) -> list[pl.LazyFrame]:
    """Numerators of 2025 over the people that the published scores imply.

    A score is numerator / denominator, given to three decimals, so numerator / score is the
    published denominator (all people; people aged 18 to 66) to within half a per cent at the
    median score. Where a numerator is withheld the LSOA is left out.
    """
    scores = data.scan("deprivation/iod2025_lsoa21").select(
        "lsoa21_code", "Income_score", "Employment_score"
    )
    frame = data.wanted(
        data.scan("deprivation/iod2025_indicators_lsoa21").join(scores, on="lsoa21_code")
    )
    parts = {
        "income_deprived": ("income_domain_numerator", "Income_score"),
        "employment_deprived": ("employment_domain_numerator", "Employment_score"),
    }
    return [
        _counts(
            frame.with_columns((pl.col(count) / pl.col(score)).round(0).alias("people")),
            name,
            [count],
            "people",
        ).with_columns(period=pl.lit("Indices of Deprivation 2025"))
        for name, (count, score) in parts.items()
    ]


def _scores(frame: pl.LazyFrame, measure: str, area_type: str, period: str | None) -> pl.LazyFrame:
    return frame.select(
        measure=pl.lit(measure),
        area_type=pl.lit(area_type),
        area_code="area_code",
        numerator=pl.lit(None, pl.Float64),
        denominator=pl.col("weight").cast(pl.Float64),
        value=pl.col("value").round(6),
        period=pl.lit(period, pl.String),
    ).drop_nulls("value")


def _weighted_mean(frame: pl.LazyFrame, by: str, weight: str) -> pl.LazyFrame:
    known = frame.drop_nulls(["value", weight])
    total = (pl.col("value") * pl.col(weight)).sum() / pl.col(weight).sum()
    return known.sort(by, "part").group_by(area_code=by, maintain_order=True).agg(value=total)


def _public_transport(data: OpenData) -> pl.LazyFrame:
    """Return TfL's index of 2015, from LSOAs of 2011 to those of 2021; London only.

    A part of a split LSOA keeps its value; a merged one takes the mean weighted by residents.
    """
    people = data.scan("census/population_mid2020_single_year_lsoa11").select(
        "lsoa11_code", "total_population"
    )
    index = data.scan("london/ptal2015_lsoa11").select(part="LSOA2011", value="AvPTAI2015")
    lookup = data.wanted(data.scan("lookups/lsoa11_lsoa21_ltla22"))
    frame = (
        lookup.join(people, on="lsoa11_code", how="left")
        .rename({"lsoa11_code": "part"})
        .join(index, on="part")
    )
    weights = residents(data).rename({"lsoa_code": "area_code", "population": "weight"})
    means = _weighted_mean(frame, "lsoa_code", "total_population")
    return _scores(means.join(weights, on="area_code"), "public_transport", "lsoa", "2015")


def _authority_measures(data: OpenData) -> list[pl.LazyFrame]:
    """Return values of whole local authorities, per 1,000 residents or households.

    Those of districts merged since are means weighted by residents. The folder does not say which
    year the homelessness figures describe.
    """
    places = (
        data.lsoas().join(residents(data), on="lsoa_code").join(households(data), on="lsoa_code")
    )
    weights = places.group_by(area_code="lad_code").agg(pl.col("population", "households").sum())
    indicators = data.scan("health/ons_health_index_indicators_ltla21").filter(
        pl.col("indicator") == "Noise complaints"
    )
    newest = indicators.filter(pl.col("year") == pl.col("year").max())
    former = data.scan("lookups/lsoa11_lsoa21_ltla22").select(
        lsoa_code="lsoa21_code", part="ltla22_code"
    )
    noise = places.join(former.unique(), on="lsoa_code").join(
        newest.select("value", part="ltla21_code"), on="part"
    )
    complaints = _weighted_mean(noise, "lad_code", "population").join(weights, on="area_code")
    homeless = data.scan("health/homelessness_ltla23").rename({"ltla23_code": "area_code"})
    known = homeless.join(weights, on="area_code").with_columns(weight="households")
    values = {
        "homelessness_assessed": "Households assessed as homeless per (000s)",
        "temporary_accommodation_lad": "Households in temporary accommodation per 1,000",
    }
    return [
        _scores(complaints.with_columns(weight="population"), "noise_complaints", "lad", "2021"),
        *(
            _scores(known.with_columns(value=column), name, "lad", None)
            for name, column in values.items()
        ),
    ]


def area_measures(data: OpenData) -> pl.LazyFrame:
    return pl.concat(
        [
            *census_measures(data),
            *_deprivation_measures(data),
            _public_transport(data),
            *_authority_measures(data),
        ]
    )
