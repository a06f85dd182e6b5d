"""Generate from Audio: what it makes, what it refuses, what waits."""

import bpy
import numpy as np
import pytest
from duet.operators import session
from duet.operators.batch import blender_command
from duet.scene.blender import actions, compat
from duet.scene.head import heads
from duet.scene.take import takes
from duet.tests.blender_fakes import failure, fingerprint, write_wav

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


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
    scene.duet.start_frame = 25
    assert bpy.ops.duet.apply_result() == {"FINISHED"}
    assert (takes.active(ready).name, takes.active(ready).duet.start_frame) == ("Duet line", 25)
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
