"""Duet: speech and expression for Blender. Imports stay inside, so that tests and workers never need bpy."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import operators, panels, scene

    scene.register()
    operators.register()
    panels.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from . import operators, panels, scene

    panels.unregister()
    operators.unregister()
    scene.unregister()
