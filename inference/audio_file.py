"""Reading a recording outside Blender: whatever libsndfile knows, so WAV, FLAC, OGG and MP3 among others.

Blender's own decoder takes this module's place there (`scene/sound.py`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .audio_checks import SAMPLE_RATE, check_finite, check_samples
from .errors import AudioError
from .take import Floats

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"})
_CONVERT = "Choose a WAV, FLAC, OGG or MP3 file, or convert it to one."
_BLOCK_FRAMES = 1 << 16  # a long surround recording is never whole in memory


def load_audio(path: Path) -> Floats:
    """The recording as float32 samples (N,), mixed down to mono at 16 kHz; raises AudioError naming the file."""
    try:
        if path.is_dir():
            raise AudioError(f"'{path}' is a folder.", "Choose a file in it.")
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioError(f"'{path}' is empty: it has no bytes.", "Record or export it again.")
        mono, rate = _decode(path)
    except FileNotFoundError as error:
        raise AudioError(f"There is no file '{path}'.", "Check its name and folder.") from error
    except OSError as error:
        raise AudioError(f"'{path}' cannot be read ({error.strerror}).", "Check who may read it.") from error
    check_finite(mono, rate, str(path))
    return check_samples(_resample(mono, rate), str(path))


def _decode(path: Path) -> tuple[Floats, int]:
    """The mean over all channels, and the sampling rate in Hz."""
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as sound:  # by name: libsndfile's callbacks would swallow a Ctrl-C
            blocks = sound.blocks(_BLOCK_FRAMES, dtype="float32", always_2d=True)
            parts = [block.mean(axis=1, dtype=np.float32) for block in blocks]
            return np.concatenate([np.zeros(0, np.float32), *parts]), sound.samplerate
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a headerless .raw
        raise AudioError(f"'{path}' is not a recording that can be decoded.", _CONVERT) from error


def _resample(mono: Floats, rate: int) -> Floats:
    if rate == SAMPLE_RATE or not len(mono):
        return mono
    import librosa

    return librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
