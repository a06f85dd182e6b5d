"""Framing: what is written is read back; anything else is a ProtocolError at once."""

import io
import json
import string

import numpy as np
import pytest
from duet.inference.errors import WorkerError
from duet.inference.protocol import (
    MAX_HEADER,
    Message,
    ProtocolError,
    encode,
    parse_header,
    read_message,
    write_buffers,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytestmark = pytest.mark.embedded

NAMES = st.text(string.ascii_letters + "äß_.", min_size=1, max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DTYPES = ["<f4", "<f8", "<f2", "<i4", "<i8", "|u1", "|b1", "<u2", ">f4", ">i2"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)
MESSAGES = st.builds(
    Message,
    type=NAMES,
    job=st.none() | st.integers(0, 2**40),
    data=st.dictionaries(NAMES, JSON, max_size=3),
    arrays=st.dictionaries(NAMES, ARRAYS, max_size=3),
)


def to_bytes(*messages):
    stream = io.BytesIO()
    for message in messages:
        write_buffers(stream, encode(message))
    return stream.getvalue()


@given(st.lists(MESSAGES, max_size=3))
def test_messages_come_back_in_order(messages):
    stream = io.BytesIO(to_bytes(*messages))
    for message in messages:
        got = read_message(stream)
        assert (got.type, got.job, got.data) == (message.type, message.job, message.data)
        assert list(got.arrays) == list(message.arrays)
        for name, array in message.arrays.items():
            assert got.arrays[name].dtype == array.dtype.newbyteorder("<")
            np.testing.assert_array_equal(got.arrays[name], array)
            assert got.arrays[name].flags.writeable
    assert read_message(stream) is None


@given(MESSAGES, st.data())
def test_truncated_message_is_an_error(message, data):
    raw = to_bytes(message)
    cut = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(raw[:cut]))


@given(MESSAGES, st.data())
def test_corrupted_message_is_an_error_or_a_message(message, data):
    raw = bytearray(to_bytes(message))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    stream = io.BytesIO(bytes(raw))
    try:
        while (got := read_message(stream)) is not None:
            assert isinstance(got, Message)
    except ProtocolError as error:
        assert error.remedy


@given(st.binary(min_size=1, max_size=300))
def test_rubbish_is_an_error(raw):
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(raw))


def header(**changes):
    fields = {"type": "result", "job": 1, "data": {}, "arrays": []} | changes
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        header(type=5),
        header(job="1"),
        header(job=True),
        header(job=1.0),
        header(data=[]),
        header(arrays=None),
        header(arrays=[["a", "|O", [1]]]),
        header(arrays=[["a", "<U4", [1]]]),
        header(arrays=[["a", "f4", [1]]]),
        header(arrays=[["a", "<f4", [-1]]]),
        header(arrays=[["a", "<f4", [1.5]]]),
        header(arrays=[["a", "<f4", [True]]]),
        header(arrays=[["a", "<f4", 3]]),
        header(arrays=[["a", "<f4", [1, 1, 1, 1, 1]]]),
        header(arrays=[["a", "<f4"]]),
        header(arrays=[["a", "<f4", [2]], ["a", "<f4", [2]]]),
        header(arrays=[["a", "<f4", [2**40]]]),
        header(arrays=[["a", "<f4", [2**62, 0]]]),
        header(arrays=[[f"a{i}", "<f4", [0]] for i in range(65)]),
        b"[" * 100000 + b"\n",
        b"{}\n",
        b"null\n",
        b"\xff\xfe\n",
        b"\n",
        b"x" * (MAX_HEADER + 1),
    ],
)
def test_header_that_lies_is_refused_before_anything_is_read(line):
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(line + b"\0" * 64))


def test_object_arrays_are_not_written():
    with pytest.raises(ProtocolError, match="'a' has the type object"):
        encode(Message("result", 1, {}, {"a": np.array([{}], object)}))


def test_header_that_is_too_long_is_not_written():
    with pytest.raises(ProtocolError):
        encode(Message("result", 1, {"text": "x" * MAX_HEADER}))


def test_protocol_errors_are_worker_errors_with_a_remedy():
    with pytest.raises(WorkerError) as caught:
        parse_header(b"rubbish\n")
    assert caught.value.kind == "worker"
    assert caught.value.remedy


def test_short_reads_are_put_together():
    class Dribble(io.BytesIO):
        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:3])

    samples = np.arange(1000, dtype=np.float32)
    got = read_message(Dribble(to_bytes(Message("generate", 1, {}, {"samples": samples}))))
    np.testing.assert_array_equal(got.arrays["samples"], samples)
