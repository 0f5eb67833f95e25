"""The outcome of a linkage, and the counts that go with it."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from pophealth_link.link import barred
from pophealth_link.link.decisions import Reviewed
from pophealth_link.link.inputs import LinkSpec
from pophealth_link.link.model import Model
from pophealth_link.link.numbers import NumberLinks
from pophealth_link.link.on_register import World
from pophealth_link.link.person_index import REGISTER, UNLINKED
from pophealth_link.link.previous_index import Known
from pophealth_link.prepare.nhs_number import is_test_range


@dataclass(frozen=True, slots=True)
class Links:
    """The outcome of a linkage; its repr shows counts only.

    `person_index` and `pairs` are tables of the schema; `records` holds the prepared identifiers
    with `person_id` and stays in memory; `counts` are facts for the linkage card; `comparisons`
    (`rule`, `pairs`) tells what each blocking rule proposed; `spec` is the linkage as run, `world`
    what its passes were told.
    """

    person_index: pl.DataFrame = field(repr=False)
    pairs: pl.DataFrame = field(repr=False)
    records: pl.DataFrame = field(repr=False)
    counts: dict[str, int]
    model: Model = field(repr=False)
    passes: tuple[str, ...] = ()
    comparisons: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    spec: LinkSpec = field(default_factory=LinkSpec, repr=False)
    world: World | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        people = self.person_index["person_id"].n_unique()
        return f"Links({self.person_index.height:,} records, {people:,} people)"

    def summary(self) -> pl.DataFrame:
        """Return one row per pass, in order: `pass`, `pairs`, `share`, `cumulative_share`.

        `pairs` counts the records that the pass gave a person; shares are of all records outside
        the register. What is missing from the last cumulative share is unlinked.
        """
        others = self.person_index.filter(pl.col("method") != REGISTER)
        counted = others.group_by("method").agg(pl.len().cast(pl.Int64).alias("pairs"))
        order = pl.DataFrame({"pass": list(self.passes)})
        found = order.join(
            counted, left_on="pass", right_on="method", how="left", maintain_order="left"
        ).with_columns(pl.col("pairs").fill_null(0))
        share = pl.col("pairs") / max(others.height, 1)
        return found.with_columns(share.alias("share"), share.cum_sum().alias("cumulative_share"))


def counts(
    whole: pl.DataFrame,
    pairs: pl.DataFrame,
    by_number: NumberLinks,
    reviewed: Reviewed,
    known: Known,
) -> dict[str, int]:
    """Return what is counted of a linkage.

    `whole` holds the prepared records with `person_id` and `method`: `records` is the sum of all
    `records_METHOD`. `records_tie`, `records_taken` and the like count records that stayed
    unlinked, by what kept their best candidate from them.
    """
    main = whole.filter(~pl.col("alias"))
    status = pl.col("nhs_number_status")
    methods = main.group_by("method").len().sort("method")
    decided = pairs.group_by("decision").len().sort("decision")
    return {
        "records": main.height,
        **{f"records_{method}": count for method, count in methods.iter_rows()},
        **_why_unlinked(main, pairs),
        **_off_register(main),
        "nhs_numbers_valid": main.filter(status == "valid").height,
        "nhs_numbers_invalid": main.filter(status == "invalid").height,
        "nhs_numbers_test_range": main.filter(is_test_range(pl.col("nhs_number"))).height,
        "nhs_numbers_shared": by_number.shared,
        "nhs_numbers_contradicted": by_number.contradicted,
        **{f"pairs_{decision}": count for decision, count in decided.iter_rows()},
        "reviewed_yes": reviewed.yes,
        "reviewed_no": reviewed.no,
        "reviewed_unknown": reviewed.unknown,
        "reviewed_not_followed": _not_followed(main, reviewed),
        **_overruled(main, reviewed),
        "previous_kept": known.records.height,
        "previous_vanished": known.vanished,
        "previous_undone": known.undone,
    }


# Why a record stayed unlinked is told by the first of these among its pairs.
REASONS = (
    "tie", "taken", "kept_apart", "cannot_link", "death_before_contact", "reviewed_no", "review",
    "ambiguous", "contradicted", "rejected",
)  # fmt: skip
NO_CANDIDATE = "no_candidate"


def why_unlinked(unlinked: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return `source`, `record_id`, `reason` of unlinked records: what came nearest to a link.

    `pairs` is the table of the schema; `reason` is one of `REASONS`, or `NO_CANDIDATE`.
    """
    sides = [
        pairs.select("decision", source=f"source_{side}", record_id=f"record_id_{side}")
        for side in ("l", "r")
    ]
    rank = {reason: place for place, reason in enumerate(REASONS)}
    place = pl.col("decision").replace_strict(rank, default=None, return_dtype=pl.Int64)
    first = pl.concat(sides).group_by("source", "record_id").agg(place.min().alias("place"))
    told = unlinked.select("source", "record_id").join(
        first, on=["source", "record_id"], how="left", maintain_order="left"
    )
    named = {place: reason for reason, place in rank.items()}
    reason = pl.col("place").replace_strict(named, default=None, return_dtype=pl.String)
    return told.select("source", "record_id", reason.fill_null(NO_CANDIDATE).alias("reason"))


def _why_unlinked(main: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, int]:
    """Return how many unlinked records each decision, or having no candidate, kept so."""
    told = why_unlinked(main.filter(pl.col("method") == UNLINKED), pairs)
    found = dict(told.group_by("reason").len().iter_rows())
    return {f"unlinked_{reason}": found.get(reason, 0) for reason in (*REASONS, NO_CANDIDATE)}


def _off_register(main: pl.DataFrame) -> dict[str, int]:
    people = main.group_by("person_id").agg(pl.col("on_register").any(), pl.len().alias("records"))
    others = people.filter(~pl.col("on_register"))
    return {
        "people_off_register": others.height,
        "people_off_register_linked": others.filter(pl.col("records") > 1).height,
    }


def _not_followed(main: pl.DataFrame, reviewed: Reviewed) -> int:
    """Return how many records are not the person that a reviewer's yes makes them."""
    person = main.select("rid", "person_id")
    groups = reviewed.groups.select(rid_l="group", rid_r="rid")
    both = (
        pl.concat([reviewed.register, groups])
        .join(person, left_on="rid_l", right_on="rid")
        .join(person, left_on="rid_r", right_on="rid", suffix="_r")
    )
    return both.filter(pl.col("person_id") != pl.col("person_id_r")).height


def _overruled(main: pl.DataFrame, reviewed: Reviewed) -> dict[str, int]:
    """Return how many pairs a reviewer's yes made one person against numbers or dates of death."""
    person = main.select("rid", "person_id")
    joined = (
        reviewed.agreed.join(person, left_on="rid_l", right_on="rid")
        .join(person, left_on="rid_r", right_on="rid", suffix="_r")
        .filter(pl.col("person_id") == pl.col("person_id_r"))
        .select("rid_r", rid="rid_l")
    )
    held = main.select("rid", "nhs_number", firm=pl.lit(value=True)).drop_nulls("nhs_number")
    return {
        "reviewed_yes_against_numbers": barred.numbers_differ(joined, held).height,
        "reviewed_yes_against_death": barred.died_before(joined, main).height,
    }
