"""One file for each action of the user."""

from importlib import import_module

_CHOSEN = ("add_head", "bind_head", "recording")
_PLAYED = ("takes", "lines", "marks", "fit_range")
_TARGETS = ("flame_add", "flame_export", "target_apply", "arkit_match", "rig_pose", "target_generate")
_FILES = ("dialogue", "export_head", "import_livelink", "listen")
_MODULES = (*_CHOSEN, "generate", "cancel", "emotion_keys", "library", *_PLAYED, "test_engine", "copy_report")


def _classes() -> tuple[type, ...]:
    modules = [import_module(f".{name}", __package__) for name in (*_MODULES, *_TARGETS, *_FILES)]
    return tuple(cls for module in modules for cls in module.CLASSES)


def register() -> None:
    """Register the operators and the command."""
    import bpy

    from . import log
    from .batch import blender_command

    log.begin(log.folder())
    for cls in _classes():
        bpy.utils.register_class(cls)
    blender_command.register()


def unregister() -> None:
    """Unregister them, and end the worker."""
    import bpy

    from . import listen, log, modal, recording, session
    from .batch import blender_command

    listen.EAR.close()
    recording.close()
    modal.close()
    session.RUNTIME.close()
    log.end()
    blender_command.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
