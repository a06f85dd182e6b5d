"""What each part of the fusion module does, by training it without: one command, one table in the model card.

    python -m duet.training.evaluation.ablations [--seeds 3] [--steps 400]

Every variant is trained on the same data for the same number of steps, fewer than the shipped weights had, once per
seed. Results are kept in .cache/ablations and training goes on where it was stopped. Faces for the picture
(examples/ablation_sheet.py) go to .cache/ablations.npz.
"""

from __future__ import annotations

import argparse
import dataclasses
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.engine.pipeline import Pipeline
from ...inference.head.canonical import load_head
from ...inference.head.mouth import mouth_of
from ...inference.take import EMOTIONS
from ..data.animated import TEST_TAKE, load_animated
from ..features import CACHE, WEIGHTS
from ..fusion.grid_mapping import SIDE
from ..fusion.train import Materials, Options, materials, settle, train
from ..speech_rig import rig_deltas
from .fusion_measures import (
    HELD_OUT,
    Decoded,
    Figures,
    SpokenChannels,
    direct_figures,
    figures,
    file_order_grid,
    leaks,
    roughness,
    wanted_emotions,
)
from .model_card import CARD, with_section
from .speech import predicted_channels

FOLDER = CACHE / "ablations"
FACES = CACHE / "ablations.npz"
DIRECT = "direct addition of both inputs"
SHOWN = ("happy", "surprised", "afraid", "disgusted")  # emotions of the picture
# title -> what is left out
VARIANTS: dict[str, dict[str, float | bool]] = {
    "full": {},
    "without the sparsity constraint": {"sparsity": 0.0},
    "without Laplacian smoothing": {"smoothness": 0.0},
    "without geometric mapping (vertices in file order)": {},
    "without the bound on the lips (ours)": {"closed": False},
    "without sparsity and bound": {"sparsity": 0.0, "closed": False},
    "CNNs alone, without the linear reading (ours)": {"reading": False},
    "CNNs alone, vertices in file order": {"reading": False},
}
IN_FILE_ORDER = ("without geometric mapping (vertices in file order)", "CNNs alone, vertices in file order")


class Ablations:
    """Trains and measures; what is known already is read from the cache."""

    def __init__(self, steps: int, batch: int) -> None:
        self.steps, self.batch, self.head = steps, batch, load_head()
        pipeline, take = Pipeline(WEIGHTS, "torch", "cpu"), load_animated(TEST_TAKE)
        predicted = np.clip(predicted_channels(pipeline, take), 0, 1)
        self.spoken = SpokenChannels(predicted, np.nan_to_num(take.channels))

    @cached_property
    def made(self) -> Materials:
        """The training material."""
        return materials(0)

    def path(self, title: str, seed: int) -> Path:
        """Where one trained variant is kept."""
        return FOLDER / f"{list(VARIANTS).index(title)}_{self.steps}x{self.batch}_{seed}.npz"

    def figures(self, title: str, seed: int) -> Figures:
        """Of one variant and seed."""
        path = self.path(title, seed)
        if not path.exists():
            self._train(title, seed, path)
        with np.load(path) as data:
            decoded = Decoded(data["felt"], data["of_channels"], data.get("lips"))
            leaked = tuple(data["leaks"].tolist())
            return figures(decoded, (leaked[0], leaked[1], leaked[2]), float(data["rough"]), self.spoken, self.head)

    def _train(self, title: str, seed: int, path: Path) -> None:
        print(f"{title}, seed {seed}", flush=True)
        options = Options(seed=seed, steps=self.steps, batch=self.batch)
        options = dataclasses.replace(options, **VARIANTS[title])  # type: ignore[arg-type]
        made = self.made.under(options)
        if title in IN_FILE_ORDER:
            made = made.on(file_order_grid(self.head, SIDE))
        path.parent.mkdir(parents=True, exist_ok=True)
        resume = path.with_suffix(".pt")
        module = train(options, made.data(seed), made.space, resume)
        leaked = leaks(module, made.data(seed + HELD_OUT), made)
        settle(module, made)
        decoded = Decoded.by(module, made, self.spoken)
        arrays = {"felt": decoded.felt, "of_channels": decoded.of_channels, "leaks": np.array(leaked)}
        arrays |= {"rough": np.array(roughness(module, made))} | (
            {} if decoded.lips is None else {"lips": decoded.lips}
        )
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        partial.replace(path)
        resume.unlink(missing_ok=True)

    def save_faces(self) -> None:
        """For the picture: emotions at full strength at the test take's tightest closure, of each first seed.

        Of variants whose speech is linear, so that the face is the sum of what its channels make.
        """
        rows, at = [], [EMOTIONS.index(emotion) for emotion in SHOWN]
        rig = rig_deltas(self.head)
        frame = self.spoken.animated[int(mouth_of(self.head, rig).gap(self.spoken.animated).argmin())]
        titles = [title for title, changes in VARIANTS.items() if changes.get("reading", True)]
        for title in titles:
            with np.load(self.path(title, 0)) as data:
                rows.append(data["felt"][at] + np.tensordot(frame, data["of_channels"], axes=1))
        rows.append(wanted_emotions(self.head)[at] + np.tensordot(frame, rig, axes=1))
        faces = (self.head.vertices + np.array(rows)).astype(np.float32)
        np.savez(FACES, faces=faces, rows=np.array([*titles, DIRECT]), columns=np.array(SHOWN))


def table(rows: list[tuple[str, list[Figures]]]) -> list[str]:
    """Markdown: the mean, and after ± half the distance between the extremes of the seeds."""
    columns = dataclasses.fields(Figures)
    lines = ["| variant | " + " | ".join(column.metadata["title"] for column in columns) + " |"]
    lines.append("| --- " * (len(columns) + 1) + "|")
    for title, found in rows:
        values = [np.array([getattr(each, column.name) for each in found], float) for column in columns]
        cells = [_cell(each, column.metadata["digits"]) for each, column in zip(values, columns, strict=True)]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def _cell(values: NDArray[np.float64], digits: int) -> str:
    if np.isnan(values).all():
        return "-"
    spread = f" ±{np.ptp(values) / 2:.{digits}f}" if len(values) > 1 else ""
    return f"{round(values.mean(), digits) + 0.0:.{digits}f}{spread}"  # + 0.0: no minus before a zero


def main() -> None:
    """Train what is missing, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16, help="of each set")
    arguments = parser.parse_args()
    ablations = Ablations(arguments.steps, arguments.batch)
    rows: list[tuple[str, list[Figures]]] = [(title, []) for title in VARIANTS]
    direct = direct_figures(ablations.spoken, ablations.head)
    for seed in range(arguments.seeds):  # seed by seed, so that a first table is soon there
        for title, found in rows:
            found.append(ablations.figures(title, seed))
        shown = [*rows, (DIRECT, [direct])]
        lines = [
            f"Every variant was trained from the same start for {arguments.steps} steps of {2 * arguments.batch} "
            f"samples, on {seed + 1} seed{'s; ± is half the range between them' if seed else ''} "
            "(`python -m duet.training.evaluation.ablations`). What each column is: "
            "[fusion](../docs/fusion.md#ablations).",
            "",
            *table(shown),
        ]
        card = with_section(CARD.read_text("utf-8"), "ablations", "Fusion: ablations", lines)
        CARD.write_text(card, "utf-8")
        print("\n".join(lines), flush=True)
    ablations.save_faces()


if __name__ == "__main__":
    main()
