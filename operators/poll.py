"""Why a button is grey, and why what was asked could not be done: an operator says both in one place."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..inference.errors import DuetError
from .session import RUNTIME

BUSY = "Duet is at work. Wait for it, or cancel it."


class Reasoned:
    """Mixin: the operator can be used while `reason` is empty and no other work of Duet's runs."""

    poll_message_set: Callable[[str], None]  # the operator's

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Why it cannot be used now, with the remedy; empty where it can. May raise DuetError, which says the same."""
        raise NotImplementedError

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """Why it cannot be used now, other work included; empty where it can."""
        try:
            return BUSY if RUNTIME.busy else cls.reason(context)
        except DuetError as error:
            return str(error)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can be used."""
        reason = cls.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason


class Immediate(Reasoned):
    """Mixin: what is done at once; what takes longer is `modal.Stepped`."""

    report: Callable[[set[str], str], None]  # the operator's

    def act(self, context: bpy.types.Context) -> str | None:
        """Do it, and return what the user should know; DuetError where it cannot be done, and nothing is changed."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it, and say what came of it."""
        try:
            said = self.act(context)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if said:
            self.report({"INFO"}, said)
        return {"FINISHED"}


class Undoable(Immediate):
    """Mixin: the same as one step of undo."""

    bl_options = {"UNDO"}
