"""The settings that a performance is made of: each one's kind, range, unit, name and help, said once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import RequestError

_SLACK = 1e-6  # Blender keeps numbers in single precision


@dataclass(frozen=True)
class Setting:
    """A field of Performance: a number in a range, a name (`choices` are those of Duet), or what `parse` reads.

    `default` holds where nothing is said; `natural` is what a switch turns on, where 0 is off; `usual` is the range
    that a slider drags over; `stands` is what stands for its value in help.
    """

    name: str
    label: str
    help: str
    default: Any
    least: float = 0.0
    most: float = 0.0
    unit: str = ""
    usual: tuple[float, float] | None = None
    whole: bool = False
    natural: float | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    parse: Callable[[str], Any] | None = None
    stands: str = "NUMBER"

    @property
    def is_switch(self) -> bool:
        """Whether it is on (1) or off (0)."""
        return self.whole and (self.least, self.most) == (0, 1)

    def check(self, value: Any) -> None:
        """Raise RequestError where the value is none of the setting's."""
        if self.parse:
            return
        if self.choices:
            good = isinstance(value, str) and value != ""  # there may be others, which the model knows
        else:
            number = isinstance(value, (int, float)) and math.isfinite(value)
            good = number and self.least - _SLACK <= value <= self.most + _SLACK
            good = good and (not self.whole or float(value).is_integer())
        if not good:
            shown = value if isinstance(value, str) else f"{value:g}"
            raise RequestError(f"'{shown}' is no value for {self.label.lower()}.", f"Give {self.range}.")

    def read(self, text: str) -> Any:
        """The value that a text gives; raises RequestError naming the setting."""
        if self.parse:
            return self.parse(text)
        value: Any = text
        if not self.choices:
            try:
                value = float(text)
            except ValueError:
                value = math.nan
        try:
            self.check(value)
        except RequestError as error:
            raise RequestError(f"'{text}' is no value for {self.label.lower()}.", error.remedy) from None
        return int(value) if self.whole else value

    @property
    def sentence(self) -> str:
        """The help as Blender shows it."""
        return self.help[0].upper() + self.help[1:] + (f" ({self.unit})" if self.unit else "")

    @property
    def summary(self) -> str:
        """The help, the range and the default on one line."""
        if self.choices:
            named = [f"{name} ({what})" for name, what in self.choices.items()]
            return f"{self.help}: {', '.join(named)}, or one of your own"
        if self.parse:
            return self.help
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.help} ({self.least:g} to {self.most:.10g}{unit}; default: {self.default:g})"

    @property
    def range(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return f"{', '.join(self.choices)} or one of your own"
        return f"a {'whole ' if self.whole else ''}number from {self.least:g} to {self.most:.10g}"


def number(
    label: str, least: float, most: float, help: str, unit: str = "", usual: tuple[float, float] | None = None
) -> dict[str, Any]:
    """A dataclass field's metadata: a number."""
    return {"label": label, "least": least, "most": most, "help": help, "unit": unit, "usual": usual}


def amount(label: str, help: str) -> dict[str, Any]:
    """The same: how much of something that can be switched off; 0 is off, 1 natural."""
    return {**number(label, 0.0, 2.0, help, usual=(0.0, 1.5)), "natural": 1.0}
