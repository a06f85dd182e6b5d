"""How the speech model is trained: losses whose values are known, styles on every voice, and a resumed run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from duet.inference.checkpoints import load_checkpoint
from duet.inference.encoder_numpy import EncoderNumpy
from duet.inference.head import load_head
from duet.inference.models import Models
from duet.inference.speech_numpy import SpeechDims, SpeechNumpy
from duet.inference.speech_rig import load_rig
from duet.inference.stamps import Stamp
from duet.training import train_speech
from duet.training.features import WEIGHTS, load_encoder
from duet.training.mouth import LIPS, vertices_of
from duet.training.read_at import at_feature_rate
from duet.training.refined_encoder import REFINED, RefinedSpeech
from duet.training.speech_examples import CAPTURED, ENUNCIATED, Example
from duet.training.speech_loss import CLOSURE, LIP_SHAPE, SpeechLoss, channel_scale, loss_for
from duet.training.speech_rig import CHANNEL_NAMES, rig_deltas
from duet.training.speech_teachers import taught_examples

COUNT = len(CHANNEL_NAMES)
UNKNOWN = CHANNEL_NAMES.index("bite")


def example(captured, seed=0, frames=40):
    rng, dims = np.random.default_rng(seed), SpeechDims(COUNT, 2)
    features = rng.normal(size=(frames, dims.encoder_layers, dims.encoder_width)).astype(np.float16)
    channels = rng.random((frames, COUNT)).astype(np.float32)
    if captured:
        channels[:, UNKNOWN] = np.nan
    return Example(features, channels, CAPTURED if captured else ENUNCIATED, captured)


def test_what_was_not_captured_costs_nothing():
    nothing = torch.zeros(2)
    loss_of = SpeechLoss(torch.ones(2), torch.zeros(2, 2), nothing)
    predicted = torch.tensor([[[1.0, 5.0], [1.0, 7.0]]], requires_grad=True)
    target = torch.tensor([[[0.0, float("nan")], [0.0, float("nan")]]])
    loss = loss_of(predicted, target)
    loss.backward()
    assert loss.item() == pytest.approx(1.0)
    np.testing.assert_allclose(predicted.grad[0], [[1.0, 0.0], [1.0, 0.0]])


def test_lips_held_closed_may_not_open_and_open_lips_may():
    loss_of = SpeechLoss(torch.full((1,), 1e6), torch.zeros(1, 1), torch.tensor([2.0]))
    shut, wide = torch.zeros(1, 4, 1), torch.ones(1, 4, 1)
    assert loss_of(wide, shut).item() == pytest.approx(CLOSURE * 4.0, rel=1e-4)
    assert loss_of(shut, wide).item() == pytest.approx(0.0, abs=1e-4)


def test_the_lips_term_is_the_displacement_of_lip_vertices_over_its_variance():
    head, examples = load_head(), [example(False)]
    loss_of = loss_for(examples, head)
    error = np.random.default_rng(1).normal(size=COUNT)
    lips = rig_deltas(head)[:, vertices_of(head, LIPS)].reshape(COUNT, -1).astype(float)
    spread = ((examples[0].channels - examples[0].channels.mean(axis=0)) @ lips) ** 2
    wanted = ((error @ lips) ** 2).sum() / (spread.sum() / (len(spread) - 1))
    vector = torch.from_numpy(error.astype(np.float32))
    assert float(vector @ loss_of.lips @ vector) == pytest.approx(wanted, rel=1e-3)
    assert LIP_SHAPE > 0


def test_deviations_are_the_captured_ones_where_there_are_some():
    captured, synthetic = example(True), example(False, seed=1)
    scale = channel_scale([captured, synthetic, replace(synthetic, channels=9 * synthetic.channels, taught=True)])
    assert scale[0] == pytest.approx(captured.channels[:, 0].std() + 0.01)
    assert scale[UNKNOWN] == pytest.approx(synthetic.channels[:, UNKNOWN].std() + 0.01)


def test_each_kind_of_example_has_its_share():
    kinds = [example(True), example(True), example(False), replace(example(False), taught=True)]
    drawn = train_speech.chances(kinds, 20)
    assert drawn.sum() == pytest.approx(1.0)
    assert drawn[0] == drawn[1]
    assert drawn[2] / (drawn[0] + drawn[1]) == pytest.approx(
        train_speech.SHARES[False, False] / train_speech.SHARES[True, False]
    )


def test_teachers_give_every_voice_the_other_style():
    captured, synthetic = example(True), example(False, seed=1)
    ones, zeros = np.ones((40, COUNT), np.float32), np.zeros((40, COUNT), np.float32)
    on_captured, on_synthetic = taught_examples([captured, synthetic], lambda _: zeros, lambda _: 2 * ones)
    assert (on_captured.style, on_captured.captured, on_captured.taught) == (ENUNCIATED, True, True)
    np.testing.assert_array_equal(on_captured.channels, ones)
    assert (on_synthetic.style, on_synthetic.captured, on_synthetic.taught) == (CAPTURED, False, True)
    np.testing.assert_allclose(on_synthetic.channels[:, 0], 0.5 * synthetic.channels[:, 0])
    np.testing.assert_array_equal(on_synthetic.channels[:, UNKNOWN], synthetic.channels[:, UNKNOWN])


def test_motion_is_read_at_the_encoders_frames():
    times = np.arange(31) / 30
    read = at_feature_rate(np.stack([times, 1 - times], axis=1), times, 51)
    np.testing.assert_allclose(read[:, 0], np.arange(51) / 50, atol=1e-6)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path, monkeypatch):
    options = train_speech.Options(steps=4, batch=2, crop=20, validate_every=2)
    own, encoder = [example(True), example(False, seed=1)], load_encoder()

    def run(path):
        return train_speech.train(lambda: RefinedSpeech(SpeechDims(COUNT, 2), 0.1, encoder), options, own, own, path)

    whole = run(tmp_path / "whole.pt")

    class PowerCutError(Exception):
        pass

    save = torch.save

    def cut(state, path):
        save(state, path)
        raise PowerCutError

    monkeypatch.setattr(torch, "save", cut)
    with pytest.raises(PowerCutError):
        run(tmp_path / "broken.pt")
    monkeypatch.setattr(torch, "save", save)
    resumed = run(tmp_path / "broken.pt")
    for name, value in whole.state_dict().items():
        np.testing.assert_allclose(resumed.state_dict()[name], value, atol=1e-6, err_msg=name)


def test_each_teacher_hears_one_set_alone(tmp_path, monkeypatch):
    heard = []

    def pretend(make, options, examples, validation, resume):
        heard.append({e.captured for e in [*examples, *validation]})
        assert options.steps == options.teacher_steps
        return len(heard) - 1

    monkeypatch.setattr(train_speech, "train", pretend)
    monkeypatch.setattr(train_speech, "predict", lambda model, e: np.full((40, COUNT), float(model), np.float32))
    own = [example(True), example(False, seed=1)]
    found = train_speech.with_taught(train_speech.Options(), own, own, tmp_path)
    assert heard == [{True}, {False}]
    assert found[:2] == own
    np.testing.assert_array_equal(found[2].channels, 1.0)  # the second model, of synthetic speech, on a captured voice
    np.testing.assert_allclose(found[3].channels[:, 0], 0.5 * own[1].channels[:, 0])  # the first one's half


def test_refined_blocks_take_the_place_of_whispers_own(tmp_path):
    """The saved file, read as the engines read it, gives what was trained; unchanged blocks give Whisper's features."""
    torch.manual_seed(0)
    model = RefinedSpeech(SpeechDims(COUNT, 2), 0.0, load_encoder()).eval()
    torch.nn.init.normal_(model.speech.out.weight)
    with torch.no_grad():
        model.blocks[0].down.bias += 0.5
    own = example(False)
    mel = np.random.default_rng(3).normal(size=(80, 80)).astype(np.float32)
    before = load_encoder()(torch.from_numpy(mel)[None])[0].detach().numpy()
    train_speech.save(model, tmp_path / "speech.safetensors", Stamp("none", 0))
    encoder, speech = (load_checkpoint(p) for p in (WEIGHTS / "encoder.safetensors", tmp_path / "speech.safetensors"))
    models = Models(load_rig(WEIGHTS / "rig.safetensors"), encoder, speech, encoder)
    after = EncoderNumpy(models.encoder_weights, models.encoder_dims)(mel)
    kept = models.encoder_dims.layers - REFINED + 1
    np.testing.assert_allclose(after[:, :kept], before[:, :kept], atol=1e-2)
    assert np.abs(after[:, kept] - before[:, kept]).mean() > 0.1
    wanted = train_speech.predict(model, replace(own, features=before))
    found = SpeechNumpy(speech.floats("model."), models.speech_dims)(after, own.style, 0)
    np.testing.assert_allclose(found, wanted, atol=0.02)
