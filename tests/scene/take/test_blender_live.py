"""Listen: what duet live sends is shown on the head and nothing else changes; rubbish is counted."""

import json
import socket

import bpy
import duet
import numpy as np
import pytest
from duet.inference.formats.live_datagrams import LiveFrame, decode, encode
from duet.inference.formats.livelink_packets import PacketError
from duet.operators.listen import EAR
from duet.scene.head import heads
from duet.tests.blender_fakes import SPEECH_NAMES, fake_blendshapes, fake_head, fingerprint
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.blender

names = st.text(max_size=20)
weights = st.floats(-10, 10)


@given(time=st.floats(0, 1e5), speech=st.dictionaries(names, weights, max_size=30), silence=st.floats(0, 1))
def test_frames_come_back(time, speech, silence):
    found = decode(encode(LiveFrame(time, speech, silence)))
    assert dict(found.speech) == speech
    assert abs(found.time - time) < 1e-3
    assert abs(found.silence - silence) < 1e-3


@given(data=st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"duet-live 1 " + rest))
def test_bytes_that_are_no_frame_are_refused(data):
    with pytest.raises(PacketError):
        decode(data)


@pytest.mark.parametrize(
    "body",
    [
        {"time": 0, "speech": {"a": 11}, "silence": 0},
        {"time": 0, "speech": {"a": 0}, "silence": 2},
        {"time": float("nan"), "speech": {}, "silence": 0},
        {"time": 0, "speech": {str(i): 0 for i in range(201)}, "silence": 0},
        {"speech": {}, "silence": 0},
        [],
        "x" * 60_000,
    ],
)
def test_numbers_that_are_no_face_are_refused(body):
    with pytest.raises(PacketError):
        decode(b"duet-live 1 " + json.dumps(body).encode())


@pytest.fixture
def head():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    duet.register()
    scene = bpy.context.scene
    obj = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    scene.duet.head = obj
    yield obj
    EAR.close()
    duet.unregister()


@pytest.fixture
def port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def send(port, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for data in datagrams:
            out.sendto(data, ("127.0.0.1", port))


def test_the_head_shows_what_comes_and_is_put_back(head, port):
    blocks = head.data.shape_keys.key_blocks
    blocks[SPEECH_NAMES[1]].value = 0.25
    before = fingerprint()
    assert bpy.ops.duet.listen(port=port) == {"FINISHED"}
    assert not bpy.ops.duet.listen.poll()
    first = LiveFrame(0.0, {SPEECH_NAMES[0]: 0.1}, 1.0)
    send(port, encode(first), encode(LiveFrame(0.1, {SPEECH_NAMES[0]: 0.75, "unknown": 1.0}, 0.5)))
    assert EAR.turn() is not None
    assert blocks[SPEECH_NAMES[0]].value == pytest.approx(0.75)
    assert head["Silence"] == pytest.approx(0.5)
    assert (EAR.shown, EAR.dropped, EAR.lacking) == (1, 0, 1)
    assert bpy.ops.duet.stop_listening() == {"FINISHED"}
    assert fingerprint() == before
    assert not EAR.head


def test_ten_thousand_malformed_packets_are_harmless(head, port):
    bpy.ops.duet.listen(port=port)
    before = fingerprint()
    rng, counted = np.random.default_rng(0), 0
    good = encode(LiveFrame(0.0, dict.fromkeys(SPEECH_NAMES, 0.5), 0.0))
    for _ in range(200):
        some = []
        for _ in range(50):
            data = bytearray(good)
            data[rng.integers(0, 20)] = rng.integers(128, 256)
            some.append(bytes(data[: rng.integers(1, len(data) + 1)]))
        send(port, *some)
        counted += len(some)
        EAR.turn()
    assert EAR.dropped == counted == 10_000
    assert EAR.shown == 0
    assert fingerprint() == before
    send(port, good)
    EAR.turn()
    assert EAR.shown == 1


def test_a_head_that_is_gone_ends_it(head, port):
    bpy.ops.duet.listen(port=port)
    bpy.data.objects.remove(head)
    assert EAR.turn() is None
    assert not EAR.head


@pytest.mark.parametrize(("address", "message"), [("0.0.0.0", "online"), ("nowhere", "no address")])
def test_addresses_that_are_refused(head, port, address, message, monkeypatch):
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.duet.listen(port=port, address=address)
    assert not EAR.head


def test_a_port_in_use_is_one_clear_error(head, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        with pytest.raises(RuntimeError, match="another port"):
            bpy.ops.duet.listen(port=port)
    assert not EAR.head
