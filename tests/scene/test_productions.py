"""Takes at the frame rates and on the heads that productions have: instances, overrides, other keys."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.performance.curves import at_frames
from duet.scene.blender import timing
from duet.scene.head import heads
from duet.scene.take import takes
from duet.tests.blender_fakes import (
    apply_take,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    speech,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
RATES = [24000 / 1001, 24, 25, 30000 / 1001, 30, 60, 120]


@pytest.mark.parametrize("fps", RATES)
def test_ten_minutes_end_on_the_right_frame(scene, head, voice, fps):
    timing.set_scene_fps(scene, fps)
    frames = int(np.ceil(600 * fps))
    take = fake_take(frames=frames, fps=fps)
    take.speech_weights[:] = 0
    take.speech_weights[-1] = 1
    apply_take(scene, head, take, voice, 101)
    assert speech(head, 101 + frames - 1) == pytest.approx(np.ones(5), abs=1e-4)
    assert speech(head, 101 + frames - 2) == pytest.approx(np.zeros(5), abs=1e-4)
    assert scene.frame_end == 100 + frames


@pytest.mark.parametrize(("take_fps", "fps"), [(30, 24000 / 1001), (24000 / 1001, 60), (25, 120), (60, 30000 / 1001)])
def test_a_moment_near_the_end_keeps_its_time_at_another_rate(take_fps, fps):
    seconds = np.arange(int(600 * take_fps)) / take_fps
    curve = at_frames(seconds[:, None], take_fps, fps)[:, 0]
    assert np.abs(curve - np.arange(len(curve)) / fps).max() < 0.1 / fps


# Heads as productions have them


def test_modifiers_and_other_shape_keys_stay(scene, head, speak):
    head.modifiers.new("Smooth", "SUBSURF")
    own = head.shape_key_add(name="Scar", from_mix=False)
    own.value = 0.5
    speak()
    assert own.value == pytest.approx(0.5)
    assert [modifier.type for modifier in head.modifiers] == ["ARMATURE", "SUBSURF"]
    assert speech(head, 18) == pytest.approx(fake_take().speech_weights[17], abs=1e-5)


def test_an_instance_of_a_collection_says_what_to_do(scene, head, voice):
    collection = bpy.data.collections.new("Cast")
    collection.objects.link(head)
    empty = bpy.data.objects.new("Ada", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    scene.collection.objects.link(empty)
    with pytest.raises(HeadError, match=r"'Ada' shows the collection 'Cast'.*Make Instances Real"):
        apply_take(scene, empty, fake_take(), voice, 1)


def test_an_overridden_head_speaks_and_keeps_it_when_saved(scene, head, voice, tmp_path):
    library, shot = str(tmp_path / "cast.blend"), str(tmp_path / "shot.blend")
    cast = bpy.data.collections.new("Cast")
    scene.collection.children.link(cast)
    for obj in (head, head.parent):
        cast.objects.link(obj)
        scene.collection.objects.unlink(obj)
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    linked = wanted.collections[0]
    scene.collection.children.link(linked)
    linked.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    (head,) = (obj for obj in heads.heads_of(scene) if obj.override_library)
    assert head.data.shape_keys.override_library or not head.data.shape_keys.library
    with pytest.raises(HeadError, match="another version of Duet"):
        apply_take(scene, head, fake_take(), voice, 1)
    take = replace(fake_take(emotions={"sad": 0.5}), expression_weights=BLENDSHAPES.emotion_weights)
    apply_take(scene, head, take, voice, 1)
    due = evaluated(head, 20).copy()
    assert np.abs(due - expected_face(HEAD, BLENDSHAPES, take, 19)).max() < HUNDREDTH_MM
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    (head,) = (obj for obj in heads.heads_of(bpy.context.scene) if obj.override_library)
    assert np.abs(evaluated(head, 20) - due).max() < HUNDREDTH_MM
    assert np.abs(due - evaluated(head, 30)).max() > 1e-3
    assert len(takes.takes_of(head)) == 1
