"""Phones of the people's clips with their times: aligned by GRID's words, else by those that are recognised; cached."""

from __future__ import annotations

import json
from pathlib import Path

from ..data.alignment import AlignmentError, Recording, aligned
from ..features import CACHE
from ..synthesis.utterance import Segment
from .sentences import grid_words, heard_words
from .tracks import Clip

FOLDER = CACHE / "aligned"


def phones_of(clip: Clip, folder: Path = FOLDER) -> tuple[Segment, ...] | None:
    """The phones of a clip without gaps, or None where PocketSphinx cannot align its words."""
    path = folder / clip.folder / f"{clip.name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        words = grid_words(clip.name) or (heard_words(clip.samples) if clip.folder.startswith("grid") else "")
        try:
            found = aligned(Recording(clip.name, clip.folder, clip.samples, words))
        except AlignmentError:
            found = ()
        path.write_text(json.dumps([list(segment) for segment in found]), "utf-8")
    read = json.loads(path.read_text("utf-8"))
    return tuple(Segment(*entry) for entry in read) or None
