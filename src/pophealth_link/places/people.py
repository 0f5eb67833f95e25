"""People placed: one unit per basis, their footprints, national quintile and settings."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import NULL_TEXT, TEXT, Plan, require_unique, same_kind, shaped
from pophealth_link.places.memberships import NO_PRACTICE, UNKNOWN_PRACTICE
from pophealth_link.places.parts import with_unit
from pophealth_link.places.units import REASONS, REGISTERED, RESIDENT
from pophealth_link.schema.outputs import PERSON_FACTS, UNIT_FOOTPRINTS
from pophealth_link.schema.reference import AREAS, DEPRIVATION


def place(
    person_facts: Frame,
    unit_footprints: Frame,
    areas: Frame,
    deprivation: Frame,
    settings: Frame | None = None,
    *,
    codes: Frame | None = None,
    parts: Frame | None = None,
) -> Frame:
    """Place every person in exactly one unit per basis, and add quintile and settings.

    Returns PEOPLE_PLACED sorted by person_id, of the same kind as `person_facts`, with further
    columns `msoa_code` and, for each type of `unit_footprints` (both bases), `registered_<type>`
    and `resident_<type>`: the code of the footprint (the one with the largest share where a
    practice is shared, the smallest code where shares are equal) or the reason.

    `registered_unit`: the practice, or of a shared one the part that the person's branch surgery or
    LSOA is in (`parts`), if `unit_footprints` knows it, else `unknown_practice`; of a practice that
    ended the one in its place (`codes`), else `closed_practice` (see `Registration` for both);
    without a practice `unknown_practice` for people on the register, else `not_registered`.
    `resident_unit`: the LSOA, if `unit_footprints` knows it, else `outside_area`; without an LSOA
    the reason in `unplaced`. Where `unit_footprints` has no rows of a basis, the basis was not
    asked for and its unit is missing. `quintile`: 1 for national IMD deciles 1 and 2, to 5; empty
    where the LSOA has none. `settings` holds person_id and settings (see `linked_settings`). All
    frames must be on one engine. Columns that PERSON_FACTS does not declare are left out. Raises
    `ReferenceDataError` where a reference table holds an LSOA twice.
    """
    units = shaped(unit_footprints, UNIT_FOOTPRINTS, UNIT_FOOTPRINTS.names)
    plan = shaped(person_facts, PERSON_FACTS, PERSON_FACTS.names)
    wide = {basis: _wide(units, basis) for basis in (REGISTERED, RESIDENT)}
    plan = with_unit(plan, codes, parts)
    plan = plan.with_columns(_practice().alias("__registered"), _why_registered().alias("__why"))
    plan = plan.drop("__unit", "__closed")
    plan = _in_unit(plan, wide[REGISTERED], REGISTERED, "unknown_practice")
    plan = plan.with_columns(nw.col("lsoa_code").alias("__resident"), _why_resident("__why"))
    plan = _in_unit(plan, wide[RESIDENT], RESIDENT, "outside_area")
    absent = [basis for basis in wide if not _footprint_columns(wide[basis])]
    plan = plan.with_columns(NULL_TEXT.alias(f"{basis}_unit") for basis in absent)
    plan = _with_settings(_with_area(plan, areas, deprivation), settings)
    footprints = [n for basis in wide for n in _footprint_columns(wide[basis])]
    own = ("registered_unit", "resident_unit", "quintile", "settings", "msoa_code")
    return same_kind(
        plan.select(*PERSON_FACTS.names, *own, *footprints).sort("person_id"), person_facts
    )


def _practice() -> nw.Expr:
    default = nw.col("practice_code").is_in([*NO_PRACTICE, *UNKNOWN_PRACTICE])
    return nw.when(default).then(NULL_TEXT).otherwise(nw.col("__unit"))


def _why_registered() -> nw.Expr:
    code = nw.col("practice_code")
    unknown, none = nw.lit("unknown_practice"), nw.lit("not_registered")
    # The register lists the registered: a blank practice there is one that was not told.
    blank = nw.when(nw.col("on_register")).then(unknown).otherwise(none)
    without = nw.when(code.is_in(list(NO_PRACTICE))).then(none).otherwise(unknown)
    given = nw.when(code.is_null()).then(blank).otherwise(without)
    return nw.when(nw.col("__closed") == 1).then(nw.lit("closed_practice")).otherwise(given)


def _why_resident(name: str) -> nw.Expr:
    why = nw.col("unplaced")
    given = nw.when(why.is_in(list(REASONS[RESIDENT]))).then(why)
    told = given.otherwise(nw.lit("unknown_postcode"))
    return nw.when(why.is_null()).then(nw.lit("no_postcode")).otherwise(told).alias(name)


def _footprint_columns(wide: Plan) -> list[str]:
    return [name for name in wide.collect_schema().names() if not name.startswith("__")]


def _in_unit(plan: Plan, wide: Plan, basis: str, unmatched: str) -> Plan:
    """Join the unit's footprints; who matches none is in a reason, which maps to itself."""
    key = f"__{basis}"
    joined = plan.join(wide, left_on=key, right_on="__unit", how="left")
    reason = nw.when(nw.col(key).is_null()).then(nw.col("__why")).otherwise(nw.lit(unmatched))
    known = ~nw.col("__known").is_null()
    names = {key: f"{basis}_unit"} | {name: name for name in _footprint_columns(wide)}
    placed = joined.with_columns(
        *(nw.when(known).then(nw.col(n)).otherwise(reason).alias(new) for n, new in names.items())
    )
    return placed.drop("__known", "__why", key)


