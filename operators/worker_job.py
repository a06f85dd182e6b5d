"""The worker's part of an operator's work: a request goes out, a take comes back."""

from __future__ import annotations

from collections.abc import Generator

import bpy

from ..inference.client import Event, Failed, Result
from ..inference.errors import CancelledError
from ..inference.take import Floats, GenerateRequest, Take
from .runtime import RUNTIME


def ask(context: bpy.types.Context, request: GenerateRequest, samples: Floats) -> Generator[float | None, None, Take]:
    """The take of samples (N,), while Blender goes on; raises DuetError as the worker or its end tells it."""
    RUNTIME.submit(context, request, samples)
    news: list[Event] = []
    try:
        while RUNTIME.job is not None:
            news = RUNTIME.poll()
            if RUNTIME.job is not None:
                yield None
    finally:
        RUNTIME.cancel_job()
    last = news[-1] if news else None  # none where the worker was closed, as new preferences do
    if isinstance(last, Failed):
        raise last.error
    if not isinstance(last, Result):
        raise CancelledError("Cancelled: the scene is as it was.")
    return last.take
