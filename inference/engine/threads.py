"""A few threads that share the passes of the embedded engine: NumPy lets go of Python's lock while it computes.

The BLAS beneath NumPy has threads of its own, but only for products; two kinds at once get in each other's way. So the
worker is started with one BLAS thread and DUET_THREADS of ours (`client.worker_command`); elsewhere BLAS has them all.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

VARIABLE = "DUET_THREADS"
_LEAST = 32  # rows a thread: fewer are sooner done than handed over


class Team:
    """`size` threads, of which the caller's is one."""

    def __init__(self, size: int | None = None) -> None:
        """As many as DUET_THREADS says where no size is given, else 1."""
        self.size = max(1, size or _asked())
        self._pool = ThreadPoolExecutor(self.size - 1, "duet-engine") if self.size > 1 else None

    def rows(self, work: Callable[[slice], None], count: int) -> None:
        """Call `work` with slices that cover `count` rows, one a thread."""
        parts = max(1, min(self.size, count // _LEAST))
        edges = [count * i // parts for i in range(parts + 1)]
        self.each([partial(work, slice(a, b)) for a, b in itertools.pairwise(edges)])

    def close(self) -> None:
        """End the other threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def each(self, tasks: list[Callable[[], None]]) -> None:
        """Carry out tasks; the first one's error is raised when all have ended."""
        if self._pool is None or len(tasks) == 1:
            for task in tasks:
                task()
            return
        shares = [tasks[i :: self.size] for i in range(self.size)]
        others = [self._pool.submit(_all, share) for share in shares[1:] if share]
        try:
            _all(shares[0])
        finally:
            errors = [other.exception() for other in others]
        for error in errors:
            if error:
                raise error


def _all(tasks: list[Callable[[], None]]) -> None:
    for task in tasks:
        task()


def _asked() -> int:
    text = os.environ.get(VARIABLE, "")
    return min(int(text), 64) if text.isdigit() else 1
