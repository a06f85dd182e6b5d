"""A .gltf that holds all that it needs: one file takes one place, and none is ever beside the numbers of another."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import unquote

_NUMBERS = "application/octet-stream"


def embed(path: Path) -> None:
    """Put the files that a .gltf names beside it, its numbers and pictures, into it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for each in (*document.get("buffers", ()), *document.get("images", ())):
        uri = each.get("uri", "data:")
        if not uri.startswith("data:"):
            data = base64.b64encode(path.with_name(unquote(uri)).read_bytes()).decode("ascii")
            each["uri"] = f"data:{each.get('mimeType', _NUMBERS)};base64,{data}"
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
