"""Windows cover every frame, and joining them changes nothing."""

from itertools import pairwise

import numpy as np
from duet.inference.engine.speech_numpy import SpeechDims
from duet.inference.engine.windows import CONTEXT, CORE, RAMP, join, ramp, windows
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(1, 20 * CORE))
def test_cores_partition_the_recording(count):
    cut = windows(count)
    assert cut[0].core_start == 0
    assert cut[-1].core_stop == count
    assert all(a.core_stop == b.core_start for a, b in pairwise(cut))
    assert all(w.stop - w.start <= 1500 for w in cut), "longer than the encoder's context"
    assert all(w.start == max(w.core_start - CONTEXT, 0) and w.stop == min(w.core_stop + CONTEXT, count) for w in cut)


@given(st.integers(1, 20 * CORE))
def test_ramps_add_up_to_one(count):
    total = np.zeros(count)
    for window in windows(count):
        total[window.start : window.stop] += ramp(window, count)
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_join_gives_back_what_every_window_agrees_on():
    signal = np.random.default_rng(0).normal(size=(1777, 3)).astype(np.float32)
    joined = join(((w, signal[w.start : w.stop]) for w in windows(1777)), 1777)
    np.testing.assert_allclose(joined, signal, atol=1e-6)


def test_context_covers_the_decoders_reach():
    dims = SpeechDims(channels=1, styles=1)
    assert dims.reach + RAMP <= CONTEXT, "the ramp itself must be exact too"
