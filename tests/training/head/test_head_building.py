"""The pieces that build the head: loops over quads, smooth spreading, lips and lids that meet, hairs, gaze."""

from __future__ import annotations

import numpy as np
import pytest
from duet.inference.checkpoints import load_checkpoint
from duet.inference.head.canonical import ARKIT_NAMES, DEFAULT_PATH
from duet.inference.numeric import smoothstep
from duet.tests.places import ROOT
from duet.training.data.animated import data_folder
from duet.training.data.ict_facekit import to_duet_axes
from duet.training.head import build, gaze, lips, shapes
from duet.training.head.mesh import QuadMesh, Spread
from duet.training.head.strands import _on, _Surface

pytestmark = pytest.mark.slow

MM = 1e-3


def tube(around: int, rows: int) -> tuple[QuadMesh, np.ndarray]:
    """A tube along z: `rows` rings of `around` vertices, one metre apart, radius 1."""
    angle = 2 * np.pi * np.arange(around) / around
    places = np.array([[np.cos(a), np.sin(a), float(row)] for row in range(rows) for a in angle])
    quads = [
        np.array(
            [
                row * around + k,
                row * around + (k + 1) % around,
                (row + 1) * around + (k + 1) % around,
                (row + 1) * around + k,
            ]
        )
        for row in range(rows - 1)
        for k in range(around)
    ]
    return QuadMesh(quads, around * rows), places


def test_a_loop_runs_around_a_tube_and_ends_before_its_start():
    mesh, places = tube(8, 5)
    assert mesh.walk(16, 17) == list(range(16, 24))
    assert mesh.straightest(16, 17, places) == list(range(16, 24))
    assert mesh.walk(1, 9) == [1, 9, 17, 25, 33]  # along the tube, up to its rim
    assert [sorted(ring.tolist()) for ring in mesh.rings(np.arange(8), 2)] == [
        list(range(8)),
        list(range(8, 16)),
        list(range(16, 24)),
    ]


def test_what_is_spread_is_kept_at_its_handles_and_gone_beyond_its_reach():
    mesh, places = tube(12, 9)
    handles = np.arange(48, 60)  # the ring in the middle
    spread = Spread(mesh, places, handles, 2.5)
    moved = spread(np.full((12, 1), 3.0))[:, 0].reshape(9, 12)
    np.testing.assert_allclose(moved[4], 3.0)
    assert (moved[[0, 1, 7, 8]] == 0).all()
    assert (moved[3] > moved[2]).all() and (moved[2] > 0).all()
    np.testing.assert_allclose(moved[3], moved[5], atol=1e-9)  # both ways alike


def test_smoothstep_is_flat_at_both_ends():
    values = smoothstep(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), 0.0, 1.0)
    np.testing.assert_allclose(values, [0, 0, 0.5, 1, 1])


def test_axes_and_units_of_the_scan():
    np.testing.assert_allclose(to_duet_axes(np.array([[1.0, 2.0, 3.0]])), [[0.01, -0.03, 0.02]])


def test_noise_far_from_a_shape_is_cut_and_the_shape_is_not():
    mesh, _ = tube(10, 30)
    delta = np.zeros((300, 3))
    delta[40:80, 2] = 5 * MM  # the shape
    delta[200:205, 0] = 0.3 * MM  # a patch apart from it
    delta[280:, 1] = 0.02 * MM  # a haze
    clean = shapes.without_noise(mesh, delta)
    np.testing.assert_allclose(clean[40:80], delta[40:80])
    assert (clean[150:] == 0).all()


LENGTH = 74  # vertices of each of the mouth's rings


