"""Two readers of a release, what each can work out, and what each must be left not knowing.

Both know the policy and every additive relation. The informed reader also knows of every withheld
count whether it is small (suppressed by the policy) or was withheld to protect others: from the
released numbers that reader may learn no more of a small count than the marks alone tell. The
other reader cannot tell the two apart, and may neither place a withheld count among the small ones
nor know it more closely than the policy's own suppressed interval. Nobody may know that a sliver (a
difference of nested areas that no row shows) is small, or know a rounded count exactly. A count
withheld for those who are behind it, as many days of few people, may not be known within half of
itself (assumed: like a p % rule, which asks for less). Under a
policy that shows small counts as one rounded number a sliver may be known as closely as that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pophealth_link.disclosure.cells import Cells
from pophealth_link.disclosure.ranges import TOLERANCE, Flags, Floats, Ranges, propagate

# How close to a count of days of few people nobody may come, as a share of it.
_CLOSEST = 0.5


@dataclass(frozen=True)
class Reader:
    """What a reader works out, what a cell would be to them once withheld, and what is owed.

    `owed`: the low end of a range must not lie above its low, nor the high end below its high.
    """

    ranges: Ranges
    unshown: Ranges
    owed: Ranges

    def mixed(self, keep: Flags, other: Reader) -> Reader:
        """Return the reader with what `other` has for the cells that are not kept."""
        return Reader(
            self.ranges.mixed(keep, other.ranges),
            self.unshown.mixed(keep, other.unshown),
            self.owed.mixed(keep, other.owed),
        )

    def within(self, cells: Flags) -> Reader:
        """Return the reader of the marked cells."""
        return Reader(
            self.ranges.within(cells), self.unshown.within(cells), self.owed.within(cells)
        )

    @property
    def failed(self) -> Flags:
        """Cells that the reader knows too closely."""
        result: Flags = (self.ranges.low > self.owed.low + TOLERANCE) | (
            self.ranges.high < self.owed.high - TOLERANCE
        )
        return result


@dataclass(frozen=True)
class Readers:
    """The informed reader and the other."""

    informed: Reader
    other: Reader

    def mixed(self, keep: Flags, other: Readers) -> Readers:
        """Return the readers with what `other` has for the cells that are not kept."""
        return Readers(
            self.informed.mixed(keep, other.informed), self.other.mixed(keep, other.other)
        )

    def within(self, cells: Flags) -> Readers:
        """Return the readers of the marked cells."""
        return Readers(self.informed.within(cells), self.other.within(cells))

    @property
    def failed(self) -> Flags:
        """Cells that either knows too closely."""
        result: Flags = self.informed.failed | self.other.failed
        return result


def marks_alone(cells: Cells) -> Ranges:
    """Return what the marks alone tell, with the relations; the same whatever else is withheld."""
    return propagate(cells.terms, cells.marks())


def both_readers(cells: Cells, marks: Ranges) -> Readers:
    """Return both readers of the cells, `marks` being what the marks alone tell."""
    informed = propagate(cells.terms, cells.informed())
    other = propagate(cells.terms, cells.uninformed())
    return _readers(cells, marks, informed, other)


def narrowed_readers(cells: Cells, marks: Ranges, before: Readers, shown: Flags) -> Readers:
    """Return both readers once the marked cells are shown, given what they knew before.

    To know more narrows every range, so the ranges from before are where to go on from.
    """
    informed = before.informed.ranges.both(cells.informed())
    other = before.other.ranges.both(cells.uninformed())
    return _readers(
        cells,
        marks,
        propagate(cells.terms, informed, changed=shown),
        propagate(cells.terms, other, changed=shown),
    )


def _readers(cells: Cells, marks: Ranges, informed: Ranges, other: Ranges) -> Readers:
    """Put together the readers; a cell in no relation is not judged."""
    inside = np.zeros(len(cells.hidden), dtype=np.bool_)
    inside[cells.terms.cell] = True
    return Readers(
        Reader(informed, cells.unshown(), _owed_to_informed(cells, informed, marks, inside)),
        Reader(other, cells.anything(), _owed_to_other(cells, other, inside)),
    )


def _owed_to_informed(cells: Cells, found: Ranges, marks: Ranges, inside: Flags) -> Ranges:
    owed = _nothing(cells)
    small = inside & cells.hidden & cells.small
    owed.low[small], owed.high[small] = marks.low[small], marks.high[small]
    few, share = inside & cells.hidden & cells.few, _CLOSEST * cells.truth
    owed.low[few] = np.maximum(marks.low, cells.truth - share)[few]
    owed.high[few] = np.minimum(marks.high, cells.truth + share)[few]
    _owe_rounded(cells, found, inside, owed)
    first, last = cells.policy.small_counts
    among = (found.low < last + TOLERANCE) & (found.high > max(first, 1) - TOLERANCE)
    sliver = inside & cells.unlisted & among
    owed.high[sliver] = np.minimum(marks.high, _clear_of_small(cells, found))[sliver]
    return owed


def _owe_rounded(cells: Cells, found: Ranges, inside: Flags, owed: Ranges) -> None:
    """Owe a second possible count to a rounded one that is known exactly."""
    start = cells.informed()
    fixed = inside & cells.shown & (found.high - found.low < TOLERANCE)
    fixed &= start.high - start.low > TOLERANCE
    at_top = found.high > start.high - TOLERANCE
    owed.low[fixed & at_top] = found.low[fixed & at_top] - 1
    owed.high[fixed & ~at_top] = found.high[fixed & ~at_top] + 1


def _owed_to_other(cells: Cells, found: Ranges, inside: Flags) -> Ranges:
    owed = _nothing(cells)
    hidden = inside & cells.hidden
    owed.high[hidden] = _clear_of_small(cells, found)[hidden]
    return owed


def _clear_of_small(cells: Cells, found: Ranges) -> Floats:
    """Return the high end of a range that is wide enough and reaches beyond the small counts."""
    first, last = cells.policy.small_counts
    wide_enough: Floats = found.low + (last - first)
    if not cells.policy.suppresses:
        # The policy itself shows that a count is one of the small ones: that much may be known.
        return wide_enough
    result: Floats = np.maximum(last + 1.0, wide_enough)
    return result


def _nothing(cells: Cells) -> Ranges:
    size = len(cells.hidden)
    return Ranges(np.full(size, np.inf), np.full(size, -np.inf))
