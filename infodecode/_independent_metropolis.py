"""Independent Metropolis–Hastings on small sets of states: its law after some moves, and its runs.

A chain starts from the proposal law q and moves from a to a proposal b with min(1, w_b / w_a);
from a state of weight 0 it always moves. Where q w is proportional to pi, pi is stationary.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np

from infodecode._kernels.token_chains import after_moves_into
from infodecode._typing import Array, BoolArray, FloatArray, IntArray


def law_after(start: IntArray, proposal: Array, weight: Array, moves: int) -> Array:
    """The law ``(M,)`` of each chain after ``moves`` moves.

    Args:
        start: ``(G + 1,)``: states of chain g are ``start[g]:start[g + 1]``, at least one each.
        proposal: ``(M,)`` law q of each chain, floats or fractions.
        weight: ``(M,)`` log2 of the weights of a float chain; the weights themselves as fractions.
        moves: how many proposals are drawn after the start.
    """
    chain = np.repeat(np.arange(len(start) - 1), np.diff(start))
    order = np.lexsort((_ranks(weight), chain))
    law = np.empty(proposal.shape, proposal.dtype)
    room = np.empty((2, *proposal.shape), proposal.dtype)
    ratio = _ratios(weight[order])
    run: Any = after_moves_into
    if proposal.dtype == object:
        run = run.py_func
    run(start, order, proposal, ratio, moves, law, room[0], room[1])
    return law


def _ranks(weight: Array) -> Array:
    """Numbers in the order of the weights; `numpy.lexsort` does not compare fractions."""
    if weight.dtype != object:
        return weight
    place = {value: k for k, value in enumerate(sorted(set(weight.tolist())))}
    return np.array([place[value] for value in weight.tolist()], np.int64)


def _ratios(weight: Array) -> Array:
    """Each sorted weight over the next, at most 1; the last stands for nothing."""
    if weight.dtype == object:
        shares = [_share(a, b) for a, b in itertools.pairwise(weight.tolist())]
        return np.array([*shares, Fraction(1)], dtype=object)
    ratio = np.ones(len(weight))
    below, above = weight[:-1], weight[1:]
    falls = np.where(np.isneginf(above), 0.0, below - np.where(np.isneginf(above), 0.0, above))
    ratio[:-1] = np.exp2(np.minimum(falls, 0.0))
    return ratio


def _share(below: Fraction, above: Fraction) -> Fraction:
    return min(below / above, Fraction(1)) if above else Fraction(1)


def accepts(weight: FloatArray, proposed: FloatArray, uniform: FloatArray) -> BoolArray:
    """Which proposals are accepted, from log2 of the weights."""
    worth = np.asarray(np.isneginf(weight) | (proposed >= weight))
    down = np.where(worth, 0.0, proposed - np.where(worth, 0.0, weight))
    return np.asarray(uniform < np.exp2(down))
