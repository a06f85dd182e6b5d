"""Child processes without threads: what comes in pieces, at any time, or from a process that is gone."""

import io
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from duet.inference.client import pipes
from duet.inference.client.child import Child, Ended
from duet.inference.protocol import Message, ProtocolError, encode, messages
from duet.tests.places import ROOT
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded


SENT = [
    Message("progress", 1, {"fraction": 0.5, "stage": "half"}),
    Message("result", 1, {}, {"a": np.arange(300, dtype="<f4").reshape(3, 100), "none": np.zeros((0, 4), "<f4")}),
    Message("cancelled", 2),
]
PARTS = [b"".join(map(bytes, encode(message))) for message in SENT]
RAW = b"".join(PARTS)
ENDS = (len(PARTS[0]), len(PARTS[0] + PARTS[1]))
FILES = Path("/proc/self/fd")


class InPieces:
    """A reader that gives as many bytes as each number says, and nothing where it is 0."""

    def __init__(self, raw, sizes):
        self._raw, self._sizes = io.BytesIO(raw), list(sizes)

    def read(self, most):
        if not self._sizes:
            return self._raw.read(most)
        size = self._sizes.pop(0)
        return self._raw.read(min(size, most)) if size else None

    def close(self):
        self._raw.close()


def wait_until(condition):
    while not condition():  # pytest's timeout ends a condition that never comes true
        time.sleep(0.005)


@given(st.lists(st.integers(0, 200), max_size=40))
def test_messages_in_pieces_are_those_that_were_sent(sizes):
    got = [message for message in messages(pipes.Arriving(InPieces(RAW, sizes))) if message is not None]
    assert [(m.type, m.job, m.data) for m in got] == [(m.type, m.job, m.data) for m in SENT]
    for name, array in SENT[1].arrays.items():
        np.testing.assert_array_equal(got[1].arrays[name], array)


@given(st.lists(st.integers(0, 200), max_size=40), st.integers(1, len(RAW) - 1))
def test_messages_that_are_cut_off_are_an_error_in_pieces_too(sizes, cut):
    if cut in ENDS:
        return
    with pytest.raises(ProtocolError):
        list(messages(pipes.Arriving(InPieces(RAW[:cut], sizes))))


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_lines_are_no_longer_than_the_limit_and_nothing_is_lost(limit):
    arriving, lines = pipes.Arriving(InPieces(b"one\ntwenty-one\n\nend", [2, 0, 7])), []
    while (line := arriving.readline(limit)) != b"":
        lines.append(line)
    assert b"".join(filter(None, lines)) == b"one\ntwenty-one\n\nend"
    assert all(line is None or (len(line) <= limit and b"\n" not in line[:-1]) for line in lines)
    assert arriving.held == b""


ECHO = """
import sys
sys.path.insert(0, {root!r})
from inference.protocol import encode, read_message, write_buffers
while (message := read_message(sys.stdin.buffer)) is not None and message.type != "quit":
    write_buffers(sys.stdout.buffer, encode(message))
"""


@pytest.fixture
def start():
    children = []

    def make(code):
        children.append(Child([sys.executable, "-c", code], None))
        return children[-1]

    yield make
    for child in children:
        child.kill()


def test_a_child_needs_no_thread_for_more_than_its_pipes_hold(start):
    before = threading.active_count()
    child = start(ECHO.format(root=str(ROOT)))
    array = np.random.default_rng(3).random((3, 1 << 20))
    child.send(Message("generate", 1, {}, {"a": array}))
    items = []
    wait_until(lambda: items.extend(child.take_items()) or items)
    assert threading.active_count() == before
    np.testing.assert_array_equal(items[0].arrays["a"], array)
    child.end()
    assert child._process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="without fork")
def test_a_process_is_gone_though_another_holds_its_pipes(start):
    child = start("import os, time\nif os.fork() == 0: time.sleep(60)\nos.write(2, b'last words'); os._exit(9)")
    items = []
    wait_until(lambda: items.extend(child.take_items()) or items)
    assert [(type(item), item.code) for item in items] == [(Ended, 9)]
    assert "last words" in items[0].stderr


def test_a_child_that_is_killed_leaves_no_process_and_no_file_open(start):
    files = {path.name for path in FILES.iterdir()} if FILES.exists() else None
    child = start("import time; time.sleep(60)")
    child.send(Message("generate", 1, {}, {"a": np.zeros(1 << 20)}))
    child.kill()
    assert child._process.returncode is not None
    assert not child.is_alive()
    assert child.stderr_end() == ""
    assert files is None or {path.name for path in FILES.iterdir()} == files
