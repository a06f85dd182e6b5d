"""Where the fusion module's training starts: principal components for blendshapes, least squares for encoders.

Each basis starts as the principal components of its own set. Each encoder's linear path starts as the ridge
regression that gives its own set's weights and zero on the other set; its CNN starts silent. Training then bends
both towards the sparse solution, in a tenth of the steps that a random start needs.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from .deformation_space import DeformationSpace
from .fusion_module import FusionModule
from .fusion_set import FusionSet

Floats = NDArray[np.float32]
SAMPLES = 1500
RIDGE = 1e-3  # of the images' mean square


def start(module: FusionModule, data: FusionSet, space: DeformationSpace) -> None:
    """Set the module's parameters in place."""
    faces = [data.coefficients(s, space) for s in (data.speech(SAMPLES), data.expressions(SAMPLES))]
    images = np.concatenate(faces) @ space.images
    parts = zip(
        (module.speech_basis, module.expression_basis),
        (module.speech_encoder, module.expression_encoder),
        faces,
        (slice(0, SAMPLES), slice(SAMPLES, None)),
        strict=True,
    )
    for basis, encoder, own, rows in parts:
        components = np.linalg.svd(own, full_matrices=False)[2][: len(basis)]
        with torch.no_grad():
            basis.copy_(torch.from_numpy(components))
            weights = np.zeros((2 * SAMPLES, len(basis)), np.float32)
            weights[rows] = own @ np.linalg.pinv(module.unit(basis).numpy())
            encoder.skip.weight.copy_(torch.from_numpy(_ridge(images, weights).T))
            encoder.out.weight.mul_(0.01)


def _ridge(inputs: Floats, outputs: Floats) -> Floats:
    """The matrix (in, out) that maps inputs (N, in) nearest to outputs (N, out), by the dual form as N < in."""
    gram = inputs @ inputs.T
    gram += np.eye(len(gram), dtype=np.float32) * RIDGE * np.trace(gram) / len(gram)
    return (inputs.T @ np.linalg.solve(gram, outputs)).astype(np.float32)
