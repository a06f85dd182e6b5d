"""Jobs become files, one after the other, with one worker for all of them."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...inference import c_stdout
from ...inference.arrays import Floats
from ...inference.audio.checks import SAMPLE_RATE
from ...inference.audio.decode import load_audio
from ...inference.audio.loudness import envelope, pauses
from ...inference.client.client import WorkerClient, worker_command
from ...inference.errors import AudioError, DuetError, WorkerError
from ...inference.flame.fit import flame_motion
from ...inference.flame.gaussian import write_gaussian
from ...inference.formats.exports import prepare_output, write_json, write_npz
from ...inference.formats.livelink import write_livelink_csv
from ...inference.formats.timecode import exact_rate
from ...inference.head.canonical import load_head
from ...inference.performance.face import FaceCurves
from ...inference.take import Take
from . import portrait
from .flame import FlameModels
from .jobs import Job

ROOT = Path(__file__).resolve().parents[2]
Progress = Callable[[float, str], None]
_WRITERS: dict[str, Callable[[Path, Take], None]] = {
    ".npz": write_npz,
    ".csv": write_livelink_csv,
    ".json": write_json,
}
MAX_VERTICES = 4 << 30  # bytes
FLAME = ".flame.npz"  # FLAME coefficients, for GaussianAvatars


@dataclass(frozen=True)
class Made:
    """What came of a job: frames, the weights' id, what the user should know, and what it took."""

    frames: int
    model: str
    notes: Sequence[str] = ()
    seconds: float = 0.0  # of work


@dataclass(frozen=True)
class Outcome:
    """A job that has ended."""

    job: Job
    result: Made | DuetError


class Runner:
    """One warm worker."""

    def __init__(self, engine: str, device: str) -> None:
        self._client = WorkerClient(*worker_command(ROOT, engine=engine, device=device))
        self._models = FlameModels(self._client)

    def run(self, job: Job, on_progress: Progress | None = None) -> Made:
        """Do the job; raises the DuetError that it failed with."""
        began = time.monotonic()
        prepare_output(job.output)  # before the work, so that none is lost
        take, loudness = self.take(job, on_progress)
        face = FaceCurves(take, job.spoken, pauses=pauses(loudness))
        notes = job.performance.unseen(take.frame_count / take.fps)
        if job.is_bake:
            notes += _bake(job, take, loudness, on_progress)
        else:
            self._write(job, face)
        if job.picture:
            portrait.draw(face, portrait.loudest_vowel(face, loudness), job.picture)
        return Made(take.frame_count, take.model_id, notes, time.monotonic() - began)

    def take(self, job: Job, on_progress: Progress | None = None) -> tuple[Take, Floats]:
        """What the engine makes of the job's recording, and where that is loud; raises its DuetError."""
        request = job.request(_base_rate(job))
        samples = _trimmed(job, request.fps)
        if job.vertices:
            _check_vertices(job, len(samples) / SAMPLE_RATE * request.fps)
        return self._client.run(request, samples, on_progress), envelope(samples, SAMPLE_RATE)

    def _write(self, job: Job, face: FaceCurves) -> None:
        """Write the face in the output's format; coefficients and vertices are computed for those that have them."""
        if not job.output.name.lower().endswith(FLAME):
            take = face.performed(arkit=True, vertices=job.vertices)
            _WRITERS[job.output.suffix.lower()](job.output, take)
            return
        model, binding = self._models.of(job.flame)
        motion, _ = flame_motion(face.names, face.weights, face.fps, model, binding, face.turns)
        write_gaussian(job.output, motion, model)

    def outcome(self, job: Job, on_progress: Progress | None = None) -> Outcome:
        """The job done, or the one error that it alone failed with, whatever that was."""
        try:
            return Outcome(job, self.run(job, on_progress))
        except DuetError as error:
            return Outcome(job, error)
        except Exception as error:  # the others may do better
            return Outcome(job, unforeseen(job.audio, error))

    def close(self) -> None:
        """End the worker."""
        self._client.close()


def unforeseen(path: Path, error: Exception) -> DuetError:
    """What nobody has thought of, as an error of the file that it came with."""
    if isinstance(error, MemoryError):
        return WorkerError(f"There is not enough memory for '{path}'.", "Close other programs, or cut it into parts.")
    return WorkerError(f"'{path}' failed with {type(error).__name__}: {error}.", "Please report it.")


def run_here(
    jobs: list[Job], engine: str, device: str, progress: Callable[[Job], Progress | None]
) -> Iterator[Outcome]:
    """The outcomes of the jobs, in order, worked off in this process."""
    runner = Runner(engine, device)
    try:
        for job in jobs:
            yield runner.outcome(job, progress(job))
    finally:
        runner.close()


def _trimmed(job: Job, fps: float) -> Floats:
    """The samples (N,) at SAMPLE_RATE that are spoken, from a whole frame on; raises AudioError."""
    own = job.performance
    whole = _load(job.audio)
    samples = whole[round(own.begin(fps) * SAMPLE_RATE) : round(own.trim_end * SAMPLE_RATE) or None]
    if len(whole) and not len(samples):
        raise AudioError(f"Nothing is left of '{job.audio}' between the trims.", "Change --trim-start or --trim-end.")
    return samples


def _base_rate(job: Job) -> float | None:
    """The rate of the job's base where none was asked for."""
    if job.base is None or job.fps is not None or job.output.suffix.lower() in _WRITERS:
        return None
    with c_stdout.sent_to(2):
        from ...scene import files

        return float(exact_rate(files.frame_rate(job.base)))


def _check_vertices(job: Job, frames: float) -> None:
    """Raise AudioError where the vertices of so many frames would take more memory than Duet gives them."""
    size = frames * load_head().vertices.nbytes
    if size > MAX_VERTICES:
        message = f"The vertices of '{job.audio}' are {size / (1 << 30):.1f} GB; Duet takes {MAX_VERTICES >> 30}."
        raise AudioError(message, "Cut it into parts, or leave out --vertices: they follow from the weights.")


def _bake(job: Job, take: Take, loudness: Floats, on_progress: Progress | None) -> Sequence[str]:
    """Write the .blend, or the video; return notes for the user."""
    with c_stdout.sent_to(2):  # Blender prints there as it starts, and what it saves
        from ...scene import bake_file, preview_file
        from ...scene.take.settings import Order

        order = Order(job.spoken, job.start, loudness, not job.keep, job.plain)
        if job.output.suffix.lower() == ".blend":
            return tuple(bake_file(job.audio, take, job.output, job.base, job.head, order) or ())

        def drawn(share: float) -> None:
            if on_progress:
                on_progress(share, "Drawing")

        return tuple(preview_file(job.audio, take, job.output, job.base, job.head, order, drawn))


def _load(path: Path) -> Floats:
    """The recording, decoded by libsndfile, or by Blender where that is not installed."""
    if importlib.util.find_spec("soundfile"):
        return load_audio(path)
    if not importlib.util.find_spec("bpy"):
        raise AudioError(f"'{path}' cannot be decoded: soundfile is not installed.", "Run `make setup`.")
    with c_stdout.sent_to(2):
        from ...scene.take import sound

        return sound.decode(path)
