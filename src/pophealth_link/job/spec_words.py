"""What is wrong with a job file's settings, in our own words: never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pophealth_link.errors import JobError, Problem, nearest

# Settings of the interface that this version does not carry out: refused, never ignored.
_NOT_YET = {
    "spark": "is not available in this version: leave it out.",
    "disclosure.custom": "is not available in this version: name a policy.",
}


def problem_of(error: Mapping[str, Any], model: Any) -> Problem:
    """Return what is wrong with a setting; `error` is as Pydantic tells it of the job's `model`."""
    place = tuple(error["loc"])
    place = place[:2] if place[0:1] == ("governance",) else place
    where = _dotted(place)
    if where.startswith("governance."):
        what = "must be text, a day, a number, or true or false."
    elif error["type"] == "extra_forbidden":
        not_yet = _NOT_YET.get(where)
        what = not_yet or "not a setting." + nearest(str(place[-1]), _siblings(place, model))
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
    "footprints.levels": 'must be a list of "ward", "msoa", "sub_icb", "region".',
    "disclosure.previous_release": "must be a path, or a list of paths.",
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


def _siblings(place: tuple[str | int, ...], model: Any) -> list[str]:
    """Return the settings that are valid where an unknown one stands."""
    for part in place[:-1]:
        if isinstance(part, str) and part in getattr(model, "model_fields", {}):
            model = _inner(model.model_fields[part].annotation)
    fields = getattr(model, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _inner(annotation: Any) -> Any:
    """Return the table type within an annotation such as `tuple[SourceSpec, ...]`."""
    inner = [_inner(each) for each in get_args(annotation)]
    return next((each for each in inner if hasattr(each, "model_fields")), annotation)
