"""The speech rig: the channels that the speech model predicts, and what each moves on the canonical head.

Captured takes name their channels after FACS units; the rig joins their left and right, and writes each as a mix of
the head's ARKit shapes. `python -m duet.training.speech_rig` writes the table to weights/rig.safetensors.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..inference.head import ARKIT_NAMES, EXTRA_NAMES, Head
from ..inference.speech_rig import SpeechRig
from .stamping import begin, save_weights

# channel -> (captured channels whose mean it is, ARKit shapes and their amounts)
CHANNELS: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "jaw_open": (("mouth_stretch_c",), {"jawOpen": 0.647}),
    "lips_oh": (("mouth_oh_c",), {"jawOpen": 0.121, "mouthFunnel": 0.7, "mouthPucker": 0.2}),
    "lips_oo": (("mouth_oo_c",), {"mouthPucker": 0.75, "mouthFunnel": 0.35}),
    "funnel_lower": (("mouth_funnel_dl", "mouth_funnel_dr"), {"mouthFunnel": 0.45, "mouthShrugLower": 0.15}),
    "funnel_upper": (("mouth_funnel_ul", "mouth_funnel_ur"), {"mouthFunnel": 0.45, "mouthShrugUpper": 0.15}),
    "pucker": (("mouth_pucker_l", "mouth_pucker_r"), {"mouthPucker": 1.0}),
    "roll_lower": (("mouth_suck_dl", "mouth_suck_dr"), {"mouthRollLower": 1.0}),
    "roll_upper": (("mouth_suck_ul", "mouth_suck_ur"), {"mouthRollUpper": 1.0}),
    "press": (("mouth_press_l", "mouth_press_r"), {"mouthPressLeft": 1.0, "mouthPressRight": 1.0}),
    "lower_down": (
        ("mouth_lowerLipDepress_l", "mouth_lowerLipDepress_r"),
        {"mouthLowerDownLeft": 1.0, "mouthLowerDownRight": 1.0},
    ),
    "upper_up": (
        ("mouth_upperLipRaise_l", "mouth_upperLipRaise_r"),
        {"mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0},
    ),
    "corner_pull": (
        ("mouth_lipCornerPull_l", "mouth_lipCornerPull_r"),
        {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
    ),
    "stretch": (
        ("mouth_lipStretch_l", "mouth_lipStretch_r"),
        {"mouthStretchLeft": 1.0, "mouthStretchRight": 1.0},
    ),
    "chin_raise": (("mouth_chinRaise_u",), {"mouthShrugLower": 0.7}),
    # f and v: the lower lip tucked under the upper teeth
    "bite": ((), {"mouthRollLower": 1.0, "jawOpen": 0.049, "mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5}),
    "tongue_up": ((), {"tongueUp": 1.0}),
    "tongue_back": ((), {"tongueBack": 1.0}),
    "tongue_teeth": ((), {"tongueTeeth": 1.0}),
}
CHANNEL_NAMES = tuple(CHANNELS)
SHAPE_NAMES = (*ARKIT_NAMES, *EXTRA_NAMES)
# The head's own shapes leave closed lips closed. Speech also shuts a jaw that is a little open with them: mouthClose
# in each at 1.0, so that the gap grows smaller by 2.5, 2.2, 2.2 and 1.1 mm. See inference/contact.py.
PRESSED = {"mouthRollLower": 0.07, "mouthRollUpper": 0.061, "mouthShrugLower": 0.06, "mouthPucker": 0.03}


def captured_channels(weights: NDArray[np.float32], names: list[str]) -> NDArray[np.float32]:
    """Rig channels (T, C) of a captured take's weights (T, 116), whose columns are named.

    Channels that takes do not capture (bite, tongue) are NaN: losses mask them.
    """
    column = {name: i for i, name in enumerate(names)}
    unknown = np.full(len(weights), np.nan, np.float32)
    groups = [[column[name] for name in captured] for captured, _ in CHANNELS.values()]
    return np.stack([weights[:, group].mean(axis=1) if group else unknown for group in groups], axis=1)


def rig_shapes() -> NDArray[np.float32]:
    """The rig as amounts of the head's 52 ARKit shapes, then of its tongue shapes: (C, 55)."""
    table = np.zeros((len(CHANNELS), len(SHAPE_NAMES)), np.float32)
    for row, (_, shapes) in enumerate(CHANNELS.values()):
        for name, amount in shapes.items():
            table[row, SHAPE_NAMES.index(name)] += amount
            table[row, SHAPE_NAMES.index("mouthClose")] += amount * PRESSED.get(name, 0.0)
    return table


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
