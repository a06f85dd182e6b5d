"""Takes, life, timed emotions and plain keys in Blender: changed without a worker, and nothing is ever lost."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.performance.curves import at_frames, smooth
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS, within_limit
from duet.scene import bake, properties
from duet.scene.blender import actions, shape_keys, timing
from duet.scene.head import heads
from duet.scene.take import life, plain, revise, sound, takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    quiet_take,
    write_wav,
)

pytestmark = pytest.mark.blender
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
RATES = [24000 / 1001, 24, 25, 30000 / 1001, 30, 60, 120]


@pytest.fixture(autouse=True)
def scene():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    properties.register()
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 24)
    yield scene
    properties.unregister()


@pytest.fixture
def head(scene):
    obj = heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)
    scene.duet.head = obj
    return obj


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))


@pytest.fixture
def speak(scene, head, voice):
    """speak(take, **settings): a take made as the sidebar makes it; without life unless asked for."""

    def make(take=None, start=1, path=voice, **chosen):
        quiet = dict.fromkeys(("blinks", "eyes", "head_motion", "breaths"), False)
        for name, value in {**quiet, **chosen}.items():
            setattr(scene.duet, name, value)
        take = fake_take() if take is None else take
        finish(bake.apply_steps(scene, head, take, bake.Recording(path, start), scene.duet))
        return takes.active(head)

    return make


def speech(head, frame):
    bpy.context.scene.frame_set(frame)
    return np.array([head.data.shape_keys.key_blocks[name].value for name in SPEECH_NAMES])


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
    assert {action.name for action in takes.takes_of(head)} == {"Duet line", "Duet line (edited)"}


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
    assert {a.name for a in takes.takes_of(head)} == {"Duet line", "Duet other"}
    assert [strip.name for strip in sound.strips_of(scene, head)] == ["other"]
    revise.play(scene, head, first)
    assert speech(head, 18) == pytest.approx(0.5 * fake_take().speech_weights[17], abs=1e-5)
    assert [strip.name for strip in sound.strips_of(scene, head)] == ["line"]
    assert properties.performance(scene) == first.duet
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
    assert {a.name for a in takes.takes_of(head)} == {"My best", "Duet line.001"}
    assert len(sound.strips_of(scene, head)) == 1
    revise.play(scene, head, bpy.data.actions["My best"])
    group = takes.active(head).duet
    assert group.articulation == pytest.approx(0.7)
    assert group.style == "enunciated"
    assert properties.request_of(scene, "again").style == "enunciated"
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
    kept = bpy.data.actions["Duet line (edited)"]
    assert actions.ensure_bag(kept, head.data.shape_keys).fcurves[0].keyframe_points[5].co.y == 3.0
    assert "Duet line (edited)" in action.duet.note
    assert len(bpy.data.actions) == 2


# A range again


def test_a_range_is_new_inside_and_as_it_was_outside(scene, head, speak):
    action, old, new = speak(), fake_take(), fake_take()
    new.speech_weights[:] = old.speech_weights + 1.0
    curve = actions.ensure_bag(action, head.data.shape_keys).fcurves[0]
    curve.keyframe_points[2].co.y = 2.5  # by hand, outside
    notes = finish(bake.regenerate_steps(scene, head, action, new, (21, 30), 4))
    assert "kept in the take 'Duet line (edited)'" in notes[0]
    assert speech(head, 3)[0] == pytest.approx(2.5)
    assert speech(head, 25) == pytest.approx(new.speech_weights[24], abs=1e-5)
    assert speech(head, 40) == pytest.approx(old.speech_weights[39], abs=1e-5)
    gap = speech(head, 19) - old.speech_weights[18]
    assert ((gap > 0.05) & (gap < 0.95)).all()
    stored = takes.load(head).take.speech_weights
    assert np.allclose(stored[20:30], new.speech_weights[20:30])
    assert np.allclose(stored[40:], old.speech_weights[40:])
    assert takes.active(head).name == "Duet line"


def test_all_again_keeps_settings_and_name(scene, head, speak):
    action, new = speak(articulation=0.5, emotion="sad"), fake_take()
    new.speech_weights[:] *= 2
    finish(bake.regenerate_steps(scene, head, action, new))
    assert speech(head, 9) == pytest.approx(fake_take().speech_weights[8], abs=1e-5)
    assert [a.name for a in bpy.data.actions] == ["Duet line"]
    assert takes.active(head).duet.emotion == "sad"


@pytest.mark.parametrize("count", [1, 4])
def test_work_that_is_cancelled_leaves_no_trace(scene, head, speak, voice, count):
    action = speak()
    for make in (
        lambda: bake.apply_steps(scene, head, fake_take(), bake.Recording(voice, 9), scene.duet),
        lambda: bake.regenerate_steps(scene, head, action, fake_take()),
    ):
        before, steps = fingerprint(), make()
        for _ in range(count):
            next(steps)
        steps.close()
        assert fingerprint() == before


# Life


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
    assert [a.name for a in bpy.data.actions] == ["Duet line"]
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
    assert {a.name for a in bpy.data.actions} == {"Duet line", "Duet line Life (edited)", "Duet line Life"}


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


# Frame rates


@pytest.mark.parametrize("fps", RATES)
def test_ten_minutes_end_on_the_right_frame(scene, head, voice, fps):
    timing.set_scene_fps(scene, fps)
    frames = int(np.ceil(600 * fps))
    take = fake_take(frames=frames, fps=fps)
    take.speech_weights[:] = 0
    take.speech_weights[-1] = 1
    bake.apply_take(scene, head, take, voice, 101)
    assert speech(head, 101 + frames - 1) == pytest.approx(np.ones(5), abs=1e-4)
    assert speech(head, 101 + frames - 2) == pytest.approx(np.zeros(5), abs=1e-4)
    assert scene.frame_end == 100 + frames


@pytest.mark.parametrize(("take_fps", "fps"), [(30, 24000 / 1001), (24000 / 1001, 60), (25, 120), (60, 30000 / 1001)])
def test_a_moment_near_the_end_keeps_its_time_at_another_rate(take_fps, fps):
    seconds = np.arange(int(600 * take_fps)) / take_fps
    curve = at_frames(seconds[:, None], take_fps, fps)[:, 0]
    assert np.abs(curve - np.arange(len(curve)) / fps).max() < 0.1 / fps


# Heads as productions have them


def test_modifiers_and_other_shape_keys_stay(scene, head, speak):
    head.modifiers.new("Smooth", "SUBSURF")
    own = head.shape_key_add(name="Scar", from_mix=False)
    own.value = 0.5
    speak()
    assert own.value == pytest.approx(0.5)
    assert [modifier.type for modifier in head.modifiers] == ["ARMATURE", "SUBSURF"]
    assert speech(head, 18) == pytest.approx(fake_take().speech_weights[17], abs=1e-5)


def test_an_instance_of_a_collection_says_what_to_do(scene, head, voice):
    collection = bpy.data.collections.new("Cast")
    collection.objects.link(head)
    empty = bpy.data.objects.new("Ada", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    scene.collection.objects.link(empty)
    with pytest.raises(HeadError, match=r"'Ada' shows the collection 'Cast'.*Make Instances Real"):
        bake.apply_take(scene, empty, fake_take(), voice, 1)


def test_an_overridden_head_speaks_and_keeps_it_when_saved(scene, head, voice, tmp_path):
    library, shot = str(tmp_path / "cast.blend"), str(tmp_path / "shot.blend")
    cast = bpy.data.collections.new("Cast")
    scene.collection.children.link(cast)
    for obj in (head, head.parent):
        cast.objects.link(obj)
        scene.collection.objects.unlink(obj)
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    linked = wanted.collections[0]
    scene.collection.children.link(linked)
    linked.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    (head,) = (obj for obj in heads.heads_of(scene) if obj.override_library)
    assert head.data.shape_keys.override_library or not head.data.shape_keys.library
    with pytest.raises(HeadError, match="another version of Duet"):
        bake.apply_take(scene, head, fake_take(), voice, 1)
    take = replace(fake_take(emotions={"sad": 0.5}), expression_weights=BLENDSHAPES.emotion_weights)
    bake.apply_take(scene, head, take, voice, 1)
    due = evaluated(head, 20).copy()
    assert np.abs(due - expected_face(HEAD, BLENDSHAPES, take, 19)).max() < HUNDREDTH_MM
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    (head,) = (obj for obj in heads.heads_of(bpy.context.scene) if obj.override_library)
    assert np.abs(evaluated(head, 20) - due).max() < HUNDREDTH_MM
    assert np.abs(due - evaluated(head, 30)).max() > 1e-3
    assert len(takes.takes_of(head)) == 1
