"""The rules of articulation fitted to real people: each phone's targets on what video shows of the mouth.

    python -m duet.training.video.people_rules      # writes people_rules.json beside this file

The tracks of GRID's sentences are aligned by their known words (PocketSphinx). A channel is a sum of the phones'
targets, each weighed by its share of the dominance, so with the dominance as it stands the targets are a least squares
problem; how late the face is and how far dominance carries are searched for. What phonetics fixes is kept: closures and
bites, what the tongue does, and no target leaves [0, 1]. Phones that the sentences lack take the mean change of their
kind. Needs the people on video (DUET_DATA).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ...inference.arrays import Doubles
from ..speech_rig import CHANNEL_NAMES
from ..synthesis.coarticulation import CLEAR, FINE, FRAME_RATE, Manner, dominance_of, smoothed
from ..synthesis.phones import CLOSE, ROUND, TONGUE, Gesture, gesture_of
from ..synthesis.utterance import Segment

PATH = Path(__file__).with_suffix(".json")
# What video shows, and phonetics leaves to the speaker.
FITTED = tuple(name for name in CHANNEL_NAMES if name not in (*CLOSE, *TONGUE, "bite", "chin_raise"))
_KEPT_KINDS = ("bilabial", "labiodental", "pause", "glottal")
_LAGS, _CARRIES = (-0.02, 0.0, 0.02, 0.04), (1.0, 1.3, 1.6)
_RIDGE = 8.0  # frames' worth of trust in a target as it stood
_LEAST = 25.0  # frames of a phone's own from which it is fitted
_CHANGE = 0.5, 3.0  # bounds of the mean change, for phones that were not heard
_ROUNDED = 0.85  # of a rounded phone's rounding is kept: pictures from the front do not show lips that come forward


@dataclass(frozen=True, eq=False)
class Heard:
    """One aligned clip: its phones, their gains (P,), and the channels (T, C) at 50 Hz that fit its tracks."""

    segments: Sequence[Segment]
    gains: Doubles
    channels: NDArray[np.float32]


@dataclass(frozen=True)
class Rules:
    """What the file holds: how late the face is in seconds, how far dominance carries, and targets.

    `targets` are by phone and channel; `change` is the mean factor on them by kind of phone and channel.
    """

    lag: float
    carry: float
    targets: dict[str, dict[str, float]]
    change: dict[str, dict[str, float]]


def people_manner(reach: float = 1.0) -> Manner:
    """The rules as they were fitted to people, who go so many times as far."""
    found = _read()
    return Manner(_people_gesture, found.lag, np.zeros(len(CHANNEL_NAMES)), found.carry, reach)


@functools.cache
def _read() -> Rules:
    return Rules(**json.loads(PATH.read_text("utf-8")))


@functools.cache
def _people_gesture(phone: str) -> Gesture:
    """A phone's gesture with the fitted targets of its base symbol, or the mean change of its kind."""
    clear, found = gesture_of(phone), _read()
    if clear.kind in _KEPT_KINDS:
        return clear
    own = found.targets.get(phone[0])
    if own is not None:
        return replace(clear, targets=clear.targets | own)
    change = found.change[clear.kind]
    scaled = {c: min(1.0, v * change[c]) for c, v in clear.targets.items() if c in change}
    return replace(clear, targets=clear.targets | scaled)


def fit(clips: Sequence[Heard]) -> Rules:
    """The rules that fit some clips best."""
    tries = [(lag, carry, *_targets(clips, lag, carry)) for lag in _LAGS for carry in _CARRIES]
    lag, carry, targets, _ = min(tries, key=lambda found: found[3])
    return Rules(lag, carry, targets, _mean_change(targets))


