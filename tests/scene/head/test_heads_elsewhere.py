"""Heads in other scenes, in collection instances, under odd names; properties and keys that only look like Duet's."""

import json

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.head.arkit_names import match_keys, recognise
from duet.inference.head.canonical import ARKIT_NAMES
from duet.operators import generate
from duet.operators.batch.jobs import place_of_head
from duet.scene import choice, files
from duet.scene.blender import shape_keys
from duet.scene.exports import export_files
from duet.scene.head import heads
from duet.scene.take import takes
from duet.scene.targets import arkit_heads, target_settings
from duet.tests.blender_fakes import (
    apply_take,
    bake_file,
    fake_blendshapes,
    fake_head,
    fake_take,
    playback_of,
    write_wav,
)

pytestmark = pytest.mark.blender


@pytest.fixture(autouse=True)
def small_heads(scene, monkeypatch):
    monkeypatch.setattr(files, "load_head", fake_head)
    monkeypatch.setattr(files, "load_blendshapes", fake_blendshapes)


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))


def add(scene, name="Ada"):
    obj = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    obj.name = name
    return obj


def moved_to(scene, obj):
    for each in (obj, obj.parent):
        scene.collection.objects.link(each)
        bpy.context.scene.collection.objects.unlink(each)


def test_a_head_of_another_scene_is_named(scene, voice, tmp_path):
    ada, other = add(scene), bpy.data.scenes.new("Shot 2")
    moved_to(other, ada)
    scene.duet.head, scene.duet.audio = ada, str(voice)
    assert choice.target_head(scene) is None
    reason = generate.DUET_OT_generate.why_not(bpy.context)
    assert "'Ada' is in the scene 'Shot 2', not in 'Scene'. Make 'Shot 2' the active scene" in reason
    base = tmp_path / "set.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(base))
    for name in ("", "Ada"):  # a head of its own would not be what was meant
        with pytest.raises(HeadError, match="'Ada' is in the scene 'Shot 2'"):
            bake_file(voice, fake_take(), tmp_path / "out.blend", base, name)
        with pytest.raises(HeadError, match="'Ada' is in the scene 'Shot 2'"):
            export_files.export_file(base, name, tmp_path / "out.glb", False)
    assert not (tmp_path / "out.blend").exists()


def test_a_collection_instance_is_named(scene, voice, tmp_path):
    cast = bpy.data.collections.new("Cast")
    ada = add(scene)
    for each in (ada, ada.parent):
        cast.objects.link(each)
        scene.collection.objects.unlink(each)
    empty = bpy.data.objects.new("Ada in the room", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", cast
    scene.collection.objects.link(empty)
    scene.duet.audio = str(voice)
    reason = generate.DUET_OT_generate.why_not(bpy.context)
    assert "'Ada in the room' shows the collection 'Cast', which holds the head. Use Object > Apply" in reason
    base = tmp_path / "set.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(base))
    with pytest.raises(HeadError, match="'Ada in the room' shows the collection"):
        bake_file(voice, fake_take(), tmp_path / "out.blend", base)


def test_several_heads_are_named(scene, voice):
    add(scene, "Ada"), add(scene, "Bea")
    scene.duet.audio = str(voice)
    reason = generate.DUET_OT_generate.why_not(bpy.context)
    assert "The scene has 2 Duet heads: 'Ada', 'Bea'. Choose one under Head." in reason


def test_another_object_of_the_name_is_not_the_head(scene, tmp_path):
    """A linked head may share its name with one of the file's own."""
    add(scene)
    library = tmp_path / "cast.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    own = add(scene)
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Ada"]
    linked = wanted.objects[0]
    assert (linked.name, linked != own) == (own.name, True)
    scene.duet.head = scene.duet_target.obj = linked
    assert choice.target_head(scene) == own
    assert target_settings.target_of(scene) is None
    scene.collection.objects.link(linked)
    assert choice.target_head(scene) == linked


@pytest.mark.parametrize("name", ["Ada/Löwe", "back\\slash", 'quo"te', "a.blend", "Ada [1]", "  "])
def test_odd_names_of_heads_and_keys(scene, voice, tmp_path, name):
    ada = add(scene, name)
    ada.data.shape_keys.key_blocks["jawOpen"].name = f"{name} jaw"
    assert apply_take(scene, ada, fake_take(), voice, 1) == []
    assert playback_of(scene, ada).weights == pytest.approx(fake_take().speech_weights, abs=1e-5)
    export_files.export_geometry(scene, ada, tmp_path / "a.glb", export_files.take_span(scene, ada))


def test_names_with_slashes_are_found_on_the_command_line(tmp_path):
    (tmp_path / "old.blend").mkdir()
    for path in (tmp_path / "set.blend", tmp_path / "old.blend" / "set.blend"):
        path.write_bytes(b"")
    assert place_of_head("set.blend/Ada/Löwe", tmp_path, None) == (tmp_path / "set.blend", "Ada/Löwe")
    assert place_of_head("set.blend/x.blend/y", tmp_path, None) == (tmp_path / "set.blend", "x.blend/y")
    assert place_of_head("old.blend/set.blend/Ada", tmp_path, None) == (tmp_path / "old.blend" / "set.blend", "Ada")
    assert place_of_head("none.blend/Ada", tmp_path, None) == (tmp_path / "none.blend", "Ada")
    assert place_of_head("set.blend//Ada/", tmp_path, None) == (tmp_path / "set.blend", "/Ada/")
    base = tmp_path / "set.blend"
    assert place_of_head("old.blend/Ada", tmp_path, base) == (base, "old.blend/Ada")  # no file, but an object's name
    assert place_of_head("set.blend/Ada", tmp_path, tmp_path / "open.blend") == (base, "Ada")


ODD = ["Ada/Löwe", "x.blend/y", "/Ada", "back\\slash", " Ada ", "Ada"]


@pytest.mark.parametrize("name", ODD)
def test_the_head_of_an_odd_name_is_the_one_that_speaks_and_is_exported(scene, voice, tmp_path, name):
    for each in ODD:
        add(scene, each)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "set.blend"))
    base, head = place_of_head(f"set.blend/{name}", tmp_path, None)
    bake_file(voice, fake_take(), tmp_path / "out.blend", base, head)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    assert [obj.name for obj in heads.heads_of(bpy.context.scene) if takes.active(obj)] == [name]
    export_files.export_file(tmp_path / "out.blend", name, tmp_path / "a.glb", False)
    data = (tmp_path / "a.glb").read_bytes()
    document = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    assert [node["name"] for node in document["nodes"] if "mesh" in node] == [name]


