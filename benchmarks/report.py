"""What benchmarks share: the recordings they speak, their tables, and what the machine is."""

from __future__ import annotations

import importlib.util
import os
import platform
import wave
from importlib import metadata
from pathlib import Path

import numpy as np

from ..inference.arrays import Floats
from ..inference.blas import blas_name

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT / "examples" / "recordings" / "sense_and_sensibility_0870.wav"


def recorded(path: Path) -> Floats:
    """Samples (N,) of a bundled recording, 16-bit mono at 16 kHz: read by Python, where no decoder is installed."""
    with wave.open(str(path), "rb") as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float32) / np.float32(32768)


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Rows of text under their headings, aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def markdown(rows: list[tuple[str, ...]]) -> str:
    """The same as a table of Markdown's."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def machine() -> str:
    """Processor, cores, system, BLAS, and the versions of what computes."""
    versions = [f"{name} {version}" for name in ("torch", "bpy") if (version := _version(name))]
    versions += _graphics_cards()
    parts = [_processor(), f"{os.cpu_count()} cores", platform.system(), f"Python {platform.python_version()}"]
    parts += [f"NumPy {np.__version__}", f"BLAS {blas_name()}", *versions]
    return ", ".join(parts)


def _graphics_cards() -> list[str]:
    """Of CUDA, where torch is there to ask."""
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def load() -> float:
    """How many programs wanted a core in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
