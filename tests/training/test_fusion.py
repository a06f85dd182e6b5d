"""The fusion module: its losses, what it is held to, its sets, and the names of its blendshapes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from duet.inference.audio.prosody import accents
from duet.inference.engine.fusion_numpy import FusionDims, FusionEncoderNumpy
from duet.inference.engine.fusion_torch import FusionEncoder
from duet.inference.head.arkit_names import match_keys
from duet.inference.head.canonical import load_head
from duet.training.data.animated import TRAINING_TAKES, AnimatedTake, data_folder, load_animated
from duet.training.data.expression_times import at, shares
from duet.training.evaluation import ablations
from duet.training.evaluation.fusion_measures import (
    Decoded,
    Figures,
    Spoken,
    figures,
    file_order_grid,
    wanted_emotions,
)
from duet.training.evaluation.lip_gaps import LipGaps
from duet.training.evaluation.sound_measures import SoundMeasures
from duet.training.fusion import knee
from duet.training.fusion.deformation_space import MILLIMETRE, coefficients_of, deformation_space
from duet.training.fusion.examples import SHAPES, FusionSet
from duet.training.fusion.fold_ease import FoldEase
from duet.training.fusion.grid_mapping import head_grid
from duet.training.fusion.key_names import described, movements, seen
from duet.training.fusion.lid_correctives import lid_correctives
from duet.training.fusion.lid_ease import LidEase
from duet.training.fusion.lip_correctives import lip_correctives
from duet.training.fusion.lip_overlap import LipOverlap
from duet.training.fusion.lip_seal import LipSeal
from duet.training.fusion.module import UNIT_LENGTH, FusionModule, Maps
from duet.training.fusion.readable_basis import make_readable
from duet.training.fusion.start import start
from duet.training.fusion.train import Options, new_module, step_loss
from duet.training.mouth import LIPS, vertices_of
from duet.training.speech_rig import (
    CHANNEL_NAMES,
    SPEECH_KEYS,
    key_deltas,
    key_shapes,
    rig_amounts,
    rig_deltas,
    rig_shapes,
)

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

SIDE = 16


@pytest.fixture(scope="module")
def head():
    return load_head()


def voice(seconds=4.0, stressed=2.0):
    """A voice of 120 Hz that is louder and higher around one moment."""
    time = np.arange(int(16_000 * seconds)) / 16_000
    stress = np.exp(-(((time - stressed) / 0.12) ** 2))
    phase = 2 * np.pi * np.cumsum(120 * (1 + 0.4 * stress)) / 16_000
    return (0.1 * (1 + 2 * stress) * sum(np.sin(k * phase) / k for k in range(1, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def take():
    """Every channel of the rig that is animated moves by itself."""
    rng = np.random.default_rng(3)
    channels = (rng.random((120, len(CHANNEL_NAMES))) * (rng.random((120, len(CHANNEL_NAMES))) < 0.4)).astype(
        np.float32
    )
    channels[:, CHANNEL_NAMES.index("bite") :] = np.nan
    return AnimatedTake("made", voice(), channels.astype(np.float32), (np.arange(120) + 0.5) / 30)


@pytest.fixture(scope="module")
def space(head):
    """The head's space on an image small enough for a test."""
    scales = np.random.default_rng(0).uniform(0.8, 1.2, (2, 1)).astype(np.float32)
    shapes = np.concatenate([head.arkit, head.extra])
    grid = file_order_grid(head, 48)
    return deformation_space(head, shapes, np.broadcast_to(scales, (2, len(head.vertices))), grid)


@pytest.fixture(scope="module")
def data(take):
    return FusionSet(0, [take])


# The module


def small_module(keys, maps=None):
    """Of as many components as `keys` (Ks, D) has columns, with two expression blendshapes on an image of SIDE."""
    count = keys.shape[1]
    nothing = torch.zeros(count, SIDE * SIDE * 3)
    maps = maps or Maps(nothing, nothing, torch.eye(count), torch.eye(count))
    return FusionModule(FusionDims(len(keys), 2, SIDE, (2, 2)), keys, maps)


def test_blendshapes_cannot_buy_small_weights_with_length():
    module = small_module(torch.tensor([[3.0, 4.0], [0.0, 0.1]]))
    np.testing.assert_allclose(module.bases().detach().norm(dim=1), UNIT_LENGTH, rtol=1e-6)


