"""Draws docs/pictures/ablations.png: the ablations' faces at a closure of the lips, with emotions at full strength.

Run as `python -m duet.training.evaluation.ablations` first, which trains them, then
`python -m duet.examples.ablation_sheet [--faces FILE] [--out FILE]`.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

import numpy as np

from ..inference.head.canonical import load_head
from .render import draw_grid, render_face

_TILE, _LABEL = 170, 150  # pixels


def draw(faces: Path, out: Path) -> None:
    """One row a variant, one column an emotion."""
    with np.load(faces) as data:
        vertices, rows, columns = data["faces"], data["rows"], data["columns"]
    head, names = load_head(), [textwrap.fill(str(row), 21) for row in rows]
    captions = [f"{column}, saying m" for column in columns]
    draw_grid(names, captions, lambda j, i: render_face(vertices[j, i], head, _TILE, 10), _LABEL, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, default=Path(".cache/ablations.npz"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/ablations.png"))
    arguments = parser.parse_args()
    draw(arguments.faces, arguments.out)
