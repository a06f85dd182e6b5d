"""Test Engine: a second of noise through the worker tells which engine, device and model answer."""

from __future__ import annotations

import time

import bpy
import numpy as np

from ..inference.audio.checks import SAMPLE_RATE
from ..inference.blas import note
from ..inference.take import GenerateRequest
from .modal import Stepped, Work
from .session import RUNTIME
from .worker_job import ask


class DUET_OT_test_engine(Stepped, bpy.types.Operator):
    """Start the worker as these preferences say, let it animate a second of noise, and tell what it runs on"""

    bl_idname = "duet.test_engine"
    bl_label = "Test Engine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the worker is free."""
        if RUNTIME.busy:
            cls.poll_message_set("Duet is at work. Wait for it, or cancel it.")
        return not RUNTIME.busy

    def work(self, context: bpy.types.Context) -> Work:
        """A second of quiet noise; what answered, and after how long."""
        begun = time.perf_counter()
        noise = np.random.default_rng(0).normal(0.0, 0.1, SAMPLE_RATE)
        yield from ask(context, GenerateRequest(audio="engine test"), noise.astype(np.float32))
        answer = f"{RUNTIME.description} answered in {time.perf_counter() - begun:.1f} s."
        return f"{answer} {note()}" if RUNTIME.hello and RUNTIME.hello.engine == "numpy" else answer


CLASSES = (DUET_OT_test_engine,)
