"""Builds weights/head.safetensors: `python -m duet.training.head.build [--source FOLDER] [--out FILE]`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Ints
from ...inference.head.canonical import ARKIT_NAMES, BONES, DEFAULT_PATH, EXTRA_NAMES, MATERIALS, REGIONS
from ..data.animated import data_folder
from ..stamping import begin, save_weights
from . import joints, parts, regions, scan, shapes, tongue

MODES = 20  # identity modes kept


def build(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """(arrays, metadata) of the head, as docs/architecture.md lists them, from ict_facekit's folder."""
    source = scan.read_scan(folder)
    context = shapes.prepare(source)
    made = parts.assemble(source, context.vertices, dict(context.balls))
    organ = tongue.find_tongue(source)
    moves = shapes.arkit_shapes(context) | tongue.tongue_shapes(source, organ)
    carried = {name: made.carry(moves[name]) for name in (*ARKIT_NAMES, *EXTRA_NAMES)}
    neutral = made.place(context.vertices)
    bag = regions.mouth_bag(context.mesh, context.mouth)
    arkit = {name: carried[name] for name in ARKIT_NAMES}
    named = regions.find_regions(made, context.mouth, context.lids, bag, organ, neutral, arkit, context.eye_height)
    places = joints.find_joints(source, context.vertices, dict(context.balls))
    arrays: dict[str, NDArray[Any]] = {
        "vertices": neutral.astype(np.float32),
        "face_vertices": np.concatenate(made.polygons).astype(np.int32),
        "face_sizes": np.array([len(polygon) for polygon in made.polygons], np.uint8),
        "uv": np.concatenate(made.uv).astype(np.float32),
        "face_material": _materials(made, context, bag, organ).astype(np.uint8),
        "arkit": _halves(carried[name] for name in ARKIT_NAMES),
        "extra": _halves(carried[name] for name in EXTRA_NAMES),
        "identity": _halves(made.carry(mode) for mode in shapes.identity_modes(context, MODES)),
        "landmarks": source.landmarks.astype(np.int32),
        "joints": places.astype(np.float32),
        "skin_weights": joints.skin_weights(source, context.mesh, context.vertices, made, places).astype(np.float16),
    }
    arrays |= {f"region.{name}": named[name].astype(np.int32) for name in REGIONS}
    names = {"materials": MATERIALS, "arkit_names": ARKIT_NAMES, "extra_names": EXTRA_NAMES, "bones": BONES}
    metadata = {key: json.dumps(value) for key, value in names.items()}
    metadata["source"] = "ICT-FaceKit (MIT, copyright USC Institute for Creative Technologies), by training/head"
    return arrays, metadata


def _halves(deltas: Any) -> NDArray[np.float16]:
    return np.array(list(deltas)).astype(np.float16)


def _materials(made: parts.Parts, context: shapes.Context, bag: Ints, organ: tongue.Tongue) -> Ints:
    """(F,) indices into MATERIALS: skin that is lip or the mouth's inside, and gums that are tongue, get their own."""
    kinds = {"lips": regions.red_of_lips(context.mouth), "mouth": np.union1d(bag, context.mouth.rings[8])}
    kinds["tongue"] = organ.vertices
    inside = {name: np.isin(np.arange(len(made.index)), vertices) for name, vertices in kinds.items()}
    result = np.array([MATERIALS.index(name) for name in made.materials])
    for name, of in (("mouth", "skin"), ("lips", "skin"), ("tongue", "gums")):
        here = np.array([m == of and inside[name][p].all() for m, p in zip(made.materials, made.polygons, strict=True)])
        result[here] = MATERIALS.index(name)
    return result


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="ict_facekit's folder (default: in the data folder)")
    parser.add_argument("--out", type=Path, default=DEFAULT_PATH)
    options = parser.parse_args()
    stamp = begin("head")
    arrays, metadata = build(options.source or data_folder() / "ict_facekit")
    save_weights(options.out, arrays, metadata, stamp)
    print(f"{options.out}: {len(arrays['vertices'])} vertices, {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
