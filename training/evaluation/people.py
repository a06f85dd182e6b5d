"""Talkers on people whom nobody trained on: how nearly the face that users see does what those people did.

What video shows is measured in the picture, roll taken out, in mm by the irises; the face's own through the shipped
fusion module. Both are read at the video's frames, nothing is shifted in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ..measures import jitter, lag, pearson, roc_auc
from ..read_at import at_times
from ..table import held, table
from ..timing import intensity_correlation, temporal_misalignment
from ..video.aligned import phones_of
from ..video.face_measures import COMPARED, clip_measures, rig_measures
from ..video.tracks import Clip
from .talkers import Face, Talker

SHUT, WIDE = 1.0, 10.0  # mm of people's own gap
MUST = {"gap": 0.88, "width": 0.55, "chin_drop": 0.80}  # median r
MUST_SHUT, MUST_AMPLITUDE, MUST_LAG, MUST_JITTER = 0.93, (0.85, 1.15), 1 / 30, 1.1


@dataclass(frozen=True, eq=False)
class Pair:
    """One clip: measures (T, M) of the person and of the face, the level of its sound, frames a second.

    `speaking` (T,) is true from the first phone to the last.
    """

    real: Floats
    shown: Floats
    level: float
    fps: float
    speaking: NDArray[np.bool_]

    @property
    def r(self) -> NDArray[np.floating]:
        """Pearson r (M,)."""
        return pearson(self.shown, self.real)


@dataclass(frozen=True, eq=False)
class PeopleScores:
    """What the card says of one talker on some clips. `r` (M,) are medians over clips."""

    clips: int
    r: NDArray[np.floating]
    shut: float
    shut_speaking: float  # of the frames from the first phone to the last alone
    wide: float
    amplitude: float
    late: float  # seconds
    shake: float  # jitter of the gap over people's
    misaligned: float  # ms
    loudness_r: tuple[float, float]  # SLCC: the face's, people's


class PeopleFace:
    """Pairs of what people did and what a talker's face does."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.rig = rig_measures(face.pipeline.head, face.pipeline.shapes.speech_basis)[: len(COMPARED)]

    def pair(self, talker: Talker, clip: Clip, style: str) -> Pair:
        """One clip spoken by a talker; frames without a face are left out."""
        channels = talker.channels(clip.samples, style)
        shown = at_times(clip.times, self.face.weights(channels) @ self.rig.T)
        real = clip_measures(clip)[:, : len(COMPARED)]
        level = float(np.sqrt(np.mean(clip.samples**2)))
        return Pair(real[clip.seen], shown[clip.seen], level, clip.fps, speaking(clip)[clip.seen])


def speaking(clip: Clip) -> NDArray[np.bool_]:
    """The frames (T,) from a clip's first phone to its last; all of them where its phones are not known."""
    said = [segment for segment in phones_of(clip) or () if segment.phone]
    return (clip.times >= said[0].start) & (clip.times < said[-1].end) if said else np.ones(len(clip.times), bool)


def told_by_the_sound(pair: Pair) -> Pair:
    """The person's own mouth while they speak, and one that says neither shut nor open before and after.

    Nobody hears how somebody holds their lips before the first sound and after the last, so this is the most that shut
    lips can be told by.
    """
    return replace(pair, shown=np.where(pair.speaking[:, None], pair.real, SHUT))


