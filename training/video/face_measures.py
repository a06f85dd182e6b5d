"""What a mouth does, in mm: the same few measures of tracked landmarks and of the Duet head.

Every measure is linear in the points, so on the head it is linear in the rig's channels: all that training and fitting
know of a head is `rig_measures`.
"""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Floats
from ...inference.head.canonical import Head
from .tracks import Clip

# Heights are along the face's own vertical; rises and the drop are against the tip of the nose.
MEASURES = ("gap", "width", "upper_lip", "lower_lip", "chin_drop", "upper_rise", "corner_rise")
SHOWN = (*MEASURES, "protrusion")  # what the rig is known by; pictures from the front do not show the last
COMPARED = MEASURES[:5]  # those that evaluation reports

_UPPER, _LOWER = (82, 13, 312), (87, 14, 317)
_CORNERS = (61, 291)
_INNER_UPPER, _INNER_LOWER, _OUTER_UPPER, _OUTER_LOWER, _CHIN, _NOSE_TIP = 13, 14, 0, 17, 152, 1


def clip_measures(clip: Clip) -> Floats:
    """MEASURES (T, 7) in mm of a clip's points, not yet against a neutral."""
    upper, lower, corners = clip.at(_UPPER), clip.at(_LOWER), clip.at(_CORNERS)
    heights = clip.at((_INNER_UPPER, _INNER_LOWER, _OUTER_UPPER, _OUTER_LOWER, _CHIN, _NOSE_TIP))[:, :, 1]  # y is down
    inner_upper, inner_lower, outer_upper, outer_lower, chin, nose = heights.T
    columns = (
        (lower[:, :, 1] - upper[:, :, 1]).mean(axis=1),
        corners[:, 1, 0] - corners[:, 0, 0],
        inner_upper - outer_upper,
        outer_lower - inner_lower,
        chin - nose,
        nose - inner_upper,
        nose - corners[:, :, 1].mean(axis=1),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def rig_measures(head: Head, shapes: Floats) -> Floats:
    """SHOWN (8, K) in mm of each of K blendshapes (K, V, 3) in metres at weight 1, on the Duet head."""
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    middle = slice(len(upper) // 3, len(upper) - len(upper) // 3)
    right, left = head.regions["mouth_corners"]
    chin, outer_upper, outer_lower, inner_upper, inner_lower = head.landmarks[[8, 51, 57, 62, 66]]
    up, side = shapes[:, :, 2], shapes[:, :, 0]
    rows = (
        (up[:, upper[middle]] - up[:, lower[middle]]).mean(axis=1),
        side[:, left] - side[:, right],
        up[:, outer_upper] - up[:, inner_upper],
        up[:, inner_lower] - up[:, outer_lower],
        -up[:, chin],
        up[:, inner_upper],
        (up[:, right] + up[:, left]) / 2,
        -(shapes[:, outer_upper, 1] + shapes[:, outer_lower, 1]) / 2,
    )
    return (1000 * np.stack(rows)).astype(np.float32)
