"""Reading and writing safetensors files with NumPy alone, strictly.

Format: https://huggingface.co/docs/safetensors (8-byte little-endian header length, JSON header, raw data).
Blender has no safetensors package, so the embedded engine reads the files with this module.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import WeightsError

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
}
_DTYPES |= {"U16": "<u2", "U32": "<u4", "BOOL": "?"}
_CODES = {np.dtype(value): key for key, value in _DTYPES.items()}
_REMEDY = "Install Duet again from its zip, or rebuild the file as docs/training.md says."


@dataclass(frozen=True)
class Checkpoint:
    """Named arrays and the string metadata of one file."""

    path: Path
    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, str]

    def json(self, key: str) -> Any:
        """A metadata entry that holds JSON; raises WeightsError where it is missing or damaged."""
        try:
            return json.loads(self.metadata[key])
        except (KeyError, ValueError) as error:
            raise WeightsError(f"{self.path} has no readable '{key}' in its metadata.", _REMEDY) from error

    def array(self, name: str) -> NDArray[Any]:
        """One array; raises WeightsError where the file lacks it."""
        if name not in self.arrays:
            raise WeightsError(f"{self.path} does not fit this version: it lacks '{name}'.", _REMEDY)
        return self.arrays[name]

    def floats(self, prefix: str = "") -> dict[str, NDArray[np.float32]]:
        """The arrays under `prefix`, with the prefix taken off, as contiguous float32."""
        return {
            name[len(prefix) :]: np.ascontiguousarray(array, np.float32)
            for name, array in self.arrays.items()
            if name.startswith(prefix)
        }

    def require(self, names: set[str]) -> None:
        """Raise WeightsError listing every array that is missing from `names` or not expected in it."""
        missing, unexpected = sorted(names - set(self.arrays)), sorted(set(self.arrays) - names)
        if missing or unexpected:
            parts = [f"missing {', '.join(missing)}"] * bool(missing)
            parts += [f"unexpected {', '.join(unexpected)}"] * bool(unexpected)
            raise WeightsError(f"{self.path} does not fit this version: {'; '.join(parts)}.", _REMEDY)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a safetensors file; raises WeightsError naming the file where it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}).", _REMEDY) from error
    try:
        (length,) = struct.unpack_from("<Q", data)
        if 8 + length > len(data):
            raise ValueError("the header ends beyond the file")
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        arrays = {name: _array(data, 8 + length, entry) for name, entry in header.items()}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"The weights file {path} is damaged ({error}).", _REMEDY) from error
    return Checkpoint(path, arrays, metadata)


def _array(data: bytes, base: int, entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    raw = data[base + begin : base + end]
    if len(raw) != end - begin or min(entry["shape"], default=0) < 0:
        raise ValueError("the data do not fit the header")
    return np.frombuffer(raw, _DTYPES[entry["dtype"]]).reshape(entry["shape"])


def save_checkpoint(path: Path, arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> None:
    """Write a safetensors file: arrays in name order, data 8-byte aligned, the same bytes for the same content."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    blobs, offset = [], 0
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        blob = array.tobytes()
        header[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


MODEL_FILES = ("head", "encoder", "rig", "speech", "fusion")  # that together make a take


def model_id(*paths: Path) -> str:
    """The first 12 hex digits of the SHA-256 over the files: which weights made a take."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
