"""docs/promises.md names the tests that keep each promise: each of them exists."""

import re

from duet.tests.places import ROOT

NAMED = re.compile(r"`(?:(test_\w+)\.py)?(?:::)?(test_\w+)?`(?:: \*([^*]+)\*)?")


def test_every_test_that_is_named_is_there():
    files = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    text = re.sub(r"\s+", " ", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8"))
    file, found = "", 0
    for stem, name, section in NAMED.findall(text):
        if not stem and not name:
            continue
        file, found = stem or file, found + 1
        assert file in files, f"{file}.py"
        assert not name or f"def {name}(" in files[file], f"{file}.py::{name}"
        assert not section or f"# {section}" in files[file], f"{file}.py: {section}"
    assert found > 50


def test_every_promise_names_a_test():
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").split("## Situations")[0]
    promises = re.split(r"\n- \*\*", text)[1:]
    assert len(promises) > 25
    assert [promise for promise in promises if "test_" not in promise] == []
