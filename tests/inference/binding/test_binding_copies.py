"""Binding copies of the Duet head, whose true shapes are known: moved, warped, subdivided, masked, cancelled."""

from functools import lru_cache

import numpy as np
import pytest
from duet.inference.binding.bind import bind, fit_head
from duet.inference.binding.frontview import front_view
from duet.inference.bound import BindRequest
from duet.inference.errors import CancelledError, HeadError
from duet.inference.head.blendshapes import Blendshapes, load_blendshapes
from duet.inference.head.canonical import load_head

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

HEAD = load_head()
NOTHING = np.zeros(len(HEAD.vertices), bool)
FREE = np.full((68, 3), np.nan, np.float32)


def silent(fraction, stage):
    assert 0 <= fraction <= 1
    assert stage


def request(vertices, masked=NOTHING, landmarks=FREE, faces=None):
    corners, sizes = faces or (HEAD.face_vertices, HEAD.face_sizes.astype(np.int32))
    return BindRequest("copy", vertices.astype(np.float32), corners, sizes, masked, landmarks)


@lru_cache
def blendshapes():
    """Two learned shapes stand for all."""
    shapes = load_blendshapes()
    few = {name: getattr(shapes, name) for name in shapes.__dataclass_fields__}
    few["speech_basis"], few["speech_names"] = shapes.speech_basis[:2], shapes.speech_names[:2]
    return Blendshapes(**few)


def spread(binding, name, count=0):
    delta = np.zeros((count or len(HEAD.vertices), 3))
    delta[binding.moving] = binding.deltas[binding.names.index(name)]
    return delta


def agreement(found, true):
    """Median cosine and magnitude ratio where the true shape moves."""
    size, own = np.linalg.norm(true, axis=1), np.linalg.norm(found, axis=1)
    moving = size > 0.25 * size.max()
    cosine = (found * true).sum(axis=1)[moving] / (size * own + 1e-12)[moving]
    return np.median(cosine), np.median((own / size.clip(1e-12))[moving])


def truth(name):
    return HEAD.arkit[HEAD.arkit_names.index(name)].astype(float)


@lru_cache
def moved_copy():
    """The head 40 times as large, turned about the upright axis, far from where it was."""
    angle = 2.2
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    vertices = 40 * HEAD.vertices @ turn.T + [7, -3, 2]
    return turn, vertices, bind(HEAD, blendshapes(), request(vertices), silent)


def test_moved_copy_gets_the_same_shapes():
    turn, vertices, binding = moved_copy()
    assert binding.scale == pytest.approx(40, rel=0.01)
    assert binding.residual < 0.1
    off = np.linalg.norm(binding.landmarks - vertices[HEAD.landmarks], axis=1) / 40
    assert np.median(off) < 0.001
    for name in ("jawOpen", "mouthPucker", "eyeBlinkLeft", "browInnerUp", "eyeLookUpRight", "tongueOut"):
        cosine, ratio = agreement(spread(binding, name) @ turn / 40, truth(name))
        assert cosine > 0.98, name
        least = 0.8 if name == "tongueOut" else 0.93  # parts move as a whole; the tongue's root grows on the gums
        assert least < ratio < 1.07, name
    assert binding.names[:2] == blendshapes().speech_names
    assert binding.names[-52:] == HEAD.arkit_names


def test_lips_that_close_on_the_duet_head_close_on_the_copy():
    turn, _, binding = moved_copy()
    pose = 0.4 * (spread(binding, "jawOpen") + spread(binding, "mouthClose")) @ turn / 40
    own = 0.4 * (truth("jawOpen") + truth("mouthClose"))
    upper, lower = HEAD.regions["inner_lip_upper"], HEAD.regions["inner_lip_lower"]
    assert np.abs((pose - own)[upper] - (pose - own)[lower])[:, 2].max() < 0.0005


def test_blink_covers_the_eye():
    turn, _, binding = moved_copy()
    for name, eye in (("eyeBlinkLeft", "left_eye"), ("eyeBlinkRight", "right_eye")):
        triangles = HEAD.triangles.astype(np.int64)
        lashes = np.isin(triangles[:, 0], HEAD.regions["lashes"])
        triangles = triangles[~lashes]
        places = HEAD.vertices[HEAD.regions[eye]][:, [0, 2]]
        seen = []
        for vertices in (HEAD.vertices, HEAD.vertices + spread(binding, name) @ turn / 40):
            view = front_view(vertices.astype(float), triangles, places.min(axis=0), places.max(axis=0), 0.0003)
            hit = triangles[view.triangle[view.triangle >= 0], 0]
            seen.append(np.isin(hit, HEAD.regions[eye]).sum())
        assert seen[0] > 1000
        assert seen[1] < 0.02 * seen[0]


