"""Live: what comes in pieces is what comes at once, near what is made offline, and steady for as long as it goes on."""

import io
import json
import os
import socket
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from duet.inference.audio.mel import SAMPLE_RATE, loud_level, normalised_mel
from duet.inference.engine.encoder_numpy import EncoderNumpy
from duet.inference.engine.models import load_models
from duet.inference.engine.pipeline import Pipeline
from duet.inference.engine.smoothing import Smoothing
from duet.inference.engine.speech_numpy import SpeechNumpy
from duet.inference.engine.threads import Team
from duet.inference.errors import AudioError, RequestError
from duet.inference.formats.livelink_packets import VALUES, Packet, PacketError, encode
from duet.inference.head.canonical import load_head
from duet.inference.live import sinks, sources
from duet.inference.live.encoder import LiveEncoder, LiveSpeech
from duet.inference.live.face import EASED, HELD, Emotions, LiveFace
from duet.inference.live.listener import Heard, Listener
from duet.tests.livelink_fakes import decode
from duet.tests.places import ROOT
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

RECORDING = ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav"


@pytest.fixture(scope="module")
def models():
    return load_models(ROOT / "weights")


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(ROOT / "weights", "numpy", "cpu")


@pytest.fixture
def listener(models, pipeline):
    def make(look_ahead=0.2):
        model = SpeechNumpy(models.speech.floats("model."), models.speech_dims, Team(1))
        encoder = LiveEncoder(models.encoder_weights, models.encoder_dims)
        return Listener(encoder, LiveSpeech(model, 0, Smoothing(models.rig.channels)), pipeline.contact, look_ahead)

    return make


def heard(listener, samples, size):
    parts = [listener.hear(samples[i : i + size]) for i in range(0, len(samples), size)]
    parts.append(listener.rest())
    return Heard(np.concatenate([p.channels for p in parts]), np.concatenate([p.silence for p in parts]))


@pytest.mark.parametrize("sharper", [1, 20])
def test_all_sound_at_once_is_the_encoder(models, recording, sharper):
    """Also where attention's scores are such that their exponentials would overflow."""
    mel = normalised_mel(recording, 0, 500, loud_level(recording))

    def weights():
        found = models.encoder_weights
        for layer in range(models.encoder_dims.layers):
            for kind in ("weight", "bias"):
                found[f"blocks.{layer}.qkv.{kind}"] = found[f"blocks.{layer}.qkv.{kind}"].copy()
                found[f"blocks.{layer}.qkv.{kind}"][: models.encoder_dims.width] *= sharper
        return found

    whole = EncoderNumpy(weights(), models.encoder_dims, Team(1))(mel)
    live_one = LiveEncoder(weights(), models.encoder_dims)
    np.testing.assert_allclose(live_one.step(mel, 250, 250), whole, atol=1e-3 * sharper)
    assert live_one.settled == 250


def test_settled_frames_are_seen_by_the_next_and_the_rest_is_written_over(models, recording):
    """Frames computed with wrong sound ahead of them leave no trace once the right sound is there."""
    mel = normalised_mel(recording, 0, 400, loud_level(recording))
    straight, turned = (LiveEncoder(models.encoder_weights, models.encoder_dims) for _ in range(2))
    straight.step(mel[:200], 100, 100)
    turned.step(np.concatenate([mel[:200], np.zeros((60, 80), np.float32)]), 130, 100)
    turned.settled = 0
    turned.step(mel[:200], 100, 100)
    after = mel[196:400]
    np.testing.assert_allclose(turned.step(after, 100, 100), straight.step(after, 100, 100), atol=1e-5)


def test_pieces_of_any_size_give_the_same(listener, recording):
    samples = recording[: 2 * SAMPLE_RATE]
    first = heard(listener(), samples, 320)
    for size in (37, 1000, len(samples)):
        other = heard(listener(), samples, size)
        np.testing.assert_allclose(other.channels, first.channels, atol=1e-5)
        np.testing.assert_array_equal(other.silence, first.silence)


def test_near_the_offline_face_and_nearer_with_more_look_ahead(listener, pipeline, recording):
    samples = recording[: 5 * SAMPLE_RATE]
    offline = pipeline.speech_channels(samples, "natural", lambda *_: None)
    gap = pipeline.contact.parting.mean(axis=1)
    errors = []
    for look_ahead in (0.04, 0.1, 0.2):
        found = heard(listener(look_ahead), samples, 640).channels[: len(offline)]
        assert len(found) == len(offline)
        errors.append(np.sqrt(np.mean((found @ gap - offline @ gap) ** 2)) / np.std(offline @ gap))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.4
    assert np.corrcoef(found @ gap, offline @ gap)[0, 1] > 0.92


