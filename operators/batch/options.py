"""The options of `generate` and `bake` that say how a recording is performed, made from the table of settings."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from ...inference.performance.performance import LIFE, SETTINGS, Performance
from ...inference.performance.settings import Setting
from ...inference.take import EMOTIONS
from .jobs import UsageError

_ONE, _ALL = "--emotion", "--life"  # an emotion by itself, and all of life at once


def option_of(setting: Setting) -> str:
    """Its name on the command line."""
    return "--emotion-track" if setting.name == "emotions" else f"--{setting.name.replace('_', '-')}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """An option for each setting, and two that are shorter to write."""
    group = parser.add_argument_group("performance")
    group.add_argument(
        _ONE,
        action="append",
        default=[],
        type=_emotion,
        metavar="NAME=NUMBER",
        help=f"0 is off, 1 strong but natural, 1.5 the most; several may follow; names: {', '.join(EMOTIONS)}, "
        "and those of docs/expressions.md, such as smirk",
    )
    for setting in SETTINGS.values():
        group.add_argument(option_of(setting), dest=setting.name, metavar=setting.stands, help=setting.summary)
    group.add_argument(_ALL, action="store_true", help="blinks, eyes, head motion and breaths, each 1 if not given")


def performance_of(options: argparse.Namespace) -> Performance:
    """What the command's options say; raises RequestError or UsageError."""
    given = {name: getattr(options, name) for name in SETTINGS}
    if options.emotion:
        if given["emotions"]:
            raise UsageError("--emotion and --emotion-track do not go together: begin the track with 'happy=0.8;...'")
        given["emotions"] = "+".join(options.emotion)
    if options.life:
        given |= {name: f"{SETTINGS[name].natural:g}" for name in LIFE if given[name] is None}
    return Performance().with_texts(given)


def single_emotions(argv: Sequence[str]) -> list[str]:
    """`--emotion happy=0.8 sad=0.2 line.wav` with one `--emotion` for each, so that recordings may follow."""
    result: list[str] = []
    listing = False
    for text in argv:
        is_emotion = re.fullmatch(r"[A-Za-z_]+=[^/\\]*", text) is not None
        if listing and is_emotion and result[-1] != _ONE:
            result.append(_ONE)
        listing = text == _ONE or (listing and is_emotion)
        result.append(text)
    return result


def _emotion(text: str) -> str:
    name, _, value = text.partition("=")
    try:
        return f"{name}={float(value)!r}"
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=NUMBER, such as happy=0.8") from None
