"""Import Live Link Face: a recording of the app, or of Duet, on an ARKit head, for comparison."""

# mypy: disable-error-code="valid-type"

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ..inference.errors import DuetError
from ..inference.livelink import read_livelink_csv
from ..scene import livelink
from .export_head import NO_FACE, exported
from .reasons import Reasoned


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
        """Read the file and key the head."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            take = read_livelink_csv(path, self.fps or None)
            notes = livelink.apply_livelink(context.scene, exported(context), take, path, self.start_frame)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, " ".join(notes))
        return {"FINISHED"}


CLASSES = (DUET_OT_import_livelink,)
