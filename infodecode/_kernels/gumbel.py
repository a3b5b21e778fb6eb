"""The token law of Gumbel noise made from uniform numbers on a grid."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit

_INTEGER = 1e-6


@njit
def _slower(p, q, later, i, levels):  # type: ignore[no-untyped-def]
    """Levels at which a token of probability ``q`` loses to one of ``p`` that drew level ``i``.

    The time of a token is -log(level / levels) / probability, level = 1 … levels - 1, and the first
    one wins; at equal times the one of lower index, so that a ``later`` token loses ties as well.
    """
    if q == p:
        return i - 1 + later
    t = levels * (i / levels) ** (q / p)
    near = np.round(t)
    if abs(t - near) < _INTEGER:
        return min(max(near - 1 + later, 0.0), levels - 1)
    return min(np.floor(t), levels - 1)


@njit
def _chance(law, v, i, levels):  # type: ignore[no-untyped-def]
    """Probability that token ``v`` wins with level ``i``."""
    product = 1.0
    for j in range(law.shape[0]):
        if j != v and law[j] > 0:
            product *= _slower(law[v], law[j], j > v, i, levels) / (levels - 1)
    return product


@njit
def _between(law, v, low, levels, node, weight):  # type: ignore[no-untyped-def]
    """Sum of the chances of all but the ``low`` first and last levels, integrated by octaves."""
    total = 0.0
    begin, last = low + 0.5, levels / 2
    while begin < last:
        end = min(2 * begin, last)
        for k in range(len(node)):
            i = begin + (end - begin) * node[k]
            both = _chance(law, v, i, levels) + _chance(law, v, levels - i, levels)
            total += (end - begin) * weight[k] * both
        begin = end
    return total


@njit
def gridded_gumbel_into(laws, levels, head, node, weight, out):  # type: ignore[no-untyped-def]
    """Laws ``(K, V)`` of argmax(log p + Gumbel noise), its uniforms at ``1, 2, …`` of ``levels``.

    The ``head`` highest and lowest levels are summed up one by one, those between are integrated
    with the quadrature ``node`` and ``weight`` on (0, 1).
    """
    every = 2 * head >= levels - 1
    for k in range(laws.shape[0]):
        law = laws[k]
        sum_ = 0.0
        for v in range(law.shape[0]):
            out[k, v] = 0.0
            if not law[v] > 0:
                continue
            total = 0.0
            for i in range(1, levels if every else head + 1):
                total += _chance(law, v, i, levels)
            if not every:
                for i in range(levels - head, levels):
                    total += _chance(law, v, i, levels)
                total += _between(law, v, head, levels, node, weight)
            out[k, v] = total
            sum_ += total
        for v in range(law.shape[0]):
            if law[v] > 0:
                out[k, v] /= sum_
