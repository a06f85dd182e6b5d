"""Reads the arrays of a pickled FLAME model and runs nothing: every class that a pickle names is an inert stand-in.

FLAME's files were pickled by Python 2: a dict of NumPy arrays, SciPy sparse matrices and chumpy arrays. A pickle can
name any function of any module and have it called. Here a name is looked up in one table, the table holds only
classes of this file, and a name outside it ends the reading. Not even NumPy's own unpickling is used, since a
forged dtype can make that read memory that is not its own.
"""

from __future__ import annotations

import io
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from ..plain_text import brief

_REMEDY = "Use the model file as its authors publish it."
_NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_SPARE = 1 << 28  # bytes that sparse matrices may take beyond the file's own size


class _Refused(pickle.UnpicklingError):
    """The pickle names something that no model needs."""


class _Inert:
    """Takes any arguments and any state, and does nothing with them."""

    def __new__(cls, *args: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, *args: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Chumpy(_Inert):
    """chumpy.ch.Ch: its state holds the array as `x`."""


class _Sparse(_Inert):
    """A SciPy matrix by compressed columns (or rows): `data`, `indices`, `indptr` and `_shape`."""

    by_rows = False


class _SparseRows(_Sparse):
    by_rows = True


class _Dtype(_Inert):
    """numpy.dtype of plain numbers: a code such as 'f8', and a byte order."""

    def __init__(self, code: str, *flags: Any) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: Any) -> None:
        self.order = str(state[1])

    def numpy(self) -> np.dtype[Any] | None:
        """The type, or None where it is not one of plain numbers."""
        code = self.code if self.code[:1] in "<>|=" else self.order + self.code
        return np.dtype(code) if _NUMBERS.fullmatch(code) else None


class _Array(_Inert):
    """numpy.ndarray: its parts. An array is made where one is asked for: a pickle may name one buffer many times."""

    def __init__(self, *args: Any) -> None:
        self._raw: Any = b""
        self._dtype: Any = None
        self._shape: Any = ()
        self._order = "C"

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.fill(raw, dtype, shape, "F" if fortran else "C")

    def fill(self, raw: Any, dtype: Any, shape: Any, order: str) -> Any:
        """Take the parts, and return itself."""
        self._raw, self._dtype, self._shape, self._order = raw, dtype, shape, order
        return self

    def value(self) -> NDArray[Any] | None:
        """A read-only array, None where its elements are not numbers; raises ValueError where the parts do not fit."""
        return _array(self._raw, self._dtype, self._shape, self._order)


class _Reconstruct(_Inert):
    """numpy.core.multiarray._reconstruct: an array whose state follows."""

    def __new__(cls, *args: Any) -> Any:
        return _Array()


class _FromBuffer(_Inert):
    """numpy.core.numeric._frombuffer, of protocol 5: an array at once."""

    def __new__(cls, raw: Any, dtype: Any, shape: Any, order: Any) -> Any:
        return _Array().fill(raw, dtype, shape, "F" if order == "F" else "C")


class _Scalar(_Inert):
    """numpy.core.multiarray.scalar: one number."""

    def __new__(cls, dtype: Any, raw: Any = b"") -> Any:
        return _Array().fill(raw, dtype, (), "C")


class _Encode(_Inert):
    """_codecs.encode, which Python 3 uses for bytes under protocol 2: the text that stands for them."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
            raise ValueError("bytes in another encoding")
        return text


class _NoBytes(_Inert):
    """bytes(), which Python 3 uses for none at all under protocol 2."""

    def __new__(cls) -> Any:
        return b""


class _Reconstructor(_Inert):
    """copy_reg._reconstructor, of protocols 0 and 1: an empty object of one of this file's classes."""

    def __new__(cls, wanted: Any, *args: Any) -> Any:
        if wanted not in (_Chumpy, _Sparse, _SparseRows):
            raise ValueError("an object of no known class")
        return wanted()


_NUMPY = {"_reconstruct": _Reconstruct, "scalar": _Scalar}
_TABLE: dict[tuple[str, str], type[_Inert]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    **{(f"numpy.{core}.multiarray", name): stub for core in ("core", "_core") for name, stub in _NUMPY.items()},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _FromBuffer for core in ("core", "_core")},
    **{(f"scipy.sparse.{module}", "csc_matrix"): _Sparse for module in ("csc", "_csc")},
    **{(f"scipy.sparse.{module}", "csr_matrix"): _SparseRows for module in ("csr", "_csr")},
    ("chumpy.ch", "Ch"): _Chumpy,
    ("chumpy", "Ch"): _Chumpy,
    **{(module, "_reconstructor"): _Reconstructor for module in ("copy_reg", "copyreg")},
    # In the state of chumpy's objects and of protocol 0, unused:
    **{(module, name): _Inert for module in ("__builtin__", "builtins") for name in ("set", "object")},
    ("_codecs", "encode"): _Encode,
    **{(module, "bytes"): _NoBytes for module in ("__builtin__", "builtins")},
}


class _ArrayUnpickler(pickle._Unpickler):
    """The unpickler that is written in Python: unlike the other, a forged number cannot make it take all memory."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name of the table; any other is refused."""
        try:
            return _TABLE[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}"[:80]) from None

    def get_extension(self, code: int) -> None:
        """Codes that stand for classes of the running program are refused."""
        raise _Refused(f"extension {code}")


def _load_bytearray8(self: Any) -> None:
    """As many bytes as there are: the library's own takes memory for as many as are claimed."""
    (size,) = struct.unpack("<Q", self.read(8))
    self.append(bytearray(self.read(size)))


