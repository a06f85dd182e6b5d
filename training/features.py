"""Encoder features of recordings, computed as inference does and cached, because training reads them many times."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.audio.mel import loud_level, mel_frame_count, normalised_mel
from ..inference.checkpoints import load_checkpoint
from ..inference.engine.encoder_numpy import EncoderDims
from ..inference.engine.encoder_torch import EncoderTorch
from ..inference.engine.windows import join, windows

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
CACHE = Path(__file__).resolve().parents[1] / ".cache"


@functools.cache
def load_encoder() -> EncoderTorch:
    """The converted Whisper encoder, ready to evaluate."""
    checkpoint = load_checkpoint(WEIGHTS / "encoder.safetensors")
    encoder = EncoderTorch(EncoderDims(**checkpoint.json("dims")))
    encoder.load_state_dict({k: torch.from_numpy(v) for k, v in checkpoint.floats().items()})
    return encoder.eval()


def encode(encoder: EncoderTorch, samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """Features (T, layers + 1, width) at 50 Hz of a recording (N,) at 16 kHz, window by window."""
    count, level = mel_frame_count(len(samples)) // 2, loud_level(samples)

    def features(start: int, stop: int) -> NDArray[np.float32]:
        mel = normalised_mel(samples, 2 * start, 2 * stop, level)
        with torch.no_grad():
            return encoder(torch.from_numpy(mel)[None])[0].numpy()

    return join(((w, features(w.start, w.stop)) for w in windows(count)), count).astype(np.float16)


def cached_features(samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """As `encode`, read from the cache folder where the same samples were encoded before."""
    return cached("features", samples.tobytes(), lambda: encode(load_encoder(), samples))


def cached(kind: str, source: bytes, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """What is made of some bytes, read from the cache folder where it was made of the same before."""
    path = CACHE / kind / f"{hashlib.sha256(source).hexdigest()[:20]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, make())
        partial.replace(path)
    return np.load(path, mmap_mode="r")
