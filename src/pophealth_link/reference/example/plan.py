"""The plan of the example region: where its coast, river, towns, roads and railway lie.

The region is invented. It lies at sea on the National Grid (the North Sea off Lincolnshire), so no
map can confuse it with a real place. Lengths here are kilometres from its south-west corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pophealth_link.reference.example.geometry import (
    Floats,
    inside,
    left_normals,
    signed_distance,
    smooth,
)

ORIGIN = (622_000.0, 388_000.0)

# Anticlockwise from the south-west: farmland border, then the coast northwards, then the estuary's
# shore westwards past the river's mouth, then the western border.
_OUTLINE = (
    (0.5, 1.6), (1.7, 0.7), (3.1, 1.0), (4.3, 0.3), (5.8, 0.7), (7.2, 0.1), (8.5, 0.8), (9.9, 0.5),
    (11.0, 1.2), (12.1, 1.0), (12.9, 1.8), (13.2, 3.0), (12.7, 4.2), (13.1, 5.3), (13.8, 6.3),
    (13.7, 7.2), (12.8, 7.7), (11.6, 7.5), (10.5, 7.9), (9.3, 7.5), (8.2, 7.0), (7.4, 6.8),
    (6.6, 6.4), (5.9, 6.6), (5.0, 7.1), (3.9, 7.2), (2.9, 6.7), (1.8, 6.6), (0.9, 6.1), (0.6, 5.0),
    (0.1, 3.9), (0.6, 2.8),
)  # fmt: skip
_FIRST_SHORE, _LAST_SHORE = 10, 27

# From the river's mouth to its source, outside the region.
_RIVER = (
    (6.6, 7.2), (6.5, 6.3), (6.9, 5.5), (6.2, 4.7), (6.0, 3.9), (6.6, 3.1), (6.3, 2.2), (6.7, 1.3),
    (6.3, 0.4), (6.5, -1.0),
)  # fmt: skip
MOUTH_WIDTH, SOURCE_WIDTH = 0.34, 0.06
_COAST_RIPPLE, _RIVER_RIPPLE = 0.06, 0.05


@dataclass(frozen=True, slots=True)
class Hill:
    """A bump of a field over the map: centre, radius in km and height."""

    x: float
    y: float
    radius: float
    height: float


# People per area, relative: two towns on the banks, a port, a new town, villages.
DENSITY = (
    Hill(5.6, 5.6, 1.3, 5.0),
    Hill(7.7, 5.6, 1.2, 4.5),
    Hill(12.3, 6.6, 0.8, 3.2),
    Hill(2.2, 4.9, 1.0, 2.8),
    Hill(3.4, 2.4, 0.8, 2.2),
    Hill(9.6, 3.4, 1.1, 2.8),
    Hill(10.4, 6.6, 0.8, 2.0),
    Hill(7.4, 2.0, 0.6, 1.2),
)
OPEN_LAND = 0.34

# Deprivation: old docks at the mouth, the port, an outlying estate; leafy south and headland.
HARDSHIP = (
    Hill(6.3, 6.2, 1.4, 2.2),
    Hill(12.8, 6.8, 1.2, 1.8),
    Hill(2.0, 5.4, 0.9, 1.7),
    Hill(9.7, 3.1, 0.7, 1.1),
    Hill(4.0, 2.0, 1.6, -1.4),
    Hill(8.0, 1.2, 2.2, -1.5),
    Hill(11.4, 3.2, 1.7, -1.1),
    Hill(3.6, 6.6, 0.9, -0.8),
)

BRIDGE = (6.6, 5.4)
CENTRES = ((5.6, 5.8), (7.7, 5.7), (12.3, 6.6))
STATIONS = ((1.2, 4.9), (3.4, 5.3), (5.7, 5.5), (7.8, 5.4), (9.8, 5.7), (12.0, 6.2))

# Lines with the distance in km within which they make 55 dB or more.
NOISY_LINES: tuple[tuple[float, tuple[tuple[float, float], ...]], ...] = (
    (0.16, ((-0.6, 2.6), (2.0, 3.3), (4.4, 3.1), (6.4, 3.7), (8.6, 4.4), (11.0, 4.4), (13.6, 3.6))),
    (0.12, ((8.3, -0.4), (8.6, 1.6), (8.3, 3.4), (8.6, 5.0), (8.3, 6.4))),
    (0.07, ((-0.6, 4.6), (1.2, 4.9), (3.4, 5.3), (5.7, 5.5), (7.8, 5.4), (9.8, 5.7), (12.6, 6.3))),
)


def shores(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the edges of the land west and east of the river, each anticlockwise.

    The land border is rougher than the shore; the river is a gap between the two.
    """
    points = np.array(_OUTLINE)
    corner = np.arange(len(points))
    rough = np.where((corner >= _FIRST_SHORE) & (corner <= _LAST_SHORE), 0.05, 0.14)
    edge = smooth(points + rng.uniform(-1, 1, points.shape) * rough[:, None], 0.1, closed=True)
    edge += _ripple(rng, edge, _COAST_RIPPLE, 0.6)
    water = river() + _ripple(rng, river(), _RIVER_RIPPLE, 1.5)
    upstream = np.clip((water[0, 1] - water[:, 1]) / 5.0, 0, 1)
    width = SOURCE_WIDTH + (MOUTH_WIDTH - SOURCE_WIDTH) * (1 - upstream) ** 1.5
    offset = signed_distance(edge, water)
    # The river runs from its mouth in the north, so the east is on its left.
    east = water + left_normals(water) * width[:, None] / 2
    west = water - left_normals(water) * width[:, None] / 2
    return (
        evenly(np.vstack([_run(edge, offset < -MOUTH_WIDTH), west[inside(west, edge)][::-1]])),
        evenly(np.vstack([_run(edge, offset > MOUTH_WIDTH), east[inside(east, edge)]])),
    )


