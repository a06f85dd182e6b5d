"""Every button of the lists in the real application: each click is one step of undo, and of redo.

A dialogue from a table, lines, takes and marks of the Duet head; marks of a stranger's that was bound.

make gui SCRIPT=tests/gui/undo_lists.py OUT=build/gui/undo_lists.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from any_head import bound_stranger
from helpers import (
    CLOSED,
    FIRST,
    TITLE,
    choose_file,
    find,
    fingerprint,
    head,
    look,
    picture,
    press,
    rest,
    runtime,
    scroll_down,
    scroll_up,
    take,
    takes,
    to_the_end,
    wait_for,
)

# Each button with the share of the sidebar's width at which it is: where others are, nobody looks.
TAKES = {
    "duet.duplicate_take(": 0.83,
    "duet.remove_take(": 0.83,
    "duet.bake_plain(part='ONE'": 0.25,
    "duet.bake_plain(part='ALL'": 0.66,
}
TRIM = {side: f"duet.trim_line(side='{side}'" for side in ("BEFORE", "AFTER", "WHOLE")}
LINES = {"duet.move_line(": 0.23, TRIM["BEFORE"]: 0.16, TRIM["AFTER"]: 0.44}
MARKS = {"duet.show_marks(": 0.6, "duet.jump_to_mark(": 0.36, "duet.add_mark(": 0.69, "duet.remove_mark(": 0.16}
# Share of the width, and pixels above Move Here: the last row's button, for in a list none tells its name.
MUTE = (0.797, 83)


def state():
    """What the lists' buttons could change."""
    scene, key = bpy.context.scene, head().data.shape_keys
    tracks = [track for owner in (key, head()) if owner.animation_data for track in owner.animation_data.nla_tracks]
    pushed = [
        (strip.name, strip.frame_start, strip.frame_end, strip.mute) for track in tracks for strip in track.strips
    ]
    own = take()
    marks = (own.duet.marks, [(row.kind, round(row.seconds, 3), row.gone) for row in own.duet.mark_rows]) if own else ()
    strips = scene.sequence_editor.strips if scene.sequence_editor else ()
    sounds = [(strip.name, strip.mute, *map(round, strip_span(strip))) for strip in strips]
    markers = sorted((marker.name, marker.frame) for marker in scene.timeline_markers)
    frame = scene.frame_current
    return fingerprint() | {"frame": frame, "nla": pushed, "marks": marks, "sounds placed": sounds, "markers": markers}


def strip_span(strip):
    first = getattr(strip, "left_handle", None)
    return (first, strip.right_handle) if first is not None else (strip.frame_final_start, strip.frame_final_end)


def undone(name, clicks):
    """Do it, undo it, do it again, undo it."""
    before = state()
    yield from clicks
    yield from rest()
    after = state()
    print(name, "changes", [each for each in before if before[each] != after[each]], flush=True)
    assert after != before, name
    for key, due in (("ctrl+z", before), ("ctrl+shift+z", after), ("ctrl+z", before)):
        yield from press(key)
        yield from rest()
        found = state()
        assert found == due, (name, key, {each: (found[each], due[each]) for each in due if found[each] != due[each]})


def place_of(name, share):
    return (yield from find(f"bpy.ops.{name}", parts=(share,)))


def undone_each(buttons):
    for name, share in buttons.items():
        yield from undone(name, g.click((yield from place_of(name, share))))


def of_the_table(table):
    """The button, its file selector, the engine; done again at the end."""
    yield from to_the_end()
    place = yield from place_of("duet.dialogue_from_table(", 0.6)

    def clicks():
        yield from g.click(place)
        yield from choose_file(table, ())
        yield from wait_for(lambda: not runtime().busy and len(takes()) == 2, "the dialogue")

    yield from undone("duet.dialogue_from_table", clicks())
    yield from press("ctrl+shift+z")
    yield from rest()
    assert len(takes()) == 2


def of_the_takes():
    """Those of the Result's beginning."""
    yield from to_the_end()
    yield from scroll_up(5)
    yield from picture("01_takes")
    yield from undone("duet.fit_range", g.click((yield from place_of("duet.fit_range(", 0.6))))
    yield from undone_each(TAKES)


def of_the_lines():
    """Those under the list, and one in it; then what is left of a line whose action somebody has deleted."""
    yield from to_the_end()
    yield from scroll_up(5)
    yield from picture("02_lines")
    yield from undone_each(LINES)
    yield from g.click((yield from place_of(TRIM["AFTER"], LINES[TRIM["AFTER"]])))
    yield from undone_each({TRIM["WHOLE"]: 0.73})
    _, y = yield from place_of("duet.move_line(", LINES["duet.move_line("])
    share, up = MUTE
    region = g.sidebar()
    yield from undone("mute", g.click((region.x + int(region.width * share), y - up)))
    yield from undone_each({"duet.remove_line(": 0.69})
    bpy.data.actions.remove(bpy.data.actions["Duet b"])
    bpy.ops.ed.undo_push(message="Delete Action")
    yield from to_the_end()
    yield from picture("03_left")
    yield from undone_each({"duet.clear_lines(": 0.6})
    yield from press("ctrl+z")
    yield from rest()
    assert "Duet b" in bpy.data.actions


def of_the_marks():
    """Performance is above Emotion, and Marks below its seed; both are closed at first."""
    yield from scroll_up(60)
    x, y = yield from g.find("emotion")
    yield from g.click((x - 100, y - TITLE - CLOSED))
    yield from rest()
    yield from scroll_down(6)
    _, y = yield from g.find("seed")
    yield from g.click((x - 100, y + TITLE))
    yield from rest()
    yield from scroll_down(10)
    yield from picture("04_marks")
    yield from undone_each(MARKS)
    yield from g.click((yield from place_of("duet.add_mark(", MARKS["duet.add_mark("])))
    assert take().duet.marks
    yield from undone_each({"duet.reset_marks(": 0.76})


def table_of(folder, *rows):
    table = folder / "talk.csv"
    table.write_text("\n".join(["head,audio,start", *rows]) + "\n")
    return table


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    for name in "abc":
        shutil.copy(FIRST, folder / f"{name}.wav")
    yield from g.open_sidebar("Duet")
    with g.override():
        bpy.ops.duet.add_head()
    bpy.context.scene.duet.head = head() or bpy.context.object
    look((0.0, 0.0, 0.21), 0.75)
    bpy.context.scene.frame_set(120)  # within the second line
    bpy.ops.ed.undo_push(message="A head")
    yield from rest()
    own = head().name
    yield from of_the_table(table_of(folder, f"{own},a.wav,1", f"{own},b.wav,100", "Bea,c.wav,200"))
    yield from of_the_takes()
    yield from of_the_lines()
    yield from of_the_marks()

    # The same on a head that was bound.
    yield from bound_stranger()
    scene = bpy.context.scene
    scene.duet.head, scene.duet.audio = bpy.data.objects["Stranger"], str(folder / "a.wav")
    scene.duet.place, scene.duet.start_frame = "TAKE", 1
    with g.override():
        bpy.ops.duet.generate()
    scene.frame_set(20)
    bpy.ops.ed.undo_push(message="A take")
    look((0.9, 0, 1), 6.0)
    yield from rest()
    yield from undone_each(MARKS)
    yield from picture("05_bound")
    yield from to_the_end()
    yield from undone_each({"duet.push_take(": 0.6})
