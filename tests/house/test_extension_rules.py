"""What extensions.blender.org asks, read off the built zip."""

import ast
import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from duet import package

# Never imported in Blender's process (test_arrows).
# Processes of their own, never Blender's: the worker, `duet live`, and those of a Dask cluster.
WORKER_ALONE = (
    "inference/worker.py",
    "inference/engine/",
    "inference/live/",
    "operators/batch/cast_apart.py",
    "operators/batch/farm.py",
)
LISTENER = "operators/listen.py"  # its socket never waits, and is closed until the user asks
THREADS = {"threading", "_thread", "concurrent", "multiprocessing", "queue"}
INSTALLERS = {"pip", "ensurepip", "venv", "setuptools", "importlib.metadata"}
NETWORK = {"urllib.request", "http", "socket", "ssl", "ftplib", "requests", "xmlrpc"}
# What writes files: exports and .blend files beside the user's own, weights in training, the log in the user folder.
WRITERS = {
    "inference/formats/exports.py",
    "inference/checkpoints.py",
    "scene/exports/export_files.py",
    "scene/exports/gltf_text.py",
    "scene/blender/saving.py",
    "scene/preview.py",  # a preview's pictures, where the command line says
    "operators/log.py",
    "operators/batch/option_tables.py",  # the tables in docs/, in the clone
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    archive = zipfile.ZipFile(package.build(tmp_path_factory.mktemp("zip") / "duet.zip"))
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sources(files):
    return {name: text.decode() for name, text in files.items() if name.endswith(".py")}


@pytest.fixture(scope="module")
def manifest(files):
    return tomllib.loads(files["blender_manifest.toml"].decode())


def imported(text):
    """The names of the modules that are imported, with those of the packages that hold them."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module))
    return names | {name.partition(".")[0] for name in names}


def test_there_is_no_thread_in_blenders_process(sources):
    threaded = {name for name, text in sources.items() if THREADS & imported(text)}
    assert "inference/worker.py" in threaded
    assert all(name.startswith(WORKER_ALONE) for name in threaded)


def test_nothing_is_installed_and_the_network_is_for_the_listener_alone(sources):
    used = {name for name, text in sources.items() if (INSTALLERS | NETWORK) & imported(text)}
    assert all(name == LISTENER or name.startswith(WORKER_ALONE) for name in used)
    assert not {name for name, text in sources.items() if re.search(r"\bpip\b", text)}


@pytest.mark.parametrize("word", [r"\beval\(", r"\bexec\(", r"(?<!re\.)compile\(", "__import__", "use_nodes"])
def test_no_word_of_what_is_not_allowed(sources, word):
    assert not {name for name, text in sources.items() if re.search(word, text)}


def test_files_are_written_in_few_places_and_none_for_a_while(sources):
    writes = re.compile(r"write_text\(|write_bytes\(|\.open\(\"[wax]|mkdir\(|FileHandler\(|\.unlink\(|rmtree\(")
    assert {name for name, text in sources.items() if writes.search(text)} <= WRITERS
    assert not {name for name, text in sources.items() if "tempfile" in imported(text)}


def test_permissions_are_those_that_are_used(sources, manifest):
    assert set(manifest["permissions"]) == {"files", "clipboard", "network"}
    assert any("window_manager.clipboard" in text for text in sources.values())
    assert all(0 < len(reason) <= 64 and not reason.endswith(".") for reason in manifest["permissions"].values())


def test_copyright_names_every_source(files, manifest):
    notices = files["THIRD_PARTY_NOTICES.md"].decode().partition("## In the weights")[2].partition("\n## ")[0]
    sources = [re.sub(r"^The ", "", heading) for heading in re.findall(r"^### (.*)$", notices, re.M)]
    assert len(sources) > 3
    holders = "\n".join(manifest["copyright"])
    for source in sources:
        assert re.split(r"[ :]", source)[0] in holders, source
    assert all(re.match(r"\d{4}(-\d{4})? \S", holder) for holder in manifest["copyright"])


def test_the_zip_brings_no_wheels_and_no_programs(files, manifest):
    assert "wheels" not in manifest
    assert {Path(name).suffix for name in files} <= {".py", ".toml", ".md", ".safetensors", ".jpg", ""}
