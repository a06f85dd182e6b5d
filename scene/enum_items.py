"""What the choices of the sidebar offer: identifier, name and help of each, with the numbers that files keep."""

from __future__ import annotations

import zlib

from ..inference.errors import WeightsError
from ..inference.head.library import emotion_names, label
from ..inference.take import EMOTIONS

SOURCES = [
    ("FILE", "File", "A sound file", "FILE_SOUND", 0),
    ("STRIP", "Strip", "A sound strip that is in the sequencer already; its cut and place are kept", "SEQUENCE", 1),
]
PLACES = [
    ("TAKE", "Another Take", "In place of the take or line that plays"),
    ("LINE", "Next Line", "Beside the lines that the head speaks already"),
]
OVERLAPS = [
    ("REFUSE", "Refuse", "Say where two lines of one head would speak at once, and leave them as they are"),
    ("FADE", "Cross-Fade", "Let the face go from one line to the next over the frames that both have"),
]
EXISTING = [
    ("LAYER", "Layer", "Move it to an NLA track of its own, which goes on playing under the speech"),
    ("KEEP", "Set Aside", "Keep it in the file (fake user), but play the speech alone"),
]


def emotion_items() -> list[tuple[str, str, str, int]]:
    """All emotions to choose from. Files keep the numbers, so a name of the library has one of its own for ever."""
    try:
        names = emotion_names()
    except WeightsError:  # said where a head is added
        names = EMOTIONS
    library = sorted(name for name in names if name not in EMOTIONS)
    numbers = [*range(len(EMOTIONS)), *(1000 + zlib.crc32(name.encode()) % 10**9 for name in library)]
    return [
        (name, label(name), f"'{label(name)}' in the face", number)
        for name, number in zip((*EMOTIONS, *library), numbers, strict=True)
    ]


EMOTION_ITEMS = emotion_items()
