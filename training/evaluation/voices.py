"""A talker on speech whose phones are known: do lips close, round and open at the right sounds, and in time?

Scores are taken frame by frame, at 50 Hz, on the face that the shipped fusion module makes. A phone is expected on
the face LAG (30 ms) after its sound, as in the animated takes. Nothing is left out but silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ...inference.take import DEFAULT_STYLE, STYLES
from ..data.spoken import CONTRASTS, Spoken, contrast, phones_at
from ..measures import lag, lip_vertex_error, mean_lip_error, roc_auc
from ..mouth import LIPS, vertices_of
from ..table import table
from .talkers import Face, Talker

CEILING = "the coarticulation model itself"


@dataclass(eq=False)
class Frames:
    """What was gathered of one group of recordings, frame by frame."""

    letters: list[NDArray[np.str_]] = field(default_factory=list)
    gap: list[Floats] = field(default_factory=list)
    rounding: list[Floats] = field(default_factory=list)
    late: dict[str, list[float]] = field(default_factory=dict)  # seconds, by voice
    lve: list[float] = field(default_factory=list)  # by recording
    error: list[float] = field(default_factory=list)

    def auc(self) -> dict[str, float]:
        """ROC AUC of each contrast over all frames."""
        letters, gap, rounding = np.concatenate(self.letters), np.concatenate(self.gap), np.concatenate(self.rounding)
        scores = {"closure": -gap, "rounding": rounding, "opening": gap}
        return {measure: roc_auc(scores[measure], contrast(measure, letters)) for measure in CONTRASTS}

    @property
    def minutes(self) -> float:
        """Of speech and pauses."""
        return sum(map(len, self.letters)) / FRAME_RATE / 60

    def worst_lag(self) -> tuple[float, float]:
        """The median over recordings of all voices, and of the voice that is furthest off, in seconds."""
        medians = [float(np.median(values)) for values in self.late.values()]
        every = [value for values in self.late.values() for value in values]
        return float(np.median(every)), max(medians, key=abs)


def truth_talker(speech: Sequence[Spoken]) -> Talker:
    """The motion that the phones call for: the ceiling of every score on synthetic speech."""
    known = {id(s.samples): s.channels for s in speech}
    return Talker(CEILING, lambda samples, _: known[id(samples)])


def gather(talker: Talker, face: Face, speech: Iterable[Spoken], style: str = DEFAULT_STYLE) -> dict[str, Frames]:
    """Frames of a talker by group of recordings."""
    groups: dict[str, Frames] = {}
    lips = vertices_of(face.pipeline.head, LIPS)
    for spoken in speech:
        frames = groups.setdefault(spoken.group, Frames())
        channels = talker.channels(spoken.samples, style)
        count = min(len(channels), len(spoken.channels))
        weights, wanted = face.weights(channels[:count]), face.truth_weights(spoken.channels)[:count]
        gap, expected = face.mouth.gap(weights), face.mouth.gap(wanted)
        frames.letters.append(phones_at(spoken.segments, count))
        frames.gap.append(gap)
        frames.rounding.append(face.mouth.rounding(weights))
        if count > FRAME_RATE and gap.std() > 0:
            frames.late.setdefault(spoken.voice, []).append(lag(gap, expected, FRAME_RATE))
        shown, truth = face.points(weights, lips), face.points(wanted, lips)
        frames.lve.append(lip_vertex_error(shown, truth))
        frames.error.append(mean_lip_error(shown, truth))
    return groups


def voices_table(found: dict[str, Frames], best: dict[str, Frames]) -> list[str]:
    """Markdown: one row a group of recordings, with the ceiling's score beside each figure."""
    rows = []
    for group, frames in found.items():
        middle, worst = frames.worst_lag()
        ceiling = best[group].auc()
        scores = [f"{value:.3f} ({ceiling[m]:.3f})" for m, value in frames.auc().items()]
        lags = [f"{1000 * middle:+.0f}", f"{1000 * worst:+.0f}"]
        rows.append([group, str(len(frames.late)), f"{frames.minutes:.1f}", *scores, *lags])
    lag = ("lag, median (ms)", "lag, worst voice (ms)")
    return table(["recordings", "voices", "minutes", *CONTRASTS, *lag], rows)


def by_voice(talker: Talker, face: Face, speech: Sequence[Spoken]) -> list[str]:
    """Markdown: the same scores for each voice alone."""
    rows = []
    for voice in dict.fromkeys(s.voice for s in speech):
        own = [s for s in speech if s.voice == voice]
        (frames,) = gather(talker, face, own).values()
        scores = ["too little" if np.isnan(value) else f"{value:.2f}" for value in frames.auc().values()]
        rows.append([voice, f"{60 * frames.minutes:.0f}", *scores])
    return table(["voice", "seconds", *CONTRASTS], rows)


def styles_table(talker: Talker, face: Face, speech: Sequence[Spoken]) -> list[str]:
    """Markdown: the same recordings in both styles."""
    rows = []
    for style in STYLES:
        (frames,) = gather(talker, face, speech, style).values()
        gap, closed = np.concatenate(frames.gap), contrast("closure", np.concatenate(frames.letters)) == 1
        scores = [f"{value:.3f}" for value in frames.auc().values()]
        rows.append([style, *scores, f"{gap[closed].mean():.2f}", f"{np.percentile(gap, 95):.2f}"])
    gaps = ("gap at p, b, m (mm)", "widest twentieth of the gaps, from (mm)")
    return table(["style", *CONTRASTS, *gaps], rows)
