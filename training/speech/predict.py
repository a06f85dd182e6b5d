"""What a speech model says of a recording, window by window as in inference."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...inference.engine.windows import Window, join, windows


def predict(model: nn.Module, features: NDArray[np.float16], style: int) -> NDArray[np.float32]:
    """Rig channels (T, C) of features (T, layers, width) in a style."""
    training = model.training
    model.eval()
    count = len(features)

    def channels(window: Window) -> NDArray[np.float32]:
        part = torch.from_numpy(np.asarray(features[window.start : window.stop], np.float32))[None]
        with torch.no_grad():
            return model(part, torch.tensor([style]))[0].numpy()

    result = join(((w, channels(w)) for w in windows(count)), count)
    model.train(training)
    return result
