"""Make a reference pack from a folder of open data for England.

    python -m benchmarks.open_data --from DIR --local-authority E09000004 --out PACK

The folder's own `README.md` says what each file is. Without `--local-authority` the pack is all of
England; tables are converted and written one at a time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from benchmarks.open_data_measures import OpenData, area_measures, households, residents
from pophealth_link.errors import ReferenceDataError, UserError
from pophealth_link.reference import Pack, TableAbout, write

_OGL = "Open Government Licence v3.0"
_ATTRIBUTION = (
    "Source: Office for National Statistics licensed under the Open Government Licence v.3.0. "
    "Contains OS data © Crown copyright and database right. Contains Royal Mail data © Royal Mail "
    "copyright and database right. Contains NHS England and MHCLG information licensed under the "
    "Open Government Licence v3.0."
)
_GP_PRACTICE = "4"


def areas(data: OpenData) -> pl.LazyFrame:
    middle = data.scan("lookups/lsoa21_msoa21_lad").select(
        lsoa_code="lsoa21cd",
        lsoa_name="lsoa21nm",
        msoa_code="msoa21cd",
        msoa_name="msoa21nm",
        region_code="rgncd",
    )
    wards = data.scan("lookups/lsoa21_ward24_ltla24").select(
        lsoa_code="lsoa21_code", ward_code="ward24_code", ward_name="ward24_name"
    )
    boards = data.scan("lookups/lsoa21_sicbl24_icb24").select(
        lsoa_code="lsoa21_code",
        icb_code="icb24_code",
        icb_name="icb24_name",
        sub_icb_code="sicbl24_code",
        sub_icb_name="sicbl24_name",
    )
    frame = data.lsoas()
    for part in (middle, boards, wards, residents(data), households(data)):
        frame = frame.join(part, on="lsoa_code", how="left")
    return frame


def deprivation(data: OpenData) -> pl.LazyFrame:
    """Scores, ranks and deciles of 2025, weighed by residents at the 2021 census.

    The published summaries weigh by mid-2022 populations, which the folder does not have.
    """
    frame = data.wanted(data.scan("deprivation/iod2025_lsoa21")).select(
        "lsoa_code", imd_score="IMD_score", imd_rank="IMD_rank", imd_decile="IMD_decile"
    )
    return frame.join(residents(data), on="lsoa_code", how="left")


def postcodes(data: OpenData) -> pl.LazyFrame:
    """Live postcodes; an LSOA's households are spread evenly over those of small users.

    The remainder goes to the first postcodes in order, so that each LSOA sums exactly.
    """
    frame = data.wanted(data.scan("postcodes/postcodes_england"), "lsoa21cd").select(
        "lsoa_code",
        "easting",
        "northing",
        postcode="pcds",
        # Large users are businesses; where the user type is not known, people may live there.
        home=pl.col("usertype").cast(pl.String).fill_null("0") == "0",
    )
    homes = frame.filter("home").group_by("lsoa_code").agg(homes=pl.len().cast(pl.Int64))
    place = pl.int_range(pl.len()).over("lsoa_code", "home", order_by="postcode")
    share = pl.col("households") // pl.col("homes")
    extra = (place < pl.col("households") % pl.col("homes")).cast(pl.Int64)
    return (
        frame.join(homes, on="lsoa_code", how="left")
        .join(households(data), on="lsoa_code", how="left")
        .with_columns(dwellings=pl.when("home").then(share + extra).otherwise(0))
    )


def _current_members(data: OpenData) -> pl.LazyFrame:
    """Return practices that are in a network now, with their main surgery's postcode."""
    members = data.scan("nhs/epcn_2023_core_partner_details").filter(
        pl.col("practice_to_pcn_relationship_end_date").is_null()
    )
    organisations = data.scan("nhs/epraccur_2023").filter(
        pl.col("prescribing_setting") == _GP_PRACTICE
    )
    return members.select(practice_code="partner_organisation_code", pcn_code="pcn_code").join(
        organisations.select(
            "postcode", "name", "open_date", "close_date", code="organisation_code"
        ),
        left_on="practice_code",
        right_on="code",
    )


def _networks(data: OpenData) -> pl.LazyFrame:
    """Return the networks with a practice whose surgery lies in the wanted authorities."""
    here = data.wanted(data.scan("postcodes/postcodes_england"), "lsoa21cd").select(postcode="pcds")
    members = _current_members(data)
    local = members.join(here, on="postcode", how="semi") if data.authorities else members
    return local.select("pcn_code").unique()


def _local_practices(data: OpenData) -> pl.LazyFrame:
    return _current_members(data).join(_networks(data), on="pcn_code", how="semi")


def _day(column: str, pattern: str = "%Y%m%d") -> pl.Expr:
    return pl.col(column).str.to_date(pattern, strict=False)


def practices(data: OpenData) -> pl.LazyFrame:
    """Current practices of those networks, with the list size that QOF used in 2020/21."""
    lists = (
        data.scan("nhs/qof_prevalence_2020_21_practice")
        .filter(pl.col("PATIENT_LIST_TYPE") == "TOTAL")
        .group_by(practice_code="PRACTICE_CODE")
        .agg(list_size=pl.col("PRACTICE_LIST_SIZE").max())
    )
    return (
        _local_practices(data)
        .unique("practice_code")
        .join(lists, on="practice_code", how="left")
        .with_columns(_day("open_date"), _day("close_date"))
        .rename({"name": "practice_name"})
    )


