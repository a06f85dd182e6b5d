"""An operator that waits for the worker without blocking Blender's window."""

from __future__ import annotations

import time
from collections.abc import Callable

import bpy

from ..inference.client import Event, Failed, Result
from ..inference.errors import CancelledError, DuetError
from ..inference.take import Floats, GenerateRequest, Take
from .runtime import RUNTIME

_INTERVAL = 0.1  # seconds between looks at the worker
_WAIT = 0.02  # the same where nobody looks on


class WorkerJob:
    """Mixin: `prepare` says what the worker is to do, `finish` takes the result; Esc cancels.

    Invoked, the operator is modal; executed, as in background mode, it waits.
    """

    _timer: bpy.types.Timer | None = None
    report: Callable[[set[str], str], None]  # the operator's

    def prepare(self, context: bpy.types.Context) -> tuple[GenerateRequest, Floats]:
        """The request and its samples (N,); raises DuetError."""
        raise NotImplementedError

    def finish(self, context: bpy.types.Context, take: Take) -> str:
        """Use the take and return a message for the user; raises DuetError."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run the job and wait for it."""
        try:
            RUNTIME.submit(context, *self.prepare(context))
        except DuetError as error:
            return self._fail(error)
        news: list[Event] = []
        while RUNTIME.busy:
            news = RUNTIME.poll()
            time.sleep(_WAIT)
        return self._end(context, news)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start the job and go on while it runs."""
        try:
            RUNTIME.submit(context, *self.prepare(context))
        except DuetError as error:
            return self._fail(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_INTERVAL, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the job; everything but Esc is left to Blender."""
        if event.type == "ESC" and event.value == "PRESS":
            RUNTIME.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        news = RUNTIME.poll()
        if RUNTIME.busy:
            show(context, f"Duet: {RUNTIME.stage} {RUNTIME.fraction:.0%}   Esc: cancel")
            return {"PASS_THROUGH"}
        self._stop(context)
        return self._end(context, news)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is opened."""
        RUNTIME.close()
        self._stop(context)

    def _end(self, context: bpy.types.Context, news: list[Event]) -> set[str]:
        """Use the last event of the job; there is none where the worker was closed, as new preferences do."""
        last = news[-1] if news else None
        try:
            if isinstance(last, Failed):
                raise last.error
            if not isinstance(last, Result):
                raise CancelledError("Cancelled: the scene is as it was.")
            self.report({"INFO"}, self.finish(context, last.take))
        except DuetError as error:
            return self._fail(error)
        return {"FINISHED"}

    def _fail(self, error: DuetError) -> set[str]:
        self.report({"INFO" if isinstance(error, CancelledError) else "ERROR"}, str(error))
        return {"CANCELLED"}

    def _stop(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        show(context, None)


def show(context: bpy.types.Context, text: str | None) -> None:
    """Put the text into the status bar, and have the sidebars drawn anew."""
    context.workspace.status_text_set(text)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()
