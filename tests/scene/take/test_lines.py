"""Lines on one head: what one shows and says is the same whatever the others do, also in a file that is opened anew."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.performance.curves import at_frames
from duet.inference.steps import finish
from duet.scene import bake, choice, properties, regenerate
from duet.scene.blender import actions, compat, shape_keys
from duet.scene.checks import advice
from duet.scene.head import heads, sliders
from duet.scene.take import left_over, life, line_edits, lines, plain, revise, sound, take_curves, takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    evaluated,
    fake_blendshapes,
    fake_head,
    fingerprint,
    quiet_take,
    write_wav,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
LENGTH = 48
STARTS = {"first": 1, "second": 61, "third": 112}


@pytest.fixture
def head(scene):
    obj = heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)
    scene.duet.head = obj
    return obj


@pytest.fixture
def say(scene, head, tmp_path):
    """say(name, start): one more line of two seconds, happy and alive; its speech is unlike that of the others."""

    def make(name, start, frames=LENGTH, beside=True, **chosen):
        for setting, value in {"emotion": "happy", "intensity": 0.8, **chosen}.items():
            setattr(scene.duet, setting, value)
        voice = write_wav(tmp_path / f"{name}.wav", np.sin(np.arange(round(16000 * frames / 24)) * 0.1))
        take = quiet_take(frames, speaks=(6, frames - 6))
        turn = sum(map(ord, name)) % 4 + 1
        take = replace(take, speech_weights=np.roll(take.speech_weights, turn, axis=1))
        recording = bake.Recording(voice, start)
        finish(bake.apply_steps(scene, head, take, recording, choice.performance(scene), beside=beside))
        return bpy.data.actions[f"Duet {name}"]

    return make


@pytest.fixture
def dialogue(say):
    """Three lines, the third of them close behind the second."""
    return {name: say(name, start) for name, start in STARTS.items()}


def shown(head, action):
    """The face in every third frame of a line."""
    line = lines.of(head, action)
    return np.stack([evaluated(head, frame).copy() for frame in range(line.first, line.last + 1, 3)])


def heard(scene, head):
    """{line: (first frame, frame after the last, muted)} of the sounds."""
    found = {line.action.name: sound.strips_of(scene, head, line.id) for line in lines.on(head)}
    return {name: (*compat.strip_range(strip), strip.mute) for name, (strip,) in found.items()}


def far(one, other):
    return float(np.linalg.norm(one - other, axis=-1).max())


def test_a_line_shows_what_its_take_shows_alone(scene, head, say):
    action = say("first", 1)
    beside = shown(head, action)
    bpy.data.actions.remove(say("second", 61))
    with_life = [evaluated(head, frame).copy() for frame in range(1, LENGTH + 1, 3)]
    assert far(beside, np.stack(with_life)) < HUNDREDTH_MM
    due = at_frames(takes.read(action).take.speech_weights, 24, 24)
    for frame in (1, 7, 20, LENGTH):
        scene.frame_set(frame)
        values = [head.data.shape_keys.key_blocks[name].value for name in SPEECH_NAMES]
        assert values == pytest.approx(due[frame - 1], abs=1e-5)
        assert head["Happy"] == pytest.approx(0.8, abs=1e-4)


def test_each_line_keeps_mouth_feeling_life_and_sound_when_others_come(scene, head, say):
    first = say("first", 1)
    before = shown(head, first)
    say("second", 61)
    say("third", 112, emotion="sad")
    assert far(shown(head, first), before) < HUNDREDTH_MM
    assert heard(scene, head) == {f"Duet {n}": (s, s + LENGTH, False) for n, s in STARTS.items()}
    living = {track.strips[0].action["duet_line"] for track in life.tracks_of(head)}
    assert living == {line.id for line in lines.on(head)}
    for frame in (-40, 55, 300):  # at rest around the lines
        scene.frame_set(frame)
        moved = {block.name: block.value for block in head.data.shape_keys.key_blocks[1:] if abs(block.value) > 1e-6}
        assert not {name for name in moved if not name.startswith(("Emotion", "Silent"))}
    assert np.abs(evaluated(head, 30) - evaluated(head, 300)).max() > 100 * HUNDREDTH_MM


def test_moved_trimmed_muted_and_removed_lines_leave_the_others_as_they_are(scene, head, dialogue, tmp_path):
    first, second, third = dialogue.values()
    before = {action.name: shown(head, action) for action in dialogue.values()}
    key = actions.ensure_bag(second, head.data.shape_keys).fcurves.find(shape_keys.value_path(SPEECH_NAMES[0]))
    key.keyframe_points[20].co.y += 0.5  # by hand
    edited = shown(head, second)
    line_edits.move(scene, lines.of(head, second), 200, False)
    assert far(shown(head, second), edited) < HUNDREDTH_MM
    assert [far(shown(head, each), before[each.name]) < HUNDREDTH_MM for each in (first, third)] == [True, True]
    line_edits.trim(scene, lines.of(head, third), 121, 150, False)
    assert lines.of(head, third).first == 121
    assert far(shown(head, third), before[third.name][3:13]) < HUNDREDTH_MM
    line_edits.mute(scene, lines.of(head, third), True, False)
    assert far(evaluated(head, 130), evaluated(head, 400)) < HUNDREDTH_MM
    due = {"Duet first": (1, 49, False), "Duet second": (200, 248, False), "Duet third": (121, 151, True)}
    assert heard(scene, head) == due
    line_edits.mute(scene, lines.of(head, third), False, False)
    line_edits.remove(scene, lines.of(head, first))
    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene, head = bpy.context.scene, bpy.data.objects["Duet Head"]
    assert [line.action.name for line in lines.on(head)] == ["Duet third", "Duet second"]
    assert far(shown(head, bpy.data.actions["Duet third"]), before["Duet third"][3:13]) < HUNDREDTH_MM
    assert far(shown(head, bpy.data.actions["Duet second"]), edited) < HUNDREDTH_MM
    assert "Duet first" in {action.name for action in takes.takes_of(head)}
    frames = [*range(121, 151, 3), *range(200, 248, 3)]
    with_duet = [evaluated(head, frame).copy() for frame in frames]
    properties.unregister()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    without = [evaluated(bpy.data.objects["Duet Head"], frame).copy() for frame in frames]
    properties.register()
    assert far(np.stack(without), np.stack(with_duet)) < HUNDREDTH_MM


def test_lines_do_not_overlap_unless_they_may_fade(scene, head, dialogue):
    second, third = dialogue["second"], dialogue["third"]
    before = shown(head, third)
    scene.frame_set(1)
    state = fingerprint()
    with pytest.raises(HeadError, match="would both speak from frame 112 to 147"):
        line_edits.move(scene, lines.of(head, second), 100, False)
    second.duet.start_frame = 100  # as the sidebar does
    assert second.duet.start_frame == 61
    assert "would both speak" in second.duet.note
    scene.frame_set(1)
    assert fingerprint() == state
    with pytest.raises(HeadError, match="fade into one another only"):
        line_edits.move(scene, lines.of(head, dialogue["first"]), 61, True)
    scene.duet.overlaps = "FADE"
    second.duet.start_frame = 70
    assert second.duet.start_frame == 70
    assert far(shown(head, third)[2:], before[2:]) < HUNDREDTH_MM
    values = []
    for frame in (112, 114, 117):
        scene.frame_set(frame)
        values.append(head["Happy"])
    assert values == pytest.approx([0.8] * 3, abs=1e-4)  # one goes as the other comes


def test_settings_of_a_line_change_that_line_alone(scene, head, dialogue):
    first, second, third = dialogue.values()
    before = {action.name: shown(head, action) for action in dialogue.values()}
    lines.choose(head, second)
    assert choice.performance(scene) == second.duet
    second.duet.articulation, second.duet.emotion, second.duet.seed = 0.5, "angry", 77
    assert [far(shown(head, each), before[each.name]) < HUNDREDTH_MM for each in (first, third)] == [True, True]
    assert far(shown(head, second), before[second.name]) > 100 * HUNDREDTH_MM
    again = replace(takes.read(second).take, speech_weights=0.5 * takes.read(second).take.speech_weights)
    finish(regenerate.apply_steps(scene, head, second, again))
    (second,) = [line.action for line in lines.on(head) if line.action.name == "Duet second"]
    scene.frame_set(80)
    value = head.data.shape_keys.key_blocks[SPEECH_NAMES[1]].value
    assert value == pytest.approx(0.5 * again.speech_weights[19, 1], abs=1e-5)
    assert far(shown(head, first), before[first.name]) < HUNDREDTH_MM


def test_how_far_the_parts_of_the_face_feel_is_each_lines_own(scene, head, dialogue, say):
    """Also of lines that were made before there were such parts, and where none speaks."""
    second = dialogue["second"]
    for action in dialogue.values():
        actions.remove_curves(actions.ensure_bag(action, head), sliders.PART_PATHS.values())
    before = shown(head, second)
    dialogue["first"].duet.upper_face, dialogue["third"].duet.lips = 0.25, 0.5
    say("fourth", 200)
    found = []
    for frame in (20, 80, 130, 185, 20, 80):
        scene.frame_set(frame)
        found.append([round(head[name], 3) for name in sliders.PART_PATHS])
    assert found == [[0.25, 1], [1, 1], [1, 0.5], [1, 1], [0.25, 1], [1, 1]]
    assert far(shown(head, second), before) < HUNDREDTH_MM
    assert not take_curves.is_edited("written_emotion", second, takes.read(second))


def test_a_strip_moved_by_hand_stays_until_its_line_is_moved_here(scene, head, dialogue):
    first, second, _ = dialogue.values()
    for strip in lines.of(head, second).strips:
        span = strip.frame_start, strip.frame_end
        strip.frame_end, strip.frame_start = span[1] + 200, span[0] + 200
        strip.action_frame_start, strip.action_frame_end = span
        strip.frame_end, strip.frame_start = span[1] + 200, span[0] + 200
    assert [line.is_by_hand for line in lines.on(head)] == [False, True, False]
    line_edits.trim(scene, lines.of(head, first), 1, 30, False)
    assert lines.of(head, second).is_by_hand
    line_edits.move(scene, lines.of(head, second), 200, False)
    assert [line.is_by_hand for line in lines.on(head)] == [False, False, False]
    assert heard(scene, head)["Duet second"] == (200, 248, False)


def test_another_take_takes_the_chosen_lines_place(scene, head, dialogue):
    lines.choose(head, dialogue["second"])
    copy = dialogue["second"].copy()
    copy.duet.line, copy.name = "", "Other"
    revise.play(scene, head, copy)
    assert [line.action.name for line in lines.on(head)] == ["Duet first", "Other", "Duet third"]
    assert heard(scene, head)["Other"] == (61, 109, False)
    assert takes.active(head) == copy


def test_a_take_alone_becomes_a_line_and_loses_nothing(scene, head, say):
    scene.duet.emotion, scene.duet.intensity = "happy", 0.8
    action = say("first", 1)
    line_edits.remove(scene, lines.of(head, action))
    revise.play(scene, head, action)
    assert takes.sole(head) == action
    before = [evaluated(head, frame).copy() for frame in range(1, LENGTH + 1, 3)]
    say("second", 61)
    assert takes.sole(head) is None
    assert far(shown(head, action), np.stack(before)) < HUNDREDTH_MM
    assert heard(scene, head) == {"Duet first": (1, 49, False), "Duet second": (61, 109, False)}


def test_a_line_that_cannot_be_made_leaves_the_scene_as_it_was(scene, head, dialogue, say, monkeypatch):
    scene.frame_set(1)
    before = fingerprint()
    with pytest.raises(HeadError, match="would both speak"):
        say("fourth", 20)
    monkeypatch.setattr(bake.life, "add", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        say("fifth", 300)
    scene.frame_set(1)
    assert fingerprint() == before


def test_plain_keys_of_one_line_and_of_all(scene, head, dialogue, tmp_path):
    first, second, third = dialogue.values()
    before = {action.name: shown(head, action) for action in dialogue.values()}
    made = finish(plain.bake_steps(scene, head, 0.001, second))
    names = ["Duet first", "Duet second Plain", "Duet third"]
    assert [line.action.name for line in lines.on(head)] == names
    assert not takes.is_take(made.action)
    assert far(shown(head, made.action), before["Duet second"]) < 2 * HUNDREDTH_MM
    assert [far(shown(head, each), before[each.name]) < HUNDREDTH_MM for each in (first, third)] == [True, True]
    made.action.duet.start_frame = 200  # plain lines are moved as others are
    assert far(shown(head, made.action), before["Duet second"]) < 2 * HUNDREDTH_MM
    assert "1 as plain keys" in lines.playing(head)
    finish(plain.bake_lines_steps(scene, head, 0.001))
    assert not head.data.shape_keys.animation_data.drivers
    for name in ("first", "second", "third"):
        assert far(shown(head, bpy.data.actions[f"Duet {name} Plain"]), before[f"Duet {name}"]) < 2 * HUNDREDTH_MM
    revise.play(scene, head, first)  # sliders and drivers are back
    assert head.data.shape_keys.animation_data.drivers
    assert far(shown(head, first), before["Duet first"]) < 2 * HUNDREDTH_MM
    assert sorted(line.action.name for line in lines.on(head))[0] == "Duet first"


def test_what_a_deleted_action_leaves_behind_is_said_and_removed(scene, head, dialogue):
    before = shown(head, dialogue["third"])
    lines.choose(head, dialogue["second"])
    bpy.data.actions.remove(dialogue["second"])
    assert lines.playing(head).endswith("None is chosen: click one in the list.")
    assert left_over.find(scene, head).sentence == "Left of what plays no more: the sound 'second', life."
    left_over.clear(scene, head)
    assert not left_over.find(scene, head)
    assert heard(scene, head) == {f"Duet {n}": (STARTS[n], STARTS[n] + LENGTH, False) for n in ("first", "third")}
    assert {strip.name for strip in scene.sequence_editor.strips} == {"first", "third"}
    assert {track.strips[0].action["duet_line"] for track in life.tracks_of(head)} == {
        line.id for line in lines.on(head)
    }
    assert all(strip.action for track in head.data.shape_keys.animation_data.nla_tracks for strip in track.strips)
    assert far(shown(head, dialogue["third"]), before) < HUNDREDTH_MM


@pytest.mark.parametrize("is_line", [True, False])
def test_a_face_that_a_deleted_action_leaves_standing_is_said_and_brought_to_rest(scene, head, say, is_line):
    rest = evaluated(head, 1).copy()
    action = say("first", 1, beside=is_line)
    scene.frame_set(20)
    assert not left_over.find(scene, head)
    bpy.data.actions.remove(action)
    assert far(evaluated(head, 200), rest) > HUNDREDTH_MM, "Blender keeps what a value was last"
    said = left_over.find(scene, head).sentence
    assert said == "Left of what plays no more: the sound 'first', life, the pose of the face."
    left_over.clear(scene, head)
    assert not left_over.find(scene, head) and not head.data.shape_keys.animation_data.nla_tracks
    assert not scene.sequence_editor.strips
    for frame in (20, 200):
        assert far(evaluated(head, frame), rest) < HUNDREDTH_MM
    assert (head["Happy"], head["Silence"]) == (0.0, 1.0)


def test_the_sound_of_a_head_that_was_deleted_is_said_at_another(scene, head, say):
    say("first", 1)
    other = heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)
    assert not left_over.find(scene, other)
    scene.collection.objects.unlink(head)  # as Delete does: the field Head still has it
    assert left_over.find(scene, other).sentence == "Left of what plays no more: the sound 'first'."
    left_over.clear(scene, other)
    assert not scene.sequence_editor.strips


def test_a_scene_of_another_rate_leaves_a_line_at_the_frames_of_its_own(scene, head, dialogue):
    other = bpy.data.scenes.new("Titles")
    other.render.fps = 30
    other.collection.objects.link(head)
    bpy.context.window.scene = other
    action = dialogue["third"]
    frames = tuple(action.frame_range)
    action.duet.articulation = 0.5
    action.duet.intensity = 0.4
    action.duet.head_motion = not action.duet.head_motion
    assert (action.duet.fps, action.duet.length) == (24, LENGTH)
    assert tuple(action.frame_range) == frames
    (said,) = [each for each in advice.of_face(other, head, action) if "frames per second" in each]
    assert "The scene 'Scene' plays the take at 24 frames per second and this one 30" in said
    action.duet.start_frame = 202
    assert heard(scene, head)["Duet third"] == (202, 202 + LENGTH, False), "the sound is in the other scene"
    bpy.context.window.scene = scene
    assert not any("frames per second" in each for each in advice.of_face(scene, head, action))
    bpy.data.scenes.remove(other)
    scene.render.fps = 30
    action.duet.articulation = 0.6
    assert action.duet.fps == 30, "where no other scene plays it, it follows"
