"""ARKit coefficients by constrained least squares: bounds, opposites, time, missing shapes, and millimetres."""

import numpy as np
import pytest
from duet.inference.head import retarget
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.inference.head.retarget import EXCLUSIVE, ArkitSolver
from duet.training.fusion.expressions import emotion_arkit

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

MEAN = 0.3  # mm


@pytest.fixture(scope="module")
def head():
    return load_head()


def rows(**coefficients):
    """One frame of ARKit coefficients."""
    result = np.zeros((1, len(ARKIT_NAMES)))
    for name, value in coefficients.items():
        result[0, ARKIT_NAMES.index(name)] = value
    return result


def without(head, *missing):
    """A solver for the head's own faces that lacks some shapes."""
    keep = [index for index, name in enumerate(ARKIT_NAMES) if name not in missing]
    return ArkitSolver(head.arkit[keep], head.arkit, [ARKIT_NAMES[index] for index in keep])


@pytest.mark.parametrize("name", ["jawOpen", "mouthPucker", "mouthSmileLeft", "browInnerUp", "eyeBlinkRight"])
def test_a_shape_alone_is_found_again(head, name):
    found = ArkitSolver(head.arkit, head.arkit)(rows(**{name: 0.6}))
    assert found[0, ARKIT_NAMES.index(name)] == pytest.approx(0.6, abs=0.05)
    assert np.delete(found[0], ARKIT_NAMES.index(name)).max() < 0.1


@pytest.mark.once
def test_faces_of_the_heads_own_shapes_are_within_a_third_of_a_millimetre(head):
    rng = np.random.default_rng(1)
    faces = rng.random((60, 52)) * (rng.random((60, 52)) < 0.15)
    faces[:, [ARKIT_NAMES.index(name) for _, name in EXCLUSIVE]] = 0
    solver = ArkitSolver(head.arkit, head.arkit)
    for face in faces:  # one at a time, for these do not follow each other smoothly
        assert solver.residual(face[None], solver(face[None])).mean < MEAN


def test_learned_blendshapes_are_within_a_third_of_a_millimetre(head):
    blendshapes = load_blendshapes()
    basis = blendshapes.basis
    time = np.linspace(0, 6, 90)[:, None]
    mouth = 0.5 + 0.5 * np.sin(time * np.array([7.0, 5.0, 3.0]))
    weights = np.zeros((90, len(basis)))
    weights[:, :3] = mouth * np.abs([1.0, 0.8, 0.5])
    solver = ArkitSolver(head.arkit, basis)
    assert solver.residual(weights, solver(weights)).mean < MEAN


def test_emotions_are_within_a_third_of_a_millimetre(head):
    solver = ArkitSolver(head.arkit, head.arkit)
    for face in np.minimum(emotion_arkit(), 1.0):  # no coefficient says more than all
        assert solver.residual(face[None], solver(face[None])).mean < MEAN


def test_coefficients_stay_between_nothing_and_all(head):
    found = ArkitSolver(head.arkit, head.arkit)(np.concatenate([rows(jawOpen=3.0), rows(jawOpen=-2.0)]))
    assert found.min() >= 0
    assert found.max() <= 1
    assert found[0, ARKIT_NAMES.index("jawOpen")] == pytest.approx(1)


def test_opposites_are_never_both_on(head):
    rng = np.random.default_rng(3)
    found = ArkitSolver(head.arkit, head.arkit)(rng.random((80, 52)))
    for a, b in EXCLUSIVE:
        both = np.minimum(found[:, ARKIT_NAMES.index(a)], found[:, ARKIT_NAMES.index(b)])
        assert both.max() == 0, (a, b)


def test_of_opposites_the_difference_stays(head):
    found = ArkitSolver(head.arkit, head.arkit)(rows(jawLeft=0.7, jawRight=0.2))
    assert found[0, ARKIT_NAMES.index("jawLeft")] == pytest.approx(0.5, abs=0.08)
    assert found[0, ARKIT_NAMES.index("jawRight")] == 0


@pytest.mark.parametrize("missing", ["mouthFunnel", "mouthPressLeft", "mouthSmileLeft", "mouthPucker"])
def test_others_make_up_for_a_missing_shape(head, missing):
    solver, face = without(head, missing), rows(**{missing: 0.8})
    found = solver(face)
    assert solver.residual(face, found).mean < 0.9 * solver.residual(face, np.zeros_like(found)).mean
    assert found.max() > 0.03


def test_noise_between_frames_is_damped_where_shapes_are_alike():
    """Two shapes that are nearly one: which of them is on is open, so it must not flicker."""
    rng = np.random.default_rng(5)
    one = rng.normal(0, 0.01, (1, 50, 3))
    shapes = np.concatenate([one, one + rng.normal(0, 1e-5, one.shape)])
    basis = np.concatenate([one, rng.normal(0, 3e-5, (6, 50, 3))])
    weights = np.concatenate([np.full((40, 1), 0.5), rng.normal(0, 1, (40, 6))], axis=1)
    found = ArkitSolver(shapes, basis, ("jawOpen", "mouthFunnel"))(weights)
    assert np.abs(np.diff(found, axis=0)).max() < 0.02
    assert found.sum(axis=1) == pytest.approx(0.5, abs=0.02)


def test_a_fast_closure_is_not_blurred(head):
    """Lips that meet for one frame of 24: the jaw may not lag behind by more than 3 %."""
    jaw = np.full(24, 0.5)
    jaw[12] = 0.0
    faces = np.concatenate([rows(jawOpen=value) for value in jaw])
    found = ArkitSolver(head.arkit, head.arkit)(faces)[:, ARKIT_NAMES.index("jawOpen")]
    assert np.abs(found - jaw).max() < 0.03


def test_a_head_without_shapes_gives_nothing():
    solver = ArkitSolver(np.zeros((0, 9, 3)), np.ones((2, 9, 3)), ())
    assert solver(np.ones((4, 2))).shape == (4, 0)


def test_blocks_of_a_long_take_meet_without_a_seam(head, monkeypatch):
    """Solved in blocks with their neighbourhood as in one piece; without it, the curves would jump at the border."""
    rng = np.random.default_rng(5)
    knots = rng.random((30, len(ARKIT_NAMES))) * (rng.random((30, len(ARKIT_NAMES))) < 0.3)
    weights = np.stack([np.interp(np.arange(600), np.arange(30) * 20, k) for k in knots.T], axis=1)
    solver = ArkitSolver(head.arkit, head.arkit)
    whole = solver(weights)
    monkeypatch.setattr(retarget, "_BLOCK", 250)
    np.testing.assert_allclose(solver(weights), whole, atol=1e-3)
