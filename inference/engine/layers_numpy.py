"""The few neural layers that the embedded engine needs, in NumPy, float32, matching torch's definitions.

What works on many numbers does so in place and in blocks: a pass over memory costs more than the arithmetic in it, and
two threads that take Python's lock for every few numbers wait for each other more than they compute.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from ..arrays import Floats
from .threads import Team

# log(erfc(u / sqrt 2)) as a polynomial in u, fitted so that u times its exponential is within 1e-6 everywhere.
_TAIL = tuple(
    np.float32(c)
    for c in (-0.693173259 + math.log(2), -0.797665350, -0.318842468, -0.035923999, 0.004910640, -0.000328072903)
)
_BLOCK = 1 << 17  # numbers at a time: half a megabyte, and a tenth of a millisecond for each pass over them
SAFE = 80.0  # scores of attention up to which exponentials neither overflow nor vanish


def laid_out(weights: dict[str, Floats]) -> dict[str, Floats]:
    """Weights as the layers take them; they are taken out of the dict one by one.

    Those of `conv1d` (out, in, k) become (k, in, out). Matrices are laid out column by column, so that both of a
    product's arrays go by rows: a tuned BLAS doesn't mind, with the reference BLAS of Linux distributions the engine
    takes a fifth of the time.
    """
    found = {}
    for name in list(weights):
        array = weights.pop(name)
        if name.endswith("weight") and array.ndim == 3:
            array = np.ascontiguousarray(array.transpose(2, 1, 0))
        found[name] = np.asfortranarray(array) if name.endswith("weight") and array.ndim == 2 else array
    return found


def linear(x: Floats, weight: Floats, bias: Floats | None = None, out: Floats | None = None) -> Floats:
    """x (N, in) times weight (out, in) transposed, plus bias (out,), into `out` (N, out) where it is given."""
    y = np.matmul(x, weight.T, out=out)
    if bias is not None:
        y += bias
    return y


def layer_norm(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Normalise the last axis to mean 0 and variance 1, then scale and shift."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", centred, centred)[..., None] / np.float32(x.shape[-1])
    centred /= np.sqrt(variance + np.float32(1e-5))
    centred *= weight
    centred += bias
    return centred


def gelu(x: Floats) -> Floats:
    """x Phi(x), written over x, which is returned: (x + |x| - |x| erfc(|x| / sqrt 2)) / 2; NumPy has no erf."""
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
    x += size
    x -= power
    x *= np.float32(0.5)


def softmax(x: Floats) -> Floats:
    """Softmax over the last axis."""
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def attend(queries: Floats, turned: Floats, values: Floats, out: Floats | None = None) -> Floats:
    """One head of attention: queries (N, d), keys turned (d, T), values (T, d) -> (N, d), into `out` where it is given.

    The weights' sum divides what they give, not the weights. The largest score is taken off only where exponentials
    could overflow without it.
    """
    out = np.empty(queries.shape, np.float32) if out is None else out
    count, size = queries.shape
    scaled, ones = queries * np.float32(size**-0.5), np.ones(len(values), np.float32)
    is_safe = _longest(scaled) * _longest(turned.T) < SAFE
    parts = -(-count * len(values) // (2 * _BLOCK))
    edges = [count * i // parts for i in range(parts + 1)]
    for rows in itertools.starmap(slice, itertools.pairwise(edges)):
        scores = scaled[rows] @ turned
        if not is_safe:
            scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        np.divide(scores @ values, (scores @ ones)[:, None], out=out[rows])
    return out


def _longest(vectors: Floats) -> float:
    """Length of the longest of (N, d)."""
    return math.sqrt(float(np.einsum("nd,nd->n", vectors, vectors).max()))


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
    """Convolution over time, zero padding that keeps T: x (T, in), weight (k, in, out) -> (ceil(T / stride), out).

    `after` works in place on rows of the result, while they are in the cache.
    """
    size, reach = len(weight), dilation * (len(weight) // 2)
    padded = np.zeros((len(x) + 2 * reach, x.shape[1]), np.float32)
    padded[reach : reach + len(x)] = x
    taken = [padded[k * dilation : k * dilation + len(x) : stride] for k in range(size)]
    matrix = weight.reshape(size * x.shape[1], -1)
    result = np.empty((-(-len(x) // stride), matrix.shape[1]), np.float32)

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
