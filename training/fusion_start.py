"""Where the fusion module's training starts: principal components for blendshapes, least squares for encoders.

Each basis starts as the principal components of its set without secondary deformations, which the open recipe can
leave out. Each encoder's linear path starts as the ridge regression that gives its domain's part of every sample, its
CNN silent. Training then bends both towards the sparse solution, in a tenth of the steps of a random start.
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
    speech, expression = data.speech(SAMPLES), data.expressions(SAMPLES)
    whole = np.concatenate([data.coefficients(sample, space) for sample in (speech, expression)])
    images = whole @ space.images
    shapes = space.people[0]
    domains = (
        (module.speech_basis, module.speech_encoder, speech.own, np.concatenate([speech.own, expression.other])),
        (
            module.expression_basis,
            module.expression_encoder,
            expression.own,
            np.concatenate([speech.other, expression.own]),
        ),
    )
    for basis, encoder, own, part in domains:
        with torch.no_grad():
            basis.copy_(torch.from_numpy(np.linalg.svd(own @ shapes, full_matrices=False)[2][: len(basis)]))
            weights = (part @ shapes) @ np.linalg.pinv(module.unit(basis).numpy())
            encoder.skip.weight.copy_(torch.from_numpy(_ridge(images, weights).T))
            encoder.out.weight.mul_(0.01)


def _ridge(inputs: Floats, outputs: Floats) -> Floats:
    """The matrix (in, out) that maps inputs (N, in) nearest to outputs (N, out), by the dual form as N < in."""
    gram = inputs @ inputs.T
    gram += np.eye(len(gram), dtype=np.float32) * RIDGE * np.trace(gram) / len(gram)
    return (inputs.T @ np.linalg.solve(gram, outputs)).astype(np.float32)
