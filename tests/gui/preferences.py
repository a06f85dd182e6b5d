"""The extension's preferences in the real application: Test Engine is clicked, and its answer shown.

make gui SCRIPT=tests/gui/preferences.py OUT=build/preferences.png
"""

import blender_gui as g
import bpy
from helpers import find, rest, runtime, wait_for


def main():
    area = g.view3d()
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    with bpy.context.temp_override(window=g.window(), area=area):
        bpy.ops.preferences.addon_show(module="bl_ext.user_default.duet")
    yield from rest()
    for window in bpy.context.window_manager.windows[1:]:  # addon_show opens one of its own
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_close()
    bpy.context.window_manager.addon_search = "Duet"
    yield from rest()
    region = next(region for region in area.regions if region.type == "WINDOW")
    place = yield from find("duet.test_engine", area, region, (0.5, 0.3, 0.7))
    yield from g.click(place)
    yield from wait_for(lambda: not runtime().busy and runtime().description, "the engine's answer")
    assert runtime().description.startswith("numpy on cpu"), runtime().description
    yield from rest()
