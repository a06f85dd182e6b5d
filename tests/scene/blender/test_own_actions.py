"""The animator's own action under a take: what played before plays the same afterwards, or nothing changes."""

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.scene.blender import actions, compat, layers, shape_keys
from duet.scene.head import heads
from duet.scene.take import line_edits
from duet.tests.blender_fakes import apply_take, fake_blendshapes, fake_head, fake_take, fingerprint, write_wav

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
PATH = shape_keys.value_path("mouthSmileLeft")
SMILE, BROW = "mouthSmileLeft", "browInnerUp"


@pytest.fixture
def head(scene):
    return heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)


@pytest.fixture
def speak(scene, head, tmp_path):
    voice = write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))
    return lambda: apply_take(scene, head, fake_take(), voice, 1)


def own(head, frames, values, name=SMILE):
    """An action of the animator's on the head's keys: (animation data, curve)."""
    key = head.data.shape_keys
    action = bpy.data.actions.new("By hand")
    actions.assign(key, action)
    bag = compat.channelbag(action, key.animation_data.action_slot)
    path = shape_keys.value_path(name)
    actions.write_curve(bag, path, np.array(frames, float), np.array(values, float))
    return key.animation_data, bag.fcurves.find(path)


def pushed(head, frames, values, name=SMILE):
    """The same, moved to an NLA track."""
    animation, _ = own(head, frames, values, name)
    return layers.push(head.data.shape_keys, animation.action, animation.action_slot)


def values(head, frames, read=lambda head: head.data.shape_keys.key_blocks[SMILE].value):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(int(np.floor(frame)), subframe=frame - np.floor(frame))
        found.append(read(head))
    return found


def plain(head):
    own(head, (10.5, 30.25), (0, 1))


def before_zero(head):
    own(head, (-10.5, 9.5), (0, 1))


def straight_on(head):
    own(head, (1, 11), (0, 0.1))[1].extrapolation = "LINEAR"


def cycles(head):
    own(head, (1, 5, 9), (0, 1, 0))[1].modifiers.new("CYCLES")


def noise(head):
    own(head, (1, 50), (0.5, 0.5))[1].modifiers.new("NOISE").strength = 0.8


def manual_range(head):
    action = own(head, (1, 5, 9), (0, 1, 0))[0].action
    action.use_frame_range, action.frame_start, action.frame_end = True, 3, 7


def added_over_a_track(head):
    pushed(head, (1, 20), (0.3, 0.3))
    own(head, (1, 20), (0.1, 0.4))[0].action_blend_type = "ADD"


def half_over_a_track(head):
    pushed(head, (1, 20), (0.2, 0.2))
    own(head, (1, 20), (0.8, 1.0))[0].action_influence = 0.25


def ends_over_a_track(head):
    pushed(head, (1, 40), (0.2, 0.6))
    own(head, (10, 20), (0.8, 1.0))[0].action_extrapolation = "NOTHING"


def nla_off(head):
    pushed(head, (1, 40), (0.9, 0.9), BROW)
    own(head, (1, 20), (0, 1))[0].use_nla = False


def one_key(head):
    own(head, (17.5,), (0.6,))


def shared_by_object_and_keys(head):
    """As the I key does it: since 4.4 an object and its shape keys share one action, each in its slot."""
    for frame, x in ((1, 0.0), (20, 2.0)):
        head.location.x = x
        head.keyframe_insert("location", frame=frame)
    for frame, value in ((100, 0.0), (120, 1.0)):
        head.data.shape_keys.key_blocks[SMILE].value = value
        head.data.shape_keys.key_blocks[SMILE].keyframe_insert("value", frame=frame)
    assert head.animation_data.action == head.data.shape_keys.animation_data.action


FRAMES = (-30.5, -10.5, 0, 1, 3.25, 5, 9, 10.5, 13, 17.5, 20.75, 30.25, 45, 100, 110, 121, 500)
MAKERS = [plain, before_zero, straight_on, cycles, noise, manual_range, added_over_a_track, half_over_a_track]
MAKERS += [ends_over_a_track, nla_off, one_key, shared_by_object_and_keys]


