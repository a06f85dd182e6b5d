"""The zip that users install."""

import tomllib
import zipfile

from duet import package
from duet.inference.head.library import emotion_names
from duet.tests.places import ROOT


def test_the_zip_holds_the_extension_and_nothing_else(tmp_path):
    names = zipfile.ZipFile(package.build(tmp_path / "duet.zip")).namelist()
    assert {"blender_manifest.toml", "__init__.py", "LICENSE"} <= set(names)
    assert {name.split("/")[0] for name in names if "/" in name} == set(package.ROOMS)
    assert "inference/worker.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".whl", ".toml~"))]


def test_the_same_files_give_the_same_bytes(tmp_path):
    first, second = (package.build(tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert first == second


def test_the_manifest_has_the_projects_version():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert manifest["version"] == project["version"]


def test_the_zip_stays_small(tmp_path):
    """It is sent around and kept in every project."""
    assert package.build(tmp_path / "duet.zip").stat().st_size < 60e6


def test_every_expression_of_the_library_has_a_small_picture():
    pictures = list((ROOT / "panels" / "expressions").glob("*.jpg"))
    assert {path.stem for path in pictures} == set(emotion_names()[1:])
    assert sum(path.stat().st_size for path in pictures) < 1e6
