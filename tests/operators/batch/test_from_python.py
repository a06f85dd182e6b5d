"""The code in docs/pipeline.md, run as it stands: it gives what the command writes."""

import re

import numpy as np
import pytest
from duet.operators.batch import cli
from duet.tests.blender_fakes import write_wav
from duet.tests.places import ROOT

pytestmark = pytest.mark.slow
EMOTIONS = ("--emotion-track", "happy=0.6;sad@2")


def test_the_code_in_the_docs_gives_what_the_command_writes(tmp_path, monkeypatch, recording):
    of_a_file, from_sound = re.findall(r"```python\n(.+?)```", (ROOT / "docs/pipeline.md").read_text(), re.DOTALL)
    write_wav(tmp_path / "line.wav", recording[:48000])
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    for life in ("1", "0"):
        assert cli.main(["generate", "line.wav", "-o", "line.npz", *EMOTIONS, "--vertices", "--brows", life]) == 0
        written = np.load("line.npz")
        if life == "1":
            exec(from_sound, found)
            for name in ("speech_weights", "emotion_curves", "arkit", "vertices"):
                np.testing.assert_allclose(getattr(found["done"], name), written[name], atol=1e-6)
        else:
            exec(of_a_file, found)
            np.testing.assert_allclose(found["vertices"], written["vertices"], atol=1e-6)
