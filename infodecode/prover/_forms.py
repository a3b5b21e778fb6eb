"""Linear forms in joint entropies, with exact coefficients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeAlias

Names: TypeAlias = frozenset[str]

Form: TypeAlias = dict[Names, Fraction]
"""Coefficient of the joint entropy of each set of variables; neither zeros nor the empty set."""


def total(terms: Iterable[tuple[Fraction | int, Mapping[Names, Fraction]]]) -> Form:
    """The sum of ``factor * form`` over the terms."""
    result: Form = {}
    for factor, form in terms:
        for names, coefficient in form.items():
            result[names] = result.get(names, Fraction(0)) + factor * coefficient
    return {names: value for names, value in result.items() if value and names}


def conditional_entropy(names: Names, given: Names) -> Form:
    """H(names | given)."""
    return total([(1, {names | given: Fraction(1)}), (-1, {given: Fraction(1)})])


def total_correlation(groups: Iterable[Names], given: Names) -> Form:
    """Sum of the groups' entropies minus their joint one; mutual information for two groups."""
    parts = list(groups)
    everything = frozenset[str]().union(*parts)
    terms = [(1, conditional_entropy(part, given)) for part in parts]
    return total([*terms, (-1, conditional_entropy(everything, given))])


def dual_total_correlation(groups: Iterable[Names], given: Names) -> Form:
    """The joint entropy minus that of each group given all others."""
    parts = list(groups)
    everything = frozenset[str]().union(*parts)
    terms = [(1, conditional_entropy(everything, given))]
    for k, part in enumerate(parts):
        others = given.union(*parts[:k], *parts[k + 1 :])
        terms.append((-1, conditional_entropy(part, others)))
    return total(terms)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts Y2 before Y10."""
    pieces = re.findall(r"\d+|\D+", name)
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p) for p in pieces)


def listed(names: Iterable[str]) -> str:
    """Names in natural order, with commas."""
    return ",".join(sorted(names, key=natural))


def shown(form: Mapping[Names, Fraction]) -> str:
    """The form as people write it, small sets first."""

    def place(names: Names) -> tuple[int, list[tuple[tuple[int, int, str], ...]]]:
        return len(names), sorted(map(natural, names))

    pieces = [
        signed(form[names], f"H({listed(names)})", first=k == 0)
        for k, names in enumerate(sorted(form, key=lambda s: (form[s] < 0, *place(s))))
    ]
    return " ".join(pieces) or "0"


def signed(coefficient: Fraction, quantity: str, *, first: bool) -> str:
    """``- 3/2 H(A)``; the sign of a first positive term and a coefficient of 1 are left out."""
    sign = "-" if coefficient < 0 else "" if first else "+"
    size = "" if abs(coefficient) == 1 else str(abs(coefficient))
    return " ".join(piece for piece in (sign, size, quantity) if piece)
