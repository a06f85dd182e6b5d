"""Draws docs/pictures/people_strip.png: ten seconds of test people, their mouths and what Duet's face does.

    python -m duet.training.evaluation.people_strip [--before FILE] --out docs/pictures/people_strip.png

A row of landmark outlines a talker, at moments that the people's own mouths choose: in each clip where the gap is
largest, where it is shut while they speak, and where the mouth is narrowest. Below, the gap over the ten seconds.
--before adds a row, as another version of Duet makes it: an .npz with, for each clip, "FOLDER/NAME/lips" (T, 20, 2), mm
of iBUG's points 48 to 67 at 50 Hz, to the picture's right and up from the tip of the nose, and "FOLDER/NAME/gap" (T,).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.arrays import Floats
from ...inference.engine.pipeline import Pipeline
from ...inference.take import DEFAULT_STYLE
from ..features import WEIGHTS
from ..read_at import at_times
from ..video.face_measures import clip_measures
from ..video.people import test_clips
from ..video.show_fit import INNER, OUTER
from ..video.tracks import Clip
from .talkers import Face, shipped

CLIPS = ("video_27a6a", "video_971f6", "bbbp8n", "bbwx8n")  # of four people
SECONDS = 10.0
_LIPS, _NOSE = slice(48, 68), 30


@dataclass(frozen=True, eq=False)
class Row:
    """One talker: lips (T, 20, 2) in mm from the nose's tip and gap (T,), at a clip's frames."""

    lips: Floats
    gap: Floats


def person_row(clip: Clip) -> Row:
    """What the video shows."""
    points = clip.at((*OUTER, *INNER))[:, :, :2] - clip.at((1,))[:, :, :2]
    points[:, :, 1] *= -1  # a picture's y is down
    return Row(points, clip_measures(clip)[:, 0])


def shipped_row(face: Face, clip: Clip) -> Row:
    """What the shipped model's face does."""
    head = face.pipeline.head
    weights = face.weights(shipped(face.pipeline).channels(clip.samples, DEFAULT_STYLE))
    points = head.vertices[head.landmarks] + face.points(weights, head.landmarks)
    lips = (1000 * (points[:, _LIPS] - points[:, _NOSE : _NOSE + 1])[:, :, [0, 2]]).astype(np.float32)
    flat = at_times(clip.times, lips.reshape(len(lips), -1))
    gap = face.mouth.gap(weights).reshape(-1, 1)
    return Row(flat.reshape(len(flat), -1, 2), at_times(clip.times, gap)[:, 0])


def before_row(data: Any, clip: Clip) -> Row:
    """What another version of Duet did."""
    lips, gap = (data[f"{clip.folder}/{clip.name}/{part}"] for part in ("lips", "gap"))
    flat = at_times(clip.times, lips.reshape(len(lips), -1))
    return Row(flat.reshape(len(flat), -1, 2), at_times(clip.times, gap[:, None])[:, 0])


def moments(clip: Clip) -> list[int]:
    """Frames of a clip: widest open, shut between openings, narrowest."""
    measures = clip_measures(clip)
    gap, width = measures[:, 0], measures[:, 1]
    spoken = np.flatnonzero(gap > 3.0)
    inside = slice(spoken[0], spoken[-1] + 1)
    chosen = {int(gap.argmax()), int(inside.start + gap[inside].argmin()), int(inside.start + width[inside].argmin())}
    return sorted(chosen)


def draw(rows: dict[str, list[Row]], clips: list[Clip], out: Path) -> None:
    """Outlines above, curves below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = [(i, frame) for i, clip in enumerate(clips) for frame in moments(clip)]
    count = len(columns)
    figure = plt.figure(figsize=(1.05 * count, 1.05 * len(rows) + 2.2))
    grid = figure.add_gridspec(len(rows) + 2, count, hspace=0.05, wspace=0.05)
    for r, (name, own) in enumerate(rows.items()):
        for c, (i, frame) in enumerate(columns):
            axis = figure.add_subplot(grid[r, c])
            lips = own[i].lips[frame]
            middle = (lips[0] + lips[6]) / 2
            for ring, colour in ((lips[:12], "#a33"), (lips[12:], "#222")):
                closed = np.concatenate([ring, ring[:1]]) - middle
                axis.plot(closed[:, 0], closed[:, 1], color=colour, lw=1.2)
            axis.set(aspect="equal", xlim=(-36, 36), ylim=(-40, 22))
            axis.axis("off")
            if r == 0:
                axis.set_title(f"{clips[i].name[:9]}\n{clips[i].times[frame]:.2f} s", fontsize=6)
            if c == 0:
                axis.text(-36, -39, name, fontsize=7)
    below = figure.add_subplot(grid[len(rows) :, :])
    start = 0.0
    colours = dict(zip(rows, ("#222", "#2a7", "#999"), strict=False))
    for i, clip in enumerate(clips):
        kept = clip.times + start < SECONDS
        for name, own in rows.items():
            label = name if i == 0 else None
            below.plot(clip.times[kept] + start, own[i].gap[kept], color=colours[name], lw=1.2, label=label)
        below.axvline(start, color="#ddd", lw=0.8)
        start += len(clip.points) / clip.fps
    below.set(xlim=(0, SECONDS), xlabel="seconds", ylabel="gap of the lips (mm)")
    below.legend(fontsize=7, loc="upper right", ncols=len(rows))
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100, bbox_inches="tight")


def main() -> None:
    """Draw the strip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="mouths of another version of Duet")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/people_strip.png"))
    arguments = parser.parse_args()
    every = {clip.name: clip for own in test_clips().values() for clip in own}
    clips, face = [every[name] for name in CLIPS], Face(Pipeline(WEIGHTS, "numpy"))
    talkers: dict[str, Callable[[Clip], Row]] = {"video": person_row, "Duet": lambda clip: shipped_row(face, clip)}
    if arguments.before:
        data = np.load(arguments.before)
        talkers["Duet before"] = lambda clip: before_row(data, clip)
    draw({name: [row(clip) for clip in clips] for name, row in talkers.items()}, clips, arguments.out)


if __name__ == "__main__":
    main()
