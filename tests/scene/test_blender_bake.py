"""Heads and bakes: the face is the formula, the file works alone, and a failure leaves no trace."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import AudioError, HeadError, WeightsError
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.scene import bake
from duet.scene.blender import actions, timing
from duet.scene.head import heads
from duet.scene.take import takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    apply_take,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    write_wav,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres


# Bakes


@pytest.mark.parametrize(("start", "end", "due"), [(1, 250, 250), (1, 20, 48), (240, 250, 287)])
def test_the_range_grows_and_never_shrinks(scene, head, voice, start, end, due):
    scene.frame_end = end
    apply_take(scene, head, fake_take(frames=48), voice, start)
    assert (scene.frame_start, scene.frame_end) == (1, due)
    assert timing.scene_fps(scene) == 24
    assert scene.sync_mode == "NONE"


def test_playback_follows_the_sound_where_asked(scene, head, voice):
    apply_take(scene, head, fake_take(), voice, 1, in_sync=True)
    assert scene.sync_mode == "AUDIO_SYNC"


def test_the_face_is_the_formula(scene, head, voice):
    fade = np.linspace(0, 1, 48, dtype=np.float32)
    take = fake_take(emotions={"happy": 0.8, "sad": fade, "contempt": 1.5})
    apply_take(scene, head, take, voice, 101)
    for frame in (0, 1, 17, 47):
        due = expected_face(HEAD, BLENDSHAPES, take, frame)
        assert np.abs(evaluated(head, 101 + frame) - due).max() < HUNDREDTH_MM


def test_a_take_of_another_rate_keeps_its_time(scene, head, voice):
    take = fake_take(frames=60, fps=60.0)
    take.speech_weights[:] = np.linspace(0, 1, 60, dtype=np.float32)[:, None]
    apply_take(scene, head, take, voice, 1)
    scene.frame_set(13)  # half a second: frame 30 of the take
    assert head.data.shape_keys.key_blocks[SPEECH_NAMES[0]].value == pytest.approx(30 / 59, abs=1e-5)


def test_sliders_move_the_face_between_their_keys(scene, head, voice):
    apply_take(scene, head, fake_take(), voice, 1)
    take = fake_take(emotions={"angry": 1.0})
    head["Angry"] = 1.0
    assert head.keyframe_insert('["Angry"]', frame=24)
    assert np.abs(evaluated(head, 24) - expected_face(HEAD, BLENDSHAPES, take, 23)).max() < HUNDREDTH_MM


def test_neutral_has_no_slider(scene, head, voice):
    apply_take(scene, head, fake_take(), voice, 1)
    sliders = ["Happy", "Sad", "Angry", "Surprised", "Afraid", "Disgusted", "Contempt"]
    assert list(head.keys()) == [*sliders, "Upper Face", "Mouth", "Silence", "Mix Limit"]


def test_an_action_of_the_users_plays_on_under_the_speech(scene, head, voice):
    key = head.data.shape_keys
    for frame, value in ((1, 0.0), (11, 0.5)):
        key.key_blocks["jawOpen"].value = value
        key.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    theirs = actions.action_of(key)
    theirs.name = "By hand"
    notes = apply_take(scene, head, fake_take(), voice, 1)
    assert notes == ["Your action 'By hand' plays on from the NLA track 'By hand' under the speech."]
    assert theirs.use_fake_user
    assert actions.action_of(key).name == "Duet Zoë läuft"
    scene.frame_set(6)
    assert key.key_blocks["jawOpen"].value == pytest.approx(0.25, abs=0.01)
    assert key.key_blocks[SPEECH_NAMES[1]].value == pytest.approx(fake_take().speech_weights[5, 1], abs=1e-5)


def test_an_action_of_the_users_can_be_set_aside(scene, head, voice):
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    theirs = actions.action_of(head.data.shape_keys)
    notes = apply_take(scene, head, fake_take(), voice, 1, layer=False)
    assert notes == [f"The earlier action '{theirs.name}' is kept (fake user)."]
    assert theirs.use_fake_user
    assert not head.data.shape_keys.animation_data.nla_tracks


def test_an_action_on_the_object_keeps_its_curves_and_plays_on(scene, head, voice):
    for frame, x in ((1, 0.0), (11, 1.0)):
        head.location.x = x
        head.keyframe_insert("location", frame=frame)
    theirs = actions.action_of(head)
    apply_take(scene, head, fake_take(emotions={"sad": 1}), voice, 1)
    assert {curve.data_path for curve in theirs.layers[0].strips[0].channelbags[0].fcurves} == {"location"}
    scene.frame_set(11)
    assert (head.location.x, head["Sad"]) == pytest.approx((1.0, 1.0))


def test_baking_again_makes_another_take_and_keeps_work_by_hand(scene, head, voice, tmp_path):
    key = head.data.shape_keys
    apply_take(scene, head, fake_take(emotions={"sad": 1}), voice, 1)
    key.key_blocks["eyeBlinkLeft"].value = 0.7
    key.key_blocks["eyeBlinkLeft"].keyframe_insert("value", frame=5)
    head.keyframe_insert("location", frame=1)
    other = write_wav(tmp_path / "other.wav", np.sin(np.arange(32000) * 0.1))
    take = fake_take(frames=30, emotions={"happy": 1})
    assert apply_take(scene, head, take, other, 1) == []
    assert {action.name for action in bpy.data.actions} == {"Duet Zoë läuft", "Duet other"}
    bags = {bag.slot.target_id_type: bag for bag in bpy.data.actions["Duet other"].layers[0].strips[0].channelbags}
    paths = {curve.data_path for curve in bags["KEY"].fcurves}
    assert paths == {f'key_blocks["{name}"].value' for name in (*SPEECH_NAMES, "eyeBlinkLeft")}
    assert all(len(c.keyframe_points) == 30 for c in bags["KEY"].fcurves if "Speech" in c.data_path)
    assert {curve.data_path for curve in bags["OBJECT"].fcurves} == {"location", '["Happy"]', '["Silence"]'}
    assert [strip.name for strip in scene.sequence_editor.strips] == ["other"]
    assert len(bpy.data.sounds) == 1
    assert {action.name for action in takes.takes_of(head)} == {"Duet Zoë läuft", "Duet other"}


def test_two_heads_speak_on_their_own(scene, head, voice):
    twin = heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)
    first, second = fake_take(emotions={"happy": 1}), fake_take(emotions={"angry": 1})
    second.speech_weights[:] *= -0.5
    apply_take(scene, head, first, voice, 1)
    apply_take(scene, twin, second, voice, 1)
    assert np.abs(evaluated(head, 9) - expected_face(HEAD, BLENDSHAPES, first, 8)).max() < HUNDREDTH_MM
    assert np.abs(evaluated(twin, 9) - expected_face(HEAD, BLENDSHAPES, second, 8)).max() < HUNDREDTH_MM
    assert len(scene.sequence_editor.strips) == 2


def test_the_shipped_head_follows_the_formula(scene, voice):
    head, blendshapes = load_head(), load_blendshapes()
    obj = heads.add_head(head, blendshapes, scene.collection, bpy.context.view_layer)
    rng = np.random.default_rng(4)
    speech, expressions = len(blendshapes.speech_names), len(blendshapes.expression_names)
    weights = rng.normal(0, 0.7, (8, expressions)).astype(np.float32)
    weights[0] = 0
    take = replace(
        fake_take(emotions={"happy": 0.7, "afraid": 0.4}),
        speech_weights=rng.normal(0, 0.7, (48, speech)).astype(np.float32),
        expression_weights=weights,
        emotion_opening=blendshapes.emotion_opening[:8],
        speech_names=blendshapes.speech_names,
        expression_names=blendshapes.expression_names,
    )
    apply_take(scene, obj, take, voice, 1)
    assert np.abs(evaluated(obj, 20) - expected_face(head, blendshapes, take, 19)).max() < HUNDREDTH_MM


def test_blendshapes_of_another_head_are_refused_and_nothing_is_added(scene):
    other = replace(BLENDSHAPES, speech_basis=BLENDSHAPES.speech_basis[:, :-1])
    before = fingerprint()
    with pytest.raises(WeightsError, match="Install Duet again"):
        heads.add_head(HEAD, other, scene.collection, bpy.context.view_layer)
    assert fingerprint() == before


@pytest.mark.parametrize("step", ["store", "write_curve", "write_emotion", "connect", "add"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_half_way_leaves_no_trace(scene, head, voice, monkeypatch, step, earlier):
    if earlier:
        apply_take(scene, head, fake_take(emotions={"sad": 1}), voice, 1)

    def fail(*args, **kwargs):
        raise RuntimeError("a bug")

    owners = {"store": bake.takes, "write_curve": bake.actions, "write_emotion": bake.take_curves}
    owners |= {"connect": bake.emotions, "add": bake.life}
    monkeypatch.setattr(owners[step], step, fail)
    before = fingerprint()
    with pytest.raises(RuntimeError, match="a bug"):
        apply_take(scene, head, fake_take(frames=400, emotions={"happy": 1}), voice, 50)
    assert fingerprint() == before


def test_audio_that_blender_cannot_load_leaves_no_trace(scene, head, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("words")
    before = fingerprint()
    with pytest.raises(AudioError, match=r"text\.wav"):
        apply_take(scene, head, fake_take(), text, 1)
    assert fingerprint() == before


# The take in the file


def test_the_take_is_stored_with_the_head(scene, head, voice, tmp_path):
    assert takes.load(head) is None
    take = fake_take(emotions={"sad": 0.5})
    apply_take(scene, head, replace(take, vertices=np.zeros((48, 81, 3), np.float32)), voice, 7)
    blend = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    stored = takes.load(bpy.data.objects["Duet Head"])
    assert (stored.audio, stored.start, stored.take.vertices) == (str(voice), 7, None)
    assert np.array_equal(stored.take.speech_weights, take.speech_weights)
    assert (stored.take.emotions, stored.take.request) == (take.emotions, take.request)


def test_a_second_take_is_stored_whole(scene, head, voice):
    for frames in (48, 60):  # bytes over bytes
        take = fake_take(frames=frames)
        apply_take(scene, head, take, voice, 1)
        assert np.array_equal(takes.load(head).take.speech_weights, take.speech_weights)


@pytest.mark.parametrize("damage", [b"rubbish", b"x\x9c\x03\x00\x00\x00\x00\x01", "text"])
def test_a_damaged_take_is_named(scene, head, voice, damage):
    apply_take(scene, head, fake_take(), voice, 1)
    action = takes.active(head)
    del action["duet_take"], action["duet_token"]
    action["duet_take"] = damage
    with pytest.raises(HeadError, match="'Duet Zoë läuft' cannot be read"):
        takes.load(head)


ALONE = """
import sys, bpy, numpy as np
assert not any(name.split(".")[0] == "duet" for name in sys.modules)
assert not bpy.context.preferences.filepaths.use_scripts_auto_execute
bpy.ops.wm.open_mainfile(filepath=sys.argv[1], use_scripts=False)
head = bpy.data.objects["Duet Head"]
def face(frame):
    bpy.context.scene.frame_set(frame)
    mesh = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    out = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", out)
    return out.reshape(-1, 3)
