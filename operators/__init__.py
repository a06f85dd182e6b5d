"""One file for each action of the user."""

from types import ModuleType


def _classes() -> tuple[type, ...]:
    from . import (
        add_head,
        bind_head,
        cancel,
        copy_report,
        emotion_keys,
        fit_range,
        generate,
        library,
        lines,
        marks,
        recording,
        takes,
        test_engine,
    )

    chosen = (add_head, bind_head, recording)
    played = (takes, lines, marks, fit_range)
    modules = (*chosen, generate, cancel, emotion_keys, library, *played, test_engine, copy_report)
    every = (*modules, *_target_modules(), *_file_modules())
    return tuple(cls for module in every for cls in module.CLASSES)


def _target_modules() -> tuple[ModuleType, ...]:
    """The actions for heads that are not Duet's."""
    from . import arkit_match, flame_add, flame_export, rig_pose, target_apply, target_generate

    return (flame_add, flame_export, target_apply, arkit_match, rig_pose, target_generate)


def _file_modules() -> tuple[ModuleType, ...]:
    """The exports, the import, and what comes while it is spoken."""
    from . import dialogue, export_head, import_livelink, listen

    return (dialogue, export_head, import_livelink, listen)


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

    from . import listen, log, recording, session
    from .batch import blender_command

    listen.EAR.close()
    recording.close()
    session.RUNTIME.close()
    log.end()
    blender_command.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
