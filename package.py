"""Build dist/duet.zip, the extension for every system: `python package.py`. The same files give the same bytes."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OUTPUT = ROOT / "dist" / "duet.zip"
ROOMS = ("panels", "operators", "scene", "inference", "weights")
FILES = ("blender_manifest.toml", "__init__.py", "LICENSE", "THIRD_PARTY_NOTICES.md")
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold


def contents() -> list[Path]:
    """The files of the extension, in order; raises FileNotFoundError where one is missing."""
    files = [ROOT / name for name in FILES]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"The extension lacks {', '.join(missing)}.")
    for room in ROOMS:
        files += (p for p in (ROOT / room).rglob("*") if p.is_file() and not _hidden(p.relative_to(ROOT)))
    return sorted(files)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def build(output: Path = OUTPUT) -> Path:
    """Write the zip and return its path."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w") as archive:
        for path in contents():
            entry = zipfile.ZipInfo(path.relative_to(ROOT).as_posix(), _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED  # also of weights: most vertices are still in most shapes
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return output


if __name__ == "__main__":
    made = build()
    installer = shutil.copy(ROOT / "install_torch.py", made.parent)
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)\n{installer}, for the graphics card: it stays outside the zip")
