"""Expectation and maximisation: how often true pairs agree at each level, without truth.

A record is at most one person of the register, so its candidates share one probability with
"nobody". Agreement falls into few patterns, so levels are weighed pattern by pattern; everything
is summed in one order on one thread. Sources: Fellegi and Sunter, J Am Stat Assoc
1969;64:1183-1210; Dempster, Laird and Rubin, J R Stat Soc B 1977;39:1-38.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# Far beyond what decides anything, and within what numbers can hold.
_MOST_BITS = 500.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """At which levels `n` pairs agree.

    `patterns`: (patterns, comparisons), the number of the level at which each comparison agrees,
    or -1 where it says nothing. `pattern`: (n,), a row of `patterns`.
    """

    patterns: Ints
    pattern: Ints

    def sums(self, weights: Floats, levels: int) -> Floats:
        """Return the sum of the pairs' `weights` at each level, (levels,)."""
        mass = np.bincount(self.pattern, weights=weights, minlength=len(self.patterns))
        sums = np.zeros(levels + 1)
        for each in self.patterns.T:
            sums += np.bincount(each + 1, weights=mass, minlength=levels + 1)
        return sums[1:]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate pairs, ordered by record, weighed with the model that is started from.

    `record`: (n,), whose candidates they are, from 0. `bits`: (n,), log2 of the odds of the pair
    against somebody taken at random. `nobody`: (records,), the odds that it is nobody.
    """

    agreement: Agreement
    record: Ints
    bits: Floats
    nobody: Floats

    def probabilities(self, moved: Floats) -> Floats:
        """Return the probability of each pair to be one person, (n,).

        `moved`: (levels,), by how many bits each level weighs more than in the model at the start.

        >>> levels = Agreement(np.array([[0]]), np.array([0, 0]))
        >>> pairs = Candidates(levels, np.array([0, 0]), np.array([1.0, 0.0]), np.array([1.0]))
        >>> pairs.probabilities(np.zeros(1)).tolist()
        [0.5, 0.25]
        """
        bits = self.weights(moved)
        odds = np.exp2(np.clip(bits, -_MOST_BITS, _MOST_BITS))
        all_of_record = np.bincount(self.record, weights=odds, minlength=len(self.nobody))
        found: Floats = odds / (self.nobody + all_of_record)[self.record]
        return found

    def weights(self, moved: Floats) -> Floats:
        """Return the bits of each pair, (n,), where levels weigh more by `moved`."""
        # The last place stands for comparisons that say nothing (level -1).
        more = np.append(moved, 0.0)[self.agreement.patterns].sum(axis=1)
        found: Floats = self.bits + more[self.agreement.pattern]
        return found


@dataclass(frozen=True, slots=True)
class Fit:
    """What was estimated: `m`, pairs of one person `seen` at each level, rounds, if it settled."""

    m: Floats
    seen: Floats
    rounds: int
    settled: bool


def shares(sums: Floats, start: Floats, groups: Ints, *, kept: Flags, worth: float = 0.0) -> Floats:
    """Return the share of each level in its group, (levels,), where it starts from `start`.

    The start counts as one pair at each level, and as `worth` pairs more in all, so that a level of
    which few pairs were seen stays near it. Levels that are `kept` have their start; the others of
    the group share the rest.

    >>> shares(np.array([8.0, 2.0]), np.array([0.5, 0.5]), np.zeros(2, int),
    ...        kept=np.zeros(2, bool)).tolist()
    [0.75, 0.25]
    """
    totals = np.bincount(groups, weights=sums)
    prior = 1 + worth * start
    drawn = np.where(kept, 0.0, (sums + prior) / (totals[groups] + prior / start))
    whole = np.bincount(groups, weights=start)
    left = 1 - np.bincount(groups, weights=np.where(kept, start, 0.0)) / whole
    of_rest = drawn / np.maximum(np.bincount(groups, weights=drawn)[groups], 1e-300)
    found: Floats = np.where(kept, start / whole[groups], of_rest * left[groups])
    return np.clip(found, 1e-12, 1 - 1e-9)


def fit(
    pairs: Candidates,
    start: Floats,
    groups: Ints,
    *,
    kept: Flags,
    rounds: int,
    settled_below: float = 1e-7,
) -> Fit:
    """Return m, the share of true pairs at each level of a group, estimated from `start`.

    It has settled where no m moves by `settled_below` in a round; otherwise it ends after `rounds`.
    """
    m = start
    for done in range(1, rounds + 1):
        likely = pairs.probabilities(np.log2(m / start))
        seen = pairs.agreement.sums(likely, len(start))
        found = shares(seen, start, groups, kept=kept)
        moved = float(np.abs(found - m).max())
        m = found
        if moved < settled_below:
            return Fit(m, seen, done, settled=True)
    return Fit(m, seen, rounds, settled=False)
