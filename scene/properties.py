"""What the user chooses: for a scene (head, audio, the next take) and for each take, kept in the file."""

# mypy: disable-error-code="valid-type"

import atexit
from typing import Any

import bpy

from ..inference.performance.performance import SETTINGS
from ..inference.performance.timeline import INTENSITY
from .blender.loose import Group, has
from .blender.setting_property import TIME, property_for
from .choice import follow_head, follow_place, follow_recording, show_recording, target_head
from .enum_items import EMOTION_ITEMS, EXISTING, OVERLAPS, PLACES, SOURCES
from .head import heads, sliders
from .take import listening, mark_rows, revise, settings, takes
from .take.styles import STYLE_ITEMS
from .targets import makes


def _speech_changed(self: Group, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.renew_speech(self.id_data)


def _emotion_changed(self: Group, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.renew_emotions(self.id_data)


def _opening_changed(self: Group, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.renew_emotions(self.id_data)
        return
    head = target_head(self.id_data)
    if head is not None and has(head, sliders.SILENCE) and takes.active(head) is None:
        head[sliders.SILENCE] = self.open_in_silence
        head.update_tag()


def _life_changed(self: Group, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.renew_life(self.id_data)


def _lips_changed(self: Group, _: bpy.types.Context) -> None:
    _speech_changed(self, _)
    _felt_changed(self, _)  # the mouth's part, and breaths


def _felt_changed(self: Group, _: bpy.types.Context) -> None:
    _emotion_changed(self, _)
    _life_changed(self, _)


def _text_changed(self: Group, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action) and settings.acting() and takes.is_take(self.id_data):
        mark_rows.fill_quietly(self.id_data)


def _kinds_changed(self: Group, _: bpy.types.Context) -> None:
    if self.marks_of is not None:
        mark_rows.show(self.id_data, self.marks_of)


def _start_changed(self: Group, context: bpy.types.Context) -> None:
    revise.move(self.id_data)
    follow_recording(context.scene)


def _head_changed(self: Group, _: bpy.types.Context) -> None:
    follow_head(self.id_data)


def _cut_changed(self: Group, _: bpy.types.Context) -> None:
    revise.trim(self.id_data)


def _feeling(name: str, default: str, description: str) -> Any:
    return bpy.props.EnumProperty(
        name=name, items=EMOTION_ITEMS, default=default, description=description, update=_emotion_changed
    )


class DuetCue(bpy.types.PropertyGroup):
    """A moment from which the face feels something else."""

    seconds: bpy.props.FloatProperty(
        name="From (s)",
        default=2.0,
        min=0.0,
        soft_max=60.0,
        precision=2,
        step=10,
        description="Seconds of the recording at which the face begins to change",
        update=_emotion_changed,
    )
    emotion: _feeling("Emotion", "happy", "What the face turns to; rows with one time are mixed")
    intensity: property_for(INTENSITY, _emotion_changed)
    ease: property_for(SETTINGS["transition"], _emotion_changed)


def _performance() -> dict[str, Any]:
    """The properties that the next take and each take have in common: their names and kinds stay as files have them."""
    updates = {"articulation": _speech_changed, "smoothing": _speech_changed, "offset": _speech_changed}
    updates |= {"open_in_silence": _opening_changed, "mix_limit": _emotion_changed, "seed": _life_changed}
    updates |= {"effort": _emotion_changed, "lips": _lips_changed}
    updates |= {"upper_face": _felt_changed, "mirror": _felt_changed}
    style = "How clearly the mouth speaks. Used by the next Generate, or Generate Again"
    made = {"style": property_for(SETTINGS["style"], items=STYLE_ITEMS, description=style)}
    made |= {name: property_for(SETTINGS[name], update) for name, update in updates.items()}
    made["text"] = property_for(SETTINGS["text"], _text_changed)
    made["marks"] = property_for(SETTINGS["marks"], default="")
    for name, amount in settings.AMOUNTS.items():
        said: dict[str, Any] = {"name": SETTINGS[name].label, "description": SETTINGS[name].sentence}
        made[name] = bpy.props.BoolProperty(default=True, update=_life_changed, **said)
        made[amount] = property_for(SETTINGS[name], _life_changed, name="Amount", default=SETTINGS[name].natural)
    made["emotion"] = _feeling(
        "Feeling", "neutral", "How the head feels from the start; more can follow on the timeline"
    )
    made["intensity"] = property_for(INTENSITY, _emotion_changed)
    made["cues"] = bpy.props.CollectionProperty(type=DuetCue, description="Feelings that begin later")
    made["cue"] = bpy.props.IntProperty(name="Timed Emotion", description="The row that is chosen")
    return made


class _Performance:
    """How a recording is performed; the same for the next take and for one that is there."""

    __annotations__ = _performance()


class DuetTake(_Performance, bpy.types.PropertyGroup):
    """What a take's action knows about itself. Frames, curves and the recording's weights are with the action."""

    head: bpy.props.StringProperty(options={"HIDDEN"}, description="The id of the head that it belongs to")
    audio: bpy.props.StringProperty(
        name="Audio", subtype="FILE_PATH", options={"HIDDEN"}, description="The recording that it speaks"
    )
    trim_start: bpy.props.FloatProperty(options={"HIDDEN"}, description="Seconds cut off the recording's beginning")
    trim_end: bpy.props.FloatProperty(options={"HIDDEN"}, description="The second at which it stops; 0: its end")
    own_strip: bpy.props.BoolProperty(
        default=True, options={"HIDDEN"}, description="Whether Duet puts the sound into the sequencer"
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame",
        description="The frame at which the recording begins; keys move along",
        update=_start_changed,
    )
    moved_to: bpy.props.IntProperty(options={"HIDDEN"}, description="The start frame that the keys are at")
    written_speech: bpy.props.StringProperty(options={"HIDDEN"}, description="Checksum of the speech curves as written")
    written_emotion: bpy.props.StringProperty(
        options={"HIDDEN"}, description="Checksum of the emotion curves as written"
    )
    written_silence: bpy.props.StringProperty(
        options={"HIDDEN"}, description="Checksum of the curve of Silence as written"
    )
    line: bpy.props.StringProperty(options={"HIDDEN"}, description="The id of the line that it is; empty: of none")
    length: bpy.props.IntProperty(options={"HIDDEN"}, description="How many frames it was written for")
    cut_start: bpy.props.IntProperty(
        name="Trim Start",
        min=0,
        description="Frames of the line that are left out at its beginning",
        update=_cut_changed,
    )
    cut_end: bpy.props.IntProperty(
        name="Trim End", min=0, description="Frames of the line that are left out at its end", update=_cut_changed
    )
    cut: bpy.props.IntVectorProperty(size=2, options={"HIDDEN"}, description="The frames that are left out now")
    mark_rows: bpy.props.CollectionProperty(type=mark_rows.DuetMark, description="Its mouth events")
    mark_row: bpy.props.IntProperty(name="Mark", description="The mouth event that is chosen")
    note: bpy.props.StringProperty(options={"HIDDEN"}, description="What the user should know about the take")
    fps: bpy.props.FloatProperty(options={"HIDDEN"}, description="Frames per second that the speech was written at")
    stale: bpy.props.BoolProperty(
        options={"HIDDEN"}, description="Whether the speech curves wait for Update Speech (long takes)"
    )


class DuetSettings(_Performance, bpy.types.PropertyGroup):
    """The choices in the sidebar for the next take."""

    head: bpy.props.PointerProperty(
        name="Head",
        type=bpy.types.Object,
        poll=lambda _, obj: heads.is_head(obj) or makes.is_other_head(obj),
        update=_head_changed,
        description="The head that every panel here is about: a Duet head, a mesh with FLAME's or ARKit's keys, or an "
        "armature with poses of the face",
    )
    source: bpy.props.EnumProperty(name="Source", items=SOURCES, description="Where the recording is")
    audio: bpy.props.StringProperty(
        name="Audio",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="The recording of one voice: WAV, FLAC, MP3, OGG and others",
    )
    strip: bpy.props.StringProperty(name="Strip", description="The sound strip of the sequencer that is spoken")
    trim_start: property_for(SETTINGS["trim_start"], **TIME)
    trim_end: property_for(SETTINGS["trim_end"], **TIME)
    start_frame: bpy.props.IntProperty(
        name="Start Frame", default=1, description="The frame at which the recording begins"
    )
    in_sync: bpy.props.BoolProperty(
        name="Sync to Audio",
        default=True,
        description="Set the scene's playback to skip frames where needed, so that lips and sound stay together",
    )
    place: bpy.props.EnumProperty(
        name="Generate",
        items=PLACES,
        description="What the recording becomes",
        update=lambda self, _: follow_place(self.id_data),
    )
    overlaps: bpy.props.EnumProperty(
        name="Overlaps", items=OVERLAPS, description="What becomes of two lines that would speak at once"
    )
    listening: bpy.props.BoolProperty(
        name="Listen",
        description="Let heads blink slowly, nod and look at who speaks while another head says a line",
        update=lambda self, _: listening.refresh(self.id_data),
    )
    listening_amount: bpy.props.FloatProperty(
        name="Blinks and Nods",
        default=1.0,
        min=0.0,
        max=2.0,
        subtype="FACTOR",
        description="How far listeners blink and nod: 1 is as people do",
        update=lambda self, _: listening.refresh(self.id_data),
    )
    gaze: bpy.props.FloatProperty(
        name="Look at Speaker",
        default=0.8,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        description="How far eyes and head turn to who speaks: 0 is not at all, 1 all the way",
        update=lambda self, _: listening.refresh(self.id_data),
    )
    existing: bpy.props.EnumProperty(
        name="Existing Animation",
        items=EXISTING,
        default="LAYER",
        description="What becomes of an action of yours that the head plays; nothing is ever deleted",
    )
    library: bpy.props.EnumProperty(name="Expression", items=EMOTION_ITEMS, description="What the library lists")
    library_row: bpy.props.IntProperty(name="Expression", description="The expression that is shown larger")
    library_search: bpy.props.StringProperty(
        name="Search", options={"TEXTEDIT_UPDATE"}, description="Show only expressions whose names have this part"
    )
    clear_way: bpy.props.BoolProperty(
        name="Clear the Way",
        default=True,
        description="Unpin, unmute and unsolo what would hide the speech, and say so; off, Generate refuses instead",
    )
    active_take: bpy.props.IntProperty(
        name="Take",
        description="The take that the head plays",
        get=lambda self: _active_row(self.id_data),
        set=lambda self, row: _play_row(self.id_data, row),
    )
    active_line: bpy.props.IntProperty(
        name="Line",
        description="The line that the settings are of",
        get=lambda self: _active_line(self.id_data),
        set=lambda self, row: _play_row(self.id_data, row),
    )
    marks_of: bpy.props.PointerProperty(type=bpy.types.Action, description="The take whose marks the timeline shows")
    mark_kinds: bpy.props.EnumProperty(
        name="Kinds",
        items=mark_rows.SHOWN_ITEMS,
        options={"ENUM_FLAG"},
        default={"closed", "teeth", "round", "open"},
        description="The marks that the list and the timeline show",
        update=_kinds_changed,
    )
    mark_kind: bpy.props.EnumProperty(
        name="New Mark", items=mark_rows.KIND_ITEMS, description="What the mouth does at a mark that is added"
    )
    range_start: bpy.props.IntProperty(name="First", default=1, description="The first frame to generate again")
    range_end: bpy.props.IntProperty(name="Last", default=50, description="The last frame to generate again")
    border: bpy.props.IntProperty(
        name="Blend",
        default=4,
        min=0,
        max=100,
        description="Frames outside the range over which the old and the new speech are blended",
    )
    markers: bpy.props.StringProperty(options={"HIDDEN"}, description="Whose Duet's markers are (JSON)")
    scrubs: bpy.props.BoolProperty(options={"HIDDEN"}, description="Whether Duet has switched the scene's scrubbing on")
    tolerance: bpy.props.FloatProperty(
        name="Tolerance",
        default=0.05,
        min=0.001,
        max=2.0,
        precision=3,
        step=1,
        description="Millimetres that no vertex of the face may move by when keys are left out",
    )


def _active_row(scene: bpy.types.Scene) -> int:
    action = takes.active(target_head(scene))
    return bpy.data.actions.find(action.name) if action else -1


def _active_line(scene: bpy.types.Scene) -> int:
    head = target_head(scene)
    action = takes.chosen_line(head) if head else None
    return bpy.data.actions.find(action.name) if action else -1


def _play_row(scene: bpy.types.Scene, row: int) -> None:
    head = target_head(scene)
    if head is not None and 0 <= row < len(bpy.data.actions):
        revise.play(scene, head, bpy.data.actions[row])
        show_recording(scene)


_CLASSES = (mark_rows.DuetMark, DuetCue, DuetTake, DuetSettings)


def register() -> None:
    """Give every scene its settings and every action room for a take's."""
    if hasattr(bpy.types.Scene, "duet"):
        return
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.duet = bpy.props.PointerProperty(type=DuetSettings)  # type: ignore[attr-defined]
    bpy.types.Action.duet = bpy.props.PointerProperty(type=DuetTake)  # type: ignore[attr-defined]
    atexit.register(_at_exit)  # bpy as a module never ends where classes are still registered


def _at_exit() -> None:
    if hasattr(bpy.types.Scene, "duet"):
        unregister()


def unregister() -> None:
    """Take the settings away."""
    atexit.unregister(_at_exit)
    del bpy.types.Action.duet  # type: ignore[attr-defined]
    del bpy.types.Scene.duet  # type: ignore[attr-defined]
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
