"""Graded answers made by hand, of which the figures of the targets can be counted."""

import polars as pl

from benchmarks import targets_pool

GRADED = {
    "source": pl.String, "person_id": pl.String, "score": pl.Float64, "accepted": pl.Boolean,
    "linkable": pl.Boolean, "right": pl.Boolean, "ethnic_group": pl.String,
}  # fmt: skip


def graded(rows, source="s"):
    """Frames of rows (score, right, accepted[, linkable[, group]]); right ones are linkable."""
    made = []
    for place, (score, right, accepted, *more) in enumerate(rows):
        linkable = more[0] if more else True
        group = more[1] if len(more) > 1 else "x"
        made.append((source, f"p{place:04}", score, accepted, linkable, right, group))
    return pl.DataFrame(made, schema=GRADED, orient="row")


def pool_of(**systems):
    return targets_pool.pool({name: [graded(rows)] for name, rows in systems.items()})


# The yardstick links six, one falsely, and misses three of eight; it has a further match beneath.
YARD = [
    (9, True, True), (8, True, True), (7, True, True), (6, False, True, False), (5, True, True),
    (4, True, True), (3, True, False), (None, False, False), (None, False, False),
]  # fmt: skip
# The library has six right before the first that is wrong, and all eight thereafter.
OURS = [
    (9, True, True), (8, True, True), (7, True, True), (2, False, False, False), (6, True, True),
    (5, True, True), (4, True, False), (1, True, False), (1, True, False),
]  # fmt: skip
CEIL = [(9, True, True)] * 3 + [(1, False, False, False)] + [(9, True, True)] * 5
