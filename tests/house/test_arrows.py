"""The arrows of docs/architecture.md: every import of every folder, also those inside functions, and no circle."""

import ast
import graphlib
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from duet.tests.places import ROOT

CONTRACTS = "inference"  # its own files, but the worker: what crosses between rooms and the pipe
CLIENT_SIDE = {
    CONTRACTS,
    *(f"inference.{name}" for name in ("client", "performance", "head", "audio", "flame", "formats")),
}
SCENE = {"scene", *(f"scene.{name}" for name in ("blender", "checks", "exports", "head", "take", "targets"))}
INFERENCE = {*CLIENT_SIDE, "inference.engine", "inference.binding"}
# folder -> the folders it may import
ARROWS = {
    "__init__": {"panels", "operators", "scene"},
    "panels": {"operators", *SCENE, *CLIENT_SIDE},
    "operators": {"operators.batch", *SCENE, *CLIENT_SIDE},
    "operators.batch": {*SCENE, *CLIENT_SIDE},
    "scene": {"scene.blender", "scene.checks", "scene.head", "scene.take", "scene.targets", *CLIENT_SIDE},
    "scene.exports": {*SCENE - {"scene.exports"}, *CLIENT_SIDE},
    "scene.take": {"scene.checks", "scene.head", "scene.blender", *CLIENT_SIDE},
    "scene.targets": {"scene.checks", "scene.head", "scene.blender", *CLIENT_SIDE},
    "scene.checks": {"scene.head", "scene.blender", *CLIENT_SIDE},
    "scene.head": {"scene.blender", *CLIENT_SIDE},
    "scene.blender": {CONTRACTS, "inference.performance"},
    "inference.worker": {"inference.engine", "inference.binding", "inference.audio", "inference.head", CONTRACTS},
    "inference.engine": {"inference.audio", "inference.performance", "inference.head", CONTRACTS},
    "inference.live": {
        *(f"inference.{name}" for name in ("engine", "formats", "audio", "head")),
        CONTRACTS,
    },
    "inference.binding": {"inference.head", CONTRACTS},
    "inference.client": {CONTRACTS},
    "inference.flame": {"inference.formats", "inference.head", CONTRACTS},
    "inference.formats": {"inference.head", CONTRACTS},
    "inference.performance": {"inference.head", CONTRACTS},
    "inference.audio": {CONTRACTS},
    "inference.head": {CONTRACTS},
    CONTRACTS: set(),
    "training": INFERENCE,
    "training.synthesis": {"training", *INFERENCE},
    "training.data": {"training", "training.synthesis", *INFERENCE},
    "training.video": {"training", "training.data", "training.synthesis", *INFERENCE},
    "training.speech": {"training", "training.video", "training.data", "training.synthesis", *INFERENCE},
    "training.baselines": {
        "training",
        *(f"training.{name}" for name in ("speech", "video", "data", "synthesis")),
        *INFERENCE,
    },
    "training.head": {"training", "training.data", *INFERENCE},
    "training.fusion": {"training", "training.data", *INFERENCE},
    "training.test_subjects": {"training", "training.data", *INFERENCE},
    "training.evaluation": {
        "training",
        *(f"training.{name}" for name in ("baselines", "data", "fusion", "synthesis", "test_subjects", "video")),
        *INFERENCE,
    },
    "training.stages": {"training", "training.evaluation", "training.data", *INFERENCE},
    "benchmarks": {"inference.live", "operators", "operators.batch", *SCENE, *INFERENCE, "training.fusion"},
    # The gallery on bound heads draws the heads that binding is measured on, as it is measured.
    "examples": {"operators.batch", "training.evaluation", "training.test_subjects", *SCENE, *INFERENCE},
    "examples.farm": set(),
}
ROOMS = {folder.partition(".")[0] for folder in ARROWS} - {"__init__"}
# room -> third-party packages it may import; those not listed may import any but bpy.
BLENDER = {"bpy", "bpy_extras", "mathutils", "aud", "gpu", "gpu_extras", "addon_utils", "numpy"}
PACKAGES = {
    "__init__": set(),
    "panels": BLENDER,
    "operators": BLENDER,
    "scene": {*BLENDER, "pxr"},  # which Blender brings for USD
    "inference": {"numpy"},
    "examples": {*BLENDER, "matplotlib", "PIL"},
    "benchmarks": {*BLENDER, "torch", "soundfile", "matplotlib", "tqdm", "psutil"},
}
TORCH = "_torch"  # modules of this ending may import torch, and only they or training may import them
# Imports that only a function may hold, so that they happen where they are needed: (importing module, imported one).
LAZY = {
    ("inference.audio.ffmpeg", "av"),
    ("inference.audio.decode", "soundfile"),
    ("inference.audio.decode", "soxr"),
    ("inference.live.sources", "sounddevice"),
    ("inference.live.sources", "soxr"),
    ("inference.live.sources", "inference.audio.decode"),
    ("inference.engine.engine", "inference.engine.engine_torch"),
    ("inference.worker", "inference.engine.pipeline"),
    ("operators.batch.cast_command", "scene.blender.loose"),
    ("operators.batch.cast_command", "scene.cast"),
    ("operators.batch.cast_command", "scene.files"),
    ("operators.batch.export_command", "scene.exports.export_files"),
    ("operators.batch.farm", "dask"),
    ("operators.batch.farm", "distributed"),
    ("operators.batch.work", "tqdm"),
    ("examples.farm.opencue_lines", "outline"),
    ("operators.batch.runner", "scene"),
    ("operators.batch.runner", "scene.files"),
    ("operators.batch.runner", "scene.take.settings"),
    ("operators.batch.runner", "scene.take.sound"),
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
    # `from ..scene import bake` imports a module, `from ..scene import bake_file` a name.
    names = [".".join([*base, alias.name]) for alias in node.names]
    return [(name if _is_module(name) else ".".join(base) or name, True) for name in names]


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def folder_of(module: str) -> str:
    """The folder of a dotted module; the worker's process begins in a file that counts as one."""
    if module == "inference.worker" or ROOT.joinpath(*module.split(".")).is_dir():
        return module
    return module.rpartition(".")[0] or module


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
    if (
        each.target.startswith("inference.")
        and each.target.endswith(TORCH)
        and not (module.endswith(TORCH) or module.startswith("training."))
    ):
        return "torch only in modules that say so"
    source, target = folder_of(module), folder_of(each.target)
    if source == target or target in ARROWS.get(source, ()):
        return ""
    return f"no arrow from {source} to {target}"


def _outside(module: str, each: Import) -> str:
    package, room = each.target.split(".")[0], module.partition(".")[0]
    if package in {"duet", *ROOMS}:
        return "the project's own modules are imported relatively"
    if package in sys.stdlib_module_names:
        return ""
    if (module, package) in LAZY:
        return "" if each.lazy else "only inside the function that needs it"
    if room not in PACKAGES:
        return "training never touches Blender" if package in BLENDER - {"numpy"} else ""
    if room == "inference" and module.endswith(TORCH) and package == "torch":
        return ""
    return "" if package in PACKAGES[room] else f"{room} may not import {package}"


def modules() -> list[Path]:
    """Every Python file of every room."""
    return [ROOT / "__init__.py", *(path for room in sorted(ROOMS) for path in sorted((ROOT / room).rglob("*.py")))]


def dotted(path: Path) -> tuple[str, bool]:
    """A file's module, and whether it is a package."""
    is_package = path.name == "__init__.py" and path.parent != ROOT
    relative = path.relative_to(ROOT).with_suffix("")
    return ".".join(relative.parts[:-1] if is_package else relative.parts), is_package


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_import_follows_an_arrow(path):
    module, is_package = dotted(path)
    assert violations(module, path.read_text(encoding="utf-8"), is_package) == []


def test_every_folder_has_its_arrows_and_none_is_of_a_folder_that_is_gone():
    assert {folder_of(dotted(path)[0]) for path in modules()} == set(ARROWS)


def test_there_is_no_circle_of_folders():
    graphlib.TopologicalSorter(ARROWS).prepare()


def test_there_is_no_circle_of_files():
    graph = {}
    for path in modules():
        module, is_package = dotted(path)
        found = imports(module, path.read_text(encoding="utf-8"), is_package)
        graph[module] = {each.target for each in found if each.inside}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("inference.engine.pipeline", "import bpy"),
        ("inference.engine.pipeline", "def f():\n    import bpy.types"),
        ("inference.engine.pipeline", "import torch"),
        ("inference.engine.pipeline", "from scipy.signal import resample"),
        ("inference.engine.pipeline", "from ... import scene"),
        ("inference.engine.pipeline", "from .... import x"),
        ("inference.engine.pipeline", "from .engine_torch import TorchEngine"),
        ("inference.engine.pipeline", "from inference.take import Take"),
        ("inference.client.client", "from ..engine.pipeline import Pipeline"),
        ("inference.client.client", "from ..engine import pipeline"),
        ("inference.take", "from .head.canonical import Head"),
        ("inference.head.canonical", "from ..performance import curves"),
        ("inference.audio.decode", "import librosa"),
        ("inference.worker", "from .engine.pipeline import Pipeline"),
        ("inference.engine.speech_torch", "import scipy"),
        ("training.speech.train", "def f():\n    import bpy"),
        ("training.speech.train", "from ...scene.head import heads"),
        ("training.video.fit", "from ..speech import train"),
        ("scene.head.heads", "from ...operators.batch import cli"),
        ("scene.head.heads", "from ...inference.engine.pipeline import Pipeline"),
        ("scene.head.heads", "from ..take import takes"),
        ("scene.head.heads", "import torch"),
        ("scene.head.heads", "from duet.inference.take import Take"),
        ("operators.batch.runner", "from ...scene.take import sound"),
        ("operators.generate", "from ..panels import sidebar"),
        ("operators.batch.cli", "from .. import generate"),
        ("panels.sidebar", "import librosa"),
        ("__init__", "from .inference.worker import main"),
        ("examples.demo", "from ..training.data import animated"),
    ],
)
def test_wrong_arrows_are_found(module, source):
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("inference.engine.engine", "def f():\n    from .engine_torch import TorchEngine"),
        ("inference.engine.speech_torch", "import torch\nfrom ..take import Take"),
        ("training.speech.train", "import torch, scipy\nfrom ...inference.engine.speech_torch import SpeechTorch"),
        ("training.head.lips", "from ...inference.head.canonical import BONES\nfrom . import lids"),
        ("scene.head.heads", "import bpy\nimport numpy as np\nfrom ...inference.take import Take\nfrom . import rig"),
        ("operators.batch.runner", "def f():\n    from ...scene import bake_file"),
        ("panels.sidebar", "from ..scene.head import heads\nfrom ..operators import generate"),
    ],
)
def test_right_arrows_pass(module, source):
    assert violations(module, source) == []
