"""What the sidebar and the preferences draw."""


def _classes() -> tuple[type, ...]:
    from . import (
        bind,
        exports,
        generate,
        library,
        lines,
        live,
        marks,
        performance,
        preferences,
        result,
        sidebar,
        targets,
    )

    modules = (preferences, generate, sidebar, performance, marks, result, lines, library, bind, targets, exports, live)
    return tuple(cls for module in modules for cls in module.CLASSES)


def register() -> None:
    """Register panels and preferences."""
    import bpy

    from . import library, mark_lane, waveform

    library.register()
    waveform.register()
    mark_lane.register()
    for cls in _classes():
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Unregister them."""
    import bpy

    from . import library, mark_lane, waveform

    mark_lane.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
    waveform.unregister()
    library.unregister()
