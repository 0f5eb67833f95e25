"""Named footprints on a day: what each practice, each part of a shared one, and each area is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.dated import current
from pophealth_link.places.frames import listed, shaped
from pophealth_link.places.units import is_reason
from pophealth_link.schema.reference import FOOTPRINTS

# Footprints that other tables make; a named one cannot take their names.
RESERVED_TYPES = ("pcn", "lad", "icb", "whole")
_MEMBERS = ("practice_code", "pcn_code")
_PLACES = ("site_code", "lsoa_code", "lad_code")
_FOOTPRINT = ("footprint_type", "footprint_code", "footprint_name")
_OWNED = ["practice_code", "footprint_type"]
_RULED = [*_OWNED, "site_code", "lsoa_code"]
_SHARE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Named:
    """The named footprints that hold on a day.

    `practices`: practice_code, footprint and share. `rules`: practice_code, site_code or lsoa_code,
    and the footprint of the practice's patients there. `areas`: lsoa_code, footprint and share.
    """

    practices: pl.DataFrame = field(repr=False)
    rules: pl.DataFrame = field(repr=False)
    areas: pl.DataFrame = field(repr=False)

    @property
    def types(self) -> list[str]:
        """The footprint types, sorted."""
        every = (frame["footprint_type"] for frame in (self.practices, self.rules, self.areas))
        return pl.concat(every).unique().sort().to_list()

    @property
    def of_practices(self) -> list[str]:
        """The footprint types that name practices or PCNs, sorted."""
        every = (frame["footprint_type"] for frame in (self.practices, self.rules))
        return pl.concat(every).unique().sort().to_list()


def named_footprints(
    footprints: Frame | None,
    members: pl.DataFrame,
    areas: pl.DataFrame,
    as_of: date,
    successors: pl.DataFrame | None = None,
) -> Named:
    """Return what the table FOOTPRINTS says on the day.

    `members`: practice_code and pcn_code on the day; `areas`: lsoa_code and lad_code;
    `successors`: code and practice_code, of practices that ended. A row of a practice as a whole
    overrides, in its type, those of the practices that it took over and of its PCN; a row of some
    of its patients (a site, an area) overrides theirs of the same patients alone. A row of an LSOA
    overrides that of its local authority; an empty share is 1. A practice in several footprints of
    a type that is also made of areas is split by where its patients live: those in an area of one
    of its footprints belong to that one. Raises `ReferenceDataError` where a type or a code is one
    that is taken, a row names nobody or takes a share of a site or area, or two rows put the same
    people in different footprints.
    """
    table = _held(footprints, as_of)
    _require_named(table)
    patients = pl.any_horizontal(pl.col(name).is_not_null() for name in _MEMBERS)
    layers = _layers(table.filter(patients), members, successors)
    whole, rules = _overriding(layers, areas)
    residents = _by_lsoa(table.filter(~patients), areas, []).drop("practice_code", "site_code")
    rules = pl.concat([rules.drop("share"), _implied(whole, rules, residents)])
    rules = rules.unique().sort(pl.all())
    _require_one(rules, as_of)
    residents = residents.sort(pl.all())
    _require_whole(residents, "lsoa_code", as_of)
    return Named(whole, rules, residents)


def _held(footprints: Frame | None, as_of: date) -> pl.DataFrame:
    # The type is optional in the declaration because a job's own file takes it from its key.
    if footprints is None:
        return FOOTPRINTS.empty()
    table = current(shaped(footprints, FOOTPRINTS, FOOTPRINTS.names), as_of)
    return collect(lazy(table)).with_columns(pl.col("share").fill_null(1.0))


def _require_named(table: pl.DataFrame) -> None:
    kinds = table["footprint_type"].unique()
    taken = sorted(kinds.filter(kinds.is_in(RESERVED_TYPES)))
    if taken:
        raise ReferenceDataError(
            f"`footprints` uses the name of a footprint that is built in: {listed(taken)}.",
            fix="give the footprint type another name, such as icp, place or neighbourhood",
        )
    _require_codes(table)
    _require_filled(table)


def _require_codes(table: pl.DataFrame) -> None:
    reasons = table.filter(is_reason())["footprint_code"].unique().sort().to_list()
    if reasons:
        raise ReferenceDataError(
            "`footprints` uses codes that mean why people are in no footprint.",
            f"Codes: {len(reasons):,} ({listed(reasons)}).",
            fix="give the footprints other codes, or leave out the rows of those in none",
        )


def _require_filled(table: pl.DataFrame) -> None:
    blank = pl.any_horizontal(pl.col(name).is_null() for name in _FOOTPRINT[:2])
    nobody = pl.all_horizontal(pl.col(name).is_null() for name in ("lsoa_code", "lad_code"))
    nobody &= pl.all_horizontal(pl.col(name).is_null() for name in _MEMBERS)
    broken = table.filter(blank | nobody).height
    if broken:
        raise ReferenceDataError(
            "`footprints` has rows without a type, a code, or a practice, PCN or area.",
            f"Rows: {broken:,}.",
            fix="fill footprint_type, footprint_code and one of practice_code, pcn_code, "
            "lsoa_code, lad_code",
        )
    shared = table.filter(shares_part()).height
    if shared:
        raise ReferenceDataError(
            "`footprints` has rows that name some patients of a practice or PCN, and a share.",
            f"Rows: {shared:,}.",
            fix="leave the share of rows with a site or an area empty; a row without either may "
            "share out the others",
        )


def shares_part() -> pl.Expr:
    """Return the expression that is true for a row of FOOTPRINTS whose share would mean nothing.

    Patients of a practice at a site or in an area are in one footprint: they are not shared out.
    """
    member = pl.any_horizontal(pl.col(name).is_not_null() for name in _MEMBERS)
    placed = pl.any_horizontal(pl.col(name).is_not_null() for name in _PLACES)
    return (member & placed & (pl.col("share") != 1)).fill_null(value=False)


def _layers(
    table: pl.DataFrame, members: pl.DataFrame, successors: pl.DataFrame | None
) -> list[pl.DataFrame]:
    """Return the rows by practice: those that name it, its former practices, its PCN."""
    names = ["practice_code", *_PLACES, *_FOOTPRINT, "share"]
    own = table.filter(pl.col("practice_code").is_not_null()).select(names)
    shared = table.filter(pl.col("practice_code").is_null()).drop("practice_code")
    of_pcn = shared.join(members.select(_MEMBERS).unique(), on="pcn_code").select(names)
    if successors is None:
        return [own, of_pcn]
    ends = successors.drop_nulls().select(practice_code="code", __now="practice_code")
    moved = own.join(ends, on="practice_code").with_columns(practice_code="__now")
    own = own.join(ends, on="practice_code", how="anti")
    return [own, moved.select(names).unique().sort(names), of_pcn]


def _overriding(
    layers: list[pl.DataFrame], areas: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of whole practices and of some of their patients, earlier layers first."""
    placed = pl.any_horizontal(pl.col(name).is_not_null() for name in _PLACES)
    whole = layers[0].clear().select("practice_code", *_FOOTPRINT, "share")
    rules = _by_lsoa(layers[0].clear(), areas, ["practice_code"])
    for layer in layers:
        rest = layer.join(whole, on=_OWNED, how="anti")
        ruled = _by_lsoa(rest.filter(placed), areas, ["practice_code"])
        ruled = ruled.join(rules, on=_RULED, how="anti", nulls_equal=True)
        whole = pl.concat([whole, rest.filter(~placed).select(whole.columns)])
        rules = pl.concat([rules, ruled])
    return whole, rules


