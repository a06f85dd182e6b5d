"""Reading and writing safetensors files with NumPy alone, strictly.

Format: https://huggingface.co/docs/safetensors (8-byte little-endian header length, JSON header, raw data).
Blender has no safetensors package, so the embedded engine reads the files with this module.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import WeightsError
from .plain_text import brief

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
_MOST_HEADER = 1 << 24  # bytes: reading JSON takes twenty times its size
_REMEDY = "Install Duet again from its zip, or rebuild the file as docs/training.md says."
_DAMAGED = (struct.error, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError)


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
        """Copies of the arrays under `prefix`, with the prefix taken off, as float32; they keep no file in memory."""
        return {
            name[len(prefix) :]: array.astype(np.float32)
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


@contextmanager
def of_this_version(path: Path) -> Iterator[None]:
    """What entries of another kind raise where they are put to use, as a WeightsError that names the file."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise WeightsError(f"{path} does not fit this version ({brief(error)}).", _REMEDY) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a safetensors file; raises WeightsError naming the file where it is missing or damaged."""
    try:
        if path.exists() and not path.is_file():  # a device could be read without an end
            raise WeightsError(f"The weights file {path} cannot be read (it is no file).", _REMEDY)
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}).", _REMEDY) from error
    try:
        base, header = _header(data)
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("its metadata are not text")
        spans = [entry["data_offsets"] for entry in header.values()]
        if sum(abs(end - begin) for begin, end in spans) > len(data) - base:  # before any is copied
            raise ValueError("its arrays are more than its bytes")
        arrays = {name: _array(data, base, entry) for name, entry in header.items()}
    except _DAMAGED as error:
        raise WeightsError(f"The weights file {path} is damaged ({brief(error)}).", _REMEDY) from error
    return Checkpoint(path, arrays, metadata)


def _header(data: bytes) -> tuple[int, dict[str, Any]]:
    """(where the arrays begin, the entries by name)."""
    (length,) = struct.unpack_from("<Q", data)
    if 8 + length > len(data):
        raise ValueError("the header ends beyond the file")
    if length > _MOST_HEADER:
        raise ValueError("the header is longer than any")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("the header is no table")
    return 8 + length, header


def _array(data: bytes, base: int, entry: dict[str, Any]) -> NDArray[Any]:
    """An array of the file's bytes, and not a copy of them where they are aligned."""
    begin, end = entry["data_offsets"]
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"]
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)):
        raise ValueError("a size is no whole number")
    if base + end > len(data) or end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError("the data do not fit the header")
    array = np.frombuffer(data, dtype, math.prod(shape), base + begin).reshape(shape)
    return array if array.flags.aligned else array.copy()


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
