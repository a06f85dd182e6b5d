"""Lines that another Blender has laid, in the one whose shape keys rest at 1 beneath the NLA."""

import bpy
import numpy as np
import pytest
from duet.inference.steps import finish
from duet.scene import bake, choice
from duet.scene.blender import compat, rest_track
from duet.scene.head import heads
from duet.scene.take import lines
from duet.tests.blender_fakes import SPEECH_NAMES, evaluated, fake_blendshapes, fake_head, quiet_take, write_wav

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
FRAMES = (-40, 1, 7, 20, 40, 55, 61, 80, 100, 300)
HUNDREDTH_MM = 1e-5  # metres


def head_with_lines(scene, tmp_path):
    """A head that says two lines, under a track by hand that is half on and holds its first key's value."""
    obj = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    scene.duet.head, scene.duet.emotion = obj, "happy"
    for name, start in {"first": 1, "second": 61}.items():
        voice = write_wav(tmp_path / f"{name}.wav", np.sin(np.arange(32000) * 0.1))
        take = quiet_take(48, speaks=(6, 42))
        recording = bake.Recording(voice, start)
        finish(bake.apply_steps(scene, obj, take, recording, choice.performance(scene), beside=True))
    key = obj.data.shape_keys
    by_hand = bpy.data.actions.new("By hand")
    key.animation_data.action = by_hand
    block = key.key_blocks[SPEECH_NAMES[0]]
    for frame, value in ((70, 0.2), (90, 0.6)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    key.animation_data.action = None
    strip = key.animation_data.nla_tracks.new().strips.new("By hand", 70, by_hand)
    strip.action_slot = by_hand.slots[0]
    strip.extrapolation, strip.influence, strip.blend_in = "NOTHING", 0.5, 4.0
    return obj


def faces(obj):
    return np.stack([evaluated(obj, frame).copy() for frame in FRAMES])


def test_lines_of_a_file_of_another_blender_rest_and_play_as_its_own(scene, tmp_path, monkeypatch):
    obj = head_with_lines(scene, tmp_path)
    own = faces(obj)
    bpy.data.batch_remove([obj.data, obj, *bpy.data.actions])  # whose seed and names are free again
    at_one = compat.RESTS_AT_ONE
    monkeypatch.setattr(compat, "RESTS_AT_ONE", False)
    obj = head_with_lines(scene, tmp_path)
    name, tracks = obj.name, [track.name for track in obj.data.shape_keys.animation_data.nla_tracks]
    path = tmp_path / "elsewhere.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    monkeypatch.setattr(compat, "RESTS_AT_ONE", True)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    obj = bpy.data.objects[name]
    key = obj.data.shape_keys
    assert rest_track.lay_again(key) is not at_one, "where it is needed, that is done when the file is opened"
    assert [track.name for track in key.animation_data.nla_tracks] == ["Duet Rest", *tracks]
    assert np.abs(faces(obj) - own).max() < HUNDREDTH_MM
    assert {line.action.name for line in lines.on(obj)} == {"Duet first", "Duet second"}
    assert rest_track.lay_again(key) is False, "once is enough"


def test_strips_with_curves_of_their_own_are_left_as_they_are(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(compat, "RESTS_AT_ONE", False)
    key = head_with_lines(scene, tmp_path).data.shape_keys
    monkeypatch.setattr(compat, "RESTS_AT_ONE", True)
    strips = [strip for track in key.animation_data.nla_tracks for strip in track.strips]
    strips[-1].use_animated_influence = True
    before = [strip.blend_type for strip in strips]
    assert rest_track.lay_again(key) is False
    after = [strip.blend_type for track in key.animation_data.nla_tracks for strip in track.strips]
    assert after == before
