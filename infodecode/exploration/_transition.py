"""Transition matrices of Metropolis–Hastings on sequences, from what decodes propose."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from infodecode._grouping import Packing, group
from infodecode._rounding import DECODED_ZERO, ROUNDING, nonnegative
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Table
from infodecode.exploration._proposals import Decoded

STATES_LIMIT = 4096
"""Most states of an exact chain: its matrix is dense."""

RATIONAL_LIMIT = 256
"""Most states of an exact chain of fractions."""


@dataclass(frozen=True)
class Costs:
    """Expected costs of decodes.

    Attributes:
        start: model calls of a whole decode.
        calls, evaluated: model calls and sequences evaluated of a proposal, in stationarity.
    """

    start: float
    calls: float
    evaluated: float


@dataclass(frozen=True, eq=False)
class Power:
    """A law ``mu^alpha / Z`` on the support of mu.

    Attributes:
        outcomes: ``(N, n)``.
        mass: ``(N,)`` probabilities, floats or fractions.
        log2: ``(N,)`` their logarithms; finite also where a float underflows.
    """

    outcomes: IntArray
    mass: Array
    log2: FloatArray


def power_of(law: Table, alpha: float, *, rational: bool) -> Power:
    """The target of a chain."""
    raised = alpha * np.log2(law.weights.astype(np.float64))
    raised -= raised.max()
    log2 = raised - np.log2(np.exp2(raised).sum())
    if not rational:
        return Power(law.outcomes, np.exp2(log2), log2)
    weights = [int(w) ** int(alpha) for w in law.weights]
    total = sum(weights)
    mass = np.array([Fraction(w, total) for w in weights], dtype=object)
    return Power(law.outcomes, mass, log2)


@dataclass(frozen=True, eq=False)
class Canvases:
    """What the sets of positions leave of each outcome.

    Attributes:
        distinct: ``(K, n)`` canvases to decode; the first is blank.
        of: ``(m, N)`` canvas of each set and outcome.
        share: ``(m,)`` probability of each set, floats or fractions.
        weight: ``(K,)`` probability in stationarity of decoding each canvas.
    """

    distinct: IntArray
    of: IntArray
    share: Array
    weight: FloatArray


def canvases_of(target: Power, masks: BoolArray, times: IntArray, packing: Packing) -> Canvases:
    """Distinct canvases over all sets of positions."""
    blank = np.full((1, masks.shape[1]), -1, np.int32)
    parts, of = [blank], np.empty((len(masks), len(target.outcomes)), np.int64)
    before = 1
    for row, mask in zip(of, masks, strict=True):
        if mask.all():
            row[:] = 0
            continue
        canvas = np.where(mask, np.int32(-1), target.outcomes)
        ids, first = group(packing.keys(canvas))
        row[:] = before + ids
        parts.append(canvas[first])
        before += len(first)
    total = int(times.sum())
    share = np.array([Fraction(int(t), total) for t in times], dtype=object)
    if target.mass.dtype != object:
        share = share.astype(np.float64)
    weight = np.zeros(before)
    for row, part in zip(of, share, strict=True):
        np.add.at(weight, row, float(part) * np.asarray(target.mass, np.float64))
    return Canvases(np.concatenate(parts), of, share, weight)


def marginal_moves(target: Power, canvases: Canvases, decoded: Decoded) -> Array:
    """``(N, N)`` probabilities of proposing and accepting, weighed by the output law."""
    count = len(target.outcomes)
    known = decoded.sequence < count
    moves = np.zeros((count, count), decoded.mass.dtype)
    proposed = np.zeros((len(canvases.distinct), count), decoded.mass.dtype)
    proposed[decoded.origin[known], decoded.sequence[known]] = decoded.mass[known]
    for row, share in zip(canvases.of, canvases.share, strict=True):
        q = proposed[row]
        if q.dtype == object:
            back = q.T * target.mass[None, :] / target.mass[:, None]
            moves += share * np.frompyfunc(min, 2, 1)(q, back)
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            flow = np.log2(q) + target.log2[:, None]
            ratio = np.where(q > 0, flow.T - flow, -np.inf)
        moves += share * q * np.exp2(np.minimum(ratio, 0.0))
    return moves


@dataclass(frozen=True, eq=False)
class Paths:
    """Sequences with the paths by which they may be decoded from a canvas.

    Paths of equal token probability t are one. Given its sequence a path has the probability
    ``mass / t``: that of its positions, were they chosen along the sequence. A last entry of t = 0
    takes what is left of that where the decoder never goes.

    Attributes:
        sequence: ``(E,)``.
        mass: ``(E,)`` probability of the path.
        log2: ``(E,)`` log2 t.
        given: ``(E,)`` probability of the path given its sequence.
    """

    sequence: IntArray
    mass: FloatArray
    log2: FloatArray
    given: FloatArray


def paths_from(origin: int, members: IntArray, decoded: Decoded) -> Paths:
    """Paths from one canvas to the outcomes ``members`` that agree with it."""
    assert decoded.log2_path is not None
    here = slice(*np.searchsorted(decoded.origin, [origin, origin + 1]))
    on = np.isin(decoded.sequence[here], members)
    sequence, mass = decoded.sequence[here][on], np.asarray(decoded.mass[here][on], np.float64)
    log2 = decoded.log2_path[here][on]
    given = mass / np.exp2(log2)
    place = np.searchsorted(members, sequence)
    known = np.bincount(place, given, minlength=len(members)).astype(np.float64)
    left = nonnegative(np.ones(len(members)) - known)
    missed = np.flatnonzero(left > ROUNDING)
    return Paths(
        np.concatenate([sequence, members[missed]]),
        np.concatenate([mass, np.zeros(len(missed))]),
        np.concatenate([log2, np.full(len(missed), -np.inf)]),
        np.concatenate([given, left[missed]]),
    )


def path_moves(target: Power, paths: Paths) -> FloatArray:
    """``(E, E)`` probabilities of proposing and accepting, weighed by tokens along the path."""
    with np.errstate(over="ignore"):
        weight = target.log2[paths.sequence] - paths.log2
    with np.errstate(invalid="ignore"):
        ratio = np.minimum(weight[None, :] - weight[:, None], 0.0)
    ratio[np.isposinf(weight)] = -np.inf
    ratio[:, paths.mass == 0] = -np.inf
    return np.asarray(paths.mass[None, :] * np.exp2(ratio))


def refreshed_moves(target: Power, canvases: Canvases, decoded: Decoded) -> FloatArray:
    """``(N, N)`` moves where the path of the present sequence is drawn anew at each step."""
    count = len(target.outcomes)
    moves = np.zeros((count, count))
    for row, share in zip(canvases.of, canvases.share, strict=True):
        for origin in np.unique(row):
            paths = paths_from(int(origin), np.flatnonzero(row == origin), decoded)
            each = share * paths.given[:, None] * path_moves(target, paths)
            np.add.at(moves, (paths.sequence[:, None], paths.sequence[None, :]), each)
    return moves


def with_rejections(moves: Array) -> Array:
    """The transition matrix: what is not accepted stays."""
    matrix = moves.copy()
    total = moves.sum(axis=1)
    stay = 1 - total if moves.dtype == object else nonnegative(1.0 - total, zero=DECODED_ZERO)
    matrix[np.diag_indices(len(matrix))] += stay
    return matrix
