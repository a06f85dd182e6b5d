"""Nothing ships that only tests use: every public function and class of a module is named elsewhere in the product."""

import ast

from duet.tests.places import ROOT

ROOMS = ("inference", "scene", "operators", "panels", "training", "benchmarks", "examples")


def parsed():
    paths = [*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def name_of(path):
    return path.parent.name if path.stem == "__init__" else path.stem


def named_by(tree):
    """`module.name` of what a module names of others; `*.name` where it is an attribute of something else."""
    imported, found = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                imported[alias.asname or alias.name] = alias.name
                found.add(f"{(node.module or '').split('.')[-1]}.{alias.name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{imported.get(node.value.id, '*')}.{node.attr}")
    return found


def test_what_is_public_is_used():
    trees = parsed()
    used = set().union(*map(named_by, trees.values()))
    lonely = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and not any(isinstance(each, ast.Name) and each.id == node.name for each in ast.walk(tree))
        and not used & {f"{name_of(path)}.{node.name}", f"*.{node.name}"}
    ]
    assert lonely == []
