"""A small head, blendshapes and takes for tests in Blender, and a fingerprint of the open file."""

import wave
import zlib
from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.head.blendshapes import Blendshapes
from duet.inference.head.canonical import ARKIT_NAMES, BONES, EXTRA_NAMES, MATERIALS, REGIONS, Head
from duet.inference.performance.performance import Performance
from duet.inference.performance.silence import silence_around
from duet.inference.performance.timeline import Cue
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS, GenerateRequest, Take, within_limit
from duet.scene import bake, files
from duet.scene.take.settings import Order
from duet.scene.targets import playback

SIDE = 9  # the head is a bent square of SIDE x SIDE vertices
SPEECH, EXPRESSIONS = 5, 4
SPEECH_NAMES = tuple(f"Speech {i:02}" for i in range(SPEECH))
EXPRESSION_NAMES = tuple(f"Expression {i:02}" for i in range(EXPRESSIONS))
EMOTION_KEYS = tuple(f"{kind} {name.capitalize()}" for name in EMOTIONS[1:] for kind in ("Emotion", "Silent", "Mouth"))


def fake_head():
    rng = np.random.default_rng(1)
    v, u = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    vertices = np.stack([0.2 * u - 0.1, 0.1 * (u - 0.5) ** 2, 0.3 * v], axis=-1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).ravel()
    faces = np.stack([corner, corner + 1, corner + SIDE + 1, corner + SIDE], axis=1).astype(np.int32)
    skin = np.zeros((len(vertices), len(BONES)), np.float32)
    skin[:, 1] = np.linspace(0, 1, len(vertices))
    skin[:, 0] = 1 - skin[:, 1]
    return Head(
        vertices=vertices,
        face_vertices=faces.ravel(),
        face_sizes=np.full(len(faces), 4, np.int32),
        uv=np.stack([u, v], axis=-1).reshape(-1, 2)[faces.ravel()].astype(np.float32),
        face_material=(np.arange(len(faces)) % len(MATERIALS)).astype(np.int32),
        arkit=_deltas(rng, len(ARKIT_NAMES), len(vertices)),
        extra=_deltas(rng, len(EXTRA_NAMES), len(vertices)),
        identity=_deltas(rng, 2, len(vertices)),
        landmarks=np.arange(68, dtype=np.int32),
        joints=np.array([[0, 0.05, z] for z in (0, 0.1, 0.15, 0.2, 0.2)], np.float32),
        skin_weights=skin,
        regions={name: np.arange(3, dtype=np.int32) for name in REGIONS},
        materials=MATERIALS,
        arkit_names=ARKIT_NAMES,
        extra_names=EXTRA_NAMES,
        bones=BONES,
    )


def fake_blendshapes():
    rng, count = np.random.default_rng(2), SIDE * SIDE
    basis = [_deltas(rng, number, count) for number in (SPEECH, EXPRESSIONS)]
    emotions = rng.normal(size=(len(EMOTIONS), EXPRESSIONS)).astype(np.float32)
    emotions[EMOTIONS.index("neutral")] = 0
    opening = rng.random((len(emotions), SPEECH), np.float32) * (rng.random((len(emotions), SPEECH)) < 0.4)
    opening[EMOTIONS.index("neutral")] = 0
    return Blendshapes(*basis, SPEECH_NAMES, EXPRESSION_NAMES, EMOTIONS, emotions, opening)


