"""Live frames for the Duet head in Blender, one a datagram: the word duet-live, a version, and a JSON object.

The object holds `time` in seconds, `speech` (a weight for each speech key, by its name) and `silence` in [0, 1].
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from .livelink_packets import PacketError

WORD, VERSION = b"duet-live", b"1"
LARGEST = 65_507  # bytes: what UDP carries
_MOST_KEYS, _MOST_WEIGHT = 200, 10.0  # as many as Blender lets a slider go


@dataclass(frozen=True)
class LiveFrame:
    """The mouth at a time of the sound."""

    time: float
    speech: Mapping[str, float]
    silence: float


def encode(frame: LiveFrame) -> bytes:
    """The datagram."""
    body = {"time": round(frame.time, 4), "speech": dict(frame.speech), "silence": round(frame.silence, 4)}
    return b" ".join([WORD, VERSION, json.dumps(body).encode()])


def decode(data: bytes) -> LiveFrame:
    """The frame in a datagram; raises PacketError for anything else."""
    word, _, rest = data.partition(b" ")
    version, _, body = rest.partition(b" ")
    if word != WORD:
        raise PacketError("These bytes are no frame of duet live.")
    if version != VERSION:
        raise PacketError("The frame is of another version of Duet.", "Update Duet on both sides.")
    try:
        found = json.loads(body)
        speech = {str(name): float(value) for name, value in found["speech"].items()}
        frame = LiveFrame(float(found["time"]), speech, float(found["silence"]))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError) as error:
        raise PacketError("The frame's numbers cannot be read.") from error
    numbers = (frame.time, frame.silence, *speech.values())
    if len(speech) > _MOST_KEYS or not all(math.isfinite(number) for number in numbers):
        raise PacketError("The frame's numbers are no face.")
    if not 0.0 <= frame.silence <= 1.0 or any(abs(value) > _MOST_WEIGHT for value in speech.values()):
        raise PacketError("The frame's numbers are no face.")
    return frame
