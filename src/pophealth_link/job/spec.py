"""The job file as a frozen model. Every problem is reported at once, in our own words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pophealth_link.errors import JobError, Problem, nearest, raise_problems
from pophealth_link.folders import is_file, is_folder, shown

SETTINGS = ("primary_care", "secondary_care", "community", "local_authority", "voluntary_sector")
BASES = ("registered", "resident")
# Linkage models that are no file.
NAMED_MODELS = ("default", "train")
Text = Annotated[str, Field(min_length=1)]
Formats = dict[str, tuple[Text, ...]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class EventsSpec(_Table):
    """`[[sources.events]]`: a file of one of the schema's event tables."""

    table: Text
    path: Text
    columns: dict[str, Text] = {}
    formats: Formats = {}


class SourceSpec(_Table):
    """`[[sources]]`: the people of one organisation, and what happened to them."""

    name: Text
    preset: Text | None = None
    register_: bool = Field(default=False, alias="register")
    aliases: Text | None = None
    setting: (
        Literal[
            "primary_care", "secondary_care", "community", "local_authority", "voluntary_sector"
        ]
        | None
    ) = None
    people: Text
    unique_people: bool | None = None
    nhs_number_kind: Literal["clear", "token"] | None = None
    superseded_numbers: bool = False
    columns: dict[str, Text] = {}
    formats: Formats = {}
    events: tuple[EventsSpec, ...] = ()

    @model_validator(mode="after")
    def _setting_is_known(self) -> SourceSpec:
        if self.preset is None and self.setting is None:
            raise ValueError("setting is missing: " + ", ".join(SETTINGS) + ".")
        return self


class PropertySpec(_Table):
    """`[[properties]]`: council data about dwellings."""

    name: Text
    path: Text
    preset: Text | None = None
    columns: dict[str, Text] = {}
    formats: Formats = {}


class PassSpec(_Table):
    """`[[link.passes]]`: a further deterministic pass."""

    name: Text
    keys: tuple[Text, ...]


class LinkTable(_Table):
    """`[link]`: model, thresholds, passes. `default_passes`: whether the built-in ones are run."""

    model: Text = "default"
    accept_probability: float = Field(default=0.85, ge=0.5, lt=1)
    review_probability: float = Field(default=0.50, gt=0, lt=1)
    margin: float = Field(default=3.0, ge=0, description="bits of match weight")
    max_pairs: int = Field(default=500_000_000, gt=0)
    decisions: Text | None = None
    previous_index: Text | None = None
    default_passes: bool = True
    passes: tuple[PassSpec, ...] = ()

    @model_validator(mode="after")
    def _thresholds_are_ordered(self) -> LinkTable:
        if self.review_probability > self.accept_probability:
            raise ValueError("review_probability must not exceed accept_probability.")
        return self


class FootprintFile(_Table):
    """`[footprints.NAME]`: a table of practices or PCNs that make a footprint."""

    path: Text


class FootprintsTable(BaseModel):
    """`[footprints]`: bases, the local authorities that bound the area, further footprints."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, strict=True)
    __pydantic_extra__: dict[str, FootprintFile]

    basis: Annotated[tuple[Literal["registered", "resident"], ...], Field(min_length=1)] = (
        "registered",
        "resident",
    )
    local_authorities: tuple[Text, ...] = ()

    @property
    def files(self) -> Mapping[str, FootprintFile]:
        """The footprint files by footprint type."""
        return self.__pydantic_extra__ or {}


class DisclosureTable(_Table):
    """`[disclosure]`: the policy is always stated."""

    policy: Text


class PrivacyTable(_Table):
    """`[privacy]`: where the key is, and who has opted out."""

    key_file: Text | None = None
    key_env: Text | None = None
    opt_outs: Text | None = None

    @model_validator(mode="after")
    def _one_key(self) -> PrivacyTable:
        if self.key_file and self.key_env:
            raise ValueError("key_file and key_env are both set: keep one.")
        return self


class JobSpec(_Table):
    """A job file, checked. Paths are as written: relative to the job file's folder."""

    version: Literal[1]
    as_of: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]
    period: tuple[date, date] | None = None
    seed: int = 0
    engine: Literal["polars"] = "polars"
    memory_limit: Annotated[Text | None, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]B$")] = None
    reference: Text | None = None
    sources: Annotated[tuple[SourceSpec, ...], Field(min_length=1)]
    properties: tuple[PropertySpec, ...] = ()
    link: LinkTable = LinkTable()
    footprints: FootprintsTable = Field(default_factory=lambda: FootprintsTable.model_validate({}))
    disclosure: DisclosureTable
    privacy: PrivacyTable = PrivacyTable()
    governance: dict[str, str | date | int | float | bool] = {}

    @model_validator(mode="after")
    def _memory_is_enough(self) -> JobSpec:
        if self.memory_limit and _megabytes(self.memory_limit) < 1:
            raise ValueError('memory_limit must be at least "1MB".')
        return self

    @model_validator(mode="after")
    def _period_is_ordered(self) -> JobSpec:
        if self.period and self.period[0] > self.period[1]:
            raise ValueError("period must run from an earlier day to a later one.")
        return self

    @property
    def reporting_period(self) -> tuple[date, date]:
        """The period as stated, else the year that ends the day before `as_of`."""
        if self.period:
            return self.period
        leap_day = (self.as_of.month, self.as_of.day) == (2, 29)
        day = 28 if leap_day else self.as_of.day
        start = self.as_of.replace(year=self.as_of.year - 1, day=day)
        return start, date.fromordinal(self.as_of.toordinal() - 1)


