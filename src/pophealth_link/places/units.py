"""Units place people: practices and LSOAs, and the reasons why a person has none."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link.schema.outputs import UNIT_FOOTPRINTS

REGISTERED = "registered"
RESIDENT = "resident"
NO_BEST_FIT = "no_best_fit"
WHOLE = ("whole", "Whole area")

# Reasons are units that map to themselves for every footprint type, so that nobody is dropped.
REASONS: Mapping[str, Mapping[str, str]] = {
    REGISTERED: {
        "not_registered": "Not registered",
        "unknown_practice": "Unknown practice",
        "closed_practice": "Closed practice without successor",
    },
    RESIDENT: {
        "no_fixed_abode": "No fixed abode",
        "no_postcode": "No postcode",
        "unknown_postcode": "Unknown postcode",
        "outside_area": "Outside the area",
    },
}
_NAMES_OF_TYPES = {"pcn": "PCN", "icp": "ICP", "lad": "local authority", "icb": "ICB"}
_CODES = (*REASONS[REGISTERED], *REASONS[RESIDENT], NO_BEST_FIT)


def is_reason(code: str = "footprint_code", footprint_type: str = "footprint_type") -> pl.Expr:
    """Return an expression that is true where the footprint is a reason rather than a place.

    >>> rows = pl.DataFrame({"footprint_type": ["pcn", "pcn"], "footprint_code": ["U1", "no_pcn"]})
    >>> rows.select(is_reason())["footprint_code"].to_list()
    [False, True]
    """
    return pl.col(code).is_in(_CODES) | (pl.col(code) == "no_" + pl.col(footprint_type))


def lacking(footprint_type: str) -> tuple[str, str]:
    """Return code and name of the reason that a unit is in no footprint of the type.

    >>> lacking("pcn")
    ('no_pcn', 'No PCN')
    """
    name = _NAMES_OF_TYPES.get(footprint_type, footprint_type.replace("_", " "))
    return f"no_{footprint_type}", f"No {name}"


def unit_rows(
    known: pl.DataFrame, basis: str, units: pl.Series, otherwise: Mapping[str, tuple[str, str]]
) -> pl.DataFrame:
    """Return UNIT_FOOTPRINTS rows of a basis in which every unit has every footprint type.

    `known` holds unit, footprint_type, footprint_code, footprint_name, share; `units` every unit;
    `otherwise` names each footprint type with code and name for the units that `known` lacks. The
    basis's reasons are added, mapped to themselves. Sorted; a missing name becomes the code.
    """
    types = pl.DataFrame(
        [(name, code, label) for name, (code, label) in otherwise.items()],
        schema=["footprint_type", "footprint_code", "footprint_name"],
        orient="row",
    )
    keys = ["unit", "footprint_type"]
    every = pl.DataFrame({"unit": units}, schema={"unit": pl.String}).join(types, how="cross")
    rest = every.join(known, on=keys, how="anti").with_columns(share=pl.lit(1.0))
    rows = [known, rest, _reason_rows(basis, types)]
    columns = [*keys, "footprint_code", "footprint_name", "share"]
    return (
        pl.concat([frame.select(columns) for frame in rows])
        .with_columns(
            pl.lit(basis).alias("basis"),
            pl.coalesce("footprint_name", "footprint_code").alias("footprint_name"),
        )
        .select(UNIT_FOOTPRINTS.names)
        .sort("basis", *keys, "footprint_code")
    )


def _reason_rows(basis: str, types: pl.DataFrame) -> pl.DataFrame:
    reasons = pl.DataFrame(
        list(REASONS[basis].items()), schema=["unit", "footprint_name"], orient="row"
    )
    return (
        types.select("footprint_type")
        .join(reasons, how="cross")
        .with_columns(footprint_code="unit", share=pl.lit(1.0))
    )
