"""Sound: decoding any file that Blender plays, and the strip in the sequencer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import aud
import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.audio.checks import SAMPLE_RATE, Length, check_finite, check_whole
from ...inference.audio.rate import convert_rate
from ...inference.errors import AudioError
from ...inference.steps import Steps, finish
from ..blender import compat
from ..blender.loose import Kind, has
from ..blender.paths import for_blender, whole
from ..head import heads
from . import scrubbing

_MARKER, _LINE = "duet_head", "duet_line"  # of the strip: the ids of the head that speaks it, and of the line
_CHANNELS = 128
_READ = 8  # seconds of sound that are decoded at a time: to open the file, as each piece does, takes the most of it
_PIECE = 2  # seconds whose rate is converted at a time


def decode(path: Path, begin: float = 0.0, end: float = 0.0) -> Floats:
    """The file from `begin` to `end` seconds (0: its end) as samples (N,), float32, mono at 16 kHz.

    Raises AudioError naming the file.
    """
    return finish(decode_steps(path, begin, end))


def decode_steps(path: Path, begin: float = 0.0, end: float = 0.0) -> Steps[Floats]:
    """The same in steps of a few seconds of sound, because `aud` holds Blender while it works."""
    sound, rate = _open(path)
    if rate != int(rate):
        raise AudioError(f"'{path.name}' has a sample rate of {rate:g} Hz.", "Save it with 48000 Hz.")
    mono = yield from _mono(sound, int(rate), Length(path.name, path.stat().st_size, rate))
    part = slice(round(begin * rate), round(end * rate) if end > 0 else None)
    return (yield from _prepared(mono, part, int(rate), path.name))


def _mono(sound: aud.Sound, rate: int, length: Length) -> Steps[list[Floats]]:
    """All of the sound as one channel at its own rate, in pieces; raises AudioError where it does not end in time."""
    parts: list[Floats] = []
    for start in itertools.count(0, _READ):
        piece = sound.limit(start, start + _READ).data()
        length.check(start * rate + len(piece))
        with np.errstate(all="ignore"):  # what is no number is found when all is there
            parts.append(piece.mean(axis=1, dtype=np.float32))
        if len(piece) < _READ * rate:
            break
        yield 0.0
    return parts


def _prepared(pieces: list[Floats], part: slice, rate: int, name: str) -> Steps[Floats]:
    """The part of the pieces, in samples of their rate, at SAMPLE_RATE; raises AudioError."""
    whole = np.concatenate(pieces)
    mono = whole[part]
    if len(whole) and not len(mono):
        raise AudioError(f"Nothing is left of '{name}' between the trims.", "Change Trim Start and Trim End.")
    parts: list[Floats] = []
    for start in range(0, len(mono), _PIECE * rate):
        # A change of rate would spread what is no number over all of its piece.
        check_finite(mono[start : start + _PIECE * rate], rate, name, part.start + start)
        # They overlap by a second, so that none has an audible edge.
        low, high = max(0, start - rate), min(len(mono), start + (_PIECE + 1) * rate)
        piece = convert_rate(mono[low:high], rate, SAMPLE_RATE)
        first = (start - low) // rate * SAMPLE_RATE
        parts.append(piece[first : first + _PIECE * SAMPLE_RATE])
        yield start / len(mono)
    return np.concatenate(parts) if parts else mono


def _open(path: Path) -> tuple[aud.Sound, float]:
    """A readable sound and its sample rate, Hz; raises AudioError naming the file."""
    remedy = "Choose a sound file, such as WAV, FLAC, MP3 or OGG."
    if not path.exists():
        raise AudioError(f"The audio file '{path}' does not exist.", "Choose the file again.")
    if path.is_dir():
        raise AudioError(f"'{path}' is a folder.", remedy)
    if not path.stat().st_size:
        raise AudioError(f"The audio file '{path}' is empty (zero bytes).", "Export or record it again.")
    try:
        check_whole(path)
    except OSError as error:
        raise AudioError(f"'{path}' cannot be read ({error.strerror}).", "Check who may read it.") from error
    sound = aud.Sound(for_blender(path.absolute(), AudioError))  # type: ignore[call-arg]
    try:
        return sound, sound.specs[0]  # asked first, for data() of an unreadable file ends Blender 4.5
    except aud.error as error:
        raise AudioError(f"'{path}' is not a sound that Blender can read.", remedy) from error


def strips_of(scene: bpy.types.Scene, obj: bpy.types.Object, line: str | None = "") -> list[bpy.types.Strip]:
    """The sound strips that Duet has added for this head: those of a line, of no line (""), or of all (None)."""
    strips = scene.sequence_editor.strips if scene.sequence_editor else ()
    found = [strip for strip in strips if strip.get(_MARKER) == heads.head_id(obj) != ""]
    return [strip for strip in found if line is None or line_of(strip) == line]


def strips_of_nobody(scene: bpy.types.Scene) -> list[bpy.types.Strip]:
    """The sound strips that Duet has added for heads that are in no scene any more."""
    strips = [strip for strip in (scene.sequence_editor.strips if scene.sequence_editor else ()) if has(strip, _MARKER)]
    there = {own for obj in (bpy.data.objects if strips else ()) if (own := heads.head_id(obj)) and obj.users_scene}
    return [strip for strip in strips if strip[_MARKER] not in there]


def add_strip(
    scene: bpy.types.Scene, obj: bpy.types.Object, path: Path, start: int, length: int, skip: int = 0, line: str = ""
) -> bpy.types.Strip:
    """Add the sound on the lowest channel that is heard, unlocked and free for `length` frames from `start` on.

    Its first `skip` frames are cut off. Raises AudioError for an unreadable file (Blender itself would add a silent
    strip), before anything is added.
    """
    _open(path)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    busy = {strip.channel for strip in editor.strips if _overlaps(strip, start, start + length)}
    open_ = [n for n in range(1, _CHANNELS + 1) if not editor.channels[n].mute and not editor.channels[n].lock]
    channel = next((n for n in open_ if n not in busy), _CHANNELS)
    strip = editor.strips.new_sound(path.stem, str(path), channel, start - skip)
    if skip or compat.strip_range(strip)[1] > start + length + 1:  # Blender may round a strip up
        compat.set_strip_range(strip, start, start + length)
    strip[_MARKER] = heads.head_id(obj)
    give_to_line(strip, line)
    return strip


def give_to_line(strip: bpy.types.Strip, line: str) -> None:
    """Let the strip be the sound of a line; of none where the id is empty."""
    strip.pop(_LINE, None)
    if line:
        strip[_LINE] = line


def line_of(strip: bpy.types.Strip) -> str:
    """The id of the line whose sound a strip is; empty for that of a take which plays alone."""
    return str(strip.get(_LINE, ""))


def sound_strips(scene: bpy.types.Scene) -> list[Kind]:
    """All sound strips of the scene's sequencer, also those inside meta strips."""
    strips: Iterable[Kind] = scene.sequence_editor.strips_all if scene.sequence_editor else ()
    return [strip for strip in strips if strip.type == "SOUND" and strip.sound]


