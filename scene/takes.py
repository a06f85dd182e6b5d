"""The take, stored with the head: what sliders, re-bakes and exports need when no worker runs."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, replace

import bpy

from ..inference.errors import HeadError
from ..inference.protocol import Message, ProtocolError, encode, read_message
from ..inference.take import Take

_PROPERTY = "duet_take"  # of the Key data-block, where no panel shows its bytes
_REMEDY = "Generate it again."


@dataclass(frozen=True)
class StoredTake:
    """A take, the recording it came from and the scene frame of its first frame."""

    take: Take
    audio: str
    start: int


def store(obj: bpy.types.Object, stored: StoredTake) -> None:
    """Keep the take with the head, compressed and without vertices."""
    header, arrays = replace(stored.take, vertices=None).to_message()
    message = Message("take", None, {"take": header, "audio": stored.audio, "start": stored.start}, arrays)
    key = obj.data.shape_keys
    key.pop(_PROPERTY, None)  # written over other bytes, Blender would cut them at the first zero
    key[_PROPERTY] = zlib.compress(b"".join(encode(message)))


def load(obj: bpy.types.Object) -> StoredTake | None:
    """The head's take, or None where it has none; raises HeadError where it cannot be read."""
    raw = obj.data.shape_keys.get(_PROPERTY)
    if raw is None:
        return None
    try:
        message = read_message(io.BytesIO(zlib.decompress(raw)))
        if message is None:
            raise ValueError("nothing is stored")
        take = Take.from_message(message.data["take"], message.arrays)
        return StoredTake(take, message.data["audio"], message.data["start"])
    except (zlib.error, ProtocolError, ValueError, KeyError, TypeError) as error:
        raise HeadError(f"The take stored with '{obj.name}' cannot be read ({error}).", _REMEDY) from error
