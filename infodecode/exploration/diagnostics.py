"""Diagnostics of sampled chains: how many independent samples they are worth."""

from __future__ import annotations

import math

import numpy as np

from infodecode import _validation
from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray


def effective_sample_size(values: object) -> float | None:
    r"""How many independent samples several chains of one quantity are worth.

    .. math:: \frac{C N}{1 + 2 \sum_k \rho_k}

    Correlations k steps apart are taken within and between chains, and added up in pairs as long as
    these are positive and decreasing (Geyer's initial monotone sequence, which bounds a
    reversible chain's time from above as samples grow). Chains that disagree count for less. The
    sum is not let below 1 / log10(C N), as Stan does.

    Args:
        values: ``(N, C)``: N steps of C chains; at least 4 steps.

    Returns:
        a number of samples for all chains together; None where all values are equal.

    Reference: Geyer 1992; Vehtari et al. 2021 (arXiv 1903.08008), section 3.
    """
    x = _values(values)
    steps, chains = x.shape
    if _constant(x):
        return None
    centred = x - x.mean(axis=0)
    size = 1 << (2 * steps - 1).bit_length()
    spectrum = np.fft.rfft(centred, size, axis=0)
    covariance = np.fft.irfft(abs(spectrum) ** 2, size, axis=0)[:steps] / steps
    within = float(covariance[0].mean()) * steps / (steps - 1)
    between = float(x.mean(axis=0).var(ddof=1)) if chains > 1 else 0.0
    spread = within * (steps - 1) / steps + between
    rho = 1.0 - (within - covariance.mean(axis=1) * steps / (steps - 1)) / spread
    rho[0] = 1.0
    pairs = rho[: steps - steps % 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    pairs = np.minimum.accumulate(pairs[: negative[0]] if len(negative) else pairs)
    time = max(2.0 * float(pairs.sum()) - 1.0, 1.0 / math.log10(steps * chains))
    return float(steps * chains / time)


def potential_scale_reduction(values: object) -> float | None:
    r"""Split :math:`\hat R`: how much wider all chains are together than each half by itself.

    Near 1 once the chains have forgotten where they began; above 1.01 they have not.

    Args:
        values: ``(N, C)``: N steps of C chains; at least 4 steps.

    Returns:
        the ratio; None where all values are equal, inf where each half stands still by itself.

    Reference: Gelman and Rubin 1992; Vehtari et al. 2021 (arXiv 1903.08008).
    """
    x = _values(values)
    if _constant(x):
        return None
    half = len(x) // 2
    parts = np.concatenate([x[:half], x[-half:]], axis=1)
    within = float(parts.var(axis=0, ddof=1).mean())
    between = float(parts.mean(axis=0).var(ddof=1))
    if within == 0:
        return math.inf
    return math.sqrt((half - 1) / half + between / within)


def _constant(x: FloatArray) -> bool:
    return float(x.max() - x.min()) <= ROUNDING * (1.0 + float(abs(x).max()))


def _values(values: object) -> FloatArray:
    x = np.asarray(_validation.array("values", values), np.float64)
    if x.ndim != 2 or len(x) < 4 or x.shape[1] < 1:
        raise ValueError(
            f"values must be (steps, chains) with at least 4 steps, got shape {x.shape}"
        )
    if not np.isfinite(x).all():
        raise ValueError("values must be finite; leave out the steps before the chains settled")
    return x
