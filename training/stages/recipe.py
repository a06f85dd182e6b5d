"""The stages that make everything in weights/, in their order, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage is `python -m duet.training.MODULE ARGUMENTS`; each goes on from where it was interrupted.

    It writes `file` (a name in weights/) or, where that is empty, data for the stage `serves`, or the model card.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    file: str = ""
    serves: str = ""
    needs: tuple[str, ...] = ()  # folders of the data folder (DUET_DATA) without which it cannot run


STAGES: tuple[Stage, ...] = (
    Stage("head", "head.build", file="head", needs=("ict_facekit",)),
    Stage("flame_head", "head.flame_head", file="flame_head"),
    Stage("encoder", "speech.convert_whisper", file="encoder"),
    Stage("rig", "speech_rig", file="rig"),
    Stage("synthetic", "synthesis.build", ("--hours", "3"), serves="speech"),
    Stage("rules", "video.people_rules", serves="speech", needs=("talking",)),
    Stage("speech", "speech.train", file="speech", needs=("talking",)),
    Stage("fusion", "fusion.train", file="fusion", needs=("facegood",)),
    Stage("evaluation", "evaluation.evaluate", ("--missing",)),
)
NAMES = tuple(stage.name for stage in STAGES)
