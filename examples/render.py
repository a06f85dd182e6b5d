"""Pictures of the Duet head with Cycles on the CPU, headless: one scene, kept between calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ..inference.head import Head

# Linear base colour, roughness and specular level by material; unknown names get grey.
_LOOKS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "skin": ((0.59, 0.33, 0.23), 0.5, 0.35),
    "lips": ((0.46, 0.2, 0.165), 0.42, 0.35),
    "mouth": ((0.17, 0.035, 0.035), 0.45, 0.4),
    "brows": ((0.15, 0.078, 0.05), 0.85, 0.1),
    "sclera": ((0.74, 0.7, 0.67), 0.18, 0.5),
    "iris": ((0.08, 0.045, 0.02), 0.12, 0.6),
    "pupil": ((0.004, 0.004, 0.004), 0.1, 0.6),
    "teeth": ((0.72, 0.66, 0.55), 0.2, 0.5),
    "gums": ((0.36, 0.1, 0.1), 0.35, 0.4),
    "tongue": ((0.4, 0.13, 0.125), 0.45, 0.4),
    "lashes": ((0.02, 0.012, 0.01), 0.8, 0.1),
}
# (direction from the aim to the camera, aim relative to the eyes' middle in metres, width of the picture in metres)
_VIEWS = {
    "front": ((0.0, -1.0, 0.03), (0.0, 0.0, -0.03), 0.27),
    "three_quarter": ((0.62, -1.0, 0.08), (0.0, 0.02, -0.03), 0.29),
    "side": ((1.0, -0.04, 0.0), (0.0, 0.06, -0.03), 0.32),
    "face": ((0.22, -1.0, 0.03), (-0.01, 0.0, -0.034), 0.185),
    "close": ((0.25, -1.0, 0.02), (0.0, 0.0, -0.065), 0.13),
    "mouth": ((0.0, -1.0, 0.0), (0.0, 0.0, -0.075), 0.09),
    "eyes": ((0.0, -1.0, 0.0), (0.0, 0.0, 0.0), 0.13),
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
    with _silence():
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return path


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Blender's render log, which its C side writes, off the standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@lru_cache(maxsize=1)
def _scene(head: Head) -> tuple[Any, Any]:
    """(scene, mesh) for this head, in a scene of its own beside whatever is open."""
    scene = bpy.data.scenes.new("Duet preview")
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 4
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.world = bpy.data.worlds.new("Duet preview")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.34, 0.37, 0.42, 1.0)
    background.inputs["Strength"].default_value = 0.8
    mesh = _mesh(head)
    body = bpy.data.objects.new("Duet preview", mesh)
    modifier = body.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels = modifier.render_levels = 1
    scene.collection.objects.link(body)
    _light(scene, _eyes(head))
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    return scene, mesh


def _mesh(head: Head) -> Any:
    mesh = bpy.data.meshes.new("Duet preview")
    mesh.from_pydata(head.vertices.tolist(), [], [polygon.tolist() for polygon in head.polygons])
    mesh.polygons.foreach_set("material_index", head.face_material.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(head.face_sizes), bool))
    for name in head.materials:
        mesh.materials.append(_material(name))
    return mesh


def _material(name: str) -> Any:
    if name == "cornea":
        return _clear()
    color, roughness, specular = _LOOKS.get(name, ((0.5, 0.5, 0.5), 0.5, 0.5))
    material = bpy.data.materials.new(f"Duet {name}")
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular IOR Level"].default_value = specular
    return material


def _clear() -> Any:
    """What lets light through and mirrors a little of it."""
    material = bpy.data.materials.new("Duet cornea")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    kinds = ("LayerWeight", "BsdfTransparent", "BsdfGlossy", "MixShader", "OutputMaterial")
    weight, through, mirror, mix, output = (tree.nodes.new(f"ShaderNode{kind}") for kind in kinds)
    weight.inputs["Blend"].default_value = 0.05
    mirror.inputs["Color"].default_value = (0.4, 0.4, 0.4, 1.0)
    mirror.inputs["Roughness"].default_value = 0.03
    for socket, node, number in ((weight.outputs["Fresnel"], mix, 0), (through.outputs[0], mix, 1), (mirror.outputs[0], mix, 2)):
        tree.links.new(socket, node.inputs[number])
    tree.links.new(mix.outputs[0], output.inputs[0])
    return material


def _light(scene: Any, middle: Vector) -> None:
    for number, (place, extent, power, color) in enumerate(_LIGHTS):
        data = bpy.data.lights.new(f"Light {number}", "AREA")
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
