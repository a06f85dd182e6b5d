"""Stage 2: the deformation fusion module, from displacement images to two sets of blendshapes.

    python -m duet.training.fusion.train [--florence4d FOLDER] [--vocaset FOLDER] [--out weights/fusion.safetensors]

After Mao et al. 2025: both sets go through both encoders; reconstruction takes both terms; the sparsity constraint
keeps the other domain's weights few and small; a Laplacian term keeps the blendshapes smooth. Two things hold by
construction, see fusion_module.Bounds.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...inference.engine.fusion_numpy import FusionDims
from ...inference.engine.uv_grid import Grid
from ...inference.head.canonical import Head, load_head
from ...inference.stamps import Stamp
from .. import loop
from ..data.animated import TRAINING_TAKES, AnimatedTake, load_animated
from ..data.florence4d import florence_faces
from ..data.vocaset_takes import vocaset_takes
from ..speech_rig import SPEECH_KEYS, key_deltas, key_shapes
from ..stamping import begin, save_weights, working_folder
from .correctives import correctives
from .deformation_space import IMPORTANCE, DeformationSpace, coefficients_of, deformation_space
from .emotion_library import library
from .examples import FusionSet, identity_scales
from .grid_mapping import head_grid
from .module import FusionModule, Maps
from .readable_basis import Readable, make_readable
from .start import start

_SAVE_EVERY = 200  # steps
MORE_FACES = 1500  # of the user's own sets that the deformation space is found from
PRECISION = {"speech": np.float32, "expression": np.float16}  # neutral speech is to pass within micrometres


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    expression: int = 42
    steps: int = 1500
    batch: int = 32
    rate: float = 1e-3
    basis_rate: float = 2e-5  # of B_E: given its way, it learns what an open mouth does around lips that are sealed
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
    takes: tuple[AnimatedTake, ...]
    florence: NDArray[np.float32] | None  # (n, D)

    def data(self, seed: int) -> FusionSet:
        """The sets, drawn from a seed."""
        return FusionSet(seed, self.takes, self.florence)

    def under(self, options: Options) -> Materials:
        """The same, with lips that expressions may part where the options say so."""
        return self if options.closed else replace(self, space=self.space.unsealed())

    def on(self, grid: Grid) -> Materials:
        """The same, seen in another image."""
        return replace(self, grid=grid, space=self.space.on(grid))


def materials(seed: int, florence4d: Path | None = None, vocaset: Path | None = None) -> Materials:
    """Load and prepare everything, with the user's own sets where they are given."""
    head = load_head()
    grid = head_grid(head)
    faces = florence_faces(florence4d, head) if florence4d else None
    takes = [load_animated(name) for name in TRAINING_TAKES]
    takes += vocaset_takes(vocaset) if vocaset else []
    shapes, scales = np.concatenate([head.arkit, head.extra]), identity_scales(head, np.random.default_rng(seed))
    more = None if faces is None else faces[:: max(1, len(faces) // MORE_FACES)]
    space = deformation_space(head, shapes, scales, grid, more)
    print(f"{len(space.components)} components hold {space.kept:.4%} of the energy", flush=True)
    florence = None if faces is None else coefficients_of(faces, space, head)
    return Materials(head, grid, space, tuple(takes), florence)


def step_loss(module: FusionModule, target: Tensor, o: Options) -> Tensor:
    """Loss of a batch (2 N, D), half speech and half expressions, in mm².

    Reconstruction by both terms; the other domain's weights, absolute (sparsity); the blendshapes' Laplacian
    (smoothness).
    """
    w_a, w_e = module(target @ module.maps.images)
    basis = module.bases()
    error = (torch.cat([w_a, w_e], dim=1) @ basis - target).square().sum(1).mean() / IMPORTANCE
    half = len(target) // 2
    cross = w_e[:half].abs().mean() + w_a[half:].abs().mean()
    rough = ((basis @ module.maps.roughness) * basis).sum(1).mean()
    return error + o.sparsity * cross + o.smoothness * rough


def new_module(expression: int, space: DeformationSpace) -> FusionModule:
    """An untrained module of a space, with as many expression blendshapes."""
    keys = torch.from_numpy(key_shapes() @ space.people[0])
    return FusionModule(FusionDims(len(SPEECH_KEYS), expression), keys, Maps.of(space))


def train(options: Options, data: FusionSet, space: DeformationSpace, resume: Path) -> FusionModule:
    """Train from the seed, or go on from the checkpoint."""
    torch.manual_seed(options.seed)
    module = new_module(options.expression, space)
    encoders = [*module.speech_encoder.parameters(), *module.expression_encoder.parameters()]
    rates = [options.rate, options.basis_rate]
    optimiser = torch.optim.Adam([{"params": encoders}, {"params": [module.free]}])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=options.steps, pct_start=0.1)
    run = loop.Run(module, optimiser, schedule, data.rng)
    if not run.resume(resume):
        start(module, data, space)
    if not options.reading:
        module.leave_out_reading()

    def loss() -> Tensor:
        return step_loss(module, torch.from_numpy(data.batch(options.batch, space)), options)

    loop.train(run, options.steps, loss, _SAVE_EVERY, lambda last: f"loss {last:.5f}", resume)
    return module.eval()


def settle(module: FusionModule, made: Materials) -> None:
    """Make a trained module ready for inference in place; CNNs alone stay as they are."""
    if module.speech_encoder.skip.weight.requires_grad:
        images = made.grid.image(key_deltas(made.head))
        module.settle(torch.from_numpy(images.reshape(len(images), -1)))


def save(module: FusionModule, readable: Readable, made: Materials, path: Path, stamp: Stamp) -> None:
    """The shipped file: encoders, blendshapes in metres and their names, emotions, correctives, the mapping."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, kind in PRECISION.items():
        state = getattr(module, f"{name}_encoder").state_dict()
        del state["known"]  # the blendshapes' images: the models make them of the blendshapes when they are loaded
        arrays |= {f"{name}_encoder.{k}": v.numpy().astype(kind) for k, v in state.items()}
        arrays[f"basis.{name}"] = getattr(readable, name).astype(kind)
    emotions = library(module, made.head, made.grid, readable)
    arrays |= {"emotion_weights": emotions.weights, "emotion_opening": emotions.opening}
    derived = correctives(made.head, readable, emotions)
    arrays["basis.corrective"] = derived.basis.astype(PRECISION["expression"])
    arrays["lid_weights"] = np.array([list(each.weights.values()) for each in derived.lids], np.float32)
    arrays |= {"grid_index": made.grid.index, "grid_weight": made.grid.weight}
    metadata = {
        "dims": asdict(module.dims),
        "speech_names": readable.speech_names,
        "expression_names": readable.expression_names,
        "emotions": emotions.names,
        "correctives": [astuple(each) for each in derived.pairs],
        "lid_correctives": [(each.name, each.blink) for each in derived.lids],
    }
    save_weights(path, arrays, {k: json.dumps(v) for k, v in metadata.items()}, stamp)


def main() -> None:
    """Train, make the basis readable, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("weights/fusion.safetensors"))
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--florence4d", type=Path, help="Florence4D, for those who have it: half of the expressions")
    parser.add_argument("--vocaset", type=Path, help="VOCASET, for those who have it: joins the animated takes")
    arguments = parser.parse_args()
    options = Options(seed=arguments.seed, steps=arguments.steps)
    stamp = begin("fusion", options.seed)
    folder = working_folder("fusion", stamp)
    made = materials(options.seed, arguments.florence4d, arguments.vocaset)
    module = train(options, made.data(options.seed), made.space, folder / "module.pt")
    settle(module, made)
    readable = make_readable(module, made.data(options.seed + 1), made.space, made.head)
    save(module, readable, made, arguments.out, stamp)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