@pytest.mark.parametrize("make", MAKERS)
def test_it_plays_on_to_the_frame(head, speak, make):
    make(head)
    before = values(head, FRAMES)
    notes = speak()
    assert any("plays on from the NLA track" in note for note in notes)
    assert values(head, FRAMES) == pytest.approx(before, abs=2e-3)
    assert head.data.shape_keys.animation_data.action.name == "Duet line"


def test_turns_and_places_of_the_object_play_on(head, speak):
    head.rotation_mode = "QUATERNION"
    for frame, turn in ((40.0, (1, 0, 0, 0)), (60.0, (0.8, 0.6, 0, 0))):
        head.rotation_quaternion, head.location.z = turn, frame
        head.keyframe_insert("rotation_quaternion", frame=frame)
        head.keyframe_insert("location", frame=frame + 30)
    read = lambda head: (*head.rotation_quaternion, *head.location)  # noqa: E731
    before = values(head, (1, 40, 47, 60, 75, 90, 200), read)
    speak()
    np.testing.assert_allclose(values(head, (1, 40, 47, 60, 75, 90, 200), read), before, atol=1e-4)


def test_what_a_switched_off_nla_kept_still_stays_still(head, speak):
    nla_off(head)
    before = values(head, FRAMES, lambda head: head.data.shape_keys.key_blocks[BROW].value)
    notes = speak()
    assert values(head, FRAMES, lambda head: head.data.shape_keys.key_blocks[BROW].value) == before
    assert any("was switched off" in note for note in notes)


def test_after_tweaking_its_strip_it_still_plays_at_its_frames(head, speak):
    shared_by_object_and_keys(head)
    before = values(head, FRAMES)
    speak()
    animation = head.data.shape_keys.animation_data
    animation.nla_tracks.active, animation.nla_tracks[0].strips[0].select = animation.nla_tracks[0], True
    animation.use_tweak_mode = True
    animation.use_tweak_mode = False
    assert values(head, FRAMES) == pytest.approx(before, abs=2e-3)


def moved_by_a_frame(monkeypatch):
    push = layers.push

    def late(*args, **kwargs):
        track = push(*args, **kwargs)
        track.strips[0].frame_start += 1.0
        return track

    monkeypatch.setattr(layers, "push", late)


def test_where_it_would_not_play_on_nothing_changes(head, speak, monkeypatch):
    """The check looks at what evaluates, so it also finds what nobody has thought of: here, a wrong strip."""
    plain(head)
    moved_by_a_frame(monkeypatch)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"'By hand' would not play on the same.*mouthSmileLeft.*at frame.*Set Aside"):
        speak()
    assert fingerprint() == before
    assert not [scene for scene in bpy.data.scenes if scene.name.startswith("Duet")]


def test_set_aside_leaves_the_speech_alone(scene, head, speak, tmp_path):
    own(head, (1, 20), (0.7, 0.7))
    scene.frame_set(10)
    scene.duet.existing = "KEEP"
    voice = write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))
    apply_take(scene, head, fake_take(), voice, 1, layer=False)
    assert values(head, (1, 10, 20)) == [0, 0, 0]
    assert bpy.data.actions["By hand"].use_fake_user


def test_a_take_pushed_to_the_nla_stays_at_its_frames(scene, head, speak):
    """Its sliders are keyed elsewhere than its speech: each strip begins at the frames of its own slot."""
    speak()
    head["Happy"] = 1.0
    head.keyframe_insert('["Happy"]', frame=100)
    read = lambda head: [head.data.shape_keys.key_blocks[1].value, head["Happy"]]  # noqa: E731
    before = values(head, (5, 30, 48), read)
    line_edits.keep(scene, head)
    np.testing.assert_allclose(np.array(values(head, (5, 30, 48), read))[:, 0], np.array(before)[:, 0], atol=1e-5)
    assert values(head, (100,), read)[0][1] == pytest.approx(1.0)