def test_fusion_loss_counts_what_it_says():
    """With encoders that answer zero, the loss is the reconstruction error and the roughness alone."""
    module = small_module(torch.eye(2, 3))
    with torch.no_grad():
        for encoder in (module.speech_encoder, module.expression_encoder):
            encoder.out.weight.zero_()
            encoder.skip.weight.zero_()
    target = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 5.0]])
    options = Options()
    expected = 25.0 / 5000 + options.smoothness * UNIT_LENGTH**2
    assert step_loss(module, target, options).item() == pytest.approx(expected, rel=1e-5)


def test_sparsity_counts_the_other_domains_weights_alone():
    module = small_module(torch.eye(2, 3))
    weights = torch.tensor([[1.0, -1.0], [3.0, 0.0]]), torch.tensor([[0.0, 6.0], [9.0, 9.0]])
    module.forward = lambda images: weights
    target = torch.zeros(2, 3)
    without, with_ = (step_loss(module, target, Options(sparsity=value)) for value in (0.0, 0.5))
    assert (with_ - without).item() == pytest.approx(0.5 * (6 / 2 + 3 / 2), rel=1e-4)


def test_both_engines_look_at_what_the_reading_missed():
    torch.manual_seed(0)
    dims = FusionDims(speech=3, expression=2, side=SIDE, widths=(4, 5))
    encoder = FusionEncoder(dims, 3).eval()
    encoder.known.copy_(torch.randn_like(encoder.known))
    numpy_one = FusionEncoderNumpy({k: v.numpy() for k, v in encoder.state_dict().items()}, dims)
    images = np.random.default_rng(0).normal(0, 1, (5, SIDE, SIDE, 3)).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(encoder(torch.from_numpy(images)).numpy(), numpy_one(images), atol=2e-3)
        exact = torch.linalg.pinv(encoder.known)
        encoder.skip.weight.copy_(exact.T)
        spanned = torch.tensor([[0.5, -1.0, 2.0]])
        image = (spanned @ encoder.known).view(1, *dims.shape)
        np.testing.assert_allclose(encoder(image), spanned, atol=1e-4)  # its CNN sees nothing


@pytest.fixture(scope="module")
def settled(head, data, space):
    """A module that has been shaken since its start, and settled."""
    torch.manual_seed(0)
    keys = torch.from_numpy(key_shapes() @ space.people[0])
    module = FusionModule(FusionDims(len(keys), expression=20, side=48, widths=(4, 6)), keys, Maps.of(space))
    start(module, data, space)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.02 * parameter.abs().mean() * torch.randn_like(parameter))
    module.settle(torch.from_numpy(file_order_grid(head, 48).image(key_deltas(head)).reshape(len(keys), -1)))
    return module


def weights_of(module, images, domain):
    with torch.no_grad():
        return getattr(module, f"{domain}_encoder")(torch.from_numpy(images).view(-1, *module.dims.shape)).numpy()


def test_neutral_speech_passes_unchanged(settled, data, space):
    frames = data.neutral(40) @ space.people[0]
    found = weights_of(settled, frames @ space.images, "speech") @ settled.speech_basis.numpy()
    off = np.linalg.norm((found - frames) @ space.components.reshape(len(space.components), -1), axis=1)
    assert np.linalg.norm(frames, axis=1).max() > 30
    assert off.max() < 0.5, "mm over all vertices together"


def test_no_expression_parts_the_lips(settled, data, space, head):
    surprised = data.coefficients(data.expressions(6), space, expressions=True)
    weights = weights_of(settled, surprised @ space.images, "expression")
    with torch.no_grad():
        fields = (weights @ settled.unsealed_basis().numpy()) @ space.sealed.components.reshape(
            len(space.people[0, 0]), -1
        )
    gaps = LipGaps(head)
    added = [gaps.added(head.vertices[None], MILLIMETRE * field.reshape(-1, 3)) for field in fields]
    assert max(added) < 0.05
    assert np.linalg.norm(fields, axis=1).max() > 100


def test_without_the_bound_lips_may_part(space):
    free = space.unsealed()
    assert free.sealed.components is space.components
    np.testing.assert_array_equal(free.sealed.coefficients, np.eye(len(space.components)))


