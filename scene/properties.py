"""What the user chooses: for a scene (head, audio, the next take) and for each take, kept in the file."""

# mypy: disable-error-code="valid-type"

import atexit
import zlib

import bpy

from ..inference.errors import HeadError, WeightsError
from ..inference.head.library import emotion_names, label
from ..inference.take import DEFAULT_STYLE, EMOTIONS, MAX_INTENSITY, GenerateRequest
from .blender import timing
from .head import heads, sliders
from .take import revise, takes
from .take.styles import STYLE_ITEMS

_SOURCES = [
    ("FILE", "File", "A sound file", "FILE_SOUND", 0),
    ("STRIP", "Strip", "A sound strip that is in the sequencer already; its cut and place are kept", "SEQUENCE", 1),
]
_EXISTING = [
    ("LAYER", "Layer", "Move it to an NLA track of its own, which goes on playing under the speech"),
    ("KEEP", "Set Aside", "Keep it in the file (fake user), but play the speech alone"),
]


def emotion_items() -> list[tuple[str, str, str, int]]:
    """All emotions to choose from. Files keep the numbers, so a name of the library has one of its own for ever."""
    try:
        names = emotion_names()
    except WeightsError:  # said where a head is added
        names = EMOTIONS
    library = sorted(name for name in names if name not in EMOTIONS)
    numbers = [*range(len(EMOTIONS)), *(1000 + zlib.crc32(name.encode()) % 10**9 for name in library)]
    return [
        (name, label(name), f"'{label(name)}' in the face", number)
        for name, number in zip((*EMOTIONS, *library), numbers, strict=True)
    ]


EMOTION_ITEMS = emotion_items()


