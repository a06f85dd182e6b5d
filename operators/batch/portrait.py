"""A small picture of a face, drawn by NumPy alone: for contact sheets, on machines with or without a Blender."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.loudness import RATE
from ...inference.formats.exports import written_whole
from ...inference.head.canonical import load_head
from ...inference.head.recompose import deltas_of
from ...inference.performance.face import FaceCurves

WIDTH, HEIGHT = 120, 150  # pixels
_PIXEL = 0.0016  # metres
_ABOVE = 0.082  # metres from the eyes up to the picture's top
_TURN = np.radians(14)  # the head's, to its right: more is seen of how far lips come forward
_LIGHT = np.array([-0.35, -0.8, 0.5], np.float32) / np.float32(np.linalg.norm([-0.35, -0.8, 0.5]))
_AMBIENT, _BACKGROUND = 0.2, 45
_FINE = 4  # a triangle is seen at points a fourth of its sides apart, which is less than a pixel
_TONE = {"skin": 0.6, "lips": 0.4, "mouth": 0.1, "brows": 0.2, "sclera": 0.95, "iris": 0.35, "pupil": 0.05}
_TONE |= {"teeth": 1.0, "gums": 0.45, "tongue": 0.45, "lashes": 0.15}  # the cornea is clear


def loudest_vowel(face: FaceCurves, loudness: Floats) -> int:
    """The frame at which an open mouth is loudest; `loudness` (T,) is `audio.loudness.envelope`'s."""
    head, deltas = load_head(), deltas_of(face.names)
    upper, lower = (head.regions[f"inner_lip_{side}"] for side in ("upper", "lower"))
    gap = face.weights @ (deltas[:, upper, 2] - deltas[:, lower, 2]).mean(axis=1)
    seconds = np.arange(face.frames) / face.fps - face.performance.offset / 1000
    level = np.interp(seconds, np.arange(len(loudness)) / RATE, loudness)
    return int(np.argmax(level * np.maximum(gap, 0.0)))


def draw(face: FaceCurves, frame: int, path: Path) -> None:
    """Write a .png, WIDTH by HEIGHT, of the Duet head at a frame; raises OutputError."""
    head = load_head()
    vertices = head.vertices + np.tensordot(face.weights[frame], deltas_of(face.names), 1)
    write_png(path, shaded(np.asarray(vertices, np.float32)))


def shaded(vertices: Floats) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH) grey values of the Duet head's vertices (V, 3), metres, seen along +y."""
    head, (triangles, tones) = load_head(), _seen()
    eyes = head.joints[[head.bones.index("left_eye"), head.bones.index("right_eye")]].mean(axis=0)
    turned = (vertices - eyes) @ np.array(
        [[np.cos(_TURN), np.sin(_TURN), 0], [-np.sin(_TURN), np.cos(_TURN), 0], [0, 0, 1]], np.float32
    )
    corners = turned[triangles]  # (T, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + np.float32(1e-12)
    light = tones * (_AMBIENT + (1 - _AMBIENT) * np.abs(normals @ _LIGHT))
    places = np.einsum("pc,tcx->tpx", _points(), corners).reshape(-1, 3)
    columns = np.rint(places[:, 0] / _PIXEL).astype(np.int64) + WIDTH // 2
    rows = np.rint((_ABOVE - places[:, 2]) / _PIXEL).astype(np.int64)
    inside = np.flatnonzero((columns >= 0) & (columns < WIDTH) & (rows >= 0) & (rows < HEIGHT))
    far_first = inside[np.argsort(-places[inside, 1], kind="stable")]
    picture = np.full(HEIGHT * WIDTH, _BACKGROUND, np.uint8)
    picture[rows[far_first] * WIDTH + columns[far_first]] = np.minimum(
        255 * light[far_first // len(_points())] ** (1 / 2.2), 255
    )
    return _filled(picture.reshape(HEIGHT, WIDTH))


def _filled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without single pixels that no point of a large triangle fell on."""
    left, right = picture[:, :-2], picture[:, 2:]
    middle = picture[:, 1:-1]
    hole = (middle == _BACKGROUND) & (left != _BACKGROUND) & (right != _BACKGROUND)
    middle[hole] = left[hole]
    return picture


@cache
def _seen() -> tuple[NDArray[np.int64], Floats]:
    """Triangles (T, 3) of what is not clear, and the tones (T,) of their materials."""
    head = load_head()
    material = np.repeat(head.face_material, head.face_sizes.astype(np.int64) - 2)
    tones = np.array([_TONE.get(name, 0.0) for name in head.materials], np.float32)[material]
    return head.triangles[tones > 0].astype(np.int64), tones[tones > 0]


@cache
def _points() -> Floats:
    """Shares (P, 3) of a triangle's corners."""
    found = [(i, j, _FINE - i - j) for i in range(_FINE + 1) for j in range(_FINE + 1 - i)]
    return np.array(found, np.float32) / np.float32(_FINE)


def write_png(path: Path, grey: NDArray[np.uint8]) -> None:
    """Write grey values (H, W) as .png; raises OutputError."""
    height, width = grey.shape
    steps = np.diff(grey.astype(np.int16), axis=1, prepend=0).astype(np.uint8)
    rows = np.insert(steps, 0, 1, axis=1)  # 1: each is told by what it is more than its left one
    with written_whole(path) as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
