"""Exports hold all that speaks with a head: its teeth, its eyes, what its action moves; and the files are read back."""

import json
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import OutputError
from duet.scene.blender import actions, shape_keys
from duet.scene.exports import export_files, export_sampling
from duet.scene.head import followers, heads, ownership
from duet.tests.blender_fakes import (
    apply_take,
    evaluated,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    head_part,
    write_wav,
)
from duet.tests.export_fakes import leave_out

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES = fake_head(), fake_blendshapes()
TEETH, EYE, LASHES = np.arange(45, 70), np.arange(70, 81), np.arange(30, 45)
SUFFIXES = ["glb", "gltf", "usdc", "abc"]
FRAMES = (1, 17, 40)


def part(scene, name, rows, place, moves=True):
    obj = head_part(scene, name, rows, place)
    if moves:
        shape_keys.add_shape_keys(obj, SHAPES.speech_names, SHAPES.speech_basis[:, rows])
        ownership.record(obj.data.shape_keys, SHAPES.speech_names)
    return obj


@pytest.fixture
def head(scene, tmp_path):
    """A head that speaks: teeth under it, an eye that stands still under an empty, lashes that hang on nothing."""
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    teeth, eye = part(scene, "Teeth", TEETH, (0, 0.01, 0)), part(scene, "Eye", EYE, (0, 0, 0.02), moves=False)
    lashes, group = part(scene, "Lashes", LASHES, (0, 0, 0)), bpy.data.objects.new("Group", None)
    scene.collection.objects.link(group)
    teeth.parent, eye.parent, group.parent = obj, group, obj.parent
    for each in (teeth, eye, lashes):
        followers.attach(obj, each, {})
    followers.share_emotions(obj)
    bpy.ops.mesh.primitive_monkey_add()  # of nobody's
    voice = write_wav(tmp_path / "a.wav", np.sin(np.arange(32000) * 0.1))
    take = fake_take(emotions={"happy": np.linspace(0, 1, 48)})
    take = replace(take, speech_weights=np.clip(take.speech_weights, 0, 1))  # as far as Blender's importers read
    apply_take(scene, obj, take, voice, 1)
    scene.frame_set(1)
    return obj


def export(scene, head, path):
    export_files.export_geometry(scene, head, path, export_sampling.take_span(scene, head))


def read(path):
    """name -> vertices in the world (F, V, 3) of each mesh of the file, as Blender imports it into an empty scene."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = 24
    if path.suffix == ".abc":
        bpy.ops.wm.alembic_import(filepath=str(path), as_background_job=False)
    elif path.suffix == ".usdc":
        bpy.ops.wm.usd_import(filepath=str(path))
    else:
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
        bpy.ops.import_scene.gltf(filepath=str(path), bone_heuristic="BLENDER")
    shift = 1 if path.suffix in (".glb", ".gltf") else 0  # their second 0 is the span's first frame
    meshes = [obj for obj in bpy.data.objects if obj.type == "MESH" and obj.name != "Icosphere"]  # which shows bones
    return {plain(obj.name): np.stack([placed(obj, frame - shift) for frame in FRAMES]) for obj in meshes}


def plain(name):
    return name.removesuffix(".001").replace("_", " ")


def placed(obj, frame):
    local = evaluated(obj, frame)
    world = np.array(obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)
    return local @ world[:3, :3].T + world[:3, 3]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_all_that_follows_is_in_the_file_and_moves_as_in_the_scene(scene, head, tmp_path, suffix):
    names = ("Duet Head", "Teeth", "Eye", "Lashes")
    due = {name: np.stack([placed(bpy.data.objects[name], frame) for frame in FRAMES]) for name in names}
    scene.frame_set(1)
    before = fingerprint()
    export(scene, head, tmp_path / f"a.{suffix}")
    assert fingerprint() == before
    found = read(tmp_path / f"a.{suffix}")
    assert set(found) == set(names)
    for name in names:
        near = np.linalg.norm(found[name][:, :, None] - due[name][:, None], axis=-1)  # glTF parts vertices at seams
        assert near.min(axis=1).max() < 2e-4, name
    assert np.abs(due["Teeth"][0] - due["Teeth"][1]).max() > 1e-3


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["Teeth", "Eye"])
def test_a_part_that_is_left_out_is_an_error(scene, head, tmp_path, suffix, name, monkeypatch):
    leave_out(monkeypatch, name)
    before = fingerprint()
    with pytest.raises(OutputError, match="left 1 of the meshes 'Duet Head', 'Teeth', 'Eye', 'Lashes' out"):
        export(scene, head, tmp_path / f"a.{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert fingerprint() == before


def test_teeth_that_stand_still_in_an_alembic_file_are_found(scene, head, tmp_path, monkeypatch):
    write = export_files.FORMATS[".abc"].write

    def still(path, span):
        for curve in bpy.data.objects["Teeth"].data.shape_keys.animation_data.drivers:
            curve.mute = True
        bpy.data.objects["Teeth"].data.shape_keys.update_tag()
        return write(path, span)

    kind = export_files.FORMATS[".abc"]
    monkeypatch.setitem(export_files.FORMATS, ".abc", type(kind)(kind.name, kind.is_built, still))
    with pytest.raises(OutputError, match=r"wrote '\w+' moving"):
        export(scene, head, tmp_path / "a.abc")


def test_meshes_that_play_the_same_action_go_along(scene, head, tmp_path):
    """As Apply to ARKit Head and Live Link imports key a character's teeth."""
    tongue = part(scene, "Tongue", np.arange(10, 30), (0, 0, 0))
    actions.assign(tongue.data.shape_keys, actions.action_of(head.data.shape_keys))
    twin = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    actions.assign(twin.data.shape_keys, actions.action_of(head.data.shape_keys))
    names = [obj.name for obj in export_files.character_of(scene, head)]
    assert sorted(names) == ["Duet Head", "Eye", "Lashes", "Teeth", "Tongue"]
    export(scene, head, tmp_path / "a.glb")
    assert "Tongue" in read(tmp_path / "a.glb")


