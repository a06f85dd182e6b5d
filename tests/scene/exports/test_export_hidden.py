"""Exports hold the head that was asked for, whatever hides or locks it, or they fail; and they change nothing."""

import json
import struct
import sys
from contextlib import nullcontext
from itertools import pairwise

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError, OutputError
from duet.inference.steps import finish
from duet.scene.exports import export_checks, export_files, export_sampling
from duet.scene.exports.export_sampling import Span
from duet.scene.head import heads
from duet.tests.blender_fakes import apply_take, fake_blendshapes, fake_head, fake_take, fingerprint, write_wav
from duet.tests.export_fakes import leave_out

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
SUFFIXES = ["glb", "gltf", "usdc", "usda", "abc"]


@pytest.fixture
def head(scene, tmp_path):
    cast = bpy.data.collections.new("Cast")
    scene.collection.children.link(cast)
    obj = heads.add_head(fake_head(), fake_blendshapes(), cast, bpy.context.view_layer)
    voice = write_wav(tmp_path / "a.wav", np.sin(np.arange(32000) * 0.1))
    apply_take(scene, obj, fake_take(), voice, 1)
    return obj


def excluded(head):
    bpy.context.view_layer.layer_collection.children["Cast"].exclude = True


def collection(name):
    return lambda head: setattr(bpy.data.collections["Cast"], name, True)


def another_object_edited(head):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")


HIDING = {
    "eye": lambda head: (head.hide_set(True), head.parent.hide_set(True)),
    "select": lambda head: setattr(head, "hide_select", True),
    "viewport": lambda head: setattr(head, "hide_viewport", True),
    "render": lambda head: setattr(head, "hide_render", True),
    "armature": lambda head: setattr(head.parent, "hide_viewport", True),
    "collection select": collection("hide_select"),
    "collection viewport": collection("hide_viewport"),
    "collection render": collection("hide_render"),
    "excluded": excluded,
    "another object in Edit Mode": another_object_edited,
    "holdout layer": lambda head: setattr(
        bpy.context.view_layer.layer_collection.children["Cast"], "hide_viewport", True
    ),
}


def export(scene, head, path):
    finish(export_files.export_steps(scene, head, path, export_sampling.take_span(scene, head)))


@pytest.mark.parametrize("suffix", ["glb", "usdc", "abc"])
def test_whatever_hides_it_the_file_is_the_same(scene, head, tmp_path, suffix):
    plain = tmp_path / f"plain.{suffix}"
    export(scene, head, plain)
    for how, hide in HIDING.items():
        bpy.ops.ed.undo_push(message=how)
        hide(head)
        before = fingerprint()
        export(scene, head, tmp_path / f"{how}.{suffix}")
        assert fingerprint() == before, how
        assert abs((tmp_path / f"{how}.{suffix}").stat().st_size - plain.stat().st_size) < 200, how


def test_the_rest_of_the_scene_is_not_in_the_file(scene, head, tmp_path):
    bpy.ops.mesh.primitive_monkey_add()
    export(scene, head, tmp_path / "a.glb")
    data = (tmp_path / "a.glb").read_bytes()
    document = json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])
    assert len(document["meshes"]) == 1
    assert len(document["scenes"]) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_without_the_head_is_an_error_and_no_file(scene, head, tmp_path, suffix, monkeypatch):
    """Blender's exporter says it has finished, and wrote nothing of what was selected."""
    kept = tmp_path / f"a.{suffix}"
    kept.write_bytes(b"an earlier export")
    leave_out(monkeypatch, "Duet Head")
    with pytest.raises(OutputError, match=r"left the mesh of 'Duet Head' out|could not write"):
        export(scene, head, kept)
    assert kept.read_bytes() == b"an earlier export"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.wav", kept.name])


