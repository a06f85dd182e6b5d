"""How plainly a mouth makes each kind of mark, frame by frame, from the weights of its speech keys."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..arrays import Floats
from ..errors import WeightsError
from ..head.blendshapes import shipped
from ..head.canonical import load_head
from ..head.mouth import Mouth, mouth_of
from ..head.recompose import mixed
from ..take import Take
from .marks import KINDS

_SHUT, _APART = 0.4, 2.0  # mm between lips that are shut, and that are not
_ROUND, _WIDE = 9.0, 4.0  # mm of narrowing and coming forward, and of the contrary
_OPEN = 15.0  # mm between lips that are wide open
_BITE = {"Speech lower lip in": 0.16, "Speech upper lip up": 0.14}  # both at once: the lip is at the teeth
_SEALED = {"Speech lips press": 0.15, "Speech lips together": 0.15}
_TONGUE = {"Speech tongue up": 0.7, "Speech tongue to teeth": 0.5}


@cache
def _mouth() -> Mouth:
    return mouth_of(load_head(), shipped().basis)


def evidence(take: Take) -> Floats:
    """(T, 6) in [0, 1] of KINDS at the take's frames; raises WeightsError where it is of another version."""
    names, weights = mixed(take.speech_names, take.speech_weights)
    column = dict(zip(names, weights.T, strict=True))
    if not column.keys() >= {*_BITE, *_SEALED, *_TONGUE}:
        raise WeightsError("These blendshapes have no lips to tell marks by.", "Use the weights that come with Duet.")
    gap, rounding = _mouth().gap(weights), _mouth().rounding(weights)
    sealed = np.mean([_share(column[name], full) for name, full in _SEALED.items()], axis=0)
    bite = np.min([_share(column[name], full) for name, full in _BITE.items()], axis=0)
    tongue = np.max([_share(column[name], full) for name, full in _TONGUE.items()], axis=0)
    near = 1.0 - np.clip((gap - _SHUT) / (_APART - _SHUT), 0.0, 1.0)
    narrow = np.clip(rounding / _ROUND, 0.0, 1.0)
    found = {
        "closed": near * sealed * (1.0 - 0.7 * narrow),
        "teeth": bite * (1.0 - near * sealed) * np.clip(2.0 - gap / 4.0, 0.0, 1.0),
        "round": narrow,
        "wide": np.clip((_WIDE / 4 - rounding) / _WIDE, 0.0, 1.0) * np.clip(gap / 4.0, 0.0, 1.0),
        "open": np.clip(gap / _OPEN, 0.0, 1.0),
        "tongue": tongue,
    }
    return np.stack([found[kind] for kind in KINDS], axis=1).astype(np.float32)


def _share(curve: Floats, full: float) -> Floats:
    return np.clip(curve / np.float32(full), 0.0, 1.0)


def peaks(seen: Floats) -> list[int]:
    """The frames at which evidence (T,) is highest among its neighbours; of several alike, the middle one."""
    found, first = [], 0
    for at in range(1, len(seen) + 1):
        if at < len(seen) and seen[at] == seen[first]:
            continue
        rises = first == 0 or seen[first - 1] < seen[first]
        if rises and (at == len(seen) or seen[at] < seen[first]) and seen[first] > 0:
            found.append((first + at - 1) // 2)
        first = at
    return found
