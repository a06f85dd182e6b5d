"""Speaking styles are chosen by name: the two that are shipped, and a person's own from their training."""

import json

import numpy as np
from duet.inference.checkpoints import save_checkpoint
from duet.inference.styles import style_names
from duet.inference.take import STYLES
from duet.scene.take import styles


def test_the_own_manner_of_somebody_comes_after_the_shipped_styles(tmp_path, monkeypatch):
    path = tmp_path / "speech.safetensors"
    save_checkpoint(path, {"x": np.zeros(1, np.float32)}, {"styles": json.dumps([*STYLES, "mia", "otto"])})
    assert style_names() == STYLES
    assert style_names(path) == (*STYLES, "mia", "otto")
    monkeypatch.setattr(styles, "style_names", lambda: style_names(path))
    items = styles.style_items()
    assert [name for name, *_ in items] == [*STYLES, "mia", "otto"]
    assert [number for *_, number in items[:2]] == [0, 1], "as in the files that there are"
    save_checkpoint(path, {"x": np.zeros(1, np.float32)}, {"styles": json.dumps([*STYLES, "otto"])})
    style_names.cache_clear()
    assert styles.style_items()[2] == items[3], "whoever else is there"


def test_without_a_speech_model_the_shipped_styles_remain(tmp_path, monkeypatch):
    monkeypatch.setattr(styles, "style_names", lambda: style_names(tmp_path / "nothing"))
    assert [name for name, *_ in styles.style_items()] == list(STYLES)
