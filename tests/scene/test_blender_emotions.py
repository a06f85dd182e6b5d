"""Emotions on a head in Blender: sliders of the library, what opens the mouth in silence, and files made before."""

import shutil
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.head import library
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS, within_limit
from duet.scene import bake, properties
from duet.scene.blender import actions, drivers, shape_keys, timing
from duet.scene.exports import export_sampling
from duet.scene.exports.export_sampling import Span
from duet.scene.head import emotions, feelings, heads
from duet.scene.take import plain, revise, take_curves, takes
from duet.scene.targets import playback
from duet.tests.blender_fakes import (
    EXPRESSION_NAMES,
    SPEECH_NAMES,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    quiet_take,
    write_wav,
)

pytestmark = pytest.mark.blender
HUNDREDTH_MM = 1e-5  # metres
BEFORE = Path(__file__).parents[1] / "data" / "version_before.blend"
NAMES = ("smirk", "yawn", "smile_broad", "one_brow", *(f"made_up_{number}" for number in range(72)))
SMIRK, YAWN, BROAD, BROW = NAMES[:4]


def fake_library():
    shapes, rng = fake_blendshapes(), np.random.default_rng(11)
    weights = rng.normal(0, 0.6, (len(NAMES), len(EXPRESSION_NAMES))).astype(np.float32)
    opening = rng.random((len(NAMES), len(SPEECH_NAMES)), np.float32)
    opening[0] = 0
    return replace(
        shapes,
        emotions=EMOTIONS + NAMES,
        emotion_weights=np.concatenate([shapes.emotion_weights, weights]),
        emotion_opening=np.concatenate([shapes.emotion_opening, opening]),
    )


HEAD, SHAPES = fake_head(), fake_library()


@pytest.fixture(autouse=True)
def scene(monkeypatch):
    """An empty scene, with that library as the shipped one."""
    monkeypatch.setattr(emotions, "load_blendshapes", lambda: SHAPES)
    monkeypatch.setattr(library, "_shapes", lambda: SHAPES)
    for module in (properties, take_curves):
        monkeypatch.setattr(module, "emotion_names", lambda: SHAPES.emotions)
    shipped = list(properties.EMOTION_ITEMS)
    properties.EMOTION_ITEMS[:] = properties.emotion_items()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    properties.register()
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 24)
    yield scene
    properties.unregister()
    properties.EMOTION_ITEMS[:] = shipped


@pytest.fixture
def head(scene):
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    scene.duet.head = obj
    return obj


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(64000) * 0.1))


def quiet(frames=96, speaks=(30, 50), **felt):
    """A take that is silent but for frames 30 to 50, of the library's weights for the emotions."""
    plain = {name: value for name, value in felt.items() if name in EMOTIONS}
    take = quiet_take(frames, emotions=plain, speaks=speaks)
    count = len(EMOTIONS)
    rows = {"expression_weights": SHAPES.emotion_weights[:count], "emotion_opening": SHAPES.emotion_opening[:count]}
    take = replace(take, **rows)
    for name in felt:
        if name not in EMOTIONS:
            take = _with(take, name)
            take.emotion_curves[:, -1] = felt[name]
    return take


def _with(take, name):
    row = SHAPES.emotions.index(name)
    return replace(
        take,
        emotions=(*take.emotions, name),
        expression_weights=np.vstack([take.expression_weights, SHAPES.emotion_weights[row]]),
        emotion_opening=np.vstack([take.emotion_opening, SHAPES.emotion_opening[row]]),
        emotion_curves=np.hstack([take.emotion_curves, np.zeros((take.frame_count, 1), np.float32)]),
    )


def face(mix, silence=1.0, limit=1.5):
    """The head at rest with sliders at these values."""
    sliders = np.zeros(len(SHAPES.emotions), np.float32)
    for name, value in mix.items():
        sliders[SHAPES.emotions.index(name)] = value
    felt = within_limit(sliders, limit)
    opened = np.tensordot(silence * (felt @ SHAPES.emotion_opening), SHAPES.speech_basis, 1)
    return HEAD.vertices + opened + np.tensordot(felt @ SHAPES.emotion_weights, SHAPES.expression_basis, 1)


