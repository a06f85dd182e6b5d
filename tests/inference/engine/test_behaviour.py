"""How the shipped model behaves on recordings as they come: rates, levels, noise, borders, silence, music, length."""

import tracemalloc

import numpy as np
import pytest
import soundfile
from duet.inference.audio.decode import load_audio
from duet.inference.engine.pipeline import Pipeline
from duet.inference.head.mouth import mouth_of
from duet.inference.take import GenerateRequest
from duet.training.evaluation.robustness import border_step, music, through_rate, white_noise, with_noise
from duet.training.evaluation.talkers import shipped
from duet.training.features import WEIGHTS
from duet.training.measures import motion, pearson
from duet.training.mouth import LIPS, vertices_of

pytestmark = pytest.mark.slow

FPS = 50.0
AT_REST = 0.7  # mm: of the lips' vertices, on average


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(WEIGHTS, "numpy")


@pytest.fixture(scope="module")
def lips(pipeline):
    """lips(samples) -> displacements (T, n, 3) in mm of the lips' vertices, and the lip gap (T,) in mm."""
    basis = pipeline.shapes.speech_basis
    points = basis[:, vertices_of(pipeline.head, LIPS)]
    mouth = mouth_of(pipeline.head, basis)

    def measure(samples):
        take = pipeline.generate(samples, GenerateRequest(fps=FPS), lambda *_: None)
        moved = 1000 * (take.speech_weights @ points.reshape(len(points), -1)).reshape(take.frame_count, -1, 3)
        return moved, mouth.gap(take.speech_weights)

    return measure


@pytest.fixture(scope="module")
def spoken(lips, recording):
    return lips(recording)


def change(a, b):
    """Distance (T, n) in mm between lips over the frames that both have."""
    count = min(len(a), len(b))
    assert abs(len(a) - len(b)) <= 1
    return np.linalg.norm(a[:count] - b[:count], axis=-1)


def speed(moved):
    """Root mean square speed of the lips, mm/s."""
    return np.sqrt((motion(moved / 1000, FPS) ** 2).mean())


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_same_words_at_another_rate_give_the_same_face(lips, spoken, recording, tmp_path, rate):
    from scipy.signal import resample_poly

    path = tmp_path / "line.wav"
    soundfile.write(path, resample_poly(recording, rate, 16_000), rate, subtype="PCM_24")
    away = change(lips(load_audio(path))[0], spoken[0])
    assert away.mean() < 0.05
    assert away.max() < 0.5


def test_a_recording_20_db_quieter_gives_the_same_face(lips, spoken, recording):
    assert change(lips(recording * np.float32(0.1))[0], spoken[0]).max() < 0.05


def test_noise_20_db_below_the_speech_changes_little(lips, spoken, recording):
    moved, gap = lips(with_noise(recording, 20.0))
    assert change(moved, spoken[0]).mean() < 0.5
    assert pearson(gap[:, None], spoken[1][:, None])[0] > 0.93


def test_a_narrow_band_keeps_the_mouth_moving_alike(lips, spoken, recording):
    """A telephone's 8 kHz: no fricative is left above 4 kHz."""
    _, gap = lips(through_rate(recording, 8_000))
    assert pearson(gap[:, None], spoken[1][:, None])[0] > 0.85


def test_chunk_borders_cannot_be_seen(pipeline, recording):
    near, elsewhere = border_step(shipped(pipeline), np.tile(recording, 6))
    assert near <= 1.2 * elsewhere


def padded(samples, seconds):
    """With room tone, 45 dB below the speech, before and after."""
    count = int(seconds * 16_000)
    return with_noise(np.pad(samples, count), 45.0)


def test_a_line_between_silence_starts_and_ends_at_rest(lips, recording):
    moved, _ = lips(padded(recording, 0.5))
    rest = np.linalg.norm(moved, axis=-1).mean(axis=1)
    assert rest[0] < AT_REST
    assert rest[-1] < AT_REST


def test_silence_leaves_the_lips_still(lips, spoken, recording):
    moved, gap = lips(padded(recording, 4.0))
    quiet = slice(25, int(3.5 * FPS))
    assert speed(moved[quiet]) < 0.05 * speed(spoken[0])
    assert gap[quiet].max() < 0.7


@pytest.mark.parametrize("make", [white_noise, music])
def test_what_is_no_speech_is_not_spoken(lips, spoken, make):
    moved, gap = lips(make(6.0))
    assert speed(moved) < 0.4 * speed(spoken[0])
    assert gap.max() < np.quantile(spoken[1], 0.9)


def test_memory_does_not_grow_with_the_recording(pipeline, recording):
    """Of what grows there are the curves themselves; the networks see a window at a time."""
    peaks = []
    for seconds in (30, 300):  # whole windows: a last one that takes a rest along is larger
        samples = np.resize(recording, seconds * 16_000)
        tracemalloc.start()
        pipeline.generate(samples, GenerateRequest(fps=30.0), lambda *_: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # how far the threads are in their windows at the peak is chance, and a few megabytes
    assert peaks[1] - peaks[0] < 270 * 16_000 * 4, "less than the sound's own bytes"
