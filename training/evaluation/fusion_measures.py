"""What a fusion module keeps, drops and lets through: the figures of the ablations' table, all in mm or ratios."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from ...inference.arrays import Floats
from ...inference.engine.uv_grid import Grid
from ...inference.head.canonical import Head
from ...inference.head.mouth import mouth_of
from ..fusion.deformation_space import IMPORTANCE, MILLIMETRE
from ..fusion.emotion_library import read
from ..fusion.examples import FusionSet, Sample
from ..fusion.expressions import emotion_arkit
from ..fusion.module import FusionModule
from ..fusion.train import Materials
from ..measures import lip_vertex_error, mean_lip_error
from ..mouth import LIPS, UPPER_FACE, vertices_of
from ..speech_rig import rig_deltas
from .lip_gaps import LipGaps

CLOSED = 0.5  # mm: lips nearer than that are a closure
HELD_OUT = 9_000  # added to a seed: samples that no training saw
_SAMPLES = 256
_CLOSURES = 12


def _column(title: str, digits: int) -> float:
    result: float = field(metadata={"title": title, "digits": digits})
    return result


@dataclass(frozen=True)
class Figures:
    """One trained module; the table's columns in their order. Not a number where a figure has no meaning."""

    lve_growth: float = _column("LVE grows by (mm²)", 4)
    lip_growth: float = _column("mean largest lip error grows by (mm)", 4)
    gap: float = _column("gap added at p, b, m, worst emotion (mm)", 2)
    cosine_upper: float = _column("cosine, brows to cheeks, worst emotion", 3)
    cosine_corners: float = _column("cosine, mouth corners, worst", 3)
    kept: float = _column("share of the expression kept, mean", 2)
    leak_speech: float = _column("neutral speech seen by E_E (energy share)", 3)
    leak_expression: float = _column("expressions seen by E_A (energy share)", 3)
    error: float = _column("reconstruction error, held out (mm)", 2)
    rough: float = _column("roughness of the blendshapes (mm)", 3)


@dataclass(frozen=True, eq=False)
class SpokenChannels:
    """What is said: rig channels (T, C) of the speech model on the test take, and of the take itself."""

    predicted: Floats
    animated: Floats


