"""Which outputs are done: beside each output, in the folder `.duet`, a record of what made it."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from functools import cache
from pathlib import Path

from ...inference.checkpoints import MODEL_FILES, model_id
from ...inference.errors import WeightsError
from ...inference.formats.exports import written_whole
from .jobs import Job

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ".duet"


@cache
def current_model() -> str:
    """The id of the weights that a worker would load; raises WeightsError where one is missing."""
    try:
        return model_id(*(ROOT / "weights" / f"{name}.safetensors" for name in MODEL_FILES))
    except OSError as error:
        message = f"The weights file {error.filename} cannot be read ({error.strerror})."
        raise WeightsError(message, "Install Duet again from its zip.") from error


def is_done(job: Job) -> bool:
    """Whether the output is there, newer than its inputs, and made from the same request by the same weights.

    An output that was changed by hand since then counts as done: it is not written over. Raises WeightsError.
    """
    try:
        record = json.loads(_path(job).read_text(encoding="utf-8"))
        written = job.output.stat().st_mtime_ns
        newest = max(path.stat().st_mtime_ns for path in (job.audio, job.base, job.flame) if path)
        if job.picture:
            job.picture.stat()
    except (OSError, ValueError, RecursionError):
        return False
    return newest <= written and isinstance(record, dict) and record.get("key") == _key(job, current_model())


def write(job: Job, model: str) -> None:
    """Record that the job is done by the weights of this id; raises OutputError."""
    text = json.dumps({"key": _key(job, model), "model": model, "job": job.to_json()}, indent=1)
    with written_whole(_path(job)) as file:
        file.write(text.encode())


def _path(job: Job) -> Path:
    return job.output.parent / FOLDER / f"{job.output.name}.json"


def picture_path(output: Path) -> Path:
    """Where the picture of an output's loudest vowel is kept."""
    return output.parent / FOLDER / f"{output.name}.png"


def _key(job: Job, model: str) -> str:
    """A digest of all that decides what is in the output: the job, its text, the sizes of its inputs, weights, version.

    Inputs are named relative to the output, so that a project may move as a whole. A contact sheet's picture is
    nothing of the output's.
    """
    asked = job.to_json()
    del asked["picture"]
    for name in ("audio", "base", "flame"):
        path = getattr(job, name)
        asked[name] = [relative(path, job.output.parent), path.stat().st_size] if path else None
    asked |= {"performance": job.spoken.to_json(), "output": job.output.name, "model": model, "version": version()}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def relative(path: Path, start: Path) -> str:
    """The path seen from a folder."""
    try:
        return os.path.relpath(path.resolve(), start.resolve())
    except ValueError:  # another drive
        return str(path.resolve())


@cache
def version() -> str:
    """Of this Duet."""
    return str(tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["version"])