def test_making_it_readable_changes_no_face(settled, data, space, head):
    frames = data.neutral(10) @ space.people[0]
    with torch.no_grad():
        kept = {name: value.clone() for name, value in settled.state_dict().items()}
        readable = make_readable(settled, data, space, head)
        speech, expression = (weights_of(settled, frames @ space.images, domain) for domain in ("speech", "expression"))
        settled.load_state_dict(kept)
    before = frames @ space.components.reshape(len(space.components), -1)
    assert np.abs(1000 * speech @ readable.speech.reshape(len(readable.speech), -1) - before).max() < 0.01
    with torch.no_grad():
        shapes = settled.unsealed_basis().numpy() @ space.sealed.components.reshape(len(space.components), -1)
    before = weights_of(settled, frames @ space.images, "expression") @ shapes
    assert np.abs(1000 * expression @ readable.expression.reshape(len(shapes), -1) - before).max() < 0.01
    assert readable.speech_names == tuple(f"Speech {key}" for key in SPEECH_KEYS)
    assert len({*readable.speech_names, *readable.expression_names, *head.arkit_names}) == len(SPEECH_KEYS) + 20 + 52


def test_the_cnns_alone_see_the_whole_image_and_keep_it_so(data, space):
    """What the ablations train where the linear reading is left out."""
    keys = torch.from_numpy(key_shapes() @ space.people[0])
    module = FusionModule(FusionDims(len(keys), 20, 48, (4, 6)), keys, Maps.of(space))
    module.leave_out_reading()
    images = torch.from_numpy(data.neutral(3) @ space.people[0] @ space.images)
    with torch.no_grad():
        before = module(images)
        module.speech_basis = 2 * module.speech_basis  # what is known of the blendshapes makes no difference
        after = module(images)
    assert before[0].abs().max() > 0
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


# What expressions are held to


