"""Takes as files for other programs: .npz and .json (Live Link's .csv: livelink.py), written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Floats
from ..errors import OutputError
from ..head.canonical import ARKIT_NAMES
from ..partial_files import partial_of
from ..steps import Steps, finish
from ..take import Take
from .npz import save_npz

JSON_FORMAT, JSON_VERSION = "duet-arkit", 1
_AT_ONCE = 200  # frames in a step
_DIGITS = 6  # of a coefficient in JSON
_ELSEWHERE = "Choose another file or folder, or change its permissions."
_MAKE_ROOM = "Make room there, or choose another folder."
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_npz(
    path: Path, take: Take, expression_curves: Floats | None = None, opening_curves: Floats | None = None
) -> None:
    """Write the take's arrays; raises OutputError naming the file.

    `expression_curves` (T, Ke), the expression blendshapes' weights over time, and `opening_curves` (T, Ks), what
    emotions add to speech in silence, follow from the take's emotions where they are not given.

    `fps`, `speech_weights` (T, Ks), `expression_weights` (E, Ke), `emotion_opening` (E, Ks), `emotion_curves` (T, E),
    `silence` (T,), `expression_curves` (T, Ke), `opening_curves` (T, Ks), `emotions` (E,), `arkit` (T, 52),
    `arkit_names` (52,), `speech_names` (Ks,), `expression_names` (Ke,), `meta` (JSON text), and `vertices` (T, V, 3)
    in metres where the take has them.
    """
    arrays: dict[str, Any] = {
        "fps": np.float64(take.fps),
        "speech_weights": take.speech_weights,
        "expression_weights": take.expression_weights,
        "emotion_opening": take.emotion_opening,
        "emotion_curves": take.emotion_curves,
        "silence": take.silence,
        "expression_curves": take.expression_curves if expression_curves is None else expression_curves,
        "opening_curves": take.opening_curves if opening_curves is None else opening_curves,
        "emotions": np.array(take.emotions),
        "arkit": take.arkit,
        "arkit_names": np.array(take.arkit_names),
        "speech_names": np.array(take.speech_names),
        "expression_names": np.array(take.expression_names),
        "meta": np.array(json.dumps(meta_of(take), ensure_ascii=False)),
    }
    if take.vertices is not None:
        arrays["vertices"] = take.vertices
    with written_whole(path) as file:
        save_npz(file, arrays)


def write_json(path: Path, take: Take) -> None:
    """Write the ARKit coefficients as JSON; raises OutputError naming the file."""
    finish(write_json_steps(path, take))


def write_json_steps(path: Path, take: Take) -> Steps[None]:
    """The same in steps; closed before its end, it writes nothing.

    `{"format": "duet-arkit", "version": 1, "meta": {...}, "fps": number, "frames": T, "names": [52 of Apple's],
    "weights": [[52 numbers in [0, 1]], ... T]}`; frame t is at t / fps seconds of the recording.
    """
    order = [take.arkit_names.index(name) for name in ARKIT_NAMES]
    head = {"format": JSON_FORMAT, "version": JSON_VERSION, "meta": meta_of(take), "fps": take.fps}
    head |= {"frames": take.frame_count, "names": list(ARKIT_NAMES)}
    with written_whole(path) as file:
        file.write(json.dumps(head, indent=1, ensure_ascii=False)[:-2].encode() + b',\n "weights": [\n')
        for frame, row in enumerate(take.arkit[:, order]):
            file.write(b",\n" if frame else b"")
            file.write(json.dumps([round(float(v), _DIGITS) for v in row]).encode())
            if frame % _AT_ONCE == 0:
                yield frame / take.frame_count
        file.write(b"\n]\n}\n")


def meta_of(take: Take) -> dict[str, Any]:
    """Where a take comes from: `audio`, `style` and `emotions` as asked for, the `model`'s id, and its `marks`."""
    asked = {key: take.request.get(key) for key in ("audio", "style")}
    marks = {"marks": take.request["marks"]} if take.request.get("marks") else {}
    return {"generator": "Duet", "model": take.model_id, **asked, "emotions": take.request.get("emotions", {}), **marks}


def prepare_output(path: Path) -> Path:
    """The file behind `path`, its folder made where it is missing; raises OutputError where it cannot be written.

    To be called before long work, so that it is not lost.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise OutputError(f"The output '{path}' is a folder.", "Give a file name.")
        # By its mode: the administrator, or whoever owns the folder, could replace a file that is marked read-only.
        if path.exists() and not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise OutputError(f"The output '{path}' is read-only.", _ELSEWHERE)
    except OSError as error:
        raise _unwritable(path, error) from error
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"The folder '{path.parent}' is read-only.", _ELSEWHERE)
    return path


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place at the end of the block: never half a file, nor a lost old one.

    Raises OutputError naming the file.
    """
    path = prepare_output(path)
    partial = partial_of(path)
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> OutputError:
    remedy = _MAKE_ROOM if error.errno in _FULL else _ELSEWHERE
    return OutputError(f"The output '{path}' cannot be written ({error.strerror}).", remedy)
