"""Any mesh as a head: what binding is told of it, the landmarks as empties, the preview, and the shapes on it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Vector

from ..inference.arrays import Floats
from ..inference.bound import Binding, BindRequest
from ..inference.errors import HeadError
from ..inference.steps import Steps, finish
from .blender import shape_keys, states
from .blender.loose import Kind, has
from .head import emotions, followers, heads, ownership
from .head.parts import PREVIEW_OF
from .take import versions
from .targets import arkit_heads

if TYPE_CHECKING:
    from ..inference.head.blendshapes import Blendshapes

MASK = "Duet Mask"  # vertex group: what must not move
BOUND = "duet_bound"  # of the Key: this head's shapes come from binding
_LANDMARK, _FOUND = "duet_landmark", "duet_found"
_PART = "duet_preview_part"  # custom property of a part's preview: the part
_MOVED = 1e-3  # of the landmarks' extent, from which an empty counts as moved by hand
_LEAST = 1e-5  # of a part's size: shapes that move it less are not made
_CHOOSE = "Click the head in the 3D view, then Bind again."


def head_behind(obj: bpy.types.Object | None) -> bpy.types.Object | None:
    """The head that a landmark or a preview belongs to; any other object is what it is."""
    if obj is None or obj.parent is None:
        return obj
    return obj.parent if has(obj, _LANDMARK) or has(obj, PREVIEW_OF) else obj


def require_bindable(obj: bpy.types.Object | None) -> bpy.types.Object:
    """The object, where it is a mesh whose shapes Duet may make; raises HeadError with the reason."""
    if obj is None or obj.type != "MESH":
        raise HeadError("No mesh is active.", _CHOOSE)
    if has(obj, PREVIEW_OF):
        raise HeadError(f"'{obj.name}' is a preview.", "Click the head itself.")
    if heads.is_head(obj) and not has(obj.data.shape_keys, BOUND) and not heads.is_earlier(obj):
        raise HeadError(f"'{obj.name}' is the Duet head itself.", "It needs no binding; choose another mesh.")
    for datablock in (obj, obj.data):
        if datablock.library or datablock.override_library:
            message = f"'{obj.name}' is linked from another file."
            raise HeadError(message, "Bind it there, or use Object > Relations > Make Local > All.")
    states.require_writable(obj, modes=("OBJECT", "WEIGHT_PAINT"))  # the mask may just have been painted
    return obj


def request_of(obj: bpy.types.Object, others: Sequence[bpy.types.Object] = ()) -> BindRequest:
    """What binding is told: the mesh without modifiers, in the world, its mask and the landmarks moved by hand.

    `others` are parts of the character, such as teeth, that are bound with it as if they were joined to it, in order.
    """
    places, corners, sizes = (list(each) for each in zip(*map(_mesh_of, (obj, *others)), strict=True))
    if not len(sizes[0]):
        raise HeadError(f"'{obj.name}' has no faces.", _CHOOSE)
    starts = np.cumsum([0, *map(len, places)])
    corners = [each + np.int32(start) for each, start in zip(corners, starts[:-1], strict=True)]
    masked = np.concatenate([mask_of(each) for each in (obj, *others)])
    joined = [np.concatenate(each) for each in (places, corners, sizes)]
    return BindRequest(obj.name, joined[0], joined[1], joined[2], masked, moved_landmarks(obj))


def _mesh_of(obj: bpy.types.Object) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Vertices in the world (V, 3), corners (L,) and sizes (F,) of the polygons."""
    mesh, world = obj.data, np.array(obj.matrix_world, np.float64)
    corners, sizes = np.empty(len(mesh.loops), np.int32), np.empty(len(mesh.polygons), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    mesh.polygons.foreach_get("loop_total", sizes)
    places = shape_keys.rest_of(obj) @ world[:3, :3].T + world[:3, 3]
    return places.astype(np.float32), corners, sizes


def mask_of(obj: bpy.types.Object) -> np.ndarray:
    """(V,) bool: vertices with more than half of the mask's weight."""
    masked = np.zeros(len(obj.data.vertices), np.bool_)
    group: bpy.types.VertexGroup | None = obj.vertex_groups.get(MASK)
    if group is not None:
        for vertex in obj.data.vertices:
            masked[vertex.index] = any(each.group == group.index and each.weight > 0.5 for each in vertex.groups)
    return masked


def ensure_mask(obj: bpy.types.Object) -> bpy.types.VertexGroup:
    """The mask's vertex group, active, made where there is none."""
    group = obj.vertex_groups.get(MASK) or obj.vertex_groups.new(name=MASK)
    obj.vertex_groups.active = group
    return group


def landmarks_of(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The empties that show where the head's features were found."""
    return [child for child in obj.children if has(child, _LANDMARK)]


def moved_landmarks(obj: bpy.types.Object) -> Floats:
    """(68, 3) in the world: empties that were moved since they were made, nan for all others."""
    result = np.full((68, 3), np.nan, np.float32)
    empties = landmarks_of(obj)
    if not empties:
        return result
    found = np.array([empty[_FOUND] for empty in empties])
    slack = _MOVED * float(np.ptp(found, axis=0).max())
    for empty, place in zip(empties, found, strict=True):
        if empty.get("duet_by_hand") or np.linalg.norm(np.array(empty.location) - place) > slack:
            result[empty[_LANDMARK]] = obj.matrix_world @ empty.location
            empty["duet_by_hand"] = True
    return result


def show_landmarks(obj: bpy.types.Object, binding: Binding) -> None:
    """Put an empty on each landmark, as children of the head; those that the user has moved stay."""
    back = obj.matrix_world.inverted_safe()
    present = {empty[_LANDMARK]: empty for empty in landmarks_of(obj)}
    size = 0.0025 * binding.scale / max(sum(abs(s) for s in obj.matrix_world.to_scale()[:]) / 3, 1e-12)
    for number, place in enumerate(binding.landmarks):
        empty = present.get(number)
        if empty is None:
            empty = bpy.data.objects.new(f"{obj.name} Landmark {number + 1:02}", None)
            empty.empty_display_type, empty.empty_display_size = "SPHERE", size
            empty.show_in_front = True
            empty.parent = obj
            empty[_LANDMARK] = number
            for collection in obj.users_collection[:1]:
                collection.objects.link(empty)
        if not empty.get("duet_by_hand"):
            empty.location = back @ _vector(place)
            empty[_FOUND] = list(empty.location[:])


def _vector(place: Floats) -> Vector:
    return Vector([float(x) for x in place])


def hide_landmarks(obj: bpy.types.Object) -> None:
    """Remove the empties."""
    for empty in landmarks_of(obj):
        bpy.data.objects.remove(empty)


def preview_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The preview of this head, if there is one."""
    return next((child for child in obj.children if child.get(PREVIEW_OF) == obj.name), None)


def discard_preview(obj: bpy.types.Object) -> None:
    """Remove the preview and its mesh."""
    preview = preview_of(obj)
    for each in (*(preview.children if preview else ()), preview):
        if each is not None:
            mesh: Kind = each.data
            bpy.data.objects.remove(each)
            bpy.data.meshes.remove(mesh)


def preview_steps(
    obj: bpy.types.Object, binding: Binding, others: Sequence[bpy.types.Object] = ()
) -> Generator[float, None, None]:
    """Make a copy of the head beside it, with every shape as a key to try; yields the share done.

    And copies of the others that were bound with it, whose keys follow those of the head's copy.
    """
    discard_preview(obj)
    preview = _copy_of(obj, obj)
    preview.parent = obj
    preview.location.x = 1.15 * float(np.ptp(np.array(obj.bound_box)[:, 0]))
    start = len(obj.data.vertices)
    local = _local_deltas(obj, _share(binding, 0, start))
    for number, name in enumerate(binding.names):
        shape_keys.add_shape_keys(preview, [name], local(number)[None])
        yield (number + 1) / len(binding.names)
    for other in others:
        count = len(other.data.vertices)
        part = _copy_of(other, obj)
        part[_PART], part.parent = other, preview
        part.matrix_basis = obj.matrix_world.inverted_safe() @ other.matrix_world
        local = _local_deltas(other, _share(binding, start, count))
        least = _LEAST * max(float(np.ptp(shape_keys.rest_of(other), axis=0).max()), 1e-12)
        for number, name in enumerate(binding.names):
            delta = local(number)
            if np.abs(delta).max(initial=0.0) > least:
                shape_keys.add_shape_keys(part, [name], delta[None])
            yield 1.0
        followers.attach(preview, part, {})
        start += count


def _copy_of(obj: bpy.types.Object, head: bpy.types.Object) -> bpy.types.Object:
    """A mesh's copy without keys, marked as of the head's preview, in its collection."""
    mesh = obj.data.copy()
    copy = bpy.data.objects.new(f"{obj.name} Preview", mesh)
    if mesh.shape_keys is not None:
        rest = shape_keys.rest_of(obj)
        copy.shape_key_clear()
        mesh.vertices.foreach_set("co", rest.ravel())
    copy[PREVIEW_OF] = head.name
    for collection in head.users_collection[:1]:
        collection.objects.link(copy)
    return copy


def _share(binding: Binding, start: int, count: int) -> Binding:
    """What a binding says of the vertices from `start` on, numbered from 0."""
    own = (binding.moving >= start) & (binding.moving < start + count)
    return replace(binding, moving=binding.moving[own] - np.int32(start), deltas=binding.deltas[:, own])


def _local_deltas(obj: bpy.types.Object, binding: Binding) -> Callable[[int], Floats]:
    """Shape number -> what it adds to the object's vertices (V, 3), in its own space."""
    back = np.linalg.inv(np.array(obj.matrix_world, np.float64)[:3, :3]).T.astype(np.float32)

    def delta(number: int) -> Floats:
        full = np.zeros((len(obj.data.vertices), 3), np.float32)
        full[binding.moving] = binding.deltas[number] @ back
        return full

    return delta


def apply_steps(obj: bpy.types.Object, blendshapes: Blendshapes) -> Generator[float, None, None]:
    """Give the head the shapes of its preview and remove that; yields the share done.

    Keys that binding has made before get new shapes and keep their animation, drivers and takes; keys that the mesh
    had of its own stay as they are. Blendshapes of another version stay for the takes that move them (versions.py).
    Raises HeadError where there is no preview or the mesh has changed since.
    """
    preview = _require_preview(obj)
    again = heads.is_head(obj)
    own = ownership.made(obj.data.shape_keys) if again else set()
    if heads.is_earlier(obj):
        versions.make_room(obj, [block.name for block in preview.data.shape_keys.key_blocks][1:])
    own = yield from _set_keys(obj, preview, own)
    heads.mark(obj, blendshapes)
    ownership.record(obj.data.shape_keys, own)
    obj.data.shape_keys[BOUND] = True
    heads.ensure_id(obj)
    if versions.has_earlier(obj):
        versions.settle(obj, blendshapes)
    else:
        heads.add_feelings(obj, blendshapes)
    if again:
        emotions.shape_again(obj)
    for part in preview.children:
        if isinstance(part.get(_PART), bpy.types.Object):
            _apply_part(obj, part[_PART], part)
            yield 1.0
    followers.share_emotions(obj)
    discard_preview(obj)
    hide_landmarks(obj)


def _require_preview(obj: bpy.types.Object) -> bpy.types.Object:
    """The preview of a head that has not changed since; raises HeadError."""
    preview = preview_of(obj)
    if preview is None:
        raise HeadError(f"'{obj.name}' has no preview.", "Bind it first.")
    if len(preview.data.vertices) != len(obj.data.vertices):
        raise HeadError(f"'{obj.name}' was edited since its preview was made.", "Bind it again.")
    return preview


def _set_keys(obj: bpy.types.Object, preview: bpy.types.Object, own: set[str]) -> Steps[set[str]]:
    """Give a mesh the keys of its preview, one a step; return those that are Duet's, of which `own` were before."""
    source = preview.data.shape_keys
    base = shape_keys.rest_of(preview)
    blocks, made = source.key_blocks[1:] if source is not None else [], set(own)
    for number, block in enumerate(blocks):
        if _set_key(obj, block.name, shape_keys.places_of(block.points) - base, block.name in own):
            made.add(block.name)
        yield (number + 1) / len(blocks)
    return made


def _apply_part(head: bpy.types.Object, obj: bpy.types.Object, preview: bpy.types.Object) -> None:
    """Give a part of the character the shapes of its preview, and let it follow the head; keys of its own stay."""
    if len(preview.data.vertices) != len(obj.data.vertices):
        return  # it was edited since
    key = obj.data.shape_keys
    own = ownership.made(key) if key is not None and followers.head_of(obj) is not None else set()
    own = finish(_set_keys(obj, preview, own))
    if own:
        ownership.record(obj.data.shape_keys, own)
    followers.attach(head, obj, arkit_heads.matches_of(head))


def _set_key(obj: bpy.types.Object, name: str, delta: Floats, replace: bool) -> bool:
    """Make the key, or give it this shape where it may be replaced; whether it was made."""
    key = obj.data.shape_keys
    block = key.key_blocks.get(name) if key else None
    if block is None:
        shape_keys.add_shape_keys(obj, [name], delta[None])
    elif replace:
        block.points.foreach_set("co", (shape_keys.rest_of(obj) + delta).ravel())
    return block is None
