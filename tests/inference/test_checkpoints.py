"""Our safetensors reader and writer: round trips, damage, and the reference implementation."""

import importlib.util
import json
import struct

import numpy as np
import pytest
from duet.inference.checkpoints import load_checkpoint, model_id, save_checkpoint
from duet.inference.errors import WeightsError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytestmark = pytest.mark.embedded

DTYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "i1", "u1", "<u2", "<u4", "?"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x17F), min_size=1, max_size=10)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights" / "model.safetensors"


@given(arrays=st.dictionaries(NAMES, ARRAYS, max_size=4), metadata=st.dictionaries(NAMES, st.text(), max_size=3))
def test_what_is_saved_is_loaded(tmp_path_factory, arrays, metadata):
    path = tmp_path_factory.mktemp("c") / "model.safetensors"
    save_checkpoint(path, arrays, metadata)
    loaded = load_checkpoint(path)
    assert loaded.metadata == metadata
    assert set(loaded.arrays) == set(arrays)
    for name, array in arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.arrays[name], array)


def sample_arrays():
    rng = np.random.default_rng(3)
    return {
        "layer.weight": rng.standard_normal((4, 3)).astype(np.float32),
        "layer.bias": rng.standard_normal(4).astype(np.float16),
        "faces": np.arange(7, dtype=np.int32),
        "flag": np.array([True, False]),
    }


@pytest.mark.skipif(not importlib.util.find_spec("safetensors"), reason="the reference is in the 3.11 environment")
def test_agrees_with_the_reference_implementation(path):
    from safetensors import safe_open
    from safetensors.numpy import save_file

    arrays = sample_arrays()
    save_checkpoint(path, arrays, {"dims": "[1, 2]"})
    with safe_open(path, framework="np") as file:
        assert file.metadata() == {"dims": "[1, 2]"}
        assert set(file.keys()) == set(arrays)
        for name, array in arrays.items():
            assert file.get_tensor(name).dtype == array.dtype
            np.testing.assert_array_equal(file.get_tensor(name), array)
    save_file(arrays, path, {"dims": "[1, 2]"})
    loaded = load_checkpoint(path)
    assert loaded.json("dims") == [1, 2]
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)


def test_same_content_gives_same_bytes_and_id(tmp_path):
    arrays = sample_arrays()
    save_checkpoint(tmp_path / "a", arrays, {"x": "1", "y": "2"})
    save_checkpoint(tmp_path / "b", dict(reversed(arrays.items())), {"y": "2", "x": "1"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert model_id(tmp_path / "a") == model_id(tmp_path / "b")
    assert len(model_id(tmp_path / "a")) == 12
    arrays["faces"] = arrays["faces"] + 1
    save_checkpoint(tmp_path / "b", arrays, {"x": "1", "y": "2"})
    assert model_id(tmp_path / "a") != model_id(tmp_path / "b")


def test_floats_under_a_prefix(path):
    save_checkpoint(path, sample_arrays(), {})
    floats = load_checkpoint(path).floats("layer.")
    assert set(floats) == {"weight", "bias"}
    assert {array.dtype for array in floats.values()} == {np.dtype(np.float32)}


def test_require_lists_what_is_missing_and_what_is_unexpected(path):
    save_checkpoint(path, sample_arrays(), {})
    checkpoint = load_checkpoint(path)
    checkpoint.require({"layer.weight", "layer.bias", "faces", "flag"})
    with pytest.raises(WeightsError, match=r"missing head; unexpected flag, layer\.bias") as caught:
        checkpoint.require({"layer.weight", "faces", "head"})
    assert str(path) in caught.value.message


def test_metadata_that_is_missing_or_no_json_is_an_error(path):
    save_checkpoint(path, {}, {"dims": "{"})
    checkpoint = load_checkpoint(path)
    for key in ("dims", "names"):
        with pytest.raises(WeightsError, match=f"'{key}'"):
            checkpoint.json(key)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsError, match="cannot be read") as caught:
            load_checkpoint(path)
        assert str(path) in caught.value.message
        assert caught.value.remedy


def with_header(text, data=b"\0" * 64):
    return struct.pack("<Q", len(text)) + text + data


def entry(**changes):
    fields = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | changes
    return with_header(json.dumps({"a": fields}).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08\0\0",
        b"not a model at all, but a letter",
        with_header(b"{"),
        with_header(b"[]"),
        with_header(b"\xff\xfe"),
        with_header(b'{"a": 1}'),
        with_header(b'{"a": {}}'),
        entry(dtype="F99"),
        entry(dtype=["F32"]),
        entry(shape=[3, 3]),
        entry(shape="ab"),
        entry(data_offsets=[0]),
        entry(data_offsets=[56, 72]),
        entry(data_offsets=["0", "16"]),
    ],
)
def test_damaged_file_is_one_error_that_names_it(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is damaged") as caught:
        load_checkpoint(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_file_cut_anywhere_is_damaged(path):
    save_checkpoint(path, sample_arrays(), {"x": "1"})
    content = path.read_bytes()
    for length in range(0, len(content), 5):
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError):
            load_checkpoint(path)
