"""Heads and bakes: the face is the formula, the file works alone, and a failure leaves no trace."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import AudioError, HeadError, OutputError, WeightsError
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.inference.steps import finish
from duet.scene import bake, bake_file, files
from duet.scene.blender import actions, timing
from duet.scene.head import heads
from duet.scene.take import settings, sound, takes
from duet.tests.blender_fakes import (
    EMOTION_KEYS,
    EXPRESSION_NAMES,
    SPEECH_NAMES,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    write_wav,
)

pytestmark = pytest.mark.blender
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres


@pytest.fixture(autouse=True)
def scene(monkeypatch):
    monkeypatch.setattr(heads, "shipped_id", lambda: BLENDSHAPES.id)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 24)
    return scene


@pytest.fixture
def head(scene):
    return heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "Zoë läuft.wav", np.sin(np.arange(32000) * 0.1))


# The head


def test_the_head_has_its_mesh_keys_and_rig(head):
    mesh = head.data
    assert np.allclose(evaluated(head), HEAD.vertices, atol=1e-7)
    assert [tuple(polygon.vertices) for polygon in mesh.polygons] == [tuple(p) for p in HEAD.polygons]
    assert [polygon.material_index for polygon in mesh.polygons] == HEAD.face_material.tolist()
    assert mesh.materials[0].name.startswith("Duet skin")
    uv = np.array([entry.vector for entry in mesh.uv_layers[0].uv])
    assert np.allclose(uv, HEAD.uv)
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    names = [block.name for block in mesh.shape_keys.key_blocks]
    assert names == ["Basis", *SPEECH_NAMES, *EXPRESSION_NAMES, *HEAD.arkit_names, *EMOTION_KEYS]
    rig = head.parent
    assert {bone.name: bone.parent and bone.parent.name for bone in rig.data.bones} == {
        "root": None,
        "neck": "root",
        "jaw": "neck",
        "left_eye": "neck",
        "right_eye": "neck",
    }
    assert np.allclose([bone.head_local for bone in rig.data.bones], HEAD.joints, atol=1e-6)


def test_bones_move_the_vertices_by_their_weights(head):
    head.parent.pose.bones["neck"].location = (0, 0.5, 0)  # along the bone: up
    bpy.context.view_layer.update()
    moved = evaluated(head) - HEAD.vertices
    assert np.allclose(moved[:, 2], 0.5 * HEAD.skin_weights[:, 1], atol=1e-5)


def test_a_head_is_added_to_a_new_collection_and_found(scene):
    collection = bpy.data.collections.new("Cast")
    scene.collection.children.link(collection)
    head = heads.add_head(HEAD, BLENDSHAPES, collection, bpy.context.view_layer)
    assert heads.heads_of(scene) == [head]
    assert bpy.context.view_layer.objects.active == head
    assert set(collection.objects) == {head, head.parent}


def cube(head):
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object


def light(head):
    bpy.ops.object.light_add()
    return bpy.context.object


def cut(head):
    head.shape_key_clear()
    head.data.clear_geometry()
    head.shape_key_add(name="Basis")
    head.data.shape_keys[heads.MARKER] = len(HEAD.vertices)
    return head


def shared(head):
    twin = bpy.data.objects.new("Twin", head.data)
    bpy.context.scene.collection.objects.link(twin)
    return head


def edited(head):
    bpy.context.view_layer.objects.active = head
    bpy.ops.object.mode_set(mode="EDIT")
    return head


def stripped(head):
    head.shape_key_remove(head.data.shape_keys.key_blocks[SPEECH_NAMES[2]])
    return head


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda head: None, "No head is chosen. Click Add Duet Head"),
        (cube, "'Cube' is a mesh, but not a Duet head."),
        (light, "'Point' is not a mesh."),
        (cut, "has 0 vertices where a Duet head has 81"),
        (shared, "shares its mesh"),
        (edited, "is in Edit Mode"),
        (stripped, "lacks 1 shape keys of this version (Speech 02)"),
    ],
)
def test_a_wrong_target_is_named_and_nothing_changes(scene, head, voice, make, message):
    target = make(head)
    before = fingerprint()
    with pytest.raises(HeadError) as caught:
        bake.apply_take(scene, target, fake_take(), voice, 1)
    assert message in str(caught.value)
    assert caught.value.remedy
    assert fingerprint() == before


def test_a_linked_head_is_named_and_nothing_changes(scene, head, voice, tmp_path):
    library = tmp_path / "cast.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Duet Head"]
    scene.collection.objects.link(wanted.objects[0])
    before = fingerprint()
    with pytest.raises(HeadError, match="linked from another file"):
        bake.apply_take(scene, wanted.objects[0], fake_take(), voice, 1)
    assert fingerprint() == before


@pytest.mark.parametrize("value", [np.nan, 10.5])
def test_weights_that_a_slider_cannot_hold_are_refused(scene, head, voice, value):
    take = fake_take()
    take.speech_weights[3, 1] = value
    before = fingerprint()
    with pytest.raises(HeadError, match="out of range"):
        bake.apply_take(scene, head, take, voice, 1)
    assert fingerprint() == before


# Sound


def test_sound_is_decoded_to_mono_at_16_khz(tmp_path):
    seconds = np.arange(96000) / 96000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    samples = sound.decode(write_wav(tmp_path / "Ünïcode 96k.wav", tone, 96000, channels=6))
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) - 16000) <= 2
    due = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 16000)
    assert np.abs(samples - due)[200:-200].max() < 0.01


def test_sound_above_the_new_band_does_not_alias(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 11000 * np.arange(48000) / 48000)
    samples = sound.decode(write_wav(tmp_path / "high.wav", tone + 0.001, 48000))
    assert np.abs(samples[500:-500]).max() < 0.01


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.wav", None, "does not exist"),
        ("folder.wav", "folder", "is a folder"),
        ("zero.wav", b"", "is empty (zero bytes)"),
        ("text.wav", b"These are words, not sound. " * 40, "is not a sound that Blender can read"),
        ("silent.wav", np.zeros(16000), "is silent"),
        ("short.wav", np.ones(800) * 0.5, "lasts only 0.050 s"),
    ],
)
def test_bad_audio_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, str):
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        write_wav(path, content)
    with pytest.raises(AudioError) as caught:
        sound.decode(path)
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_not_a_number_is_found(tmp_path):
    path = tmp_path / "nan.wav"
    samples = np.full(16000, np.nan, "<f4")
    header = b"RIFF" + (36 + 64000).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += np.array([3, 1], "<u2").tobytes() + np.array([16000, 64000], "<u4").tobytes()
    header += np.array([4, 32], "<u2").tobytes() + b"data" + (64000).to_bytes(4, "little")
    path.write_bytes(header + samples.tobytes())
    with pytest.raises(AudioError, match="not a number"):
        sound.decode(path)


def test_the_strip_starts_at_the_frame_on_a_free_channel(scene, head, voice):
    first = scene.sequence_editor_create().strips.new_sound("Music", str(voice), 1, 1)
    bake.apply_take(scene, head, fake_take(), voice, 31)
    (strip,) = sound.strips_of(scene, head)
    assert strip.name.startswith("Zoë läuft")
    assert (strip.channel, strip.frame_start if bpy.app.version < (5, 1, 0) else strip.content_start) == (2, 31)
    bake.apply_take(scene, head, fake_take(), voice, 41)  # in place of the first one; the music stays
    (strip,) = sound.strips_of(scene, head)
    assert strip.channel == 2
    assert len(scene.sequence_editor.strips) == 2
    assert first.channel == 1


# Bakes


@pytest.mark.parametrize(("start", "end", "due"), [(1, 250, 250), (1, 20, 48), (240, 250, 287)])
def test_the_range_grows_and_never_shrinks(scene, head, voice, start, end, due):
    scene.frame_end = end
    bake.apply_take(scene, head, fake_take(frames=48), voice, start)
    assert (scene.frame_start, scene.frame_end) == (1, due)
    assert timing.scene_fps(scene) == 24
    assert scene.sync_mode == "NONE"


def test_playback_follows_the_sound_where_asked(scene, head, voice):
    bake.apply_take(scene, head, fake_take(), voice, 1, in_sync=True)
    assert scene.sync_mode == "AUDIO_SYNC"


def test_the_face_is_the_formula(scene, head, voice):
    fade = np.linspace(0, 1, 48, dtype=np.float32)
    take = fake_take(emotions={"happy": 0.8, "sad": fade, "contempt": 1.5})
    bake.apply_take(scene, head, take, voice, 101)
    for frame in (0, 1, 17, 47):
        due = expected_face(HEAD, BLENDSHAPES, take, frame)
        assert np.abs(evaluated(head, 101 + frame) - due).max() < HUNDREDTH_MM


def test_a_take_of_another_rate_keeps_its_time(scene, head, voice):
    take = fake_take(frames=60, fps=60.0)
    take.speech_weights[:] = np.linspace(0, 1, 60, dtype=np.float32)[:, None]
    bake.apply_take(scene, head, take, voice, 1)
    scene.frame_set(13)  # half a second: frame 30 of the take
    assert head.data.shape_keys.key_blocks[SPEECH_NAMES[0]].value == pytest.approx(30 / 59, abs=1e-5)


def test_sliders_move_the_face_between_their_keys(scene, head, voice):
    bake.apply_take(scene, head, fake_take(), voice, 1)
    take = fake_take(emotions={"angry": 1.0})
    head["Angry"] = 1.0
    assert head.keyframe_insert('["Angry"]', frame=24)
    assert np.abs(evaluated(head, 24) - expected_face(HEAD, BLENDSHAPES, take, 23)).max() < HUNDREDTH_MM


def test_neutral_has_no_slider(scene, head, voice):
    bake.apply_take(scene, head, fake_take(), voice, 1)
    sliders = ["Happy", "Sad", "Angry", "Surprised", "Afraid", "Disgusted", "Contempt"]
    assert list(head.keys()) == [*sliders, "Silence", "Mix Limit"]


def test_an_action_of_the_users_plays_on_under_the_speech(scene, head, voice):
    key = head.data.shape_keys
    for frame, value in ((1, 0.0), (11, 0.5)):
        key.key_blocks["jawOpen"].value = value
        key.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    theirs = actions.action_of(key)
    theirs.name = "By hand"
    notes = bake.apply_take(scene, head, fake_take(), voice, 1)
    assert notes == ["Your action 'By hand' plays on from the NLA track 'By hand' under the speech."]
    assert theirs.use_fake_user
    assert actions.action_of(key).name == "Duet Zoë läuft"
    scene.frame_set(6)
    assert key.key_blocks["jawOpen"].value == pytest.approx(0.25, abs=0.01)
    assert key.key_blocks[SPEECH_NAMES[1]].value == pytest.approx(fake_take().speech_weights[5, 1], abs=1e-5)


def test_an_action_of_the_users_can_be_set_aside(scene, head, voice):
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    theirs = actions.action_of(head.data.shape_keys)
    recording = bake.Recording(voice, 1)
    notes = finish(bake.apply_steps(scene, head, fake_take(), recording, layer=False))
    assert notes == [f"The earlier action '{theirs.name}' is kept (fake user)."]
    assert theirs.use_fake_user
    assert not head.data.shape_keys.animation_data.nla_tracks


def test_an_action_on_the_object_keeps_its_curves_and_plays_on(scene, head, voice):
    for frame, x in ((1, 0.0), (11, 1.0)):
        head.location.x = x
        head.keyframe_insert("location", frame=frame)
    theirs = actions.action_of(head)
    bake.apply_take(scene, head, fake_take(emotions={"sad": 1}), voice, 1)
    assert {curve.data_path for curve in theirs.layers[0].strips[0].channelbags[0].fcurves} == {"location"}
    scene.frame_set(11)
    assert (head.location.x, head["Sad"]) == pytest.approx((1.0, 1.0))


def test_baking_again_makes_another_take_and_keeps_work_by_hand(scene, head, voice, tmp_path):
    key = head.data.shape_keys
    bake.apply_take(scene, head, fake_take(emotions={"sad": 1}), voice, 1)
    key.key_blocks["eyeBlinkLeft"].value = 0.7
    key.key_blocks["eyeBlinkLeft"].keyframe_insert("value", frame=5)
    head.keyframe_insert("location", frame=1)
    other = write_wav(tmp_path / "other.wav", np.sin(np.arange(32000) * 0.1))
    take = fake_take(frames=30, emotions={"happy": 1})
    assert bake.apply_take(scene, head, take, other, 1) == []
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
    bake.apply_take(scene, head, first, voice, 1)
    bake.apply_take(scene, twin, second, voice, 1)
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
    bake.apply_take(scene, obj, take, voice, 1)
    assert np.abs(evaluated(obj, 20) - expected_face(head, blendshapes, take, 19)).max() < HUNDREDTH_MM


def test_blendshapes_of_another_head_are_refused_and_nothing_is_added(scene):
    other = replace(BLENDSHAPES, speech_basis=BLENDSHAPES.speech_basis[:, :-1])
    before = fingerprint()
    with pytest.raises(WeightsError, match="Install Duet again"):
        heads.add_head(HEAD, other, scene.collection, bpy.context.view_layer)
    assert fingerprint() == before


@pytest.mark.parametrize("step", ["store", "write_curve", "write_own_emotion", "connect", "add"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_half_way_leaves_no_trace(scene, head, voice, monkeypatch, step, earlier):
    if earlier:
        bake.apply_take(scene, head, fake_take(emotions={"sad": 1}), voice, 1)

    def fail(*args, **kwargs):
        raise RuntimeError("a bug")

    owners = {"store": bake.takes, "write_curve": bake.actions, "write_own_emotion": bake.take_curves}
    owners |= {"connect": bake.emotions, "add": bake.life}
    monkeypatch.setattr(owners[step], step, fail)
    before = fingerprint()
    with pytest.raises(RuntimeError, match="a bug"):
        bake.apply_take(scene, head, fake_take(frames=400, emotions={"happy": 1}), voice, 50)
    assert fingerprint() == before


def test_audio_that_blender_cannot_load_leaves_no_trace(scene, head, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("words")
    before = fingerprint()
    with pytest.raises(AudioError, match=r"text\.wav"):
        bake.apply_take(scene, head, fake_take(), text, 1)
    assert fingerprint() == before


# The take in the file


def test_the_take_is_stored_with_the_head(scene, head, voice, tmp_path):
    assert takes.load(head) is None
    take = fake_take(emotions={"sad": 0.5})
    bake.apply_take(scene, head, replace(take, vertices=np.zeros((48, 81, 3), np.float32)), voice, 7)
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
        bake.apply_take(scene, head, take, voice, 1)
        assert np.array_equal(takes.load(head).take.speech_weights, take.speech_weights)


@pytest.mark.parametrize("damage", [b"rubbish", b"x\x9c\x03\x00\x00\x00\x00\x01", "text"])
def test_a_damaged_take_is_named(scene, head, voice, damage):
    bake.apply_take(scene, head, fake_take(), voice, 1)
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
    bake.apply_take(scene, head, take, voice, 11)
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


# Whole files


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


def test_a_base_that_is_no_blend_is_named(voice, tmp_path):
    with pytest.raises(OutputError, match=r"Zoë läuft\.wav' cannot be opened"):
        bake_file(voice, fake_take(), tmp_path / "shot.blend", voice)
