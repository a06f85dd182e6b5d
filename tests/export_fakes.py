"""A head that plays a take from frame 11 on, and what exports of it are to hold."""

from contextlib import contextmanager

import bpy
import numpy as np
from duet.inference.head.canonical import ARKIT_NAMES
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS
from duet.scene.blender import shape_keys
from duet.scene.exports import export_files
from duet.scene.exports.export_sampling import Span
from duet.tests.blender_fakes import (
    EMOTION_KEYS,
    EXPRESSION_NAMES,
    SPEECH_NAMES,
    fake_blendshapes,
    fake_head,
)

HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
BASIS = np.concatenate([BLENDSHAPES.speech_basis, BLENDSHAPES.expression_basis])
# The fake take's emotions are not the fake head's: what of them is the mouth's, nobody knows.
KEYS = (*SPEECH_NAMES, *EXPRESSION_NAMES, *ARKIT_NAMES, *(key for key in EMOTION_KEYS if not key.startswith("Mouth ")))
START, FRAMES = 11, 24


SPAN = Span(START, START + FRAMES - 1)


def write_weights(*args):
    return finish(export_files.weights_steps(*args))


def export(*args):
    return finish(export_files.export_steps(*args))


def weights_of(take):
    """Weights (T, speech and expression keys) that the head plays."""
    return np.concatenate([take.speech_weights, take.emotion_curves @ take.expression_weights], axis=1)


def values_of(take, names=KEYS):
    """Values (T, keys) of the head's keys: it speaks all the time, so that none opens the mouth in silence."""
    values = dict(zip(SPEECH_NAMES, take.speech_weights.T, strict=True))
    values |= {f"Emotion {e.capitalize()}": c for e, c in zip(EMOTIONS, take.emotion_curves.T, strict=True)}
    return np.stack([values.get(name, np.zeros(take.frame_count)) for name in names], axis=1)


def plain_head(names):
    mesh = bpy.data.meshes.new("Plain")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    obj = bpy.data.objects.new("Plain", mesh)
    bpy.context.scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, names, np.ones((len(names), 3, 3), np.float32))
    return obj


def leave_out(monkeypatch, name):
    """Have Blender's exporters leave an object out."""
    staged = export_files._staged

    @contextmanager
    def without(*arguments):
        with staged(*arguments) as apart:
            bpy.data.objects[name].select_set(False, view_layer=apart.scene.view_layers[0])
            yield apart

    monkeypatch.setattr(export_files, "_staged", without)
