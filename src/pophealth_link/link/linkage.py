"""The linkage: NHS number, deterministic passes, probabilistic pass, assignment, person index."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from pophealth_link.link import assign, numbers, passes, probabilistic
from pophealth_link.link.inputs import LinkSpec, People
from pophealth_link.link.model import Model, load
from pophealth_link.link.person_index import assign_people, with_ids
from pophealth_link.link.records import register_of, stack
from pophealth_link.prepare.nhs_number import is_test_range
from pophealth_link.privacy import Key

PROBABILISTIC = "probabilistic"
NHS_NUMBER = "nhs_number"


@dataclass(frozen=True, slots=True)
class Links:
    """The outcome of a linkage; its repr shows counts only.

    `person_index` and `pairs` are tables of the schema; `records` holds the prepared identifiers
    with `person_id` and stays in memory; `counts` are facts for the linkage card.
    """

    person_index: pl.DataFrame = field(repr=False)
    pairs: pl.DataFrame = field(repr=False)
    records: pl.DataFrame = field(repr=False)
    counts: dict[str, int]
    model: Model = field(repr=False)
    passes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        people = self.person_index["person_id"].n_unique()
        return f"Links({self.person_index.height:,} records, {people:,} people)"

    def summary(self) -> pl.DataFrame:
        """Return one row per pass, in order: `pass`, `pairs`, `share`, `cumulative_share`.

        `pairs` counts the records that the pass gave a person; shares are of all records outside
        the register. What is missing from the last cumulative share is unlinked.
        """
        others = self.person_index.filter(pl.col("method") != "register")
        counted = others.group_by("method").agg(pl.len().cast(pl.Int64).alias("pairs"))
        order = pl.DataFrame({"pass": list(self.passes)})
        found = order.join(
            counted, left_on="pass", right_on="method", how="left", maintain_order="left"
        ).with_columns(pl.col("pairs").fill_null(0))
        share = pl.col("pairs") / max(others.height, 1)
        return found.with_columns(share.alias("share"), share.cum_sum().alias("cumulative_share"))


def link(
    sources: Sequence[People], spec: LinkSpec | None = None, *, key: Key | None = None
) -> Links:
    """Link every source to the register and return who is who.

    Neither the order of the sources nor that of their rows changes the outcome. Without a `key`
    a new one is made, so person ids differ from call to call. Raises `LinkageError` where there
    is no register, a model cannot be used, or the comparisons exceed the budget.
    """
    spec = spec or LinkSpec()
    model = load(spec.model)
    records = stack(sources, register_of(sources))
    by_number = numbers.link(records)
    found = [_pairs(by_number.pairs, NHS_NUMBER)]
    for rule in spec.passes:
        found.append(_deterministic(records, found, by_number.trusted, rule))
    found.append(_probabilistic(records, found, by_number.trusted, model, spec))
    pairs = pl.concat(found)
    names = (NHS_NUMBER, *(rule.name for rule in spec.passes), PROBABILISTIC)
    done = _result(records, pairs, by_number, model, key or Key(secrets.token_bytes(32)))
    return replace(done, passes=names)


def _pairs(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return pairs with the columns that every pass fills, weights empty where no model spoke."""
    filled = pairs.with_columns(pl.lit(name).alias("pass"))
    for column in ("match_weight", "match_probability"):
        if column not in filled.columns:
            filled = filled.with_columns(pl.lit(None, dtype=pl.Float64).alias(column))
    return filled.select(
        "rid_l", "rid_r", "pass", "match_weight", "match_probability", "decision"
    ).cast({"rid_l": pl.UInt32, "rid_r": pl.UInt32})


