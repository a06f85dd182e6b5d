"""Takes: each is an action of its own that holds the recording's weights, so that no change of it needs a worker.

The action's `duet` group has the settings; a custom property has the weights, compressed. Actions are what Blender
appends, links and keeps with a fake user, so takes travel and survive as other animation does.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.audio.loudness import pauses
from ...inference.errors import HeadError
from ...inference.plain_text import brief
from ...inference.protocol import Message, ProtocolError, encode, read_message
from ...inference.steps import Steps
from ...inference.take import Take
from ..blender import actions
from ..blender.loose import Animated, duet_of, has
from ..head import heads

_DATA, _TOKEN = "duet_take", "duet_token"  # of the action: the compressed take, and a checksum of it
_REMEDY = "Generate it again."
_CACHE_SIZE = 16  # a dialogue's lines
_MOST = 1 << 30  # bytes unpacked: four hours at 240 frames a second are less
_cache: dict[str, StoredTake] = {}


@dataclass(frozen=True)
class StoredTake:
    """A take, the recording it came from, the scene frame of its first frame, and where it is loud (50 Hz).

    Read from a file, the take has no ARKit coefficients.
    """

    take: Take
    audio: str
    start: int
    loudness: Floats = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """(begin, end) in seconds of the recording's; none where its loudness is not known."""
        return pauses(self.loudness) if len(self.loudness) else []


def packed(stored: StoredTake) -> Steps[bytes]:
    """The take as compressed bytes, in steps.

    Without vertices and ARKit coefficients: what plays has other ones with every setting, so they are solved anew.
    """
    none = np.zeros((stored.take.frame_count, 0), np.float32)
    header, arrays = replace(stored.take, vertices=None, arkit=none, arkit_names=()).to_message()
    message = Message(
        "take",
        None,
        {"take": header, "audio": stored.audio, "start": stored.start},
        {**arrays, "loudness": stored.loudness},
    )
    packer, parts = zlib.compressobj(1), []
    for buffer in encode(message):
        parts.append(packer.compress(buffer))
        yield 0.0
    return b"".join([*parts, packer.flush()])


def store(action: bpy.types.Action, data: bytes) -> None:
    """Keep a packed take with its action."""
    action.pop(_DATA, None)  # written over other bytes, Blender would cut them at the first zero
    action[_DATA] = data
    action[_TOKEN] = f"{zlib.crc32(data):08x}{len(data):x}"


def unpacked(data: bytes) -> StoredTake:
    """What `packed` has packed; raises zlib.error, ProtocolError, or what damaged parts raise."""
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(data, _MOST)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("it is cut off, or larger than any take")
    message = read_message(io.BytesIO(plain))
    if message is None:
        raise ValueError("nothing is stored")
    take = Take.from_message(message.data["take"], message.arrays)
    audio, start = message.data["audio"], message.data["start"]
    loudness = message.arrays.get("loudness", np.zeros(0, np.float32))
    if loudness.dtype != np.float32 or loudness.ndim != 1 or not np.isfinite(loudness).all():
        raise ValueError("where it is loud is not said")
    if not isinstance(audio, str) or type(start) is not int:
        raise ValueError("its recording is not said")
    return StoredTake(take, audio, start, loudness)


def read(action: bpy.types.Action) -> StoredTake:
    """The take of an action, also after its weights were read before; raises HeadError where it cannot be read."""
    token = str(action.get(_TOKEN, ""))
    if token in _cache:
        return _cache[token]
    try:
        stored = unpacked(action[_DATA])
    except (zlib.error, ProtocolError, ValueError, LookupError, TypeError, AttributeError, MemoryError) as error:
        raise HeadError(f"The take stored with '{action.name}' cannot be read ({brief(error)}).", _REMEDY) from error
    if len(_cache) >= _CACHE_SIZE:
        del _cache[next(iter(_cache))]
    _cache[token] = stored
    return stored


def forget(action: bpy.types.Action) -> None:
    """Make a take's action one of the animator's, that Duet never touches."""
    for name in (_DATA, _TOKEN, actions.MARKER):
        action.pop(name, None)
    duet_of(action).head = ""


def is_take(action: bpy.types.Action | None) -> bool:
    """Whether the action holds a take."""
    return action is not None and has(action, _DATA)


def sole(obj: bpy.types.Object | None) -> bpy.types.Action | None:
    """The take that the head plays alone, and not as a line; None where there is none."""
    action = actions.action_of(obj.data.shape_keys) if obj is not None and heads.is_head(obj) else None
    return action if is_take(action) else None


def owner(obj: bpy.types.Object, action: bpy.types.Action) -> str:
    """Whose the take's markers are: the head's, or its line's."""
    return f"{heads.head_id(obj)} {duet_of(action).line}".strip()


def active(obj: bpy.types.Object | None) -> bpy.types.Action | None:
    """The take that the head plays alone, else that of the chosen line, or None."""
    action = sole(obj)
    if action is None and obj is not None and heads.is_head(obj):
        action = chosen_line(obj)
    return action if is_take(action) else None


def line_tracks(datablock: Animated) -> list[tuple[bpy.types.NlaTrack, bpy.types.Action]]:
    """(track, action) of what is placed there as a line (`lines`)."""
    tracks = datablock.animation_data.nla_tracks if datablock.animation_data else ()
    played = [(track, track.strips[0].action) for track in tracks if len(track.strips) == 1]
    return [(track, action) for track, action in played if action is not None and duet_of(action).line]


def placed(obj: bpy.types.Object) -> list[tuple[bpy.types.NlaTrack, bpy.types.Action]]:
    """(track of the keys, action) of the head's lines."""
    return line_tracks(obj.data.shape_keys)


def chosen_line(obj: bpy.types.Object) -> bpy.types.Action | None:
    """The action of the line whose track of the keys is the active one."""
    animation = obj.data.shape_keys.animation_data
    chosen = animation.nla_tracks.active if animation else None
    return next((action for track, action in placed(obj) if track == chosen), None)


def takes_of(obj: bpy.types.Object) -> list[bpy.types.Action]:
    """The head's takes by name: those made for it, and those that it plays."""
    own, playing = heads.head_id(obj), [sole(obj), *(action for _, action in placed(obj))]
    return [a for a in bpy.data.actions if is_take(a) and (a in playing or (own and duet_of(a).head == own))]


def load(obj: bpy.types.Object) -> StoredTake | None:
    """The take that the head plays, as it was generated; None where it plays none. Raises HeadError."""
    action = active(obj)
    return read(action) if action else None
