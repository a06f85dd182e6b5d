"""The recording before it is animated: chosen in a file selector or dropped into a view, looked at, listened to."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

from collections.abc import Callable

import aud
import bpy

from ..inference.errors import AudioError, DuetError
from ..inference.steps import Steps
from ..scene import choice
from ..scene.bake import Recording
from ..scene.blender.loose import duet_of
from ..scene.blender.paths import fits_blender, whole
from ..scene.take.waveform import Waveform, waveform_steps
from .generate import recording_of
from .modal import redraw_sidebars
from .poll import Immediate

_SUFFIXES = ".wav;.flac;.mp3;.ogg;.oga;.opus;.m4a;.aac;.aif;.aiff;.wma;.ac3;.mka;.mp4;.mov;.mkv;.webm;.avi"
_EVERY = 0.05  # seconds between steps of reading
_LISTEN = 0.25  # seconds between looks whether it still plays
_KEPT = 32  # waveforms
_NO_SOUND = "See Preferences > System > Sound."


class DUET_OT_choose_recording(bpy.types.Operator):
    """Choose the recording of one voice: WAV, FLAC, MP3, OGG and others, or a film. Or drop one into the view"""

    bl_idname = "duet.choose_recording"
    bl_label = "Choose Recording"
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"}, description="The sound file")
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"}, description="Show folders")
    filter_sound: bpy.props.BoolProperty(default=True, options={"HIDDEN"}, description="Show sound files")
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN"}, description="Show films, for their sound")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take the file that was dropped; else ask for one, beside the present one."""
        if self.filepath:
            return self.execute(context)
        present = duet_of(context.scene).audio
        self.filepath = str(whole(present)) if present else ""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose it, relative to the .blend where the preferences say so."""
        path = whole(self.filepath)
        if not path.is_file():
            self.report({"ERROR"}, f"'{path}' is no file. Choose a recording.")
            return {"CANCELLED"}
        chosen = duet_of(context.scene)
        chosen.source, chosen.audio = "FILE", _spelt(context, str(path))
        choice.follow_place(context.scene)
        redraw_sidebars(context)
        return {"FINISHED"}


def _spelt(context: bpy.types.Context, path: str) -> str:
    """The path as Blender's own file selectors would keep it."""
    if not bpy.data.filepath or not context.preferences.filepaths.use_relative_paths:
        return path
    try:
        relative = bpy.path.relpath(path)
    except ValueError:  # on another drive of Windows
        return path
    return relative if fits_blender(relative) else path


class DUET_FH_recording(bpy.types.FileHandler):
    """A recording dropped into a 3D view becomes the chosen one."""

    bl_idname = "DUET_FH_recording"
    bl_label = "Recording for Duet"
    bl_import_operator = "duet.choose_recording"
    bl_file_extensions = _SUFFIXES

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Whether it was dropped into a 3D view: the sequencer takes sounds of its own."""
        return context.area is not None and context.area.type == "VIEW_3D"


def chosen_recording(scene: bpy.types.Scene) -> Recording | None:
    """What the sidebar chooses, where it can be read; else None."""
    try:
        return recording_of(scene)
    except DuetError:
        return None


class Waveforms:
    """Waveforms of the recordings that are shown: read while Blender goes on, each once."""

    def __init__(self) -> None:
        self._known: dict[str, Waveform | None] = {}
        self._reading: dict[str, Steps[Waveform]] = {}
        self._timer = self._turn  # one object, by which Blender knows it

    def of(self, recording: Recording) -> Waveform | None:
        """The waveform of all of its file; None while it is read, and where it cannot be."""
        try:
            state = recording.path.stat()
        except OSError:
            return None
        key = f"{recording.path}|{state.st_size}|{state.st_mtime_ns}"
        if key not in self._known and key not in self._reading:
            self._reading[key] = waveform_steps(recording.path)
        if self._reading:
            _start(self._timer)  # another file ends it
        return self._known.get(key)

    def _turn(self) -> float | None:
        key = next(iter(self._reading), None)
        if key is None:
            return None
        try:
            next(self._reading[key])
        except StopIteration as end:
            self._finish(key, end.value)
        except AudioError:  # said where it is generated
            self._finish(key, None)
        return _EVERY

    def _finish(self, key: str, found: Waveform | None) -> None:
        del self._reading[key]
        while len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = found
        redraw_sidebars(bpy.context)

    def close(self) -> None:
        """Stop reading."""
        self._reading.clear()
        _end(self._timer)


class Player:
    """The recording as it is listened to, apart from the timeline."""

    def __init__(self) -> None:
        self._device: aud.Device | None = None
        self._handle: aud.Handle | None = None
        self._timer = self._look

    @property
    def playing(self) -> bool:
        """Whether something is heard."""
        return self._handle is not None and bool(self._handle.status)

    def play(self, recording: Recording) -> None:
        """Begin, on the device of the preferences; raises AudioError where there is nothing to hear it with."""
        self.stop()
        sound = aud.Sound(str(recording.path))  # type: ignore[call-arg]
        if recording.begin or recording.end:
            sound = sound.limit(recording.begin, recording.end or -1)
        try:
            self._device = aud.Device(bpy.context.preferences.system.audio_device)  # type: ignore[call-arg]
            self._handle = self._device.play(sound)
        except aud.error as error:
            raise AudioError(f"'{recording.path.name}' cannot be played.", _NO_SOUND) from error
        if not self.playing:
            raise AudioError("There is no device to hear it with.", _NO_SOUND)
        _start(self._timer, _LISTEN)

    def stop(self) -> None:
        """End it."""
        if self.playing:
            self._handle.stop()
        self._handle = None

    def _look(self) -> float | None:
        if self.playing:
            return _LISTEN
        self._handle = None
        redraw_sidebars(bpy.context)
        return None

    def close(self) -> None:
        """Let go of the device."""
        self.stop()
        self._device = None
        _end(self._timer)


def _start(timer: Callable[[], float | None], first: float = 0.0) -> None:
    if not bpy.app.timers.is_registered(timer):
        bpy.app.timers.register(timer, first_interval=first)


def _end(timer: Callable[[], float | None]) -> None:
    if bpy.app.timers.is_registered(timer):
        bpy.app.timers.unregister(timer)


WAVEFORMS, PLAYER = Waveforms(), Player()


class DUET_OT_play_recording(Immediate, bpy.types.Operator):
    """Listen to the recording, between its trims and apart from the timeline; once more stops it"""

    bl_idname = "duet.play_recording"
    bl_label = "Play"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Why there is nothing to play."""
        path = recording_of(context.scene).path
        return "" if path.is_file() else f"The audio file '{path}' does not exist. Choose the file again."

    def act(self, context: bpy.types.Context) -> None:
        """Play, or stop."""
        if PLAYER.playing:
            PLAYER.stop()
        else:
            PLAYER.play(recording_of(context.scene))


def close() -> None:
    """Stop reading and playing."""
    WAVEFORMS.close()
    PLAYER.close()


CLASSES = (DUET_OT_choose_recording, DUET_FH_recording, DUET_OT_play_recording)