def _speech_changed(self: bpy.types.PropertyGroup, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.speech_soon(self.id_data)


def _emotion_changed(self: bpy.types.PropertyGroup, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.emotion(self.id_data)


def _opening_changed(self: bpy.types.PropertyGroup, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.emotion(self.id_data)
        return
    head = target_head(self.id_data)
    if head is not None and sliders.SILENCE in head and takes.active(head) is None:
        head[sliders.SILENCE] = self.open_in_silence
        head.update_tag()


def _life_changed(self: bpy.types.PropertyGroup, _: bpy.types.Context) -> None:
    if isinstance(self.id_data, bpy.types.Action):
        revise.life(self.id_data)


def _start_changed(self: bpy.types.PropertyGroup, _: bpy.types.Context) -> None:
    revise.start(self.id_data)


def _switch(name: str, description: str) -> object:
    return bpy.props.BoolProperty(name=name, default=True, description=description, update=_life_changed)


def _amount(description: str) -> object:
    return bpy.props.FloatProperty(
        name="Amount", default=1.0, min=0.0, max=2.0, soft_max=1.5, description=description, update=_life_changed
    )


def _feeling(name: str, default: str, description: str) -> object:
    return bpy.props.EnumProperty(
        name=name, items=EMOTION_ITEMS, default=default, description=description, update=_emotion_changed
    )


def _intensity() -> object:
    return bpy.props.FloatProperty(
        name="Intensity",
        default=0.7,
        min=0.0,
        max=MAX_INTENSITY,
        soft_max=1.0,
        description="How strong the feeling is: 0 is not at all, 1 is strong but natural, 1.5 is theatre",
        update=_emotion_changed,
    )


def _seconds(name: str, default: float, description: str, **limits: float) -> object:
    return bpy.props.FloatProperty(
        name=name, default=default, precision=2, step=10, description=description, update=_emotion_changed, **limits
    )


def _milliseconds(name: str, description: str, **limits: float) -> object:
    return bpy.props.FloatProperty(
        name=name, default=0.0, precision=0, step=500, description=description, update=_speech_changed, **limits
    )


def _trim(name: str, description: str) -> object:
    return bpy.props.FloatProperty(
        name=name,
        default=0.0,
        min=0.0,
        precision=2,
        step=10,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        description=description,
    )


class DuetCue(bpy.types.PropertyGroup):
    """A moment from which the face feels something else."""

    seconds: _seconds(
        "From (s)", 2.0, "Seconds of the recording at which the face begins to change", min=0.0, soft_max=60.0
    )
    emotion: _feeling("Emotion", "happy", "What the face turns to; rows with one time are mixed")
    intensity: _intensity()
    ease: _seconds("Transition (s)", 0.5, "Seconds until the face is there", min=0.04, max=10.0)


class _Performance:
    """How a recording is acted; the same for the next take and for one that is there."""

    style: bpy.props.EnumProperty(
        name="Style",
        items=STYLE_ITEMS,
        default=DEFAULT_STYLE,
        description="How clearly the mouth speaks. Used by the next Generate or Regenerate",
    )
    articulation: bpy.props.FloatProperty(
        name="Articulation",
        default=1.0,
        min=0.0,
        max=1.5,
        subtype="FACTOR",
        description="How far the mouth moves: 0 is still, 1 is as spoken, 1.5 is theatre",
        update=_speech_changed,
    )
    smoothing: _milliseconds(
        "Smoothing",
        "Milliseconds over which speech is softened; over 40 lips no longer close on every p, b and m",
        min=0.0,
        max=150.0,
        soft_max=80.0,
    )
    offset: _milliseconds(
        "Offset",
        "Milliseconds that the mouth moves after the sound; below 0 it moves ahead of it",
        min=-500.0,
        max=500.0,
        soft_min=-150.0,
        soft_max=150.0,
    )
    emotion: _feeling("Feeling", "neutral", "How the head feels from the start; more can follow on the timeline")
    intensity: _intensity()
    open_in_silence: bpy.props.FloatProperty(
        name="Open in Silence",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        description="How far emotions drop the jaw and part the lips while nothing is said: 0 is not at all",
        update=_opening_changed,
    )
    cues: bpy.props.CollectionProperty(type=DuetCue, description="Feelings that begin later")
    cue: bpy.props.IntProperty(name="Timed Emotion", description="The row that is chosen")
    blinks: _switch("Blinks", "Blink, most often where a pause begins")
    blink_amount: _amount("How far the lids close: 1 is shut")
    eyes: _switch("Eye Darts", "Let the eyes wander in small jumps, as eyes do")
    eye_amount: _amount("How far the eyes wander: 1 is as in conversation")
    head_motion: _switch("Head Motion", "Move the neck a little while it speaks")
    head_amount: _amount("How far the head moves: 1 is about two degrees")
    breaths: _switch("Breaths", "Part the lips a little for breath before speech goes on after a pause")
    breath_amount: _amount("How far the lips part: 1 is slight")
    seed: bpy.props.IntProperty(
        name="Seed",
        default=1,
        min=0,
        description="Another number gives other moments for blinks, darts and motion",
        update=_life_changed,
    )


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
        poll=lambda _, obj: heads.is_head(obj),
        description="The Duet head that speaks",
    )
    source: bpy.props.EnumProperty(name="Source", items=_SOURCES, description="Where the recording is")
    audio: bpy.props.StringProperty(
        name="Audio",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="The recording of one voice: WAV, FLAC, MP3, OGG and others",
    )
    strip: bpy.props.StringProperty(name="Strip", description="The sound strip of the sequencer that is spoken")
    trim_start: _trim("Trim Start", "Seconds to leave out at the recording's beginning")
    trim_end: _trim("Trim End", "The second of the recording at which to stop; 0 is its end")
    start_frame: bpy.props.IntProperty(
        name="Start Frame", default=1, description="The frame at which the recording begins"
    )
    in_sync: bpy.props.BoolProperty(
        name="Sync to Audio",
        default=True,
        description="Set the scene's playback to skip frames where needed, so that lips and sound stay together",
    )
    existing: bpy.props.EnumProperty(
        name="Existing Animation",
        items=_EXISTING,
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
    range_start: bpy.props.IntProperty(name="First", default=1, description="The first frame to generate again")
    range_end: bpy.props.IntProperty(name="Last", default=50, description="The last frame to generate again")
    border: bpy.props.IntProperty(
        name="Blend",
        default=4,
        min=0,
        max=100,
        description="Frames outside the range over which the old and the new speech are blended",
    )
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


def _play_row(scene: bpy.types.Scene, row: int) -> None:
    head = target_head(scene)
    if head is not None and 0 <= row < len(bpy.data.actions):
        revise.play(scene, head, bpy.data.actions[row])


def target_head(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The head to animate: the chosen one if it is still in the scene, else the scene's only Duet head, else None."""
    chosen = scene.duet.head
    if chosen is not None and _is_in(scene, chosen):
        return chosen
    found = heads.heads_of(scene)
    return found[0] if len(found) == 1 else None


def require_target_head(scene: bpy.types.Scene) -> bpy.types.Object:
    """The head to animate; raises HeadError where there is none, saying where in the file one is."""
    head = target_head(scene)
    if head is None:
        found = heads.heads_of(scene)
        if found:
            shown = ", ".join(f"'{obj.name}'" for obj in found[:4])
            raise HeadError(f"The scene has {len(found)} Duet heads: {shown}.", "Choose one under Head.")
        heads.require_none_elsewhere(scene)
    return heads.require_head(head)


def _is_in(scene: bpy.types.Scene, obj: bpy.types.Object) -> bool:
    """Whether the object itself, and not another of its name, is in the scene."""
    found = scene.objects.get(obj.name)
    return found == obj or (found is not None and any(each == obj for each in scene.objects))


def performance(scene: bpy.types.Scene) -> bpy.types.PropertyGroup:
    """The settings that the sidebar shows: those of the take that the head plays, else those for the next take."""
    action = takes.active(target_head(scene))
    return action.duet if action else scene.duet


def _beginning(scene: bpy.types.Scene) -> int:
    """The frame of second 0 of what the sidebar shows."""
    action = takes.active(target_head(scene))
    return int(action.duet.moved_to if action else scene.duet.start_frame)


def seconds_at(scene: bpy.types.Scene, frame: float) -> float:
    """The second of the recording at a frame of the scene."""
    return (frame - _beginning(scene)) / timing.scene_fps(scene)


def frame_at(scene: bpy.types.Scene, seconds: float) -> int:
    """The whole frame of the scene at a second of the recording."""
    return round(timing.seconds_to_frame(seconds, timing.scene_fps(scene), _beginning(scene)))


def request_of(scene: bpy.types.Scene, label: str) -> GenerateRequest:
    """The request that the choices describe, at the scene's frame rate; raises RequestError."""
    chosen = performance(scene)
    emotions = {} if chosen.emotion == "neutral" else {chosen.emotion: chosen.intensity}
    return GenerateRequest(fps=timing.scene_fps(scene), emotions=emotions, style=chosen.style, audio=label)


_CLASSES = (DuetCue, DuetTake, DuetSettings)


def register() -> None:
    """Give every scene its settings and every action room for a take's."""
    if hasattr(bpy.types.Scene, "duet"):
        return
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.duet = bpy.props.PointerProperty(type=DuetSettings)
    bpy.types.Action.duet = bpy.props.PointerProperty(type=DuetTake)
    atexit.register(_at_exit)  # bpy as a module never ends where classes are still registered


def _at_exit() -> None:
    if hasattr(bpy.types.Scene, "duet"):
        unregister()


def unregister() -> None:
    """Take the settings away."""
    atexit.unregister(_at_exit)
    del bpy.types.Action.duet
    del bpy.types.Scene.duet
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
