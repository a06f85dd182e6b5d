"""In the real application: what a Duet head plays goes on to a FLAME head and on to a head with ARKit's shapes.

make gui SCRIPT=tests/gui/other_heads.py OUT=build/other_heads/end.png
"""

import blender_gui as g
import bpy
from helpers import FIRST, look, module, open_panel, picture, rest, runtime, take, to_the_end, wait_for

SHOWN = 31  # the frame of the pictures


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    scene = bpy.context.scene
    yield from g.open_sidebar("Duet")
    yield from g.click("duet.add_head")
    yield from wait_for(lambda: scene.duet.head is not None, "the Duet head")
    scene.duet.audio = str(FIRST)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.5
    yield from rest()
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the take")
    yield from open_panel("Other Heads")
    scene.cursor.location = (0.35, 0, 0)
    look((0.18, 0, 0.15), 1.1)
    yield from rest()
    yield from g.click("duet.flame_add")
    yield from wait_for(lambda: scene.duet_target.obj is not None, "the FLAME head")
    target = scene.duet_target.obj
    assert module("scene.targets.flame_heads").is_flame_head(target)
    yield from to_the_end()
    yield from g.click("duet.flame_apply")
    targets = module("scene.targets.playback")
    yield from wait_for(lambda: targets.residual_of(target) and not runtime().busy, "FLAME's fit")
    print("residual:", targets.residual_of(target), flush=True)
    scene.frame_set(SHOWN)
    yield from picture("flame")
    yield from arkit(scene, targets)


def arkit(scene, targets):
    """A head with ARKit's shapes and nothing else takes over what the Duet head plays."""
    speaker, names = scene.duet.head, module("inference.head.canonical").ARKIT_NAMES
    target = speaker.copy()
    target.data = speaker.data.copy()
    target.name, target.location, target.parent = "ARKit Head", (0.7, 0, 0), None
    target.animation_data_clear()
    target.data.shape_keys.animation_data_clear()
    for block in list(target.data.shape_keys.key_blocks)[1:]:
        if block.name not in names:
            target.shape_key_remove(block)
    scene.collection.objects.link(target)
    scene.duet_target.obj = target
    look((0.35, 0, 0.15), 1.5)
    yield from to_the_end()
    yield from g.click("duet.arkit_apply")
    yield from wait_for(lambda: targets.residual_of(target) and not runtime().busy, "ARKit's solve")
    print("residual:", targets.residual_of(target), flush=True)
    assert target.data.shape_keys.animation_data.action
    scene.frame_set(SHOWN)
    yield from picture("arkit")
