"""Practices on a day: their footprints, successors, and the parts of those that are shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.dated import current
from pophealth_link.places.frames import listed, require_unique, shaped
from pophealth_link.places.named import Named, named_footprints, require_whole_practices
from pophealth_link.places.parts import part_footprints, practice_parts
from pophealth_link.places.postcodes import postcodes_on
from pophealth_link.places.succession import practice_successors
from pophealth_link.places.units import REGISTERED, WHOLE, lacking, unit_rows
from pophealth_link.schema.reference import AREAS, POSTCODES, PRACTICE_PCN, PRACTICES

# NHS Data Model and Dictionary, default codes: no practice, not applicable; not known.
NO_PRACTICE = ("V81997", "V81998")
UNKNOWN_PRACTICE = ("V81999",)
AREA_TYPES = ("lad", "icb")
_CODES = {"code": pl.String, "practice_code": pl.String}
_COLUMNS = ("unit", "footprint_type", "footprint_code", "footprint_name", "share")


@dataclass(frozen=True, slots=True)
class Registration:
    """How a practice of registration becomes footprints on the day.

    `units`: UNIT_FOOTPRINTS rows of the registered basis. `codes`: code and practice_code, for
    practices that had ended by the day: the one in their place, missing where there is none.
    `parts`: PARTS, of shared practices that are split person by person. `areas`: lsoa_code and the
    named footprints that areas make. `fitted`: the footprint types that practices make, for which
    an LSOA that is not named needs a best fit; sorted.
    """

    units: pl.DataFrame = field(repr=False)
    codes: pl.DataFrame = field(repr=False)
    parts: pl.DataFrame = field(repr=False)
    areas: pl.DataFrame = field(repr=False)
    fitted: tuple[str, ...] = ()


def practice_footprints(
    practices: Frame,
    practice_pcn: Frame,
    footprints: Frame | None,
    areas: Frame,
    postcodes: Frame,
    as_of: date,
) -> pl.DataFrame:
    """Return the UNIT_FOOTPRINTS rows of the registered basis; see `registration`."""
    return registration(practices, practice_pcn, footprints, areas, postcodes, as_of).units


def registration(
    practices: Frame,
    practice_pcn: Frame,
    footprints: Frame | None,
    areas: Frame,
    postcodes: Frame,
    as_of: date,
    *,
    successors: Frame | None = None,
    levels: Sequence[str] = (),
) -> Registration:
    """Return what each practice is in on the day: one practice or part of it, all its footprints.

    Units are the practices of `practices` open on the day and those of the current spells of
    `practice_pcn` (the default codes V81997 to V81999 left out), and the parts of shared practices
    (see `parts.practice_parts`). Types: `pcn`; each type of `footprints` (see
    `named.named_footprints`); `lad`, each of `levels` (columns of `areas`, such as ward) and, where
    `areas` knows it, `icb`, all of the LSOA of the practice's own postcode, as are types that only
    areas make; `whole`. A practice without one gets `no_<type>`; reasons map to themselves.

    `successors` (PRACTICE_SUCCESSORS) are followed for practices that are not open on the day, in
    `footprints` too. All frames must be on one engine; postcodes standardised; of a postcode that
    has had several places the one on the day counts. Raises `ReferenceDataError` where on the
    day a practice is in two PCNs, shares in a type do not sum to 1, the same people are in two
    footprints, a type or code is one that is taken, or successors go round in a circle.
    """
    kinds = (*AREA_TYPES, *levels)
    held = shaped(areas, AREAS, ("lsoa_code", *(f"{k}_{n}" for k in kinds for n in _PAIR)))
    require_unique(held, "lsoa_code", AREAS.name)
    known = collect(shaped(practices, PRACTICES, _OF_PRACTICE))
    require_unique(lazy(known), "practice_code", PRACTICES.name)
    standing = _open(known, as_of)
    members = _members(practice_pcn, as_of)
    lsoas = collect(held)
    codes = _ended(known, standing, members, successors, as_of)
    named = named_footprints(footprints, members, lsoas, as_of, codes)
    _require_other_names(named, levels)
    units = _units(standing, members).filter(~pl.col("unit").is_in(codes["code"].implode()))
    located = _surgery_areas(standing, postcodes, as_of).join(lsoas, on="lsoa_code")
    rows = [_pcn_rows(members), *(_area_rows(located, kind) for kind in kinds)]
    rows += [_practice_rows(named), _located_rows(named, located)]
    found = pl.concat(rows).join(units, on="unit", how="semi").sort(_COLUMNS)
    _require_one_pcn(found, as_of)
    require_whole_practices(found, as_of)
    parts = practice_parts(named.rules.join(units, left_on="practice_code", right_on="unit"))
    types = ["pcn", "lad", *levels, *named.types, *found["footprint_type"].unique()]
    otherwise = {kind: lacking(kind) for kind in sorted(set(types))} | {WHOLE[0]: WHOLE}
    split = _with_parts(found, units, named, parts)
    every = pl.concat([units["unit"], split["unit"]]).unique().sort()
    table = unit_rows(split, REGISTERED, every, otherwise)
    return Registration(
        table, codes, parts, named.areas, tuple(sorted(["pcn", *named.of_practices]))
    )


_PAIR = ("code", "name")
_OF_PRACTICE = ("practice_code", "postcode", "open_date", "close_date")


def _open(practices: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the practices that are open on the day; the day on which one closes is its last."""
    opened = pl.col("open_date").is_null() | (pl.col("open_date") <= as_of)
    stands = pl.col("close_date").is_null() | (pl.col("close_date") >= as_of)
    return practices.filter(opened & stands)


