"""From samples to a Take: the stages of docs/architecture.md in order, on either engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..audio.checks import check_samples
from ..audio.mel import SAMPLE_RATE, LogMel
from ..audio.prosody import voice_curves
from ..checkpoints import MODEL_FILES, model_id, of_this_version
from ..errors import RequestError
from ..head.blendshapes import Blendshapes, load_blendshapes, names_and_emotions
from ..head.canonical import Head, load_head
from ..performance.curves import sample
from ..performance.silence import kept_from_speech, silence_around
from ..take import EMOTIONS, GenerateRequest, Take
from .engine import make_engine
from .lip_contact import LipContact
from .models import load_models
from .resample import frame_count, resample
from .shaping import Shaping, on_head
from .silence_gate import liveliness
from .smoothing import Smoothing
from .windows import FRAME_RATE, Window, heard_rows, join, windows

Progress = Callable[[float, str], None]
_SPEECH_SHARE = 0.95  # of the progress bar


class Pipeline:
    """The loaded models. `progress(fraction, stage)` is called between chunks and may raise to stop the work."""

    def __init__(self, weights: Path, engine: str = "auto", device: str = "auto") -> None:
        """Load the weights folder; raises WeightsError or RequestError."""
        models = load_models(weights)
        with of_this_version(models.fusion.path):
            self._speech_names, self._expression_names, _, felt, opening = names_and_emotions(models.fusion)
        self._emotion_weights, self._emotion_opening = felt[: len(EMOTIONS)], opening[: len(EMOTIONS)]
        # Before the networks, whose weights then take the room that the head's shapes leave.
        rig = on_head(models, load_head(weights / "head.safetensors"))
        self._engine = make_engine(models, engine, device)
        self._smoothing = Smoothing(models.rig.channels)
        self.engine, self.device = self._engine.name, self._engine.device
        self.model_id = model_id(*(weights / f"{name}.safetensors" for name in MODEL_FILES))
        self._styles: tuple[str, ...] = tuple(models.speech.json("styles"))
        self._weights = weights
        self.shaping = Shaping(*rig, self._engine.speech_weights)

    @cached_property
    def head(self) -> Head:
        """Read where it is asked for: takes are made without its mesh."""
        return load_head(self._weights / "head.safetensors")

    @cached_property
    def shapes(self) -> Blendshapes:
        """As `head`."""
        return load_blendshapes(self._weights / "fusion.safetensors")

    @property
    def contact(self) -> LipContact:
        """What keeps the rig's lips from passing each other."""
        return self.shaping.contact

    def generate(self, samples: Floats, request: GenerateRequest, progress: Progress) -> Take:
        """The take of samples (N,) at 16 kHz, as spoken; raises AudioError or RequestError, naming the recording."""
        samples = check_samples(samples, request.audio)
        frames = frame_count(len(samples) / SAMPLE_RATE, request.fps)
        with ThreadPoolExecutor(1, "duet-voice") as beside:  # while products keep others waiting for each other
            voice = beside.submit(voice_curves, samples, np.arange(frames) / request.fps)
            heard = LogMel(samples)
            channels = self._channels(heard, request.style, progress)
        channels = resample(channels, FRAME_RATE, request.fps, frames)
        np.clip(channels, 0.0, 1.0, out=channels)
        channels[[0, -1]] = 0.0  # at rest, for they are held before and after
        speech = self.speech_weights(channels, progress)
        take = Take(
            fps=request.fps,
            speech_weights=speech,
            expression_weights=self._emotion_weights,
            emotion_opening=self._emotion_opening,
            emotion_curves=np.zeros((frames, len(EMOTIONS)), np.float32),
            silence=self._silence(heard, speech, request.fps),
            voice=voice.result(),
            arkit=np.zeros((frames, 0), np.float32),
            speech_names=self._speech_names,
            expression_names=self._expression_names,
            emotions=EMOTIONS,
            arkit_names=(),
            model_id=self.model_id,
            request=request.to_json(),
        )
        progress(1.0, "Done")
        return take

    def _silence(self, heard: LogMel, speech: Floats, fps: float) -> Floats:
        """(T,) of speech weights (T, Ks): 1 where the recording is silent, 0 where the face may speak or does."""
        silent = silence_around(liveliness(heard.levels, heard.level) > 0, FRAME_RATE)
        seconds = np.arange(len(speech)) / fps
        return kept_from_speech(sample(silent[:, None], FRAME_RATE, seconds)[:, 0], speech, fps)

    def speech_channels(self, samples: Floats, style_name: str, progress: Progress) -> Floats:
        """Rig channels (T, C) at 50 Hz of a recording, window by window.

        The face rests where the recording is silent, and lips that meet do not pass each other.
        """
        return self._channels(LogMel(samples), style_name, progress)

    def _channels(self, heard: LogMel, style_name: str, progress: Progress) -> Floats:
        if style_name not in self._styles:
            raise RequestError(
                f"There is no speaking style '{style_name}'.", f"Choose from: {', '.join(self._styles)}."
            )
        style, count = self._styles.index(style_name), max(1, len(heard.levels) // 2)
        cut = sorted(windows(count), key=lambda each: each.start - each.stop)  # those heard together end together

        def parts() -> Iterator[tuple[Window, Floats]]:
            for start in range(0, len(cut), self._engine.batch):
                progress(_SPEECH_SHARE * start / len(cut), "Listening")
                some = cut[start : start + self._engine.batch]
                mels = [heard.normalised(2 * each.start, 2 * each.stop) for each in some]
                yield from zip(some, self._engine.heard(mels, [heard_rows(each) for each in some], style), strict=True)

        channels = self._smoothing(join(parts(), count))
        np.clip(channels, 0.0, 1.0, out=channels)
        channels *= liveliness(heard.levels, heard.level)[:count, None]
        return self.in_contact(channels)

    def in_contact(self, channels: Floats) -> Floats:
        """Rig channels (T, C) in [0, 1] whose lips meet and do not pass each other."""
        return self.contact.settled(channels)

    def speech_weights(self, channels: Floats, progress: Progress) -> Floats:
        """w_A (T, Ks) of rig channels (T, C)."""
        return self.shaping.weights(
            channels, lambda share: progress(_SPEECH_SHARE + (1 - _SPEECH_SHARE) * share, "Shaping the face")
        )
