"""What is spoken: which sentence, by which voice of which source, and on which side of the split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import espeak, kokoro, piper, text

HELD_OUT_LANGUAGE = "pl"
HELD_OUT_VOICES = ("espeak/f4", "espeak/m7", "espeak/belinda", "espeak/pablo", "kokoro/jf_nezumi")
ESPEAK_NAMES = {"en": "en-us", "zh": "cmn-latn-pinyin", "pt": "pt-br"}
ESPEAK_ENGLISH = ("en-us", "en", "en-gb-scotland", "en-us")
_VARIANTS = (
    *("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Andrea", "Annie", "Alicia"),
    *("Gene", "Hugo", "Jacky", "Mario", "Michael", "adam", "anika", "antonio", "belinda", "benjamin", "caleb"),
    *("david", "edward", "iven", "john", "linda", "max", "miguel", "pablo", "paul", "quincy", "shelby", "steph"),
    *("travis", "victor", "zac"),
)
_KOKORO_LANGUAGES = ("en", "es", "it", "fr", "pt", "de")  # those whose phones its vocabulary holds
_LANGUAGE_SHARE = {"en": 0.34, "zh": 0.12, HELD_OUT_LANGUAGE: 0.05}  # the rest is shared alike
_HELD_OUT_SENTENCES = 0.05
TRAIN, VOICE, LANGUAGE = "train", "heldout_voice", "heldout_language"


@dataclass(frozen=True)
class Item:
    """One utterance to be made; `number` names its file and, with the build's seed, fixes all its chances."""

    number: int
    sentence: str
    language: str
    voice: str  # source/name
    split: str


def sources() -> tuple[str, ...]:
    """The installed sources of speech."""
    return tuple(m.__name__.rsplit(".", 1)[1] for m in (espeak, piper, kokoro) if m.available())


def _voices(source: str, language: str) -> tuple[str, ...]:
    if source == "piper":
        return ("piper/joe",) if language == "en" else ()
    if source == "kokoro":
        return tuple(f"kokoro/{v}" for v in kokoro.VOICES) if language in _KOKORO_LANGUAGES else ()
    return tuple(f"espeak/{v}" for v in _VARIANTS)


def _source(language: str, installed: tuple[str, ...], rng: np.random.Generator) -> str:
    """Neural voices where they speak the language, eSpeak for the rest and for variety."""
    chances = {"espeak": 0.30, "piper": 0.35, "kokoro": 0.35}
    fit = [s for s in installed if _voices(s, language)]
    weights = np.array([chances[s] for s in fit])
    return str(rng.choice(fit, p=weights / weights.sum()))


def _shares(names: Sequence[str]) -> NDArray[np.float64]:
    """The share of each language in the set (N,)."""
    rest = (1 - sum(_LANGUAGE_SHARE.values())) / (len(text.SOURCES) - len(_LANGUAGE_SHARE))
    shares = np.array([_LANGUAGE_SHARE.get(name, rest) for name in names])
    return shares / shares.sum()


def _kept_back(pool: Sequence[str]) -> int:
    """How many of the first sentences, which are in the order of their hashes, are for held-out voices alone, so
    that neither words nor voices leak.
    """
    shares = [int(hashlib.sha256(s.encode()).hexdigest()[:8], 16) / 16**8 for s in pool]
    return max(1, sum(share < _HELD_OUT_SENTENCES for share in shares))


def items(seed: int, installed: tuple[str, ...]) -> Iterator[Item]:
    """Utterances without end; each set of sentences is begun again when it has all been spoken."""
    pools = {name: pool for name in text.SOURCES if (pool := text.sentences(name))}
    names, shares = list(pools), _shares(list(pools))
    kept = {name: pool[: _kept_back(pool)] for name, pool in pools.items()}
    free = {name: pool[_kept_back(pool) :] for name, pool in pools.items()}
    spoken = dict.fromkeys([(n, s) for n in names for s in (TRAIN, VOICE, LANGUAGE)], 0)
    for number in range(1 << 31):
        rng = np.random.default_rng((seed, number))
        language = str(rng.choice(names, p=shares))
        source = _source(language, installed, rng)
        voices = _voices(source, language)
        held_out = bool(rng.random() < 0.08)
        fit = [v for v in voices if (v in HELD_OUT_VOICES) == held_out] or list(voices)
        voice = fit[rng.integers(len(fit))]
        split = LANGUAGE if language == HELD_OUT_LANGUAGE else VOICE if voice in HELD_OUT_VOICES else TRAIN
        pool = {TRAIN: free, VOICE: kept, LANGUAGE: pools}[split][language]
        place = spoken[language, split]
        spoken[language, split] += 1
        yield Item(number, pool[place % len(pool)], language, voice, split)
