"""Every button of the lists in the real application: each click is one step of undo, and of redo.

Lines, takes and marks, of the Duet head and of a stranger's that was bound; the recording is heard.

make gui SCRIPT=tests/gui/undo_lists.py OUT=build/gui/undo_lists.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from any_head import stranger
from helpers import FIRST, fingerprint, head, look, module, picture, press, rest, runtime, scroll_up, take, wait_for

LINES = ("duet.move_line", "duet.trim_line", "duet.mute_line", "duet.duplicate_take", "duet.fit_range")
LAST = ("duet.remove_line",)
MARKS = ("duet.add_mark", "duet.remove_mark", "duet.reset_marks", "duet.find_marks", "duet.show_marks")
SCROLLS = 24  # as far as the panels reach


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


def find(button):
    """Where a button is, scrolled to."""
    yield from scroll_up(60)
    for _ in range(SCROLLS):
        try:
            return (yield from g.find(button))
        except RuntimeError:
            with bpy.context.temp_override(window=g.window(), area=g.view3d(), region=g.sidebar()):
                for _ in range(8):
                    bpy.ops.view2d.scroll_down(page=False)
            yield from rest()
    raise RuntimeError(f"{button} is nowhere in the sidebar")


def undone(buttons):
    """Click each, undo it, do it again, undo it."""
    for button in buttons:
        place = yield from find(button)
        before = state()
        yield from g.click(place)
        yield from rest()
        after = state()
        print(button, "changes", [name for name in before if before[name] != after[name]], flush=True)
        if after == before:
            continue
        for key, due in (("ctrl+z", before), ("ctrl+shift+z", after), ("ctrl+z", before)):
            yield from press(key)
            yield from rest()
            found = state()
            assert found == due, (
                button,
                key,
                {name: (found[name], due[name]) for name in due if found[name] != due[name]},
            )


def open_marks():
    """Performance lies above Emotion, and Marks is its last part; both are closed at first."""
    panel = bpy.types.DUET_PT_marks
    x, y = yield from find("emotion")
    yield from g.click((x - 100, y - 60))
    yield from rest()
    x, y = yield from find("seed")
    yield from rest()
    assert panel.poll(bpy.context)
    return x, y


def heard():
    """Play is played, where the system has a device of any kind, until it is clicked again."""
    player = module("operators.recording").PLAYER
    yield from g.click((yield from find("duet.play_recording")))
    yield 1.0
    first = player._handle.position if player.playing else None
    yield 1.0
    second = player._handle.position if player.playing else None
    print("Play: from", first, "to", second, "s on", player._device and player._device.name, flush=True)
    assert first is not None and second - first > 0.3
    yield from g.click((yield from find("duet.play_recording")))
    yield from rest()
    assert not player.playing


def speak(folder, obj):
    table = folder / "two.csv"
    table.write_text(f"head,audio,start\n{obj.name},a.wav,1\n{obj.name},b.wav,100\n")
    with g.override():
        bpy.ops.duet.dialogue("EXEC_DEFAULT", filepath=str(table))
    obj = bpy.data.objects[obj.name]
    bpy.context.scene.duet.head = obj
    bpy.context.scene.frame_set(90)
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
    yield from undone(LINES)
    yield from picture("01_lines")
    yield from open_marks()
    yield from undone(MARKS)
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
    yield from undone(MARKS[:2])
    yield from picture("03_bound")
    yield from undone(LAST)
