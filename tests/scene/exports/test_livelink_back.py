"""Live Link Face comes back: recordings are played on ARKit keys, exact to the frame."""

import json

import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.head.canonical import ARKIT_NAMES
from duet.inference.steps import finish
from duet.scene.blender import timing
from duet.scene.targets import livelink
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    fingerprint,
)
from duet.tests.export_fakes import FRAMES, SPAN, plain_head, write_weights
from duet.tests.livelink_fakes import read_livelink_csv

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("fps", [24000 / 1001, 25, 30000 / 1001, 60, 120])
def test_a_recording_comes_back_exact_to_the_frame(scene, head, tmp_path, fps):
    timing.set_scene_fps(scene, fps)
    write_weights(scene, head, tmp_path / "take.csv", SPAN)
    write_weights(scene, head, tmp_path / "take.json", SPAN)
    assert json.loads((tmp_path / "take.json").read_text())["fps"] == fps
    read = read_livelink_csv(tmp_path / "take.csv", fps)
    speech = head.data.shape_keys.animation_data.action
    notes = finish(livelink.apply_steps(scene, head, read, tmp_path / "take.csv", 101))
    assert any("earlier action" in note for note in notes)
    assert speech.use_fake_user
    key = head.data.shape_keys
    assert key.animation_data.action.name == "Live Link take"
    curves = key.animation_data.action.layers[0].strips[0].channelbags[0].fcurves
    assert len(curves) == 52
    for curve in curves:
        co = np.empty(2 * FRAMES, np.float32)
        curve.keyframe_points.foreach_get("co", co)
        np.testing.assert_array_equal(co[::2], 101 + np.arange(FRAMES))
    scene.frame_set(101 + 7)
    for name in ARKIT_NAMES:
        assert key.key_blocks[name].value == pytest.approx(
            read.values[7, read.names.index(name[0].upper() + name[1:])], abs=1e-6
        )
    assert not any(key.key_blocks[name].value for name in SPEECH_NAMES)


def test_another_frame_rate_keeps_the_seconds(scene, tmp_path):
    obj = plain_head(["jawOpen"])
    rows = [f"00:00:0{i // 60}:{i % 60:06.3f},1,{i / 100}" for i in range(90)]
    (tmp_path / "take.csv").write_text("\n".join(["Timecode,BlendShapeCount,JawOpen", *rows]))
    scene.render.fps = 24
    finish(livelink.apply_steps(scene, obj, read_livelink_csv(tmp_path / "take.csv"), tmp_path / "take.csv", 1))
    curve = obj.data.shape_keys.animation_data.action.layers[0].strips[0].channelbags[0].fcurves[0]
    assert curve.evaluate(1 + 24) == pytest.approx(0.6, abs=1e-5)
    assert curve.keyframe_points[-1].co.x == pytest.approx(1 + 89 * 24 / 60)


def test_values_beyond_the_slider_are_not_clamped(scene, tmp_path):
    obj = plain_head(["jawOpen"])
    (tmp_path / "take.csv").write_text(
        "Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,1,-0.25\n00:00:00:01.000,1,1.3\n"
    )
    finish(livelink.apply_steps(scene, obj, read_livelink_csv(tmp_path / "take.csv"), tmp_path / "take.csv", 1))
    scene.render.fps = 60
    scene.frame_set(1)
    assert obj.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(-0.25)


def test_what_cannot_take_a_recording_is_named_and_kept(scene, tmp_path):
    obj = plain_head(["nose"])
    (tmp_path / "take.csv").write_text("Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,1,0.5\n")
    read = read_livelink_csv(tmp_path / "take.csv")
    before = fingerprint()
    for target, pattern in ((obj, "no shape key with the name"), (None, "No head is chosen")):
        with pytest.raises(HeadError, match=pattern):
            finish(livelink.apply_steps(scene, target, read, tmp_path / "take.csv", 1))
    assert fingerprint() == before


def test_a_failure_half_way_leaves_no_trace(scene, head, tmp_path, monkeypatch):
    (tmp_path / "take.csv").write_text("Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,1,0.5\n")

    def fail(*arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr(livelink.actions, "write_curve", fail)
    before = fingerprint()
    with pytest.raises(RuntimeError, match="a bug"):
        finish(livelink.apply_steps(scene, head, read_livelink_csv(tmp_path / "take.csv"), tmp_path / "take.csv", 1))
    assert fingerprint() == before
