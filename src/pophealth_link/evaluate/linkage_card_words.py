"""The words of a linkage card: numbers, methods, decisions, reasons, preparation, policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pophealth_link.schema import CODE_LISTS

WITHHELD = "withheld"

_METHODS = {
    "nhs_number": "NHS number",
    "reviewed": "a reviewer's decision",
    "probabilistic": "the probabilistic model",
}
_DECISIONS = {
    "accepted": "linked",
    "tie": "good enough, but not ahead of the next best: left unlinked",
    "taken": "another record of the source fits the person better",
    "review": "between the review and the accept threshold",
    "rejected": "below the review threshold",
    "ambiguous": "two people hold the key",
    "contradicted": "the number fits, the demographics are somebody else's",
    "cannot_link": "two different NHS numbers",
    "death_before_contact": "the person had died before the record began",
    "reviewed_no": "a reviewer said no",
    "kept_apart": "good enough, but at odds with another record of the person",
    "register_duplicate": "the other row of a person who is on the register twice",
}
_REASONS = {
    **_DECISIONS,
    "no_candidate": "nobody on the register was near enough to compare",
    "review": "the best candidate was between the two thresholds",
    "rejected": "the best candidate was below the review threshold",
    "cannot_link": "the best candidate has another NHS number",
}
_ATTRIBUTES = {"uprn": "UPRN", "lsoa_code": "LSOA"}
_IDENTIFIERS = {"nhs_number": "NHS number", "uprn": "UPRN"}

_KEYS = {
    "given": "given names",
    "first_given": "first given name",
    "family": "family name",
    "date_of_birth": "date of birth",
    "home": "postcode",
    "outward": "outward code",
    "uprn": "UPRN",
}
_LOSSES = {
    "chao": "capture and recapture",
    "number_subset": "records with hidden numbers",
    "registered_alike": "as many on the register",
}
_DIMENSIONS = {
    "all": "everybody",
    "lad_code": "local authority",
    "quintile": "deprivation fifth",
}

# What is done to each identifier before records are compared, whatever the source.
PREPARATION: tuple[tuple[str, str], ...] = (
    (
        "NHS number",
        "Blanks and hyphens are taken out. A number must have ten digits, of which the last checks "
        "the others, and not one digit repeated; any other counts as missing. Numbers of the test "
        "range are valid and are counted.",
    ),
    (
        "names",
        "Case, accents, other alphabets, hyphens, apostrophes, titles, particles and blanks are "
        "made alike. Placeholders such as BABY or UNKNOWN count as missing. Previous names and "
        "addresses, and names the other way round, are further rows of the same person.",
    ),
    (
        "date of birth",
        "Read in the formats that the source states. Dates that stand for unknown, such as 1 "
        "January 1900, count as missing, 1 January of other years as a placeholder, which links "
        "nobody by itself.",
    ),
    (
        "sex",
        "Codes of every source type become male, female or indeterminate, which contradicts "
        "nobody; others, missing.",
    ),
    (
        "postcode",
        "Letters and digits that look alike are mended by their position. Pseudo-postcodes (ZZ99) "
        "are never linked on. Codes of another country are kept where most of a table are such.",
    ),
    (
        "address",
        "The UPRN where there is one, else house number and street within the postcode.",
    ),
)


def number(value: float | None) -> str:
    """Return a count in words of a table: withheld where it is null.

    >>> number(12030), number(None)
    ('12,030', 'withheld')
    """
    return WITHHELD if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal.

    >>> percent(0.9637), percent(None)
    ('96.4 %', 'withheld')
    """
    return WITHHELD if share is None else f"{100 * share:.1f} %"


def limits(lower: float | None, upper: float | None) -> str:
    """Return an interval of shares, or nothing where a limit is missing.

    >>> limits(0.951, 0.97)
    '95.1 to 97.0 %'
    """
    if lower is None or upper is None:
        return ""
    return f"{100 * lower:.1f} to {100 * upper:.1f} %"


def listed(names: Iterable[str]) -> str:
    """Join names as in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    every = list(names)
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


def plain(name: str) -> str:
    """Return the name of a column or setting as words.

    >>> plain("legal_basis")
    'legal basis'
    """
    return name.replace("_", " ")


def method_words(method: str) -> str:
    """Return what a record was linked by; a deterministic pass keeps its own name.

    >>> method_words("name_birth_postcode")
    'name birth postcode'
    """
    return _METHODS.get(method, plain(method))


def decision_words(decision: str) -> str:
    """Return what was decided of a pair, in words."""
    return _DECISIONS.get(decision, plain(decision))


def reason_words(reason: str) -> str:
    """Return why a record is linked to nobody, in words."""
    return _REASONS.get(reason, plain(reason))


def attribute_words(attribute: str) -> str:
    """Return the name of an attribute as words."""
    return _ATTRIBUTES.get(attribute, plain(attribute))


def identifier_words(identifier: str) -> str:
    """Return the name of an identifier as words."""
    return _IDENTIFIERS.get(identifier, plain(identifier))


def key_words(key: str) -> str:
    """Return the name of a column that a pass or rule compares, as words."""
    return _KEYS.get(key, plain(key))


def loss_words(method: str) -> str:
    """Return by what a loss of true links was estimated."""
    return _LOSSES.get(method, plain(method))


def dimension_words(dimension: str) -> str:
    """Return by what records are grouped."""
    return _DIMENSIONS.get(dimension, plain(dimension))


def group_words(dimension: str, group: str) -> str:
    """Return a group as words: the meaning of its code, where a code list has it.

    >>> group_words("sex", "2"), group_words("quintile", "1")
    ('Female', '1 (most deprived)')
    """
    if group == "all":
        return ""
    if group == "unknown":
        return "not known"
    if dimension == "quintile":
        return {"1": "1 (most deprived)", "5": "5 (least deprived)"}.get(group, group)
    codes = CODE_LISTS[dimension].codes if dimension in CODE_LISTS else {}
    return codes.get(group, group)


def policy_words(parameters: Mapping[str, Any]) -> str:
    """Return what a disclosure policy does to counts, from its parameters.

    >>> policy_words({"base": 5, "rounding": "nearest", "first_shown": 8, "zero_shown": True})
    'Counts of 1 to 7 are withheld; all others are rounded to the nearest 5.'
    """
    base, first = parameters["base"], parameters["first_shown"]
    zero = parameters["zero_shown"]
    rounded = (
        f"rounded to the nearest {base}"
        if parameters["rounding"] == "nearest"
        else f"replaced by the middle of their step of {base}"
    )
    if first <= 1 and zero:
        return f"Counts above zero are {rounded}."
    small = f"1 to {first - 1}" if zero else f"{first - 1} and below"
    return f"Counts of {small} are withheld; all others are {rounded}."
