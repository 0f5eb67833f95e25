"""Raking: numbers made to agree with margins, keeping the odds between them.

Source: Deming and Stephan, Ann Math Stat 1940;11:427–444 (iterative proportional fitting).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDS, _CLOSE = 500, 1e-10


def rake(start: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return tables whose rows and columns add up to the margins, as near to `start` as can be.

    `start`: … × rows × columns, none below zero; `rows`, `columns`: … × rows, … × columns. The
    columns are first put on the total of the rows, so that their proportions are what counts. A row
    or column of zeros stays zero. Ends when no row total is off by more than 1e-10 of the whole, or
    after 500 rounds.

    >>> table = rake(np.ones((2, 2)), np.array([30.0, 70.0]), np.array([1.0, 1.0]))
    >>> table.round(6).tolist()
    [[15.0, 15.0], [35.0, 35.0]]
    """
    total = rows.sum(axis=-1, keepdims=True)
    wanted = columns * _ratio(total, columns.sum(axis=-1, keepdims=True))
    table = start.astype(np.float64)
    for _ in range(_ROUNDS):
        table = table * _ratio(wanted, table.sum(axis=-2))[..., np.newaxis, :]
        sums = table.sum(axis=-1)
        off = np.abs(sums - rows).max(initial=0.0)
        table = table * _ratio(rows, sums)[..., np.newaxis]
        if off <= _CLOSE * max(float(total.max(initial=0.0)), 1.0):
            break
    return table


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, and nothing (0) where there is nothing below."""
    result: Floats = np.divide(
        above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0
    )
    return result
