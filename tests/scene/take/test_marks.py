"""Marks of a take in Blender: rows and markers that the mouth follows at once, kept through everything."""

import bpy
import numpy as np
import pytest
from duet.inference.performance.marks import parse_marks
from duet.inference.steps import finish
from duet.inference.take import GenerateRequest
from duet.scene import bake, regenerate
from duet.scene.blender import actions, shape_keys
from duet.scene.head import heads
from duet.scene.take import mark_rows, settings, takes
from duet.tests.places import ROOT
from duet.tests.target_fakes import HEAD, PIPELINE, SHAPES
from duet.tests.undo_steps import undone

pytestmark = [pytest.mark.blender, pytest.mark.slow]
LINE = ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav"
FPS = 30.0


@pytest.fixture(scope="module")
def spoken(recording):
    """A real sentence; its text says which sounds there are."""
    return PIPELINE.generate(recording, GenerateRequest(fps=FPS), lambda *_: None)


@pytest.fixture
def scene(empty_scene):
    empty_scene.render.fps = round(FPS)
    return empty_scene


@pytest.fixture
def head(scene, spoken):
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    apply(scene, obj, spoken, LINE, 11, scene.duet)
    scene.duet.head = obj
    return obj


def apply(scene, obj, take, path, start, chosen):
    return finish(bake.apply_steps(scene, obj, take, bake.Recording(path, start), chosen))


def keyed(action):
    """(T, Ks) as the curves have it."""
    take, key = takes.read(action).take, heads_key(action)
    bag = actions.ensure_bag(action, key)
    frames = action.duet.moved_to + np.arange(take.frame_count)
    curves = [bag.fcurves.find(shape_keys.value_path(name)) for name in take.speech_names]
    return np.array([[curve.evaluate(frame) for curve in curves] for frame in frames], np.float32)


def heads_key(action):
    return next(obj for obj in bpy.data.objects if takes.active(obj) == action).data.shape_keys


def changed_frames(action, spoken):
    return np.flatnonzero(np.abs(keyed(action) - spoken.speech_weights).max(axis=1) > 1e-4)


def closure(action):
    return next(row for row in action.duet.mark_rows if row.kind == "closed" and row.seconds > 1.5)


def test_rows_are_there_and_the_mouth_follows_them(scene, head, spoken):
    action = takes.active(head)
    rows = action.duet.mark_rows
    assert {row.kind for row in rows} >= {"closed", "round", "open"}
    assert not len(changed_frames(action, spoken))
    row = closure(action)
    at = round(row.seconds * FPS)
    row.seconds = row.seconds + 3 / FPS
    frames = changed_frames(action, spoken)
    assert at - 5 <= frames.min() <= at <= frames.max() <= at + 8
    (change,) = parse_marks(action.duet.marks)
    assert change.seconds - change.origin == pytest.approx(0.1, abs=2e-3)
    assert settings.performance_of(action.duet).marks == (change,)
    row.gone = True
    assert action.duet.marks.startswith("-closed@")
    row.gone, row.seconds, row.strength = False, row.origin, 0.5
    assert action.duet.marks.endswith("*0.5")
    assert bpy.ops.duet.reset_marks() == {"FINISHED"}
    assert action.duet.marks == "" and not len(changed_frames(action, spoken))
    scene.frame_set(80)
    assert bpy.ops.duet.add_mark(kind="teeth") == {"FINISHED"}
    added = action.duet.mark_rows[action.duet.mark_row]
    assert (added.kind, mark_rows.frame_of(scene, action, added)) == ("teeth", 80)
    assert 69 in changed_frames(action, spoken)
    scene.frame_set(1)
    assert bpy.ops.duet.jump_to_mark() == {"FINISHED"} and scene.frame_current == 80
    assert bpy.ops.duet.remove_mark() == {"FINISHED"}
    assert action.duet.marks == "" and not len(changed_frames(action, spoken))


def test_markers_on_the_timeline_are_the_rows(scene, head, spoken):
    action = takes.active(head)
    assert bpy.ops.duet.show_marks() == {"FINISHED"}
    scene.duet.mark_kinds = {"closed"}
    closed = [row for row in action.duet.mark_rows if row.kind == "closed"]
    assert len(scene.timeline_markers) == len(closed)
    assert not any(marker.select for marker in scene.timeline_markers)  # the mouse drags one, not all
    assert not mark_rows.is_behind(scene)
    number = closure(action).number
    marker = next(each for each in scene.timeline_markers if each.name == f"MBP {number}")
    marker.frame += 3
    assert mark_rows.is_behind(scene)
    mark_rows.follow(scene)
    row = next(row for row in action.duet.mark_rows if row.number == number)
    assert mark_rows.frame_of(scene, action, row) == marker.frame
    assert len(changed_frames(action, spoken))
    again = scene.timeline_markers.new(marker.name, frame=marker.frame + 20)  # as Duplicate does
    mark_rows.follow(scene)
    assert again.name != marker.name
    assert action.duet.marks.count("+closed@") == 1
    scene.timeline_markers.remove(again)
    scene.timeline_markers.remove(marker)
    mark_rows.follow(scene)
    assert action.duet.marks.startswith("-closed@") and "+" not in action.duet.marks
    assert not mark_rows.is_behind(scene)
    row = next(row for row in action.duet.mark_rows if row.number == number)
    row.gone = False
    assert bpy.ops.duet.show_marks() == {"FINISHED"}, "hides them"
    assert not len(scene.timeline_markers)


def test_changes_survive_generating_again_copies_and_the_file_but_not_another_recording(scene, head, spoken, tmp_path):
    action = takes.active(head)
    row = closure(action)
    row.seconds = row.seconds + 0.1
    text, due = action.duet.marks, keyed(action)
    finish(regenerate.apply_steps(scene, head, action, spoken))
    action = takes.active(head)
    assert action.duet.marks == text
    np.testing.assert_allclose(keyed(action), due, atol=1e-5)
    moved = [row for row in action.duet.mark_rows if row.origin >= 0 and abs(row.seconds - row.origin) > 0.05]
    assert len(moved) == 1
    assert bpy.ops.duet.duplicate_take() == {"FINISHED"}
    assert takes.active(head).duet.marks == text
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    (head,) = heads.heads_of(bpy.context.scene)
    action = takes.active(head)
    np.testing.assert_allclose(keyed(action), due, atol=1e-5)
    assert action.duet.marks == text and len(action.duet.mark_rows) > 20
    apply(bpy.context.scene, head, spoken, LINE, 11, action.duet)
    assert takes.active(head).duet.marks == text, "the same recording"
    other = tmp_path / "other.wav"
    other.write_bytes(LINE.read_bytes())
    (tmp_path / "other.txt").write_text("bomb", encoding="utf-8")
    apply(bpy.context.scene, head, spoken, other, 11, takes.active(head).duet)
    group = takes.active(head).duet
    assert (group.marks, group.text) == ("", "bomb")
    assert [row.kind for row in group.mark_rows] == ["closed", "open", "closed"]


def test_each_button_is_one_step_of_undo(scene, head):
    scene.frame_set(30)
    undone("add_mark", kind="closed")
    undone("show_marks")
    bpy.context.scene.frame_set(3)
    undone("jump_to_mark")
    undone("reset_marks")
    bpy.ops.ed.undo()
    undone("remove_mark")
    undone("show_marks")
