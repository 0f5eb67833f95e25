"""The job file as a frozen model. Every problem is reported at once, in our own words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pophealth_link.errors import JobError, Problem, raise_problems
from pophealth_link.folders import is_file, is_folder, shown
from pophealth_link.job.spec_words import problem_of
from pophealth_link.need.survey import source_path

SETTINGS = ("primary_care", "secondary_care", "community", "local_authority", "voluntary_sector")
BASES = ("registered", "resident")
# Linkage models that are no file.
NAMED_MODELS = ("default", "train")
Text = Annotated[str, Field(min_length=1)]
Formats = dict[str, tuple[Text, ...]]
Paths = Annotated[tuple[Text, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class EventsSpec(_Table):
    """`[[sources.events]]`: a file of one of the schema's event tables.

    Without `table`, the `preset` says which tables the file or folder holds.
    """

    preset: Text | None = None
    table: Text | None = Field(default=None, validate_default=True)
    path: Text
    columns: dict[str, Text] = {}
    formats: Formats = {}
    codelist: Text | None = None

    @field_validator("table")
    @classmethod
    def _table_is_known(cls, table: str | None, info: ValidationInfo) -> str | None:
        if table is None and info.data.get("preset", "") is None:
            raise ValueError("is missing: `describe` lists the tables of events.")
        return table

    @model_validator(mode="after")
    def _columns_are_of_a_table(self) -> EventsSpec:
        if self.table is None and (self.columns or self.formats):
            raise ValueError("columns and formats need the table that they are of: name table.")
        return self


class SourceSpec(_Table):
    """`[[sources]]`: the people of one organisation, and what happened to them.

    `path`: a file or folder in which the preset finds people and events; `people` and `events`
    name single files, and go before what is found there.
    """

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
    path: Text | None = None
    people: Text | None = Field(default=None, validate_default=True)
    codelist: Text | None = None
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

    @field_validator("path")
    @classmethod
    def _path_has_a_preset(cls, path: str | None, info: ValidationInfo) -> str | None:
        if path and info.data.get("preset", "") is None:
            raise ValueError("needs a preset, which says what it holds; or name people.")
        return path

    @field_validator("people")
    @classmethod
    def _people_are_somewhere(cls, people: str | None, info: ValidationInfo) -> str | None:
        if people is None and info.data.get("path", "") is None:
            where = ": the file of people, or path" if info.data.get("preset") else ""
            raise ValueError(f"is missing{where}.")
        return people


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
    """`[link]`: model, thresholds, passes, draws of the links.

    `default_passes`: whether the built-in ones are run; `draws`: how often each uncertain link is
    drawn for the limits from linkage.
    """

    model: Text = "default"
    accept_probability: float = Field(default=0.85, ge=0.5, lt=1)
    review_probability: float = Field(default=0.50, gt=0, lt=1)
    margin: float = Field(default=3.0, ge=0, description="bits of match weight")
    max_pairs: int = Field(default=500_000_000, gt=0)
    decisions: Text | None = None
    previous_index: Text | None = None
    number_changes: Text | None = None
    default_passes: bool = True
    draws: int = Field(default=40, ge=2, le=1000)
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
    """`[footprints]`: bases, the local authorities that bound the area, further footprints.

    `levels` are areas that the reference knows each LSOA to be in and that are footprints as well.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, strict=True)
    __pydantic_extra__: dict[str, FootprintFile]

    basis: Annotated[tuple[Literal["registered", "resident"], ...], Field(min_length=1)] = (
        "registered",
        "resident",
    )
    local_authorities: tuple[Text, ...] = ()
    levels: tuple[Literal["ward", "msoa", "sub_icb", "region"], ...] = ()

    @property
    def files(self) -> Mapping[str, FootprintFile]:
        """The footprint files by footprint type."""
        return self.__pydantic_extra__ or {}


class NeedTable(_Table):
    """`[need]`: tables of the user's own that the baseline is set beside.

    `catalogue`: indicators, beside those that the library ships or in place of them;
    `surveys`: rates of surveys, beside those that the library ships; `gap_pairs`: which recorded
    and expected numbers are compared; `beds`, `unit_costs`: see `describe beds`, `unit_costs`.

    `least_recall`, `largest_gap`: where linkage is too weak to show a count; see the guide.
    """

    catalogue: Text | None = None
    least_recall: float = Field(default=0.90, ge=0, lt=1)
    largest_gap: float = Field(default=0.10, gt=0, le=1)
    surveys: tuple[Text, ...] = ()
    gap_pairs: Text | None = None
    beds: Text | None = None
    unit_costs: Text | None = None

    @property
    def files(self) -> dict[str, str]:
        """The files by their setting, each as written; the source of a survey lies beside it."""
        held: dict[str, str | None] = {
            "need.catalogue": self.catalogue,
            "need.gap_pairs": self.gap_pairs,
            "need.beds": self.beds,
            "need.unit_costs": self.unit_costs,
        }
        for place, path in enumerate(self.surveys):
            held[f"need.surveys[{place}]"] = path
            held[f"need.surveys[{place}], its source"] = str(source_path(Path(path)))
        return {where: path for where, path in held.items() if path}


class DisclosureTable(_Table):
    """`[disclosure]`: the policy is always stated; earlier releases that a reader may have."""

    policy: Text
    previous_release: Paths = ()


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
    need: NeedTable = NeedTable()
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
    problems.extend(dict.fromkeys(problem_of(each, JobSpec) for each in told))
    return None


def _arrays_to_tuples(value: Any) -> Any:
    """Turn TOML arrays into tuples, so that strict types take them."""
    if isinstance(value, dict):
        return {key: _arrays_to_tuples(each) for key, each in value.items()}
    if isinstance(value, list):
        return tuple(_arrays_to_tuples(each) for each in value)
    return value
