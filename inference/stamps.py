"""What made a weights file, and whether files that were built on each other belong together.

Every stage of training stamps the file that it writes: with the commit, its seed, and the ids of the files that it was
built on. An id is a hash of a file's content without its stamp, so that a stage that makes the same file again at
another commit leaves the later ones valid.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .checkpoints import Checkpoint, load_checkpoint
from .errors import WeightsError

ENTRY = "made"  # of the metadata
# Weights file -> those beside it that it was built on, and fits alone.
BUILT_ON: dict[str, tuple[str, ...]] = {
    "head": (),
    "flame_head": ("head",),
    "encoder": (),
    "rig": (),
    "speech": ("encoder", "rig"),
    "fusion": ("head", "rig"),
}
_REMEDY = "Install Duet again from its zip, or run `make weights` in its repository."


@dataclass(frozen=True)
class Stamp:
    """`built_on` and `seen` map names of weights files to their ids; what was only seen may be another one later."""

    commit: str
    seed: int
    built_on: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The metadata entry."""
        return json.dumps(
            {"commit": self.commit, "seed": self.seed, "built_on": dict(self.built_on), "seen": dict(self.seen)},
            sort_keys=True,
        )


def stamp_in(checkpoint: Checkpoint) -> Stamp | None:
    """The file's stamp, None where it has none; raises WeightsError where it is damaged."""
    if ENTRY not in checkpoint.metadata:
        return None
    try:
        return Stamp(**checkpoint.json(ENTRY))
    except TypeError as error:
        raise WeightsError(f"The stamp in {checkpoint.path} is damaged ({error}).", _REMEDY) from error


def content_id(checkpoint: Checkpoint) -> str:
    """The first 16 hex digits of the SHA-256 over a file's arrays and metadata, without its stamp."""
    digest = hashlib.sha256()
    for name in sorted(checkpoint.arrays):
        array = np.ascontiguousarray(checkpoint.arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    rest = {key: text for key, text in checkpoint.metadata.items() if key != ENTRY}
    digest.update(json.dumps(rest, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def file_id(path: Path) -> str:
    """The content id of a file; raises WeightsError where it cannot be read."""
    try:
        state = path.stat()
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}).", _REMEDY) from error
    return _file_id(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=64)
def _file_id(path: Path, changed: int, size: int) -> str:
    return content_id(load_checkpoint(path))


def strangers(checkpoint: Checkpoint, sources: tuple[str, ...]) -> list[str]:
    """Those of `sources` that are not, beside the file, what it was built on; raises WeightsError without a stamp."""
    if not sources:
        return []
    stamp = stamp_in(checkpoint)
    if stamp is None:
        raise WeightsError(f"{checkpoint.path} does not say what it was built on.", _REMEDY)
    folder = checkpoint.path.parent
    return [name for name in sources if stamp.built_on.get(name) != file_id(folder / f"{name}.safetensors")]


def load_weights(path: Path, sources: tuple[str, ...]) -> Checkpoint:
    """Read a weights file that was built on others; `sources` are their names, as in BUILT_ON.

    Raises WeightsError where it is unusable or one beside it is not the one that it was built on.
    """
    checkpoint = load_checkpoint(path)
    wrong = strangers(checkpoint, sources)
    if wrong:
        others = " and ".join(f"{name}.safetensors" for name in wrong)
        raise WeightsError(f"{path} was not built on the {others} beside it: they do not belong together.", _REMEDY)
    return checkpoint
