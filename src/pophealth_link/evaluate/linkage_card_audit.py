"""What a reader of a linkage card could work out, exactly, and what to withhold against it.

Differencing looks at one sum at a time where sums form a grid, as sources by passes do. Here all
sums are one linear programme: it gives the least and the greatest value that a withheld count can
have, for a reader who knows the policy, every sum and every released count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pophealth_link.disclosure import Policy

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Terms = Sequence[tuple[int, float]]
_TOLERANCE = 0.01
# How many programmes look at all counts at once before they are looked at one by one.
_AT_ONCE = 6


@dataclass(frozen=True)
class Reader:
    """The bounds that released counts set, and the sums as equations between the counts.

    `released` are counts by position, null where withheld; `equations` their terms (position,
    sign), each sum zero; positions beyond the counts are counts that no row shows.
    """

    policy: Policy
    released: Sequence[int | None]
    equations: Sequence[Terms]
    size: int
    top: float = field(default=1e7)

    def known_closely(self, among: Collection[int] | None = None) -> tuple[list[int], list[int]]:
        """Return the positions of withheld counts that can be told closely: too well, and beyond.

        A withheld count must not be known to be small, nor, where it may be small, more closely
        than the policy's own suppressed interval. One beyond the small counts tells of none of
        them, however closely it is known, as long as it is known to be beyond. `among`: the
        positions that are looked at.
        """
        places = range(len(self.released)) if among is None else sorted(among)
        withheld = [place for place in places if self.released[place] is None]
        touched = {place for terms in self.equations for place, _ in terms}
        asked = [place for place in withheld if place in touched]
        if not asked or not self.policy.suppresses:
            return [], []
        low, high = self._seen(asked)
        close = self._close(asked, low, high)
        beyond = [place for place in close if low[place] > self.policy.small_counts[1] + _TOLERANCE]
        return [place for place in close if place not in beyond], beyond

    def _seen(self, asked: Sequence[int]) -> tuple[Floats, Floats]:
        """Return the lowest and the highest counts of possible tables, by position.

        Every table that is found tells something of all counts: tables that suit many at once come
        first, so most counts need none of their own. Where they leave a count close, its lowest
        and highest are those of all tables.
        """
        matrix, bounds = self._matrix(), self._bounds()
        low, high = np.full(self.size, np.inf), np.full(self.size, -np.inf)

        def see(places: Sequence[int], sign: float, within: Floats) -> None:
            table = _extreme(places, sign, matrix, within)
            if table is not None:
                np.minimum(low, table, out=low)
                np.maximum(high, table, out=high)

        see(asked, 1.0, bounds)
        for _ in range(_AT_ONCE):
            still = self._close(asked, low, high)
            if len(still) > 1:
                see(still, -1.0, self._capped(bounds, still, low))
        for sign in (-1.0, 1.0):
            for place in self._close(asked, low, high):
                see([place], sign, bounds)
        return low, high

    def _close(self, asked: Sequence[int], low: Floats, high: Floats) -> list[int]:
        """Return the counts whose range, as far as it was seen, is narrow or of small counts."""
        first, last = self.policy.small_counts
        return [
            place
            for place in asked
            if high[place] < last + 1 - _TOLERANCE
            or high[place] - low[place] < last - first - _TOLERANCE
        ]

    def _capped(self, bounds: Floats, places: Sequence[int], low: Floats) -> Floats:
        """Return the bounds with counts no higher than they have to reach: so that many do."""
        first, last = self.policy.small_counts
        at = np.asarray(places)
        enough = np.maximum(last + 1, np.where(np.isinf(low[at]), 0, low[at]) + last - first)
        capped = bounds.copy()
        capped[at, 1] = np.minimum(bounds[at, 1], np.maximum(enough, bounds[at, 0]))
        return capped

    def _bounds(self) -> Floats:
        half, first = self.policy.base / 2, float(self.policy.first_shown)
        bounds = np.zeros((self.size, 2))
        bounds[:, 1] = self.top
        for place, count in enumerate(self.released):
            if count is None:
                bounds[place, 0] = float(self.policy.smallest_suppressed)
            elif count == 0:
                bounds[place, 1] = 0.0
            else:
                bounds[place] = max(first, np.ceil(count - half)), np.ceil(count + half) - 1
        return bounds

    def _matrix(self) -> csr_array:
        from scipy.sparse import csr_array

        told = [(row, place, sign) for row, terms in enumerate(self.equations)
                for place, sign in terms]  # fmt: skip
        rows, places, signs = zip(*told, strict=True)
        shape = (len(self.equations), self.size)
        return csr_array((np.array(signs), (np.array(rows), np.array(places))), shape=shape)


def _extreme(
    places: Sequence[int], sign: float, matrix: csr_array, bounds: Floats
) -> Floats | None:
    """Return a possible table with the greatest (sign -1) or least sum of counts at places."""
    from scipy.optimize import linprog

    goal = np.zeros(matrix.shape[1])
    goal[np.asarray(places)] = sign
    zeros = np.zeros(matrix.shape[0])
    found: Any = linprog(goal, A_eq=matrix, b_eq=zeros, bounds=bounds, method="highs")
    return None if found.x is None else np.asarray(found.x, dtype=np.float64)


def remedy(
    place: int,
    counts: Sequence[int],
    hidden: Sequence[bool],
    keep: Sequence[bool],
    equations: Sequence[Terms],
) -> int | None:
    """Return which shown count to withhold so that less is known of the one at `place`.

    The smallest in the nearest sums that have one, of those not to be kept if there are any; ties
    by position. `hidden` are those that cannot be withheld, or are already. Null where none helps.
    """
    of_place: dict[int, list[int]] = {}
    for number, terms in enumerate(equations):
        for other, _ in terms:
            of_place.setdefault(other, []).append(number)
    for only in (False, True):
        found = _nearest(place, counts, hidden, [k and not only for k in keep], equations, of_place)
        if found is not None:
            return found
    return None


def _nearest(
    place: int,
    counts: Sequence[int],
    hidden: Sequence[bool],
    spared: Sequence[bool],
    equations: Sequence[Terms],
    of_place: Mapping[int, list[int]],
) -> int | None:
    reached, edge = {place}, [place]
    while edge:
        near = {
            p for each in edge for number in of_place.get(each, ()) for p, _ in equations[number]
        }
        can = [
            p for p in near
            if p < len(counts) and not hidden[p] and not spared[p] and counts[p] > 0
        ]  # fmt: skip
        if can:
            return min(can, key=lambda p: (counts[p], p))
        edge = [p for p in sorted(near - reached) if p >= len(counts) or hidden[p]]
        reached |= near
    return None
