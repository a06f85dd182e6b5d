"""Every button of the lists in the real application: each click is one step of undo, and of redo.

Lines, takes and marks, of the Duet head and of a stranger's that was bound.

make gui SCRIPT=tests/gui/undo_lists.py OUT=build/gui/undo_lists.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from any_head import stranger
from helpers import (
    CLOSED,
    FIRST,
    TITLE,
    find,
    fingerprint,
    head,
    look,
    module,
    picture,
    press,
    rest,
    runtime,
    scroll_down,
    scroll_up,
    take,
    to_the_end,
    wait_for,
)

# Each button with the share of the sidebar's width at which it is: where others are, nobody looks.
LINES = {"duet.move_line": 0.23, "duet.trim_line": 0.17}
MARKS = {"duet.add_mark": 0.69, "duet.remove_mark": 0.83}
# Share of the width, and pixels above Move Here: the last row's button, for in a list none tells its name.
MUTE = (0.797, 83)


def state():
    """What the lists' buttons could change."""
    scene, key = bpy.context.scene, head().data.shape_keys
    tracks = [track for owner in (key, head()) if owner.animation_data for track in owner.animation_data.nla_tracks]
    strips = [
        (strip.name, strip.frame_start, strip.frame_end, strip.mute) for track in tracks for strip in track.strips
    ]
    own = take()
    marks = (own.duet.marks, [(row.kind, round(row.seconds, 3), row.gone) for row in own.duet.mark_rows]) if own else ()
    sounds = [(strip.name, strip.mute, *map(round, strip_span(strip))) for strip in scene.sequence_editor.strips]
    markers = sorted((marker.name, marker.frame) for marker in scene.timeline_markers)
    return fingerprint() | {"nla": strips, "marks": marks, "sounds placed": sounds, "markers": markers}


def strip_span(strip):
    first = getattr(strip, "left_handle", None)
    return (first, strip.right_handle) if first is not None else (strip.frame_final_start, strip.frame_final_end)


def undone(name, place):
    """Click it, undo it, do it again, undo it."""
    before = state()
    yield from g.click(place)
    yield from rest()
    after = state()
    print(name, "changes", [each for each in before if before[each] != after[each]], flush=True)
    assert after != before, name
    for key, due in (("ctrl+z", before), ("ctrl+shift+z", after), ("ctrl+z", before)):
        yield from press(key)
        yield from rest()
        found = state()
        assert found == due, (name, key, {each: (found[each], due[each]) for each in due if found[each] != due[each]})


def undone_each(buttons):
    for name, share in buttons.items():
        yield from undone(name, (yield from find(f"bpy.ops.{name}(", parts=(share,))))


def of_the_lines():
    """Those under the list, and one in it."""
    yield from to_the_end()
    yield from scroll_up(5)
    yield from undone_each(LINES)
    _, y = yield from find("bpy.ops.duet.move_line(", parts=(LINES["duet.move_line"],))
    share, up = MUTE
    region = g.sidebar()
    yield from undone("mute", (region.x + int(region.width * share), y - up))
    yield from undone_each({"duet.remove_line": 0.69})


def of_the_marks():
    """Performance is above Emotion, and Marks below its seed; both are closed at first."""
    yield from scroll_up(60)
    x, y = yield from g.find("emotion")
    yield from g.click((x - 100, y - TITLE - CLOSED))
    yield from rest()
    yield from scroll_down(6)
    yield from picture("00_open")
    _, y = yield from g.find("seed")
    yield from g.click((x - 100, y + TITLE))
    yield from rest()
    yield from scroll_down(10)
    yield from picture("00_marks")
    yield from undone_each(MARKS)


def heard():
    """Play plays until it is clicked again, where the system has a device."""
    player = module("operators.recording").PLAYER
    yield from scroll_up(60)
    place = yield from find("bpy.ops.duet.play_recording(", parts=(0.62,))
    yield from g.click(place)
    yield 1.0
    first = player._handle.position if player.playing else None
    yield 1.0
    second = player._handle.position if player.playing else None
    print("Play: from", first, "to", second, "s", flush=True)
    if first is None:  # a machine without sound: a report says so, and goes
        yield from g.key("Escape")
        yield from rest()
        return
    assert second - first > 0.3
    yield from g.click(place)
    yield from rest()
    assert not player.playing


def speak(folder, obj):
    table = folder / "two.csv"
    table.write_text(f"head,audio,start\n{obj.name},a.wav,1\n{obj.name},b.wav,100\n")
    with g.override():
        bpy.ops.duet.dialogue("EXEC_DEFAULT", filepath=str(table))
    obj = bpy.data.objects[obj.name]
    bpy.context.scene.duet.head = obj
    bpy.context.scene.frame_set(120)  # within the second line
    bpy.ops.ed.undo_push(message="Two lines")
    yield from rest()


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    for name in "ab":
        shutil.copy(FIRST, folder / f"{name}.wav")
    yield from g.open_sidebar("Duet")
    with g.override():
        bpy.ops.duet.add_head()
    yield from speak(folder, head())
    look((0.0, 0.0, 0.21), 0.75)
    yield from heard()
    yield from of_the_marks()
    yield from picture("02_marks")

    # The same on a head that was bound.
    obj = stranger()
    binding = module("scene.binding")
    with g.override():
        bpy.ops.duet.bind_head("INVOKE_DEFAULT")
    yield from wait_for(lambda: not runtime().busy and binding.preview_of(obj) is not None, "the binding")
    with g.override():
        bpy.ops.duet.apply_binding()
    yield from rest()
    yield from speak(folder, bpy.data.objects["Stranger"])
    look((0.9, 0, 1), 6.0)
    yield from undone_each({name: MARKS[name] for name in ("duet.add_mark", "duet.remove_mark")})
    yield from picture("03_bound")
