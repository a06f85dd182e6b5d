"""Live Link Face's UDP packets, version 6, as the app sends them to Unreal Engine: one frame of 61 values each.

Big-endian: version (uint8), device id and subject name (int32 length and UTF-8 each), frame number (int32), subframe
(float32), frame rate (int32 numerator and denominator), count (uint8), values (float32). The layout is known from
captured packets and open-source receivers; Epic does not document it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from ..errors import DuetError

VERSION, VALUES = 6, 61  # 52 coefficients, then yaw, pitch and roll of the head and of each eye
_LONGEST = 1024  # bytes of a name
_TAIL = struct.Struct(">ifiiB")


class PacketError(DuetError):
    """Bytes that are no frame."""

    kind = "packet"


@dataclass(frozen=True, eq=False)
class Packet:
    """One frame: values (61,), the frame's number, the rate as a fraction, and whose face it is."""

    values: Floats
    frame: int
    rate: tuple[int, int]
    subject: str = "Duet"
    device: str = "Duet"


def encode(packet: Packet) -> bytes:
    """The packet's bytes; raises PacketError where there are not 61 values or a name is too long."""
    if len(packet.values) != VALUES:
        raise PacketError(f"A frame has {VALUES} values, not {len(packet.values)}.")
    names = b"".join(_name(text) for text in (packet.device, packet.subject))
    tail = _TAIL.pack(packet.frame & 0x7FFFFFFF, 0.0, *packet.rate, VALUES)
    return bytes([VERSION]) + names + tail + np.asarray(packet.values, ">f4").tobytes()


def _name(text: str) -> bytes:
    data = text.encode()
    if len(data) > _LONGEST:
        raise PacketError(f"The name '{text[:40]}...' is too long.", "Give one of at most 1,024 bytes.")
    return struct.pack(">i", len(data)) + data
