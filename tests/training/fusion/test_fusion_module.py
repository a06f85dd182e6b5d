"""The fusion module: its losses, its two engines, and what it settles to."""

import numpy as np
import pytest
import torch
from duet.inference.engine.fusion_numpy import FusionDims, FusionEncoderNumpy
from duet.inference.engine.fusion_torch import FusionEncoder
from duet.training.evaluation.fusion_measures import file_order_grid
from duet.training.evaluation.lip_gaps import LipGaps
from duet.training.fusion.deformation_space import MILLIMETRE
from duet.training.fusion.module import UNIT_LENGTH, FusionModule, Maps
from duet.training.fusion.readable_basis import make_readable
from duet.training.fusion.start import start
from duet.training.fusion.train import Options, step_loss
from duet.training.speech_rig import SPEECH_KEYS, key_deltas, key_shapes

pytestmark = pytest.mark.slow
SIDE = 16


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
    shapes = MILLIMETRE * fields.reshape(len(fields), -1, 3)
    assert LipGaps(head).added(head.vertices[None], shapes).max() < 0.05
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
