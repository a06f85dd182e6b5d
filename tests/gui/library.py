"""The library of expressions in the real application: searched, added with its button, moved, keyed, removed.

make gui SCRIPT=tests/gui/library.py OUT=build/library.png
"""

import blender_gui as g
import bpy
from helpers import DOCS, TITLE, find, head, look, picture, rest, scroll_down

ROW = 31  # pixels from the search field to the list's first row
ADD = 0.795  # of the sidebar's width, where a row has its button: in a list no button tells its name


def sliders():
    return [name for name in head().keys() if name not in ("Upper Face", "Mouth", "Silence", "Mix Limit")]  # noqa: SIM118


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
    yield from scroll_down(8)
    yield from g.enter("library_search", "smirk")
    yield from scroll_down(8)
    _, y = yield from find("library_search")
    yield from g.click((g.sidebar().x + int(g.sidebar().width * 0.3), y + ROW))  # shown larger
    yield from rest()
    items = bpy.context.scene.duet.bl_rna.properties["library"].enum_items
    assert items[bpy.context.scene.duet.library_row].identifier == "smirk"
    yield from g.click((g.sidebar().x + int(g.sidebar().width * ADD), y + ROW))
    yield from rest()
    assert "Smirk" in sliders()
    head()["Smirk"] = 1.0
    head().update_tag()
    look((0, 0, 0.2), 0.62)
    head().select_set(False)
    yield from g.enter("library_search", "s")
    yield from rest()
    assert head().data.shape_keys.key_blocks["Emotion Smirk"].value == 1.0
    yield from picture("manual_library", DOCS / "pictures")

    # it is keyed as the seven are, and a click on its cross takes it away
    yield from g.click((yield from find("duet.key_emotions", parts=(0.75,))))
    yield from rest()
    bags = [bag for action in bpy.data.actions for strip in action.layers[0].strips for bag in strip.channelbags]
    paths = {curve.data_path for bag in bags for curve in bag.fcurves}
    assert '["Smirk"]' in paths, paths
    yield from g.click((yield from find("duet.remove_expression", parts=(0.76, 0.78, 0.74))))
    yield from rest()
    assert "Smirk" not in sliders()
    assert "Emotion Smirk" not in head().data.shape_keys.key_blocks
    bpy.ops.ed.undo()
    yield from rest()
    assert "Smirk" in sliders()
