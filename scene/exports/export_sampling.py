"""What a head plays over the frames of an export, as a take: sampled, with its ARKit coefficients solved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.formats.timecode import exact_rate
from ...inference.head.canonical import ARKIT_NAMES
from ...inference.head.recompose import knows, solve_arkit
from ...inference.head.retarget import ArkitSolver
from ...inference.steps import Steps
from ...inference.take import GenerateRequest, Take
from ..blender import compat, shape_keys, timing
from ..blender.loose import duet_of
from ..head import feelings, heads, sliders
from ..take import lines, settings, takes
from ..targets import arkit_heads
from ..targets.lips import lips_on
from ..targets.sampler import Sampled, sample_steps


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
    spoken = lines.on(obj)
    if spoken:
        return Span(spoken[0].first, max(line.last for line in spoken))
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


@dataclass(frozen=True, eq=False)
class Played:
    """What a head does: a take, the weights of its expression blendshapes, and what silence adds to speech."""

    take: Take
    expression: Floats  # (T, Ke)
    opening: Floats  # (T, Ks)


def played_steps(scene: bpy.types.Scene, obj: bpy.types.Object, span: Span) -> Steps[Played]:
    """What the head does now, at the scene's frame rate, in steps.

    The ARKit coefficients are those of the learned shapes together with the ARKit keys' own values, in [0, 1]; those
    of another version's shapes are solved on the mesh itself. For a
    mesh that is no Duet head, they are its ARKit keys' values, and the take has no blendshapes else. Raises HeadError
    where the object has no ARKit keys either, WeightsError where it is of another version.
    """
    spelt = arkit_heads.keys_of(obj)
    stored = takes.load(obj) if heads.is_head(obj) else None
    if stored is None and not spelt:
        message = f"'{obj.name}' has no take and no shape keys with ARKit's names."
        raise HeadError(message, "Generate from audio first, or choose a mesh with ARKit's shapes.")
    sampled = yield from sample_steps(scene, obj, span.frames)
    fps = float(exact_rate(timing.scene_fps(scene)))  # Blender keeps fps_base in single precision
    # Several keys of one shape are its halves.
    arkit = np.stack([sampled.columns(spelt.get(name, ("",))).mean(axis=1) for name in ARKIT_NAMES], axis=1)
    if stored is None:
        none = np.zeros((sampled.frames, 0), np.float32)
        return Played(_plain_take(fps, np.clip(arkit, 0, 1)), none, none)
    return (yield from _head_steps(obj, _with_sliders(stored.take, obj), sampled, arkit, fps))


def _head_steps(obj: bpy.types.Object, take: Take, sampled: Sampled, arkit: Floats, fps: float) -> Steps[Played]:
    """What a Duet head with that take does; arkit (T, 52) is what its own ARKit keys add."""
    speech, expression = sampled.columns(take.speech_names), sampled.columns(take.expression_names)
    felt, opened = feelings.spread(feelings.stored_on(obj).values(), sampled.keys)
    expression = expression + sampled.columns(take.expression_names, felt)
    opening = sampled.columns(take.speech_names, opened)
    names = (*take.speech_names, *take.expression_names)
    weights = np.concatenate([speech + opening, expression], axis=1)
    solve = _solver_on(obj, names).steps if heads.is_earlier(obj) or not knows(names) else partial(solve_arkit, names)
    arkit += yield from solve(weights)
    curves = {name: sampled.sliders.get(sliders.slider_name(name)) for name in take.emotions}
    played = Take(
        fps=fps,
        speech_weights=speech,
        expression_weights=take.expression_weights,
        emotion_opening=take.emotion_opening,
        emotion_curves=sampled.columns(take.emotions, {k: v for k, v in curves.items() if v is not None}),
        silence=sampled.columns((sliders.SILENCE,), sampled.sliders)[:, 0],
        arkit=np.clip(arkit, 0, 1),
        speech_names=take.speech_names,
        expression_names=take.expression_names,
        emotions=take.emotions,
        arkit_names=ARKIT_NAMES,
        model_id=take.model_id,
        request={**take.request, "emotions": _steady(obj)},
    )
    return Played(played, expression, opening)


def _steady(obj: bpy.types.Object) -> dict[str, float]:
    """The mix that was chosen for the take that plays, where it does not change."""
    action = takes.active(obj)
    return settings.performance_of(duet_of(action)).steady if action else {}


def _with_sliders(take: Take, obj: bpy.types.Object) -> Take:
    """The take with rows for all emotions that the head has sliders for."""
    added = [emotion for emotion in feelings.stored_on(obj).values() if emotion.name not in take.emotions]
    if not added:
        return take
    expression = [[emotion.expression.get(name, 0.0) for name in take.expression_names] for emotion in added]
    opening = [[emotion.opening.get(name, 0.0) for name in take.speech_names] for emotion in added]
    names = tuple(emotion.name for emotion in added)
    return take.with_rows(names, np.array(expression, np.float32), np.array(opening, np.float32))


def _solver_on(obj: bpy.types.Object, names: tuple[str, ...]) -> ArkitSolver:
    """ARKit coefficients (T, 52) of weights (T, K) of the mesh's own keys of these names, by its own ARKit keys."""
    scale = np.float32(np.mean(obj.matrix_world.to_scale()[:]))  # metres a unit of the mesh
    shapes = shape_keys.deltas_of(obj, ARKIT_NAMES)
    lips = lips_on(obj, shape_keys.rest_of(obj), shapes[ARKIT_NAMES.index("jawOpen")])
    return ArkitSolver(scale * shapes, scale * shape_keys.deltas_of(obj, names), lips=lips)


def _plain_take(fps: float, arkit: Floats) -> Take:
    frames = len(arkit)
    return Take(
        fps=fps,
        speech_weights=np.zeros((frames, 0), np.float32),
        expression_weights=np.zeros((0, 0), np.float32),
        emotion_opening=np.zeros((0, 0), np.float32),
        emotion_curves=np.zeros((frames, 0), np.float32),
        silence=np.zeros(frames, np.float32),
        arkit=arkit,
        speech_names=(),
        expression_names=(),
        emotions=(),
        arkit_names=ARKIT_NAMES,
        model_id="",
        request=GenerateRequest(fps=fps, audio="").to_json(),
    )
