"""Forward and backward passes of hidden Markov models that neither underflow nor lose states.

Each entry of a vector is ``mass * 2**(512 * scale)`` with a scale of its own, so that a state which
is less likely than others by any factor keeps all its digits until evidence picks it. Positive
probabilities of the model are at least 1e-100.
"""

from __future__ import annotations

import math

import numpy as np

from infodecode._kernels.entropies import weight_entropy
from infodecode._kernels.jit import njit

UNIT = 512
"""A mass is scaled by powers of ``2**UNIT``."""

_UP = 2.0**UNIT
_DOWN = 2.0**-UNIT
_SMALL = 2.0 ** (-UNIT // 2)


@njit
def settled(mass, scale):  # type: ignore[no-untyped-def]
    """The same number with a mass that may be multiplied by two probabilities, or squared."""
    if 0.0 < mass < _SMALL:
        return mass * _UP, scale - 1
    if mass > 1.0 / _SMALL:
        return mass * _DOWN, scale + 1
    return mass, scale


@njit
def added(mass, scale, more, more_scale):  # type: ignore[no-untyped-def]
    """Sum of two scaled numbers; one that is smaller by a factor of 2**-512 may be dropped."""
    gap = more_scale - scale
    if more == 0.0 or (mass > 0.0 and gap < -1):
        return mass, scale
    if mass == 0.0 or gap > 1:
        return more, more_scale
    if gap == 1:
        return mass * _DOWN + more, more_scale
    return mass + (more if gap == 0 else more * _DOWN), scale


@njit
def sweep_into(canvas, first, last, matrix, emission, mass, scale, weighed, powers):  # type: ignore[no-untyped-def]
    """Carry row ``first`` of the masses (n, K) to row ``last``, up or down, filling those between.

    Every step weighs a row by the evidence at its position and multiplies it by ``matrix``; a mask
    is no evidence. ``weighed`` and ``powers`` (K,) are room to work in.
    """
    states = mass.shape[1]
    onward = 1 if last > first else -1
    for i in range(first, last, onward):
        j = i + onward
        token = canvas[i]
        common = scale[i, 0]
        level = True
        for s in range(states):
            chance = emission[s, token] if token >= 0 else 1.0
            weighed[s], powers[s] = settled(mass[i, s] * chance, scale[i, s])
            level &= powers[s] == common
        for t in range(states):
            mass[j, t] = 0.0
            scale[j, t] = common
        for s in range(states):
            if weighed[s] == 0.0:
                continue
            if level:
                for t in range(states):
                    mass[j, t] += weighed[s] * matrix[s, t]
            else:
                for t in range(states):
                    mass[j, t], scale[j, t] = added(
                        mass[j, t], scale[j, t], weighed[s] * matrix[s, t], powers[s]
                    )
        for t in range(states):
            mass[j, t], scale[j, t] = settled(mass[j, t], scale[j, t])


@njit
def last_revealed(canvas):  # type: ignore[no-untyped-def]
    """Last position that is not masked, -1 if none."""
    last = canvas.shape[0] - 1
    while last >= 0 and canvas[last] < 0:
        last -= 1
    return last


@njit
def state_law_into(before, before_scale, after, after_scale, i, out, power):  # type: ignore[no-untyped-def]
    """Law (K,) of hidden state i from both passes, up to a factor; zeros where they exclude all."""
    top = 0
    found = False
    for s in range(out.shape[0]):
        out[s], power[s] = settled(
            before[i, s] * after[i, s], before_scale[i, s] + after_scale[i, s]
        )
        if out[s] > 0.0 and (not found or power[s] > top):
            found = True
            top = power[s]
    for s in range(out.shape[0]):
        if out[s] > 0.0 and power[s] < top:
            out[s] = math.ldexp(out[s], UNIT * max(power[s] - top, -4))


@njit
def hidden_laws_into(canvases, rows, positions, initial, transition, backwards, emission, out):  # type: ignore[no-untyped-def]
    """Conditional laws at masked pairs sorted by row, into zeroed ``out`` (K, V)."""
    n = canvases.shape[1]
    states = initial.shape[0]
    before, before_scale = np.empty((n, states)), np.empty((n, states), np.int64)
    after, after_scale = np.empty((n, states)), np.empty((n, states), np.int64)
    weight, power = np.empty(states), np.empty(states, np.int64)
    row = -1
    for k in range(rows.shape[0]):
        if rows[k] != row:
            row = rows[k]
            canvas = canvases[row]
            before[0] = initial
            before_scale[0] = 0
            sweep_into(canvas, 0, n - 1, transition, emission, before, before_scale, weight, power)
            last = max(last_revealed(canvas), 0)
            after[last:] = 1.0
            after_scale[last:] = 0
            sweep_into(canvas, last, 0, backwards, emission, after, after_scale, weight, power)
        state_law_into(before, before_scale, after, after_scale, positions[k], weight, power)
        for s in range(states):
            if weight[s] > 0.0:
                for v in range(out.shape[1]):
                    out[k, v] += weight[s] * emission[s, v]
        total = 0.0
        for v in range(out.shape[1]):
            total += out[k, v]
        if total > 0.0:
            for v in range(out.shape[1]):
                out[k, v] /= total


@njit
def hidden_masses_into(canvases, initial, transition, emission, mass, scale):  # type: ignore[no-untyped-def]
    """Probability ``mass * 2**(512 * scale)`` (B,) of the revealed tokens."""
    n = canvases.shape[1]
    states = initial.shape[0]
    before, before_scale = np.empty((n, states)), np.empty((n, states), np.int64)
    weighed, powers = np.empty(states), np.empty(states, np.int64)
    before[0] = initial
    before_scale[0] = 0
    for b in range(canvases.shape[0]):
        last = last_revealed(canvases[b])
        if last < 0:
            mass[b], scale[b] = 1.0, 0
            continue
        sweep_into(
            canvases[b], 0, last, transition, emission, before, before_scale, weighed, powers
        )
        mass[b], scale[b] = 0.0, 0
        for s in range(states):
            mass[b], scale[b] = added(
                mass[b], scale[b],
                before[last, s] * emission[s, canvases[b, last]], before_scale[last, s],
            )  # fmt: skip


@njit
def count_words_into(canvases, follow, out):  # type: ignore[no-untyped-def]
    """Words (B,) that an automaton accepts and that agree with each canvas, inf beyond floats.

    It starts in state 0, and token v leads from d to ``follow[d, v]``, or nowhere if that is -1.
    """
    size, tokens = follow.shape
    ways, next_ways = np.empty(size), np.empty(size)
    for b in range(canvases.shape[0]):
        ways[:] = 0.0
        ways[0] = 1.0
        for i in range(canvases.shape[1]):
            next_ways[:] = 0.0
            for d in range(size):
                if ways[d] > 0.0:
                    for v in range(tokens):
                        if follow[d, v] >= 0 and (canvases[b, i] < 0 or canvases[b, i] == v):
                            next_ways[follow[d, v]] += ways[d]
            ways[:] = next_ways
        out[b] = ways.sum()


@njit
def row_entropies(weights):  # type: ignore[no-untyped-def]
    """Entropy in bits of each row of ``weights`` (K, V), not necessarily normalised."""
    out = np.empty(weights.shape[0])
    for k in range(weights.shape[0]):
        out[k] = weight_entropy(weights[k])
    return out
