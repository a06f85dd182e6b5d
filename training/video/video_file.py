"""Reading a video: its pictures and its sound, by the ffmpeg that the package imageio-ffmpeg brings along."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.checks import SAMPLE_RATE
from .tracks import TrackError

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mpg", ".mpeg", ".avi", ".mkv", ".webm", ".wmv", ".flv"})
_FASTEST = 30.5  # frames a second: of faster videos every second, third, ... picture is left out


@dataclass(frozen=True)
class Pictures:
    """A video's pictures as (height, width, 3) uint8 RGB, one after another, and how many there are a second."""

    fps: float
    frames: Iterator[NDArray[np.uint8]]


def open_pictures(path: Path) -> Pictures:
    """The pictures of a video, none of them read yet; raises TrackError where there are none."""
    import imageio_ffmpeg

    try:
        reader = imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24")
        fps = float(next(reader)["fps"])
        reader.close()
        kept = fps / np.ceil(fps / _FASTEST) if fps > 0 else 25.0
        reader = imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24", output_params=["-r", f"{kept:.6f}"])
        width, height = next(reader)["size"]
    except (OSError, RuntimeError, StopIteration, KeyError, ZeroDivisionError) as error:
        raise TrackError(f"{path.name} has no pictures that can be read.", "Convert it to MP4.") from error
    return Pictures(kept, (np.frombuffer(picture, np.uint8).reshape(height, width, 3) for picture in reader))


def read_sound(path: Path) -> Floats:
    """Samples (N,) at 16 kHz of a video's sound; raises TrackError where it has none, only silence, or is no video."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(path), "-vn", "-ac", "1"]
    done = subprocess.run([*command, "-ar", str(SAMPLE_RATE), "-f", "f32le", "-"], capture_output=True, check=False)
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], "<f4")
    if b"Invalid data" in done.stderr:
        raise TrackError(f"{path.name} is no video that can be read.", "Convert it to MP4.")
    if done.returncode or not samples.any():
        raise TrackError(f"{path.name} has no sound.", "Leave it out, or add its sound.")
    return samples
