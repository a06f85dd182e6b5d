"""The tables of options in docs/, made from the table of settings: `python -m duet.operators.batch.option_tables`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...inference.performance.performance import SETTINGS
from .manifest import COLUMN_OF
from .options import option_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
_END = "<!-- end -->"


def tables() -> dict[str, dict[str, str]]:
    """File in docs/ -> the comment that a table follows -> the table."""
    options = [(f"`{option_of(each)} {each.stands}`", each.summary) for each in SETTINGS.values()]
    columns = [(f"`{COLUMN_OF[name].replace('_', ' ')}`", f"as `{option_of(each)}`") for name, each in SETTINGS.items()]
    # Seconds are said elsewhere in the sidebar; what can be switched on is on there.
    shown = [replace(each, default=each.natural or each.default) for each in SETTINGS.values() if each.unit != "s"]
    sidebar = [(f"**{each.label}**", each.summary) for each in shown if not each.parse]
    return {
        "pipeline.md": {
            "<!-- options, made by operators/batch/option_tables.py -->": _table("option", options),
            "<!-- columns, made by operators/batch/option_tables.py -->": _table("column", columns),
        },
        "animators.md": {"<!-- settings, made by operators/batch/option_tables.py -->": _table("setting", sidebar)},
    }


def written(text: str, parts: dict[str, str]) -> str:
    """A page with its tables in their places; raises ValueError where it lacks one."""
    for comment, table in parts.items():
        before, _, rest = text.partition(comment)
        if _END not in rest:
            raise ValueError(f"there is no '{comment}' with an '{_END}' after it")
        text = f"{before}{comment}\n{table}\n{_END}{rest.partition(_END)[2]}"
    return text


def _table(name: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([f"| {name} | meaning |", "| --- | --- |", *(f"| {left} | {right} |" for left, right in rows)])


def main() -> None:
    """Write them."""
    for name, parts in tables().items():
        path = DOCS / name
        path.write_text(written(path.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
