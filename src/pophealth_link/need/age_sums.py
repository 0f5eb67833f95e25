"""Sums between populations of different ages: what one is of the others and their strata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from pophealth_link.disclosure.additive import Identity
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.strata import AGE, ALL, BAND, UNKNOWN, family_of

# Ages end before this one; who is of unknown age stands beyond it.
_KNOWN, _END = 1000, 1001
_Cell = tuple[str, str]
_Ages = tuple[int, int]


def age_sums(ages: Mapping[str, tuple[int, int | None]], strata: Sequence[str]) -> list[Identity]:
    """Return the identities between populations and their strata by age, sorted.

    `ages`: each population with its first and last age; one from 0 without a last age holds people
    of unknown age too. `strata`: those that the populations are given by. Populations of the same
    ages are equal, whether they are one or a stratum of one; where the ages of some follow each
    other from the first to the last of another, they add up to it. By another stratum (a sex, a
    fifth) they add up likewise, where nobody's age is unknown.

    >>> age_sums({"everyone": (0, None), "children": (0, 17)}, ["age_0_17"])
    [{('children', 'age_0_17'): -1, ('everyone', 'age_0_17'): 1}]
    """
    by_age = [each for each in strata if family_of(each) in (ALL, AGE.name, BAND.name)]
    held = sorted((name, *each) for name, each in _by_stratum(ages, by_age))
    rest = [each for each in strata if each not in by_age]
    found = _sums([((name, stratum), span) for name, stratum, span in held])
    for stratum in rest:
        plain = [
            ((name, stratum), (first, _KNOWN if last is None else last + 1))
            for name, (first, last) in sorted(ages.items())
        ]
        found += _sums(plain)
    return found


def _by_stratum(
    ages: Mapping[str, tuple[int, int | None]], strata: Sequence[str]
) -> Iterator[tuple[str, tuple[str, _Ages]]]:
    """Yield each population and stratum with the ages from the first up to before the last."""
    spans = _spans()
    for name, (first, last) in ages.items():
        whole = (first, _KNOWN if last is None else last + 1)
        for stratum in strata:
            if stratum == ALL:
                yield name, (ALL, (0, _END) if (first, last) == (0, None) else whole)
            elif stratum in spans:
                begin, end = max(first, spans[stratum][0]), min(whole[1], spans[stratum][1])
                if begin < end:
                    yield name, (stratum, (begin, end))
            elif stratum.endswith(f"_{UNKNOWN}") and (first, last) == (0, None):
                yield name, (stratum, (_KNOWN, _END))


def _spans() -> dict[str, _Ages]:
    """Return the ages of each stratum by age, from the first up to before the last."""
    starts = [*AGE_BAND_STARTS.values(), _KNOWN]
    ends = dict(zip(AGE_BAND_STARTS, sorted(starts)[1:], strict=True))
    return {
        f"{family.name}_{group}": (min(AGE_BAND_STARTS[one] for one in held), ends[held[-1]])
        for family in (AGE, BAND)
        for group, held in family.groups.items()
    }


def _sums(cells: Sequence[tuple[_Cell, _Ages]]) -> list[Identity]:
    """Return that cells of the same ages are equal, and those that add up to another."""
    first: dict[_Ages, _Cell] = {}
    found: list[Identity] = []
    for cell, span in cells:
        if span in first:
            found.append({first[span]: -1, cell: 1})
        else:
            first[span] = cell
    for span, whole in first.items():
        for path in _paths(*span, first):
            parts = [first[each] for each in path]
            if len(path) > 1 and not (_of_one_family(whole, parts) or _shorter(path, first)):
                found.append({whole: -1, **{first[each]: 1 for each in path}})
    return found


def _paths(begin: int, end: int, spans: Mapping[_Ages, _Cell]) -> Iterator[tuple[_Ages, ...]]:
    """Yield the ways to go from one age to another by spans that follow each other."""
    if begin == end:
        yield ()
    for span in spans:
        if span[0] == begin and span[1] <= end:
            yield from ((span, *rest) for rest in _paths(span[1], end, spans))


def _shorter(path: tuple[_Ages, ...], spans: Mapping[_Ages, _Cell]) -> bool:
    """Return whether some that follow each other in a path add up to a span of their own."""
    runs = combinations(range(len(path)), 2)
    ends = ((path[start][0], path[stop][1]) for start, stop in runs)
    return any(run in spans for run in ends if run != (path[0][0], path[-1][1]))


def _of_one_family(whole: _Cell, parts: Sequence[_Cell]) -> bool:
    """Return whether a sum is one within a population, which its strata tell already."""
    return {name for name, _ in parts} == {whole[0]}