@pytest.mark.parametrize("suffix", ["glb", "usda"])
def test_missing_keys_and_frames_are_found(scene, head, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    export(scene, head, path)
    keys = len(head.data.shape_keys.key_blocks) - 1

    def check(*due):
        export_checks.require_keys(scene, path, {"Duet Head": export_checks.Keys(*due)})

    check(keys, 48)
    with pytest.raises(OutputError, match=f"{keys} of {keys + 1} shape keys and 48 of 48 frames of 'Duet Head'"):
        check(keys + 1, 48)
    with pytest.raises(OutputError, match="48 of 60 frames"):
        check(keys, 60)


def test_usd_is_read_by_import_where_its_library_is_missing(scene, head, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pxr", None)
    export(scene, head, tmp_path / "a.usdc")
    keys, before = len(head.data.shape_keys.key_blocks) - 1, fingerprint()
    for due, message in (((keys, 48), ""), ((keys + 1, 48), "shape keys"), ((keys, 60), "48 of 60 frames")):
        with pytest.raises(OutputError, match=message) if message else nullcontext():
            export_checks.require_keys(scene, tmp_path / "a.usdc", {"Duet Head": export_checks.Keys(*due)})
    assert fingerprint() == before


def test_frames_and_motion_of_alembic_are_found(scene, head, tmp_path):
    export(scene, head, tmp_path / "a.abc")
    before = fingerprint()

    def check(way, first, last):
        due = {"Duet Head": way}
        export_checks.require_motion(scene, tmp_path / "a.abc", due, first, last, [1, 20, 40])

    check(0.01, 1, 48)
    with pytest.raises(OutputError, match="wrote the frames 1 to 48 of 1 to 60"):
        check(0.01, 1, 60)
    with pytest.raises(OutputError, match=r"wrote 'Duet Head' moving 0\.\d+, not 5"):
        check(5.0, 1, 48)
    assert fingerprint() == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_head_under_an_empty_is_written(scene, head, tmp_path, suffix):
    """Blender's glTF exporter begins at what has no parent in the scene."""
    root = bpy.data.objects.new("Root", None)
    scene.collection.objects.link(root)
    head.parent.parent = root
    export(scene, head, tmp_path / f"a.{suffix}")


def pinned(scene, head):
    head.show_only_shape_key = True


def stretched(scene, head):
    scene.render.frame_map_new = 50


def at_another_rate(scene, head):
    scene.render.fps = 30


@pytest.mark.parametrize("change", [pinned, stretched, at_another_rate])
def test_a_face_that_does_not_show_as_it_was_made_is_said(scene, head, tmp_path, change):
    scene.duet.head = bpy.context.view_layer.objects.active = head
    assert export_files.notes_on(scene, head) == []
    change(scene, head)
    (note,) = export_files.notes_on(scene, head)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    for suffix in ("abc", "json"):
        _, notes = export_files.export_file(tmp_path / "a.blend", "", tmp_path / f"a.{suffix}", False)
        assert notes == [note]


def test_frames_before_0_are_written_whole_or_refused(scene, head, tmp_path):
    apply_take(scene, head, fake_take(), tmp_path / "a.wav", -20)
    assert export_sampling.take_span(scene, head) == Span(-20, 27)
    for suffix in ("glb", "usdc"):
        with pytest.raises(HeadError, match=r"frames -20 to 27 begin before 0.*Start Frame"):
            export(scene, head, tmp_path / f"a.{suffix}")
        assert not (tmp_path / f"a.{suffix}").exists()
    export(scene, head, tmp_path / "a.abc")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.alembic_import(filepath=str(tmp_path / "a.abc"), as_background_job=False)
    (mesh,) = [obj for obj in bpy.data.objects if obj.type == "MESH"]
    faces = []
    for frame in (-20, -5, 10, 27):
        bpy.context.scene.frame_set(frame)
        evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        flat = np.empty(3 * len(evaluated.vertices), np.float32)
        evaluated.vertices.foreach_get("co", flat)
        faces.append(flat)
    assert min(np.abs(a - b).max() for a, b in pairwise(faces)) > 1e-3


def test_a_head_in_edit_mode_is_refused(scene, head, tmp_path):
    bpy.context.view_layer.objects.active = head
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(HeadError, match="'Duet Head' is in Edit Mode, where its face stands still"):
        export(scene, head, tmp_path / "a.glb")
