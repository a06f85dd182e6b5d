"""Mouths as they come: open at rest, sealed, and with few vertices; and lips that touch, on copies of the Duet head."""

import numpy as np
import pytest
from duet.inference.binding.bind import bind, carry_shapes, fit_head
from duet.inference.binding.contacts import find_contacts
from duet.inference.binding.correspond import Following, lip_sides
from duet.inference.binding.mesh import Mesh
from duet.inference.bound import BindRequest
from duet.inference.head.blendshapes import Blendshapes, load_blendshapes
from duet.inference.head.canonical import load_head

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.once]

HEAD = load_head()
_NEARER = lip_sides(HEAD, HEAD.vertices.astype(float))
SIDES = np.where(np.abs(_NEARER) > 1e-4, np.sign(_NEARER), 0).astype(int)
UPPER, LOWER = HEAD.regions["inner_lip_upper"], HEAD.regions["inner_lip_lower"]


def request(vertices, corners=HEAD.face_vertices, sizes=HEAD.face_sizes):
    free = np.full((68, 3), np.nan, np.float32)
    nothing = np.zeros(len(vertices), bool)
    return BindRequest(
        "Ann", vertices.astype(np.float32), corners.astype(np.int32), sizes.astype(np.int32), nothing, free
    )


def two_blendshapes():
    shapes = load_blendshapes()
    few = {name: getattr(shapes, name) for name in shapes.__dataclass_fields__}
    few["speech_basis"], few["speech_names"] = shapes.speech_basis[:1], shapes.speech_names[:1]
    few["expression_basis"], few["expression_names"] = shapes.expression_basis[:1], shapes.expression_names[:1]
    return Blendshapes(**few)


def bound(vertices, *faces):
    return bind(HEAD, two_blendshapes(), request(vertices, *faces), lambda *_: None)


def shape_of(binding, name, count):
    delta = np.zeros((count, 3))
    delta[binding.moving] = binding.deltas[binding.names.index(name)]
    return delta


def gap(vertices):
    return vertices[UPPER, 2] - vertices[LOWER, 2]


@pytest.fixture(scope="module")
def own_fit():
    return fit_head(HEAD, request(HEAD.vertices), lambda *_: None)


@pytest.mark.parametrize("opening", [0.3, 0.9])
def test_a_mouth_open_at_rest_is_said_and_keeps_its_lips_apart(opening):
    posed = HEAD.pose({"jawOpen": opening})
    binding = bound(posed)
    height = gap(posed).max() * 1000
    said = [note for note in binding.notes if "stands open" in note]
    assert len(binding.notes) == len(said) == 1
    number = float(said[0].split("open by ")[1].split(" mm")[0])
    assert number == pytest.approx(height, rel=0.25)
    assert "close it in the rest pose" in said[0]
    for amount in (0.3, 1.0):
        own = gap(HEAD.pose({"jawOpen": amount})) - gap(HEAD.vertices)
        wider = gap(posed + amount * shape_of(binding, "jawOpen", len(posed))) - gap(posed)
        assert np.median(wider) == pytest.approx(np.median(own), rel=0.15)


def test_sealed_lips_are_said():
    """The lips' line joined to one, nothing behind it."""
    merged = np.arange(len(HEAD.vertices))
    merged[UPPER] = LOWER
    gone = np.concatenate([HEAD.regions[name] for name in ("mouth_bag", "upper_teeth", "lower_teeth", "tongue")])
    kept = [polygon for polygon in HEAD.polygons if not np.isin(polygon, gone).any()]
    polygons = [list(dict.fromkeys(merged[polygon].tolist())) for polygon in kept]
    polygons = [polygon for polygon in polygons if len(polygon) > 2]
    used = np.unique(np.concatenate(polygons))
    corners = np.searchsorted(used, np.concatenate(polygons))
    binding = bound(HEAD.vertices[used], corners, np.array([len(polygon) for polygon in polygons]))
    assert any("cannot open" in note for note in binding.notes)


def test_lips_that_touch_part_as_the_duet_heads_do(own_fit):
    """The lower lip slides back by two millimetres, so that pairs of the copy are no pairs of the Duet head."""
    shape = HEAD.vertices.astype(float)
    names = ("mouthPressLeft", "mouthPressRight")
    press = 0.6 * np.sum([HEAD.arkit[HEAD.arkit_names.index(name)].astype(float) for name in names], axis=0)
    slid = shape.copy()
    slid[LOWER, 1] += 0.002
    target = Mesh(slid, own_fit.target.triangles)
    moved = Following(
        np.arange(len(shape)), np.tile(np.arange(len(shape))[:, None], 3), np.eye(3)[np.zeros(len(shape), int)], SIDES
    )
    contacts = find_contacts(HEAD, shape, target, moved)
    delta = press.copy()
    delta[LOWER, 2] += 0.0007  # what another depth of the lip would have done
    before = (delta[UPPER] - delta[LOWER])[:, 2] - (press[UPPER] - press[LOWER])[:, 2]
    contacts.settle(delta, press)
    after = (delta[UPPER] - delta[LOWER])[:, 2] - (press[UPPER] - press[LOWER])[:, 2]
    inner = slice(4, -4)  # lips join at the corners
    assert np.abs(before[inner]).min() > 0.0006
    assert np.abs(after[inner]).max() < 0.0005
    assert np.abs(delta[HEAD.landmarks[:48]] - press[HEAD.landmarks[:48]]).max() == 0  # the face around is left alone


def test_carrying_gives_the_same_sums(own_fit):
    """With contacts, too, everything is linear in the shapes."""
    a, b = (HEAD.arkit[HEAD.arkit_names.index(name)] for name in ("mouthPressLeft", "mouthFunnel"))
    nothing = np.zeros(len(HEAD.vertices), bool)
    both = np.stack([a, b, 0.5 * a + 2.0 * b]).astype(np.float32)
    _, deltas, _ = carry_shapes(HEAD, own_fit, both, nothing, lambda _: None)
    np.testing.assert_allclose(deltas[2], 0.5 * deltas[0] + 2.0 * deltas[1], atol=2e-6)
