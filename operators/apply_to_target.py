"""What Apply to FLAME Head and Apply to ARKit Head share: what the Duet head plays goes on to the chosen target."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

import bpy

from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.targets import playback, target_settings
from .modal import Stepped, Work, follow
from .poll import Reasoned
from .session import RUNTIME


class ApplyToTarget(Reasoned, Stepped):
    """Mixin: a subclass says which targets it takes, how it applies what a head plays, and what came of it."""

    wanted: ClassVar[str]  # shown where the target is none of these
    stage: ClassVar[str]

    @staticmethod
    def takes(obj: bpy.types.Object | None) -> bool:
        """Whether the operator can apply to this object."""
        raise NotImplementedError

    @staticmethod
    def apply_steps(
        scene: bpy.types.Scene,
        playing: Generator[float, None, playback.Playback],
        target: bpy.types.Object | None,
        lift: bool = True,
    ) -> Generator[float, None, Any]:
        """The steps that sample the head and key the target; `lift` clears the way for it."""
        raise NotImplementedError

    @staticmethod
    def said(done: Any) -> str:
        """What came of it, for the user."""
        raise NotImplementedError

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """What to choose as the target, where it is none of these."""
        return "" if cls.takes(target_settings.target_of(context.scene)) else cls.wanted

    def work(self, context: bpy.types.Context) -> Work:
        """Sample what the Duet head plays, key the target, and say how near it is."""
        scene, RUNTIME.exclusive = context.scene, True
        playing = playback.playback_steps(scene, choice.target_head(scene))
        steps = self.apply_steps(scene, playing, target_settings.target_of(scene), duet_of(scene).clear_way)
        return self.said((yield from follow(steps, self.stage)))
