"""The linkage card: what was linked, by which method, from how complete identifiers.

`facts` holds exact counts and stays in the secure environment; `card` is what a policy lets out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pophealth_link import disclosure
from pophealth_link.disclosure import Policy
from pophealth_link.link import Links, LinkSpec, People

# Identifiers whose completeness decides what can be linked, by column of the prepared records.
_IDENTIFIERS = {
    "nhs_number": "nhs_number",
    "given_name": "given",
    "family_name": "family",
    "date_of_birth": "date_of_birth",
    "sex": "sex",
    "postcode": "home",
    "uprn": "uprn",
}


def facts(links: Links, sources: Sequence[People], spec: LinkSpec) -> dict[str, Any]:
    """Return what the card tells, with exact counts: sources, methods, completeness, settings."""
    return {
        "sources": [_source(each) for each in sources],
        "methods": _methods(links).to_dicts(),
        "completeness": _completeness(links).to_dicts(),
        "counts": links.counts,
        "settings": _settings(spec, links),
        "model": dict(links.model.provenance),
    }


def _source(people: People) -> dict[str, Any]:
    return {
        "name": people.source,
        "setting": people.setting,
        "register": people.register,
        "unique_people": people.unique_people,
        "nhs_number_kind": people.nhs_number_kind,
    }


def _settings(spec: LinkSpec, links: Links) -> dict[str, Any]:
    return {
        "accept_probability": spec.accept_probability,
        "review_probability": spec.review_probability,
        "margin_bits": spec.margin,
        "passes": [{"name": p.name, "keys": list(p.keys)} for p in spec.passes],
        "share_expected_on_register": links.model.on_register,
    }


def _methods(links: Links) -> pl.DataFrame:
    counted = links.person_index.group_by("source", "method").agg(pl.len().alias("records"))
    whole = counted.with_columns(pl.col("records").sum().over("source").alias("of"))
    return whole.sort("source", "method")


def _completeness(links: Links) -> pl.DataFrame:
    main = links.records.filter(~pl.col("alias"))
    counted = main.group_by("source").agg(
        pl.len().alias("of"),
        *(pl.col(c).is_not_null().sum().alias(name) for name, c in _IDENTIFIERS.items()),
    )
    tall = counted.unpivot(index=["source", "of"], variable_name="identifier", value_name="filled")
    return tall.select("source", "identifier", "filled", "of").sort("source", "identifier")


def card(exact: Mapping[str, Any], policy: Policy, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card for release: counts by the policy, shares from the released counts.

    `context` (purpose, dates, reference, policy, footprints, limits …) is copied in as it is.
    """
    methods = disclosure.apply(pl.DataFrame(exact["methods"]), policy, counts=["records", "of"])
    filled = disclosure.apply(pl.DataFrame(exact["completeness"]), policy, counts=["filled", "of"])
    return {
        **context,
        "sources": exact["sources"],
        "methods": _shares(methods, "records").to_dicts(),
        "completeness": _shares(filled, "filled").to_dicts(),
        "counts": _released_counts(exact["counts"], policy),
        "settings": exact["settings"],
        "model": exact["model"],
    }


def _shares(released: pl.DataFrame, count: str) -> pl.DataFrame:
    share = (pl.col(count) / pl.col("of")).clip(0, 1).round(3)
    known = pl.col("of") > 0
    return released.with_columns(pl.when(known).then(share).alias("share"))


def _released_counts(counts: Mapping[str, int], policy: Policy) -> dict[str, float | None]:
    frame = pl.DataFrame({"name": list(counts), "count": list(counts.values())})
    released = disclosure.apply(frame, policy, counts=["count"])
    return dict(zip(released["name"], released["count"], strict=True))


def to_markdown(released: Mapping[str, Any]) -> str:
    """Return the released card as Markdown."""
    named = {each["name"]: each for each in released["sources"]}
    parts = [
        "# Linkage card",
        _facts_table(released),
        "## Sources",
        _table(
            ("source", "setting", "register", "one record a person"),
            [
                (n, s["setting"], _yes(s["register"]), _yes(s["unique_people"]))
                for n, s in named.items()
            ],
        ),
        "## Records by method",
        _table(
            ("source", "method", "records", "share"),
            [
                (m["source"], m["method"], _count(m["records"]), _percent(m["share"]))
                for m in released["methods"]
            ],
        ),
        "## Completeness of identifiers",
        _table(
            ("source", "identifier", "share filled"),
            [
                (c["source"], c["identifier"], _percent(c["share"]))
                for c in released["completeness"]
            ],
        ),
        "## Counts",
        _table(
            ("what", "count"),
            [(k.replace("_", " "), _count(v)) for k, v in released["counts"].items()],
        ),
        "## Settings",
        _table(("setting", "value"), _settings_rows(released["settings"])),
        "## Limits",
        "\n".join(f"* {line}" for line in released.get("limits", ())),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts_table(released: Mapping[str, Any]) -> str:
    plain = {k: v for k, v in released.items() if isinstance(v, str)}
    return _table(("fact", "value"), [(k.replace("_", " "), v) for k, v in plain.items()])


def _settings_rows(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    plain = [(k.replace("_", " "), str(v)) for k, v in settings.items() if k != "passes"]
    passes = [(f"pass {p['name']}", ", ".join(p["keys"])) for p in settings["passes"]]
    return [*plain, *passes]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    plain = str(text).replace("|", "\\|").replace("\n", " ")
    return plain.replace("<", "&lt;")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _count(value: float | None) -> str:
    return "withheld" if value is None else f"{value:,.0f}"


def _percent(share: float | None) -> str:
    return "withheld" if share is None else f"{100 * share:.1f} %"
