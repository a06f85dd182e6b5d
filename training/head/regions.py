"""Named sets of vertices of the head."""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Doubles, Ints
from .lids import Lids, beyond
from .lips import CONTACT, LOWER, RED, UPPER, Mouth
from .mesh import QuadMesh
from .parts import Parts
from .scan import MOUTH_SOCKET, SKIN
from .tongue import Tongue

MOVES = 0.3e-3  # metres: a vertex of `face` moves at least so far in some ARKit shape
_JAW_SHARE = 0.25  # of the chin's travel in jawOpen
_RED_FROM = (0, 2)  # the outermost ring that is red, of the upper and of the lower lip


def mouth_bag(mesh: QuadMesh, mouth: Mouth) -> Ints:
    """The mouth's inside: what lies beyond the ring behind the one that lips meet on."""
    return beyond(mesh, mouth.rings[CONTACT + 1], np.arange(MOUTH_SOCKET.start, MOUTH_SOCKET.stop))


def red_of_lips(mouth: Mouth) -> Ints:
    """The vertices of the lips' red."""
    halves = zip((UPPER, LOWER), _RED_FROM, strict=True)
    return np.unique(np.concatenate([mouth.rings[first : RED + 1][:, half].ravel() for half, first in halves]))


def find_regions(
    parts: Parts,
    mouth: Mouth,
    lids: tuple[Lids, ...],
    bag: Ints,
    tongue: Tongue,
    neutral: Doubles,
    arkit: dict[str, Doubles],
    eye_height: float,
) -> dict[str, Ints]:
    """Regions by name, sorted but for the lip pairs and corners; docs/architecture.md says what each one is."""
    # In one piece although long: a table of regions, each made of what the lines above it name.
    sockets = np.concatenate([each.inside for each in lids])
    outer = np.setdiff1d(np.arange(SKIN.stop), np.concatenate([bag, sockets]))
    travel = np.max([np.linalg.norm(delta, axis=1) for delta in arkit.values()], axis=0)
    face = outer[travel[outer] > MOVES]
    lips = mouth.rings[: CONTACT + 2].ravel()
    eyelids = np.concatenate([each.skin for each in lids])
    corner = neutral[mouth.corners]
    x, z = np.abs(neutral[face, 0]), neutral[face, 2]
    drop = np.linalg.norm(arkit["jawOpen"][face], axis=1)
    jaw = face[(drop > _JAW_SHARE * drop.max()) & (z < corner[:, 2].mean())]
    upper = face[z > eye_height - 0.014]
    beside = x > 0.6 * np.abs(corner[:, 0]).mean()
    cheeks = face[beside & (z < eye_height - 0.008) & (z > corner[:, 2].mean() - 0.012)]
    taken = np.arange(parts.slices["gums"].start, parts.slices["gums"].stop)
    groups = {
        "skin": outer,
        "face": face,
        "upper_face": upper,
        "cheeks": np.setdiff1d(cheeks, np.concatenate([lips, eyelids, upper])),
        "jaw": np.setdiff1d(jaw, lips),
        "eyelids": eyelids,
        "outer_lips": lips,
        "mouth_bag": bag,
        "eye_sockets": sockets,
        "tongue": tongue.vertices,  # skin and gums are numbered as in the scan
        "gums": np.setdiff1d(taken, tongue.vertices),
    }
    for name in ("left_eye", "right_eye", "upper_teeth", "lower_teeth", "lashes", "brows"):
        groups[name] = np.r_[parts.slices[name]]
    ordered = {name: np.unique(group) for name, group in groups.items()}
    pairs = mouth.pairs(neutral)
    return ordered | {"inner_lip_upper": pairs[0], "inner_lip_lower": pairs[1], "mouth_corners": mouth.corners}
