"""LSOAs as polygons: groups of Voronoi cells whose shared borders wander, bounded by a shore.

The triangles from each cell's site to its corners fill the cell and overlap nobody else's. A border
may wander anywhere inside the two triangles that it separates, so polygons stay valid and never
overlap, whatever the random numbers. An LSOA is the cells nearest to its seed by way of
neighbouring cells, so it is always in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pophealth_link.errors import ReferenceDataError
from pophealth_link.reference.example import plan
from pophealth_link.reference.example.geometry import Floats, Integers, cross, inside, ring_area

_LEVELS = 3
# Kilometres beyond which a border is drawn with all its points, and with half of them.
_LONG, _SHORT = 0.12, 0.03
_ROUGHNESS, _PERSISTENCE = 0.13, 0.55
_CELLS_PER_AREA = 6
_GRID = 0.07
_FRAME = 60.0
_STRIP = 0.03


@dataclass(frozen=True, slots=True)
class Areas:
    """LSOAs on one bank: a point inside each, and each one's closed rings, the outer one first.

    In kilometres of the plan.
    """

    sites: Floats
    rings: tuple[tuple[Floats, ...], ...]


@dataclass(frozen=True, slots=True)
class _Borders:
    """Borders between cells: cell on the left, cell on the right, corners from and to.

    A right-hand cell that is beyond the number of cells on land lies outside the shore.
    """

    left: Integers
    right: Integers
    start: Integers
    end: Integers
    corners: Floats


def _spread(rng: np.random.Generator, shore: Floats, count: int, steps: int) -> Floats:
    """Return `count` sites inside the shore, closer together where people live closer together.

    Lloyd relaxation in the plane leaves sites as dense as the square root of the weight (Gersho's
    conjecture), hence the square.
    """
    from scipy.spatial import cKDTree

    low, high = shore.min(axis=0), shore.max(axis=0)
    axes = [np.arange(low[i], high[i], _GRID) for i in range(2)]
    ground = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    ground = ground[inside(ground, shore)]
    ground = ground + rng.uniform(-0.3, 0.3, ground.shape) * _GRID
    density = plan.density(ground)
    weight = density**2
    sites = ground[rng.choice(len(ground), count, replace=False, p=density / density.sum())]
    for _ in range(steps):
        nearest = cKDTree(sites).query(ground)[1]
        total = np.bincount(nearest, weight, count)
        mean = [np.bincount(nearest, weight * ground[:, i], count) for i in range(2)]
        moved = np.column_stack(mean) / np.maximum(total, 1e-12)[:, None]
        sites = np.where(total[:, None] > 0, moved, sites)
    return sites


def _shore_pairs(rng: np.random.Generator, shore: Floats) -> tuple[Floats, Floats]:
    """Return points just inside the shore and their mirror images, so that cells end at it."""
    following = np.roll(shore, -1, axis=0)
    along = following - shore
    outwards = np.column_stack([along[:, 1], -along[:, 0]]) / np.hypot(*along.T)[:, None]
    middle = (shore + following) / 2
    # Exact mirror images lie on common circles, whose Voronoi corners are degenerate.
    depth = _STRIP * rng.uniform(0.9, 1.1, (2, len(shore), 1))
    within, beyond = middle - depth[0] * outwards, middle + depth[1] * outwards
    # At a sharp corner a point may fall on the wrong side: drop it.
    within, beyond = within[inside(within, shore)], beyond[~inside(beyond, shore)]
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    frame = np.column_stack([np.cos(turn), np.sin(turn)]) * _FRAME + shore.mean(axis=0)
    return within, np.vstack([beyond, frame])


def _borders(points: Floats, count: int) -> _Borders:
    """Return the borders of the first `count` points' Voronoi cells, in a fixed order."""
    from scipy.spatial import Voronoi

    diagram = Voronoi(points)
    pairs = np.sort(np.asarray(diagram.ridge_points, dtype=np.int64), axis=1)
    ends = np.array([pair[:2] for pair in diagram.ridge_vertices], dtype=np.int64)
    kept = pairs[:, 0] < count
    order = np.lexsort((pairs[kept, 1], pairs[kept, 0]))
    pairs, ends = pairs[kept][order], ends[kept][order]
    corners = np.asarray(diagram.vertices, dtype=np.float64)
    site = points[pairs[:, 0]]
    turned = cross(corners[ends[:, 0]] - site, corners[ends[:, 1]] - site) < 0
    ends[turned] = ends[turned][:, ::-1]
    return _Borders(pairs[:, 0], pairs[:, 1], ends[:, 0], ends[:, 1], corners)


