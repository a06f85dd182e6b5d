"""The shipped speech model on the captured take that it never saw; needs the captured takes (docs/training.md)."""

import pytest
from duet.inference.pipeline import Pipeline
from duet.training.captured import FPS, TEST_TAKE, TRAINING_TAKES, data_folder, load_captured
from duet.training.evaluate_speech import predicted_channels
from duet.training.features import WEIGHTS
from duet.training.measures import lag, pearson
from duet.training.speech_rig import CHANNEL_NAMES

pytestmark = pytest.mark.skipif(
    not (data_folder() / "facegood").is_dir(), reason="the captured takes are not here: set DUET_DATA"
)


def test_the_test_take_is_not_trained_on():
    assert TEST_TAKE not in TRAINING_TAKES


def test_the_jaw_follows_the_capture():
    take = load_captured(TEST_TAKE)
    jaw = CHANNEL_NAMES.index("jaw_open")
    predicted, captured = predicted_channels(Pipeline(WEIGHTS, "numpy"), take)[:, jaw], take.channels[:, jaw]
    assert pearson(predicted[:, None], captured[:, None])[0] >= 0.80
    assert abs(lag(predicted, captured, FPS)) <= 1 / FPS
