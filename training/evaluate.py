"""All measures, one command, into the model card.

    python -m duet.training.evaluate [--steps 500] [--most 60] [--only voices ...] [--missing]

Needs the captured takes (DUET_DATA), Debian's pocketsphinx-testdata (DUET_SPHINX_DATA) and the synthetic set in
.cache/synthetic. The alternatives are trained first where they are not yet. Each section of weights/model_card.md
stands between two comments with its name; the rest of the card is left as it is. `--missing` leaves out those that
were measured on the same weights before.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from ..inference.pipeline import Pipeline
from .alternatives.fitting import Budget
from .captured import TEST_TAKE, CapturedTake, load_captured
from .evaluate_fusion import evaluate_fusion
from .evaluate_robustness import border_step, quiet_table, variants_table
from .evaluate_speech import TakeScores, speech_lines, still_errors, take_scores
from .evaluate_voices import Frames, by_voice, gather, styles_table, truth_talker, voices_table
from .features import WEIGHTS
from .model_card import CARD, measured, weights_id, with_section
from .speech_rig import CHANNEL_NAMES
from .spoken import HELD_OUT, Spoken, real_speech, synthetic_speech
from .talkers import Face, Talker, alternatives, shipped

WANTED_R = {"jaw_open": 0.86, "roll_lower": 0.72, "roll_upper": 0.72}
WANTED_R |= {"funnel_lower": 0.62, "funnel_upper": 0.62, "lips_oh": 0.68}
WANTED_AUC = {  # group -> closure, rounding, opening
    "unseen voices": (0.95, 0.92, 0.92),
    "unseen language": (0.95, 0.92, 0.92),
    "real English": (0.85, 0.85, 0.85),
}
WANTED_LAG = 1 / 30  # seconds: within one frame at 30 fps
_SHOWN = ("jaw_open", "roll_lower", "funnel_lower", "lips_oh")  # channels in the table of alternatives


class Evaluation:
    """The recordings and the shipped pipeline, loaded once for all sections."""

    def __init__(self, budget: Budget, most: int) -> None:
        self.budget, self.most = budget, most
        self.face = Face(Pipeline(WEIGHTS, "torch", "auto"))  # within 1e-4 of the embedded engine (tests), and faster
        self.shipped: Talker = shipped(self.face.pipeline)

    @cached_property
    def real(self) -> list[Spoken]:
        """People's recordings, aligned."""
        return list(real_speech())

    @cached_property
    def speech(self) -> list[Spoken]:
        """Real recordings and held-out synthetic speech."""
        synthetic = chain.from_iterable(synthetic_speech(split, most=self.most) for split in HELD_OUT)
        return [*self.real, *synthetic]

    @cached_property
    def take(self) -> CapturedTake:
        """The captured test take."""
        return load_captured(TEST_TAKE)

    @cached_property
    def take_scores(self) -> TakeScores:
        """Of the shipped model."""
        return take_scores(self.shipped, self.face, self.take)

    @cached_property
    def frames(self) -> dict[str, Frames]:
        """Of the shipped model on other voices."""
        return gather(self.shipped, self.face, self.speech)

    def targets(self) -> list[str]:
        """What the model was to reach, and what it reaches."""
        rows = ["| figure | wanted | reached | |", "| --- | --- | --- | --- |"]
        for name, wanted in WANTED_R.items():
            reached = float(self.take_scores.r[CHANNEL_NAMES.index(name)])
            rows.append(_target(f"captured test take, r of {name}", wanted, reached))
        for group, limits in WANTED_AUC.items():
            for (measure, reached), wanted in zip(self.frames[group].auc().items(), limits, strict=True):
                rows.append(_target(f"{group}, {measure} AUC", wanted, reached))
            late = 1000 * self.frames[group].worst_lag()[1]
            held = "yes" if abs(late) <= 1000 * WANTED_LAG else "**no**"
            rows.append(
                f"| {group}, lag of the worst voice (ms) | within ±{1000 * WANTED_LAG:.0f} | {late:+.0f} | {held} |"
            )
        return rows

    def captured(self) -> list[str]:
        """The captured test take."""
        return speech_lines(self.take_scores, self.face, self.take)

    def voices(self) -> list[str]:
        """Unseen voices and language, and real people."""
        return [
            "ROC AUC over frames, in brackets that of the coarticulation model itself at the recognised or known "
            "phones; lag against its lip gap. Closure: p, b, m against every other sound; rounding: u, o, w, sh, ... "
            "against i, e, a of bad, y; opening: a against sounds with a raised jaw.",
            "",
            *voices_table(self.frames, gather(truth_talker(self.speech), self.face, self.speech)),
            "",
            "Real recordings one by one (the groups of PocketSphinx's own recordings do not say how many people "
            "speak):",
            "",
            *by_voice(self.shipped, self.face, self.real),
            "",
            "The real recordings in both styles:",
            "",
            *styles_table(self.shipped, self.face, self.real),
        ]

    def robustness(self) -> list[str]:
        """The same words another way; borders; quiet."""
        line, everything = self.real[0].samples, np.concatenate([s.samples for s in self.real])
        near, elsewhere = border_step(self.shipped, everything)
        return [
            *variants_table(self.shipped, self.face, line),
            "",
            f"Largest change of a channel from one frame (20 ms) to the next: {near:.3f} around chunk borders, "
            f"{elsewhere:.3f} elsewhere.",
            "",
            *quiet_table(self.shipped, self.face, line),
        ]

    def alternatives(self) -> list[str]:
        """Everything in the same run, through the same fusion module, on the same recordings."""
        groups = [*HELD_OUT.values(), "real English"]
        rows = [
            "| model | LVE (mm²) | mean of largest lip error (mm) | FDD (mm) | "
            + " | ".join(f"{name} r" for name in _SHOWN)
            + " | jaw jitter | jaw late (ms) | "
            + " | ".join(f"{group}: closure, rounding, opening | LVE (mm²)" for group in groups)
            + " |",
        ]
        rows.append("| --- " * (rows[0].count("|") - 1) + "|")
        for talker in chain([self.shipped], alternatives(self.budget)):
            ours = talker is self.shipped
            scores = self.take_scores if ours else take_scores(talker, self.face, self.take)
            found = self.frames if ours else gather(talker, self.face, self.speech)
            r = [scores.r[CHANNEL_NAMES.index(name)] for name in _SHOWN]
            cells = [f"{scores.lve:.2f}", f"{scores.mean_error:.2f}", f"{scores.fdd:+.3f}", *(f"{x:.2f}" for x in r)]
            cells += [f"{scores.shake[0]:.2f}", f"{1000 * scores.late[0]:+.0f}"]
            for group in groups:
                cells.append(", ".join(f"{value:.2f}" for value in found[group].auc().values()))
                cells.append(f"{np.mean(found[group].lve):.1f}")
            rows.append(f"| {talker.name} | " + " | ".join(cells) + " |")
            print(rows[-1], flush=True)
        still, still_mean = still_errors(self.face, self.take)
        return [
            "The first figures are of the captured test take. LVE on the other groups is against the coarticulation "
            f"model's face. A mouth held at the take's mean has LVE {still:.2f} mm² and {still_mean:.2f} mm. "
            f"Alternatives were trained for {self.budget.steps} steps each.",
            "",
            *rows,
        ]

    def fusion(self) -> list[str]:
        """What the fusion module keeps and drops."""
        return evaluate_fusion()