def _by_lsoa(table: pl.DataFrame, areas: pl.DataFrame, owner: list[str]) -> pl.DataFrame:
    """Return the rows with the LSOAs of a local authority in its place."""
    key = [*owner, "footprint_type", "lsoa_code"]
    sites = table.filter(pl.col("site_code").is_not_null())
    rest = table.filter(pl.col("site_code").is_null())
    small = rest.filter(pl.col("lsoa_code").is_not_null())
    large = rest.filter(pl.col("lsoa_code").is_null()).drop("lsoa_code")
    lsoas = areas.select("lsoa_code", "lad_code").drop_nulls()
    large = large.join(lsoas, on="lad_code").join(small, on=key, how="anti")
    names = ["practice_code", "site_code", "lsoa_code", *_FOOTPRINT, "share"]
    sites = sites.with_columns(lsoa_code=pl.lit(None, pl.String))
    return pl.concat([frame.select(names) for frame in (sites, small, large)])


def _implied(whole: pl.DataFrame, rules: pl.DataFrame, residents: pl.DataFrame) -> pl.DataFrame:
    """Return rules for shared practices of which nothing is said but where footprints lie."""
    shared = whole.filter(pl.len().over("practice_code", "footprint_type") > 1)
    shared = shared.join(rules, on=["practice_code", "footprint_type"], how="anti")
    there = residents.filter(pl.col("share") >= 1).select(*_FOOTPRINT[:2], "lsoa_code")
    found = shared.join(there, on=_FOOTPRINT[:2])
    return found.with_columns(site_code=pl.lit(None, pl.String)).select(rules.drop("share").columns)


def _require_one(rules: pl.DataFrame, as_of: date) -> None:
    key = ["practice_code", "footprint_type", "site_code", "lsoa_code"]
    twice = rules.filter(pl.col("footprint_code").n_unique().over(key) > 1)
    units = twice["practice_code"].unique().sort().to_list()
    if units:
        raise ReferenceDataError(
            f"`footprints` puts the same patients of a practice in two footprints on {as_of}.",
            f"Practices: {len(units):,} ({listed(units)}).",
            fix="name each site or area of a practice once in a type; rows of sites and areas "
            "take no share",
        )


def _require_whole(rows: pl.DataFrame, unit: str, as_of: date) -> None:
    """Raise `ReferenceDataError` where a unit's shares in a type do not sum to 1."""
    total, low = pl.col("share").sum(), pl.col("share").min()
    sums = rows.group_by(unit, "footprint_type").agg(total.alias("total"), low.alias("low"))
    # A share that is not a number fails neither comparison unless the test is turned round.
    whole = ((pl.col("total") - 1).abs() <= _SHARE_TOLERANCE) & (pl.col("low") > 0)
    wrong = sums.filter(~whole | pl.col("total").is_nan())
    if wrong.is_empty():
        return
    what = "LSOAs" if unit == "lsoa_code" else "practices"
    raise ReferenceDataError(
        f"`footprints` has shares that do not sum to 1 on {as_of}, or spells that overlap.",
        *(
            f"{kind}  {what}: {len(units):,} ({listed(units)})."
            for kind, units in (
                wrong.sort("footprint_type", unit)
                .group_by("footprint_type", maintain_order=True)
                .agg(unit)
                .iter_rows()
            )
        ),
        fix=f"make the shares of each of the {what} sum to 1, and end the spells that no longer "
        "hold",
    )


def require_whole_practices(rows: pl.DataFrame, as_of: date) -> None:
    """Raise `ReferenceDataError` where a practice's shares in a type do not sum to 1."""
    _require_whole(rows, "unit", as_of)
