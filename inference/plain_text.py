"""Text of any origin as one line that every terminal and every file can hold."""

from __future__ import annotations


def one_line(text: object) -> str:
    """The text with line breaks, control characters and bytes of a name that are no UTF-8 written as escapes.

    Line breaks become `\\n`, a byte 0xE9 of a Latin-1 name `\\udce9`; what can be printed stays.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
