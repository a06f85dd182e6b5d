"""Draws docs/pictures/emotions.png and emotions_speaking.png: the emotions by intensity, and while the mouth speaks.

Run as `python -m duet.examples.emotion_sheet [--out FOLDER] [--weights FOLDER]`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..inference.arrays import Floats
from ..inference.checkpoints import load_checkpoint
from ..inference.engine.pipeline import Pipeline
from ..inference.take import EMOTIONS
from .render import render_face

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
INTENSITIES = (0.33, 0.66, 1.0)
_ROUND = {"lips_oh": 0.45, "pucker": 0.1, "lips_oo": 0.06, "funnel_lower": 0.24, "funnel_upper": 0.21}
_SPREAD = {"corner_pull": 0.16, "stretch": 0.05, "lower_down": 0.13, "upper_up": 0.03}
# Rig channels of sounds held still, as the synthetic set has them (training/synthesis/phones.py).
SOUNDS: dict[str, dict[str, float]] = {
    "p": {"roll_lower": 0.19, "roll_upper": 0.26, "press": 0.26, "chin_raise": 0.03, "jaw_open": 0.02},
    "a": {"jaw_open": 0.63, "lower_down": 0.12, "upper_up": 0.06},
    "o": {"jaw_open": 0.25} | _ROUND,
    "i": {"jaw_open": 0.1, "tongue_up": 0.25} | _SPREAD,
    "f": {"bite": 0.8, "jaw_open": 0.04},
}
_TILE, _LABEL, _ABOVE = 190, 78, 20  # pixels
_COLORS = 256  # of the palette: keeps the file small


class Faces:
    """Faces (V, 3) of the Duet head from an emotion's intensity and a sound."""

    def __init__(self, weights: Path) -> None:
        self.pipeline = Pipeline(weights, "numpy")
        self.names: list[str] = load_checkpoint(weights / "speech.safetensors").json("channels")

    def speech(self, sound: str) -> Floats:
        """w_A (1, Ks) of a sound."""
        channels = np.array([[SOUNDS[sound].get(name, 0.0) for name in self.names]], np.float32)
        return self.pipeline.speech_weights(channels, lambda *_: None)

    def weights(self, emotion: str, intensity: float = 1.0, sound: str = "") -> Floats:
        """(1, Ks + Ke); without a sound, the mouth opens as the emotion opens it in silence."""
        shapes, row = self.pipeline.shapes, EMOTIONS.index(emotion)
        spoken = self.speech(sound)[0] if sound else np.float32(intensity) * shapes.emotion_opening[row]
        return np.concatenate([spoken, np.float32(intensity) * shapes.emotion_weights[row]])[None]

    def face(self, emotion: str, intensity: float = 1.0, sound: str = "") -> Floats:
        """Vertices in metres."""
        return self.pipeline.shapes.faces(self.pipeline.head.vertices, self.weights(emotion, intensity, sound))[0]


def draw(
    faces: Faces, rows: tuple[str, ...], columns: tuple[str, ...], made: Callable[[str, str], Floats], out: Path
) -> None:
    """One face for every row and column, as `made(row, column)` says."""
    sheet = Image.new("RGB", (_LABEL + len(columns) * _TILE, _ABOVE + len(rows) * _TILE), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for i, column in enumerate(columns):
        pen.text((_LABEL + (i + 0.5) * _TILE, 4), column, "black", font, anchor="mt")
    with tempfile.TemporaryDirectory() as folder:
        for j, row in enumerate(rows):
            pen.text((6, _ABOVE + (j + 0.5) * _TILE), row, "black", font, anchor="lm")
            for i, column in enumerate(columns):
                picture = render_face(
                    made(row, column), faces.pipeline.head, Path(folder) / "tile.png", _TILE, 10, "face"
                )
                with Image.open(picture) as image:
                    sheet.paste(image.convert("RGB"), (_LABEL + i * _TILE, _ABOVE + j * _TILE))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(_COLORS, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    faces = Faces(arguments.weights)
    by_name = {f"{intensity:.0%}": intensity for intensity in INTENSITIES}
    draw(faces, EMOTIONS[1:], tuple(by_name), lambda e, c: faces.face(e, by_name[c]), arguments.out / "emotions.png")
    said = {f"says {sound}": sound for sound in SOUNDS}
    speaking = arguments.out / "emotions_speaking.png"
    draw(faces, EMOTIONS, tuple(said), lambda e, c: faces.face(e, 1.0, said[c]), speaking)


if __name__ == "__main__":
    main()
