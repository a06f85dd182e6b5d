"""The chosen recording as a picture: its waveform, beside its length and a button to listen to it."""

from __future__ import annotations

from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from ..inference.arrays import Floats
from ..operators.recording import PLAYER, WAVEFORMS
from ..scene.bake import Recording
from ..scene.take.waveform import COLUMNS, Waveform

_SCALE = 3.0  # of an icon; three rows stand beside it
_SHARE = 0.3  # of the panel's width
_COLOUR, _CUT = (0.35, 0.62, 0.95, 1.0), (0.5, 0.5, 0.5, 0.5)  # what is spoken, and what is trimmed away
_KEPT = 32  # pictures

_pictures: bpy.utils.previews.ImagePreviewCollection | None = None


def register() -> None:
    """Make room for the pictures."""
    global _pictures
    _pictures = bpy.utils.previews.new()


def unregister() -> None:
    """Let go of them."""
    global _pictures
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
    _pictures = None


def draw(layout: bpy.types.UILayout, recording: Recording) -> None:
    """Draw a recording; before it is read, and where it cannot be, only the button."""
    row = layout.row()
    known = WAVEFORMS.of(recording)
    if known is not None:
        row = row.split(factor=_SHARE)
        row.template_icon(_icon(known, recording), scale=_SCALE)
    column = row.column(align=True)
    if known is not None:
        begin, end = recording.begin, recording.end or known.seconds
        column.label(text=spelt(end - begin) + (f" of {spelt(known.seconds)}" if end - begin < known.seconds else ""))
    icon: Any = "SNAP_FACE" if PLAYER.playing else "PLAY"
    column.operator("duet.play_recording", text="Stop" if PLAYER.playing else "Play", icon=icon)


def spelt(seconds: float) -> str:
    """Seconds as people write them: 4.2 s, or 3:07 min."""
    whole = round(seconds)
    return f"{seconds:.1f} s" if seconds < 60 else f"{whole // 60}:{whole % 60:02} min"


def picture(waveform: Waveform, begin: float, end: float) -> Floats:
    """(COLUMNS, COLUMNS, 4) RGBA of a waveform, the lowest row first; what is outside `begin` to `end` s is grey."""
    middle = (np.arange(COLUMNS) + 0.5) / COLUMNS
    inside = np.abs(middle[:, None] * 2 - 1) <= np.maximum(waveform.peaks, 2 / COLUMNS)
    spoken = (middle * waveform.seconds >= begin) & (middle * waveform.seconds <= end)
    colours = np.where(spoken[:, None], _COLOUR, _CUT).astype(np.float32)
    return inside[:, :, None] * colours


def _icon(waveform: Waveform, recording: Recording) -> int:
    if _pictures is None:
        return 0
    begin, end = recording.begin, recording.end or waveform.seconds
    name = f"{id(waveform)} {begin} {end}"
    if name not in _pictures:
        if len(_pictures) >= _KEPT:
            _pictures.clear()
        made: Any = _pictures.new(name)
        made.image_size = COLUMNS, COLUMNS
        made.image_pixels_float = picture(waveform, begin, end).ravel()
    return _pictures[name].icon_id
