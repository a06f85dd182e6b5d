"""Where live frames go: JSON lines on stdout, Live Link Face's packets, or datagrams for the head in Blender."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import TextIO

import numpy as np

from ..errors import RequestError
from ..formats import live_datagrams
from ..formats.live_datagrams import LiveFrame
from ..formats.livelink_packets import VALUES, Packet, encode
from .face import Frame

FORMATS = ("json", "livelink", "blender")
PORTS = {"livelink": 11111, "blender": 11112}
LOOPBACK = "127.0.0.1"

Send = Callable[[Frame], None]


def address(text: str, port: int) -> tuple[str, int]:
    """(host, port) of HOST, HOST:PORT or :PORT; raises RequestError."""
    host, colon, number = text.rpartition(":") if ":" in text else (text, "", "")
    if colon and not (number.isdecimal() and 0 < int(number) < 65536):
        raise RequestError(f"'{text}' is no address.", "Give HOST:PORT, such as 127.0.0.1:11111.")
    return host or LOOPBACK, int(number) if colon else port


def json_lines(stream: TextIO, arkit_names: tuple[str, ...]) -> Send:
    """One line a frame: its time in seconds and the ARKit coefficients that are not 0."""

    def send(frame: Frame) -> None:
        assert frame.arkit is not None
        rounded = zip(arkit_names, np.round(frame.arkit.astype(float), 4).tolist(), strict=True)
        values = {name: value for name, value in rounded if value}
        stream.write(json.dumps({"time": round(frame.time, 4), "arkit": values}) + "\n")
        stream.flush()

    return send


def livelink(to: tuple[str, int], fps: float, subject: str) -> Send:
    """Live Link Face's UDP packets; heads and eyes are not turned, as in Duet's .csv."""
    rate = Fraction(fps).limit_denominator(1001)

    def data(frame: Frame) -> bytes:
        assert frame.arkit is not None
        values = np.zeros(VALUES, np.float32)
        values[: len(frame.arkit)] = frame.arkit
        number = round(frame.time * fps)
        return encode(Packet(values, number, (rate.numerator, rate.denominator), subject))

    return _datagrams(to, data)


def blender(to: tuple[str, int], speech_names: tuple[str, ...]) -> Send:
    """Datagrams of speech weights and silence, for *Listen* in Blender."""

    def data(frame: Frame) -> bytes:
        weights = np.round(frame.speech.astype(float), 5).tolist()
        return live_datagrams.encode(
            LiveFrame(frame.time, dict(zip(speech_names, weights, strict=True)), frame.silence)
        )

    return _datagrams(to, data)


def _datagrams(to: tuple[str, int], data: Callable[[Frame], bytes]) -> Send:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(*to, type=socket.SOCK_DGRAM)[0]
        out = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RequestError(f"There is no address '{to[0]}:{to[1]}' ({error.strerror}).", "Check --to.") from error

    def send(frame: Frame) -> None:
        with contextlib.suppress(ConnectionRefusedError):  # nobody listens yet; the next frame tries again
            out.sendto(data(frame), place)

    return send


def opened(kind: str, to: str, fps: float, subject: str, names: tuple[tuple[str, ...], tuple[str, ...]]) -> Send:
    """The sink that the command line names; `names` are the speech keys' and ARKit's. Raises RequestError."""
    speech_names, arkit_names = names
    if kind == "json":
        return json_lines(sys.stdout, arkit_names)
    place = address(to, PORTS[kind])
    return livelink(place, fps, subject) if kind == "livelink" else blender(place, speech_names)