def _target(figure: str, wanted: float, reached: float) -> str:
    return f"| {figure} | {wanted:.2f} | {reached:.3f} | {'yes' if reached >= wanted else '**no**'} |"


SECTIONS: dict[str, tuple[str, Callable[[Evaluation], list[str]]]] = {
    "targets": ("Speech: what was wanted", Evaluation.targets),
    "captured": ("Speech: the captured test take", Evaluation.captured),
    "voices": ("Speech: other voices and languages", Evaluation.voices),
    "robustness": ("Speech: robustness and rest", Evaluation.robustness),
    "alternatives": ("Speech: alternatives in the same run", Evaluation.alternatives),
    "fusion": ("Fusion", Evaluation.fusion),
}


def write_sections(evaluation: Evaluation, names: list[str], path: Path = CARD) -> None:
    """Measure section after section; each is written as soon as it is known."""
    for name in names:
        title, measure = SECTIONS[name]
        lines = measure(evaluation)
        print("\n".join([f"## {title}", "", *lines, ""]), flush=True)
        card = path.read_text("utf-8") if path.exists() else "# Model card\n"
        path.write_text(with_section(card, name, title, lines, weights_id()), "utf-8")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=Budget.steps, help="of training, for each alternative")
    parser.add_argument("--most", type=int, default=40, help="utterances of each held-out split")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--missing", action="store_true", help="only what is not yet measured on these weights")
    parser.add_argument("--card", type=Path, default=CARD)
    arguments = parser.parse_args()
    known = measured(arguments.card.read_text("utf-8"), weights_id()) if arguments.missing else set()
    names = [name for name in arguments.only if name not in known]
    if names:
        write_sections(Evaluation(Budget(steps=arguments.steps), arguments.most), names, arguments.card)


if __name__ == "__main__":
    main()
