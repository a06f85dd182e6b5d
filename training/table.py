"""Tables of measures, in Markdown, by tabulate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import tabulate


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; the cells are as they are given."""
    return tabulate(rows, columns, "github", disable_numparse=True).splitlines()


def held(reached: bool) -> str:
    """What a table of wanted figures says of one."""
    return "yes" if reached else "**no**"
