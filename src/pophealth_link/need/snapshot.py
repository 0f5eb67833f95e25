"""A snapshot: what a baseline was made with, so that a later one can be set beside it.

It holds definitions as run, code lists, vintages of the reference, policy, linkage by source and
memberships. Nothing in it is a count of people that was not released elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.folders import shown
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.places.units import is_reason

SNAPSHOT = "snapshot.json"
FORMAT = 1
# Before the name of a condition: the clinical codes that the job's own list takes for it.
CONDITION = "condition:"
# What tells readers about an indicator and does not change what is counted.
_PROSE = (
    *("id", "title", "domain", "role", "direction", "numerator", "denominator", "source"),
    *("what_it_is", "what_it_is_not"),
)
_MEMBER = {
    "basis": pl.String,
    "unit": pl.String,
    "footprint_type": pl.String,
    "footprint_code": pl.String,
    "share": pl.Float64,
}
_RECODED = {"kind": pl.String, "old": pl.String, "new": pl.String}
_SHARED = {
    "basis": pl.String,
    "footprint_type": pl.String,
    "footprint_code": pl.String,
    "share": pl.Float64,
}
_DECIMALS = 6
# What snapshots of earlier versions lack.
_LATER = ("derived",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a baseline was made with.

    `definitions`: settings of each indicator by id; `code_lists`: codes by name; `vintages`:
    edition of each reference table; `derived`: what decides what derived event tables hold (see
    `derived_rules.rules`); `over_dispersion`: factor by indicator; `linkage`: source, setting,
    tables, records and linked of each source but the register, as released; `memberships`: basis,
    unit, footprint_type, footprint_code, share; `sizes`: published people of a unit; `recoded`:
    kind (lsoa, practice, lad), old and new codes. `previous`: SHA-256 of the earlier baseline.csv
    whose people this run knows; `shared`: basis, footprint_type, footprint_code and the share of
    its people who were in it then; `correlation`: of those people's values then and now, by
    indicator. `withheld`: LSOAs whose membership is not told, for few people made it.
    """

    library: str
    as_of: date
    period: tuple[date, date]
    policy: Mapping[str, Any]
    definitions: Mapping[str, Mapping[str, Any]] = field(repr=False)
    code_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    vintages: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Any] = field(default_factory=dict, repr=False)
    over_dispersion: Mapping[str, float] = field(default_factory=dict, repr=False)
    linkage: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    memberships: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_MEMBER))
    sizes: Mapping[str, int] = field(default_factory=dict, repr=False)
    recoded: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_RECODED))
    previous: str | None = None
    shared: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SHARED))
    correlation: Mapping[str, float] = field(default_factory=dict, repr=False)
    withheld: int = 0

    @property
    def base(self) -> int:
        """The step to which the policy rounds counts."""
        return int(self.policy.get("base", 1))

    def __repr__(self) -> str:
        return f"Snapshot(as_of={self.as_of}, {len(self.definitions)} indicators)"

    def to_json(self) -> str:
        """Return the snapshot as the text of its file; the same snapshot gives the same bytes."""
        body = {each.name: getattr(self, each.name) for each in fields(self)}
        body |= {
            "as_of": self.as_of.isoformat(),
            "period": [day.isoformat() for day in self.period],
            "memberships": _nested(self.memberships),
            "recoded": self.recoded.sort(list(_RECODED)).rows(),
            "shared": self.shared.sort(list(_SHARED)[:3]).rows(),
        }
        text = json.dumps({"format": FORMAT, **body}, ensure_ascii=False, sort_keys=True, indent=1)
        return text + "\n"


def read_snapshot(path: Path) -> Snapshot | None:
    """Return the snapshot in a file; nothing where there is no file.

    Raises `DataError` where the file is not a snapshot of this version.
    """
    if not path.is_file():
        return None
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return _parsed(body) if body["format"] == FORMAT else _refuse(path)
    except (ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError):
        pass
    return _refuse(path)


