"""What forbids that two records are one person, whatever else they agree in.

A reviewer's no; two different NHS numbers that nothing contradicts; a death before the other's
contact; and, in a source of unique people, another record that is the person already.
"""

from __future__ import annotations

from collections.abc import Collection
from math import log2

import polars as pl

from pophealth_link.link.records import PSEUDONYM

REVIEWED_NO, CONTRADICTED, CANNOT_LINK = "reviewed_no", "contradicted", "cannot_link"
DEATH, TAKEN = "death_before_contact", "taken"
# Good enough by itself, but the two people that it would join are apart, or it cannot be told from
# other pairs which of them is wrong.
KEPT_APART = "kept_apart"

# How often the number of a true pair differs where tokens may be damaged unseen (they have no check
# digit) or numbers may be superseded: assumed 1 in 20. In FEBRL, whose numbers bear typing errors,
# it is 1 in 11.
_SOFT_ERROR = 0.05
_PAIR = ["rid_l", "rid_r"]
# Where several things forbid a pair the first of these is told.
_ORDER = {
    reason: place
    for place, reason in enumerate(
        (REVIEWED_NO, CONTRADICTED, CANNOT_LINK, DEATH, TAKEN, KEPT_APART)
    )
}


def with_firmness(trusted: pl.DataFrame, superseded: Collection[str] = ()) -> pl.DataFrame:
    """Return trusted numbers with `firm`: whether a number that differs rules a link out.

    Tokens are not firm, because damage to them cannot be seen, nor are the numbers of sources
    known to hold superseded ones.
    """
    if "firm" in trusted.columns:
        return trusted
    clear = ~pl.col("nhs_number").str.starts_with(PSEUDONYM)
    current = ~pl.col("source").is_in(sorted(superseded)) if superseded else pl.lit(value=True)
    return trusted.with_columns(firm=clear & current)


