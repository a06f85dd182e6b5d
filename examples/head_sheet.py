"""Draws docs/pictures/head_sheet.png: the neutral head, its 52 ARKit shapes and the tongue's, each with its name.

Run as `python -m duet.examples.head_sheet [--out FILE]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..inference.head.canonical import load_head
from .render import render_face, save

_TILE, _CAPTION, _COLUMNS, _SAMPLES = 200, 17, 8, 12
# Shapes that show only with others: what is added to make them seen.
_TOGETHER: dict[str, dict[str, float]] = {
    "mouthClose": {"jawOpen": 1.0},
    "tongueOut": {"jawOpen": 0.36},
    "tongueUp": {"jawOpen": 0.28},
    "tongueBack": {"jawOpen": 0.57},
    "tongueTeeth": {"jawOpen": 0.2},
}


def draw_sheet(out: Path) -> None:
    """Render every shape at full value and write them as one picture."""
    head = load_head()
    names = ("neutral", *head.arkit_names, *head.extra_names)
    rows = -(-len(names) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _TILE, rows * (_TILE + _CAPTION)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for number, name in enumerate(names):
        pose = {} if name == "neutral" else {name: 1.0, **_TOGETHER.get(name, {})}
        x, y = number % _COLUMNS * _TILE, number // _COLUMNS * (_TILE + _CAPTION)
        sheet.paste(render_face(head.pose(pose), head, _TILE, _SAMPLES), (x, y))
        extra = "".join(f" + {other}" for other in _TOGETHER.get(name, {}))
        draw.text((x + _TILE // 2, y + _TILE + 2), name + extra, "black", font, anchor="mt")
    save(sheet, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/head_sheet.png"))
    draw_sheet(parser.parse_args().out)