def _grouped(
    rng: np.random.Generator, cells: Floats, seeds: Floats, borders: _Borders
) -> tuple[Integers, Integers]:
    """Return the LSOA of each cell, and the cell in which each LSOA starts."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    gaps = seeds[:, None, :] - cells[None, :, :]
    start = linear_sum_assignment((gaps**2).sum(axis=2))[1]
    land = borders.right < len(cells)
    left, right = borders.left[land], borders.right[land]
    # A random cost of passing from cell to cell makes areas ragged rather than round.
    cost = np.hypot(*(cells[left] - cells[right]).T) * rng.uniform(0.55, 1.8, len(left))
    graph = coo_array((cost, (left, right)), shape=(len(cells), len(cells))).tocsr()
    _, _, source = dijkstra(
        graph, directed=False, indices=start, min_only=True, return_predecessors=True
    )
    number = np.empty(len(cells), dtype=np.int64)
    number[start] = np.arange(len(start))
    return number[source], start


def _room(apex: Floats, start: Floats, end: Floats, t: Floats, sign: float) -> Floats:
    """Return how far a border may wander at each `t` and stay in its triangle with `apex`."""
    along = end - start
    length = np.hypot(*along.T)
    foot = ((apex - start) * along).sum(axis=1) / length**2
    height = sign * cross(along, apex - start) / length
    # Beyond either end of the border a triangle sets no limit there.
    rising = t[None, :] / np.maximum(foot, 1e-9)[:, None]
    falling = (1 - t)[None, :] / np.maximum(1 - foot, 1e-9)[:, None]
    room: Floats = np.maximum(height, 0)[:, None] * np.minimum(rising, falling)
    return room


def _wander(rng: np.random.Generator, count: int) -> Floats:
    """Return midpoint-displacement curves: one row each, 0 at both ends, in units of length."""
    curve = np.zeros((count, 2**_LEVELS + 1))
    for level in range(_LEVELS):
        step = 2 ** (_LEVELS - level)
        drift = rng.normal(0, _ROUGHNESS * _PERSISTENCE**level, (count, 2**level))
        middle = (curve[:, :-1:step] + curve[:, step::step]) / 2
        curve[:, step // 2 :: step] = middle + drift
    return curve


def _lines(
    rng: np.random.Generator, points: Floats, borders: _Borders
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return each border as a line of points, shape (borders, points, 2), and which to draw.

    Short borders are drawn with fewer points; the last point is the next border's first.
    """
    t = np.linspace(0, 1, 2**_LEVELS + 1)
    start, end = borders.corners[borders.start], borders.corners[borders.end]
    along = end - start
    length = np.hypot(*along.T)[:, None]
    wander = _wander(rng, len(along)) * length
    leftwards = _room(points[borders.left], start, end, t, 1.0)
    rightwards = _room(points[borders.right], start, end, t, -1.0)
    limit = 0.7 * np.where(wander > 0, leftwards, rightwards)
    offset = np.sign(wander) * np.minimum(np.abs(wander), limit)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / length
    lines: Floats = (
        start[:, None, :]
        + along[:, None, :] * t[None, :, None]
        + offset[:, :, None] * normal[:, None, :]
    )
    # Both ends exactly on the corner that neighbouring lines share.
    lines[:, -1] = end
    every = np.where(length > _LONG, 1, np.where(length > _SHORT, 2, 2**_LEVELS))
    return lines, np.arange(2**_LEVELS + 1)[None, :] % every == 0


def _loops(start: Integers, end: Integers) -> list[list[int]]:
    """Return the order of directed borders, end to start, around each closed loop."""
    follows = dict(zip(start.tolist(), range(len(start)), strict=True))
    if len(follows) < len(start):
        raise ReferenceDataError(
            "the example region cannot be drawn: four areas meet in one corner.",
            fix="give another seed.",
        )
    following = [follows[corner] for corner in end.tolist()]
    left, loops = set(range(len(start))), []
    while left:
        loop = [min(left)]
        while following[loop[-1]] != loop[0]:
            loop.append(following[loop[-1]])
        left.difference_update(loop)
        loops.append(loop)
    return loops


def _closed(lines: Floats, drawn: NDArray[np.bool_]) -> Floats:
    ring: Floats = lines[:, :-1][drawn[:, :-1]]
    return np.vstack([ring, ring[:1]])


def _rings(
    group: Integers, borders: _Borders, lines: Floats, drawn: NDArray[np.bool_]
) -> tuple[tuple[Floats, ...], ...]:
    """Join the borders of each group of cells into its rings."""
    beyond = np.full(int(borders.right.max()) + 1 - len(group), -1)
    outer = np.concatenate([group, beyond])
    left, right = outer[borders.left], outer[borders.right]
    edge = left != right
    shared = edge & (right >= 0)
    owner = np.concatenate([left[edge], right[shared]])
    start = np.concatenate([borders.start[edge], borders.end[shared]])
    end = np.concatenate([borders.end[edge], borders.start[shared]])
    line = np.concatenate([lines[edge], lines[shared][:, ::-1]])
    dots = np.concatenate([drawn[edge], drawn[shared][:, ::-1]])
    return tuple(
        _polygon(start[mine], end[mine], line[mine], dots[mine])
        for mine in (owner == number for number in range(int(group.max()) + 1))
    )


def _polygon(
    start: Integers, end: Integers, lines: Floats, drawn: NDArray[np.bool_]
) -> tuple[Floats, ...]:
    rings = [_closed(lines[loop], drawn[loop]) for loop in _loops(start, end)]
    return tuple(sorted(rings, key=ring_area, reverse=True))


def make_areas(rng: np.random.Generator, shore: Floats, count: int) -> Areas:
    """Make `count` LSOAs that fill the land inside the shore."""
    within, beyond = _shore_pairs(rng, shore)
    cells = np.vstack([_spread(rng, shore, count * _CELLS_PER_AREA, 4), within])
    seeds = _spread(rng, shore, count, 12)
    points = np.vstack([cells, beyond])
    borders = _borders(points, len(cells))
    group, start = _grouped(rng, cells, seeds, borders)
    lines, drawn = _lines(rng, points, borders)
    return Areas(cells[start], _rings(group, borders, lines, drawn))


def contains(rings: tuple[Floats, ...], points: Floats) -> NDArray[np.bool_]:
    """Say which points lie in a polygon and not in one of its holes."""
    within = np.stack([inside(points, ring[:-1]) for ring in rings])
    odd: NDArray[np.bool_] = within.sum(axis=0) % 2 == 1
    return odd
