"""The only code that reads and writes data of Blender."""

from . import on_load, properties
from .files import bake_file
from .head import neck
from .preview import preview_file
from .targets import target_settings

__all__ = ["bake_file", "preview_file", "register", "unregister"]


def register() -> None:
    """Give scenes and actions their settings, and look at files that are opened."""
    properties.register()
    neck.register()
    target_settings.register()
    on_load.register()


def unregister() -> None:
    """Take the settings away."""
    on_load.unregister()
    target_settings.unregister()
    neck.unregister()
    properties.unregister()
