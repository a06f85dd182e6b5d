"""What is heard is what is seen, or Duet says so: measured on what Blender's own mixdown lets be heard."""

import wave

import bpy
import numpy as np
import pytest
from duet.inference.errors import AudioError, HeadError
from duet.inference.performance.performance import Performance
from duet.inference.steps import finish
from duet.operators.generate import DUET_OT_generate, recording_of
from duet.scene import bake, files
from duet.scene.blender import compat
from duet.scene.checks import advice
from duet.scene.exports import export_sampling
from duet.scene.head import heads
from duet.scene.take import line_edits, lines, settings, sound, takes
from duet.tests.blender_fakes import (
    apply_take,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    quiet_take,
    write_wav,
)

pytestmark = pytest.mark.blender
FPS, CLICK = 24, 1.0  # the click's second in the file


@pytest.fixture(autouse=True)
def shot(scene):
    scene.render.fps, scene.frame_start, scene.frame_end = FPS, 1, 200


@pytest.fixture
def click(tmp_path):
    samples = np.zeros(64000)
    samples[16000:16200] = 0.9
    return write_wav(tmp_path / "click.wav", samples)


@pytest.fixture
def head(scene):
    return heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)


def loud_frames(scene, folder):
    """The frames, with fractions, at which the scene is loud."""
    bpy.ops.sound.mixdown(filepath=str(folder / "mix.wav"), container="WAV", codec="PCM", format="S16")
    with wave.open(str(folder / "mix.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())[:, 0]
        loud = np.flatnonzero(np.abs(samples.astype(int)) > 3000)
        return scene.frame_start + FPS * loud / file.getframerate()


def heard(scene, folder):
    """The frame at which the click is heard."""
    return loud_frames(scene, folder)[0]


def new_strip(scene, click, channel=1, start=11):
    return scene.sequence_editor_create().strips.new_sound("v", str(click), channel, start)


TRIM = "content_trim_start" if bpy.app.version >= (5, 1, 0) else "animation_offset_start"


def cut(strip, first, end):
    compat.set_strip_range(strip, first, end)


CASES = {
    "plain": lambda strip: None,
    "cut": lambda strip: cut(strip, 20, 80),
    "sound offset": lambda strip: setattr(strip, "sound_offset", 0.5),
    "sound ahead": lambda strip: setattr(strip, "sound_offset", -0.4),
    "trimmed content": lambda strip: setattr(strip, TRIM, 12),
    "trimmed and cut": lambda strip: (setattr(strip, TRIM, 12), cut(strip, 21, 80)),
    "cut and offset": lambda strip: (cut(strip, 20, 90), setattr(strip, "sound_offset", 0.25)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_mouth_is_where_the_strip_is_heard(scene, click, tmp_path, case):
    strip = new_strip(scene, click)
    CASES[case](strip)
    path, begin, end, first = sound.strip_audio(scene, "v", FPS)
    assert path == click
    assert begin >= 0
    assert begin < CLICK < end
    assert first + (CLICK - begin) * FPS == pytest.approx(heard(scene, tmp_path), abs=0.6)


def test_a_strip_in_a_meta_strip_that_is_cut(scene, click, tmp_path):
    new_strip(scene, click)
    meta = scene.sequence_editor.strips.new_meta("Meta", channel=2, frame_start=1)
    scene.sequence_editor.strips["v"].move_to_meta(meta)
    cut(meta, 1, 90)  # an empty meta strip is one frame long, and cannot begin after its end
    cut(meta, 25, 90)
    _, begin, end, first = sound.strip_audio(scene, "v", FPS)
    assert first == 25
    assert first + (CLICK - begin) * FPS == pytest.approx(heard(scene, tmp_path), abs=0.6)
    assert end == pytest.approx(begin + 65 / FPS)
    cut(meta, 25, 160)
    cut(meta, 150, 160)
    with pytest.raises(AudioError, match="Nothing of the strip 'v' is heard"):
        sound.strip_audio(scene, "v", FPS)


def test_a_retimed_strip_is_refused(scene, click):
    strip = new_strip(scene, click)

    class Retimed:
        """The strip with keys of retiming, which a script cannot add in Blender 4.5."""

        retiming_keys = (1, 2)

        def __getattr__(self, name):
            return getattr(strip, name)

    found = sound.sound_strips
    sound.sound_strips = lambda scene: [Retimed()]
    try:
        with pytest.raises(AudioError, match=r"'v' is retimed.*render the sound"):
            sound.strip_audio(scene, "v", FPS)
    finally:
        sound.sound_strips = found


@pytest.mark.parametrize("muted", ["strip", "channel", "meta"])
def test_a_strip_that_is_not_heard_is_said(scene, head, click, muted):
    strip = new_strip(scene, click)
    if muted == "meta":
        meta = scene.sequence_editor.strips.new_meta("Meta", channel=2, frame_start=1)
        strip.move_to_meta(meta)
        cut(meta, 11, 100)
        meta.mute = True
    elif muted == "channel":
        scene.sequence_editor.channels[1].mute = True
    else:
        strip.mute = True
    scene.duet.head, scene.duet.source, scene.duet.strip = head, "STRIP", "v"
    assert DUET_OT_generate.why_not(bpy.context) == ""
    notes = said(scene, head)
    assert "The strip 'v' is muted: it is spoken, but not heard." in notes


def said(scene, head):
    steps = bake.apply_steps(scene, head, fake_take(), recording_of(scene), scene.duet)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_lines_are_heard_where_they_speak_and_nothing_between(scene, head, tmp_path):
    voice = write_wav(tmp_path / "voice.wav", np.full(32000, 0.9))  # 48 frames
    for start in (11, 101):
        finish(bake.apply_steps(scene, head, quiet_take(48), bake.Recording(voice, start), scene.duet, beside=True))
    first, second = lines.on(head)

    def spoken():
        """First and last loud frame of each piece, one after another."""
        loud = loud_frames(scene, tmp_path)
        gaps = np.flatnonzero(np.diff(loud) > 1)
        return [loud[0], *loud[gaps[:, None] + [0, 1]].ravel(), loud[-1]]

    assert spoken() == pytest.approx([11, 59, 101, 149], abs=0.3)
    line_edits.move(scene, second, 71, False)
    line_edits.trim(scene, first, 11, 30, False)
    assert spoken() == pytest.approx([11, 31, 71, 119], abs=0.3)
    line_edits.mute(scene, first, True, False)
    assert spoken() == pytest.approx([71, 119], abs=0.3)


def test_the_sound_goes_to_a_channel_that_is_heard(scene, head, click):
    editor = scene.sequence_editor_create()
    editor.channels[1].mute = True
    editor.channels[2].lock = True
    apply_take(scene, head, fake_take(), click, 1)
    (strip,) = sound.strips_of(scene, head)
    assert strip.channel == 3
    editor.channels[3].mute = True
    apply_take(scene, head, fake_take(), click, 1)
    (strip,) = sound.strips_of(scene, head)
    assert not editor.channels[strip.channel].mute


def test_time_stretching_is_refused(scene, head, click):
    scene.duet.head, scene.duet.audio = head, str(click)
    scene.render.frame_map_new = 200
    before = fingerprint()
    with pytest.raises(HeadError, match=r"Time Stretching \(100 to 200\) slows or hurries faces, but not sound"):
        apply_take(scene, head, fake_take(), click, 1)
    assert fingerprint() == before
    assert "Time Stretching" in DUET_OT_generate.why_not(bpy.context)


def test_what_begins_before_the_scene_is_said(scene, head, click):
    assert apply_take(scene, head, fake_take(), click, 1) == []
    (note,) = apply_take(scene, head, fake_take(), click, -20)
    assert note == "The scene begins at frame 1: what is spoken from -20 on before that does not play."


def test_a_fresh_file_begins_at_0_at_the_earliest_and_says_so(click, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "load_head", fake_head)
    monkeypatch.setattr(files, "load_blendshapes", fake_blendshapes)

    order = settings.Order(Performance(style="enunciated"), -20)
    notes = files.bake_file(click, fake_take(), tmp_path / "a.blend", None, "", order)
    assert any("at frame 0 at the earliest: the take begins there, not at -20" in note for note in notes)
    scene = bpy.context.scene
    (head,) = heads.heads_of(scene)
    assert (scene.frame_start, scene.frame_end) == (0, 47)
    assert export_sampling.take_span(scene, head) == export_sampling.Span(0, 47)


def test_a_take_whose_scene_changes_says_so_in_the_panel(scene, head, click):
    apply_take(scene, head, fake_take(), click, 1)
    action = takes.active(head)
    assert advice.of_take(scene, head, action) == []
    scene.render.fps = 30
    (text,) = advice.of_take(scene, head, action)
    assert text.startswith("The take was written at 24 frames per second and the scene plays 30")
    scene.render.fps, scene.render.frame_map_new = 24, 50
    assert advice.of_take(scene, head, action) == ["Time Stretching is on: the face leaves the sound."]
    scene.render.frame_map_new = 100
    scene.use_audio = False
    (text,) = advice.of_take(scene, head, action)
    assert text.startswith("The scene's audio is muted")
    scene.use_audio = True
    head.show_only_shape_key = True
    (text,) = advice.of_take(scene, head, action)
    assert "is pinned" in text
    head.show_only_shape_key = False
    apply_take(scene, head, fake_take(), click, 1)
    assert advice.of_take(scene, head, takes.active(head)) == []
