"""A cast: heads that speak a table's lines and listen to each other, in one file."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import AudioError, HeadError
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import INTENSITY, Cue
from duet.inference.steps import finish
from duet.operators.batch.cast_table import alive, read_cast
from duet.scene import cast, files
from duet.scene.blender import actions, compat
from duet.scene.take import life, line_edits, lines, listening, sound
from duet.tests.blender_fakes import evaluated, fake_blendshapes, fake_head, fingerprint, quiet_take, write_wav

pytestmark = pytest.mark.blender
BLENDSHAPES = fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres
FRAMES = 120
STARTS = [1, 141, 281, 421]


@pytest.fixture(autouse=True)
def small_heads(scene, monkeypatch):
    monkeypatch.setattr(cast, "load_head", fake_head)
    monkeypatch.setattr(cast, "load_blendshapes", lambda: BLENDSHAPES)


@pytest.fixture
def parts(tmp_path):
    """Ada and Bea in turn, five seconds each, all of life on."""
    take, happy = quiet_take(FRAMES, speaks=(10, 100)), alive(Performance(emotions=(Cue(0.0, {"happy": 0.7}),)))
    return [
        cast.Part(
            row=f"scene.csv, row {number + 2}",
            head=("Ada", "Bea")[number % 2],
            audio=write_wav(tmp_path / f"line {number}.wav", np.sin(np.arange(80_000) * 0.1)),
            take=take,
            performance=happy,
            start=start,
        )
        for number, start in enumerate(STARTS)
    ]


def act(scene, parts):
    return finish(cast.cast_steps(scene, parts))


def blinks(obj):
    """The frames at which the lids begin to close, in lines and while it listens."""
    found = []
    for track in life.tracks_of(obj):
        for bag in actions.bags_in(track.strips[0].action, track.strips[0].action_slot):
            curve = bag.fcurves.find('key_blocks["eyeBlinkLeft"].value')
            found += list(actions.keys_of(curve)[::4, 0]) if curve else []
    return np.array(sorted(found))


def test_a_table_becomes_heads_that_speak_in_turn_and_listen(scene, parts, tmp_path):
    output = tmp_path / "shot.blend"
    files.bake_cast(parts, output, 0, name="sc010")
    bpy.ops.wm.open_mainfile(filepath=str(output))
    scene = bpy.context.scene
    ada, bea = bpy.data.objects["Ada"], bpy.data.objects["Bea"]
    assert (scene.name, scene.frame_end) == ("sc010", STARTS[-1] + FRAMES - 1)
    assert [(line.first, line.last) for line in lines.on(bea)] == [(s, s + FRAMES - 1) for s in STARTS[1::2]]
    strips = sorted(sound.sound_strips(scene), key=lambda strip: compat.strip_range(strip))
    assert [compat.strip_range(strip) for strip in strips] == [(start, start + FRAMES) for start in STARTS]
    assert [Path(bpy.path.abspath(strip.sound.filepath)).name for strip in strips] == [p.audio.name for p in parts]
    turned = [np.array(obj.matrix_world.to_3x3()) @ (0, -1, 0) for obj in (ada, bea)]
    way = np.array(bea.matrix_world.translation - ada.matrix_world.translation)
    assert turned[0] @ way > 0 > turned[1] @ way  # they face each other

    mine, others = blinks(ada), blinks(bea)
    assert min(len(mine), len(others)) > 4
    assert (np.abs(mine[:, None] - others).min(axis=1) > 1).mean() > 0.7  # of a frame: they are not in step
    assert len({line.action.duet.seed for obj in (ada, bea) for line in lines.on(obj)}) == 4
    scene.frame_set(STARTS[1] + 60)  # Bea speaks, to the left of Ada's own nose
    assert ada.parent.pose.bones["neck"].rotation_quaternion.to_euler().y > np.radians(5)


def test_who_listens_is_as_without_it_in_its_own_lines(scene, parts):
    act(scene, parts)
    ada = bpy.data.objects["Ada"]
    frames = [frame for start in STARTS[::2] for frame in range(start, start + FRAMES, 13)]
    with_it = [evaluated(ada, frame).copy() for frame in frames]
    listens = evaluated(ada, STARTS[1] + 60).copy()
    tracks = life.tracks_of(ada, listening.LISTENING)
    assert tracks
    scene.duet.listening = False
    assert life.tracks_of(ada, listening.LISTENING) == []
    assert np.abs(np.stack(with_it) - [evaluated(ada, frame) for frame in frames]).max() < HUNDREDTH_MM
    assert np.abs(evaluated(ada, STARTS[1] + 60) - listens).max() > 10 * HUNDREDTH_MM


def test_a_moved_line_takes_the_listening_along_and_no_other_line(scene, parts):
    act(scene, parts)
    ada, bea = bpy.data.objects["Ada"], bpy.data.objects["Bea"]
    frames = range(STARTS[0], STARTS[0] + FRAMES, 13)
    before = [evaluated(ada, frame).copy() for frame in frames]
    gaze = [evaluated(ada, 190).copy(), evaluated(ada, 800).copy()]
    line_edits.move(scene, lines.on(bea)[0], 700, False)
    assert np.abs(np.stack(before) - [evaluated(ada, frame) for frame in frames]).max() < HUNDREDTH_MM
    assert np.abs(evaluated(ada, 800) - gaze[1]).max() > 10 * HUNDREDTH_MM  # she looks there now


def test_the_same_rows_again_replace_their_lines(scene, parts):
    act(scene, parts)
    made = act(scene, parts[:2])
    assert len(made.added) == 0
    assert [line.first for name in ("Ada", "Bea") for line in lines.on(bpy.data.objects[name])] == [1, 281, 141, 421]
    assert len(sound.sound_strips(scene)) == 4


def test_a_feeling_chosen_for_a_neutral_line_is_felt(scene, parts):
    act(scene, [replace(parts[0], performance=alive(Performance(emotions=(Cue(0.0, {}),))))])
    ada = bpy.data.objects["Ada"]
    (line,) = lines.on(ada)
    line.action.duet.emotion = "happy"
    scene.frame_set(60)
    assert ada["Happy"] == pytest.approx(INTENSITY.default)


def test_a_cast_that_fails_or_is_cancelled_leaves_no_trace(scene, parts):
    before = fingerprint()
    with pytest.raises(HeadError, match="would both speak"):
        act(scene, [*parts, parts[0].__class__(**{**vars(parts[1]), "head": "Ada", "row": "x", "start": 20})])
    assert fingerprint()["objects"] == before["objects"]
    assert not bpy.data.actions
    assert not sound.sound_strips(scene)
    steps = cast.cast_steps(scene, parts)
    while len(bpy.data.actions) < 3:
        next(steps)
    steps.close()
    assert not bpy.data.objects
    assert not bpy.data.actions


def test_lines_without_a_start_follow_and_a_bad_one_is_left_out(scene, parts):
    loose = [part.__class__(**{**vars(part), "start": None}) for part in parts]
    loose[1] = loose[1].__class__(**{**vars(loose[1]), "audio": Path("/nowhere.wav")})
    made = finish(cast.cast_steps(scene, loose, strict=False))
    (error,) = made.failed
    assert isinstance(error, AudioError)
    assert error.message.startswith("scene.csv, row 3: ")
    pause = FRAMES + round(0.4 * 24)
    assert sorted(line.first for line in made.made) == [1, 1 + pause, 1 + 2 * pause]


def test_a_table_of_a_cast(tmp_path):
    table = tmp_path / "scene.csv"
    table.write_text(
        "scene;head;audio;start;emotion;place;seed\nsc1;Ada;a.wav;12;happy=0.5;1 2 0 45;\nsc1;;b.wav;;;;\n"
        "sc2;Bea;b.wav;;;here;\nsc2;Bea;b.wav;;;;7\n"
    )
    rows, failed = read_cast(table, alive(Performance(blinks=0.5)))
    assert [(row.scene, row.head, row.audio.name, row.start) for row in rows] == [
        ("sc1", "Ada", "a.wav", 12),
        ("sc2", "Bea", "b.wav", None),
    ]
    assert rows[0].place == (1, 2, 0, 45)
    assert (rows[0].performance.blinks, rows[0].performance.eyes, rows[1].performance.seed) == (0.5, 1.0, 7)
    assert [error.message.partition(": ")[0] for _, error in failed] == [f"'{table}', row 3", f"'{table}', row 4"]
