"""Why a button is grey: an operator says so in one place, and Blender shows it under the pointer."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from .session import RUNTIME

BUSY = "Duet is at work. Wait for it, or cancel it."


class Reasoned:
    """Mixin: the operator can be used while `reason` is empty and no other work of Duet's runs."""

    poll_message_set: Callable[[str], None]  # the operator's

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Why it cannot be used now, with the remedy; empty where it can."""
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can be used."""
        reason = BUSY if RUNTIME.busy else cls.reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason
