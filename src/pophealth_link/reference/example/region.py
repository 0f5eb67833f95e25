"""The example region as a reference pack."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.reference.about import TableAbout
from pophealth_link.reference.example import names, plan
from pophealth_link.reference.example.further import further_measures, with_domains
from pophealth_link.reference.example.geometry import band, smooth, wkb_polygon
from pophealth_link.reference.example.measures import N_AREAS, area_measures, deprivation, standing
from pophealth_link.reference.example.services import make_services
from pophealth_link.reference.example.settlement import Settlement, settle
from pophealth_link.reference.pack import Pack, in_memory

EXAMPLE_SEED = 2026


def _areas(place: Settlement) -> pl.DataFrame:
    """Return the table `areas`: MSOAs numbered in an authority, LSOAs lettered in an MSOA."""
    lad_code, lad_name = (np.array(part)[place.lad] for part in zip(*names.LADS, strict=True))
    frame = pl.DataFrame(
        {
            "lsoa_code": place.codes,
            "lad_code": lad_code,
            "lad_name": lad_name,
            "msoa": place.msoa,
            "population": place.population,
            "households": place.households,
        }
    )
    number = (pl.col("msoa") - pl.col("msoa").min().over("lad_code") + 1).cast(pl.String)
    letter = pl.int_range(pl.len()).over("msoa").replace_strict(dict(enumerate("ABCDEFGHIJKLMNOP")))
    return frame.with_columns(
        msoa_code=names.MSOA_PREFIX + (pl.col("msoa") + 1).cast(pl.String).str.zfill(3),
        msoa_name=pl.col("lad_name") + " " + number.str.zfill(3),
        icb_code=pl.lit(names.ICB[0]),
        icb_name=pl.lit(names.ICB[1]),
    ).with_columns(lsoa_name=pl.col("msoa_name") + letter)


def _postcodes(place: Settlement) -> pl.DataFrame:
    codes = pl.Series(place.codes)
    return place.postcodes.with_columns(lsoa_code=codes.gather(place.postcodes["area"]))


def _boundaries(place: Settlement) -> pl.DataFrame:
    geometry = [wkb_polygon(rings) for rings in place.rings]
    return pl.DataFrame({"area_type": "lsoa", "area_code": place.codes, "geometry": geometry})


def _exposures() -> pl.DataFrame:
    lines = [
        (distance, smooth(np.array(line), 0.1, closed=False)) for distance, line in plan.NOISY_LINES
    ]
    geometry = [wkb_polygon([plan.to_grid(band(line, distance))]) for distance, line in lines]
    return pl.DataFrame({"exposure": "noise_lden_55", "geometry": geometry})


def _about(table: str, seed: int) -> TableAbout:
    return TableAbout(
        publisher="pophealth_link",
        title=f"Synthetic: made by pophealth_link from seed {seed} (example region, {table})",
        licence="MIT",
        vintage="synthetic",
        valid_from=date(2019, 7, 1),
    )


def example_region(seed: int = EXAMPLE_SEED) -> Pack:
    """Make the example region: an invented place of two local authorities on an estuary.

    About 120 LSOAs, 217,000 residents, 4,900 postcodes, 20 practices with 225,000 registered
    people, five PCNs (one spans the border of the authorities, one is shared by two ICPs) and three
    ICPs. Nothing is copied from a real place, and no code is one that exists. The same seed gives
    the same bytes.

    >>> example_region().read("areas").height
    120
    """
    land, services, social, more = (np.random.default_rng([seed, part]) for part in range(4))
    place = settle(land)
    care = make_services(services, place)
    nation = standing(social, place)
    ranked, measures = deprivation(place, nation), area_measures(social, place, nation)
    tables = {
        "areas": _areas(place),
        "postcodes": _postcodes(place),
        "boundaries": _boundaries(place),
        "exposures": _exposures(),
        "practices": care.practices,
        "practice_pcn": care.practice_pcn,
        "footprints": care.footprints,
        "deprivation": with_domains(more, ranked, measures, nation),
        "area_measures": pl.concat([measures, further_measures(more, place, nation, measures)]),
    }
    about = {table: _about(table, seed) for table in tables}
    return in_memory(tables, name="example", n_areas=N_AREAS, about=about)
