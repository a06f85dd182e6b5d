"""The alternatives: what each may see, what it learns, and that its training goes on where it stopped."""

import numpy as np
import pytest
import torch
from duet.inference.audio.mel import loud_level, normalised_mel
from duet.training.baselines import fitting
from duet.training.baselines.data import Example, mel_bands
from duet.training.baselines.faceformer import FaceFormer, FaceFormerDims, causal_bias, periodic_encoding
from duet.training.baselines.fitting import ALTERNATIVES, Budget, batch_of, fit, loss_of
from duet.training.baselines.visemes import CROSS_FADE, shapes_of
from duet.training.speech.examples import PEOPLE, SYNTHETIC
from duet.training.speech_rig import CHANNEL_NAMES
from duet.training.synthesis.coarticulation import LAG
from duet.training.synthesis.phones import gesture_of
from duet.training.synthesis.utterance import Segment

pytestmark = pytest.mark.slow

DIMS = FaceFormerDims(channels=3, styles=2, encoder_layers=2, encoder_width=8, width=16, heads=2, period=4)


@pytest.fixture
def faceformer():
    torch.manual_seed(0)
    model = FaceFormer(DIMS).eval()
    with torch.no_grad():
        model.out.weight.normal_()
    return model


def test_faceformers_bias_steps_down_by_periods_and_hides_the_future():
    bias = causal_bias(9, DIMS)
    assert torch.isinf(bias[:, 2, 3:]).all()
    steps = bias[0, 8] / bias[0, 8, 0]
    np.testing.assert_allclose(steps.numpy(), [1, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0], atol=1e-6)
    assert bias[1, 8, 0] > bias[0, 8, 0], "each head has a slope of its own"


def test_faceformer_computes_a_decoder_layers_last_row(faceformer):
    """The same weights in torch's own decoder layer, with the published masks, give the same newest frame."""
    layer = torch.nn.TransformerDecoderLayer(16, 2, 32, dropout=0.0, batch_first=True).eval()
    layer.self_attn, layer.multihead_attn = faceformer.past, faceformer.hear
    layer.norm1, layer.norm2, layer.norm3 = faceformer.norms
    layer.linear1, layer.linear2 = faceformer.feed[0], faceformer.feed[2]
    seen, audio = (torch.randn(1, n, 16, generator=torch.Generator().manual_seed(n)) for n in (6, 12))
    not_own = torch.arange(12)[None] // 2 != torch.arange(6)[:, None]
    with torch.no_grad():
        x = layer(seen + periodic_encoding(0, 6, DIMS), audio, causal_bias(6, DIMS), not_own)
        expected = faceformer.out(x[:, -1])
        torch.testing.assert_close(faceformer._next(seen, audio[:, -2:], 0), expected, atol=1e-5, rtol=1e-4)


def run(model, features, style=0):
    with torch.no_grad():
        return model(features[None], torch.tensor([style]))[0]


def test_faceformer_is_causal_and_feeds_itself(faceformer):
    features = torch.randn(24, 2, 8, generator=torch.Generator().manual_seed(1))
    changed = features.clone()
    changed[10:12] = changed[:2]  # the audio of frame 5
    before, after = run(faceformer, features), run(faceformer, changed)
    assert before.shape == (12, 3)
    torch.testing.assert_close(before[:5], after[:5])
    assert (before[5] - after[5]).abs().max() > 1e-3
    assert (before[6] - after[6]).abs().max() > 1e-5, "through its own prediction"
    assert (run(faceformer, features, 1) - before).abs().max() > 1e-3, "styles differ"


def test_faceformer_begins_at_rest():
    assert run(FaceFormer(DIMS), torch.randn(8, 2, 8)).abs().max() == 0


