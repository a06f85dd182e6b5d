"""Stage 2: the deformation fusion module, from displacement images to two sets of blendshapes.

    python -m duet.training.train_fusion [--florence4d FOLDER] [--vocaset FOLDER] [--out weights/fusion.safetensors]

After Mao et al. 2025: both sets go through both encoders; reconstruction takes both terms; the sparsity constraint
keeps the other domain's weights few and small; a Laplacian term keeps the blendshapes smooth. Two things hold by
construction, see fusion_module.Bounds.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.expressions import emotion_arkit
from ..inference.fusion_numpy import FusionDims
from ..inference.geometry import Grid
from ..inference.head import Head, load_head
from ..inference.stamps import Stamp
from .captured import TRAINING_TAKES, CapturedTake, load_captured
from .deformation_space import DeformationSpace, coefficients_of, deformation_space
from .florence4d import florence_faces
from .fusion_module import Bounds, FusionModule
from .fusion_set import FusionSet, identity_scales
from .fusion_start import bounds_of, start
from .grid_mapping import head_grid
from .readable_basis import Readable, make_readable
from .scanned_shapes import scanned_shapes
from .stamping import begin, save_weights, working_folder
from .vocaset import vocaset_takes

ERROR_VERTICES = 5000  # errors are a mean over about that many vertices
MORE_FACES = 1500  # of the user's own sets that the deformation space is found from
PRECISION = {"speech": np.float32, "expression": np.float16}  # neutral speech is to pass within micrometres


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    speech: int = 15
    expression: int = 42
    steps: int = 1500
    batch: int = 32
    rate: float = 1e-3
    sparsity: float = 1.0
    smoothness: float = 0.01
    closed: bool = True
    reading: bool = True  # False: the CNNs alone, for the ablations
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Materials:
    """What training is made of, the same for every seed of the module's own."""

    head: Head
    grid: Grid
    space: DeformationSpace
    takes: tuple[CapturedTake, ...]
    florence: NDArray[np.float32] | None  # (n, D)
    scanned: bool

    def data(self, seed: int) -> FusionSet:
        """The sets, drawn from a seed."""
        return FusionSet(seed, self.takes, self.florence, self.scanned)