def mouth_of_tubes(gap: float) -> tuple[lips.Mouth, np.ndarray]:
    """Rings around a mouth along x whose lips' sections are half circles of 5 mm, `gap` apart at their nearest."""
    count = lips.RINGS * LENGTH
    vertices = np.zeros((count, 3))
    rings = np.arange(count).reshape(lips.RINGS, LENGTH)
    for number, ring in enumerate(rings):
        turn = np.pi * (number - lips.CONTACT) / 14  # at CONTACT the section's point that is nearest to the other lip
        for half, sign in ((lips.UPPER, 1.0), (lips.LOWER, -1.0)):
            x = np.linspace(-25 * MM, 25 * MM, len(half))
            height = sign * (gap / 2 + 5 * MM * (1 - np.cos(turn)))
            vertices[ring[half]] = np.stack(
                [x, np.full(len(x), 5 * MM * np.sin(turn)), np.full(len(x), height)], axis=1
            )
    return lips.Mouth(rings), vertices


@pytest.mark.parametrize("gap", [4 * MM, 0.1 * MM, -2 * MM])
def test_the_room_between_lips_is_measured_in_sections(gap: float):
    mouth, vertices = mouth_of_tubes(gap)
    x, gaps = lips.section_gaps(vertices, mouth)
    inside = np.abs(x) < 20 * MM
    np.testing.assert_allclose(gaps[inside], gap, atol=0.1 * MM)


def test_eyes_look_where_they_are_told():
    ahead = np.array([[0.0, -0.012, 0.0]])
    up = ahead + gaze.gaze_delta(ahead, np.zeros(3), "Up", "left")
    out = ahead + gaze.gaze_delta(ahead, np.zeros(3), "Out", "left")
    inward = ahead + gaze.gaze_delta(ahead, np.zeros(3), "In", "right")
    assert up[0, 2] == pytest.approx(0.012 * np.sin(np.radians(gaze.DEGREES["Up"])))
    assert out[0, 0] == pytest.approx(0.012 * np.sin(np.radians(gaze.DEGREES["Out"])))  # the left eye's out is +x
    assert inward[0, 0] > 0  # the right eye looks in towards +x as well
    np.testing.assert_allclose(np.linalg.norm([up, out, inward], axis=2), 0.012)


def test_a_hair_is_bound_to_the_foremost_skin():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, -1, 0], [1, -1, 0], [0, -1, 1]], float)
    surface = _Surface(vertices, np.array([[0, 1, 2], [3, 4, 5]]))
    index, weight, normal = surface.under(0.25, 0.25)
    assert index[:3].tolist() == [3, 4, 5]
    np.testing.assert_allclose(weight @ vertices[index], [0.25, -1, 0.25])
    np.testing.assert_allclose(normal, [0, -1, 0])


def test_a_place_on_a_sheet_is_a_mean_of_four():
    grid = np.arange(12).reshape(4, 3)
    index, weight = _on(grid, 1.25, 0.25)
    assert weight.sum() == pytest.approx(1.0)
    rows, columns = index % 3, index // 3
    assert weight @ columns == pytest.approx(1.25)
    assert weight @ rows == pytest.approx(0.5)  # a quarter of the way from the first row to the last


@pytest.mark.skipif(not (data_folder() / "ict_facekit").is_dir(), reason="the scan is not there (DUET_DATA)")
def test_the_shipped_head_is_what_the_build_makes():
    arrays, metadata = build.build(data_folder() / "ict_facekit")
    shipped = load_checkpoint(DEFAULT_PATH)
    assert set(arrays) == set(shipped.arrays)
    assert metadata.items() <= shipped.metadata.items()
    for name, array in arrays.items():
        np.testing.assert_allclose(array, shipped.arrays[name], atol=2e-6, err_msg=name)


def test_shapes_are_the_scans_own():
    """Cleaning leaves each shape's direction: cosine with the scan over the skin, but for those that meet otherwise.

    On every fortieth vertex of the scan's skin, in millimetres, which tests/data keeps.
    """
    shipped = load_checkpoint(DEFAULT_PATH).arrays["arkit"]
    with np.load(ROOT / "tests" / "data" / "scan_shapes.npz") as scan:
        assert len(scan.files) == 50
        for name in set(scan.files) - {"vertices"}:
            own = scan[name].astype(float).ravel()
            mine = shipped[ARKIT_NAMES.index(name)][scan["vertices"]].astype(float).ravel()
            assert own @ mine / np.linalg.norm(own) / np.linalg.norm(mine) > 0.93, name
