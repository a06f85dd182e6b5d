"""How the speech model is trained: losses whose values are known, shares, styles, and a resumed run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from duet.inference.checkpoints import load_checkpoint
from duet.inference.engine.models import Models
from duet.inference.engine.speech_numpy import SpeechDims, SpeechNumpy
from duet.inference.engine.speech_torch import SpeechTorch
from duet.inference.engine.threads import Team
from duet.inference.stamps import Stamp
from duet.inference.take import DEFAULT_STYLE, STYLES
from duet.training.features import WEIGHTS
from duet.training.read_at import at_feature_rate
from duet.training.speech import train
from duet.training.speech.examples import ENUNCIATED, NATURAL, OWN, PEOPLE, SYNTHETIC, Example
from duet.training.speech.loss import CLOSED, FACE_VELOCITY, OPEN, SLIGHT, SpeechLoss, channel_scale
from duet.training.speech.still import tune
from duet.training.speech_rig import CHANNEL_NAMES
from duet.training.video.face_measures import MEASURES

pytestmark = pytest.mark.slow

COUNT = len(CHANNEL_NAMES)
UNKNOWN = CHANNEL_NAMES.index("bite")


def example(source, style=NATURAL, seed=0, frames=40):
    rng, dims = np.random.default_rng(seed), SpeechDims(COUNT, 2)
    features = rng.normal(size=(frames, dims.encoder_layers, dims.encoder_width)).astype(np.float16)
    channels = rng.random((frames, COUNT)).astype(np.float32)
    measures = rng.normal(size=(frames, len(MEASURES))).astype(np.float32) if source == PEOPLE else None
    return Example(features, channels, style, source, measures)


def unmeasured(*shape):
    return torch.full(shape, float("nan"))


def test_channels_that_are_not_known_cost_nothing():
    loss_of = SpeechLoss(torch.ones(2), torch.zeros(1, 2), torch.ones(1))
    predicted = torch.tensor([[[1.0, 5.0], [1.0, 7.0]]], requires_grad=True)
    target = torch.tensor([[[0.0, float("nan")], [0.0, float("nan")]]])
    loss = loss_of(predicted, target, unmeasured(1, 2, 1))
    loss.backward()
    assert loss.item() == pytest.approx(CLOSED.channels)
    np.testing.assert_allclose(predicted.grad[0], CLOSED.channels * np.array([[1.0, 0.0], [1.0, 0.0]]))


def test_lips_held_closed_may_not_open_and_open_lips_may():
    loss_of = SpeechLoss(torch.full((1,), 1e6), torch.tensor([[2.0]]), torch.zeros(1))
    shut, wide = torch.zeros(1, 4, 1), torch.ones(1, 4, 1)
    wanted = CLOSED.closure * (2.0 - SLIGHT / 2)
    assert loss_of(wide, shut, unmeasured(1, 4, 1)).item() == pytest.approx(wanted, rel=1e-3)
    assert loss_of(shut, wide, unmeasured(1, 4, 1)).item() == pytest.approx(0.0, abs=1e-4)


def test_lips_that_follow_people_may_open_at_a_closure():
    loss_of = SpeechLoss(torch.full((1,), 1e6), torch.tensor([[2.0]]), torch.zeros(1), OPEN)
    wide, shut = torch.ones(1, 4, 1), torch.zeros(1, 4, 1)
    assert loss_of(wide, shut, unmeasured(1, 4, 1)).item() == pytest.approx(0.0, abs=1e-4)


def test_where_video_measured_a_face_its_measures_count_and_not_those_of_the_fit():
    loss_of = SpeechLoss(torch.full((1,), 1e6), torch.tensor([[10.0]]), torch.tensor([0.5]))
    predicted, fitted = torch.full((1, 3, 1), 0.4), torch.full((1, 3, 1), 0.9)
    seen = torch.full((1, 3, 1), 6.0)  # mm; the prediction makes 4
    assert loss_of(predicted, fitted, seen).item() == pytest.approx(CLOSED.face * 1.0, rel=1e-4)
    assert loss_of(predicted, fitted, unmeasured(1, 3, 1)).item() == pytest.approx(CLOSED.face * 6.25, rel=1e-4)
    moving = torch.tensor([[[4.0], [6.0], [4.0]]])
    wanted = CLOSED.face * 1.0 / 3 + FACE_VELOCITY * 1.0
    assert loss_of(predicted, fitted, moving).item() == pytest.approx(wanted, rel=1e-4)


def test_the_face_shows_no_channel_beyond_its_bounds_but_learns_there():
    loss_of = SpeechLoss(torch.full((1,), 1e6), torch.tensor([[10.0]]), torch.ones(1))
    predicted = torch.full((1, 2, 1), 1.7, requires_grad=True)
    loss = loss_of(predicted, torch.ones(1, 2, 1), torch.full((1, 2, 1), 9.0))
    loss.backward()
    assert loss.item() == pytest.approx(CLOSED.face * 1.0, rel=1e-3)
    assert predicted.grad.min() > 0


def test_deviations_are_those_of_synthetic_speech_which_has_every_channel():
    people, synthetic = example(PEOPLE), example(SYNTHETIC, seed=1)
    np.testing.assert_allclose(channel_scale([people, synthetic]), synthetic.channels.std(axis=0) + 0.02, rtol=1e-5)


def test_each_kind_of_example_has_its_share_and_longer_ones_are_drawn_more():
    kinds = [
        example(PEOPLE, frames=60),
        example(PEOPLE, frames=40),
        example(SYNTHETIC),
        example(SYNTHETIC, ENUNCIATED),
        example(OWN, style=4),
        example(PEOPLE, frames=20),
    ]
    drawn = train.chances(kinds, 20)
    shares = train.SHARES
    assert drawn.sum() == pytest.approx(1.0)
    assert drawn[0] == pytest.approx(2 * drawn[1])
    assert drawn[5] == 0, "no longer than a crop"
    assert drawn[2] / (drawn[0] + drawn[1]) == pytest.approx(shares[SYNTHETIC, NATURAL] / shares[PEOPLE, NATURAL])
    assert drawn[4] / drawn[3] == pytest.approx(shares[OWN, -1] / shares[SYNTHETIC, ENUNCIATED])


def test_another_style_of_a_persons_clip_has_no_measures():
    plain = example(PEOPLE)
    clear = plain.in_style(ENUNCIATED, np.zeros_like(plain.channels))
    assert clear.measures is None
    assert clear.kind == (PEOPLE, ENUNCIATED)
    assert np.isnan(train.measured(clear)).all()
    found = train.measured(plain)
    np.testing.assert_array_equal(found[:, :-1], plain.measures)
    assert np.isnan(found[:, -1]).all(), "nothing from the front shows how far lips come forward"


def test_motion_is_read_at_the_encoders_frames():
    times = np.arange(31) / 30
    read = at_feature_rate(np.stack([times, 1 - times], axis=1), times, 51)
    np.testing.assert_allclose(read[:, 0], np.arange(51) / 50, atol=1e-6)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path, monkeypatch):
    options = train.Options(steps=4, batch=2, crop=20, validate_every=2)
    own = [example(PEOPLE), example(SYNTHETIC, seed=1)]

    def run(path):
        return train.train(lambda: SpeechTorch(SpeechDims(COUNT, 2), 0.1), options, own, own, path)

    whole = run(tmp_path / "whole.pt")

    class PowerCutError(Exception):
        pass

    save, saved = torch.save, []

    def cut(state, path):
        saved.append(path)
        if len(saved) > 1:
            raise PowerCutError
        save(state, path)

    monkeypatch.setattr(torch, "save", cut)
    with pytest.raises(PowerCutError):
        run(tmp_path / "broken.pt")
    monkeypatch.setattr(torch, "save", save)
    assert torch.load(tmp_path / "broken.pt", weights_only=True)["step"] == 2
    resumed = run(tmp_path / "broken.pt")
    for name, value in whole.state_dict().items():
        np.testing.assert_allclose(resumed.state_dict()[name], value, atol=1e-6, err_msg=name)


def test_what_is_kept_is_the_mean_of_the_weights(tmp_path):
    options = train.Options(steps=2, batch=2, crop=20, validate_every=2, averaged=0.0)
    own = [example(PEOPLE), example(SYNTHETIC, seed=1)]
    last = train.train(lambda: SpeechTorch(SpeechDims(COUNT, 2), 0.1), options, own, own, tmp_path / "last.pt")
    mean = train.train(
        lambda: SpeechTorch(SpeechDims(COUNT, 2), 0.1), replace(options, averaged=0.9), own, own, tmp_path / "mean.pt"
    )
    run = torch.load(tmp_path / "mean.pt", weights_only=True)
    for name, value in mean.state_dict().items():
        np.testing.assert_array_equal(value, run["average"][name])
    np.testing.assert_allclose(run["model"]["out.bias"], last.state_dict()["out.bias"], atol=1e-8)
    assert (run["average"]["out.bias"] - run["model"]["out.bias"]).abs().max() > 1e-6


def test_following_people_keeps_the_mean_of_the_weights_before_and_after(tmp_path):
    options = train.Options(follow_steps=2, batch=2, crop=20, validate_every=2)
    own = [example(PEOPLE), example(SYNTHETIC, seed=1)]
    torch.manual_seed(0)
    model = SpeechTorch(SpeechDims(COUNT, 2)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = train.followed(model, options, own, own, tmp_path / "follow.pt").state_dict()
    after = torch.load(tmp_path / "follow.pt", weights_only=True)["best"][1]
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
        torch.testing.assert_close(result[name], (1 - train.FOLLOWS) * value + train.FOLLOWS * after[name])
    assert not torch.equal(result["out.weight"], model.state_dict()["out.weight"])


def test_a_file_of_other_styles_is_not_gone_on_from():
    with pytest.raises(SystemExit, match=r"speech.safetensors has other styles than natural, mia: leave out --start"):
        train.started(WEIGHTS / "speech.safetensors", train.Options(), ["natural", "mia"])


def test_sounds_without_a_voice_differ_and_are_as_loud_as_each_other():
    first, second = (tune(2.0, np.random.default_rng(seed)) for seed in (0, 1))
    np.testing.assert_array_equal(first, tune(2.0, np.random.default_rng(0)))
    assert np.abs(np.corrcoef(first, second)[0, 1]) < 0.2
    for heard in (first, second):
        assert np.sqrt(np.mean(heard**2)) == pytest.approx(1.0, abs=1e-3)


def test_the_saved_file_gives_the_embedded_engine_what_was_trained(tmp_path):
    torch.manual_seed(0)
    model = SpeechTorch(SpeechDims(COUNT, 3)).eval()
    torch.nn.init.normal_(model.out.weight, std=0.05)
    path = tmp_path / "speech.safetensors"
    train.save(model, path, Stamp("commit", 0), [*STYLES, "me"])
    saved = load_checkpoint(path)
    assert saved.json("styles") == [*STYLES, "me"]
    assert DEFAULT_STYLE == "natural"
    models = Models(None, saved, saved, saved)
    own = example(SYNTHETIC, frames=90)
    embedded = SpeechNumpy(saved.floats("model."), models.speech_dims, Team(1))
    for style in range(3):
        wanted = train.predict(model, own.features, style)
        np.testing.assert_allclose(embedded(own.features.astype(np.float32), style), wanted, atol=0.01)
    assert models.speech_dims.reach == 15


def test_a_frame_is_told_from_its_reach_alone():
    torch.manual_seed(0)
    dims = SpeechDims(COUNT, 1)
    model = SpeechTorch(dims).eval()
    torch.nn.init.normal_(model.out.weight)
    features = torch.randn(1, 80, dims.encoder_layers, dims.encoder_width)
    changed = features.clone()
    changed[:, 40] = torch.randn(dims.encoder_layers, dims.encoder_width)
    with torch.no_grad():
        moved = (model(changed, torch.tensor([0])) - model(features, torch.tensor([0]))).abs().amax(dim=2)[0]
    assert (moved > 1e-6).nonzero().flatten().tolist() == list(range(40 - dims.reach, 41 + dims.reach))


def test_the_encoder_is_whispers_own():
    speech = load_checkpoint(WEIGHTS / "speech.safetensors")
    assert all(name.startswith("model.") for name in speech.arrays)
