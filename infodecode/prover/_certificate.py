"""Certificates: why a claim follows from Shannon's inequalities and the constraints."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from infodecode.prover import _forms
from infodecode.prover._forms import Form
from infodecode.prover._grammar import Statement, parse_quantity, parse_statement

_LINE = 160


@dataclass(frozen=True)
class Term:
    """A multiple of something known to be >= 0, or == 0.

    Attributes:
        multiplier: positive; of any sign for a constraint with ``==``.
        quantity: an elemental quantity such as ``I(A;B|C)`` or ``H(A|B,C)``, which is >= 0; or the
            text of a constraint, which stands for the difference of its sides.
        given: number of the constraint, or None for an elemental quantity.
    """

    multiplier: Fraction
    quantity: str
    given: int | None = None


@dataclass(frozen=True)
class Derivation:
    """A form, known to be >= 0 because it is the sum of the terms.

    Attributes:
        goal: the form, in joint entropies: larger side minus smaller side of the claim.
        terms: what adds up to it; none if the form is 0.
    """

    goal: str
    terms: tuple[Term, ...]

    @property
    def multipliers(self) -> Mapping[str, Fraction]:
        """Multiplier of each quantity."""
        return {term.quantity: term.multiplier for term in self.terms}


@dataclass(frozen=True, repr=False)
class Certificate:
    """A proof that anyone can check by expanding and adding up.

    Attributes:
        claim: what is proved.
        given: the constraints.
        derivations: one for an inequality; for ``==`` one for >= 0 and one for <= 0 of the
            difference of its sides.
    """

    claim: str
    given: tuple[str, ...]
    derivations: tuple[Derivation, ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all derivations."""
        return tuple(term for part in self.derivations for term in part.terms)

    def check(self) -> bool:
        """Whether the derivations prove the claim, by exact arithmetic on the texts alone.

        Each elemental quantity and each constraint is parsed again and expanded into joint
        entropies; multipliers must have the right sign, and the sums must equal the claim.
        """
        try:
            claim = parse_statement("claim", self.claim)
            given = [parse_statement(f"given[{k}]", text) for k, text in enumerate(self.given)]
            goals = [claim.form]
            if claim.equality:
                goals.append(_forms.total([(-1, claim.form)]))
            sums = [
                _forms.total((term.multiplier, self._known(term, given)) for term in part.terms)
                for part in self.derivations
            ]
        except (ValueError, TypeError):
            return False
        texts = [_forms.shown(goal) for goal in goals]
        return sums == goals and [part.goal for part in self.derivations] == texts

    def _known(self, term: Term, given: list[Statement]) -> Form:
        """The form of a term; refuses one that is not known to be >= 0 times its multiplier."""
        if not isinstance(term.multiplier, Fraction):
            raise TypeError(f"a multiplier must be a Fraction, got {term.multiplier!r}")
        if term.given is None:
            quantity = parse_quantity(term.quantity)
            if term.multiplier < 0 or quantity.kind not in ("H", "I"):
                raise ValueError(f"not known to be >= 0: {term}")
            return quantity.form
        if term.given not in range(len(given)) or self.given[term.given] != term.quantity:
            raise ValueError(f"not a constraint: {term}")
        constraint = given[term.given]
        if term.multiplier < 0 and not constraint.equality:
            raise ValueError(f"not known to be >= 0: {term}")
        return constraint.form

    def text(self, most: int | None = None) -> str:
        """The derivations, one term a line; at most ``most`` of them in each."""
        lines = []
        for part in self.derivations:
            lines.append(cut(part.goal, most))
            for k, term in enumerate(part.terms[:most]):
                quantity = term.quantity if term.given is None else f"[given: {term.quantity}]"
                term_text = _forms.signed(term.multiplier, quantity, first=False)
                lines.append(f"  {'=' + term_text[1:] if k == 0 else term_text}")
            if not part.terms:
                lines.append("  = 0")
            elif most is not None and len(part.terms) > most:
                lines.append(f"  + {len(part.terms) - most} more terms")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        parts = []
        for part in self.derivations:
            rows = "".join(
                f"<tr><td style='text-align:right'>{term.multiplier}</td>"
                f"<td style='text-align:left'>{html.escape(term.quantity)}</td>"
                f"<td style='text-align:left'>{'≥ 0' if term.given is None else 'given'}</td></tr>"
                for term in part.terms
            )
            parts.append(f"<div>{html.escape(part.goal)} =<table>{rows}</table></div>")
        return "".join(parts)


def cut(text: str, most: int | None) -> str:
    """``text``, shortened if it is long and ``most`` says that shortness is wanted."""
    return text if most is None or len(text) <= _LINE else text[: _LINE - 4] + " ..."
