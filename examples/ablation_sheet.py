"""Draws docs/pictures/ablations.png: the ablations' faces at a closure of the lips, with emotions at full strength.

Run as `python -m duet.training.evaluation.ablations` first, which trains them, then
`python -m duet.examples.ablation_sheet [--faces FILE] [--out FILE]`.
"""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..inference.head.canonical import load_head
from .render import render_face

_TILE, _LABEL, _ABOVE = 170, 150, 20  # pixels
_COLORS = 256  # of the palette: keeps the file small


def draw(faces: Path, out: Path) -> None:
    """One row a variant, one column an emotion."""
    with np.load(faces) as data:
        vertices, rows, columns = data["faces"], data["rows"], data["columns"]
    sheet = Image.new("RGB", (_LABEL + len(columns) * _TILE, _ABOVE + len(rows) * _TILE), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    head = load_head()
    with tempfile.TemporaryDirectory() as folder:
        for i, column in enumerate(columns):
            pen.text((_LABEL + (i + 0.5) * _TILE, 4), f"{column}, saying m", "black", font, anchor="mt")
        for j, row in enumerate(rows):
            pen.multiline_text((6, _ABOVE + (j + 0.5) * _TILE), textwrap.fill(str(row), 21), "black", font, anchor="lm")
            for i in range(len(columns)):
                picture = render_face(vertices[j, i], head, Path(folder) / "tile.png", _TILE, 10, "face")
                with Image.open(picture) as image:
                    sheet.paste(image.convert("RGB"), (_LABEL + i * _TILE, _ABOVE + j * _TILE))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(_COLORS, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, default=Path(".cache/ablations.npz"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/ablations.png"))
    arguments = parser.parse_args()
    draw(arguments.faces, arguments.out)
