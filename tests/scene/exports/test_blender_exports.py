"""Exports from Blender, opened again: glTF and USD with their shape keys, Alembic's vertices, weights as they play."""

import json
import re
import struct

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError, OutputError
from duet.inference.head.canonical import ARKIT_NAMES
from duet.inference.head.retarget import ArkitSolver
from duet.operators import export_head
from duet.scene.blender import timing
from duet.scene.exports import export_files, export_sampling
from duet.scene.exports.export_sampling import Span
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    apply_take,
    evaluated,
    expected_face,
    fingerprint,
)
from duet.tests.export_fakes import (
    BASIS,
    BLENDSHAPES,
    FRAMES,
    HEAD,
    KEYS,
    SPAN,
    START,
    export,
    plain_head,
    values_of,
    weights_of,
    write_weights,
)
from duet.tests.livelink_fakes import read_livelink_csv

pytestmark = pytest.mark.blender


def test_the_span_of_the_take_and_of_the_scene(scene, head):
    assert export_sampling.take_span(scene, head) == SPAN
    assert export_sampling.scene_span(scene) == Span(1, 100)
    head.data.shape_keys.animation_data.action = None
    assert export_sampling.take_span(scene, head) == Span(1, 100)


@pytest.mark.parametrize("suffix", [".glb", ".gltf", ".usda", ".usdc", ".abc", ".csv", ".json", ".npz"])
def test_an_export_changes_nothing_in_the_file(scene, head, tmp_path, suffix):
    scene.render.fps, scene.render.fps_base = 24, 1.001
    other = bpy.data.objects.new("Other", None)
    scene.collection.objects.link(other)
    head.hide_set(True)
    before, state = fingerprint(), selection(scene)
    export(scene, head, tmp_path / f"shot{suffix}", SPAN)
    assert fingerprint() == before
    assert selection(scene) == state
    assert [path.name for path in tmp_path.iterdir() if path.suffix == suffix] == [f"shot{suffix}"]


def selection(scene):
    objects = [(obj.name, obj.select_get(), obj.hide_get()) for obj in scene.objects]
    return objects, bpy.context.view_layer.objects.active, scene.render.fps_base, scene.use_preview_range


# glTF


class Glb:
    """A .glb file: its JSON, and its accessors as arrays."""

    def __init__(self, path):
        data = path.read_bytes()
        assert data[:4] == b"glTF"
        (length,) = struct.unpack_from("<I", data, 12)
        self.json = json.loads(data[20 : 20 + length])
        self._binary = data[20 + length + 8 :]

    def array(self, index):
        accessor = self.json["accessors"][index]
        shape = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        dtype = {5126: "<f4", 5123: "<u2", 5125: "<u4", 5121: "u1"}[accessor["componentType"]]
        values = np.zeros((accessor["count"], shape), dtype)
        if "bufferView" in accessor:
            values = self._view(accessor["bufferView"], dtype, values.size, accessor.get("byteOffset", 0))
            values = values.reshape(-1, shape).copy()
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            kinds = {5123: "<u2", 5125: "<u4", 5121: "u1"}
            where = sparse["indices"]
            rows = self._view(where["bufferView"], kinds[where["componentType"]], sparse["count"])
            values[rows] = self._view(sparse["values"]["bufferView"], dtype, sparse["count"] * shape).reshape(-1, shape)
        return values

    def _view(self, index, dtype, count, offset=0):
        return np.frombuffer(self._binary, dtype, count, self.json["bufferViews"][index].get("byteOffset", 0) + offset)

    def weights(self):
        """(seconds (T,), weights (T, targets)) of the mesh's animation."""
        (animation,) = self.json["animations"]
        (channel,) = [c for c in animation["channels"] if c["target"]["path"] == "weights"]
        sampler = animation["samplers"][channel["sampler"]]
        assert sampler["interpolation"] == "LINEAR"
        seconds = self.array(sampler["input"])[:, 0]
        return seconds, self.array(sampler["output"]).reshape(len(seconds), -1)


