"""Exact ranges of slivers by linear programme, where propagation of intervals is too wide.

Propagation takes one relation at a time, so where footprints of several types overlap and strata
cut across them it may find a sliver safe that all relations together show to be small. Here each
block of a connected group of cells is one linear programme; what it says is what a reader can work
out from the block. Blocks (families of strata, and sums between indicators) have the cells of `all`
in common: from one to the other propagation carries what is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pophealth_link.disclosure.cells import Cells
from pophealth_link.disclosure.programme import Optimum, Programme
from pophealth_link.disclosure.ranges import (
    EVERY_BLOCK,
    TOLERANCE,
    Flags,
    Floats,
    Ranges,
    Terms,
    Whole,
    propagate,
)
from pophealth_link.disclosure.readers import marks_alone

# Beyond this many cells in a block programmes take too long; propagation has to do.
_LARGEST_BLOCK = 2_000
# Blocks are put into one programme up to about so many cells: one large is quicker than many small.
_LARGEST_BATCH = 4_000
# How many programmes look at all slivers of a block at once before they are looked at one by one.
_AT_ONCE = 8


def exactly_small(cells: Cells) -> Flags:
    """Return the slivers that the informed reader knows to be small, by all relations together."""
    found = np.zeros(len(cells.hidden), dtype=np.bool_)
    found[list(_known(cells, marks_alone(cells).high))] = True
    return found


def left_out(cells: Cells) -> int:
    """Return how many slivers are in blocks too large for programmes: propagation alone has them.

    Counted are those that may be small by propagation.
    """
    cells, wide = _without_contradictions(cells)
    inside = np.zeros(len(cells.hidden), dtype=np.bool_)
    inside[cells.terms.cell[cells.terms.block[cells.terms.relation] > 0]] = True
    asked = _perhaps_small(cells, wide) & inside
    for _, _, wanted in _blocks(cells, asked):
        asked = asked & ~wanted
    return int(asked.sum())


def protected_exactly(cells: Cells, protect: Callable[[Cells], Cells]) -> tuple[Cells, Flags]:
    """Return the cells with more withheld until no sliver is known to be small, and those left.

    Of the released numbers that hold a sliver's range back the smallest is withheld, ties by key;
    `protect` then withholds what that one asks for in turn. Slivers are left where nothing helps.
    """
    hidden, left = cells.hidden.copy(), np.zeros(len(cells.hidden), dtype=np.bool_)
    group = cells.terms.components(len(hidden))
    told = marks_alone(cells).high
    for number in np.unique(group[list(_known(cells, told))]):
        marked = group == number
        mended, known = _mended(cells.within(marked), told[marked], protect)
        hidden[marked] = mended.hidden
        left[np.flatnonzero(marked)[known]] = True
    return cells.also_hidden(hidden), left


def _mended(
    group: Cells, told: Floats, protect: Callable[[Cells], Cells]
) -> tuple[Cells, list[int]]:
    known = _known(group, told)
    while known:
        picks = [pick for each in known.values() if (pick := _smallest(group, each)) is not None]
        if not picks:
            break
        more = np.zeros(len(group.hidden), dtype=np.bool_)
        more[picks] = True
        group = protect(group.also_hidden(more))
        known = _known(group, told)
    return group, list(known)


def _smallest(group: Cells, optimum: Optimum) -> int | None:
    """Return the smallest released number that holds the optimum back and would not if withheld."""
    now, free = group.informed(), group.unshown()
    down = optimum.low_binds & (free.low < now.low - TOLERANCE)
    up = optimum.high_binds & (free.high > now.high + TOLERANCE)
    at = np.flatnonzero(group.untold & (down | up))
    return (
        int(at[np.lexsort((group.order[at], group.truth[at], group.headline[at]))[0]])
        if len(at)
        else None
    )


def _known(cells: Cells, told: Floats) -> dict[int, Optimum]:
    """Return the slivers that are known to be small, and why.

    `told`: how high the marks alone let each cell be, the same whatever is withheld; where it is
    worked out exactly the array is lowered in place, so that it is worked out once. It becomes
    minus infinity where possible counts were seen that are far enough apart: they stay possible
    when more is withheld, and the sliver need not be looked at again.

    A sliver may be known where its range lies beyond the small counts or below them, where it is
    wide enough, and where the marks alone tell as much. Groups that contradict are not looked at.
    """
    cells, wide = _without_contradictions(cells)
    asked = _perhaps_small(cells, wide) & ~np.isneginf(told)
    if not asked.any():
        return {}
    found: dict[int, Optimum] = {}
    for terms, block, wanted in _blocks(cells, asked):
        part = replace(cells, terms=terms).within(block)
        at = np.flatnonzero(block)
        own = told[at]
        known = _known_in(part, wanted[at], own)
        told[at] = own
        for sliver, optimum in known.items():
            found.setdefault(int(at[sliver]), optimum.spread(at, len(block)))
    return found


def _perhaps_small(cells: Cells, wide: Ranges) -> Flags:
    """Return the slivers of some relation that may be small; `wide`: ranges by propagation."""
    first, last = cells.policy.small_counts
    asked = cells.unlisted & (wide.high > max(first, 1) - TOLERANCE) & (wide.low < last + TOLERANCE)
    inside = np.zeros(len(asked), dtype=np.bool_)
    inside[cells.terms.cell] = True
    result: Flags = asked & inside
    return result


def _without_contradictions(cells: Cells) -> tuple[Cells, Ranges]:
    """Return the cells without relations of groups that contradict, and what may be otherwise."""
    wide = propagate(cells.terms, cells.informed())
    while wide.contradictory.any():
        group = cells.terms.components(len(cells.hidden))
        wrong = np.isin(group, group[wide.contradictory])
        cells = replace(cells, terms=cells.terms.without(wrong))
        own = cells.informed()
        wide = propagate(cells.terms, Ranges(own.low, np.maximum(own.low, own.high)))
    return cells, wide


def _known_in(part: Cells, asked: Flags, told: Floats) -> dict[int, Optimum]:
    """Return the slivers of some blocks that are known to be small; `told`: highs by the marks.

    They are looked at all at once; of blocks with slivers that this does not clear, each alone.
    """
    seen = _seen_at_once(Programme.of(part, part.informed()), asked, told)
    unclear = asked & ~_enough(part, seen, told)
    told[asked & ~unclear] = -np.inf
    label = part.terms.components(len(asked))
    known: dict[int, Optimum] = {}
    for number in np.unique(label[unclear]):
        own = label == number
        at = np.flatnonzero(own)
        block, begun = part.within(own), seen.within(own)
        exact = told[at]
        found = _known_of(block, unclear[own], exact, begun)
        told[at] = exact
        known |= {int(at[each]): optimum.spread(at, len(own)) for each, optimum in found.items()}
    return known


def _known_of(block: Cells, asked: Flags, told: Floats, seen: Ranges) -> dict[int, Optimum]:
    """Return the slivers of one block that are known to be small, given counts seen already."""
    programme, marks = (Programme.of(block, each) for each in (block.informed(), block.marks()))
    if np.isinf(seen.high).any():
        # Another block that was looked at together with this one has no solution.
        seen = _seen_at_once(programme, asked, told)
    known = {}
    for sliver in np.flatnonzero(asked):
        if _enough(block, seen, told)[sliver]:
            continue
        optimum = _one_by_one(programme, int(sliver), seen, told)
        if optimum is None:
            continue
        told[sliver] = min(told[sliver], _most(marks, int(sliver)))
        if optimum.value < told[sliver] - TOLERANCE:
            known[int(sliver)] = optimum
    told[asked & _enough(block, seen, told)] = -np.inf
    return known


def _blocks(cells: Cells, asked: Flags) -> list[tuple[Terms, Flags, Flags]]:
    """Return terms and cells of blocks, some of them together, and the slivers asked for in them.

    A sliver of several blocks (one of `all`) is asked for in the first that has it: what the others
    tell of it is carried by propagation.
    """
    size, found, waiting = len(cells.hidden), [], asked.copy()
    bits = np.unique(cells.terms.block[cells.terms.block < EVERY_BLOCK])
    for bit in bits if len(bits) else np.array([EVERY_BLOCK]):
        terms = cells.terms.keep((cells.terms.block & bit) > 0)
        inside = np.zeros(size, dtype=np.bool_)
        inside[terms.cell] = True
        label = terms.components(size)
        for together in _batches(label, inside, waiting):
            found.append((terms, together, waiting & together))
            waiting = waiting & ~together
    return found


def _batches(label: Whole, inside: Flags, waiting: Flags) -> list[Flags]:
    """Return the cells of blocks with waiting slivers, so many blocks at a time as are quick."""
    sizes = np.bincount(label[inside], minlength=int(label.max(initial=0)) + 1)
    has = np.zeros(len(sizes), dtype=np.bool_)
    has[label[waiting & inside]] = True
    has &= sizes <= _LARGEST_BLOCK
    batch = np.where(has, np.cumsum(np.where(has, sizes, 0)) // _LARGEST_BATCH, -1)
    of_cell = np.where(inside, batch[label], -1)
    return [of_cell == number for number in np.unique(batch[has])]


def _owed(cells: Cells, low: Floats) -> Floats:
    """Return how high a range that begins at `low` must reach, if that is a small count."""
    first, last = cells.policy.small_counts
    wide_enough: Floats = np.minimum(low, last) + (last - first)
    result: Floats = np.maximum(last + 1.0, wide_enough)
    return result if cells.policy.suppresses else wide_enough


def _enough(cells: Cells, seen: Ranges, told: Floats) -> Flags:
    """Return where the counts seen show a range to reach far enough; `told`: by the marks."""
    result: Flags = seen.high > np.minimum(_owed(cells, seen.low), told) - TOLERANCE
    return result


def _seen_at_once(programme: Programme, asked: Flags, told: Floats) -> Ranges:
    """Return lowest and highest counts of possible tables that suit many slivers at once."""
    seen = Ranges(np.zeros(len(asked)), np.full(len(asked), -np.inf))
    least = programme.maximum(-asked.astype(np.float64))
    if least is None or least.counts is None:
        return seen
    seen = Ranges(least.counts.copy(), least.counts.copy())
    for _ in range(_AT_ONCE):
        still = asked & ~_enough(programme.cells, seen, told)
        if still.sum() <= 1:
            break
        caps = np.minimum(_owed(programme.cells, seen.low), told)
        _see(seen, programme.maximum(still.astype(np.float64), caps))
        if not (still & _enough(programme.cells, seen, told)).any():
            break
    return seen


def _see(seen: Ranges, optimum: Optimum | None) -> None:
    if optimum is not None and optimum.counts is not None:
        np.minimum(seen.low, optimum.counts, out=seen.low)
        np.maximum(seen.high, optimum.counts, out=seen.high)


def _one_by_one(programme: Programme, sliver: int, seen: Ranges, told: Floats) -> Optimum | None:
    """Return the sliver's greatest count where it is less than it must be, else nothing."""
    goal = np.zeros(len(seen.low))
    goal[sliver] = 1.0
    most = programme.maximum(goal)
    first, last = programme.cells.policy.small_counts
    if most is None or most.value < max(first, 1) - TOLERANCE:
        return None
    _see(seen, most)
    owed = min(_owed(programme.cells, seen.low)[sliver], told[sliver])
    if most.value > owed - TOLERANCE:
        return None
    least = programme.maximum(-goal)
    if least is None or -least.value > last + TOLERANCE:
        return None
    _see(seen, least)
    return most if most.value < _owed(programme.cells, seen.low)[sliver] - TOLERANCE else None


def _most(marks: Programme, sliver: int) -> float:
    """Return how high the marks alone let a sliver be."""
    goal = np.zeros(len(marks.cells.hidden))
    goal[sliver] = 1.0
    found = marks.maximum(goal)
    return np.inf if found is None else found.value
