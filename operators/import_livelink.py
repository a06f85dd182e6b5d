"""Import Live Link Face: a recording of the app, or of Duet, on an ARKit head, for comparison."""

# mypy: disable-error-code="valid-type"

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ..inference.formats.livelink import read_livelink_steps
from ..inference.steps import Steps
from ..scene.blender.loose import duet_of
from ..scene.blender.paths import whole
from ..scene.targets import livelink
from .export_head import NO_FACE, exported
from .modal import Stepped, Work, follow, hand_over, run_now
from .poll import Reasoned
from .session import RUNTIME


class DUET_OT_import_livelink(Reasoned, ImportHelper, bpy.types.Operator):
    """Play a Live Link Face recording on the ARKit shape keys of the head, in an action of its own"""

    bl_idname = "duet.import_livelink"
    bl_label = "Import Live Link Face (.csv)"
    bl_options = {"UNDO"}

    filename_ext = ".csv"
    filter_glob: bpy.props.StringProperty(default="*.csv", options={"HIDDEN"})
    start_frame: bpy.props.IntProperty(
        name="Start Frame", default=1, description="The frame of the scene at which the recording begins"
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate",
        default=0.0,
        min=0.0,
        max=240.0,
        precision=3,
        description="Frames per second of the recording; 0 reads it off the timecode",
    )

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is a head."""
        return "" if exported(context) else NO_FACE

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file selector."""
        self.start_frame = context.scene.frame_start
        return set(super().invoke(context, event))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the file and key the head: in steps after the file selector, at once for a script."""
        path = whole(self.filepath)  # type: ignore[attr-defined]  # the file selector's
        values = {"filepath": str(path), "start_frame": self.start_frame, "fps": self.fps}
        if self.options.is_invoke and not bpy.app.background:
            return hand_over(self, bpy.ops.duet.import_read, **values)  # type: ignore[attr-defined]
        return run_now(self, _steps(context, path, self.start_frame, self.fps))


def _steps(context: bpy.types.Context, path: Path, start: int, fps: float) -> Steps[str]:
    """Read and apply; raises DuetError."""
    target, lift = exported(context), duet_of(context.scene).clear_way
    take = yield from read_livelink_steps(path, fps or None)
    return " ".join((yield from livelink.apply_steps(context.scene, target, take, path, start, lift)))


class DUET_OT_import_read(Stepped, bpy.types.Operator):
    """Read the recording that was chosen, while Blender shows how far it is"""

    bl_idname = "duet.import_read"
    bl_label = "Read Recording"
    bl_options = {"INTERNAL", "UNDO"}

    filepath: bpy.props.StringProperty(description="The file to read")
    start_frame: bpy.props.IntProperty(description="The frame of the scene at which the recording begins")
    fps: bpy.props.FloatProperty(description="Frames per second of the recording; 0 reads it off the timecode")

    def work(self, context: bpy.types.Context) -> Work:
        """The file selector has closed: from here on errors are shown as reports."""
        path, start, fps = Path(self.filepath), self.start_frame, self.fps
        RUNTIME.exclusive, RUNTIME.stage = True, f"Reading {path.name}"
        yield None
        return (yield from follow(_steps(context, path, start, fps), f"Reading {path.name}"))


CLASSES = (DUET_OT_import_livelink, DUET_OT_import_read)
