"""Entropy caps: how much a decoder that commits what it is sure of can explore at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._rounding import DECODED_ZERO, nonnegative
from infodecode.chance import children_allowed
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.exploration._gates import Counting, most_bits
from infodecode.models import OFF_SUPPORT, Model
from infodecode.propagation import blank_state, demand_finished, prepare, propagate
from infodecode.strategies import Threshold
from infodecode.token_rules import FromMarginal, LocalPower


def gate_bits(gate: float, size: int, *, drawn: bool = False, inclusive: bool = False) -> float:
    r"""The most entropy that a token can have which has passed a confidence gate, in bits.

    A gate on the *largest* probability says that the law of the token has a probability of at least
    ``gate``:

    .. math:: H \le h(\tau) + (1-\tau) \log_2(V-1), \qquad \tau \ge 1/V

    and log2 V below 1/V; equality where the others share the rest evenly. A gate on the probability
    of the *drawn* token leaves at most :math:`\lfloor 1/\tau \rfloor` tokens that can pass
    (:math:`\lceil 1/\tau \rceil - 1` for a strict one), and the logarithm of their number.

    Args:
        gate: threshold tau in [0, 1].
        size: tokens of the alphabet, V >= 1.
        drawn: the gate looks at the drawn token (decoders that sample, then choose).
        inclusive: probabilities equal to the gate pass; matters for drawn tokens only.

    Example:
        >>> round(gate_bits(0.9, 4), 4), gate_bits(0.5, 4, drawn=True, inclusive=True)
        (0.6275, 1.0)

    Reference: Locally Confident, Globally Stuck (2026), abstract; made precise here.
    """
    tau = _validation.number("gate", gate, minimum=0, maximum=1)
    tokens = _validation.integer("size", size, minimum=1)
    _validation.flag("drawn", drawn)
    _validation.flag("inclusive", inclusive)
    return most_bits(tau, tokens, drawn, inclusive)


@dataclass(frozen=True, eq=False, repr=False)
class EntropyCap:
    """What the confidence gate of a decoder leaves of the entropy of its outputs, in bits.

    Attributes:
        distribution: the data law.
        decoder: what decodes it.
        gate: threshold tau that tells gated commits from others.
        entropy: of the output law nu.
        gated: expected number of commits that pass the gate.
        forced: expected number of the others: fallbacks, and what fills up a round.
        gated_bits: the most that the gated commits can add: `gate_bits` for each.
        forced_bits: what the forced commits add: E of their entropies where positions are chosen
            first; log2 V for each where tokens are drawn first.
        choice_bits: sum over rounds of the expected entropy of the choice of positions given the
            canvas; where tokens are drawn first, of positions and of which of them passed.
        position_information: I(Y; omega) between the output and the random choices of positions, at
            most ``choice_bits``; 0.0 where positions follow from the canvas. None where tokens are
            drawn first.
        naive: bits of a decoder all of whose commits pass, at positions that follow from the
            canvas. No cap: forced commits exceed it.
    """

    distribution: Joint
    decoder: Decoder
    gate: float
    entropy: float
    gated: float
    forced: float
    gated_bits: float
    forced_bits: float
    choice_bits: float
    position_information: float | None
    naive: float

    @property
    def cap(self) -> float:
        """No less than `entropy`: gated and forced bits, and those of the choice of positions.

        The latter are ``position_information``, or ``choice_bits`` where tokens are drawn first.
        """
        information = self.position_information
        choice = self.choice_bits if information is None else information
        return self.gated_bits + self.forced_bits + choice

    @property
    def slack(self) -> float:
        """cap - entropy, >= 0; 0.0 where the cap is attained."""
        return nonnegative(self.cap - self.entropy, scale=self.cap, zero=DECODED_ZERO)

    def __repr__(self) -> str:
        return (
            f"<entropy of {self.decoder!r} on {self.distribution.name}: {self.entropy:.6g} bits, "
            f"cap {self.cap:.6g}>"
        )

    def _repr_html_(self) -> str:
        names = ("entropy", "cap", "gated", "forced", "gated_bits", "forced_bits", "choice_bits",
                 "position_information", "naive")  # fmt: skip
        title = f"{self.distribution.name}, {self.decoder!r}, gate {self.gate:g}, in bits"
        return figures_table(title, {name: getattr(self, name) for name in names})


def entropy_cap(
    distribution: Joint,
    decoder: Decoder,
    *,
    gate: float | None = None,
    model: Model | None = None,
    off_support: str | None = None,
    max_children: int | None = None,
    progress: bool | None = None,
) -> EntropyCap:
    r"""The entropy of a decoder's outputs, and the cap that its confidence gate puts on it.

    Confident commits cannot explore. Where positions are chosen before tokens are drawn, with N the
    numbers of commits and p the laws drawn from, on any model,

    .. math:: H(\nu) = I(Y;\omega) + \mathbb E_\nu \sum_{\text{commits}} H(p_i)
              \le I(Y;\omega) + \mathbb E_\nu[N_{\text{gated}}]
                  \bigl(h(\tau) + (1-\tau)\log_2(V-1)\bigr)
                  + \mathbb E_\nu \sum_{\text{forced}} H(p_i)

    omega being the random choices of positions: 0 bits where positions follow from the canvas.
    Where tokens are drawn first and the gate looks at them,

    .. math:: H(\nu) \le \sum_t \mathbb E_\nu H(S_t, \text{flags}_t \mid \text{canvas}_t)
              + \mathbb E_\nu[N_{\text{gated}}] \log_2 \lfloor 1/\tau \rfloor
              + \mathbb E_\nu[N_{\text{forced}}] \log_2 V

    Forced commits must be counted: on a uniform law over 4 values, gate .9, the entropy is 2 bits
    where the gate alone would leave .63.

    Cost: as `infodecode.exact` without orbits, off the support too.

    Args:
        distribution: the data law.
        decoder: a commit-only one that draws all its tokens. Choosing first, it must draw at least
            as sharply as its gate sees: from the marginals at temperature at most 1 (any
            temperature if confidence is tempered, too), or by `LocalPower` with alpha >= 1.
        gate: tau; by default that of a `strategies.Threshold`. Any other decoder has a cap for
            every tau: that of commits whose largest probability (drawn first: whose own)
            is greater than it.
        model, off_support, max_children, progress: as in `infodecode.exact`, following what leaves
            the support.

    Raises:
        TypeError, ValueError: an argument that cannot be, or too many canvases in a round.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.Table([[0], [1], [2], [3]])
        >>> cap = entropy_cap(law, Decoder(strategies.Threshold(0.9)))
        >>> cap.entropy, cap.cap, round(cap.naive, 2)
        (2.0, 2.0, 0.63)

    Reference: Locally Confident, Globally Stuck (2026), abstract; made precise here.
    """
    if off_support is not None:
        _validation.choice("off_support", off_support, OFF_SUPPORT)
    named = off_support if model is not None or off_support is not None else "marginal"
    law, used, _ = prepare(distribution, decoder, model, named, "float")
    tau, inclusive = _gate_of(decoder, gate)
    _demand_sharp(decoder)
    most = children_allowed(law.length) if max_children is None else max_children
    chance = Counting(
        law.alphabet_sizes, decoder, tau, inclusive, used.tolerance,
        max_children=_validation.integer("max_children", most, minimum=1),
    )  # fmt: skip
    live = blank_state(law, decoder, used)
    limit = decoder.round_limit(law.length, None)
    done = propagate(live, law, decoder, used, chance, limit, progress=progress)
    demand_finished("entropy_cap", done)
    chance.new_round()
    weights = np.asarray(done.outputs.weight, np.float64)
    entropy = nonnegative(math.fsum(-weights * np.log2(weights)), zero=DECODED_ZERO)
    choice = nonnegative(chance.choice_bits, zero=DECODED_ZERO)
    information = None
    if not decoder.draws_first:
        information = nonnegative(
            entropy - chance.committed_bits, scale=max(entropy, 1.0), zero=DECODED_ZERO
        )
    return EntropyCap(
        distribution=distribution,
        decoder=decoder,
        gate=tau,
        entropy=entropy,
        gated=chance.gated,
        forced=chance.forced,
        gated_bits=chance.gated_bits,
        forced_bits=chance.forced_bits,
        choice_bits=choice,
        position_information=information,
        naive=math.fsum(chance.each),
    )


def _gate_of(decoder: Decoder, gate: object) -> tuple[float, bool]:
    strategy = decoder.strategy
    if gate is None:
        if not isinstance(strategy, Threshold):
            raise ValueError(f"gate must be given: {strategy!r} has none of its own")
        return strategy.gamma, strategy.inclusive
    tau = _validation.number("gate", gate, minimum=0, maximum=1)
    return tau, isinstance(strategy, Threshold) and strategy.inclusive


def _demand_sharp(decoder: Decoder) -> None:
    if decoder.strategy.revising:
        raise ValueError(f"decoder must commit for good, got {decoder!r}")
    if decoder.draws_first:
        return
    tokens = decoder.tokens
    alpha = tokens.alpha if isinstance(tokens, LocalPower) else 1
    cooler = alpha >= (1 if decoder.confidence == "tempered" else decoder.temperature)
    if not (isinstance(tokens, FromMarginal | LocalPower) and cooler):
        raise ValueError(
            "decoder must draw its tokens at least as sharply as its gate sees them, from the "
            "marginals at temperature at most 1 or by LocalPower with alpha at least as large as "
            f"the temperature, got {decoder!r}"
        )