def reasons(
    pairs: pl.DataFrame,
    *,
    links: pl.DataFrame,
    records: pl.DataFrame,
    numbers: pl.DataFrame,
    apart: pl.DataFrame,
    one: pl.DataFrame,
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r` and `reason` of the pairs that may not link, each once.

    The whole person is looked at. `links` holds `rid_l`, `rid_r` of what is linked already: these
    records stand for the person on the left too. `one` (`rid`, `group`) holds records that are one
    person by a reviewer or an earlier run: where one of them goes the others go, so what forbids it
    to any forbids it to all; among themselves only a reviewer's no counts. `numbers` holds `rid`,
    `nhs_number`, `firm`; `apart` pairs, in either order, that are known not to be one person, with
    the `reason`.
    """
    asked = pairs.select(_PAIR).unique()
    if asked.is_empty():
        return asked.with_columns(reason=pl.lit(None, dtype=pl.String))
    person = pl.concat([asked.select("rid_l", rid="rid_l"), links.select("rid_l", rid="rid_r")])
    mated = mates(asked, one)
    every = mated.join(person.unique(), on="rid_l")
    faced = _of_two(every, one)
    found = [
        _named(known_apart(every, _refused(apart)), "reason"),
        _named(known_apart(faced, apart), "reason"),
        _named(numbers_differ(faced, numbers), pl.lit(CANNOT_LINK)),
        _named(died_before(faced, records), pl.lit(DEATH)),
        _named(mated.join(taken(mated, links, records), on=_PAIR, how="semi"), pl.lit(TAKEN)),
    ]
    if not one.is_empty():
        found.append(_named(_linked_elsewhere(mated, links), pl.lit(KEPT_APART)))
    place = pl.col("reason").replace_strict(_ORDER, return_dtype=pl.Int64)
    ordered = pl.concat(found).sort(*_PAIR, place)
    return ordered.unique(_PAIR, keep="first", maintain_order=True)


def _refused(apart: pl.DataFrame) -> pl.DataFrame:
    return apart.filter(pl.col("reason") == REVIEWED_NO)


def mates(pairs: pl.DataFrame, one: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `asked`, `rid_r`: `rid_r` goes where `asked`, the right of a pair, goes.

    That is the record itself, and those that are one person with it already (`one`).

    >>> pairs = pl.DataFrame({"rid_l": [0], "rid_r": [7]})
    >>> one = pl.DataFrame({"rid": [7, 8], "group": [7, 7]})
    >>> sorted(mates(pairs, one)["rid_r"])
    [7, 8]
    """
    itself = pairs.select("rid_l", "rid_r", asked="rid_r").select("rid_l", "asked", "rid_r")
    if one.is_empty():
        return itself
    of_group = pairs.select("rid_l", asked="rid_r").join(one, left_on="asked", right_on="rid")
    others = of_group.join(one.rename({"rid": "rid_r"}), on="group").select(itself.columns)
    return pl.concat([itself, others]).unique()


def _of_two(pairs: pl.DataFrame, one: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` but for those that are one person already."""
    if one.is_empty():
        return pairs
    left, right = one.rename({"group": "group_l"}), one.rename({"rid": "rid_r"})
    known = pairs.join(left, on="rid", how="left").join(right, on="rid_r", how="left")
    same = (pl.col("group_l") == pl.col("group")).fill_null(value=False)
    return known.filter(~same).select(pairs.columns)


def _linked_elsewhere(pairs: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of which the record on the right is linked to somebody else already."""
    there = pairs.join(links, on="rid_r", suffix="_there")
    return there.filter(pl.col("rid_l") != pl.col("rid_l_there"))


def _named(pairs: pl.DataFrame, reason: pl.Expr | str) -> pl.DataFrame:
    told = pl.col(reason) if isinstance(reason, str) else reason
    return pairs.select("rid_l", told.alias("reason"), rid_r="asked").select(*_PAIR, "reason")


def known_apart(pairs: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` (and what goes with them) that `apart` names: `reason`."""
    ends = [("rid_l", "rid_r"), ("rid_r", "rid_l")]
    both = pl.concat([apart.select("reason", rid=one, rid_r=other) for one, other in ends])
    # A reviewer's word comes last in the alphabet and counts first.
    ordered = both.sort("rid", "rid_r", "reason", descending=[False, False, True])
    first = ordered.unique(["rid", "rid_r"], keep="first", maintain_order=True)
    return pairs.join(first, on=["rid", "rid_r"])


def numbers_differ(pairs: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` (and what goes with them) whose firm NHS numbers differ.

    A token and a number in clear say nothing of each other. Of a record that holds several (see
    `as_one`) none may be the other's.
    """
    firm = numbers.filter("firm").select("rid", "nhs_number")
    both = pairs.join(firm, on="rid").join(firm, left_on="rid_r", right_on="rid", suffix="_r")
    same = both.filter(pl.col("nhs_number") == pl.col("nhs_number_r"))
    differ = both.filter(_differ()).join(same, on=["rid", "rid_r"], how="anti")
    return differ.select(pairs.columns).unique()


def as_one(trusted: pl.DataFrame, one: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `nhs_number`, `firm`: each record of a group with the firm numbers of all.

    `one` (`rid`, `group`) holds records that are one person by what a reviewer or an earlier run
    decided, so none of the numbers of one speaks against another.

    >>> trusted = pl.DataFrame({"rid": [1, 2], "nhs_number": ["a", "b"], "firm": [True, True]})
    >>> as_one(trusted, pl.DataFrame({"rid": [1, 2], "group": [1, 1]})).height
    4
    """
    own = trusted.select("rid", "nhs_number", "firm")
    held = own.filter("firm").join(one, on="rid").drop("rid")
    if held.is_empty():
        return own
    return pl.concat([own, one.join(held, on="group").select(own.columns)]).unique()


def _differ() -> pl.Expr:
    kinds = [pl.col(name).str.starts_with(PSEUDONYM) for name in ("nhs_number", "nhs_number_r")]
    return (pl.col("nhs_number") != pl.col("nhs_number_r")) & (kinds[0] == kinds[1])


def soft_evidence(pairs: pl.DataFrame, trusted: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs with `bits`: what differing numbers weigh that are no veto.

    Different numbers are all but sure of two people, and as likely in one as numbers are
    superseded or damaged. Pairs whose numbers agree, are firm or are not both there weigh 0.

    >>> held = pl.DataFrame({"rid": [1, 2], "nhs_number": ["a", "b"], "firm": [True, False]})
    >>> soft_evidence(pl.DataFrame({"rid_l": [1], "rid_r": [2]}), held)["bits"].round(2).item()
    -4.32
    """
    both = pairs.join(trusted, left_on="rid_l", right_on="rid", how="left").join(
        trusted, left_on="rid_r", right_on="rid", how="left", suffix="_r"
    )
    weighs = (_differ() & ~(pl.col("firm") & pl.col("firm_r"))).fill_null(value=False)
    bits = pl.when(weighs).then(log2(_SOFT_ERROR)).otherwise(0.0)
    return both.with_columns(bits.alias("bits")).select(*pairs.columns, "bits")


def died_before(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` of which one died before the other's first contact.

    That is its `date_from`. What goes with the pairs stays.
    """
    main = records.filter(~pl.col("alias"))
    died = main.select("rid", "date_of_death").drop_nulls()
    seen = main.select("rid", "date_from").drop_nulls()
    found = [
        pairs.join(died, left_on=one, right_on="rid")
        .join(seen, left_on=other, right_on="rid")
        .filter(pl.col("date_of_death") < pl.col("date_from"))
        .select(pairs.columns)
        for one, other in (("rid", "rid_r"), ("rid_r", "rid"))
    ]
    return pl.concat(found).unique()


def taken(pairs: pl.DataFrame, links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs whose register person already has another record of the same unique source.

    `pairs` and `links` hold `rid_l` (register) and `rid_r`.
    """
    facts = records.filter(~pl.col("alias")).select("rid", "source", "unique_people")
    linked = links.join(facts, left_on="rid_r", right_on="rid").filter("unique_people")
    holders = linked.select("rid_l", "source", holder="rid_r")
    return (
        pairs.join(facts, left_on="rid_r", right_on="rid")
        .join(holders, on=["rid_l", "source"])
        .filter(pl.col("holder") != pl.col("rid_r"))
        .select(_PAIR)
        .unique()
    )


def of_one_source(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` of two records of one source of unique people."""
    facts = records.filter(~pl.col("alias") & pl.col("unique_people")).select("rid", "source")
    both = pairs.join(facts, on="rid")
    keys = ["rid", "source"]
    return both.join(facts, left_on=["rid_r", "source"], right_on=keys, how="semi").select(
        pairs.columns
    )


def torn(
    accepted: pl.DataFrame,
    *,
    records: pl.DataFrame,
    numbers: pl.DataFrame,
    apart: pl.DataFrame,
    one: pl.DataFrame,
) -> pl.DataFrame:
    """Return those of the accepted pairs that make two records one person who cannot be one.

    Each of the two may be the person; nothing tells which. Arguments as of `reasons`.
    """
    theirs = mates(accepted, one)
    others = theirs.rename({"asked": "other", "rid_r": "rid"})
    every = theirs.join(others, on="rid_l").filter(pl.col("rid") != pl.col("rid_r"))
    pairs = _of_two(every, one)
    found = [
        known_apart(every, _refused(apart)).select(pairs.columns),
        known_apart(pairs, apart).select(pairs.columns),
        numbers_differ(pairs, numbers),
        died_before(pairs, records),
        of_one_source(every.filter(pl.col("asked") != pl.col("other")), records),
    ]
    return pl.concat(found).select("rid_l", rid_r="asked").unique()
