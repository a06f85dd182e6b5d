"""Cancel: end the running job."""

from __future__ import annotations

import bpy

from .session import RUNTIME


class DUET_OT_cancel(bpy.types.Operator):
    """End the running job; the scene stays as it is"""

    bl_idname = "duet.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a job."""
        if not RUNTIME.busy:
            cls.poll_message_set("Nothing is running.")
        return RUNTIME.busy

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the worker to stop; the operator that waits for it tells when it has."""
        RUNTIME.cancel()
        return {"FINISHED"}


CLASSES = (DUET_OT_cancel,)
