"""The pieces of binding against known answers: nearest points, solvers, views, similarities, parts, checks."""

import numpy as np
import pytest
from duet.inference.binding.checks import check_facing, check_mesh
from duet.inference.binding.correspond import surface_distance
from duet.inference.binding.features import follow_crease
from duet.inference.binding.frontview import front_view
from duet.inference.binding.mesh import Mesh, connected_parts, triangulated
from duet.inference.binding.nearest import PointGrid, Surface, closest_weights
from duet.inference.binding.nonrigid import coarse_skin
from duet.inference.binding.parts import ball
from duet.inference.binding.solve import conjugate_gradients, graph_of
from duet.inference.bound import Binding, BindRequest
from duet.inference.errors import HeadError
from duet.inference.numeric import Similarity, fit_similarity
from hypothesis import given
from hypothesis import strategies as st

pytestmark = [pytest.mark.embedded, pytest.mark.slow]


def sphere(rows=24, columns=32, radius=1.0):
    """A closed ball of triangles, normals outwards."""
    up, round_ = np.linspace(0, np.pi, rows)[1:-1], np.arange(columns) * 2 * np.pi / columns
    a, b = (each.ravel() for each in np.meshgrid(up, round_, indexing="ij"))
    middle = np.column_stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)])
    vertices = radius * np.concatenate([middle, [[0, 0, 1.0], [0, 0, -1.0]]])
    top, low, faces = len(middle), len(middle) + 1, []
    for k in range(columns):
        after = (k + 1) % columns
        faces.append([top, k, after])
        faces.append([low, (rows - 3) * columns + after, (rows - 3) * columns + k])
        for row in range(rows - 3):
            first, second = row * columns, (row + 1) * columns
            faces += [[first + k, second + k, second + after], [first + k, second + after, first + after]]
    return Mesh(vertices, np.array(faces, np.int64))


@given(st.integers(0, 1000), st.sampled_from([3, 40, 900]), st.booleans())
def test_nearest_points_are_those_of_all_distances(seed, count, flat):
    rng = np.random.default_rng(seed)
    points, queries = rng.normal(size=(count, 3)), 3 * rng.normal(size=(50, 3))
    if flat:
        points[:, 1] = 0.0
    features, asked = rng.normal(size=(count, 2)), rng.normal(size=(50, 2))
    index, distance = PointGrid(points, features).nearest(queries, asked)
    true = np.linalg.norm(np.hstack([points, features]) - np.hstack([queries, asked])[:, None], axis=2)
    np.testing.assert_allclose(distance, true.min(axis=1))
    np.testing.assert_allclose(true[np.arange(50), index], true.min(axis=1))


def test_nothing_is_found_beyond_reach():
    index, distance = PointGrid(np.eye(3)).nearest(np.array([[9.0, 0, 0], [1.1, 0, 0]]), reach=0.5)
    assert index.tolist() == [-1, 0]
    assert np.isinf(distance[0])


@given(st.integers(0, 1000))
def test_closest_point_of_a_triangle_beats_all_samples(seed):
    rng = np.random.default_rng(seed)
    a, b, c, point = rng.normal(size=(4, 1, 3))
    weights = closest_weights(point, a, b, c)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    found = np.linalg.norm(weights[:, :1] * a + weights[:, 1:2] * b + weights[:, 2:] * c - point)
    samples = rng.dirichlet(np.ones(3), 500)
    assert found <= np.linalg.norm(samples @ np.concatenate([a, b, c]) - point, axis=1).min() + 1e-9


def test_surface_tells_two_sides_of_a_thin_part_by_their_normals():
    a, b, c, d = [-1.0, -1, 0], [1.0, -1, 0], [1.0, 1, 0], [-1.0, 1, 0]
    low = np.array([a, b, c, d])
    both = Mesh(
        np.concatenate([low, low + np.array([0, 0, 0.01])]), np.array([[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7]])
    )
    hit = Surface(both, 0.1).closest(np.array([[0.2, 0.1, 0.02]]), np.array([[0.0, 0, -1]]))
    assert hit.triangle[0] < 2  # the lower side, though the upper one is nearer
    np.testing.assert_allclose(hit.position[0], [0.2, 0.1, 0.0], atol=1e-12)


