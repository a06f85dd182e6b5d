"""A small model in FLAME's published layout, and linear blend skinning by the book, vertex by vertex."""

import numpy as np

PARENTS = (-1, 0, 1, 1, 1)


def flame_arrays(vertices=40, columns=400, seed=5):
    """The arrays of a model file: random, but with weights and joints that make sense."""
    rng = np.random.default_rng(seed)
    weights, regressor = rng.random((vertices, 5)) ** 3, rng.random((5, vertices)) ** 4
    return {
        "v_template": rng.normal(0, 0.1, (vertices, 3)),
        "f": rng.integers(0, vertices, (60, 3)).astype(np.uint32),
        "shapedirs": rng.normal(0, 0.002, (vertices, 3, columns)),
        "posedirs": rng.normal(0, 0.003, (vertices, 3, 36)),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], range(5)], np.uint32),
    }


def reference_vertices(arrays, betas, pose, translation):
    """One frame in float64: `betas` (400,), `pose` (5, 3), `translation` (3,); Li et al. 2017, equations 1 to 5."""
    a = {name: np.asarray(value, np.float64) for name, value in arrays.items()}
    shaped = a["v_template"] + np.einsum("vck,k->vc", a["shapedirs"], betas)
    joints = a["J_regressor"] @ shaped
    rotations = [_rodrigues(vector) for vector in np.asarray(pose, np.float64)]
    feature = np.concatenate([(rotation - np.eye(3)).ravel() for rotation in rotations[1:]])
    corrected = shaped + np.einsum("vck,k->vc", a["posedirs"], feature)
    world = []
    for joint, parent in enumerate(PARENTS):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    away = [matrix @ _translation(-joint) for matrix, joint in zip(world, joints, strict=True)]
    result = np.empty_like(shaped)
    for v, point in enumerate(corrected):
        matrix = sum(weight * transform for weight, transform in zip(a["weights"][v], away, strict=True))
        result[v] = (matrix @ np.append(point, 1))[:3] + translation
    return result


def _translation(vector):
    matrix = np.eye(4)
    matrix[:3, 3] = vector
    return matrix


def _rodrigues(vector):
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
