"""Plane geometry in numpy: inside or outside, partition by weight, bands along lines, WKB."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_LITTLE_ENDIAN, _POLYGON = 1, 3


def wkb_polygon(rings: Sequence[Floats]) -> bytes:
    """Return closed rings, the outer one first, as a polygon in well-known binary.

    Source: Open Geospatial Consortium, Simple feature access, 06-103r4, section 8.2.

    >>> len(wkb_polygon([np.array([[0, 0], [1, 0], [1, 1], [0, 0]])]))
    77
    """
    head = struct.pack("<BII", _LITTLE_ENDIAN, _POLYGON, len(rings))
    parts = [struct.pack("<I", len(ring)) + ring.astype("<f8").tobytes() for ring in rings]
    return head + b"".join(parts)


def cross(a: Floats, b: Floats) -> Floats:
    """Return the cross product of vectors in the plane."""
    area: Floats = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return area


def ring_area(ring: Floats) -> float:
    """Return the area of a closed ring, positive where it runs anticlockwise."""
    return float(cross(ring[:-1], ring[1:]).sum() / 2)


def inside(points: Floats, ring: Floats) -> NDArray[np.bool_]:
    """Say which points lie inside the ring, by counting crossings of a ray to the east."""
    x, y = points[:, 0, None], points[:, 1, None]
    x1, y1 = ring[:, 0], ring[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    spans = (y1 > y) != (y2 > y)
    rise = np.where(y2 == y1, 1.0, y2 - y1)
    crossings = (spans & (x < x1 + (y - y1) * (x2 - x1) / rise)).sum(axis=1)
    odd: NDArray[np.bool_] = crossings % 2 == 1
    return odd


def partition(points: Floats, weights: Floats, shares: Floats) -> Integers:
    """Cut points into compact groups that hold about the given shares of the weight.

    Cuts along the longer axis of the points, again and again; group k has share k.
    """
    if len(shares) == 1:
        return np.zeros(len(points), dtype=np.int64)
    first = len(shares) // 2
    centred = points - points.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    # An eigenvector's sign is arbitrary: fix it, so that groups do not depend on the library.
    along = centred @ (axis * (1 if axis[np.abs(axis).argmax()] > 0 else -1))
    share = float(shares[:first].sum() / shares.sum())
    # Each side keeps a point at least for every group that it is to be cut into.
    low = cut(along, weights, share, least=(first, len(shares) - first))
    labels = np.empty(len(points), dtype=np.int64)
    labels[low] = partition(points[low], weights[low], shares[:first])
    labels[~low] = first + partition(points[~low], weights[~low], shares[first:])
    return labels


def cut(
    along: Floats, weights: Floats, share: float, *, least: tuple[int, int] = (1, 1)
) -> NDArray[np.bool_]:
    """Say which points come first in the order of `along` until `share` of the weight is met.

    `least`: how many points the first and the last part must have.
    """
    order = np.argsort(along, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    count = int(np.abs(reached - share).argmin()) + 1
    chosen = np.zeros(len(along), dtype=np.bool_)
    chosen[order[: min(max(count, least[0]), len(along) - least[1])]] = True
    return chosen


def smooth(points: Floats, spacing: float, *, closed: bool) -> Floats:
    """Return a Catmull-Rom curve through `points`, one point about every `spacing`."""
    if closed:
        padded = np.vstack([points[-1:], points, points[:2]])
    else:
        padded = np.vstack([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    steps = max(2, round(float(np.hypot(*(p2 - p1)[:, 0].T).mean()) / spacing))
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    ).reshape(-1, 2)
    return curve if closed else np.vstack([curve, points[-1:]])


def left_normals(line: Floats) -> Floats:
    """Return the unit vector to the left of an open line at each of its points."""
    along = np.gradient(line, axis=0)
    normals: Floats = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None]
    return normals


def band(line: Floats, distance: float) -> Floats:
    """Return the closed ring of points within about `distance` of a gently curving line."""
    aside = left_normals(line) * distance
    ring = np.vstack([line - aside, (line + aside)[::-1]])
    return np.vstack([ring, ring[:1]])


def signed_distance(points: Floats, line: Floats) -> Floats:
    """Return the distance to the line's nearest point, positive on the left of its direction."""
    gaps = points[:, None, :] - line[None, :, :]
    squared = (gaps**2).sum(axis=2)
    nearest = squared.argmin(axis=1)
    along = np.gradient(line, axis=0)[nearest]
    gap = gaps[np.arange(len(points)), nearest]
    side = np.sign(along[:, 0] * gap[:, 1] - along[:, 1] * gap[:, 0])
    distances: Floats = side * np.sqrt(squared.min(axis=1))
    return distances