def test_conjugate_gradients_solve_what_a_dense_solver_solves():
    mesh = sphere(10, 12)
    graph = graph_of(mesh.edges, len(mesh.vertices))
    dense = graph.laplacian(np.eye(len(mesh.vertices)))
    np.testing.assert_allclose(dense, dense.T)
    np.testing.assert_allclose(dense.sum(axis=1), 0, atol=1e-12)
    right = np.random.default_rng(1).normal(size=(len(dense), 3))
    diagonal = np.repeat(graph.degree[:, None] + 0.5, 3, axis=1)
    found = conjugate_gradients(lambda x: graph.laplacian(x) + 0.5 * x, right, np.zeros_like(right), diagonal, 1e-10)
    np.testing.assert_allclose(found, np.linalg.solve(dense + 0.5 * np.eye(len(dense)), right), atol=1e-7)


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_similarity_of_pairs_is_found_and_undone(seed, scale):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    true = Similarity(scale, turn, rng.normal(size=3))
    points = rng.normal(size=(30, 3))
    found = fit_similarity(points, true.apply(points))
    np.testing.assert_allclose(found.apply(points), true.apply(points), atol=1e-9 * max(1, scale))
    np.testing.assert_allclose(found.invert(found.apply(points)), points, atol=1e-9)
    np.testing.assert_allclose(found.after(true).apply(points), found.apply(true.apply(points)), rtol=1e-9, atol=1e-9)


def test_mirror_images_get_no_mirroring_similarity():
    points = np.random.default_rng(2).normal(size=(30, 3))
    assert np.linalg.det(fit_similarity(points, points * [-1, 1, 1]).rotation) == pytest.approx(1)


def test_front_view_sees_the_nearest_surface():
    near = sphere(48, 64, 0.5)
    view = front_view(near.vertices, near.triangles, np.array([-0.6, -0.6]), np.array([0.6, 0.6]), 0.01)
    row, column = view.nearest_pixel(np.array([0.0]), np.array([0.0]))
    assert view.depth[row, column] == pytest.approx(-0.5, abs=2e-3)
    assert (near.triangle_normals[view.triangle[view.triangle >= 0], 1] < 1e-4).all()
    assert (view.triangle >= 0).sum() * 1e-4 == pytest.approx(np.pi / 4, rel=0.02)


def test_parts_and_ball():
    first, second = sphere(8, 9), sphere(8, 9, 0.5)
    count = len(first.vertices)
    edges = np.concatenate([second.edges, first.edges + count])
    labels = connected_parts(edges[np.random.default_rng(0).permutation(len(edges))], 2 * count)
    assert (labels[:count] == labels[0]).all()
    assert (labels[count:] == labels[count]).all()
    assert labels[0] != labels[count]
    middle, radius, miss = ball(second.vertices + np.array([1, 2, 3]))
    np.testing.assert_allclose(middle, [1, 2, 3], atol=1e-9)
    assert (radius, miss) == (pytest.approx(0.5), pytest.approx(0, abs=1e-9))


def test_surface_distance_goes_along_edges():
    line = np.array([[0, 1], [1, 2], [2, 3], [5, 6]])
    graph = graph_of(line, 7, np.array([1.0, 2.0, 4.0, 1.0]))
    assert surface_distance(graph, np.array([0]), 50.0).tolist() == [0, 1, 3, 7, 50, 50, 50]


def test_crease_is_followed_past_a_gap():
    crease = np.zeros((40, 30))
    course = np.full(30, 20.0)
    true = 20 + np.rint(3 * np.sin(np.arange(30) / 6)).astype(int)
    crease[true, np.arange(30)] = 1.0
    crease[:, 12:15] = 0.0
    path, strength = follow_crease(crease, np.arange(30), course, 8)
    assert np.abs(path - true).max() < 1.5
    assert strength == pytest.approx(0.9, abs=0.02)


def test_polygons_become_fans():
    found = triangulated(np.array([0, 1, 2, 3, 4, 5, 6]), np.array([4, 3]))
    assert found.tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6]]


def request_of(mesh, **changes):
    count = len(mesh.vertices)
    corners, sizes = mesh.triangles.ravel().astype(np.int32), np.full(len(mesh.triangles), 3, np.int32)
    fields = {"masked": np.zeros(count, bool), "landmarks": np.full((68, 3), np.nan, np.float32)} | changes
    return BindRequest("Bob", mesh.vertices.astype(np.float32), corners, sizes, **fields)


