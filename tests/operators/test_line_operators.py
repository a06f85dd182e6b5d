"""The buttons of lines, and a dialogue from a table."""

from types import SimpleNamespace

import bpy
import pytest
from duet.operators import session
from duet.panels import lines as panels
from duet.scene.take import left_over, lines
from duet.tests.blender_fakes import failure
from duet.tests.target_fakes import Layout

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_lines_follow_by_the_buttons(scene, ready):
    bpy.ops.duet.generate()
    scene.duet.place = "LINE"
    assert scene.duet.start_frame == 48 + 1 + 10, "a little after what it says already"
    scene.duet.place = "TAKE"
    assert scene.duet.start_frame == 1, "in place of what it says"
    scene.duet.place, scene.duet.start_frame = "LINE", 30
    assert "would both speak" in failure(bpy.ops.duet.generate)
    assert session.RUNTIME.pending is None, "it is said before the engine works"
    scene.duet.start_frame = 101
    assert bpy.ops.duet.generate() == {"FINISHED"}
    names = [line.action.name for line in lines.on(ready)]
    assert names == ["Duet line", "Duet line.001"]
    scene.duet.active_line = bpy.data.actions.find(names[0])
    assert scene.duet.start_frame == 1  # Audio says what the chosen line is
    assert bpy.ops.duet.move_line(frame=201) == {"FINISHED"}
    assert scene.duet.start_frame == 201
    scene.frame_set(220)
    assert bpy.ops.duet.trim_line(side="BEFORE") == {"FINISHED"}
    assert lines.chosen(ready).first == 220
    assert "Go to a frame within it" in failure(lambda: (scene.frame_set(1), bpy.ops.duet.trim_line(side="AFTER")))
    assert bpy.ops.duet.mute_line(name=names[1]) == {"FINISHED"}
    assert [line.is_muted for line in lines.on(ready)] == [True, False]
    assert bpy.ops.duet.remove_line() == {"FINISHED"}
    assert [line.action.name for line in lines.on(ready)] == names[:1]


def test_the_panel_looks_once_for_what_is_left(scene, ready, monkeypatch):
    find, asked, layout = left_over.find, [], Layout()
    monkeypatch.setattr(left_over, "find", lambda *of: asked.append(of) or find(*of))
    monkeypatch.setattr(panels, "wrapped", lambda layout, context, text: layout.label(text=text))
    bpy.ops.duet.generate()
    bpy.data.actions.remove(bpy.data.actions["Duet line"])
    panels.DUET_PT_lines.draw(SimpleNamespace(layout=layout), bpy.context)
    assert bpy.ops.duet.clear_lines.poll(), "as Blender asks of a button that is drawn"
    assert layout.drawn[0].startswith("Left of what plays no more: the sound")
    assert len(asked) == 1
    assert bpy.ops.duet.clear_lines() == bpy.ops.duet.clear_lines() == {"FINISHED"}
    assert not scene.sequence_editor.strips


def test_a_dialogue_from_a_table(scene, voice, tmp_path):
    table = tmp_path / "talk.csv"
    table.write_text("head,audio,start\nAda,line.wav,1\nBea,line.wav,\nAda,gone.wav,\n")
    said = failure(lambda: bpy.ops.duet.dialogue_from_table(filepath=str(table)))
    assert "row 4: The audio file" in said and "Traceback" not in said
    assert not bpy.data.objects
    table.write_text("head,audio,start\nAda,line.wav,1\nBea,line.wav,\n")
    assert bpy.ops.duet.dialogue_from_table(filepath=str(table)) == {"FINISHED"}
    assert [len(lines.on(bpy.data.objects[name])) for name in ("Ada", "Bea")] == [1, 1]
    assert scene.duet.listening
    assert scene.duet.head == bpy.data.objects["Ada"]
    assert (scene.duet.audio, scene.duet.start_frame) == (str(voice), 1), "Audio says what the chosen line is"
    scene.duet.head = bpy.data.objects["Bea"]
    assert scene.duet.start_frame == lines.chosen(bpy.data.objects["Bea"]).first > 1
    scene.duet.audio = str(tmp_path / "new.wav")
    scene.duet.head = bpy.data.objects["Ada"]
    assert scene.duet.audio == str(tmp_path / "new.wav"), "which nobody speaks yet"
