"""A head that an earlier version made, in a file that it saved: it plays, its takes stay of use, and binding renews it.

data/head_before.blend holds the head of MakeHuman's mesh (5,528 vertices, the first 8 speech and 8 expression
blendshapes, all of ARKit's, in steps of half a millimetre) and two takes of 1.5 s, 'Duet line A' happy at 1.0.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from duet.tests.places import DATA

bpy = pytest.importorskip("bpy")

import duet  # noqa: E402
from duet.inference.bound import Binding  # noqa: E402
from duet.inference.errors import HeadError  # noqa: E402
from duet.inference.head.blendshapes import load_blendshapes  # noqa: E402
from duet.inference.head.canonical import ARKIT_NAMES  # noqa: E402
from duet.inference.steps import finish  # noqa: E402
from duet.operators import bind_head, generate  # noqa: E402
from duet.scene import binding  # noqa: E402
from duet.scene.blender import shape_keys  # noqa: E402
from duet.scene.exports import export_files, export_sampling  # noqa: E402
from duet.scene.head import heads  # noqa: E402
from duet.scene.take import plain, revise, takes  # noqa: E402
from duet.tests.blender_fakes import (  # noqa: E402
    apply_take,
    evaluated,
    write_wav,
)

pytestmark = pytest.mark.blender

FILE = DATA / "head_before.blend"
SHAPES = load_blendshapes()


@pytest.fixture
def scene():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    bpy.ops.wm.open_mainfile(filepath=str(FILE), load_ui=False)
    yield bpy.context.scene
    duet.unregister()


@pytest.fixture
def head(scene):
    found = heads.heads_of(scene)[0]
    scene.duet.head = found
    return found


def take_of(head, name):
    return next(action for action in takes.takes_of(head) if action.name == name)


def due_face(head, stored, frame, felt):
    """(V, 3) what the stored weights make of the head's own keys at a frame of the scene."""
    take = stored.take
    happy = felt * take.expression_weights[take.emotions.index("happy")]
    weights = np.concatenate([take.speech_weights[frame - stored.start], happy])
    names = (*take.speech_names, *take.expression_names)
    return shape_keys.rest_of(head) + np.tensordot(weights, shape_keys.deltas_of(head, names), 1)


def feel(head, value):
    """Set the slider Happy by hand."""
    head["Happy"] = value
    head.update_tag()


def new_take(frames=6):
    """A take of this version: its first speech key and, by 'happy', its expressions."""
    rng = np.random.default_rng(0)
    old = takes.read(bpy.data.actions["Duet line B"]).take
    return replace(
        old,
        speech_weights=rng.random((frames, len(SHAPES.speech_names)), np.float32),
        expression_weights=SHAPES.emotion_weights[: len(old.emotions)],
        emotion_opening=SHAPES.emotion_opening[: len(old.emotions)],
        silence=np.zeros(frames, np.float32),
        emotion_curves=np.zeros((frames, len(old.emotions)), np.float32),
        arkit=old.arkit[:frames],
        speech_names=SHAPES.speech_names,
        expression_names=SHAPES.expression_names,
    )


def bound_again(scene, head):
    """The head with shapes of this version, each 1 mm of another vertex, as binding gives them."""
    names = (*SHAPES.speech_names, *SHAPES.expression_names, *ARKIT_NAMES)
    moving = np.arange(len(names), dtype=np.int32)
    deltas = np.zeros((len(names), len(moving), 3), np.float32)
    deltas[moving, moving, 2] = 0.001
    marks = np.zeros((68, 3), np.float32)
    found = Binding(names, moving, deltas, marks, marks, 0.1, 1.0, ())
    assert binding.require_bindable(head) == head
    finish(binding.preview_steps(head, found))
    finish(binding.apply_steps(head, SHAPES))
    return names


def test_it_is_recognised_and_plays(scene, head):
    assert heads.is_earlier(head)
    assert heads.require_head(head) == head
    assert len(head.data.vertices) == 5528
    for name, felt in (("Duet line A", 1.0), ("Duet line B", 0.0)):
        revise.play(scene, head, take_of(head, name))
        stored = takes.load(head)
        for frame in (3, 9, 14):
            np.testing.assert_allclose(evaluated(head, frame), due_face(head, stored, frame, felt), atol=1e-5)


def test_its_takes_are_changed_without_the_engine(scene, head):
    action = take_of(head, "Duet line B")
    revise.play(scene, head, action)
    stored = takes.load(head)
    action.duet.articulation = 0.5
    half = due_face(head, stored, 9, 0.0) - shape_keys.rest_of(head)
    np.testing.assert_allclose(evaluated(head, 9) - shape_keys.rest_of(head), half / 2, atol=1e-5)
    action.duet.articulation = 1.0
    feel(head, 1.0)
    np.testing.assert_allclose(evaluated(head, 9), due_face(head, stored, 9, 1.0), atol=1e-5)
    before = evaluated(head, 9)
    made = finish(plain.bake_steps(scene, head, 0.0))
    assert made.keys
    np.testing.assert_allclose(evaluated(head, 9), before, atol=2e-5)


