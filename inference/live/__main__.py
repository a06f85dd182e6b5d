"""`duet live`: from a microphone, raw samples or a recording to a face, frame by frame, while it is spoken.

Runs in a process of its own, as `python -s -m inference.live`, with one BLAS thread: its products are small.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..engine.fusion_numpy import FusionEncoderNumpy
from ..engine.models import load_models
from ..engine.shaping import Shaping, on_head
from ..engine.smoothing import Smoothing
from ..engine.speech_numpy import SpeechNumpy
from ..engine.threads import Team
from ..errors import DuetError, RequestError
from ..head.blendshapes import Blendshapes, load_blendshapes
from ..head.canonical import load_head
from ..head.lips import lips_of
from ..head.retarget import ArkitSolver
from ..take import DEFAULT_STYLE, MAX_FPS, MAX_INTENSITY, MIN_FPS, STYLES
from . import sinks, sources
from .encoder import LiveEncoder, LiveSpeech
from .face import Emotions, Frame, LiveFace
from .listener import LOOK_AHEAD, STEP, Listener

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
_LEAST_AHEAD = STEP / 50
_ITERATIONS = 60  # of the solver: a frame or two begin near their end, and come within 0.003 of what 200 give


def main(argv: Sequence[str] | None = None) -> int:
    """Run until the sound ends; the exit code is 0, 1 for an error, 130 where it was interrupted."""
    options = parser().parse_args(argv)
    try:
        listener, face, names = loaded(options)
        send = sinks.opened(options.format, options.to, options.fps, options.subject, names)
        source = sources.opened(options.source, options.rate, options.device, options.speed)
        perform(source.chunks(), listener, face, send)
    except DuetError as error:
        print(f"duet: error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the lines has gone
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


def perform(
    chunks: Iterable[Floats | float], listener: Listener, face: LiveFace, send: Callable[[Frame], None]
) -> None:
    """Send each frame as soon as it is known, and the last ones with silence after them."""
    for chunk in chunks:
        for frame in face.miss(chunk) if isinstance(chunk, float) else face.show(listener.hear(chunk)):
            send(frame)
    for frame in face.show(listener.rest()):
        send(frame)


def loaded(options: argparse.Namespace) -> tuple[Listener, LiveFace, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The listener, the face and the names of speech keys and ARKit shapes; raises WeightsError, RequestError."""
    head, shapes = load_head(WEIGHTS / "head.safetensors"), load_blendshapes(WEIGHTS / "fusion.safetensors")
    models = load_models(WEIGHTS)
    shaping = Shaping(*on_head(models, head), FusionEncoderNumpy(models.fusion_encoder("speech"), models.fusion_dims))
    styles = models.speech.json("styles")
    if options.style not in styles:
        raise RequestError(f"There is no speaking style '{options.style}'.", f"Choose from: {', '.join(styles)}.")
    model = SpeechNumpy(models.speech.floats("model."), models.speech_dims, Team(1))
    speech = LiveSpeech(model, styles.index(options.style), Smoothing(models.rig.channels))
    encoder = LiveEncoder(models.encoder_weights, models.encoder_dims)
    listener = Listener(encoder, speech, shaping.contact, options.look_ahead / 1000)
    solver = None
    if options.format != "blender":
        basis = np.concatenate([shapes.speech_basis, shapes.expression_basis])
        solver = ArkitSolver(head.arkit, basis, iterations=_ITERATIONS, lips=lips_of(head))
    face = LiveFace(
        shaping.weights,
        emotions_of(shapes, dict(options.emotion)),
        options.fps,
        solver,
        options.articulation,
    )
    return listener, face, (shapes.speech_names, head.arkit_names)


def emotions_of(shapes: Blendshapes, sliders: dict[str, float]) -> Emotions:
    """The emotions of these names at these intensities; raises RequestError for one that there is not."""
    unknown = [name for name in sliders if name not in shapes.emotions]
    if unknown:
        raise RequestError(f"There is no emotion '{unknown[0]}'.", f"Choose from: {', '.join(shapes.emotions)}.")
    rows = [shapes.emotions.index(name) for name in sliders]
    values = np.array(list(sliders.values()), np.float32)
    return Emotions(values, shapes.emotion_weights[rows], shapes.emotion_opening[rows])


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    found = argparse.ArgumentParser(prog="duet live", description="A face while it is spoken, frame by frame.")
    found.add_argument("source", help="- for raw 16-bit mono samples on stdin, mic, or a recording at its own pace")
    found.add_argument("--rate", type=_number(int, *sources.RATES), default=16_000, help="of stdin, in Hz (16000)")
    found.add_argument("--device", help="the microphone, by name or number (the system's)")
    found.add_argument("--format", choices=sinks.FORMATS, default="json", help="JSON lines on stdout, or UDP packets")
    found.add_argument("--to", default="", metavar="HOST:PORT", help="for packets (this machine, 11111 or 11112)")
    found.add_argument("--subject", default="Duet", help="the face's name in Live Link (Duet)")
    found.add_argument("--fps", type=_number(float, MIN_FPS, MAX_FPS), default=30.0, help="frames a second (30)")
    ahead = _number(float, 1000 * _LEAST_AHEAD, 1000 * LOOK_AHEAD)
    found.add_argument("--look-ahead", type=ahead, default=1000 * LOOK_AHEAD, metavar="MS", help="40 to 200 (200)")
    found.add_argument("--style", default=DEFAULT_STYLE, help=f"speaking style: {', '.join(STYLES)}")
    articulation = _number(float, 0.0, MAX_INTENSITY)
    found.add_argument("--articulation", type=articulation, default=1.0, help="0 a still mouth, 1 as spoken")
    found.add_argument("--emotion", action="append", type=_emotion, default=[], metavar="NAME=NUMBER")
    found.add_argument("--speed", type=_number(float, 0.1, 1000.0), default=1.0, help="of a recording's own pace (1)")
    return found


def _number(kind: Callable[[str], float], least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least:g} to {most:g}")
        return value

    return read


def _emotion(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, _number(float, 0.0, MAX_INTENSITY)(value)


if __name__ == "__main__":
    sys.exit(main())
