"""Sequences of FLAME coefficients as GaussianAvatars reads them (Qian et al. 2024), and a checker that reads them back.

The layout is that of its `flame_param.npz` and of the file that its option `--motion_path` takes; docs/heads.md has a
table. Everything is float32, rotations are axis-angle in radians, lengths are metres, axes are FLAME's (x to the
character's left, y up, z out of the face); row t is frame t.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Numbers
from ..errors import OutputError
from ..formats.exports import written_whole
from ..formats.npz import read_npz, save_npz
from ..plain_text import brief
from .fit import FlameMotion
from .model import JAW, LEFT_EYE, NECK, RIGHT_EYE, ROOT, FlameModel

SHAPES, EXPRESSIONS = 300, 100
_AGREE = 1e-5  # metres between the vertices of a file and those it was written from
_MOST = 16 << 30  # bytes of a file that Duet itself has just written
_REMEDY = "Export it again."


def gaussian_arrays(motion: FlameMotion, model: FlameModel) -> dict[str, NDArray[Any]]:
    """The arrays of the layout; raises OutputError where the model has more coefficients than it holds."""
    frames = len(motion.expression)
    if motion.expression.shape[1] > EXPRESSIONS or len(motion.identity) > SHAPES:
        message = f"The model has {len(motion.identity)} shape and {motion.expression.shape[1]} expression components."
        raise OutputError(message, f"GaussianAvatars reads at most {SHAPES} and {EXPRESSIONS}: use a FLAME model.")
    arrays = {
        "expr": _padded(motion.expression, EXPRESSIONS),
        "rotation": motion.pose[:, ROOT],
        "neck_pose": motion.pose[:, NECK],
        "jaw_pose": motion.pose[:, JAW],
        "eyes_pose": motion.pose[:, [LEFT_EYE, RIGHT_EYE]].reshape(frames, 6),
        "translation": motion.translation,
        "shape": _padded(motion.identity[None], SHAPES)[0],
        "static_offset": np.zeros((1, len(model.v_template), 3)),
        # Some readers index it by the frame and add it to the vertices, so one row for all of them is enough.
        "dynamic_offset": np.zeros((frames, 1, 3)),
    }
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()} | {
        "fps": np.array(motion.fps)  # GaussianAvatars passes over what is not float32
    }


def write_gaussian(path: Path, motion: FlameMotion, model: FlameModel) -> None:
    """Write the motion as .npz and check what was written; raises OutputError naming the file."""
    arrays = gaussian_arrays(motion, model)
    with written_whole(path) as file:
        save_npz(file, arrays, compressed=True)
    difference = check_gaussian(path, motion, model)
    if difference > _AGREE:
        raise OutputError(f"The output '{path}' is {difference * 1000:.3f} mm off what was written.", _REMEDY)


def read_gaussian(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file; raises OutputError naming it, and the array whose shape, type or numbers are wrong."""
    try:
        arrays = read_npz(path, most=_MOST)
    except Exception as error:  # damaged bytes fail in zipfile, zlib and NumPy in any way
        raise OutputError(f"'{path}' cannot be read as a sequence ({brief(error)}).", _REMEDY) from error
    frames = len(arrays.get("expr", ()))
    due: dict[str, tuple[int, ...]] = {"expr": (frames, EXPRESSIONS), "eyes_pose": (frames, 6), "shape": (SHAPES,)}
    due |= dict.fromkeys(("rotation", "neck_pose", "jaw_pose", "translation"), (frames, 3))
    wrong = [f"it lacks {name}" for name in (*due, "static_offset") if name not in arrays]
    wrong += [
        f"{name} is {arrays[name].shape}, not {shape}"
        for name, shape in due.items()
        if name in arrays and arrays[name].shape != shape
    ]
    for name, array in arrays.items():
        if name != "fps" and (array.dtype != np.float32 or not np.isfinite(array).all()):
            wrong.append(f"{name} is not of finite float32 numbers")
    if wrong:
        raise OutputError(f"'{path}' is no sequence for GaussianAvatars: {'; '.join(wrong)}.", _REMEDY)
    return arrays


def gaussian_vertices(arrays: dict[str, NDArray[Any]], model: FlameModel, part: slice) -> Numbers:
    """Vertices (n, V, 3) of some frames, put together as GaussianAvatars does: offsets go on before joints are found.

    Its own model has teeth after FLAME's vertices; those are not in `static_offset` here.
    """
    expression = arrays["expr"][part, : model.expression_count]
    identity = np.tile(arrays["shape"][: model.identity_count], (len(expression), 1))
    shaped = model.shaped(identity, expression) + arrays["static_offset"]
    if "dynamic_offset" in arrays:
        shaped = shaped + arrays["dynamic_offset"][part]
    names = ("rotation", "neck_pose", "jaw_pose", "eyes_pose")
    pose = np.concatenate([arrays[name][part] for name in names], axis=1).reshape(len(expression), 5, 3)
    return model.posed(shaped, pose, arrays["translation"][part])


def check_gaussian(path: Path, motion: FlameMotion, model: FlameModel) -> float:
    """How far the vertices of a file are from those of a motion, at most, in metres; raises OutputError."""
    arrays, start, worst = read_gaussian(path), 0, 0.0
    if len(arrays["expr"]) != len(motion.expression):
        message = f"'{path}' has {len(arrays['expr'])} frames, not {len(motion.expression)}."
        raise OutputError(message, _REMEDY)
    for due in motion.vertices(model):
        found = gaussian_vertices(arrays, model, slice(start, start + len(due)))
        worst, start = max(worst, float(np.abs(found - due).max())), start + len(due)
    return worst


def _padded(coefficients: Numbers, width: int) -> Numbers:
    """Coefficients (T, n) as (T, width): zeros for components that the model has not."""
    return np.pad(coefficients, ((0, 0), (0, width - coefficients.shape[1])))
