"""What a check of a strategy found: a report, or the first rule that was broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._typing import Array
from infodecode.decoder import Decoder
from infodecode.distributions import Joint, Table
from infodecode.strategies import Strategy


class StrategyViolation(AssertionError):
    """A strategy broke a rule of the loop, or a promise of its own.

    Attributes:
        strategy: which one.
        rule: what it broke, as in `StrategyReport`.
        detail: what happened.
        distribution: the law it was decoding; small, since Hypothesis shrinks it.
        canvas: the canvas it was looking at, where there is one.
        decoder: how it was decoding, where that matters.
    """

    def __init__(
        self,
        strategy: Strategy,
        rule: str,
        detail: str,
        *,
        distribution: Joint | None = None,
        canvas: Array | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        self.strategy, self.rule, self.detail = strategy, rule, detail
        self.distribution, self.decoder = distribution, decoder
        self.canvas = None if canvas is None else np.array(canvas)
        lines = [f"{strategy!r} must hold to: {rule}", f"  found    {detail}"]
        if distribution is not None:
            lines.append(f"  law      {described(distribution)}")
        if self.canvas is not None:
            lines.append(f"  canvas   {self.canvas.tolist()}")
        if decoder is not None:
            lines.append(f"  decoder  {decoder!r}")
        super().__init__("\n".join(lines))


def described(law: Joint) -> str:
    """A law as Python that makes it, or its name."""
    if not isinstance(law, Table):
        return law.name
    outcomes, weights = law.outcomes.tolist(), law.weights.tolist()
    inferred = tuple(int(v) + 1 for v in law.outcomes.max(axis=0))
    sizes = "" if law.alphabet_sizes == inferred else f", alphabet_sizes={law.alphabet_sizes}"
    return f"Table({outcomes}, {weights}{sizes})"


@dataclass(frozen=True)
class Check:
    """One rule, and how often it was put to the test.

    Attributes:
        rule: the rule.
        examples: laws it was tested on; 0 where it does not apply.
        note: why it does not apply, or how it was tested.
    """

    rule: str
    examples: int
    note: str = ""


@dataclass(frozen=True, repr=False)
class StrategyReport:
    """A strategy that holds to every rule it was tested for.

    Attributes:
        strategy: which one.
        examples: random laws it decoded.
        checks: the rules, in order.
    """

    strategy: Strategy
    examples: int
    checks: tuple[Check, ...]

    def __getitem__(self, rule: str) -> Check:
        """The check of a rule by name."""
        for check in self.checks:
            if check.rule == rule:
                return check
        listed = ", ".join(repr(check.rule) for check in self.checks)
        raise KeyError(f"rule must be one of {listed}, got {_validation.shown(rule)}")

    def __repr__(self) -> str:
        width = max(len(check.rule) for check in self.checks)
        lines = [f"{self.strategy!r} holds on {self.examples} laws"]
        for check in self.checks:
            count = f"{check.examples:>4}" if check.examples else "   -"
            lines.append(f"  {check.rule:<{width}} {count}  {check.note}".rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return figures_table(
            f"{self.strategy!r} holds on {self.examples} laws",
            {check.rule: check.note or check.examples for check in self.checks},
        )
