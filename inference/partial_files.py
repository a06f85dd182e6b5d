"""Where a file is written before it takes its place."""

from __future__ import annotations

import secrets
from pathlib import Path


def partial_of(path: Path, ending: str = "", sign: str = ".") -> Path:
    """A name beside `path` that nobody else writes to, also of machines whose processes have the same numbers.

    `ending` stands at its end, `sign` between its parts and before them: with a dot it is hidden.
    """
    parts = (path.stem[:40], secrets.token_hex(4), "partial")  # 40 letters may be 160 bytes
    return path.with_name(sign + sign.join(parts) + ending)