def test_gltf_has_every_key_and_moves_as_the_head(scene, head, take, tmp_path):
    export_files.export_geometry(scene, head, tmp_path / "head.glb", SPAN)
    glb = Glb(tmp_path / "head.glb")
    (mesh,) = glb.json["meshes"]
    assert tuple(mesh["extras"]["targetNames"]) == KEYS
    assert all(len(primitive["targets"]) == len(KEYS) for primitive in mesh["primitives"])
    seconds, weights = glb.weights()
    assert len(seconds) == FRAMES
    np.testing.assert_allclose(weights, values_of(take), atol=1e-4)
    assert glb.json["skins"][0]["joints"]
    for primitive in mesh["primitives"]:  # each is the faces of one material
        frame = 13
        points = glb.array(primitive["attributes"]["POSITION"]).astype(float)
        for value, target in zip(weights[frame], primitive["targets"], strict=True):
            points += value * glb.array(target["POSITION"])
        face = expected_face(HEAD, BLENDSHAPES, take, frame)[:, [0, 2, 1]] * [1, 1, -1]  # glTF has y up
        nearest = np.linalg.norm(points[:, None] - face[None], axis=2).min(axis=1)
        assert nearest.max() < 1e-5


@pytest.mark.parametrize("fps", [24000 / 1001, 24, 25, 30000 / 1001, 30, 60, 120])
def test_seconds_in_gltf_are_exact(scene, head, tmp_path, fps):
    timing.set_scene_fps(scene, fps)
    export_files.export_geometry(scene, head, tmp_path / "head.glb", SPAN)
    seconds, _ = Glb(tmp_path / "head.glb").weights()
    np.testing.assert_allclose(seconds, np.arange(FRAMES) / fps, rtol=1e-6, atol=1e-7)


# USD


def test_usd_has_every_key_and_moves_as_the_head(scene, head, take, tmp_path):
    timing.set_scene_fps(scene, 24000 / 1001)
    export_files.export_geometry(scene, head, tmp_path / "head.usda", SPAN)
    text = (tmp_path / "head.usda").read_text()
    assert len(re.findall(r"def BlendShape ", text)) == len(KEYS)
    number = lambda name: float(re.search(rf"{name} = ([\d.]+)", text)[1])  # noqa: E731
    assert number("timeCodesPerSecond") == pytest.approx(24000 / 1001, rel=1e-6)
    assert (number("startTimeCode"), number("endTimeCode")) == (START, START + FRAMES - 1)
    block = re.search(r"blendShapeWeights\.timeSamples = \{(.*?)\n\s*\}", text, re.DOTALL)[1]
    rows = re.findall(r"(\d+): \[(.*?)\]", block)
    assert [int(frame) for frame, _ in rows] == list(SPAN.frames)
    weights = np.array([[float(value) for value in values.split(",")] for _, values in rows])
    tokens = re.search(r"uniform token\[\] blendShapes = \[(.*?)\]", text, re.DOTALL)[1]
    names = re.findall(r'"(.*?)"', tokens)
    assert set(names) == {name.replace(" ", "_") for name in KEYS}
    due = values_of(take, [name.replace("_", " ") for name in names])
    np.testing.assert_allclose(weights, due, atol=1e-4)
    assert "def SkelAnimation" in text


# Alembic


def test_alembic_has_the_moving_vertices(scene, head, take, tmp_path):
    timing.set_scene_fps(scene, 24000 / 1001)
    apply_take(scene, head, take_at(take, 24000 / 1001), tmp_path / "line.wav", START)
    export_files.export_geometry(scene, head, tmp_path / "head.abc", SPAN)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 24000 / 1001)
    bpy.ops.wm.alembic_import(filepath=str(tmp_path / "head.abc"), as_background_job=False)
    (mesh,) = [obj for obj in scene.objects if obj.type == "MESH"]
    for frame in (0, 7, FRAMES - 1):
        points = evaluated(mesh, START + frame)
        np.testing.assert_allclose(points, expected_face(HEAD, BLENDSHAPES, take, frame), atol=1e-5)


def take_at(take, fps):
    from dataclasses import replace

    return replace(take, fps=fps)


# Weights


