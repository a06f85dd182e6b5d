"""The worker's part of an operator's work: a request goes out, a take comes back."""

from __future__ import annotations

from collections.abc import Generator

import bpy

from ..inference.arrays import Floats
from ..inference.bound import Binding, BindRequest
from ..inference.client.client import Bound, Event, Failed, Result
from ..inference.errors import CancelledError
from ..inference.take import GenerateRequest, Take
from .session import RUNTIME


def ask(context: bpy.types.Context, request: GenerateRequest, samples: Floats) -> Generator[float | None, None, Take]:
    """The take of samples (N,), while Blender goes on; raises DuetError as the worker or its end tells it."""
    RUNTIME.submit(context, request, samples)
    last = yield from _last_event()
    if not isinstance(last, Result):
        raise CancelledError("Cancelled: the scene is as it was.")
    return last.take


def ask_binding(context: bpy.types.Context, request: BindRequest) -> Generator[float | None, None, Binding]:
    """The binding of a mesh, while Blender goes on; raises DuetError as the worker or its end tells it."""
    RUNTIME.submit_binding(context, request)
    last = yield from _last_event()
    if not isinstance(last, Bound):
        raise CancelledError("Cancelled: the scene is as it was.")
    return last.binding


def _last_event() -> Generator[float | None, None, Event | None]:
    """The event that ends the job; None where the worker was closed, as new preferences do."""
    news: list[Event] = []
    try:
        while RUNTIME.job is not None:
            news = RUNTIME.poll()
            if RUNTIME.job is not None:
                yield None
    finally:
        RUNTIME.cancel_job()
    last = news[-1] if news else None
    if isinstance(last, Failed):
        raise last.error
    return last