def practice_pcn(data: OpenData) -> pl.LazyFrame:
    """Every spell, past and present, of those practices in a network."""
    return (
        data.scan("nhs/epcn_2023_core_partner_details")
        .rename({"partner_organisation_code": "practice_code"})
        .join(_local_practices(data).select("practice_code"), on="practice_code", how="semi")
        .select(
            "practice_code",
            "pcn_code",
            "pcn_name",
            valid_from=_day("practice_to_pcn_relationship_start_date"),
            valid_to=_day("practice_to_pcn_relationship_end_date"),
        )
    )


def qof_rows(data: OpenData) -> pl.LazyFrame:
    """Registers of every practice in the Quality and Outcomes Framework of 2020/21."""
    return data.scan("nhs/qof_prevalence_2020_21_practice").select(
        practice_code="PRACTICE_CODE",
        register="GROUP_CODE",
        numerator="REGISTER",
        denominator="PRACTICE_LIST_SIZE",
        list_type="PATIENT_LIST_TYPE",
        period=pl.lit("2020/21"),
    )


def qof(data: OpenData) -> pl.LazyFrame:
    """Registers of the practices in the pack."""
    here = _local_practices(data).select("practice_code").unique()
    return qof_rows(data).join(here, on="practice_code", how="semi")


def footprints(data: OpenData) -> pl.LazyFrame:
    """Local care networks of the practices in the pack, where the folder has any."""
    files = sorted((data.folder / "footprints").glob("*.csv"))
    rows = pl.concat([pl.scan_csv(file, infer_schema=False) for file in files])
    return rows.join(
        _local_practices(data).select("practice_code"), on="practice_code", how="semi"
    ).with_columns(
        pl.col("share").cast(pl.Float64),
        _day("valid_from", "%Y-%m-%d"),
        _day("valid_to", "%Y-%m-%d"),
    )


def boundaries(data: OpenData) -> pl.LazyFrame:
    """Boundaries of LSOAs (20 m) and, less detailed, of local authorities."""
    small = data.wanted(data.scan("boundaries/lsoa21_england"), "lsoa21cd").select(
        "geometry", area_type=pl.lit("lsoa"), area_code="lsoa_code"
    )
    large = (
        data.scan("boundaries/ltla24_england")
        .join(data.lsoas(), left_on="ltla24_code", right_on="lad_code", how="semi")
        .select("geometry", area_type=pl.lit("lad"), area_code="ltla24_code")
    )
    return pl.concat([small, large])


_TABLES: Mapping[str, tuple[Callable[[OpenData], pl.LazyFrame], TableAbout]] = {
    "areas": (
        areas,
        TableAbout("Office for National Statistics", "Lookups and Census 2021", _OGL, "2021/2024"),
    ),
    "deprivation": (
        deprivation,
        TableAbout(
            "Ministry of Housing, Communities and Local Government",
            "English Indices of Deprivation 2025, residents of Census 2021",
            _OGL,
            "2025",
        ),
    ),
    "postcodes": (
        postcodes,
        TableAbout("Office for National Statistics", "Postcode directory", _OGL, "2022/2025"),
    ),
    "practices": (
        practices,
        TableAbout(
            "NHS England", "epraccur 2023; Quality and Outcomes Framework 2020/21", _OGL, "2023"
        ),
    ),
    "practice_pcn": (practice_pcn, TableAbout("NHS England", "ePCN", _OGL, "2023")),
    "qof": (
        qof,
        TableAbout("NHS England", "Quality and Outcomes Framework 2020/21", _OGL, "2020/21"),
    ),
    "footprints": (
        footprints,
        TableAbout("pophealth_link", "Local care networks, illustration by location", _OGL, "2023"),
    ),
    "area_measures": (
        area_measures,
        TableAbout(
            "Office for National Statistics, MHCLG, Transport for London",
            "Census 2021; Indices of Deprivation 2025; PTAL 2015; Health Index; homelessness",
            f"{_OGL}; PTAL: Open Government Licence v2.0",
            "2015–2025",
        ),
    ),
    "boundaries": (
        boundaries,
        TableAbout(
            "Office for National Statistics", "Generalised clipped boundaries", _OGL, "2021/2024"
        ),
    ),
}


def _check(data: OpenData) -> None:
    if not data.folder.is_dir():
        raise ReferenceDataError(
            f"the folder of open data {data.folder} does not exist.", fix="give --from DIR."
        )
    known = data.lsoas().select("lad_code").unique().collect()["lad_code"]
    unknown = [code for code in data.authorities if code not in known]
    if unknown:
        raise ReferenceDataError(
            f"{len(unknown):,} of {len(data.authorities):,} local authorities are not in the "
            f"folder's lookup: {', '.join(unknown)}.",
            fix="give codes of April 2024, such as E09000004.",
        )


def convert(folder: Path, authorities: Sequence[str], out: Path) -> Pack:
    """Write the pack of these local authorities (none: of all England) and return it."""
    data = OpenData(folder, tuple(authorities))
    _check(data)
    ranked = data.scan("deprivation/iod2025_lsoa21").select(pl.len()).collect().item()
    return write(
        {name: make(data) for name, (make, _) in _TABLES.items()},
        out,
        name=out.name,
        n_areas=ranked,
        about={
            name: replace(about, attribution=_ATTRIBUTION) for name, (_, about) in _TABLES.items()
        },
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_data", description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="DIR")
    parser.add_argument("--local-authority", action="append", default=[], metavar="CODE")
    parser.add_argument("--out", type=Path, required=True, metavar="PACK")
    given = parser.parse_args(arguments)
    try:
        pack = convert(given.folder, given.local_authority, given.out)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name in pack.tables:
        print(f"{name:<15} {pack.about[name].rows:>9,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
