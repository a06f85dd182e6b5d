"""The worker's lifetime, and what the sidebar shows of the running job."""

from __future__ import annotations

import atexit
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..inference.arrays import Floats
from ..inference.audio.checks import SAMPLE_RATE
from ..inference.bound import BindRequest
from ..inference.client.client import Event, Failed, Hello, Progress, WorkerClient, worker_command
from ..inference.take import GenerateRequest
from ..scene.blender.loose import Group

PACKAGE = __package__.rpartition(".")[0]  # bl_ext.<repository>.duet in Blender, else duet
LOG = logging.getLogger("duet")  # written by log.py
LOG.addHandler(logging.NullHandler())
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class EngineChoice:
    """What the preferences say about the worker: engine auto, numpy or torch; device; interpreter, empty for none."""

    engine: str = "auto"
    device: str = "auto"
    python: str = ""

    def command(self) -> tuple[list[str], dict[str, str]]:
        """The worker's command and environment. The embedded engine always runs on Blender's own Python."""
        python = sys.executable if self.engine == "numpy" else bpy.path.abspath(self.python) or None
        return worker_command(_ROOT, python, self.engine, self.device)


def preferences(context: bpy.types.Context) -> Group | None:
    """Duet's preferences; None where its code runs without being enabled as an extension."""
    addon: bpy.types.Addon | None = context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon else None


def engine_choice(context: bpy.types.Context) -> EngineChoice:
    """The choice in the preferences."""
    chosen = preferences(context)
    return EngineChoice(chosen.engine, chosen.device, chosen.python) if chosen else EngineChoice()


class Runtime:
    """One warm worker and at most one job."""

    def __init__(self) -> None:
        self._client: WorkerClient | None = None
        self._choice: EngineChoice | None = None
        self.job: int | None = None  # of the worker
        self._at_work = False
        self.cancelled = False  # the user has asked for it
        self.exclusive = False  # the file is being changed: clicks and keys wait
        self.pending: object | None = None  # a result whose head could not take it
        self.fraction = 0.0
        self.stage = ""
        self.hello: Hello | None = None

    @property
    def busy(self) -> bool:
        """Whether an operator is at work."""
        return self._at_work

    def begin(self) -> None:
        """An operator goes to work; `end` must follow."""
        self._at_work, self.cancelled, self.exclusive = True, False, False
        self.fraction, self.stage = 0.0, "starting"

    def end(self) -> None:
        """The operator is done."""
        self._at_work = self.exclusive = self.cancelled = False
        self.job = None

    @property
    def description(self) -> str:
        """What the worker said it runs on; empty before it has said so."""
        return f"{self.hello.engine} on {self.hello.device}, model {self.hello.model_id}" if self.hello else ""

    def submit(self, context: bpy.types.Context, request: GenerateRequest, samples: Floats) -> None:
        """Start a job; raises RequestError while another one runs, WorkerError where the worker cannot start."""
        LOG.info("Animating '%s': %.1f s", request.audio, len(samples) / SAMPLE_RATE)
        self.job = self._worker(context).submit(request, samples)
        self.fraction, self.stage = 0.0, "Starting the engine"

    def submit_binding(self, context: bpy.types.Context, request: BindRequest) -> None:
        """Start binding a mesh; raises as `submit` does."""
        LOG.info("Binding a mesh")
        self.job = self._worker(context).submit_binding(request)
        self.fraction, self.stage = 0.0, "Starting the engine"

    def _worker(self, context: bpy.types.Context) -> WorkerClient:
        """The worker that the preferences ask for; one that they no longer ask for is ended."""
        choice = engine_choice(context)
        if self._client is None or choice != self._choice:
            self.close()
            self._client, self._choice = WorkerClient(*choice.command()), choice
        return self._client

    def poll(self) -> list[Event]:
        """The job's news, kept as progress as well; its last event also frees the runtime for the next job."""
        events = self._client.poll() if self._client else []
        for event in events:
            if isinstance(event, Hello):
                self.hello = event
                LOG.info("The worker runs: %s", self.description)
            elif isinstance(event, Progress):
                self.fraction, self.stage = event.fraction, event.stage
            else:
                self.job = None
            if isinstance(event, Failed):
                LOG.error("%s\n%s", event.error, event.traceback)
        return events

    def cancel(self) -> None:
        """Ask the work to end; the operator tells when it has."""
        self.cancelled = True
        self.cancel_job()

    def cancel_job(self) -> None:
        """Ask the worker's job, if there is one, to end; poll() tells when it has."""
        if self._client and self.job is not None:
            self._client.cancel(self.job)
            self.stage = "Cancelling"

    def close(self) -> None:
        """End the worker and forget its job."""
        if self._client:
            self._client.close()
        self._client = self.job = self.hello = None


RUNTIME = Runtime()
atexit.register(RUNTIME.close)
