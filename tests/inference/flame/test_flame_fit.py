"""Faces as FLAME coefficients: known ones come back, and the bundled model holds the Duet head's faces."""

import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.flame.duet import duet_flame
from duet.inference.flame.fit import FlameFit, FlameMotion, flame_motion, turns
from duet.inference.flame.model import JAW, JOINTS, LEFT_EYE, RIGHT_EYE, TO_BLENDER, load_flame, rotation_matrices
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.inference.head.residual import Residual
from duet.tests.flame_fakes import flame_arrays

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

MEDIAN, NEARLY_ALL = 0.3, 0.5  # mm


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def model():
    return duet_flame()


@pytest.fixture
def small(tmp_path):
    """400 vertices, 30 identity and 10 expression components, eyes of 30 vertices each that only the eyes move."""
    arrays = flame_arrays(400, 40)
    for joint in (LEFT_EYE, RIGHT_EYE):
        ball = slice(30 * joint, 30 * joint + 30)
        arrays["weights"][:, joint] = 0
        arrays["weights"][ball] = np.eye(5)[joint]
        arrays["shapedirs"][ball] = 0
        arrays["posedirs"][ball] = 0
        arrays["J_regressor"][joint] = 0
        arrays["J_regressor"][joint, ball] = 1 / 30
    arrays["weights"] /= arrays["weights"].sum(axis=1, keepdims=True)
    np.savez(tmp_path / "model.npz", **arrays)
    return load_flame(tmp_path / "model.npz")


def known_motion(model, frames=7):
    rng = np.random.default_rng(4)
    expression = rng.normal(0, 1, (frames, model.expression_count)).astype(np.float32)
    pose = np.zeros((frames, len(JOINTS), 3), np.float32)
    pose[1:, [JAW, LEFT_EYE, RIGHT_EYE]] = rng.normal(0, 0.2, (frames - 1, 3, 3))
    return FlameMotion(25, np.ones(30, np.float32), expression, pose, np.zeros((frames, 3), np.float32))


def test_known_coefficients_come_back(small):
    known = known_motion(small)
    fit = FlameFit(small, known.identity)
    offsets = np.concatenate(list(known.vertices(small))) - fit.rest
    found, residual = fit(np.eye(len(offsets), dtype=np.float32), offsets, 25)
    assert residual.worst < 0.02
    assert np.abs(found.pose - known.pose).max() < 1e-3
    assert np.abs(found.expression - known.expression).max() < 0.02


def test_turns_are_those_that_were_made():
    rng = np.random.default_rng(2)
    points, vectors = rng.normal(0, 1, (20, 3)), rng.normal(0, 0.5, (6, 3))
    vectors[0], vectors[1] = 0, (1e-5, 0, 0)
    moved = np.einsum("tab,vb->tva", rotation_matrices(vectors), points)
    assert np.abs(turns(points, moved - points) - vectors).max() < 1e-6


def test_the_bundled_model_is_the_duet_head(head, model):
    assert np.abs(model.v_template @ TO_BLENDER.T - head.vertices).max() < 1e-6
    assert np.abs(model.joints(model.v_template[None])[0] @ TO_BLENDER.T - head.joints).max() < 1e-6
    assert np.abs(model.identity_dirs @ TO_BLENDER.T - head.identity).max() < 1e-5
    assert model.expression_count == 100
    assert np.allclose(model.weights.sum(axis=1), 1)


def test_a_jaw_rotation_alone_opens_the_mouth_as_the_head_does(head, model):
    pose = np.zeros((1, 5, 3), np.float32)
    opened = (head.vertices + head.arkit[head.arkit_names.index("jawOpen")]) @ TO_BLENDER
    teeth = head.regions["lower_teeth"]
    fit = turns(model.v_template[teeth] - head.joints[JAW] @ TO_BLENDER, (opened - model.v_template)[None, teeth])
    pose[:, JAW] = fit
    assert 0.15 < fit[0, 0] < 0.5  # a turn about x is the mouth's opening
    distance = np.linalg.norm(model.posed(model.v_template[None], pose)[0] - opened, axis=1) * 1000
    moving = np.linalg.norm(opened - model.v_template, axis=1) > 1e-4
    assert np.median(distance[moving]) < 0.1
    assert np.percentile(distance[moving], 99) < 0.6


def test_every_shape_of_the_head_is_within_a_third_of_a_millimetre(head, model):
    shapes, fit = np.concatenate([head.arkit, head.extra]), FlameFit(model)
    for amount in (0.4, 1.0):
        for name, shape in zip((*head.arkit_names, *head.extra_names), shapes, strict=True):
            basis = (shape @ TO_BLENDER).astype(np.float32)[None]
            _, residual = fit(np.full((1, 1), amount, np.float32), basis, 30)
            assert residual.median < MEDIAN, (name, amount)
            assert residual.percentile95 < NEARLY_ALL, (name, amount)


def test_learned_blendshapes_become_flame_within_a_third_of_a_millimetre(model):
    blendshapes = load_blendshapes()
    rng = np.random.default_rng(6)
    mixes = rng.dirichlet(np.ones(len(blendshapes.emotion_weights)), 24) * 1.5  # the most that the mix limit allows
    speech = rng.normal(0, 0.5, (24, len(blendshapes.speech_basis)))
    weights = blendshapes.mixed(np.concatenate([speech, mixes @ blendshapes.emotion_weights], axis=1))
    motion, residual = FlameFit(model)(weights, blendshapes.basis @ TO_BLENDER.astype(np.float32), 30)
    assert residual.median < MEDIAN
    assert motion.expression.shape == (24, 100)


def test_smooth_faces_give_smooth_coefficients(head, model):
    amount = np.sin(np.linspace(0, np.pi, 41))[:, None]
    names = [head.arkit_names.index(name) for name in ("jawOpen", "mouthFunnel")]
    motion, _ = FlameFit(model)(np.tile(amount, 2), head.arkit[names] @ TO_BLENDER.astype(np.float32), 30)
    for curve in (motion.pose[:, JAW], motion.expression):
        assert np.abs(np.diff(curve, 2, axis=0)).max() < 0.03 * np.abs(curve).max()


def test_fitting_goes_by_steps(small):
    shares = list(FlameFit(small).steps(np.ones((40, 1)), np.zeros((1, 400, 3)), 30))
    assert shares[0] == 0
    assert len(shares) > 2
    assert shares == sorted(shares)


def test_another_model_has_to_be_bound_first(small):
    with pytest.raises(HeadError, match=r"400 vertices, the Duet head [0-9]+"):
        flame_motion(["jawOpen"], np.zeros((1, 1)), 30, small)


def test_a_face_that_does_not_move_leaves_no_residual(small):
    motion, residual = FlameFit(small)(np.zeros((3, 1)), np.ones((1, 400, 3)), 30)
    assert residual == Residual(0.0, 0.0, 0.0, 0.0)
    assert np.abs(motion.expression).max() < 1e-4
