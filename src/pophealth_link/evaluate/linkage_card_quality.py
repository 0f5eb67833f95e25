"""Quality of a linkage for its card: the counts behind it, and the sections made of them.

The counts of the blind run, blocking loss, implausible scenarios, threshold sensitivity and bias
go through the card's ledger beside all others; their rates are worked out from what it releases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from pophealth_link.evaluate.bias import bias_rates, standardised_differences
from pophealth_link.evaluate.blind import blind_rates
from pophealth_link.evaluate.blocking_loss import loss_rates
from pophealth_link.evaluate.implausible import implausible_rates
from pophealth_link.evaluate.linkage_card_counts import Facts
from pophealth_link.evaluate.linkage_card_ledger import Key, Ledger, Released, Sum, between
from pophealth_link.evaluate.sensitivity import sensitivity_rates

ALL, HELD, WITHOUT = "all", "held", "without"
_DECIMALS = 4
# Of fewer unlinked records a difference from the linked is noise, and mostly withheld (assumed).
_ENOUGH = 100


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of counts: which columns name a row, which count, and which part yields to which.

    `parts` maps a count to counts that are a part of it; the flag says that they are all of it.
    `texts` are columns that go with a row and count nobody.
    """

    name: str
    names: tuple[str, ...]
    counts: tuple[str, ...]
    parts: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
    texts: tuple[str, ...] = ()

    def key(self, row: Facts, count: str) -> Key:
        """Return the ledger's key of a count of a row."""
        return (self.name, count, *(str(row[name]) for name in self.names))

    def ledger(self, rows: Sequence[Facts]) -> Ledger:
        """Return the counts of the rows, each whole beside its parts."""
        counts: dict[Key, int] = {}
        sums = []
        for row in rows:
            told = {c: self.key(row, c) for c in self.counts if row.get(c) is not None}
            counts |= {key: round(row[count]) for count, key in told.items()}
            for whole, parts, every in self.parts:
                if {whole, *parts} <= told.keys():
                    keys = tuple(told[part] for part in parts)
                    sums.append(Sum(told[whole], keys, more=not every, yields=keys[:1]))
        return Ledger(counts, tuple(sums))

    def released(self, rows: Sequence[Facts], released: Released) -> pl.DataFrame:
        """Return the rows with released counts, null where withheld, and nothing else of theirs."""
        told = [
            {
                **{name: row[name] for name in (*self.names, *self.texts)},
                **{count: released.counts.get(self.key(row, count)) for count in self.counts},
            }
            for row in rows
        ]
        counts = dict.fromkeys(self.counts, pl.Int64)
        return pl.DataFrame(told, schema_overrides=counts, infer_schema_length=None)


