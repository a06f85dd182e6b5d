"""What expressions and correctives are held to: lips that stay together, lids that go around the eye, even folds."""

import numpy as np
import pytest
from duet.inference.head.correctives import Corrective, values_of
from duet.training.evaluation.lip_gaps import LipGaps
from duet.training.evaluation.sound_measures import SoundMeasures
from duet.training.fusion.fold_ease import FoldEase
from duet.training.fusion.lid_correctives import lid_correctives
from duet.training.fusion.lid_ease import LidEase
from duet.training.fusion.lip_correctives import lip_correctives
from duet.training.fusion.lip_overlap import LipOverlap
from duet.training.fusion.lip_seal import LipSeal
from duet.training.speech_rig import SPEECH_KEYS, key_deltas

pytestmark = pytest.mark.slow


def test_sealed_lips_part_nowhere_and_keep_the_rest(head):
    seal, gaps = LipSeal(head), LipGaps(head)
    posed = [{"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, {"noseSneerLeft": 1.0, "mouthUpperUpLeft": 1.0}]
    fields = np.stack([head.pose(pose) - head.vertices for pose in posed])
    found = seal.sealed(fields)
    assert gaps.added(head.vertices[None], fields[1:]) > 2
    assert gaps.added(head.vertices[None], found).max() < 0.05
    upper, lower = (head.regions[f"inner_lip_{side}"] for side in ("upper", "lower"))
    middle = [lip[np.abs(head.vertices[lip, 0]).argmin()] for lip in (upper, lower)]
    assert (found[0, middle, 1] < fields[0, middle, 1].max() + 0.001).all(), "a smile takes the mouth back no further"
    away = head.regions["brows"]
    np.testing.assert_allclose(found[:, away], fields[:, away], atol=2e-5)
    corners = head.regions["mouth_corners"]
    assert np.linalg.norm(found[0, corners] - fields[0, corners], axis=1).max() < 0.2 * np.linalg.norm(
        fields[0, corners]
    )


def test_a_jaw_that_drops_is_speechs(head):
    seal = LipSeal(head)
    drop, forward = (head.arkit[head.arkit_names.index(name)] for name in ("jawOpen", "jawForward"))
    np.testing.assert_allclose(seal.jaw_drop(np.stack([0.4 * drop, forward])), [0.4, 0.0], atol=0.01)
    assert 1000 * np.linalg.norm(seal.sealed(drop[None])[0], axis=1).max() < 0.1


def test_the_gap_is_the_distance_to_the_other_lips_surface(head):
    gaps = LipGaps(head)
    lower = np.zeros_like(head.vertices)
    lower[np.unique(head.triangles[np.isin(head.triangles, head.regions["inner_lip_lower"]).any(axis=1)]), 2] = -0.002
    lower[head.regions["inner_lip_upper"]] = 0.0
    assert gaps.of(head.vertices).max() < 0.6
    assert 1.0 < gaps.added(head.vertices[None], lower[None]) < 2.1


def test_lips_that_are_rolled_in_stay_together_too(head):
    """Where they meet when they are closed as speech closes them, which is not where they meet at rest."""
    rolled = head.pose({"mouthRollUpper": 0.22, "mouthRollLower": 0.22, "mouthClose": 0.024})
    field = head.pose({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "mouthUpperUpLeft": 0.3}) - head.vertices
    gaps, found = LipGaps(head), LipSeal(head).sealed(field[None])
    assert gaps.added(rolled[None], field[None]) > 0.5
    assert gaps.added(rolled[None], found) < 0.05


def test_lids_go_round_the_eye(head):
    ease, left = LidEase(head), head.joints[head.bones.index("left_eye")]
    half = 0.5 * (head.pose({"eyeBlinkLeft": 1.0}) - head.vertices)
    lids = head.regions["eyelids"]
    upper = lids[(head.vertices[lids, 0] > 0) & (half[lids, 2] < -0.001)]
    lowest = upper[half[upper, 2].argmin()]
    out = [np.linalg.norm(head.vertices[lowest] + field[lowest] - left) for field in (half, ease.eased(half[None])[0])]
    assert 1000 * (out[1] - out[0]) == pytest.approx(-140 * half[lowest, 2], rel=0.1)
    rise = np.zeros((1, *head.vertices.shape), np.float32)
    low = lids[head.vertices[lids, 2].argmin()]
    rise[0, low, 2] = 0.001
    own = head.joints[head.bones.index("left_eye" if head.vertices[low, 0] > 0 else "right_eye")]
    out = [np.linalg.norm(head.vertices[low] + field[low] - own) for field in (rise[0], ease.eased(rise)[0])]
    assert 0.05 < 1000 * (out[1] - out[0]) < 0.12, "a lower lid goes out as it rises"
    wide, corner = (head.pose({"eyeWideLeft": 1.0}) - head.vertices)[None], head.landmarks[45]
    np.testing.assert_allclose(ease.eased(wide)[0, corner], wide[0, corner], atol=1e-6)


def test_folds_are_evened_out_where_shapes_pass_each_other(head):
    ease = FoldEase(head)
    rough = np.zeros((1, *head.vertices.shape), np.float32)
    eases = np.unique(np.concatenate([part[0] for part in ease.parts]))
    rough[0, eases[::2], 1] = 0.001
    smooth = ease.eased(rough)[0]
    assert smooth[eases, 1].std() < 0.6 * rough[0, eases, 1].std()
    lips = np.concatenate([head.regions[f"inner_lip_{side}"] for side in ("upper", "lower")])
    assert not np.isin(lips, eases).any(), "what is sealed stays as it is"


def test_a_half_shut_lid_goes_around_the_eye(head):
    measures = SoundMeasures(head)
    for name, delta in lid_correctives(head).items():
        shut = head.pose({name: 1.0}) - head.vertices
        deep = [measures.flaws(head.vertices + 0.5 * shut + amount * delta).lids for amount in (0.0, 0.25)]
        assert deep[0] > 0.5
        assert deep[1] < 0.1


def test_lips_that_are_rolled_and_held_together_do_not_pass_each_other(head):
    found = lip_correctives(head)
    assert 3 <= len(found) <= 8
    assert all({pair.first, pair.second} <= set(SPEECH_KEYS) for pair in found)
    opened = {"jaw open", "lips funnel", "lower lip down", "upper lip up"}  # what emotions open by keys of their own
    assert not opened & {key for pair in found for key in (pair.first, pair.second)}
    overlap, keys = LipOverlap(head), key_deltas(head)
    said = {"lips round": 0.27, "lips funnel": 0.08, "lips press": 0.21}
    said |= {"lips together": 0.22, "lower lip in": 0.07, "upper lip in": 0.15}
    face = head.vertices + sum(amount * keys[tuple(SPEECH_KEYS).index(name)] for name, amount in said.items())
    names = tuple(f"Speech {key}" for key in said)
    followers = [Corrective("", f"Speech {pair.first}", f"Speech {pair.second}") for pair in found]
    values = values_of(followers, names, np.array([list(said.values())], np.float32))[0]
    corrected = face + np.tensordot(values, np.stack([pair.delta for pair in found]), axes=1)
    before, after = (overlap.deepest(each.astype(np.float64)) for each in (face, corrected))
    assert before > 0.0003
    assert after < 0.4 * before
    mixed = head.vertices + sum(pair.delta for pair in found)
    assert LipGaps(head).of(mixed).max() > 0.5, "it parts the lips"
