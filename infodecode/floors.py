"""What a forward KL alone says about validity and about total variation, for any output law."""

from __future__ import annotations

import math

from infodecode import _validation


def validity_floor(kl: float) -> float:
    r"""The least validity of an output law whose forward KL is ``kl``.

    .. math:: \nu(\operatorname{supp}\mu) \ge 2^{-KL(\mu\|\nu)}

    for any output law nu, whatever made it, because

    .. math:: KL(\mu\|\nu) = -\log_2 \nu(\operatorname{supp}\mu)
              + KL(\mu \,\|\, \nu(\cdot|\operatorname{supp}\mu)).

    Equality holds exactly where the valid outputs follow the data: nu given that it is valid is mu.
    It does wherever symmetries of the data lead from any outcome to any other and the decoder
    respects them: on Shuffle and Replace Random with every rule that treats all positions and
    tokens alike, but not with a fixed order of the positions on Replace Random.

    ``kl`` must be that of the output law, or a bound above it. The bits of a schedule are one
    (`partition_bits`, `random_order_bits`, `data_path`) only if the decoder chooses positions
    before it draws tokens: top-2 by drawn confidence on Replace Random of 4 items is valid with
    probability 267/512 = .5215, below the 2^-L = .6495 of every partition into two pairs.

    Args:
        kl: KL(data ‖ output) in bits, >= 0, possibly inf.

    Returns:
        a probability; 0.0 for inf.

    Raises:
        TypeError, ValueError: ``kl`` is no number of bits.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.permutations(4)
        >>> run = exact(law, Decoder(strategies.TopK(2)))
        >>> round(float(run.validity), 12), round(validity_floor(run.kl), 12)
        (0.375, 0.375)

    Reference: ParallelBench (Kang et al. 2025), section 4, for the errors that it bounds.
    """
    return math.exp2(-_bits("kl", kl))


def variation_ceiling(kl: float) -> float:
    r"""The largest total variation that a KL divergence of ``kl`` leaves possible.

    .. math:: TV \le \min\left(\sqrt{\tfrac{\ln 2}{2} KL},\ \sqrt{1 - 2^{-KL}}\right)

    Pinsker's inequality for small divergences, that of Bretagnolle and Huber for large ones, where
    Pinsker's says nothing. It holds for the forward KL and for the reverse one: take the smaller.
    The sequence error rate is at most TV, since only outputs off the support make it.

    Args:
        kl: KL between the two laws in bits, in either direction, >= 0, possibly inf.

    Returns:
        a number in [0, 1]; 1.0 for inf.

    Raises:
        TypeError, ValueError: ``kl`` is no number of bits.

    Example:
        >>> round(variation_ceiling(0.01), 4), round(variation_ceiling(5), 4)
        (0.0589, 0.9843)

    Reference: Canonne 2022, A short note on an inequality between KL and TV (arXiv 2202.07198).
    """
    nats = _bits("kl", kl) * math.log(2)
    return min(math.sqrt(nats / 2), math.sqrt(-math.expm1(-nats)))


def _bits(name: str, value: object) -> float:
    if isinstance(value, float) and value == math.inf:
        return value
    return _validation.number(name, value, minimum=0)
