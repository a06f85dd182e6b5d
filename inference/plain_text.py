"""Text of any origin as one line that every terminal and every file can hold."""

from __future__ import annotations

_BRIEF = 120  # letters


def one_line(text: object) -> str:
    """The text with line breaks, control characters and bytes of a name that are no UTF-8 written as escapes.

    Line breaks become `\\n`, a byte 0xE9 of a Latin-1 name `\\udce9`; what can be printed stays.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def brief(error: BaseException) -> str:
    """What an exception of damaged data says, without more of the data than a line has room for."""
    text = one_line(str(error) or type(error).__name__)
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}..."
