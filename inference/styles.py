"""The speaking styles to choose from: STYLES, and people's own manners that training has added to the speech model."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .checkpoints import load_checkpoint
from .take import STYLES

_MODEL = Path(__file__).resolve().parents[1] / "weights" / "speech.safetensors"


@cache
def style_names(path: Path = _MODEL) -> tuple[str, ...]:
    """STYLES, then the own of a speech model; raises WeightsError where its file is missing or damaged."""
    names = load_checkpoint(path).json("styles")
    return (*STYLES, *(str(name) for name in names if name not in STYLES))
