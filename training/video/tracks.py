"""Tracks of real people's faces: clips of sound with the positions of MediaPipe's face landmarks.

A set is a folder with NAME.flac (16 kHz mono) a clip and tracks.npz. Its arrays hold all frames one after another:
`names`, `fps`, `frames` (how many each clip has), `landmarks` (which of the 478 points), `points` (N, L, 3) int16 in
0.01 mm, `seen` (N,), `roll` (N,) rad and `eyes` (N, 3). Points are scaled to an iris distance of 63 mm, with the
origin midway between the irises, x to the picture's right, y down, z away from the camera, roll removed. Frame k is
the face at (k + 0.5) / fps seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.decode import load_audio
from ...inference.errors import DuetError
from ..read_at import read_at

TRACKS = "tracks.npz"
UNIT = 0.01  # mm: what the stored integers count


class TrackError(DuetError):
    """A folder of tracks, or a video, that cannot be used."""

    kind = "track"


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip: samples (N,) at 16 kHz, points (T, L, 3) in mm, whether a face was seen (T,), frames a second."""

    folder: str
    name: str
    samples: Floats
    points: Floats
    seen: NDArray[np.bool_]
    fps: float
    landmarks: tuple[int, ...]

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds (T,) at which the frames hold."""
        return (np.arange(len(self.points)) + 0.5) / self.fps

    def at(self, landmarks: Sequence[int]) -> Floats:
        """Some landmarks by their MediaPipe numbers, (T, n, 3) in mm."""
        return self.points[:, [self.landmarks.index(number) for number in landmarks]]

    def moved(self, points: Floats) -> Clip:
        """The same clip with other points."""
        return replace(self, points=points.astype(np.float32))


def load_set(folder: Path) -> list[Clip]:
    """The clips of a folder, in the order of its file.

    Raises TrackError where the folder holds no tracks or lacks a clip's sound.
    """
    path = folder / TRACKS
    if not path.is_file():
        raise TrackError(f"{folder} holds no {TRACKS}.", "Make it with python -m duet.training.video.track FOLDER.")
    with np.load(path) as data:
        arrays = {key: data[key] for key in ("names", "fps", "frames", "landmarks", "points", "seen")}
    landmarks = tuple(int(number) for number in arrays["landmarks"])
    stops = np.cumsum(arrays["frames"])
    clips = []
    for name, fps, start, stop in zip(arrays["names"], arrays["fps"], stops - arrays["frames"], stops, strict=True):
        sound = folder / f"{name}.flac"
        if not sound.is_file():
            raise TrackError(f"{folder} lacks the sound of its clip, {sound.name}.", "Make the tracks again.")
        seen = arrays["seen"][start:stop]
        if not seen.any():
            continue
        points = _bridged(arrays["points"][start:stop].astype(np.float32) * np.float32(UNIT), seen)
        clips.append(Clip(folder.name, str(name), load_audio(sound), points, seen, float(fps), landmarks))
    return clips


def _bridged(points: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Points (T, L, 3) with the frames in which no face was seen filled in from those around them."""
    if seen.all():
        return points
    frames = np.arange(len(points))
    return read_at(frames, frames[seen], points.reshape(len(points), -1)[seen]).reshape(points.shape)
