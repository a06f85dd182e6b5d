"""Draws docs/pictures/flame_fit.png: the Duet head above, the same faces as FLAME coefficients below.

Run as `python -m duet.examples.flame_sheet [--out FILE]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from ..inference.flame.duet import duet_flame
from ..inference.flame.fit import FlameFit
from ..inference.flame.model import TO_BLENDER
from ..inference.head.canonical import load_head
from .render import render_face, save

_FACES: tuple[dict[str, float], ...] = (
    {"jawOpen": 1.0},
    {"mouthPucker": 1.0},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.3},
    {"mouthRollLower": 0.6, "mouthRollUpper": 0.6, "browInnerUp": 0.8, "eyeLookUpLeft": 0.6, "eyeLookUpRight": 0.6},
)
_SAMPLES, _TILE = 24, 240


def draw_sheet(out: Path) -> None:
    """Fit the faces, render both, and write them as one picture."""
    head, model = load_head(), duet_flame()
    weights = np.array([[face.get(name, 0.0) for name in head.arkit_names] for face in _FACES], np.float32)
    motion, _ = FlameFit(model)(weights, np.asarray(head.arkit @ TO_BLENDER, np.float32), 30.0)
    fitted = np.concatenate(list(motion.vertices(model))) @ TO_BLENDER.T
    sheet = Image.new("RGB", (_TILE * len(_FACES), 2 * _TILE))
    for x, face in enumerate(_FACES):
        for y, vertices in enumerate((head.pose(face), fitted[x])):
            sheet.paste(render_face(vertices, head, _TILE, _SAMPLES), (_TILE * x, _TILE * y))
    save(sheet, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/flame_fit.png"))
    draw_sheet(parser.parse_args().out)
