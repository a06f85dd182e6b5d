"""Stage 2: the deformation fusion module, from displacement images to two sets of blendshapes.

    python -m duet.training.train_fusion --out weights/fusion.safetensors

After Mao et al. 2025: both sets go through both encoders; reconstruction takes both terms; the sparsity constraint
keeps the other domain's weights few and small; a Laplacian term keeps the blendshapes smooth.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.checkpoints import save_checkpoint
from ..inference.fusion_numpy import FusionDims
from ..inference.fusion_torch import FusionTorch
from ..inference.geometry import Grid
from ..inference.head import Head, load_head
from .features import CACHE
from .fusion_set import FusionSet
from .grid_mapping import head_grid
from .readable_basis import MILLIMETRE, Readable, make_readable, unit_basis


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    speech: int = 16
    expression: int = 32
    steps: int = 4000
    batch: int = 32
    rate: float = 1e-3
    sparsity: float = 0.02
    smoothness: float = 0.01
    seed: int = 0


def vertex_importance(head: Head) -> NDArray[np.float32]:
    """Weight (V,) of each vertex's squared error: lips 4, lids 2, other moving skin and tongue 1, the rest 0.3."""
    weight = np.full(len(head.vertices), 0.3, np.float32)
    for regions, value in ((("face", "tongue"), 1.0), (("eyelids",), 2.0), (_LIPS, 4.0)):
        for region in regions:
            weight[head.regions[region]] = value
    return weight / weight.mean()


_LIPS = ("outer_lips", "inner_lip_upper", "inner_lip_lower", "mouth_corners")


def laplacian(head: Head) -> Tensor:
    """The mesh's uniform Laplacian, sparse (V, V): each vertex less the mean of its neighbours."""
    a, b = head.edges.T
    count = len(head.vertices)
    near = scipy.sparse.coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    degree = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)
    matrix = (scipy.sparse.eye(count) - scipy.sparse.diags(1 / degree) @ near).tocoo()
    places = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    return torch.sparse_coo_tensor(places, torch.from_numpy(matrix.data.astype(np.float32)), (count, count)).coalesce()


def reconstruct(module: FusionTorch, w_a: Tensor, w_e: Tensor, importance: Tensor) -> tuple[Tensor, Tensor]:
    """(B_A w_A, B_E w_E), each (N, V, 3) in millimetres."""
    b_a, b_e = (unit_basis(b, importance) for b in (module.speech_basis, module.expression_basis))
    return torch.einsum("nk,kva->nva", w_a, b_a), torch.einsum("nk,kva->nva", w_e, b_e)


def step_loss(module: FusionTorch, data: FusionSet, grid: Grid, tools: tuple[Tensor, Tensor], o: Options) -> Tensor:
    """Loss of one batch of either domain."""
    importance, smoother = tools
    speech, expression = data.speech(o.batch), data.expressions(o.batch)
    displaced = data.displacements(np.concatenate([s.own + s.other for s in (speech, expression)]))
    images, target = torch.from_numpy(grid.image(displaced)), torch.from_numpy(displaced / MILLIMETRE)
    w_a, w_e = module(images)
    face_a, face_e = reconstruct(module, w_a, w_e, importance)
    error = ((face_a + face_e - target).square().sum(-1) * importance).mean()
    cross = w_e[: o.batch].abs().mean() + w_a[o.batch :].abs().mean()
    basis = torch.cat([unit_basis(b, importance) for b in (module.speech_basis, module.expression_basis)])
    rough = torch.sparse.mm(smoother, basis.permute(1, 0, 2).flatten(1)).square().mean()
    return error + o.sparsity * cross + o.smoothness * rough


def train(options: Options, head: Head, grid: Grid, resume: Path) -> FusionTorch:
    """Train from the seed, or go on from the checkpoint."""
    torch.manual_seed(options.seed)
    module = FusionTorch(FusionDims(options.speech, options.expression), len(head.vertices))
    tools = torch.from_numpy(vertex_importance(head)), laplacian(head)
    data = FusionSet(head, options.seed)
    optimiser = torch.optim.Adam(module.parameters(), options.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps, pct_start=0.1)
    parts = {"module": module, "optimiser": optimiser, "schedule": schedule}
    step = 0
    if resume.exists():
        state = torch.load(resume, weights_only=False)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        step, data.rng = state["step"], state["rng"]
    while step < options.steps:
        loss = step_loss(module, data, grid, tools, options)
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


def save(module: FusionTorch, readable: Readable, grid: Grid, path: Path) -> None:
    """The shipped file: both encoders, the blendshapes in metres and their names, the geometric mapping."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in ("speech_encoder", "expression_encoder"):
        state = getattr(module, name).state_dict()
        arrays |= {f"{name}.{k}": v.numpy().astype(np.float16) for k, v in state.items()}
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
    module = train(options, head, grid, resume)
    importance = torch.from_numpy(vertex_importance(head))
    readable = make_readable(module, head, grid, importance, options.seed)
    save(module, readable, grid, arguments.out)
    resume.unlink()


if __name__ == "__main__":
    main()
