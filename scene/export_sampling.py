"""What a head does, read frame by frame as Blender evaluates it: NLA, drivers and hand animation included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from ..inference.errors import HeadError
from ..inference.head import ARKIT_NAMES
from ..inference.recompose import solve_arkit
from ..inference.take import Floats, GenerateRequest, Take
from ..inference.timecode import exact_rate
from . import arkit_keys, compat, heads, shape_keys, sliders, takes, timing
from .steps import Steps, in_background


@dataclass(frozen=True)
class Span:
    """Frames of the scene, both ends included."""

    start: int
    end: int

    @property
    def frames(self) -> range:
        """Every frame."""
        return range(self.start, self.end + 1)


def scene_span(scene: bpy.types.Scene) -> Span:
    """The frames that the scene plays."""
    return Span(scene.frame_start, max(scene.frame_start, scene.frame_end))


def take_span(scene: bpy.types.Scene, obj: bpy.types.Object) -> Span:
    """The frames of the performance that the head plays; the scene's where no speech is keyed."""
    key = obj.data.shape_keys
    animation = key.animation_data if key else None
    stored = takes.load(obj) if heads.is_head(obj) else None
    if stored is None or animation is None or animation.action is None or animation.action_slot is None:
        return scene_span(scene)
    paths = {shape_keys.value_path(name) for name in stored.take.speech_names}
    curves = compat.channelbag(animation.action, animation.action_slot).fcurves
    ranges = [curve.range() for curve in curves if curve.data_path in paths and len(curve.keyframe_points)]
    if not ranges:
        return scene_span(scene)
    return Span(int(np.ceil(min(r[0] for r in ranges) - 1e-3)), int(np.floor(max(r[1] for r in ranges) + 1e-3)))


@contextmanager
def frame_kept(scene: bpy.types.Scene) -> Iterator[None]:
    """Go back to the scene's current frame after the block."""
    frame, part = scene.frame_current, scene.frame_subframe
    try:
        yield
    finally:
        scene.frame_set(frame, subframe=part)


@dataclass(frozen=True, eq=False)
class Sampled:
    """Values of shape keys (T, K) and emotion sliders (T, E) at the frames of a span; muted keys count as 0."""

    fps: float
    keys: dict[str, Floats]
    emotions: dict[str, Floats]
    frames: int

    def columns(self, names: tuple[str, ...]) -> Floats:
        """The keys of these names side by side (T, N); a key that is missing is 0."""
        rest = np.zeros(self.frames, np.float32)
        return np.stack([self.keys.get(name, rest) for name in names], axis=1) if names else rest[:, None][:, :0]


def sample_steps(scene: bpy.types.Scene, obj: bpy.types.Object, span: Span) -> Steps[Sampled]:
    """Play the span and read the head, a frame a step; the scene's frame is the same afterwards."""
    key = obj.data.shape_keys
    blocks, feelings = key.key_blocks, sliders.sliders_of(obj, _emotions(obj))
    values = np.zeros((len(span.frames), len(blocks)), np.float32)
    curves = np.zeros((len(span.frames), len(feelings)), np.float32)
    with frame_kept(scene):
        for row, frame in enumerate(span.frames):
            scene.frame_set(frame)
            depsgraph = bpy.context.evaluated_depsgraph_get()
            key.evaluated_get(depsgraph).key_blocks.foreach_get("value", values[row])
            evaluated = obj.evaluated_get(depsgraph)
            curves[row] = [evaluated[sliders.slider_name(emotion)] for emotion in feelings]
            yield row / len(span.frames)
    values[:, [block.mute for block in blocks]] = 0.0
    keys = {block.name: values[:, i] for i, block in enumerate(blocks)}
    fps = float(exact_rate(timing.scene_fps(scene)))  # Blender keeps fps_base in single precision
    return Sampled(fps, keys, dict(zip(feelings, curves.T, strict=True)), len(span.frames))


def _emotions(obj: bpy.types.Object) -> tuple[str, ...]:
    stored = takes.load(obj) if heads.is_head(obj) else None
    return stored.take.emotions if stored else ()


def performance_steps(scene: bpy.types.Scene, obj: bpy.types.Object, span: Span) -> Steps[tuple[Take, Floats]]:
    """(take, expression curves (T, Ke)) of what the head does now, at the scene's frame rate, in steps.

    The ARKit coefficients are those of the learned shapes together with the ARKit keys' own values, in [0, 1]. For a
    mesh that is no Duet head, they are its ARKit keys' values, and the take has no blendshapes else. Raises HeadError
    where the object has no ARKit keys either, WeightsError where it is of another version.
    """
    spelt = arkit_keys.find(obj)
    stored = takes.load(obj) if heads.is_head(obj) else None
    if stored is None and not spelt:
        message = f"'{obj.name}' has no take and no shape keys with ARKit's names."
        raise HeadError(message, "Generate from audio first, or choose a mesh with ARKit's shapes.")
    sampled = yield from sample_steps(scene, obj, span)
    # Several keys of one shape are its halves.
    arkit = np.stack([sampled.columns(spelt.get(name, ("",))).mean(axis=1) for name in ARKIT_NAMES], axis=1)
    if stored is None:
        return _plain_take(sampled, np.clip(arkit, 0, 1)), np.zeros((sampled.frames, 0), np.float32)
    take = stored.take
    speech, expression = sampled.columns(take.speech_names), sampled.columns(take.expression_names)
    names, weights = (*take.speech_names, *take.expression_names), np.concatenate([speech, expression], axis=1)
    arkit += yield from in_background(lambda: solve_arkit(names, weights))
    rest = np.zeros(sampled.frames, np.float32)
    played = Take(
        fps=sampled.fps,
        speech_weights=speech,
        expression_weights=take.expression_weights,
        emotion_curves=np.stack([sampled.emotions.get(name, rest) for name in take.emotions], axis=1),
        arkit=np.clip(arkit, 0, 1),
        speech_names=take.speech_names,
        expression_names=take.expression_names,
        emotions=take.emotions,
        arkit_names=ARKIT_NAMES,
        model_id=take.model_id,
        request=take.request,
    )
    return played, expression


def _plain_take(sampled: Sampled, arkit: Floats) -> Take:
    return Take(
        fps=sampled.fps,
        speech_weights=np.zeros((sampled.frames, 0), np.float32),
        expression_weights=np.zeros((0, 0), np.float32),
        emotion_curves=np.zeros((sampled.frames, 0), np.float32),
        arkit=arkit,
        speech_names=(),
        expression_names=(),
        emotions=(),
        arkit_names=ARKIT_NAMES,
        model_id="",
        request=GenerateRequest(fps=sampled.fps, audio="").to_json(),
    )
