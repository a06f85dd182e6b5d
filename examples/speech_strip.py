"""Draws docs/pictures/speech_strip.png: ten seconds of speech by the capture, the model and its alternatives.

Run as `python -m duet.training.strip` first, which computes the faces, then
`python -m duet.examples.speech_strip [--faces FILE] [--out FILE]`.
"""

from __future__ import annotations

import argparse
import tempfile
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..inference.head import load_head
from .render import render_face

_TILE, _LABEL, _ABOVE = 104, 190, 18  # pixels: a face, the names on the left, the times above
_COLORS = 256  # of the palette: keeps the file small


def draw_strip(faces: Path, out: Path, samples: int = 8) -> None:
    """One row a talker, one column a moment; below, the gap between the lips over the ten seconds."""
    with np.load(faces) as data:
        names, moments, vertices, gaps = (data[key] for key in ("names", "moments", "vertices", "gaps"))
        rate = float(data["fps"])
    rows, columns = vertices.shape[:2]
    width, height = _LABEL + columns * _TILE, _ABOVE + rows * _TILE
    curves = _curves(names, gaps, moments, rate, width)
    sheet = Image.new("RGB", (width, height + curves.height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for column, moment in enumerate(moments):
        draw.text((_LABEL + (column + 0.5) * _TILE, 3), f"{moment:.2f} s", "black", font, anchor="mt")
    for row, name in enumerate(names):
        draw.multiline_text((6, _ABOVE + (row + 0.5) * _TILE), _wrapped(str(name)), "black", font, anchor="lm")
    head = load_head()
    with tempfile.TemporaryDirectory() as folder:
        for row, column in np.ndindex(rows, columns):
            picture = Path(folder) / "tile.png"
            render_face(vertices[row, column], head, picture, _TILE, samples, "mouth")
            with Image.open(picture) as image:
                sheet.paste(image.convert("RGB"), (_LABEL + column * _TILE, _ABOVE + row * _TILE))
    sheet.paste(curves, (0, height))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(_COLORS, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)


def _wrapped(name: str, most: int = 26) -> str:
    lines = [""]
    for word in name.split():
        fits = len(lines[-1]) + len(word) < most
        lines[-1:] = [f"{lines[-1]} {word}".strip()] if fits else [lines[-1], word]
    return "\n".join(lines)


def _curves(
    names: NDArray[np.str_], gaps: NDArray[np.float32], moments: NDArray[np.float64], rate: float, width: int
) -> Image.Image:
    """The capture's lip gap in each row, and a talker's over it."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    time, dpi = np.arange(gaps.shape[1]) / rate, 100
    figure, axes = plt.subplots(len(names) - 1, 1, sharex=True, sharey=True, figsize=(width / dpi, 0.7 * len(names)))
    for axis, name, gap in zip(np.atleast_1d(axes), names[1:], gaps[1:], strict=True):
        axis.fill_between(time, gaps[0], color="0.82", linewidth=0)
        axis.plot(time, gap, color="tab:red", linewidth=1)
        axis.vlines(moments, 0, 1, color="0.6", linewidth=0.5, transform=axis.get_xaxis_transform())
        axis.set_ylabel(_wrapped(str(name)), rotation=0, ha="right", va="center", fontsize=8)
        axis.set_xlim(0, time[-1])
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=7)
    np.atleast_1d(axes)[-1].set_xlabel("seconds; lip gap in mm: the capture grey, the talker red", fontsize=8)
    figure.subplots_adjust(left=_LABEL / width, right=0.995, top=0.98, bottom=0.4 / (0.7 * len(names)), hspace=0.2)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=dpi)
    plt.close(figure)
    return Image.open(buffer).convert("RGB")


def main() -> None:
    """Draw the strip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, default=Path(".cache/strip.npz"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/speech_strip.png"))
    arguments = parser.parse_args()
    draw_strip(arguments.faces, arguments.out)


if __name__ == "__main__":
    main()
