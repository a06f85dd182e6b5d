"""How every stage of training saves its weights: with a stamp of what made them (see inference/stamps.py)."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..inference.checkpoints import save_checkpoint
from ..inference.stamps import BUILT_ON, ENTRY, Stamp, file_id
from .features import CACHE, WEIGHTS

ROOT = WEIGHTS.parent
# Weights file -> those that its training reads and that may change after it: a loss weighed on the head's lips, ...
SEEN: dict[str, tuple[str, ...]] = {"speech": ("head",)}


def begin(name: str, seed: int = 0, weights: Path = WEIGHTS) -> Stamp:
    """The stamp of a stage that starts now, before it reads anything; raises WeightsError where a source is missing."""
    built_on, seen = (
        {source: file_id(weights / f"{source}.safetensors") for source in table.get(name, ())}
        for table in (BUILT_ON, SEEN)
    )
    return Stamp(commit(), seed, built_on, seen)


def save_weights(path: Path, arrays: dict[str, NDArray[Any]], metadata: Mapping[str, str], stamp: Stamp) -> None:
    """Write a weights file with its stamp, whole or not at all."""
    partial = path.with_suffix(".partial")
    save_checkpoint(partial, arrays, {**metadata, ENTRY: stamp.text()})
    partial.replace(path)


def working_folder(name: str, stamp: Stamp) -> Path:
    """Where a stage keeps what it resumes from: another seed or other sources have another one."""
    key = hashlib.sha256(f"{stamp.seed} {dict(stamp.built_on)} {dict(stamp.seen)}".encode()).hexdigest()[:8]
    folder = CACHE / f"{name}_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def commit() -> str:
    """The repository's commit, with a + where tracked files other than weights differ from it; else "unknown"."""
    found = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!weights")
    return f"{found}{'+' if changed else ''}" if found else "unknown"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
