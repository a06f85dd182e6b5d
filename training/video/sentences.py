"""What is said in GRID's sentences: a clip's name spells it ("bbaf2n" is "bin blue at f two now").

Clips of other names are heard with the grammar that all of GRID's sentences follow.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORDS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},  # GRID leaves out w
    dict(zip("z123456789", _DIGITS, strict=True)),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)


def grid_words(name: str) -> str:
    """The words of a GRID clip, or "" where the name is no GRID sentence's."""
    if not re.fullmatch(r"[blps][bgrw][abiw][a-vx-z][z1-9][anps]", name):
        return ""
    return " ".join(words[letter] for words, letter in zip(_WORDS, name, strict=True))


def heard_words(samples: NDArray[np.float32]) -> str:
    """The GRID sentence that PocketSphinx hears in samples (N,) at 16 kHz, or "" where it hears none."""
    from pocketsphinx import Decoder

    from ..data.alignment import decode

    decoder = Decoder(lm=None, loglevel="FATAL")
    rule = " ".join(f"({' | '.join(words.values())})" for words in _WORDS)
    decoder.add_jsgf_string("grid", f"#JSGF V1.0; grammar grid; public <sentence> = {rule};")
    decoder.activate_search("grid")
    decode(decoder, samples)
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""
