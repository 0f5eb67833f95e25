"""One ledger for all counts of the linkage card, released together.

Sections of the card tell parts and wholes of the same records. A count that one section withholds
must not follow from another, so every count is a cell of one ledger and every sum among them a
relation. The ledger is released part by part, the most telling first: each is protected by itself
(:func:`pophealth_link.disclosure.protect`), then beside all that was released before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from pophealth_link import disclosure
from pophealth_link.disclosure import Policy, Protected, Relations
from pophealth_link.errors import DisclosureError
from pophealth_link.evaluate.linkage_card_audit import Reader, Terms, remedy

Key = tuple[str, ...]
Told = dict[Key, int | None]


@dataclass(frozen=True, slots=True)
class Sum:
    """The count of `whole` is the sum of `parts`; with `more`, of these and some that are not told.

    `yields` are withheld first where a part is suppressed and something has to go with it.
    """

    whole: Key
    parts: tuple[Key, ...]
    more: bool = False
    yields: tuple[Key, ...] = ()

    @property
    def keys(self) -> set[Key]:
        """The counts that it ties to one another."""
        return {self.whole, *self.parts}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Exact counts by key, and the sums among them; its repr shows nothing.

    `keep` are the counts that shares are made of: other counts are withheld in their place, where
    sums name some that yield. Sums may name counts of another ledger beside which it is released;
    sums that the counts do not bear out are set aside.
    """

    counts: Mapping[Key, int] = field(default_factory=dict, repr=False)
    sums: tuple[Sum, ...] = field(default=(), repr=False)
    keep: frozenset[Key] = field(default=frozenset(), repr=False)

    def __add__(self, other: Ledger) -> Ledger:
        """Return both together; a key that both have must have one count.

        Raises `DisclosureError` where it has two: then the card would contradict itself.
        """
        both = self.counts.keys() & other.counts.keys()
        differing = sum(self.counts[key] != other.counts[key] for key in both)
        if differing:
            raise DisclosureError(
                f"{differing:,} counts of the linkage card contradict each other."
            )
        counts = {**self.counts, **other.counts}
        return Ledger(counts, (*self.sums, *other.sums), self.keep | other.keep)

    def holding(self) -> Ledger:
        """Return the ledger with the sums of its own counts that these bear out."""
        sums = [each for each in self.sums if each.keys <= self.counts.keys()]
        return replace(self, sums=tuple(each for each in sums if _fits(each, self.counts)))

    def alone(self, policy: Policy) -> Told:
        """Return the counts as the policy releases them, so that no sum of theirs gives one back.

        Raises `DisclosureError` where the policy cannot be met.
        """
        own = self.holding()
        keys, small, tight = sorted(own.counts), own.small(policy), own.tight(policy)
        hide: set[Key] = set()
        while True:
            told = own.protected(keys, hide, policy)
            lost = {key for key in own.keep if told[key] is None} - small
            more = {key for each in tight if lost & each.keys for key in each.yields} - hide
            if not more:
                return told
            hide |= more

    def protected(self, keys: Sequence[Key], hide: set[Key], policy: Policy) -> Told:
        """Return the released counts; only those kept where nothing less can be protected."""
        try:
            done = self._protect(keys, hide, policy)
        except DisclosureError:
            done = self._protect(keys, {*keys} - self.keep, policy)
        return dict(zip(keys, done.frame["count"].to_list(), strict=True))

    def _protect(self, keys: Sequence[Key], hide: set[Key], policy: Policy) -> Protected:
        frame = pl.DataFrame(
            {"count": [self.counts[key] for key in keys], "hide": [key in hide for key in keys]},
            schema={"count": pl.Int64, "hide": pl.Boolean},
        )
        place = {key: i for i, key in enumerate(keys)}
        schema = dict.fromkeys(("relation", "cell", "sign"), pl.Int64)
        terms = pl.DataFrame(list(_terms(self.sums, place)), schema=schema, orient="row")
        relations = Relations.of(terms, len(keys))
        return disclosure.protect(
            frame, policy, relations=relations, counts=["count"], withhold="hide"
        )

    def small(self, policy: Policy) -> set[Key]:
        """Return the counts that the policy suppresses."""
        frame = pl.DataFrame({"count": list(self.counts.values())}, schema={"count": pl.Int64})
        marks = frame.select(policy.suppressed("count")).to_series()
        return {key for key, small in zip(self.counts, marks, strict=True) if small}

    def tight(self, policy: Policy) -> list[Sum]:
        """Return the sums with a part, told or not, that is one of the policy's small counts."""
        small = self.small(policy)
        low, high = policy.small_counts
        return [
            each
            for each in self.sums
            if small & {*each.parts} or max(low, 1) <= _remainder(each, self.counts) <= high
        ]


