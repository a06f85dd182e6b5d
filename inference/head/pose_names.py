"""Which face a pose of a rig is, by its name: amounts of ARKit's shapes, for pose libraries of any make.

Beside ARKit's own names, however spelt (`arkit_names`), these are known: plain English (`jaw open`, `lips round`,
`blink left`), visemes (Oculus, VRChat, Preston Blair's mouths), and MMD's Japanese names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from ..errors import RequestError
from . import arkit_names
from .canonical import ARKIT_NAMES

Recipe = dict[str, float]  # ARKit name -> amount, above 0
_PREFIX = 4  # words before the pose's own that are passed over, at most: `face_01_jaw_open`
_SPOKEN = frozenset(("viseme", "visemes", "vrc", "v", "phoneme", "phon", "lipsync", "mouth", "mth", "fcl", "sound"))
_DEPENDENT = 1e-3  # of a recipe's size: what others leave of it, where they make it up
_TERM = re.compile(r"\s*(?P<name>[A-Za-z]+)\s*(?:=\s*(?P<amount>[0-9.]+)\s*)?")

_REST = frozenset(("rest", "neutral", "basis", "default", "sil", "restpose", "neutralpose"))
# Said of hands and doors too: a pose of the face where nothing else is said.
_ALONE = frozenset(("open", "round", "press", "narrow", "wide", "stretch", "blow"))

# Words, without their order -> the face. * stands for both sides, or for that which the name says.
_PLAIN = {
    "jaw open, mouth open, jaw down, jaw drop, open": "jawOpen",
    "lips round, mouth round, lip round, round, lips pucker, pucker, kiss, narrow, mouth narrow": "mouthPucker",
    "lips funnel, funnel, lip funnel": "mouthFunnel",
    "lips press, lip press, press, lips pressed": "mouthPress*",
    "lips together, lips closed, lips close, mouth closed, lips shut": "mouthClose",
    "lower lip in, lip lower in, lower lip roll, lip roll lower, lower lip bite, lip bite": "mouthRollLower",
    "upper lip in, lip upper in, upper lip roll, lip roll upper": "mouthRollUpper",
    "lower lip down, lip lower down": "mouthLowerDown*",
    "upper lip up, lip upper up, upper lip raise": "mouthUpperUp*",
    "upper lip forward": "mouthShrugUpper",
    "lips wide, lip wide, wide, mouth wide, lips stretch, stretch, lip stretch": "mouthStretch*",
    "corners up, corner up, lip corner up, lip corners up, mouth corner up, smile, grin": "mouthSmile*",
    "corners down, corner down, lip corner down, mouth corner down, frown, sad mouth": "mouthFrown*",
    "chin up, chin raise": "mouthShrugLower",
    "blink, eye close, eye closed, close eye, wink, lid close, lid closed, eyelid close, lids closed": "eyeBlink*",
    "wide eye, eye open wide, lid wide, lids wide, eye up lid": "eyeWide*",
    "squint": "eyeSquint*",
    "look up": "eyeLookUp*",
    "look down": "eyeLookDown*",
    "look left, eye left": "eyeLookOutLeft + eyeLookInRight",
    "look right, eye right": "eyeLookOutRight + eyeLookInLeft",
    "brow up, brow raise, raise brow, brow raised": "browOuterUp* + browInnerUp",
    "brow down, brow lower, lower brow, brow angry, angry brow, brow frown": "browDown*",
    "brow inner raise, brow sad, sad brow, brow worried": "browInnerUp",
    "cheek raise, cheek up": "cheekSquint*",
    "puff, puff cheek, blow": "cheekPuff",
    "nose wrinkle, sneer, nose up": "noseSneer*",
    "dimple": "mouthDimple*",
    "tongue out, tongue": "tongueOut",
}
_VISEMES = {
    "pp, mbp, bmp, m, mm, p, b": "mouthPress*=0.7 + mouthRollLower=0.2",
    "ff, fv, f, v": "mouthRollLower=0.7 + mouthUpperUp*=0.3",
    "th": "jawOpen=0.15 + tongueOut=0.2",
    "dd, d, t, td": "jawOpen=0.1 + mouthLowerDown*=0.2",
    "kk, k, gk": "jawOpen=0.15",
    "ch, sh, chj, chjsh": "mouthFunnel=0.6 + jawOpen=0.05",
    "ss, s, sz": "mouthStretch*=0.3 + mouthLowerDown*=0.2",
    "nn, n, ln": "jawOpen=0.1",
    "rr, r": "mouthPucker=0.4 + mouthFunnel=0.2",
    "etc, cdgknrsthyz, consonant": "jawOpen=0.1 + mouthStretch*=0.15",
    "aa, ah, a, ai": "jawOpen=0.6",
    "e, eh, ae": "jawOpen=0.25 + mouthStretch*=0.4",
    "ih, i, ee, iy": "jawOpen=0.1 + mouthStretch*=0.6",
    "oh, o, ao": "jawOpen=0.3 + mouthFunnel=0.6 + mouthPucker=0.2",
    "ou, u, oo, uw, w, wq, uu": "mouthPucker=0.9 + mouthFunnel=0.45",
}
_MMD = {
    "あ,ワ": "jawOpen=0.6",
    "い": "jawOpen=0.1 + mouthStretch*=0.6",
    "う": "mouthPucker=0.9 + mouthFunnel=0.45",
    "え": "jawOpen=0.25 + mouthStretch*=0.4",
    "お": "jawOpen=0.3 + mouthFunnel=0.6 + mouthPucker=0.2",
    "ん": "mouthPress*=0.7 + mouthRollLower=0.2",
    "まばたき,なごみ": "eyeBlink*",
    "ウィンク,ウィンク2": "eyeBlinkLeft",
    "ウィンク右,ウィンク2右": "eyeBlinkRight",
    "笑い": "eyeBlink* + cheekSquint*",
    "びっくり": "eyeWide*",
    "じと目": "eyeSquint*",
    "口角上げ,にやり,にっこり": "mouthSmile*",
    "口角下げ,への字": "mouthFrown*",
    "口横広げ": "mouthStretch*",
    "ぺろっ,てへぺろ": "tongueOut",
    "怒り,真面目": "browDown*",
    "困る": "browInnerUp",
    "上,眉上": "browOuterUp* + browInnerUp",
    "下,眉下": "browDown*",
}


def parse(text: str) -> Recipe:
    """A recipe from text such as `jawOpen=0.6 + mouthFunnel`; `eyeBlink*` is both sides. Raises RequestError."""
    recipe: Recipe = {}
    for part in text.replace("*", "Both").split("+"):
        hit = _TERM.fullmatch(part)
        names = _sided(hit["name"]) if hit else ()
        try:
            amount = float(hit["amount"] or 1.0) if hit else 0.0
        except ValueError:
            amount = 0.0
        if not names or not 0 < amount <= 2:
            remedy = "Write ARKit's names with amounts of up to 2, as in 'jawOpen=0.6 + mouthFunnel=0.3'."
            raise RequestError(f"'{part.replace('Both', '*').strip()}' is no shape of ARKit's.", remedy)
        recipe |= dict.fromkeys(names, amount)
    return recipe


def _sided(name: str) -> tuple[str, ...]:
    names = (f"{name[:-4]}Left", f"{name[:-4]}Right") if name.endswith("Both") else (name,)
    return names if set(names) <= set(ARKIT_NAMES) else ()


def written(recipe: Recipe) -> str:
    """A recipe as text that `parse` reads, both sides as *."""
    parts, left = [], dict(recipe)
    for name, amount in recipe.items():
        base, other = name.removesuffix("Left"), name.removesuffix("Left") + "Right"
        if name in left:
            both = base != name and left.get(other) == amount
            for each in (name, other) if both else (name,):
                del left[each]
            parts.append(f"{base}*" if both else name)
            if amount != 1:
                parts[-1] += f"={amount:g}"
    return " + ".join(parts)


def _by_words(table: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    return {tuple(sorted(arkit_names.words(name))): face for names, face in table.items() for name in names.split(",")}


_BY_WORDS = _by_words(_PLAIN)
_BY_SOUND = {name.strip(): face for names, face in _VISEMES.items() for name in names.split(",")}
_BY_KANA = {name: face for names, face in _MMD.items() for name in names.split(",")}


def is_rest(name: str) -> bool:
    """Whether a pose's name says that it is the face at rest."""
    return "".join(_after_spoken(name)) in _REST


