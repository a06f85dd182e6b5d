"""What the scripts of this folder share: recordings, pictures, waiting, dragging, and a fingerprint of the scene."""

import sys
import tempfile
import wave
import zlib
from pathlib import Path

import blender_gui as g
import bpy

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "examples" / "recordings"
DOCS = ROOT / "docs"
FIRST, SECOND = (RECORDINGS / f"sense_and_sensibility_0{n}.wav" for n in (880, 920))
PICTURES = Path(g.OUT).parent
TITLE = 32  # pixels from a value to the title of the panel below
CLOSED = 28  # pixels from the title of a closed panel to the next one's
TIMEOUT = 240  # seconds for the worker


def module(name):
    return next(m for full, m in sys.modules.items() if full.endswith(f"duet.{name}"))


def runtime():
    return module("operators.session").RUNTIME


def head():
    return bpy.context.scene.duet.head


def take():
    return module("scene.take.takes").active(head())


def takes():
    return module("scene.take.takes").takes_of(head())


def wait_for(condition, what):
    for _ in range(TIMEOUT * 5):
        if condition():
            return
        yield 0.2
    raise AssertionError(f"{what} did not happen")


def rest():
    """Let Blender draw. (Waiting until nothing changes takes long on a busy machine.)"""
    for _ in range(4):
        g.window().screen.areas[0].tag_redraw()
        yield 0.4


def picture(name, folder=PICTURES):
    """The screen as NAME.png, beside OUT unless another folder is given."""
    yield from rest()
    g.screenshot(str(folder / f"{name}.png"))
    print("done:", name, flush=True)


def look(place, distance):
    """Look at a place from the front, a little from the side."""
    view = g.view3d().spaces.active.region_3d
    view.view_rotation, view.view_location, view.view_distance = (0.69, 0.69, 0.16, 0.16), place, distance
    view.view_perspective = "PERSP"


def to_the_end():
    """Scroll the sidebar to its end; three times, for what it shows is known only once it was drawn."""
    for _ in range(3):
        yield from scroll_down(60)


def scroll_down(times):
    """Scroll the sidebar down, a few lines at a time."""
    yield from _scroll(bpy.ops.view2d.scroll_down, times)


def scroll_up(times):
    """The other way."""
    yield from _scroll(bpy.ops.view2d.scroll_up, times)


def _scroll(step, times):
    with bpy.context.temp_override(window=g.window(), area=g.view3d(), region=g.sidebar()):
        for _ in range(times):
            step(page=False)
    yield from rest()


def open_panel(label):
    """Open one of the closed panels at the sidebar's end by its title, and show all of it."""
    tab = [cls for cls in bpy.types.Panel.__subclasses__() if getattr(cls, "bl_category", "") == "Duet"]
    order = {cls.bl_label: cls.bl_order for cls in tab if not hasattr(cls, "bl_parent_id")}
    below = sum(place > order[label] for place in order.values())
    region = g.sidebar()
    yield from to_the_end()
    yield from g.click((region.x + 60, g.window().height - 1 - (region.y + 16 + CLOSED * below)))
    yield from to_the_end()


def hovered(area, region):
    """The data path or the operator's call under the mouse."""
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=g.window(), area=area, region=region):
        for copy, options in (
            (bpy.ops.ui.copy_python_command_button, {}),
            (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
        ):
            manager.clipboard = ""
            if copy.poll():
                copy(**options)
                if manager.clipboard:
                    return manager.clipboard
    return ""


def find(part, area=None, region=None, parts=(0.6, 0.2, 0.8)):
    """The place (x, y) of the field whose full data path, or of the button whose call, has this part."""
    area, region = area or g.view3d(), region or g.sidebar()
    for x in (region.x + int(region.width * share) for share in parts):
        for y in range(region.y + region.height - 6, region.y, -12):
            place = x, g.window().height - 1 - y
            g._x("xdotool", "mousemove", *place)
            yield 0.1
            if part in hovered(area, region):
                yield 0.4  # on a busy machine it may have been under the mouse before
                if part in hovered(area, region):
                    return place
    raise RuntimeError(f"nothing with {part} is on the screen")


def drag(place, pixels, up=0):
    """Press at the place, move to the right and up by hand, let go."""
    x, y = place
    g._x("xdotool", "mousemove", x, y)
    yield 0.2
    g._x("xdotool", "mousedown", 1)
    for part in range(1, 7):
        g._x("xdotool", "mousemove", x + pixels * part // 6, y - up * part // 6)
        yield 0.15
    g._x("xdotool", "mouseup", 1)
    yield 0.5


def point_at(area):
    """Move the mouse into the middle of an area, which then gets the keys."""
    g._x("xdotool", "mousemove", area.x + area.width // 3, g.window().height - 1 - (area.y + area.height // 2))
    yield 0.3


def press(name):
    """Press keys over the 3D view."""
    yield from point_at(g.view3d())
    yield from g.key(name)
    yield 0.8


def area_of(kind):
    return next((area for area in g.window().screen.areas if area.type == kind), None)


def choose_file(path, picture):
    """In the file selector that opens: show the file's folder, type its name, take a picture, click the button."""
    yield from wait_for(lambda: area_of("FILE_BROWSER"), "the file selector")
    yield from rest()
    area = area_of("FILE_BROWSER")
    region = next(region for region in area.regions if region.type == "EXECUTE")
    area.spaces.active.params.directory = str(path.parent).encode()
    yield from rest()
    # Name and button have no paths that can be copied: they lie in the region's one row.
    y = g.window().height - 1 - (region.y + region.height // 2)
    yield from g.enter((region.x + region.width // 3, y), path.name)
    yield from picture
    yield from g.click((region.x + int(region.width * 0.95), y))
    yield from wait_for(lambda: area_of("FILE_BROWSER") is None, "the end of the file selector")


def choose_recording(path, picture=()):
    """Choose a recording by its button in the sidebar."""
    yield from g.click("duet.choose_recording")
    yield from choose_file(path, picture)
    yield from rest()
    assert bpy.path.abspath(bpy.context.scene.duet.audio).endswith(path.name), bpy.context.scene.duet.audio


def repeated(path, times):
    """A recording long enough to be cancelled with the mouse."""
    long = Path(tempfile.mkdtemp(), "long.wav")
    with wave.open(str(path)) as source, wave.open(str(long), "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(source.getnframes()) * times)
    return long


def fingerprint():
    """What a generation could change in the open file, as comparable plain data."""
    scene = bpy.context.scene
    key = head().data.shape_keys
    drivers = key.animation_data.drivers if key.animation_data else []
    bags = [bag for a in bpy.data.actions for layer in a.layers for s in layer.strips for bag in s.channelbags]
    return {
        "actions": sorted(action.name for action in bpy.data.actions),
        "curves": sorted(
            (c.data_path, zlib.crc32(str([tuple(p.co) for p in c.keyframe_points]).encode()))
            for bag in bags
            for c in bag.fcurves
        ),
        "drivers": [(curve.data_path, curve.driver.expression) for curve in drivers],
        "sliders": [(b.name, round(b.slider_min, 5), round(b.slider_max, 5)) for b in key.key_blocks],
        "properties": sorted(head().keys()) + sorted(key.keys()),
        "strips": sorted(strip.name for strip in scene.sequence_editor.strips) if scene.sequence_editor else None,
        "sounds": sorted(sound.name for sound in bpy.data.sounds),
        "scene": (scene.frame_start, scene.frame_end, scene.sync_mode, scene.render.fps),
        "objects": sorted((obj.name, tuple(obj.location)) for obj in scene.objects),
    }


def differences(before, after):
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}
