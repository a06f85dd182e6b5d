"""Every button of takes, lines and a dialogue is one step of undo, and of redo; those of marks are in test_marks.py."""

import bpy
import pytest
from duet.scene.take import lines, takes
from duet.tests.undo_steps import undone

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def chosen():
    """The chosen head, which another step of undo has made another."""
    return bpy.context.scene.duet.head


@pytest.fixture
def table(voice, tmp_path):
    path = tmp_path / "talk.csv"
    path.write_text("head,audio,start\nAda,line.wav,1\nAda,line.wav,101\nBea,line.wav,201\n")
    return str(path)


def test_a_dialogue_and_all_that_is_done_with_its_lines(table):
    undone("dialogue", filepath=table)
    bpy.context.scene.frame_set(120)
    assert lines.chosen(chosen()).first == 101
    undone("fit_range")
    undone("move_line", frame=111)
    undone("trim_line", side="BEFORE")
    undone("trim_line", side="WHOLE")
    undone("mute_line", name="Duet line")
    undone("mute_line", name="Duet line")
    for part in ("ONE", "ALL"):
        undone("bake_plain", part=part)
        bpy.ops.ed.undo()
    undone("duplicate_take")
    undone("remove_take")
    undone("remove_line")


def test_all_that_is_done_with_a_take(ready):
    undone("generate")
    takes.active(chosen()).duet.style = "enunciated"
    undone("regenerate", part="ALL")
    undone("add_cue")
    undone("mute_life")
    undone("duplicate_take")
    undone("push_take")
    assert lines.on(chosen())
    assert takes.active(chosen())