def set_sliders(head, **values):
    for name, value in values.items():
        head[library.label(name)] = value
    head.update_tag()
    bpy.context.view_layer.update()


def as_sidebar(scene, **chosen):
    quiet = dict.fromkeys(("blinks", "eyes", "head_motion", "breaths"), False)
    for name, value in {**quiet, **chosen}.items():
        setattr(scene.duet, name, value)
    return scene.duet


# Sliders of the library


def test_an_expression_is_added_moves_the_face_and_goes_without_a_trace(head):
    before = fingerprint()
    emotions.add(head, YAWN)
    assert emotions.on(head) == [*EMOTIONS[1:], YAWN]
    set_sliders(head, **{YAWN: 0.8, "happy": 0.4})
    assert np.abs(evaluated(head) - face({YAWN: 0.8, "happy": 0.4})).max() < HUNDREDTH_MM
    head[library.label(YAWN)] = head["Happy"] = 0.0
    emotions.remove(head, YAWN)
    head.update_tag()
    bpy.context.view_layer.update()
    assert fingerprint() == before


def test_a_mix_with_the_library_keeps_the_limit(head):
    emotions.add(head, SMIRK)
    emotions.add(head, YAWN)
    mix = {SMIRK: 1.0, YAWN: 0.9, "angry": 1.2}
    set_sliders(head, **mix)
    assert np.abs(evaluated(head) - face(mix)).max() < HUNDREDTH_MM
    head["Mix Limit"] = 2.5
    set_sliders(head)
    assert np.abs(evaluated(head) - face(mix, limit=2.5)).max() < HUNDREDTH_MM


def test_the_whole_library_fits_on_one_head(head):
    for name in NAMES:
        emotions.add(head, name)
    key = head.data.shape_keys
    curves = list(key.animation_data.drivers)
    assert all(curve.driver.is_valid for curve in curves)
    assert all(curve.driver.is_simple_expression for curve in curves if curve.driver.type == "SCRIPTED")
    assert max(len(curve.driver.variables) for curve in curves if curve.driver.type == "SCRIPTED") <= 4
    mix = dict.fromkeys(SHAPES.emotions[1:], 0.02) | {"happy": 0.5}
    set_sliders(head, **mix)
    assert np.abs(evaluated(head) - face(mix)).max() < 2 * HUNDREDTH_MM


def test_only_sliders_that_the_head_has_cost_anything(head):
    key = head.data.shape_keys
    count = len(key.key_blocks), len(key.animation_data.drivers)
    emotions.add(head, YAWN)
    assert (len(key.key_blocks), len(key.animation_data.drivers)) == (count[0] + 2, count[1] + 2)
    emotions.add(head, SMIRK)  # which opens no mouth
    assert (len(key.key_blocks), len(key.animation_data.drivers)) == (count[0] + 3, count[1] + 3)


def test_the_buttons_add_and_remove(scene, head):
    from duet import operators

    operators.register()
    try:
        assert bpy.ops.duet.add_expression(expression=SMIRK) == {"FINISHED"}
        assert bpy.ops.duet.key_emotions() == {"FINISHED"}
        paths = {curve.data_path for bag in actions.bags_of(head) for curve in bag.fcurves}
        assert f'["{library.label(SMIRK)}"]' in paths
        assert bpy.ops.duet.remove_expression(expression=SMIRK) == {"FINISHED"}
        assert SMIRK not in emotions.on(head)
        with pytest.raises(RuntimeError, match="no slider"):
            bpy.ops.duet.remove_expression(expression=SMIRK)
    finally:
        operators.unregister()


def test_a_head_of_another_version_says_so_and_stays_as_it_was(head):
    head.data.shape_keys.key_blocks[SPEECH_NAMES[0]].name = "Renamed"
    before = fingerprint()
    with pytest.raises(HeadError, match=r"lacks the blendshapes of .*another version"):
        emotions.add(head, YAWN)
    assert fingerprint() == before


