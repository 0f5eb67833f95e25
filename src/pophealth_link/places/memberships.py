"""Dated memberships of practices, and the footprints that they add up to."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.frames import NULL_TEXT, Plan, listed, require_unique, same_kind, shaped
from pophealth_link.places.units import REGISTERED, WHOLE, lacking, unit_rows
from pophealth_link.schema.reference import (
    AREAS,
    FOOTPRINTS,
    POSTCODES,
    PRACTICE_PCN,
    PRACTICES,
)

# NHS Data Model and Dictionary, default codes: no practice, not applicable; not known.
NO_PRACTICE = ("V81997", "V81998")
UNKNOWN_PRACTICE = ("V81999",)
RESERVED_TYPES = ("pcn", "lad", "icb", "whole")
_SHARE_TOLERANCE = 1e-6
_COLUMNS = ("unit", "footprint_type", "footprint_code", "footprint_name", "share")


def current(spells: Frame, as_of: date) -> Frame:
    """Return the spells that hold on the day: valid_from ≤ as_of ≤ valid_to.

    An empty or absent `valid_from` or `valid_to` is open; both days are inclusive. The answer is
    of the same kind as `spells`.

    >>> spells = pl.DataFrame({"valid_from": [date(2020, 1, 1)], "valid_to": [date(2026, 3, 31)]})
    >>> current(spells, date(2026, 3, 31)).height, current(spells, date(2026, 4, 1)).height
    (1, 0)
    """
    plan = lazy(spells)
    names = plan.collect_schema().names()
    if "valid_from" in names:
        plan = plan.filter(nw.col("valid_from").is_null() | (nw.col("valid_from") <= as_of))
    if "valid_to" in names:
        plan = plan.filter(nw.col("valid_to").is_null() | (nw.col("valid_to") >= as_of))
    return same_kind(plan, spells)


def practice_footprints(
    practices: Frame,
    practice_pcn: Frame,
    footprints: Frame | None,
    areas: Frame,
    postcodes: Frame,
    as_of: date,
) -> pl.DataFrame:
    """Return the UNIT_FOOTPRINTS rows of the registered basis: one practice, all its footprints.

    Units are the practices of `practices` and of the current spells of `practice_pcn` (the default
    codes V81997 to V81999 left out). Types: `pcn`; each type of `footprints` (a row that names a
    practice overrides those that name its PCN; an empty share is 1); `lad` and, where `areas`
    knows it, `icb` of the LSOA of the practice's own postcode; `whole`. A practice without one
    gets `no_<type>`, and the reasons `not_registered` and `unknown_practice` map to themselves.
    All frames must be on one engine; postcodes standardised.

    Raises `ReferenceDataError` where on the day a practice is in two PCNs, its shares in a type do
    not sum to 1, or a footprint type has a name that is taken.
    """
    practices = shaped(practices, PRACTICES, ("practice_code", "postcode"))
    require_unique(practices, "practice_code", PRACTICES.name)
    member = _members(practice_pcn, as_of)
    units = _units(practices, member)
    located = _surgery_areas(practices, areas, postcodes)
    plans = [_pcn_rows(member), *(_area_rows(located, kind) for kind in ("lad", "icb"))]
    if footprints is not None:
        plans.append(_named_rows(footprints, member, as_of))
    known = collect(nw.concat(plans).join(units, on="unit", how="semi")).sort(_COLUMNS)
    _require_one_pcn(known, as_of)
    _require_whole_shares(known, as_of)
    types = ["pcn", "lad", *known["footprint_type"].unique().sort()]
    otherwise = {kind: lacking(kind) for kind in types} | {WHOLE[0]: WHOLE}
    return unit_rows(known, REGISTERED, collect(units)["unit"], otherwise)


def _members(practice_pcn: Frame, as_of: date) -> Plan:
    spells = shaped(practice_pcn, PRACTICE_PCN, PRACTICE_PCN.names)
    held: Plan = current(spells, as_of)
    return held.filter(~nw.col("practice_code").is_null() & ~nw.col("pcn_code").is_null())


def _units(practices: Plan, member: Plan) -> Plan:
    code = nw.col("practice_code").alias("unit")
    every = nw.concat([practices.select(code), member.select(code)]).unique()
    default = nw.col("unit").is_in([*NO_PRACTICE, *UNKNOWN_PRACTICE])
    return every.filter(~nw.col("unit").is_null() & ~default)


def _rows(plan: Plan, kind: nw.Expr, code: str, name: str, share: nw.Expr) -> Plan:
    return plan.select(
        nw.col("practice_code").alias("unit"),
        kind.alias("footprint_type"),
        nw.col(code).alias("footprint_code"),
        nw.col(name).alias("footprint_name"),
        share.cast(nw.Float64).alias("share"),
    )


def _pcn_rows(member: Plan) -> Plan:
    return _rows(member, nw.lit("pcn"), "pcn_code", "pcn_name", nw.lit(1.0))


def _surgery_areas(practices: Plan, areas: Frame, postcodes: Frame) -> Plan:
    places = shaped(postcodes, POSTCODES, ("postcode", "lsoa_code"))
    names = ("lsoa_code", "lad_code", "lad_name", "icb_code", "icb_name")
    held = shaped(areas, AREAS, names)
    require_unique(held, "lsoa_code", AREAS.name)
    # Only the surgeries' own postcodes are joined on: the reference holds 1.5 million.
    places = places.join(practices.select("postcode").unique(), on="postcode", how="semi")
    require_unique(places, "postcode", POSTCODES.name)
    return practices.join(places, on="postcode", how="inner").join(held, on="lsoa_code")


def _area_rows(located: Plan, kind: str) -> Plan:
    code, name = f"{kind}_code", f"{kind}_name"
    found = located.filter(~nw.col(code).is_null())
    return _rows(found, nw.lit(kind), code, name, nw.lit(1.0))


def _named_rows(footprints: Frame, member: Plan, as_of: date) -> Plan:
    # The type is optional in the declaration because a job's own file takes it from its key.
    table: Plan = current(shaped(footprints, FOOTPRINTS, FOOTPRINTS.names), as_of)
    _require_named(table)
    own = table.filter(~nw.col("practice_code").is_null()).drop("pcn_code")
    shared = table.filter(nw.col("practice_code").is_null()).drop("practice_code")
    pairs = member.select("practice_code", "pcn_code").unique()
    shared = shared.join(pairs, on="pcn_code", how="inner")
    shared = shared.join(own, on=["practice_code", "footprint_type"], how="anti")
    columns = own.collect_schema().names()
    rows = nw.concat([own.select(*columns), shared.select(*columns)])
    share = nw.when(nw.col("share").is_null()).then(nw.lit(1.0)).otherwise(nw.col("share"))
    kind = nw.col("footprint_type")
    return _rows(rows, kind, "footprint_code", "footprint_name", share)


def _require_named(table: Plan) -> None:
    kinds = collect(table.select("footprint_type").unique())["footprint_type"]
    taken = sorted(kinds.filter(kinds.is_in(RESERVED_TYPES)))
    if taken:
        raise ReferenceDataError(
            f"`footprints` uses the name of a footprint that is built in: {listed(taken)}.",
            fix="give the footprint type another name, such as icp, place or neighbourhood",
        )
    blank = nw.col("footprint_type").is_null() | nw.col("footprint_code").is_null()
    nobody = nw.coalesce("practice_code", "pcn_code", NULL_TEXT).is_null()
    broken = collect(table.filter(blank | nobody).select(nw.len().alias("rows"))).item()
    if broken:
        raise ReferenceDataError(
            "`footprints` has rows without a type, a code, or a practice or PCN.",
            f"Rows: {broken:,}.",
            fix="fill footprint_type, footprint_code and one of practice_code, pcn_code",
        )


def _require_one_pcn(known: pl.DataFrame, as_of: date) -> None:
    spells = known.filter(footprint_type="pcn").group_by("unit").len()
    units = spells.filter(pl.col("len") > 1)["unit"].sort().to_list()
    if units:
        raise ReferenceDataError(
            f"`practice_pcn` has practices in more than one PCN on {as_of}: overlapping spells.",
            f"Practices: {len(units):,} ({listed(units)}).",
            fix="give the spell that no longer holds its valid_to",
        )


def _require_whole_shares(known: pl.DataFrame, as_of: date) -> None:
    total = pl.col("share").sum()
    low = pl.col("share").min()
    sums = known.group_by("unit", "footprint_type").agg(total.alias("total"), low.alias("low"))
    # A share that is not a number fails neither comparison unless the test is turned round.
    whole = ((pl.col("total") - 1).abs() <= _SHARE_TOLERANCE) & (pl.col("low") > 0)
    wrong = sums.filter(~whole | pl.col("total").is_nan())
    if wrong.is_empty():
        return
    raise ReferenceDataError(
        f"`footprints` has shares that do not sum to 1 on {as_of}, or spells that overlap.",
        *(
            f"{kind}  practices: {len(units):,} ({listed(units)})."
            for kind, units in (
                wrong.sort("footprint_type", "unit")
                .group_by("footprint_type", maintain_order=True)
                .agg("unit")
                .iter_rows()
            )
        ),
        fix="make the shares of each practice sum to 1, and end the spells that no longer hold",
    )
