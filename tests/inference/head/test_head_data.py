"""What the shipped head carries beside its mesh: regions, landmarks, joints, identities; and strict loading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from duet.inference.checkpoints import load_checkpoint, save_checkpoint
from duet.inference.errors import RequestError, WeightsError
from duet.inference.head.canonical import ARKIT_NAMES, DEFAULT_PATH, REGIONS, Head, load_head

pytestmark = pytest.mark.slow

MM = 1e-3


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def ball(head: Head, side: str) -> tuple[np.ndarray, float]:
    """(centre, radius) of an eyeball behind its cornea."""
    centre = head.joints[head.bones.index(f"{side}_eye")]
    distance = np.linalg.norm(head.vertices[head.regions[f"{side}_eye"]] - centre, axis=1)
    return centre, float(np.median(distance))


def test_regions(head: Head):
    assert set(head.regions) == set(REGIONS)
    sets = {name: set(region.tolist()) for name, region in head.regions.items()}
    for part in ("face", "upper_face", "cheeks", "jaw"):
        assert sets[part] <= sets["skin"]
    assert sets["outer_lips"] <= sets["face"]
    for hidden in ("mouth_bag", "eye_sockets", "left_eye", "tongue", "brows"):
        assert not sets[hidden] & sets["skin"]
    assert not sets["upper_face"] & sets["jaw"]
    parts = ("skin", "mouth_bag", "eye_sockets", "left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue")
    whole = [sets[name] for name in (*parts, "gums", "lashes", "brows")]
    assert sum(map(len, whole)) == len(head.vertices)
    right, left = head.regions["mouth_corners"]
    assert head.vertices[right, 0] < -15 * MM < 15 * MM < head.vertices[left, 0]


def test_landmarks_are_ibug_68(head: Head):
    points = head.vertices[head.landmarks]
    assert len(set(head.landmarks.tolist())) == 68
    assert set(head.landmarks.tolist()) <= set(head.regions["skin"].tolist())
    mirror = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
    mirror += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    mirror += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    np.testing.assert_allclose(points, points[mirror] * [-1, 1, 1], atol=0.2 * MM)
    assert (np.diff(points[:17, 0]) > 0).all() or np.diff(points[2:15, 0]).min() > 0
    assert points[8, 2] == points[:17, 2].min()  # the chin is the lowest of the jaw line
    assert (np.diff(points[27:31, 2]) < 0).all()
    assert points[17:27, 2].min() > points[36:48, 2].max()  # brows over eyes
    assert points[51, 2] > points[62, 2] >= points[66, 2] > points[57, 2]


def test_skin_weights_and_joints(head: Head):
    np.testing.assert_allclose(head.skin_weights.sum(axis=1), 1.0, atol=1e-6)
    assert head.skin_weights.min() >= 0.0
    weight = {bone: head.skin_weights[:, k] for k, bone in enumerate(head.bones)}
    assert (weight["left_eye"][head.regions["left_eye"]] == 1).all()
    assert (weight["jaw"][head.regions["lower_teeth"]] == 1).all()
    assert (weight["neck"][head.regions["upper_teeth"]] == 1).all()
    assert weight["jaw"][head.landmarks[8]] > 0.8
    assert weight["neck"][head.landmarks[27]] > 0.99
    assert weight["root"][head.vertices[:, 2] < 1 * MM].mean() > 0.4
    heights = head.joints[:, 2]
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4]
    assert head.joints[3, 0] == -head.joints[4, 0] > 0.02


def test_identity_modes_are_centred_people(head: Head):
    assert 16 <= len(head.identity) <= 24
    sizes = np.linalg.norm(head.identity, axis=(1, 2))
    assert (np.diff(sizes) <= 0.05 * sizes[0]).all()  # largest first
    for side in ("left", "right"):
        part = head.regions[f"{side}_eye"]
        for mode in head.identity[:5]:
            _, radius = ball(head, side)
            moved = head.vertices[part] + mode[part]
            spread = np.linalg.norm(
                moved - moved.mean(axis=0) - head.vertices[part] + head.vertices[part].mean(axis=0), axis=1
            )
            assert spread.max() < 0.1 * radius  # the ball grows a little, and keeps its form


def test_pose_names_an_unknown_shape(head: Head):
    with pytest.raises(RequestError, match="mouthSmirk"):
        head.pose({"mouthSmirk": 1.0})


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"nohead\.safetensors"):
        load_head(tmp_path / "nohead.safetensors")


@pytest.mark.parametrize("damage", ["missing", "unexpected", "shape", "names", "index"])
def test_loading_is_strict(tmp_path: Path, damage: str):
    source = load_checkpoint(DEFAULT_PATH)
    arrays, metadata = dict(source.arrays), dict(source.metadata)
    if damage == "missing":
        del arrays["region.jaw"]
    elif damage == "unexpected":
        arrays["hair"] = np.zeros(3, np.float32)
    elif damage == "shape":
        arrays["arkit"] = arrays["arkit"][:51]
    elif damage == "names":
        metadata["arkit_names"] = json.dumps([*ARKIT_NAMES[1:], ARKIT_NAMES[0]])
    else:
        arrays["landmarks"] = np.full(68, 10**6, np.int32)
    save_checkpoint(tmp_path / "damaged.safetensors", arrays, metadata)
    with pytest.raises(WeightsError, match=r"damaged\.safetensors"):
        load_head(tmp_path / "damaged.safetensors")
