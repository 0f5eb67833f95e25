"""A reader who knows the policy and what adds up, and works out what a card withholds.

Written from the card's JSON alone, without the library's ledger or its disclosure control: each
count is a variable with the bounds that its released number allows, each sum an equation, and
linear programmes give the least and the greatest value that a withheld count can have.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog

FIRST_SHOWN = {"hes": 8, "opensafely": 8, "acro": 10}
ZERO_SHOWN = {"hes": True, "opensafely": False, "acro": False}


@dataclass
class Attack:
    """Variables with bounds, and equations between them."""

    policy: str
    bounds: list[tuple[float, float]] = field(default_factory=list)
    withheld: dict[int, str] = field(default_factory=dict)
    equations: list[dict[int, float]] = field(default_factory=list)

    def see(self, count, what):
        """A count as released: its variable."""
        first, zero = FIRST_SHOWN[self.policy], ZERO_SHOWN[self.policy]
        if count is None:
            self.withheld[len(self.bounds)] = what
            self.bounds.append((1.0 if zero else 0.0, np.inf))
        elif count == 0:
            self.bounds.append((0.0, 0.0))
        else:
            self.bounds.append((max(first, count - 2.0), count + 2.0))
        return len(self.bounds) - 1

    def adds_up(self, whole, parts, *, more=False):
        """The whole is the sum of its parts, or with `more` at least that."""
        terms = {}
        for variable, sign in [(whole, -1.0), *((part, 1.0) for part in parts)]:
            terms[variable] = terms.get(variable, 0.0) + sign
        if more:
            self.bounds.append((0.0, np.inf))
            terms[len(self.bounds) - 1] = 1.0
        self.equations.append(terms)

    def at_least(self, wholes, part):
        """The part is no more than the sum of the wholes."""
        self.bounds.append((0.0, np.inf))
        terms = {part: -1.0, len(self.bounds) - 1: -1.0}
        self.equations.append({**terms, **dict.fromkeys(wholes, 1.0)})

    def ranges(self):
        """The least and the greatest value of every withheld count."""
        matrix = np.zeros((len(self.equations), len(self.bounds)))
        for row, terms in enumerate(self.equations):
            for variable, sign in terms.items():
                matrix[row, variable] = sign
        zeros = np.zeros(len(self.equations))
        for variable, what in self.withheld.items():
            ends = []
            for sign in (1.0, -1.0):
                goal = np.zeros(len(self.bounds))
                goal[variable] = sign
                found = linprog(goal, A_eq=matrix, b_eq=zeros, bounds=self.bounds)
                assert found.status in (0, 3), (found.status, found.message)
                ends.append(sign * found.fun if found.status == 0 else np.inf)
            yield what, ends[0], ends[1]


def of_card(card, policy):
    """What adds up in a card, read from its JSON."""
    attack = Attack(policy)
    see = attack.see
    records = {}
    for each in card["data"]["sources"]:
        name = each["name"]
        records[name] = see(each["records"], f"records {name}")
        parts = [see(each[p], f"{p} {name}") for p in ("quarantined", "removed_by_opt_out")]
        attack.adds_up(see(each["rows_in"], f"rows {name}"), [records[name], *parts])
    numbers = {row["source"]: row for row in card["preparation"]["nhs_numbers"]["by_source"]}
    valid, filled_by = [], {}
    for row in card["data"]["completeness"]:
        what = f"{row['source']} {row['identifier']}"
        filled, missing = see(row["filled"], f"filled {what}"), see(row["missing"], f"no {what}")
        attack.adds_up(records[row["source"]], [filled, missing])
        filled_by[row["source"], row["identifier"]] = filled
        if row["identifier"] == "nhs_number":
            own = numbers[row["source"]]
            valid.append(filled)
            parts = [see(own[part], f"{part} {what}") for part in ("invalid", "none")]
            attack.adds_up(missing, parts)
    told = card["preparation"]["nhs_numbers"]
    total = see(told["valid"], "valid")
    attack.adds_up(total, valid)
    attack.adds_up(total, [see(told["test_range"], "test range")], more=True)
    flows = _flows(attack, card["results"], records)
    pairs = {}
    for each in card["results"]["passes"]:
        seen = {d["decision"]: see(d["pairs"], f"{each['pass']} {d['decision']}")
                for d in each["decisions"]}  # fmt: skip
        attack.adds_up(see(each["candidates"], f"candidates {each['pass']}"), seen.values())
        for decision, variable in seen.items():
            pairs.setdefault(decision, []).append(variable)
        by_pass = flows["all"].get(("method", each["pass"]))
        if by_pass is not None and "accepted" in seen:
            attack.adds_up(seen["accepted"], [by_pass])
    for step, variable in flows["all"].items():
        # A record is said to be undecided for a reason only where a pair of it was.
        if step[0] == "reason" and step[1] in pairs:
            attack.at_least(pairs[step[1]], variable)
    for row in card["data"]["conflicts"]:
        what = f"{row['attribute']} {row['source_l']} {row['source_r']}"
        compared = see(row["compared"], f"compared {what}")
        attack.at_least([compared], see(row["conflicting"], f"conflicting {what}"))
        for source in (row["source_l"], row["source_r"]):
            attack.at_least([filled_by[source, row["attribute"]]], compared)
            if source in flows:
                attack.at_least([flows[source]["linked",]], compared)
    for name, flow in flows.items():
        if ("method", "nhs_number") in flow and name != "all":
            attack.at_least([filled_by[name, "nhs_number"]], flow["method", "nhs_number"])
    people = card["results"]["people"]
    parts = [see(people[part], part) for part in ("on_register", "off_register")]
    attack.adds_up(see(people["people"], "people"), parts)
    attack.adds_up(parts[0], [records["gp"]])
    attack.at_least([flows["all"]["elsewhere",], flows["all"]["unlinked",]], parts[1])
    return attack


def _flows(attack, results, records):
    """The flow over all sources and by source: each a variable by name and step."""
    whole = attack.see(results["flow"]["records"], "all records")
    found = {"all": _flow(attack, results["flow"], whole, "all")}
    for each in results["by_source"]:
        found[each["source"]] = _flow(attack, each, records[each["source"]], each["source"])
    attack.adds_up(whole, [records[each["source"]] for each in results["by_source"]])
    for step, total in found["all"].items():
        own = [flow[step] for name, flow in found.items() if name != "all" and step in flow]
        attack.adds_up(total, own)
    return found


def _flow(attack, flow, records, name):
    steps = {("linked",): flow["linked"], ("elsewhere",): flow["elsewhere"],
             ("unlinked",): flow["unlinked"]}  # fmt: skip
    steps |= {("method", each["method"]): each["records"] for each in flow["methods"]}
    steps |= {("reason", each["reason"]): each["records"] for each in flow["unlinked_because"]}
    seen = {step: attack.see(count, f"{name} {step}") for step, count in steps.items()}
    attack.adds_up(records, [seen["linked",], seen["elsewhere",], seen["unlinked",]])
    for kind, whole in (("method", "linked"), ("reason", "unlinked")):
        parts = [variable for step, variable in seen.items() if step[0] == kind]
        if parts:
            attack.adds_up(seen[whole,], parts)
    return seen
