"""The speech model on the captured take that it never saw, through the same pipeline that users run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference.head import load_head
from ..inference.pipeline import Pipeline
from ..inference.windows import FRAME_RATE
from .captured import FPS, TEST_TAKE, CapturedTake, load_captured
from .features import WEIGHTS
from .measures import jitter, lag, lip_vertex_error, pearson
from .speech_rig import CHANNEL_NAMES, rig_deltas

LIPS = ("outer_lips", "inner_lip_upper", "inner_lip_lower", "mouth_corners")


def predicted_channels(pipeline: Pipeline, take: CapturedTake) -> NDArray[np.float32]:
    """Rig channels (T, C) at the capture's own times."""
    channels = pipeline.speech_channels(take.samples, "captured", lambda *_: None)
    at = np.arange(len(channels)) / FRAME_RATE
    return np.stack([np.interp(take.times, at, column) for column in channels.T], axis=1).astype(np.float32)


def evaluate_speech(name: str = TEST_TAKE) -> list[str]:
    """Lines of Markdown for the model card."""
    take, pipeline, head = load_captured(name), Pipeline(WEIGHTS, "numpy"), load_head()
    predicted = predicted_channels(pipeline, take)
    lips = np.unique(np.concatenate([head.regions[region] for region in LIPS]))
    rig = rig_deltas(head)[:, lips].reshape(len(CHANNEL_NAMES), -1)
    faces = [(channels @ rig).reshape(len(channels), -1, 3) for channels in (predicted, take.channels)]
    still = np.broadcast_to(faces[1].mean(axis=0), faces[1].shape)
    moving = take.channels.std(axis=0) > 0.005
    r, shake = pearson(predicted, take.channels), jitter(predicted, FPS) / np.maximum(jitter(take.channels, FPS), 1e-9)
    rows = [
        f"| {channel} | {r[i]:.2f} | {1000 * lag(predicted[:, i], take.channels[:, i], FPS):+.0f} | {shake[i]:.2f} |"
        for i, channel in enumerate(CHANNEL_NAMES)
        if moving[i]
    ]
    return [
        f"LVE {lip_vertex_error(*faces):.2f} mm² (a mouth held at its mean: {lip_vertex_error(still, faces[1]):.2f}).",
        "",
        "| channel | Pearson r | late by (ms) | jitter, times the capture's |",
        "| --- | --- | --- | --- |",
        *rows,
    ]


def main() -> None:
    """Print the table."""
    print("\n".join(evaluate_speech()))


if __name__ == "__main__":
    main()