def river() -> Floats:
    """Return the river's middle from mouth to source, before it meanders."""
    return smooth(np.array(_RIVER), 0.1, closed=False)


def evenly(ring: Floats, spacing: float = 0.08) -> Floats:
    """Return an open ring's points moved along it, so that they are about `spacing` apart."""
    closed = np.vstack([ring, ring[:1]])
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    wanted = np.linspace(0, reached[-1], round(reached[-1] / spacing), endpoint=False)
    return np.column_stack([np.interp(wanted, reached, closed[:, i]) for i in range(2)])


def _ripple(rng: np.random.Generator, curve: Floats, height: float, shortest: float) -> Floats:
    """Return small shifts along a curve, smooth from point to point and equal at both ends."""
    length = float(np.hypot(*np.diff(curve, axis=0).T).sum())
    turn = np.linspace(0, 2 * np.pi, len(curve), endpoint=False)
    # Waves of 4 km down to the shortest, the short ones lower.
    waves = np.arange(max(1, round(length / 4)), round(length / shortest))
    phase = rng.uniform(0, 2 * np.pi, (2, len(waves), 1))
    strength = height * rng.uniform(0.4, 1.4, (2, len(waves), 1)) / np.sqrt(waves)[:, None]
    shifts: Floats = (strength * np.sin(waves[:, None] * turn + phase)).sum(axis=1).T
    return shifts


def _run(ring: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Return the chosen points of a ring in order, from the start of their unbroken run."""
    first = int(np.flatnonzero(chosen & ~np.roll(chosen, 1))[0])
    return np.roll(ring, -first, axis=0)[np.roll(chosen, -first)]


def field(points: Floats, hills: tuple[Hill, ...]) -> Floats:
    """Return the sum of the hills at each point."""
    centre = np.array([(hill.x, hill.y) for hill in hills])
    radius, height = (np.array([getattr(h, name) for h in hills]) for name in ("radius", "height"))
    squared = ((points[:, None, :] - centre[None, :, :]) ** 2).sum(axis=2)
    heights: Floats = (height * np.exp(-squared / (2 * radius**2))).sum(axis=1)
    return heights


def density(points: Floats) -> Floats:
    """Return how densely people live at each point, relative to open land."""
    return OPEN_LAND + field(points, DENSITY)


def nearness(points: Floats, places: tuple[tuple[float, float], ...], scale: float) -> Floats:
    """Return 1 at one of the places, falling to 0 with distance over `scale` km."""
    gaps = points[:, None, :] - np.array(places)[None, :, :]
    near: Floats = np.exp(-np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1) / scale)
    return near


def to_grid(points: Floats) -> Floats:
    """Return points of the plan as National Grid metres, to the millimetre."""
    metres: Floats = np.round(points * 1000 + np.array(ORIGIN), 3)
    return metres
