"""Files that the sidebar names: relative paths are made whole once, and what the scene reads is not written over."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import OutputError
from duet.operators.generate import recording_of
from duet.scene import bake, on_target
from duet.scene.blender.paths import whole
from duet.scene.head import heads
from duet.scene.take import sound
from duet.scene.targets import target_settings
from duet.tests.blender_fakes import apply_take, fake_blendshapes, fake_head, fake_take, write_wav

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


@pytest.fixture
def head(scene, tmp_path):
    obj = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    apply_take(scene, obj, fake_take(), write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1)), 1)
    scene.duet.head = bpy.context.view_layer.objects.active = obj
    return obj


def test_a_relative_recording_is_that_of_the_folder_where_it_was_typed(scene, head, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene.duet.audio = "line.wav"
    recording = recording_of(scene)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for _ in bake.apply_steps(scene, head, fake_take(), recording, scene.duet):
        pass
    (strip,) = sound.strips_of(scene, head)
    assert Path(strip.sound.filepath) == tmp_path / "line.wav"
    assert strip.frame_final_duration > 20


def test_two_slashes_mean_the_folder_of_the_open_file(tmp_path, monkeypatch):
    (tmp_path / "shots").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shots" / "a.blend"))
    monkeypatch.chdir(tmp_path)
    assert whole("//line.wav") == tmp_path / "shots" / "line.wav"
    assert whole("line.wav") == tmp_path / "line.wav"


def read_by(scene, path, how):
    if how == "audio":
        scene.duet.audio = str(path)
    elif how == "model":
        scene.duet_target.model = str(path)
    else:
        bpy.ops.cachefile.open(filepath=str(path))


@pytest.mark.parametrize("how", ["audio", "model", "cache"])
@pytest.mark.parametrize("spelling", ["same", "link"])
def test_an_export_over_what_the_scene_reads_is_refused(scene, head, tmp_path, how, spelling):
    path = tmp_path / ("mine.abc" if how == "cache" else "mine.npz")
    path.write_bytes(b"the artist's")
    other = path
    if spelling == "link":
        other = tmp_path / f"other{path.suffix}"
        other.symlink_to(path)
    read_by(scene, path, how)
    write = bpy.ops.duet.export_alembic if how == "cache" else bpy.ops.duet.export_npz
    with pytest.raises(RuntimeError, match="is read by this scene, and not written over"):
        write(filepath=str(other))
    if how != "cache":
        with pytest.raises(RuntimeError, match="is read by this scene, and not written over"):
            bpy.ops.duet.flame_export(filepath=str(other))
    assert path.read_bytes() == b"the artist's"


def test_an_export_over_an_earlier_one_is_fine(scene, head, tmp_path):
    scene.duet.audio = str(tmp_path / "line.wav")
    for _ in range(2):
        assert bpy.ops.duet.export_npz(filepath=str(tmp_path / "take.npz")) == {"FINISHED"}
    with pytest.raises(OutputError):
        target_settings.require_no_input(scene, tmp_path / "line.wav")


def test_a_recording_that_is_gone_when_a_target_speaks_is_a_note(scene, head, tmp_path):
    scene.duet.audio = str(tmp_path / "line.wav")
    recording = recording_of(scene)
    (tmp_path / "line.wav").unlink()
    assert "line.wav' does not exist" in on_target._add_sound(scene, head, recording, 48)
    assert [strip.name for strip in sound.strips_of(scene, head)] == ["line"]
