"""`duet bake` as it is used: a manifest, real heads, several Blenders at once; the files are opened again."""

import subprocess
import sys

import bpy
import numpy as np
import pytest
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.scene import files
from duet.scene.blender import actions, compat, timing
from duet.scene.head import heads
from duet.tests.blender_fakes import write_wav
from duet.tests.livelink_fakes import read_livelink_csv

pytestmark = pytest.mark.blender

DUET = "import sys; from duet.operators.batch.cli import main; sys.exit(main())"


@pytest.fixture
def folder(tmp_path):
    """Three recordings of 1.5 s, and set.blend at 25 fps with the heads Ada and Bea."""
    rng = np.random.default_rng(1)
    for name in "abc":
        write_wav(tmp_path / f"{name}.wav", rng.normal(0, 0.1, 24000))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 25)
    for name in ("Ada", "Bea"):
        heads.add_head(load_head(), load_blendshapes(), scene.collection, bpy.context.view_layer).name = name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "set.blend"))
    return tmp_path


def duet(*arguments):
    command = [sys.executable, "-c", DUET, *map(str, arguments), "--engine", "numpy"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)


def speech_keys(obj):
    animation = obj.data.shape_keys.animation_data
    curves = compat.channelbag(animation.action, animation.action_slot).fcurves
    return next(c.range() for c in curves if "Speech" in c.data_path)


def test_a_manifest_on_two_processes(folder):
    rows = [
        "audio,output,head,emotion,fps",
        "a.wav,fresh.blend,,happy=0.8,23.976",
        "b.wav,ada.blend,set.blend/Ada,sad=1@0.5,",
        "c.wav,zed.blend,set.blend/Zed,,",
        "c.wav,which.blend,set.blend,,",
        "gone.wav,gone.blend,,,",
    ]
    (folder / "shots.csv").write_text("\n".join(rows))
    before = (folder / "set.blend").read_bytes()
    done = duet("bake", folder / "shots.csv", "--jobs", 2)
    assert done.returncode == 1, done.stderr
    assert done.stdout.endswith("\n2 done, 3 failed\n")
    assert len(done.stdout.splitlines()) == 3
    errors = [line for line in done.stderr.splitlines() if line.startswith("duet: error:")]
    assert len(errors) == 3
    for part in ("no object 'Zed'. Its Duet heads: 'Ada', 'Bea'.", "has 2 Duet heads", "gone.wav"):
        assert any(part in error for error in errors)
    assert sorted(path.name for path in folder.glob("*.blend")) == ["ada.blend", "fresh.blend", "set.blend"]
    assert (folder / "set.blend").read_bytes() == before
    check_fresh(folder / "fresh.blend")
    check_ada(folder / "ada.blend")
    again = duet("bake", folder / "shots.csv", "--dry-run")
    assert again.stdout.count("(up to date)") == 2
    check_exports(folder)


def check_fresh(path):
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene = bpy.context.scene
    assert timing.scene_fps(scene) == pytest.approx(24000 / 1001, rel=1e-7)
    assert (scene.frame_start, scene.frame_end) == (1, 36)  # 1.5 s begin 36 frames
    (head,) = heads.heads_of(scene)
    assert tuple(speech_keys(head)) == (1, 36)
    assert head["Happy"] == pytest.approx(0.8)


def check_ada(path):
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene = bpy.context.scene
    assert timing.scene_fps(scene) == 25
    assert files.frame_rate(path) == 25
    ada, bea = scene.objects["Ada"], scene.objects["Bea"]
    assert tuple(speech_keys(ada)) == (1, 38)
    assert actions.action_of(bea.data.shape_keys) is None
    scene.frame_set(10)
    assert ada["Sad"] == pytest.approx(0, abs=1e-6)
    scene.frame_set(38)
    assert ada["Sad"] == pytest.approx(1, abs=0.02)


def check_exports(folder):
    """The baked files for other programs, each from a process that ends."""
    blends = [folder / "fresh.blend", folder / "ada.blend"]
    done = duet_export(*blends, folder / "gone.blend", "-o", folder / "out", "--format", "csv", "--head", "Ada")
    assert done.returncode == 1
    assert done.stdout == f"{blends[1]} -> {folder / 'out/ada.csv'} (frames 1 to 38)\n1 done, 2 failed\n"
    assert "fresh.blend' has no object 'Ada'. Its heads: 'Duet Head'." in done.stderr
    assert "There is no file" in done.stderr and "gone.blend'" in done.stderr
    take = read_livelink_csv(folder / "out/ada.csv")
    assert (take.fps, take.frames[-1]) == (25.0, 37)
    done = duet_export(blends[0], "-o", folder / "fresh.glb")
    assert done.stdout == f"{blends[0]} -> {folder / 'fresh.glb'} (frames 1 to 36)\n", done.stderr
    assert (folder / "fresh.glb").read_bytes()[:4] == b"glTF"
    assert done.returncode == 0


def duet_export(*arguments):
    command = [sys.executable, "-c", DUET, "export", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
