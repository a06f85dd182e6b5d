"""FLAME once more, as a torch module: what the NumPy model of `inference.flame` is compared with."""

from __future__ import annotations

import torch
from duet.inference.flame.model import FlameModel
from torch import Tensor, nn


class FlameTorch(nn.Module):
    """The same model as FlameModel, for batches of coefficients; metres, radians, FLAME's axes."""

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    regressor: Tensor
    weights: Tensor

    def __init__(self, model: FlameModel, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        for name in ("v_template", "shapedirs", "posedirs", "regressor", "weights"):
            self.register_buffer(name, torch.as_tensor(getattr(model, name)).to(dtype))
        self.parents, self.identity_count = model.parents, model.identity_count

    def forward(self, identity: Tensor, expression: Tensor, pose: Tensor, translation: Tensor | None = None) -> Tensor:
        """Vertices (T, V, 3) of identity (T, N), expression (T, M), pose (T, 5, 3) and translation (T, 3)."""
        shaped = self.v_template + torch.einsum("vck,tk->tvc", self.shapedirs, torch.cat([identity, expression], 1))
        joints = torch.einsum("jv,tvc->tjc", self.regressor, shaped)
        rotations = rotation_matrices_torch(pose)
        feature = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)
        corrected = shaped + torch.einsum("vck,tk->tvc", self.posedirs, feature)
        linear, offset = self._skinning(rotations, joints)
        moved = torch.einsum("vj,tjab,tvb->tva", self.weights, linear, corrected)
        moved = moved + torch.einsum("vj,tja->tva", self.weights, offset)
        return moved if translation is None else moved + translation[:, None]

    def _skinning(self, rotations: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
        world, at = [rotations[:, 0]], [joints[:, 0]]
        for joint, parent in enumerate(self.parents[1:], start=1):
            bone = joints[:, joint] - joints[:, parent]
            at.append(at[parent] + torch.einsum("tab,tb->ta", world[parent], bone))
            world.append(world[parent] @ rotations[:, joint])
        linear = torch.stack(world, 1)
        return linear, torch.stack(at, 1) - torch.einsum("tjab,tjb->tja", linear, joints)


def rotation_matrices_torch(vectors: Tensor) -> Tensor:
    """Rotations (..., 3, 3) of axis-angle vectors (..., 3), with gradients at zero as well."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(cross)
