"""The recording: chosen, dropped, seen, and the range that fits it."""

from types import SimpleNamespace

import bpy
import pytest
from duet.operators import recording
from duet.panels import waveform
from duet.scene.take import takes
from duet.tests.blender_fakes import failure

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_a_recording_is_chosen_relative_to_the_file_and_seen(scene, ready, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene.duet.source, scene.duet.audio = "STRIP", ""
    assert "no file" in failure(lambda: bpy.ops.duet.choose_recording(filepath=str(tmp_path / "none.wav")))
    assert bpy.ops.duet.choose_recording(filepath=str(tmp_path / "line.wav")) == {"FINISHED"}
    assert (scene.duet.source, scene.duet.audio) == ("FILE", "//line.wav")
    chosen = recording.chosen_recording(scene)
    assert recording.WAVEFORMS.of(chosen) is None, "it is read while Blender goes on"
    while recording.WAVEFORMS._turn() is not None:
        pass
    seen = recording.WAVEFORMS.of(chosen)
    assert seen.seconds == pytest.approx(2.0)
    assert seen.peaks.max() == 1
    grey, blue = waveform.picture(seen, 0.5, 2.0)[waveform.COLUMNS // 2, [1, -1]]
    assert grey[2] == grey[0] and blue[2] > blue[0]
    scene.duet.trim_start = 0.5
    assert recording.chosen_recording(scene).begin == 0.5


def test_a_recording_can_be_dropped_into_a_3d_view_alone(scene):
    drop = bpy.types.DUET_FH_recording
    assert drop.bl_import_operator == "duet.choose_recording"
    assert {".wav", ".mp3", ".m4a", ".mov"} <= set(drop.bl_file_extensions.split(";"))
    for kind in ("VIEW_3D", "SEQUENCE_EDITOR"):
        assert drop.poll_drop(SimpleNamespace(area=SimpleNamespace(type=kind))) == (kind == "VIEW_3D")


def test_the_range_fits_what_is_spoken(scene, ready):
    assert "plays no take" in failure(bpy.ops.duet.fit_range)
    scene.render.fps, scene.duet.start_frame = 25, 301
    bpy.ops.duet.generate()
    scene.frame_start, scene.frame_end = 1, 20
    assert bpy.ops.duet.fit_range() == {"FINISHED"}
    assert (scene.frame_start, scene.frame_end) == (301, 350)
    scene.use_preview_range = True
    takes.active(ready).duet.start_frame = 1
    bpy.ops.duet.fit_range()
    assert (scene.frame_preview_start, scene.frame_preview_end, scene.frame_start) == (1, 50, 301)


def test_play_is_heard_on_the_device_of_the_preferences(scene, ready, monkeypatch):
    assert "no device" in failure(bpy.ops.duet.play_recording), "the module has none"
    heard = []

    class Device:
        def __init__(self, kind):
            self.kind = kind

        def play(self, sound):
            heard.append((self.kind, round(len(sound.data()) / sound.specs[0], 2)))
            return SimpleNamespace(status=True, stop=lambda: heard.append("stopped"))

    monkeypatch.setattr(recording.aud, "Device", Device)
    scene.duet.trim_start = 0.5
    assert bpy.ops.duet.play_recording() == {"FINISHED"}
    assert bpy.ops.duet.play_recording() == {"FINISHED"}
    recording.close()
    assert heard == [(bpy.context.preferences.system.audio_device, 1.5), "stopped"]