@pytest.mark.parametrize("value", ["text", 3, True, [1.0, 2.0], {"a": 1.0}])
@pytest.mark.parametrize("name", ["Happy", "Silence", "Mix Limit"])
def test_a_property_of_another_type_is_named_and_left(scene, name, value):
    ada = add(scene)
    plain = bpy.data.objects.new("Mine", ada.data)
    for each in ada.keys():  # noqa: SIM118
        assert each not in plain
    plain[name] = value
    blocks = len(ada.data.shape_keys.key_blocks)
    with pytest.raises(HeadError, match=f"'Mine' has a custom property '{name}' that is no Float"):
        heads.add_feelings(plain, fake_blendshapes())
    assert sorted(plain.keys()) == [name]
    assert len(ada.data.shape_keys.key_blocks) == blocks


def test_a_float_of_the_users_keeps_its_value(scene):
    ada = add(scene)
    plain = bpy.data.objects.new("Mine", ada.data)
    plain["Happy"] = 0.25
    heads.add_feelings(plain, fake_blendshapes())
    assert plain["Happy"] == 0.25


MAYA = [
    "{}Shape",
    "{}_BS",
    "{}Shape1",
    "{}_shape",
    "{}_blendShape",
    "head_{}_GEO",
    "{}_Mesh",
    "{}Shape12",
    "BS_{}_Target",
]


@pytest.mark.parametrize("spelling", MAYA)
def test_endings_of_maya_are_passed_over(spelling):
    spelt = [spelling.format(name) for name in ARKIT_NAMES]
    assert {name: keys[0] for name, keys in match_keys(spelt).items()} == dict(zip(ARKIT_NAMES, spelt, strict=True))


def test_a_side_before_the_ending():
    assert recognise("eyeBlink_L_BS")[0] == "eyeBlinkLeft"
    assert recognise("eyeBlinkRShape")[0] == "eyeBlinkRight"
    assert recognise("jaw_BS") is None
    assert recognise("Shape") is None
    assert recognise("browInnerUp_corrective_Shape") is None


def test_a_head_of_maya_speaks(scene, voice):
    ada = add(scene)
    mesh = bpy.data.meshes.new("Maya")
    mesh.from_pydata(fake_head().vertices.tolist(), [], [])
    obj = bpy.data.objects.new("Maya", mesh)
    scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, [f"{name}Shape" for name in ARKIT_NAMES], fake_head().arkit)
    assert arkit_heads.is_arkit_head(obj)
    assert ada != obj
