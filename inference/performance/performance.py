"""How a take is performed: one description for every head, and (in its fields) the one table of what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..errors import RequestError
from ..take import DEFAULT_STYLE, EMOTIONS, MIX_LIMIT
from .life import Life
from .marks import MarkChange, marks_text, parse_marks
from .settings import Setting, amount, number
from .timeline import INTENSITY, TRANSITION, Cue, in_order, parse_track

_STYLES = {
    "natural": "as people speak: learned from videos of real mouths",
    "enunciated": "clear speech: every sound is made as the rules of articulation say",
}
_MARKS = (
    "mouth events that are moved, made weaker or stronger, added and taken away, by their seconds, as in "
    "'closed@1.24>1.34 open@1.8*1.5 +teeth@2.1 -round@3.0'; kinds: closed, teeth, round, wide, open, tongue"
)
_TRACK = "emotions from their seconds on, as in 'happy=0.6;sad@2;angry=0.8+disgusted=0.3@5.5' (0.7 where none is given)"


@dataclass(frozen=True)
class Performance:
    """Smoothing and offset are in milliseconds, trims and transition in seconds; amounts of life are 0 where off.

    Raises RequestError for a value out of its range, and where the recording would end before it begins.
    """

    style: str = field(
        default=DEFAULT_STYLE,
        metadata={"label": "Style", "help": "the speaking style", "choices": _STYLES, "stands": "STYLE"},
    )
    articulation: float = field(
        default=1.0,
        metadata=number("Articulation", 0.0, 1.5, "how far the mouth moves: 0 is still, 1 as spoken, 1.5 theatre"),
    )
    lips: float = field(
        default=1.0,
        metadata=number("Lips", 0.0, 1.0, "how much moves the mouth, be it said or felt: 0 leaves it to your own keys"),
    )
    upper_face: float = field(
        default=1.0,
        metadata=number(
            "Upper Face",
            0.0,
            1.0,
            "how much moves the face above the mouth, felt or alive: 0 leaves lids, brows and eyes to your own keys",
        ),
    )
    mirror: int = field(
        default=0,
        metadata={
            **number(
                "Mirror",
                0,
                1,
                "turns left and right of what is felt and of life over, so that the other eye winks: 1 is on",
            ),
            "whole": True,
        },
    )
    smoothing: float = field(
        default=0.0,
        metadata=number(
            "Smoothing",
            0.0,
            150.0,
            "time over which speech is softened; over 40 lips no longer close on every p, b and m",
            "ms",
            usual=(0.0, 80.0),
        ),
    )
    offset: float = field(
        default=0.0,
        metadata=number(
            "Offset",
            -500.0,
            500.0,
            "how much later than the sound the mouth moves; below 0 it moves ahead of it",
            "ms",
            usual=(-150.0, 150.0),
        ),
    )
    text: str = field(
        default="",
        metadata={
            "label": "Text",
            "help": "what is said, in English spelling, so that its mouth events are placed better",
            "parse": str.strip,
            "stands": "WORDS",
        },
    )
    marks: tuple[MarkChange, ...] = field(
        default=(),
        metadata={"label": "Marks", "help": _MARKS, "parse": parse_marks, "stands": "MARKS"},
    )
    emotions: tuple[Cue, ...] = field(
        default=(),
        metadata={
            "label": "Emotion Track",
            "help": _TRACK,
            "parse": parse_track,
            "stands": "TRACK",
        },
    )
    transition: float = field(
        default=TRANSITION,
        metadata=number("Transition", 0.04, 10.0, "time that a step of the emotions takes", "s"),
    )
    effort: float = field(
        default=0.0,
        metadata=number(
            "Vocal Effort",
            0.0,
            2.0,
            "how far emotions swell and fall with the effort of the voice: 0 is not at all, 1 is by up to a third",
            usual=(0.0, 1.5),
        ),
    )
    mix_limit: float = field(
        default=MIX_LIMIT,
        metadata=number(
            "Mix Limit",
            0.1,
            10.0,
            "what all emotions together may add up to; more is scaled down, so that the face does not break",
            usual=(0.5, 3.0),
        ),
    )
    open_in_silence: float = field(
        default=1.0,
        metadata=number(
            "Open in Silence",
            0.0,
            1.0,
            "how far emotions drop the jaw and part the lips while nothing is said: 0 is not at all",
        ),
    )
    blinks: float = field(default=0.0, metadata=amount("Blinks", "how far the lids close in blinks: 1 is shut"))
    eyes: float = field(
        default=0.0,
        metadata=amount("Eye Darts", "how far the eyes wander in small jumps: 1 is as of who speaks to a camera"),
    )
    head_motion: float = field(
        default=0.0,
        metadata=amount("Head Motion", "how far the head moves and nods while it speaks: 1 is about two degrees"),
    )
    brows: float = field(
        default=0.0,
        metadata=amount("Brows", "how far the brows go up now and then, with the voice and without: 1 is slight"),
    )
    breaths: float = field(
        default=0.0,
        metadata=amount("Breaths", "how far the lips part for breath before speech goes on after a pause: 1 is slight"),
    )
    seed: int = field(
        default=1,
        metadata={
            **number("Seed", 0, 2**31 - 1, "another whole number gives other moments of life"),
            "whole": True,
        },
    )
    trim_start: float = field(
        default=0.0,
        metadata=number("Trim Start", 0.0, 1e6, "what to leave out at the recording's beginning", "s"),
    )
    trim_end: float = field(
        default=0.0,
        metadata=number("Trim End", 0.0, 1e6, "the second of the recording at which to stop; 0 is its end", "s"),
    )

    def __post_init__(self) -> None:
        """Check every field."""
        for name, setting in SETTINGS.items():
            setting.check(getattr(self, name))
        for cue in self.emotions:
            for value in cue.emotions.values():
                INTENSITY.check(value)
        if self.trim_end and self.trim_end <= self.trim_start:
            raise RequestError("The recording is cut before it begins.", "Change where it is trimmed.")

    @property
    def life(self) -> Life:
        """The amounts and the seed."""
        upper = self.upper_face
        breaths = self.breaths * self.lips
        return Life(self.blinks * upper, self.eyes * upper, self.head_motion, breaths, self.seed, self.brows * upper)

    @property
    def spoken(self) -> float:
        """What speech is multiplied by."""
        return self.articulation * self.lips

    @property
    def opened(self) -> float:
        """What silence is multiplied by."""
        return self.open_in_silence * self.lips

    @property
    def felt(self) -> tuple[str, ...]:
        """The emotions that are felt at some time; neutral is none."""
        named = [name for cue in self.emotions for name, value in cue.emotions.items() if value]
        return tuple(name for name in dict.fromkeys(named) if name != EMOTIONS[0])

    @property
    def steady(self) -> dict[str, float]:
        """The mix that holds from the first frame to the last; empty where it changes."""
        cues = in_order(self.emotions)
        return cues[0].emotions if len(cues) == 1 and cues[0].seconds <= 0 else {}

    def begin(self, fps: float) -> float:
        """The second of the recording that plays at the first frame: a strip can be cut at whole frames only."""
        return round(self.trim_start * fps) / fps

    def unseen(self, end: float) -> list[str]:
        """What the user should know of emotions and marks at seconds from `end` on, where what is spoken is over."""
        late = [f"{'+'.join(cue.emotions)}@{cue.seconds:g}" for cue in self.emotions if cue.seconds >= end]
        late += [str(change) for change in self.marks if change.at >= end]
        return [f"What is spoken ends at {end:.2f} s, so nothing is seen of {', '.join(late)}."] if late else []

    def with_texts(self, texts: Mapping[str, str | None]) -> Performance:
        """The performance with those of its fields that are given as texts, None or empty being not given.

        Raises RequestError naming the field.
        """
        given = {name: text for name, text in texts.items() if name in SETTINGS and text}
        read: dict[str, Any] = {name: SETTINGS[name].read(text) for name, text in given.items()}
        return replace(self, **read)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict of what is not as usual, so that new fields do not make finished work anew."""
        usual = Performance()
        changed = {name: getattr(self, name) for name in SETTINGS if getattr(self, name) != getattr(usual, name)}
        if "emotions" in changed:
            changed["emotions"] = [[cue.seconds, cue.emotions, cue.ease] for cue in self.emotions]
        if "marks" in changed:
            changed["marks"] = marks_text(self.marks)
        return changed

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Performance:
        """The performance that `to_json` described."""
        cues = tuple(Cue(*cue) for cue in data.get("emotions", ()))
        return cls(**{**data, "emotions": cues, "marks": parse_marks(data.get("marks", ""))})


SETTINGS = {each.name: Setting(each.name, default=each.default, **each.metadata) for each in fields(Performance)}
LIFE = tuple(name for name, setting in SETTINGS.items() if setting.natural is not None)
