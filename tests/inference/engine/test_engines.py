"""Both engines on the shipped weights: the same numbers within 1e-4 on every output."""

import numpy as np
import pytest
from duet.inference import blas
from duet.inference.audio.mel import loud_level, normalised_mel
from duet.inference.engine import layers_numpy
from duet.inference.engine.encoder_numpy import EncoderNumpy
from duet.inference.engine.engine import EmbeddedEngine, make_engine
from duet.inference.engine.layers_numpy import attend, gelu
from duet.inference.engine.models import load_models
from duet.inference.engine.pipeline import Pipeline
from duet.inference.engine.speech_numpy import SpeechNumpy
from duet.inference.engine.threads import Team
from duet.inference.errors import RequestError
from duet.inference.performance.face import FaceCurves
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.tests.places import WEIGHTS

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def engines():
    models = load_models(WEIGHTS)
    return make_engine(models, "numpy", "auto"), make_engine(models, "torch", "cpu")


@pytest.fixture(scope="module")
def mel(recording):
    return normalised_mel(recording, 0, 600, loud_level(recording))


def test_encoder(engines, mel):
    embedded, torch = (engine.encode(mel) for engine in engines)
    assert embedded.shape == (300, 5, 384)
    np.testing.assert_allclose(embedded, torch, atol=TOLERANCE * np.abs(torch).max())


def test_speech_model(engines, mel):
    features = engines[1].encode(mel)
    embedded, torch = (engine.channels(features, 0) for engine in engines)
    np.testing.assert_allclose(embedded, torch, atol=TOLERANCE)
    assert np.ptp(torch, axis=0).max() > 0.1, "speech moves something"


def test_only_what_is_wanted_of_a_window_is_computed_and_is_the_same(engines, mel):
    """The embedded engine leaves out the last layer's other rows; torch computes windows together."""
    mels, rows = [mel, mel[:400], mel[200:]], [slice(40, 250), slice(0, 190), slice(30, 200)]
    for engine in engines:
        for channels, part, wanted in zip(engine.heard(mels, rows, 0), mels, rows, strict=True):
            whole = engine.channels(engine.encode(part), 0)
            assert channels.shape == whole.shape
            np.testing.assert_allclose(channels[wanted], whole[wanted], atol=1e-5)


def test_half_precision_is_taken_where_it_comes_near(engines):
    import torch

    assert engines[1].comes_near(torch.float32)
    assert not engines[1].comes_near(torch.bfloat16), "three digits are too few"
    assert engines[1].precision == torch.float32, "on a graphics card alone"


def test_half_precision_is_as_near_on_speech_as_it_was_on_made_up_sound(engines, mel, monkeypatch):
    import torch

    rows = slice(20, 280)
    whole = engines[1].heard([mel], [rows], 0)[0]
    assert engines[1].comes_near(torch.float16)
    monkeypatch.setattr(engines[1], "precision", torch.float16)
    found = engines[1].heard([mel], [rows], 0)[0]
    off = np.abs(np.clip(found, 0, 1) - np.clip(whole, 0, 1)).max()
    assert 1e-6 < off < 1e-3, "another precision, and as near as promised"


@pytest.mark.parametrize("which", ["speech_weights", "expression_weights"])
def test_fusion(engines, which):
    images = np.random.default_rng(0).normal(0, 0.5, (70, 64, 64, 3)).astype(np.float32)
    embedded, torch = (getattr(engine, which)(images) for engine in engines)
    np.testing.assert_allclose(embedded, torch, atol=TOLERANCE)
    np.testing.assert_array_equal(engines[0].speech_weights(0 * images[:1]), 0)


def test_the_stored_emotions_are_what_the_encoder_gives(engines):
    from duet.inference.engine.uv_grid import Grid
    from duet.inference.head.blendshapes import load_blendshapes
    from duet.inference.head.canonical import load_head
    from duet.training.fusion.expressions import emotion_arkit

    fusion = load_models(WEIGHTS).fusion
    grid = Grid(fusion.arrays["grid_index"], fusion.floats()["grid_weight"])
    images = grid.image(np.tensordot(emotion_arkit(), load_head().arkit, axes=1))
    for engine in engines:
        np.testing.assert_allclose(
            engine.expression_weights(images), load_blendshapes().emotion_weights[: len(images)], atol=TOLERANCE
        )


