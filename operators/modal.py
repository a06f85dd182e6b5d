"""Operators whose work takes long: a generator of small steps, run between Blender's own events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import bpy

from ..inference.errors import CancelledError, DuetError
from ..inference.steps import finish
from .session import LOG, RUNTIME

Work = Generator[float | None, None, str]  # yields None where there is only to wait
INTERVAL = 0.03  # seconds between turns
_BUDGET = 0.05  # seconds of steps in one turn
_WAIT = 0.01  # seconds to wait where nobody looks on
_open: list[tuple[Work, bpy.types.Timer]] = []  # the work that is modal now, one at most


class Stepped:
    """Mixin: `work` does everything in steps and returns a message for the user; Esc cancels.

    Invoked, the operator is modal; executed, as in background mode, it waits. While RUNTIME.exclusive is set, the
    file is being changed, and clicks and keys wait as well.
    """

    _timer: bpy.types.Timer | None = None
    _work: Work
    _shown = ""
    report: Callable[[set[str], str], None]  # the operator's

    def work(self, context: bpy.types.Context) -> Work:
        """The steps; raises DuetError."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do the work and wait for it."""
        self._work = self.work(context)
        RUNTIME.begin()
        while True:
            try:
                if next(self._work) is None:
                    time.sleep(_WAIT)
            except (StopIteration, DuetError) as end:
                return self._end(end)
            except BaseException:
                RUNTIME.end()
                raise

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start the work and go on while Blender lives."""
        self._work = self.work(context)
        RUNTIME.begin()
        try:  # the first step at once: what is wrong from the beginning is said on the click
            next(self._work)
        except (StopIteration, DuetError) as end:
            return self._end(end)
        except BaseException:
            RUNTIME.end()
            raise
        manager = context.window_manager
        self._timer = manager.event_timer_add(INTERVAL, window=context.window)
        manager.modal_handler_add(self)  # type: ignore[arg-type]  # a mixin of operators
        _open.append((self._work, self._timer))
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Do some steps; everything but Esc is left to Blender, unless the file is being changed."""
        if event.type == "ESC" and event.value == "PRESS":
            RUNTIME.cancel()
        elif event.type != "TIMER":
            return {"RUNNING_MODAL"} if RUNTIME.exclusive else {"PASS_THROUGH"}
        try:
            self._turn()
        except (StopIteration, DuetError) as end:
            self._stop(context)
            return self._end(end)
        except BaseException:
            LOG.exception("%s failed", type(self).__name__)
            self._stop(context)
            RUNTIME.end()
            raise
        text = f"Duet: {RUNTIME.stage} {RUNTIME.fraction:.0%}   Esc: cancel"
        if text != self._shown:
            show(context, text)
            self._shown = text
        return {"RUNNING_MODAL"} if RUNTIME.exclusive else {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is opened."""
        self._work.close()
        RUNTIME.close()
        RUNTIME.end()
        self._stop(context)

    def _turn(self) -> None:
        """Steps until the budget is spent or there is only to wait; raises StopIteration with the message."""
        if RUNTIME.cancelled and RUNTIME.job is None:
            self._work.close()  # puts back what it has changed
            raise CancelledError("Cancelled: the scene is as it was.")
        begun = time.perf_counter()
        while time.perf_counter() - begun < _BUDGET:
            if next(self._work) is None:
                return

    def _end(self, end: BaseException) -> set[str]:
        RUNTIME.end()
        if isinstance(end, StopIteration):
            self.report({"INFO"}, str(end.value))
            return {"FINISHED"}
        LOG.warning("%s: %s", type(self).__name__, end)
        self.report({"INFO" if isinstance(end, CancelledError) else "ERROR"}, str(end))
        return {"CANCELLED"}

    def _stop(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        _open.clear()
        show(context, None)


def close() -> None:
    """Give up what is modal, and put back what it has changed: Blender tells no operator that it is unregistered."""
    for work, timer in _open:
        work.close()
        bpy.context.window_manager.event_timer_remove(timer)
        show(bpy.context, None)
    _open.clear()
    RUNTIME.end()


def hand_over(
    operator: bpy.types.Operator, start: Callable[..., set[str]], how: str = "INVOKE_DEFAULT", **values: object
) -> set[str]:
    """Let another operator of Duet's do the work, and report its error: raised here, it would come with a traceback."""
    try:
        said = start(how, **values)
    except RuntimeError as error:
        operator.report({"ERROR"}, str(error).strip().removeprefix("Error: "))
        return {"CANCELLED"}
    return {"CANCELLED"} if "CANCELLED" in said else {"FINISHED"}


def run_now(operator: bpy.types.Operator, steps: Generator[float, None, str]) -> set[str]:
    """All steps of an operator that a script calls, with their message or error reported."""
    try:
        said = finish(steps)
    except DuetError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    operator.report({"INFO"}, said)
    return {"FINISHED"}


def show(context: bpy.types.Context, text: str | None) -> None:
    """Put the text into the status bar, and have the sidebars drawn anew: not the 3D views, which takes long."""
    context.workspace.status_text_set(text)
    redraw_sidebars(context)


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Have the sidebars and the preferences drawn anew."""
    shown = {"VIEW_3D": "UI", "PREFERENCES": "WINDOW"}
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == shown.get(area.type):
                    region.tag_redraw()


def follow(steps: Generator[float, None, Any], stage: str) -> Generator[float | None, None, Any]:
    """The steps of `scene`, shown as this stage; returns their result."""
    RUNTIME.stage, RUNTIME.fraction = stage, 0.0
    try:
        while True:
            RUNTIME.fraction = next(steps)
            yield RUNTIME.fraction
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()
