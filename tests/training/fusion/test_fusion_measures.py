"""How many blendshapes, and what is measured of fusion."""

import dataclasses

import numpy as np
import pytest
from duet.training.evaluation import ablations
from duet.training.evaluation.fusion_measures import (
    Decoded,
    Figures,
    SpokenChannels,
    figures,
    file_order_grid,
    wanted_emotions,
)
from duet.training.fusion import knee
from duet.training.fusion.grid_mapping import head_grid
from duet.training.fusion.train import Options
from duet.training.mouth import LIPS, vertices_of
from duet.training.speech_rig import CHANNEL_NAMES, rig_deltas

pytestmark = pytest.mark.slow


def test_the_knee_and_the_limit():
    errors = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.01, 0.0])
    assert knee.fewest_within(errors, 0.3) == 5
    assert knee.fewest_within(errors, -1) == 10
    assert knee.knee(errors, step=2, gain=0.4) == 4
    flat = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32) @ np.eye(3, 8, dtype=np.float32)
    assert len(knee.curve(flat, flat, np.eye(8, dtype=np.float32).reshape(8, -1, 1) * np.ones((1, 1, 3)))) == 3


def test_a_perfect_module_and_direct_addition(head):
    rng = np.random.default_rng(0)
    channels = rng.random((20, len(CHANNEL_NAMES))).astype(np.float32) * 0.2
    channels[:10] = 0
    spoken = SpokenChannels(channels * 0.9, channels)
    wanted = wanted_emotions(head)
    closed = 0 * wanted
    away = vertices_of(head, ("upper_face", "cheeks"))
    closed[:, away] = wanted[:, away]
    closed[:, head.regions["mouth_corners"]] = 1e-9
    perfect = figures(Decoded(closed, rig_deltas(head)), (0, 0, 0), 0, spoken, head)
    assert (perfect.lve_growth, perfect.lip_growth) == (0, 0)
    assert perfect.gap == pytest.approx(0, abs=1e-3)
    assert perfect.cosine_upper == pytest.approx(1)
    added = figures(Decoded(wanted, rig_deltas(head)), (0, 0, 0), 0, spoken, head)
    assert added.gap > 3
    assert added.kept == pytest.approx(1)
    worse = figures(Decoded(0.5 * wanted, 0.8 * rig_deltas(head)), (0, 0, 0), 0, spoken, head)
    assert worse.kept == pytest.approx(0.5)
    assert worse.lip_growth > 0
    lips = vertices_of(head, LIPS)
    still = figures(Decoded(wanted, rig_deltas(head), np.zeros((20, len(lips), 3))), (0, 0, 0), 0, spoken, head)
    assert still.lip_growth > worse.lip_growth


def test_without_mapping_pixels_go_to_moving_vertices_in_the_files_order(head):
    grid = file_order_grid(head, 64)
    shown = grid.index[..., 0][grid.weight[..., 0] > 0]
    moving = np.union1d(head.regions["face"], head.regions["tongue"])
    assert len(shown) == min(len(moving), 64 * 64)
    np.testing.assert_array_equal(shown, np.sort(shown))
    assert np.isin(shown, moving).all()
    mapped = head_grid(head)
    far = [np.linalg.norm(np.diff(head.vertices[g.index[:40, :, 0]], axis=1), axis=-1).mean() for g in (mapped, grid)]
    assert far[1] > 2 * far[0], "neighbours on the image are not neighbours on the face"


def test_the_ablations_table_has_means_and_spreads():
    names = [field.name for field in dataclasses.fields(Figures)]
    one, two = (Figures(**dict.fromkeys(names, value)) for value in (0.25, 0.75))
    lines = ablations.table([("full", [one, two]), (ablations.DIRECT, [Figures(**dict.fromkeys(names, float("nan")))])])
    assert lines[0].count("|") == lines[2].count("|") == len(names) + 2
    assert "| full | 0.5000 ±0.2500 |" in lines[2]
    assert "| - |" in lines[3]


def test_every_ablation_is_a_training_option():
    for changes in ablations.VARIANTS.values():
        dataclasses.replace(Options(), **changes)