def test_weights_are_what_plays_now(scene, head, take, tmp_path):
    key = head.data.shape_keys
    key.key_blocks[SPEECH_NAMES[1]].mute = True
    key.key_blocks["eyeBlinkLeft"].value = 0.0
    key.key_blocks["eyeBlinkLeft"].keyframe_insert("value", frame=START)
    key.key_blocks["eyeBlinkLeft"].value = 1.0
    key.key_blocks["eyeBlinkLeft"].keyframe_insert("value", frame=START + 10)
    assert write_weights(scene, head, tmp_path / "head.npz", SPAN) == FRAMES
    with np.load(tmp_path / "head.npz") as data:
        weights = weights_of(take)
        weights[:, 1] = 0
        np.testing.assert_allclose(data["speech_weights"], weights[:, : len(SPEECH_NAMES)], atol=1e-6)
        np.testing.assert_allclose(data["expression_curves"], weights[:, len(SPEECH_NAMES) :], atol=1e-4)
        np.testing.assert_allclose(data["emotion_curves"], take.emotion_curves, atol=1e-3)
        arkit = ArkitSolver(HEAD.arkit, BASIS)(weights)
        blink = ARKIT_NAMES.index("eyeBlinkLeft")
        assert data["arkit"][10, blink] == 1.0
        rest = np.arange(52) != blink
        np.testing.assert_allclose(data["arkit"][:, rest], arkit[:, rest], atol=1e-3)


def test_json_and_csv_agree(scene, head, tmp_path):
    for name in ("head.json", "head.csv"):
        write_weights(scene, head, tmp_path / name, SPAN)
    data = json.loads((tmp_path / "head.json").read_text())
    assert (data["fps"], data["frames"], data["meta"]["audio"]) == (24.0, FRAMES, "line.wav")
    read = read_livelink_csv(tmp_path / "head.csv")
    np.testing.assert_allclose(read.values[:, :52], data["weights"], atol=1e-6)


def test_a_mesh_with_arkit_keys_alone(scene, tmp_path):
    obj = plain_head(["!ex-jawOpen", "eyeBlink_L", "MouthSmileRight", "nose"])
    for value, frame in ((0.0, 1), (1.0, 5)):
        obj.data.shape_keys.key_blocks["eyeBlink_L"].value = value
        obj.data.shape_keys.key_blocks["eyeBlink_L"].keyframe_insert("value", frame=frame)
    write_weights(scene, obj, tmp_path / "plain.csv", Span(1, 5))
    read = read_livelink_csv(tmp_path / "plain.csv", 24.0)
    assert read.values[-1, read.names.index("EyeBlinkLeft")] == 1
    assert read.values.sum(axis=1)[0] == 0


# What cannot be written


@pytest.mark.parametrize("name", ["head.fbx", "head"])
def test_other_suffixes_are_named(scene, head, tmp_path, name):
    with pytest.raises(OutputError, match=r"does not end in \.abc"):
        export_files.export_geometry(scene, head, tmp_path / name, SPAN)


@pytest.mark.parametrize("suffix", [".glb", ".usdc", ".abc", ".csv"])
def test_an_output_that_cannot_be_written_is_named_and_kept(scene, head, tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    path.write_text("precious")
    path.chmod(0o444)
    before = fingerprint()
    with pytest.raises(OutputError, match="read-only"):
        export(scene, head, path, SPAN)
    assert path.read_text() == "precious"
    assert fingerprint() == before


@pytest.mark.parametrize("suffix", [".glb", ".usdc", ".abc"])
def test_an_exporter_that_fails_leaves_no_trace(scene, head, tmp_path, monkeypatch, suffix):
    def fail(path, span):
        path.write_text("half")
        raise RuntimeError("no space")

    kind = export_files.FORMATS[suffix]
    broken = export_files._Format(kind.name, kind.is_built, fail)
    monkeypatch.setitem(export_files.FORMATS, suffix, broken)
    before, state = fingerprint(), selection(scene)
    with pytest.raises(OutputError, match=rf"could not write .*shot\{suffix}': no space"):
        export_files.export_geometry(scene, head, tmp_path / f"shot{suffix}", SPAN)
    assert fingerprint() == before
    assert selection(scene) == state
    assert not list(tmp_path.glob(f"*{suffix}"))


def test_a_blender_without_the_library_says_so(scene, head, tmp_path, monkeypatch):
    kind = export_files.FORMATS[".usdc"]
    monkeypatch.setitem(export_files.FORMATS, ".usdc", export_files._Format(kind.name, lambda: False, kind.write))
    with pytest.raises(OutputError, match="built without USD"):
        export_files.export_geometry(scene, head, tmp_path / "head.usdc", SPAN)
    assert "built without USD" in export_head._Export.reason.__func__(export_head.EXPORTS[4], bpy.context)


def test_an_object_without_a_face_is_named(scene, tmp_path):
    obj = plain_head(["nose"])
    with pytest.raises(HeadError, match="'Plain' has no take and no shape keys with ARKit's names"):
        write_weights(scene, obj, tmp_path / "x.csv", Span(1, 2))
