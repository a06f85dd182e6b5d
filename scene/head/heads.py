"""The Duet head in the scene: adding it, recognising it, and saying why an object cannot be animated."""

from __future__ import annotations

import uuid
import zlib
from itertools import count
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...inference.errors import HeadError, WeightsError
from ...inference.head.blendshapes import shipped_id
from ...inference.take import Take
from ..blender import shape_keys, states, timing
from ..blender.loose import Animated, has
from . import correctives, emotions, feelings, materials, neck, ownership, rig

if TYPE_CHECKING:
    from ...inference.head.blendshapes import Blendshapes
    from ...inference.head.canonical import Head

# Custom property of the Key data-block: the head's vertex count. On the Key, for there no panel shows it.
MARKER = "duet_head"
_ID, _ID_OF = "duet_id", "duet_id_of"  # of the Key: the head's id, and the Key that it was given to
SHAPES, NAMES = "duet_shapes", "duet_names"  # of the Key: which blendshapes it has, and their names, one a line
_SEED = "duet_seed"  # of the Key: a number that no other head of the file has
_ROOM = 10.0  # of a speech key's slider: all that Blender allows, for a library override cannot widen it later
REBIND = "For new ones, bind it as any mesh (Bind Head), or add a new head."
_ADD = "Click Add Duet Head, or pick a head that is there already."


def add_head(
    head: Head, blendshapes: Blendshapes, collection: bpy.types.Collection, view_layer: bpy.types.ViewLayer
) -> bpy.types.Object:
    """Add the Duet head, its shape keys, sliders and armature to a visible collection; return the mesh object.

    Keys: Basis, the learned speech and expression blendshapes, the 52 ARKit shapes for work by hand, correctives, then
    those that emotion sliders drive, from the beginning, for their weights come with the blendshapes. Raises
    WeightsError, before anything is added, where head and blendshapes do not belong together.
    """
    due, counts = len(head.vertices), {blendshapes.speech_basis.shape[1], blendshapes.expression_basis.shape[1]}
    if counts != {due}:
        raise WeightsError(
            f"The blendshapes have {counts} vertices, the head {due}.", "Install Duet again from its zip."
        )
    mesh = new_mesh(head)
    obj = bpy.data.objects.new("Duet Head", mesh)
    collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, blendshapes.speech_names, blendshapes.speech_basis)
    shape_keys.add_shape_keys(obj, blendshapes.expression_names, blendshapes.expression_basis)
    shape_keys.add_shape_keys(obj, head.arkit_names, head.arkit)
    derived = [each.name for each in blendshapes.correctives]
    shape_keys.add_shape_keys(obj, derived, blendshapes.corrective_basis)
    mark(obj, blendshapes)
    ownership.record(obj.data.shape_keys, (*blendshapes.names, *head.arkit_names))
    _give_id(obj.data.shape_keys)
    add_feelings(obj, blendshapes)
    rig.add_rig(obj, head, collection, view_layer)
    for other in view_layer.objects:
        other.select_set(other == obj)
    view_layer.objects.active = obj
    return obj


def new_mesh(head: Head) -> bpy.types.Mesh:
    """The neutral head as a mesh with its materials, texture coordinates and tint."""
    mesh = bpy.data.meshes.new("Duet Head")
    mesh.from_pydata(head.vertices.tolist(), [], [polygon.tolist() for polygon in head.polygons])
    for name in head.materials:
        mesh.materials.append(materials.material(name))
    materials.add_tint(mesh, head)
    mesh.polygons.foreach_set("material_index", np.asarray(head.face_material, np.int32))
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", np.asarray(head.uv, np.float32).ravel())
    mesh.shade_smooth()
    return mesh


def mark(obj: bpy.types.Object, blendshapes: Blendshapes) -> None:
    """Make the object a Duet head that has these blendshapes."""
    key = obj.data.shape_keys
    key[MARKER], key[SHAPES] = len(obj.data.vertices), blendshapes.id
    key[NAMES] = "\n".join((*blendshapes.speech_names, *blendshapes.expression_names))


def add_feelings(obj: bpy.types.Object, blendshapes: Blendshapes) -> None:
    """Give the head its emotion sliders and the keys that they drive, and let its correctives follow their keys."""
    key, room = obj.data.shape_keys, np.full(len(blendshapes.speech_names), _ROOM)
    shape_keys.widen_sliders(key, blendshapes.speech_names, -room, room)
    correctives.connect(obj, blendshapes.correctives)
    emotions.connect(obj, feelings.of_blendshapes(blendshapes))


def head_id(obj: bpy.types.Object) -> str:
    """The head's id, which neither renaming nor saving changes; empty where it has none yet."""
    key = _keeper(obj)
    stored = str(key.get(_ID, ""))
    return f"{stored}:{key.name}" if stored and obj.data.override_library else stored


def _keeper(obj: bpy.types.Object) -> bpy.types.ID:
    """What keeps a head's id: its keys, or the armature where poses make the face."""
    return states.keys_of(obj) or obj


def ensure_id(obj: bpy.types.Object) -> str:
    """The head's id, given where it has none or where it is the copy of another head that has the same."""
    key = _keeper(obj)
    if obj.data.library or obj.data.override_library:
        return head_id(obj)
    if not key.get(_ID) or (key.get(_ID_OF) != key.name and _is_taken(key)):
        _give_id(key)
    return head_id(obj)


