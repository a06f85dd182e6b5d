"""Draws docs/pictures/emotions.png and emotions_speaking.png: the emotions by intensity, and while the mouth speaks.

Run as `python -m duet.examples.emotion_sheet [--out FOLDER] [--weights FOLDER]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from ..inference.arrays import Floats
from ..inference.checkpoints import load_checkpoint
from ..inference.engine.pipeline import Pipeline
from ..inference.take import EMOTIONS
from .render import draw_grid, render_face

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
_TILE, _LABEL = 190, 78  # pixels


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


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    faces, out, sounds = Faces(arguments.weights), arguments.out, list(SOUNDS)

    def picture(emotion: str, intensity: float = 1.0, sound: str = "") -> Image.Image:
        return render_face(faces.face(emotion, intensity, sound), faces.pipeline.head, _TILE, 10)

    felt, shares = EMOTIONS[1:], [f"{intensity:.0%}" for intensity in INTENSITIES]
    draw_grid(felt, shares, lambda j, i: picture(felt[j], INTENSITIES[i]), _LABEL, out / "emotions.png")
    said = [f"says {sound}" for sound in sounds]
    speaking = out / "emotions_speaking.png"
    draw_grid(EMOTIONS, said, lambda j, i: picture(EMOTIONS[j], 1.0, sounds[i]), _LABEL, speaking)


if __name__ == "__main__":
    main()
