"""The space that all training deformations live in, as a few hundred principal components.

Every sample is a mix of the head's shapes on one of several people, so displacement fields, images, lip gaps and
roughness are all linear in a few hundred numbers. Training in these instead of 5,500 vertices gives the same losses
several times faster. Units are millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ..inference.geometry import Grid
from ..inference.head import Head
from .mouth import LIPS

COMPONENTS = 256
NOISE = 1e-9  # of the greatest energy: what is below is rounding
MILLIMETRE = 1e-3

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DeformationSpace:
    """D components, orthonormal under the vertices' importance, and what is linear in their coefficients."""

    components: Floats  # (D, V, 3)
    people: Floats  # (people, shapes, D): each shape at 1 on each person; person 0 has canonical proportions
    images: Floats  # (D, H * W * 3): the displacement image
    lip_gap: Floats  # (D, n): vertical distance between inner-lip pairs, in mm
    roughness: Floats  # (D, D): quadratic form of the mesh Laplacian's squared length, mean over vertices
    kept: float  # share of the shapes' energy that the components hold


def deformation_space(
    head: Head, shapes: Floats, scales: Floats, grid: Grid, scanned: Floats | None = None, more: Floats | None = None
) -> DeformationSpace:
    """The space of `shapes` (S, V, 3) in metres on people whose local size is `scales` (people, V).

    The last person moves as `scanned` (S, V, 3), where it is given; `more` (n, V, 3) are faces that the space is to
    hold as well.
    """
    root = np.sqrt(vertex_importance(head))[:, None]
    fields = shapes[None] * np.concatenate([np.ones_like(scales[:1]), scales])[:, :, None][:, None]
    if scanned is not None:
        fields = np.concatenate([fields, scanned[None]])
    known = fields.reshape(-1, *shapes[0].shape)
    weighted = (known if more is None else np.concatenate([known, more])) * (root / MILLIMETRE)
    weighted = weighted.reshape(len(weighted), -1).astype(np.float32)
    energy, vectors = np.linalg.eigh(weighted.astype(np.float64) @ weighted.T.astype(np.float64))
    order = np.argsort(energy)[::-1][:COMPONENTS]
    order = order[energy[order] > NOISE * energy.max()]
    flat = (vectors[:, order] / np.sqrt(energy[order])).T @ weighted  # (D, V * 3), orthonormal
    components = (flat.reshape(len(order), -1, 3) / root).astype(np.float32)
    smoother = laplacian(head)
    smoothed = np.stack([smoother @ component for component in components]).reshape(len(order), -1)
    upper, lower = head.regions["inner_lip_upper"][1:-1], head.regions["inner_lip_lower"][1:-1]
    return DeformationSpace(
        components,
        (weighted[: len(known)] @ flat.T).reshape(len(fields), len(shapes), -1).astype(np.float32),
        grid.image(components * np.float32(MILLIMETRE)).reshape(len(order), -1),
        components[:, upper, 2] - components[:, lower, 2],
        (smoothed @ smoothed.T / smoothed.shape[1]).astype(np.float32),
        float(energy[order].sum() / energy.sum()),
    )


def coefficients_of(faces: Floats, space: DeformationSpace, head: Head) -> Floats:
    """Displaced faces (n, V, 3) in metres, in the space's components: (n, D)."""
    weighted = space.components * (vertex_importance(head)[:, None] / MILLIMETRE)
    return (faces.reshape(len(faces), -1) @ weighted.reshape(len(weighted), -1).T).astype(np.float32)


def vertex_importance(head: Head) -> Floats:
    """Weight (V,) of a vertex's squared error, mean 1: lips 4, lids 2, other moving skin and tongue 1, the rest 0.3."""
    weight = np.full(len(head.vertices), 0.3, np.float32)
    for regions, value in ((("face", "tongue"), 1.0), (("eyelids",), 2.0), (LIPS, 4.0)):
        for region in regions:
            weight[head.regions[region]] = value
    return weight / weight.mean()


def laplacian(head: Head) -> scipy.sparse.csr_matrix:
    """The mesh's uniform Laplacian (V, V): each vertex less the mean of its neighbours."""
    a, b = head.edges.T
    count = len(head.vertices)
    near = scipy.sparse.coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    degree = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)
    return scipy.sparse.csr_matrix(scipy.sparse.eye(count) - scipy.sparse.diags(1 / degree) @ near)
