"""From samples to a Take: the stages of docs/architecture.md in order, on either engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..audio.checks import check_samples
from ..audio.mel import SAMPLE_RATE, frame_levels, loudest, mel_frame_count, normalised_mel
from ..audio.prosody import voice_curves
from ..checkpoints import MODEL_FILES, model_id
from ..errors import RequestError
from ..head.blendshapes import Blendshapes, load_blendshapes
from ..head.canonical import Head, load_head
from ..performance.curves import sample
from ..performance.silence import kept_from_speech, silence_around
from ..take import EMOTIONS, GenerateRequest, Take
from .engine import make_engine
from .lip_contact import LipContact
from .models import load_models
from .resample import frame_count, resample
from .shaping import Shaping
from .silence_gate import liveliness
from .windows import FRAME_RATE, Window, heard_rows, join, windows

Progress = Callable[[float, str], None]
_SPEECH_SHARE = 0.95  # of the progress bar


class Pipeline:
    """The loaded models. `progress(fraction, stage)` is called between chunks and may raise to stop the work."""

    def __init__(self, weights: Path, engine: str = "auto", device: str = "auto") -> None:
        """Load the weights folder; raises WeightsError or RequestError."""
        self.head: Head = load_head(weights / "head.safetensors")
        self.shapes: Blendshapes = load_blendshapes(weights / "fusion.safetensors")
        models = load_models(weights)
        self._engine = make_engine(models, engine, device)
        self.engine, self.device = self._engine.name, self._engine.device
        self.model_id = model_id(*(weights / f"{name}.safetensors" for name in MODEL_FILES))
        self._styles: tuple[str, ...] = tuple(models.speech.json("styles"))
        self.shaping = Shaping(models, self.head, self._engine.speech_weights)

    @property
    def contact(self) -> LipContact:
        """What keeps the rig's lips from passing each other."""
        return self.shaping.contact

    def generate(self, samples: Floats, request: GenerateRequest, progress: Progress) -> Take:
        """The take of samples (N,) at 16 kHz, as spoken; raises AudioError or RequestError, naming the recording."""
        samples = check_samples(samples, request.audio)
        channels = self.speech_channels(samples, request.style, progress)
        frames = frame_count(len(samples) / SAMPLE_RATE, request.fps)
        channels = np.clip(resample(channels, FRAME_RATE, request.fps, frames), 0.0, 1.0)
        channels[[0, -1]] = 0.0  # at rest, for they are held before and after
        speech = self.speech_weights(channels, progress)
        take = Take(
            fps=request.fps,
            speech_weights=speech,
            expression_weights=self.shapes.emotion_weights[: len(EMOTIONS)],
            emotion_opening=self.shapes.emotion_opening[: len(EMOTIONS)],
            emotion_curves=np.zeros((frames, len(EMOTIONS)), np.float32),
            silence=self._silence(samples, speech, request.fps),
            voice=voice_curves(samples, np.arange(frames) / request.fps),
            arkit=np.zeros((frames, 0), np.float32),
            speech_names=self.shapes.speech_names,
            expression_names=self.shapes.expression_names,
            emotions=EMOTIONS,
            arkit_names=(),
            model_id=self.model_id,
            request=request.to_json(),
        )
        progress(1.0, "Done")
        return take

    def _silence(self, samples: Floats, speech: Floats, fps: float) -> Floats:
        """(T,) of speech weights (T, Ks): 1 where the recording is silent, 0 where the face may speak or does."""
        levels = frame_levels(samples)
        silent = silence_around(liveliness(levels, loudest(levels)) > 0, FRAME_RATE)
        seconds = np.arange(len(speech)) / fps
        return kept_from_speech(sample(silent[:, None], FRAME_RATE, seconds)[:, 0], speech, fps)

    def speech_channels(self, samples: Floats, style_name: str, progress: Progress) -> Floats:
        """Rig channels (T, C) at 50 Hz of a recording, window by window.

        The face rests where the recording is silent, and lips that meet do not pass each other.
        """
        if style_name not in self._styles:
            raise RequestError(
                f"There is no speaking style '{style_name}'.", f"Choose from: {', '.join(self._styles)}."
            )
        style, count = self._styles.index(style_name), max(1, mel_frame_count(len(samples)) // 2)
        levels, cut = frame_levels(samples), windows(count)
        level = loudest(levels)

        def parts() -> Iterator[tuple[Window, Floats]]:
            for start in range(0, len(cut), self._engine.batch):
                progress(_SPEECH_SHARE * start / len(cut), "Listening")
                some = cut[start : start + self._engine.batch]
                mels = [normalised_mel(samples, 2 * each.start, 2 * each.stop, level) for each in some]
                yield from zip(some, self._engine.heard(mels, [heard_rows(each) for each in some], style), strict=True)

        channels = np.clip(join(parts(), count), 0.0, 1.0) * liveliness(levels, level)[:count, None]
        return self.in_contact(channels)

    def in_contact(self, channels: Floats) -> Floats:
        """Rig channels (T, C) in [0, 1] whose lips meet and do not pass each other."""
        return self.contact.hold(channels)

    def speech_weights(self, channels: Floats, progress: Progress) -> Floats:
        """w_A (T, Ks) of rig channels (T, C)."""
        return self.shaping.weights(
            channels, lambda share: progress(_SPEECH_SHARE + (1 - _SPEECH_SHARE) * share, "Shaping the face")
        )
