"""Takes, life, timed emotions and plain keys in Blender: changed without a worker, and nothing is ever lost."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.performance.curves import smooth
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS, within_limit
from duet.scene import bake, choice, regenerate
from duet.scene.blender import actions, shape_keys
from duet.scene.head import heads
from duet.scene.take import life, revise, sound, takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    speech,
    write_wav,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
RATES = [24000 / 1001, 24, 25, 30000 / 1001, 30, 60, 120]


# Without inference


def test_articulation_scales_the_speech(head, speak):
    action, take = speak(), fake_take()
    action.duet.articulation = 0.5
    assert speech(head, 18) == pytest.approx(0.5 * take.speech_weights[17], abs=1e-5)
    action.duet.articulation = 1.0
    assert speech(head, 18) == pytest.approx(take.speech_weights[17], abs=1e-5)


def test_smoothing_is_the_gaussian_of_its_milliseconds(head, speak):
    action = speak()
    action.duet.smoothing = 100
    due = smooth(fake_take().speech_weights, 0.1 * 24)
    assert speech(head, 20) == pytest.approx(due[19], abs=1e-5)


def test_the_offset_moves_the_mouth_and_not_the_sound(scene, head, speak):
    action = speak()
    action.duet.offset = 1000 * 3 / 24
    assert speech(head, 20) == pytest.approx(fake_take().speech_weights[16], abs=1e-4)
    assert len(sound.strips_of(scene, head)) == 1


def test_the_start_frame_moves_speech_emotion_life_sound_and_work_by_hand(scene, head, speak):
    action = speak(emotion="sad", intensity=0.5, blinks=True)
    head.data.shape_keys.key_blocks["tongueOut"].keyframe_insert("value", frame=11)
    before = [track.strips[0].frame_start for track in life.tracks_of(head)]
    action.duet.start_frame = 41
    assert speech(head, 40 + 18) == pytest.approx(fake_take().speech_weights[17], abs=1e-5)
    curves = {c.data_path: c for layer in action.layers for s in layer.strips for b in s.channelbags for c in b.fcurves}
    assert curves['["Sad"]'].keyframe_points[0].co.x == 41
    assert curves[shape_keys.value_path("tongueOut")].keyframe_points[0].co.x == 51
    assert [track.strips[0].frame_start for track in life.tracks_of(head)] == [frame + 40 for frame in before]
    (strip,) = sound.strips_of(scene, head)
    assert sound.compat.strip_range(strip)[0] == 41
    assert action.duet.note == ""


@pytest.fixture
def long_take(speak, monkeypatch):
    """A take that counts as long, with keys by hand, and settings that wait for Update Speech."""
    monkeypatch.setattr(revise, "_AT_ONCE", 10)
    action = speak(emotion="sad", intensity=0.5, blinks=True)
    bpy.context.scene.duet.head.data.shape_keys.key_blocks["tongueOut"].keyframe_insert("value", frame=11)
    action.duet.articulation, action.duet.start_frame = 0.5, 41
    return action


def test_a_long_take_waits_for_its_update_and_then_has_all(scene, head, long_take):
    assert long_take.duet.stale
    assert speech(head, 18) == pytest.approx(fake_take().speech_weights[17], abs=1e-5)
    long_take.duet.intensity = 0.6  # written at once, where the take still is
    assert actions.ensure_bag(long_take, head).fcurves.find('["Sad"]').keyframe_points[0].co.x == 1
    name = long_take.name
    assert finish(revise.update_steps(scene, head, long_take)) == []
    action = takes.active(head)
    assert (action.name, action.duet.stale, action.duet.note) == (name, False, "")
    assert speech(head, 40 + 18) == pytest.approx(0.5 * fake_take().speech_weights[17], abs=1e-5)
    curves = {c.data_path: c for layer in action.layers for s in layer.strips for b in s.channelbags for c in b.fcurves}
    assert curves['["Sad"]'].keyframe_points[0].co[:] == pytest.approx((41, 0.6))
    assert curves[shape_keys.value_path("tongueOut")].keyframe_points[0].co.x == 51
    (strip,) = sound.strips_of(scene, head)
    assert sound.compat.strip_range(strip)[0] == 41
    assert life.tracks_of(head)[0].strips[0].frame_start == 41


@pytest.mark.parametrize("count", (1, 4, 9))
def test_an_update_that_is_cancelled_leaves_no_trace(scene, head, long_take, count):
    before = fingerprint()
    steps = revise.update_steps(scene, head, long_take)
    for _ in range(count):
        next(steps)
    steps.close()
    assert fingerprint() == before


def test_an_update_keeps_edited_curves(scene, head, long_take):
    bag = actions.ensure_bag(long_take, head.data.shape_keys)
    bag.fcurves.find(shape_keys.value_path(SPEECH_NAMES[0])).keyframe_points[3].co.y = 0.25
    (note,) = finish(revise.update_steps(scene, head, long_take))
    assert "(edited)" in note
    assert {action.name for action in takes.takes_of(head)} == {"Duet Zoë läuft", "Duet Zoë läuft (edited)"}


def test_timed_emotions_are_eased_sliders(scene, head, speak):
    action = speak(emotion="happy", intensity=0.6)
    cue = action.duet.cues.add()
    cue.seconds, cue.emotion, cue.intensity, cue.ease = 0.5, "sad", 0.8, 0.25
    values = []
    for frame in (1, 13, 16, 19, 48):
        scene.frame_set(frame)
        values.append((head["Happy"], head["Sad"]))
    assert np.allclose(values, [(0.6, 0), (0.6, 0), (0.3, 0.4), (0, 0.8), (0, 0.8)], atol=1e-4)
    bag = actions.ensure_bag(action, head)
    assert len(bag.fcurves.find('["Sad"]').keyframe_points) <= 4  # few keys, to be moved by hand


def test_a_slider_set_by_hand_is_kept_by_the_next_take(scene, head, speak):
    head["Angry"] = 0.4
    first = speak(emotion="happy", intensity=0.5)
    scene.frame_set(5)
    assert (head["Angry"], head["Happy"]) == pytest.approx((0.4, 0.5))
    head["Afraid"] = 0.3
    speak()
    first.duet.emotion, takes.active(head).duet.emotion = "happy", "sad"
    scene.frame_set(6)
    assert {name: round(head[name], 5) for name in ("Angry", "Afraid", "Happy", "Sad")} == {
        "Angry": 0.4,
        "Afraid": 0.3,
        "Happy": 0.0,
        "Sad": 0.5,
    }
    revise.play(scene, head, first)
    scene.frame_set(7)
    assert (head["Angry"], head["Happy"], head["Sad"]) == pytest.approx((0.4, 0.5, 0))
    revise.clear(scene, head, first)
    assert (head["Angry"], head["Happy"]) == pytest.approx((0.4, 0))


@pytest.mark.parametrize("setting", [("emotion", "neutral"), ("intensity", 0.0)])
def test_a_feeling_that_is_taken_back_leaves_the_face(scene, head, speak, setting):
    action = speak(emotion="happy", intensity=0.5)
    scene.frame_set(5)
    setattr(action.duet, *setting)
    assert head["Happy"] == 0
    neutral = expected_face(HEAD, BLENDSHAPES, replace(fake_take(), emotion_curves=0 * fake_take().emotion_curves), 4)
    assert evaluated(head) == pytest.approx(neutral, abs=HUNDREDTH_MM)


def test_sliders_move_the_face_before_any_take(head):
    head["Angry"] = 0.9
    head.update_tag()
    row = EMOTIONS.index("angry")
    due = HEAD.vertices + 0.9 * np.tensordot(BLENDSHAPES.emotion_weights[row], BLENDSHAPES.expression_basis, 1)
    assert BLENDSHAPES.emotion_opening[row].any()
    due = due + 0.9 * np.tensordot(BLENDSHAPES.emotion_opening[row], BLENDSHAPES.speech_basis, 1)
    assert np.abs(evaluated(head, 1) - due).max() < HUNDREDTH_MM


def test_a_mix_beyond_the_limit_is_scaled_down(head, speak):
    take = fake_take(emotions={"happy": 1.5, "sad": 1.5})
    speak(take)
    head["Happy"] = head["Sad"] = 1.5
    head.update_tag()
    assert within_limit(take.emotion_curves[0]).sum() == pytest.approx(1.5)
    assert np.abs(evaluated(head, 9) - expected_face(HEAD, BLENDSHAPES, take, 8)).max() < HUNDREDTH_MM


# The list


def test_each_take_keeps_its_audio_settings_and_curves(scene, head, speak, tmp_path):
    first = speak(articulation=0.5)
    other = write_wav(tmp_path / "other.wav", np.sin(np.arange(40000) * 0.1))
    second_take = fake_take(frames=60)
    second_take.speech_weights[:] *= -1
    second = speak(second_take, path=other, articulation=1.2)
    assert {a.name for a in takes.takes_of(head)} == {"Duet Zoë läuft", "Duet other"}
    assert [strip.name for strip in sound.strips_of(scene, head)] == ["other"]
    revise.play(scene, head, first)
    assert speech(head, 18) == pytest.approx(0.5 * fake_take().speech_weights[17], abs=1e-5)
    assert [strip.name for strip in sound.strips_of(scene, head)] == ["Zoë läuft"]
    assert choice.performance(scene) == first.duet
    scene.duet.active_take = bpy.data.actions.find(second.name)
    assert takes.active(head) == second
    assert speech(head, 18) == pytest.approx(1.2 * second_take.speech_weights[17], abs=1e-5)


def test_takes_survive_saving_renaming_and_opening(scene, head, speak, tmp_path):
    action = speak(articulation=0.7, style="enunciated")
    scene.duet.style = "natural"
    action.duet.cues.add().seconds = 1.5
    speak(fake_take(frames=20), start=9)
    action.name, head.name = "My best", "Ada"
    blend = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene, head = bpy.context.scene, bpy.data.objects["Ada"]
    assert {a.name for a in takes.takes_of(head)} == {"My best", "Duet Zoë läuft.001"}
    assert len(sound.strips_of(scene, head)) == 1
    revise.play(scene, head, bpy.data.actions["My best"])
    group = takes.active(head).duet
    assert group.articulation == pytest.approx(0.7)
    assert group.style == "enunciated"
    assert choice.request_of(scene, "again").style == "enunciated"
    assert group.cues[0].seconds == pytest.approx(1.5)
    assert np.array_equal(takes.load(head).take.speech_weights, fake_take().speech_weights)


def test_a_copied_head_has_takes_and_sound_of_its_own(scene, head, speak):
    speak()
    for obj in (head, head.parent):
        obj.select_set(True)
    bpy.ops.object.duplicate()
    twin = next(obj for obj in heads.heads_of(scene) if obj != head)
    first = heads.head_id(head)
    assert heads.ensure_id(twin) != first
    assert heads.ensure_id(head) == first
    finish(bake.apply_steps(scene, twin, fake_take(frames=30), bake.Recording(scene_voice(scene), 5), scene.duet))
    assert len(sound.strips_of(scene, twin)) == len(sound.strips_of(scene, head)) == 1


def scene_voice(scene):
    from pathlib import Path

    return Path(bpy.path.abspath(scene.sequence_editor.strips[0].sound.filepath))


def test_edited_curves_are_kept_before_they_are_written_anew(head, speak):
    action = speak()
    curve = actions.ensure_bag(action, head.data.shape_keys).fcurves[0]
    curve.keyframe_points[5].co.y = 3.0
    action.duet.articulation = 0.5
    action.duet.articulation = 0.6
    kept = bpy.data.actions["Duet Zoë läuft (edited)"]
    assert actions.ensure_bag(kept, head.data.shape_keys).fcurves[0].keyframe_points[5].co.y == 3.0
    assert "Duet Zoë läuft (edited)" in action.duet.note
    assert len(bpy.data.actions) == 2


# A range again


def test_a_range_is_new_inside_and_as_it_was_outside(scene, head, speak):
    action, old, new = speak(), fake_take(), fake_take()
    new.speech_weights[:] = old.speech_weights + 1.0
    curve = actions.ensure_bag(action, head.data.shape_keys).fcurves[0]
    curve.keyframe_points[2].co.y = 2.5  # by hand, outside
    notes = finish(regenerate.apply_steps(scene, head, action, new, (21, 30), 4))
    assert "kept in the take 'Duet Zoë läuft (edited)'" in notes[0]
    assert speech(head, 3)[0] == pytest.approx(2.5)
    assert speech(head, 25) == pytest.approx(new.speech_weights[24], abs=1e-5)
    assert speech(head, 40) == pytest.approx(old.speech_weights[39], abs=1e-5)
    gap = speech(head, 19) - old.speech_weights[18]
    assert ((gap > 0.05) & (gap < 0.95)).all()
    stored = takes.load(head).take.speech_weights
    assert np.allclose(stored[20:30], new.speech_weights[20:30])
    assert np.allclose(stored[40:], old.speech_weights[40:])
    assert takes.active(head).name == "Duet Zoë läuft"


def test_all_again_keeps_settings_and_name(scene, head, speak):
    action, new = speak(articulation=0.5, emotion="sad"), fake_take()
    new.speech_weights[:] *= 2
    finish(regenerate.apply_steps(scene, head, action, new))
    assert speech(head, 9) == pytest.approx(fake_take().speech_weights[8], abs=1e-5)
    assert [a.name for a in bpy.data.actions] == ["Duet Zoë läuft"]
    assert takes.active(head).duet.emotion == "sad"


@pytest.mark.parametrize("count", [1, 4])
def test_work_that_is_cancelled_leaves_no_trace(scene, head, speak, voice, count):
    action = speak()
    for make in (
        lambda: bake.apply_steps(scene, head, fake_take(), bake.Recording(voice, 9), scene.duet),
        lambda: regenerate.apply_steps(scene, head, action, fake_take()),
    ):
        before, steps = fingerprint(), make()
        for _ in range(count):
            next(steps)
        steps.close()
        assert fingerprint() == before
