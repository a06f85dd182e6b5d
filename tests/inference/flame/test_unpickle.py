"""Hostile pickles do nothing; honest ones give their arrays."""

import os
import pickle
import pickletools
import struct

import numpy as np
import pytest
from duet.inference.errors import WeightsError
from duet.inference.flame.unpickle import load_pickled_arrays

pytestmark = pytest.mark.embedded


class Calls:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def call(module, name, *arguments):
    """A protocol-2 pickle of {'v_template': module.name(*arguments)}, also of names that this Python lacks."""
    arguments = b"".join(map(text, arguments))
    return b"\x80\x02}" + text("v_template") + f"c{module}\n{name}\n(".encode() + arguments + b"tRs."


def hostile(mark):
    """Pickles by name that would make the file `mark`, or run something else."""
    touch = f"touch {mark}"
    code = f"open({str(mark)!r}, 'w').close()"
    return {
        "system by reduce": pickle.dumps({"v_template": Calls(os.system, touch)}),
        "system, protocol 0": b"cos\nsystem\n(S'" + touch.encode() + b"'\ntR.",
        "eval": pickle.dumps(Calls(eval, code)),
        "exec of Python 2": call("__builtin__", "eval", code),
        "nested in an array's list": pickle.dumps({"f": [[{"a": (Calls(exec, code),)}]]}),
        "inside a chumpy state": b"\x80\x02cchumpy.ch\nCh\n)\x81}" + text("x") + call("posix", "system", touch)[2:-1]
        + b"sb.",
        "opened by class": call("io", "open", str(mark), "w"),
        "numpy's own loader": call("numpy", "load", str(mark)),
        "numpy's tofile": call("numpy", "ndarray.tofile", str(mark)),
        "numpy's runstring": call("numpy.testing._private.utils", "runstring", code, ""),
        "getattr": call("builtins", "getattr", "a", "b"),
        "importing": call("importlib", "import_module", "this"),
        "submodule by attribute": call("numpy", "os.system", touch),
        "stack global": b"\x80\x04" + b"\x8c\x05posix\x8c\x06system\x93" + text(touch) + b"\x85R.",
        "inst": b"(S'" + touch.encode() + b"'\nios\nsystem\n.",
        "subprocess": call("subprocess", "Popen", touch),
        "functools": call("functools", "partial", touch),
        "scipy's io": call("scipy.io", "loadmat", str(mark)),
        "pickle in a pickle": call("_pickle", "loads", "x"),
        "extension": b"\x80\x02\x82\x01.",
        "persistent": b"Pos.system\n.",
    }  # fmt: skip


@pytest.mark.parametrize("name", hostile("mark"))
def test_hostile_pickles_do_nothing(tmp_path, name):
    mark, path = tmp_path / "mark", tmp_path / "generic_model.pkl"
    path.write_bytes(hostile(mark)[name])
    with pytest.raises(WeightsError, match=r"generic_model\.pkl"):
        load_pickled_arrays(path)
    assert not mark.exists()


def test_hostile_pickles_are_real():
    """The same bytes do their harm in the ordinary unpickler, so that the test above proves something."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        for name in ("system by reduce", "eval", "stack global", "inst"):
            mark = Path(folder) / name.replace(" ", "_")
            pickle.loads(hostile(mark)[name])
            assert mark.exists(), name


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (call("posix", "system", "true"), "posix.system"),
        (call("builtins", "eval", "1"), "builtins.eval"),
        (call("numpy", "load", "x"), "numpy.load"),
        (call("chumpy.utils", "row", "x"), "chumpy.utils.row"),
    ],
)
def test_what_was_asked_for_is_named(tmp_path, data, named):
    (tmp_path / "m.pkl").write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        load_pickled_arrays(tmp_path / "m.pkl")
    assert f"asks for '{named}'" in str(caught.value)
    assert "Nothing of it was run" in str(caught.value)


def array_state(code, raw, shape=b"K\x01\x85", order=b"<"):
    """A pickle of {'f': array} from a dtype's code, raw bytes and a shape, as a forger would write it."""
    dtype = b"cnumpy\ndtype\n" + text(code) + b"K\x00K\x01\x87RK\x03" + b"(K\x03" + text(order.decode())
    dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    start = b"\x80\x02}" + text("f") + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    start = start.replace(b"K\x03(K", b"(K")
    data = b"B" + struct.pack("<I", len(raw)) + raw
    return start + b"(K\x01" + shape + dtype.replace(b"K\x03(K\x03", b"(K\x03") + b"\x89" + data + b"tbs."


