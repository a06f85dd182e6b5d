"""Listen: the head shows what `duet live --format blender` sends, until Stop Listening.

A socket that never waits, read by a timer of Blender's. It is closed until the user asks, and heard on this machine
alone unless another address is given and Blender is allowed to be online.
"""

from __future__ import annotations

import ipaddress
import socket

import bpy

from ..inference.errors import RequestError
from ..inference.formats.live_datagrams import LARGEST, LiveFrame, decode
from ..inference.formats.livelink_packets import PacketError
from ..scene import choice
from ..scene.head import heads
from ..scene.take import live
from .poll import Immediate

_EVERY = 1 / 60  # seconds between looks
_MOST = 300  # datagrams in one look: those of some seconds, of which the last is shown
_PORT = 11112


class Ear:
    """The open socket, which head shows what it hears, and what came."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._before: live.Before | None = None
        self.shown = self.dropped = self.lacking = 0

    @property
    def head(self) -> str:
        """The name of the head that listens; empty where none does."""
        return self._before.head if self._before else ""

    def open(self, obj: bpy.types.Object, address: str, port: int) -> None:
        """Begin; raises RequestError where the address cannot be had."""
        self.close()
        place = _permitted(address)
        inbox = socket.socket(socket.AF_INET6 if place.version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            inbox.bind((str(place), port))
        except OSError as error:
            inbox.close()
            message = f"{address}:{port} cannot be listened to ({error.strerror})."
            raise RequestError(message, "Choose another port, and give it to duet live with --to.") from error
        inbox.setblocking(False)
        self._socket, self._before = inbox, live.remember(obj)
        self.shown = self.dropped = self.lacking = 0
        if not bpy.app.timers.is_registered(self.turn):
            bpy.app.timers.register(self.turn)

    def close(self) -> None:
        """End, and put the head back as it was."""
        if self._socket is not None:
            self._socket.close()
        if self._before is not None:
            live.put_back(self._before)
        self._socket = self._before = None
        if bpy.app.timers.is_registered(self.turn):
            bpy.app.timers.unregister(self.turn)

    def turn(self) -> float | None:
        """Show the last frame that has come; the seconds until the next look, None at the end."""
        if self._socket is None or self._before is None:
            return None
        frame = self._latest()
        obj: bpy.types.Object | None = bpy.data.objects.get(self._before.head)
        if obj is None or not heads.is_head(obj):
            self.close()
            return None
        if frame is not None:
            self.lacking = live.show(obj, frame)
            self.shown += 1
        return _EVERY

    def _latest(self) -> LiveFrame | None:
        assert self._socket is not None
        found = None
        for _ in range(_MOST):
            try:
                data = self._socket.recv(LARGEST)
            except OSError:  # nothing more is there; on Windows also where a sender has gone
                break
            try:
                found = decode(data)
            except PacketError:
                self.dropped += 1
        return found


EAR = Ear()


def _permitted(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        place = ipaddress.ip_address(address)
    except ValueError as error:
        raise RequestError(f"'{address}' is no address.", "Give numbers, such as 127.0.0.1.") from error
    if not place.is_loopback and not bpy.app.online_access:
        message = f"{address} is heard from other machines, and Blender may not be online."
        raise RequestError(message, "Use 127.0.0.1, or allow online access in Blender's preferences under System.")
    return place


class DUET_OT_listen(Immediate, bpy.types.Operator):
    """Let the head show what `duet live --format blender` sends while somebody speaks. Nothing is keyed"""

    bl_idname = "duet.listen"
    bl_label = "Listen"

    address: bpy.props.StringProperty(name="Address", default="127.0.0.1", description="Where to listen")  # type: ignore[valid-type]
    port: bpy.props.IntProperty(name="Port", default=_PORT, min=1024, max=65535, description="Where to listen")  # type: ignore[valid-type]

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing that could listen."""
        obj = choice.target_head(context.scene)
        if obj is None or not heads.is_head(obj):
            return "Add a Duet head first, or choose one under Head."
        return f"{EAR.head} is listening already." if EAR.head else ""

    def act(self, context: bpy.types.Context) -> str:
        """Open the socket."""
        EAR.open(choice.target_head(context.scene), self.address, self.port)
        return f"{EAR.head} listens on {self.address}:{self.port}."


class DUET_OT_stop_listening(Immediate, bpy.types.Operator):
    """Stop, and put the head's keys back as they were"""

    bl_idname = "duet.stop_listening"
    bl_label = "Stop Listening"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to stop."""
        return "" if EAR.head else "No head is listening."

    def act(self, context: bpy.types.Context) -> str:
        """Close the socket."""
        EAR.close()
        return f"{EAR.shown} frames shown, {EAR.dropped} packets were none."


CLASSES = (DUET_OT_listen, DUET_OT_stop_listening)
