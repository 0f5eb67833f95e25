"""What a run is expected to cost in time and memory.

A straight line through runs of synthetic people (preset typical; 5,000, 40,000 and 200,000 of
them) in the example region on two cores. `docs/job-file.md` says how far off it was elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

# Linking: prepared records are held in several forms at once, and so are weighed pairs.
_LINK_MB, _MB_PER_MB_OF_PEOPLE, _BYTES_PER_PAIR = 330.0, 15.5, 300.0
_LINK_SECONDS, _PAIRS_PER_SECOND = 1.0, 130_000.0
# Training looks at no more pairs than it does where a run makes so many comparisons.
_TRAIN_SECONDS, _TRAIN_PAIRS_PER_SECOND, _TRAIN_PAIRS = 7.0, 17_000.0, 800_000
_TRAIN_MB, _TRAIN_BYTES_PER_PAIR = 95.0, 1_950.0
# Analysing: most of it is the report, which grows with the area and not with its people.
_ANALYSE_MB, _ANALYSE_SECONDS = 470.0, 7.0
_SECONDS_PER_MB_OF_PEOPLE, _SECONDS_PER_MB_OF_EVENTS = 0.035, 0.25


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the two halves, and megabytes (10^6 bytes) of memory at the most."""

    link_seconds: float
    analyse_seconds: float
    memory_mb: int


def expected(
    *, counting_seconds: float, people_mb: float, pairs: int, events_mb: float, training: bool
) -> Cost:
    """Return the expected cost of a run.

    `counting_seconds`: how long this machine took to read and prepare the people and to count
    comparisons. `people_mb`: the size of the prepared records in memory. `pairs`: comparisons,
    overlap counted twice. `events_mb`: the size of the files of events. `training`: whether a
    model is trained.

    >>> expected(counting_seconds=2, people_mb=100, pairs=1_300_000, events_mb=0, training=False)
    Cost(link_seconds=13.0, analyse_seconds=10.5, memory_mb=2270)
    """
    learnt_from = min(pairs, _TRAIN_PAIRS)
    link = _LINK_SECONDS + counting_seconds + pairs / _PAIRS_PER_SECOND
    train = (_TRAIN_SECONDS + learnt_from / _TRAIN_PAIRS_PER_SECOND) * training
    analyse = (
        _ANALYSE_SECONDS
        + _SECONDS_PER_MB_OF_PEOPLE * people_mb
        + _SECONDS_PER_MB_OF_EVENTS * events_mb
    )
    trained_mb = (_TRAIN_MB + _TRAIN_BYTES_PER_PAIR * learnt_from / 1e6) * training
    linked_mb = _LINK_MB + _MB_PER_MB_OF_PEOPLE * people_mb
    memory = linked_mb + max(_BYTES_PER_PAIR * pairs / 1e6, trained_mb)
    return Cost(round(link + train, 1), round(analyse, 1), round(max(memory, _ANALYSE_MB)))
