"""Sound: decoding any file that Blender plays, and the strip in the sequencer."""

from __future__ import annotations

from pathlib import Path

import aud
import bpy
import numpy as np

from ..inference.audio_checks import SAMPLE_RATE, check_samples
from ..inference.errors import AudioError
from ..inference.take import Floats
from . import compat

_MARKER = "duet_head"  # custom property of the strip: the name of the head that speaks it
_CHANNELS = 128
_BEST = 3  # of aud's four resampling qualities


def decode(path: Path) -> Floats:
    """The file as samples (N,), float32, mono at 16 kHz; raises AudioError naming the file."""
    sound, rate = _open(path)
    mono = np.ascontiguousarray(sound.data().mean(axis=1, dtype=np.float32))
    if rate != SAMPLE_RATE and len(mono):
        mono = aud.Sound.buffer(mono[:, None], rate).resample(SAMPLE_RATE, _BEST).data()[:, 0]
    return check_samples(mono, path.name)


def _open(path: Path) -> tuple[aud.Sound, float]:
    """A readable sound and its sample rate, Hz; raises AudioError naming the file."""
    remedy = "Choose a sound file, such as WAV, FLAC, MP3 or OGG."
    if not path.exists():
        raise AudioError(f"The audio file '{path}' does not exist.", "Choose the file again.")
    if path.is_dir():
        raise AudioError(f"'{path}' is a folder.", remedy)
    if not path.stat().st_size:
        raise AudioError(f"The audio file '{path}' is empty (zero bytes).", "Export or record it again.")
    sound = aud.Sound(str(path))
    try:
        return sound, sound.specs[0]  # asked first, for data() of an unreadable file ends Blender 4.5
    except aud.error as error:
        raise AudioError(f"'{path}' is not a sound that Blender can read.", remedy) from error


def strips_of(scene: bpy.types.Scene, obj: bpy.types.Object) -> list[bpy.types.Strip]:
    """The sound strips that Duet has added for this head."""
    strips = scene.sequence_editor.strips if scene.sequence_editor else ()
    return [strip for strip in strips if strip.get(_MARKER) == obj.name]


def add_strip(scene: bpy.types.Scene, obj: bpy.types.Object, path: Path, start: int, length: int) -> bpy.types.Strip:
    """Add the sound at frame `start` on the lowest channel that is free for `length` frames.

    Raises AudioError for an unreadable file (Blender itself would add a silent strip), before anything is added.
    """
    _open(path)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    busy = {strip.channel for strip in editor.strips if _overlaps(strip, start, start + length)}
    channel = next((n for n in range(1, _CHANNELS + 1) if n not in busy), _CHANNELS)
    strip = editor.strips.new_sound(path.stem, str(path), channel, start)
    strip[_MARKER] = obj.name
    return strip


def replace_strips(scene: bpy.types.Scene, earlier: list[bpy.types.Strip], strip: bpy.types.Strip) -> None:
    """Remove earlier strips, with sounds that nothing else plays, and put the new one in the first one's channel."""
    channel = earlier[0].channel if earlier else strip.channel
    for old in earlier:
        sound = old.sound
        scene.sequence_editor.strips.remove(old)
        if sound and not sound.users:
            bpy.data.sounds.remove(sound)
    strip.channel = channel  # where that is taken, Blender moves the strip to the next free one


def _overlaps(strip: bpy.types.Strip, start: int, end: int) -> bool:
    first, last = compat.strip_range(strip)
    return first < end and start < last