def test_visemes_hold_each_shape_and_cross_fade():
    segments = (Segment("", 0.0, 1.0), Segment("a", 1.0, 2.0), Segment("m", 2.0, 3.0))
    jaw, roll = (shapes_of(segments, 150)[:, CHANNEL_NAMES.index(name)] for name in ("jaw_open", "roll_upper"))
    wide = gesture_of("a").targets["jaw_open"]
    middle = int((1.5 + LAG) * 50)
    assert jaw[20] == 0
    assert jaw[middle] == pytest.approx(wide)
    assert roll[140] == pytest.approx(gesture_of("m").targets["roll_upper"])
    fading = (jaw[40:70] > 0.01 * wide) & (jaw[40:70] < 0.99 * wide)
    assert 0 < fading.sum() <= CROSS_FADE * 50


def test_mel_bands_are_what_whisper_hears(recording):
    mel = mel_bands(recording)
    wanted = normalised_mel(recording, 100, 102, loud_level(recording))
    assert mel.shape == (len(recording) // 320, 160)
    np.testing.assert_allclose(mel[50].reshape(2, 80), wanted, atol=2e-3)


def example(source, seed, frames=150):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(frames, 5, 384)).astype(np.float16)
    channels = np.tile(features[:, 4, :1].astype(np.float32) * 0.1, (1, len(CHANNEL_NAMES)))
    return Example(features, rng.normal(size=(frames, 160)).astype(np.float16), channels, source)


@pytest.fixture
def tiny(monkeypatch):
    """Two examples, one of each source, in place of the real data."""
    both = [example(PEOPLE, 0), example(SYNTHETIC, 1, frames=400)]
    monkeypatch.setattr(fitting, "people_examples", lambda: iter(both[:1]))
    monkeypatch.setattr(fitting, "synthetic_examples", lambda: iter(both[1:]))
    return both


def test_each_alternative_learns_from_its_own_part(tiny):
    found = {name: {e.source for e in fitting.examples_for(a)} for name, a in ALTERNATIVES.items()}
    both = {PEOPLE, SYNTHETIC}
    assert found == {"ours": both, "people": {PEOPLE}, "synthetic": {SYNTHETIC}, "mel": both, "faceformer": both}


def test_batches_draw_both_sources_alike_and_align_with_the_sound(tiny):
    rng, budget = np.random.default_rng(0), Budget(batch=400, crop=20)
    inputs, channels = batch_of(ALTERNATIVES["faceformer"], tiny, budget, rng)
    short = {float(value) for value in tiny[0].channels[:, 0]}
    drawn = np.mean([float(crop[0, 0]) in short for crop in channels])
    assert drawn == pytest.approx(0.5, abs=0.08), "though one has three times as much"
    assert channels.shape == (400, 10, len(CHANNEL_NAMES))
    torch.testing.assert_close(channels[:, :, 0], inputs[:, ::2, 4, 0] * 0.1)


def test_unknown_targets_do_not_count():
    target = torch.tensor([[[1.0, float("nan")], [1.0, float("nan")]]])
    assert loss_of(torch.tensor([[[3.0, 9.0], [3.0, 7.0]]]), target, torch.ones(2)).item() == pytest.approx(4.0)


@pytest.mark.parametrize("name", ["people", "mel", "faceformer"])
def test_training_goes_on_where_it_stopped(name, tiny, tmp_path):
    """A finished run is returned as it is; one cut short, then continued, has been through all steps."""
    budget = Budget(steps=4, batch=2, crop=16)
    whole = fit(name, budget, tmp_path / "whole")
    torch.save(torch.load(tmp_path / "whole" / f"{name}.pt", weights_only=True), tmp_path / f"{name}.pt")
    again = fit(name, budget, tmp_path)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_training_learns(tiny, tmp_path):
    budget = Budget(steps=60, batch=4, crop=50, rate=3e-3)
    model = fit("synthetic", budget, tmp_path)
    features = torch.from_numpy(np.asarray(tiny[1].features, np.float32))[None]
    with torch.no_grad():
        found = model(features, torch.tensor([0]))[0, :, 0].numpy()
    assert np.corrcoef(found, tiny[1].channels[:, 0])[0, 1] > 0.5