def seed_of(obj: bpy.types.Object) -> int:
    """A whole number from 1 on that no other head of the file has, so that no two of them live in step."""
    key: Animated = obj.data.shape_keys
    if _SEED not in key and not (key.library or key.override_library):
        taken = {other.get(_SEED) for other in bpy.data.shape_keys}
        key[_SEED] = next(n for n in count(1) if n not in taken)
    return int(key.get(_SEED, 1 + zlib.crc32(head_id(obj).encode()) % 1000))


def _is_taken(key: bpy.types.ID) -> bool:
    every = bpy.data.shape_keys if isinstance(key, bpy.types.Key) else bpy.data.objects
    return any(other != key and other.get(_ID) == key[_ID] for other in every)


def _give_id(key: bpy.types.ID) -> None:
    key[_ID], key[_ID_OF] = uuid.uuid4().hex[:12], key.name
    key.pop(_SEED, None)


def rig_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that bends or carries the head and has a neck to move, or None."""
    return next((rig for rig in states.rigs_of(obj) if neck.bone_of(rig) is not None), None)


def is_head(obj: bpy.types.Object | None) -> bool:
    """Whether the object is a Duet head, whatever its state."""
    return (
        obj is not None and obj.type == "MESH" and obj.data.shape_keys is not None and has(obj.data.shape_keys, MARKER)
    )


def is_earlier(obj: bpy.types.Object | None) -> bool:
    """Whether the object is a head with the blendshapes of another version of Duet; raises WeightsError."""
    return obj is not None and is_head(obj) and obj.data.shape_keys.get(SHAPES) != shipped_id()


def require_current(obj: bpy.types.Object) -> None:
    """Raise HeadError where a new take cannot be for this head, for it has another version's blendshapes."""
    if is_earlier(obj):
        raise HeadError(f"'{obj.name}' was made by another version of Duet. Its takes still work.", REBIND)


def heads_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The Duet heads in a scene."""
    return [obj for obj in scene.objects if is_head(obj)]


def scene_at_rate(scene: bpy.types.Scene, head: str, fps: float) -> bpy.types.Scene | None:
    """Another scene that has the head of this id and plays `fps` frames a second, where this scene plays others."""
    if not fps or timing.is_rate(scene, fps):
        return None
    others = [other for other in bpy.data.scenes if other != scene and timing.is_rate(other, fps)]
    return next((other for other in others if any(head_id(obj) == head for obj in heads_of(other))), None)


def require_none_elsewhere(scene: bpy.types.Scene) -> None:
    """Raise HeadError where a scene without a Duet head shows one by an instance, or the file has one elsewhere."""
    for obj in scene.objects:
        shown = obj.instance_collection if obj.type == "EMPTY" else None
        if shown is not None and any(is_head(each) for each in shown.all_objects):
            require_head(obj)
    for other in bpy.data.scenes:
        found = heads_of(other) if other != scene else []
        if found:
            message = f"The head '{found[0].name}' is in the scene '{other.name}', not in '{scene.name}'."
            raise HeadError(message, f"Make '{other.name}' the active scene, or link the head to this one (Ctrl+L).")


def require_head(obj: bpy.types.Object | None) -> bpy.types.Object:
    """The object, where it is a Duet head that can be animated now; raises HeadError with the reason and a remedy."""
    if obj is None:
        raise HeadError("No head is chosen.", _ADD)
    if obj.type == "EMPTY" and obj.instance_collection:
        message = f"'{obj.name}' shows the collection '{obj.instance_collection.name}', which holds the head."
        raise HeadError(message, "Use Object > Apply > Make Instances Real, or link the head with a library override.")
    if obj.type != "MESH":
        raise HeadError(f"'{obj.name}' is not a mesh.", _ADD)
    if not is_head(obj):
        raise HeadError(f"'{obj.name}' is a mesh, but not a Duet head.", _ADD)
    states.require_writable(obj)
    count, due = len(obj.data.vertices), obj.data.shape_keys[MARKER]
    if count != due:
        message = f"'{obj.name}' has {count} vertices where a Duet head has {due}."
        raise HeadError(message, "Its mesh was edited: undo that, or add a new head.")
    return obj


def require_fits(obj: bpy.types.Object, take: Take) -> None:
    """Raise HeadError where the take moves keys that the head lacks, or further than its sliders can go."""
    blocks = obj.data.shape_keys.key_blocks
    missing = [name for name in (*take.speech_names, *take.expression_names) if name not in blocks]
    if missing:
        require_current(obj)
        shown = ", ".join(missing[:3]) + ("..." if len(missing) > 3 else "")
        message = f"'{obj.name}' lacks {len(missing)} shape keys of this version ({shown})."
        raise HeadError(message, "Undo what removed or renamed them, or add a new head.")
    for name, weights in (("speech", take.speech_weights), ("expression", take.expression_weights)):
        if not np.isfinite(weights).all() or shape_keys.exceeds_sliders(weights):
            message = f"The {name} weights of the take for '{obj.name}' are out of range."
            raise HeadError(message, "Install Duet again from its zip; if that does not help, report this.")
