"""Reading and writing .npz files. What a member claims is held against what it has before memory is taken; nothing is
unpickled.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MOST = 1 << 30  # bytes of all arrays together; a published FLAME model has a twentieth of it
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a bound
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def save_npz(file: BinaryIO, arrays: Mapping[str, Any], compressed: bool = False) -> None:
    """Write arrays as `np.savez` does, which leaves an archive open where the disk is full, and Python complains of it.

    Raises OSError.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_npz(path: Path, names: Collection[str] | None = None, most: int = MOST) -> dict[str, NDArray[Any]]:
    """The arrays of those names (None: all), read-only; those of Python objects are left out unread.

    Raises OSError where the file cannot be read, and any other exception where it is damaged or holds more than `most`
    bytes.
    """
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as file:
        for info in file.infolist():
            name = info.filename.removesuffix(".npy")
            if names is not None and name not in names:
                continue
            if info.compress_type not in _PACKED:
                raise ValueError(f"{name} is packed in a way that NumPy never uses")
            with file.open(info) as member:
                array = _read_array(member, name, most)
            if array is not None:
                arrays[name] = array
                most -= array.nbytes
    return arrays


def _read_array(member: IO[bytes], name: str, left: int) -> NDArray[Any] | None:
    version = npy.read_magic(member)
    if version not in _HEADERS:
        raise ValueError(f"{name} is of version {version}")
    shape, by_columns, dtype = _HEADERS[version](member)
    if dtype.hasobject:
        return None
    size = math.prod(shape) * dtype.itemsize
    if size > left or min(shape, default=0) < 0:
        raise ValueError(f"{name} claims to be {shape} of {dtype}")
    data = member.read(size)
    if len(data) != size or member.read(1):  # at the end the checksum is tested
        raise ValueError(f"{name} is not as long as it claims")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
