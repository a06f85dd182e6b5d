"""Times, shape keys, F-curves, drivers and sliders in Blender, against known answers."""

import bpy
import numpy as np
import pytest
from duet.inference import curves
from duet.scene import actions, compat, drivers, shape_keys, sliders, timing
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.blender


@pytest.fixture(autouse=True)
def empty_file():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


@pytest.fixture
def triangle():
    mesh = bpy.data.meshes.new("Triangle")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    obj = bpy.data.objects.new("Triangle", mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


@pytest.mark.parametrize(
    ("fps", "whole", "frame_of_ten_seconds"),
    [
        (24000 / 1001, 24, 239.76),
        (24, 24, 240),
        (25, 25, 250),
        (30000 / 1001, 30, 299.70),
        (30, 30, 300),
        (60, 60, 600),
        (120, 120, 1200),
    ],
)
def test_seconds_become_frames_at_the_usual_rates(fps, whole, frame_of_ten_seconds):
    scene = bpy.context.scene
    timing.set_scene_fps(scene, fps)
    assert scene.render.fps == whole
    assert timing.scene_fps(scene) == pytest.approx(fps, rel=1e-6)
    frame = timing.seconds_to_frame(10, timing.scene_fps(scene), start=101)
    assert frame == pytest.approx(101 + frame_of_ten_seconds, abs=0.01)


def test_fps_base_divides():
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    assert timing.scene_fps(scene) == pytest.approx(29.97, abs=1e-3)


def test_resampling_at_the_same_rate_changes_nothing():
    curves = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    assert timing.resample(curves, 29.97, 30 / 1.001) is curves


@given(st.sampled_from([23.976, 24, 25, 29.97, 30, 48, 60, 120]), st.sampled_from([23.976, 24, 25, 29.97, 30, 60, 120]))
def test_resampling_keeps_a_ramp_over_time(take_fps, fps):
    seconds = np.arange(int(3 * take_fps)) / take_fps
    result = timing.resample(seconds[:, None].astype(np.float32), take_fps, fps)[:, 0]
    assert np.allclose(result, np.arange(len(result)) / fps, atol=2e-4)  # the value at a frame is its time
    assert seconds[-1] - 1 / fps - 1e-3 < result[-1] <= seconds[-1] + 1e-3


def test_a_take_of_one_frame_is_one_frame():
    assert timing.resample(np.ones((1, 2), np.float32), 30, 24).shape == (1, 2)


def test_shape_keys_hold_their_deltas(triangle):
    deltas = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    shape_keys.add_shape_keys(triangle, ["A", "B"], deltas)
    blocks = triangle.data.shape_keys.key_blocks
    assert [block.name for block in blocks] == ["Basis", "A", "B"]
    assert tuple(blocks["B"].data[1].co) == (1 + 12, 13, 14)
    assert all(block.value == 0 for block in blocks[1:])


def test_sliders_hold_what_would_be_clamped(triangle):
    shape_keys.add_shape_keys(triangle, ["A"], np.zeros((1, 3, 3), np.float32))
    key = triangle.data.shape_keys
    shape_keys.widen_sliders(key, ["A"], np.array([-3.21]), np.array([4.56]))
    for value in (-3.21, 4.56):
        key.key_blocks["A"].value = value
        assert key.key_blocks["A"].value == pytest.approx(value)
    assert shape_keys.exceeds_sliders(np.array([10.1], np.float32))
    assert not shape_keys.exceeds_sliders(np.array([-10], np.float32))


def test_curves_are_written_and_replaced_in_bulk(triangle):
    action = actions.new_action("Test")
    actions.assign(triangle, action)
    bag = compat.channelbag(action, triangle.animation_data.action_slot)
    actions.write_curve(bag, "location", np.arange(5) + 10, np.arange(5) * 2.0)
    actions.write_curve(bag, "location", np.arange(3) + 10, np.array([1.0, 3.0, 2.0]))
    assert len(bag.fcurves) == 1
    assert [tuple(point.co) for point in bag.fcurves[0].keyframe_points] == [(10, 1), (11, 3), (12, 2)]
    assert {point.interpolation for point in bag.fcurves[0].keyframe_points} == {"LINEAR"}
    assert bag.fcurves[0].evaluate(10.5) == pytest.approx(2)
    bpy.context.scene.frame_set(11)
    assert triangle.location.x == pytest.approx(3)


def test_key_and_object_share_an_action_in_slots_of_their_own(triangle):
    shape_keys.add_shape_keys(triangle, ["A"], np.zeros((1, 3, 3), np.float32))
    key, action = triangle.data.shape_keys, actions.new_action("Test")
    actions.assign(key, action)
    actions.assign(triangle, action)
    assert {slot.target_id_type for slot in action.slots} == {"KEY", "OBJECT"}
    bag = compat.channelbag(action, key.animation_data.action_slot)
    actions.write_curve(bag, shape_keys.value_path("A"), np.array([1, 11]), np.array([0.0, 1.0]))
    bpy.context.scene.frame_set(6)
    assert key.key_blocks["A"].value == pytest.approx(0.5)


def test_few_keys_hold_a_curve():
    line = np.linspace(0, 1, 200)
    assert list(curves.needed_keys(line, 1e-3)) == [0, 199]
    fade = np.concatenate([np.zeros(50), np.linspace(0, 1, 21), np.ones(60)])
    assert list(curves.needed_keys(fade, 1e-6)) == [0, 50, 70, 130]
    assert list(curves.needed_keys(np.array([0.5]), 1e-3)) == [0]


@given(st.lists(st.floats(0, 1.5), min_size=2, max_size=80))
def test_needed_keys_stay_within_tolerance(values):
    values = np.array(values)
    at = curves.needed_keys(values, 0.01)
    assert np.abs(np.interp(np.arange(len(values)), at, values[at]) - values).max() <= 0.01 + 1e-12


def test_expressions_are_sums_of_products():
    assert drivers.expression([("a", 0.5), ("c", -0.12)], "abc") == "(0.5*a-0.12*c)*z/max(z,a+b+c)"
    assert drivers.expression([("b", -2.0)], "b") == "(-2*b)*z/max(z,b)"
    with pytest.raises(ValueError, match="too long"):
        drivers.expression([("a", -9.87654)] * 26, "a")


def test_sliders_drive_keys_without_python(triangle):
    names, emotions = ["A", "B", "C"], ["happy", "sad"]
    shape_keys.add_shape_keys(triangle, names, np.zeros((3, 3, 3), np.float32))
    weights = np.array([[0.5, -0.25, 0], [0.125, 1, 0]], np.float32)
    key = triangle.data.shape_keys
    shape_keys.widen_sliders(key, names, np.full(3, -2), np.full(3, 2))
    sliders.add_sliders(triangle, emotions)
    for _ in range(2):  # driving again replaces
        drivers.drive_expressions(triangle, names, emotions, weights)
    curves = key.animation_data.drivers
    assert len(curves) == 2
    assert all(curve.driver.is_simple_expression and curve.driver.is_valid for curve in curves)
    triangle["Happy"], triangle["Sad"] = 1.0, 0.5
    triangle.update_tag()
    bpy.context.view_layer.update()
    assert [key.key_blocks[name].value for name in names] == pytest.approx([0.5625, 0.25, 0])


def test_sliders_have_ranges_and_tooltips_and_keep_their_value(triangle):
    sliders.add_sliders(triangle, ["happy"])
    triangle["Happy"] = 0.7
    sliders.add_sliders(triangle, ["happy", "sad"])
    assert triangle["Happy"] == pytest.approx(0.7)
    data = triangle.id_properties_ui("Happy").as_dict()
    assert (data["min"], data["soft_max"], data["max"]) == (0, 1, 1.5)
    assert "happy" in data["description"]


def test_steady_emotions_get_two_keys_and_absent_ones_none(triangle):
    actions.assign(triangle, actions.new_action("Test"))
    emotions = ["happy", "sad", "angry"]
    sliders.add_sliders(triangle, emotions)
    curves = np.zeros((40, 3), np.float32)
    curves[:, 0] = 0.8
    curves[:, 2] = np.clip(np.arange(40) / 10, 0, 1)
    bag = compat.channelbag(triangle.animation_data.action, triangle.animation_data.action_slot)
    sliders.write_curves(bag, emotions, curves, 101)
    frames = {c.data_path: [point.co.x for point in c.keyframe_points] for c in bag.fcurves}
    assert frames == {'["Happy"]': [101, 140], '["Angry"]': [101, 111, 140]}
