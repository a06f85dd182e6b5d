"""Draws the library: panels/expressions/NAME.jpg for the sidebar, and docs/pictures/expressions.png with all of them.

Run as `python -m duet.examples.expression_pictures [--only NAME ...]`. Each expression is at 1, at rest: what it opens
in silence is open. Pictures of emotions that there are no more go.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..inference.head.blendshapes import Blendshapes, load_blendshapes
from ..inference.head.canonical import Head, load_head
from ..inference.head.library import label
from .render import render_face, save

ROOT = Path(__file__).resolve().parents[1]
PICTURES, SHEET = ROOT / "panels" / "expressions", ROOT / "docs" / "pictures" / "expressions.png"
_DRAWN, _SMALL, _TILE, _LABEL, _COLUMNS = 220, 96, 104, 18, 9  # pixels; tiles in a row
_FACE = (40, 47, 180, 187)  # of what is drawn: from the brows to the chin
_SAMPLES, _QUALITY, _COLORS = 12, 82, 96


def face(head: Head, shapes: Blendshapes, name: str) -> NDArray[np.float32]:
    """Vertices (V, 3) in metres of an emotion at 1 in silence."""
    row = shapes.emotions.index(name)
    weights = np.concatenate([shapes.emotion_opening[row], shapes.emotion_weights[row]])
    return shapes.faces(head.vertices, weights[None])[0]


def draw_small(names: list[str]) -> None:
    """One picture a name, for the sidebar."""
    head, shapes = load_head(), load_blendshapes()
    PICTURES.mkdir(exist_ok=True)
    for old in set(PICTURES.glob("*.jpg")) - {PICTURES / f"{name}.jpg" for name in shapes.emotions[1:]}:
        old.unlink()
    for name in names:
        drawn = render_face(face(head, shapes, name), head, _DRAWN, _SAMPLES, "front")
        small = drawn.resize((_SMALL, _SMALL), Image.Resampling.LANCZOS, _FACE)
        small.save(PICTURES / f"{name}.jpg", quality=_QUALITY, optimize=True)


def draw_sheet(names: list[str]) -> None:
    """All of them with their names, for the manual."""
    rows = -(-len(names) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _TILE, rows * (_TILE + _LABEL)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for number, name in enumerate(names):
        x, y = number % _COLUMNS * _TILE, number // _COLUMNS * (_TILE + _LABEL)
        with Image.open(PICTURES / f"{name}.jpg") as image:
            sheet.paste(image, (x + (_TILE - _SMALL) // 2, y + (_TILE - _SMALL) // 2))
        pen.text((x + _TILE / 2, y + _TILE - 2), label(name), "black", font, anchor="mt")
    save(sheet, SHEET, _COLORS)


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="draw these anew, keep the other pictures")
    names = list(load_blendshapes().emotions[1:])
    draw_small(parser.parse_args().only or names)
    draw_sheet(names)


if __name__ == "__main__":
    main()