def _accepted(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(found).filter(pl.col("decision") == "accepted")


def _remaining(records: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    others = records.filter(~pl.col("on_register"))
    return others.join(links, left_on="rid", right_on="rid_r", how="anti")


def _deterministic(
    records: pl.DataFrame,
    found: Sequence[pl.DataFrame],
    trusted: pl.DataFrame,
    rule: passes.DeterministicPass,
) -> pl.DataFrame:
    links = _accepted(found)
    register = records.filter("on_register")
    proposed = passes.propose(register, _remaining(records, links), rule)
    decision = pl.when("ambiguous").then(pl.lit("ambiguous")).otherwise(pl.lit("accepted"))
    decided = proposed.with_columns(decision.alias("decision"))
    return _pairs(_vetoed(decided, links, records, trusted), rule.name)


def _vetoed(
    pairs: pl.DataFrame, links: pl.DataFrame, records: pl.DataFrame, trusted: pl.DataFrame
) -> pl.DataFrame:
    """Return the pairs with those decided otherwise that may not link."""
    for veto, word in (
        (assign.taken(pairs, links, records), "taken"),
        (assign.cannot_link(pairs, trusted), "cannot_link"),
    ):
        marked = veto.unique().with_columns(pl.lit(word).alias("veto"))
        pairs = (
            pairs.join(marked, on=["rid_l", "rid_r"], how="left", maintain_order="left")
            .with_columns(pl.coalesce("veto", "decision").alias("decision"))
            .drop("veto")
        )
    return pairs


def _probabilistic(
    records: pl.DataFrame,
    found: Sequence[pl.DataFrame],
    trusted: pl.DataFrame,
    model: Model,
    spec: LinkSpec,
) -> pl.DataFrame:
    links = _accepted(found)
    register, others = records.filter("on_register"), _remaining(records, links)
    budget = probabilistic.comparisons_per_rule(register, others)
    probabilistic.refuse_over_budget(budget, spec.max_pairs)
    scored = probabilistic.score(register, others, model, memory_limit=spec.memory_limit)
    screened = _vetoed(scored.with_columns(decision=pl.lit("open")), links, records, trusted)
    free = screened.filter(pl.col("decision") == "open").drop("decision")
    decided = assign.decide(
        free,
        records,
        accept=spec.accept_probability,
        review=spec.review_probability,
        margin=spec.margin,
    )
    barred = screened.filter(pl.col("decision") != "open").select(decided.columns)
    return _pairs(pl.concat([decided, barred]).sort("rid_l", "rid_r"), PROBABILISTIC)


def _result(
    records: pl.DataFrame,
    pairs: pl.DataFrame,
    by_number: numbers.NumberLinks,
    model: Model,
    key: Key,
) -> Links:
    links = pairs.filter(pl.col("decision") == "accepted").drop("decision", "match_weight")
    assigned = assign_people(records, links, by_number.trusted)
    known = with_ids(assigned, records, by_number.trusted, key)
    whole = records.join(known, on="rid", how="left", maintain_order="left")
    index = whole.filter(~pl.col("alias")).select(
        "source", "record_id", "person_id", "method", "match_probability"
    )
    return Links(
        index.sort("source", "record_id"),
        _named_pairs(pairs, records),
        whole,
        _counts(records, pairs, by_number),
        model,
    )


def _named_pairs(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    main = records.filter(~pl.col("alias")).select("rid", "source", "record_id")
    left = main.rename({"rid": "rid_l", "source": "source_l", "record_id": "record_id_l"})
    right = main.rename({"rid": "rid_r", "source": "source_r", "record_id": "record_id_r"})
    named = pairs.join(left, on="rid_l").join(right, on="rid_r")
    columns = ["source_l", "record_id_l", "source_r", "record_id_r", "pass"]
    rest = ["match_weight", "match_probability", "decision"]
    return named.select(columns + rest).sort(columns)


def _counts(
    records: pl.DataFrame, pairs: pl.DataFrame, by_number: numbers.NumberLinks
) -> dict[str, int]:
    main = records.filter(~pl.col("alias"))
    decided = pairs.group_by("decision").len().sort("decision")
    return {
        "records": main.height,
        "nhs_numbers_valid": main.filter(pl.col("nhs_number_status") == "valid").height,
        "nhs_numbers_invalid": main.filter(pl.col("nhs_number_status") == "invalid").height,
        "nhs_numbers_test_range": main.filter(is_test_range(pl.col("nhs_number"))).height,
        "nhs_numbers_shared": by_number.shared,
        "nhs_numbers_contradicted": by_number.contradicted,
        **{f"pairs_{decision}": count for decision, count in decided.iter_rows()},
    }