def fake_take(frames=48, fps=24.0, emotions=None):
    """Weights beyond 0..1, both signs; `emotions` maps names to an intensity or a curve (frames,).

    It speaks all the time: silence and what emotions open in it are those of `quiet_take`.
    """
    rng = np.random.default_rng(3)
    weights = rng.normal(0, 0.6, (len(EMOTIONS), EXPRESSIONS)).astype(np.float32)
    weights[0] = 0
    curves = np.zeros((frames, len(EMOTIONS)), np.float32)
    for name, value in (emotions or {}).items():
        curves[:, EMOTIONS.index(name)] = value
    return Take(
        fps=fps,
        speech_weights=rng.normal(0, 1.2, (frames, SPEECH)).astype(np.float32),
        expression_weights=weights,
        emotion_opening=fake_blendshapes().emotion_opening,
        emotion_curves=curves,
        silence=np.zeros(frames, np.float32),
        arkit=rng.random((frames, len(ARKIT_NAMES)), np.float32),
        speech_names=SPEECH_NAMES,
        expression_names=EXPRESSION_NAMES,
        emotions=EMOTIONS,
        arkit_names=ARKIT_NAMES,
        model_id="0123456789ab",
        request=GenerateRequest(fps=fps, audio="line.wav").to_json(),
    )


def quiet_take(frames=96, fps=24.0, emotions=None, speaks=(30, 50)):
    """The same, but at rest outside the frames that speak, where it is silent."""
    take = fake_take(frames, fps, emotions)
    still = np.ones(frames, bool)
    still[slice(*speaks)] = False
    speech = take.speech_weights.copy()
    speech[still] = 0
    return replace(take, speech_weights=speech, silence=silence_around(~still, fps))


def as_felt(take):
    """The performance of a take that feels what its own curves say, at frames of 25 a second at most; no life."""
    mixes = [{name: float(n) for name, n in zip(take.emotions, row, strict=True) if n} for row in take.emotion_curves]
    turns = [frame for frame in range(1, len(mixes)) if mixes[frame] != mixes[frame - 1]]
    cues = [Cue((frame - 0.97) / take.fps, mixes[frame]) for frame in turns]
    return Performance(transition=0.04, emotions=(Cue(0.0, mixes[0]), *cues))


def apply_take(scene, obj, take, audio, start, **how):
    """Animate a head with a take so, at once; notes for the user."""
    return finish(bake.apply_steps(scene, obj, take, bake.Recording(audio, start), as_felt(take), **how))


def bake_file(audio, take, output, base=None, head="", order=None):
    """A .blend with a take so, or as `order` says; notes for the user."""
    return files.bake_file(audio, take, output, base, head, order or Order(as_felt(take)))


def expected_face(head, blendshapes, take, frame):
    """The face of the architecture, correctives included, (V, 3) metres, at a whole frame of the take."""
    mix = within_limit(take.emotion_curves[frame])
    speech = take.speech_weights[frame] + take.silence[frame] * (mix @ take.emotion_opening)
    weights = np.concatenate([speech, mix @ take.expression_weights]).astype(np.float32)
    return blendshapes.faces(head.vertices, weights[None])[0]


def evaluated(obj, frame=None):
    """The mesh's vertices (V, 3) after shape keys, drivers and modifiers, at a frame of the scene."""
    if frame is not None:
        bpy.context.scene.frame_set(frame)
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    out = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", out)
    return out.reshape(-1, 3)


def fingerprint():
    """Everything a bake could change in the open file, as comparable plain data."""
    scene = bpy.context.scene
    editor = scene.sequence_editor
    return {
        "ids": sorted(
            (type(block).__name__, block.name, block.users, block.use_fake_user)
            for collection in ("objects", "meshes", "actions", "sounds", "materials", "armatures", "shape_keys")
            for block in getattr(bpy.data, collection)
        ),
        "scene": (scene.frame_start, scene.frame_end, scene.frame_current, scene.sync_mode, scene.render.fps),
        "strips": None if editor is None else sorted((s.name, s.channel) for s in editor.strips),
        "objects": [_object_print(obj) for obj in bpy.data.objects],
        "keys": [_key_print(key) for key in bpy.data.shape_keys],
        "curves": [_action_print(action) for action in bpy.data.actions],
    }


