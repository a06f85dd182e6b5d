"""The canonical head: geometry, ARKit shapes, regions and joints, read from weights/head.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Floats, Ints32
from ..checkpoints import Checkpoint, load_checkpoint, of_this_version
from ..errors import RequestError, WeightsError

DEFAULT_PATH = Path(__file__).resolve().parents[2] / "weights" / "head.safetensors"

_EYE = ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide")
# Apple's order (ARFaceAnchor.BlendShapeLocation), as Live Link Face writes its columns.
ARKIT_NAMES: tuple[str, ...] = (
    *(f"{name}Left" for name in _EYE),
    *(f"{name}Right" for name in _EYE),
    *("jawForward", "jawRight", "jawLeft", "jawOpen"),
    *("mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight"),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)
EXTRA_NAMES = ("tongueUp", "tongueBack", "tongueTeeth")
BONES = ("root", "neck", "jaw", "left_eye", "right_eye")
MATERIALS = ("skin", "lips", "mouth", "brows", "sclera", "cornea", "iris", "pupil", "teeth", "gums", "tongue", "lashes")
REGIONS = (
    *("skin", "face", "upper_face", "cheeks", "jaw", "eyelids", "outer_lips"),
    *("inner_lip_upper", "inner_lip_lower", "mouth_corners", "mouth_bag", "eye_sockets"),
    *("left_eye", "right_eye", "upper_teeth", "lower_teeth", "gums", "tongue", "lashes", "brows"),
)


@dataclass(frozen=True, eq=False)
class Head:
    """The Duet head. Metres; x to the character's left, y to the back, z up; V vertices, F polygons, L corners.

    Deltas are displacements from `vertices` at full value. `regions` maps each name of REGIONS to vertex indices;
    `inner_lip_upper` and `inner_lip_lower` are pairs that meet when the mouth is closed, from right corner to left.
    """

    vertices: Floats  # (V, 3) neutral: mouth closed, eyes open
    face_vertices: Ints32  # (L,) polygons, flat
    face_sizes: Ints32  # (F,) 3 or 4
    uv: Floats  # (L, 2) one per corner
    face_material: Ints32  # (F,) index into `materials`
    arkit: Floats  # (52, V, 3) in the order of `arkit_names`
    extra: Floats  # (X, V, 3) in the order of `extra_names`
    identity: Floats  # (K, V, 3) one standard deviation each
    landmarks: Ints32  # (68,) iBUG order
    joints: Floats  # (5, 3) heads of `bones`
    skin_weights: Floats  # (V, 5) rows sum to 1
    regions: Mapping[str, Ints32]
    materials: tuple[str, ...]
    arkit_names: tuple[str, ...]
    extra_names: tuple[str, ...]
    bones: tuple[str, ...]

    @cached_property
    def polygons(self) -> tuple[Ints32, ...]:
        """F arrays of 3 or 4 vertex indices, counter-clockwise seen from outside."""
        return tuple(np.split(self.face_vertices, np.cumsum(self.face_sizes)[:-1]))

    @cached_property
    def triangles(self) -> Ints32:
        """(n, 3) vertex indices: each polygon as a fan."""
        start = np.repeat(np.cumsum(self.face_sizes) - self.face_sizes, self.face_sizes - 2)
        step = np.concatenate([np.arange(1, size - 1) for size in self.face_sizes])
        return np.stack([self.face_vertices[start + k] for k in (0 * step, step, step + 1)], axis=1)

    @cached_property
    def edges(self) -> Ints32:
        """(n, 2) vertex indices of the polygons' sides, each once, the smaller index first."""
        ends = np.concatenate([np.roll(polygon, -1) for polygon in self.polygons])
        return np.unique(np.sort(np.stack([self.face_vertices, ends], axis=1), axis=1), axis=0).astype(np.int32)

    def pose(self, coefficients: Mapping[str, float]) -> Floats:
        """(V, 3) metres: the neutral plus ARKit or extra shapes by name; raises RequestError for an unknown name."""
        result = self.vertices.copy()
        for name, value in coefficients.items():
            if name in self.arkit_names:
                result += np.float32(value) * self.arkit[self.arkit_names.index(name)]
            elif name in self.extra_names:
                result += np.float32(value) * self.extra[self.extra_names.index(name)]
            else:
                raise RequestError(f"The head has no shape '{name}'.", "Use an ARKit name, such as jawOpen.")
        return result


def load_head(path: Path | None = None) -> Head:
    """Read the head (default: the one shipped in weights/), with all deltas as float32.

    Raises WeightsError where the file is missing, damaged, of another version, or disagrees with itself.
    """
    checkpoint = load_checkpoint(path or DEFAULT_PATH)
    with of_this_version(checkpoint.path):
        return _head(checkpoint)


def _head(checkpoint: Checkpoint) -> Head:
    """The head in a file; raises WeightsError, or what entries of another kind raise."""
    checkpoint.require(_FLOATS | _INTS | {f"region.{name}" for name in REGIONS})
    names: dict[str, Any] = {
        key: tuple(checkpoint.json(key)) for key in ("materials", "arkit_names", "extra_names", "bones")
    }
    _check(checkpoint, names)
    arrays = checkpoint.arrays
    fields: dict[str, Any] = {name: np.ascontiguousarray(arrays[name], np.float32) for name in _FLOATS}
    fields |= {name: np.ascontiguousarray(arrays[name], np.int32) for name in _INTS}
    fields["regions"] = {name: np.ascontiguousarray(arrays[f"region.{name}"], np.int32) for name in REGIONS}
    fields["skin_weights"] /= fields["skin_weights"].sum(axis=1, keepdims=True)  # float16 rows sum to nearly 1
    return Head(**fields, **names)


_FLOATS = {"vertices", "uv", "arkit", "extra", "identity", "joints", "skin_weights"}
_INTS = {"face_vertices", "face_sizes", "face_material", "landmarks"}


def _check(checkpoint: Checkpoint, names: dict[str, tuple[str, ...]]) -> None:
    """Raise WeightsError where shapes, names and indices of the file do not belong together."""
    arrays = checkpoint.arrays
    count, corners, faces = len(arrays["vertices"]), len(arrays["face_vertices"]), len(arrays["face_sizes"])
    expected = {
        "vertices": (count, 3),
        "uv": (corners, 2),
        "face_material": (faces,),
        "arkit": (len(ARKIT_NAMES), count, 3),
        "extra": (len(names["extra_names"]), count, 3),
        "identity": (len(arrays["identity"]), count, 3),
        "landmarks": (68,),
        "joints": (len(BONES), 3),
        "skin_weights": (count, len(BONES)),
    }
    wrong = [
        f"{name} is {arrays[name].shape}, not {want}" for name, want in expected.items() if arrays[name].shape != want
    ]
    if names["arkit_names"] != ARKIT_NAMES or names["bones"] != BONES:
        wrong.append("its ARKit shapes or bones have other names")
    if int(arrays["face_sizes"].astype(np.int64).sum()) != corners:
        wrong.append("its polygons do not add up")
    for name in ("face_vertices", "landmarks", *(f"region.{region}" for region in REGIONS)):
        index = arrays[name]
        if index.size and not 0 <= index.min() <= index.max() < count:
            wrong.append(f"{name} points outside the mesh")
    if wrong:
        raise WeightsError(
            f"{checkpoint.path} is no Duet head: {'; '.join(wrong)}.", "Rebuild it as docs/head.md says."
        )
