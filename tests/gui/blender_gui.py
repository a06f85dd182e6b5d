"""Hands and eyes for the scripts of this folder, which `import blender_gui as g`; drive.py starts it inside Blender.

A script has a generator `main`: each `yield SECONDS` lets Blender work that long, and what it yields from here moves
the real mouse and presses real keys.
"""

import importlib.util
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

SCRIPT, OUT, STATUS = (os.environ[f"DUET_GUI_{name}"] for name in ("SCRIPT", "PICTURE", "STATUS"))
QUIET = 0.6  # seconds without a change on the screen
PATIENCE = 30.0  # seconds to wait for them


def tool(*command):
    """Run a program of the X server's and return what it wrote."""
    return subprocess.run([str(part) for part in command], check=True, timeout=300, stdout=subprocess.PIPE).stdout


_x = tool  # the name by which scripts press and drag


def window():
    """The first window."""
    return bpy.context.window_manager.windows[0]


def view3d():
    """The 3D view."""
    return next(area for area in window().screen.areas if area.type == "VIEW_3D")


def sidebar():
    """Its sidebar."""
    return next(region for region in view3d().regions if region.type == "UI")


def override(region=None):
    """The context in which an operator finds the region, else the 3D view."""
    region = region or next(region for region in view3d().regions if region.type == "WINDOW")
    area = next(area for area in window().screen.areas if region in list(area.regions))
    return bpy.context.temp_override(window=window(), area=area, region=region)


def screenshot(path=OUT):
    """The screen as a picture, by the X server: Blender's own is black here."""
    tool("import", "-window", "root", Path(path).absolute())


def settle():
    """Wait until the screen stops changing."""
    end, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        now = tool("import", "-window", "root", "-depth", "8", "rgb:-")
        if now == last:
            return
        last = now
        yield QUIET


def open_sidebar(tab):
    """Show the sidebar at the tab of that name, which exists once the sidebar was drawn."""
    view3d().spaces.active.show_region_ui = True
    end = time.monotonic() + PATIENCE
    while True:
        yield 0.3
        try:
            sidebar().active_panel_category = tab
            break
        except (TypeError, AttributeError, RuntimeError):
            if time.monotonic() > end:
                raise
    sidebar().tag_redraw()
    yield from settle()


def hovered(region):
    """The call of the operator, or the path of the property, under the mouse."""
    manager = bpy.context.window_manager
    with override(region):
        for copy, options in (
            (bpy.ops.ui.copy_python_command_button, {}),
            (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
        ):
            manager.clipboard = ""
            if copy.poll():
                try:
                    copy(**options)
                except RuntimeError:  # under the mouse is neither
                    continue
                if manager.clipboard:
                    return manager.clipboard
    return ""


def find(what, region=None):
    """(x, y) of an operator's button ("duet.generate") or a property's field ("audio") in the sidebar."""
    region = region or sidebar()
    for share in (0.45, 0.2, 0.7, 0.05, 0.88):
        x = region.x + int(region.width * share)
        for y in range(region.y + region.height - 6, region.y, -9):
            place = x, window().height - 1 - y
            tool("xdotool", "mousemove", *place)
            yield 0.05
            path = hovered(region)
            if path.startswith(f"bpy.ops.{what}(") or path.endswith(f".{what}"):
                return place
    raise RuntimeError(f"'{what}' is not on the screen")


def click(what, button=1):
    """Click on a button or field, or on a place (x, y) of the screen."""
    x, y = what if isinstance(what, tuple) else (yield from find(what))
    tool("xdotool", "mousemove", x, y)
    yield 0.2
    tool("xdotool", "click", button)
    yield 0.5


def key(name):
    """Press a key or several at once, such as Return or ctrl+a."""
    tool("xdotool", "key", name)
    yield 0.2


def type_text(text):
    """Type it."""
    tool("xdotool", "type", "--delay", "40", text)
    yield 0.3


def enter(what, text):
    """Put text into a field in place of what it holds."""
    yield from click(what)
    yield from key("ctrl+a")
    yield from type_text(text)
    yield from key("Return")


def session():
    """Wait for the first pictures, then do what the script says."""
    drawn = []
    handle = bpy.types.SpaceView3D.draw_handler_add(lambda: drawn.append(1), (), "WINDOW", "POST_PIXEL")
    while len(drawn) < 2:
        yield 0.1
    bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
    yield from settle()
    if "bl_ext.user_default.duet" not in bpy.context.preferences.addons:
        raise RuntimeError("Duet is not installed and enabled: see the messages above")
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path(SCRIPT).parent))
    spec = importlib.util.spec_from_file_location("gui_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from module.main()
    yield from settle()


def end(said):
    """Keep the last picture, tell drive.py, and close Blender."""
    screenshot()
    Path(STATUS).write_text(said)
    sys.stdout.flush()
    with bpy.context.temp_override(window=window()):
        bpy.ops.wm.quit_blender()


def turn(steps=session()):  # noqa: B008 - one for all turns
    """Called by Blender's timer: the next step, and how many seconds until the one after."""
    try:
        return max(0.01, float(next(steps) or 0))
    except StopIteration:
        end("passed")
    except BaseException:
        traceback.print_exc()
        end("the script failed; the picture shows where")
    return None


if __name__ == "__main__":
    sys.modules["blender_gui"] = sys.modules[__name__]
    bpy.context.preferences.use_preferences_save = False
    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(turn, first_interval=0.1, persistent=True)
