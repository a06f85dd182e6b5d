"""What the sidebar and the preferences draw."""


def _classes() -> tuple[type, ...]:
    from . import bind, exports, preferences, sidebar, targets

    return (*preferences.CLASSES, *sidebar.CLASSES, *bind.CLASSES, *targets.CLASSES, *exports.CLASSES)


def register() -> None:
    """Register panels and preferences."""
    import bpy

    for cls in _classes():
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Unregister them."""
    import bpy

    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
