"""Linear forms in the entropies of all sets of positions, and certificates from the prover."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

from infodecode import prover
from proofs import exact_bits
from proofs.claim import demand
from proofs.exact_bits import Blocks

Form: TypeAlias = dict[int, Fraction]
"""Coefficient of the entropy of each set of positions, by mask; no zeros."""

Terms: TypeAlias = list[tuple[int, int]]
"""Coefficients and masks, in any order and number."""


def form(*terms: tuple[int, int]) -> Form:
    """The sum of the terms; H of no position is 0."""
    result: Form = {}
    for coefficient, mask in terms:
        result[mask] = result.get(mask, Fraction(0)) + coefficient
    return {mask: c for mask, c in result.items() if c and mask}


def floor_form(blocks: Blocks) -> Terms:
    """L of an ordered partition, for any law: each C(S | before) in joint entropies."""
    known, terms = 0, []
    for block in blocks:
        after = known | exact_bits.mask_of(block)
        for i in block:
            terms += [(1, known | 1 << i), (-1, known)]
        terms += [(-1, after), (1, known)]
        known = after
    return terms


def information_form(i: int, others: Sequence[int], context: int) -> Terms:
    """I(i; others | context)."""
    alone, rest = context | 1 << i, context | exact_bits.mask_of(others)
    return [(1, alone), (1, rest), (-1, rest | 1 << i), (-1, context)]


def splits(blocks: Blocks) -> Iterator[tuple[Blocks, Sequence[int], Sequence[int], int]]:
    """Every way to make two blocks of one: new blocks, both parts, and what is known before."""
    for t, block in enumerate(blocks):
        before = exact_bits.mask_of(itertools.chain(*blocks[:t]))
        for first in exact_bits.subsets(block):
            second = tuple(i for i in block if i not in first)
            if second:
                yield (*blocks[:t], first, second, *blocks[t + 1 :]), first, second, before


# In the prover's language


def certified(claim: str, given: Sequence[str] = ()) -> None:
    """Demand a certificate of Shannon's inequalities that passes its own check."""
    proof = prover.prove(claim, given=given, search=False)
    demand(proof.proved and proof.check(), f"{proof.verdict}: {claim}")


def names(letter: str, count: int) -> list[str]:
    """Such as A1, A2, A3."""
    return [f"{letter}{k}" for k in range(1, count + 1)]


def quantity(kind: str, inside: str, condition: Sequence[str]) -> str:
    """Such as ``C(A1,A2|Z1)``."""
    return f"{kind}({inside}{'|' if condition else ''}{','.join(condition)})"
