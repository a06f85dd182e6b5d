"""Stage 2: the deformation fusion module, from displacement images to two sets of blendshapes.

    python -m duet.training.train_fusion --out weights/fusion.safetensors

After Mao et al. 2025: both sets go through both encoders; reconstruction takes both terms; the sparsity constraint
keeps the other domain's weights few and small; a Laplacian term keeps the blendshapes smooth.
"""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.checkpoints import save_checkpoint
from ..inference.expressions import emotion_arkit
from ..inference.fusion_numpy import FusionDims
from ..inference.geometry import Grid
from ..inference.head import load_head
from .deformation_space import DeformationSpace, deformation_space
from .features import CACHE
from .fusion_module import UNIT_LENGTH, FusionModule
from .fusion_set import FusionSet, identity_scales
from .fusion_start import start
from .grid_mapping import head_grid
from .readable_basis import Readable, make_readable

ERROR_VERTICES = 5000  # errors are a mean over about that many vertices


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    speech: int = 18
    expression: int = 40
    steps: int = 1500
    batch: int = 32
    rate: float = 3e-4
    sparsity: float = 0.02
    smoothness: float = 0.01
    closure: float = 0.3
    overlap: float = 0.003
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Maps:
    """The deformation space's linear maps as tensors (see DeformationSpace)."""

    images: Tensor
    lip_gap: Tensor
    roughness: Tensor


def step_loss(module: FusionModule, target: Tensor, maps: Maps, o: Options) -> Tensor:
    """Loss of a batch (2 N, D), half speech and half expressions, in mm².

    Reconstruction by both terms; the other domain's weights, absolute (sparsity); the blendshapes' Laplacian
    (smoothness); how far the expression's own term moves the upper lip from the lower (closure): the mouth's opening
    belongs to speech, so an expression that needs it must take it from there and pay for it; and how much of a speech
    blendshape lies in the expressions' span (overlap): a movement goes to the domain that uses it more.
    """
    w_a, w_e = module((target @ maps.images).view(-1, *module.dims.shape))
    b_a, b_e = module.unit(module.speech_basis), module.unit(module.expression_basis)
    face_e = w_e @ b_e
    error = (w_a @ b_a + face_e - target).square().sum(1).mean() / ERROR_VERTICES
    half = len(target) // 2
    cross = w_e[:half].abs().mean() + w_a[half:].abs().mean()
    basis = torch.cat([b_a, b_e])
    rough = ((basis @ maps.roughness) * basis).sum(1).mean()
    parted = (face_e[half:] @ maps.lip_gap).square().mean()
    shared = (b_a @ b_e.T / UNIT_LENGTH**2).square().sum(1).mean()
    return error + o.sparsity * cross + o.smoothness * rough + o.closure * parted + o.overlap * shared


def train(options: Options, data: FusionSet, space: DeformationSpace, resume: Path) -> FusionModule:
    """Train from the seed, or go on from the checkpoint."""
    torch.manual_seed(options.seed)
    module = FusionModule(FusionDims(options.speech, options.expression), len(space.components))
    maps = Maps(*(torch.from_numpy(np.ascontiguousarray(m)) for m in (space.images, space.lip_gap, space.roughness)))
    optimiser = torch.optim.Adam(module.parameters(), options.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps, pct_start=0.1)
    parts: dict[str, Any] = {"module": module, "optimiser": optimiser, "schedule": schedule}
    step = 0
    if resume.exists():
        state = torch.load(resume, weights_only=False)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        step, data.rng = state["step"], state["rng"]
    else:
        start(module, data, space)
    while step < options.steps:
        pair = (data.speech(options.batch), data.expressions(options.batch))
        target = torch.from_numpy(np.concatenate([data.coefficients(sample, space) for sample in pair]))
        loss = step_loss(module, target, maps, options)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step += 1
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.5f}", flush=True)
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save(state | {"step": step, "rng": data.rng}, resume)
    return module.eval()


def emotion_weights(module: FusionModule, grid: Grid) -> NDArray[np.float32]:
    """w_E (E, Ke) of each emotion at intensity 1: its recipe through E_E as shipped (float16), its w_A dropped."""
    deltas = np.tensordot(emotion_arkit(), load_head().arkit, axes=1)
    encoder = copy.deepcopy(module.expression_encoder).half().float()
    with torch.no_grad():
        return encoder(torch.from_numpy(grid.image(deltas))).numpy()


def save(module: FusionModule, readable: Readable, grid: Grid, path: Path) -> None:
    """The shipped file: both encoders, the blendshapes in metres and their names, the geometric mapping."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in ("speech_encoder", "expression_encoder"):
        state = getattr(module, name).state_dict()
        arrays |= {f"{name}.{k}": v.numpy().astype(np.float16) for k, v in state.items()}
    arrays["emotion_weights"] = emotion_weights(module, grid)
    arrays |= {"basis.speech": readable.speech.astype(np.float16), "grid_index": grid.index}
    arrays |= {"basis.expression": readable.expression.astype(np.float16), "grid_weight": grid.weight}
    metadata = {
        "dims": asdict(module.dims),
        "speech_names": readable.speech_names,
        "expression_names": readable.expression_names,
    }
    save_checkpoint(path, arrays, {k: json.dumps(v) for k, v in metadata.items()})


def main() -> None:
    """Train, make the basis readable, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("weights/fusion.safetensors"))
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, default=Options.steps)
    arguments = parser.parse_args()
    options = Options(seed=arguments.seed, steps=arguments.steps)
    resume = CACHE / f"fusion_{options.seed}.pt"
    resume.parent.mkdir(exist_ok=True)
    head = load_head()
    grid = head_grid(head)
    scales = identity_scales(head, np.random.default_rng(options.seed))
    space = deformation_space(head, np.concatenate([head.arkit, head.extra]), scales, grid)
    print(f"{len(space.components)} components hold {space.kept:.4%} of the energy")
    module = train(options, FusionSet(options.seed), space, resume)
    readable = make_readable(module, FusionSet(options.seed + 1), space, head)
    save(module, readable, grid, arguments.out)
    resume.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
