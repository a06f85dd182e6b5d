"""The other ends of Live Link Face: a file read at once, and packets as a program that receives them reads them."""

import struct

import numpy as np
from duet.inference.formats.livelink import read_livelink_steps
from duet.inference.formats.livelink_packets import VALUES, VERSION, Packet, PacketError
from duet.inference.steps import finish

_LONGEST = 1024  # bytes of a name
_TAIL = struct.Struct(">ifiiB")


def read_livelink_csv(path, fps=None):
    return finish(read_livelink_steps(path, fps))


def decode(data):
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


def _read_name(data, at):
    if len(data) < at + 4:
        raise PacketError("The packet ends in a name.")
    (length,) = struct.unpack_from(">i", data, at)
    if not 0 <= length <= _LONGEST or len(data) < at + 4 + length:
        raise PacketError("The packet's name is longer than the packet.")
    try:
        return data[at + 4 : at + 4 + length].decode(), at + 4 + length
    except UnicodeDecodeError as error:
        raise PacketError("The packet's name is no text.") from error
