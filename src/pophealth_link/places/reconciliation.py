"""Registered beside resident: who is in which, who is in neither, and why."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import DataError
from pophealth_link.places.frames import Plan
from pophealth_link.places.units import REGISTERED, RESIDENT, is_reason
from pophealth_link.schema.outputs import RECONCILIATION, UNASSIGNED

_OUTSIDE, _NOT_REGISTERED = "outside_area", "not_registered"


def reconciliation(people: Frame, unit_footprints: pl.DataFrame) -> pl.DataFrame:
    """Return RECONCILIATION: each footprint's registered people beside its resident ones.

    `people`: what `place` returns with both bases; only those `current` count. One row per
    footprint of a type that is on both bases, sorted:

    * registered = here + living_elsewhere + living_outside_area + living_unplaced;
    * resident = here + registered_elsewhere + registered_nowhere + registration_unknown;

    where `here` are registered and living in the footprint, elsewhere is in another footprint of
    the type (or in none of them, though the LSOA or the practice is known), unplaced has no LSOA,
    and nowhere is on no list. Counts of people: not for release. Raises `DataError` where `people`
    lacks a basis.
    """
    kinds = _types(people, unit_footprints)
    found = [_of_type(_flows(people, kind), kind) for kind in kinds]
    counted = pl.concat([RECONCILIATION.empty().drop("footprint_name"), *found])
    names = unit_footprints.group_by("footprint_type", "footprint_code").agg(
        pl.col("footprint_name").min()
    )
    named = counted.join(names, on=["footprint_type", "footprint_code"], how="left")
    return named.select(RECONCILIATION.names).sort("footprint_type", "footprint_code")


def unassigned(people: Frame, unit_footprints: pl.DataFrame) -> pl.DataFrame:
    """Return UNASSIGNED: the current people in no footprint, by basis, type and reason, sorted.

    The row `assigned` of each basis and type counts the others, so that the rows of a basis and
    type sum to the people. Counts of people: not for release.
    """
    pairs = unit_footprints.select("basis", "footprint_type").unique().sort(pl.all())
    found = [_reasons(people, basis, kind) for basis, kind in pairs.rows()]
    return pl.concat([UNASSIGNED.empty(), *found]).sort("basis", "footprint_type", "reason")


def _types(people: Frame, unit_footprints: pl.DataFrame) -> list[str]:
    both = unit_footprints.select("basis", "footprint_type").unique()
    twice = both.group_by("footprint_type").len().filter(pl.col("len") > 1)
    kinds = twice["footprint_type"].sort().to_list()
    held = lazy(people).collect_schema().names()
    wanted = ["current", *(f"{b}_{kind}" for kind in kinds for b in (REGISTERED, RESIDENT))]
    absent = [name for name in wanted if name not in held]
    if absent:
        raise DataError(
            "The people to reconcile are not placed on both bases.",
            *(f"{name}  absent." for name in absent),
            fix="place them with the rows of both bases of unit_footprints",
        )
    return kinds


def _current(people: Frame) -> Plan:
    return lazy(people).filter(nw.col("current").fill_null(value=False))


def _reasons(people: Frame, basis: str, kind: str) -> pl.DataFrame:
    code = nw.col(f"{basis}_{kind}").alias("reason")
    counts = collect(_current(people).select(code).group_by("reason").agg(nw.len().alias("people")))
    typed = counts.with_columns(basis=pl.lit(basis), footprint_type=pl.lit(kind))
    reason = pl.when(is_reason("reason")).then("reason").otherwise(pl.lit("assigned"))
    summed = typed.with_columns(reason.alias("reason")).group_by("reason", "basis").agg(
        pl.col("people").sum().cast(pl.Int64), pl.col("footprint_type").first()
    )  # fmt: skip
    return summed.select(UNASSIGNED.names)


def _flows(people: Frame, kind: str) -> pl.DataFrame:
    """Return lives, works_from and people: the code or reason on each basis."""
    names = {f"{REGISTERED}_{kind}": REGISTERED, f"{RESIDENT}_{kind}": RESIDENT}
    plan = _current(people).select(*(nw.col(old).alias(new) for old, new in names.items()))
    counts = collect(plan.group_by(REGISTERED, RESIDENT).agg(nw.len().alias("people")))
    return counts.with_columns(
        pl.col("people").cast(pl.Int64), pl.lit(kind).alias("footprint_type")
    )


def _of_type(flows: pl.DataFrame, kind: str) -> pl.DataFrame:
    reason = {basis: is_reason(basis) for basis in (REGISTERED, RESIDENT)}
    place = pl.col(RESIDENT)
    # A known LSOA that is in no footprint of the type lies elsewhere: nobody is lost to it.
    known_home = ~reason[RESIDENT] | place.is_in(["no_best_fit", f"no_{kind}"])
    known_list = ~reason[REGISTERED] | (pl.col(REGISTERED) == f"no_{kind}")
    here = place == pl.col(REGISTERED)
    listed = flows.filter(~reason[REGISTERED]).group_by(pl.col(REGISTERED).alias("code")).agg(
        _people(pl.lit(value=True), "registered"),
        _people(here, "here"),
        _people(known_home & ~here, "living_elsewhere"),
        _people(place == _OUTSIDE, "living_outside_area"),
        _people(~known_home & (place != _OUTSIDE), "living_unplaced"),
    )  # fmt: skip
    nowhere = pl.col(REGISTERED) == _NOT_REGISTERED
    living = flows.filter(~reason[RESIDENT]).group_by(place.alias("code")).agg(
        _people(pl.lit(value=True), "resident"),
        _people(known_list & ~here, "registered_elsewhere"),
        _people(nowhere, "registered_nowhere"),
        _people(~known_list & ~nowhere, "registration_unknown"),
    )  # fmt: skip
    both = listed.join(living, on="code", how="full", coalesce=True)
    return both.select(
        pl.lit(kind).alias("footprint_type"),
        pl.col("code").alias("footprint_code"),
        *(pl.col(name).fill_null(0) for name in RECONCILIATION.names[3:]),
    )


def _people(where: pl.Expr, name: str) -> pl.Expr:
    return pl.col("people").filter(where).sum().alias(name)
