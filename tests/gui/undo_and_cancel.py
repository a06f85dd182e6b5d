"""In the real application: Esc and Cancel leave the scene as it was, Generate is one undo step, redo brings it back.

make gui SCRIPT=tests/gui/undo_and_cancel.py OUT=build/undo.png
"""

import blender_gui as g
import bpy
from helpers import FIRST, differences, fingerprint, repeated, runtime, take, wait_for


def main():
    scene = bpy.context.scene
    yield from g.open_sidebar("Duet")
    yield from g.click("duet.add_head")
    scene.frame_end = 20
    scene.duet.emotion = "sad"
    yield from g.settle()
    scene.duet.audio = str(repeated(FIRST, 200))
    yield from g.settle()
    before = fingerprint()

    yield from g.click("duet.generate")
    yield from wait_for(lambda: runtime().busy, "the first job")
    yield from g.key("Escape")
    yield from wait_for(lambda: not runtime().busy, "Esc")
    assert not differences(before, fingerprint()), differences(before, fingerprint())

    yield from g.click("duet.generate")
    yield from wait_for(lambda: runtime().busy, "the second job")
    yield from g.click("duet.cancel")
    yield from wait_for(lambda: not runtime().busy, "Cancel")
    assert not differences(before, fingerprint()), differences(before, fingerprint())

    scene.duet.audio = str(FIRST)
    bpy.ops.ed.undo_push(message="Choose audio")

    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the animation")
    yield from g.settle()
    after = fingerprint()
    assert after["drivers"] and after["curves"] and after["strips"] and after["scene"][1] > 20

    bpy.ops.ed.undo()
    yield from g.settle()
    assert not differences(before, fingerprint()), differences(before, fingerprint())
    bpy.ops.ed.redo()
    yield from g.settle()
    assert not differences(after, fingerprint()), differences(after, fingerprint())
