"""The buttons of emotions: keyed, timed, presets."""

import bpy
import pytest
from duet.scene.blender import actions
from duet.scene.take import takes

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_emotions_are_keyed_at_the_current_frame(scene, ready):
    bpy.ops.duet.generate()
    scene.frame_set(20)
    ready["Happy"] = 0.1
    assert bpy.ops.duet.key_emotions() == {"FINISHED"}
    scene.frame_set(1)
    assert ready["Happy"] == pytest.approx(0.8)
    scene.frame_set(20)
    assert ready["Happy"] == pytest.approx(0.1)


def test_timed_emotions_get_rows_and_markers(scene, ready):
    scene.render.fps = 24
    bpy.ops.duet.generate()
    group = takes.active(ready).duet
    scene.frame_set(25)
    assert bpy.ops.duet.add_cue() == {"FINISHED"}
    assert (len(group.cues), round(group.cues[0].seconds, 3)) == (1, 1.0)
    group.cues[0].emotion = "neutral"
    scene.frame_set(48)
    assert ready["Happy"] == pytest.approx(0.0)
    for _ in range(2):  # again replaces
        bpy.ops.duet.emotion_markers()
    assert sorted((marker.frame, marker.name) for marker in scene.timeline_markers) == [
        (1, "Duet: happy 0.8"),
        (25, "Duet: neutral"),
    ]
    group.start_frame = 11
    assert sorted(marker.frame for marker in scene.timeline_markers) == [11, 35], "they move with the take"
    group.start_frame = 1
    scene.timeline_markers.new("mine", frame=5)
    bpy.ops.duet.duplicate_take()
    assert [marker.name for marker in scene.timeline_markers] == ["mine"], "those of the take before are gone"
    bpy.ops.duet.remove_take()
    group = takes.active(ready).duet
    assert bpy.ops.duet.remove_cue() == {"FINISHED"}
    scene.frame_set(47)
    assert ready["Happy"] == pytest.approx(0.8)


def test_presets_set_the_sliders_and_key_them_where_auto_keying_is_on(scene, ready):
    assert bpy.ops.duet.emotion_preset(preset="Bittersweet") == {"FINISHED"}
    assert [ready[name] for name in ("Happy", "Sad", "Angry")] == pytest.approx([0.35, 0.55, 0])
    assert ready.animation_data is None
    scene.tool_settings.use_keyframe_insert_auto = True
    bpy.ops.duet.emotion_preset(preset="Smug")
    assert actions.action_of(ready) is not None
