"""The operators, executed in background mode, with a worker that needs no weights (tests/fake_pipeline.py)."""

import sys
from pathlib import Path

import bpy
import duet
import numpy as np
import pytest
from duet.inference.blendshapes import Blendshapes
from duet.inference.client import worker_command
from duet.operators import add_head, blender_command, install_torch, runtime
from duet.scene import actions, heads
from duet.tests.blender_fakes import fake_blendshapes, fake_head, fingerprint, write_wav

pytestmark = pytest.mark.blender

ROOT = Path(__file__).resolve().parents[1]
BASES = fake_blendshapes()
BLENDSHAPES = Blendshapes(  # what the fake worker moves
    BASES.speech_basis[:2],
    BASES.expression_basis[:3],
    ("open", "round"),
    ("smile", "squint", "sneer"),
    BASES.emotion_weights[:, :3],
)


@pytest.fixture(autouse=True)
def scene(monkeypatch):
    command = [sys.executable, "-s", str(ROOT / "tests/fake_pipeline.py"), "--weights", "weights"]
    monkeypatch.setattr(runtime.EngineChoice, "command", lambda self: (command, worker_command(ROOT)[1]))
    monkeypatch.setattr(add_head, "load_head", fake_head)
    monkeypatch.setattr(add_head, "load_blendshapes", lambda: BLENDSHAPES)
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
    head = scene.duet.head
    assert heads.is_head(head)
    assert tuple(head.parent.location) == (1, 2, 3)
    assert scene.duet.start_frame == 101
    assert bpy.context.object == head


def test_a_head_is_added_where_the_active_collection_is_hidden(scene):
    hidden = bpy.data.collections.new("Hidden")
    scene.collection.children.link(hidden)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    assert bpy.ops.duet.add_head() == {"FINISHED"}
    assert scene.duet.head.name in scene.collection.objects


def test_missing_weights_are_named_and_nothing_is_added(monkeypatch, tmp_path):
    from duet.inference import head

    monkeypatch.setattr(add_head, "load_head", lambda: head.load_head(tmp_path / "head.safetensors"))
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
    assert [key.key_blocks[name].value for name in ("smile", "squint", "sneer")] == pytest.approx([0.8, 0.4, 0])
    assert ready["Happy"] == pytest.approx(0.8)
    assert scene.sync_mode == "AUDIO_SYNC"


def test_the_worker_stays_warm_between_jobs(ready):
    bpy.ops.duet.generate()
    first = runtime.RUNTIME._client._child
    bpy.ops.duet.generate()
    assert runtime.RUNTIME._client._child is first
    assert runtime.RUNTIME.description == "numpy on cpu, model fake"
    assert not runtime.RUNTIME.busy


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
    assert not runtime.RUNTIME.busy


def test_there_is_no_other_emotion(scene):
    with pytest.raises(TypeError, match="bored"):
        scene.duet.emotion = "bored"


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
    monkeypatch.setattr(blender_command.command_line, "main", lambda argv, base=None: calls.append((argv, base)) or 0)
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


# Installing PyTorch, with commands that install nothing


def test_the_installer_runs_its_commands_in_turn(tmp_path):
    python = [sys.executable, "-c"]
    installer = install_torch.Installer([[*python, "print('one')"], [*python, f"open({str(tmp_path / 'two')!r}, 'w')"]])
    installer._thread.join(60)
    assert (installer.code, installer.line) == (0, "one")
    assert (tmp_path / "two").exists()


def test_the_installer_stops_at_the_first_failure(tmp_path):
    python = [sys.executable, "-c"]
    installer = install_torch.Installer([[*python, "raise SystemExit('no room')"], [*python, "print('late')"]])
    installer._thread.join(60)
    assert (installer.code, installer.line) == (1, "no room")


def test_a_missing_interpreter_is_named():
    installer = install_torch.Installer([["/no/such/python"]])
    installer._thread.join(60)
    assert installer.code
    assert "/no/such/python" in installer.line


def test_the_installer_can_be_cancelled():
    installer = install_torch.Installer(
        [[sys.executable, "-c", "import time; print('on', flush=True); time.sleep(600)"]]
    )
    while not installer.line:
        pass
    installer.cancel()
    installer._thread.join(60)
    assert installer.code


def test_progress_of_pip_is_readable():
    assert install_torch.readable("Progress 512 of 2048") == "Downloading: 25%"
    assert install_torch.readable(" Collecting torch \n") == "Collecting torch"
