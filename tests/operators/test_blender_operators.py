"""The operators, executed in background mode, with a worker that needs no weights (tests/fake_pipeline.py)."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import duet
import numpy as np
import pytest
from duet.inference.client.client import worker_command
from duet.inference.head.blendshapes import Blendshapes
from duet.inference.performance import face
from duet.operators import add_head, recording, session
from duet.operators.batch import blender_command
from duet.panels import waveform
from duet.scene import cast, studio
from duet.scene.blender import actions, compat
from duet.scene.head import heads
from duet.scene.take import life, lines, take_curves, takes
from duet.tests.blender_fakes import fake_blendshapes, fake_head, fingerprint, write_wav

pytestmark = pytest.mark.blender

ROOT = Path(__file__).resolve().parents[2]
BASES = fake_blendshapes()
BLENDSHAPES = Blendshapes(  # what the fake worker moves
    BASES.speech_basis[:2],
    BASES.expression_basis[:3],
    ("open", "round"),
    ("smile", "squint", "sneer"),
    BASES.emotions,
    BASES.emotion_weights[:, :3],
    BASES.emotion_opening[:, :2],
)


@pytest.fixture(autouse=True)
def scene(monkeypatch):
    command = [sys.executable, "-s", str(ROOT / "tests/fake_pipeline.py"), "--weights", "small"]
    monkeypatch.setattr(session.EngineChoice, "command", lambda self: (command, worker_command(ROOT)[1]))
    monkeypatch.setattr(add_head, "load_head", fake_head)
    monkeypatch.setattr(add_head, "load_blendshapes", lambda: BLENDSHAPES)
    monkeypatch.setattr(heads, "shipped_id", lambda: BLENDSHAPES.id)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    yield bpy.context.scene
    duet.unregister()


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))


@pytest.fixture
def ready(scene, voice):
    bpy.ops.duet.add_head()
    scene.duet.audio = str(voice)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.8
    return scene.duet.head


def failure(operator):
    with pytest.raises(RuntimeError) as caught:
        operator()
    return str(caught.value)


def test_registering_leaves_nothing_behind():
    duet.unregister()
    assert not hasattr(bpy.types.Scene, "duet")
    assert not [name for name in dir(bpy.types) if name.startswith("DUET_")]
    duet.register()


def test_a_head_is_added_at_the_cursor_and_chosen(scene):
    scene.cursor.location, scene.frame_start = (1, 2, 3), 101
    assert bpy.ops.duet.add_head() == {"FINISHED"}
    canonical = scene.duet.head
    assert heads.is_head(canonical)
    assert tuple(canonical.parent.location) == (1, 2, 3)
    assert scene.duet.start_frame == 101
    assert bpy.context.object == canonical


def test_a_head_is_added_on_top_of_the_cube_and_lit_where_nobody_has_lit_it(scene):
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    scene, cube = bpy.context.scene, bpy.data.objects["Cube"]
    assert studio.is_as_new(scene)
    bpy.ops.duet.add_head(studio=True)
    head = scene.duet.head
    assert head.parent.location.z == pytest.approx(1.0), "the cube's top"
    assert {obj.name for obj in head.parent.children if obj.type == "LIGHT"} == {"Key", "Fill", "Rim"}
    assert not studio.is_as_new(scene)
    assert scene.camera.parent == head.parent
    where = scene.camera.matrix_world.translation.copy()
    head.parent.location.x += 5
    bpy.context.view_layer.update()
    assert (scene.camera.matrix_world.translation - where).x == pytest.approx(5), "it goes where the head goes"
    cube.scale = (20, 20, 20)  # a room
    scene.cursor.location = (0, 3, 0)
    bpy.ops.duet.add_head()
    assert tuple(scene.duet.head.parent.location) == (0, 3, 0)
    assert len([obj for obj in scene.objects if obj.type == "LIGHT"]) == 4


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


def test_a_head_is_added_where_the_active_collection_is_hidden(scene):
    hidden = bpy.data.collections.new("Hidden")
    scene.collection.children.link(hidden)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    assert bpy.ops.duet.add_head() == {"FINISHED"}
    assert scene.duet.head.name in scene.collection.objects


def test_missing_weights_are_named_and_nothing_is_added(monkeypatch, tmp_path):
    from duet.inference.head import canonical

    monkeypatch.setattr(add_head, "load_head", lambda: canonical.load_head(tmp_path / "head.safetensors"))
    before = fingerprint()
    assert "head.safetensors cannot be read" in failure(bpy.ops.duet.add_head)
    assert fingerprint() == before


def test_three_clicks_make_it_speak(scene, ready):
    scene.render.fps, scene.duet.start_frame = 25, 11
    assert bpy.ops.duet.generate() == {"FINISHED"}
    key = ready.data.shape_keys
    assert actions.action_of(key).name == "Duet line"
    scene.frame_set(11 + 49)  # two seconds at 25 fps: 50 frames, on which "open" goes from 0 to 1
    assert [key.key_blocks[name].value for name in ("open", "round")] == pytest.approx([1, 0])
    assert key.key_blocks["Emotion Happy"].value == pytest.approx(0.8)
    assert key.key_blocks["Silent Happy"].value == 0, "it speaks"
    assert ready["Happy"] == pytest.approx(0.8)
    assert scene.sync_mode == "AUDIO_SYNC"


def test_the_worker_stays_warm_between_jobs(ready):
    bpy.ops.duet.generate()
    first = session.RUNTIME._client._child
    bpy.ops.duet.generate()
    assert session.RUNTIME._client._child is first
    assert session.RUNTIME.description == "numpy on cpu, model fake"
    assert not session.RUNTIME.busy


def test_the_only_head_of_an_opened_file_is_found(scene, ready):
    scene.duet.head = None
    assert bpy.ops.duet.generate() == {"FINISHED"}


def test_a_head_that_was_deleted_is_not_used(scene, ready):
    bpy.data.objects.remove(ready.parent)
    scene.collection.objects.unlink(ready)
    assert scene.duet.head == ready  # the setting alone keeps it
    assert "No head is chosen" in failure(bpy.ops.duet.generate)


def no_head(scene, folder):
    scene.duet.head = None
    for obj in heads.heads_of(scene):
        bpy.data.objects.remove(obj)


def a_cube(scene, folder):
    bpy.ops.mesh.primitive_cube_add()
    scene.duet.head = bpy.context.object


def audio(name, content=None):
    def prepare(scene, folder):
        path = folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            write_wav(path, content)
        scene.duet.audio = str(path) if name else ""

    return prepare


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (no_head, "No head is chosen. Click Add Duet Head"),
        (a_cube, "'Cube' is a mesh, but not a Duet head."),
        (audio(""), "No audio is chosen."),
        (audio("none.wav"), "none.wav' does not exist"),
        (audio("zero.wav", b""), "zero.wav' is empty (zero bytes)"),
        (audio("text.wav", b"words " * 99), "text.wav' is not a sound that Blender can read"),
        (audio("silent.wav", np.zeros(16000)), "'silent.wav' is silent"),
        (audio("killer.wav", np.ones(16000) * 0.5), "worker process ended with exit code 9"),
        (audio("broken.wav", np.ones(16000) * 0.5), "seven"),
    ],
)
def test_each_failure_is_one_message_and_the_scene_stays(scene, ready, tmp_path, prepare, message):
    prepare(scene, tmp_path)
    before = fingerprint()
    assert message in failure(bpy.ops.duet.generate)
    assert fingerprint() == before
    assert not session.RUNTIME.busy


def test_there_is_no_other_emotion(scene):
    with pytest.raises(TypeError, match="hungry"):
        scene.duet.emotion = "hungry"


def test_emotions_are_keyed_at_the_current_frame(scene, ready):
    bpy.ops.duet.generate()
    scene.frame_set(20)
    ready["Happy"] = 0.1
    assert bpy.ops.duet.key_emotions() == {"FINISHED"}
    scene.frame_set(1)
    assert ready["Happy"] == pytest.approx(0.8)
    scene.frame_set(20)
    assert ready["Happy"] == pytest.approx(0.1)


def test_nothing_to_cancel_is_said():
    assert "Nothing is running" in failure(bpy.ops.duet.cancel)


def test_the_engine_test_needs_no_head(scene):
    before = fingerprint()
    assert bpy.ops.duet.test_engine() == {"FINISHED"}
    assert fingerprint() == before


def test_the_command_adds_to_the_open_file(scene, ready, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(blender_command.cli, "main", lambda argv, base=None: calls.append((argv, base)) or 0)
    blender_command.run(["bake", "a.wav"])
    scene.render.fps = 25
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "set.blend"))
    blender_command.run(["bake", "a.wav"])
    blender_command.run(["bake", "a.wav", "--fps=60"])
    base = tmp_path / "set.blend"
    assert calls == [
        (["bake", "a.wav"], None),
        (["bake", "a.wav"], base),
        (["bake", "a.wav", "--fps=60"], base),
    ]


# The recording


def test_a_recording_is_chosen_relative_to_the_file_and_seen(scene, ready, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene.duet.source, scene.duet.audio = "STRIP", ""
    assert "no file" in failure(lambda: bpy.ops.duet.choose_recording(filepath=str(tmp_path / "none.wav")))
    assert bpy.ops.duet.choose_recording(filepath=str(tmp_path / "line.wav")) == {"FINISHED"}
    assert (scene.duet.source, scene.duet.audio) == ("FILE", "//line.wav")
    chosen = recording.chosen_recording(scene)
    assert recording.WAVEFORMS.of(chosen) is None, "it is read while Blender goes on"
    while recording.WAVEFORMS._turn() is not None:
        pass
    seen = recording.WAVEFORMS.of(chosen)
    assert seen.seconds == pytest.approx(2.0)
    assert seen.peaks.max() == 1
    grey, blue = waveform.picture(seen, 0.5, 2.0)[waveform.COLUMNS // 2, [1, -1]]
    assert grey[2] == grey[0] and blue[2] > blue[0]
    scene.duet.trim_start = 0.5
    assert recording.chosen_recording(scene).begin == 0.5


def test_a_recording_can_be_dropped_into_a_3d_view_alone(scene):
    drop = bpy.types.DUET_FH_recording
    assert drop.bl_import_operator == "duet.choose_recording"
    assert {".wav", ".mp3", ".m4a", ".mov"} <= set(drop.bl_file_extensions.split(";"))
    for kind in ("VIEW_3D", "SEQUENCE_EDITOR"):
        assert drop.poll_drop(SimpleNamespace(area=SimpleNamespace(type=kind))) == (kind == "VIEW_3D")


def test_the_range_fits_what_is_spoken(scene, ready):
    assert "plays no take" in failure(bpy.ops.duet.fit_range)
    scene.render.fps, scene.duet.start_frame = 25, 301
    bpy.ops.duet.generate()
    scene.frame_start, scene.frame_end = 1, 20
    assert bpy.ops.duet.fit_range() == {"FINISHED"}
    assert (scene.frame_start, scene.frame_end) == (301, 350)
    scene.use_preview_range = True
    takes.active(ready).duet.start_frame = 1
    bpy.ops.duet.fit_range()
    assert (scene.frame_preview_start, scene.frame_preview_end, scene.frame_start) == (1, 50, 301)


# Takes and what waits


def test_a_take_waits_for_a_head_in_edit_mode(scene, ready, monkeypatch):
    from duet.operators import generate

    ask = generate.ask

    def into_edit_mode(*args):
        take = yield from ask(*args)
        bpy.context.view_layer.objects.active = ready
        bpy.ops.object.mode_set(mode="EDIT")
        return take

    monkeypatch.setattr(generate, "ask", into_edit_mode)
    message = failure(bpy.ops.duet.generate)
    assert "is in Edit Mode" in message
    assert "The take waits: click Apply" in message
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.duet.apply_result() == {"FINISHED"}
    assert takes.active(ready).name == "Duet line"
    assert session.RUNTIME.pending is None
    assert not bpy.ops.duet.discard_result.poll()


def test_a_strip_of_the_sequencer_is_spoken_where_it_is_cut(scene, ready, tmp_path):
    scene.render.fps = 25
    long = write_wav(tmp_path / "long.wav", np.sin(np.arange(80000) * 0.1))
    strip = scene.sequence_editor_create().strips.new_sound("Ada", str(long), 3, 11)
    compat.set_strip_range(strip, 36, 86)  # one second in, two seconds long
    scene.duet.source, scene.duet.strip = "STRIP", "Nobody"
    assert "no sound strip 'Nobody'" in failure(bpy.ops.duet.generate)
    scene.duet.strip = "Ada"
    assert bpy.ops.duet.generate() == {"FINISHED"}
    group = takes.active(ready).duet
    assert (group.start_frame, group.trim_start, group.trim_end) == (36, 1.0, 3.0)
    assert takes.load(ready).take.frame_count == 50
    assert [strip.name for strip in scene.sequence_editor.strips] == ["Ada"]


def test_trims_cut_the_recording_and_its_strip(scene, ready, tmp_path):
    scene.render.fps = 25
    scene.duet.audio = str(write_wav(tmp_path / "long.wav", np.sin(np.arange(80000) * 0.1)))
    scene.duet.trim_start, scene.duet.trim_end, scene.duet.start_frame = 1.0, 3.0, 101
    assert bpy.ops.duet.generate() == {"FINISHED"}
    assert takes.load(ready).take.frame_count == 50
    (strip,) = scene.sequence_editor.strips
    assert compat.strip_range(strip) == (101, 151)
    assert compat.strip_content_start(strip) == 76
    scene.duet.trim_end = 0.5
    assert "ends before it begins" in failure(bpy.ops.duet.generate)


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


def test_lines_follow_by_the_buttons(scene, ready):
    bpy.ops.duet.generate()
    scene.duet.place = "LINE"
    assert "would both speak" in failure(bpy.ops.duet.generate)
    scene.duet.start_frame = 101
    assert bpy.ops.duet.generate() == {"FINISHED"}
    names = [line.action.name for line in lines.on(ready)]
    assert names == ["Duet line", "Duet line.001"]
    scene.duet.active_line = bpy.data.actions.find(names[0])
    assert scene.duet.start_frame == 1  # Audio says what the chosen line is
    assert bpy.ops.duet.move_line(frame=201) == {"FINISHED"}
    assert scene.duet.start_frame == 201
    scene.frame_set(220)
    assert bpy.ops.duet.trim_line(side="BEFORE") == {"FINISHED"}
    assert lines.chosen(ready).first == 220
    assert "Go to a frame within it" in failure(lambda: (scene.frame_set(1), bpy.ops.duet.trim_line(side="AFTER")))
    assert bpy.ops.duet.mute_line(name=names[1]) == {"FINISHED"}
    assert [line.is_muted for line in lines.on(ready)] == [True, False]
    assert bpy.ops.duet.remove_line() == {"FINISHED"}
    assert [line.action.name for line in lines.on(ready)] == names[:1]


def test_a_dialogue_from_a_table(scene, voice, tmp_path, monkeypatch):
    monkeypatch.setattr(cast, "load_head", fake_head)
    monkeypatch.setattr(cast, "load_blendshapes", lambda: BLENDSHAPES)
    table = tmp_path / "talk.csv"
    table.write_text("head,audio,start\nAda,line.wav,1\nBea,line.wav,\nAda,gone.wav,\n")
    assert "row 4: The audio file" in failure(lambda: bpy.ops.duet.dialogue_from_table(filepath=str(table)))
    assert not bpy.data.objects
    table.write_text("head,audio,start\nAda,line.wav,1\nBea,line.wav,\n")
    assert bpy.ops.duet.dialogue_from_table(filepath=str(table)) == {"FINISHED"}
    assert [len(lines.on(bpy.data.objects[name])) for name in ("Ada", "Bea")] == [1, 1]
    assert scene.duet.listening
    assert scene.duet.head == bpy.data.objects["Ada"]


def test_timed_emotions_get_rows_and_markers(scene, ready):
    scene.render.fps = 24
    bpy.ops.duet.generate()
    group = takes.active(ready).duet
    scene.frame_set(25)
    assert bpy.ops.duet.add_cue() == {"FINISHED"}
    assert (len(group.cues), round(group.cues[0].seconds, 3)) == (1, 1.0)
    group.cues[0].emotion = "neutral"
    scene.frame_set(48)
    assert ready["Happy"] == pytest.approx(0.0)
    for _ in range(2):  # again replaces
        bpy.ops.duet.emotion_markers()
    assert sorted((marker.frame, marker.name) for marker in scene.timeline_markers) == [
        (1, "Duet: happy 0.8"),
        (25, "Duet: neutral"),
    ]
    group.start_frame = 11
    assert sorted(marker.frame for marker in scene.timeline_markers) == [11, 35], "they move with the take"
    group.start_frame = 1
    scene.timeline_markers.new("mine", frame=5)
    bpy.ops.duet.duplicate_take()
    assert [marker.name for marker in scene.timeline_markers] == ["mine"], "those of the take before are gone"
    bpy.ops.duet.remove_take()
    group = takes.active(ready).duet
    assert bpy.ops.duet.remove_cue() == {"FINISHED"}
    scene.frame_set(47)
    assert ready["Happy"] == pytest.approx(0.8)


def test_presets_set_the_sliders_and_key_them_where_auto_keying_is_on(scene, ready):
    assert bpy.ops.duet.emotion_preset(preset="Bittersweet") == {"FINISHED"}
    assert [ready[name] for name in ("Happy", "Sad", "Angry")] == pytest.approx([0.35, 0.55, 0])
    assert ready.animation_data is None
    scene.tool_settings.use_keyframe_insert_auto = True
    bpy.ops.duet.emotion_preset(preset="Smug")
    assert actions.action_of(ready) is not None


def test_every_button_field_and_choice_is_explained():
    operators = {name: getattr(bpy.ops.duet, name).get_rna_type() for name in dir(bpy.ops.duet)}
    every = [each for each in bpy.types.PropertyGroup.__subclasses__() if each.__name__.startswith("Duet")]
    groups = {each.__name__: each.bl_rna for each in every if each.is_registered}
    assert len(operators) > 40 and {"DuetSettings", "DuetTake", "DuetCue", "DuetTarget"} <= set(groups)
    own = {"rna_type", "name", "bl_idname", *bpy.types.Operator.bl_rna.properties.keys()}
    lacking = [name for name, kind in operators.items() if len(kind.description) <= 8]
    for name, kind in (operators | groups).items():
        for field, prop in kind.properties.items():
            if field in own or field.startswith("filter_"):
                continue
            choices = prop.enum_items if prop.type == "ENUM" else ()
            lacking += [f"{name}.{field}"] if len(prop.description) <= 8 else []
            lacking += [f"{name}.{field}: {item.name}" for item in choices if len(item.description) <= 6]
    assert not lacking, lacking


def test_lips_and_the_rest_of_the_face_are_left_to_the_animator(scene, ready):
    scene.render.fps, scene.duet.lips = 24, 0.0
    bpy.ops.duet.generate()
    blocks, group = ready.data.shape_keys.key_blocks, takes.active(ready).duet
    scene.frame_set(48)
    assert (blocks["open"].value, ready["Happy"]) == (0, pytest.approx(0.8))
    assert life.tracks_of(ready)
    group.lips, group.upper_face, group.head_motion = 1.0, 0.0, False
    scene.frame_set(47)
    scene.frame_set(48)
    assert (blocks["open"].value, ready["Happy"]) == (pytest.approx(1.0), 0)
    bags = [actions.ensure_bag(track.strips[0].action, track.id_data) for track in life.tracks_of(ready)]
    assert not [curve for bag in bags for curve in bag.fcurves if "eye" in curve.data_path or "brow" in curve.data_path]


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
