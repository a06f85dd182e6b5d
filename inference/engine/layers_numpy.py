"""The few neural layers that the embedded engine needs, in NumPy, float32, matching torch's definitions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_ERF = tuple(np.float32(c) for c in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429))


def linear(x: Floats, weight: Floats, bias: Floats | None = None) -> Floats:
    """x (..., in) times weight (out, in) transposed, plus bias (out,)."""
    y = x.reshape(-1, x.shape[-1]) @ weight.T
    if bias is not None:
        y += bias
    return y.reshape(*x.shape[:-1], len(weight))


def layer_norm(x: Floats, weight: Floats, bias: Floats, eps: float = 1e-5) -> Floats:
    """Normalise the last axis to mean 0 and variance 1, then scale and shift."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    return centred / np.sqrt(variance + np.float32(eps)) * weight + bias


def gelu(x: Floats) -> Floats:
    """x Phi(x), with erf from Abramowitz and Stegun 7.1.26 (error below 1.5e-7); NumPy has no erf."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1.0 / (1.0 + np.float32(0.3275911) * z)
    poly = t * (_ERF[0] + t * (_ERF[1] + t * (_ERF[2] + t * (_ERF[3] + t * _ERF[4]))))
    tail = poly * np.exp(-z * z)  # erfc(z)
    return x * np.where(x >= 0, 1.0 - 0.5 * tail, 0.5 * tail)


def softmax(x: Floats) -> Floats:
    """Softmax over the last axis."""
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def attention(qkv: Floats, heads: int, bias: Floats | None = None) -> Floats:
    """Multi-head self-attention of fused queries, keys and values (T, 3 D); bias (heads, T, T) is added to scores."""
    frames, width = len(qkv), qkv.shape[1] // 3
    q, k, v = qkv.reshape(frames, 3, heads, width // heads).transpose(1, 2, 0, 3)  # (heads, T, D / heads) each
    scores = (q * np.float32((width // heads) ** -0.5)) @ k.transpose(0, 2, 1)
    if bias is not None:
        scores += bias
    return (softmax(scores) @ v).transpose(1, 0, 2).reshape(frames, width)


def conv1d(x: Floats, weight: Floats, bias: Floats, stride: int = 1, dilation: int = 1) -> Floats:
    """Convolution over time, zero padding that keeps T: x (T, in), weight (out, in, k) -> (ceil(T / stride), out)."""
    size = weight.shape[2]
    reach = dilation * (size // 2)
    padded = np.pad(x, ((reach, reach), (0, 0)))
    span = dilation * (size - 1) + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=0)[::stride, :, ::dilation]  # (T', in, k)
    return linear(windows.reshape(len(windows), -1), weight.reshape(len(weight), -1), bias)


def conv2d(x: Floats, weight: Floats, stride: int) -> Floats:
    """Convolution, zero padding k // 2, no bias: x (N, H, W, in), weight (out, in, k, k) -> (N, H / s, W / s, out)."""
    size = weight.shape[2]
    pad = size // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::stride]
    windows = np.lib.stride_tricks.sliding_window_view(rows, size, axis=2)[:, :, ::stride]  # (N, H', W', in, k, k)
    n, h, w = windows.shape[:3]
    flat = np.ascontiguousarray(windows).reshape(n * h * w, -1)  # (in, k, k) order, as the weights
    return linear(flat, weight.reshape(len(weight), -1)).reshape(n, h, w, len(weight))


def leaky_relu(x: Floats, slope: float = 0.1) -> Floats:
    """x where positive, slope x elsewhere."""
    return np.where(x >= 0, x, np.float32(slope) * x)
