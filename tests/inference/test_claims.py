"""Files of a few kilobytes that claim gigabytes: one clear error each, within two gigabytes of memory and no time."""

import io
import json
import os
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from duet.inference.checkpoints import save_checkpoint
from duet.inference.formats.npz import read_npz
from duet.inference.protocol import ProtocolError, read_message

pytestmark = [
    pytest.mark.slow,
    pytest.mark.embedded,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's"),
]
LIMIT = 2 << 30  # bytes of addresses, Python and NumPy included

READ = """
import sys
from pathlib import Path
from duet.inference.errors import DuetError
from duet.{} import {} as reader
for name in sys.argv[1:]:
    try:
        reader(Path(name))
    except DuetError as error:
        print(type(error).__name__, error)
    else:
        print("read")
"""
FLAME, WEIGHTS = ("inference.flame.model", "load_flame"), ("inference.checkpoints", "load_checkpoint")
ROWS = ("tests.livelink_fakes", "read_livelink_csv")


def read(reader, *paths):
    """What a reader answers for each path, one line each, in a process of that little memory."""
    done = subprocess.run(
        [sys.executable, "-c", READ.format(*reader), *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = done.stdout.splitlines()
    assert len(answers) == len(paths)
    assert all(len(answer) < 800 for answer in answers)
    return answers


def written(folder, suffix, contents):
    """A file for each of the contents."""
    paths = [folder / f"{number}.{suffix}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def npy(shape, data=b"", dtype="<f8"):
    """The bytes of an .npy member that claims a shape."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def packed(*members, how=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members:
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


def test_flame_models_as_npz(tmp_path):
    claims = [
        packed(("v_template", npy((10**13, 3)))),
        packed(("v_template", npy((10**8,)))),
        packed(("v_template", npy((-1, 3)))),
        packed(("v_template", npy((1 << 27,), bytes(1 << 20)))),
        packed(("f", npy((1 << 20,), bytes(1 << 20), "|u1")), how=zipfile.ZIP_BZIP2),
    ]
    paths = written(tmp_path, "npz", claims)
    for path, answer in zip(paths, read(FLAME, *paths), strict=True):
        assert answer.startswith(f"WeightsError The model file {path} is damaged (")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_bomb_of_small_members(tmp_path):
    member = ("f", npy((1 << 20,), bytes(1 << 20), "|u1"))
    (tmp_path / "bomb.npz").write_bytes(packed(*[member] * 9))
    assert len(read_npz(tmp_path / "bomb.npz", most=10 << 20)["f"]) == 1 << 20
    with pytest.raises(ValueError, match="f claims to be"):
        read_npz(tmp_path / "bomb.npz", most=8 << 20)


def test_numpys_own_files_are_read(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.asfortranarray(np.eye(3, 2)), "c": np.array(["x", "yz"])}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays, no=np.array([{}], object))
        found = read_npz(tmp_path / "a.npz")
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
    assert set(read_npz(tmp_path / "a.npz", ("b",))) == {"b"}


def dicts_in_dicts():
    """A dict that names one dict twice, that again one twice, sixty levels down: 2 ** 60 paths."""
    data = {}
    for _ in range(60):
        data = {"a": data, "b": data}
    return pickle.dumps({"v_template": 1, "f": data})


def test_flame_models_as_pickles(tmp_path):
    claims = [
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"abc.",  # a bytearray
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",  # bytes
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 50) + b"}.",  # a frame
        b"\x80\x02}(" + b"]" * 100_000 + b".",
        b"\x80\x02" + b"(" * 100_000 + b"t" * 50_000 + b".",
        b"I" + b"9" * 100_000 + b"\n.",
        b"cnumpy\n" + b"x" * 1_000_000 + b"\n.",
        b"\x80\x02G\x00\x00.",  # half a number: struct.error
    ]
    answers = read(FLAME, *written(tmp_path, "pkl", claims))
    assert all(answer.startswith("WeightsError The model file") for answer in answers)


def test_dicts_that_are_named_over_and_over_are_made_once(tmp_path):
    (tmp_path / "model.pkl").write_bytes(dicts_in_dicts())
    assert "lacks v_template" in read(FLAME, tmp_path / "model.pkl")[0]


def test_a_flame_pickle_whose_arrays_share_their_bytes(tmp_path):
    """Each is decoded from text: two hundred of 8 MB from a file of 8 MB."""
    size = 8 << 20
    parts = [b"\x80\x02}"]
    for i in range(200):
        build = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85X\x01\x00\x00\x00b\x87R"
        if i == 0:
            raw = bytes(size)
            dtype = b"cnumpy\ndtype\nX\x02\x00\x00\x00f8K\x00K\x01\x87R"
            text = b"X" + struct.pack("<I", len(raw)) + raw
            state_code = b"(K\x01J" + struct.pack("<i", 1 << 20) + b"\x85" + dtype + b"\x89" + text + b"tq\x01"
        else:
            state_code = b"h\x01"
        parts.append(b"X\x03\x00\x00\x00" + f"{i:03}".encode() + build + state_code + b"bs")
    (tmp_path / "model.pkl").write_bytes(b"".join(parts) + b".")
    assert "its arrays are larger than the file" in read(FLAME, tmp_path / "model.pkl")[0]


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_weights_files(tmp_path):
    claims = [
        safetensors({"a": entry([1 << 40], 0, 1 << 42)}),
        safetensors({"a": entry([1 << 200], 0, 16)}, bytes(16)),
        safetensors({str(i): entry([1 << 18], 0, 1 << 20) for i in range(3000)}, bytes(1 << 20)),
        safetensors(b"[" * 200_000),
        safetensors(b"{" * 10),
        safetensors(b"[]"),
        safetensors({"__metadata__": []}),
        safetensors({"__metadata__": {"a": 1}}),
        safetensors({"a": entry([2], -8, 0)}, bytes(16)),
        safetensors({"a": entry([2.0], 0, 8)}, bytes(16)),
        safetensors({"a": entry([True], 0, 4)}, bytes(16)),
        safetensors({"a": entry([1] * 70, 0, 4)}, bytes(16)),
        struct.pack("<Q", 1 << 60) + b"{}",
    ]
    answers = read(WEIGHTS, *written(tmp_path, "safetensors", claims))
    assert all(answer.startswith("WeightsError The weights file") for answer in answers)
    save_checkpoint(tmp_path / "right.safetensors", {"a": np.zeros(3, np.float32)}, {})
    assert read(WEIGHTS, tmp_path / "right.safetensors") == ["read"]


@pytest.mark.parametrize("shape", [[1 << 32], [4_000_000_000], [1 << 20, 4000]])
def test_a_message(shape):
    """Sixteen gigabytes are claimed, a hundred bytes come: no page of them is taken."""
    header = {"type": "result", "job": 1, "data": {}, "arrays": [["a", "<f4", shape]]}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(json.dumps(header).encode() + b"\n" + bytes(100)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 17  # kilobytes


def test_devices_are_not_read_without_an_end(tmp_path):
    for reader, suffixes in ((FLAME, ("pkl", "npz", "safetensors")), (WEIGHTS, ("x",)), (ROWS, ("csv",))):
        links = [tmp_path / f"endless.{suffix}" for suffix in suffixes]
        for link in links:
            link.symlink_to("/dev/zero")
        assert all("no file" in answer for answer in read(reader, *links))


def test_a_stored_take_that_unpacks_to_gigabytes(monkeypatch):
    bpy = pytest.importorskip("bpy")
    from duet.inference.errors import HeadError
    from duet.scene.take import takes

    monkeypatch.setattr(takes, "_MOST", 1 << 20)
    action = bpy.data.actions.new("bomb")
    header = {"type": "take", "job": None, "data": {}, "arrays": [["a", "<f4", [1 << 20]]]}
    takes.store(action, zlib.compress(json.dumps(header).encode() + b"\n" + bytes(1 << 22)))
    with pytest.raises(HeadError, match="larger than any take"):
        takes.read(action)
