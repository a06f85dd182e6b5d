"""Speaking styles as an enumeration's items."""

from __future__ import annotations

import zlib

from ...inference.errors import WeightsError
from ...inference.performance.performance import SETTINGS
from ...inference.styles import style_names
from ...inference.take import STYLES


def style_items() -> list[tuple[str, str, str, int]]:
    """All styles. Files keep the numbers, so somebody's own has a number of its name's for ever."""
    try:
        names = style_names()
    except WeightsError:  # said where a take is generated
        names = STYLES
    own = [(name, name, f"As {name} speaks", 1000 + zlib.crc32(name.encode()) % 10**9) for name in names[len(STYLES) :]]
    return [*((name, name.title(), _said(name), number) for number, name in enumerate(STYLES)), *own]


def _said(name: str) -> str:
    text = SETTINGS["style"].choices[name]
    return text[0].upper() + text[1:]


STYLE_ITEMS = style_items()
KNOWN = tuple(name for name, *_ in STYLE_ITEMS)
