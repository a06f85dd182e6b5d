"""Pictures of the Duet head with Cycles on the CPU, headless: one scene, kept between calls."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ..inference.c_stdout import thrown_away
from ..inference.head.canonical import Head
from ..scene.blender.compat import new_world
from ..scene.head.heads import new_mesh

# (direction from the aim to the camera, aim relative to the eyes' middle in metres, width of the picture in metres)
_VIEWS = {
    "front": ((0.0, -1.0, 0.03), (0.0, 0.0, -0.03), 0.27),
    "three_quarter": ((0.62, -1.0, 0.08), (0.0, 0.02, -0.03), 0.29),
    "side": ((1.0, -0.04, 0.0), (0.0, 0.06, -0.03), 0.32),
    "face": ((0.22, -1.0, 0.03), (-0.01, 0.0, -0.034), 0.185),
    "close": ((0.25, -1.0, 0.02), (0.0, 0.0, -0.065), 0.13),
    "mouth": ((0.0, -1.0, 0.0), (0.0, 0.0, -0.075), 0.09),
    "eyes": ((0.0, -1.0, 0.0), (0.0, 0.0, 0.0), 0.13),
    "profile": ((1.0, -0.12, 0.0), (0.0, -0.025, -0.05), 0.17),
}
_DISTANCE = 2.4  # metres: a long lens
# (position relative to the eyes, size in metres, watts, colour)
_LIGHTS = (
    ((-0.7, -1.1, 0.7), 0.8, 15.0, (1.0, 0.95, 0.9)),
    ((1.0, -0.9, 0.1), 1.2, 6.0, (0.85, 0.92, 1.0)),
    ((0.4, 0.9, 0.8), 0.6, 14.0, (1.0, 1.0, 1.0)),
    ((0.1, -1.6, -0.15), 0.5, 7.0, (1.0, 0.97, 0.95)),  # from the camera: into the mouth
)


def render_face(
    vertices: NDArray[np.floating[Any]],
    head: Head,
    path: Path,
    size: int | tuple[int, int] = 512,
    samples: int = 16,
    camera: str = "front",
) -> Path:
    """Write one PNG of the head with the given vertices, (V, 3) metres, and return its path.

    `size` is pixels, square or (width, height); `camera` is a key of _VIEWS: front, face, three_quarter, side, close,
    mouth or eyes.
    The scene is built at the first call for a head and kept; later calls only move vertices and camera.
    """
    scene, mesh = _scene(head)
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.update()
    width, height = (size, size) if isinstance(size, int) else size
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.cycles.samples = samples
    _aim(scene.camera, _eyes(head), camera, min(1.0, width / height))
    scene.render.filepath = str(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with thrown_away():
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return path


@lru_cache(maxsize=1)
def _scene(head: Head) -> tuple[Any, Any]:
    """(scene, mesh) for this head, in a scene of its own beside whatever is open."""
    scene: Any = bpy.data.scenes.new("Duet preview")
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 4
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.world = new_world("Duet preview")
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.34, 0.37, 0.42, 1.0)
    background.inputs["Strength"].default_value = 0.8
    mesh = new_mesh(head)
    body = bpy.data.objects.new("Duet preview", mesh)
    scene.collection.objects.link(body)
    _light(scene, _eyes(head))
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    return scene, mesh


def _light(scene: Any, middle: Vector) -> None:
    for number, (place, extent, power, color) in enumerate(_LIGHTS):
        data: Any = bpy.data.lights.new(f"Light {number}", "AREA")
        data.size, data.energy, data.color = extent, power, color
        light = bpy.data.objects.new(f"Light {number}", data)
        light.location = middle + Vector(place)
        light.rotation_euler = (-Vector(place)).to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(light)


def _eyes(head: Head) -> Vector:
    """The point between the eyes."""
    return Vector(np.mean(head.joints[[head.bones.index("left_eye"), head.bones.index("right_eye")]], axis=0).tolist())


def _aim(camera: Any, middle: Vector, view: str, aspect: float) -> None:
    direction, offset, width = _VIEWS[view]
    away = Vector(direction).normalized()
    target = middle + Vector(offset)
    camera.location = target + away * _DISTANCE
    camera.rotation_euler = (-away).to_track_quat("-Z", "Y").to_euler()
    camera.data.sensor_width = 36.0
    camera.data.lens = 36.0 * _DISTANCE / (width / aspect if aspect < 1.0 else width)
    camera.data.clip_start, camera.data.clip_end = 0.1, 10.0
