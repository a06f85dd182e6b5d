"""One performance, whatever it becomes: `generate` is `bake`, and a target does what the Duet head does."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.head import recompose
from duet.inference.steps import finish
from duet.operators import target_generate
from duet.operators.batch import cli, records, runner
from duet.scene import bake
from duet.scene.blender import actions
from duet.scene.exports import export_files, export_sampling
from duet.scene.head import heads
from duet.scene.take import sound, takes
from duet.tests.batch_fakes import fake_command
from duet.tests.blender_fakes import write_wav
from duet.tests.target_fakes import addon_head, arkit_head, spoken

pytestmark = pytest.mark.blender
FPS = 24.0
ACTED = ["--articulation", "0.7", "--smoothing", "20", "--offset", "50", "--open-in-silence", "0.6"]
ACTED += ["--effort", "1.5", "--marks", "+closed@0.7*1.5 +round@0.9"]
FELT = {
    "steady": ["--emotion", "happy=1.2", "angry=1.2", "--mix-limit", "1.8"],
    "interrupted": ["--emotion-track", "happy=0.6;sad=1@0.313;surprised=1+smirk=0.9@0.5"],
}
"""A recording of a second and a half with pauses in it."""
VOICE = np.concatenate([np.zeros(8000), 0.5 * np.sin(np.arange(12000) / 5), np.zeros(4000)])


@pytest.fixture
def scene(empty_scene):
    empty_scene.render.fps = round(FPS)
    return empty_scene


@pytest.fixture
def fake_worker(monkeypatch):
    """The real worker without an engine: it opens the jaw."""
    monkeypatch.setattr(runner, "worker_command", fake_command)
    monkeypatch.setattr(records, "current_model", lambda: "fake")


@pytest.mark.parametrize("felt", FELT)
def test_generate_is_bake(scene, fake_worker, tmp_path, felt):
    voice = write_wav(tmp_path / "line.wav", VOICE)
    options = [*ACTED, *FELT[felt], "--life", "--seed", "3", "--fps", str(FPS)]
    for command, name in (("generate", "line.npz"), ("bake", "line.blend")):
        assert cli.main([command, str(voice), "-o", str(tmp_path / name), *options]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "line.blend"))
    scene = bpy.context.scene
    (head,) = heads.heads_of(scene)
    steps = export_files.export_steps(scene, head, tmp_path / "baked.npz", export_sampling.take_span(scene, head))
    finish(steps)
    with np.load(tmp_path / "line.npz") as generated, np.load(tmp_path / "baked.npz") as baked:
        assert set(generated) == set(baked)
        assert list(generated["emotions"]) == list(baked["emotions"])
        assert generated["emotion_curves"].sum(axis=1).max() == pytest.approx(
            1.8 if felt == "steady" else 1.5, abs=1e-5
        )
        assert generated["opening_curves"].any()
        for name in ("speech_weights", "emotion_curves", "expression_curves", "silence", "opening_curves", "arkit"):
            np.testing.assert_allclose(generated[name], baked[name], atol=2e-3, err_msg=name)


@pytest.mark.parametrize("make", [arkit_head, addon_head])
def test_generating_on_a_target_is_applying_what_a_duet_head_was_made_to_do(scene, tmp_path, monkeypatch, make):
    """Articulation, smoothing, offset, timed emotions and life included."""

    def take_of(context, request, samples):
        yield None
        return spoken(request.fps)

    monkeypatch.setattr(target_generate, "ask", take_of)
    chosen = scene.duet
    chosen.audio = str(write_wav(tmp_path / "line.wav", VOICE))
    chosen.articulation, chosen.smoothing, chosen.offset, chosen.seed = 0.6, 30, 80, 3
    chosen.emotion, chosen.intensity = "happy", 0.8
    cue = chosen.cues.add()
    cue.seconds, cue.emotion, cue.intensity, cue.ease = 0.1, "sad", 1.0, 0.2
    one, other = make(scene), make(scene)
    scene.duet_target.obj = one
    assert bpy.ops.duet.target_generate() == {"FINISHED"}
    speaking = heads.add_head(*recompose._shapes()[:2], scene.collection, bpy.context.view_layer)
    samples = sound.decode(Path(chosen.audio))
    loudness = target_generate.envelope(samples, target_generate.SAMPLE_RATE)
    recording = bake.Recording(Path(chosen.audio), chosen.start_frame, loudness=loudness)
    finish(bake.apply_steps(scene, speaking, spoken(FPS), recording, chosen))
    assert takes.active(speaking).duet.articulation == pytest.approx(0.6)
    chosen.head, scene.duet_target.obj = speaking, other
    operator = bpy.ops.duet.arkit_apply if make is arkit_head else bpy.ops.duet.flame_apply
    assert operator() == {"FINISHED"}
    found, due = curves_of(one), curves_of(other)
    assert set(found) == set(due)
    assert any(np.ptp(values) > 0.01 for values in found.values())
    for path, values in due.items():
        np.testing.assert_allclose(found[path], values, atol=5e-3, err_msg=str(path))


def curves_of(obj):
    """The values of all that the object's keys and its rig play, by path."""
    rig = heads.rig_of(obj)
    played = [bag for each in (obj.data.shape_keys, *([rig] if rig else [])) for bag in actions.bags_of(each)]
    return {(c.data_path, c.array_index): actions.keys_of(c)[:, 1] for bag in played for c in bag.fcurves}
