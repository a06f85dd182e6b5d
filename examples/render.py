"""Pictures of the Duet head with Cycles on the CPU, headless (one scene, kept between calls), and sheets of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..inference.c_stdout import thrown_away
from ..inference.head.canonical import Head
from ..scene.blender.compat import new_world
from ..scene.head.heads import new_mesh

# (direction from the aim to the camera, aim relative to the eyes' middle in metres, width of the picture in metres)
_VIEWS = {
    "front": ((0.0, -1.0, 0.03), (0.0, 0.0, -0.03), 0.27),
    "face": ((0.22, -1.0, 0.03), (-0.01, 0.0, -0.034), 0.185),
    "close": ((0.25, -1.0, 0.02), (0.0, 0.0, -0.065), 0.13),
    "profile": ((1.0, -0.12, 0.0), (0.0, -0.025, -0.05), 0.17),
}
_DISTANCE = 2.4  # metres: a long lens
_ABOVE = 20  # pixels of a sheet for the columns' names
# (position relative to the eyes, size in metres, watts, colour)
_LIGHTS = (
    ((-0.7, -1.1, 0.7), 0.8, 15.0, (1.0, 0.95, 0.9)),
    ((1.0, -0.9, 0.1), 1.2, 6.0, (0.85, 0.92, 1.0)),
    ((0.4, 0.9, 0.8), 0.6, 14.0, (1.0, 1.0, 1.0)),
    ((0.1, -1.6, -0.15), 0.5, 7.0, (1.0, 0.97, 0.95)),  # from the camera: into the mouth
)


def render_face(
    vertices: NDArray[np.floating[Any]], head: Head, size: int, samples: int, view: str = "face"
) -> Image.Image:
    """A square picture, `size` pixels wide, of the head with the given vertices, (V, 3) metres; `view` as in _VIEWS.

    The scene is built at the first call for a head and kept; later calls only move vertices and camera.
    """
    scene, mesh = _scene(head)
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.update()
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.cycles.samples = samples
    _aim(scene.camera, _eyes(head), view)
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder, "face.png"))
        with thrown_away():
            bpy.ops.render.render(write_still=True, scene=scene.name)
        with Image.open(scene.render.filepath) as picture:
            return picture.convert("RGB")


def draw_grid(
    rows: Sequence[str], columns: Sequence[str], picture: Callable[[int, int], Image.Image], label: int, out: Path
) -> None:
    """Write a sheet of square pictures, `picture(row, column)` each, under the columns' names and beside the rows'.

    The rows' names are `label` pixels wide.
    """
    pictures = [[picture(j, i) for i in range(len(columns))] for j in range(len(rows))]
    tile = pictures[0][0].width
    sheet = Image.new("RGB", (label + len(columns) * tile, _ABOVE + len(rows) * tile), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for i, column in enumerate(columns):
        pen.text((label + (i + 0.5) * tile, 4), column, "black", font, anchor="mt")
    for j, row in enumerate(rows):
        pen.text((6, _ABOVE + (j + 0.5) * tile), row, "black", font, anchor="lm")
        for i in range(len(columns)):
            sheet.paste(pictures[j][i], (label + i * tile, _ABOVE + j * tile))
    save(sheet, out)


def save(sheet: Image.Image, out: Path, colors: int = 256) -> None:
    """Write a picture with a palette, which keeps the file small."""
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(colors).save(out, optimize=True)


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


def _aim(camera: Any, middle: Vector, view: str) -> None:
    direction, offset, width = _VIEWS[view]
    away = Vector(direction).normalized()
    target = middle + Vector(offset)
    camera.location = target + away * _DISTANCE
    camera.rotation_euler = (-away).to_track_quat("-Z", "Y").to_euler()
    camera.data.sensor_width = 36.0
    camera.data.lens = 36.0 * _DISTANCE / width
    camera.data.clip_start, camera.data.clip_end = 0.1, 10.0