def test_a_key_of_the_animators_is_never_written_over(head):
    own = head.shape_key_add(name=f"Emotion {library.label(YAWN)}", from_mix=False)
    before = fingerprint()
    with pytest.raises(HeadError, match="has a shape key 'Emotion Yawn' of its own"):
        emotions.add(head, YAWN)
    assert fingerprint() == before
    own.name = "My yawn"
    emotions.add(head, YAWN)
    assert "My yawn" in head.data.shape_keys.key_blocks


def test_added_expressions_survive_saving_without_duet(scene, head, tmp_path):
    emotions.add(head, YAWN)
    head[library.label(YAWN)] = 0.7
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    properties.unregister()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    obj = bpy.data.objects["Duet Head"]
    assert np.abs(evaluated(obj, 3) - face({YAWN: 0.7})).max() < HUNDREDTH_MM
    properties.register()
    assert emotions.on(obj)[-1] == YAWN


# The library in takes


def test_a_take_that_feels_one_brings_its_slider(scene, head, voice):
    take = quiet(**{YAWN: 0.6, "sad": 0.3})
    bake.apply_take(scene, head, take, voice, 1)
    assert emotions.on(head) == [*EMOTIONS[1:], YAWN]
    for frame in (1, 20, 40, 60, 90):
        assert np.abs(evaluated(head, frame) - expected_face(HEAD, SHAPES, take, frame - 1)).max() < HUNDREDTH_MM
    assert takes.load(head).take.emotions[-1] == YAWN


def test_the_feeling_and_timed_ones_may_be_of_the_library(scene, head, voice):
    chosen = as_sidebar(scene, emotion=YAWN, intensity=0.5)
    cue = chosen.cues.add()
    cue.seconds, cue.emotion, cue.intensity, cue.ease = 3.0, BROAD, 0.8, 0.25
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), chosen))
    assert emotions.on(head) == [*EMOTIONS[1:], YAWN, BROAD]
    assert np.abs(evaluated(head, 1) - face({YAWN: 0.5})).max() < HUNDREDTH_MM
    assert np.abs(evaluated(head, 90) - face({BROAD: 0.8})).max() < HUNDREDTH_MM
    group = takes.active(head).duet
    group.emotion = BROW  # on the take that plays: its slider comes at once
    assert BROW in emotions.on(head)
    assert np.abs(evaluated(head, 1) - face({BROW: 0.5})).max() < HUNDREDTH_MM
    assert head[library.label(YAWN)] == 0


def test_a_take_brings_its_sliders_to_another_head(scene, head, voice):
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), as_sidebar(scene, emotion=YAWN)))
    other = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    revise.play(scene, other, takes.active(head))
    assert emotions.on(other)[-1] == YAWN
    assert np.abs(evaluated(other, 1) - face({YAWN: 0.7})).max() < HUNDREDTH_MM


def test_a_choice_of_the_command_line_may_be_of_the_library(scene, head, voice):
    cues = (Cue(0.0, {YAWN: 0.4, SMIRK: 0.2}), Cue(2.0, {"sad": 0.5}, 0.2))
    chosen = Performance(style="enunciated", emotions=cues, open_in_silence=0.5)
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), chosen))
    assert np.abs(evaluated(head, 1) - face({YAWN: 0.4, SMIRK: 0.2}, silence=0.5)).max() < HUNDREDTH_MM


# Silence


def test_the_mouth_opens_in_silence_and_never_in_speech(scene, head, voice):
    take = quiet(surprised=1.0, happy=0.4)
    bake.apply_take(scene, head, take, voice, 11)
    silent = head.data.shape_keys.key_blocks["Silent Surprised"]
    for frame in range(96):
        now = evaluated(head, 11 + frame)
        assert np.abs(now - expected_face(HEAD, SHAPES, take, frame)).max() < HUNDREDTH_MM
        assert 29 <= frame <= 50 or silent.value > 0
        assert not 29 <= frame <= 50 or silent.value == 0
    scene.frame_set(11 + 29, subframe=0.5)
    assert silent.value == 0, "nor between two frames"


