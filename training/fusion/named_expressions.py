"""The named expressions of the expression set, in FACS units (see facs.py), after the emotion tables and Florence4D.

The shipped emotions (training/fusion/expressions.py) come first; these widen what the fusion module has seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...inference.head.canonical import ARKIT_NAMES
from ...inference.take import EMOTIONS
from ..recipes import rows_of
from .expressions import RECIPES
from .facs import shapes_of

_UNITS = {
    # joy
    "smile": "12:0.7",
    "smile_broad": "6:0.9 + 12 + 25:0.7",
    "laugh": "6 + 12 + 25 + 26 + 7:0.4",
    "laugh_loud": "6 + 12:0.9 + 25 + 27:0.7 + 4:0.15",
    "amused": "12:0.5 + 14:0.3 + 6:0.4 + 2:0.2",
    "content": "12:0.3 + 6:0.25 + 43:0.15",
    "proud": "12:0.35 + 17:0.3 + 7:0.25 + 24:0.2",
    "tender": "12:0.3 + 1:0.4 + 6:0.2",
    "relieved": "12:0.35 + 43:0.3 + 26:0.3 + 1:0.3",
    "hopeful": "1:0.5 + 2:0.3 + 12:0.35 + 5:0.2",
    "excited": "12:0.9 + 6:0.5 + 5:0.5 + 2:0.6 + 1:0.5 + 25:0.6 + 26:0.4",
    "mischief": "12L:0.7 + 7:0.4 + 4R:0.3 + 2L:0.5 + 14L:0.3",
    "flirt": "12R:0.5 + 2L:0.4 + 7R:0.4 + 43R:0.3 + 18:0.1",
    "smile_polite": "12:0.55 + 14:0.3 + 24:0.1",
    "smile_forced": "12:0.7 + 20:0.35 + 25:0.6 + 4:0.2",
    "smile_sad": "1:0.7 + 4:0.2 + 12:0.45 + 15:0.3",
    # sadness
    "sorrow": "1 + 4:0.4 + 15:0.8 + 17:0.5",
    "grief": "1 + 4:0.7 + 15:0.7 + 17:0.6 + 6:0.5 + 43:0.4 + 20:0.3",
    "crying": "1:0.9 + 4:0.6 + 6:0.8 + 7:0.6 + 15:0.7 + 20:0.6 + 25:0.8 + 26:0.4",
    "pout": "17:0.9 + 18:0.5 + 15:0.4 + 4:0.2",
    "disappointed": "15:0.5 + 17:0.4 + 1:0.4 + 43:0.2 + 14:0.3",
    "hurt": "1:0.8 + 4:0.5 + 7:0.3 + 20:0.3 + 17:0.3",
    "lonely": "1:0.5 + 15:0.4 + 43:0.25",
    "pity": "1:0.8 + 4:0.3 + 17:0.4 + 12:0.1",
    "ashamed": "43:0.35 + 15:0.3 + 24:0.3 + 1:0.4 + 14:0.2",
    "guilty": "1:0.6 + 4:0.3 + 20:0.3 + 28:0.3",
    "tired": "43:0.5 + 15:0.25 + 26:0.2 + 1:0.2",
    "bored": "43:0.45 + 14R:0.3 + 17:0.2",
    # anger
    "annoyed": "4:0.5 + 7:0.4 + 24:0.4 + 14L:0.2",
    "frustrated": "4:0.8 + 7:0.4 + 24:0.6 + 17:0.5 + 34:0.15",
    "furious": "4 + 5:0.6 + 7:0.6 + 9:0.6 + 10:0.5 + 16:0.6 + 25:0.7",
    "shouting": "4 + 5:0.4 + 7:0.5 + 10:0.6 + 16:0.7 + 27:0.8 + 9:0.4",
    "snarl": "9 + 10:0.9 + 4:0.8 + 7:0.5 + 25:0.6",
    "snarl_one_sided": "9R:0.8 + 10R:0.9 + 4:0.6 + 7:0.4",
    "threat": "4:0.9 + 5:0.4 + 29:0.5 + 24:0.6",
    "stern": "4:0.6 + 24:0.5 + 17:0.3",
    "clenched": "4:0.6 + 24:0.8 + 29:0.2 + 20:0.2",
    "resentful": "4:0.6 + 7:0.5 + 15:0.4 + 14L:0.4",
    "jealous": "4:0.5 + 7:0.5 + 15:0.3 + 12R:0.2 + 10R:0.3",
    # surprise and fear
    "astonished": "1 + 2 + 5 + 27:0.7",
    "startled": "1:0.8 + 2:0.8 + 5 + 20:0.4 + 25:0.4",
    "awe": "1:0.7 + 2:0.6 + 5:0.5 + 26",
    "curious": "1:0.4 + 2L:0.7 + 7:0.15 + 17:0.1",
    "raised_brows": "1:0.9 + 2:0.9",
    "one_brow": "2R:0.9 + 4L:0.4",
    "worried": "1:0.9 + 4:0.5 + 20:0.3 + 24:0.2",
    "anxious": "1:0.7 + 4:0.5 + 5:0.3 + 28:0.4 + 20:0.2",
    "terror": "1 + 2:0.6 + 4:0.6 + 5 + 20:0.9 + 25:0.8 + 26:0.8",
    "panic": "1 + 2:0.8 + 5 + 20:0.7 + 16:0.5 + 27:0.5",
    "horror": "1:0.9 + 4:0.6 + 5:0.9 + 10:0.4 + 20:0.5 + 26:0.7",
    "nervous_smile": "1:0.6 + 4:0.3 + 12:0.5 + 20:0.4 + 25:0.4",
    # disgust and contempt
    "revolted": "9 + 10:0.8 + 4:0.6 + 6:0.4 + 17:0.5 + 16:0.3",
    "nauseous": "9:0.6 + 10:0.3 + 17:0.6 + 34:0.3 + 43:0.3 + 15:0.4",
    "sniff": "9:0.7 + 10:0.4",
    "sour": "18:0.7 + 7:0.7 + 4:0.5 + 9:0.4 + 14:0.4",
    "disdain": "14R:0.7 + 43:0.3 + 2:0.3 + 17:0.3",
    "smirk": "12R:0.6 + 14R:0.4 + 7R:0.2",
    "sneer": "10L:0.7 + 9L:0.5 + 14L:0.3",
    "sceptical": "2L:0.7 + 4R:0.5 + 14R:0.4 + 17:0.3 + 71R:0.3",
    "doubtful": "4:0.3 + 1:0.3 + 17:0.5 + 15:0.4",
    # thought and effort
    "thinking": "4:0.4 + 71L:0.5 + 24:0.3 + 7:0.2",
    "concentrated": "4:0.6 + 7:0.5 + 24:0.3",
    "confused": "4:0.5 + 1:0.5 + 7L:0.3 + 10R:0.2",
    "determined": "4:0.5 + 24:0.5 + 17:0.4 + 29:0.2",
    "squint": "7 + 4:0.4 + 6:0.5 + 10:0.2",
    "eyes_closed": "43",
    "eyes_wide": "5",
    "wink": "43L + 6L:0.6 + 12L:0.5",
    "blow": "18:0.6 + 34:0.5 + 22:0.2",
    "cheeks_puffed": "34 + 24:0.4",
    "whistle": "18:0.9 + 22:0.4",
    "lips_pressed": "24:1.0 + 17:0.2",
    "bite_back": "28:0.8 + 4:0.2",
    "effort": "4:0.8 + 6:0.7 + 7:0.7 + 20:0.6 + 25:0.5 + 9:0.5",
    "pain": "4:0.9 + 6:0.8 + 7:0.8 + 9:0.6 + 10:0.5 + 20:0.5 + 25:0.5 + 43:0.4",
    "yawn": "27 + 43:0.6 + 1:0.4 + 16:0.3",
}

NAMED: dict[str, dict[str, float]] = {name: recipe for name, recipe in RECIPES.items() if recipe}
NAMED |= {name: shapes_of(units) for name, units in _UNITS.items()}
LIBRARY = (*EMOTIONS, *(name for name in NAMED if name not in RECIPES))  # what users choose from, in this order


def library_arkit() -> NDArray[np.float32]:
    """The library's recipes as ARKit coefficients: (N, 52), one row for each of LIBRARY; neutral is all zero."""
    return rows_of([NAMED.get(name, {}) for name in LIBRARY], ARKIT_NAMES)