def test_teeth_and_eyes_of_the_copy_stay_rigid():
    _, vertices, binding = moved_copy()
    for name, part in (("jawOpen", "lower_teeth"), ("eyeLookUpLeft", "left_eye")):
        own = HEAD.regions[part]
        before, after = vertices[own], vertices[own] + spread(binding, name)[own]
        for points in (before, after):
            points -= points.mean(axis=0)
        assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), rel=0.03)
        assert np.linalg.norm(spread(binding, name)[own], axis=1).max() > 0.1
    assert np.abs(spread(binding, "jawOpen")[HEAD.regions["upper_teeth"]]).max() < 0.05


@pytest.mark.once
def test_warped_and_subdivided_copy():
    middle = np.array([0.0, -0.05, 0.17])

    def warp(points):
        away = np.asarray(points, float) - middle
        return middle + away * np.stack([1.2 + away[:, 2], 1.1 + 0 * away[:, 0], 0.92 + 0 * away[:, 0]], axis=1)

    fine, faces = subdivided(warp(HEAD.vertices))
    binding = bind(HEAD, blendshapes(), request(fine, np.zeros(len(fine), bool), faces=faces), silent)
    for name in ("jawOpen", "mouthSmileLeft", "mouthFunnel", "eyeBlinkRight"):
        due = (warp(HEAD.vertices + 1e-3 * truth(name)) - warp(HEAD.vertices)) * 1e3
        found = spread(binding, name, len(fine))[: len(HEAD.vertices)]
        cosine, ratio = agreement(found, due)
        assert cosine > 0.95, name
        assert 0.8 < ratio < 1.25, name


def subdivided(vertices):
    """Each triangle in four."""
    triangles = HEAD.triangles.astype(np.int64)
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    ends, number = np.unique(sides, axis=0, return_inverse=True)
    ab, bc, ca = (number.reshape(3, -1) + len(vertices)).astype(np.int64)
    a, b, c = triangles.T
    four = np.concatenate([np.stack(each, axis=1) for each in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    everything = np.concatenate([vertices, vertices[ends].mean(axis=1)])
    return everything, (four.ravel().astype(np.int32), np.full(len(four), 3, np.int32))


@pytest.mark.once
def test_masked_vertices_and_those_far_from_the_face_stay():
    masked = NOTHING.copy()
    masked[HEAD.regions["brows"]] = True
    binding = bind(HEAD, blendshapes(), request(HEAD.vertices, masked), silent)
    assert binding.notes == (), "of the Duet head itself there is nothing to say"
    assert not np.isin(HEAD.regions["brows"], binding.moving).any()
    rim = binding.deltas[:, HEAD.vertices[binding.moving, 2] < 0.002]
    assert np.abs(rim[binding.names.index(HEAD.arkit_names[0]) :]).max(initial=0.0) < 1e-5
    assert np.abs(rim).max(initial=0.0) < 0.0005  # learned blendshapes may leave a trace there


@pytest.mark.once
def test_a_landmark_set_by_hand_is_reached():
    landmarks = FREE.copy()
    nose = HEAD.vertices[HEAD.landmarks[30]] + [0, 0, 0.004]
    landmarks[30] = nose
    fit = fit_head(HEAD, request(HEAD.vertices, landmarks=landmarks), silent)
    assert np.linalg.norm(fit.placement.apply(fit.registered)[HEAD.landmarks[30]] - nose) < 0.0015


def test_upside_down_and_headless_meshes_are_said():
    with pytest.raises(HeadError, match="'copy' is upside down"):
        bind(HEAD, blendshapes(), request(HEAD.vertices * np.array([1, -1, -1.0])), silent)
    ball = HEAD.vertices - HEAD.vertices.mean(axis=0)
    ball = 0.1 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    skin = HEAD.triangles[np.isin(HEAD.triangles, HEAD.regions["skin"]).all(axis=1)]
    faces = (skin.ravel().astype(np.int32), np.full(len(skin), 3, np.int32))
    with pytest.raises(HeadError, match=r"No face was found|inside out"):
        bind(HEAD, blendshapes(), request(ball, faces=faces), silent)


def test_cancel_stops_it():
    def cancel(fraction, stage):
        if fraction > 0.1:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        bind(HEAD, blendshapes(), request(HEAD.vertices), cancel)
