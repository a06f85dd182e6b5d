"""The measured sections of weights/model_card.md, each between two comments that also say which weights it measured."""

from __future__ import annotations

import re

from ...inference.checkpoints import MODEL_FILES
from ...inference.stamps import file_id
from ..features import WEIGHTS

CARD = WEIGHTS / "model_card.md"


def weights_id() -> str:
    """The ids of the files that make a take, as one text."""
    return " ".join(f"{name}={file_id(WEIGHTS / f'{name}.safetensors')}" for name in MODEL_FILES)


def with_section(card: str, name: str, title: str, lines: list[str], weights: str = "") -> str:
    """The card with one section's text replaced, or added at the end where it has none yet."""
    begin, end = f"<!-- {name}: begin {weights}".rstrip() + " -->", f"<!-- {name}: end -->"
    section = "\n".join([begin, f"## {title}", "", *lines, end])
    pattern = re.compile(rf"<!-- {re.escape(name)}: begin[^>]*-->.*?{re.escape(end)}", re.DOTALL)
    if pattern.search(card):
        return pattern.sub(lambda _: section, card)
    return f"{card.rstrip()}\n\n{section}\n".lstrip()


def measured(card: str, weights: str) -> set[str]:
    """Names of the sections that were measured on these weights."""
    return {name for name, of in re.findall(r"<!-- (\w+): begin ([^>]*?) -->", card) if of == weights}