@pytest.mark.parametrize("suffix", [".json", ".npz", ".csv", ".glb"])
def test_it_is_exported(scene, head, tmp_path, suffix):
    revise.play(scene, head, take_of(head, "Duet line A"))
    path = tmp_path / f"line{suffix}"
    finish(export_files.export_steps(scene, head, path, export_sampling.take_span(scene, head)))
    assert path.stat().st_size > 1000
    if suffix == ".json":
        frames = json.loads(path.read_text())
        assert "jawOpen" in str(frames)


def test_its_arkit_coefficients_are_solved_on_its_own_keys(scene, head):
    revise.play(scene, head, take_of(head, "Duet line A"))
    span = export_sampling.take_span(scene, head)
    take = finish(export_sampling.played_steps(scene, head, span)).take
    shapes = shape_keys.deltas_of(head, ARKIT_NAMES)
    for row, frame in ((3, span.start + 3), (12, span.start + 12)):
        moved = evaluated(head, frame) - shape_keys.rest_of(head)
        off = np.linalg.norm(moved - np.tensordot(take.arkit[row], shapes, 1), axis=1)
        assert off.mean() < 0.25 * np.linalg.norm(moved, axis=1).mean()


def test_generate_says_what_to_do_and_offers_to_bind(scene, head, tmp_path):
    scene.duet.audio = str(write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1)))
    message = r"'Duet Head' was made by another version of Duet\. Its takes still work\. .*Bind Head.* add a new head"
    with pytest.raises(HeadError, match=message):
        heads.require_current(head)
    assert "another version of Duet" in generate.DUET_OT_generate.why_not(bpy.context)
    with pytest.raises(RuntimeError, match="another version"):
        bpy.ops.duet.generate()
    with pytest.raises(HeadError, match="another version"):
        apply_take(scene, head, new_take(), tmp_path / "line.wav", 1)
    assert bind_head.can_rebind(bpy.context)
    bound_again(scene, head)
    assert not bind_head.can_rebind(bpy.context)
    assert generate.DUET_OT_generate.why_not(bpy.context) == ""


def test_a_head_of_this_version_is_not_an_earlier_one(scene):
    from duet.inference.head.canonical import load_head

    made = heads.add_head(load_head(), SHAPES, scene.collection, bpy.context.view_layer)
    assert not heads.is_earlier(made)
    heads.require_current(made)
    with pytest.raises(HeadError, match="is the Duet head itself"):
        binding.require_bindable(made)


def test_once_bound_earlier_takes_play_as_before_and_new_ones_by_their_own_shapes(scene, head, tmp_path):
    voice = write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))
    looks = {}
    for name in ("Duet line A", "Duet line B"):
        revise.play(scene, head, take_of(head, name))
        looks[name] = evaluated(head, 9)
    revise.play(scene, head, take_of(head, "Duet line A"))
    names = bound_again(scene, head)
    assert not heads.is_earlier(head)
    np.testing.assert_allclose(evaluated(head, 9), looks["Duet line A"], atol=1e-5, err_msg="the take that plays")

    take = new_take()
    apply_take(scene, head, take, voice, 1)
    speech = np.zeros((5528, 3))
    speech[: len(SHAPES.speech_names), 2] = 0.001 * take.speech_weights[3]
    np.testing.assert_allclose(evaluated(head, 4) - shape_keys.rest_of(head), speech, atol=1e-6)
    feel(head, 1.0)
    happy = take.expression_weights[take.emotions.index("happy")]
    speech[len(SHAPES.speech_names) : len(names) - 52, 2] = 0.001 * happy
    np.testing.assert_allclose(evaluated(head, 4) - shape_keys.rest_of(head), speech, atol=1e-6)
    feel(head, 0.0)

    for name, look in looks.items():
        revise.play(scene, head, take_of(head, name))
        np.testing.assert_allclose(evaluated(head, 9), look, atol=1e-5, err_msg=name)
    revise.play(scene, head, take_of(head, "Duet line"))
    assert np.abs(evaluated(head, 4) - shape_keys.rest_of(head)).max() < 0.0011, "only the new shapes move"


def test_it_is_bound_again_after_that_as_any_bound_head(scene, head):
    bound_again(scene, head)
    count = len(head.data.shape_keys.key_blocks)
    bound_again(scene, head)
    assert len(head.data.shape_keys.key_blocks) == count
