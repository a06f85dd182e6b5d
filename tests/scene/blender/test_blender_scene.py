"""Times, shape keys, F-curves, drivers and sliders in Blender, against known answers."""

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.performance import curves
from duet.inference.performance.curves import at_frames
from duet.scene.blender import actions, compat, drivers, shape_keys, timing
from duet.scene.head import sliders
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
    assert at_frames(curves, 29.97, 30 / 1.001) is curves


@given(st.sampled_from([23.976, 24, 25, 29.97, 30, 48, 60, 120]), st.sampled_from([23.976, 24, 25, 29.97, 30, 60, 120]))
def test_resampling_keeps_a_ramp_over_time(take_fps, fps):
    seconds = np.arange(int(3 * take_fps)) / take_fps
    result = at_frames(seconds[:, None].astype(np.float32), take_fps, fps)[:, 0]
    assert np.allclose(result, np.arange(len(result)) / fps, atol=2e-4)  # the value at a frame is its time
    assert seconds[-1] - 1 / fps - 1e-3 < result[-1] <= seconds[-1] + 1e-3


def test_a_take_of_one_frame_is_one_frame():
    assert at_frames(np.ones((1, 2), np.float32), 30, 24).shape == (1, 2)


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


def test_a_key_follows_sliders_sums_and_other_keys_without_python(triangle):
    """An emotion, and a corrective of two keys: both are Driven."""
    shape_keys.add_shape_keys(triangle, ["A", "B", "Both"], np.zeros((3, 3, 3), np.float32))
    key = triangle.data.shape_keys
    sliders.add_sliders(triangle, ["happy", "sad"])
    key["sum"] = 0.0
    path = {name: shape_keys.value_path(name) for name in ("A", "B", "Both")}
    slider = {name: drivers.Source(letter, triangle, f'["{name}"]') for letter, name in (("x", "Happy"), ("y", "Sad"))}
    every = [
        drivers.Driven('["sum"]', "", tuple(slider.values())),
        drivers.Driven(path["A"], "x/max(1,t)", (slider["Happy"], drivers.Source("t", key, '["sum"]'))),
        drivers.Driven(path["Both"], "a*b", (drivers.Source("a", key, path["A"]), drivers.Source("b", key, path["B"]))),
    ]
    for _ in range(2):  # driving again changes nothing
        for driven in every:
            drivers.drive(key, driven)
            assert drivers.is_driven(key, driven)
    curves = key.animation_data.drivers
    assert len(curves) == 3
    assert all(curve.driver.is_valid for curve in curves)
    assert all(curve.driver.is_simple_expression for curve in curves if curve.driver.type == "SCRIPTED")
    triangle["Happy"], triangle["Sad"] = 1.0, 0.6
    actions.assign(key, actions.new_action("Test"))
    bag = compat.channelbag(key.animation_data.action, key.animation_data.action_slot)
    actions.write_curve(bag, path["B"], np.array([1, 11]), np.array([0.0, 1.0]))
    for frame, b in ((6, 0.5), (11, 1.0), (1, 0.0)):
        bpy.context.scene.frame_set(frame)
        assert key.key_blocks["A"].value == pytest.approx(0.625)
        assert key.key_blocks["Both"].value == pytest.approx(0.625 * b), "of the same frame, not of the one before"
    drivers.undrive(key, ["A", "Both"])
    assert [curve.data_path for curve in key.animation_data.drivers] == ['["sum"]']


def test_sliders_have_ranges_and_tooltips_and_keep_their_value(triangle):
    sliders.add_sliders(triangle, ["happy"])
    triangle["Happy"] = 0.7
    sliders.add_sliders(triangle, ["happy", "sad"])
    assert triangle["Happy"] == pytest.approx(0.7)
    data = triangle.id_properties_ui("Happy").as_dict()
    assert (data["min"], data["soft_max"], data["max"]) == (0, 1, 1.5)
    assert "Happy" in data["description"]


def test_a_property_that_is_no_number_is_not_taken_for_a_slider(triangle):
    triangle["Smirk"] = "mine"
    with pytest.raises(HeadError, match="'Smirk' that is no Float"):
        sliders.add_sliders(triangle, ["smirk"])
    assert triangle["Smirk"] == "mine"


@given(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=1, max_size=60))
def test_silence_is_exactly_0_where_it_is_0(values):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    obj = bpy.data.objects.new("Empty", None)
    actions.assign(obj, actions.new_action("Test"))
    bag = compat.channelbag(obj.animation_data.action, obj.animation_data.action_slot)
    values = np.array(values, np.float32)
    sliders.write_silence(bag, values, 5)
    (curve,) = bag.fcurves
    read = np.array([curve.evaluate(5 + frame) for frame in range(len(values))])
    assert (read[values == 0] == 0).all()
    assert np.abs(read - values).max() < 1e-3


def test_steady_emotions_get_two_keys_and_absent_ones_none(triangle):
    actions.assign(triangle, actions.new_action("Test"))
    emotions = ["happy", "sad", "angry"]
    sliders.add_sliders(triangle, emotions)
    keys = np.array([0.0, 10.0]), np.array([[0.8, 0.0, 0.0], [0.8, 0.0, 1.0]], np.float32)
    bag = compat.channelbag(triangle.animation_data.action, triangle.animation_data.action_slot)
    sliders.write_keys(bag, emotions, keys, 101, 39)
    frames = {c.data_path: [point.co.x for point in c.keyframe_points] for c in bag.fcurves}
    assert frames == {'["Happy"]': [101, 140], '["Angry"]': [101, 111, 140]}
