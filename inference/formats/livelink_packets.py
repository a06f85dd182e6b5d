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


def decode(data: bytes) -> Packet:
    """The frame in some bytes; raises PacketError for anything else."""
    if not data or data[0] != VERSION:
        raise PacketError("These bytes are no packet of Live Link Face, version 6.")
    device, at = _read_name(data, 1)
    subject, at = _read_name(data, at)
    if len(data) != at + _TAIL.size + 4 * VALUES:
        raise PacketError(f"The packet has {len(data)} bytes, where its names leave {at + _TAIL.size + 4 * VALUES}.")
    frame, _, numerator, denominator, count = _TAIL.unpack_from(data, at)
    values = np.frombuffer(data, ">f4", VALUES, at + _TAIL.size).astype(np.float32)
    if count != VALUES or frame < 0 or numerator <= 0 or denominator <= 0 or not np.isfinite(values).all():
        raise PacketError("The packet's numbers are no frame.")
    return Packet(values, frame, (numerator, denominator), subject, device)


def _name(text: str) -> bytes:
    data = text.encode()
    if len(data) > _LONGEST:
        raise PacketError(f"The name '{text[:40]}...' is too long.", "Give one of at most 1,024 bytes.")
    return struct.pack(">i", len(data)) + data


def _read_name(data: bytes, at: int) -> tuple[str, int]:
    if len(data) < at + 4:
        raise PacketError("The packet ends in a name.")
    (length,) = struct.unpack_from(">i", data, at)
    if not 0 <= length <= _LONGEST or len(data) < at + 4 + length:
        raise PacketError("The packet's name is longer than the packet.")
    try:
        return data[at + 4 : at + 4 + length].decode(), at + 4 + length
    except UnicodeDecodeError as error:
        raise PacketError("The packet's name is no text.") from error
