"""Draws docs/pictures/emotions_makehuman.png and emotions_identity.png: emotions on heads that Duet has bound.

Run as `python -m duet.examples.bound_sheet [--out FOLDER]`. Each by intensity, and while the mouth speaks, on the
MakeHuman head and on a random person of the scanned model (training/test_subjects).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..inference.arrays import Floats
from ..inference.binding.bind import bind
from ..inference.take import EMOTIONS
from ..training.evaluation.transfer import shaded, skin_and_eyes, subjects
from ..training.test_subjects.subject import Subject
from .emotion_sheet import INTENSITIES, SOUNDS, WEIGHTS, Faces
from .render import save

_LABEL, _ABOVE, _SHARE = 78, 20, 0.56  # pixels; of the shaded picture's size


def columns(faces: Faces, emotion: str) -> dict[str, Floats]:
    """Caption -> weights (1, Ks + Ke)."""
    silent = {f"{intensity:.0%}": faces.weights(emotion, intensity) for intensity in INTENSITIES}
    return silent | {f"says {sound}": faces.weights(emotion, 1.0, sound) for sound in SOUNDS}


def draw(faces: Faces, subject: Subject, out: Path) -> None:
    """Bind the subject and draw it, an emotion a row."""
    shapes, shown, font = faces.pipeline.shapes, skin_and_eyes(subject), ImageFont.load_default(size=13)
    binding = bind(faces.pipeline.head, shapes, subject.request, lambda share, stage: None)
    deltas = binding.deltas[: len(shapes.names)]
    rows = []
    for emotion in EMOTIONS[1:]:
        tiles = []
        for weights in columns(faces, emotion).values():
            face = subject.vertices.copy()
            face[binding.moving] += np.tensordot(shapes.mixed(weights)[0], deltas, axes=1)
            tiles.append(shaded(shown.moved(face)))
        rows.append(np.concatenate(tiles, axis=1))
    picture = Image.fromarray(np.concatenate(rows)[..., 0])
    picture = picture.resize((round(picture.width * _SHARE), round(picture.height * _SHARE)), Image.Resampling.LANCZOS)
    sheet = Image.new("L", (_LABEL + picture.width, _ABOVE + picture.height), "white")
    sheet.paste(picture, (_LABEL, _ABOVE))
    pen, captions = ImageDraw.Draw(sheet), list(columns(faces, EMOTIONS[1]))
    for i, caption in enumerate(captions):
        pen.text((_LABEL + (i + 0.5) * picture.width / len(captions), 4), caption, "black", font, anchor="mt")
    for j, emotion in enumerate(EMOTIONS[1:]):
        middle = _ABOVE + (j + 0.5) * picture.height / (len(EMOTIONS) - 1)
        pen.text((6, middle), emotion, "black", font, anchor="lm")
    save(sheet, out, 64)


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    out, faces = parser.parse_args().out, Faces(WEIGHTS)
    for subject, name in zip(subjects(1), ("makehuman", "identity"), strict=True):
        draw(faces, subject, out / f"emotions_{name}.png")


if __name__ == "__main__":
    main()
