"""What the sidebar and the preferences draw."""

from importlib import import_module

_HEAD = ("preferences", "generate", "sidebar")
_TAKE = ("performance", "marks", "result", "lines", "library")
_OTHER = ("bind", "targets", "exports", "live")


def _classes() -> tuple[type, ...]:
    modules = [import_module(f".{name}", __package__) for name in (*_HEAD, *_TAKE, *_OTHER)]
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
