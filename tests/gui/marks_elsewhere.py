"""Marks in the real application on heads that are not Duet's: a closure is dragged, and their shut lips go with it.

A stranger's head that was bound speaks by itself; a FLAME head takes over what the Duet head plays.

make gui SCRIPT=tests/gui/marks_elsewhere.py OUT=build/gui/marks_elsewhere.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
import numpy as np
from any_head import bound_stranger
from helpers import FIRST, area_of, drag, look, module, open_panel, picture, press, rest, runtime, to_the_end, wait_for
from marks import frame_of, higher_timeline, marker_place, rows

FRAMES = range(1, 73)
BY = 3  # frames


def lips_apart(obj):
    """How far the inner lips are apart, at each frame, in mm of a mesh that has the Duet head's vertices."""
    scene, head = bpy.context.scene, module("inference.head.canonical").load_head()
    lips = module("inference.head.lips").lips_of(head)
    size = np.ptp(head.vertices[:, 2])
    now, found = scene.frame_current, []
    for frame in FRAMES:
        scene.frame_set(frame)
        mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        flat = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", flat)
        face = flat.reshape(-1, 3)
        assert len(face) == len(head.vertices)
        gap = np.linalg.norm(face[lips.upper] - face[lips.lower], axis=1).mean()
        found.append(1000 * gap * size / np.ptp(face[:, 2]))
    scene.frame_set(now)
    return np.array(found)


def shut_at(gaps, frame):
    """The frame near another at which the lips are nearest."""
    near = [each for each in FRAMES if abs(each - frame) <= 5]
    return min(near, key=lambda each: gaps[each - FRAMES[0]])


def closure():
    """One in the middle of the line."""
    return next(row for row in rows() if row.kind == "closed" and row.seconds > 1.5)


def drag_closure(by=BY):
    """Drag its marker by some frames; (the frame before, the frame it came to)."""
    number, frame = closure().number, frame_of(closure())
    timeline = area_of("DOPESHEET_EDITOR")
    x, y = marker_place(timeline, frame)
    to, _ = marker_place(timeline, frame + by)
    yield from drag((x, y), to - x)
    yield from rest()
    there = frame_of(next(row for row in rows() if row.number == number))
    assert frame + 1 <= there <= frame + by + 1, (frame, there)  # a drag begins after a few pixels
    return frame, there


def require_moved(name, before, after, frame, there):
    shut = shut_at(before, frame), shut_at(after, there)
    far = [each for each in FRAMES if min(abs(each - frame), abs(each - there)) > 6]
    rest_of = np.abs(after - before)[[each - FRAMES[0] for each in far]].max()
    print(
        f"{name}: mark {frame} -> {there}, lips shut at {shut[0]} -> {shut[1]},",
        f"gap there {before[shut[1] - 1]:.2f} -> {after[shut[1] - 1]:.2f} mm, elsewhere up to {rest_of:.3f} mm",
        flush=True,
    )
    assert after[shut[1] - 1] < before[shut[1] - 1]
    assert shut[1] - shut[0] == there - frame, shut
    assert rest_of < 0.2


def ready(obj, place, distance):
    """The head's line, its marks on the timeline."""
    scene = bpy.context.scene
    with g.override():
        scene.duet.head, scene.duet.audio = obj, "//line.wav"
        scene.duet.blinks = scene.duet.head_motion = False
        bpy.ops.duet.generate()
        bpy.ops.duet.show_marks()
    scene.frame_end = FRAMES[-1]
    for each in scene.objects:
        each.select_set(False)
    look(place, distance)
    bpy.ops.ed.undo_push(message="A line")
    yield from rest()


def of_a_bound_head():
    yield from bound_stranger()
    yield from ready(bpy.data.objects["Stranger"], (0.9, 0, 1), 6.0)
    yield from higher_timeline()
    before = lips_apart(bpy.data.objects["Stranger"])
    frame, there = yield from drag_closure()
    after = lips_apart(bpy.data.objects["Stranger"])
    bpy.context.scene.frame_set(there)
    yield from picture("marks_bound")
    require_moved("bound", before, after, frame, there)
    yield from press("ctrl+z")
    yield from rest()
    assert np.abs(lips_apart(bpy.data.objects["Stranger"]) - before).max() < 1e-3
    bpy.data.objects["Stranger"].hide_set(True)


def of_a_flame_head():
    """The FLAME head follows at Apply; a mark of the take is a mark of both."""
    with g.override():
        bpy.ops.duet.add_head()
    yield from ready(bpy.context.object, (0.18, 0, 0.15), 1.1)
    yield from open_panel("Other Heads")
    bpy.context.scene.cursor.location = (0.35, 0, 0)
    yield from rest()
    yield from g.click("duet.flame_add")
    yield from wait_for(lambda: bpy.context.scene.duet_target.obj is not None, "the FLAME head")
    gaps, moved = [], None
    for _ in range(2):
        yield from to_the_end()
        target = bpy.context.scene.duet_target.obj
        yield from g.click("duet.flame_apply")
        yield from wait_for(lambda: runtime().busy, "the fit's beginning")
        yield from wait_for(lambda: not runtime().busy, "the fit's end")
        yield from rest()
        gaps.append(lips_apart(target))
        if moved is None:
            moved = yield from drag_closure()
    bpy.context.scene.frame_set(moved[1])
    yield from picture("marks_flame")
    require_moved("FLAME", *gaps, *moved)


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    shutil.copy(FIRST, folder / "line.wav")
    yield from g.open_sidebar("Duet")
    yield from of_a_bound_head()
    yield from of_a_flame_head()
