"""The shipped head: topology, contact of lips and lids, shapes, regions, landmarks, rig, and strict loading."""

from __future__ import annotations

import numpy as np
import pytest
from duet.inference.head.canonical import ARKIT_NAMES, EXTRA_NAMES, Head, load_head
from duet.training.head.lips import Mouth, find_mouth, section_gaps
from duet.training.head.mesh import QuadMesh
from scipy.spatial import cKDTree

pytestmark = pytest.mark.slow

MM = 1e-3


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def edge_uses(head: Head) -> dict[tuple[int, int], int]:
    uses: dict[tuple[int, int], int] = {}
    for polygon in head.polygons:
        for a, b in zip(polygon.tolist(), np.roll(polygon, -1).tolist(), strict=True):
            key = (min(a, b), max(a, b))
            uses[key] = uses.get(key, 0) + 1
    return uses


@pytest.fixture(scope="module")
def mouth(head: Head) -> Mouth:
    skin = np.concatenate([head.regions[name] for name in ("skin", "mouth_bag", "eye_sockets")])
    polygons = [polygon for polygon in head.polygons if polygon[0] < len(skin)]
    return find_mouth(QuadMesh(polygons, len(skin)), head.vertices.astype(float), head.landmarks)


def lip_gap(mouth: Mouth, vertices: np.ndarray) -> np.ndarray:
    """(n,) metres between the lips, in sections across the mouth; negative where they are through each other."""
    return section_gaps(vertices.astype(float), mouth)[1]


def ball(head: Head, side: str) -> tuple[np.ndarray, float]:
    """(centre, radius) of an eyeball behind its cornea."""
    centre = head.joints[head.bones.index(f"{side}_eye")]
    distance = np.linalg.norm(head.vertices[head.regions[f"{side}_eye"]] - centre, axis=1)
    return centre, float(np.median(distance))


def gaze(head: Head, vertices: np.ndarray, side: str) -> np.ndarray:
    """Unit vector from an eye's centre to its pupil."""
    part = head.regions[f"{side}_eye"]
    front = part[head.vertices[part, 1].argmin()]
    direction = vertices[front] - head.joints[head.bones.index(f"{side}_eye")]
    return direction / np.linalg.norm(direction)