def _wide(units: Plan, basis: str) -> Plan:
    """Return one row per unit of the basis: `__unit`, `__known` and a column per type."""
    rows = units.filter((nw.col("basis") == basis) & ~nw.col("unit").is_in(list(REASONS[basis])))
    top = _largest_share(rows)
    kinds = collect(top.select("footprint_type").unique())["footprint_type"].sort().to_list()
    code, kind = nw.col("footprint_code"), nw.col("footprint_type")
    names = {value: f"{basis}_{value}" for value in kinds}
    spread = top.with_columns(
        nw.lit(1).alias("__known"),
        *(nw.when(kind == v).then(code).otherwise(NULL_TEXT).alias(n) for v, n in names.items()),
    )
    columns = ("__known", *names.values())
    wide = spread.group_by("unit").agg(*(nw.col(name).max() for name in columns))
    return wide.rename({"unit": "__unit"})


def _largest_share(rows: Plan) -> Plan:
    keys = ["unit", "footprint_type"]
    most = rows.group_by(*keys).agg(nw.col("share").max().alias("most"))
    tied = rows.join(most, on=keys).filter(nw.col("share") == nw.col("most"))
    return tied.group_by(*keys).agg(nw.col("footprint_code").min())


def _with_area(plan: Plan, areas: Frame, deprivation: Frame) -> Plan:
    held = shaped(areas, AREAS, ("lsoa_code", "msoa_code"))
    require_unique(held, "lsoa_code", AREAS.name)
    ranks = shaped(deprivation, DEPRIVATION, ("lsoa_code", "imd_decile"))
    require_unique(ranks, "lsoa_code", DEPRIVATION.name)
    # Two deciles make a fifth: 1 and 2 are the most deprived.
    quintile = ((nw.col("imd_decile") + 1) // 2).cast(nw.Int64).alias("quintile")
    ranks = ranks.select("lsoa_code", quintile)
    placed = plan.join(held, on="lsoa_code", how="left")
    return placed.join(ranks, on="lsoa_code", how="left")


def _with_settings(plan: Plan, settings: Frame | None) -> Plan:
    if settings is None:
        return plan.with_columns(NULL_TEXT.alias("settings"))
    held = lazy(settings).select(nw.col("person_id").cast(TEXT), nw.col("settings").cast(TEXT))
    require_unique(held, "person_id", "settings")
    return plan.join(held, on="person_id", how="left")


def linked_settings(person_index: Frame, setting_of: Mapping[str, str]) -> Frame:
    """Return person_id and settings: each person's settings in alphabetical order, joined by `|`.

    `person_index` holds source and person_id; `setting_of` gives the setting of each source. A
    source that it does not name adds none. The answer is of the same kind as `person_index`.

    >>> import polars as pl
    >>> index = pl.DataFrame({"source": ["gp", "asc"], "person_id": ["p1", "p1"]})
    >>> of = {"gp": "primary_care", "asc": "local_authority"}
    >>> linked_settings(index, of)["settings"].to_list()
    ['local_authority|primary_care']
    """
    kinds = sorted(set(setting_of.values()))
    plan = lazy(person_index).select("source", "person_id")
    names = {f"__{n}": [s for s, v in setting_of.items() if v == k] for n, k in enumerate(kinds)}
    held = plan.with_columns(
        *(nw.col("source").is_in(sources).cast(nw.Int64).alias(n) for n, sources in names.items())
    )
    flags = held.group_by("person_id").agg(*(nw.col(name).max() for name in names))
    words = [
        nw.when(nw.col(name) == 1).then(nw.lit(f"|{kind}")).otherwise(nw.lit(""))
        for name, kind in zip(names, kinds, strict=True)
    ]
    joined = nw.concat_str(nw.lit(""), *words).str.slice(1)
    text = nw.when(joined != "").then(joined).otherwise(NULL_TEXT).alias("settings")
    return same_kind(flags.select("person_id", text).sort("person_id"), person_index)