def test_before_and_after_the_take_the_face_rests_as_it_feels(scene, head, voice):
    take = quiet(96, speaks=(1, 95), surprised=1.0)
    bake.apply_take(scene, head, take, voice, 31)
    for frame in (1, 15, 200):
        assert np.abs(evaluated(head, frame) - face({"surprised": 1.0})).max() < HUNDREDTH_MM
    assert export_sampling.take_span(scene, head) == Span(31, 126)
    performance = playback.performance_of(scene, head)
    assert (performance.frames[0], performance.frames[-1]) == (31, 126)


@pytest.mark.parametrize("setting", [("smoothing", 60.0), ("offset", 120.0), ("offset", -80.0), ("articulation", 1.4)])
def test_it_stays_shut_in_speech_whatever_the_settings(scene, head, voice, setting):
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), as_sidebar(scene, emotion="happy")))
    setattr(takes.active(head).duet, *setting)
    blocks = head.data.shape_keys.key_blocks
    opened = 0
    for frame in range(1, 97):
        scene.frame_set(frame)
        speaks = max(abs(blocks[name].value) for name in SPEECH_NAMES) > 1e-4
        assert not speaks or blocks["Silent Happy"].value == 0
        opened += blocks["Silent Happy"].value > 0.5
    assert opened > 30


def test_the_amount_scales_it_and_0_keeps_the_mouth_shut(scene, head, voice):
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), as_sidebar(scene, emotion="happy")))
    group = takes.active(head).duet
    for amount in (0.4, 0.0, 1.0):
        group.open_in_silence = amount
        assert np.abs(evaluated(head, 5) - face({"happy": 0.7}, silence=amount)).max() < HUNDREDTH_MM


def test_without_a_take_the_amount_acts_at_once(scene, head):
    set_sliders(head, surprised=1.0)
    scene.duet.open_in_silence = 0.25
    bpy.context.view_layer.update()
    assert np.abs(evaluated(head) - face({"surprised": 1.0}, silence=0.25)).max() < HUNDREDTH_MM


def test_a_silent_key_that_is_muted_stays_so(scene, head, voice):
    silent = head.data.shape_keys.key_blocks["Silent Surprised"]
    silent.mute = True
    bake.apply_take(scene, head, quiet(surprised=1.0), voice, 1)
    assert silent.mute
    assert np.abs(evaluated(head, 5) - face({"surprised": 1.0}, silence=0.0)).max() < HUNDREDTH_MM


def test_silence_comes_back_when_the_take_goes(scene, head, voice):
    bake.apply_take(scene, head, quiet(), voice, 1)
    scene.frame_set(40)
    assert head["Silence"] == 0
    revise.clear(scene, head, takes.active(head))
    assert head["Silence"] == 1


def test_silence_edited_by_hand_is_kept_before_it_is_written_anew(scene, head, voice):
    bake.apply_take(scene, head, quiet(), voice, 1)
    action = takes.active(head)
    curve = actions.ensure_bag(action, head).fcurves.find('["Silence"]')
    curve.keyframe_points[0].co.y = 0.3
    action.duet.open_in_silence = 0.5
    kept = bpy.data.actions["Duet line (edited)"]
    assert actions.ensure_bag(kept, head).fcurves.find('["Silence"]').keyframe_points[0].co.y == pytest.approx(0.3)


def test_a_range_again_has_silence_of_its_own(scene, head, voice):
    bake.apply_take(scene, head, quiet(happy=1.0), voice, 1)
    action, new = takes.active(head), quiet(happy=1.0)
    new.speech_weights[70:90] = 0.5
    new = replace(new, silence=np.minimum(new.silence, quiet_take(96, speaks=(70, 90)).silence))
    finish(bake.regenerate_steps(scene, head, action, new, (65, 96), 4))
    silent = head.data.shape_keys.key_blocks["Silent Happy"]
    values = []
    for frame in range(1, 97):
        scene.frame_set(frame)
        values.append(silent.value)
    values = np.array(values)
    assert (values[29:51] == 0).all()
    assert (values[70:90] == 0).all()
    assert values[:20].min() > 0.9