def test_sealed_lips_part_nowhere_and_keep_the_rest(head):
    seal, gaps = LipSeal(head), LipGaps(head)
    posed = [{"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, {"noseSneerLeft": 1.0, "mouthUpperUpLeft": 1.0}]
    fields = np.stack([head.pose(pose) - head.vertices for pose in posed])
    found = seal.sealed(fields)
    assert gaps.added(head.vertices[None], fields[1]) > 2
    assert max(gaps.added(head.vertices[None], field) for field in found) < 0.05
    away = head.regions["upper_face"]
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
    assert 1.0 < gaps.added(head.vertices[None], lower) < 2.1


def test_lips_that_are_rolled_in_stay_together_too(head):
    """Where they meet when they are closed as speech closes them, which is not where they meet at rest."""
    rolled = head.pose({"mouthRollUpper": 0.22, "mouthRollLower": 0.22, "mouthClose": 0.024})
    field = head.pose({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "mouthUpperUpLeft": 0.3}) - head.vertices
    gaps, found = LipGaps(head), LipSeal(head).sealed(field[None])[0]
    assert gaps.added(rolled[None], field) > 0.5
    assert gaps.added(rolled[None], found) < 0.1


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


def test_folds_are_evened_out_where_shapes_pass_each_other(head):
    ease = FoldEase(head)
    rough = np.zeros((1, *head.vertices.shape), np.float32)
    rough[0, ease.eases[::2], 1] = 0.001
    smooth = ease.eased(rough)[0]
    assert smooth[ease.eases, 1].std() < 0.6 * rough[0, ease.eases, 1].std()
    lips = np.concatenate([head.regions[f"inner_lip_{side}"] for side in ("upper", "lower")])
    assert not np.isin(lips, ease.eases).any(), "what is sealed stays as it is"


# Correctives


def test_a_half_shut_lid_goes_around_the_eye(head):
    measures = SoundMeasures(head)
    for name, delta in lid_correctives(head).items():
        shut = head.pose({name: 1.0}) - head.vertices
        deep = [measures.flaws(head.vertices + 0.5 * shut + amount * delta).lids for amount in (0.0, 0.25)]
        assert deep[0] > 0.5
        assert deep[1] < 0.1


def test_lips_that_are_pressed_and_held_together_do_not_pass_each_other(head):
    found = lip_correctives(head)
    assert 3 <= len(found) <= 8
    assert all({pair.first, pair.second} <= set(SPEECH_KEYS) for pair in found)
    opened = {"jaw open", "lips funnel", "lower lip down", "upper lip up"}  # what emotions open by keys of their own
    assert not opened & {key for pair in found for key in (pair.first, pair.second)}
    overlap, keys = LipOverlap(head), key_deltas(head)
    said = {"lips press": 0.3, "lips together": 0.22, "lips round": 0.21, "upper lip in": 0.09}
    face = head.vertices + sum(amount * keys[tuple(SPEECH_KEYS).index(name)] for name, amount in said.items())
    corrected = face + sum(said.get(pair.first, 0) * said.get(pair.second, 0) * pair.delta for pair in found)
    before, after = (overlap.deepest(each.astype(np.float64)) for each in (face, corrected))
    assert before > 0.0003
    assert after < 0.8 * before
    mixed = head.vertices + found[0].delta
    assert LipGaps(head).of(mixed).max() > 0.5, "it parts the lips"


# Names


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


# The sets


def test_expressions_come_from_neutral_to_the_apex_and_go_back():
    time, onset, release = np.linspace(0, 1, 101), np.array(0.2), np.array(0.4)
    curve = at(time, onset, release)
    assert curve[[0, -1]].max() == 0
    assert curve[25:55].min() == pytest.approx(1)
    assert curve[10] == pytest.approx(0.5)
    assert (np.diff(curve[:21]) >= 0).all()
    parts = shares(np.random.default_rng(0), 500)
    brow, jaw = SHAPES.index("browInnerUp"), SHAPES.index("jawOpen")
    assert (parts[:, SHAPES.index("browDownLeft")] == parts[:, brow]).all()
    assert 0.05 < np.abs(parts[:, brow] - parts[:, jaw]).mean() < 0.3, "not all at the same time"


def test_accents_are_where_the_voice_stands_out():
    times = np.arange(0, 4, 1 / 30)
    found = accents(voice(), times)
    assert times[found.argmax()] == pytest.approx(2.0 - 0.06, abs=0.08)
    assert found.max() > 0.4
    assert np.median(found) < 0.1
    assert accents(np.zeros(16_000, np.float32), times).max() == 0


def test_secondary_expression_follows_the_voice(take):
    accented = FusionSet(0, [take])
    brows = [SHAPES.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
    order = np.argsort(accented.accents[:, 0])
    quiet, stressed = order[:60], order[-10:]
    found = {}
    for name, rows in (("quiet", quiet), ("stressed", stressed)):
        part = FusionSet(1, [take])
        part.speech_frames, part.accents = part.speech_frames[rows], part.accents[rows]
        found[name] = part.speech(600).other[:, brows].mean()
    assert found["stressed"] > 2 * found["quiet"]
    sample = accented.speech(500)
    neutral = (sample.other == 0).all(axis=1).mean()
    assert 0.4 < neutral < 0.75
    assert 0.2 < sample.other.max() < 1.3


def test_expressions_have_open_closed_and_speaking_mouths_and_are_lopsided(data):
    sample = data.expressions(800)
    jaw = SHAPES.index("jawOpen")
    open_jaw = (sample.own + sample.other)[:, jaw] > 0.1
    assert 0.2 < open_jaw.mean() < 0.8
    left, right = (sample.own[:, SHAPES.index(f"mouthSmile{side}")] for side in ("Left", "Right"))
    both = (left > 0.1) & (right > 0.1)
    assert both.sum() > 50
    assert 0.05 < (np.abs(left - right)[both] / (left + right)[both]).mean() < 0.4


def test_some_expressions_are_florence4ds(take, space):
    florence = np.full((1, len(space.components)), 7.0, np.float32)
    licensed = FusionSet(0, [take], florence=florence)
    sample = licensed.expressions(300)
    sample = dataclasses.replace(sample, other=0 * sample.other)
    share = (licensed.coefficients(sample, space, expressions=True) == 7).all(axis=1).mean()
    assert 0.4 < share < 0.6
    assert not (licensed.coefficients(sample, space) == 7).any(), "speech has none of them"


def test_faces_come_back_from_the_spaces_coefficients(head, space):
    faces = head.arkit[[5, 17]] * np.float32(0.7)
    found = coefficients_of(faces, space, head)
    np.testing.assert_allclose(found, 0.7 * space.people[0, [5, 17]], atol=0.02)


# How many, and what is measured


def test_the_knee_and_the_limit():
    errors = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.01, 0.0])
    assert knee.fewest_within(errors, 0.3) == 5
    assert knee.fewest_within(errors, -1) == 10
    assert knee.knee(errors, step=2, gain=0.4) == 4
    flat = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32) @ np.eye(3, 8, dtype=np.float32)
    assert len(knee.curve(flat, flat, np.eye(8, dtype=np.float32).reshape(8, -1, 1) * np.ones((1, 1, 3)))) == 3


