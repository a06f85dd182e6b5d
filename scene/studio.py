"""Lights and a camera around a head, for files that Duet makes from nothing."""

from __future__ import annotations

import bpy
from mathutils import Vector

from .blender import compat
from .blender.loose import Kind

# Name, place relative to the middle of the head in metres, size in metres, watts, linear RGB.
_LIGHTS = (
    ("Key", (0.7, -1.1, 0.7), 0.8, 17.0, (1.0, 0.95, 0.9)),
    ("Fill", (-1.0, -0.9, 0.1), 1.2, 6.0, (0.85, 0.92, 1.0)),
    ("Rim", (-0.4, 0.9, 0.8), 0.6, 20.0, (1.0, 1.0, 1.0)),
)
_CAMERA = (0.3, -1.35, 0.06)  # a little to the character's left
_LENS = 125.0  # mm: a portrait
_BACKGROUND = (0.035, 0.04, 0.05)


def add_studio(scene: bpy.types.Scene, head: bpy.types.Object) -> None:
    """Add three area lights, a portrait camera and a dark world; the face looks along -y."""
    corners = [head.matrix_world @ Vector(corner) for corner in head.bound_box]
    low, high = (Vector([side(axis) for axis in zip(*corners, strict=True)]) for side in (min, max))
    aim = Vector((low.x + high.x, low.y + high.y, low.z + high.z)) / 2
    for name, place, size, watts, colour in _LIGHTS:
        light: Kind = bpy.data.lights.new(name, "AREA")
        light.size, light.energy, light.color = size, watts, colour
        _put(scene, bpy.data.objects.new(name, light), aim, place)
    camera = bpy.data.cameras.new("Camera")
    camera.lens = _LENS
    scene.camera = _put(scene, bpy.data.objects.new("Camera", camera), aim, _CAMERA)
    scene.render.resolution_x = scene.render.resolution_y = 1080
    scene.world = _world()


def _put(
    scene: bpy.types.Scene, obj: bpy.types.Object, aim: Vector, place: tuple[float, float, float]
) -> bpy.types.Object:
    """Link the object, placed relative to the aim and turned to it."""
    obj.location = aim + Vector(place)
    obj.rotation_euler = (-Vector(place)).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(obj)
    return obj


def _world() -> bpy.types.World:
    world = compat.new_world("World")
    world.color = _BACKGROUND
    background: Kind = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*_BACKGROUND, 1.0)
    return world
