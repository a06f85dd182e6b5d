"""What a mouth does for a line of text, in order, by a small table of English spelling.

It knows no dictionary: letters that are written and not said, and vowels that are said otherwise, are caught for the
commonest words alone. p, b, m, f and v, which is what a mouth shows most, hold in other languages as well.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

MOST = 20_000  # letters of a text


class Sound(NamedTuple):
    """A sound of a text: the kind of mark it makes (empty: none that shows), and its length in usual sounds."""

    kind: str
    length: float


# The longest that fits is taken. "-" is a sound that shows nothing, "" none at all.
_C, _T, _R, _W, _O, _N = "closed", "teeth", "round", "wide", "open", "tongue"
_LETTERS: dict[str, tuple[str, ...]] = {
    "tion": (_R, _N), "sion": (_R, _N), "cious": (_R, "-"), "tious": (_R, "-"), "ture": (_R, "-"), "igh": (_O, _W),
    "eigh": (_W,), "ough": (_R,), "augh": (_O,), "eau": (_R,), "oul": (_R,),
    "th": (_N,), "sh": (_R,), "ch": (_R,), "tch": (_R,), "dge": (_R,), "ph": (_T,), "wh": (_R,), "qu": ("-", _R),
    "gh": (), "kn": (_N,), "wr": (_R,), "mb": (_C,), "ck": ("-",), "ng": ("-",), "sch": ("-", "-"),
    "oo": (_R,), "ou": (_O, _R), "ow": (_R,), "oa": (_R,), "oe": (_R,), "oi": (_R, _W), "oy": (_R, _W), "ew": (_R,),
    "ue": (_R,), "ui": (_R,), "eu": (_R,), "au": (_R,), "aw": (_R,), "all": (_R, _N), "alk": (_R, "-"),
    "ee": (_W,), "ea": (_W,), "ie": (_W,), "ei": (_W,), "ey": (_W,), "ai": (_W,), "ay": (_W,), "er": ("-",),
    "ir": ("-",), "ur": ("-",), "ar": (_O, "-"), "or": (_R, "-"),
    "p": (_C,), "b": (_C,), "m": (_C,), "f": (_T,), "v": (_T,), "w": (_R,), "j": (_R,),
    "t": (_N,), "d": (_N,), "n": (_N,), "l": (_N,), "s": ("-",), "z": ("-",), "c": ("-",), "k": ("-",), "g": ("-",),
    "h": ("-",), "r": ("-",), "x": ("-", "-"), "q": ("-",), "y": (_W,),
    "a": (_O,), "e": (_W,), "i": (_W,), "o": (_O,), "u": (_O,),
}  # fmt: skip
_WORDS: dict[str, tuple[str, ...]] = {
    "the": (_N, "-"), "a": ("-",), "of": ("-", _T), "one": (_R, _O, _N), "once": (_R, _O, _N, "-"), "who": ("-", _R),
    "you": (_W, _R), "your": (_W, _R, "-"), "to": (_N, _R), "do": (_N, _R), "two": (_N, _R), "was": (_R, _O, "-"),
    "what": (_R, _O, _N), "there": (_N, _W, "-"), "their": (_N, _W, "-"), "were": (_R, "-"), "are": (_O, "-"),
    "i": (_O, _W), "my": (_C, _O, _W), "by": (_C, _O, _W), "why": (_R, _O, _W), "have": ("-", _O, _T),
    "said": ("-", _W, _N), "some": ("-", _O, _C), "come": ("-", _O, _C), "how": ("-", _O, _R), "now": (_N, _O, _R),
    "mister": (_C, _W, "-", _N, "-"), "mr": (_C, _W, "-", _N, "-"), "john": (_R, _O, _N), "more": (_C, _R, "-"),
}  # fmt: skip
_LONGEST = max(map(len, _LETTERS))
_VOWELS = frozenset("aeiouy")


def text_beside(audio: Path) -> str:
    """What is said in a recording, from the .txt of its name beside it; empty where there is none to read."""
    try:
        with audio.with_suffix(".txt").open("rb") as file:
            data = file.read(4 * MOST)
    except OSError:
        return ""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(encoding, errors="ignore").strip()[:MOST]


def sounds_of(text: str) -> list[Sound]:
    """The sounds of a text in order; what is no letter counts for nothing."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text[:MOST].lower()) if not unicodedata.combining(c))
    found: list[Sound] = []
    for word in re.findall(r"[^\W\d_']+", plain.replace("'", "")):
        found += [Sound("" if kind == "-" else kind, _length(kind)) for kind in _WORDS.get(word) or _spelt(word)]
    return found


def _length(kind: str) -> float:
    return 1.2 if kind in (_O, _W, _R) else 0.9


def _spelt(word: str) -> list[str]:
    kinds: list[str] = []
    at = 0
    while at < len(word):
        size = next(n for n in range(min(_LONGEST, len(word) - at), 0, -1) if n == 1 or word[at : at + n] in _LETTERS)
        part = word[at : at + size]
        if not _is_silent(word, at, size):
            kinds += _LETTERS.get(part, ("-",))
        at += size
    return kinds


def _is_silent(word: str, at: int, size: int) -> bool:
    """Whether letters are written and not said: an e at the end, the second of two alike, the e of -ed and -es."""
    part = word[at : at + size]
    last = at + size == len(word)
    if size == 1 and at and word[at - 1] == part and part not in "o":
        return True
    if part == "e" and any(letter in _VOWELS for letter in word[:at]):
        return last or (word[at:] == "ed" and word[at - 1] not in "td") or word[at:] == "es"
    return False
