"""From a token law to a handful of numbers, or to a token."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit
from infodecode._kernels.random import mix, uniform


@njit
def summarise_into(laws, tolerance, with_entropy, p1, token1, p2, entropy):  # type: ignore[no-untyped-def]
    """Two largest probabilities, first token at the largest, entropy in bits."""
    for k in range(laws.shape[0]):
        first = -1.0
        second = 0.0
        bits = 0.0
        for v in range(laws.shape[1]):
            p = laws[k, v]
            if p > first:
                if first > second:
                    second = first
                first = p
            elif p > second:
                second = p
            if with_entropy and p > 0.0:
                bits -= p * np.log2(p)
        p1[k] = first
        p2[k] = second
        if with_entropy:
            entropy[k] = bits + 0.0
        token1[k] = 0
        for v in range(laws.shape[1]):
            if laws[k, v] >= first - tolerance:
                token1[k] = v
                break


@njit
def draw_into(laws, uniforms, token):  # type: ignore[no-untyped-def]
    """Token by inversion: the first whose cumulative probability exceeds the uniform number.

    Rounding can leave the sum of a law below the uniform: then the last possible token.
    """
    width = laws.shape[1]
    for k in range(laws.shape[0]):
        cumulative = 0.0
        below = 0
        for v in range(width):
            cumulative += laws[k, v]
            below += cumulative <= uniforms[k]
        while below == width or laws[k, below] == 0.0:
            below -= 1
        token[k] = below


@njit
def add_noise_into(laws, hashes, rows, positions, key, scale):  # type: ignore[no-untyped-def]
    """Gaussian noise on the logits of ``laws`` (K, V): a function of (canvas, position, token)."""
    for k in range(laws.shape[0]):
        stream = mix(key + hashes[rows[k]])
        peak = -np.inf
        for v in range(laws.shape[1]):
            if laws[k, v] > 0.0:
                radius = np.sqrt(-2.0 * np.log(1.0 - uniform(stream, v, 0, positions[k])))
                angle = 2.0 * np.pi * uniform(stream, v, 1, positions[k])
                laws[k, v] = np.log(laws[k, v]) + scale * radius * np.cos(angle)
                peak = max(peak, laws[k, v])
            else:
                laws[k, v] = -np.inf
        if peak == -np.inf:
            laws[k, :] = 0.0
            continue
        total = 0.0
        for v in range(laws.shape[1]):
            laws[k, v] = np.exp(laws[k, v] - peak)
            total += laws[k, v]
        for v in range(laws.shape[1]):
            laws[k, v] /= total
