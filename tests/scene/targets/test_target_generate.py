"""Generate on Target, and what the panel says of the target."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.operators import export_head, target_generate
from duet.panels import targets as panels
from duet.scene import choice
from duet.scene.head import heads
from duet.scene.targets import makes
from duet.tests.blender_fakes import playback_of, write_wav
from duet.tests.target_fakes import APART, HEAD, SHAPES, Layout, addon_head, arkit_head, spoken, vertices_of

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_a_head_without_a_take_is_refused(scene):
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    with pytest.raises(HeadError, match="plays no take"):
        playback_of(scene, obj)


def test_generating_on_a_target_needs_no_duet_head(scene, tmp_path, monkeypatch):
    """With a worker's take in the worker's place."""
    made = []

    def take_of(context, request, samples):
        made.append((request, len(samples)))
        yield None
        return spoken(fps=request.fps)

    monkeypatch.setattr(target_generate, "ask", take_of)
    target, weights = arkit_head(scene), spoken().face_weights[6]
    due = SHAPES.faces(HEAD.vertices, weights[None])[0] - HEAD.vertices
    assert not bpy.ops.duet.target_generate.poll()
    scene.duet_target.obj, scene.duet.start_frame = target, 5
    scene.duet.emotion, scene.duet.intensity = "happy", 0.8
    scene.duet.blinks = scene.duet.eyes = scene.duet.head_motion = scene.duet.breaths = False
    scene.duet.audio = str(write_wav(tmp_path / "line.wav", np.sin(np.arange(8000) * 0.1)))
    for head in (target, addon_head(scene)):
        scene.duet.head = head  # whatever is the target
        assert export_head.exported(bpy.context) == head
        assert choice.target_head(scene) is None, "it has no takes"
        assert not bpy.ops.duet.generate.poll()
        assert bpy.ops.duet.target_generate() == {"FINISHED"}
        assert makes.spoken_frames(makes.playing(head)) == (5, 16)
        off = vertices_of(head, 11) - HEAD.vertices - due
        assert np.median(np.linalg.norm(off, axis=1)[np.linalg.norm(due, axis=1) > 1e-3]) < 1e-3 * APART
    assert made[0][0].fps == 24
    assert len(scene.sequence_editor.strips) == 2


@pytest.mark.parametrize("kind", ["none", "flame", "arkit"])
def test_the_panel_says_what_the_target_is(scene, kind):
    makers = {"none": lambda scene: None, "flame": addon_head, "arkit": arkit_head}
    scene.duet_target.obj = makers[kind](scene)
    layout = Layout()
    for panel in panels.CLASSES:
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            panel.draw(SimpleNamespace(layout=layout), bpy.context)
    said = {"none": "", "flame": "A FLAME head", "arkit": "52 of 52 ARKit shapes"}[kind]
    assert said in layout.drawn
    assert ("jawOpen" in layout.drawn) == (kind != "none")
