"""Face tracks of a folder of videos, for training: one person a folder, face to the camera.

    python -m duet.training.video.track FOLDER [--out TRACKS]

Writes tracks.npz and, for every video, its sound as NAME.flac (layout in `tracks`), beside the videos or into another
folder. Videos without a face, without sound or with several people are left out, each with one line that says why.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.checks import SAMPLE_RATE
from .landmarks import LANDMARKS
from .tracks import TRACKS, UNIT, TrackError
from .video_file import VIDEO_SUFFIXES, open_pictures, read_sound

IRIS_DISTANCE = 63.0  # mm that the irises are apart in everybody's tracks: a video has no scale of its own
_RIGHT_IRIS, _LEFT_IRIS = 468, 473  # of the person; left in the picture is the right one
_LEAST_SEEN, _MOST_CROWDED = 0.5, 0.05  # shares of a video's frames: with a face, with several


@dataclass(frozen=True, eq=False)
class Track:
    """One video's track in the layout of `tracks`: T frames, L landmarks."""

    fps: float
    points: NDArray[np.int16]
    seen: NDArray[np.bool_]
    roll: Floats
    eyes: Floats


def track_video(path: Path) -> Track:
    """The face of a video, frame by frame; raises TrackError where it is not the face of one person."""
    pictures = open_pictures(path)
    faces: list[Floats | None] = []
    crowded = 0
    with _face_mesh() as mesh:
        for picture in pictures.frames:
            found = mesh.process(picture).multi_face_landmarks or []
            crowded += len(found) > 1
            height, width = picture.shape[:2]
            faces.append(_pixels(found[0], width, height) if len(found) == 1 else None)
    if not faces:
        raise TrackError(f"{path.name} has no pictures that can be read.", "Convert it to MP4.")
    if crowded > _MOST_CROWDED * len(faces):
        raise TrackError(f"{path.name} shows several people.", "Cut it to one face.")
    if sum(face is not None for face in faces) < _LEAST_SEEN * len(faces):
        raise TrackError(f"{path.name} shows no face in most of its pictures.", "Film one face from the front.")
    return _as_track(faces, pictures.fps)


def _face_mesh() -> Any:  # MediaPipe has no types
    from mediapipe.python.solutions.face_mesh import FaceMesh

    return FaceMesh(max_num_faces=2, refine_landmarks=True)


def _pixels(face: Any, width: int, height: int) -> Floats:
    """MediaPipe's landmarks (478, 3) in pixels; its depth is in units of the picture's width."""
    return np.array([(p.x * width, p.y * height, p.z * width) for p in face.landmark], np.float32)


def _as_track(faces: Sequence[Floats | None], fps: float) -> Track:
    count = len(faces)
    points, seen = np.zeros((count, len(LANDMARKS), 3), np.int16), np.zeros(count, bool)
    roll, eyes = np.zeros(count, np.float32), np.zeros((count, 3), np.float32)
    for frame, face in enumerate(faces):
        if face is None:
            continue
        level, angle, middle, distance = levelled(face)
        points[frame] = np.round(np.clip(level[list(LANDMARKS)] / UNIT, -32768, 32767))
        seen[frame], roll[frame], eyes[frame] = True, angle, (*middle, distance)
    return Track(fps, points, seen, roll, eyes)


def levelled(face: Floats) -> tuple[Floats, float, Floats, float]:
    """A face (478, 3) in pixels without roll, in mm, the origin midway between the irises.

    Also returns the roll in rad, that origin (2,) and the distance of the irises, both in pixels.
    """
    right, left = face[_RIGHT_IRIS], face[_LEFT_IRIS]
    across, middle = left[:2] - right[:2], (left + right) / 2
    angle, distance = float(np.arctan2(across[1], across[0])), float(np.hypot(*across))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    moved = (face - middle) * np.float32(IRIS_DISTANCE / distance)
    moved[:, :2] = moved[:, :2] @ turn
    return moved, angle, middle[:2], distance


def track_folder(folder: Path, out: Path) -> int:
    """Track every video of a folder; returns how many could be used. Raises TrackError where there is none."""
    import soundfile

    if not folder.is_dir():
        raise TrackError(f"There is no folder {folder}.", "Check its name.")
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    out.mkdir(parents=True, exist_ok=True)
    tracks: dict[str, Track] = {}
    for path in videos:
        try:
            samples, track = read_sound(path), track_video(path)
        except TrackError as error:
            print(f"left out: {error}", flush=True)
            continue
        soundfile.write(out / f"{path.stem}.flac", samples, SAMPLE_RATE)
        tracks[path.stem] = track
        print(f"{path.name}: {len(track.seen)} frames", flush=True)
    if not tracks:
        raise TrackError(f"{folder} holds no video of one talking person.", "Film one face from the front, with sound.")
    save_tracks(tracks, out / TRACKS)
    return len(tracks)


def save_tracks(tracks: dict[str, Track], path: Path) -> None:
    """Write tracks by name as one file."""
    each = list(tracks.values())
    joined = {name: np.concatenate([getattr(t, name) for t in each]) for name in ("points", "seen", "roll", "eyes")}
    np.savez_compressed(
        path,
        names=np.array(list(tracks)),
        fps=np.array([t.fps for t in each], np.float64),
        frames=np.array([len(t.seen) for t in each], np.int64),
        landmarks=np.array(LANDMARKS, np.int16),
        **joined,
    )


def main() -> None:
    """Track a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, help="where the tracks go; default: beside the videos")
    arguments = parser.parse_args()
    try:
        count = track_folder(arguments.folder, arguments.out or arguments.folder)
    except TrackError as error:
        raise SystemExit(str(error)) from error
    print(f"{count} tracks in {arguments.out or arguments.folder}")


if __name__ == "__main__":
    main()
