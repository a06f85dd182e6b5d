"""All measures, one command, into the model card.

    python -m duet.training.evaluation.evaluate [--steps 500] [--most 60] [--only voices ...] [--missing]

Needs the people on video and the animated takes (DUET_DATA), Debian's pocketsphinx-testdata (DUET_SPHINX_DATA) and the
synthetic set in .cache/synthetic. The alternatives are trained first where they are not yet. Each section of
weights/model_card.md stands between two comments with its name; the rest of the card is left as it is. `--missing`
leaves out those that were measured on the same weights before.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import chain

import numpy as np

from ...inference.engine.pipeline import Pipeline
from ...inference.take import DEFAULT_STYLE
from ..baselines.fitting import Budget
from ..data.animated import TEST_TAKE, AnimatedTake, load_animated
from ..data.spoken import HELD_OUT, Spoken, real_speech, synthetic_speech
from ..features import WEIGHTS
from ..synthesis.coarticulation import CLEAR
from ..table import held, table
from ..video.people import test_clips
from ..video.tracks import Clip
from .fusion import evaluate_fusion
from .model_card import CARD, measured, weights_id, with_section
from .people import COLUMNS, PeopleFace, people_table, row, scores_of
from .robustness import border_step, quiet_table, variants_table
from .speech import TakeScores, speech_lines, take_scores
from .talkers import RULES, Face, Talker, alternatives, rules, shipped
from .voices import Frames, by_voice, gather, styles_table, truth_talker, voices_table

WANTED_AUC = {  # group -> closure, rounding, opening
    "unseen voices": (0.95, 0.93, 0.90),
    "unseen language": (0.95, 0.93, 0.90),
    "real English": (0.85, 0.85, 0.85),
}
WANTED_LAG = 1 / 30  # seconds: within one frame at 30 fps


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
    def take(self) -> AnimatedTake:
        """The animated test take."""
        return load_animated(TEST_TAKE)

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
        rows = []
        for group, limits in WANTED_AUC.items():
            for (measure, reached), wanted in zip(self.frames[group].auc().items(), limits, strict=True):
                rows.append(_target(f"{group}, {measure} AUC", wanted, reached))
            late = 1000 * self.frames[group].worst_lag()[1]
            wanted_lag = f"within ±{1000 * WANTED_LAG:.0f}"
            in_time = held(abs(late) <= 1000 * WANTED_LAG)
            rows.append([f"{group}, lag of the worst voice (ms)", wanted_lag, f"{late:+.0f}", in_time])
        return table(["figure", "wanted", "reached", ""], rows)

    @cached_property
    def people_face(self) -> PeopleFace:
        """The face held against people on video."""
        return PeopleFace(self.face)

    @cached_property
    def clips(self) -> dict[str, list[Clip]]:
        """The test people's clips."""
        return test_clips()

    def people(self) -> list[str]:
        """The six people on video whom nobody trained on."""
        return [
            "Median r over clips; AUC of shut (their gap under 1 mm) and wide (over 10 mm) and the amplitude (ratio of "
            "the gaps' 95th percentiles) over all frames; nothing is shifted in time. MTM and SLCC: Chae-Yeon et al. "
            "2025, from the gap. In the natural style:",
            "",
            *people_table(self.shipped, self.people_face, self.clips, DEFAULT_STYLE),
        ]

    def animated(self) -> list[str]:
        """The animated test take."""
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
        """Everything in the same run, through the same fusion module, on the same people and recordings."""
        groups = [*HELD_OUT.values(), "real English"]
        rows = []
        talkers = chain(
            [self.shipped], alternatives(self.budget, self.face), [rules(CLEAR, self.clips), rules(None, self.clips)]
        )
        for talker in talkers:
            clips = [clip for own in self.clips.values() for clip in own]
            cells = row(talker.name, scores_of([self.people_face.pair(talker, c, DEFAULT_STYLE) for c in clips]))
            if not talker.name.startswith(RULES):
                found = self.frames if talker is self.shipped else gather(talker, self.face, self.speech)
                cells += [_joined(found[group].auc()) for group in groups]
            rows.append(cells + [""] * (len(COLUMNS) + len(groups) - len(cells)))
            print(*rows[-1], sep=" | ", flush=True)
        return [
            "The first columns are of the six test people, as above; the last of synthetic and real recordings with "
            f"known phones. Alternatives were taught for {self.budget.steps} steps each, by the same people and by "
            "half an hour of synthetic speech.",
            "",
            *table([*COLUMNS, *(f"{group}: closure, rounding, opening" for group in groups)], rows),
        ]

    def fusion(self) -> list[str]:
        """What the fusion module keeps and drops."""
        return evaluate_fusion()


def _joined(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{value:.2f}" for value in scores.values())


def _target(figure: str, wanted: float, reached: float) -> list[str]:
    return [figure, f"{wanted:.2f}", f"{reached:.3f}", held(reached >= wanted)]


SECTIONS: dict[str, tuple[str, Callable[[Evaluation], list[str]]]] = {
    "people": ("Speech: people on video, never trained on", Evaluation.people),
    "targets": ("Speech: what was wanted on recordings with known phones", Evaluation.targets),
    "animated": ("Speech: the animated test take", Evaluation.animated),
    "voices": ("Speech: other voices and languages", Evaluation.voices),
    "robustness": ("Speech: robustness and rest", Evaluation.robustness),
    "alternatives": ("Speech: alternatives in the same run", Evaluation.alternatives),
    "fusion": ("Fusion", Evaluation.fusion),
}


def write_sections(evaluation: Evaluation, names: list[str]) -> None:
    """Measure section after section; each is written as soon as it is known."""
    for name in names:
        title, measure = SECTIONS[name]
        lines = measure(evaluation)
        print("\n".join([f"## {title}", "", *lines, ""]), flush=True)
        CARD.write_text(with_section(CARD.read_text("utf-8"), name, title, lines, weights_id()), "utf-8")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=Budget.steps, help="of training, for each alternative")
    parser.add_argument("--most", type=int, default=40, help="utterances of each held-out split")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--missing", action="store_true", help="only what is not yet measured on these weights")
    arguments = parser.parse_args()
    known = measured(CARD.read_text("utf-8"), weights_id()) if arguments.missing else set()
    names = [name for name in arguments.only if name not in known]
    if names:
        write_sections(Evaluation(Budget(steps=arguments.steps), arguments.most), names)


if __name__ == "__main__":
    main()
