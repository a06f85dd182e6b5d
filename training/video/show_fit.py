"""How well the rig follows people on video: a table of what is left in mm, and mouths beside each other.

    python -m duet.training.video.show_fit --out docs/pictures/video_fit.png

The table has the root mean square of what the fit leaves of each measure, person by person, and prints. The picture
has a dozen moments of the training people: the video's landmarks above, the fitted head's below, at one scale.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ...inference.head.canonical import Head, load_head
from ..speech_rig import rig_deltas
from ..synthesis.coarticulation import channels_of, loudness_gains
from ..table import table
from .aligned import phones_of
from .face_measures import MEASURES
from .manner import Motion, Size
from .people import Person, common_size, talking_folder, training_people
from .targets import head_measures, targets_of

OUTER = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91)  # MediaPipe's, in the order of iBUG's 48 to 59
INNER = (78, 81, 13, 311, 308, 402, 14, 178)  # 60 to 67
_CLIPS = 30  # of each person
_MOMENTS, _EACH = 12, 3  # in all, of each person
_NOSE_TIP = 1


@dataclass(frozen=True, eq=False)
class Fitted:
    """One clip at 50 Hz: the person's measures at the common size, and the channels that fit them."""

    motion: Motion
    measures: Floats
    channels: Floats


def fits_of(person: Person, size: Size, most: int = _CLIPS) -> Iterator[Fitted]:
    """The person's first clips whose phones are known, with the rules at those phones as the prior."""
    for motion in person.motions[:most]:
        segments = phones_of(motion.clip)
        if segments is None:
            continue
        count = len(motion.clip.samples) * FRAME_RATE // 16000
        prior = channels_of(segments, count, loudness_gains(segments, motion.clip.samples))
        channels, measures = targets_of(person, motion, prior, size, 0.0)
        yield Fitted(motion, measures, channels)


def residual_row(name: str, fits: list[Fitted]) -> list[str]:
    """One row of the table: what is left, root mean square in mm, and in brackets how far the measure moves."""
    measures = np.concatenate([fit.measures for fit in fits])
    shown = np.concatenate([fit.channels for fit in fits]) @ head_measures()[: len(MEASURES)].T
    left, spread = np.sqrt(np.nanmean((shown - measures) ** 2, axis=0)), np.nanstd(measures, axis=0)
    return [name, *(f"{a:.2f} ({b:.1f})" for a, b in zip(left, spread, strict=True))]


def moments_of(fits: list[Fitted], count: int) -> list[tuple[Fitted, int]]:
    """Frames of different clips, at 50 Hz: where the mouth is widest open, narrowest, shut, by turns."""
    scores = (lambda m: m[:, 0], lambda m: -m[:, 1], lambda m: -m[:, 0] + 0.2 * m[:, 1])
    return [
        (fit, int(np.nanargmax(scores[i % len(scores)](fit.measures[15:-15]))) + 15)
        for i, fit in enumerate(fits[:: max(1, len(fits) // count)][:count])
    ]


def video_mouth(fit: Fitted, frame: int) -> tuple[Floats, Floats]:
    """Outer and inner lips (n, 2) in mm below the nose's tip, up positive, as the person's at their own size."""
    clip = fit.motion.clip
    at = int(np.clip(np.round(frame / FRAME_RATE * clip.fps - 0.5), 0, len(clip.points) - 1))
    nose = clip.at((_NOSE_TIP,))[at, 0]
    parts = (clip.at(names)[at] - nose for names in (OUTER, INNER))
    outer, inner = (np.stack([part[:, 0], -part[:, 1]], axis=1) for part in parts)
    return outer, inner


def head_mouth(head: Head, channels: Floats) -> tuple[Floats, Floats]:
    """The same of the head in some pose (C,); its left is the picture's right, as in a video."""
    landmarks = head.landmarks
    rig = rig_deltas(head)[:, landmarks]
    points = 1000 * (head.vertices[landmarks] + np.tensordot(channels, rig, axes=1))
    points = points - points[30]
    return points[48:60][:, [0, 2]], points[60:68][:, [0, 2]]


def draw(shown: list[tuple[str, tuple[Floats, Floats], tuple[Floats, Floats]]], out: Path) -> None:
    """One column a moment: the video's mouth above, the head's below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, len(shown), figsize=(1.15 * len(shown), 2.9), sharex=True)
    for column, (title, video, fitted) in enumerate(shown):
        axes[0, column].set_title(title, fontsize=6)
        for row, (outer, inner) in enumerate((video, fitted)):
            axis = axes[row, column]
            middle = (outer[0] + outer[6]) / 2
            for ring, colour in ((outer, "#a33"), (inner, "#222")):
                closed = np.concatenate([ring, ring[:1]]) - middle
                axis.plot(closed[:, 0], closed[:, 1], ".-", color=colour, lw=1, ms=2)
            axis.set(aspect="equal", xlim=(-36, 36), ylim=(-42, 22))
            axis.axis("off")
    axes[0, 0].text(-36, -40, "video", fontsize=7)
    axes[1, 0].text(-36, -40, "fitted head", fontsize=7)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, bbox_inches="tight")


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/video_fit.png"))
    out = parser.parse_args().out
    people, head = training_people(talking_folder()), load_head()
    size, shown = common_size(people), []
    rows = []
    for person in people:
        fits = list(fits_of(person, size))
        if not fits:
            continue
        rows.append(residual_row(person.name, fits))
        place = person.name.replace(" ", "\n", 1)
        for fit, frame in moments_of(fits, _EACH):
            title = f"{place}\n{fit.motion.clip.name[:8]} {frame / FRAME_RATE:.2f} s"
            shown.append((title, video_mouth(fit, frame), head_mouth(head, fit.channels[frame])))
    print("\n".join(table(["person", *(name.replace("_", " ") for name in MEASURES)], rows)))
    draw(shown[:_MOMENTS], out)


if __name__ == "__main__":
    main()
