"""What the documents name is there: files, links, modules that are run."""

import re

import pytest
from duet.tests.places import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "weights").glob("*.md")]
FILE = re.compile(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|md|toml|sh|txt|safetensors))`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
RUN = re.compile(r"python -m duet\.([\w.]*\w)")
MADE = ("build", "dist", "demo")  # by the Makefile's targets


@pytest.fixture(scope="module")
def there():
    """The paths of all files of the project, from its root."""
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in MADE and path.name[0] != "."]
    files = [*ROOT.glob("*.*"), *(path for room in rooms for path in room.rglob("*.*"))]
    return {f"/{path.relative_to(ROOT).as_posix()}" for path in files}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page, there):
    text = page.read_text(encoding="utf-8")
    named = [name for name in FILE.findall(text) if name.split("/")[0] not in MADE]
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in there)] == []
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    modules = [ROOT.joinpath(*name.split(".")) for name in RUN.findall(text)]
    assert [path for path in modules if not (path.with_suffix(".py").exists() or path.is_dir())] == []
