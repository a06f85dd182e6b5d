"""Shared by the tests of fusion: the head, a made take, its set, and the head's space on a small image."""

import numpy as np
import pytest
from duet.inference.head.canonical import load_head
from duet.training.data.animated import AnimatedTake
from duet.training.evaluation.fusion_measures import file_order_grid
from duet.training.fusion.deformation_space import deformation_space
from duet.training.fusion.examples import FusionSet
from duet.training.speech_rig import CHANNEL_NAMES


@pytest.fixture(scope="session")
def head():
    return load_head()


@pytest.fixture(scope="session")
def voice():
    """Four seconds of a voice of 120 Hz that is louder and higher around 2.0 s."""
    time = np.arange(64_000) / 16_000
    stress = np.exp(-(((time - 2.0) / 0.12) ** 2))
    phase = 2 * np.pi * np.cumsum(120 * (1 + 0.4 * stress)) / 16_000
    return (0.1 * (1 + 2 * stress) * sum(np.sin(k * phase) / k for k in range(1, 6))).astype(np.float32)


@pytest.fixture(scope="session")
def take(voice):
    """Every channel of the rig that is animated moves by itself."""
    rng = np.random.default_rng(3)
    channels = (rng.random((120, len(CHANNEL_NAMES))) * (rng.random((120, len(CHANNEL_NAMES))) < 0.4)).astype(
        np.float32
    )
    channels[:, CHANNEL_NAMES.index("bite") :] = np.nan
    return AnimatedTake("made", voice, channels.astype(np.float32), (np.arange(120) + 0.5) / 30)


@pytest.fixture(scope="module")
def space(head):
    """The head's space on an image small enough for a test."""
    scales = np.random.default_rng(0).uniform(0.8, 1.2, (2, 1)).astype(np.float32)
    shapes = np.concatenate([head.arkit, head.extra])
    grid = file_order_grid(head, 48)
    return deformation_space(head, shapes, np.broadcast_to(scales, (2, len(head.vertices))), grid)


@pytest.fixture(scope="module")
def data(take):
    return FusionSet(0, [take])
