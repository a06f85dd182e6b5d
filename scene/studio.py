"""Lights and a camera around a head, where nobody has lit it yet."""

from __future__ import annotations

import bpy
from mathutils import Quaternion, Vector

from .blender import compat
from .blender.loose import Kind
from .head.placing import box_of

# Name, place relative to the middle of the head in metres, size in metres, watts, linear RGB.
_LIGHTS = (
    ("Key", (0.7, -1.1, 0.7), 0.8, 17.0, (1.0, 0.95, 0.9)),
    ("Fill", (-1.0, -0.9, 0.1), 1.2, 6.0, (0.85, 0.92, 1.0)),
    ("Rim", (-0.4, 0.9, 0.8), 0.6, 20.0, (1.0, 1.0, 1.0)),
)
_CAMERA = (0.3, -1.35, 0.06)  # a little to the character's left
_LENS = 125.0  # mm: a portrait
_SENSOR = 36.0  # mm
_BACKGROUND = (0.035, 0.04, 0.05)
_NEW = {"LIGHT": (4.0762, 1.0055, 5.9039), "CAMERA": (7.3589, -6.9258, 4.9583)}  # places in a new file of Blender's
_NEAR = 0.01  # metres


def add_studio(scene: bpy.types.Scene, *heads: bpy.types.Object) -> None:
    """Light and look at a head, or at several, in a file of their own: its world is dark, its picture square."""
    light(scene, *heads)
    scene.render.resolution_x = scene.render.resolution_y = 1080
    scene.world = _world()


def light(scene: bpy.types.Scene, *heads: bpy.types.Object) -> None:
    """Add three area lights and a portrait camera, which go where a single head goes; the face looks along -y."""
    low, high = box_of(*heads)
    aim = Vector((low.x + high.x, low.y + high.y, low.z + high.z)) / 2
    carrier = (heads[0].parent or heads[0]) if len(heads) == 1 else None
    turn = carrier.matrix_world.to_quaternion() if carrier else Quaternion()
    far = 1.0 if carrier else max(1.0, (high.x - low.x) / (high.z - low.z))
    for name, place, size, watts, colour in _LIGHTS:
        area: Kind = bpy.data.lights.new(name, "AREA")
        area.size, area.energy, area.color = far * size, far**2 * watts, colour
        _put(scene, carrier, bpy.data.objects.new(name, area), aim, far * (turn @ Vector(place)))
    camera = bpy.data.cameras.new("Portrait")
    camera.lens, camera.display_size = _LENS, 0.1
    camera.sensor_width = camera.sensor_height = _SENSOR
    wide = scene.render.resolution_x >= scene.render.resolution_y
    camera.sensor_fit = "VERTICAL" if wide else "HORIZONTAL"  # the head is as large in any format
    scene.camera = _put(scene, carrier, bpy.data.objects.new("Portrait", camera), aim, far * (turn @ Vector(_CAMERA)))


def is_as_new(scene: bpy.types.Scene) -> bool:
    """Whether light and camera are those of a new file of Blender's, if there are any: no one has lit the scene yet."""
    seen = [obj for obj in scene.objects if obj.type in _NEW]
    return all((obj.matrix_world.translation - Vector(_NEW[obj.type])).length < _NEAR for obj in seen)


def _put(
    scene: bpy.types.Scene, carrier: bpy.types.Object | None, obj: bpy.types.Object, aim: Vector, place: Vector
) -> bpy.types.Object:
    """Link the object, placed relative to the aim, turned to it, and carried where something carries it."""
    obj.location = aim + place
    obj.rotation_euler = (-place).to_track_quat("-Z", "Y").to_euler()
    if carrier is not None:
        obj.parent = carrier
        obj.matrix_parent_inverse = carrier.matrix_world.inverted()
    scene.collection.objects.link(obj)
    return obj


def _world() -> bpy.types.World:
    world = compat.new_world("World")
    world.color = _BACKGROUND
    background: Kind = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*_BACKGROUND, 1.0)
    return world
