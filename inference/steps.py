"""Long work in small steps: a generator that yields how far it is, so that Blender's window can live between them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")
Steps = Generator[float, None, Result]  # yields fractions, 0 to 1


def finish(steps: Steps[Result]) -> Result:
    """Run all steps at once and return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
