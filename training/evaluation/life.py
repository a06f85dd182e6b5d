"""Lids, brows, gaze and head of speakers, and of Duet on their voices: `python -m duet.training.evaluation.life`.

Both are measured alike, from curves at the videos' frame rate: MediaPipe's landmarks of the people in the data folder's
talking/, and life's own keys on the same recordings, with a seed a clip. GRID's talkers read one sentence in three
seconds; the weekly address is read off a screen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from tabulate import tabulate

from ...inference.arrays import Numbers
from ...inference.audio.loudness import envelope, pauses
from ...inference.audio.prosody import voice_curves
from ...inference.head.canonical import Head, load_head
from ...inference.performance.blinks import SEEDS, blink_times
from ...inference.performance.life import Life, live
from ...inference.performance.timeline import curves_at
from ...inference.performance.voice import Keys, Voice
from ..data.animated import data_folder
from ..synthesis.phones import gesture_of
from ..synthesis.utterance import Segment
from ..video.aligned import phones_of
from ..video.pose import mean_shape, turns, without_pose
from ..video.tracks import TRACKS, Clip, load_set

RATE = 16_000
_LIDS = ((159, 145), (386, 374))
_CORNERS = (33, 133, 263, 362)
_BROWS = (105, 334, 66, 296, 107, 336)
_IRISES, _INNER_OUTER = (468, 473), ((33, 133), (362, 263))
_EYE = 12.0  # mm, radius of an eyeball
_SHUT = 0.5  # of the lids' usual opening
_RISE, _DART = 0.8, 2.0  # mm and degrees from which a brow rises, and an eye jumps
_REST, _JUMP = 0.12, 0.08  # seconds that the eyes rest before a jump and after it, and that it takes at most
_IN_STEP = 0.05  # seconds
_LIDS_OPEN, _NEAR_BLINK = 0.75, 0.15  # lids further down, and seconds around: where an iris is not seen well


@dataclass(frozen=True, eq=False)
class Alive:
    """A clip of somebody: lids (T,) 1 open and 0 shut, brows (T,) mm, gaze (T, 2) and head (T, 3) in degrees."""

    fps: float
    lids: Numbers
    brows: Numbers
    gaze: Numbers
    head: Numbers  # nod, turn, tilt
    stress: Numbers  # (T,) how far the voice stands out
    vowels: NDArray[np.bool_]  # (T,) in a vowel's steady part


def voice_of(clip: Clip) -> Voice:
    """What life goes by, at the clip's frames."""
    curves = voice_curves(clip.samples, clip.times)
    return Voice(pauses(envelope(clip.samples, RATE)), curves[:, 0], curves[:, 1], clip.fps)


def people(clips: Sequence[Clip], vowels: Mapping[str, NDArray[np.bool_]]) -> list[Alive]:
    """Clips of one person; `vowels` says of each, by its name, where vowels are steady."""
    shape = mean_shape(list(clips))
    lids = [np.mean([_distance(clip, *pair) for pair in _LIDS], axis=0) for clip in clips]
    usual = float(np.median(np.concatenate(lids)))
    found = []
    for clip, opening in zip(clips, lids, strict=True):
        still = without_pose(clip, shape)
        brows = still.at(_CORNERS)[:, :, 1].mean(axis=1) - still.at(_BROWS)[:, :, 1].mean(axis=1)
        middle = [still.at(pair).mean(axis=1) for pair in _INNER_OUTER]
        off = np.mean([still.at((iris,))[:, 0] - eye for iris, eye in zip(_IRISES, middle, strict=True)], axis=0)
        gaze = np.degrees(np.arcsin(np.clip(off[:, :2] / _EYE, -1, 1)))
        gaze = scipy.ndimage.median_filter(gaze, (3, 1))
        turn = turns(clip, shape)[0]
        angles = np.degrees(np.stack([np.arcsin(turn[:, 1, 2]), np.arcsin(turn[:, 0, 2]), turn[:, 0, 1]], axis=1))
        stress = voice_curves(clip.samples, clip.times)[:, 1]
        found.append(Alive(clip.fps, opening / usual, brows, gaze, angles, stress, vowels[clip.name]))
    return found