def _with_plain_keys(load: Callable[[Any], None], step: int) -> Callable[[Any], None]:
    """An opcode that takes only plain keys: the hash of tuples nested in tuples could take forever."""

    def checked(self: Any) -> None:
        keys = self.stack[-2:-1] if step == 0 else self.stack[::step]
        if not all(isinstance(key, (str, int, float, bytes, type(None))) for key in keys):
            raise ValueError("a key that is no string")
        load(self)

    return checked


_STEPS = {pickle.SETITEM: 0, pickle.SETITEMS: 2, pickle.DICT: 2, pickle.ADDITEMS: 1, pickle.FROZENSET: 1}
_ArrayUnpickler.dispatch = dict(pickle._Unpickler.dispatch)
_ArrayUnpickler.dispatch[pickle.BYTEARRAY8[0]] = _load_bytearray8
for _code, _step in _STEPS.items():
    _ArrayUnpickler.dispatch[_code[0]] = _with_plain_keys(_ArrayUnpickler.dispatch[_code[0]], _step)


def load_pickled_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a pickled dict by name, sparse matrices made dense; entries that are no arrays are left out.

    Raises WeightsError naming the file, and where it asks for any class or function but those of plain arrays, naming
    that; nothing in the file is run.
    """
    return {str(name): value for name, value in load_pickled_tree(path).items() if isinstance(value, np.ndarray)}


def load_pickled_tree(path: Path) -> dict[Any, Any]:
    """As `load_pickled_arrays`, but dicts within dicts, numbers and text are kept; what else it holds is left out."""
    try:
        if path.exists() and not path.is_file():
            raise WeightsError(f"The model file {path} is no file.", _REMEDY)
        raw = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The model file {path} cannot be read ({error.strerror}).", _REMEDY) from error
    try:
        data = _ArrayUnpickler(io.BytesIO(raw), encoding="latin1").load()
        if not isinstance(data, dict):
            raise ValueError(f"it holds a {type(data).__name__}, not a dict")
        return _Tree(len(raw) + _SPARE).plain(data)
    except _Refused as error:
        raise WeightsError(
            f"The model file {path} asks for '{error}', which no model needs. Nothing of it was run.", _REMEDY
        ) from error
    except Exception as error:  # damaged opcodes fail in any way that Python can
        raise WeightsError(f"The model file {path} is damaged ({brief(error)}).", _REMEDY) from error


class _Tree:
    """Makes plain values of what a pickle holds: each dict and array once, however often it is named."""

    def __init__(self, left: int) -> None:
        self._left = left  # bytes that arrays may still take
        self._done: dict[int, Any] = {}

    def plain(self, data: dict[Any, Any]) -> dict[Any, Any]:
        """The plain values of a dict, those of the dicts within it too; a name may be text or a number."""
        values = {name: self._value(value) for name, value in data.items()}
        return {_name(name): value for name, value in values.items() if value is not None}

    def _value(self, value: Any) -> Any:
        if isinstance(value, (bool, int, float, str)):
            return value
        if id(value) not in self._done:  # `value` lives as long as the pickle's dict
            self._done[id(value)] = self.plain(value) if isinstance(value, dict) else self._array(value)
        return self._done[id(value)]

    def _array(self, value: Any) -> NDArray[Any] | None:
        array = _dense(value)
        self._left -= array.nbytes if array is not None else 0
        if self._left < 0:
            raise ValueError("its arrays are larger than the file")
        return array


def _name(name: Any) -> Any:
    return name if isinstance(name, (int, str)) else str(name)


def _array(raw: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any] | None:
    """The array of raw bytes; None where its elements are not numbers. Raises ValueError where they do not fit."""
    kind = dtype.numpy() if isinstance(dtype, _Dtype) else None
    if kind is None:
        return None
    data = raw.encode("latin1") if isinstance(raw, str) else bytes(raw) if isinstance(raw, (bytes, bytearray)) else b""
    return np.frombuffer(data, kind).reshape(tuple(int(n) for n in shape), order=order)


def _dense(value: Any) -> NDArray[Any] | None:
    """The array that an entry stands for, or None."""
    if isinstance(value, _Chumpy):
        return _dense(value.state.get("x")) if isinstance(value.state, dict) else None
    if isinstance(value, _Array):
        return value.value()
    if isinstance(value, _Sparse):
        return _dense_matrix(value)
    return None


def _dense_matrix(matrix: _Sparse) -> NDArray[Any]:
    """A compressed matrix in full; raises ValueError, KeyError or IndexError where its parts do not fit together."""
    state = matrix.state
    rows, columns = (int(n) for n in state["_shape"])
    data, indices, starts = (_require(state[name]) for name in ("data", "indices", "indptr"))
    if not 0 <= rows * columns <= 10**7 or len(starts) != (rows if matrix.by_rows else columns) + 1:
        raise ValueError(f"a sparse matrix of {rows} x {columns}")
    if not len(data) == len(indices) == int(starts[-1]) or (np.diff(starts) < 0).any():
        raise ValueError("a sparse matrix whose parts do not fit together")
    dense = np.zeros((rows, columns), data.dtype)
    major = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    at = (major, indices) if matrix.by_rows else (indices, major)
    np.add.at(dense, at, data)
    return dense


def _require(value: Any) -> NDArray[Any]:
    array = _dense(value)
    if array is None:
        raise ValueError("a sparse matrix without numbers")
    return array
