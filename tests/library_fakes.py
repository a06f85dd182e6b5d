"""A library of 76 expressions for the small head, takes that feel some of them, and the faces that are due."""

from dataclasses import replace

import bpy
import numpy as np
from duet.inference.head import library
from duet.inference.take import EMOTIONS, within_limit
from duet.tests.blender_fakes import (
    EXPRESSION_NAMES,
    SPEECH_NAMES,
    fake_blendshapes,
    fake_head,
    quiet_take,
)

NAMES = ("smirk", "yawn", "smile_broad", "one_brow", *(f"made_up_{number}" for number in range(72)))
SMIRK, YAWN, BROAD, BROW = NAMES[:4]


def fake_library():
    shapes, rng = fake_blendshapes(), np.random.default_rng(11)
    weights = rng.normal(0, 0.6, (len(NAMES), len(EXPRESSION_NAMES))).astype(np.float32)
    opening = rng.random((len(NAMES), len(SPEECH_NAMES)), np.float32)
    opening[0] = 0
    return replace(
        shapes,
        emotions=EMOTIONS + NAMES,
        emotion_weights=np.concatenate([shapes.emotion_weights, weights]),
        emotion_opening=np.concatenate([shapes.emotion_opening, opening]),
    )


HEAD, SHAPES = fake_head(), fake_library()


def quiet(frames=96, speaks=(30, 50), **felt):
    """A take that is silent but for frames 30 to 50, of the library's weights for the emotions."""
    plain = {name: value for name, value in felt.items() if name in EMOTIONS}
    take = quiet_take(frames, emotions=plain, speaks=speaks)
    count = len(EMOTIONS)
    rows = {"expression_weights": SHAPES.emotion_weights[:count], "emotion_opening": SHAPES.emotion_opening[:count]}
    take = replace(take, **rows)
    for name in felt:
        if name not in EMOTIONS:
            take = _with(take, name)
            take.emotion_curves[:, -1] = felt[name]
    return take


def _with(take, name):
    row = SHAPES.emotions.index(name)
    return replace(
        take,
        emotions=(*take.emotions, name),
        expression_weights=np.vstack([take.expression_weights, SHAPES.emotion_weights[row]]),
        emotion_opening=np.vstack([take.emotion_opening, SHAPES.emotion_opening[row]]),
        emotion_curves=np.hstack([take.emotion_curves, np.zeros((take.frame_count, 1), np.float32)]),
    )


def face(mix, silence=1.0, limit=1.5):
    """The head at rest with sliders at these values."""
    sliders = np.zeros(len(SHAPES.emotions), np.float32)
    for name, value in mix.items():
        sliders[SHAPES.emotions.index(name)] = value
    felt = within_limit(sliders, limit)
    opened = np.tensordot(silence * (felt @ SHAPES.emotion_opening), SHAPES.speech_basis, 1)
    return HEAD.vertices + opened + np.tensordot(felt @ SHAPES.emotion_weights, SHAPES.expression_basis, 1)


def set_sliders(head, **values):
    for name, value in values.items():
        head[library.label(name)] = value
    head.update_tag()
    bpy.context.view_layer.update()


def as_sidebar(scene, **chosen):
    quiet = dict.fromkeys(("blinks", "eyes", "head_motion", "breaths"), False)
    for name, value in {**quiet, **chosen}.items():
        setattr(scene.duet, name, value)
    return scene.duet
