"""What FaceFormer costs (Fan et al. 2022, arXiv 2112.05329), rebuilt from the paper's figures with random weights.

wav2vec 2.0 base (Baevski et al. 2020), its output brought to 30 frames a second, and a decoder 64 wide that gives 5,023
vertices, a frame at a time: each step computes all frames so far again, as published. Its length is at most 600 frames.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from torch import Tensor, nn

FPS, PERIOD, LONGEST = 30, 30, 600
RUNS = 3  # of which the median counts
_VERTICES, _WIDTH, _HEADS = 5023, 64, 4
_STRIDES, _KERNELS = (5, 2, 2, 2, 2, 2, 2), (10, 3, 3, 3, 3, 2, 2)


class Wav2Vec(nn.Module):
    """wav2vec 2.0 base: seven convolutions 512 wide, twelve blocks 768 wide; samples (1, N) to (1, 50 Hz, 768)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, *[512] * 7)
        self.convs = nn.ModuleList(
            nn.Conv1d(a, b, kernel, stride, bias=False)
            for a, b, kernel, stride in zip(widths, widths[1:], _KERNELS, _STRIDES, strict=False)
        )
        self.first_norm = nn.GroupNorm(512, 512)
        self.norm, self.project = nn.LayerNorm(512), nn.Linear(512, 768)
        self.position = nn.Conv1d(768, 768, 128, padding=64, groups=16)
        layer = nn.TransformerEncoderLayer(768, 12, 3072, activation="gelu", batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 12)

    def forward(self, samples: Tensor) -> Tensor:
        """Features at about 50 Hz."""
        x = samples[:, None]
        for number, conv in enumerate(self.convs):
            x = conv(x)
            x = nn.functional.gelu(self.first_norm(x) if number == 0 else x)
        x = self.project(self.norm(x.transpose(1, 2)))
        x = x + nn.functional.gelu(self.position(x.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        found: Tensor = self.blocks(x)
        return found


class Reference(nn.Module):
    """Samples (1, N) to vertices (1, T, 15069)."""

    def __init__(self) -> None:
        super().__init__()
        self.hear = Wav2Vec()
        self.audio, self.face = nn.Linear(768, _WIDTH), nn.Linear(3 * _VERTICES, _WIDTH)
        layer = nn.TransformerDecoderLayer(_WIDTH, _HEADS, 2 * _WIDTH, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, 1)
        self.out = nn.Linear(_WIDTH, 3 * _VERTICES)

    def forward(self, samples: Tensor, frames: int) -> Tensor:
        """The frames, one after another."""
        heard = self.hear(samples).transpose(1, 2)
        audio = self.audio(nn.functional.interpolate(heard, frames, mode="linear", align_corners=True).transpose(1, 2))
        style = torch.zeros(1, 1, _WIDTH, device=samples.device)
        inputs = style
        for count in range(1, frames + 1):
            found = self.out(self.decoder(inputs, audio, *_masks(count, frames, samples.device)))
            if count < frames:
                inputs = torch.cat([inputs, self.face(found[:, -1:]) + style], dim=1)
        return found


def _masks(count: int, frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The causal bias (heads, T, T) in whole periods, and the mask (T, frames) by which a frame hears itself alone."""
    back = torch.arange(count, device=device)[:, None] - torch.arange(count, device=device)
    slopes = 2.0 ** (-8.0 * torch.arange(1, _HEADS + 1, device=device) / _HEADS)
    bias = -slopes[:, None, None] * torch.div(back, PERIOD, rounding_mode="floor")
    alone = torch.arange(count, device=device)[:, None] != torch.arange(frames, device=device)
    return torch.where(back >= 0, bias, float("-inf")), alone


def main() -> None:
    """Print [seconds, of the processor's] for each length that is given, as JSON; the first argument is the device."""
    device, lengths = sys.argv[1], [float(text) for text in sys.argv[2:]]
    model = Reference().train(False).to(device)
    taken = {}
    with torch.inference_mode():
        for seconds in lengths:
            runs = []
            for _ in range(1 + RUNS):  # the first one pays for what is made once
                began, worked = time.perf_counter(), time.process_time()
                model(torch.randn(1, int(16000 * seconds), device=device), int(FPS * seconds)).cpu()
                runs.append((time.perf_counter() - began, time.process_time() - worked))
            taken[str(seconds)] = sorted(runs[1:])[RUNS // 2]
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
