"""Binding in Blender: a stranger's mesh becomes a head, keeps its own keys, and keeps takes when bound again."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

import duet  # noqa: E402
from duet.inference.errors import HeadError  # noqa: E402
from duet.inference.head.blendshapes import load_blendshapes  # noqa: E402
from duet.inference.head.canonical import load_head  # noqa: E402
from duet.scene import binding  # noqa: E402
from duet.scene.blender import shape_keys  # noqa: E402
from duet.scene.head import feelings, heads  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def extension():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    duet.register()
    yield
    duet.unregister()


@pytest.fixture
def mesh_head(extension):
    """The Duet head as a stranger's mesh: other name, 40 times as large, turned about, shifted, without keys."""
    bpy.ops.wm.read_homefile(use_empty=True)
    head = load_head()
    mesh = bpy.data.meshes.new("Stranger")
    mesh.from_pydata(head.vertices.tolist(), [], [polygon.tolist() for polygon in head.polygons])
    obj = bpy.data.objects.new("Stranger", mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.scale, obj.rotation_euler, obj.location = (40, 40, 40), (0, 0, 1.9), (3, -2, 5)
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    bpy.context.view_layer.update()
    return obj


def delta_of(obj, name):
    flat = np.empty(len(obj.data.vertices) * 3, np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3) - shape_keys.rest_of(obj)


def test_bind_preview_apply_and_bind_again(mesh_head):
    obj, head = mesh_head, load_head()
    own = obj.shape_key_add(name="Basis", from_mix=False)
    own = obj.shape_key_add(name="tongueOut", from_mix=False)
    own.points[0].co.x += 1.0
    assert bpy.ops.duet.bind_head() == {"FINISHED"}
    preview = binding.preview_of(obj)
    assert len(binding.landmarks_of(obj)) == 68
    assert set(obj.data.shape_keys.key_blocks.keys()) == {"Basis", "tongueOut"}  # nothing yet on the head
    found = delta_of(preview, "jawOpen")
    true = head.arkit[head.arkit_names.index("jawOpen")]
    moving = np.linalg.norm(true, axis=1) > 0.01
    ratio = np.linalg.norm(found[moving], axis=1) / np.linalg.norm(true[moving], axis=1)
    assert 0.95 < np.median(ratio) < 1.05  # in the object's own units, whatever its scale

    assert bpy.ops.duet.apply_binding() == {"FINISHED"}
    assert binding.preview_of(obj) is None
    assert binding.landmarks_of(obj) == []
    assert heads.require_head(obj) == obj
    assert bpy.context.scene.duet.head == obj
    assert delta_of(obj, "tongueOut")[0, 0] == pytest.approx(1.0)  # its own key stays
    assert not np.any(delta_of(obj, "tongueOut")[1:])
    for name in (*load_blendshapes().speech_names, *load_blendshapes().expression_names):
        assert name in obj.data.shape_keys.key_blocks
    surprised = feelings.stored_on(obj)["surprised"]
    for name, weights in ((surprised.key, surprised.expression), (surprised.silent_key, surprised.opening)):
        due = sum(weight * delta_of(obj, other) for other, weight in weights.items())
        np.testing.assert_allclose(delta_of(obj, name), due, atol=1e-4 * np.abs(due).max())

    block = obj.data.shape_keys.key_blocks["jawOpen"]
    block.keyframe_insert("value", frame=1)
    action = obj.data.shape_keys.animation_data.action
    first = delta_of(obj, "jawOpen")
    block.points.foreach_set("co", shape_keys.rest_of(obj).ravel())
    assert bpy.ops.duet.bind_head() == {"FINISHED"}
    assert bpy.ops.duet.apply_binding() == {"FINISHED"}
    assert obj.data.shape_keys.animation_data.action == action
    np.testing.assert_allclose(delta_of(obj, "jawOpen"), first, atol=1e-6)


def test_mask_and_moved_landmarks_are_told_to_the_search(mesh_head):
    obj = mesh_head
    binding.ensure_mask(obj).add([0, 5, 9], 1.0, "REPLACE")
    empty = bpy.data.objects.new("landmark", None)
    empty.parent = obj
    empty["duet_landmark"], empty["duet_found"] = 30, [0.0, 0.0, 0.0]
    still = bpy.data.objects.new("still", None)
    still.parent = obj
    still["duet_landmark"], still["duet_found"] = 8, [0.1, 0.0, 0.0]
    still.location, empty.location = (0.1, 0.0, 0.0), (0.0, -0.2, 0.1)
    request = binding.request_of(obj)
    assert np.flatnonzero(request.masked).tolist() == [0, 5, 9]
    assert np.flatnonzero(np.isfinite(request.landmarks[:, 0])).tolist() == [30]
    np.testing.assert_allclose(request.landmarks[30], obj.matrix_world @ empty.location, rtol=1e-5)
    np.testing.assert_allclose(request.vertices[7], obj.matrix_world @ obj.data.vertices[7].co, rtol=1e-5)


def test_a_moved_landmark_is_kept_when_it_is_what_is_active(mesh_head):
    obj = mesh_head
    bpy.ops.duet.bind_head()
    moved = binding.landmarks_of(obj)[30]
    moved.location.y -= 0.002
    place = moved.location.copy()
    bpy.context.view_layer.objects.active = moved
    assert bpy.ops.duet.bind_head() == {"FINISHED"}
    assert (moved.location - place).length < 1e-6
    assert binding.preview_of(obj) is not None
    assert len(binding.landmarks_of(obj)) == 68
    assert bpy.ops.duet.bind_mask() == {"FINISHED"}
    assert bpy.context.mode == "PAINT_WEIGHT" and bpy.context.active_object == obj
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = moved
    obj.select_set(False)
    assert bpy.ops.duet.apply_binding() == {"FINISHED"}
    assert bpy.context.active_object == obj and obj.select_get()


def test_discard_leaves_nothing(mesh_head):
    obj = mesh_head
    objects, meshes = len(bpy.data.objects), len(bpy.data.meshes)
    bpy.ops.duet.bind_head()
    assert len(bpy.data.objects) == objects + 69
    bpy.ops.duet.discard_binding()
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == (objects, meshes)
    assert obj.data.shape_keys is None


def test_what_cannot_be_bound_says_why(extension):
    bpy.ops.wm.read_homefile(use_empty=True)
    with pytest.raises(HeadError, match="No mesh is active"):
        binding.require_bindable(None)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    with pytest.raises(RuntimeError, match="only 8 vertices"):
        bpy.ops.duet.bind_head()
    head = heads.add_head(load_head(), load_blendshapes(), bpy.context.scene.collection, bpy.context.view_layer)
    with pytest.raises(HeadError, match="the Duet head itself"):
        binding.require_bindable(head)
    other = cube.copy()
    with pytest.raises(HeadError, match="shares its mesh"):
        binding.require_bindable(cube)
    assert other.data == cube.data