def materials(
    seed: int, florence4d: Path | None = None, vocaset: Path | None = None, grid: Grid | None = None
) -> Materials:
    """Load and prepare everything, with the user's own sets where they are given; says what it left out."""
    head = load_head()
    grid = grid or head_grid(head)
    scanned = scanned_shapes(head)
    if scanned is None:
        print("without scanned shapes: shared/data/ict_facekit is not there", flush=True)
    faces = florence_faces(florence4d, head) if florence4d else None
    takes = [load_captured(name) for name in TRAINING_TAKES]
    takes += vocaset_takes(vocaset) if vocaset else []
    shapes, scales = np.concatenate([head.arkit, head.extra]), identity_scales(head, np.random.default_rng(seed))
    more = None if faces is None else faces[:: max(1, len(faces) // MORE_FACES)]
    space = deformation_space(head, shapes, scales, grid, scanned, more)
    print(f"{len(space.components)} components hold {space.kept:.4%} of the energy", flush=True)
    florence = None if faces is None else coefficients_of(faces, space, head)
    return Materials(head, grid, space, tuple(takes), florence, scanned is not None)


@dataclass(frozen=True, eq=False)
class Maps:
    """The deformation space's linear maps as tensors (see DeformationSpace)."""

    images: Tensor
    roughness: Tensor


def step_loss(module: FusionModule, target: Tensor, maps: Maps, o: Options) -> Tensor:
    """Loss of a batch (2 N, D), half speech and half expressions, in mm².

    Reconstruction by both terms; the other domain's weights, absolute (sparsity); the blendshapes' Laplacian
    (smoothness).
    """
    w_a, w_e = module(target @ maps.images, maps.images)
    b_a, b_e = module.unit(module.speech_basis), module.unit(module.expression_basis)
    error = (w_a @ b_a + w_e @ b_e - target).square().sum(1).mean() / ERROR_VERTICES
    half = len(target) // 2
    cross = w_e[:half].abs().mean() + w_a[half:].abs().mean()
    basis = torch.cat([b_a, b_e])
    rough = ((basis @ maps.roughness) * basis).sum(1).mean()
    return error + o.sparsity * cross + o.smoothness * rough


@dataclass(frozen=True, eq=False)
class Trained:
    """A module at the end of its training."""

    module: FusionModule
    bounds: Bounds
    images: Tensor  # (D, P) of the deformation space's components

    def settled(self) -> FusionModule:
        """The module, made ready for inference in place (see Bounds.settle); CNNs alone stay as they are."""
        if self.module.speech_encoder.skip.weight.requires_grad:
            self.bounds.settle(self.module, self.images)
        return self.module


def train(options: Options, data: FusionSet, space: DeformationSpace, resume: Path) -> Trained:
    """Train from the seed, or go on from the checkpoint."""
    torch.manual_seed(options.seed)
    module = FusionModule(FusionDims(options.speech, options.expression), len(space.components))
    maps = Maps(*(torch.from_numpy(np.ascontiguousarray(m)) for m in (space.images, space.roughness)))
    optimiser = torch.optim.Adam(module.parameters(), options.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps, pct_start=0.1)
    bounds = bounds_of(data, space, options.speech, options.closed)
    parts: dict[str, Any] = {"module": module, "optimiser": optimiser, "schedule": schedule}
    step = 0
    if resume.exists():
        state = torch.load(resume, weights_only=False)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        step, data.rng = state["step"], state["rng"]
    else:
        start(module, data, space, bounds)
    if not options.reading:
        module.leave_out_reading()
    while step < options.steps:
        loss = step_loss(module, torch.from_numpy(data.batch(options.batch, space)), maps, options)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        bounds.keep(module)
        schedule.step()
        step += 1
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.5f}", flush=True)
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save(state | {"step": step, "rng": data.rng}, resume)
    return Trained(module.eval(), bounds, maps.images)


def emotion_weights(module: FusionModule, grid: Grid, basis: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """w_E (E, Ke) of each emotion at intensity 1: its recipe through E_E as shipped (float16), its w_A dropped.

    `basis` (Ke, V, 3) are the expression blendshapes as shipped, whose images E_E then knows.
    """
    deltas = np.tensordot(emotion_arkit(), load_head().arkit, axes=1)
    encoder = copy.deepcopy(module.expression_encoder).half().float()
    if basis is not None:
        encoder.known.copy_(torch.from_numpy(grid.image(basis).reshape(len(basis), -1)))
    with torch.no_grad():
        return encoder(torch.from_numpy(grid.image(deltas))).numpy()


def save(module: FusionModule, readable: Readable, grid: Grid, path: Path, stamp: Stamp) -> None:
    """The shipped file: both encoders, the blendshapes in metres and their names, the geometric mapping."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, kind in PRECISION.items():
        state = getattr(module, f"{name}_encoder").state_dict()
        del state["known"]  # the blendshapes' images: the models make them of the blendshapes when they are loaded
        arrays |= {f"{name}_encoder.{k}": v.numpy().astype(kind) for k, v in state.items()}
        arrays[f"basis.{name}"] = getattr(readable, name).astype(kind)
    shipped = readable.expression.astype(PRECISION["expression"]).astype(np.float32)
    arrays["emotion_weights"] = emotion_weights(module, grid, shipped)
    arrays |= {"grid_index": grid.index, "grid_weight": grid.weight}
    metadata = {
        "dims": asdict(module.dims),
        "speech_names": readable.speech_names,
        "expression_names": readable.expression_names,
    }
    save_weights(path, arrays, {k: json.dumps(v) for k, v in metadata.items()}, stamp)


def main() -> None:
    """Train, make the basis readable, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("weights/fusion.safetensors"))
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--florence4d", type=Path, help="Florence4D, for those who have it: half of the expressions")
    parser.add_argument("--vocaset", type=Path, help="VOCASET, for those who have it: joins the captured takes")
    arguments = parser.parse_args()
    options = Options(seed=arguments.seed, steps=arguments.steps)
    stamp = begin("fusion", options.seed)
    folder = working_folder("fusion", stamp)
    made = materials(options.seed, arguments.florence4d, arguments.vocaset)
    module = train(options, made.data(options.seed), made.space, folder / "module.pt").settled()
    readable = make_readable(module, made.data(options.seed + 1), made.space, made.head)
    save(module, readable, made.grid, arguments.out, stamp)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