def test_silence_rests_and_opens_only_where_nobody_speaks(listener, recording):
    quiet = np.zeros(2 * SAMPLE_RATE, np.float32)
    found = heard(listener(), np.concatenate([quiet, recording[: 3 * SAMPLE_RATE], quiet]), 640)
    moving = np.abs(found.channels).max(axis=1) > 1e-4
    assert not moving[:80].any()
    assert not moving[-30:].any()
    assert found.silence[60] == found.silence[-1] == 1.0
    speaking = np.abs(found.channels).max(axis=1) > 0.1
    assert found.silence[speaking].max() < 0.3, "what an emotion opened is shut when speech begins"


def test_it_goes_on_without_growing(models, pipeline, recording):
    """Four times as long as its encoder may remember, in speech that never pauses."""
    dims = replace(models.encoder_dims, context=200)
    model = SpeechNumpy(models.speech.floats("model."), models.speech_dims, Team(1))
    speech = LiveSpeech(model, 0, Smoothing(models.rig.channels))
    one = Listener(LiveEncoder(models.encoder_weights, dims), speech, pipeline.contact)
    loud = np.resize(recording[SAMPLE_RATE // 2 : SAMPLE_RATE], 8 * SAMPLE_RATE)
    one.hear(loud)
    tracemalloc.start()
    try:
        one.hear(loud[: 2 * SAMPLE_RATE])
        before = tracemalloc.get_traced_memory()[0]
        found = one.hear(loud[: 6 * SAMPLE_RATE])
        grown = tracemalloc.get_traced_memory()[0] - before - found.channels.nbytes - found.silence.nbytes
    finally:
        tracemalloc.stop()
    assert grown < 100_000, "the last 12 s of levels are 384 kB, and all that it keeps"
    assert len(found.channels) == 300
    assert one._encoder.settled <= dims.context


def still_face(fps=30.0, sliders=()):
    emotions = Emotions(
        np.array(sliders, np.float32), np.zeros((len(sliders), 1), np.float32), np.zeros((len(sliders), 2))
    )
    return LiveFace(lambda channels: channels, emotions, fps)


@given(fps=st.sampled_from([1.0, 23.976, 25.0, 30.0, 60.0, 240.0]), cuts=st.lists(st.integers(0, 9), max_size=12))
def test_frames_come_at_their_times_however_the_sound_is_cut(fps, cuts):
    count = sum(cuts)
    ramp = np.stack([np.arange(count), -np.arange(count)], axis=1).astype(np.float32) / 50
    face, frames, at = still_face(fps), [], 0
    for cut in cuts:
        frames += face.show(Heard(ramp[at : at + cut], np.zeros(cut, np.float32)))
        at += cut
    assert [frame.time for frame in frames] == [k / fps for k in range(len(frames))]
    assert len(frames) == (int((count - 1) / 50 * fps + 1e-6) + 1 if count else 0)
    for frame in frames:
        np.testing.assert_allclose(frame.speech, [frame.time, -frame.time], atol=1e-5)


def test_missing_sound_holds_the_face_and_then_eases_to_rest():
    face = still_face(50.0)
    assert list(face.miss(1.0)) == [], "before the first sound there is no face to hold"
    face.emotions = Emotions(np.zeros(0, np.float32), np.zeros((0, 1), np.float32), np.zeros((0, 2), np.float32))
    shown = list(face.show(Heard(np.ones((10, 2), np.float32), np.zeros(10, np.float32))))
    missed = [frame for _ in range(10) for frame in face.miss(0.1)]
    values = np.array([frame.speech[0] for frame in missed])
    times = np.array([frame.time for frame in missed])
    assert shown[-1].speech[0] == 1.0
    assert (values[times < shown[-1].time + HELD - 0.02] == 1.0).all()
    assert (values[times > shown[-1].time + HELD + EASED + 0.02] == 0.0).all()
    assert (np.diff(values) <= 0).all() and np.abs(np.diff(values)).max() < 0.1
    again = list(face.show(Heard(np.ones((5, 2), np.float32), np.zeros(5, np.float32))))
    assert again[0].time > times[-1]
    assert np.abs(np.diff([values[-1], *(frame.speech[0] for frame in again)])).max() <= 1.0


values = st.lists(st.floats(0, 1, width=32), min_size=VALUES, max_size=VALUES)


@given(values=values, frame=st.integers(0, 2**31 - 1), subject=st.text(max_size=40))
def test_packets_come_back(values, frame, subject):
    packet = Packet(np.array(values, np.float32), frame, (30000, 1001), subject)
    found = decode(encode(packet))
    np.testing.assert_array_equal(found.values, packet.values)
    assert (found.frame, found.rate, found.subject, found.device) == (frame, (30000, 1001), subject, "Duet")


def test_a_packet_is_laid_out_as_the_app_does():
    data = encode(Packet(np.arange(VALUES, dtype=np.float32), 7, (60, 1), "Ada", "D"))
    assert data[:10] == bytes([6, 0, 0, 0, 1]) + b"D" + bytes([0, 0, 0, 3])
    assert data[10:13] == b"Ada"
    assert data[13:30] == bytes([0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 1, 61])
    assert np.frombuffer(data[30:], ">f4").tolist() == list(range(VALUES))


@given(data=st.binary(max_size=400))
def test_bytes_that_are_no_packet_are_refused(data):
    with pytest.raises(PacketError):
        decode(data)


def test_ten_thousand_damaged_packets_are_read_or_refused():
    rng = np.random.default_rng(0)
    whole = encode(Packet(np.linspace(0, 1, VALUES).astype(np.float32), 5, (30, 1)))
    refused = 0
    for _ in range(10_000):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            data[at] = rng.integers(0, 256)
        try:
            assert np.isfinite(decode(bytes(data[: rng.integers(0, len(data) + 2)])).values).all()
        except PacketError:
            refused += 1
    assert refused > 5_000


@pytest.mark.parametrize("rate", [16_000, 48_000, 44_100])
def test_raw_samples_of_any_rate(rate):
    seconds = 2.0
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(int(rate * seconds)) / rate)
    stream = io.BytesIO((32767 * tone).astype("<i2").tobytes() + b"\x01")  # half a sample more
    chunks = [c for c in sources.raw(stream, rate).chunks() if not isinstance(c, float)]
    samples = np.concatenate(chunks)
    assert abs(len(samples) / SAMPLE_RATE - seconds) < 0.05
    middle = samples[SAMPLE_RATE // 2 : SAMPLE_RATE]
    assert np.abs(np.fft.rfft(middle)).argmax() == 100
    assert middle.std() == pytest.approx(0.5 / 2**0.5, rel=0.01)


def test_a_microphone_that_is_not_there_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(AudioError, match="sounddevice"):
        sources.microphone(None)


def test_an_error_of_the_source_reaches_the_one_who_listens():
    def fail(put):
        put(np.zeros(3, np.float32))
        raise AudioError("Gone.")

    chunks = sources.Source(fail).chunks()
    assert len(next(chunks)) == 3
    with pytest.raises(AudioError, match="Gone"):
        next(chunks)


@pytest.mark.parametrize(
    ("text", "place"),
    [("", ("127.0.0.1", 9)), ("10.0.0.2", ("10.0.0.2", 9)), (":55", ("127.0.0.1", 55)), ("h:1", ("h", 1))],
)
def test_addresses(text, place):
    assert sinks.address(text, 9) == place


@pytest.mark.parametrize("text", ["h:", "h:0", "h:65536", "h:x"])
def test_addresses_that_are_none(text):
    with pytest.raises(RequestError):
        sinks.address(text, 9)


def run(*arguments, stdin=None):
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-s", "-m", "inference.live", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=env, timeout=300, check=False)


def test_the_command_writes_lines_with_the_emotion(recording):
    pcm = (recording[: 2 * SAMPLE_RATE] * 32767).astype("<i2").tobytes()
    done = run("-", "--emotion", "happy=0.8", "--fps", "25", stdin=pcm)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert 50 <= len(lines) <= 51
    assert [line["time"] for line in lines[:3]] == [0.0, 0.04, 0.08]
    assert lines[-1]["arkit"]["mouthSmileLeft"] > 0.4
    assert max(line["arkit"].get("jawOpen", 0) for line in lines) > 0.1


def test_the_command_sends_packets_to_the_address_given():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inbox:
        inbox.bind(("127.0.0.1", 0))
        inbox.settimeout(30)
        place = f"127.0.0.1:{inbox.getsockname()[1]}"
        quiet = bytes(2 * SAMPLE_RATE)
        done = run("-", "--format", "livelink", "--to", place, "--subject", "Ada", "--emotion", "happy=1", stdin=quiet)
        assert done.returncode == 0, done.stderr
        packet = decode(inbox.recv(4096))
    assert packet.subject == "Ada"
    assert packet.values[load_head().arkit_names.index("mouthSmileLeft")] > 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.wav",), b"nothing.wav"),
        (("-", "--style", "sung"), b"sung"),
        (("-", "--emotion", "hungry=1"), b"hungry"),
        (("-", "--look-ahead", "500"), b"500"),
        (("-", "--format", "livelink", "--to", "host:x"), b"host:x"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, message):
    done = run(*arguments, stdin=b"")
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert b"Traceback" not in done.stderr
