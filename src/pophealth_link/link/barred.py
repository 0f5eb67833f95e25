"""What forbids that two records are one person, whatever else they agree in.

A reviewer's no; two different NHS numbers that nothing contradicts; a death before the other's
contact; and, in a source of unique people, another record that is the person already.
"""

from __future__ import annotations

from collections.abc import Collection
from math import log2

import polars as pl

from pophealth_link.link.records import PSEUDONYM

REVIEWED_NO, CANNOT_LINK = "reviewed_no", "cannot_link"
DEATH, TAKEN = "death_before_contact", "taken"

# How often the number of a true pair differs where tokens may be damaged unseen (they have no check
# digit) or numbers may be superseded: assumed 1 in 20. In FEBRL, whose numbers bear typing errors,
# it is 1 in 11.
_SOFT_ERROR = 0.05
_PAIR = ["rid_l", "rid_r"]


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
    trusted: pl.DataFrame,
    apart: pl.DataFrame,
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r` and `reason` of the pairs that may not link, each once.

    `links` holds `rid_l`, `rid_r` of what is linked already, whose records stand for the person on
    the left too; `trusted` `rid`, `nhs_number`, `firm`; `apart` pairs, in either order, that are
    known not to be one person, with the `reason`.
    """
    asked = pairs.select(_PAIR).unique()
    if asked.is_empty():
        return asked.with_columns(reason=pl.lit(None, dtype=pl.String))
    person = pl.concat([asked.select("rid_l", rid="rid_l"), links.select("rid_l", rid="rid_r")])
    members = asked.join(person.unique(), on="rid_l")
    found = [
        known_apart(members, apart).select(*_PAIR, "reason"),
        _named(numbers_differ(members, trusted), CANNOT_LINK),
        _named(died_before(asked, records), DEATH),
        _named(taken(asked, links, records), TAKEN),
    ]
    return pl.concat(found).sort(_PAIR, maintain_order=True).unique(_PAIR, keep="first")


def _named(pairs: pl.DataFrame, reason: str) -> pl.DataFrame:
    return pairs.select(*_PAIR, pl.lit(reason).alias("reason"))


def known_apart(pairs: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` (and what goes with them) that `apart` names: `reason`."""
    ends = [("rid_l", "rid_r"), ("rid_r", "rid_l")]
    both = pl.concat([apart.select("reason", rid=one, rid_r=other) for one, other in ends])
    # A reviewer's word comes last in the alphabet and counts first.
    ordered = both.sort("rid", "rid_r", "reason", descending=[False, False, True])
    first = ordered.unique(["rid", "rid_r"], keep="first", maintain_order=True)
    return pairs.join(first, on=["rid", "rid_r"])


def numbers_differ(pairs: pl.DataFrame, trusted: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs `rid`, `rid_r` (and what goes with them) whose firm NHS numbers differ.

    A token and a number in clear say nothing of each other.
    """
    firm = trusted.filter("firm").select("rid", "nhs_number")
    both = pairs.join(firm, on="rid").join(firm, left_on="rid_r", right_on="rid", suffix="_r")
    return both.filter(_differ())


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
    """Return the pairs of which one died before the other's first contact (`date_from`)."""
    dates = records.filter(~pl.col("alias")).select("rid", "date_of_death", "date_from")
    both = pairs.join(dates, left_on="rid_l", right_on="rid").join(
        dates, left_on="rid_r", right_on="rid", suffix="_r"
    )
    one = pl.col("date_of_death") < pl.col("date_from_r")
    other = pl.col("date_of_death_r") < pl.col("date_from")
    return both.filter(one | other).select(_PAIR)


def taken(pairs: pl.DataFrame, links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs whose register person already has a record of the same unique source."""
    facts = records.filter(~pl.col("alias")).select("rid", "source", "unique_people")
    linked = links.join(facts, left_on="rid_r", right_on="rid").filter("unique_people")
    return (
        pairs.join(facts, left_on="rid_r", right_on="rid")
        .join(linked.select("rid_l", "source"), on=["rid_l", "source"], how="semi")
        .select(_PAIR)
    )


def torn(accepted: pl.DataFrame, trusted: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return those of the accepted pairs that make two records one person who cannot be one.

    Each of the two may be the person; nothing tells which.
    """
    links = accepted.select(_PAIR)
    pairs = links.join(links.rename({"rid_r": "rid"}), on="rid_l").filter(
        pl.col("rid") != pl.col("rid_r")
    )
    found = [known_apart(pairs, apart), numbers_differ(pairs, trusted)]
    return pl.concat([each.select(_PAIR) for each in found]).unique()
