"""The training stages on the shipped head: maps, spaces and losses whose answers are known, and a resumed run."""

import numpy as np
import pytest
from duet.inference.head.canonical import load_head
from duet.training.fusion.deformation_space import MILLIMETRE, deformation_space, laplacian, vertex_importance
from duet.training.fusion.grid_mapping import FACE_TILE, flatten, head_grid, patch
from duet.training.speech_rig import CHANNEL_NAMES, CHANNELS, animated_channels, rig_deltas

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def grid(head):
    return head_grid(head)


@pytest.fixture(scope="module")
def space(head, grid):
    scales = np.random.default_rng(0).uniform(0.8, 1.2, (2, 1)).astype(np.float32)
    return deformation_space(head, head.arkit[:20], np.broadcast_to(scales, (2, len(head.vertices))), grid)


def test_what_moves_a_jaw_is_as_large_as_its_teeth_are(head, grid):
    scales = np.random.default_rng(0).uniform(0.8, 1.2, (1, len(head.vertices))).astype(np.float32)
    names = ("jawOpen", "mouthPucker")
    shapes = head.arkit[[head.arkit_names.index(name) for name in names]]
    made = deformation_space(head, shapes, scales, grid)
    jaw, pucker = np.tensordot(made.people[1], made.components, axes=(1, 0)) * MILLIMETRE
    size = scales[0, head.regions["lower_teeth"]].mean()
    np.testing.assert_allclose(jaw, size * shapes[0], atol=1e-5)
    np.testing.assert_allclose(pucker, scales[0, :, None] * shapes[1], atol=1e-5)


def signed_areas(triangles, place):
    corners = np.array([[place[int(v)] for v in triangle] for triangle in triangles])
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


@pytest.mark.parametrize("region", ["face", "tongue"])
def test_the_mapping_never_folds(head, region):
    triangles = patch(head.triangles, head.regions[region], head.vertices)
    areas = signed_areas(triangles, flatten(triangles, head.vertices))
    assert not (areas * np.sign(np.median(areas)) < -1e-12).any()
    assert (np.abs(areas) < 1e-12).mean() < 0.01, "only along the rim's straight sides"


def test_the_image_stands_upright_and_gives_the_lips_room(head, grid):
    rows, columns = (axis.ravel() for axis in np.mgrid[: FACE_TILE[2], : FACE_TILE[3]])
    nearest = grid.index[: FACE_TILE[2]].reshape(-1, 3)[:, 0]

    def pixels(region):
        return np.isin(nearest, head.regions[region])

    lips, upper = pixels("outer_lips"), pixels("upper_face")
    assert rows[upper].mean() < rows[lips].mean()
    assert np.ptp(columns[lips]) >= 15
    assert np.ptp(rows[lips]) >= 8
    right = head.vertices[nearest, 0] < -0.01
    assert columns[right].mean() < columns[~right].mean(), "the character's right is on the left"


def test_a_uniform_movement_fills_the_image(head, grid):
    moved = np.full((1, *head.vertices.shape), 0.005, np.float32)
    image = grid.image(moved)[0]
    covered = grid.weight.sum(axis=2) > 0
    assert covered.mean() > 0.98
    np.testing.assert_allclose(image[covered], 1.0, atol=1e-5)


def test_the_space_gives_back_shapes_images_and_roughness(head, grid, space):
    assert space.kept > 0.9999
    face = np.tensordot(space.people[0, 3], space.components, axes=1) * MILLIMETRE
    np.testing.assert_allclose(face, head.arkit[3], atol=2e-5)
    np.testing.assert_allclose(
        (space.people[0, 3] @ space.images).reshape(64, 64, 3), grid.image(head.arkit[3:4])[0], atol=0.01
    )
    direct = ((laplacian(head) @ (face / MILLIMETRE)) ** 2).mean()
    assert space.people[0, 3] @ space.roughness @ space.people[0, 3] == pytest.approx(direct, rel=1e-3)


def test_the_spaces_length_is_the_weighted_error(head, space):
    field = head.arkit[5] / MILLIMETRE
    expected = ((field**2).sum(axis=1) * vertex_importance(head)).sum()
    assert (space.people[0, 5] ** 2).sum() == pytest.approx(expected, rel=1e-3)


def test_rig_moves_what_its_names_say(head):
    rig = dict(zip(CHANNEL_NAMES, rig_deltas(head), strict=True))
    chin = head.landmarks[8]
    assert rig["jaw_open"][chin, 2] < -0.01
    corners = head.regions["mouth_corners"]
    assert np.diff(rig["pucker"][corners, 0])[0] < -0.003, "a pucker narrows the mouth"
    assert np.linalg.norm(rig["tongue_up"][head.regions["tongue"]], axis=1).max() > 0.003
    assert np.linalg.norm(rig["tongue_up"][head.regions["outer_lips"]], axis=1).max() < 1e-5


def test_animated_channels_join_left_and_right_and_admit_what_they_lack():
    names = sorted({name for animated, _ in CHANNELS.values() for name in animated})
    weights = np.zeros((2, len(names)), np.float32)
    weights[1, names.index("mouth_suck_dl")] = 0.4
    channels = animated_channels(weights, names)
    assert channels[1, CHANNEL_NAMES.index("roll_lower")] == pytest.approx(0.2)
    missing = [not animated for animated, _ in CHANNELS.values()]
    np.testing.assert_array_equal(np.isnan(channels).all(axis=0), missing)
