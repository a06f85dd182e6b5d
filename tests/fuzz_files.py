"""Generated files that users have, most of them damaged: recordings, Live Link tables, manifests."""

import contextlib
import io
import struct

import numpy as np
from duet.inference.errors import DuetError
from duet.tests.livelink_fakes import read_livelink_csv

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1)
CELLS = ("00:00:00;29", "99:59:59:00", "JawOpen", "47")
TEXTS = (
    "",
    "nan",
    "inf",
    "-1",
    "1e999",
    "9" * 400,
    "\0",
    "é",
    "\udce9",
    '"',
    ";",
    ",",
    "\n",
    "𝟙",
    "../../x",
    "=1+1",
    "٣",
)


def mutated(data, rng):
    """The bytes with one to four damages: flipped, cut, repeated, moved, set to an extreme number."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if not data:
            return bytes(data)
        at = rng.randrange(min(len(data), rng.choice((64, 512, 1 << 30))))
        match rng.randrange(7):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                width, order = rng.choice(("B", "H", "I", "Q")), rng.choice("<>")
                raw = struct.pack(order + width, rng.choice(EXTREMES) & ((1 << 8 * struct.calcsize(width)) - 1))
                data[at : at + len(raw)] = raw
            case 2:
                del data[at:]
            case 3:
                del data[at : at + rng.randrange(1, 9)]
            case 4:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 5:
                data[at:at] = data[at : at + rng.randrange(1, 400)]
            case 6:
                span = rng.randrange(1, 400)
                data[at : at + span] = bytes(span)
    return bytes(data)


class Audio:
    """Recordings of a third of a second in nine formats."""

    def __init__(self, folder):
        import soundfile
        from duet.tests.audio_samples import encode_audio, tone

        self.folder, self.bases = folder, []
        for suffix, rate, options in (
            ("wav", 16000, {"subtype": "PCM_16"}),
            ("wav", 8000, {"subtype": "FLOAT"}),
            ("wav", 8000, {"subtype": "GSM610"}),
            ("wav", 8000, {"subtype": "MS_ADPCM"}),
            ("flac", 16000, {}),
            ("ogg", 16000, {}),
            ("mp3", 16000, {}),
            ("aiff", 16000, {}),
        ):
            path = folder / f"base.{suffix}"
            soundfile.write(path, tone(rate, 0.35), rate, **options)
            self.bases.append((suffix, path.read_bytes()))
        for name, codec in (("base.m4a", "aac"), ("base.webm", "libopus")):
            path = encode_audio(folder / name, codec, rate=48000, seconds=0.35)
            self.bases.append((path.suffix[1:], path.read_bytes()))

    def read(self, path):
        from duet.inference.audio.decode import load_audio

        return load_audio(path)

    def check(self, rng):
        from duet.inference.audio.checks import MAX_SECONDS, SAMPLE_RATE

        suffix, data = rng.choice(self.bases)
        path = self.folder / f"line.{suffix}"
        path.write_bytes(mutated(data, rng))
        samples = self.read(path)
        assert samples.ndim == 1
        assert samples.dtype == np.float32
        assert len(samples) <= MAX_SECONDS * SAMPLE_RATE
        assert np.isfinite(samples).all()


class AudioInBlender(Audio):
    """The same recordings through Blender's own decoder."""

    def read(self, path):
        from duet.scene.take.sound import decode

        return decode(path)


class LiveLink:
    """Tables of ten frames, damaged in cells or bytes."""

    def __init__(self, folder):
        from duet.inference.formats.livelink import LIVE_LINK_COLUMNS
        from duet.inference.formats.timecode import timecode

        self.path = folder / "take.csv"
        self.rows = [["Timecode", "BlendShapeCount", *LIVE_LINK_COLUMNS]]
        self.rows += [[timecode(100 + i, 30), "61", *["0.5"] * 61] for i in range(40)]

    def check(self, rng):

        rows = [list(row) for row in rng.sample(self.rows[1:], rng.choice((1, 10, 40)))]
        rows = [list(self.rows[0]), *(sorted(rows) if rng.random() < 0.8 else rows)]
        for _ in range(rng.randrange(4)):
            row = rng.choice(rows)
            row[rng.randrange(rng.choice((2, len(row))))] = rng.choice((*TEXTS, *CELLS))
        data = "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")
        self.path.write_bytes(mutated(data, rng) if rng.random() < 0.5 else data)
        read = read_livelink_csv(self.path, rng.choice((None, None, 24.0, 29.97)))
        assert np.isfinite(read.values).all()
        assert (
            np.abs(read.values[:, : sum(not name.endswith(("Yaw", "Pitch", "Roll")) for name in read.names)]).max() <= 2
        )
        assert (np.diff(read.frames) > 0).all()
        assert 1 <= read.fps <= 241


class Manifests:
    """Manifests through the whole command line, which says what it would do and writes nothing."""

    def __init__(self, folder):
        from duet.tests.blender_fakes import write_wav

        self.folder = folder
        write_wav(folder / "a.wav", np.full(1600, 0.1))
        self.header = "audio,output,head,emotion,fps,style,start,articulation,seed,trim start"
        self.row = ["a.wav", "a.npz", "", "happy=0.5;sad@2", "25", "enunciated", "1", "0.8", "3", "0.01"]

    def check(self, rng):
        from duet.operators.batch import cli

        rows = [list(self.row) for _ in range(rng.randrange(1, 4))]
        for number, row in enumerate(rows):
            row[1] = f"{number}.npz"
            for _ in range(rng.randrange(3)):
                row[rng.randrange(len(row))] = rng.choice((*TEXTS, "shots.csv", "a.wav", "x.blend/A", "1/0", "1e5"))
        data = "\n".join([self.header, *(",".join(row) for row in rows)]).encode("utf-8", "surrogatepass")
        (self.folder / "shots.csv").write_bytes(mutated(data, rng) if rng.random() < 0.5 else data)
        before = {path: path.stat().st_mtime_ns for path in self.folder.rglob("*")}
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = cli.main(["generate", str(self.folder / "shots.csv"), "--dry-run"])
        assert code in (0, 1, 2), code
        assert before == {path: path.stat().st_mtime_ns for path in self.folder.rglob("*")}
        assert (code == 0) == (stderr.getvalue() == ""), stderr.getvalue()
        if code:
            raise DuetError(max(stderr.getvalue().splitlines(), key=len))
