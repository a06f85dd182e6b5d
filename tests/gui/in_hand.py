"""In the real application: what an animator's hand does around Generate.

A recording is dropped into the view, looked at and listened to; scrubbing and the scene's range follow the take.

make gui SCRIPT=tests/gui/in_hand.py
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import (
    FIRST,
    SECOND,
    area_of,
    choose_recording,
    find,
    head,
    picture,
    rest,
    runtime,
    take,
    to_the_end,
    wait_for,
)


def drop(path):
    """Drag a file out of a file browser, which stands in for the properties, into the 3D view."""
    area = area_of("PROPERTIES")
    area.type = "FILE_BROWSER"
    yield from rest()
    area.spaces.active.params.directory = str(path.parent).encode()
    area.spaces.active.params.display_type = "LIST_VERTICAL"
    area.spaces.active.show_region_toolbar = False
    yield from rest()
    region = next(region for region in area.regions if region.type == "WINDOW")
    x, y = region.x + 18, g.window().height - 1 - (region.y + region.height - 37)
    view = g.view3d()
    to = view.x + view.width // 3, g.window().height - 1 - (view.y + view.height // 2)
    yield from picture("browser")
    g.tool("xdotool", "mousemove", x, y)
    yield 0.8
    g.tool("xdotool", "mousedown", 1)
    yield 0.5
    for pixels in range(2, 16, 2):  # slowly, for Blender to take it for a drag
        g.tool("xdotool", "mousemove", x + pixels, y + pixels)
        yield 0.2
    for part in range(1, 9):
        g.tool("xdotool", "mousemove", x + (to[0] - x) * part // 8, y + (to[1] - y) * part // 8)
        yield 0.2
    yield from picture("dragged")
    g.tool("xdotool", "mouseup", 1)
    yield 0.6
    area.type = "PROPERTIES"
    yield from rest()


def main():
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    folder = Path(tempfile.mkdtemp())
    shutil.copy(FIRST, folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield from g.open_sidebar("Duet")
    yield from rest()
    yield from picture("empty")
    yield from drop(folder / FIRST.name)
    scene = bpy.context.scene
    assert scene.duet.audio == f"//{FIRST.name}", scene.duet.audio
    yield from g.click("duet.add_head")
    yield from rest()
    yield from picture("head")
    yield from choose_recording(SECOND, picture("selector"))
    yield from rest()
    yield from picture("recording")
    yield from g.click("duet.play_recording")
    yield from g.key("Escape")  # closes the report where nothing can be heard
    yield from rest()
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the first take")
    yield from to_the_end()
    yield from g.click((yield from find("duet.fit_range")))
    assert scene.frame_end < 250, scene.frame_end
    assert head() is not None
    yield from picture("fitted")
