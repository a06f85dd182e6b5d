"""ARKit heads: what the Duet head plays, on the keys of other heads."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.panels import targets as panels
from duet.scene.blender import actions, shape_keys
from duet.scene.head import emotions
from duet.scene.targets import arkit_heads
from duet.tests.blender_fakes import applied, playback_of
from duet.tests.target_fakes import (
    APART,
    HEAD,
    SHAPES,
    SHUT,
    Layout,
    arkit_head,
    distances,
    parted,
    smaller,
    vertices_of,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_an_arkit_head_follows(scene, speaking):
    target = arkit_head(scene, lambda name: f"!ex-{name}")
    done = applied(arkit_heads, scene, speaking, target)
    assert done.on_mesh
    assert done.missing == ()
    assert done.residual.mean < APART
    for frame in (11, 16, 22):
        assert distances(speaking, target, frame).mean() < APART
        assert np.abs(parted(vertices_of(target, frame)) - parted(vertices_of(speaking, frame))).max() < SHUT
    values = [block.value for block in target.data.shape_keys.key_blocks]
    assert min(values) >= 0
    assert max(values) <= 1


def test_missing_shapes_are_made_up_for(scene, speaking):
    without = ("mouthSmileLeft", "mouthSmileRight", "mouthFunnel")
    target = arkit_head(scene, without=without)
    done = applied(arkit_heads, scene, speaking, target)
    assert done.missing == tuple(name for name in HEAD.arkit_names if name in without)
    still = np.linalg.norm(vertices_of(speaking, 16) - HEAD.vertices, axis=1)
    assert distances(speaking, target, 16).mean() < 0.5 * 1000 * still[still > 1e-4].mean()


def test_an_unbound_head_is_solved_on_the_duet_head(scene, speaking):
    keep = np.arange(0, len(HEAD.vertices), 2)
    target = arkit_head(scene, str.lower, keep=keep)
    done = applied(arkit_heads, scene, speaking, target)
    assert not done.on_mesh
    assert done.residual.mean < APART
    off = 1000 * np.linalg.norm(vertices_of(target, 16) - vertices_of(speaking, 16)[keep], axis=1)
    assert off.mean() < APART


def test_a_bound_head_is_solved_on_its_own_mesh_and_its_other_keys_are_muted(scene, speaking):
    keep = np.arange(0, len(HEAD.vertices), 2)
    target = smaller(scene, keep)
    shape_keys.add_shape_keys(target, HEAD.arkit_names, 2 * HEAD.arkit[:, keep])  # twice as strong as Duet's
    done = applied(arkit_heads, scene, speaking, target)
    assert done.on_mesh
    off = 1000 * np.linalg.norm(vertices_of(target, 16) - vertices_of(speaking, 16)[keep], axis=1)
    assert off.mean() < 0.27  # of all vertices
    for frame in (11, 16):
        found, due = parted(vertices_of(target, frame), keep), parted(vertices_of(speaking, frame)[keep], keep)
        assert len(found) > 5
        assert np.abs(found - due).max() < 1.5 * SHUT  # its pairs are found, and few
    assert target.data.shape_keys.key_blocks[SHAPES.speech_names[0]].mute


def test_a_bound_head_can_turn_its_own_take_into_its_own_arkit_shapes(scene, speaking):
    keys = speaking.data.shape_keys.key_blocks
    due = vertices_of(speaking, 16)
    shape_keys.add_shape_keys(speaking, [f"A{n:02}_{name}" for n, name in enumerate(HEAD.arkit_names)], HEAD.arkit)
    done = applied(arkit_heads, scene, speaking, speaking)
    assert done.on_mesh
    off = 1000 * np.linalg.norm(vertices_of(speaking, 16) - due, axis=1)
    assert off[np.linalg.norm(due - HEAD.vertices, axis=1) > 1e-4].mean() < APART
    assert keys[SHAPES.speech_names[0]].mute
    assert keys["A17_jawOpen"].value > 0.05
    with pytest.raises(HeadError, match="Nothing moves"), emotions.undriven(speaking):
        actions.ensure_bag(actions.action_of(speaking.data.shape_keys), speaking.data.shape_keys).fcurves.clear()
        for block in keys:
            block.value = 0
        playback_of(scene, speaking)


def test_vowels_alone_make_a_mesh_speak_as_far_as_they_go(scene, speaking):
    """MMD's morphs: a mix of ARKit's shapes each, found by its name; the residual says how far that is."""
    names = ("あ", "い", "う", "え", "お", "まばたき", "にやり", "真面目", "Physics")
    mesh = bpy.data.meshes.new("Miku")
    mesh.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [])
    target = bpy.data.objects.new("Miku", mesh)
    scene.collection.objects.link(target)
    shape_keys.add_shape_keys(target, names, np.ones((len(names), 3, 3), np.float32))
    done = applied(arkit_heads, scene, speaking, target)
    assert not done.on_mesh
    assert APART < done.residual.mean < 3
    assert "jawOpen" not in done.missing
    assert "cheekPuff" in done.missing
    keys, bag = target.data.shape_keys.key_blocks, actions.bags_of(target.data.shape_keys)[0]
    assert len(bag.fcurves) == len(names) - 2  # not of what is no face, nor of え, which あ and い make together
    opened = []
    for frame in range(11, 23):
        scene.frame_set(frame)
        opened.append(keys["あ"].value)
        assert keys["にやり"].value > 0.2, "Happy"
    assert np.argmax(opened) in (5, 6)
    assert max(opened) > 0.5


def test_other_meshes_of_the_character_follow(scene, speaking):
    parent = bpy.data.objects.new("Armature", None)
    scene.collection.objects.link(parent)
    teeth = HEAD.regions["lower_teeth"]
    target, lower = arkit_head(scene), arkit_head(scene, name="Teeth", keep=teeth)
    target.parent = lower.parent = parent
    applied(arkit_heads, scene, speaking, target)
    off = vertices_of(lower, 16) - vertices_of(target, 16)[teeth]
    assert np.abs(off).max() < 1e-6


def test_matches_are_corrected_by_hand_and_kept(scene, tmp_path):
    target = arkit_head(scene, lambda name: "Mund auf" if name == "jawOpen" else name)
    scene.duet_target.obj = target
    assert "jawOpen" not in arkit_heads.matches_of(target)
    assert bpy.ops.duet.arkit_match(shape="jawOpen", how="KEY", key="Mund auf") == {"FINISHED"}
    assert bpy.ops.duet.arkit_match(shape="mouthLeft", how="NONE") == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    matches = arkit_heads.matches_of(bpy.data.objects["Avatar"])
    assert matches["jawOpen"] == ("Mund auf",)
    assert "mouthLeft" not in matches
    assert bpy.ops.duet.arkit_match(shape="mouthLeft", how="NAME") == {"FINISHED"}
    assert arkit_heads.matches_of(bpy.data.objects["Avatar"])["mouthLeft"] == ("mouthLeft",)
    with pytest.raises(RuntimeError, match="no shape key 'x'"):
        bpy.ops.duet.arkit_match(shape="mouthLeft", how="KEY", key="x")


def test_the_operator_says_how_near_it_is(scene, speaking):
    scene.duet_target.obj = arkit_head(scene)
    assert bpy.ops.duet.arkit_apply() == {"FINISHED"}
    assert actions.made_by_duet(actions.action_of(scene.duet_target.obj.data.shape_keys))
    layout = Layout()
    panels.DUET_PT_targets.draw(SimpleNamespace(layout=layout), bpy.context)
    assert "Residual:" in layout.drawn
    assert [text for text in layout.drawn if text.startswith("mean 0.") and text.endswith(" mm")]


def test_too_few_shapes_are_refused(scene, speaking):
    target = arkit_head(scene, without=HEAD.arkit_names[8:])
    with pytest.raises(HeadError, match=r"'Avatar' has 8 of ARKit's 52 shapes"):
        applied(arkit_heads, scene, speaking, target)


def test_an_action_of_the_animators_is_kept(scene, speaking):
    target = arkit_head(scene)
    key = target.data.shape_keys
    own = bpy.data.actions.new("By hand")
    actions.assign(key, own)
    actions.write_curve(actions.ensure_bag(own, key), shape_keys.value_path("tongueOut"), np.array([1, 30]), np.ones(2))
    done = applied(arkit_heads, scene, speaking, target)
    assert any("By hand" in note for note in done.notes)
    assert "By hand" in bpy.data.actions