def strip_audio(scene: bpy.types.Scene, name: str, fps: float) -> tuple[Path, float, float, int]:
    """(file, first and last second that play, first frame) of a sound strip; raises AudioError where there is none."""
    strip = next((strip for strip in sound_strips(scene) if strip.name == name), None)
    if strip is None:
        raise AudioError(
            f"The sequencer has no sound strip '{name}'.", "Choose a strip, or take the audio from a file."
        )
    path = whole(strip.sound.filepath, strip.sound.library)
    if strip.sound.packed_file and not path.exists():
        raise AudioError(f"The sound of '{name}' is packed.", "Use File > External Data > Unpack Resources.")
    if len(strip.retiming_keys):
        raise AudioError(
            f"The strip '{name}' is retimed, so its speech is not at the seconds of its file.",
            "Clear its retiming, or render the sound to a file and use that.",
        )
    first, last, begin = compat.strip_heard(strip, fps)
    skipped = 0
    for meta in _metas_of(scene, strip):
        low, high = compat.strip_range(meta)
        skipped = max(skipped, low - first)
        last = min(last, high)
    if first + skipped >= last:
        raise AudioError(
            f"Nothing of the strip '{name}' is heard.", "See its offset, its cut and the meta strip it is in."
        )
    return path, begin + skipped / fps, begin + (last - first) / fps, first + skipped


def unheard(scene: bpy.types.Scene, name: str) -> str:
    """Why a strip that is spoken is not heard; empty where it is."""
    strip = next((strip for strip in sound_strips(scene) if strip.name == name), None)
    if strip is None:
        return ""
    around = [strip, *_metas_of(scene, strip)]
    channel = scene.sequence_editor.channels[around[-1].channel]
    muted = any(each.mute for each in around) or channel.mute
    return f"The strip '{name}' is muted: it is spoken, but not heard." if muted else ""


def _metas_of(scene: bpy.types.Scene, strip: Kind) -> list[Kind]:
    """The meta strips that a strip lies in, the innermost first."""
    strips: Iterable[Kind] = scene.sequence_editor.strips_all
    metas = [each for each in strips if each.type == "META"]
    found: list[Kind] = []
    inner = strip
    while (outer := next((meta for meta in metas if inner.name in meta.strips), None)) is not None:
        found.append(outer)
        inner = outer
    return found


def replace_strips(scene: bpy.types.Scene, earlier: list[Kind], strip: bpy.types.Strip | None) -> None:
    """Remove earlier strips, with sounds that nothing else plays, and put the new one in the first one's channel."""
    channel = earlier[0].channel if earlier else 0
    for old in earlier:
        sound = old.sound
        scene.sequence_editor.strips.remove(old)
        if sound and not sound.users:
            bpy.data.sounds.remove(sound)
    if strip is not None and channel and not scene.sequence_editor.channels[channel].mute:
        strip.channel = channel  # where that is taken, Blender moves the strip to the next free one
    scrubbing.follow(scene)


def _overlaps(strip: bpy.types.Strip, start: int, end: int) -> bool:
    first, last = compat.strip_range(strip)
    return first < end and start < last
