"""The counts of a linkage card and the sums among them, from its exact facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pophealth_link.evaluate.linkage_card_ledger import Key, Ledger, Sum, between

Facts = Mapping[str, Any]

# Counts of the linkage that other cells of the ledger hold already.
_COVERED = ("records", "nhs_numbers_valid", "nhs_numbers_invalid", "nhs_numbers_test_range")
_COVERED_KINDS = ("records_", "unlinked_", "pairs_", "people_")
UNLINKED, ELSEWHERE, ACCEPTED = "unlinked", "elsewhere", "accepted"


def parts(exact: Facts) -> list[Ledger]:
    """Return the counts of the sections on data, preparation, method and results, as ledgers.

    The first are released first: the flow of records, then what explains it.
    """
    flow = _intake(exact) + _methods(exact) + _reasons(exact)
    return [
        flow,
        _completeness(exact) + _numbers(exact),
        _decisions(exact, flow),
        _lone(exact),
        _people(exact, flow),
        _conflicts(exact),
    ]


def others(exact: Facts) -> list[str]:
    """Return the names of the sources besides the register."""
    return [each["name"] for each in exact["sources"] if not each["register"]]


def _intake(exact: Facts) -> Ledger:
    """Return rows read = records to be linked + rows refused + people who opted out."""
    counts: dict[Key, int] = {}
    sums, keep = [], []
    for row in exact["intake"]:
        s = row["source"]
        keep.append(("accepted", s))
        if "rows_in" not in row:
            counts["accepted", s] = row["accepted"]
            continue
        parts: dict[Key, int] = {
            ("accepted", s): row["accepted"],
            ("quarantined", s): row["quarantined"],
            ("removed_by_opt_out", s): row["removed_by_opt_out"],
        }
        counts |= {("rows_in", s): row["rows_in"], **parts}
        sums.append(Sum(("rows_in", s), tuple(parts), yields=(("rows_in", s),)))
    return Ledger(counts, tuple(sums), frozenset(keep))


def _completeness(exact: Facts) -> Ledger:
    """Return records = those that hold an identifier + those that do not."""
    counts: dict[Key, int] = {}
    sums = []
    for row in exact["completeness"]:
        name = (row["source"], row["identifier"])
        filled, missing = ("filled", *name), ("missing", *name)
        counts |= {filled: row["filled"], missing: row["of"] - row["filled"]}
        sums.append(Sum(("accepted", row["source"]), (filled, missing), yields=(filled,)))
    return Ledger(counts, tuple(sums))


def _numbers(exact: Facts) -> Ledger:
    """Return records without a valid NHS number = with an invalid one + with none."""
    counts: dict[Key, int] = {}
    sums = []
    for row in exact["numbers"]:
        s = row["source"]
        counts |= {("invalid", s): row["invalid"], ("absent", s): row["missing"]}
        sums.append(Sum(("missing", s, "nhs_number"), (("invalid", s), ("absent", s))))
    valid = sum(row["valid"] for row in exact["numbers"])
    test = sum(row["test_range"] for row in exact["numbers"])
    # Nobody is linked by a number that the source does not hold.
    sums += [
        Sum(("filled", s, "nhs_number"), (("method", s, "nhs_number"),), more=True)
        for s in others(exact)
    ]
    counts |= {("valid",): valid, ("test_range",): test, ("not_test_range",): valid - test}
    sums += [
        Sum(("valid",), tuple(("filled", row["source"], "nhs_number") for row in exact["numbers"])),
        Sum(("valid",), (("test_range",), ("not_test_range",)), yields=(("not_test_range",),)),
    ]
    return Ledger(counts, tuple(sums)) if exact["numbers"] else Ledger()


def _lone(exact: Facts) -> Ledger:
    """Return the counts that are in no sum."""
    counts: dict[Key, int] = {
        ("count", name): int(count)
        for name, count in exact["counts"].items()
        if name not in _COVERED and not name.startswith(_COVERED_KINDS)
    }
    for row in exact["unreadable"]:
        counts["unreadable", row["source"], row["column"], row["reason"]] = row["values"]
    for row in exact["comparisons"]:
        counts["rule", row["rule"]] = row["pairs"]
    provenance = exact["method"].get("model", {}).get("provenance", {})
    for name, value in provenance.items():
        # A model that was trained on the job's own records tells how many there were.
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            counts["provenance", name] = value
    wrong = ("decision", "nhs_number", "contradicted")
    # The first two mostly hold; where two yeses make three records one person they are set aside.
    sums = (
        Sum(("count", "reviewed_no"), (("pairs", "reviewed_no"),), more=True),
        Sum(("count", "reviewed_yes"), (("all", "reviewed"),), more=True),
        Sum(("count", "nhs_numbers_contradicted"), (wrong,), more=True),
    )
    return Ledger(counts, sums)


def _methods(exact: Facts) -> Ledger:
    """Return records = linked by each method + unlinked, by source and over all sources."""
    own = others(exact)
    counts: dict[Key, int] = {}
    found: dict[str, dict[str, int]] = {name: {} for name in own}
    for row in exact["methods"]:
        if row["source"] in found:
            found[row["source"]][row["method"]] = row["records"]
    sums: list[Sum] = []
    keep = frozenset({("linked",), *(("linked", name) for name in own)} if own else ())
    for name, by_method in found.items():
        counts[UNLINKED, name] = by_method.pop(UNLINKED, 0)
        counts[ELSEWHERE, name] = by_method.pop(ELSEWHERE, 0)
        counts["linked", name] = sum(by_method.values())
        counts |= {("method", name, method): n for method, n in by_method.items()}
        parts = (("linked", name), (ELSEWHERE, name), (UNLINKED, name))
        sums.append(Sum(("accepted", name), parts, yields=(("linked", name),)))
        if by_method:
            sums.append(Sum(("linked", name), tuple(("method", name, m) for m in by_method)))
    return Ledger(counts, tuple(sums), keep) + _totals(found, counts, exact)


def _totals(
    found: Mapping[str, Mapping[str, int]], counts: Mapping[Key, int], exact: Facts
) -> Ledger:
    if not found:
        return Ledger()
    known = dict(counts)
    for row in exact["intake"]:
        known["accepted", row["source"]] = row["accepted"]
    parts: dict[Key, list[Key]] = defaultdict(list)
    for name, by_method in found.items():
        parts["linked",].append(("linked", name))
        parts[UNLINKED,].append((UNLINKED, name))
        parts[ELSEWHERE,].append((ELSEWHERE, name))
        parts["outside",].append(("accepted", name))
        for method in by_method:
            parts["all", method].append(("method", name, method))
    totals = {whole: sum(known[key] for key in each) for whole, each in parts.items()}
    totals["rest",] = totals[ELSEWHERE,] + totals[UNLINKED,]
    sums = [Sum(whole, tuple(each)) for whole, each in parts.items()]
    three = (("linked",), (ELSEWHERE,), (UNLINKED,))
    sums.append(Sum(("outside",), three, yields=(("linked",),)))
    sums.append(Sum(("rest",), three[1:], yields=(("rest",),)))
    methods = tuple(key for key in parts if key[0] == "all")
    sums += [Sum(("linked",), methods)] if methods else []
    return Ledger(totals, tuple(sums), frozenset({("outside",)}))


def _reasons(exact: Facts) -> Ledger:
    """Return unlinked records = those of each reason, by source and over all sources."""
    own = others(exact)
    rows = [row for row in exact["unlinked"] if row["source"] in own]
    by_source, by_reason = _grouped(rows, "source"), _grouped(rows, "reason")
    counts: dict[Key, int] = {
        ("reason", row["source"], row["reason"]): row["records"] for row in rows
    }
    sums = [
        Sum((UNLINKED, source), tuple(("reason", source, row["reason"]) for row in each))
        for source, each in by_source.items()
    ]
    for reason, each in by_reason.items():
        counts["reason", reason] = sum(row["records"] for row in each)
        sums.append(
            Sum(("reason", reason), tuple(("reason", row["source"], reason) for row in each))
        )
    if by_reason:
        sums.append(Sum((UNLINKED,), tuple(("reason", reason) for reason in by_reason)))
    return Ledger(counts, tuple(sums))


def _grouped(rows: Iterable[Facts], name: str) -> dict[str, list[Facts]]:
    found: dict[str, list[Facts]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _conflicts(exact: Facts) -> Ledger:
    """Return the people of whom two sources say something >= those of whom they differ.

    Of more people than were linked, or than a source says anything of, they cannot be.
    """
    counts: dict[Key, int] = {}
    sums = []
    for row in exact["conflicts"]:
        name = (row["attribute"], row["source_l"], row["source_r"])
        compared, conflicting = ("compared", *name), ("conflicting", *name)
        counts |= {compared: row["compared"], conflicting: row["conflicting"]}
        sums.append(Sum(compared, (conflicting,), more=True))
        for source in name[1:]:
            sums.append(Sum(("linked", source), (compared,), more=True))
            sums.append(Sum(("filled", source, row["attribute"]), (compared,), more=True))
    return Ledger(counts, tuple(sums))


def _decisions(exact: Facts, flow: Ledger) -> Ledger:
    """Return candidates of a pass = accepted + each reason why not, beside the records decided so.

    As many pairs are accepted as records are linked, but for those off the register; as many pairs
    have a reason as records at least.
    """
    counts: dict[Key, int] = {}
    sums = []
    for name, rows in _grouped(exact["decisions"], "pass").items():
        own: dict[Key, int] = {("decision", name, row["decision"]): row["pairs"] for row in rows}
        whole = ("candidates", name)
        counts |= {**own, whole: sum(own.values())}
        sums.append(Sum(whole, tuple(own)))
        accepted, linked = ("decision", name, ACCEPTED), ("all", name)
        if accepted in own and linked in flow.counts:
            sums.append(between(accepted, linked, {**own, **flow.counts}))
    for name, rows in _grouped(exact["decisions"], "decision").items():
        counts["pairs", name] = sum(row["pairs"] for row in rows)
        sums.append(Sum(("pairs", name), tuple(("decision", r["pass"], name) for r in rows)))
        sums.append(Sum(("pairs", name), (("reason", name),), more=True))
    return Ledger(counts, tuple(sums))


def _people(exact: Facts, flow: Ledger) -> Ledger:
    """Return people = on the register + on none: no more than have a record that is not linked."""
    told = exact["people"]
    if not told:
        return Ledger()
    on, off = ("people", "on_register"), ("people", "off_register")
    counts: dict[Key, int] = {("people",): told["people"], on: told["on_register"],
                              off: told["off_register"]}  # fmt: skip
    sums = [Sum(("people",), (on, off)), Sum(("rest",), (off,), more=True)]
    for each in exact["sources"]:
        register: Key = ("accepted", each["name"])
        if each["register"] and register in flow.counts:
            sums.append(between(on, register, {**counts, **flow.counts}))
    return Ledger(counts, tuple(sums))