def scores_of(pairs: Sequence[Pair]) -> PeopleScores:
    """The scores over some clips: r and times are medians over clips, the rest is of all frames together."""
    real, shown = (np.concatenate([getattr(pair, name)[:, 0] for pair in pairs]) for name in ("real", "shown"))
    spoken, shut = np.concatenate([pair.speaking for pair in pairs]), (real < SHUT).astype(np.int8)
    shake = [
        float(np.sqrt(np.mean([jitter(getattr(pair, name)[:, :1], pair.fps)[0] ** 2 for pair in pairs])))
        for name in ("shown", "real")
    ]
    levels = [pair.level for pair in pairs]
    return PeopleScores(
        clips=len(pairs),
        r=np.median([pair.r for pair in pairs], axis=0),
        shut=roc_auc(-shown, shut),
        shut_speaking=roc_auc(-shown[spoken], shut[spoken]),
        wide=roc_auc(shown, (real > WIDE).astype(np.int8)),
        amplitude=float(np.percentile(shown, 95) / np.percentile(real, 95)),
        late=float(np.median([lag(pair.shown[:, 0], pair.real[:, 0], pair.fps) for pair in pairs])),
        shake=shake[0] / shake[1],
        misaligned=float(
            np.nanmean([temporal_misalignment(pair.shown[:, 0], pair.real[:, 0], pair.fps) for pair in pairs])
        ),
        loudness_r=(
            intensity_correlation(levels, [float(pair.shown[:, 0].mean()) for pair in pairs]),
            intensity_correlation(levels, [float(pair.real[:, 0].mean()) for pair in pairs]),
        ),
    )


_R = ("r of gap", "width", "upper lip", "lower lip", "chin")
_TOLD = ("shut AUC", "while speaking", "wide AUC")
COLUMNS = ("", "clips", *_R, *_TOLD, "amplitude", "late (ms)", "jitter", "MTM (ms)", "SLCC (people's)")


def row(name: str, scores: PeopleScores) -> list[str]:
    """One row of the table."""
    ours, theirs = (f"{value:.2f}" if scores.clips > 2 else "-" for value in scores.loudness_r)
    told = [f"{value:.3f}" for value in (scores.shut, scores.shut_speaking, scores.wide)]
    moved = [f"{scores.amplitude:.2f}", f"{1000 * scores.late:+.0f}", f"{scores.shake:.2f}", f"{scores.misaligned:.0f}"]
    return [name, str(scores.clips), *(f"{value:.2f}" for value in scores.r), *told, *moved, f"{ours} ({theirs})"]


def people_table(talker: Talker, people_face: PeopleFace, people: dict[str, list[Clip]], style: str) -> list[str]:
    """Markdown: every person, then all together."""
    pairs = {name: [people_face.pair(talker, clip, style) for clip in clips] for name, clips in people.items()}
    rows = [row(name, scores_of(own)) for name, own in pairs.items()]
    together = [pair for own in pairs.values() for pair in own]
    every, most = scores_of(together), scores_of([told_by_the_sound(pair) for pair in together])
    return [
        *table(COLUMNS, [*rows, row("**all six**", every)]),
        "",
        *must_hold(every),
        "",
        "A face that moves as these people did from their first phone to their last, and knows nothing of how they "
        f"hold their lips before and after, tells shut lips at {most.shut:.3f}. While they speak ours is at "
        f"{every.shut_speaking:.3f}.",
    ]


def must_hold(scores: PeopleScores) -> list[str]:
    """Markdown: what was wanted of the natural style, and what is reached."""
    lines = []
    for name, wanted in MUST.items():
        lines.append(_line(f"median r of {name}", f"{wanted:.2f}", scores.r[COMPARED.index(name)], wanted))
    lines.append(_line("shut AUC", f"{MUST_SHUT:.2f}", scores.shut, MUST_SHUT))
    low, high = MUST_AMPLITUDE
    lines.append(_held("amplitude", f"{low} to {high}", f"{scores.amplitude:.2f}", low <= scores.amplitude <= high))
    late = f"{1000 * scores.late:+.0f} ms"
    lines.append(_held("lag", f"within {1000 * MUST_LAG:.0f} ms", late, abs(scores.late) <= MUST_LAG))
    lines.append(
        _held("jitter, times people's", f"at most {MUST_JITTER}", f"{scores.shake:.2f}", scores.shake <= MUST_JITTER)
    )
    return table(["figure", "wanted", "reached", ""], lines)


def _line(figure: str, wanted: str, reached: float, least: float) -> list[str]:
    return _held(figure, wanted, f"{reached:.3f}", reached >= least)


def _held(figure: str, wanted: str, reached: str, is_held: bool) -> list[str]:
    return [figure, wanted, reached, held(is_held)]
