"""Names of blendshapes say what moves."""

import numpy as np
import pytest
from duet.inference.head.arkit_names import match_keys
from duet.training.fusion.key_names import described, movements, seen
from duet.training.fusion.lip_seal import LipSeal
from duet.training.mouth import LIPS, vertices_of
from duet.training.speech_rig import SPEECH_KEYS, key_deltas

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("pose", "name", "sign"),
    [
        ({"browOuterUpLeft": 1, "browOuterUpRight": 1}, "outer brows up", 1),
        ({"mouthSmileLeft": -1}, "smile left", -1),
        ({"browDownLeft": 1, "browDownRight": -1}, "brow down L-R", 1),
        ({"jawOpen": 0.05, "cheekPuff": 1.0}, "cheeks puffed", 1),
        ({"eyeBlinkLeft": 1, "eyeBlinkRight": 1, "cheekPuff": -0.25}, "eyes shut less cheeks puffed", 1),
    ],
)
def test_names_say_what_moves(head, pose, name, sign):
    known = movements(head, np.concatenate([head.arkit, head.extra]))
    assert described((head.pose(pose) - head.vertices)[seen(head)], *known) == (name, sign)


def test_nothing_is_named_after_what_sealing_takes_away(head):
    whole = np.concatenate([head.arkit, head.extra])
    names, _ = movements(head, LipSeal(head).sealed(whole))
    assert not {"jaw open", "tongue up"} & set(names), "nor after what is not seen"
    assert {"smile", "inner brows up", "eyes shut"} <= set(names)


def test_a_key_does_one_thing_and_is_no_arkit_key(head):
    assert all("Speech" not in key and key == key.lower() for key in SPEECH_KEYS)
    assert not set(match_keys([f"Speech {key}" for key in SPEECH_KEYS]))
    lips = vertices_of(head, LIPS)
    moved = np.linalg.norm(key_deltas(head)[:, lips], axis=-1).max(axis=1) * 1000
    tongue = np.array([key.startswith("tongue") for key in SPEECH_KEYS])
    assert moved[tongue].max() < 0.1 < 2 < moved[~tongue].min()
