"""Add Duet Head: where it stands, what lights it."""

import bpy
import pytest
from duet.operators import add_head
from duet.scene import studio
from duet.scene.head import heads
from duet.tests.blender_fakes import failure, fingerprint

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


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


def test_a_head_is_added_beside_those_that_stand_there(scene):
    bpy.ops.mesh.primitive_cube_add(size=2)
    places = []
    for _ in range(4):
        bpy.ops.duet.add_head()
        places.append(scene.duet.head.parent.location.copy())
    assert [place.z for place in places] == pytest.approx([1.0] * 4), "all on the cube, none on another's skull"
    width = scene.duet.head.dimensions.x
    assert [place.x for place in places] == pytest.approx([n * 2.2 * width for n in range(4)], rel=1e-3)


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
