"""Recordings made for tests: tones in films and phone formats, and files whose headers lie."""

import struct

import numpy as np


def tone(rate, seconds, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def encode_audio(path, codec, film=False, rate=48000, seconds=2):
    """A tone in the container of the path's suffix, without one where `codec` is None; with `film` also a picture."""
    import av

    with av.open(str(path), "w") as container:
        sound = container.add_stream(codec, rate=rate, layout="mono") if codec else None
        if film:
            _add_film(container, "libvpx" if path.suffix == ".webm" else "mpeg4")
        if sound:
            context = sound.codec_context
            frame = av.AudioFrame.from_ndarray(tone(rate, seconds)[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, 0
            resampler = av.AudioResampler(context.format, "mono", rate, frame_size=context.frame_size or 1024)
            for part in (*resampler.resample(frame), *resampler.resample(None), None):
                container.mux(sound.encode(part))
    return path


def _add_film(container, codec):
    import av

    picture = container.add_stream(codec, rate=24)
    picture.width = picture.height = 64
    picture.pix_fmt = "yuv420p"
    for _ in range(24):
        container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
    container.mux(picture.encode(None))


def write_wav_claiming(path, samples, length=None, rate=16000):
    """A WAV of 16 bits whose header claims `length` bytes of data (default: what it has) and a rate."""
    data = (samples * 32767).astype("<i2").tobytes()
    length = len(data) if length is None else length
    header = struct.pack("<IHHIIHH", 16, 1, 1, rate, (2 * rate) % (1 << 32), 2, 16)
    riff = min(length + 36, 0xFFFFFFFF)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + header + b"data" + struct.pack("<I", length) + data
    )
    return path


def claims_hours_mp3(path):
    """A second of a tone whose Xing header claims 369,098,753 frames of 36 ms: 3,691 hours."""
    import soundfile

    soundfile.write(path, tone(16000, 1), 16000, format="MP3")
    data = bytearray(path.read_bytes())
    tag = max(data.find(b"Xing"), data.find(b"Info"))
    assert tag > 0
    struct.pack_into(">I", data, tag + 8, 0x16000001)
    path.write_bytes(data)
    return path