def _refuse(path: Path) -> Snapshot:
    raise DataError(
        f"{shown(path)} is not a snapshot that this version can read.",
        fix="take it anew from the folder `releasable` of the run, or make the run again.",
    )


def _parsed(body: Mapping[str, Any]) -> Snapshot:
    known = {each.name: body[each.name] for each in fields(Snapshot) if each.name not in _LATER}
    known |= {name: body[name] for name in _LATER if name in body}
    first, last = (date.fromisoformat(day) for day in body["period"])
    return Snapshot(
        **known
        | {
            "as_of": date.fromisoformat(body["as_of"]),
            "period": (first, last),
            "code_lists": {name: tuple(codes) for name, codes in body["code_lists"].items()},
            "linkage": tuple(body["linkage"]),
            "memberships": _flat(body["memberships"]),
            "recoded": _frame(body["recoded"], _RECODED),
            "shared": _frame(body["shared"], _SHARED),
        }
    )


def definitions(listed: Catalogue) -> dict[str, dict[str, Any]]:
    """Return the settings of each indicator that decide what is counted, by id, as in JSON.

    Words for readers are left out; codes are in it as they were resolved. A composite indicator
    has its `members`.

    >>> from pophealth_link.indicators import catalogue
    >>> definitions(catalogue())["depression_recorded"]["min_age"]
    18
    """
    members = sorted(each.id for each in listed.members())
    made = {each.id: _settings(each) for each in listed}
    for each in listed:
        if each.composite:
            made[each.id]["members"] = members
    return made


def _settings(indicator: Indicator) -> dict[str, Any]:
    settings = {k: v for k, v in asdict(indicator).items() if k not in _PROSE}
    # What is not set is left out, so that a setting that a later version adds changes nothing.
    text = json.dumps(_set(settings), default=str, sort_keys=True)
    held: dict[str, Any] = json.loads(text)
    return held


def _set(value: Any) -> Any:
    if isinstance(value, Mapping):
        held = {key: _set(each) for key, each in value.items()}
        return {key: each for key, each in held.items() if each not in (None, False, (), [], {})}
    if isinstance(value, list | tuple):
        return [_set(each) for each in value]
    return value


def members(unit_footprints: pl.DataFrame, withheld: Iterable[str] = ()) -> pl.DataFrame:
    """Return the memberships of a snapshot from UNIT_FOOTPRINTS: no reasons, no `withheld` units.

    People who are in no footprint for a reason are matched by that reason, which has no units.
    """
    kept = unit_footprints.filter(~is_reason(), ~pl.col("unit").is_in(list(withheld)))
    rows = kept.select(
        *(pl.col(name).cast(kind) for name, kind in _MEMBER.items() if name != "share"),
        pl.col("share").cast(pl.Float64).round(_DECIMALS),
    )
    return rows.sort(list(_MEMBER))


def _nested(rows: pl.DataFrame) -> dict[str, Any]:
    """Return basis → type → code → units; a unit that is there in part has its share."""
    made: dict[str, Any] = {}
    groups = rows.sort(list(_MEMBER)).group_by(
        "basis", "footprint_type", "footprint_code", maintain_order=True
    )
    for (basis, kind, code), own in groups:
        units = [
            unit if share == 1 else [unit, share]
            for unit, share in own.select("unit", "share").iter_rows()
        ]
        made.setdefault(str(basis), {}).setdefault(str(kind), {})[str(code)] = units
    return made


def _flat(nested: Mapping[str, Any]) -> pl.DataFrame:
    rows = [
        (basis, unit if isinstance(unit, str) else unit[0], kind, code,
         1.0 if isinstance(unit, str) else float(unit[1]))
        for basis, kinds in nested.items()
        for kind, codes in kinds.items()
        for code, units in codes.items()
        for unit in units
    ]  # fmt: skip
    return _frame(rows, _MEMBER)


def _frame(rows: Iterable[Any], schema: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in rows], schema=dict(schema), orient="row").sort(
        list(schema)
    )
