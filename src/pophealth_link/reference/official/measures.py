"""Published measures of areas and mid-year estimates of residents."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from pophealth_link.reference.official.census import AREA_TYPES
from pophealth_link.reference.official.kinds import ONS, Kind, Source, Wanted, numbers, whole

_CONNECTIVITY = (
    Wanted("lsoa", r"^lsoa21cd$", "LSOA21CD"),
    Wanted("public_transport", r"^overall \(public transport\)$", "Overall (public transport)"),
    Wanted("connectivity_all_modes", r"^overall$", "Overall"),
)


def _values(rows: pl.DataFrame, measure: str, area_type: pl.Expr, period: pl.Expr) -> pl.DataFrame:
    return rows.select(
        pl.lit(measure).alias("measure"),
        area_type.alias("area_type"),
        pl.col("area").alias("area_code"),
        pl.col("value"),
        period.alias("period"),
    ).drop_nulls("value")


def _read_connectivity(source: Source) -> Mapping[str, pl.DataFrame]:
    names = ("public_transport", "connectivity_all_modes")
    rows = numbers(source, source.frame("lsoa", *names), *names).rename({"lsoa": "area"})
    year = re.search(r"20\d\d", source.words())
    period = pl.lit(year.group() if year else None, dtype=pl.String)
    parts = [
        _values(rows.with_columns(pl.col(name).alias("value")), name, pl.lit("lsoa"), period)
        for name in names
    ]
    return {"area_measures": pl.concat(parts)}


_FINGERTIPS = (
    Wanted("indicator", r"^indicator name$", "Indicator Name"),
    Wanted("area", r"^area code$", "Area Code"),
    Wanted("sex", r"^sex$", "Sex"),
    Wanted("category", r"^category$", "Category"),
    Wanted("period", r"^time period$", "Time period"),
    Wanted("value", r"^value$", "Value"),
    Wanted("denominator", r"^denominator$", "Denominator"),
    Wanted("sortable", r"^time period sortable$", "Time period Sortable"),
)
# Words of the indicators' names (B14a, b and c of the Public Health Outcomes Framework; B19).
_INDICATORS = {
    "noise_complaints": r"complaints about noise",
    "noise_exposed_day_lad": r"transport noise of 65 ?dB.*day",
    "noise_exposed_night_lad": r"transport noise of 55 ?dB.*night",
    "loneliness": r"loneliness|feel lonely",
}


def _read_fingertips(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame(*(each.name for each in _FINGERTIPS))
    kind = (
        pl.col("area").str.head(3).replace_strict(AREA_TYPES, default=None, return_dtype=pl.String)
    )
    rows = rows.with_columns(kind.alias("area_type")).filter(
        (pl.col("area_type") == "lad") & (pl.col("sex") == "Persons") & pl.col("category").is_null()
    )
    rows = numbers(source, rows, "value", "denominator", "sortable").drop_nulls("value")
    parts = []
    for measure, words in _INDICATORS.items():
        chosen = rows.filter(pl.col("indicator").str.contains(f"(?i){words}"))
        chosen = chosen.filter(pl.col("sortable") == pl.col("sortable").max())
        chosen = chosen.unique("area", keep="first", maintain_order=True)
        found = _values(chosen, measure, pl.lit("lad"), pl.col("period"))
        parts.append(found.with_columns(chosen["denominator"]))
    found = pl.concat(parts)
    if found.is_empty():
        raise source.wrong(f"names none of the indicators that are read: {', '.join(_INDICATORS)}.")
    return {"area_measures": found}


_SEX_LETTERS = {"f": "female", "m": "male"}
_BY_SEX = (
    Wanted("area", r"^(lsoa 20\d\d code|lsoa code( \(?20\d\d\)?)?|lsoa\d\dcd)$", "LSOA 2021 Code"),
    Wanted("total", r"^total$", "Total"),
    Wanted("ages", r"^[fm]\d+$", "F0 … M90", True, True, 60),
)
_BY_AGE = (
    Wanted("area", r"^(lsoa|area) codes?( \(?20\d\d\)?)?$", "LSOA Code"),
    Wanted("total", r"^all ages$", "All Ages"),
    Wanted("ages", r"^\d+\+?$", "0 … 90+", True, True, 30),
)


def _lsoa_type(source: Source, areas: pl.Series) -> str:
    named = re.search(r"20(11|21)", " ".join((*source.headers("area"), source.words())))
    number = areas.str.extract(r"^E01(\d{6})$").cast(pl.Int64)
    # A code that 2011 did not have decides; what the header says, where none is there.
    if (number >= 33_769).any():
        return "lsoa"
    return "lsoa11" if not named or named.group(1) == "11" else "lsoa"


def _mid_year(source: Source) -> str | None:
    found = re.search(r"mid[- ]?(20\d\d)", source.words(), re.IGNORECASE)
    return f"mid-{found.group(1)}" if found else None


def _ages(name: str) -> pl.Expr:
    return pl.col(name).str.extract(r"(\d+)").cast(pl.Int64)


def _tidy(source: Source, sex: pl.Expr) -> pl.DataFrame:
    rows = source.wide("ages", "area").filter(pl.col("area").str.contains(r"^E01\d{6}$"))
    bands = [name for name in rows.columns if name != "area"]
    rows = numbers(source, rows, *bands)
    oldest = max(int(re.sub(r"\D", "", name)) for name in bands)
    _require_every_age(source, bands, oldest)
    area_type = _lsoa_type(source, rows["area"])
    tidy = rows.unpivot(bands, index="area", variable_name="band", value_name="people")
    first = _ages("band")
    return tidy.select(
        pl.lit(area_type).alias("area_type"),
        pl.col("area").alias("area_code"),
        sex.alias("sex"),
        first.alias("age_from"),
        pl.when(first < oldest).then(first).alias("age_to"),
        *whole("people"),
        pl.lit(_mid_year(source), dtype=pl.String).alias("period"),
    )


def _require_every_age(source: Source, bands: list[str], oldest: int) -> None:
    """Refuse a file that lacks an age between the youngest and the oldest, of either sex."""
    letters = {re.sub(r"[\d+]", "", name) for name in bands}
    held = {re.sub(r"\+", "", name) for name in bands}
    every = [f"{letter}{age}" for letter in sorted(letters) for age in range(oldest + 1)]
    absent = [name for name in every if name not in held]
    if absent:
        raise source.wrong(f"lacks {len(absent):,} single ages: {', '.join(absent[:5])}.")


def _read_by_sex(source: Source) -> Mapping[str, pl.DataFrame]:
    sex = pl.col("band").str.head(1).replace_strict(_SEX_LETTERS, return_dtype=pl.String)
    return {"population": _tidy(source, sex)}


def _read_by_age(source: Source) -> Mapping[str, pl.DataFrame]:
    # One sheet per sex; what the sheet, the titles or the file is called says which.
    words = source.words().lower()
    named = "female" if "female" in words else "male" if re.search(r"\bmales?\b", words) else "all"
    return {"population": _tidy(source, pl.lit(named))}


_BY_AUTHORITY = (
    Wanted("area", r"^lad ?code ?\d*$", "ladcode23"),
    Wanted("sex", r"^sex$", "sex"),
    Wanted("age", r"^age$", "age"),
    Wanted("people", r"^population (\d{4})$", "population_2023"),
)
_SEX_CODES = {"1": "male", "2": "female", "m": "male", "f": "female"}


def _read_by_authority(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("area", "sex", "age", "people")
    rows = numbers(source, rows.filter(pl.col("area").str.contains("^E0[6-9]")), "age", "people")
    sex = (
        pl.col("sex")
        .str.to_lowercase()
        .replace_strict(_SEX_CODES, default=None, return_dtype=pl.String)
    )
    year = source.headers("people")[0].removeprefix("population ")
    found = rows.with_columns(sex.alias("sex"), *whole("age"))
    unknown = found["sex"].null_count()
    if unknown:
        raise source.wrong(f"{unknown:,} values are none of M, F, 1, 2.", "sex")
    return {
        "population": found.select(
            pl.lit("lad").alias("area_type"),
            pl.col("area").alias("area_code"),
            "sex",
            pl.col("age").alias("age_from"),
            pl.when(pl.col("age") < pl.col("age").max()).then(pl.col("age")).alias("age_to"),
            *whole("people"),
            pl.lit(f"mid-{year}").alias("period"),
        )
    }


_ESTIMATES = "Mid-year population estimates by age and sex"
KINDS = (
    Kind(
        "connectivity",
        "Transport connectivity metric (experimental), LSOA",
        "Department for Transport",
        _CONNECTIVITY,
        _read_connectivity,
        order=20,
        tables=("area_measures",),
    ),
    Kind(
        "fingertips",
        "Fingertips, indicators by local authority: noise complaints and exposure, loneliness",
        "Department of Health and Social Care",
        _FINGERTIPS,
        _read_fingertips,
        order=30,
        tables=("area_measures",),
    ),
    Kind(
        "population_lsoa", f"{_ESTIMATES}, LSOA", ONS, _BY_SEX, _read_by_sex, tables=("population",)
    ),
    Kind(
        "population_lsoa_by_age",
        "Mid-year population estimates, LSOA, one sheet per sex",
        ONS,
        _BY_AGE,
        _read_by_age,
        tables=("population",),
    ),
    Kind(
        "population_lad",
        f"{_ESTIMATES}, local authority",
        ONS,
        _BY_AUTHORITY,
        _read_by_authority,
        tables=("population",),
    ),
)
