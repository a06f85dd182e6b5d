"""IPA phones and the articulatory targets of each: a table, with no fallback for phones that it lacks.

A phone is a base symbol with modifiers ("t̪", "iː"). Each base symbol has a gesture: the values that rig channels
tend to, how strongly (the dominance of Cohen and Massaro 1993, "Modeling coarticulation in synthetic visual speech"),
and the part of the phone's time over which the target is held. Amounts follow the animated takes: closures roll both
lips in and press them; jaw openings follow vowel height (Keating et al. 1994, "Variability in jaw height").
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .utterance import PAUSE, SynthesisError

ROUND = ("lips_oh", "lips_oo", "funnel_lower", "funnel_upper", "pucker")
CLOSE = ("roll_lower", "roll_upper", "press")
PART = ("lower_down", "upper_up")
SPREAD = ("corner_pull", "stretch")
TONGUE = ("tongue_up", "tongue_back", "tongue_teeth")


class Strength(NamedTuple):
    """Dominance at the target, and the seconds over which it falls to 1/e before and after."""

    peak: float
    before: float
    after: float


@dataclass(frozen=True)
class Gesture:
    """What a phone asks of the face. Channels without a target tend to 0; `strengths` is per channel."""

    kind: str  # vowel, consonant, bilabial, labiodental, glottal, pause
    targets: dict[str, float] = field(default_factory=dict)
    strengths: dict[str, Strength] = field(default_factory=dict)
    core: tuple[float, float] = (0.25, 0.75)  # the part of the phone's time that holds the target


class Sound(NamedTuple):
    """A phone of a transcription, with its share of the time of the group that it came in."""

    phone: str
    weight: float
    stress: float


def _group(channels: tuple[str, ...], peak: float, before: float, after: float) -> dict[str, Strength]:
    return dict.fromkeys(channels, Strength(peak, before, after))


# Rounding is the slowest gesture and begins before its sound; closures are the quickest and the strongest.
_VOWEL = (
    _group(("jaw_open",), 1.0, 0.060, 0.060)
    | _group(ROUND, 0.8, 0.060, 0.060)
    | _group(CLOSE, 1.0, 0.040, 0.040)
    | _group((*PART, "bite", "chin_raise"), 0.8, 0.050, 0.050)
    | _group(SPREAD, 1.0, 0.080, 0.080)
    | _group(TONGUE, 0.6, 0.045, 0.045)
)
_CONSONANT = (
    _group(("jaw_open",), 0.8, 0.045, 0.045)
    | _group(ROUND, 0.10, 0.060, 0.060)
    | _group(CLOSE, 0.6, 0.040, 0.040)
    | _group((*PART, "bite", "chin_raise"), 0.6, 0.045, 0.045)
    | _group(SPREAD, 0.12, 0.060, 0.060)
    | _group(TONGUE, 2.0, 0.035, 0.035)
)
_ROUNDED = _group(ROUND, 1.3, 0.110, 0.075)
_CRITICAL = 16.0, 0.020, 0.020
_JAW_UP = 14.0, 0.026, 0.026
_BILABIAL = (
    _CONSONANT
    | _group((*CLOSE, *PART, "bite", "chin_raise"), *_CRITICAL)
    | _group(("lips_oh",), 30.0, 0.022, 0.022)
    | _group(("jaw_open",), *_JAW_UP)
    | _group(("funnel_lower", "funnel_upper"), 8.0, 0.020, 0.020)
    | _group(TONGUE, 0.2, 0.040, 0.040)
)
_LABIODENTAL = (
    _CONSONANT
    | _group((*CLOSE, *PART, "chin_raise"), *_CRITICAL)
    | _group(("jaw_open",), *_JAW_UP)
    | _group(("bite",), 12.0, 0.032, 0.032)
    | _group(("lips_oh", "funnel_lower", "funnel_upper"), 5.0, 0.022, 0.022)
    | _group(TONGUE, 0.2, 0.040, 0.040)
)
_TRANSPARENT = {name: s._replace(peak=0.02) for name, s in _VOWEL.items()}
_PAUSE = {name: s._replace(peak=1.0) for name, s in _VOWEL.items()}

_HIGH_ROUND = {"pucker": 0.50, "lips_oo": 0.18, "funnel_lower": 0.06, "funnel_upper": 0.05}
_MID_ROUND = {"lips_oh": 0.45, "pucker": 0.10, "lips_oo": 0.06, "funnel_lower": 0.24, "funnel_upper": 0.21}
_LOW_ROUND = {"lips_oh": 0.50, "pucker": 0.03, "funnel_lower": 0.26, "funnel_upper": 0.22}
_SLIGHT_ROUND = {"lips_oh": 0.22, "funnel_lower": 0.12, "funnel_upper": 0.10}
_FRONT = {"corner_pull": 0.16, "stretch": 0.05, "lower_down": 0.13, "upper_up": 0.03, "tongue_up": 0.25}
_MID_FRONT = {"corner_pull": 0.04, "lower_down": 0.13, "upper_up": 0.06, "tongue_up": 0.1}
_OPEN = {"lower_down": 0.12, "upper_up": 0.06}
_BACK = {"tongue_back": 0.4}

# jaw opening, then the other targets
_VOWELS: dict[str, tuple[float, dict[str, float]]] = {
    "i": (0.10, _FRONT), "ɪ": (0.14, _FRONT | {"corner_pull": 0.07}), "ᵻ": (0.13, _MID_FRONT), "ɨ": (0.11, _MID_FRONT),
    "y": (0.09, _HIGH_ROUND | {"tongue_up": 0.25}), "ʏ": (0.13, _HIGH_ROUND | {"tongue_up": 0.2}),
    "ʉ": (0.10, _HIGH_ROUND), "ɯ": (0.10, _BACK | {"lower_down": 0.03}),
    "u": (0.08, _HIGH_ROUND | _BACK), "ʊ": (0.13, {k: 0.7 * v for k, v in _HIGH_ROUND.items()} | _BACK),
    "e": (0.26, _MID_FRONT | {"corner_pull": 0.08}), "ø": (0.19, _MID_ROUND), "ɘ": (0.26, {}), "ɵ": (0.19, _MID_ROUND),
    "ɤ": (0.28, _BACK | {"lower_down": 0.04}), "o": (0.25, _MID_ROUND | _BACK),
    "ə": (0.26, {"lower_down": 0.04}), "ᵊ": (0.15, {"lower_down": 0.03}),
    "ɚ": (0.26, _SLIGHT_ROUND | {"tongue_up": 0.4}),
    "ɛ": (0.41, _MID_FRONT), "œ": (0.36, _LOW_ROUND), "ɜ": (0.35, {"lower_down": 0.05}),
    "ɝ": (0.31, _SLIGHT_ROUND | {"tongue_up": 0.4}), "ɞ": (0.36, _LOW_ROUND), "ʌ": (0.44, _OPEN),
    "ɔ": (0.40, _LOW_ROUND | _BACK), "æ": (0.57, _OPEN | {"corner_pull": 0.05}), "ɐ": (0.50, _OPEN),
    "a": (0.63, _OPEN), "ɶ": (0.57, _LOW_ROUND), "ɑ": (0.63, _OPEN | _BACK), "ɒ": (0.55, _SLIGHT_ROUND | _BACK),
}  # fmt: skip

_CLOSURE = {"roll_lower": 0.06, "roll_upper": 0.10, "press": 0.45, "chin_raise": 0.03}
_TEETH_SHOW = {"lower_down": 0.16, "upper_up": 0.07, "corner_pull": 0.04}
_TIP = {"tongue_up": 1.0, "lower_down": 0.06}
_HUSH = {"funnel_lower": 0.48, "funnel_upper": 0.43, "pucker": 0.08, "lower_down": 0.05, "upper_up": 0.04}
_STOP, _HOLD = (0.0, 0.65), (0.1, 0.9)  # a stop's closure comes first, then burst and aspiration


def _consonant(
    jaw: float,
    targets: dict[str, float],
    strengths: dict[str, Strength] | None = None,
    core: tuple[float, float] = _HOLD,
) -> Gesture:
    return Gesture("consonant", {"jaw_open": jaw} | targets, _CONSONANT | (strengths or {}), core)


def _soft(gesture: Gesture, amount: float) -> Gesture:
    """The same gesture not carried through: an approximant or a fricative of the lips."""
    return replace(gesture, targets={k: amount * v for k, v in gesture.targets.items()})


_NARROW = _group(("jaw_open",), 2.5, 0.040, 0.040)  # sibilants need their teeth near each other
_P = Gesture("bilabial", _CLOSURE, _BILABIAL, _STOP)
_M = Gesture("bilabial", _CLOSURE, _BILABIAL, (0.1, 0.85))
_F = Gesture("labiodental", {"bite": 1.0, "jaw_open": 0.04, "upper_up": 0.05}, _LABIODENTAL, _HOLD)
_W = _consonant(0.03, {"pucker": 0.58, "lips_oo": 0.24, "tongue_back": 0.4}, _ROUNDED, (0.2, 0.6))
_T = _consonant(0.03, _TIP, core=_STOP)
_N = _consonant(0.09, _TIP)
_S = _consonant(0.01, {"tongue_up": 0.6} | _TEETH_SHOW, _NARROW)
_SH = _consonant(0.03, {"tongue_up": 0.6} | _HUSH, _ROUNDED | _NARROW)
_SOFT_SH = _consonant(0.02, {"tongue_up": 0.6} | {k: 0.5 * v for k, v in _HUSH.items()} | _TEETH_SHOW, _NARROW)
_K = _consonant(0.06, {"tongue_back": 1.0}, _group(("jaw_open",), 0.4, 0.045, 0.045), _STOP)
_NG = _consonant(0.12, {"tongue_back": 1.0}, _group(("jaw_open",), 0.4, 0.045, 0.045))
_X = _consonant(0.10, {"tongue_back": 0.8}, _group(("jaw_open",), 0.4, 0.045, 0.045))
_C = _consonant(0.06, {"tongue_up": 0.5, "tongue_back": 0.5, "corner_pull": 0.06}, core=_STOP)
_TH = _consonant(0.08, {"tongue_teeth": 1.0, "lower_down": 0.09, "upper_up": 0.03}, _NARROW)
_R = _consonant(0.10, {"tongue_up": 0.6, "funnel_lower": 0.20, "funnel_upper": 0.17, "pucker": 0.06}, _ROUNDED)
_TAP = _consonant(0.08, {"tongue_up": 0.9, "lower_down": 0.04})
_L = _consonant(0.14, {"tongue_up": 1.0, "lower_down": 0.06, "tongue_teeth": 0.15})
_J = _consonant(0.08, _FRONT | {"tongue_up": 0.35}, _group(SPREAD, 0.6, 0.080, 0.080), (0.2, 0.6))
_H = Gesture("glottal", {"jaw_open": 0.2}, _TRANSPARENT, _HOLD)

_CONSONANTS: dict[str, Gesture] = (
    dict.fromkeys("pbɓ", _P) | {"m": _M, "ʙ": _M, "ɸ": _soft(_M, 0.5), "β": _soft(_M, 0.5)}
    | dict.fromkeys("fvɱ", _F) | {"ʋ": _soft(_F, 0.6), "ⱱ": _F}
    | {"w": _W, "ʍ": _W, "ɥ": replace(_W, targets=_W.targets | {"tongue_back": 0.0, "tongue_up": 0.25})}
    | dict.fromkeys("tdʈɖɗ", _T) | dict.fromkeys("nɳ", _N) | dict.fromkeys("szɬɮ", _S)
    | dict.fromkeys("ʃʒʂʐɧ", _SH) | dict.fromkeys("ɕʑ", _SOFT_SH)
    | dict.fromkeys("kɡgɠ", _K) | {"ŋ": _NG} | dict.fromkeys("xɣɰ", _X)
    | dict.fromkeys("qɢʛ", _K) | dict.fromkeys("χʁʀħʕʜʢ", _X) | {"ɴ": _NG}
    | dict.fromkeys("cɟʄ", _C) | dict.fromkeys("çʝɲʎʟ", replace(_C, core=_HOLD))
    | dict.fromkeys("θð", _TH) | dict.fromkeys("ɹɻ", _R) | dict.fromkeys("rɾɽɺ", _TAP) | dict.fromkeys("lɭɫ", _L)
    | {"j": _J} | dict.fromkeys("hɦʔʡ", _H)
)  # fmt: skip

_LIGATURES = {
    "ʦ": "ts",
    "ʣ": "dz",
    "ʧ": "tʃ",
    "ʤ": "dʒ",
    "ʨ": "tɕ",
    "ʥ": "dʑ",
    "ꭧ": "tʂ",
    "ɝ": "ɜ˞",
    "ε": "ɛ",
    ":": "ː",
}
_LONG = {"ː": 0.6, "ˑ": 0.3}
# modifier -> targets that it adds; those without a visible effect add nothing
_MODIFIERS: dict[str, dict[str, float]] = {
    "ʲ": {"tongue_up": 0.3, "corner_pull": 0.05},
    "ʷ": {"pucker": 0.3, "lips_oo": 0.1},
    "ᵝ": {"pucker": 0.1},
    "˞": {"tongue_up": 0.4, "pucker": 0.06, "funnel_lower": 0.06},
    "\u032a": {"tongue_teeth": 0.3},  # dental
}
_INVISIBLE = set("ːˑʰʱˤˠⁿˡ˔˕'") | {
    *("\u0303", "\u0329", "\u032f", "\u0325", "\u030a", "\u032c", "\u031d", "\u031e", "\u0308", "\u0327"),
    *("\u031f", "\u0320", "\u0324", "\u0330", "\u0306", "\u033a", "\u033b", "\u031a", "\u0339", "\u031c", "\u0318"),
}  # nasal, syllabic, non-syllabic, voiceless (2), voiced, raised, lowered, centralised, cedilla, ...
_MARKS = set("ˈˌ͡‿-|_↗↘↓→ꜛꜜ˥˦˧˨˩0123456789.")  # stress, ties, tones


class UnknownPhoneError(SynthesisError):
    """A symbol that the table lacks."""

    kind = "synthesis"


def _unknown(symbol: str, text: str) -> UnknownPhoneError:
    code = " ".join(f"U+{ord(c):04X}" for c in symbol)
    return UnknownPhoneError(
        f"The phone table has no {symbol!r} ({code}), met in {text!r}.", "Add it to training/synthesis/phones.py."
    )


def sounds_of(text: str) -> list[Sound]:
    """The phones of an IPA string in order: "tʃɜːtʃ" gives t ʃ ɜː t ʃ. Raises UnknownPhoneError."""
    sounds: list[Sound] = []
    stress = 0.0
    for symbol in unicodedata.normalize("NFD", "".join(_LIGATURES.get(c, c) for c in text)).replace("c\u0327", "ç"):
        if symbol in "ˈˌ":
            stress = 1.0 if symbol == "ˈ" else 0.5
        elif symbol in _MARKS or symbol.isspace():
            continue
        elif symbol in _VOWELS or symbol in _CONSONANTS:
            sounds.append(Sound(symbol, 1.0 if symbol in _VOWELS else 0.7, stress))
            stress = 0.0 if symbol in _VOWELS else stress
        elif sounds and (symbol in _MODIFIERS or symbol in _INVISIBLE):
            last = sounds[-1]
            sounds[-1] = last._replace(phone=last.phone + symbol, weight=last.weight + _LONG.get(symbol, 0.0))
        elif symbol == "ʲ":  # on its own in eSpeak's events: the glide into the vowel
            sounds.append(Sound("j", 0.4, stress))
        else:
            raise _unknown(symbol, text)
    return sounds


@functools.cache
def gesture_of(phone: str) -> Gesture:
    """The gesture of one phone: its base symbol's, with what its modifiers add. Raises UnknownPhoneError."""
    if phone == PAUSE:
        return Gesture("pause", {}, _PAUSE)
    base, targets = phone[0], {}
    for symbol in phone[1:]:
        if symbol not in _MODIFIERS and symbol not in _INVISIBLE:
            raise _unknown(symbol, phone)
        targets.update(_MODIFIERS.get(symbol, {}))
    if base in _VOWELS:
        jaw, others = _VOWELS[base]
        rounded = any(name in others for name in ROUND)
        return Gesture("vowel", {"jaw_open": jaw} | others | targets, _VOWEL | (_ROUNDED if rounded else {}))
    if base not in _CONSONANTS:
        raise _unknown(base, phone)
    gesture = _CONSONANTS[base]
    strengths = gesture.strengths | (_ROUNDED if "ʷ" in phone else {})
    return replace(gesture, targets=gesture.targets | targets, strengths=strengths)
