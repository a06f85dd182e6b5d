"""Which shape keys of a head are ARKit's 52, however they are spelled.

A name is cut into words (at capitals, digits and signs), sides become `left` and `right`, and the words are compared
without their order: `EyeBlink_L`, `eye_blink_left`, `!ex-eyeBlinkLeft` and `blendShape1.eyeBlinkLeft` all are
eyeBlinkLeft. What other words a family of characters uses stands in the tables below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .canonical import ARKIT_NAMES

Matches = dict[str, tuple[str, ...]]  # ARKit name -> the shape keys that make it together, mostly one

_SIDES = {"l": "left", "lft": "left", "lf": "left", "r": "right", "rgt": "right", "rt": "right"}
_SAME = {"eyes": "eye", "brows": "brow", "eyebrow": "brow", "eyebrows": "brow", "cheeks": "cheek", "lookat": "look"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# A key with such a word is a correction or a copy of a shape, not the shape.
_NOT = frozenset(("corrective", "correctives", "corr", "combo", "fix", "inbetween", "speech", "expression", "viseme"))
_AFTER = frozenset(("shape", "shapes", "bs", "blendshape", "blend", "target", "morph", "geo", "mesh"))
_PREFIX = 4  # words before the shape's own that are passed over, at most: `A14_Eye_Blink_Left`, `!ex-jawOpen`

# Keys as their makers name them, without case and signs -> the ARKit shape. Several keys for one shape add up.
_CHARACTER_CREATOR = {  # Character Creator 4, "standard" and "extended" profiles
    **{f"browraiseinner{s}": "browInnerUp" for s in "lr"},
    **{f"cheekpuff{s}": "cheekPuff" for s in "lr"},
    **{f"mouthrollinupper{s}": "mouthRollUpper" for s in "lr"},
    **{f"mouthrollinlower{s}": "mouthRollLower" for s in "lr"},
    **{f"mouthfunnel{way}{s}": "mouthFunnel" for way in ("up", "down") for s in "lr"},
    **{f"mouthpucker{way}{s}": "mouthPucker" for way in ("up", "down") for s in "lr"},
}
_CHARACTER_CREATOR |= {
    key.format(s[0].lower()): name + s
    for s in ("Left", "Right")
    for key, name in (
        ("browdrop{}", "browDown"),
        ("browraiseouter{}", "browOuterUp"),
        ("cheekraise{}", "cheekSquint"),
        ("mouthupupper{}", "mouthUpperUp"),
        ("mouthdownlower{}", "mouthLowerDown"),
        ("eye{}lookup", "eyeLookUp"),
        ("eye{}lookdown", "eyeLookDown"),
    )
}
_CHARACTER_CREATOR |= {  # an eye looks out towards its own side
    "eyellookl": "eyeLookOutLeft",
    "eyellookr": "eyeLookInLeft",
    "eyerlookl": "eyeLookInRight",
    "eyerlookr": "eyeLookOutRight",
}
_VRM = {  # VRoid's meshes and VRM's expressions; its "perfect sync" keys are ARKit's own names
    "fcleyeclosel": "eyeBlinkLeft",
    "fcleyecloser": "eyeBlinkRight",
    "blinkleft": "eyeBlinkLeft",
    "blinkright": "eyeBlinkRight",
    "blinkl": "eyeBlinkLeft",
    "blinkr": "eyeBlinkRight",
    "fclmtha": "jawOpen",
    "fclmthu": "mouthPucker",
    "fclmtho": "mouthFunnel",
}
_READY_PLAYER_ME = {  # beside ARKit's own names; used where those are missing
    "mouthopen": "jawOpen",
    "mouthsmile": "mouthSmileLeft mouthSmileRight",
    "eyesclosed": "eyeBlinkLeft eyeBlinkRight",
}
ALIASES: dict[str, str] = _CHARACTER_CREATOR | _VRM
ENOUGH = 12  # shapes that make a head an ARKit head


def _own(key: str) -> str:
    """A key's name without that of its mesh or node before it, and without Blender's number after it."""
    parts = [part for part in re.split(r"[.:|/]", key) if not part.isdigit()]
    if len(parts) > 1 and parts[-1].lower() in ("l", "r", "left", "right"):
        return f"{parts[-2]}_{parts[-1]}"
    return parts[-1] if parts else key


def words(name: str) -> tuple[str, ...]:
    """The words of a key's name, in lower case, sides in full: `EyeBlink_L` is eye, blink, left."""
    found = (word.lower() for word in _WORD.findall(name))
    return tuple(_SIDES.get(word) or _SAME.get(word, word) for word in found)


