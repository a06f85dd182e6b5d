"""Whose a shape key is: recorded where Duet makes it, so that own keys are used and never written over."""

import bpy
import numpy as np
import pytest
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.scene import binding
from duet.scene.blender import shape_keys
from duet.scene.head import heads, ownership
from duet.scene.targets import arkit_heads
from duet.tests.blender_fakes import applied, apply_take, evaluated, fake_blendshapes, fake_head, write_wav
from duet.tests.target_fakes import spoken

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES = load_head(), load_blendshapes()
FACE_CAP = {name: name.replace("Left", "_L").replace("Right", "_R") for name in ARKIT_NAMES}
FACE_CAP |= {name: name for name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")}


def own_head(scene, names, rows=slice(None), scale=1.0):
    mesh = bpy.data.meshes.new("Mine")
    mesh.from_pydata(HEAD.vertices.tolist(), [], [polygon.tolist() for polygon in HEAD.polygons])
    obj = bpy.data.objects.new("Mine", mesh)
    scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, names, scale * HEAD.arkit[rows])
    return obj


def bound(obj, deltas=None):
    """What Apply Binding leaves, without the search: the true shapes, on a mesh that is the Duet head's."""
    shapes = {**dict(zip(SHAPES.speech_names, SHAPES.speech_basis, strict=True))}
    shapes |= dict(zip(SHAPES.expression_names, SHAPES.expression_basis, strict=True))
    shapes |= dict(zip(HEAD.arkit_names, HEAD.arkit, strict=True))
    preview = obj.copy()
    preview.data = obj.data.copy()
    preview.shape_key_clear()
    preview.data.vertices.foreach_set("co", HEAD.vertices.ravel())
    preview["duet_preview_of"], preview.parent = obj.name, obj
    bpy.context.scene.collection.objects.link(preview)
    factor = 1.0 if deltas is None else deltas
    shape_keys.add_shape_keys(preview, list(shapes), factor * np.stack(list(shapes.values())))
    for _ in binding.apply_steps(obj, SHAPES):
        pass
    return obj


def reach(obj, name):
    block, rest = obj.data.shape_keys.key_blocks[name], obj.data.shape_keys.reference_key
    points = [np.empty(3 * len(obj.data.vertices), np.float32) for _ in range(2)]
    block.points.foreach_get("co", points[0])
    rest.points.foreach_get("co", points[1])
    return float(np.abs(points[0] - points[1]).max())


def test_all_of_a_bound_heads_own_shapes_are_recognised(scene):
    obj = bound(own_head(scene, list(FACE_CAP.values())))
    matches = arkit_heads.matches_of(obj)
    assert {name: keys[0] for name, keys in matches.items()} == FACE_CAP
    made = ownership.made(obj.data.shape_keys)
    assert made.isdisjoint(FACE_CAP.values())
    assert set(SHAPES.speech_names) <= made


def test_binding_again_never_writes_over_the_animators_keys(scene):
    obj = bound(own_head(scene, list(FACE_CAP.values()), scale=2.0))
    own, made = reach(obj, "jawOpen"), reach(obj, SHAPES.speech_names[0])
    bound(obj, deltas=0.5)
    assert reach(obj, "jawOpen") == pytest.approx(own)
    assert reach(obj, SHAPES.speech_names[0]) == pytest.approx(0.5 * made, rel=1e-3)
    assert reach(obj, "eyeBlinkLeft") == pytest.approx(0.5 * reach(obj, "eyeBlink_L") / 2, rel=1e-3)  # binding's own


def test_a_head_that_was_bound_before_this_was_recorded(scene):
    obj = bound(own_head(scene, list(FACE_CAP.values())))
    names = (*SHAPES.speech_names, *SHAPES.expression_names)
    numbered = [f"{name.split()[0]} {number:02}" for number, name in enumerate(names)]  # as all of them were then
    for name, old in zip(names, numbered, strict=True):
        obj.data.shape_keys.key_blocks[name].name = old
    ownership.record(obj.data.shape_keys, numbered)
    felt = ("Emotion ", "Silent ", "Mouth ")
    recorded = {name for name in ownership.made(obj.data.shape_keys) if not name.startswith(felt)}
    del obj.data.shape_keys["duet_made"]
    assert ownership.made(obj.data.shape_keys) == recorded
    obj.data.shape_keys["duet_made"] = "not JSON"
    assert ownership.made(obj.data.shape_keys) == recorded


def test_a_key_that_the_animator_removed_or_renamed_is_duets_no_more(scene):
    obj = bound(own_head(scene, list(FACE_CAP.values())))
    keys = obj.data.shape_keys.key_blocks
    keys["eyeBlinkLeft"].name = "Wink by hand"
    obj.shape_key_remove(keys["eyeBlinkRight"])
    made = ownership.made(obj.data.shape_keys)
    assert {"eyeBlinkLeft", "eyeBlinkRight", "Wink by hand"}.isdisjoint(made)


def test_own_shapes_that_are_missing_are_filled_up_with_bindings(scene):
    few = [name for name in ARKIT_NAMES if not name.startswith("mouth")]
    obj = bound(own_head(scene, [FACE_CAP[name] for name in few], [ARKIT_NAMES.index(name) for name in few]))
    matches = arkit_heads.matches_of(obj)
    assert len(matches) == 52
    assert matches["eyeBlinkLeft"] == ("eyeBlink_L",)
    assert matches["mouthPucker"] == ("mouthPucker",)
    arkit_heads.correct(obj, "mouthPucker", "")
    assert "mouthPucker" not in arkit_heads.matches_of(obj)


@pytest.mark.parametrize("names", [FACE_CAP, {name: f"!ex-{name}" for name in ARKIT_NAMES}], ids=["exact", "prefixed"])
def test_a_bound_head_fits_at_least_as_well_as_unbound(scene, tmp_path, names):
    talker = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    apply_take(scene, talker, spoken(), write_wav(tmp_path / "a.wav", np.sin(np.arange(8000) * 0.1)), 11)
    obj = own_head(scene, list(names.values()))
    obj.location.x = 3
    bpy.context.view_layer.update()
    unbound = applied(arkit_heads, scene, talker, obj)
    obj = bound(obj)
    done = applied(arkit_heads, scene, talker, obj)
    assert done.missing == ()
    assert done.residual.mean <= unbound.residual.mean + 0.01  # mm
    off = np.linalg.norm(evaluated(obj, 16) - evaluated(talker, 16), axis=1)
    assert 1000 * off.mean() < 0.35  # mm: lips that meet come first (docs/heads.md)


def test_every_key_of_an_added_head_is_duets(scene):
    head = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    key = head.data.shape_keys
    own = {block.name for block in key.key_blocks[1:]}
    assert ownership.made(key) == own
    head.shape_key_add(name="A wart")
    assert "A wart" not in ownership.made(key)


def test_the_shipped_heads_speech_keys_are_known_by_what_was_recorded(scene):
    head = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    head.shape_key_add(name="Speech by hand")
    assert ownership.speaking(head.data.shape_keys) == list(SHAPES.speech_names)
