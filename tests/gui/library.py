"""The library of expressions in the real application: searched, added with its button, moved, keyed, removed.

BLENDER_GUI_BIND=$PWD/examples:$PWD/docs BLENDER_GUI_TIMEOUT=600 blender-gui gui tests/gui/library.py \\
    build/library.png dist/duet.zip
"""

import blender_gui as g
import bpy
from helpers import BOUND, TITLE, find, head, look, picture, rest

DOCS = BOUND[1]
ROW = 31  # pixels from the search field to the list's first row


def sliders():
    return [name for name in head().keys() if name not in ("Silence", "Mix Limit")]  # noqa: SIM118


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    yield from g.open_sidebar("Duet")
    yield from rest()
    yield from g.click("duet.add_head")
    yield from rest()
    assert "Smirk" not in sliders()

    # the panel Library lies under the row of Presets and Key All Emotions
    x, y = yield from find("duet.key_emotions", parts=(0.75,))
    yield from g.click((x - 100, y + TITLE))
    yield from rest()
    yield from g.enter("library_search", "smi")
    yield from rest()
    yield from picture("library_found")
    scene = bpy.context.scene
    scene.duet.library_row = scene.duet.bl_rna.properties["library"].enum_items.find("smirk")
    yield from rest()
    yield from g.enter("library_search", "smirk")
    yield from rest()
    _, y = yield from g.find("library_search")
    yield from g.click((g.sidebar().x + int(g.sidebar().width * 0.795), y + ROW))  # in a list, no button has a name
    yield from rest()
    assert "Smirk" in sliders()
    head()["Smirk"] = 1.0
    head().update_tag()
    eyes = head().matrix_world.translation
    look((eyes.x, eyes.y, 0.26), 0.5)
    head().select_set(False)
    yield from g.enter("library_search", "s")
    yield from rest()
    assert head().data.shape_keys.key_blocks["Emotion Smirk"].value == 1.0
    yield from picture("manual_library", DOCS / "pictures")

    # it is keyed as the seven are, and a click on its cross takes it away
    yield from g.click((yield from find("duet.key_emotions", parts=(0.75,))))
    yield from rest()
    paths = {c.data_path for a in bpy.data.actions for s in a.layers[0].strips for b in s.channelbags for c in b.fcurves}
    assert '["Smirk"]' in paths, paths
    yield from g.click((yield from find("duet.remove_expression", parts=(0.76, 0.78, 0.74))))
    yield from rest()
    assert "Smirk" not in sliders()
    assert "Emotion Smirk" not in head().data.shape_keys.key_blocks
    bpy.ops.ed.undo()
    yield from rest()
    assert "Smirk" in sliders()