def test_speech_is_amounts_of_its_keys(data, space):
    """Channels make what their keys make; no key is a mix of others, and no amount is negative."""
    np.testing.assert_allclose(rig_amounts() @ key_shapes(), rig_shapes(), atol=1e-6)
    assert rig_amounts().min() == 0
    assert np.linalg.matrix_rank(key_shapes() @ space.people[0]) == len(SPEECH_KEYS)
    assert new_module(3, space).dims.speech == len(SPEECH_KEYS)
    weights = data.speech_frames @ np.linalg.pinv(key_shapes())
    assert weights.min() > -1e-4


def test_in_speech_few_keys_are_on_and_none_beyond_one():
    """On every thirtieth frame of the animated takes, which tests/data keeps; on all of them where they are."""
    with np.load(ROOT / "tests" / "data" / "animated_frames.npz") as file:
        takes = [file[name].astype(np.float32) for name in TRAINING_TAKES]
    if (data_folder() / "facegood").is_dir():
        takes += [load_animated(name).channels for name in TRAINING_TAKES]
    for channels in takes:
        weights = np.nan_to_num(channels) @ rig_amounts()
        assert weights.min() >= 0
        assert np.quantile(weights, 0.999) <= 1
        assert weights.max() <= 1.15
        assert (weights > 0.1).sum(axis=1).mean() < 4


def test_a_perfect_module_and_direct_addition(head):
    rng = np.random.default_rng(0)
    channels = rng.random((20, len(CHANNEL_NAMES))).astype(np.float32) * 0.2
    channels[:10] = 0
    spoken = Spoken(channels * 0.9, channels)
    wanted = wanted_emotions(head)
    closed = 0 * wanted
    away = vertices_of(head, ("upper_face", "cheeks"))
    closed[:, away] = wanted[:, away]
    closed[:, head.regions["mouth_corners"]] = 1e-9
    perfect = figures(Decoded(closed, rig_deltas(head)), (0, 0, 0), 0, spoken, head)
    assert (perfect.lve_growth, perfect.lip_growth) == (0, 0)
    assert perfect.gap == pytest.approx(0, abs=1e-3)
    assert perfect.cosine_upper == pytest.approx(1)
    added = figures(Decoded(wanted, rig_deltas(head)), (0, 0, 0), 0, spoken, head)
    assert added.gap > 3
    assert added.kept == pytest.approx(1)
    worse = figures(Decoded(0.5 * wanted, 0.8 * rig_deltas(head)), (0, 0, 0), 0, spoken, head)
    assert worse.kept == pytest.approx(0.5)
    assert worse.lip_growth > 0
    lips = vertices_of(head, LIPS)
    still = figures(Decoded(wanted, rig_deltas(head), np.zeros((20, len(lips), 3))), (0, 0, 0), 0, spoken, head)
    assert still.lip_growth > worse.lip_growth


def test_without_mapping_pixels_go_to_moving_vertices_in_the_files_order(head):
    grid = file_order_grid(head, 64)
    shown = grid.index[..., 0][grid.weight[..., 0] > 0]
    moving = np.union1d(head.regions["face"], head.regions["tongue"])
    assert len(shown) == min(len(moving), 64 * 64)
    np.testing.assert_array_equal(shown, np.sort(shown))
    assert np.isin(shown, moving).all()
    mapped = head_grid(head)
    far = [np.linalg.norm(np.diff(head.vertices[g.index[:40, :, 0]], axis=1), axis=-1).mean() for g in (mapped, grid)]
    assert far[1] > 2 * far[0], "neighbours on the image are not neighbours on the face"


def test_the_ablations_table_has_means_and_spreads():
    names = [field.name for field in dataclasses.fields(Figures)]
    one, two = (Figures(**dict.fromkeys(names, value)) for value in (0.25, 0.75))
    lines = ablations.table([("full", [one, two]), (ablations.DIRECT, [Figures(**dict.fromkeys(names, float("nan")))])])
    assert lines[0].count("|") == lines[2].count("|") == len(names) + 2
    assert "| full | 0.5000 ±0.2500 |" in lines[2]
    assert "| - |" in lines[3]


def test_every_ablation_is_a_training_option():
    for changes in ablations.VARIANTS.values():
        dataclasses.replace(Options(), **changes)
