"""The linkage, step by step: who of the register is whom, who is known elsewhere, person index."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.link import (
    barred,
    budget,
    decisions,
    numbers,
    off_register,
    on_register,
    previous_index,
)
from pophealth_link.link.inputs import LinkSpec, People
from pophealth_link.link.links import Links, counts
from pophealth_link.link.model import Model
from pophealth_link.link.numbers import NumberLinks
from pophealth_link.link.on_register import ACCEPTED, PAIR, World, links_of, pairs_of
from pophealth_link.link.person_index import NHS_NUMBER, PROBABILISTIC, assign_people, with_ids
from pophealth_link.link.previous_index import Known
from pophealth_link.link.records import register_of, stack
from pophealth_link.link.train import model_for
from pophealth_link.privacy import Key

__all__ = [
    "NHS_NUMBER",
    "PROBABILISTIC",
    "Links",
    "Opened",
    "after_numbers",
    "before_scoring",
    "link",
]

# The pairs that an earlier run linked: told to every pass, and not handed out again.
_EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Opened:
    """A linkage up to the point from which on pairs are scored.

    `found` are the pairs of the passes so far; `others` the records that will be compared with
    the register.
    """

    world: World = field(repr=False)
    found: pl.DataFrame = field(repr=False)
    by_number: NumberLinks = field(repr=False)
    known: Known = field(repr=False)

    @property
    def others(self) -> pl.DataFrame:
        """The prepared records that are still to be compared with the register."""
        return self.world.others(links_of(self.found))


def link(
    sources: Sequence[People], spec: LinkSpec | None = None, *, key: Key | None = None
) -> Links:
    """Link every source to the register, and the others with one another; return who is who.

    Neither the order of the sources nor that of their rows changes the outcome. Without a `key`
    a new one is made, so person ids differ from call to call. Raises `LinkageError` where there
    is no register, a model cannot be used or trained, the comparisons exceed the budget, or what
    reviewers or an earlier index say does not go with the records; `DataError` and `JobError`
    where their files cannot be used.
    """
    spec, key = spec or LinkSpec(), key or Key(secrets.token_bytes(32))
    opened = before_scoring(sources, spec, key=key)
    world, found = opened.world, opened.found
    expected = budget.expected(world, links_of(found))
    budget.refuse(expected, world, links_of(found), spec.max_pairs)
    model = model_for(spec, world.records, opened.by_number)
    found = _and(found, on_register.probabilistic_pass(world, links_of(found), model, spec))
    off = off_register.link(world, found, opened.by_number, model, spec)
    found = _and(found, off.pairs).filter(pl.col("pass") != _EARLIER)
    whole = _with_people(world, found, off.people, opened.known, key)
    named = _named_pairs(found, world.records)
    counted = counts(whole, named, opened.by_number, world.reviewed, opened.known)
    return Links(
        _index(whole),
        named,
        whole,
        counted,
        model,
        _pass_names(spec),
        budget.by_rule(expected, budget.EXACT),
        spec,
        world,
    )


def before_scoring(sources: Sequence[People], spec: LinkSpec, *, key: Key | None = None) -> Opened:
    """Return the linkage after the NHS number and the deterministic passes.

    Without a `key` it is not looked at whether an earlier index was made with the same one.
    Raises as `link` does.
    """
    records = stack(sources, register_of(sources))
    reviewed = _reviewed(spec, records, [each.source for each in sources])
    known = previous_index.obeyed(_known(spec, records, key), reviewed.refused, reviewed.one)
    found = pairs_of(previous_index.links(known, records), _EARLIER)
    found = _and(found, _reviewed_pairs(records, links_of(found), reviewed, known))
    by_number = numbers.link(
        records,
        refused=reviewed.refused,
        linked=links_of(found),
        superseded=[each.source for each in sources if each.superseded_numbers],
    )
    wrong = by_number.elsewhere.filter(pl.col("decision") == barred.CONTRADICTED)
    units = known.records.select("rid", "unit")
    world = World(records, by_number.trusted, reviewed, wrong, units)
    found = _and(found, on_register.by_number(world, links_of(found), by_number.pairs))
    found = _and(found, on_register.deterministic(world, links_of(found), spec.passes))
    return Opened(world, found, by_number, known)


def after_numbers(
    records: pl.DataFrame, links: pl.DataFrame, trusted: pl.DataFrame, model: Model, spec: LinkSpec
) -> pl.DataFrame:
    """Return the pairs of all passes with the register that follow the NHS number.

    `records` are prepared rows of the register and of those to be linked; `links` (`rid_l`,
    `rid_r`) what is linked already, also of records that are not there; `trusted` the numbers
    (`rid`, `nhs_number`) that rule links out. The budget of comparisons is not looked at.
    """
    world = World(records, barred.with_firmness(trusted))
    linked = links.select(PAIR).cast(dict.fromkeys(PAIR, pl.UInt32))
    found = on_register.deterministic(world, linked, spec.passes)
    done = pl.concat([linked, links_of(found)])
    return _and(found, on_register.probabilistic_pass(world, done, model, spec))


def _and(found: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([found, more])


def _known(spec: LinkSpec, records: pl.DataFrame, key: Key | None) -> Known:
    if spec.previous_index is None:
        return previous_index.nobody()
    unique = records.filter("unique_people")["source"].unique().to_list()
    return previous_index.known(previous_index.read(spec.previous_index, unique), records, key)


def _reviewed(spec: LinkSpec, records: pl.DataFrame, sources: Sequence[str]) -> decisions.Reviewed:
    if spec.decisions is None:
        return decisions.nothing()
    return decisions.resolve(decisions.read(spec.decisions, sources), records)


def _reviewed_pairs(
    records: pl.DataFrame, links: pl.DataFrame, reviewed: decisions.Reviewed, known: Known
) -> pl.DataFrame:
    """Return the links to the register that a reviewer made, but for what is settled already.

    Those, too, of records that a reviewer called the same person as one that an earlier run linked.
    """
    told = _unsettled(reviewed.register, records, links, reviewed, known)
    done = pl.concat([links, told])
    following = decisions.follow(done, reviewed.groups)
    new = pl.concat([told, _unsettled(following, records, done, reviewed, known)])
    return pairs_of(new.with_columns(decision=pl.lit(ACCEPTED)), decisions.REVIEWED)


def _unsettled(
    pairs: pl.DataFrame,
    records: pl.DataFrame,
    links: pl.DataFrame,
    reviewed: decisions.Reviewed,
    known: Known,
) -> pl.DataFrame:
    """Return the pairs but for those that go against a no, an earlier index or unique people."""
    units = known.records.select("rid", "unit")
    old = units["rid"].implode()
    new = pairs.filter(~(pl.col("rid_l").is_in(old) & pl.col("rid_r").is_in(old)))
    persons = pl.concat([links, new]).select("rid_l", rid="rid_r")
    faced = new.join(persons, on="rid_l").filter(pl.col("rid") != pl.col("rid_r"))
    refused = reviewed.refused.with_columns(reason=pl.lit(barred.REVIEWED_NO))
    for forbidden in (
        barred.known_apart(faced, refused),
        barred.of_one_source(faced, records),
        previous_index.at_odds(new, links, units),
        previous_index.at_odds(new, new, units),
    ):
        new = new.join(forbidden, on=PAIR, how="anti", maintain_order="left")
    return new


def _with_people(
    world: World, found: pl.DataFrame, people: pl.DataFrame, known: Known, key: Key
) -> pl.DataFrame:
    """Return the records with `person_id`, `method` and `match_probability`."""
    accepted = found.filter(pl.col("decision") == ACCEPTED)
    assigned = assign_people(world.records, accepted, people, known.records)
    named = with_ids(assigned, world.records, world.trusted, key, known.records, known.ids)
    return world.records.join(named.drop("person"), on="rid", how="left", maintain_order="left")


def _index(whole: pl.DataFrame) -> pl.DataFrame:
    columns = ["source", "record_id", "person_id", "method", "match_probability"]
    return whole.filter(~pl.col("alias")).select(columns).sort("source", "record_id")


def _pass_names(spec: LinkSpec) -> tuple[str, ...]:
    first = () if spec.decisions is None else (decisions.REVIEWED,)
    return (*first, NHS_NUMBER, *(rule.name for rule in spec.passes), PROBABILISTIC)


def _named_pairs(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    main = records.filter(~pl.col("alias")).select("rid", "source", "record_id")
    left = main.rename({"rid": "rid_l", "source": "source_l", "record_id": "record_id_l"})
    right = main.rename({"rid": "rid_r", "source": "source_r", "record_id": "record_id_r"})
    named = pairs.join(left, on="rid_l").join(right, on="rid_r")
    columns = ["source_l", "record_id_l", "source_r", "record_id_r", "pass"]
    rest = ["match_weight", "match_probability", "decision"]
    return named.select(columns + rest).sort(columns)