def _megabytes(limit: str) -> float:
    exponent = {"K": -1, "M": 0, "G": 1, "T": 2}[limit[-2]]
    return float(limit[:-2]) * 1000.0**exponent


# Settings of the interface that this version does not carry out: refused, never ignored.
_NOT_YET = {
    "spark": "is not available in this version: leave it out.",
    "disclosure.custom": "is not available in this version: name a policy.",
    "disclosure.previous_release": "is not available in this version: leave it out.",
}


def parse(path: Path) -> JobSpec:
    """Return the job in the file, or raise `JobError` with every problem in it.

    Exit code 10. A message names settings, never their values, for a value may be a secret.
    """
    body = _read(path)
    problems: list[Problem] = []
    spec = _validate(body, problems)
    raise_problems(shown(path), problems)
    if spec is None:
        raise JobError(f"{shown(path)} could not be used.")
    return spec


def _read(path: Path) -> dict[str, Any]:
    if is_folder(path):
        raise JobError(f"{shown(path)} is a folder, not a job file.", fix="name a TOML file.")
    if not is_file(path):
        raise JobError(f"the job file {shown(path)} does not exist.", fix="name a TOML file.")
    where = _toml_error(path)
    if where:
        raise JobError(
            f"{shown(path)} is not TOML.", where, fix="mend the line; text needs quotation marks."
        )
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _toml_error(path: Path) -> str | None:
    """Return where the file stops being TOML (a line number, no content), or null."""
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return "It is not UTF-8 text."
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(")[2].rstrip(")")
        return f"It cannot be read {place}." if place.startswith("at ") else "It cannot be read."
    return None


def _validate(body: dict[str, Any], problems: list[Problem]) -> JobSpec | None:
    dated = _arrays_to_tuples(body)
    try:
        return JobSpec.model_validate(dated)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    # A list whose items are wrong is also reported as too short: say the cause alone.
    inner = {tuple(each["loc"])[:1] for each in found if len(each["loc"]) > 1}
    told = [e for e in found if e["type"] != "too_short" or tuple(e["loc"]) not in inner]
    # A value of a wrong type is reported once for each type that it might have had.
    problems.extend(dict.fromkeys(_problem(each) for each in told))
    return None


def _arrays_to_tuples(value: Any) -> Any:
    """Turn TOML arrays into tuples, so that strict types take them."""
    if isinstance(value, dict):
        return {key: _arrays_to_tuples(each) for key, each in value.items()}
    if isinstance(value, list):
        return tuple(_arrays_to_tuples(each) for each in value)
    return value


def _problem(error: Mapping[str, Any]) -> Problem:
    place = tuple(error["loc"])
    place = place[:2] if place[0:1] == ("governance",) else place
    where = _dotted(place)
    if where.startswith("governance."):
        what = "must be text, a day, a number, or true or false."
    elif error["type"] == "extra_forbidden":
        not_yet = _NOT_YET.get(where)
        what = not_yet or "not a setting." + nearest(str(place[-1]), _siblings(place))
    elif error["type"] == "missing":
        what = _MISSING.get(where, "is missing.")
    else:
        what = _WORDS.get(error["type"], _sentence(str(error["msg"])))
        what = _PLACES.get(where, what)
    return Problem(JobError, where or "the job", what)


_MISSING = {
    "disclosure": 'is missing: state the policy, for example [disclosure] policy = "hes".',
    "disclosure.policy": 'is missing: state it, for example policy = "hes".',
    "version": "is missing: write version = 1.",
    "as_of": "is missing: write a day, for example as_of = 2026-04-01.",
    "sources": "is missing: name at least one [[sources]].",
}
_WORDS = {
    "string_type": "must be text in quotation marks.",
    "string_too_short": "must not be empty.",
    "bool_type": "must be true or false.",
    "float_type": "must be a number.",
    "int_type": "must be a whole number.",
    "date_type": "must be a day, for example 2026-04-01, without quotation marks.",
    "dict_type": "must be a table.",
    "model_type": "must be a table.",
    "tuple_type": "must be a list.",
}
_PLACES = {
    "as_of": "must be a day from 1900 to 2199, for example 2026-04-01, without quotation marks.",
    "footprints.basis": 'must be a list of "registered", "resident".',
    "engine": 'must be "polars"; "spark" is not available in this version.',
    "memory_limit": 'must be an amount such as "12GB".',
    "version": "must be 1.",
    "period": "must be two days in order, for example [2025-04-01, 2026-03-31].",
}


def _sentence(message: str) -> str:
    plain = message.removeprefix("Value error, ").removeprefix("Input ")
    return plain if plain.endswith(".") else plain + "."


def _dotted(place: Iterable[str | int]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _siblings(place: tuple[str | int, ...]) -> list[str]:
    """Return the settings that are valid where an unknown one stands."""
    model: Any = JobSpec
    for part in place[:-1]:
        if isinstance(part, str) and part in getattr(model, "model_fields", {}):
            model = _inner(model.model_fields[part].annotation)
    fields = getattr(model, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _inner(annotation: Any) -> Any:
    """Return the table type within an annotation such as `tuple[SourceSpec, ...]`."""
    inner = [_inner(each) for each in get_args(annotation)]
    return next((each for each in inner if hasattr(each, "model_fields")), annotation)
