"""Heads: their mesh, keys and rig, and what is refused as one."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.panels.generate import DUET_PT_generate
from duet.scene.head import heads
from duet.tests.blender_fakes import (
    EMOTION_KEYS,
    EXPRESSION_NAMES,
    SPEECH_NAMES,
    apply_take,
    evaluated,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
)
from duet.tests.target_fakes import Layout

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
SIDEBAR = {
    "mode": "OBJECT",
    "region": SimpleNamespace(width=320),
    "preferences": SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
}


def test_the_head_has_its_mesh_keys_and_rig(head):
    mesh = head.data
    assert np.allclose(evaluated(head), HEAD.vertices, atol=1e-7)
    assert [tuple(polygon.vertices) for polygon in mesh.polygons] == [tuple(p) for p in HEAD.polygons]
    assert [polygon.material_index for polygon in mesh.polygons] == HEAD.face_material.tolist()
    assert mesh.materials[0].name.startswith("Duet skin")
    uv = np.array([entry.vector for entry in mesh.uv_layers[0].uv])
    assert np.allclose(uv, HEAD.uv)
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    names = [block.name for block in mesh.shape_keys.key_blocks]
    assert names == ["Basis", *SPEECH_NAMES, *EXPRESSION_NAMES, *HEAD.arkit_names, *EMOTION_KEYS]
    rig = head.parent
    assert {bone.name: bone.parent and bone.parent.name for bone in rig.data.bones} == {
        "root": None,
        "neck": "root",
        "jaw": "neck",
        "left_eye": "neck",
        "right_eye": "neck",
    }
    assert np.allclose([bone.head_local for bone in rig.data.bones], HEAD.joints, atol=1e-6)


def test_bones_move_the_vertices_by_their_weights(head):
    head.parent.pose.bones["neck"].location = (0, 0.5, 0)  # along the bone: up
    bpy.context.view_layer.update()
    moved = evaluated(head) - HEAD.vertices
    assert np.allclose(moved[:, 2], 0.5 * HEAD.skin_weights[:, 1], atol=1e-5)


def test_a_head_is_added_to_a_new_collection_and_found(scene):
    collection = bpy.data.collections.new("Cast")
    scene.collection.children.link(collection)
    head = heads.add_head(HEAD, BLENDSHAPES, collection, bpy.context.view_layer)
    assert heads.heads_of(scene) == [head]
    assert bpy.context.view_layer.objects.active == head
    assert set(collection.objects) == {head, head.parent}


def cube(head):
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object


def light(head):
    bpy.ops.object.light_add()
    return bpy.context.object


def cut(head):
    head.shape_key_clear()
    head.data.clear_geometry()
    head.shape_key_add(name="Basis")
    head.data.shape_keys[heads.MARKER] = len(HEAD.vertices)
    return head


def shared(head):
    twin = bpy.data.objects.new("Twin", head.data)
    bpy.context.scene.collection.objects.link(twin)
    return head


def edited(head):
    bpy.context.view_layer.objects.active = head
    bpy.ops.object.mode_set(mode="EDIT")
    return head


def stripped(head):
    head.shape_key_remove(head.data.shape_keys.key_blocks[SPEECH_NAMES[2]])
    return head


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda head: None, "No head is chosen. Click Add Duet Head"),
        (cube, "'Cube' is a mesh, but not a Duet head."),
        (light, "'Point' is not a mesh."),
        (cut, "has 0 vertices where a Duet head has 81"),
        (shared, "shares its mesh"),
        (edited, "is in Edit Mode"),
        (stripped, "lacks 1 shape keys of this version (Speech 02)"),
    ],
)
def test_a_wrong_target_is_named_and_nothing_changes(scene, head, voice, make, message):
    target = make(head)
    before = fingerprint()
    with pytest.raises(HeadError) as caught:
        apply_take(scene, target, fake_take(), voice, 1)
    assert message in str(caught.value)
    assert caught.value.remedy
    assert fingerprint() == before


def test_a_linked_head_is_named_in_the_sidebar_and_nothing_changes(scene, head, voice, tmp_path):
    library = tmp_path / "cast.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Duet Head"]
    scene.collection.objects.link(wanted.objects[0])
    before = fingerprint()
    with pytest.raises(HeadError, match="linked from another file"):
        apply_take(scene, wanted.objects[0], fake_take(), voice, 1)
    scene.duet.audio = str(voice)
    assert not bpy.ops.duet.generate.poll()
    layout = Layout()
    DUET_PT_generate.draw(SimpleNamespace(layout=layout), SimpleNamespace(scene=scene, **SIDEBAR))
    shown = "'Duet Head' is linked from another file. Use Object > Library Override > Make, then pick the override."
    assert " ".join(layout.drawn).strip() == shown
    assert fingerprint() == before


@pytest.mark.parametrize("value", [np.nan, 10.5])
def test_weights_that_a_slider_cannot_hold_are_refused(scene, head, voice, value):
    take = fake_take()
    take.speech_weights[3, 1] = value
    before = fingerprint()
    with pytest.raises(HeadError, match="out of range"):
        apply_take(scene, head, take, voice, 1)
    assert fingerprint() == before
