"""Lips at the sounds of the bundled recordings, seen frame by frame at 30 frames a second; needs pocketsphinx."""

import importlib.util

import numpy as np
import pytest
from duet.inference.audio.decode import load_audio
from duet.inference.engine.pipeline import Pipeline
from duet.inference.performance.face import FaceCurves
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.inference.take import EMOTIONS, GenerateRequest
from duet.tests.places import ROOT
from duet.training.data.alignment import Recording, aligned
from duet.training.evaluation.closures import _LINES
from duet.training.video.face_measures import SHOWN, rig_measures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not importlib.util.find_spec("pocketsphinx"), reason="pocketsphinx is not installed (requirements/training.txt)"
    ),
]
FPS = 30.0
GAP, WIDTH, PROTRUSION = (SHOWN.index(name) for name in ("gap", "width", "protrusion"))


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(ROOT / "weights", "numpy")


@pytest.fixture(scope="module")
def lines():
    """Samples and phones of each line."""
    found = []
    for number, words in _LINES.items():
        samples = load_audio(ROOT / "examples" / "recordings" / f"sense_and_sensibility_{number}.wav")
        found.append((samples, aligned(Recording(number, "", samples, words))))
    return found


def measures(pipeline, samples, emotions):
    """SHOWN (T, 8) in mm above rest, of speech and expression together."""
    spoken = pipeline.generate(samples, GenerateRequest(fps=FPS), lambda *_: None)
    take = FaceCurves(spoken, Performance(emotions=(Cue(0.0, emotions),))).performed()
    shapes = pipeline.shapes
    return shapes.mixed(take.face_weights) @ rig_measures(pipeline.head, shapes.basis).T


@pytest.fixture(scope="module")
def spoken(pipeline, lines):
    """What the face does of each line without an expression, and its phones."""
    return [(measures(pipeline, samples, {}), segments) for samples, segments in lines]


def frames(segment):
    """The frames in which a phone may be seen: up to 60 ms after its sound."""
    return slice(int(segment.start * FPS), int((segment.end + 0.06) * FPS) + 2)


@pytest.mark.parametrize("emotion", ["", *(name for name in EMOTIONS if name != "neutral")])
def test_lips_meet_at_p_b_and_m_under_every_emotion(pipeline, lines, emotion):
    gaps = []
    for samples, segments in lines:
        gap = measures(pipeline, samples, {emotion: 1.0} if emotion else {})[:, GAP]
        gaps += [gap[frames(segment)].min() for segment in segments if segment.phone[:1] in ("p", "b", "m")]
    assert len(gaps) >= 20
    assert np.mean(np.array(gaps) < 0.3) >= 0.95


def test_corners_do_not_jump_wide_where_lips_close(spoken):
    """Before, they went from 42 to 47 and back to 40 mm within five frames, at every closure."""
    jumps = []
    for found, segments in spoken:
        for segment in segments:
            if segment.phone[:1] in ("p", "b", "m"):
                part = frames(segment)
                at = part.start + int(found[part, GAP].argmin())
                around = found[[max(at - 2, 0), min(at + 2, len(found) - 1)], WIDTH]
                jumps.append(found[at, WIDTH] - around.mean())
    assert np.median(jumps) < 1.0
    assert np.max(jumps) < 3.0


def test_lips_close_while_p_b_and_m_sound(spoken):
    """Before, they met a frame after the sound."""
    late = []
    for found, segments in spoken:
        for segment in segments:
            if segment.phone[:1] in ("p", "b", "m"):
                part = frames(segment)
                gap = found[part, GAP]
                met = (part.start + int((gap < max(0.3, gap.min() + 0.01)).argmax())) / FPS
                late.append(met - (segment.start + segment.end) / 2)
    assert abs(np.median(late)) < 1 / FPS
    assert np.mean(np.array(late) < 2 / FPS) > 0.8


def of_phones(spoken, column, phones, kind):
    """The `kind` of a measure over the frames of each of some phones."""
    return [
        kind(found[frames(segment), column])
        for found, segments in spoken
        for segment in segments
        if segment.phone[:1] in phones
    ]


@pytest.mark.parametrize("phones", [("u", "ʊ", "w"), ("ʃ", "ʒ"), ("o", "ɔ")], ids=["oo", "sh", "no"])
def test_rounded_sounds_are_narrow_and_come_forward(spoken, phones):
    spread = ("i", "ɛ", "e")
    narrower = np.median(of_phones(spoken, WIDTH, spread, np.mean)) - np.median(
        of_phones(spoken, WIDTH, phones, np.mean)
    )
    forward = np.median(of_phones(spoken, PROTRUSION, phones, np.max)) - np.median(
        of_phones(spoken, PROTRUSION, spread, np.max)
    )
    assert narrower > 0.8, f"{narrower:.2f} mm"
    assert forward > 0.5, f"{forward:.2f} mm"


def test_weak_vowels_move_beside_strong_ones(spoken):
    """Before, an open vowel gaped and the weak ones beside it hardly moved."""
    weak, strong = (np.median(of_phones(spoken, GAP, phones, np.max)) for phones in (("ʌ", "ɪ"), ("ɑ", "ɔ", "æ")))
    assert 0.4 * strong < weak < strong
