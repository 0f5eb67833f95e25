"""The best one-to-one solution among records and people, and how far every other choice is off it.

Weights are bits: the log2 odds that a record is a person against its being none of them. Nobody
weighs 0, so the solution with the largest sum is the likeliest, and no record is forced on anyone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]


def regrets(weights: Floats) -> tuple[Floats, Floats]:
    """Return by how many bits each choice falls short of the best one-to-one solution.

    `weights`: records in rows, people in columns, minus infinity where they were not compared. The
    first result has its shape: the best total less that of the best solution with this pair. The
    second holds for each record the same where it is nobody. A choice that some best solution
    makes has 0.

    A forced choice pushes a chain of records out of their places, so the shortest chain is found
    with the algorithm of Floyd and Warshall (Commun ACM 1962;5:345) over records and one node for
    all free places.

    >>> import numpy as np
    >>> pairs, nobody = regrets(np.array([[10.0, 9.0], [9.5, 2.0]]))
    >>> pairs.tolist(), nobody.tolist()
    ([[6.5, 0.0], [0.0, 6.5]], [9.0, 8.5])
    """
    import numpy as np

    count = len(weights)
    place = _places(weights)
    held = place >= 0
    gain = np.where(held, weights[np.arange(count), place], 0.0)
    free = np.ones(weights.shape[1], dtype=bool)
    free[place[held]] = False
    vacant = np.max(weights[:, free], axis=1, initial=0.0)
    steps = np.full((count + 1, count + 1), np.inf)
    steps[:count, :count][:, held] = gain[:, None] - weights[:, place[held]]
    steps[:count, count] = gain - vacant
    # Whoever is pushed out may also leave a place empty.
    steps[count, :] = 0.0
    np.fill_diagonal(steps, 0.0)
    back = _shortest(steps)
    owner = np.full(weights.shape[1], count)
    owner[place[held]] = np.flatnonzero(held)
    pairs = gain[:, None] - weights + back[owner, :count].T
    return _tidy(pairs), _tidy(gain + back[count, :count])


def _places(weights: Floats) -> Places:
    """Return the person of each record in the best solution, -1 for nobody."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    worth = np.maximum(weights, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    place = np.full(len(weights), -1)
    chosen = worth[rows, columns] > 0
    place[rows[chosen]] = columns[chosen]
    return place


def _shortest(steps: Floats) -> Floats:
    import numpy as np

    lengths = steps.copy()
    for middle in range(len(lengths)):
        np.minimum(lengths, lengths[:, [middle]] + lengths[[middle], :], out=lengths)
    return lengths


def _tidy(bits: Floats) -> Floats:
    """Return the bits without the last digits, which depend on the order of additions."""
    import numpy as np

    return np.maximum(np.round(bits, 6), 0.0)
