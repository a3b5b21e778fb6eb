"""What theory says a decoder does on a toy, as formulas; `toy.study` compares them with `exact`.

A formula never looks at a decoded canvas. Each names its claim: PB-n numbers the statements of
ParallelBench (Kang et al. 2025) in section 4 and appendix A, in their order there; BIAS-0 is the
exactness of one position a round.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.distributions import Joint


@dataclass(frozen=True)
class Closed:
    """Values by formula; None where there is none.

    Attributes:
        claim: which statement.
        validity: probability of a possible output.
        kl: forward KL(data ‖ output), bits.
        rounds: expected number of rounds.
        mode_probability: output probability of the most probable outcomes of the data.
        coverage: data probability of what can be put out.
    """

    claim: str
    validity: float | None = None
    kl: float | None = None
    rounds: float | None = None
    mode_probability: float | None = None
    coverage: float | None = None


Formula: TypeAlias = Callable[[Joint, Decoder], "Closed | None"]


def covered(decoder: Decoder) -> bool:
    """Whether the formulas speak of this decoder: whole canvas, no quotas, nothing tempered."""
    strategy = decoder.strategy
    plain = True
    if isinstance(strategy, strategies.Threshold):
        plain = strategy == strategies.Threshold(strategy.gamma) and strategy.gamma < 1
    elif isinstance(strategy, strategies.Factor):
        plain = not strategy.as_shipped
    return (
        plain
        and decoder.blocks == strategies.WholeCanvas()
        and decoder.temperature in (0, 1)
        and decoder.confidence == "untempered"
    )


def sizes_of(law: Joint, decoder: Decoder) -> tuple[int, ...] | None:
    """Sizes of the rounds where they are given in advance, the last one what is left; else None.

    Of the strategies whose places are known too (`blocks_of`), or do not matter.
    """
    known = isinstance(decoder.strategy, strategies.TopK | strategies.FixedPartition)
    return decoder.strategy.sizes(law.length) if known else None


def uniform_if_valid(claim: str, validity: float | Fraction, rounds: float | None) -> Closed:
    """The output is uniform on a uniform law's support, given that it lies there: KL = -log2."""
    return Closed(
        claim,
        validity=float(validity),
        kl=0.0 - math.log2(validity) if validity else math.inf,
        rounds=rounds,
        mode_probability=float(validity),
        coverage=1.0 if validity else 0.0,
    )


def shuffle(law: Joint, decoder: Decoder) -> Closed | None:
    """PB-9 to PB-11 and PB-14: every choice of positions is as good as any other."""
    n = law.length
    lowest = decoder.temperature == 0 and decoder.token_ties == "lowest"
    strategy = decoder.strategy
    sizes = sizes_of(law, decoder)
    if isinstance(strategy, strategies.Threshold) and not strategy.inclusive:
        largest = max(m for m in range(1, n + 1) if m == 1 or 1 / m > strategy.gamma + 1e-12)
        sizes = (1,) * (n - largest) + (largest,)
    elif isinstance(strategy, strategies.Factor) and strategy.factor == 1:
        sizes = (1,) * n
    if sizes is None:
        return None
    rounds = len(sizes)
    if lowest:
        alone = max(sizes) == 1
        return Closed("PB-11", validity=float(alone), rounds=rounds, mode_probability=float(alone))
    validity, masked = Fraction(1), n
    for size in sizes:
        validity *= Fraction(math.perm(masked, size), masked**size)
        masked -= size
    claim = "PB-14" if isinstance(strategy, strategies.Threshold) else "PB-10"
    return uniform_if_valid(claim, validity, rounds)


def replace_random(law: Joint, decoder: Decoder) -> Closed | None:
    """PB-12, PB-13 and PB-15; with factor 1 all but two positions go first."""
    n = law.length
    strategy = decoder.strategy
    sizes = sizes_of(law, decoder)
    greedy = decoder.temperature == 0
    if decoder.draws_first or n < 3:
        return None
    if sizes is not None and greedy:
        last = sizes[-1]
        settled = decoder.token_ties == "lowest"
        validity = {1: Fraction(1), 2: Fraction(0 if settled else 1, 2)}.get(last, Fraction(0))
        if decoder.position_ties == "lowest" or blocks_of(law, decoder) is not None:
            share = float(validity)
            return Closed("PB-12", validity=share, rounds=len(sizes), mode_probability=share)
        return uniform_if_valid("PB-12", validity, len(sizes))
    if sizes is not None:
        validity, none, masked = Fraction(0), Fraction(1), n
        for size in sizes:
            keep = Fraction(masked - 1, masked)
            validity += none * size / masked * keep ** (size - 1)
            none *= keep**size
            masked -= size
        closed = uniform_if_valid("PB-13", validity, len(sizes))
        return closed if blocks_of(law, decoder) is None else replace(closed, kl=None)
    if decoder.position_ties == "lowest":
        return None
    if isinstance(strategy, strategies.Threshold) and not strategy.inclusive:
        if (n - 1) / n > strategy.gamma + 1e-12:
            validity = Fraction(0) if greedy else Fraction(n - 1, n) ** (n - 1)
            return uniform_if_valid("PB-15" if greedy else "PB-13", validity, 1)
        rounds = float(n) if greedy else (sum(range(2, n + 1)) + n) / n
        return uniform_if_valid("PB-15", Fraction(1), rounds)
    if isinstance(strategy, strategies.Factor) and strategy.factor == 1 and not greedy:
        keep = Fraction(n - 1, n)
        validity = keep ** (n - 2) + Fraction(n - 2, n) * keep ** (n - 3)
        return uniform_if_valid("factor", validity, None)
    return None


