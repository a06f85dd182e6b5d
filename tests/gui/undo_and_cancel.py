"""In the real application: Esc and Cancel leave the scene as it was, Generate is one undo step, redo brings it back.

BLENDER_GUI_BIND=$PWD/examples blender-gui gui tests/gui/undo_and_cancel.py build/undo.png dist/duet.zip
"""

import os
import sys
import tempfile
import wave
import zlib
from pathlib import Path

import blender_gui as g
import bpy

AUDIO = Path(os.environ["BLENDER_GUI_BIND"], "recordings", "sense_and_sensibility_0880.wav")
TIMEOUT = 120  # seconds for the worker


def fingerprint():
    scene = bpy.context.scene
    head = scene.duet.head
    key = head.data.shape_keys
    bags = [bag for a in bpy.data.actions for layer in a.layers for s in layer.strips for bag in s.channelbags]
    return {
        "actions": sorted(action.name for action in bpy.data.actions),
        "curves": sorted(
            (c.data_path, zlib.crc32(str([tuple(p.co) for p in c.keyframe_points]).encode()))
            for bag in bags
            for c in bag.fcurves
        ),
        "drivers": len(key.animation_data.drivers) if key.animation_data else 0,
        "sliders": [(b.name, round(b.slider_min, 5), round(b.slider_max, 5)) for b in key.key_blocks],
        "properties": sorted(head.keys()) + sorted(key.keys()),
        "strips": sorted(strip.name for strip in scene.sequence_editor.strips) if scene.sequence_editor else None,
        "sounds": sorted(sound.name for sound in bpy.data.sounds),
        "scene": (scene.frame_start, scene.frame_end, scene.sync_mode, scene.render.fps),
        "objects": sorted((obj.name, tuple(obj.location)) for obj in scene.objects),
    }


def animated():
    animation = bpy.context.scene.duet.head.data.shape_keys.animation_data
    return bool(animation and animation.action)


def differences(before, after):
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def wait_for(condition, what):
    for _ in range(TIMEOUT * 5):
        if condition():
            return
        yield 0.2
    raise AssertionError(f"{what} did not happen")


def repeated(path, times):
    """A recording long enough to be cancelled with the mouse."""
    long = Path(tempfile.mkdtemp(), "long.wav")
    with wave.open(str(path)) as source, wave.open(str(long), "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(source.getnframes()) * times)
    return long


def main():
    runtime = next(module.RUNTIME for name, module in sys.modules.items() if name.endswith("duet.operators.runtime"))
    scene = bpy.context.scene
    yield from g.open_sidebar("Duet")
    yield from g.click("duet.add_head")
    scene.frame_end = 20
    scene.duet.emotion = "sad"
    yield from g.settle()
    scene.duet.audio = str(repeated(AUDIO, 200))
    yield from g.settle()
    before = fingerprint()

    yield from g.click("duet.generate")
    yield from wait_for(lambda: runtime.busy, "the first job")
    yield from g.key("Escape")
    yield from wait_for(lambda: not runtime.busy, "Esc")
    assert not differences(before, fingerprint()), differences(before, fingerprint())

    yield from g.click("duet.generate")
    yield from wait_for(lambda: runtime.busy, "the second job")
    yield from g.click("duet.cancel")
    yield from wait_for(lambda: not runtime.busy, "Cancel")
    assert not differences(before, fingerprint()), differences(before, fingerprint())

    scene.duet.audio = str(AUDIO)
    bpy.ops.ed.undo_push(message="Choose audio")

    yield from g.click("duet.generate")
    yield from wait_for(animated, "the animation")
    yield from g.settle()
    after = fingerprint()
    assert after["drivers"] and after["curves"] and after["strips"] and after["scene"][1] > 20

    bpy.ops.ed.undo()
    yield from g.settle()
    assert not differences(before, fingerprint()), differences(before, fingerprint())
    bpy.ops.ed.redo()
    yield from g.settle()
    assert not differences(after, fingerprint()), differences(after, fingerprint())
