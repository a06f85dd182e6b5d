"""FLAME against a float64 reference, and its three file formats."""

import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from duet.inference.checkpoints import Checkpoint, save_checkpoint
from duet.inference.errors import WeightsError
from duet.inference.flame.duet import TURNING, fields, flame_of
from duet.inference.flame.model import JAW, TO_BLENDER, load_flame, rotation_matrices
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.tests.flame_fakes import flame_arrays, reference_vertices
from duet.tests.flame_torch import FlameTorch

ARRAYS = flame_arrays()


def compressed(matrix):
    """data, indices and indptr of a matrix, column by column."""
    columns = [np.flatnonzero(column) for column in matrix.T]
    starts = np.cumsum([0, *map(len, columns)]).astype(np.int32)
    indices = np.concatenate(columns).astype(np.int32)
    return np.concatenate([c[i] for c, i in zip(matrix.T, columns, strict=True)]), indices, starts


@pytest.fixture
def published(monkeypatch):
    """published(arrays, protocol) -> bytes as Python 2 wrote them, of chumpy's and SciPy's classes of that time."""

    class Ch:
        def __init__(self, x):
            self.x, self._dirty_vars, self._itr = x, set(), None

    class csc_matrix:
        def __init__(self, matrix):
            self.data, self.indices, self.indptr = compressed(matrix)
            self._shape, self.maxprint, self.format = matrix.shape, 50, "csc"

    for cls, module in ((Ch, "chumpy.ch"), (csc_matrix, "scipy.sparse.csc")):
        cls.__module__, cls.__qualname__ = module, cls.__name__
        stub = types.ModuleType(module)
        setattr(stub, cls.__name__, cls)
        monkeypatch.setitem(sys.modules, module, stub)
        monkeypatch.setitem(sys.modules, module.split(".")[0], types.ModuleType("parent"))

    def make(arrays, protocol):
        data = dict(arrays)
        data["shapedirs"], data["v_template"] = Ch(data["shapedirs"]), Ch(data["v_template"])
        data["J_regressor"] = csc_matrix(data["J_regressor"])
        data |= {"bs_style": "lbs", "bs_type": "lrotmin", "notes": {"year": 2020, "names": ("a", None)}}
        return pickle.dumps(data, protocol)

    return make


def random_poses(frames, seed=8):
    rng = np.random.default_rng(seed)
    betas, pose = rng.normal(0, 1, (frames, 400)), rng.normal(0, 0.6, (frames, 5, 3))
    pose[0], pose[1] = 0, 1e-9
    return betas, pose, rng.normal(0, 1, (frames, 3))


def reference(frames=6):
    betas, pose, translation = random_poses(frames)
    return np.stack([reference_vertices(ARRAYS, *row) for row in zip(betas, pose, translation, strict=True)])


def result_of(model, frames=6):
    betas, pose, translation = (a.astype(np.float32) for a in random_poses(frames))
    return model.posed(model.shaped(betas[:, :300], betas[:, 300:]), pose, translation)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_pickled_model_gives_the_vertices_of_the_reference(published, tmp_path, protocol):
    (tmp_path / "generic_model.pkl").write_bytes(published(ARRAYS, protocol))
    model = load_flame(tmp_path / "generic_model.pkl")
    assert (model.identity_count, model.expression_count, model.parents) == (300, 100, (-1, 0, 1, 1, 1))
    assert np.abs(result_of(model) - reference()).max() < 2e-6


def test_npz_and_safetensors_give_the_same(tmp_path):
    np.savez(tmp_path / "model.npz", **ARRAYS, extra=np.array({"a": 1}, object))
    arrays = {name: np.asarray(a, np.float32) for name, a in ARRAYS.items() if name not in ("f", "kintree_table")}
    integers = {"f": ARRAYS["f"].astype(np.int32), "kintree_table": ARRAYS["kintree_table"]}
    save_checkpoint(tmp_path / "model.safetensors", arrays | integers, {"identity_count": "300"})
    for name in ("model.npz", "model.safetensors"):
        assert np.abs(result_of(load_flame(tmp_path / name)) - reference()).max() < 2e-6


def test_coefficients_may_be_fewer_than_the_model_has(tmp_path):
    np.savez(tmp_path / "model.npz", **ARRAYS)
    model = load_flame(tmp_path / "model.npz")
    few, full = np.ones((1, 10), np.float32), np.zeros((1, 100), np.float32)
    full[:, :10] = 1
    assert np.allclose(model.shaped(few[:, :0], few), model.shaped(few[:, :0], full))


def test_torch_is_the_same_and_has_gradients_at_rest(tmp_path):
    np.savez(tmp_path / "model.npz", **ARRAYS)
    model = FlameTorch(load_flame(tmp_path / "model.npz"), torch.float64)
    betas, pose, translation = (torch.from_numpy(a) for a in random_poses(6))
    result = model(betas[:, :300], betas[:, 300:], pose, translation)
    assert np.abs(result.numpy() - reference()).max() < 1e-6
    rest = torch.zeros(1, 5, 3, dtype=torch.float64, requires_grad=True)
    model(betas[:1, :300], betas[:1, 300:], rest).square().sum().backward()
    assert torch.isfinite(rest.grad).all()
    assert rest.grad.abs().sum() > 0


