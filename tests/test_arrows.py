"""The arrows of docs/architecture.md: every import of every room, also those inside functions."""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# room -> the rooms it may import; inference is split into its halves.
ARROWS = {
    "__init__": {"panels", "operators", "scene"},
    "panels": {"operators", "scene", "client"},
    "operators": {"scene", "client"},
    "scene": {"client"},
    "client": set(),
    "worker": {"client"},
    "torch": {"client", "worker"},
    "training": {"client", "worker", "torch"},
    "benchmarks": {"client", "worker", "torch", "scene", "operators"},
    "examples": {"client", "worker", "scene", "operators"},
}
# room -> third-party packages it may import; those not listed may import any but bpy.
BLENDER = {"bpy", "bpy_extras", "mathutils", "aud", "gpu", "addon_utils", "numpy"}
PACKAGES = {
    "__init__": set(),
    "panels": BLENDER,
    "operators": BLENDER,
    "scene": {*BLENDER, "pxr"},  # which Blender brings for USD
    "client": {"numpy"},
    "worker": {"numpy"},
    "torch": {"numpy", "torch"},
    "examples": {*BLENDER, "matplotlib", "PIL"},
    "benchmarks": {*BLENDER, "torch", "soundfile"},
}
ROOMS = set(ARROWS) - {"__init__", "client", "worker", "torch"} | {"inference"}
CLIENT = {"__init__", "errors", "take", "checkpoints", "head", "blendshapes"}
CLIENT |= {"audio_checks", "audio_file", "protocol", "child", "client", "exports", "emotion_track"}
CLIENT |= {"livelink", "retarget", "recompose", "bound", "stamps"}
CLIENT |= {"unpickle", "flame", "flame_duet", "flame_fit", "gaussian", "arkit_names", "residual"}
CLIENT |= {"audio_ffmpeg", "plain_text", "text_table", "timecode", "livelink_columns", "npz"}
CLIENT |= {"curves", "emotion_keys", "library", "silence", "life", "loudness", "audio_rate"}
# Imports that only a function may hold, so that they happen where they are needed: (importing module, imported one).
LAZY = {
    ("inference.audio_ffmpeg", "av"),
    ("inference.audio_file", "soundfile"),
    ("inference.audio_file", "soxr"),
    ("inference.engine", "inference.engine_torch"),
    ("inference.worker", "inference.pipeline"),
    ("operators.export_command", "scene.export_files"),
    ("operators.job_runner", "scene"),
    ("operators.job_runner", "scene.files"),
    ("operators.job_runner", "scene.settings"),
    ("operators.job_runner", "scene.sound"),
}


@dataclass(frozen=True)
class Import:
    """One import: `target` is dotted; `inside` where it is one of the project's own, from the repository root."""

    target: str
    inside: bool
    lazy: bool
    line: int