def duet(clip: Clip, head: Head, seed: int, vowels: NDArray[np.bool_]) -> Alive:
    """What Duet's life does on the clip's voice."""
    voice = voice_of(clip)
    keys = live(len(clip.points) / clip.fps, voice, Life(1.0, 1.0, 1.0, 1.0, seed, 1.0))

    def curve(each: Keys | None) -> Numbers:
        if each is None or not len(each[0]):
            return np.zeros(len(clip.points))
        return curves_at(each[0], np.asarray(each[1], np.float32)[:, None], clip.times)[:, 0]

    shapes = {name: curve(each) for name, each in keys.shapes.items()}
    brows = sum(
        (curve * _brow_height(head, name) for name, curve in shapes.items() if name.startswith("brow")),
        np.zeros(len(clip.points)),
    )
    sides = [shapes[f"eyeLook{a}Left"] - shapes[f"eyeLook{b}Left"] for a, b in (("Out", "In"), ("Down", "Up"))]
    gaze = 30.0 * np.stack(sides, axis=1)
    head_turns = np.degrees(np.stack([curve(each) for each in keys.neck or (None,) * 3], axis=1))
    lids = 1.0 - shapes.get("eyeBlinkLeft", np.zeros(len(clip.points)))
    return Alive(clip.fps, lids, brows, gaze, head_turns, voice.standing_out, vowels)


def _brow_height(head: Head, name: str) -> float:
    """Mm by which the brows' landmarks rise where a shape is 1."""
    return 1000 * float(head.arkit[head.arkit_names.index(name)][head.landmarks[17:27], 2].mean())


def _distance(clip: Clip, one: int, other: int) -> Numbers:
    points = clip.at((one, other))[:, :, :2]
    return np.asarray(np.linalg.norm(points[:, 0] - points[:, 1], axis=1))


def steady_vowels(clip: Clip, phones: Sequence[Segment] | None) -> NDArray[np.bool_]:
    """(T,) the frames in the middle half of a vowel."""
    found = np.zeros(len(clip.points), bool)
    for phone in phones or ():
        if gesture_of(phone.phone).kind == "vowel":
            quarter = (phone.end - phone.start) / 4
            found |= (clip.times >= phone.start + quarter) & (clip.times <= phone.end - quarter)
    return found


def blinks(lids: Numbers) -> list[tuple[int, int]]:
    """(first, last) frame of each time that the lids are more than half shut."""
    shut = np.concatenate([[False], lids < _SHUT, [False]])
    edges = np.flatnonzero(shut[1:] != shut[:-1])
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def measures(clips: Iterable[Alive]) -> dict[str, float]:
    """What the table has of somebody's clips."""
    clips = list(clips)
    minutes = sum(len(clip.lids) / clip.fps for clip in clips) / 60
    shut = [(clip, first, last) for clip in clips for first, last in blinks(clip.lids)]
    falls = [clip.vowels[first] for clip, first, _ in shut]
    rises = [size for clip in clips for size in _rises(clip.brows, clip.fps)]
    darts = [size for clip in clips for size in _darts(clip)]
    heads = [clip.head - clip.head.mean(axis=0) for clip in clips]
    speeds = np.concatenate([np.abs(np.diff(clip.head[:, 0])) * clip.fps for clip in clips])
    return {
        "blinks a minute": len(shut) / minutes,
        "lids half shut, ms": _median([1000 * (last - first + 1) / clip.fps for clip, first, last in shut]),
        "of blinks, begun in a vowel's steady part, %": 100 * float(np.mean(falls)) if falls else np.nan,
        "of the time, a vowel's steady part, %": 100 * float(np.concatenate([clip.vowels for clip in clips]).mean()),
        "brow rises a minute": len(rises) / minutes,
        "their height, mm": _median(rises),
        "r of brows with the voice's stress": _follows([(clip.brows, clip.stress, clip.fps) for clip in clips]),
        "nod, standard deviation in degrees": float(np.concatenate(heads)[:, 0].std()),
        "turn": float(np.concatenate(heads)[:, 1].std()),
        "tilt": float(np.concatenate(heads)[:, 2].std()),
        "nod, median speed in degrees a second": float(np.median(speeds)),
        "r of nods with the voice's stress": _follows([(clip.head[:, 0], clip.stress, clip.fps) for clip in clips]),
        "darts of the eyes a minute": len(darts) / minutes,
        "their size in degrees": _median(darts),
        "of a tenth, more than": float(np.percentile(darts, 90)) if darts else np.nan,
    }


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else np.nan


def _rises(brows: Numbers, fps: float) -> list[float]:
    """Heights in mm of what stands out of the second around it."""
    smooth = scipy.ndimage.gaussian_filter1d(brows, 0.06 * fps)
    over = smooth - scipy.ndimage.percentile_filter(smooth, 20, max(3, int(1.5 * fps)))
    inner = over[1:-1]
    tops = 1 + np.flatnonzero((inner > over[:-2]) & (inner >= over[2:]) & (inner >= _RISE))
    return [float(over[top]) for top in tops]