def _members(practice_pcn: Frame, as_of: date) -> pl.DataFrame:
    spells = shaped(practice_pcn, PRACTICE_PCN, PRACTICE_PCN.names)
    held = collect(lazy(current(spells, as_of)))
    return held.drop_nulls(["practice_code", "pcn_code"])


def _ended(
    practices: pl.DataFrame,
    standing: pl.DataFrame,
    members: pl.DataFrame,
    successors: Frame | None,
    as_of: date,
) -> pl.DataFrame:
    """Return code and practice_code of the practices that had ended by the day, sorted."""
    closed = practices.filter(pl.col("close_date") < as_of).select(code="practice_code")
    if successors is None:
        return closed.with_columns(practice_code=pl.lit(None, pl.String)).sort("code")
    # One that no list calls closed and that is still in a network has not ended.
    member = members.join(closed, left_on="practice_code", right_on="code", how="anti")
    here = pl.concat([standing["practice_code"], member["practice_code"]])
    ends = practice_successors(successors, as_of, standing=here.unique())
    ends = ends.rename({"successor": "practice_code"})
    # A chain may end in a practice that has closed in its turn.
    shut = pl.col("practice_code").is_in(closed["code"].implode())
    ends = ends.with_columns(pl.when(~shut).then("practice_code").alias("practice_code"))
    rest = closed.join(ends, on="code", how="anti").with_columns(
        practice_code=pl.lit(None, pl.String)
    )
    return pl.concat([ends, rest]).cast(_CODES).sort("code")  # type: ignore[arg-type]


def ended_practices(recorded: Frame, held: Registration) -> list[str]:
    """Return warnings that count the practices of records that had ended, if any.

    `recorded` holds practice_code, in any rows. Told apart are those whose successor is a unit of
    `held`, those with a successor that the reference does not know on the day, and those without
    one; the latter two are named. Organisations are counted, never people. As practices that
    records name they are for whoever runs the job, not for release.
    """
    named = collect(lazy(recorded).select(nw.col("practice_code").alias("code")).unique())
    found = held.codes.join(named, on="code", how="semi").sort("code")
    units = held.units.filter(basis=REGISTERED)["unit"].unique()
    lost, known = pl.col("practice_code").is_null(), pl.col("practice_code").is_in(units.implode())
    followed, unknown = (found.filter(~lost & which)["code"].to_list() for which in (known, ~known))
    closed = found.filter(lost)["code"].to_list()
    told = (
        (followed, "had ended by the day: their people count in the successors"),
        (unknown, "had ended by the day with a successor that the reference does not know then: "
         f"their people count as unknown_practice ({listed(unknown)})"),
        (closed, "had closed by the day without one successor: their people count as "
         f"closed_practice ({listed(closed)})"),
    )  # fmt: skip
    return [
        f"{len(codes):,} {'practice' if len(codes) == 1 else 'practices'} that records name {what}."
        for codes, what in told
        if codes
    ]


