"""Tests mirror the rooms: a test lies in the folder of what it tests, so that both are found by one path."""

import re

import pytest
from duet.tests.places import ROOT

ROOMS = ("inference", "scene", "operators", "training")
FOLDERS = sorted({path.parent for room in ROOMS for path in (ROOT / "tests" / room).rglob("*.py")})
# What crosses between folders: a test that names no more than these of its room's own files is not about the room.
CROSSING = {"errors", "take", "steps", "bound"}


def imports_from(text: str, room: str, name: str) -> bool:
    """Whether a module imports a folder or a file of a room, or something of it."""
    listed = re.search(rf"^ *from duet\.{room} import .*\b{name}\b", text, re.MULTILINE)
    return bool(listed or re.search(rf"^ *(?:from|import) duet\.{room}\.{name}\b", text, re.MULTILINE))


def test_tests_have_the_folders_of_the_product():
    """Each folder of tests has the path of a folder of the product, or of one file with many tests."""
    places = [ROOT / folder.relative_to(ROOT / "tests") for folder in FOLDERS]
    assert len(places) > 20
    assert [place for place in places if not place.is_dir() and not place.with_suffix(".py").is_file()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_what_tests_one_folder_lies_in_it(room):
    """Of the tests beside a room's folders, none is of only one of them."""
    folders = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
    files = {path.stem for path in (ROOT / room).glob("*.py")} - CROSSING
    misplaced = {}
    for path in (ROOT / "tests" / room).glob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        used = [name for name in sorted(folders) if imports_from(text, room, name)]
        if len(used) == 1 and "bpy.ops.duet." not in text and not any(imports_from(text, room, name) for name in files):
            misplaced[path.name] = used[0]
    assert misplaced == {}
