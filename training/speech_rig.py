"""The speech rig: the channels that the speech model predicts, and what each moves on the canonical head.

Animated takes name their channels after FACS units; the rig joins their left and right, and writes each as a mix of
speech keys: movements that an animator would name, each at 1 a shape of the head, or shapes that go together. The keys
are the fusion module's speech blendshapes. Amounts are not negative, so speech turns keys up and never below rest.
`python -m duet.training.speech_rig` writes the table to weights/rig.safetensors.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..inference.engine.speech_rig import SpeechRig
from ..inference.head.canonical import ARKIT_NAMES, EXTRA_NAMES, Head
from .recipes import rows_of
from .stamping import begin, save_weights

# key -> the head's shapes that it is at 1
SPEECH_KEYS: dict[str, dict[str, float]] = {
    "jaw open": {"jawOpen": 1.0},
    "lips round": {"mouthPucker": 1.0},
    "lips funnel": {"mouthFunnel": 1.0},
    "lips press": {"mouthPressLeft": 1.0, "mouthPressRight": 1.0},
    "lips together": {"mouthClose": 0.1},  # on a jaw that is open by a tenth
    "lower lip in": {"mouthRollLower": 1.0},
    "upper lip in": {"mouthRollUpper": 1.0},
    "lower lip down": {"mouthLowerDownLeft": 1.0, "mouthLowerDownRight": 1.0},
    "upper lip up": {"mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0},
    "upper lip forward": {"mouthShrugUpper": 1.0},
    "corners up": {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
    "lips wide": {"mouthStretchLeft": 1.0, "mouthStretchRight": 1.0},
    "chin up": {"mouthShrugLower": 1.0},
    "tongue up": {"tongueUp": 1.0},
    "tongue back": {"tongueBack": 1.0},
    "tongue to teeth": {"tongueTeeth": 1.0},
}
# channel -> (channels of the takes whose mean it is, speech keys and their amounts). What closes lips also holds them
# together over a jaw that is a little open; where that is too much, inference/engine/lip_contact.py gives way.
CHANNELS: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "jaw_open": (("mouth_stretch_c",), {"jaw open": 0.647}),
    "lips_oh": (("mouth_oh_c",), {"jaw open": 0.121, "lips funnel": 0.7, "lips round": 0.2}),
    "lips_oo": (("mouth_oo_c",), {"lips round": 0.9, "lips funnel": 0.45}),
    "funnel_lower": (("mouth_funnel_dl", "mouth_funnel_dr"), {"lips funnel": 0.45, "chin up": 0.15}),
    "funnel_upper": (("mouth_funnel_ul", "mouth_funnel_ur"), {"lips funnel": 0.45, "upper lip forward": 0.15}),
    "pucker": (("mouth_pucker_l", "mouth_pucker_r"), {"lips round": 1.0, "lips funnel": 0.25}),
    "roll_lower": (("mouth_suck_dl", "mouth_suck_dr"), {"lower lip in": 1.0, "lips together": 0.5}),
    "roll_upper": (("mouth_suck_ul", "mouth_suck_ur"), {"upper lip in": 1.0, "lips together": 0.6}),
    "press": (("mouth_press_l", "mouth_press_r"), {"lips press": 1.0, "lips together": 0.4}),
    "lower_down": (("mouth_lowerLipDepress_l", "mouth_lowerLipDepress_r"), {"lower lip down": 1.0}),
    "upper_up": (("mouth_upperLipRaise_l", "mouth_upperLipRaise_r"), {"upper lip up": 1.0}),
    "corner_pull": (("mouth_lipCornerPull_l", "mouth_lipCornerPull_r"), {"corners up": 1.0}),
    "stretch": (("mouth_lipStretch_l", "mouth_lipStretch_r"), {"lips wide": 1.0}),
    "chin_raise": (("mouth_chinRaise_u",), {"chin up": 0.7, "lips together": 0.3}),
    # f and v: the lower lip tucked under the upper teeth
    "bite": ((), {"lower lip in": 0.35, "jaw open": 0.01, "upper lip up": 0.4}),
    "tongue_up": ((), {"tongue up": 1.0}),
    "tongue_back": ((), {"tongue back": 1.0}),
    "tongue_teeth": ((), {"tongue to teeth": 1.0}),
}
CHANNEL_NAMES = tuple(CHANNELS)
SHAPE_NAMES = (*ARKIT_NAMES, *EXTRA_NAMES)


def animated_channels(weights: NDArray[np.float32], names: list[str]) -> NDArray[np.float32]:
    """Rig channels (T, C) of an animated take's weights (T, 116), whose columns are named.

    Channels that takes do not have (bite, tongue) are NaN: losses mask them.
    """
    column = {name: i for i, name in enumerate(names)}
    unknown = np.full(len(weights), np.nan, np.float32)
    groups = [[column[name] for name in animated] for animated, _ in CHANNELS.values()]
    return np.stack([weights[:, group].mean(axis=1) if group else unknown for group in groups], axis=1)


def rig_amounts() -> NDArray[np.float32]:
    """The rig as amounts of the speech keys, none negative: (C, Ks)."""
    return rows_of([mix for _, mix in CHANNELS.values()], tuple(SPEECH_KEYS))


def key_shapes() -> NDArray[np.float32]:
    """The speech keys as amounts of the head's 52 ARKit shapes, then of its tongue shapes: (Ks, 55)."""
    return rows_of(list(SPEECH_KEYS.values()), SHAPE_NAMES)


def rig_shapes() -> NDArray[np.float32]:
    """The rig as amounts of the head's 52 ARKit shapes, then of its tongue shapes: (C, 55)."""
    return rig_amounts() @ key_shapes()


def key_deltas(head: Head) -> NDArray[np.float32]:
    """The speech keys on the canonical head: (Ks, V, 3) metres."""
    return np.tensordot(key_shapes(), np.concatenate([head.arkit, head.extra]), axes=(1, 0)).astype(np.float32)


def rig_deltas(head: Head) -> NDArray[np.float32]:
    """The rig on the canonical head: (C, V, 3) metres."""
    return SpeechRig(CHANNEL_NAMES, SHAPE_NAMES, rig_shapes()).deltas(head)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Write the speech rig's table.")
    parser.add_argument("--out", type=Path, default=Path("weights/rig.safetensors"))
    metadata = {"channels": json.dumps(CHANNEL_NAMES), "shapes": json.dumps(SHAPE_NAMES)}
    save_weights(parser.parse_args().out, {"amounts": rig_shapes()}, metadata, begin("rig"))


if __name__ == "__main__":
    main()
