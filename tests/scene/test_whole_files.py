"""Whole .blend files from the command line: fresh ones, and a base's head, rate and paths."""

import re
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError, OutputError
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.scene import files
from duet.scene.blender import timing
from duet.scene.head import heads
from duet.scene.take import settings, sound, takes
from duet.tests.blender_fakes import (
    bake_file,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres


@pytest.fixture
def fake_weights(monkeypatch):
    monkeypatch.setattr(files, "load_head", lambda: HEAD)
    monkeypatch.setattr(files, "load_blendshapes", lambda: BLENDSHAPES)


def test_a_fresh_file_has_it_all(fake_weights, voice, tmp_path):
    take = fake_take(frames=90, fps=30000 / 1001, emotions={"happy": 0.5})
    bake_file(voice, take, tmp_path / "out" / "shot.blend")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "shot.blend"))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end, scene.sync_mode) == (1, 90, "AUDIO_SYNC")
    assert timing.scene_fps(scene) == pytest.approx(29.97, abs=1e-3)
    assert scene.camera and len(bpy.data.lights) == 3
    (head,) = heads.heads_of(scene)
    due = expected_face(HEAD, BLENDSHAPES, take, 44)
    assert np.abs(evaluated(head, 45) - due).max() < HUNDREDTH_MM
    assert bpy.data.sounds[0].filepath == "//../Zoë läuft.wav"
    assert Path(bpy.path.abspath(bpy.data.sounds[0].filepath)).resolve() == voice


def test_an_order_is_acted_like_the_sidebar_does(fake_weights, voice, tmp_path):
    cues = (Cue(0.0, {"happy": 0.6, "sad": 0.2}), Cue(1.0, {}, 0.25))
    chosen = Performance("enunciated", 0.5, emotions=cues, blinks=0.8, seed=4, trim_start=0.5, trim_end=1.5)
    order = settings.Order(chosen, start=101)
    bake_file(voice, fake_take(frames=24), tmp_path / "shot.blend", None, "", order)
    scene = bpy.context.scene
    (head,) = heads.heads_of(scene)
    group = takes.active(head).duet
    assert (group.style, group.articulation) == ("enunciated", 0.5)
    assert (group.blinks, group.eyes, group.seed) == (True, False, 4)
    assert group.blink_amount == pytest.approx(0.8)
    assert [(cue.seconds, cue.emotion) for cue in group.cues] == [(0.0, "sad"), (1.0, "neutral")]
    assert (scene.frame_start, scene.frame_end) == (101, 124)
    (strip,) = sound.strips_of(scene, head)
    assert sound.compat.strip_range(strip) == (101, 125)
    assert sound.compat.strip_content_start(strip) == 101 - 12
    scene.frame_set(106)
    weights = [head.data.shape_keys.key_blocks[name].value for name in fake_take().speech_names]
    assert weights == pytest.approx(0.5 * fake_take(frames=24).speech_weights[5], abs=1e-5)
    assert (head["Happy"], head["Sad"]) == pytest.approx((0.6, 0.2))
    bake_file(voice, fake_take(frames=24), tmp_path / "plain.blend", None, "", replace(order, plain=0.05))
    (head,) = heads.heads_of(bpy.context.scene)
    assert not head.data.shape_keys.animation_data.drivers
    assert takes.active(head) is None


def test_a_base_keeps_its_head_rate_and_paths(scene, head, voice, tmp_path):
    base = tmp_path / "base" / "set.blend"
    base.parent.mkdir()
    scene.frame_start, scene.frame_end = 101, 120
    head.name = "Ada"
    scene.sequence_editor_create().strips.new_sound("Music", "//../Zoë läuft.wav", 1, 1)
    bpy.ops.wm.save_as_mainfile(filepath=str(base))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    take = fake_take(frames=60, fps=30.0)
    bake_file(voice, take, tmp_path / "shot.blend", base)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    assert [obj.name for obj in heads.heads_of(scene)] == ["Ada"]
    assert (timing.scene_fps(scene), scene.frame_start, scene.frame_end) == (24, 101, 148)
    assert {sound.filepath for sound in bpy.data.sounds} == {"//Zoë läuft.wav"}
    assert scene.camera is None


def test_two_heads_in_a_base_are_named(scene, head, voice, tmp_path):
    base = tmp_path / "two.blend"
    heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)
    bpy.ops.wm.save_as_mainfile(filepath=str(base))
    with pytest.raises(HeadError, match=r"'Duet Head', 'Duet Head\.001'"):
        bake_file(voice, fake_take(), tmp_path / "shot.blend", base)
    assert not (tmp_path / "shot.blend").exists()


def test_a_read_only_output_is_named_and_the_open_file_stays(head, voice, tmp_path):
    output = tmp_path / "shot.blend"
    output.write_bytes(b"mine")
    output.chmod(0o444)
    before = fingerprint()
    with pytest.raises(OutputError, match=r"shot\.blend' is read-only"):
        bake_file(voice, fake_take(), output)
    assert fingerprint() == before
    assert output.read_bytes() == b"mine"


def test_a_base_of_a_later_blender_is_said(fake_weights, voice, tmp_path):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "set.blend"), compress=False)
    assert not bake_file(voice, fake_take(), tmp_path / "shot.blend", tmp_path / "set.blend")
    data = (tmp_path / "set.blend").read_bytes()
    (tmp_path / "set.blend").write_bytes(re.sub(rb"(BLENDER\S*v0?)\d\d\d", rb"\g<1>599", data, count=1))
    (said,) = bake_file(voice, fake_take(), tmp_path / "shot.blend", tmp_path / "set.blend")
    assert "set.blend' was saved by Blender 5.99, and this is" in said


def test_a_base_that_is_no_blend_is_named(voice, tmp_path):
    with pytest.raises(OutputError, match=r"There is no file '.*gone\.blend'"):
        bake_file(voice, fake_take(), tmp_path / "shot.blend", tmp_path / "gone.blend")
    with pytest.raises(OutputError, match=r"Zoë läuft\.wav' cannot be opened"):
        bake_file(voice, fake_take(), tmp_path / "shot.blend", voice)