def closures(head: Head, shapes: Floats, weights: Floats) -> Floats:
    """Weights (n, K), at most _CLOSURES, of those frames of weights (T, K) of shapes (K, V, 3) where the lips meet."""
    found = weights[mouth_of(head, shapes).gap(weights) < CLOSED]
    return found[:: max(1, len(found) // _CLOSURES)][:_CLOSURES]


def cosine(a: Floats, b: Floats) -> float:
    """Cosine between two displacement fields (n, 3)."""
    return float((a * b).sum() / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def wanted_emotions(head: Head) -> Floats:
    """The recipes' displacements (E, V, 3), in metres."""
    return np.tensordot(emotion_arkit(), head.arkit, axes=1)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A settled module's emotions and neutral speech on the head, in metres."""

    felt: Floats  # (E, V, 3) at full strength
    of_channels: Floats  # (C, V, 3): what each rig channel at 1 becomes; a settled E_A is linear on neutral speech
    lips: Floats | None = None  # (T, n, 3): what the predicted speech becomes, where E_A is not linear

    @classmethod
    def by(cls, module: FusionModule, made: Materials, spoken: SpokenChannels) -> Decoded:
        """Through encoders and decoder, as inference does."""
        parts = made.space.components.reshape(len(made.space.components), -1) * np.float32(MILLIMETRE)
        sealed = made.space.sealed.components.reshape(parts.shape) * np.float32(MILLIMETRE)
        with torch.no_grad():
            b_a = module.speech_basis.numpy() @ parts
            b_e = module.unsealed_basis().numpy() @ sealed
            rig = torch.from_numpy(made.grid.image(rig_deltas(made.head)))
            said = module.speech_encoder(rig).numpy() @ b_a
        shapes = b_e.reshape(len(b_e), -1, 3)
        felt = read(module.expression_encoder, wanted_emotions(made.head), made.grid, shapes, half=True) @ b_e
        felt, said = (flat.reshape(len(flat), -1, 3) for flat in (felt, said))
        if module.speech_encoder.skip.weight.requires_grad:
            return cls(felt, said)
        flat = rig.reshape(len(rig), -1)
        with torch.no_grad():
            images = (chunk @ flat for chunk in torch.from_numpy(spoken.predicted).split(256))
            weights = torch.cat([module.speech_encoder(each.view(-1, *module.dims.shape)) for each in images]).numpy()
        lips = b_a.reshape(len(b_a), -1, 3)[:, vertices_of(made.head, LIPS)]
        return cls(felt, said, np.tensordot(weights, lips, 1))


def leaks(module: FusionModule, data: FusionSet, made: Materials) -> tuple[float, float, float]:
    """Of an unsettled module on held-out samples: share of neutral speech's energy that B_E w_E makes, of
    expressions' that B_A w_A makes, and the root mean square error of both sets in mm.
    """
    space, images = made.space, torch.from_numpy(made.space.images)
    own = data.expressions(_SAMPLES).own
    pure = data.coefficients(Sample(own, np.zeros_like(own)), space, True)
    batches = [data.neutral(_SAMPLES) @ space.people[0], pure @ space.sealed.coefficients, data.batch(_SAMPLES, space)]
    with torch.no_grad():
        b_a, b_e = module.speech_basis, module.expression_basis()
        terms = []
        for batch in batches:
            w_a, w_e = module(torch.from_numpy(batch) @ images)
            terms.append((w_a @ b_a, w_e @ b_e, torch.from_numpy(batch)))
        (_, leak_e, speech), (leak_a, _, expression), (first, second, whole) = terms
        error = ((first + second - whole).square().sum(1).mean() / IMPORTANCE).sqrt()
        shares = (leak_e.square().sum() / speech.square().sum(), leak_a.square().sum() / expression.square().sum())
    return float(shares[0]), float(shares[1]), float(error)


def figures(
    decoded: Decoded, leaked: tuple[float, float, float], rough: float, spoken: SpokenChannels, head: Head
) -> Figures:
    """All columns of one module."""
    lips, upper = vertices_of(head, LIPS), vertices_of(head, UPPER_FACE)
    corners, wanted, rig = head.regions["mouth_corners"], wanted_emotions(head), rig_deltas(head)
    shut = closures(head, rig, spoken.animated)
    closed, gaps = (head.vertices + np.tensordot(shut, rig, axes=1)).astype(np.float32), LipGaps(head)
    truth, before = (np.tensordot(channels, rig[:, lips], 1) for channels in (spoken.animated, spoken.predicted))
    after = np.tensordot(spoken.predicted, decoded.of_channels[:, lips], 1) if decoded.lips is None else decoded.lips
    both = np.union1d(upper, corners)
    pairs = list(zip(decoded.felt[1:], wanted[1:], strict=True))
    return Figures(
        lve_growth=lip_vertex_error(after, truth) - lip_vertex_error(before, truth),
        lip_growth=mean_lip_error(after, truth) - mean_lip_error(before, truth),
        gap=float(gaps.added(closed, decoded.felt[1:]).max()),
        cosine_upper=min(cosine(felt[upper], due[upper]) for felt, due in pairs),
        cosine_corners=min(cosine(felt[corners], due[corners]) for felt, due in pairs),
        kept=float(np.mean([(felt[both] * due[both]).sum() / (due[both] ** 2).sum() for felt, due in pairs])),
        leak_speech=leaked[0],
        leak_expression=leaked[1],
        error=leaked[2],
        rough=rough,
    )


def roughness(module: FusionModule, made: Materials) -> float:
    """Root mean square length of the blendshapes' Laplacian, in mm, each blendshape at its unit length."""
    basis = module.bases().detach().numpy()
    return float(np.sqrt(((basis @ made.space.roughness) * basis).sum(axis=1).mean()))


def direct_figures(spoken: SpokenChannels, head: Head) -> Figures:
    """Adding both inputs: nothing is lost, nothing is kept apart."""
    plain = Decoded(wanted_emotions(head), rig_deltas(head))
    unknown = float("nan")
    return figures(plain, (unknown, unknown, unknown), unknown, spoken, head)


def file_order_grid(head: Head, side: int) -> Grid:
    """An image without geometric mapping: one vertex a pixel, in the mesh's own order, row by row."""
    moving = np.unique(np.concatenate([head.regions["face"], head.regions["tongue"]]))
    index = np.zeros((side * side, 3), np.int32)
    weight = np.zeros((side * side, 3), np.float32)
    places = np.linspace(0, side * side - 1, len(moving)).round().astype(int)
    index[places], weight[places, 0] = moving[:, None], 1.0
    return Grid(index.reshape(side, side, 3), weight.reshape(side, side, 3))
