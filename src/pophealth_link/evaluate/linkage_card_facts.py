"""The exact counts behind a linkage card: they stay in the secure environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import polars as pl

from pophealth_link.evaluate.linkage_card_method import method
from pophealth_link.link import Links, LinkSpec, People, attributes
from pophealth_link.link.links import why_unlinked
from pophealth_link.version import __version__

# Identifiers whose completeness decides what can be linked, by column of the prepared records.
_IDENTIFIERS = {
    "nhs_number": "nhs_number",
    "given_name": "given",
    "family_name": "family",
    "date_of_birth": "date_of_birth",
    "sex": "sex",
    "postcode": "home",
    "address": "address",
    "uprn": "uprn",
    "ethnic_category": "ethnic_category",
}
ELSEWHERE = "elsewhere"
_PACKAGES = ("polars", "splink", "duckdb")

Rows = Mapping[str, Mapping[str, Any]]


def facts(
    links: Links,
    sources: Sequence[People],
    spec: LinkSpec | None = None,
    *,
    rows: Rows | None = None,
    quality: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what the card tells, with exact counts, ready to be written as JSON.

    `spec` holds the settings of the linkage (left out: those that it was run with). `rows` is the
    row accounting of each source's people (`rows_in`, `accepted`, `quarantined`,
    `removed_by_opt_out`, `unreadable_values`); without it, what `sources` tell. `quality` holds
    the results on linkage quality, if they were computed. No value of a record is among the facts.
    """
    main = links.records.filter(~pl.col("alias"))
    accounts = rows or {each.source: _own_account(each, main) for each in sources}
    named = sorted(sources, key=lambda each: each.source)
    return {
        "sources": [_source(each, links) for each in named],
        "intake": [_intake(each.source, accounts[each.source]) for each in named],
        "unreadable": _unreadable(named, accounts),
        "completeness": _completeness(main),
        "numbers": _numbers(main),
        "methods": _methods(links),
        "unlinked": _unlinked(links),
        "decisions": _decisions(links.pairs),
        "conflicts": attributes.conflicts(links.records).to_dicts(),
        "attribute_rules": attributes.rules().to_dicts(),
        "people": _people(links.person_index),
        "counts": dict(links.counts),
        "comparisons": _comparisons(links),
        "method": method(links, spec or links.spec),
        "versions": {"pophealth_link": __version__, **{p: metadata.version(p) for p in _PACKAGES}},
        "quality": dict(quality or {}),
    }


def is_whole(exact: Mapping[str, Any]) -> bool:
    """Return whether facts that were read from a file hold what a card is made of."""
    lists = all(
        isinstance(exact.get(name), list)
        and all(isinstance(row, dict) and {*keys} <= row.keys() for row in exact[name])
        for name, keys in _LISTS.items()
    )
    tables = all(isinstance(exact.get(name), dict) for name in _TABLES)
    return lists and tables and bool(exact["sources"]) and bool(exact["methods"])