def _targets(clips: Sequence[Heard], lag: float, carry: float) -> tuple[dict[str, dict[str, float]], float]:
    """Least squares targets by phone and channel, and the squared error that they leave."""
    phones = sorted({s.phone[0] for clip in clips for s in clip.segments if _free(s.phone)})
    manner, columns = replace(CLEAR, lag=lag, carry=carry), [CHANNEL_NAMES.index(name) for name in FITTED]
    count = len(phones)
    normal, right = np.zeros((len(columns), count, count)), np.zeros((len(columns), count))
    power = np.zeros(len(columns))
    for clip in clips:
        shares, fixed = _shares(clip, manner, phones, columns)
        wanted = clip.channels[:, columns] - fixed
        normal += np.einsum("tpc,tqc->cpq", shares, shares)
        right += np.einsum("tpc,tc->cp", shares, wanted)
        power += (wanted**2).sum(axis=0)
    before = np.array([[gesture_of(p).targets.get(name, 0.0) for p in phones] for name in FITTED])
    least = np.where(np.isin(FITTED, ROUND)[:, None], _ROUNDED * before, 0.0)
    found = np.stack([_solve(*each) for each in zip(normal, right, before, least, strict=True)])
    error = power - 2 * (found * right).sum(axis=1) + np.einsum("cp,cpq,cq->c", found, normal, found)
    enough = normal[0].diagonal() > _LEAST
    targets = {
        phone: {name: round(float(found[i, j]), 3) for i, name in enumerate(FITTED)}
        for j, phone in enumerate(phones)
        if enough[j]
    }
    return targets, float(error.sum())


def _free(phone: str) -> bool:
    return bool(phone) and gesture_of(phone).kind not in _KEPT_KINDS


def _shares(clip: Heard, manner: Manner, phones: list[str], columns: list[int]) -> tuple[Doubles, Doubles]:
    """Each phone's share of a clip's dominance times its gain (T, P, C), and what the fixed phones add (T, C)."""
    times = np.arange(len(clip.channels) * FINE) / (FRAME_RATE * FINE)
    shares = np.zeros((len(times), len(phones), len(columns)))
    fixed, weight = np.zeros((len(times), len(columns))), np.full((len(times), len(columns)), 1e-3)
    for segment, gain in zip(clip.segments, clip.gains, strict=True):
        dominance = dominance_of(segment, times, manner)[:, columns]
        weight += dominance
        if _free(segment.phone):
            shares[:, phones.index(segment.phone[0])] += dominance * gain
        else:
            targets = manner.gesture(segment.phone).targets
            fixed += dominance * [targets.get(name, 0.0) for name in FITTED] * gain
    flat = smoothed(
        np.concatenate([shares.reshape(len(times), -1) / np.tile(weight, (1, len(phones))), fixed / weight], 1)
    )
    coarse = flat[::FINE]
    split = len(phones) * len(columns)
    return coarse[:, :split].reshape(-1, len(phones), len(columns)), coarse[:, split:]


def _solve(normal: Doubles, right: Doubles, before: Doubles, least: Doubles) -> Doubles:
    """Targets (P,) of one channel, from the least that each may be to 1, near those before where little was heard."""
    system = normal + _RIDGE * np.eye(len(normal))
    root = np.linalg.cholesky(system).T
    return scipy.optimize.lsq_linear(root, np.linalg.solve(root.T, right + _RIDGE * before), (least, 1.0)).x


def _mean_change(targets: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    changes: dict[str, dict[str, float]] = {}
    for kind in ("vowel", "consonant"):
        own = [phone for phone in targets if gesture_of(phone).kind == kind]
        sums = {
            name: (sum(targets[p][name] for p in own), sum(gesture_of(p).targets.get(name, 0.0) for p in own))
            for name in FITTED
            if name not in ROUND
        }
        changes[kind] = {
            name: round(float(np.clip(after / before, *_CHANGE)), 3) for name, (after, before) in sums.items() if before
        }
    return changes


def heard_people(every: int = 3) -> list[Heard]:
    """Aligned training clips of people whose sentences are known; of one who says many, each third."""
    from ..synthesis.coarticulation import channels_of, loudness_gains
    from .aligned import phones_of
    from .people import common_size, talking_folder, training_people, validates
    from .sentences import grid_words
    from .targets import targets_of

    people = training_people(talking_folder())
    size, found = common_size(people), []
    for person in people:
        known = [(i, m) for i, m in enumerate(person.motions) if grid_words(m.clip.name) and not validates(person, i)]
        for _, motion in known[:: every if len(known) > 100 else 1]:
            segments = phones_of(motion.clip)
            if segments is None:
                continue
            gains = loudness_gains(segments, motion.clip.samples)
            prior = channels_of(segments, int(len(motion.clip.samples) / 16000 * FRAME_RATE), gains)
            channels, _ = targets_of(person, motion, prior, size, 0.0)
            found.append(Heard(segments, gains, channels))
    return found


def main() -> None:
    """Fit and write."""
    clips = heard_people()
    found = fit(clips)
    PATH.write_text(json.dumps(asdict(found), indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    print(f"{len(clips)} clips: lag {found.lag} s, carry {found.carry}, {len(found.targets)} phones")


if __name__ == "__main__":
    main()