def test_rotations_near_zero_stay_exact():
    for length in (0.0, 1e-12, 1e-7, 1e-5, 1e-3):
        rotation = rotation_matrices(np.array([length, 0, 0]))
        expected = [[1, 0, 0], [0, np.cos(length), -np.sin(length)], [0, np.sin(length), np.cos(length)]]
        assert np.abs(rotation - expected).max() < 1e-12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.zeros((40, 4))}, "weights is (40, 4), not (40, 5)"),
        ({"f": np.full((3, 3), 40)}, "f points outside the vertices"),
        ({"v_template": np.full((40, 3), np.nan)}, "not finite"),
        ({"kintree_table": np.array([[-1, 0, 3, 1, 1], range(5)])}, "a joint before its parent"),
        ({"posedirs": None}, "lacks posedirs"),
    ],
)
def test_what_is_wrong_with_a_model_is_said(tmp_path, change, message):
    arrays = {name: value for name, value in (ARRAYS | change).items() if value is not None}
    np.savez(tmp_path / "model.npz", **arrays)
    with pytest.raises(WeightsError) as caught:
        load_flame(tmp_path / "model.npz")
    assert message in str(caught.value)
    assert "model.npz" in str(caught.value)


@pytest.mark.parametrize("name", ["model.pkl", "model.npz", "model.safetensors"])
def test_damaged_and_missing_files_are_named(tmp_path, name):
    for content in (None, b"", b"\x80\x02garbage", b"PK\x03\x04broken"):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=name):
            load_flame(tmp_path / name)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"head\.fbx.*no model file"):
        load_flame(tmp_path / "head.fbx")


def test_the_duet_heads_model_is_the_head_and_what_was_learned():
    """A small file of known directions: each goes to its vertices, all else is the head's."""
    head, rng = load_head(), np.random.default_rng(0)
    index = np.array([3, 40, 7], np.int32)
    arrays = {name: rng.normal(size=(9, 1, 3)).astype(np.float16) for name in TURNING.values()}
    arrays |= {f"{name}.vertices": index[1:2] for name in TURNING.values()}
    arrays |= {"regressor": np.array([0.25, 0.75], np.float32), "regressor.vertices": index[:2]}
    arrays["regressor.joints"] = np.array([JAW, JAW], np.int32)
    shapes = len(head.arkit) + len(head.extra)
    mixes = np.zeros((2, 3 * shapes + 2 + 27), np.float32)
    mixes[0, ARKIT_NAMES.index("mouthSmileLeft")] = 2.0
    mixes[1, shapes + ARKIT_NAMES.index("mouthSmileLeft")] = 1.0
    arrays["expressions"] = mixes
    model = flame_of(head, Checkpoint(Path("small.safetensors"), arrays, {}))
    np.testing.assert_allclose(model.v_template @ TO_BLENDER.T, head.vertices, atol=1e-6)
    np.testing.assert_allclose(model.identity_dirs @ TO_BLENDER.T, head.identity, atol=1e-6)
    smile = head.arkit[ARKIT_NAMES.index("mouthSmileLeft")]
    np.testing.assert_allclose(model.expression_dirs[0] @ TO_BLENDER.T, 2 * smile, atol=1e-6)
    turned = head.skin_weights[:, JAW, None] * np.cross([1.0, 0.0, 0.0], smile)
    np.testing.assert_allclose(model.expression_dirs[1] @ TO_BLENDER.T, turned, atol=1e-6)
    assert set(np.flatnonzero(model.posedirs.any(axis=(1, 2)))) == {40}
    assert not model.posedirs[40, :, :9].any(), "the neck has no correctives"
    np.testing.assert_array_equal(model.posedirs[40, :, 9:18].T, arrays["correctives.jaw"][:, 0].astype(np.float32))
    np.testing.assert_allclose(model.regressor[JAW, index], [0.25, 0.75, 0])
    del arrays["regressor"]
    with pytest.raises(WeightsError, match="missing regressor"):
        flame_of(head, Checkpoint(Path("small.safetensors"), arrays, {}))


def test_fields_hold_what_a_turn_of_the_jaw_makes_of_a_shape():
    """A shape under a jaw that turns, seen from the jaw: up to the third order of the turn."""
    head = load_head()
    found = fields(head, np.zeros((36, len(head.vertices), 3), np.float32)).astype(np.float64)
    row, shapes = ARKIT_NAMES.index("mouthSmileLeft"), len(head.arkit) + len(head.extra)
    shape, first, second = (found[row + step * shapes + (step == 2)] for step in range(3))
    turn, weight = 0.2, head.skin_weights[:, JAW, None, None].astype(np.float64)
    rotation = rotation_matrices(np.array([turn, 0.0, 0.0]))
    seen = np.linalg.solve(np.eye(3) + weight * (rotation - np.eye(3)), shape[..., None])[..., 0]
    off = np.abs(shape - turn * first + turn**2 * second - seen).max()
    assert off < turn**3 * np.abs(shape).max()
    assert np.abs(shape - seen).max() > 5 * off