def _after_spoken(name: str) -> list[str]:
    """A name's words in lower case, without those that say that it is a sound."""
    raw = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return raw[next((row for row, word in enumerate(raw) if word not in _SPOKEN), len(raw)) :]


@lru_cache(maxsize=4096)  # panels ask at every redraw
def _recognise(name: str) -> str:
    kana = unicodedata.normalize("NFKC", name).strip()
    if kana in _BY_KANA:
        return _BY_KANA[kana]
    sound = "".join(_after_spoken(name))
    if sound in _BY_SOUND:
        return _BY_SOUND[sound]
    known = arkit_names.recognise(name)
    if known is not None:
        return known[0]
    return _plain(arkit_names.words(name))


def _plain(parts: tuple[str, ...]) -> str:
    """A face in plain words, on the side that is named, after words that say nothing; empty where there is none."""
    parts = tuple(word for word in parts if not word.isdigit())
    for skipped in range(min(_PREFIX, len(parts) - 1) + 1):
        own = tuple(sorted(parts[skipped:]))
        if skipped and set(own) <= _ALONE:
            return ""
        if own in _BY_WORDS:
            return _BY_WORDS[own]
        sides = {"left", "right"} & set(own)
        rest = tuple(word for word in own if word not in sides)
        if len(sides) == 1 and "*" in _BY_WORDS.get(rest, ""):
            side = sides.pop().title()
            return _BY_WORDS[rest].replace("*", side).replace(" + browInnerUp", "")
    return ""


def recognise(name: str) -> Recipe:
    """The face that a pose's name means; empty where it means none."""
    text = _recognise(name)
    return parse(text) if text else {}


def independent(recipes: Mapping[str, Recipe], first: Sequence[str] = ()) -> list[str]:
    """Poses none of which is a sum of others: those of `first`, then of single shapes, then of fewer before more.

    So that one shape is made by one pose, at its full strength: a smile on both sides gives way to one on each.
    """
    order = sorted(recipes, key=lambda name: (name not in first, len(recipes[name]), -max(recipes[name].values())))
    kept: list[str] = []
    rows = np.zeros((0, len(ARKIT_NAMES)))
    for name in order:
        row = np.array([recipes[name].get(shape, 0.0) for shape in ARKIT_NAMES])
        left = row - rows.T @ np.linalg.lstsq(rows.T, row, rcond=None)[0] if len(rows) else row
        if name in first or np.linalg.norm(left) > _DEPENDENT * np.linalg.norm(row):
            kept.append(name)
            rows = np.vstack([rows, row])
    return [name for name in recipes if name in kept]