def _object_print(obj):
    sliders = {name: (obj[name], obj.id_properties_ui(name).as_dict()) for name in obj.keys()}  # noqa: SIM118
    shown = (obj.hide_viewport, obj.hide_select, obj.type == "MESH" and obj.show_only_shape_key)
    return obj.name, str(sliders), _playing(obj), [modifier.type for modifier in obj.modifiers], obj.mode, shown


def _key_print(key):
    blocks = [(b.name, b.value, b.slider_min, b.slider_max, b.mute, _points(b)) for b in key.key_blocks]
    drivers = [(c.data_path, c.driver.expression) for c in key.animation_data.drivers] if key.animation_data else []
    return key.name, str(dict(key.items())), key.use_relative, _playing(key), blocks, sorted(drivers)


def _points(block):
    co = np.empty(len(block.points) * 3, np.float32)
    block.points.foreach_get("co", co)
    return zlib.crc32(co.tobytes())


def _playing(block):
    animation = block.animation_data
    if animation is None:
        return None
    tracks = [
        (track.name, track.mute, track.is_solo, [(s.name, s.frame_start, s.frame_end, s.mute) for s in track.strips])
        for track in animation.nla_tracks
    ]
    mixed = (animation.use_nla, animation.action_influence, animation.action_blend_type, animation.action_extrapolation)
    action, slot = animation.action, animation.action_slot
    return action and action.name, slot and slot.identifier, tracks, mixed


def _action_print(action):
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    curves = [(c.data_path, [tuple(p.co) for p in c.keyframe_points]) for bag in bags for c in bag.fcurves]
    return action.name, [slot.identifier for slot in action.slots], curves


def frozen(head):
    """Geometry nodes that put every vertex at one place: no list of known obstacles has that."""
    tree = bpy.data.node_groups.new("Freeze", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    start, move, end = (
        tree.nodes.new(f"{kind}") for kind in ("NodeGroupInput", "GeometryNodeSetPosition", "NodeGroupOutput")
    )
    vector = tree.nodes.new("FunctionNodeInputVector")
    tree.links.new(start.outputs[0], move.inputs["Geometry"])
    tree.links.new(vector.outputs[0], move.inputs["Position"])
    tree.links.new(move.outputs[0], end.inputs[0])
    head.modifiers.new("Freeze", "NODES").node_group = tree


def write_wav(path, samples, rate=16000, channels=1):
    frames = np.repeat((np.clip(samples, -1, 1) * 32767).astype("<i2")[:, None], channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames.tobytes())
    return path


def _deltas(rng, number, count):
    return rng.normal(0, 0.004, (number, count, 3)).astype(np.float32)


def speech(head, frame):
    """The values of the speech keys at a frame."""
    bpy.context.scene.frame_set(frame)
    return np.array([head.data.shape_keys.key_blocks[name].value for name in SPEECH_NAMES])


def off(head, frame):
    """Metres that the face of a head is off the small take at a frame."""
    due = expected_face(fake_head(), fake_blendshapes(), fake_take(), frame - 1)
    return np.abs(evaluated(head, frame) - due).max()


def failure(operator):
    """What an operator says that refuses."""
    with pytest.raises(RuntimeError) as caught:
        operator()
    return str(caught.value)


def head_part(scene, name, rows, place=(0, 0, 0)):
    """Some of the small head's vertices as an object of its own, whose space lies elsewhere."""
    mesh = bpy.data.meshes.new(name)
    corners = np.stack([rows[:-2], rows[1:-1], rows[2:]], axis=1) - rows[0]
    mesh.from_pydata((fake_head().vertices[rows] - place).tolist(), [], corners.tolist())
    obj = bpy.data.objects.new(name, mesh)
    obj.location = place
    scene.collection.objects.link(obj)
    return obj


def playback_of(scene, head):
    """What a head plays, at once."""
    return finish(playback.playback_steps(scene, head))


def applied(module, scene, head, target):
    """What came of applying what a head plays to a target, by a module of `scene.targets`."""
    return finish(module.apply_steps(scene, playback.playback_steps(scene, head), target))
