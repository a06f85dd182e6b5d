"""Heads of other makes for tests: FLAME's as its add-on makes them, ARKit's, and how far each is off a Duet head."""

from types import SimpleNamespace

import bpy
import numpy as np
from duet.inference.checkpoints import load_checkpoint
from duet.inference.engine.pipeline import Pipeline
from duet.inference.flame.duet import duet_flame
from duet.inference.flame.model import TO_BLENDER
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.inference.head.lips import lips_of
from duet.inference.take import EMOTIONS, GenerateRequest, Take
from duet.scene.blender import shape_keys
from duet.tests.blender_fakes import evaluated
from duet.tests.places import WEIGHTS
from mathutils import Vector

HEAD, SHAPES, MODEL = load_head(), load_blendshapes(), duet_flame()
LIPS = lips_of(HEAD)
FRAMES = 12
PIPELINE = Pipeline(WEIGHTS, "numpy")
# mm, mean over what moves with Happy at 0.8: ARKit has no shapes for lips that a smile is kept from parting.
APART = 0.31
SHUT = 0.34  # mm: by how much more or less than the Duet head's lips another's may be parted


def spoken(fps=24.0):
    """A take that opens the mouth wide and smiles."""
    rng = np.random.default_rng(3)
    names = load_checkpoint(WEIGHTS / "speech.safetensors").json("channels")
    channels = np.zeros((FRAMES, len(names)), np.float32)
    channels[:, names.index("jaw_open")] = np.sin(np.linspace(0, np.pi, FRAMES))
    for name in ("lips_oh", "lower_down", "roll_upper"):
        channels[:, names.index(name)] = rng.random(FRAMES) * 0.4
    curves = np.zeros((FRAMES, len(EMOTIONS)), np.float32)
    curves[:, EMOTIONS.index("happy")] = 0.8
    return Take(
        fps=fps,
        speech_weights=PIPELINE.speech_weights(channels, lambda *_: None),
        expression_weights=SHAPES.emotion_weights[: len(EMOTIONS)],
        emotion_opening=SHAPES.emotion_opening[: len(EMOTIONS)],
        silence=np.zeros(FRAMES, np.float32),
        emotion_curves=curves,
        arkit=np.zeros((FRAMES, 52), np.float32),
        speech_names=SHAPES.speech_names,
        expression_names=SHAPES.expression_names,
        emotions=EMOTIONS,
        arkit_names=HEAD.arkit_names,
        model_id="0123456789ab",
        request=GenerateRequest(fps=fps, audio="line.wav").to_json(),
    )


def vertices_of(obj, frame):
    """Evaluated vertices in the world (V, 3)."""
    points, world = evaluated(obj, frame), np.array(obj.matrix_world)
    return points @ world[:3, :3].T + world[:3, 3]


def addon_head(scene, up="z", bones="flame", identity=5):
    """A head as FLAME's Blender add-on makes it, but of the Duet head's vertices, and not by the code under test."""
    to_mesh = TO_BLENDER if up == "z" else np.eye(3)
    mesh = bpy.data.meshes.new("FLAME-generic")
    mesh.from_pydata((MODEL.v_template @ to_mesh.T).tolist(), [], MODEL.faces.tolist())
    obj = bpy.data.objects.new("FLAME-generic", mesh)
    rig = bpy.data.objects.new("FLAME-rig", bpy.data.armatures.new("FLAME-rig"))
    for each in (obj, rig):
        scene.collection.objects.link(each)
    kinds = {"Shape": MODEL.identity_dirs[:identity], "Exp": MODEL.expression_dirs}
    kinds["Pose"] = np.moveaxis(MODEL.posedirs, 2, 0)
    for kind, dirs in kinds.items():
        shape_keys.add_shape_keys(obj, [f"{kind}{n + 1}" for n in range(len(dirs))], dirs @ to_mesh.T)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    joints = (MODEL.regressor @ MODEL.v_template) @ to_mesh.T
    tail = {"flame": to_mesh[:, 1], "forward": to_mesh[:, 2]}[bones]
    for number, name in enumerate(("root", "neck", "jaw", "left_eye", "right_eye")):
        bone = rig.data.edit_bones.new(name)
        bone.head = joints[number]
        bone.tail = joints[number] + 0.01 * tail
        bone.parent = rig.data.edit_bones.get(("", "root", "neck", "neck", "neck")[number])
        if bones == "flame" and up == "y":
            bone.align_roll(Vector((0, 0, 1)))
    bpy.ops.object.mode_set(mode="OBJECT")
    for column, name in zip(MODEL.weights.T, ("root", "neck", "jaw", "left_eye", "right_eye"), strict=True):
        group = obj.vertex_groups.new(name=name)
        for index in np.flatnonzero(column):
            group.add([int(index)], float(column[index]), "REPLACE")
    obj.parent = rig
    obj.modifiers.new("Armature", "ARMATURE").object = rig
    return obj


def distances(speaking, target, frame):
    """mm between two heads of the same vertices, where the face moves."""
    rest = np.linalg.norm(vertices_of(speaking, frame) - HEAD.vertices, axis=1) > 1e-4
    return 1000 * np.linalg.norm(vertices_of(target, frame) - vertices_of(speaking, frame), axis=1)[rest]


def parted(points, keep=slice(None)):
    """How far the lips are parted in mm (P,), of pairs that are among the kept vertices."""
    place = np.full(len(HEAD.vertices), -1)
    place[keep] = np.arange(len(points))
    pairs = [(place[u], place[d]) for u, d in zip(LIPS.upper, LIPS.lower, strict=True) if min(place[u], place[d]) >= 0]
    upper, lower = np.array(pairs).T
    rest = HEAD.vertices[keep]
    return 1000 * ((points[upper] - points[lower]) - (rest[upper] - rest[lower]))[:, 2]


def smaller(scene, keep):
    """A FLAME head of some of the vertices only, bound: with the Duet head's blendshapes as keys."""
    mesh = bpy.data.meshes.new("Bound")
    mesh.from_pydata((MODEL.v_template @ TO_BLENDER.T)[keep].tolist(), [], [])
    obj = bpy.data.objects.new("Bound", mesh)
    scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, SHAPES.speech_names, SHAPES.speech_basis[:, keep])
    shape_keys.add_shape_keys(obj, SHAPES.expression_names, SHAPES.expression_basis[:, keep])
    return obj


def arkit_head(scene, spelling=lambda name: name, without=(), name="Avatar", keep=slice(None)):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(HEAD.vertices[keep].tolist(), [], [])
    obj = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(obj)
    rows = [row for row, shape in enumerate(HEAD.arkit_names) if shape not in without]
    names = [spelling(HEAD.arkit_names[row]) for row in rows]
    shape_keys.add_shape_keys(obj, names, HEAD.arkit[rows][:, keep])
    return obj


class Layout:
    """Stands in for Blender's layout: every property and operator that is drawn must exist."""

    def __init__(self):
        self.drawn = []

    def column(self, align=False):
        return self

    def row(self, align=False):
        return self

    def label(self, text="", icon="NONE"):
        self.drawn.append(text)

    def prop(self, data, name):
        assert name in data.bl_rna.properties

    def prop_search(self, data, name, owner, listed, icon="NONE"):
        assert hasattr(data, name)
        assert hasattr(owner, listed)

    def operator(self, name, text="", icon="NONE"):
        module, function = name.split(".")
        assert getattr(getattr(bpy.ops, module), function).get_rna_type()
        self.drawn.append(text)
        return SimpleNamespace()
