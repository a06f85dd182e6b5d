"""Generated inputs, most of them damaged: each must be read right or end in one clear error, within bounds.

`python fuzz_inputs.py KIND SEED COUNT FOLDER`, as the test runs it: a process of its own, with limits on memory and on
the time of each input. Prints JSON: how many were right, how many errors, and the faults with their numbers.
"""

import contextlib
import io
import json
import random
import resource
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
from duet.inference.errors import DuetError
from duet.tests.fuzz_files import Audio, AudioInBlender, LiveLink, Manifests, mutated

MEMORY = 3 << 30  # bytes of addresses over what the imports take
SECONDS = 20.0  # of processor time for one input


class Weights:
    """Small weights files damaged in bytes; the Duet head and its blendshapes damaged in single entries."""

    def __init__(self, folder):
        from duet.inference.checkpoints import load_checkpoint, save_checkpoint
        from duet.inference.head import blendshapes, canonical

        self.path = folder / "model.safetensors"
        rng = np.random.default_rng(1)
        arrays = {
            "a": rng.random((3, 4), np.float32),
            "b": np.arange(7, dtype=np.int32),
            "c": np.zeros((0, 2), np.float16),
        }
        save_checkpoint(self.path, arrays, {"names": '["a"]', "made": '{"commit": "x", "seed": 1}'})
        self.data = self.path.read_bytes()
        self.readers = [
            (module, name, getattr(module, name), load_checkpoint(module.DEFAULT_PATH))
            for module, name in ((canonical, "load_head"), (blendshapes, "load_blendshapes"))
        ]

    def check(self, rng):
        from duet.inference.stamps import load_weights

        if rng.random() < 0.8:
            data = self.data
            for _ in range(rng.randrange(3)):  # numbers of the header
                text = rng.choice(
                    (b"0", b"-1", b"1e9", b'"F99"', b"null", b"[" * 2000, b"99999999999999999999", b"{}", b"true")
                )
                data = data.replace(rng.choice((b'"F32"', b"[3,4]", b"[7]", b"48", b"0", b'["a"]', b"{")), text, 1)
            self.path.write_bytes(mutated(data, rng) if rng.random() < 0.7 else data)
            assert all(isinstance(value, np.ndarray) for value in load_weights(self.path, ()).arrays.values())
            return
        self._damaged_entry(rng)

    def _damaged_entry(self, rng):
        from duet.inference.checkpoints import Checkpoint

        module, _, load, good = rng.choice(self.readers)
        arrays, metadata = dict(good.arrays), dict(good.metadata)
        if rng.random() < 0.3:
            metadata[rng.choice(list(metadata))] = rng.choice(("", "3", "[1, 2]", "{}", "null", '["a"]', "[[[]]]"))
        else:
            name = rng.choice(list(arrays))
            array = arrays[name]
            choices = (
                array[:1],
                array[:0],
                array.reshape(-1),
                np.zeros(()),
                array.astype(np.float64)[None],
                np.array(["x"]),
            )
            arrays[name] = rng.choice(choices)
            if rng.random() < 0.3:
                del arrays[name]
        readers = [reader for reader in ("load_checkpoint", "load_weights") if hasattr(module, reader)]
        real = {reader: getattr(module, reader) for reader in readers}
        for reader in readers:
            setattr(module, reader, lambda *_: Checkpoint(Path("model"), arrays, metadata))
        try:
            load()
        finally:
            for reader, function in real.items():
                setattr(module, reader, function)


class Flame:
    """FLAME models as pickles of four protocols, .npz and .safetensors."""

    def __init__(self, folder):
        import pickle

        from duet.inference.checkpoints import save_checkpoint
        from duet.tests.flame_fakes import flame_arrays

        self.folder, self.bases = folder, []
        arrays = flame_arrays(vertices=12, columns=8)
        for protocol in (0, 2, 4, 5):
            self.bases.append(("pkl", pickle.dumps(arrays | {"note": "x", "deep": {"a": {"b": 1}}}, protocol)))
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        self.bases.append(("npz", buffer.getvalue()))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        self.bases.append(("npz", buffer.getvalue()))
        save_checkpoint(folder / "base.safetensors", arrays, {"identity_count": "6"})
        self.bases.append(("safetensors", (folder / "base.safetensors").read_bytes()))

    def check(self, rng):
        from duet.inference.flame.model import load_flame

        suffix, data = rng.choice(self.bases)
        path = self.folder / f"model.{suffix}"
        path.write_bytes(mutated(data, rng))
        model = load_flame(path)
        assert np.isfinite(model.shapedirs).all()
        assert model.faces.max(initial=0) < len(model.v_template)
        assert model.expression_count + model.identity_count == model.shapedirs.shape[2]


