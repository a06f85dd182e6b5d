"""Front view of a mesh: which triangle is seen at each pixel from the front, and how far it is. Orthographic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Ints

_CHUNK = 1 << 20  # pixels tested at a time


@dataclass(frozen=True, eq=False)
class FrontView:
    """What is seen along +y. Rows go up (z), columns to the character's left (x)."""

    low: Doubles  # (2,) x and z of the first pixel's centre
    pixel: float  # side of a pixel, in the mesh's units
    depth: Doubles  # (H, W) y of what is seen, inf where nothing is
    triangle: Ints  # (H, W) its triangle, -1 where nothing is

    def points(self, rows: Ints, columns: Ints) -> Doubles:
        """(n, 3) positions seen at pixels."""
        x, z = self.low[0] + columns * self.pixel, self.low[1] + rows * self.pixel
        return np.stack([x, self.depth[rows, columns], z], axis=-1)

    def nearest_pixel(self, x: Doubles, z: Doubles) -> tuple[Ints, Ints]:
        """Rows and columns of the pixels nearest to positions, kept inside the view."""
        height, width = self.depth.shape
        rows = np.clip(np.rint((z - self.low[1]) / self.pixel).astype(np.int64), 0, height - 1)
        columns = np.clip(np.rint((x - self.low[0]) / self.pixel).astype(np.int64), 0, width - 1)
        return rows, columns


def front_view(vertices: Doubles, triangles: Ints, low: Doubles, high: Doubles, pixel: float) -> FrontView:
    """The view of a mesh (V, 3), (T, 3) between the corners `low` and `high` (x, z) with square pixels."""
    low = np.asarray(low, np.float64)
    width, height = (int(n) + 1 for n in np.ceil((np.asarray(high) - low) / pixel))
    depth, seen = np.full(height * width, np.inf), np.full(height * width, -1, np.int64)
    flat = (vertices[:, [0, 2]] - low) / pixel
    corners = flat[triangles]
    first = np.maximum(np.ceil(corners.min(axis=1)), 0).astype(np.int64)
    last = np.minimum(np.floor(corners.max(axis=1)), [width - 1, height - 1]).astype(np.int64)
    size = last - first + 1
    inside = np.flatnonzero((size > 0).all(axis=1))
    steps = 1 << np.ceil(np.log2(np.maximum(size[inside].max(axis=1), 1))).astype(np.int64)
    for step in np.unique(steps):
        group = inside[steps == step]
        share = max(1, _CHUNK // int(step * step))
        for start in range(0, len(group), share):
            part = group[start : start + share]
            _draw(
                part,
                corners[part],
                vertices[triangles[part], 1],
                first[part],
                last[part],
                int(step),
                width,
                depth,
                seen,
            )
    return FrontView(low, pixel, depth.reshape(height, width), seen.reshape(height, width))


def _draw(
    part: Ints,
    corners: Doubles,
    ys: Doubles,
    first: Ints,
    last: Ints,
    step: int,
    width: int,
    depth: Doubles,
    seen: Ints,
) -> None:
    """Draw triangles whose boxes are at most `step` pixels wide and high."""
    offset = np.stack(np.meshgrid(np.arange(step), np.arange(step)), axis=-1).reshape(-1, 2)
    pixels = first[:, None] + offset  # (n, step * step, 2)
    a, b, c = corners[:, None, 0], corners[:, None, 1], corners[:, None, 2]
    whole = _cross(b - a, c - a)
    whole = np.where(np.abs(whole) > 1e-12, whole, np.nan)  # seen from its edge: at no pixel
    v, w = _cross(pixels - a, c - a) / whole, _cross(b - a, pixels - a) / whole
    u = 1.0 - v - w
    hit = (u >= -1e-9) & (v >= -1e-9) & (w >= -1e-9) & (pixels <= last[:, None]).all(axis=2)
    y = (u * ys[:, :1] + v * ys[:, 1:2] + w * ys[:, 2:])[hit]
    where = (pixels[..., 1] * width + pixels[..., 0])[hit]
    who = np.broadcast_to(part[:, None], hit.shape)[hit]
    order = np.lexsort((y, where))
    where, y, who = where[order], y[order], who[order]
    front = np.r_[True, where[1:] != where[:-1]][: len(where)]
    where, y, who = where[front], y[front], who[front]
    nearer = y < depth[where]
    depth[where[nearer]], seen[where[nearer]] = y[nearer], who[nearer]


def _cross(a: Doubles, b: Doubles) -> Doubles:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def around_middle(mask: NDArray[np.bool_], row: int, column: int) -> NDArray[np.bool_]:
    """The connected patch of a mask that holds the pixel nearest to the middle, by growing it."""
    places = np.argwhere(mask)
    if not len(places):
        return np.zeros_like(mask)
    start = places[((places - [row, column]) ** 2).sum(axis=1).argmin()]
    grown = np.zeros_like(mask)
    grown[tuple(start)] = True
    while True:
        wider = grown.copy()
        wider[1:] |= grown[:-1]
        wider[:-1] |= grown[1:]
        wider[:, 1:] |= grown[:, :-1]
        wider[:, :-1] |= grown[:, 1:]
        wider &= mask
        if wider.sum() == grown.sum():
            return grown
        grown = wider
