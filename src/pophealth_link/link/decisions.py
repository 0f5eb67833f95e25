"""What reviewers decided: pairs that are one person (yes) and pairs that are not (no)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link.errors import DataError, JobError, LinkageError
from pophealth_link.folders import shown
from pophealth_link.link.components import components

REVIEWED = "reviewed"
COLUMNS = ("source_l", "record_id_l", "source_r", "record_id_r", "decision")
YES, NO = "yes", "no"
_PAIR = ["rid_l", "rid_r"]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Reviewed pairs by `rid`; its repr shows counts only.

    `register` (`rid_l`, `rid_r`) holds the register person of records that are one by a yes, also
    by way of other records; `groups` (`rid`, `group`) records that are one person and hold no
    register person; `refused` the pairs with a no. `unknown` counts decisions of records that are
    not there.
    """

    register: pl.DataFrame = field(repr=False)
    groups: pl.DataFrame = field(repr=False)
    refused: pl.DataFrame = field(repr=False)
    yes: int = 0
    no: int = 0
    unknown: int = 0


def nothing() -> Reviewed:
    """Return the decisions of a linkage that nobody reviewed."""
    pairs = pl.DataFrame(schema=dict.fromkeys(_PAIR, pl.UInt32))
    return Reviewed(pairs, pl.DataFrame(schema={"rid": pl.UInt32, "group": pl.UInt32}), pairs)


def read(path: Path, sources: Collection[str] | None = None) -> pl.DataFrame:
    """Return the decisions in a CSV file: the columns `COLUMNS` as text, each pair once.

    `sources` are the names that `source_l` and `source_r` may have. Raises `JobError` where the
    file cannot be read; `DataError` where a column is absent, a decision is neither yes nor no, a
    source is none of the job's, or one pair has both a yes and a no.
    """
    table = _text(path)
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        raise DataError(
            f"{shown(path)} lacks {', '.join(f'`{name}`' for name in absent)}.",
            fix=f"give the columns {', '.join(COLUMNS)}.",
        )
    plain = table.select(
        *(pl.col(name).str.strip_chars() for name in COLUMNS[:4]),
        pl.col("decision").str.strip_chars().str.to_lowercase(),
    )
    faults = _faults(plain, sources)
    if faults:
        raise DataError(f"{shown(path)} cannot be used as decisions.", *faults)
    return plain.unique().sort(COLUMNS)


def _text(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError):
        pass
    raise JobError(
        f"the decisions {shown(path)} could not be read.",
        fix="name a CSV file of reviewed pairs in link.decisions.",
    )


def _faults(table: pl.DataFrame, sources: Collection[str] | None) -> list[str]:
    faults = []
    empty = table.filter(pl.any_horizontal(pl.all().is_null() | (pl.all() == ""))).height
    if empty:
        faults.append(f"{empty:,} of {table.height:,} rows are not filled.")
    word = pl.col("decision").fill_null("")
    neither = table.filter((word != "") & ~word.is_in([YES, NO])).height
    if neither:
        faults.append(f"{neither:,} of {table.height:,} decisions are neither yes nor no.")
    if sources is not None:
        known = [pl.col(c).fill_null("").is_in([*sources, ""]) for c in ("source_l", "source_r")]
        strange = table.filter(~pl.all_horizontal(known)).height
        if strange:
            names = ", ".join(sorted(sources))
            faults.append(f"{strange:,} rows name a source that is not there. Sources: {names}.")
    both = _turned(table).group_by(COLUMNS[:4]).agg(pl.col("decision").n_unique())
    torn = both.filter(pl.col("decision") > 1).height // 2
    if torn:
        faults.append(f"{torn:,} pairs have both a yes and a no.")
    return faults


def _turned(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows and, with left and right exchanged, the same again."""
    names = {"source_l": "source_r", "record_id_l": "record_id_r"}
    exchanged = names | {right: left for left, right in names.items()}
    return pl.concat([table, table.rename(exchanged).select(table.columns)])


def resolve(table: pl.DataFrame, records: pl.DataFrame) -> Reviewed:
    """Return the decisions about the given prepared `records`.

    A decision about a record that is not there is counted. Raises `LinkageError` where none of
    them is about these records, and where decisions contradict each other: two people of the
    register, or two records of a source of unique people, would be one person, or a pair with a no
    is one person by way of others.
    """
    facts = records.filter(~pl.col("alias")).select(
        "rid", "source", "record_id", "on_register", "unique_people"
    )
    known = _with_rids(table, facts)
    if table.height and known.is_empty():
        raise LinkageError(
            f"none of {table.height:,} reviewed pairs is about records of these sources.",
            fix="give the decisions on these sources, with the record ids that they hold now.",
        )
    yes = known.filter(pl.col("decision") == YES).select(_PAIR)
    no = known.filter(pl.col("decision") == NO).select(_PAIR)
    one = components(yes).cast(pl.UInt32).rename({"node": "rid", "component": "group"})
    members = one.join(facts, on="rid").sort("rid")
    _refuse_contradictions(members, no)
    register = members.filter("on_register").select("group", rid_l="rid")
    others = members.filter(~pl.col("on_register"))
    linked = others.join(register, on="group").select("rid_l", rid_r="rid").sort(_PAIR)
    loose = others.join(register, on="group", how="anti").select("rid", "group")
    return Reviewed(linked, loose, no, yes.height, no.height, table.height - known.height)


def _with_rids(table: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    found = table
    for side in ("l", "r"):
        own = facts.select(
            pl.col("rid").alias(f"rid_{side}"),
            pl.col("source").alias(f"source_{side}"),
            pl.col("record_id").alias(f"record_id_{side}"),
        )
        found = found.join(own, on=[f"source_{side}", f"record_id_{side}"])
    return found.filter(pl.col("rid_l") != pl.col("rid_r")).sort(_PAIR)


def _refuse_contradictions(members: pl.DataFrame, no: pl.DataFrame) -> None:
    registered = members.filter("on_register").group_by("group").len()
    unique = members.filter("unique_people").group_by("group", "source").len()
    groups = members.select("rid", "group")
    inside = no.join(groups, left_on="rid_l", right_on="rid").join(
        groups, left_on="rid_r", right_on="rid", suffix="_r"
    )
    told = {
        "people of the register would be more than one row of it": registered,
        "people would have several records of a source of unique people": unique,
    }
    faults = [
        f"{count:,} {text}."
        for text, found in told.items()
        if (count := found.filter(pl.col("len") > 1).height)
    ]
    refused = inside.filter(pl.col("group") == pl.col("group_r")).height
    if refused:
        faults.append(f"{refused:,} pairs with a no are one person by other pairs with a yes.")
    if faults:
        raise LinkageError(
            "reviewed decisions contradict each other.",
            *faults,
            fix="have these pairs reviewed again; or set unique_people = false.",
        )


def follow(accepted: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid_l`, `rid_r` by which the rest of a group follow a linked member.

    Where members are linked to two people nobody follows.
    """
    linked = accepted.join(groups, left_on="rid_r", right_on="rid").select("group", "rid_l")
    sole = linked.unique().filter(pl.col("rid_l").len().over("group") == 1)
    followers = sole.join(groups, on="group").select("rid_l", rid_r="rid")
    return followers.join(accepted, on="rid_r", how="anti").sort(_PAIR)


def torn(accepted: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the accepted pairs that link members of one reviewed group to different people."""
    linked = accepted.join(groups, left_on="rid_r", right_on="rid")
    return linked.filter(pl.col("rid_l").n_unique().over("group") > 1).select(_PAIR)