faces = [face(frame) for frame in (11, 20, 40)]
head.animation_data_clear()
head["Angry"] = 1.0
head.update_tag()
np.savez(sys.argv[2], faces=faces, angry=face(40), steps=head.id_properties_ui("Angry").as_dict()["max"])
"""


def test_a_saved_face_moves_where_duet_is_missing_and_scripts_may_not_run(scene, head, voice, tmp_path):
    take = fake_take(emotions={"happy": 0.8, "surprised": 0.3})
    apply_take(scene, head, take, voice, 11)
    blend, result, script = (str(tmp_path / name) for name in ("shot.blend", "faces.npz", "alone.py"))
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    Path(script).write_text(ALONE)
    subprocess.run([sys.executable, "-s", script, blend, result], cwd=tmp_path, check=True, timeout=300)
    with np.load(result) as got:
        for face, frame in zip(got["faces"], (0, 9, 29), strict=True):
            assert np.abs(face - expected_face(HEAD, BLENDSHAPES, take, frame)).max() < HUNDREDTH_MM
        angry = fake_take(emotions={"happy": 0.8, "surprised": 0.3, "angry": 1.0})
        assert np.abs(got["angry"] - expected_face(HEAD, BLENDSHAPES, angry, 29)).max() < HUNDREDTH_MM
        assert got["steps"] == 1.5