def test_whole_path(recording):
    """From samples to take, in every array."""
    from duet.inference.take import GenerateRequest

    felt = Performance(emotions=(Cue(0.0, {"happy": 0.7, "angry": 0.2}),))
    takes = [
        FaceCurves(
            Pipeline(WEIGHTS, name, "cpu").generate(recording, GenerateRequest(fps=30), lambda *_: None), felt
        ).performed(arkit=True, vertices=True)
        for name in ("numpy", "torch")
    ]
    for name in ("speech_weights", "expression_weights", "emotion_curves", "arkit", "vertices"):
        np.testing.assert_allclose(getattr(takes[0], name), getattr(takes[1], name), atol=TOLERANCE, err_msg=name)


def test_gelu_is_exact_where_it_matters():
    import scipy.special

    x = np.linspace(-40, 40, 200001, dtype=np.float32)
    exact = x * scipy.special.ndtr(x.astype(float))
    found = gelu(x)
    assert found is x, "written over what is given"
    np.testing.assert_allclose(found, exact, atol=1e-6)
    with pytest.raises(ValueError, match="order"):
        gelu(np.zeros((4, 4), np.float32).T[:, ::2])


def test_the_speech_weights_are_folded_and_as_the_whole_module_gives_them():
    """The rig lies within what the blendshapes make, so the module is a matrix on it: 1e-4 of the whole one."""
    pipeline = Pipeline(WEIGHTS, "numpy", "cpu")
    channels = np.random.default_rng(1).random((40, len(pipeline.shaping.images)), np.float32)
    folded = pipeline.speech_weights(channels, lambda *_: None)
    assert pipeline.shaping.matrix is not None
    pipeline.shaping.matrix = None
    np.testing.assert_allclose(folded, pipeline.speech_weights(channels, lambda *_: None), atol=TOLERANCE)


def test_a_module_that_is_not_linear_in_the_rig_is_not_folded():
    pipeline = Pipeline(WEIGHTS, "numpy", "cpu")
    assert pipeline.shaping.folded(pipeline.shaping.images) is not None
    assert (
        pipeline.shaping.folded(
            pipeline.shaping.images + 10 * np.random.default_rng(2).random(pipeline.shaping.images.shape, np.float32)
        )
        is None
    )


def test_a_slow_blas_is_named_with_its_price(monkeypatch):
    assert blas.blas_name() in blas.note()
    monkeypatch.setattr(blas, "blas_name", lambda: "blas")
    monkeypatch.setattr(blas, "_speed", lambda: 15e9)
    assert blas.note().startswith("NumPy's BLAS: blas, a slow one, with which speech takes about 3 times as long.")
    monkeypatch.setattr(blas, "_speed", lambda: 60e9)
    assert blas.note() == "NumPy's BLAS: blas.", "a tuned one in the reference's place"


def test_attention_is_softmax_whatever_the_scores(monkeypatch):
    """The largest score is taken off only where its exponential could overflow; rows are computed in parts."""
    monkeypatch.setattr(layers_numpy, "_BLOCK", 500)
    random = np.random.default_rng(3)
    queries, keys, values = random.normal(0, 1, (3, 70, 16)).astype(np.float32)
    for size in (1.0, 30.0):  # the second one's scores come to thousands
        scores = (queries.astype(float) * size) @ keys.T.astype(float) * size / 4
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        wanted = shares @ values / shares.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(attend(size * queries, size * keys.T, values), wanted, atol=2e-4)


def test_windows_side_by_side_are_as_one_after_another(mel, monkeypatch):
    monkeypatch.setenv("DUET_THREADS", "3")
    models = load_models(WEIGHTS)
    engine, rows = EmbeddedEngine(models), [slice(0, 200), slice(40, 250), slice(20, 220)]
    assert engine.batch == 3
    together = engine.heard([mel] * 3, rows, 1)
    for found, wanted in zip(together, rows, strict=True):
        np.testing.assert_allclose(found, engine.heard([mel], [wanted], 1)[0], atol=1e-5)


def test_any_number_of_threads_gives_the_same(mel):
    models = load_models(WEIGHTS)
    results = []
    for size in (1, 2, 5):
        team = Team(size)
        features = EncoderNumpy(models.encoder_weights, models.encoder_dims, team)(mel)
        results.append(SpeechNumpy(models.speech.floats("model."), models.speech_dims, team)(features, 0))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=1e-5)


def test_automatic_choice_is_embedded_without_an_accelerator(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert isinstance(make_engine(load_models(WEIGHTS), "auto", "auto"), EmbeddedEngine)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RequestError, match="no device 'cuda'"):
        make_engine(load_models(WEIGHTS), "torch", "cuda")
    with pytest.raises(RequestError, match="no engine 'jax'"):
        make_engine(load_models(WEIGHTS), "jax", "auto")