def certain(law: Joint, decoder: Decoder) -> Closed | None:
    """PB-6: a single outcome costs nothing, whoever decodes it."""
    sizes = sizes_of(law, decoder) or (law.length,)
    return uniform_if_valid("PB-6", Fraction(1), len(sizes))


def parity(law: Joint, decoder: Decoder) -> Closed | None:
    """All but the last round are exactly independent; so is that, but for the weight's parity."""
    strategy = decoder.strategy
    sizes = sizes_of(law, decoder)
    if isinstance(strategy, strategies.Threshold) and not strategy.inclusive:
        sizes = (law.length,) if strategy.gamma < 0.5 else (1,) * law.length
    elif isinstance(strategy, strategies.Factor) and strategy.factor == 1:
        sizes = (1,) * law.length
    if sizes is None or (decoder.temperature == 0 and decoder.token_ties == "lowest"):
        return None
    return uniform_if_valid("parity", Fraction(1, min(sizes[-1], 2)), len(sizes))


def uniform_code(law: Joint, decoder: Decoder) -> Closed | None:
    """A fixed order on a linear code: the output is uniform on the code, so validity is 2^-L."""
    if isinstance(decoder.strategy, strategies.FixedPartition) and decoder.temperature == 1:
        bits = infodecode.partition_bits(law, decoder.strategy.blocks)
        return uniform_if_valid("PB-2", 2.0**-bits, len(decoder.strategy.blocks))
    return None


def same_names(law: Joint, decoder: Decoder) -> Closed | None:
    """Names of identifiers all at once: every slot of an identifier must agree."""
    if not isinstance(law, distributions.VariableNames) or sizes_of(law, decoder) != (law.length,):
        return None
    if decoder.temperature != 1:
        return None
    validity = math.prod(float((shares**slots).sum()) for shares, slots in law.identifiers)
    bits = math.fsum(
        (slots - 1) * -float(shares @ np.log2(shares)) for shares, slots in law.identifiers
    )
    return Closed("names", validity=validity, kl=bits, rounds=1.0, coverage=1.0)


def deranged(law: Joint, decoder: Decoder) -> Closed | None:
    """Derangements all at once: D(n) of (n - 1)^n equally probable draws."""
    if sizes_of(law, decoder) != (law.length,) or decoder.token_ties == "lowest":
        return None
    size = law.support_size or 0
    share = Fraction(size, (law.length - 1) ** law.length)
    return uniform_if_valid("derangements", share, 1)


def every_law(law: Joint, decoder: Decoder) -> Closed | None:
    """The sizes of the rounds; at temperature 1 also BIAS-0, PB-1 and PB-2.

    One position at a time, all at once, and fixed orders: from entropies, and from the marginals of
    a table. Nothing is decoded.
    """
    n = law.length
    sizes = sizes_of(law, decoder)
    if sizes is None:
        return None
    plain = Closed("", rounds=float(len(sizes)))
    if decoder.temperature != 1 or decoder.draws_first:
        return plain
    if max(sizes) == 1:
        return replace(plain, claim="BIAS-0", validity=1.0, kl=0.0, coverage=1.0)
    if sizes == (n,):
        bits = infodecode.total_correlation(law)
        return replace(plain, claim="PB-1", validity=_independent(law), kl=bits, coverage=1.0)
    blocks = blocks_of(law, decoder)
    if blocks is None:
        return plain
    return replace(plain, claim="PB-2", kl=infodecode.partition_bits(law, blocks), coverage=1.0)


def blocks_of(law: Joint, decoder: Decoder) -> list[list[int]] | None:
    """The ordered partition that a decoder commits whatever the tokens are, if there is one."""
    if isinstance(decoder.strategy, strategies.FixedPartition):
        return [list(block) for block in decoder.strategy.blocks]
    sizes = sizes_of(law, decoder)
    if sizes is None or getattr(decoder.strategy, "by", None) != "left_to_right":
        return None
    ends = np.cumsum(sizes).tolist()
    return [list(range(a, b)) for a, b in itertools.pairwise([0, *ends])]


def _independent(law: Joint) -> float | None:
    """Probability that independent draws from the marginals are possible together."""
    if law.support_size is None or law.support_size > 100_000:
        return None
    outcomes = law.table().outcomes
    shares = law.marginals(np.full(law.length, -1))[0]
    return math.fsum(shares[np.arange(law.length), outcomes].prod(axis=1))
