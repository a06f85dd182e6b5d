"""From a clip's measures to what a model of the mouth should do at the encoder's frames: channels and measures."""

from __future__ import annotations

import functools

import numpy as np
import scipy.ndimage
from scipy.interpolate import PchipInterpolator

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ...inference.head.canonical import load_head
from ..read_at import at_times
from ..speech_rig import rig_deltas
from .face_measures import rig_measures
from .fit import fit_channels
from .manner import SHUT, Motion, Size, scaled
from .people import Person

SPREAD = 0.25  # of every channel: how far from the teacher's it may be for one unit of cost
CLOSURE = 0.30  # seconds: lips that are shut for less close for a sound, for more they rest
PRESSED = -0.8  # mm: what the gap at a closure aims at, so that a small error leaves the lips shut
_EDGE = 0.05  # seconds beyond the first and last picture that they still stand for


@functools.cache
def head_measures() -> Floats:
    """What each channel of the rig does to each of SHOWN (8, C) in mm, on the head as it is."""
    head = load_head()
    return rig_measures(head, rig_deltas(head))


def touching(measures: Floats, fps: float) -> Floats:
    """Measures (T, M) in which lips that are seen shut are shut: at 0 in rest, pressed where they close for a sound."""
    gap = measures[:, 0]
    runs, count = scipy.ndimage.label(gap < SHUT)
    lengths = scipy.ndimage.sum_labels(np.ones(len(gap)), runs, np.arange(count + 1))
    brief = (runs > 0) & (lengths[runs] < CLOSURE * fps)
    result = measures.copy()
    result[:, 0] = np.where(brief, PRESSED, np.where(runs > 0, 0.0, gap))
    return result


def targets_of(person: Person, motion: Motion, prior: Floats, size: Size, offset: float) -> tuple[Floats, Floats]:
    """Channels (T, C) and measures (T, M) at 50 Hz of a clip, of its person as one of some size.

    `prior` (T, C) at 50 Hz is what the teacher says of the sound; `offset` is by how many seconds the pictures are
    late. Measures are NaN where no face was seen.
    """
    clip, count = motion.clip, len(prior)
    times, when = clip.times - offset, np.arange(count) / FRAME_RATE
    wanted = touching(scaled(motion.measures, person.size, size), clip.fps)
    spread = np.full(prior.shape[1], SPREAD, np.float32)
    found = fit_channels(head_measures(), wanted, at_times(times, prior), spread)
    inside = np.clip(when, times[0], times[-1])
    channels, measures = (
        PchipInterpolator(times, rows, axis=0)(inside).astype(np.float32) for rows in (found.channels, wanted)
    )
    seen = np.interp(inside, times, clip.seen.astype(float)) > 0.99
    measures[~seen | (np.abs(when - inside) > _EDGE)] = np.nan
    return channels, measures