def in_full(exact: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with every method and every reason for every source, if only of no record.

    A row that is absent would tell a count of none, which a policy may withhold.
    """
    others = [each["name"] for each in exact["sources"] if not each["register"]]
    told = {"methods": "method", "unlinked": "reason"}
    return {**exact, **{rows: _grid(exact[rows], others, name) for rows, name in told.items()}}


def _grid(rows: Sequence[Mapping[str, Any]], sources: Sequence[str], name: str) -> list[Any]:
    seen = {(row["source"], row[name]) for row in rows}
    values = dict.fromkeys(row[name] for row in rows if row["source"] in sources)
    absent = [(source, value) for source in sources for value in values]
    return [
        *rows,
        *({"source": s, name: v, "records": 0} for s, v in absent if (s, v) not in seen),
    ]


_LISTS: Mapping[str, tuple[str, ...]] = {
    "sources": ("name", "setting", "register", "unique_people", "nhs_number_kind"),
    "intake": ("source", "rows_in", "accepted", "quarantined", "removed_by_opt_out"),
    "unreadable": ("source", "column", "reason", "values"),
    "completeness": ("source", "identifier", "filled", "of"),
    "numbers": ("source", "valid", "invalid", "missing", "test_range"),
    "methods": ("source", "method", "records"),
    "unlinked": ("source", "reason", "records"),
    "decisions": ("pass", "decision", "pairs"),
    "conflicts": ("attribute", "source_l", "source_r", "compared", "conflicting"),
    "attribute_rules": ("attribute", "wins", "silent", "weak", "order", "reason"),
    "comparisons": ("rule", "pairs"),
}
_TABLES = ("people", "counts", "method", "versions", "quality")


def _source(people: People, links: Links) -> dict[str, Any]:
    registers = links.person_index.filter(pl.col("method") == "register")["source"].unique()
    return {
        "name": people.source,
        "setting": people.setting,
        "register": people.source in registers.to_list(),
        "unique_people": people.unique_people,
        "nhs_number_kind": people.nhs_number_kind,
    }


def _own_account(people: People, main: pl.DataFrame) -> dict[str, Any]:
    accepted = main.filter(pl.col("source") == people.source).height
    return {
        "rows_in": accepted + people.quarantined,
        "accepted": accepted,
        "quarantined": people.quarantined,
        "removed_by_opt_out": 0,
    }


def _intake(source: str, account: Mapping[str, Any]) -> dict[str, Any]:
    names = ("rows_in", "accepted", "quarantined", "removed_by_opt_out")
    return {"source": source, **{name: int(account[name]) for name in names}}


def _unreadable(sources: Sequence[People], accounts: Rows) -> list[dict[str, Any]]:
    """Return the values that could not be read, by source, column and reason."""
    found = []
    for each in sources:
        for name, count in sorted(accounts[each.source].get("unreadable_values", {}).items()):
            column, _, reason = name.partition(": ")
            row = {"source": each.source, "column": column, "reason": reason, "values": count}
            found.append(row)
    return found


def _completeness(main: pl.DataFrame) -> list[dict[str, Any]]:
    counted = main.group_by("source").agg(
        pl.len().alias("of"),
        *(pl.col(c).is_not_null().sum().alias(name) for name, c in _IDENTIFIERS.items()),
    )
    tall = counted.unpivot(index=["source", "of"], variable_name="identifier", value_name="filled")
    order = pl.col("identifier").replace_strict(
        {name: place for place, name in enumerate(_IDENTIFIERS)}, return_dtype=pl.Int32
    )
    return tall.sort("source", order).select("source", "identifier", "filled", "of").to_dicts()


def _numbers(main: pl.DataFrame) -> list[dict[str, Any]]:
    """Return by source how many records hold a valid NHS number or token, an invalid one, none."""
    status = pl.col("nhs_number_status")
    test = status.eq("valid") & pl.col("nhs_number").str.starts_with("999")
    return (
        main.group_by("source")
        .agg(
            (status == "valid").sum().alias("valid"),
            (status == "invalid").sum().alias("invalid"),
            (status == "missing").sum().alias("missing"),
            test.fill_null(value=False).sum().alias("test_range"),
        )
        .sort("source")
        .to_dicts()
    )


def _methods(links: Links) -> list[dict[str, Any]]:
    """Return the records of each source by how they were linked to the register, if they were.

    Records that are linked to others, and to nobody on the register, are told as `elsewhere`.
    """
    index = links.person_index
    register = index.filter(pl.col("method") == "register")["person_id"].unique().implode()
    alone = pl.col("method").ne("unlinked") & ~pl.col("person_id").is_in(register)
    named = index.with_columns(
        pl.when(alone).then(pl.lit(ELSEWHERE)).otherwise("method").alias("method")
    )
    counted = named.group_by("source", "method").agg(pl.len().alias("records"))
    order = {name: place for place, name in enumerate(("register", *links.passes))}
    place = pl.col("method").replace_strict(order, default=len(order), return_dtype=pl.Int32)
    return counted.sort("source", place, "method").to_dicts()


def _unlinked(links: Links) -> list[dict[str, Any]]:
    """Return the unlinked records of each source by what came nearest to linking them."""
    alone = links.person_index.filter(pl.col("method") == "unlinked")
    told = why_unlinked(alone, links.pairs)
    counted = told.group_by("source", "reason").agg(pl.len().alias("records"))
    return counted.sort("source", "reason").to_dicts()


def _decisions(pairs: pl.DataFrame) -> list[dict[str, Any]]:
    counted = pairs.group_by("pass", "decision").agg(pl.len().alias("pairs"))
    return counted.sort("pass", "decision").to_dicts()


def _people(index: pl.DataFrame) -> dict[str, int]:
    """Return how many people there are, and how many of them the register holds."""
    registered = index.filter(pl.col("method") == "register")["person_id"].n_unique()
    people = index["person_id"].n_unique()
    return {"people": people, "on_register": registered, "off_register": people - registered}


def _comparisons(links: Links) -> list[dict[str, Any]]:
    """Return the pairs that each blocking rule proposed, where the linkage kept them."""
    found = links.comparisons
    return [] if found.is_empty() else found.select("rule", "pairs").to_dicts()
