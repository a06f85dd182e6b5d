"""ARKit's shapes under the names that rigs, exporters and character generators give them."""

import pytest
from duet.inference.head.arkit_names import match_keys, recognise, words
from duet.inference.head.canonical import ARKIT_NAMES

pytestmark = pytest.mark.embedded


def snake(name):
    return "_".join(words(name))


def short_side(name, mark="_"):
    for side in ("Left", "Right"):
        if name.endswith(side):
            return name[: -len(side)] + mark + side[0]
    return name


SPELLINGS = {
    "ARKit, Ready Player Me": lambda name: name,
    "VRM perfect sync": lambda name: name[0].upper() + name[1:],
    "snake case": snake,
    "capitals": lambda name: snake(name).upper(),
    "sides _L and _R": short_side,
    "sides .L and .R": lambda name: short_side(name, "."),
    "sides L and R": lambda name: short_side(name, ""),
    "snake case with l and r": lambda name: snake(name).replace("_left", "_l").replace("_right", "_r"),
    "no case": str.lower,
    "spaces": lambda name: snake(name).replace("_", " ").title(),
    "MPFB": lambda name: f"!ex-{name}",
    "Maya": lambda name: f"blendShape1.{name}",
    "Maya, short sides": lambda name: f"blendShape2.{short_side(name)}",
    "FBX node": lambda name: f"head_GEO|{name}",
    "name space": lambda name: f"rig:face:{name}",
    "prefix": lambda name: f"ARKit_{name}",
    "Blender's number": lambda name: f"{name}.001",
    "Character Creator ExPlus": lambda name: f"A{ARKIT_NAMES.index(name) + 1:02}_{snake(name).title()}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_52_are_found_in_every_spelling(spelling):
    keys = ["Basis", *(SPELLINGS[spelling](name) for name in ARKIT_NAMES), "Speech 01 jaw open", "viseme_aa"]
    assert match_keys(keys) == {name: (SPELLINGS[spelling](name),) for name in ARKIT_NAMES}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Brow_Raise_Inner_L", "browInnerUp"),
        ("Brow_Drop_R", "browDownRight"),
        ("Brow_Raise_Outer_L", "browOuterUpLeft"),
        ("Eye_L_Look_L", "eyeLookOutLeft"),
        ("Eye_L_Look_R", "eyeLookInLeft"),
        ("Eye_R_Look_L", "eyeLookInRight"),
        ("Eye_R_Look_Up", "eyeLookUpRight"),
        ("Cheek_Raise_R", "cheekSquintRight"),
        ("Mouth_Up_Upper_L", "mouthUpperUpLeft"),
        ("Mouth_Down_Lower_R", "mouthLowerDownRight"),
        ("Mouth_L", "mouthLeft"),
        ("Jaw_R", "jawRight"),
        ("Fcl_EYE_Close_L", "eyeBlinkLeft"),
        ("Fcl_MTH_A", "jawOpen"),
        ("Blink_R", "eyeBlinkRight"),
        ("leftEyeBlink", "eyeBlinkLeft"),
        ("CC_Base_Body.A25_Jaw_Open", "jawOpen"),
    ],
)
def test_names_of_character_creator_and_vrm(key, name):
    assert recognise(key)[0] == name


@pytest.mark.parametrize(
    "key",
    ["Basis", "Key 12", "Speech 01 jaw open", "Corrective_jawOpen_mouthFunnel", "Fcl_ALL_Joy", "Exp12", ""],
)
def test_other_keys_are_not_taken(key):
    assert recognise(key) is None


def test_halves_belong_together():
    keys = [f"Mouth_Pucker_{way}_{side}" for way in ("Up", "Down") for side in "LR"]
    assert match_keys([*keys, "Cheek_Puff_L", "Cheek_Puff_R"]) == {
        "mouthPucker": tuple(sorted(keys)),
        "cheekPuff": ("Cheek_Puff_L", "Cheek_Puff_R"),
    }


def test_the_plainest_name_wins():
    assert match_keys(["old_jawOpen", "jawOpen", "!ex-jawOpen"]) == {"jawOpen": ("jawOpen",)}
    assert match_keys(["jawOpen", "jaw_open"]) == {"jawOpen": ("jawOpen",)}


def test_one_key_for_both_sides_serves_where_nothing_better_is():
    assert match_keys(["eyesClosed", "mouthOpen", "mouthSmile"]) == {
        "eyeBlinkLeft": ("eyesClosed",),
        "eyeBlinkRight": ("eyesClosed",),
        "jawOpen": ("mouthOpen",),
        "mouthSmileLeft": ("mouthSmile",),
        "mouthSmileRight": ("mouthSmile",),
    }
    assert match_keys(["eyesClosed", "eyeBlink_L"])["eyeBlinkLeft"] == ("eyeBlink_L",)


def test_corrections_by_hand_win():
    keys = ["jawOpen", "Mund auf", "mouthLeft"]
    assert match_keys(keys, {"jawOpen": "Mund auf", "mouthLeft": ""}) == {"jawOpen": ("Mund auf",)}
    assert match_keys(keys, {"jawOpen": "no such key"})["jawOpen"] == ("jawOpen",)
