"""The few neural layers that the embedded engine needs, in NumPy, float32, matching torch's definitions.

What works on many numbers does so in place and in blocks that fit a core's cache: a pass over memory costs more than
the arithmetic in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Floats
from .threads import Team

# log(erfc(u / sqrt 2) / 2) as a polynomial in u, fitted so that u times its exponential is within 5e-7 everywhere.
_TAIL = tuple(
    np.float32(c) for c in (-0.693173259, -0.797665350, -0.318842468, -0.035923999, 0.004910640, -0.000328072903)
)
_BLOCK = 16384  # numbers at a time: with two more arrays as long, 200 kB


def laid_out(weights: dict[str, Floats]) -> dict[str, Floats]:
    """Weights with matrices laid out column by column: as `linear` takes them, both of a product's arrays go by rows.

    A tuned BLAS doesn't mind; with the reference BLAS of Linux distributions the engine takes a fifth of the time.
    """
    return {
        name: np.asfortranarray(array) if name.endswith("weight") and array.ndim == 2 else array
        for name, array in weights.items()
    }


def linear(x: Floats, weight: Floats, bias: Floats | None = None) -> Floats:
    """x (..., in) times weight (out, in) transposed, plus bias (out,)."""
    y = x.reshape(-1, x.shape[-1]) @ weight.T
    if bias is not None:
        y += bias
    return y.reshape(*x.shape[:-1], len(weight))


def layer_norm(x: Floats, weight: Floats, bias: Floats, eps: float = 1e-5) -> Floats:
    """Normalise the last axis to mean 0 and variance 1, then scale and shift."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", centred, centred)[..., None] / np.float32(x.shape[-1])
    centred /= np.sqrt(variance + np.float32(eps))
    centred *= weight
    centred += bias
    return centred


def gelu(x: Floats) -> Floats:
    """x Phi(x), written over x, which is returned: max(x, 0) - |x| erfc(|x| / sqrt 2) / 2; NumPy has no erf."""
    if not x.flags.c_contiguous:
        raise ValueError("only an array that is laid out in order can be written over")
    flat = x.reshape(-1)
    size, power = np.empty((2, min(_BLOCK, len(flat))), np.float32)
    for start in range(0, len(flat), _BLOCK):
        part = flat[start : start + _BLOCK]
        _gelu(part, size[: len(part)], power[: len(part)])
    return x


def _gelu(x: Floats, size: Floats, power: Floats) -> None:
    np.abs(x, out=size)
    np.multiply(size, _TAIL[5], out=power)
    for coefficient in _TAIL[4:0:-1]:
        power += coefficient
        power *= size
    power += _TAIL[0]
    np.exp(power, out=power)
    power *= size
    np.maximum(x, 0.0, out=x)
    x -= power


def softmax(x: Floats) -> Floats:
    """Softmax over the last axis."""
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def attend(queries: Floats, keys: Floats, values: Floats) -> Floats:
    """One head of attention: queries (N, d), keys (T, d), values (T, d) -> (N, d).

    The weights' sum comes from a column of ones beside the values, and divides what they give, not the weights.
    """
    scores = (queries * np.float32(queries.shape[1] ** -0.5)) @ np.ascontiguousarray(keys.T)
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    mixed = scores @ np.concatenate([values, np.ones((len(values), 1), np.float32)], axis=1)
    return mixed[:, :-1] / mixed[:, -1:]


def conv1d(
    x: Floats,
    weight: Floats,
    bias: Floats,
    team: Team,
    *,
    stride: int = 1,
    dilation: int = 1,
    after: Callable[[Floats], Floats] = lambda y: y,
) -> Floats:
    """Convolution over time, zero padding that keeps T: x (T, in), weight (out, in, k) -> (ceil(T / stride), out).

    `after` works in place on rows of the result, while they are in the cache.
    """
    size, reach = weight.shape[2], dilation * (weight.shape[2] // 2)
    padded = np.zeros((len(x) + 2 * reach, x.shape[1]), np.float32)
    padded[reach : reach + len(x)] = x
    taken = [padded[k * dilation : k * dilation + len(x) : stride] for k in range(size)]
    matrix = weight.transpose(2, 1, 0).reshape(size * x.shape[1], -1)
    result = np.empty((-(-len(x) // stride), len(weight)), np.float32)

    def some(rows: slice) -> None:
        np.matmul(np.concatenate([part[rows] for part in taken], axis=1), matrix, out=result[rows])
        result[rows] += bias
        after(result[rows])

    team.rows(some, len(result))
    return result


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
