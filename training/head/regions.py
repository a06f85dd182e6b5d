"""Named sets of vertices of the head."""

from __future__ import annotations

import numpy as np

from .assembly import Assembly
from .sources import Doubles, Indices
from .topology import Loops, lip_halves

MOVES = 0.3e-3  # metres: a vertex of `face` moves at least so far in some ARKit shape
_JAW_SHARE = 0.25  # of the chin's travel in jawOpen


def find_regions(
    assembly: Assembly, loops: Loops, neutral: Doubles, arkit: dict[str, Doubles], eye_height: float
) -> dict[str, Indices]:
    """Regions by name, sorted but for the lip pairs and corners; docs/architecture.md says what each one is."""
    skin = np.arange(assembly.parts["skin"].start, assembly.parts["skin"].stop)
    sockets = np.concatenate(loops.sockets)
    outer = np.setdiff1d(skin, np.concatenate([loops.bag, sockets]))
    travel = np.max([np.linalg.norm(delta, axis=1) for delta in arkit.values()], axis=0)
    face = outer[travel[outer] > MOVES]
    lips = np.concatenate(loops.lip_outward[:5])
    lids = np.concatenate([loop for side in (0, 1) for loop in (loops.lid_edges[side], *loops.lid_rings[side][:6])])
    upper_inner, lower_inner = lip_pairs(neutral, loops)
    x, z = np.abs(neutral[face, 0]), neutral[face, 2]
    drop = np.linalg.norm(arkit["jawOpen"][face], axis=1)
    mouth = np.concatenate([lips, loops.lip_contact])
    corner = neutral[loops.lip_contact[[26, 12]]]
    jaw = face[(drop > _JAW_SHARE * drop.max()) & (z < corner[:, 2].mean())]
    upper = face[z > eye_height - 0.014]
    beside = x > 0.6 * np.abs(corner[:, 0]).mean()
    cheeks = face[beside & (z < eye_height - 0.008) & (z > corner[:, 2].mean() - 0.012)]
    groups = {
        "skin": outer,
        "face": face,
        "upper_face": upper,
        "cheeks": np.setdiff1d(cheeks, np.concatenate([mouth, lids, upper])),
        "jaw": np.setdiff1d(jaw, mouth),
        "eyelids": lids,
        "outer_lips": lips,
        "mouth_bag": loops.bag,
        "eye_sockets": sockets,
        "brows": np.r_[assembly.parts["left_brow"], assembly.parts["right_brow"]],
    }
    groups |= {
        name: np.r_[assembly.parts[name]]
        for name in ("left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue", "lashes")
    }
    ordered = {name: np.unique(group) for name, group in groups.items()}
    corners = loops.lip_contact[[26, 12]]
    return ordered | {"inner_lip_upper": upper_inner, "inner_lip_lower": lower_inner, "mouth_corners": corners}


def lip_pairs(neutral: Doubles, loops: Loops) -> tuple[Indices, Indices]:
    """(upper, lower): for each lower vertex of the contact line the upper one nearest in x, without the corners."""
    upper, lower = (half[1:-1] for half in lip_halves(loops.lip_contact))
    nearest = np.abs(neutral[upper, 0][None] - neutral[lower, 0][:, None]).argmin(axis=1)
    return upper[nearest], lower
