"""Everything in weights/, by one command: `make weights`, or `make weights FROM=stage`.

Runs the stages of recipe.py in their order, and leaves out those whose file was built on what lies beside it.
An interrupted stage goes on where it was. FROM runs a stage although its file is up to date, for the case that its
code has changed; what was built on that file follows where it has become another one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ...inference.checkpoints import load_checkpoint
from ...inference.errors import WeightsError
from ...inference.stamps import BUILT_ON, stamp_in, strangers
from ..data.animated import data_folder
from ..evaluation.evaluate import SECTIONS
from ..evaluation.model_card import CARD, measured, weights_id
from ..features import WEIGHTS
from ..stamping import ROOT
from .recipe import NAMES, STAGES, Stage

Run = Callable[[Stage], None]


def why_stale(name: str, weights: Path = WEIGHTS) -> str:
    """Why a weights file has to be made; empty where it is up to date."""
    path = weights / f"{name}.safetensors"
    if not path.exists():
        return "it is not there yet"
    try:
        checkpoint = load_checkpoint(path)
        if stamp_in(checkpoint) is None:
            return "nothing says what it was built on"
        changed = strangers(checkpoint, BUILT_ON[name])
    except WeightsError as error:
        return error.message
    return f"{' and '.join(changed)} changed" if changed else ""


def why_due(stage: Stage, forced: str, weights: Path = WEIGHTS) -> str:
    """Why a stage has to run, where `forced` is the one that was asked for; empty where it need not."""
    if stage.name == forced:
        return "it was asked for"
    if stage.file:
        return why_stale(stage.file, weights)
    if stage.serves:
        served = next(other for other in STAGES if other.name == stage.serves)
        return f"{served.name} is due" if why_due(served, forced, weights) else ""
    known = measured(CARD.read_text("utf-8"), weights_id())
    return "" if set(SECTIONS) <= known else "the model card is not of these weights"


def make(first: str, run: Run, weights: Path = WEIGHTS) -> None:
    """Run every stage that is due, in order; `first` (or "") is the one that runs in any case."""
    for stage in STAGES:
        reason = why_due(stage, first, weights)
        print(f"{stage.name}: {reason or 'up to date'}", flush=True)
        if reason:
            run(stage)


def run_stage(stage: Stage) -> None:
    """Run one stage as a command of its own; raises SystemExit where it fails or its data are not there."""
    missing = [folder for folder in stage.needs if not (data_folder() / folder).is_dir()]
    if missing:
        raise SystemExit(f"{stage.name} needs {data_folder() / missing[0]}. Set DUET_DATA as docs/training.md says.")
    done = subprocess.run(
        [sys.executable, "-m", f"duet.training.{stage.module}", *stage.arguments], cwd=ROOT, check=False
    )
    if done.returncode:
        raise SystemExit(f"The stage {stage.name} failed. Run the same command again to go on from there.")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and make the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", choices=NAMES, default="", help="run this stage in any case")
    make(parser.parse_args(argv).first, run_stage)


if __name__ == "__main__":
    main()