_BY_WORDS = {tuple(sorted(words(name))): name for name in ARKIT_NAMES}
_SQUASHED = {name.lower(): name for name in ARKIT_NAMES}
_SQUASHED |= {name[: -len(s)].lower() + s[0].lower(): name for name in ARKIT_NAMES for s in ("Left", "Right")
              if name.endswith(s)}  # fmt: skip
_WITHOUT_SIDE = {name for name in ARKIT_NAMES if not name.endswith(("Left", "Right"))}


@lru_cache(maxsize=4096)  # panels ask at every redraw
def recognise(key: str) -> tuple[str, int] | None:
    """The ARKit name that a key's name means and how many words had to be passed over; None where it means none."""
    own = _own(key)
    parts, raw = words(own), [word.lower() for word in _WORD.findall(own)]
    if _NOT & set(words(key)):
        return None
    count = _bare(raw)
    parts, raw = parts[:count], raw[:count]
    for skipped in range(min(_PREFIX, len(parts) - 1) + 1):
        name = _lookup(raw[skipped:], parts[skipped:])
        if name:
            return name, skipped
    return None


def _bare(raw: list[str]) -> int:
    """How many words are left without endings such as Maya's: jawOpenShape, jawOpen_BS, jawOpenShape1."""
    count = len(raw)
    while count > 1 and (raw[count - 1] in _AFTER or (raw[count - 1].isdigit() and raw[count - 2] in _AFTER)):
        count -= 1
    return count


def _lookup(raw: list[str], parts: tuple[str, ...]) -> str | None:
    """The ARKit name of exactly these words."""
    squashed = "".join(raw)
    found = _BY_WORDS.get(tuple(sorted(parts))) or ALIASES.get(squashed) or _SQUASHED.get(squashed)
    if found is None and parts[-1:] in (("left",), ("right",)):  # half of a shape that ARKit has no sides for
        whole = _BY_WORDS.get(tuple(sorted(parts[:-1])))
        found = whole if whole in _WITHOUT_SIDE else None
    return found


def match_keys(keys: Iterable[str], corrections: Mapping[str, str] | None = None) -> Matches:
    """Which keys make which ARKit shape, in ARKit's order.

    `corrections`, made by hand, map ARKit names to a key, or to "" where there is none. Of several keys that fit, the
    one with the fewest words passed over wins; keys that fit equally well are halves where they differ in their side.
    One key may stand for two shapes, such as both eyes' blinks.
    """
    keys, corrections = list(keys), dict(corrections or {})
    found: dict[str, list[tuple[int, str]]] = {}
    for key in keys:
        hit = recognise(key)
        if hit:
            found.setdefault(hit[0], []).append((hit[1], key))
    result: Matches = {name: _best(hits) for name, hits in found.items()}
    for key in keys:  # one key for both sides or for a plain open mouth, where nothing better is there
        for name in _READY_PLAYER_ME.get("".join(_WORD.findall(key)).lower(), "").split():
            result.setdefault(name, (key,))
    result |= {name: (key,) for name, key in corrections.items() if key in keys}
    return {name: result[name] for name in ARKIT_NAMES if name in result and corrections.get(name) != ""}


def _best(hits: list[tuple[int, str]]) -> tuple[str, ...]:
    """The keys with the fewest words passed over: one, or the halves that differ."""
    least = min(skipped for skipped, _ in hits)
    keys = [key for skipped, key in hits if skipped == least]
    halves = {words(key): key for key in reversed(keys)}  # two spellings of the same are one
    sided = [key for parts, key in halves.items() if {"left", "right"} & set(parts)]
    return tuple(sorted(sided)) if len(sided) > 1 and len(sided) == len(halves) else (keys[0],)
