"""Binding of heads with few vertices: the Duet head, decimated in Blender."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from duet.inference.binding.bind import carry_shapes, fit_head  # noqa: E402
from duet.inference.binding.frontview import front_view  # noqa: E402
from duet.inference.binding.mesh import triangulated  # noqa: E402
from duet.inference.binding.mouth import rest_opening  # noqa: E402
from duet.inference.bound import BindRequest  # noqa: E402
from duet.inference.head.canonical import load_head  # noqa: E402

pytestmark = pytest.mark.blender

HEAD = load_head()


def decimated(count):
    """(vertices, corners, sizes) of the Duet head, without its hairs, with about so many vertices."""
    mesh = bpy.data.meshes.new("Few")
    hairs = np.concatenate([HEAD.regions["lashes"], HEAD.regions["brows"]])  # a hair has no vertex to spare
    kept = np.setdiff1d(np.arange(len(HEAD.vertices)), hairs)
    assert kept[-1] == len(kept) - 1, "hairs are the last vertices"
    polygons = [polygon.tolist() for polygon in HEAD.polygons if polygon.max() < len(kept)]
    mesh.from_pydata(HEAD.vertices[kept].tolist(), [], polygons)
    obj = bpy.data.objects.new("Few", mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.modifiers.new("Few", "DECIMATE").ratio = count / len(kept)
    few = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    vertices = np.array([vertex.co[:] for vertex in few.vertices])
    polygons = [list(polygon.vertices) for polygon in few.polygons]
    bpy.data.objects.remove(obj)
    return vertices, np.concatenate(polygons).astype(np.int32), np.array([len(each) for each in polygons], np.int32)


def test_a_head_of_1800_vertices_opens_its_mouth():
    vertices, corners, sizes = decimated(1800)
    assert 1700 < len(vertices) < 1950
    nothing, free = np.zeros(len(vertices), bool), np.full((68, 3), np.nan, np.float32)
    asked = BindRequest("Few", vertices.astype(np.float32), corners, sizes, nothing, free)
    fit = fit_head(HEAD, asked, lambda *_: None)
    opened = HEAD.arkit[HEAD.arkit_names.index("jawOpen")][None].astype(np.float32)
    moving, deltas, notes = carry_shapes(HEAD, fit, opened, nothing, lambda _: None)
    assert notes == ()
    posed = vertices.copy()
    posed[moving] += 0.6 * deltas[0]
    faces = triangulated(corners.astype(np.int64), sizes.astype(np.int64))
    own = 0.6 * (opened[0][HEAD.regions["inner_lip_upper"]] - opened[0][HEAD.regions["inner_lip_lower"]])[:, 2]
    found = [opening_of(each, faces, fit.registered) for each in (vertices, posed)]
    assert found[0] == 0.0
    assert found[1] == pytest.approx(own.max(), rel=0.35)


def opening_of(vertices, triangles, registered):
    around = registered[HEAD.landmarks][:, [0, 2]]
    low, high = around.min(axis=0) - [0.01, 0.04], around.max(axis=0) + 0.01
    skin = triangles[~_inner(vertices, triangles)]
    found = rest_opening(HEAD, registered, front_view(vertices, skin, low, high, 0.0005))
    return found[0] if found else 0.0


def _inner(vertices, triangles):
    """Triangles of teeth and tongue, by the Duet head's vertex nearest to each."""
    inside = np.concatenate([HEAD.regions[name] for name in ("upper_teeth", "lower_teeth", "tongue")])
    rest = HEAD.vertices[np.setdiff1d(np.arange(len(HEAD.vertices)), inside)]
    near = [np.array([((pool - v) ** 2).sum(axis=1).min() for v in vertices]) for pool in (HEAD.vertices[inside], rest)]
    return (near[0] < near[1])[triangles].all(axis=1)
