"""Best fit of LSOAs to footprints of practices, by where registered patients live."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import TEXT, Plan, require_unique, shaped
from pophealth_link.places.memberships import AREA_TYPES
from pophealth_link.places.parts import with_unit
from pophealth_link.places.units import (
    NO_BEST_FIT,
    REASONS,
    REGISTERED,
    RESIDENT,
    WHOLE,
    lacking,
    unit_rows,
)
from pophealth_link.schema.outputs import BEST_FIT, UNIT_FOOTPRINTS
from pophealth_link.schema.reference import AREAS

# People times share is summed in millionths: sums of integers do not depend on their order.
_PARTS = 1_000_000
_THOUSANDTHS = 1_000
_FIT = ["lsoa_code", "footprint_type", "footprint_code"]
_GROUP = _FIT[:2]


def best_fit(
    patients: Frame,
    practice_footprints: Frame,
    *,
    codes: Frame | None = None,
    parts: Frame | None = None,
) -> pl.DataFrame:
    """Return, for each LSOA and footprint type, the footprint in which most patients register.

    `patients` holds lsoa_code, practice_code and people (registered patients of the practice who
    live in the LSOA; rows may repeat); `practice_footprints` the registered rows of
    UNIT_FOOTPRINTS; `codes` and `parts` (see `Registration`) say which practice took over one that
    ended, and split shared ones by LSOA; all on one engine. Returns BEST_FIT, sorted; ties go to
    the smallest code. Shares are of all patients living in the LSOA, those of unknown practices
    and of practices without a footprint included. An LSOA where nobody is in any footprint of a
    type has no row. Source: best fit by largest share of registered patients, as used for the
    published allocations of LSOAs to PCNs.

    >>> units = pl.DataFrame({"basis": ["registered"], "unit": ["P1"], "footprint_type": ["pcn"],
    ...     "footprint_code": ["U1"], "footprint_name": ["North"], "share": [1.0]})
    >>> lives = pl.DataFrame({"lsoa_code": ["E01000001"], "practice_code": ["P1"], "people": [9]})
    >>> best_fit(lives, units)["footprint_code", "best_share"].row(0)
    ('U1', 1.0)
    """
    # Patients of a split LSOA may be fractions: they are summed in thousandths.
    people = (nw.col("people").cast(nw.Float64) * _THOUSANDTHS).round(0).cast(nw.Int64)
    keys = (nw.col(name).cast(TEXT) for name in ("lsoa_code", "practice_code"))
    lives = lazy(patients).select(*keys, people.alias("people")).filter(nw.col("people") > 0)
    lives = with_unit(lives.filter(~nw.col("lsoa_code").is_null()), codes, parts)
    totals = lives.group_by("lsoa_code").agg(nw.col("people").sum().alias("total"))
    units = _practice_rows(practice_footprints)
    weights = _weights(lives, units)
    best = _largest(weights)
    second = _largest(weights.join(best, on=_FIT, how="anti"))
    second = second.rename({"footprint_code": "runner_up_code", "weight": "second"})
    fitted = best.join(second, on=_GROUP, how="left").join(totals, on="lsoa_code")
    names = units.group_by(*_FIT[1:]).agg(nw.col("footprint_name").min())
    fitted = fitted.join(names, on=_FIT[1:], how="left")
    every = nw.col("total").cast(nw.Float64) * _PARTS
    return collect(
        fitted.select(
            *_FIT,
            "footprint_name",
            (nw.col("weight").cast(nw.Float64) / every).alias("best_share"),
            "runner_up_code",
            (nw.col("second").cast(nw.Float64) / every).alias("runner_up_share"),
        ).select(*BEST_FIT.names)
    ).sort(_FIT)


def _practice_rows(practice_footprints: Frame) -> Plan:
    rows = shaped(practice_footprints, UNIT_FOOTPRINTS, UNIT_FOOTPRINTS.names)
    # Areas have these of their own; only footprints made of practices need a best fit.
    made = ~nw.col("footprint_type").is_in([*AREA_TYPES, WHOLE[0]])
    reason = nw.col("unit").is_in(list(REASONS[REGISTERED]))
    rows = rows.filter((nw.col("basis") == REGISTERED) & made & ~reason)
    lacks = nw.concat_str(nw.lit("no_"), nw.col("footprint_type"))
    return rows.filter(nw.col("footprint_code") != lacks)


def _weights(lives: Plan, units: Plan) -> Plan:
    joined = lives.join(units, left_on="__unit", right_on="unit", how="inner")
    parts = (nw.col("share") * _PARTS).round(0).cast(nw.Int64)
    weighed = joined.with_columns((nw.col("people") * parts).alias("weight"))
    # DuckDB sums 64-bit integers into 128 bits, which not every engine can read back.
    return weighed.group_by(*_FIT).agg(nw.col("weight").sum().cast(nw.Int64))


def _largest(weights: Plan) -> Plan:
    most = weights.group_by(*_GROUP).agg(nw.col("weight").max().alias("most"))
    tied = weights.join(most, on=_GROUP).filter(nw.col("weight") == nw.col("most"))
    return tied.group_by(*_GROUP).agg(nw.col("footprint_code").min(), nw.col("weight").min())


def area_footprints(
    areas: Frame,
    best_fit: Frame,
    local_authorities: Sequence[str] | None = None,
    *,
    footprint_types: Sequence[str] | None = None,
    named: pl.DataFrame | None = None,
    levels: Sequence[str] = (),
) -> pl.DataFrame:
    """Return the UNIT_FOOTPRINTS rows of the resident basis: one LSOA, all its footprints.

    Units are the LSOAs of `areas`, only those of `local_authorities` (LAD codes) if given; who
    lives in another is `outside_area`. Types: `lad`, each of `levels` (columns of `areas`, such as
    ward) and `icb` where `areas` knows it; `whole`; types of `named` (lsoa_code, footprint and
    share: what `Registration.areas` holds); and the footprints of practices by best fit, share 1
    (`footprint_types` names them, see `Registration.fitted`; otherwise they are the types of
    `best_fit` that `named` does not hold). Where both make a type, an LSOA that `named` holds has
    no best fit. An LSOA without a best fit gets `no_best_fit`, one that a type of `named` alone
    leaves out `no_<type>`. The reasons map to themselves. All frames must be on one engine,
    `named` on Polars.
    """
    kinds = (*AREA_TYPES, *levels)
    columns = ("lsoa_code", *(f"{kind}_{part}" for kind in kinds for part in ("code", "name")))
    held = shaped(areas, AREAS, columns).filter(~nw.col("lsoa_code").is_null())
    require_unique(held, "lsoa_code", AREAS.name)
    if local_authorities is not None:
        held = held.filter(nw.col("lad_code").is_in(list(local_authorities)))
    fits = lazy(best_fit).join(held.select("lsoa_code"), on="lsoa_code", how="semi")
    units = collect(held.select("lsoa_code"))["lsoa_code"]
    own = _named_rows(named, units)
    types = own["footprint_type"].unique().sort().to_list()
    if footprint_types is None:
        found = collect(lazy(best_fit).select("footprint_type").unique())["footprint_type"].sort()
        footprint_types = [kind for kind in found if kind not in types]
    fits = fits.filter(nw.col("footprint_type").is_in(list(footprint_types)))
    fits = fits.filter(~nw.col("footprint_type").is_in(list(kinds)))
    fitted = collect(_area_rows(fits)).join(own, on=["unit", "footprint_type"], how="anti")
    owned = collect(nw.concat([_own_rows(held, kind) for kind in kinds]))
    known = pl.concat([pl.concat([fitted, owned]).with_columns(share=pl.lit(1.0)), own])
    otherwise = {kind: lacking(kind) for kind in types}
    otherwise |= dict.fromkeys(footprint_types, (NO_BEST_FIT, "No best fit"))
    otherwise |= {kind: lacking(kind) for kind in ("lad", *levels, *_known_icb(known))}
    return unit_rows(known, RESIDENT, units, otherwise | {WHOLE[0]: WHOLE})


def _named_rows(named: pl.DataFrame | None, units: pl.Series) -> pl.DataFrame:
    columns = ["unit", *_FIT[1:], "footprint_name", "share"]
    if named is None:
        schema = dict.fromkeys(columns, pl.String) | {"share": pl.Float64}
        return pl.DataFrame(schema=schema)
    rows = named.rename({"lsoa_code": "unit"}).filter(pl.col("unit").is_in(units.implode()))
    return rows.select(columns)


def _known_icb(known: pl.DataFrame) -> tuple[str, ...]:
    return () if known.filter(footprint_type="icb").is_empty() else ("icb",)


def _area_rows(fits: Plan) -> Plan:
    code = nw.col("lsoa_code").alias("unit")
    named = (nw.col(name).cast(TEXT) for name in (*_FIT[1:], "footprint_name"))
    return fits.select(code, *named)


def _own_rows(held: Plan, kind: str) -> Plan:
    found = held.filter(~nw.col(f"{kind}_code").is_null())
    return found.select(
        nw.col("lsoa_code").alias("unit"),
        nw.lit(kind).alias("footprint_type"),
        nw.col(f"{kind}_code").alias("footprint_code"),
        nw.col(f"{kind}_name").alias("footprint_name"),
    )
