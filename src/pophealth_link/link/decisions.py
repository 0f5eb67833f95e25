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
    register person; `refused` the pairs with a no, `agreed` those with a yes. `unknown` counts
    decisions of records that are not there.
    """

    register: pl.DataFrame = field(repr=False)
    groups: pl.DataFrame = field(repr=False)
    refused: pl.DataFrame = field(repr=False)
    agreed: pl.DataFrame = field(repr=False)
    yes: int = 0
    no: int = 0
    unknown: int = 0

    @property
    def one(self) -> pl.DataFrame:
        """All records that are one person by a yes: `rid`, `group`."""
        persons = self.register.select("rid_l").unique().select(rid="rid_l", group="rid_l")
        others = self.register.select(rid="rid_r", group="rid_l")
        return pl.concat([self.groups, persons, others])


def nothing() -> Reviewed:
    """Return the decisions of a linkage that nobody reviewed."""
    pairs = pl.DataFrame(schema=dict.fromkeys(_PAIR, pl.UInt32))
    groups = pl.DataFrame(schema={"rid": pl.UInt32, "group": pl.UInt32})
    return Reviewed(pairs, groups, pairs, pairs)


def read(path: Path, sources: Collection[str] | None = None) -> pl.DataFrame:
    """Return the decisions in a CSV file: the columns `COLUMNS` as text, each pair once.

    A pair is the same whichever of its records stands on the left: the smaller one is put there.
    Rows in which nothing is written are ignored. `sources` are the names that `source_l` and
    `source_r` may have. Raises `JobError` where the file cannot be read; `DataError` where a column
    is absent, a decision is neither yes nor no, a source is none of the job's, a record is paired
    with itself, or one pair has both a yes and a no.
    """
    table = _text(path)
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        raise DataError(
            f"{shown(path)} lacks {', '.join(f'`{name}`' for name in absent)}.",
            fix=f"give the columns {', '.join(COLUMNS)}.",
        )
    plain = _turned(_filled(table))
    faults = _faults(plain, sources)
    if faults:
        raise DataError(
            f"{shown(path)} cannot be used as decisions.",
            *faults,
            fix="fill each row with two records and yes or no, and decide each pair once.",
        )
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


def _filled(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in which anything is written, without blanks around it."""
    plain = table.select(
        *(pl.col(name).str.strip_chars() for name in COLUMNS[:4]),
        pl.col("decision").str.strip_chars().str.to_lowercase(),
    )
    return plain.filter(pl.any_horizontal(pl.all().fill_null("") != ""))


def _turned(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows, the smaller record of each on the left."""
    sides = {side: [f"source_{side}", f"record_id_{side}"] for side in "lr"}
    source = [pl.col(sides[side][0]).fill_null("") for side in "lr"]
    record = [pl.col(sides[side][1]).fill_null("") for side in "lr"]
    wrong = (source[0] > source[1]) | ((source[0] == source[1]) & (record[0] > record[1]))
    turned = [
        pl.when(wrong).then(pl.col(other)).otherwise(pl.col(own)).alias(own)
        for one, two in ("lr", "rl")
        for own, other in zip(sides[one], sides[two], strict=True)
    ]
    return table.select(*turned, "decision")


def _faults(table: pl.DataFrame, sources: Collection[str] | None) -> list[str]:
    """Return what is wrong with the rows, each fault with how many have it."""
    word = pl.col("decision").fill_null("")
    rows, pair = f"{table.height:,}", [pl.col(name).fill_null("") for name in COLUMNS[:4]]
    known = [name.is_in([*(sources or ()), ""]) for name in (pair[0], pair[2])]
    itself = (pair[0] == pair[2]) & (pair[1] == pair[3]) & (pair[0] != "") & (pair[1] != "")
    told = {
        f"of {rows} rows are not filled.": pl.any_horizontal(pl.all().fill_null("") == ""),
        f"of {rows} decisions are neither yes nor no.": (word != "") & ~word.is_in([YES, NO]),
        f"of {rows} rows pair a record with itself.": itself,
    }
    if sources is not None:
        names = ", ".join(sorted(sources))
        strange = ~pl.all_horizontal(known)
        told[f"of {rows} rows name a source that is not there. Sources: {names}."] = strange
    faults = [
        f"{count:,} {text}" for text, wrong in told.items() if (count := table.filter(wrong).height)
    ]
    decided = table.filter(word.is_in([YES, NO]))
    both = decided.group_by(COLUMNS[:4]).agg(pl.col("decision").n_unique())
    torn = both.filter(pl.col("decision") > 1).height
    return [*faults, f"{torn:,} pairs have both a yes and a no."] if torn else faults


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
    unknown = table.height - known.height
    return Reviewed(linked, loose, no, yes, yes.height, no.height, unknown)


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
