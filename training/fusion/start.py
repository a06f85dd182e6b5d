"""Where the fusion module's training starts: principal components for B_E, least squares for encoders.

B_A is the speech keys. B_E starts as the principal components of the sealed expression set without secondary
deformations, which the open recipe can leave out. The encoders' linear readings start as the one ridge regression that
writes every sample in both bases at once, each CNN nearly silent. So nothing is told about which domain a deformation
belongs to: what both bases can make is shared between them at first, and it is the sparsity constraint that tells them
apart.
"""

from __future__ import annotations

import numpy as np
import torch

from ...inference.arrays import Floats
from .deformation_space import DeformationSpace
from .examples import FusionSet, Sample
from .module import FusionModule

SAMPLES = 1500
RIDGE = 1e-3  # of the images' mean square


def start(module: FusionModule, data: FusionSet, space: DeformationSpace) -> None:
    """Set the module's parameters in place."""
    speech, expression = data.speech(SAMPLES), data.expressions(SAMPLES)
    whole = np.concatenate([data.coefficients(speech, space), data.coefficients(expression, space, True)])
    apart = data.coefficients(Sample(expression.own, np.zeros_like(expression.own)), space, True)
    axes = np.linalg.svd(apart @ space.sealed.coefficients, full_matrices=False)[2][: module.dims.expression]
    with torch.no_grad():
        module.free.copy_(torch.from_numpy(axes))
        weights = (whole @ torch.linalg.pinv(module.bases()).numpy()).astype(np.float32)
        reading = torch.from_numpy(_ridge(whole @ space.images, weights).T)
        parts = reading.split([module.dims.speech, module.dims.expression])
        for encoder, part in zip((module.speech_encoder, module.expression_encoder), parts, strict=True):
            encoder.skip.weight.copy_(part)
            encoder.out.weight.mul_(0.01)


def _ridge(inputs: Floats, outputs: Floats) -> Floats:
    """The matrix (in, out) that maps inputs (N, in) nearest to outputs (N, out), by the dual form as N < in."""
    gram = inputs @ inputs.T
    gram += np.eye(len(gram), dtype=np.float32) * RIDGE * np.trace(gram) / len(gram)
    return (inputs.T @ np.linalg.solve(gram, outputs)).astype(np.float32)
