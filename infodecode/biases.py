"""Selection bias: what choosing positions by their drawn tokens does to the output law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.exact import ExactRun, exact
from infodecode.strategies import TopK


@dataclass(frozen=True)
class MarginalChange:
    """A single token whose probability the decoder changes most.

    Attributes:
        position: where.
        token: which.
        before: its probability under the data law.
        after: its probability under the output law.
    """

    position: int
    token: int
    before: float
    after: float


@dataclass(frozen=True)
class SelectionBias:
    """How far the output law is from the data, at one position a round with a perfect model.

    Attributes:
        distribution: the data law mu.
        by: the order of the positions, as in `strategies.TopK`.
        kl: forward KL(data ‖ output), bits; always finite.
        reverse_kl: KL(output ‖ data), bits; at most log2 n!.
        total_variation: between the two, at most 1 - 1/n!.
        validity: probability of a possible output; always 1.
        entropy_before: of the data, bits.
        entropy_after: of the output, bits.
        change: the largest change of a single token's probability (the first, if several are
            equal); None where every marginal of a single position is as it was.
    """

    distribution: Joint
    by: str
    kl: float
    reverse_kl: float
    total_variation: float
    validity: float
    entropy_before: float
    entropy_after: float
    change: MarginalChange | None


def selection_bias(
    distribution: Joint,
    *,
    by: str = "confidence",
    position_ties: str = "random",
    max_children: int | None = None,
) -> SelectionBias:
    r"""The error of drawing every token first and keeping the one that looks best.

    A round draws a token at every masked position, from exact marginals, and commits the single
    drawn token of largest probability (``order="sample-then-choose"``, as LLaDA and Fast-dLLM
    decode at temperature above 0). One token a round, a perfect model: and yet the output does not
    follow the data, since probable tokens win the comparison more often than they are drawn.
    Choosing the position first is exact, in whatever order (BIAS-0); this is not (BIAS-1). Of the
    orders only ``"confidence"`` looks at drawn tokens: all others leave the law as it is.

    Every order of the positions multiplies the same conditional probabilities, so the output is

    .. math:: \nu(y) = \mu(y) \sum_\sigma \prod_t
              P(\sigma_t \text{ is chosen} \mid y_{\sigma_t} \text{ is drawn there}, \text{canvas}).

    Of each product the last factor is 1 and no factor exceeds 1. Hence, for *any* rule that commits
    one drawn token a round:

    - nu(y) <= n! mu(y): the output is always valid, the reverse KL at most log2 n!, the total
      variation at most 1 - 1/n!;
    - nu(y) > 0 wherever mu(y) > 0, since all of y may be drawn at once: the forward KL is finite;
    - one position has no bias: the sum is 1.

    The forward KL has no such bound. n copies of one bit with P(0) = p > 1/2 become all ones only
    if all draws do, with probability (1-p)^n: a KL linear in n. n independent bits with p just
    above 1/2 lose about n²/8 bits, 12.1 for n = 10, and none at p = 1/2, where all drawn tokens
    look alike. Two bits lose at most 0.2586 bits. If one is more certain than the other, only the
    probability a of its likelier token matters: it becomes a(2 - a), and

    .. math:: KL = -a \log_2 (2-a) - (1-a) \log_2 (1-a), \quad TV = a(1-a),

    even if the two are independent, where decoding both at once would be exact. The smallest law
    that shows it has two outcomes, two copies of one bit, and follows the same formula.

    There is no bias where the draw does not matter, since each position's possible tokens are
    equally probable on every canvas (Shuffle), nor where symmetries of the data lead from any
    outcome to any other (Replace Random, linear codes): with ties settled at random, the output has
    the same symmetries.

    Args:
        distribution: the data law mu, of n positions.
        by: ``"confidence"``, or another order of `strategies.TopK`.
        position_ties: between equally confident drawn tokens, ``"random"`` or ``"lowest"``.
        max_children: as in `infodecode.exact`; every draw of all positions is enumerated.

    Raises:
        TypeError, ValueError: an argument that cannot be, or too many canvases in a round.

    Example:
        >>> from infodecode import distributions
        >>> bits = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [6, 3, 2, 1])
        >>> bias = selection_bias(bits)  # independent: P(0) = 3/4 and 2/3
        >>> bias.change
        MarginalChange(position=0, token=0, before=0.75, after=0.9375)
        >>> round(bias.kl, 4), bias.validity
        (0.2586, 1.0)

    Reference: LLaDA (Nie et al. 2025), low-confidence remasking.
    """
    decoder = Decoder(TopK(1, by), order="sample-then-choose", position_ties=position_ties)
    run = exact(distribution, decoder, max_children=max_children, progress=False)
    return SelectionBias(
        distribution=distribution,
        by=by,
        kl=run.kl,
        reverse_kl=run.reverse_kl,
        total_variation=run.total_variation,
        validity=float(run.validity),
        entropy_before=distribution.entropy(),
        entropy_after=run.entropy,
        change=marginal_change(run),
    )


def marginal_change(run: ExactRun) -> MarginalChange | None:
    """The token whose probability changes most between the data and the output of a run.

    Args:
        run: from `infodecode.exact`; where canvases left the support, its `ExactRun.followed` is
            what is compared.

    Returns:
        the first of the largest changes; None where none exceeds 1e-12.

    Raises:
        ValueError: some decodes of the run did not finish.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.replace_random(3)
        >>> first = strategies.TopK(2, by="left_to_right")
        >>> marginal_change(exact(law, Decoder(first)))
        MarginalChange(position=2, token=0, before=0.6666..., after=0.5185...)
    """
    law, run = run.distribution, run.followed
    if run.unfinished > ROUNDING:
        raise ValueError(
            f"run must have finished every decode, got {float(run.unfinished):.3g} unfinished"
        )
    before = law.marginals(np.full((1, law.length), -1))[0]
    after = _marginals(run, before.shape[1])
    change = np.abs(after - before)
    if change.max() <= ROUNDING:
        return None
    position, token = np.argwhere(change >= change.max() - ROUNDING)[0].tolist()
    return MarginalChange(
        position, token, float(before[position, token]), float(after[position, token])
    )


def _marginals(run: ExactRun, width: int) -> FloatArray:
    """Probability ``(n, V)`` of each token under the output law."""
    law, p = run.distribution, run.probabilities
    if run.orbit_sizes is not None and law.exchangeable == "positions and tokens":
        return np.full((law.length, width), 1 / width)
    found = np.zeros((law.length, width))
    np.add.at(found, (np.arange(law.length), run.outcomes), p[:, None])
    if run.orbit_sizes is not None:
        found[:] = found.mean(axis=0)
    return found / math.fsum(p)