def between(one: Key, other: Key, counts: Mapping[Key, int]) -> Sum:
    """Return the sum by which one count differs from the other, if at all.

    >>> between(("a",), ("b",), {("a",): 20, ("b",): 12}).more
    True
    """
    high, low = sorted((one, other), key=counts.__getitem__, reverse=True)
    return Sum(high, (low,), more=counts[high] > counts[low])


def _remainder(each: Sum, counts: Mapping[Key, int]) -> int:
    """Return by how much the whole of a sum is more than its parts."""
    return counts[each.whole] - sum(counts[part] for part in each.parts)


def _fits(each: Sum, counts: Mapping[Key, int]) -> bool:
    rest = _remainder(each, counts)
    return rest >= 0 if each.more else rest == 0


def _terms(sums: Sequence[Sum], place: Mapping[Key, int]) -> Iterator[tuple[int, int, int]]:
    """Yield relation, position and sign of each term; what is not told has its own position."""
    unlisted = len(place)
    for number, each in enumerate(sums):
        yield number, place[each.whole], -1
        for part in each.parts:
            yield number, place[part], 1
        if each.more:
            yield number, unlisted, 1
            unlisted += 1


def release(parts: Sequence[Ledger], policy: Policy) -> Released:
    """Return the counts of all parts as the policy releases them.

    Each part gives way to those before it: where its counts beside theirs would tell a withheld
    count too closely, counts of its own are withheld, if need be all of them. Raises
    `DisclosureError` where the policy cannot be met.
    """
    told: Told = {}
    whole = Ledger()
    for part in parts:
        if part.counts:
            whole = whole + part
            told |= {key: n for key, n in part.alone(policy).items() if key not in told}
            told = _beside(whole, told, {*part.counts}, policy)
    small = len(whole.small(policy)) if whole.counts else 0
    return Released(told, small, sum(count is None for count in told.values()) - small)


def _beside(whole: Ledger, told: Told, own: set[Key], policy: Policy) -> Told:
    """Withhold more of the `own` counts until no withheld count can be told too closely."""
    holding = whole.holding()
    keys = sorted(told)
    counts = [whole.counts[key] for key in keys]
    equations, size = _equations(holding.sums, keys)
    keep = [key in whole.keep for key in keys]
    asked: set[int] | None = None
    while True:
        reader = Reader(policy, [told[key] for key in keys], equations, size)
        wrong, beyond = reader.known_closely(asked)
        if not wrong:
            return told
        fixed = [told[key] is None or key not in own for key in keys]
        picks = {remedy(place, counts, fixed, keep, equations) for place in wrong} - {None}
        if not picks and all(told[key] is None for key in own):
            return told
        gone = {keys[pick] for pick in picks if pick is not None} or own
        told = {key: None if key in gone else count for key, count in told.items()}
        # Who is told less can work out less: what was safe stays safe, but for a count that was
        # known to be beyond the small ones, and may be so no longer.
        asked = {*wrong, *beyond, *(place for place, key in enumerate(keys) if key in gone)}


def _equations(sums: Sequence[Sum], keys: Sequence[Key]) -> tuple[list[Terms], int]:
    """Return the sums as terms by position, and how many positions there are."""
    place = {key: i for i, key in enumerate(keys)}
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for number, position, sign in _terms(sums, place):
        found[number].append((position, float(sign)))
    last = max((p for terms in found.values() for p, _ in terms), default=-1)
    return list(found.values()), max(last + 1, len(keys))


@dataclass(frozen=True, slots=True)
class Released:
    """Counts as released, null where withheld; how many the policy hid, and how many went after."""

    counts: Mapping[Key, int | None] = field(repr=False)
    suppressed: int
    secondary: int

    def __getitem__(self, key: Key) -> int | None:
        """Return the released count of a key that the ledger holds, null where withheld."""
        return self.counts[key]

    def share(self, part: Key, whole: Key) -> float | None:
        """Return the share of two released counts to four decimals, null where one is withheld."""
        some, every = self.counts[part], self.counts[whole]
        if some is None or not every:
            return None
        return round(min(some / every, 1.0), 4)
