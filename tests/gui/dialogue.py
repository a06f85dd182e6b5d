"""A dialogue of two minutes in the real application: two heads and eight lines from a table, by mouse and keys.

Three lines are moved and one is removed; every other line's face is the same before and after, and again in the saved
file that is opened anew, and with the extension disabled. The first picture is the manual's.

make gui SCRIPT=tests/gui/dialogue.py OUT=build/dialogue/end.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
import numpy as np
from helpers import (
    DOCS,
    RECORDINGS,
    area_of,
    choose_file,
    find,
    look,
    picture,
    point_at,
    press,
    rest,
    runtime,
    scroll_up,
    to_the_end,
    wait_for,
)

FPS, EVERY = 24, 16.5  # seconds from line to line
HUNDREDTH_MM = 1e-5
SPEAKERS = ("Ada", "Bea")
FEELINGS = ("happy=0.6", "sad=0.7", "surprised=0.5", "", "angry=0.6", "afraid=0.5", "", "happy=0.8")
MOVED = {"Duet ada 3": 24, "Duet ada 7": -48, "Duet bea 4": 60}  # frames
REMOVED = "Duet bea 6"


def first_of(number):
    return round(1 + number * EVERY * FPS)


def write_table(folder):
    rows = ["scene,head,audio,start,emotion"]
    sources = sorted(RECORDINGS.glob("*.wav"))
    for number in range(8):
        name = f"{SPEAKERS[number % 2].lower()} {number + 1}.wav"
        shutil.copy(sources[number % 3], folder / name)
        rows.append(f"kitchen,{SPEAKERS[number % 2]},{name},{first_of(number)},{FEELINGS[number]}")
    table = folder / "kitchen.csv"
    table.write_text("\n".join(rows) + "\n")
    return table


def playing():
    """{line: (head, first frame, last frame)} as the strips of the keys say, which Blender plays without Duet too."""
    found = {}
    for name in SPEAKERS:
        key = bpy.data.objects[name].data.shape_keys
        for track in key.animation_data.nla_tracks:
            strip = track.strips[0]
            if strip.name.startswith("Duet") and not strip.name.endswith(("Life", "Listening")):
                found[strip.action.name] = name, strip.frame_start + strip.blend_in, strip.frame_end - strip.blend_out
    return found


def faces():
    """{line: faces (6, V, 3) of its head, from its first to its last frame}; the scene's frame is as before."""
    scene, found = bpy.context.scene, {}
    now = scene.frame_current
    for line, (name, first, last) in playing().items():
        found[line] = []
        for frame in np.linspace(first, last, 6).round():
            scene.frame_set(int(frame))
            mesh = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get()).data
            flat = np.empty(3 * len(mesh.vertices), np.float32)
            mesh.vertices.foreach_get("co", flat)
            found[line].append(flat.reshape(-1, 3))
    scene.frame_set(now)
    return {line: np.stack(each) for line, each in found.items()}


def require_same(before, after):
    far = {line: float(np.linalg.norm(face - before[line], axis=-1).max()) for line, face in after.items()}
    print(
        "farthest vertex of each line, mm:", {line: round(1000 * value, 5) for line, value in far.items()}, flush=True
    )
    assert max(far.values()) < HUNDREDTH_MM, far


def require_heard(starts):
    strips = {f"Duet {strip.name.removesuffix('.wav')}": strip for strip in bpy.context.scene.sequence_editor.strips}
    assert set(strips) == set(starts), (set(strips), set(starts))
    for line, start in starts.items():
        first = getattr(strips[line], "left_handle", None) or strips[line].frame_final_start
        assert first == start, (line, first, start)


def to_the_top():
    yield from scroll_up(60)


def to_the_lines():
    yield from to_the_end()
    yield from scroll_up(5)


def choose_head(name):
    yield from g.click("head")
    yield from g.type_text(name)
    yield from g.key("Return")
    yield from rest()
    assert bpy.context.scene.duet.head.name == name


def field_of(line):
    return (yield from find(f'["{line}"].duet.start_frame', parts=(0.17, 0.2)))


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    scene = bpy.context.scene
    scene.render.fps, scene.name = FPS, "kitchen"
    folder = Path(tempfile.mkdtemp())
    table = write_table(folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield from g.open_sidebar("Duet")
    yield from to_the_end()
    yield from g.click("duet.dialogue_from_table")
    yield from choose_file(table, picture("01_table"))
    yield from wait_for(lambda: runtime().busy and runtime().fraction > 0.3, "the engine's work")
    yield from picture("02_at_work")
    yield from wait_for(lambda: runtime().fraction > 0.6, "more of it")
    yield from wait_for(lambda: not runtime().busy and len(playing()) == 8, "the dialogue")
    look((0.0, -0.05, 0.2), 1.1)
    yield from to_the_top()
    scene.frame_set(first_of(5) + 60)
    starts = {line: first for line, (_, first, _) in playing().items()}
    assert sorted(starts.values()) == [first_of(number) for number in range(8)]
    assert scene.frame_end >= first_of(7)
    require_heard(starts)
    before = faces()

    yield from choose_head("Ada")
    yield from to_the_lines()
    area = area_of("DOPESHEET_EDITOR")
    with bpy.context.temp_override(window=g.window(), area=area, region=area.regions[-1]):
        bpy.ops.action.view_all()
    yield from point_at(g.view3d())
    yield from picture("manual_dialogue", DOCS / "pictures")
    for line, frames in MOVED.items():
        if line.startswith("Duet bea") and scene.duet.head.name != "Bea":
            yield from to_the_top()
            yield from choose_head("Bea")
            yield from to_the_lines()
        starts[line] += frames
        yield from g.enter((yield from field_of(line)), str(int(starts[line])))
        assert playing()[line][1] == starts[line], (line, playing()[line], starts[line])
    yield from picture("03_moved")
    x, y = yield from field_of(REMOVED)
    yield from g.click((x + 70, y))  # its length: chooses the line
    yield from g.click("duet.remove_line")
    del starts[REMOVED]
    assert set(playing()) == set(starts), playing()
    yield from picture("04_removed")
    require_heard(starts)
    after = faces()
    require_same(before, after)
    yield from press("ctrl+z")  # one step brings the line back
    assert REMOVED in playing()
    yield from press("ctrl+shift+z")
    assert REMOVED not in playing()

    path = str(folder / "saved.blend")
    yield from point_at(g.view3d())
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    yield from rest()
    require_heard(starts)
    require_same(before, faces())
    with g.override():
        bpy.ops.screen.animation_play()
    yield 3.0
    assert bpy.context.screen.is_animation_playing
    yield from picture("05_playing")
    with g.override():
        bpy.ops.screen.animation_cancel(restore_frame=False)
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.duet")
    bpy.ops.wm.open_mainfile(filepath=path)
    yield from rest()
    assert not hasattr(bpy.context.scene, "duet")
    require_heard(starts)
    require_same(before, faces())