def test_python_2_strings_hold_the_bytes_of_arrays(tmp_path):
    """Binary strings of protocol 2 and escaped ones of protocol 0, as Python 2 wrote NumPy's arrays."""
    raw = np.array([1.5, -2.25e-300]).tobytes()
    binary = b"B" + struct.pack("<I", len(raw)) + raw
    escaped = b"S'" + "".join(f"\\x{byte:02x}" for byte in raw).encode() + b"'\n"
    honest = array_state("f8", raw, shape=b"K\x02\x85")
    for string in (b"T" + binary[1:], escaped):
        assert binary in honest
        (tmp_path / "m.pkl").write_bytes(honest.replace(binary, string))
        assert load_pickled_arrays(tmp_path / "m.pkl")["f"].tolist() == [1.5, -2.25e-300]


def test_a_forged_dtype_of_pointers_is_no_array(tmp_path):
    """NumPy's own unpickling would take these eight bytes for the address of a Python object."""
    (tmp_path / "m.pkl").write_bytes(array_state("O8", b"\x41" * 8))
    assert list(pickletools.genops((tmp_path / "m.pkl").read_bytes()))  # well-formed
    assert load_pickled_arrays(tmp_path / "m.pkl") == {}


def test_an_array_longer_than_its_bytes_is_refused(tmp_path):
    (tmp_path / "m.pkl").write_bytes(array_state("f8", b"\x00" * 8))
    assert load_pickled_arrays(tmp_path / "m.pkl")["f"].tolist() == [0.0]
    (tmp_path / "m.pkl").write_bytes(array_state("f8", b"\x00" * 8, shape=b"K\x09\x85"))
    with pytest.raises(WeightsError, match="damaged"):
        load_pickled_arrays(tmp_path / "m.pkl")


def test_an_object_that_holds_itself_is_refused(tmp_path):
    (tmp_path / "m.pkl").write_bytes(
        b"\x80\x02}" + text("f") + b"cchumpy.ch\nCh\n)\x81q\x01}" + text("x") + b"h\x01sbs."
    )
    with pytest.raises(WeightsError, match="damaged"):
        load_pickled_arrays(tmp_path / "m.pkl")


def test_forged_sizes_take_neither_memory_nor_time(tmp_path):
    """A memo of two thousand million places, a string of as many bytes, and a key whose hash takes 2**80 steps."""
    nested = b"K\x01" + b"2\x86" * 80  # DUP, TUPLE2
    for data in (b"\x80\x02}r\xff\xff\xff\x7f0.", b"\x80\x02B\xff\xff\xff\x7fx.", b"\x80\x02}" + nested + b"K\x01s.",
                 b"\x80\x02}(" + nested + b"K\x01u.", b"\x80\x04\x8f(" + nested + b"\x90."):  # fmt: skip
        (tmp_path / "m.pkl").write_bytes(data)
        with pytest.raises(WeightsError, match="damaged"):
            load_pickled_arrays(tmp_path / "m.pkl")


def sparse(shape, starts):
    """A pickle of {'f': csc_matrix} with one number, whose shape and column starts are forged."""
    parts = {"data": np.ones(1), "indices": np.zeros(1, np.int32), "indptr": np.array(starts), "_shape": shape}
    state = pickle.dumps(parts, 2)[2:-1]
    return b"\x80\x02}" + text("f") + b"cscipy.sparse.csc\ncsc_matrix\n)\x81" + state + b"bs."


def test_a_forged_sparse_matrix_is_refused(tmp_path):
    (tmp_path / "m.pkl").write_bytes(sparse((2, 1), [0, 1]))
    assert load_pickled_arrays(tmp_path / "m.pkl")["f"].tolist() == [[1.0], [0.0]]
    for shape, starts in (((10**9, 1), [0, 1]), ((2, 1), [0, 10**12]), ((2, 1), [0, 0, 1]), ((2, 2), [0, 2, 1])):
        (tmp_path / "m.pkl").write_bytes(sparse(shape, starts))
        with pytest.raises(WeightsError, match="damaged"):
            load_pickled_arrays(tmp_path / "m.pkl")


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_numbers_come_back(tmp_path, protocol):
    arrays = {
        "big": np.arange(6, dtype=">f8").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 3), np.int32),
        "scalar": np.float64(2.5),
    }
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(arrays | {"name": "x", "years": [1, 2]}, protocol))
    found = load_pickled_arrays(tmp_path / "m.pkl")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)


def test_what_is_no_dict_is_refused(tmp_path):
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([np.zeros(3)]))
    with pytest.raises(WeightsError, match="holds a list"):
        load_pickled_arrays(tmp_path / "m.pkl")