def check(mesh, **changes):
    return check_mesh(request_of(mesh, **changes), mesh)


def test_what_no_mesh_may_be_is_said():
    good = sphere()
    assert check(good) == ()
    for scale, words in ((1e-6, "tiny"), (1e8, "huge")):
        with pytest.raises(HeadError, match=f"'Bob' is {words}"):
            check(good.moved(good.vertices * scale))
    with pytest.raises(HeadError, match="too far"):
        check(good.moved(good.vertices + 1e5))
    with pytest.raises(HeadError, match="flat"):
        check(good.moved(good.vertices * [1, 1, 0.001]))
    with pytest.raises(HeadError, match="only 100 vertices"):
        check(sphere(9, 14))
    with pytest.raises(HeadError, match="not a number"):
        check(good.moved(np.where(np.arange(len(good.vertices))[:, None] == 3, np.nan, good.vertices)))
    with pytest.raises(HeadError, match="mask covers all"):
        check(good, masked=np.ones(len(good.vertices), bool))


def test_torn_and_crowded_meshes_are_said():
    good = sphere()
    torn = Mesh(good.vertices[good.triangles].reshape(-1, 3), np.arange(3 * len(good.triangles)).reshape(-1, 3))
    with pytest.raises(HeadError, match=r"is open: .* Merge > By Distance"):
        check(torn)
    with pytest.raises(HeadError, match="not manifold"):
        check(Mesh(good.vertices, np.concatenate([good.triangles, good.triangles[::4]])))
    crowded = Mesh(good.vertices, np.concatenate([good.triangles, good.triangles[:2]]))
    assert "more than two faces" in check(crowded)[0]


def test_inside_out_is_said():
    good = sphere(radius=0.1)
    place = good.vertices + np.array([0, 0, 0.16])
    check_facing("Bob", Mesh(place, good.triangles))
    with pytest.raises(HeadError, match="inside out or mirrored"):
        check_facing("Bob", Mesh(place, good.triangles[:, ::-1]))


def test_requests_and_bindings_cross_the_pipe():
    request = request_of(sphere())
    data, arrays = request.to_message()
    again = BindRequest.from_message(data, arrays)
    assert again.name == "Bob"
    np.testing.assert_array_equal(again.vertices, request.vertices)
    with pytest.raises(HeadError, match="no proper faces"):
        BindRequest.from_message(data, arrays | {"face_vertices": arrays["face_vertices"] + 10_000})
    binding = Binding(
        names=("a", "b"),
        moving=np.array([1, 2, 3], np.int32),
        deltas=np.zeros((2, 3, 3), np.float32),
        landmarks=np.zeros((68, 3), np.float32),
        fitted=np.zeros((9, 3), np.float32),
        residual=0.1,
        scale=2.0,
        notes=("n",),
    )
    data, arrays = binding.to_message()
    assert Binding.from_message(data, arrays).names == ("a", "b")
    with pytest.raises(ValueError, match="deltas"):
        Binding.from_message(data, arrays | {"deltas": np.zeros((2, 4, 3), np.float32)})


def test_a_coarse_skin_covers_the_whole_and_gives_back_what_is_smooth():
    ball = sphere(40, 60)
    graph = graph_of(ball.edges, len(ball.vertices))
    needed = np.array([7, 8, 9])
    coarse = coarse_skin(graph, needed, ball.vertices)
    assert set(needed) <= set(coarse.chosen)
    assert len(ball.vertices) / 8 < len(coarse.chosen) < len(ball.vertices) / 2
    ones = np.ones((len(coarse.chosen), 1))
    np.testing.assert_allclose(coarse.spread(ones), 1.0)
    spread = coarse.spread(ball.vertices[coarse.chosen])
    np.testing.assert_array_equal(spread[coarse.chosen], ball.vertices[coarse.chosen])
    assert np.linalg.norm(spread - ball.vertices, axis=1).max() < 0.12
    assert (coarse.graph.degree > 0).all()
    assert len(np.unique(connected(coarse.graph))) == 1


def connected(graph):
    """(n,) the smallest vertex that each can be reached from."""
    label = np.arange(len(graph.degree))
    while True:
        lowest = np.minimum(label, label[graph.neighbours].min(axis=1))
        if (lowest == label).all():
            return label
        label = lowest
