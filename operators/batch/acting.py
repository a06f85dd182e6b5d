"""How a recording is acted, for the command line and manifests: the sidebar's Performance and Life as options."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...inference.audio.checks import SAMPLE_RATE
from ...inference.audio.loudness import envelope, pauses
from ...inference.errors import AudioError, RequestError
from ...inference.performance.curves import sample, smooth
from ...inference.performance.emotion_keys import curves_at
from ...inference.performance.life import Life, live
from ...inference.performance.silence import kept_from_speech
from ...inference.take import Floats, Take


@dataclass(frozen=True)
class Acting:
    """Smoothing and offset are in milliseconds, trims and transition in seconds; amounts of life are 0 where off."""

    articulation: float = 1.0
    smoothing: float = 0.0
    offset: float = 0.0
    transition: float = 0.5
    blinks: float = 0.0
    eyes: float = 0.0
    head_motion: float = 0.0
    breaths: float = 0.0
    open_in_silence: float = 1.0
    seed: float = 1.0
    trim_start: float = 0.0
    trim_end: float = 0.0

    def __post_init__(self) -> None:
        """Raise RequestError where the recording would end before it begins."""
        if self.trim_end and self.trim_end <= self.trim_start:
            raise RequestError("The recording is cut before it begins.", "Change --trim-start or --trim-end.")

    @property
    def life(self) -> Life:
        """The amounts and the seed."""
        return Life(self.blinks, self.eyes, self.head_motion, self.breaths, int(self.seed))


@dataclass(frozen=True)
class Option:
    """One of Acting's numbers: its limits, and what it is."""

    least: float
    most: float
    help: str


OPTIONS = {
    "articulation": Option(0, 1.5, "how far the mouth moves: 0 still, 1 as spoken, 1.5 theatre"),
    "smoothing": Option(0, 150, "milliseconds over which speech is softened; over 40 lips no longer close on p, b, m"),
    "offset": Option(-500, 500, "milliseconds that the mouth moves after the sound; below 0 ahead of it"),
    "transition": Option(0.04, 10, "seconds that a step of the emotion track takes (default: 0.5)"),
    "open_in_silence": Option(0, 1, "how far emotions open the mouth while nothing is said: 0 not at all (default: 1)"),
    "blinks": Option(0, 2, "how far the lids close in blinks: 0 none, 1 shut"),
    "eyes": Option(0, 2, "how far the eyes wander: 0 not at all, 1 as in conversation"),
    "head_motion": Option(0, 2, "how far the head moves: 0 not at all, 1 about two degrees (bake)"),
    "breaths": Option(0, 2, "how far the lips part for breath after pauses: 0 not at all, 1 slight"),
    "seed": Option(0, 2**31 - 1, "another whole number gives other moments of life (default: 1)"),
    "trim_start": Option(0, 1e6, "seconds to leave out at the recording's beginning"),
    "trim_end": Option(0, 1e6, "the second of the recording at which to stop (default: its end)"),
}
LIFE = ("blinks", "eyes", "head_motion", "breaths")


def number(name: str, text: str) -> float:
    """The value of an option from its text; raises RequestError naming it."""
    option = OPTIONS[name]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    whole = name != "seed" or value.is_integer()
    if not (math.isfinite(value) and whole and option.least <= value <= option.most):
        due = f"Give a {'whole ' if name == 'seed' else ''}number from {option.least:g} to {option.most:.10g}."
        raise RequestError(f"'{text}' is no value for {name.replace('_', ' ')}.", due)
    return value


def add_options(parser: argparse._ArgumentGroup) -> None:
    """The options of a command, and --life for all of life at once."""
    for name, option in OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="NUMBER", help=option.help)
    parser.add_argument(
        "--life", action="store_true", help="blinks, eyes, head motion and breaths, each 1 if not given"
    )


def chosen(options: argparse.Namespace) -> Acting:
    """What the command's options say; raises RequestError."""
    given = {name: getattr(options, name) for name in OPTIONS}
    if options.life:
        given |= {name: "1" for name in LIFE if given[name] is None}
    return with_texts(Acting(), given)


def with_texts(acting: Acting, texts: dict[str, str | None]) -> Acting:
    """The acting with those of OPTIONS that are given as texts, None or empty being not given; raises RequestError."""
    return replace(acting, **{name: number(name, text) for name, text in texts.items() if name in OPTIONS and text})


def trimmed(samples: Floats, acting: Acting, fps: float, name: str) -> Floats:
    """The part of samples (N,) at SAMPLE_RATE that is spoken, from a whole frame on; raises AudioError."""
    begin, end = round(trim_start(acting, fps) * SAMPLE_RATE), round(acting.trim_end * SAMPLE_RATE)
    part = samples[begin : end or None]
    if not len(part):
        raise AudioError(f"Nothing is left of '{name}' between the trims.", "Change --trim-start or --trim-end.")
    return part


def trim_start(acting: Acting, fps: float) -> float:
    """The second of the recording that plays at the first frame: a strip can be cut at whole frames only."""
    return round(acting.trim_start * fps) / fps


def performed(take: Take, acting: Acting, samples: Floats) -> Take:
    """The take with speech smoothed and moved in time, the mouth open in silence as far as asked for, and with life in
    its ARKit coefficients.

    Articulation is asked of the worker. Head motion has no place in a take. Raises WeightsError.
    """
    if acting.smoothing or acting.offset or acting.open_in_silence != 1.0:
        from ...inference.head.recompose import with_curves

        seconds = np.arange(take.frame_count) / take.fps - acting.offset / 1000
        speech = sample(smooth(take.speech_weights, acting.smoothing / 1000 * take.fps), take.fps, seconds)
        silence = sample(take.silence[:, None], take.fps, seconds)[:, 0]
        silence = np.float32(acting.open_in_silence) * kept_from_speech(silence, speech, take.fps)
        take = with_curves(take, take.emotion_curves, speech, silence)
    return _alive(take, acting.life, samples) if acting.blinks or acting.eyes or acting.breaths else take


def _alive(take: Take, life: Life, samples: Floats) -> Take:
    """With the larger of each coefficient and what life wants."""
    seconds, arkit = np.arange(take.frame_count) / take.fps, take.arkit.copy()
    keys = live(take.frame_count / take.fps, pauses(envelope(samples, SAMPLE_RATE)), life)
    for name, (times, values) in keys.shapes.items():
        if len(times) and name in take.arkit_names:
            moved = curves_at(times, np.asarray(values, np.float32)[:, None], seconds)[:, 0]
            column = take.arkit_names.index(name)
            arkit[:, column] = np.clip(np.maximum(arkit[:, column], moved), 0.0, 1.0)
    return replace(take, arkit=arkit)


def to_json(acting: Acting) -> dict[str, Any]:
    """A JSON-ready dict of what is not as usual, so that new options do not make finished work anew."""
    usual = Acting()
    return {name: value for name, value in vars(acting).items() if value != getattr(usual, name)}
