"""Long work in small steps: a generator that yields how far it is, so that Blender's window can live between them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")
Steps = Generator[float, None, Result]  # yields fractions, 0 to 1
_TURN = 0.02  # seconds that a thread is waited for at a time


def finish(steps: Steps[Result]) -> Result:
    """Run all steps at once and return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


class Background(Thread, Generic[Result]):
    """A function without bpy that a thread runs from now on; `wait` gives its result or raises what it raised."""

    def __init__(self, function: Callable[[], Result]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Called by the thread."""
        try:
            self._results.append(self._function())
        except BaseException as error:  # raised again by `wait`, in the thread that wants the result
            self._error = error

    def wait(self) -> Steps[Result]:
        """Until it is done."""
        while self.is_alive():
            self.join(_TURN)
            yield 0.0
        if self._error is not None:
            raise self._error
        return self._results[0]


def in_background(function: Callable[[], Result]) -> Steps[Result]:
    """Run a function without bpy in a thread, and wait for its result."""
    return (yield from Background(function).wait())
