"""Draws docs/pictures/mouths.png: a wide "ah", "oo", "f", a closed smile and an open laugh, beside the scan's own.

Run as `python -m duet.examples.mouth_sheet --scan ../shared/data/ict_facekit`. From the front and
from the side; the upper row of each is the Duet head, the lower one the same mix of the scan's shapes as scanned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..inference.head.canonical import Head, load_head
from .render import render_face, save

_TILE, _CAPTION = 230, 17
_BOTH = ("Left", "Right")
# Caption -> (shape, amount, whether it has a left and a right).
POSES: dict[str, tuple[tuple[str, float, bool], ...]] = {
    "ah": (("jawOpen", 0.6, False), ("mouthLowerDown", 0.2, True)),
    "oo": (("mouthPucker", 0.85, False), ("mouthFunnel", 0.25, False), ("jawOpen", 0.06, False)),
    "f": (("mouthRollLower", 0.45, False), ("mouthUpperUp", 0.35, True), ("jawOpen", 0.03, False)),
    "closed smile": (("mouthSmile", 0.7, True), ("cheekSquint", 0.6, True)),
    "open laugh": (
        ("mouthSmile", 0.8, True),
        ("cheekSquint", 0.9, True),
        ("jawOpen", 0.4, False),
        ("mouthUpperUp", 0.3, True),
        ("eyeSquint", 0.5, True),
    ),
}
_SCANNED = 21451  # the head's first vertices are the scan's, in its order: skin, gums, teeth


def posed(head: Head, pose: tuple[tuple[str, float, bool], ...]) -> NDArray[np.float32]:
    """(V, 3) the Duet head in a pose."""
    return head.pose({f"{name}{side}": amount for name, amount, two in pose for side in (_BOTH if two else ("",))})


def scanned(head: Head, folder: Path, pose: tuple[tuple[str, float, bool], ...]) -> NDArray[np.float32]:
    """(V, 3) metres: the same of the scan as it is, with the Duet head's eyes, brows and lashes."""
    with np.load(folder / "head.npz") as file:
        vertices = file["vertices"].astype(float)
    with np.load(folder / "expressions.npz") as file:
        for name, amount, two in pose:
            for side in ("_L", "_R") if two else ("",):
                vertices = vertices + amount * file[f"{name}{side}"].astype(float)
    placed = np.stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]], axis=1)[:_SCANNED] / 100
    with np.load(folder / "head.npz") as file:
        lowest = file["vertices"][:_SCANNED, 1].min() / 100
    result = posed(head, pose)
    result[:_SCANNED] = placed - [0.0, 0.0, lowest]
    return result.astype(np.float32)


def draw(folder: Path, out: Path) -> None:
    """Render every pose in both ways, from both sides, as one picture."""
    head, font = load_head(), ImageFont.load_default(size=12)
    sheet = Image.new("RGB", (len(POSES) * _TILE, 4 * _TILE + _CAPTION), "white")
    for column, (caption, pose) in enumerate(POSES.items()):
        ImageDraw.Draw(sheet).text(((column + 0.5) * _TILE, 2), caption, "black", font, anchor="mt")
        faces = (posed(head, pose), scanned(head, folder, pose))
        for row, (view, face) in enumerate((view, face) for view in ("close", "profile") for face in faces):
            sheet.paste(render_face(face, head, _TILE, 12, view), (column * _TILE, _CAPTION + row * _TILE))
    save(sheet, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", type=Path, required=True, help="the folder of ICT-FaceKit's files")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/mouths.png"))
    options = parser.parse_args()
    draw(options.scan, options.out)
