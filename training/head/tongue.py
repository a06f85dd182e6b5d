"""Tongue shapes beyond ARKit's: tip to the ridge behind the teeth, back to the velum, tip between the teeth."""

from __future__ import annotations

import numpy as np

from .shapes import Context, smoothstep
from .sources import Doubles

_TIP_LENGTH, _TIP_ROUND = 0.022, 0.011  # metres


def tongue_shapes(context: Context) -> dict[str, Doubles]:
    """Name -> (V, 3) delta in metres, only on the tongue; names are EXTRA_NAMES."""
    part = context.assembly.parts["tongue"]
    tongue = context.neutral[part]
    upper = context.neutral[context.assembly.parts["upper_teeth"]]
    front = upper[upper[:, 1] < upper[:, 1].min() + 0.012]
    # 0 at the root, 1 at the tip
    along = (tongue[:, 1].max() - tongue[:, 1]) / np.ptp(tongue[:, 1])
    tip = tongue[along > 0.9].mean(axis=0)
    ridge = np.array([0.0, front[:, 1].max() + 0.003, front[:, 2].min() + 0.004])
    edge = np.array([0.0, front[:, 1].min() + 0.001, front[:, 2].min() - 0.002])
    blade = smoothstep(along, 0.35, 1.0)
    hump = np.exp(-(((along - 0.38) / 0.2) ** 2)) * (1 - smoothstep(along, 0.75, 0.95))
    raised = smoothstep(tongue[:, 2], tongue[:, 2].min(), tongue[:, 2].max())
    deltas = {
        "tongueUp": blade[:, None] ** 1.3 * (ridge - tip),
        "tongueBack": hump[:, None] * (0.3 + 0.7 * raised)[:, None] * np.array([0.0, 0.004, 0.011])
        + blade[:, None] * np.array([0.0, 0.005, -0.003]),
        "tongueTeeth": blade[:, None] * (edge - tip),
    }
    result = {}
    for name, delta in deltas.items():
        result[name] = np.zeros_like(context.neutral)
        result[name][part] = delta
    return result


def round_tip(context: Context, delta: Doubles) -> Doubles:
    """The delta with the tongue's square end made round: its corners move back by up to _TIP_ROUND."""
    part = context.assembly.parts["tongue"]
    places = (context.neutral + delta)[part]
    reach = places[:, 1].min() + _TIP_LENGTH
    share = np.clip((reach - places[:, 1]) / _TIP_LENGTH, 0.0, 1.0)
    width = np.abs(places[share > 0.5, 0]).max()
    result = delta.copy()
    result[part, 1] += _TIP_ROUND * share * (places[:, 0] / width) ** 2
    return result
