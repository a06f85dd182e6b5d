"""The space that all training deformations live in, as a few hundred principal components.

Every sample is a mix of the head's shapes on one of several people, so displacement fields, images and roughness are
all linear in a few hundred numbers, and so is what sealed lips make of them. Training in these instead of the mesh's
vertices gives the same losses many times faster. Units are millimetres.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.engine.uv_grid import Grid
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian
from ..mouth import LIPS
from .fold_ease import FoldEase
from .lid_ease import LidEase
from .lip_seal import LipSeal

COMPONENTS = 256
NOISE = 1e-9  # of the greatest energy: what is below is rounding
MILLIMETRE = 1e-3
IMPORTANCE = 5000.0  # of all vertices together
_BLOCK = 1024  # vertices at a time, so that memory does not grow with the mesh


@dataclass(frozen=True, eq=False)
class Sealed:
    """What becomes of each of D components where lips are sealed, folds evened out and lids eased, each in its file."""

    components: Floats  # (D, V, 3)
    images: Floats  # (D, H * W * 3): the displacement image
    coefficients: Floats  # (D, D): in the space's own components


@dataclass(frozen=True, eq=False)
class DeformationSpace:
    """D components, orthonormal under the vertices' importance, and what is linear in their coefficients."""

    components: Floats  # (D, V, 3)
    people: Floats  # (people, shapes, D): each shape at 1 on each person; person 0 has canonical proportions
    images: Floats  # (D, H * W * 3): the displacement image
    sealed: Sealed
    roughness: Floats  # (D, D): quadratic form of the mesh Laplacian's squared length, mean over vertices
    kept: float  # share of the shapes' energy that the components hold

    def unsealed(self) -> DeformationSpace:
        """The same with lips that any expression may part, for the ablations."""
        same = np.eye(len(self.components), dtype=np.float32)
        return replace(self, sealed=Sealed(self.components, self.images, same))

    def on(self, grid: Grid) -> DeformationSpace:
        """The same, seen in another image."""
        sealed = replace(self.sealed, images=_images(self.sealed.components, grid))
        return replace(self, images=_images(self.components, grid), sealed=sealed)


@dataclass(frozen=True, eq=False)
class _Fields:
    """Shapes (S, V, 3) on people of local size (people, V), and more faces (n, V, 3), weighted, block by block.

    A jaw is a bone: what moves it is everywhere as large as its teeth are.
    """

    shapes: Floats
    scales: Floats
    jaw: NDArray[np.bool_]  # (S,) whether a shape moves it
    teeth: Floats  # (people,) size of the lower ones
    more: Floats
    weight: Floats  # (V,) of the displacement, from metres

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """(vertices, (people * S + n, block * 3)) of each block."""
        for start in range(0, self.shapes.shape[1], _BLOCK):
            part = slice(start, start + _BLOCK)
            size = np.where(self.jaw[:, None], self.teeth[:, None, None], self.scales[:, None, part])
            known = size[..., None] * self.shapes[None, :, part]
            rows = np.concatenate([known.reshape(-1, *known.shape[2:]), self.more[:, part]])
            yield part, (rows * self.weight[part, None]).astype(np.float64).reshape(len(rows), -1)


def deformation_space(
    head: Head, shapes: Floats, scales: Floats, grid: Grid, more: Floats | None = None
) -> DeformationSpace:
    """The space of `shapes` (S, V, 3) in metres on people whose local size is `scales` (people, V).

    `more` (n, V, 3) are faces that the space is to hold as well.
    """
    root = np.sqrt(vertex_importance(head))
    people = np.concatenate([np.ones_like(scales[:1]), scales])
    nothing, teeth = np.zeros((0, *head.vertices.shape), np.float32), head.regions["lower_teeth"]
    jaw, sizes = shapes[:, teeth].any(axis=(1, 2)), people[:, teeth].mean(axis=1)
    fields = _Fields(shapes, people, jaw, sizes, nothing if more is None else more, root / MILLIMETRE)
    gram = np.zeros((len(people) * len(shapes) + len(fields.more),) * 2)
    for _, rows in fields.blocks():
        gram += rows @ rows.T
    energy, vectors = np.linalg.eigh(gram)
    order = np.argsort(energy)[::-1][:COMPONENTS]
    order = order[energy[order] > NOISE * energy.max()]
    mixes = (vectors[:, order] / np.sqrt(energy[order])).T  # (D, rows)
    components = np.empty((len(order), *head.vertices.shape), np.float32)
    for part, rows in fields.blocks():
        components[:, part] = (mixes @ rows).reshape(len(order), -1, 3) / root[part, None]
    amounts = (gram @ mixes.T)[: len(people) * len(shapes)]
    smoother = laplacian(head)
    smoothed = np.stack([smoother @ component for component in components]).reshape(len(order), -1)
    return DeformationSpace(
        components,
        amounts.reshape(len(people), len(shapes), -1).astype(np.float32),
        _images(components, grid),
        _sealed(head, components, grid),
        (smoothed @ smoothed.T / smoothed.shape[1]).astype(np.float32),
        float(energy[order].sum() / energy.sum()),
    )


def _sealed(head: Head, components: Floats, grid: Grid) -> Sealed:
    seal = LipSeal(head)
    even = LidEase(head).eased(FoldEase(head).eased(seal.sealed(components)))
    closed = seal.sealed(even)  # again: lips lean on each other, so that what is left of a large gap is a small one
    return Sealed(closed, _images(closed, grid), _coefficients(closed, components, head))


def _images(fields: Floats, grid: Grid) -> Floats:
    """Fields (n, V, 3) in millimetres as images (n, H * W * 3)."""
    return grid.image(fields * np.float32(MILLIMETRE)).reshape(len(fields), -1)


def coefficients_of(faces: Floats, space: DeformationSpace, head: Head) -> Floats:
    """Displaced faces (n, V, 3) in metres, in the space's components: (n, D)."""
    return _coefficients(faces / np.float32(MILLIMETRE), space.components, head)


def _coefficients(fields: Floats, components: Floats, head: Head) -> Floats:
    """Fields (n, V, 3) in millimetres as (n, D)."""
    weighted = components * vertex_importance(head)[:, None]
    return (fields.reshape(len(fields), -1) @ weighted.reshape(len(weighted), -1).T).astype(np.float32)


def vertex_importance(head: Head) -> Floats:
    """Weight (V,) of a vertex's squared error: lips 4, lids 2, other moving skin and tongue 1, the rest 0.3.

    Scaled to IMPORTANCE in all, so that losses of a dense mesh are as large as those of a coarse one.
    """
    weight = np.full(len(head.vertices), 0.3, np.float32)
    for regions, value in ((("face", "tongue"), 1.0), (("eyelids",), 2.0), (LIPS, 4.0)):
        for region in regions:
            weight[head.regions[region]] = value
    return weight * np.float32(IMPORTANCE / weight.sum())