_BLIND = _Table(
    "blind",
    ("source", "population", "dimension", "group"),
    ("records", "found", "wrong", "missed", "strangers", "strangers_linked", "never_compared",
     "listed", "linked", "asked", "registered"),
    (
        ("records", ("found", "wrong", "missed"), True),
        ("missed", ("never_compared",), False),
        ("strangers", ("strangers_linked",), False),
        ("listed", ("linked",), False),
        ("asked", ("registered",), False),
    ),
    texts=("basis",),
)  # fmt: skip
_BLOCKING = _Table(
    "blocking",
    ("source",),
    ("found", "once", "twice", "records", "never_compared", "listed", "asked", "registered"),
    (("found", ("once", "twice"), False), ("records", ("never_compared",), False)),
    texts=("rules",),
)
_RULES = _Table("blocking rule", ("rule",), ("links", "alone"), (("links", ("alone",), False),))
_IMPLAUSIBLE = _Table(
    "implausible",
    ("scenario", "source"),
    ("checked", "found", "checked_by_number", "found_by_number", "checked_at_random",
     "found_at_random"),
    tuple((f"checked{of}", (f"found{of}",), False) for of in ("", "_by_number", "_at_random")),
)  # fmt: skip
_SENSITIVITY = _Table(
    "sensitivity",
    ("source", "threshold"),
    # Links that a model weighed, and people, differ from threshold to threshold as links do: with
    # their own roundings they would tell the differences more closely.
    ("records", "links", "expected_false"),
)
_BIAS = _Table(
    "bias",
    ("source", "dimension", "group"),
    ("records", "linked", "rest", "known", "missed"),
    (("records", ("linked", "rest"), True), ("known", ("missed",), False)),
)
_TABLES: Mapping[str, tuple[_Table, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "blind": (_BLIND, blind_rates),
    "blocking": (_BLOCKING, loss_rates),
    "implausible": (_IMPLAUSIBLE, implausible_rates),
    "sensitivity": (_SENSITIVITY, sensitivity_rates),
    "bias": (_BIAS, bias_rates),
}


def parts(exact: Facts) -> list[Ledger]:
    """Return the counts of the results on quality as ledgers, the most telling first.

    Their sums tie them to one another and to the counts of the other sections.
    """
    found = [*_groups(exact), _tied("blind", exact), _thresholds(exact)]
    found += [_tied("implausible", exact), _tied("blocking", exact)]
    rules = exact["quality"].get("blocking", {}).get("rules", [])
    return [*found, _RULES.ledger(rules)]


def _tied(name: str, exact: Facts) -> Ledger:
    table, _ = _TABLES[name]
    ledger = table.ledger(_rows(exact, name))
    return Ledger(ledger.counts, (*ledger.sums, *_same(exact)))


def _rows(exact: Facts, name: str) -> list[dict[str, Any]]:
    """Return the exact rows of a result that the card tells of: few, so that they can be told.

    Scenarios are added up over the sources, thresholds are those of all sources, hidden records
    are told of by source alone; groups over all sources, and of each source that has enough
    records which are not linked.
    """
    rows = list(exact["quality"].get(name, {}).get("counts", []))
    if name == "blind":
        return [row for row in rows if row["dimension"] == ALL]
    if name == "sensitivity":
        return [row for row in rows if row["source"] == ALL]
    if name == "implausible":
        return _over_sources(rows)
    return _with_rest(rows) if name == "bias" else rows


def _over_sources(rows: Sequence[Facts]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        own = found.setdefault(row["scenario"], {"scenario": row["scenario"], "source": ALL})
        for count in _IMPLAUSIBLE.counts:
            known = [n for n in (own.get(count), row[count]) if n is not None]
            own[count] = sum(known) if known else None
    return list(found.values())


def _with_rest(rows: Sequence[Facts]) -> list[dict[str, Any]]:
    """Add how many records of a group are not linked; leave out what would be noise or withheld."""
    told = [{**row, "rest": row["records"] - row["linked"]} for row in rows]
    enough = {row["source"] for row in told if row["dimension"] == ALL and row["rest"] >= _ENOUGH}
    whole = [row for row in told if row["source"] == ALL]
    own = [
        {**row, "known": None, "missed": None} for row in told if row["source"] in enough - {ALL}
    ]
    return [*whole, *own]


def _groups(exact: Facts) -> list[Ledger]:
    """Return a ledger for each dimension of each source: how many are linked, then how many missed.

    A source is the sum over its groups; a group of all sources is no less than that of a source.
    """
    by_dimension: dict[tuple[str, str], list[Facts]] = defaultdict(list)
    for row in _rows(exact, "bias"):
        by_dimension[row["source"], row["dimension"]].append(row)
    ranked = sorted(by_dimension.items(), key=lambda each: (each[0][0] != ALL, each[0][1] != ALL))
    linked = [_group(_BIAS, rows, _LINKED, _of_flow(exact)) for _, rows in ranked]
    missed = [_group(_BIAS, rows, _MISSED, []) for _, rows in ranked]
    return [*linked, *missed]


_LINKED, _MISSED = ("records", "linked", "rest"), ("known", "missed")


def _group(
    table: _Table, rows: Sequence[Facts], counts: tuple[str, ...], further: Sequence[Sum]
) -> Ledger:
    """Return the ledger of the groups of one dimension of a source, of these counts alone."""
    told = table.ledger([{k: v for k, v in row.items() if k not in _other(counts)} for row in rows])
    sums = [*told.sums, *further]
    for row in rows:
        for count in counts:
            parts_ = tuple(table.key(each, count) for each in rows)
            if row["dimension"] != ALL:
                sums.append(Sum(("bias", count, row["source"], ALL, ALL), parts_))
            if row["source"] != ALL:
                whole = ("bias", count, ALL, row["dimension"], row["group"])
                sums.append(Sum(whole, (table.key(row, count),), more=True))
    return Ledger(told.counts, tuple(dict.fromkeys(sums)))


def _other(counts: tuple[str, ...]) -> set[str]:
    return {*_LINKED, *_MISSED} - {*counts}


def _of_flow(exact: Facts) -> list[Sum]:
    """Return what the groups of the bias share with the flow of records."""
    found = [
        Sum(("outside",), (("bias", "records", ALL, ALL, ALL),)),
        Sum(("linked",), (("bias", "linked", ALL, ALL, ALL),)),
        Sum(("rest",), (("bias", "rest", ALL, ALL, ALL),)),
    ]
    for row in exact["intake"]:
        s = row["source"]
        found += [
            Sum(("accepted", s), (("bias", "records", s, ALL, ALL),)),
            Sum(("linked", s), (("bias", "linked", s, ALL, ALL),)),
            Sum(("bias", "rest", s, ALL, ALL), (("elsewhere", s), ("unlinked", s))),
        ]
    return found


def _same(exact: Facts) -> Iterable[Sum]:
    """Yield the counts that the hidden records share with other sections."""
    for row in exact["intake"]:
        s = row["source"]
        yield Sum(("accepted", s), (("blind", "listed", s, ALL, ALL, ALL),))
        yield Sum(("linked", s), (("blind", "linked", s, ALL, ALL, ALL),))
        for count in ("listed", "linked"):
            held, without = (("blind", count, s, p, ALL, ALL) for p in (HELD, WITHOUT))
            yield Sum(("blind", count, s, ALL, ALL, ALL), (held, without))
        for count in ("records", "never_compared", "listed", "asked", "registered"):
            yield Sum(("blocking", count, s), (("blind", count, s, WITHOUT, ALL, ALL),))
    asked = [row for row in _rows(exact, "blind") if row["population"] == HELD]
    wrong = tuple(_BLIND.key(row, count) for row in asked for count in ("wrong", "missed"))
    yield Sum(("bias", "known", ALL, ALL, ALL), tuple(_BLIND.key(r, "records") for r in asked))
    yield Sum(("bias", "missed", ALL, ALL, ALL), wrong)


def _thresholds(exact: Facts) -> Ledger:
    """Return the links at each threshold, tied to those at the next and to the links of the run."""
    rows = sorted(_rows(exact, "sensitivity"), key=lambda each: float(each["threshold"]))
    told = _SENSITIVITY.ledger(rows)
    links = [_SENSITIVITY.key(row, "links") for row in rows]
    sums = [*told.sums, *(between(low, high, told.counts) for low, high in pairwise(links))]
    sums += [Sum(("outside",), (_SENSITIVITY.key(row, "records"),)) for row in rows]
    accept = exact["method"].get("accept_probability")
    for row, key in zip(rows, links, strict=True):
        if row["threshold"] == accept:
            # Whichever of the two is the greater.
            sums += [Sum(("linked",), (key,), more=True), Sum(key, (("linked",),), more=True)]
    return Ledger(told.counts, tuple(sums))


def quality(exact: Facts, released: Released) -> dict[str, Any]:
    """Return the section on quality: rates from released counts, each with what it rests on."""
    told = exact["quality"]
    rated = {name: _rated(name, exact, released) for name in _TABLES if _rows(exact, name)}
    made: dict[str, Any] = {}
    if "blind" in rated:
        whole = rated["blind"].filter(pl.col("dimension") == ALL).drop("dimension", "group")
        own = {name: told["blind"][name] for name in ("caveat", "seed", "sample")}
        made["blind_run"] = {**own, "rates": _plain(whole)}
    elif reason := told.get("blind", {}).get("unasked"):
        made["blind_run"] = {"unasked": reason, "rates": []}
    if "blocking" in rated:
        rules = _RULES.released(told["blocking"].get("rules", []), released)
        made["blocking_loss"] = {
            "methods": told["blocking"]["methods"],
            "estimates": _plain(rated["blocking"]),
            "rules": _plain(rules),
        }
    if "implausible" in rated:
        own = {name: told["implausible"][name] for name in ("caveat", "scenarios")}
        made["implausible"] = {**own, "rates": _plain(rated["implausible"])}
    if "sensitivity" in rated:
        caveat = told["sensitivity"]["caveat"]
        made["sensitivity"] = {"caveat": caveat, "rates": _plain(rated["sensitivity"])}
    return made


def who_is_missed(exact: Facts, released: Released) -> dict[str, Any]:
    """Return the section on groups: rates of linkage and of missed matches, and differences."""
    if not _rows(exact, "bias"):
        return {}
    counts = _BIAS.released(_rows(exact, "bias"), released).drop("rest")
    rates, differences = bias_rates(counts), standardised_differences(counts)
    return {
        "caveat": exact["quality"]["bias"]["caveat"],
        "rates": _plain(rates),
        "differences": _plain(differences.filter(pl.col("standardised_difference").is_not_null())),
    }


def _rated(name: str, exact: Facts, released: Released) -> pl.DataFrame:
    table, rates = _TABLES[name]
    return rates(table.released(_rows(exact, name), released))


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, rates to four decimals."""
    rounded = frame.with_columns(pl.selectors.float().round(_DECIMALS).fill_nan(None))
    return rounded.to_dicts()