class Messages:
    """Messages of the pipe, damaged in bytes and in fields, read and given to a client that waits for a job."""

    def __init__(self, folder):
        from duet.inference.protocol import Message, encode
        from duet.tests.fuzz_values import binding, take

        self.messages = [
            ("result", *take().to_message()),
            ("bound", *binding().to_message()),
            ("progress", {"fraction": 0.5, "stage": "half"}, {}),
            ("error", {"kind": "audio", "message": "m", "remedy": "r", "traceback": "t"}, {}),
            ("hello", {"version": 1, "engine": "numpy", "device": "cpu", "model_id": "x"}, {}),
            ("cancelled", {}, {}),
        ]
        self.encode = lambda kind, data, arrays: b"".join(bytes(b) for b in encode(Message(kind, 1, data, arrays)))

    def check(self, rng):
        from duet.inference.client.client import Event, WorkerClient
        from duet.inference.protocol import ProtocolError, read_message
        from duet.tests.fuzz_values import damaged

        kind, data, arrays = rng.choice(self.messages)
        if rng.random() < 0.5:
            data, arrays = damaged(data, arrays, rng)
            raw = self.encode(kind, data, arrays)
        else:
            raw = mutated(self.encode(kind, data, arrays), rng)
        message = read_message(io.BytesIO(raw))
        client = WorkerClient(["none"])
        client._job = 1
        events = client._events_of(message) if message else []
        assert all(isinstance(event, Event) for event in events)
        if any(getattr(event, "error", None) for event in events):
            raise ProtocolError("failed")


class Takes:
    """Takes as they are stored in .blend files: each field damaged, and the bytes."""

    def __init__(self, folder):
        import bpy
        from duet.inference.protocol import Message, encode
        from duet.tests.fuzz_values import take

        self.action = bpy.data.actions.new("take")
        header, arrays = take().to_message()
        self.stored = {"take": header, "audio": "a.wav", "start": 1}, arrays | {"loudness": np.zeros(5, np.float32)}
        self.encode = lambda data, arrays: b"".join(bytes(b) for b in encode(Message("take", None, data, arrays)))

    def check(self, rng):
        import zlib

        from duet.scene.take import takes
        from duet.tests.fuzz_values import damaged

        data, arrays = self.stored
        choice = rng.random()
        if choice < 0.6:
            data, arrays = damaged(data, arrays, rng)
        packed = zlib.compress(self.encode(data, arrays), 1)
        if choice > 0.8:
            packed = mutated(packed, rng)
        elif choice > 0.6:
            packed = zlib.compress(mutated(self.encode(data, arrays), rng), 1)
        takes.store(self.action, packed)
        if rng.random() < 0.05:
            self.action["duet_take"] = rng.choice((1, "text", [1, 2], 0.5, {"a": 1}))
            self.action["duet_token"] = str(rng.random())
        read = takes.read(self.action)
        assert np.isfinite(read.take.speech_weights).all()
        assert isinstance(read.audio, str)
        assert isinstance(read.start, int)


KINDS = {
    "audio": Audio,
    "audio in Blender": AudioInBlender,
    "live link": LiveLink,
    "manifests": Manifests,
    "weights": Weights,
    "flame": Flame,
    "messages": Messages,
    "takes": Takes,
}


def run(kind, seed, count, folder):
    """The report over `count` inputs of a kind; number `seed + i` makes the i-th, so that a fault can be repeated."""
    source = KINDS[kind](folder)
    report = {"right": 0, "errors": 0, "faults": []}
    source_check = source.check
    with contextlib.suppress(DuetError):
        source_check(random.Random(seed))  # imports what it needs
    if sys.platform != "win32":
        _limit()
    for number in range(seed, seed + count):
        try:
            if sys.platform != "win32":
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
            source_check(random.Random(number))
            report["right"] += 1
        except DuetError as error:
            report["errors"] += 1
            if len(str(error)) > 2000:
                report["faults"].append([number, f"an error of {len(str(error))} letters"])
        except BaseException:
            report["faults"].append([number, traceback.format_exc()[-2000:]])
    return report


def _limit():
    def too_long(*_):
        raise TimeoutError(f"more than {SECONDS} s")

    signal.signal(signal.SIGPROF, too_long)
    taken = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    if taken:
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))


if __name__ == "__main__":
    kind, seed, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    if kind in ("takes", "audio in Blender"):
        import bpy  # noqa: F401
    print(json.dumps(run(kind, seed, count, folder)))
