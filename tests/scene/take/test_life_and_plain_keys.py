"""Life plays from tracks of its own; plain keys hold the face without drivers."""

import bpy
import numpy as np
import pytest
from duet.inference.performance.curves import smooth
from duet.inference.steps import finish
from duet.scene.blender import actions, shape_keys
from duet.scene.take import life, plain, revise, takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    evaluated,
    fake_blendshapes,
    fake_head,
    fake_take,
    quiet_take,
    speech,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
RATES = [24000 / 1001, 24, 25, 30000 / 1001, 30, 60, 120]


def test_life_plays_from_tracks_of_its_own_and_goes_without_a_trace(scene, head, speak):
    action = speak(fake_take(frames=24 * 20), blinks=True, eyes=True, head_motion=True, breaths=True)
    names = {curve.data_path for curve in actions.ensure_bag(action, head.data.shape_keys).fcurves}
    assert names == {shape_keys.value_path(name) for name in SPEECH_NAMES}
    tracks = life.tracks_of(head)
    assert [track.name for track in tracks] == [life.TRACK] * 2  # keys and rig
    key, neck = head.data.shape_keys, head.parent.pose.bones["neck"]
    blinks, turns, looks = [], [], []
    for frame in range(1, 24 * 20):
        scene.frame_set(frame)
        blinks.append(key.key_blocks["eyeBlinkLeft"].value)
        looks.append(key.key_blocks["eyeLookOutLeft"].value)
        turns.append(neck.rotation_quaternion.to_euler().y)
    assert max(blinks) > 0.9
    assert np.mean(np.array(blinks) > 0.01) < 0.3
    assert 0.02 < max(looks) < 0.5
    assert np.radians(0.5) < np.abs(turns).max() < np.radians(8)
    assert speech(head, 40) == pytest.approx(fake_take(frames=24 * 20).speech_weights[39], abs=1e-5)
    action.duet.head_motion = action.duet.eyes = action.duet.blinks = action.duet.breaths = False
    assert life.tracks_of(head) == []
    assert [a.name for a in bpy.data.actions] == ["Duet Zoë läuft"]
    scene.frame_set(50)
    assert not any(key.key_blocks[name].value for name in ("eyeBlinkLeft", "jawOpen", "eyeLookInLeft"))


def test_life_that_is_mute_stays_mute_and_edited_life_is_kept(head, speak):
    action = speak(fake_take(frames=24 * 8), blinks=True)
    (track,) = life.tracks_of(head)
    track.mute = True
    track.strips[0].action.layers[0].strips[0].channelbags[0].fcurves[0].keyframe_points[1].co.y = 0.1
    action.duet.seed = 9
    (track,) = life.tracks_of(head)
    assert track.mute
    assert {a.name for a in bpy.data.actions} - {"Duet Rest"} == {  # that is 5.0's
        "Duet Zoë läuft",
        "Duet Zoë läuft Life (edited)",
        "Duet Zoë läuft Life",
    }


def test_life_follows_the_take_that_plays(scene, head, speak):
    first = speak(fake_take(frames=24 * 8), blinks=True)
    speak()
    assert life.tracks_of(head) == []
    revise.play(scene, head, first)
    assert len(life.tracks_of(head)) == 1


# Layers and plain keys


@pytest.mark.parametrize("tolerance", [0.02, 0.5])
def test_plain_keys_hold_the_face_within_the_tolerance_without_drivers(scene, head, speak, tolerance):
    take = quiet_take(frames=96)
    take.speech_weights[30:50] = smooth(take.speech_weights[30:50], 3.0)
    action = speak(take, emotion="happy", intensity=0.8)
    cue = action.duet.cues.add()
    cue.seconds, cue.emotion = 2.0, "angry"
    due = [evaluated(head, frame).copy() for frame in range(1, 97)]
    made = finish(plain.bake_steps(scene, head, tolerance))
    assert not head.data.shape_keys.animation_data.drivers
    errors = [1000 * np.linalg.norm(evaluated(head, n + 1) - face, axis=1).max() for n, face in enumerate(due)]
    assert max(errors) <= tolerance * 1.01
    assert made.error <= tolerance
    assert made.keys < made.full * (0.95 if tolerance < 0.1 else 0.6)
    assert takes.active(head) is None
    revise.play(scene, head, action)  # sliders and drivers are back
    assert np.abs(evaluated(head, 60) - due[59]).max() < 1e-6
