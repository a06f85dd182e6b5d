"""A file of the version before: it plays untouched, and its takes are usable."""

import shutil
from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS
from duet.scene.blender import timing
from duet.scene.head import emotions, feelings, heads
from duet.scene.take import plain, revise, takes
from duet.tests.blender_fakes import (
    apply_take,
    evaluated,
    expected_face,
    fake_take,
    write_wav,
)
from duet.tests.library_fakes import HEAD, SHAPES, YAWN
from duet.tests.places import DATA

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HUNDREDTH_MM = 1e-5  # metres
BEFORE = DATA / "version_before.blend"


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
    apply_take(scene, head, old, voice, 1)
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
    apply_take(scene, obj, take, write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1)), 1)
    assert np.abs(evaluated(obj, 20) - old_face(1, angry=0.5)(20)).max() < HUNDREDTH_MM
    with pytest.raises(HeadError, match="library"):
        emotions.add(obj, YAWN)
