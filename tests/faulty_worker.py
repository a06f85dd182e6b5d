"""A worker that misbehaves in the way its first argument names, once: later ones of its kind behave.

The second argument is a file; where it exists, the fault has happened already.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

from inference.protocol import VERSION, Message, encode, read_message, write_buffers

TAKE_HEADER = {
    "fps": 30.0,
    "speech_names": ["open"],
    "expression_names": ["smile"],
    "emotions": ["happy"],
    "arkit_names": ["jawOpen"],
    "model_id": "faulty",
    "request": {},
}
ARRAYS = {name: np.ones((1, 1), np.float32) for name in ("speech_weights", "emotion_curves", "arkit")}
ARRAYS["expression_weights"] = np.ones((1, 1), np.float32)
RESULT = (TAKE_HEADER, ARRAYS)
SINK = sys.stdout.buffer


def send(kind, job=None, data=None, arrays=None):
    write_buffers(SINK, encode(Message(kind, job, data or {}, arrays or {})))


def dies(job):
    print("the last words", file=sys.stderr, flush=True)
    os._exit(42)


def aborts(job):
    os.abort()


def rubbish(job):
    os.write(1, b"Traceback (most recent call last): hello there\n")


def binary(job):
    os.write(1, bytes(range(128, 256)) * 40 + b"\n")


def huge_header(job):
    SINK.write(b"x" * 3_000_000)
    SINK.flush()


def huge_array(job):
    os.write(1, b'{"type":"result","job":1,"data":{},"arrays":[["a","<f4",[99999999999]]]}\n')


def flood(job):
    while True:
        SINK.write(b"y\n" * 1000)


def progress_flood(job):
    for i in range(50000):
        send("progress", job, {"fraction": i / 50000, "stage": "flood"})
    send("result", job, *RESULT)


def stderr_flood(job):
    for _ in range(2000):
        sys.stderr.write("noise without an end " * 100)
    send("result", job, *RESULT)


def half_a_result(job):
    buffers = encode(Message("result", job, *RESULT))
    write_buffers(SINK, [*buffers[:-1], buffers[-1][:2]])
    os._exit(0)


def wrong_shapes(job):
    send("result", job, TAKE_HEADER, ARRAYS | {"arkit": np.ones((3, 2), np.float32)})


def no_arrays(job):
    send("result", job, TAKE_HEADER)


def unknown_type(job):
    send("gossip", job)


def closes_stdout(job):
    os.close(1)


def late(job):
    time.sleep(1.0)
    send("result", job, *RESULT)


def silent(job):
    pass


def main():
    fault, marker = sys.argv[1], Path(sys.argv[2])
    faulty = fault != "none" and not marker.exists()
    marker.touch()
    if faulty and fault == "dies at start":
        print("cannot start", file=sys.stderr, flush=True)
        sys.exit(7)
    if faulty and fault == "other version":
        send("hello", None, {"version": VERSION + 1, "engine": "numpy", "device": "cpu", "model_id": "faulty"})
        time.sleep(600)
    send("hello", None, {"version": VERSION, "engine": "numpy", "device": "cpu", "model_id": "faulty"})
    while (message := read_message(sys.stdin.buffer)) is not None:
        if message.type != "generate":
            continue
        if faulty:
            send("progress", message.job, {"fraction": 0.5, "stage": "half"})
            globals()[fault.replace(" ", "_")](message.job)
            time.sleep(600)  # and deaf to cancel
        send("result", message.job, *RESULT)


main()
