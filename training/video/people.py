"""The people on video: who trains, who validates, who tests, and whose clips are whose.

Everything below the data folder's talking/ (or another folder) that holds tracks trains, one person a folder, but for
the test people, who are never trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.animated import data_folder
from .face_measures import clip_measures
from .manner import Motion, Size, motions, size_of
from .pose import mean_shape, without_pose
from .tracks import TRACKS, Clip, TrackError, load_set

TEST_SETS = ("grid_s30_s33_s34", "grid_s16_s25_s27")
# GRID's talkers, also under the names that their folders have where somebody tracks the whole corpus
_TEST_TALKERS = frozenset(f"{prefix}{n}" for n in (16, 25, 27, 30, 33, 34) for prefix in ("s", "grid_s"))
VALIDATION_SET, VALIDATION_EVERY = "grid_s1", 10  # every tenth sentence of this man chooses the model,
VALIDATION_PERSON = ("grid_s26_s31", "second man")  # and all of this one: his own sentences show what strangers lose

# Sets of several people, told apart by their faces: person -> clips. Which of GRID's talkers each is, is not known.
_GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "grid_s26_s31": {
        "first man": (
            "bgbsza",
            "bwaq8s",
            "lbbo3n",
            "lrbi7p",
            "lwajza",
            "lwwx5p",
            "pbbg5p",
            "pwabza",
            "srizza",
            "swbm3n",
        ),
        "second man": (
            "bgiq6p",
            "bgix8n",
            "bgix9s",
            "lbig7s",
            "lbwo3s",
            "lgbj5a",
            "lrau5s",
            "lrbvzp",
            "lwiu7s",
            "prwa4n",
        ),
    },
    "grid_s30_s33_s34": {
        "first": ("video", "video_27a6a", "video_c2054"),
        "second": ("video_4d2e6", "video_53913", "video_8fec8", "video_9f5ed"),
        "third": ("video_971f6",),
    },
    "grid_s16_s25_s27": {"first": ("bbbp8n",), "second": ("bbwx8n",), "third": ("bgal9n",)},
}


@dataclass(frozen=True, eq=False)
class Person:
    """One person's clips, turned to the front and measured from their neutral, and how far they move."""

    folder: str
    name: str
    motions: tuple[Motion, ...]
    size: Size


def talking_folder() -> Path:
    """Where the bundled sets lie."""
    return data_folder() / "talking"


def training_people(root: Path) -> list[Person]:
    """Everybody below a folder who may be trained on, in the order of their folders' names.

    Raises TrackError where there is nobody.
    """
    folders = sorted(path.parent for path in root.glob(f"*/{TRACKS}"))
    kept = [folder for folder in folders if folder.name not in TEST_SETS and folder.name not in _TEST_TALKERS]
    people = [person for folder in kept for person in people_of(folder)]
    if not people:
        raise TrackError(f"There are no tracks below {root}.", "Set DUET_DATA, or make them: docs/training_data.md.")
    return people


def test_clips() -> dict[str, list[Clip]]:
    """The clips of the six whom nobody trains on, as they are, by person."""
    return {name: clips for folder in TEST_SETS for name, clips in clips_of(talking_folder() / folder).items()}


def clips_of(folder: Path) -> dict[str, list[Clip]]:
    """The clips of one set as they are, by person."""
    clips = load_set(folder)
    groups = _GROUPS.get(folder.name, {"": tuple(clip.name for clip in clips)})
    return {
        f"{folder.name} {name}".strip(): [clip for clip in clips if clip.name in names]
        for name, names in groups.items()
    }


def people_of(folder: Path) -> Iterator[Person]:
    """The people of one set, turned to the front and measured."""
    for name, clips in clips_of(folder).items():
        shape = mean_shape(clips)
        turned = [without_pose(clip, shape) for clip in clips]
        moved = motions(turned, [clip_measures(clip) for clip in turned])
        yield Person(folder.name, name, tuple(moved), size_of(moved))


def validates(person: Person, number: int) -> bool:
    """Whether a clip, by its number among its person's, is kept back to choose the model."""
    if (person.folder, person.name) == VALIDATION_PERSON:
        return True
    return person.folder == VALIDATION_SET and number % VALIDATION_EVERY == 0


def common_size(people: list[Person]) -> Size:
    """How far the natural style moves: the mean of all people, each counting once."""
    return Size(float(np.mean([p.size.gap for p in people])), float(np.mean([p.size.width for p in people])))