def no_arkit(names, weights):
    yield 1.0
    return np.zeros((len(weights), 52))


def test_plain_keys_and_exports_have_it(scene, head, voice, monkeypatch):
    monkeypatch.setattr(export_sampling, "solve_arkit", no_arkit)
    take = quiet(**{"happy": 0.6, YAWN: 0.5})
    bake.apply_take(scene, head, take, voice, 1)
    due = [evaluated(head, frame).copy() for frame in (1, 40, 70)]
    played = finish(export_sampling.performance_steps(scene, head, Span(1, 96)))
    names = (*played.take.speech_names, *played.take.expression_names)
    assert names == (*SPEECH_NAMES, *EXPRESSION_NAMES)
    np.testing.assert_allclose(played.opening, take.opening_curves, atol=1e-5)
    np.testing.assert_allclose(played.expression, take.expression_curves, atol=1e-5)
    np.testing.assert_allclose(played.take.silence, take.silence, atol=1e-3)
    finish(plain.bake_steps(scene, head, 0.01))
    for frame, before in zip((1, 40, 70), due, strict=True):
        assert np.abs(evaluated(head, frame) - before).max() < 2 * HUNDREDTH_MM
    assert not head.data.shape_keys.animation_data.drivers


def test_another_head_is_given_blendshapes_and_no_emotion_keys(scene, head, voice):
    """A bound head knows only the library's keys that it has itself."""
    take = quiet(**{"happy": 0.6, YAWN: 0.5})
    bake.apply_take(scene, head, take, voice, 1)
    performance = playback.performance_of(scene, head)
    assert set(performance.names) <= {*SPEECH_NAMES, *EXPRESSION_NAMES}
    face = performance.rest + np.tensordot(performance.weights[4], performance.basis, 1)
    assert np.abs(face - expected_face(HEAD, SHAPES, take, 4)).max() < HUNDREDTH_MM


def test_keys_follow_blendshapes_that_were_bound_again(head):
    emotions.add(head, YAWN)
    set_sliders(head, **{YAWN: 1.0})
    blocks = head.data.shape_keys.key_blocks
    rest = HEAD.vertices.ravel()
    for names, basis in ((SPEECH_NAMES, SHAPES.speech_basis), (EXPRESSION_NAMES, SHAPES.expression_basis)):
        for name, delta in zip(names, basis, strict=True):
            blocks[name].points.foreach_set("co", rest + 2 * delta.ravel())
    emotions.shape_again(head)
    due = HEAD.vertices + 2 * (face({YAWN: 1.0}) - HEAD.vertices)
    assert np.abs(evaluated(head, 2) - due).max() < 2 * HUNDREDTH_MM


def test_undo_takes_an_expression_back(head):
    bpy.ops.ed.undo_push(message="before")
    emotions.add(head, YAWN)
    bpy.ops.ed.undo_push(message="added")
    bpy.ops.ed.undo()
    obj = bpy.data.objects["Duet Head"]
    assert YAWN not in emotions.on(obj)
    assert f"Emotion {library.label(YAWN)}" not in obj.data.shape_keys.key_blocks


# A file of the version before


@pytest.fixture
def old(scene, tmp_path):
    """The file opened: two takes of one head, whose sliders drive expression keys; and what it looked like."""
    shutil.copy(BEFORE, tmp_path / "old.blend")
    write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "old.blend"))
    (obj,) = heads.heads_of(bpy.context.scene)
    return obj


def old_face(speech, **felt):
    take = fake_take(emotions=felt)
    take = replace(take, speech_weights=speech * take.speech_weights, expression_weights=SHAPES.emotion_weights[:8])
    return lambda frame: expected_face(HEAD, SHAPES, take, frame - 1)