def _units(standing: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    every = pl.concat([standing["practice_code"], members["practice_code"]]).drop_nulls()
    default = every.is_in([*NO_PRACTICE, *UNKNOWN_PRACTICE])
    return every.filter(~default).unique().sort().alias("unit").to_frame()


def _surgery_areas(standing: pl.DataFrame, postcodes: Frame, as_of: date) -> pl.DataFrame:
    """Return practice_code and lsoa_code of the practices' own postcodes."""
    # Only the surgeries' own postcodes are read: the reference holds 1.5 million.
    wanted = standing["postcode"].drop_nulls().unique().sort().to_list()
    places = postcodes_on(postcodes, as_of, only=wanted)
    require_unique(places, "postcode", POSTCODES.name)
    return standing.join(collect(places), on="postcode").select("practice_code", "lsoa_code")


def _rows(frame: pl.DataFrame, kind: pl.Expr, code: str, name: str, share: pl.Expr) -> pl.DataFrame:
    return frame.select(
        pl.col("practice_code").alias("unit"),
        kind.alias("footprint_type"),
        pl.col(code).alias("footprint_code"),
        pl.col(name).alias("footprint_name"),
        share.cast(pl.Float64).alias("share"),
    )


def _pcn_rows(members: pl.DataFrame) -> pl.DataFrame:
    return _rows(members, pl.lit("pcn"), "pcn_code", "pcn_name", pl.lit(1.0))


def _area_rows(located: pl.DataFrame, kind: str) -> pl.DataFrame:
    code, name = f"{kind}_code", f"{kind}_name"
    return _rows(located.drop_nulls(code), pl.lit(kind), code, name, pl.lit(1.0))


def _practice_rows(named: Named) -> pl.DataFrame:
    kind, share = pl.col("footprint_type"), pl.col("share")
    return _rows(named.practices, kind, "footprint_code", "footprint_name", share)


def _located_rows(named: Named, located: pl.DataFrame) -> pl.DataFrame:
    """Return where the surgery lies, for types of footprint that no practice is named in."""
    made = pl.concat([named.practices["footprint_type"], named.rules["footprint_type"]])
    only = named.areas.filter(~pl.col("footprint_type").is_in(made.implode()))
    here = located.select("practice_code", "lsoa_code").join(only, on="lsoa_code")
    kind, share = pl.col("footprint_type"), pl.col("share")
    return _rows(here, kind, "footprint_code", "footprint_name", share)


def _with_parts(
    found: pl.DataFrame, units: pl.DataFrame, named: Named, parts: pl.DataFrame
) -> pl.DataFrame:
    """Add the rows of each part: what rules give it, and for the rest what its practice has."""
    if parts.is_empty():
        return found
    rules = named.rules.join(units, left_on="practice_code", right_on="unit", how="semi")
    given = part_footprints(rules, parts).with_columns(share=pl.lit(1.0))
    split = parts.filter(pl.col("unit") != pl.col("practice_code"))
    owners = split.select("unit", "practice_code").unique()
    inherited = owners.join(found.rename({"unit": "practice_code"}), on="practice_code")
    inherited = inherited.join(given, on=["unit", "footprint_type"], how="anti")
    return pl.concat([found, *(rows.select(_COLUMNS) for rows in (given, inherited))])


def _require_other_names(named: Named, levels: Sequence[str]) -> None:
    taken = sorted(set(named.types) & set(levels))
    if taken:
        raise ReferenceDataError(
            f"`footprints` uses the name of a level of areas that is asked for: {listed(taken)}.",
            fix="give the footprint type another name, or leave the level out",
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
