"""What is done with takes: duplicated, removed, generated again, baked to plain keys."""

# mypy: disable-error-code="valid-type"

import bpy

from ..inference.errors import HeadError
from ..inference.take import GenerateRequest
from ..scene import choice, regenerate
from ..scene.blender.loose import duet_of
from ..scene.blender.paths import whole
from ..scene.head import heads
from ..scene.take import life, line_edits, lines, plain, revise, sound, takes
from .modal import Stepped, Work, follow
from .poll import Reasoned, Undoable
from .session import RUNTIME
from .worker_job import ask

_PARTS = [
    ("ALL", "All", "All frames of the take"),
    ("RANGE", "Range", "Only the frames from First to Last, blended into the rest"),
]
_LINES = [
    ("ONE", "One", "The take that plays, or the chosen line"),
    ("ALL", "All Lines", "All lines of the head"),
]


class _OnTake(Reasoned):
    """An operator on the take that the chosen head plays."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is one, and the head can be written to."""
        playing = takes.active(heads.require_head(choice.target_head(context.scene)))
        return "" if playing else "The head plays no take. Generate one, or choose one in the list."


def _chosen(scene: bpy.types.Scene) -> tuple[bpy.types.Object, bpy.types.Action]:
    """The head and the take that it plays; raises HeadError."""
    head = heads.require_head(choice.target_head(scene))
    action = takes.active(head)
    if action is None:
        raise HeadError(f"'{head.name}' plays no take.", "Choose one in the list of takes.")
    return head, action


class DUET_OT_duplicate_take(_OnTake, Undoable, bpy.types.Operator):
    """Copy the take with its settings and curves, and play the copy"""

    bl_idname = "duet.duplicate_take"
    bl_label = "Duplicate Take"

    def act(self, context: bpy.types.Context) -> None:
        """Copy its action and play that."""
        head, action = _chosen(context.scene)
        copy = action.copy()
        copy.use_fake_user, duet_of(copy).line = True, ""
        duet_of(copy).head = heads.ensure_id(head)
        revise.play(context.scene, head, copy)


class DUET_OT_remove_take(_OnTake, Undoable, bpy.types.Operator):
    """Remove the take that the head plays, with its curves and its line; else the next one in the list plays then"""

    bl_idname = "duet.remove_take"
    bl_label = "Remove Take"

    def act(self, context: bpy.types.Context) -> str:
        """Remove its action; its sound and life go too."""
        scene = context.scene
        head, action = _chosen(scene)
        line = lines.of(head, action)
        if line:
            line_edits.remove(scene, line)
        notes = [] if line else _next(scene, head, action)
        bpy.data.actions.remove(action)
        return " ".join(notes)


def _next(scene: bpy.types.Scene, head: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Let the head play another of its takes than this one, or nothing."""
    others = [other for other in takes.takes_of(head) if other != action]
    return revise.play(scene, head, others[0]) if others else revise.clear(scene, head, action)


class DUET_OT_update_speech(_OnTake, Stepped, bpy.types.Operator):
    """Write the speech curves of a long take anew, as articulation, smoothing, offset and start frame now say"""

    bl_idname = "duet.update_speech"
    bl_label = "Update Speech"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context) -> Work:
        """Write them in steps."""
        RUNTIME.exclusive = True
        head, action = _chosen(context.scene)
        name = action.name
        notes = yield from follow(revise.update_steps(context.scene, head, action), "Writing curves")
        return " ".join([f"The curves of '{name}' are written anew.", *notes])


class DUET_OT_regenerate(_OnTake, Stepped, bpy.types.Operator):
    """Let the engine animate the take's recording again, all of it or a range of frames; its settings stay"""

    bl_idname = "duet.regenerate"
    bl_label = "Generate Again"
    bl_options = {"UNDO"}

    part: bpy.props.EnumProperty(name="Part", items=_PARTS, description="What is generated again")

    def work(self, context: bpy.types.Context) -> Work:
        """Animate all of the recording, for context, and use the part."""
        scene, duet = context.scene, duet_of(context.scene)
        head, action = _chosen(scene)
        heads.require_current(head)
        group, names = duet_of(action), (scene.name, head.name, action.name)
        frames = (duet.range_start, duet.range_end) if self.part == "RANGE" else None
        if frames:
            regenerate.require_range(scene, action, *frames)
        stored = takes.read(action).take
        request = GenerateRequest(stored.fps, group.style, str(stored.request.get("audio", "audio")))
        path, border = whole(group.audio), duet.border
        samples = yield from follow(sound.decode_steps(path, group.trim_start, group.trim_end), "Reading sound")
        take = yield from ask(context, request, samples)
        RUNTIME.exclusive = True
        scene, head, action = (
            found.get(name)
            for found, name in zip((bpy.data.scenes, bpy.data.objects, bpy.data.actions), names, strict=True)
        )
        if scene is None or action is None or takes.active(head) != action:
            raise HeadError(f"The take '{names[2]}' was removed or renamed while Duet worked.", "Generate again.")
        steps = regenerate.apply_steps(scene, head, action, take, frames, border)
        notes = yield from follow(steps, "Animating")
        return " ".join([f"'{names[2]}' is generated again.", *notes])


class DUET_OT_bake_plain(_OnTake, Stepped, bpy.types.Operator):
    """Bake speech and emotions to keys alone, without drivers, leaving out keys within the tolerance; the take stays"""

    bl_idname = "duet.bake_plain"
    bl_label = "Bake to Plain Keys"
    bl_options = {"UNDO"}

    part: bpy.props.EnumProperty(name="Part", items=_LINES, description="Whether one line is meant, or all")

    def work(self, context: bpy.types.Context) -> Work:
        """Thin and write in steps."""
        RUNTIME.exclusive = True
        scene = context.scene
        head, action = _chosen(scene)
        name = action.name
        if self.part == "ALL" and lines.on(head):
            every = yield from follow(plain.bake_lines_steps(scene, head, duet_of(scene).tolerance), "Thinning keys")
            keys, full = sum(each.keys for each in every), sum(each.full for each in every)
            return f"{len(every)} lines: {keys} keys instead of {full}. Their takes are kept in the list."
        made = yield from follow(plain.bake_steps(scene, head, duet_of(scene).tolerance), "Thinning keys")
        text = f"'{made.action.name}': {made.keys} keys instead of {made.full}, within {made.error:.3f} mm."
        return " ".join([text, f"The take '{name}' is kept in the list.", *made.notes])


class DUET_OT_mute_life(Reasoned, bpy.types.Operator):
    """Mute or unmute blinks, eye darts, head motion and breaths, which play from NLA tracks of their own"""

    bl_idname = "duet.mute_life"
    bl_label = "Mute Life"
    bl_options = {"UNDO"}

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether the head has any."""
        head = choice.target_head(context.scene)
        alive = head is not None and life.tracks_of(head)
        return "" if alive else "The head has no life yet. Generate a take, and switch some on."

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn all tracks as the first is not."""
        tracks = life.tracks_of(choice.target_head(context.scene))
        mute = not tracks[0].mute
        for track in tracks:
            track.mute = mute
        return {"FINISHED"}


CLASSES = (
    DUET_OT_duplicate_take,
    DUET_OT_remove_take,
    DUET_OT_update_speech,
    DUET_OT_regenerate,
    DUET_OT_bake_plain,
    DUET_OT_mute_life,
)