def test_a_file_of_the_version_before_plays_untouched(old):
    assert not feelings.stored_on(old)
    due = old_face(-1, sad=0.6)
    assert np.abs(evaluated(old, 20) - due(20)).max() < HUNDREDTH_MM
    assert emotions.on(old) == list(EMOTIONS[1:])


def test_takes_of_the_version_before_are_usable(old):
    scene = bpy.context.scene
    take = takes.load(old).take
    assert not take.silence.any()
    revise.play(scene, old, bpy.data.actions["Duet line"])
    due = old_face(1, happy=0.8)
    for frame in (1, 20, 48):
        assert np.abs(evaluated(old, frame) - due(frame)).max() < HUNDREDTH_MM
    takes.active(old).duet.intensity = 0.3
    assert np.abs(evaluated(old, 20) - old_face(1, happy=0.3)(20)).max() < HUNDREDTH_MM
    takes.active(old).duet.articulation = 0.5
    assert np.abs(evaluated(old, 20) - old_face(0.5, happy=0.3)(20)).max() < HUNDREDTH_MM
    assert len(bpy.data.actions) == 2, "nothing counts as edited by hand"
    finish(plain.bake_steps(scene, old, 0.01))
    assert np.abs(evaluated(old, 20) - old_face(0.5, happy=0.3)(20)).max() < 2 * HUNDREDTH_MM


def test_a_take_of_the_version_before_goes_to_plain_keys_as_it_stands(old):
    scene = bpy.context.scene
    due = evaluated(old, 20).copy()
    finish(plain.bake_steps(scene, old, 0.01))
    assert np.abs(evaluated(old, 20) - due).max() < 2 * HUNDREDTH_MM


def test_an_old_take_opens_no_mouth_on_a_new_head(scene, head, voice):
    """Its silence is unknown, and the head's own drivers stay."""
    old = replace(
        fake_take(emotions={"happy": 1.0}),
        expression_weights=SHAPES.emotion_weights[:8],
        emotion_opening=np.zeros_like(fake_take().emotion_opening),
    )
    bake.apply_take(scene, head, old, voice, 1)
    scene.frame_set(5)
    assert head.data.shape_keys.key_blocks["Silent Happy"].value == 0
    assert np.abs(evaluated(head, 5) - expected_face(HEAD, SHAPES, old, 4)).max() < HUNDREDTH_MM


def test_a_library_of_the_version_before_plays_in_a_shot(old, tmp_path):
    """As an override, whose drivers cannot change."""
    library_file = str(tmp_path / "old.blend")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 24)
    with bpy.data.libraries.load(library_file, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    scene.collection.children.link(wanted.collections[0])
    wanted.collections[0].override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    (obj,) = (o for o in heads.heads_of(scene) if o.override_library)
    take = replace(fake_take(emotions={"angry": 0.5}), expression_weights=SHAPES.emotion_weights[:8])
    bake.apply_take(scene, obj, take, write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1)), 1)
    assert np.abs(evaluated(obj, 20) - old_face(1, angry=0.5)(20)).max() < HUNDREDTH_MM
    with pytest.raises(HeadError, match="library"):
        emotions.add(obj, YAWN)


# Correctives


def test_a_corrective_is_one_more_driven_key(head):
    shape_keys.add_shape_keys(head, ["Corrective"], np.full((1, len(HEAD.vertices), 3), 0.01, np.float32))
    key = head.data.shape_keys
    a, b = (shape_keys.value_path(name) for name in ("Emotion Happy", SPEECH_NAMES[0]))
    both = (drivers.Source("a", key, a), drivers.Source("b", key, b))
    drivers.drive(key, drivers.Driven(shape_keys.value_path("Corrective"), "a*b", both))
    key.key_blocks[SPEECH_NAMES[0]].value = 0.5
    set_sliders(head, happy=0.6)
    assert key.key_blocks["Corrective"].value == pytest.approx(0.3)
