"""The operators of exports: each writes its file, and says why it cannot."""

import base64
import json

import bpy
import pytest
from duet.scene.exports import export_files
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    fingerprint,
)
from duet.tests.export_fakes import (
    FRAMES,
    SPAN,
    export,
    plain_head,
)

pytestmark = pytest.mark.blender


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("livelink", ".csv"),
        ("json", ".json"),
        ("npz", ".npz"),
        ("gltf", ".glb"),
        ("usd", ".usdc"),
        ("alembic", ".abc"),
    ],
)
def test_each_operator_writes_its_file(scene, head, tmp_path, name, suffix):
    operator = getattr(bpy.ops.duet, f"export_{name}")
    before = fingerprint()
    assert operator(filepath=str(tmp_path / f"head{suffix}")) == {"FINISHED"}
    assert (tmp_path / f"head{suffix}").stat().st_size
    assert fingerprint() == before
    with pytest.raises(RuntimeError, match=r"does not end in|is a folder"):
        operator(filepath=str(tmp_path))


def test_the_file_selector_offers_every_suffix(scene, head):
    for name, due in {"gltf": (".glb", ".gltf"), "usd": (".usdc", ".usda", ".usd"), "json": (".json",)}.items():
        kind = getattr(bpy.ops.duet, f"export_{name}").get_rna_type().properties.get("kind")
        assert (tuple(kind.enum_items.keys()) if kind else (".json",)) == due


@pytest.mark.parametrize("suffix", [".csv", ".json", ".npz"])
@pytest.mark.parametrize("count", [1, FRAMES // 2, FRAMES + 1])
def test_an_export_that_is_cancelled_leaves_no_trace(scene, head, tmp_path, suffix, count):
    before, files = fingerprint(), sorted(tmp_path.iterdir())
    steps = export_files.weights_steps(scene, head, tmp_path / f"head{suffix}", SPAN)
    for _ in range(count):
        next(steps)
    steps.close()
    assert fingerprint() == before
    assert sorted(tmp_path.iterdir()) == files


def test_gltf_as_text_holds_its_numbers(scene, head, take, tmp_path):
    export(scene, head, tmp_path / "head.gltf", SPAN)
    written = json.loads((tmp_path / "head.gltf").read_text())
    (buffer,) = written["buffers"]
    kind, _, numbers = buffer["uri"].partition(",")
    assert kind == "data:application/octet-stream;base64"
    assert len(base64.b64decode(numbers)) == buffer["byteLength"]
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".bin"] == []
    assert written["meshes"][0]["extras"]["targetNames"][: len(SPEECH_NAMES)] == list(SPEECH_NAMES)


def test_the_whole_scene_or_the_performance(scene, head, tmp_path):
    bpy.ops.duet.export_json(filepath=str(tmp_path / "take.json"))
    bpy.ops.duet.export_json(filepath=str(tmp_path / "scene.json"), span="SCENE")
    counts = [json.loads((tmp_path / name).read_text())["frames"] for name in ("take.json", "scene.json")]
    assert counts == [FRAMES, 100]


def test_a_recording_is_imported_on_the_active_mesh(scene, head, tmp_path):
    bpy.ops.duet.export_livelink(filepath=str(tmp_path / "take.csv"))
    obj = plain_head(["jawOpen"])
    obj.select_set(True)
    bpy.context.view_layer.objects.active = obj
    assert bpy.ops.duet.import_livelink(filepath=str(tmp_path / "take.csv"), start_frame=3, fps=24) == {"FINISHED"}
    assert obj.data.shape_keys.animation_data.action.name == "Live Link take"
    (tmp_path / "take.csv").write_text("Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,1,wide\n")
    with pytest.raises(RuntimeError, match=r"take\.csv', row 2, column JawOpen: 'wide' is not a number"):
        bpy.ops.duet.import_livelink(filepath=str(tmp_path / "take.csv"))


def test_without_a_head_the_buttons_say_why(scene):
    with pytest.raises(RuntimeError, match="Choose one under Head, or select a mesh"):
        bpy.ops.duet.export_gltf(filepath="x.glb")
