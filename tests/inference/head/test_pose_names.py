"""Poses by their names, in the words of many makers; and none that others make up."""

import pytest
from duet.inference.errors import RequestError
from duet.inference.head.pose_names import independent, is_rest, parse, recognise, written

pytestmark = pytest.mark.embedded

NAMES = {
    "jawOpen": ("jaw open", "Jaw_Open", "jawOpen", "MouthOpen", "face_01_jaw_open"),
    "mouthPucker": ("lips round", "Lips Round", "pucker"),
    "eyeBlinkLeft": ("blink left", "Blink.L", "eye_close.L", "wink_L", "ウィンク"),
    "eyeBlink*": ("blink", "eyes_closed", "まばたき"),
    "mouthSmileRight": ("smile right", "Smile.R", "mouth_smile_R", "corner up R"),
    "browDown*": ("brows down", "browsDown", "怒り"),
    "eyeLookOutLeft + eyeLookInRight": ("look left", "eyes look left"),
    "jawOpen=0.6": ("vrc.v_aa", "viseme_aa", "A", "AI", "あ"),
    "mouthPucker=0.9 + mouthFunnel=0.45": ("v_ou", "U", "WQ", "う"),
    "mouthPress*=0.7 + mouthRollLower=0.2": ("viseme_PP", "MBP"),
    "": ("Walk Cycle", "Fist", "Hand Open", "door_open.L", "hand left", "Action.001", "L"),
}


def test_names_are_faces():
    for face, names in NAMES.items():
        assert {name: written(recognise(name)) for name in names} == dict.fromkeys(names, face)
    assert all(map(is_rest, ("Rest", "neutral pose", "vrc.v_sil", "Basis")))
    assert not is_rest("restless")


def test_recipes_are_read_as_they_are_written():
    recipe = {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5, "jawOpen": 1.0}
    assert parse(written(recipe)) == recipe
    for wrong in ("jawUp", "jawOpen=0", "jawOpen=9", "", "jawOpen +", "jawOpen*"):
        with pytest.raises(RequestError, match="no shape of ARKit's"):
            parse(wrong)


def test_one_shape_is_made_by_one_pose():
    names = ("smile", "Smile.L", "Smile.R", "aa", "jaw open", "oh", "jawOpen.001")
    assert independent({name: recognise(name) for name in names}) == ["Smile.L", "Smile.R", "jaw open", "oh"]
    assert "aa" in independent({name: recognise(name) for name in names}, ["aa"])
