"""Where a file is written before it takes its place, and when what is there was written."""

from __future__ import annotations

import secrets
from pathlib import Path


def partial_of(path: Path, ending: str = "", sign: str = ".") -> Path:
    """A name beside `path` that nobody else writes to, also of machines whose processes have the same numbers.

    `ending` stands at its end, `sign` between its parts and before them: with a dot it is hidden.
    """
    parts = (path.stem[:40], secrets.token_hex(4), "partial")  # 40 letters may be 160 bytes
    return path.with_name(sign + sign.join(parts) + ending)


def written_at(path: Path) -> int:
    """When a file was written last, in ns; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