def imports(module: str, source: str, is_package: bool) -> list[Import]:
    """All imports of a module, named by its dotted path from the root."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    lazy = {id(node) for function in functions for node in ast.walk(function)}
    package = module.split(".") if is_package else module.split(".")[:-1]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, False, id(node) in lazy, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            for target, inside in _targets(node, package):
                found.append(Import(target, inside, id(node) in lazy, node.lineno))
    return found


def _targets(node: ast.ImportFrom, package: list[str]) -> list[tuple[str, bool]]:
    if not node.level:
        return [(node.module, False)]
    if node.level - 1 > len(package):
        return [("(above the root)", True)]
    base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
    # `from ..scene import sound` imports a module, `from ..scene import bake_file` a name.
    names = [".".join([*base, alias.name]) for alias in node.names]
    return [(name if _is_module(name) else ".".join(base) or name, True) for name in names]


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def room_of(module: str) -> str:
    """The room of a dotted module; for inference, its half."""
    room, _, rest = module.partition(".")
    if room != "inference":
        return room
    if not rest or rest in CLIENT:
        return "client"
    return "torch" if rest.endswith("_torch") else "worker"


def violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """What a module imports against the rules, one line each."""
    found = []
    for each in imports(module, source, is_package):
        reason = _inside(module, each) if each.inside else _outside(module, each)
        if reason:
            found.append(f"{module}:{each.line} imports {each.target}: {reason}")
    return found


def _inside(module: str, each: Import) -> str:
    if (module, each.target) in LAZY:
        return "" if each.lazy else "only inside the function that needs it"
    source, target = room_of(module), room_of(each.target)
    if source == target or target in ARROWS.get(source, ()):
        return ""
    return f"no arrow from {source} to {target}"


def _outside(module: str, each: Import) -> str:
    package, room = each.target.split(".")[0], room_of(module)
    if package in {"duet", *ROOMS}:
        return "the project's own modules are imported relatively"
    if package in sys.stdlib_module_names:
        return ""
    if (module, package) in LAZY:
        return "" if each.lazy else "only inside the function that needs it"
    if room not in PACKAGES:
        return "training never touches Blender" if package in BLENDER - {"numpy"} else ""
    return "" if package in PACKAGES[room] else f"{room} may not import {package}"


def modules() -> list[Path]:
    """Every Python file of every room."""
    files = [path for room in sorted(ROOMS) for path in sorted((ROOT / room).rglob("*.py"))]
    assert {path.relative_to(ROOT).parts[0] for path in files} == ROOMS
    return [ROOT / "__init__.py", *files]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_import_follows_an_arrow(path):
    is_package = path.name == "__init__.py" and path.parent != ROOT
    relative = path.relative_to(ROOT).with_suffix("")
    module = ".".join(relative.parts[:-1] if is_package else relative.parts)
    assert violations(module, path.read_text(encoding="utf-8"), is_package) == []


def test_client_half_is_all_there():
    assert {name for name in CLIENT if not (ROOT / "inference" / f"{name}.py").exists()} == set()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("inference.pipeline", "import bpy"),
        ("inference.pipeline", "def f():\n    import bpy.types"),
        ("inference.pipeline", "import torch"),
        ("inference.pipeline", "from scipy.signal import resample"),
        ("inference.pipeline", "from .. import scene"),
        ("inference.pipeline", "from ... import x"),
        ("inference.pipeline", "from .engine_torch import TorchEngine"),
        ("inference.pipeline", "from inference.take import Take"),
        ("inference.client", "from .pipeline import Pipeline"),
        ("inference.client", "from . import pipeline"),
        ("inference.audio_file", "import librosa"),
        ("inference.worker", "from .pipeline import Pipeline"),
        ("inference.speech_torch", "import scipy"),
        ("training.train_speech", "def f():\n    import bpy"),
        ("training.train_speech", "from ..scene import heads"),
        ("training.head.cut", "from ..scene import heads"),
        ("scene.heads", "from ..operators import command_line"),
        ("scene.heads", "from ..inference.pipeline import Pipeline"),
        ("scene.heads", "import torch"),
        ("scene.heads", "from duet.inference.take import Take"),
        ("operators.job_runner", "from ..scene import sound"),
        ("operators.command_line", "from ..panels import sidebar"),
        ("panels.sidebar", "import librosa"),
        ("__init__", "from .inference.worker import main"),
        ("examples.demo", "from ..training import animated"),
    ],
)
def test_wrong_arrows_are_found(module, source):
    source = source.replace("from ..scene", "from ...scene") if module == "training.head.cut" else source
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("inference.engine", "def f():\n    from .engine_torch import TorchEngine"),
        ("inference.speech_torch", "import torch\nfrom .take import Take"),
        ("training.train_speech", "import torch, scipy\nfrom ..inference.speech_torch import SpeechTorch"),
        ("training.head.cut", "from ...inference.head import BONES\nfrom . import eyes"),
        ("scene.heads", "import bpy\nimport numpy as np\nfrom ..inference.take import Take\nfrom . import compat"),
        ("operators.job_runner", "def f():\n    from ..scene import bake_file"),
        ("panels.sidebar", "from ..scene import heads\nfrom ..operators import command_line"),
    ],
)
def test_right_arrows_pass(module, source):
    assert violations(module, source) == []