def test_a_follower_of_another_scene_stays_there(scene, head):
    teeth = bpy.data.objects["Teeth"]
    bpy.data.scenes.new("Other").collection.objects.link(teeth)
    scene.collection.objects.unlink(teeth)
    assert teeth not in export_files.character_of(scene, head)


def painted(head, path):
    """Give the head one material with a picture that has changed since it was saved; return what was saved."""
    picture = bpy.data.images.new("skin", 4, 4)
    picture.filepath_raw, picture.file_format = str(path), "PNG"
    picture.save()
    own = path.read_bytes()
    material = bpy.data.materials.new("Skin")
    material.use_nodes = True
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = picture
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    material.node_tree.links.new(texture.outputs["Color"], surface.inputs["Base Color"])
    picture.pixels[0:4] = (1, 0, 0, 1)
    head.data.materials.clear()
    head.data.materials.append(material)
    return own


def test_a_usd_file_finds_its_pictures_and_none_is_written_over(scene, head, tmp_path):
    own = painted(head, tmp_path / "skin.png")
    bpy.data.images["skin"].pack()
    (tmp_path / "out").mkdir()
    for _ in range(2):
        export(scene, head, tmp_path / "out" / "a.usda")
    assert (
        f"@./textures/{next((tmp_path / 'out' / 'textures').iterdir()).name}@"
        in (tmp_path / "out" / "a.usda").read_text()
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.usda", "textures"]
    (found,) = (tmp_path / "out" / "textures").iterdir()
    found.write_bytes(b"the artist's")
    export(scene, head, tmp_path / "out" / "a.usda")
    assert found.read_bytes() == b"the artist's"
    assert (tmp_path / "skin.png").read_bytes() == own


def test_a_gltf_as_text_is_one_file_and_leaves_what_lies_beside_it(scene, head, tmp_path):
    """Blender's exporter names its pictures as they are named in the scene, and would write over the animator's own."""
    own = painted(head, tmp_path / "skin.png")
    before = sorted(path.name for path in tmp_path.iterdir())
    export(scene, head, tmp_path / "a.gltf")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "a.gltf"])
    assert (tmp_path / "skin.png").read_bytes() == own
    document = json.loads((tmp_path / "a.gltf").read_text())
    uris = [each["uri"] for each in (*document["buffers"], *document["images"])]
    assert len(uris) == 2
    assert all(uri.startswith("data:") for uri in uris)
    Path(tmp_path / "moved").mkdir()
    (tmp_path / "a.gltf").rename(tmp_path / "moved" / "b.gltf")
    assert len(read(tmp_path / "moved" / "b.gltf")["Duet Head"]) == len(FRAMES)