def _darts(clip: Alive) -> list[float]:
    """Sizes in degrees of jumps between two rests with open eyes, the largest first; none overlap."""
    rest, jump = max(2, round(_REST * clip.fps)), max(1, round(_JUMP * clip.fps))
    step, near = rest + jump, max(1, round(_NEAR_BLINK * clip.fps))
    if len(clip.gaze) < step + rest:
        return []
    aims = np.median(np.lib.stride_tricks.sliding_window_view(clip.gaze, rest, axis=0), axis=-1)
    sizes = np.linalg.norm(aims[step:] - aims[:-step], axis=1)
    shut = scipy.ndimage.binary_dilation(clip.lids < _LIDS_OPEN, iterations=near)
    found, taken = [], np.zeros(len(sizes), bool)
    for at in np.argsort(-sizes, kind="stable"):
        if sizes[at] < _DART:
            break
        if not (taken[max(0, at - step) : at + step].any() or shut[at : at + step + rest].any()):
            taken[at] = True
            found.append(float(sizes[at]))
    return found


def _follows(pairs: Sequence[tuple[Numbers, Numbers, float]]) -> float:
    """The correlation of a movement with the stress, at the best of the lags up to a third of a second."""
    best = -1.0
    for lag in np.arange(-0.3, 0.31, 0.04):
        moves, voices = [], []
        for move, voice, fps in pairs:
            shift = round(lag * fps)
            one, other = (move[shift:], voice[: len(voice) - shift]) if shift >= 0 else (move[:shift], voice[-shift:])
            moves.append(one - one.mean())
            voices.append(other - other.mean())
        best = max(best, float(np.corrcoef(np.concatenate(moves), np.concatenate(voices))[0, 1]))
    return best


def in_step(clips: Sequence[Clip]) -> dict[str, float]:
    """Percent of blinks that begin within 50 ms of one of another head's which says the same, and what chance has."""
    voices = [(len(clip.points) / clip.fps, voice_of(clip)) for clip in clips]
    times = {
        seed: _one_after_another(voices, seed)
        for seed in (SEEDS * head + line for head in range(4) for line in (1, 2, 3))
    }
    total, blinking = sum(seconds for seconds, _ in voices), np.mean([len(each) for each in times.values()])

    def met(pairs: Iterable[tuple[int, int]]) -> float:
        near = [np.abs(np.subtract.outer(times[a], times[b])).min(axis=1) < _IN_STEP for a, b in pairs]
        return 100 * float(np.concatenate(near).mean())

    pairs = [(a, b) for a in times for b in times if a // SEEDS != b // SEEDS]
    same = [(a, b) for a, b in pairs if a % SEEDS == b % SEEDS]
    return {
        "two heads' first lines": met([(1, SEEDS + 1), (SEEDS + 1, 1)]),
        "four heads' lines of the same number": met(same),
        "their lines of other numbers": met(set(pairs) - set(same)),
        "by chance": 100 * 2 * _IN_STEP * float(blinking) / total,
    }


def _one_after_another(voices: Iterable[tuple[float, Voice]], seed: int) -> Numbers:
    """When the lids begin to close in recordings that follow each other."""
    found, begin = [], 0.0
    for seconds, voice in voices:
        found.append(begin + np.array(blink_times(seconds, voice, seed)))
        begin += seconds
    return np.concatenate(found)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Life of people who speak, and of Duet on their voices.")
    parser.add_argument("--every", type=int, default=1, help="take every n-th clip of a set of more than a hundred")
    options = parser.parse_args(argv)
    head, columns = load_head(), {}
    everyone: list[Alive] = []
    heard: list[Clip] = []
    for path in sorted((data_folder() / "talking").glob(f"*/{TRACKS}")):
        clips = load_set(path.parent)
        clips = clips[:: options.every] if len(clips) > 100 else clips
        steady = {clip.name: steady_vowels(clip, phones_of(clip)) for clip in clips}
        columns[path.parent.name] = measures(people(clips, steady))
        heard += clips
        everyone += [duet(clip, head, seed, steady[clip.name]) for seed, clip in enumerate(clips)]
    columns["Duet"] = measures(everyone)
    rows = [[name, *(found[name] for found in columns.values())] for name in columns["Duet"]]
    print(tabulate(rows, ["", *columns], "github", floatfmt=".2f"))
    print("\nOf blinks, begun within 50 ms of another head's who says the same, %:\n")
    print(tabulate(in_step(heard).items(), ["", "Duet"], "github", floatfmt=".1f"))


if __name__ == "__main__":
    main()
