"""The buttons of takes: duplicated, removed, made again, plain, left to the animator in part."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.performance import face
from duet.scene.blender import actions
from duet.scene.take import life, take_curves, takes
from duet.tests.blender_fakes import failure, fingerprint

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_scrubbing_is_on_while_a_take_plays_and_what_the_user_says_stays(scene, ready):
    assert not scene.use_audio_scrub
    bpy.ops.duet.generate()
    assert scene.use_audio_scrub
    bpy.ops.duet.remove_take()
    assert not scene.use_audio_scrub
    bpy.ops.duet.generate()
    scene.use_audio_scrub = False
    bpy.ops.duet.duplicate_take()
    assert not scene.use_audio_scrub, "switched off by hand"
    bpy.ops.duet.remove_take()
    bpy.ops.duet.remove_take()
    scene.use_audio_scrub = True
    bpy.ops.duet.generate()
    bpy.ops.duet.remove_take()
    assert scene.use_audio_scrub, "it was on before"


def test_takes_are_duplicated_and_removed(scene, ready):
    bpy.ops.duet.generate()
    assert bpy.ops.duet.duplicate_take() == {"FINISHED"}
    assert takes.active(ready).name == "Duet line.001"
    takes.active(ready).duet.articulation = 0.5
    assert bpy.ops.duet.remove_take() == {"FINISHED"}
    assert (takes.active(ready).name, takes.active(ready).duet.articulation) == ("Duet line", 1.0)
    assert bpy.ops.duet.remove_take() == {"FINISHED"}
    assert takes.takes_of(ready) == []
    assert not scene.sequence_editor.strips
    assert all(block.value == 0 for block in ready.data.shape_keys.key_blocks[1:])
    assert "plays no take" in failure(bpy.ops.duet.remove_take)


def test_a_range_is_generated_again(scene, ready):
    bpy.ops.duet.generate()
    scene.duet.range_start, scene.duet.range_end = 20, 10
    assert "range ends before it begins" in failure(lambda: bpy.ops.duet.regenerate(part="RANGE"))
    scene.duet.range_start, scene.duet.range_end = 49, 60
    assert "plays from frame 1 to 48, not from 49 to 60" in failure(lambda: bpy.ops.duet.regenerate(part="RANGE"))
    scene.duet.range_start, scene.duet.range_end = 20, 30
    before = fingerprint()
    assert bpy.ops.duet.regenerate(part="RANGE") == {"CANCELLED"}, "it comes out as it is"
    assert fingerprint() == before
    bag = actions.ensure_bag(takes.active(ready), ready.data.shape_keys)
    point = bag.fcurves[0].keyframe_points[24]
    as_spoken, point.co.y = point.co.y, 0.0
    assert bpy.ops.duet.regenerate(part="RANGE") == {"FINISHED"}
    bag = actions.ensure_bag(takes.active(ready), ready.data.shape_keys)
    assert bag.fcurves[0].evaluate(25) == pytest.approx(as_spoken)
    takes.active(ready).duet.style = "enunciated"
    assert bpy.ops.duet.regenerate(part="ALL") == {"FINISHED"}
    assert [action.name for action in takes.takes_of(ready)] == ["Duet line", "Duet line (edited)"]
    assert takes.load(ready).take.request["style"] == "enunciated"


def test_push_and_plain_and_mute(scene, ready):
    scene.duet.blinks = scene.duet.head_motion = True
    bpy.ops.duet.generate()
    tracks = life.tracks_of(ready)
    assert tracks
    assert bpy.ops.duet.mute_life() == {"FINISHED"}
    assert all(track.mute for track in life.tracks_of(ready))
    take = takes.active(ready)
    assert bpy.ops.duet.bake_plain() == {"FINISHED"}
    assert actions.action_of(ready.data.shape_keys).name == "Duet line Plain"
    scene.duet.active_take = bpy.data.actions.find(take.name)
    assert bpy.ops.duet.push_take() == {"FINISHED"}
    assert "lines are in the NLA already" in failure(bpy.ops.duet.push_take)


def test_lips_and_the_rest_of_the_face_are_left_to_the_animator(scene, ready):
    scene.render.fps, scene.duet.lips = 24, 0.0
    bpy.ops.duet.generate()
    blocks, group = ready.data.shape_keys.key_blocks, takes.active(ready).duet
    scene.frame_set(48)
    assert (blocks["open"].value, ready["Happy"], ready["Mouth"]) == (0, pytest.approx(0.8), 0)
    assert blocks["Emotion Happy"].value == pytest.approx(0.8)
    assert life.tracks_of(ready)
    group.lips, group.upper_face, group.head_motion = 1.0, 0.0, False
    scene.frame_set(47)
    scene.frame_set(48)
    assert (blocks["open"].value, ready["Upper Face"], ready["Mouth"]) == (pytest.approx(1.0), 0, 1)
    assert blocks["Emotion Happy"].value == 0
    bags = [actions.ensure_bag(track.strips[0].action, track.id_data) for track in life.tracks_of(ready)]
    assert not [curve for bag in bags for curve in bag.fcurves if "eye" in curve.data_path or "brow" in curve.data_path]
    group.upper_face = 1.0
    assert ready["Upper Face"] == 1, "nothing moves it any more"


def test_a_mirrored_take_gives_the_head_other_emotions_and_back(scene, ready, monkeypatch):
    def turned(take):
        return replace(take, expression_weights=-take.expression_weights)

    def smile():
        points = ready.data.shape_keys.key_blocks["Emotion Happy"].points
        return np.array([point.co for point in points]) - np.array([each.co for each in ready.data.vertices])

    monkeypatch.setattr(take_curves, "mirrored", turned)
    monkeypatch.setattr(face, "mirrored", turned)
    bpy.ops.duet.generate()
    group, before = takes.active(ready).duet, smile()
    assert np.abs(before).max() > 1e-3
    group.mirror = True
    np.testing.assert_allclose(smile(), -before, atol=1e-6)
    group.mirror = False
    np.testing.assert_allclose(smile(), before, atol=1e-6)
