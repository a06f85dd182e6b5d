"""ICT-FaceKit's scanned model as test subjects: random identities with the shapes that were scanned (MIT)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.head.canonical import ARKIT_NAMES
from ..data.animated import data_folder
from ..data.ict_facekit import scan_names, to_duet_axes
from .subject import Subject

_FACE = 9409  # the model's first vertices are its face
_EYEBALLS = (21451, 24591)
_SEED = 5


def ict_subjects(count: int) -> list[Subject]:
    """`count` random identities, always the same ones."""
    folder = data_folder() / "ict_facekit"
    modes = np.load(folder / "identities.npz")
    rng, subjects = np.random.default_rng(_SEED), []
    for number in range(count):
        weights = rng.normal(0.0, 1.0, len(modes.files))
        subjects.append(ict_subject(f"identity {number + 1}", weights, folder))
    return subjects


def ict_subject(name: str, weights: NDArray[np.float64], folder: Path) -> Subject:
    """The person of identity weights (24,) of the model in a folder; zeros are the average."""
    base, modes = np.load(folder / "head.npz"), np.load(folder / "identities.npz")
    identity = sum(weight * modes[mode].astype(np.float64) for weight, mode in zip(weights, modes.files, strict=True))
    scanned = np.load(folder / "expressions.npz")
    indices = json.loads((folder / "vertex_indices.json").read_text())
    shapes = {
        shape: to_duet_axes(sum(scanned[part].astype(np.float64) for part in parts))
        for shape in ARKIT_NAMES
        if (parts := scan_names(shape, scanned.files))
    }
    return Subject(
        name=name,
        vertices=to_duet_axes(base["vertices"] + identity),
        face_vertices=base["face_vertices"].astype(np.int32),
        face_sizes=base["face_sizes"].astype(np.int32),
        shapes=shapes,
        landmarks=np.array(indices["idx_to_landmark_verts"], np.int64),
        skin=np.arange(_FACE),
        eyes=np.arange(*_EYEBALLS),
    )