def test_arkit_names_are_apples_52():
    assert len(ARKIT_NAMES) == len(set(ARKIT_NAMES)) == 52
    left = {name.removesuffix("Left") for name in ARKIT_NAMES if name.endswith("Left")}
    right = {name.removesuffix("Right") for name in ARKIT_NAMES if name.endswith("Right")}
    assert left == right
    assert len(left) == 20  # 7 of the eye, jaw, 8 of the mouth and mouth itself, 2 brows, cheek, nose
    middle = {name for name in ARKIT_NAMES if not name.endswith(("Left", "Right"))}
    assert middle == {
        *("jawForward", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper"),
        *("mouthShrugLower", "mouthShrugUpper", "browInnerUp", "cheekPuff", "tongueOut"),
    }
    assert ARKIT_NAMES[0] == "eyeBlinkLeft"
    assert ARKIT_NAMES[17] == "jawOpen"
    assert ARKIT_NAMES[-1] == "tongueOut"


def test_space_and_size(head: Head):
    low, high = head.vertices.min(axis=0), head.vertices.max(axis=0)
    assert 20_000 <= len(head.vertices) <= 27_000
    assert low[2] == pytest.approx(0.0, abs=1e-6)
    assert low[0] == pytest.approx(-high[0], abs=0.1 * MM)
    head_alone = head.vertices[head.vertices[:, 2] > head.joints[head.bones.index("jaw"), 2]]
    assert 0.14 < np.ptp(head_alone[:, 0]) < 0.2  # metres, ear to ear
    assert 0.3 < high[2] < 0.36
    nose = head.landmarks[30]
    assert head.vertices[nose, 1] == pytest.approx(low[1], abs=1 * MM)  # the nose's tip is the foremost point


def test_skin_is_closed_but_for_the_neck(head: Head):
    uses = edge_uses(head)
    assert max(uses.values()) == 2
    skin = np.union1d(head.regions["skin"], np.union1d(head.regions["mouth_bag"], head.regions["eye_sockets"]))
    border = [edge for edge, count in uses.items() if count == 1 and edge[0] in set(skin.tolist())]
    rim = np.unique(border)
    assert len(border) == len(rim)  # one loop: as many edges as vertices
    assert head.vertices[rim, 2].max() < 70 * MM  # the bust's edge


def test_every_vertex_is_used_and_finite(head: Head):
    assert set(head.face_vertices.tolist()) == set(range(len(head.vertices)))
    for array in (head.vertices, head.arkit, head.extra, head.identity, head.uv):
        assert np.isfinite(array).all()
    assert set(np.unique(head.face_sizes)) == {3, 4}
    assert head.triangles.shape == (int((head.face_sizes - 2).sum()), 3)
    assert len(head.edges) == len(edge_uses(head))


def test_skin_faces_outwards(head: Head):
    a, b, c = (head.vertices[head.triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    closed = np.isin(head.triangles, head.regions["left_eye"]).all(axis=1)
    centre = head.joints[head.bones.index("left_eye")]
    assert (
        np.einsum("tk,tk->t", normals[closed], a[closed] - centre) > 0
    ).mean() > 0.9  # but for the iris' rim, which curls
    forehead = np.isin(head.triangles, head.regions["upper_face"]).all(axis=1)
    assert (normals[forehead, 1] < 0).mean() > 0.9


def test_lips_meet_in_the_neutral(head: Head, mouth: Mouth):
    gap = lip_gap(mouth, head.vertices)
    assert gap.min() > -0.15 * MM
    assert gap.max() < 0.3 * MM
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    assert (np.diff(head.vertices[lower, 0]) > 0).all()  # from right to left
    assert np.linalg.norm(head.vertices[upper] - head.vertices[lower], axis=1).max() < 2 * MM


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_mouth_close_undoes_jaw_open(head: Head, mouth: Mouth, amount: float):
    opened = head.pose({"jawOpen": amount})
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    assert (opened[upper, 2] - opened[lower, 2]).max() > amount * 25 * MM
    closed = lip_gap(mouth, head.pose({"jawOpen": amount, "mouthClose": amount}))
    assert np.abs(closed).max() < 0.68 * MM  # at the very corners, whose pairs part in height as they are evened out


CLOSED = ("mouthLeft", "mouthSmileLeft", "mouthFrownRight", "mouthPressLeft", "mouthDimpleLeft", "cheekPuff")


@pytest.mark.parametrize("name", [*CLOSED, "mouthRollLower", "mouthShrugLower", "mouthPucker", "mouthStretchLeft"])
def test_lips_stay_closed(head: Head, mouth: Mouth, name: str):
    assert np.abs(lip_gap(mouth, head.pose({name: 1.0}))).max() < 1.2 * MM


def test_no_shape_takes_the_lips_through_each_other(head: Head, mouth: Mouth):
    names = [name for name in ARKIT_NAMES if name not in ("mouthClose", "mouthRollUpper")]
    lowest = {name: lip_gap(mouth, head.pose({name: 1.0})).min() for name in names}
    assert min(lowest.values()) > -1.2 * MM, lowest


def test_a_frown_brings_the_brows_down_and_together(head: Head):
    moved = head.arkit[head.arkit_names.index("browDownLeft")]
    inner, middle, outer = moved[head.landmarks[[22, 24, 26]]]
    assert inner[2] < -1.5 * MM and inner[0] < -1.5 * MM
    assert middle[2] < -3 * MM and middle[0] < -2 * MM
    assert np.linalg.norm(outer) < 0.8 * np.linalg.norm(middle)
    assert np.abs(moved[head.landmarks[17:22]]).max() < 0.7 * MM, "the other brow stays"


@pytest.mark.parametrize("side", ["left", "right"])
def test_blink_closes_the_lids_outside_the_ball(head: Head, side: str):
    closed = head.pose({f"eyeBlink{side.title()}": 1.0})
    points = [36, 37, 38, 39, 40, 41] if side == "right" else [45, 44, 43, 42, 47, 46]
    lids = head.landmarks[points]
    opened = head.vertices[lids[[1, 2]], 2] - head.vertices[lids[[5, 4]], 2]
    assert opened.min() > 6 * MM  # between the lids
    centre, radius = ball(head, side)
    near = head.regions["eyelids"]
    near = near[(head.vertices[near, 0] > 0) == (side == "left")]
    assert (np.linalg.norm(closed[near] - centre, axis=1) - radius).min() > 0.0
    assert visible_ball(head, closed, side) <= 2  # of more than a hundred: the slit between the lids
    assert visible_ball(head, head.vertices, side) > 10


def visible_ball(head: Head, vertices: np.ndarray, side: str) -> int:
    """How many of an eye's front vertices no skin covers, seen from the front."""
    part = head.regions[f"{side}_eye"]
    centre = head.joints[head.bones.index(f"{side}_eye")]
    points = vertices[part[vertices[part, 1] < centre[1] - 4 * MM]]
    return int((~covered(head, vertices, points)).sum())


def covered(head: Head, vertices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) whether a triangle of the skin lies before each point, seen along +y."""
    skin = np.concatenate([head.regions[name] for name in ("skin", "mouth_bag", "eye_sockets")])
    corners = vertices[head.triangles[np.isin(head.triangles, skin).all(axis=1)]]
    low, high = corners[:, :, [0, 2]].min(axis=1) - 1e-6, corners[:, :, [0, 2]].max(axis=1) + 1e-6
    result = np.zeros(len(points), bool)
    for k, point in enumerate(points):
        near = ((low <= point[[0, 2]]) & (point[[0, 2]] <= high)).all(axis=1)
        a, b, c = corners[near, 0], corners[near, 1], corners[near, 2]
        u, v, w = (b - a)[:, [0, 2]], (c - a)[:, [0, 2]], (point - a)[:, [0, 2]]
        area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        area = np.where(np.abs(area) < 1e-14, np.inf, area)
        beta = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
        gamma = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
        hit = (beta >= 0) & (gamma >= 0) & (beta + gamma <= 1) & np.isfinite(area)
        depth = a[:, 1] + beta * (b - a)[:, 1] + gamma * (c - a)[:, 1]
        result[k] = (hit & (depth < point[1])).any()
    return result


@pytest.mark.parametrize(
    "pose",
    [
        {},
        {"mouthRollLower": 1.0},
        {"mouthRollUpper": 1.0},
        {"mouthPressLeft": 1.0, "mouthPressRight": 1.0},
        {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
        {"mouthPucker": 1.0},
        {"jawOpen": 1.0, "mouthClose": 1.0},
        {"jawLeft": 1.0},
    ],
    ids=str,
)
def test_teeth_and_tongue_stay_behind_closed_lips(head: Head, pose: dict[str, float]):
    vertices = head.pose(pose)
    inside = np.concatenate([head.regions[name] for name in ("upper_teeth", "lower_teeth", "tongue")])
    front = inside[vertices[inside, 1] < vertices[inside, 1].min() + 0.025]
    assert covered(head, vertices, vertices[front]).mean() > 0.97  # a vertex may lie behind the closed lips' slit


def test_teeth_follow_the_jaw(head: Head):
    moved = {name: head.arkit[head.arkit_names.index(name)] for name in ("jawOpen", "jawLeft", "jawForward")}
    for part in ("lower_teeth", "tongue"):
        region = head.regions[part]
        assert moved["jawOpen"][region, 2].mean() < -10 * MM
        assert moved["jawLeft"][region, 0].mean() > 3 * MM
        assert moved["jawForward"][region, 1].mean() < -3 * MM
    upper = head.regions["upper_teeth"]
    assert max(np.abs(delta[upper]).max() for delta in moved.values()) == 0.0


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [
        ("eyeLookUpLeft", 2, 1),
        ("eyeLookDownRight", 2, -1),
        ("eyeLookInLeft", 0, -1),
        ("eyeLookOutLeft", 0, 1),
        ("eyeLookInRight", 0, 1),
        ("eyeLookOutRight", 0, -1),
    ],
)
def test_eyes_turn_rigidly(head: Head, name: str, axis: int, sign: int):
    side = "left" if name.endswith("Left") else "right"
    part = head.regions[f"{side}_eye"]
    centre = head.joints[head.bones.index(f"{side}_eye")]
    posed = head.pose({name: 1.0})
    before, after = (np.linalg.norm(v[part] - centre, axis=1) for v in (head.vertices, posed))
    np.testing.assert_allclose(before, after, atol=0.05 * MM)
    angle = np.degrees(np.arccos(gaze(head, posed, side) @ gaze(head, head.vertices, side)))
    assert 20 <= angle <= 31
    assert sign * gaze(head, posed, side)[axis] > 0.3


def test_sides_mirror_each_other(head: Head):
    mirrored = head.vertices * [-1, 1, 1]
    skin = head.regions["face"]
    partner = skin[cKDTree(mirrored[skin]).query(head.vertices[skin])[1]]
    for name in ("eyeBlink", "browDown", "mouthFrown", "cheekSquint"):
        left, right = (head.arkit[head.arkit_names.index(name + side)] for side in ("Left", "Right"))
        assert (np.abs(left[skin] * [-1, 1, 1] - right[partner]) > 0.5 * MM).mean() < 0.001
        assert np.linalg.norm(left[skin[head.vertices[skin, 0] > 5 * MM]], axis=1).max() > 3 * MM


def delta_of(head: Head, *names: str) -> np.ndarray:
    return np.sum([head.arkit[head.arkit_names.index(name)].astype(float) for name in names], axis=0)


def test_brows_are_raised_at_their_ends(head: Head):
    inner, outer = (head.landmarks[[21, 22]], head.landmarks[[17, 18, 25, 26]])
    raised, sides = delta_of(head, "browInnerUp"), delta_of(head, "browOuterUpLeft", "browOuterUpRight")
    assert (raised[inner, 2] > 5 * MM).all() and (raised[outer, 2] < 2 * MM).all()
    assert (sides[outer, 2] > 5 * MM).all() and (sides[inner, 2] < 3 * MM).all()
    assert (raised + sides)[head.landmarks[17:27], 2].max() < 11 * MM


def test_lips_come_forward(head: Head, mouth: Mouth):
    upper, lower, right, left = head.landmarks[[62, 66, 48, 54]]
    for name in ("mouthPucker", "mouthFunnel"):
        delta = delta_of(head, name)
        assert (delta[[upper, lower], 1] < -6 * MM).all()
        assert delta[right, 0] > 3 * MM and delta[left, 0] < -3 * MM and (delta[[right, left], 1] < -6 * MM).all()
    assert lip_gap(mouth, head.pose({"mouthFunnel": 1.0})).max() > 10 * MM
    border = delta_of(head, "mouthFunnel")[head.landmarks[[51, 57]]]
    assert (border[:, 1] < -3 * MM).all()  # the whole lip comes along, it does not only turn out


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "eyeBlinkRight", "browDownRight", "browInnerUp", "eyeLookDownLeft"])
def test_eyes_and_brows_leave_the_mouths_inside_alone(head: Head, name: str):
    assert np.abs(delta_of(head, name)[head.regions["mouth_bag"]]).max() < 0.1 * MM


@pytest.mark.parametrize(
    "pose",
    [
        ("browInnerUp",),
        ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
        ("browDownLeft", "browDownRight"),
        ("mouthFunnel",),
        ("mouthPucker",),
    ],
    ids=str,
)
def test_skin_does_not_fold(head: Head, pose: tuple[str, ...]):
    corners = head.triangles[np.isin(head.triangles, head.regions["skin"]).all(axis=1)]

    def normals(vertices: np.ndarray) -> np.ndarray:
        a, b, c = (vertices[corners[:, k]] for k in range(3))
        return np.cross(b - a, c - a)

    before, after = normals(head.vertices), normals(head.vertices + delta_of(head, *pose))
    assert ((before * after).sum(axis=1) <= 0).sum() <= 14, "but for the corners of the mouth, where the scan folds"


def test_shapes_leave_the_neck_alone(head: Head):
    low = head.vertices[:, 2] < 5 * MM
    assert np.abs(head.arkit[:, low]).max() < 0.01 * MM
    assert np.abs(head.identity[:, low]).max() < 0.01 * MM
    assert (np.abs(head.arkit).max(axis=(1, 2)) > 2 * MM).all()  # every shape does something


def test_tongue_shapes(head: Head):
    assert head.extra_names == EXTRA_NAMES
    tongue = head.regions["tongue"]
    others = np.setdiff1d(np.arange(len(head.vertices)), tongue)
    assert np.abs(head.extra[:, others]).max() == 0.0
    tip = tongue[head.vertices[tongue, 1].argmin()]
    up, back, teeth = (head.extra[k] for k in range(3))
    assert up[tip, 2] > 3 * MM
    assert back[tongue, 2].max() > 6 * MM > back[tip, 2]
    upper = head.vertices[head.regions["upper_teeth"]]
    assert head.vertices[tip, 1] + teeth[tip, 1] < upper[:, 1].min() + 4 * MM
