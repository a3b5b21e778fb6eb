"""Theorem 1 on fully symbolic tables: laws and models whose every number is a symbol."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import sympy as sp

from proofs import exact_bits
from proofs.claim import demand
from proofs.exact_bits import Blocks

SHAPES = ((2, 2), (3, 2), (2, 2, 2))

Shape: TypeAlias = Sequence[int]
"""Number of tokens of each position."""

Masses: TypeAlias = Callable[[Mapping[int, int]], sp.Expr]
"""Total weight of the outcomes with these tokens shown."""


def log(value: sp.Expr) -> sp.Expr:
    """In nats: every identity here is homogeneous in the logarithm."""
    return sp.expand_log(sp.log(value), force=True)


def masses(shape: Shape) -> Masses:
    """A law on a table of this shape: a positive symbol for the weight of every outcome."""
    cells = {
        y: sp.Symbol("m" + "".join(map(str, y)), positive=True)
        for y in itertools.product(*map(range, shape))
    }

    def mass(shown: Mapping[int, int]) -> sp.Expr:
        agree = [m for y, m in cells.items() if all(y[i] == v for i, v in shown.items())]
        return sp.Add(*agree)

    return mass


def tokens(shape: Shape, positions: Sequence[int]) -> Iterator[dict[int, int]]:
    """All ways to fill these positions."""
    for values in itertools.product(*(range(shape[i]) for i in positions)):
        yield dict(zip(positions, values, strict=True))


def contexts(shape: Shape, blocks: Blocks) -> Iterator[tuple[dict[int, int], Sequence[int]]]:
    """Every block with every filling of the blocks before it."""
    known: list[int] = []
    for block in blocks:
        for shown in tokens(shape, known):
            yield shown, block
        known += block


def prediction(position: int, shown: Mapping[int, int], token: int) -> sp.Symbol:
    """What the model says of a token, on this context: a symbol of its own."""
    context = "".join(f"{i}{v}" for i, v in sorted(shown.items()))
    return sp.Symbol(f"theta_{position}{token}_{context}", positive=True)


def model_divergence(shape: Shape, mass: Masses, blocks: Blocks) -> sp.Expr:
    """KL(mu || nu) by its definition, nu the product of the predictions."""
    terms = []
    for y in tokens(shape, range(len(shape))):
        share = mass(y) / mass({})
        log_nu, known = sp.Integer(0), dict[int, int]()
        for block in blocks:
            log_nu += sum(log(prediction(i, known, y[i])) for i in block)
            known |= {i: y[i] for i in block}
        terms.append(share * (log(share) - log_nu))
    return sp.Add(*terms)


def expected_correlations(shape: Shape, mass: Masses, blocks: Blocks) -> sp.Expr:
    """L_T by its definition: E_mu C(S_t | S_<t), summed over rounds."""
    terms = []
    for shown, block in contexts(shape, blocks):
        context = mass(shown) / mass({})
        for group, sign in (*(((i,), -1) for i in block), (block, 1)):
            for values in tokens(shape, group):
                p = mass({**shown, **values}) / mass(shown)
                terms.append(sign * context * p * log(p))
    return sp.Add(*terms)


def marginal_divergences(shape: Shape, mass: Masses, blocks: Blocks) -> sp.Expr:
    """E_mu KL(mu(y_i | S_<t) || prediction), summed over positions."""
    terms = []
    for shown, block in contexts(shape, blocks):
        for i in block:
            for v in range(shape[i]):
                p = mass({**shown, i: v}) / mass(shown)
                gap = log(p) - log(prediction(i, shown, v))
                terms.append(mass(shown) / mass({}) * p * gap)
    return sp.Add(*terms)


Floor: TypeAlias = Callable[[Shape, Masses, Blocks], sp.Expr]


def divergence_splits(rounds: int | None, floor: Floor = expected_correlations) -> str:
    """KL(mu || nu) - L_T - the divergences of marginals expands to 0."""
    found = []
    for shape in SHAPES:
        mass = masses(shape)
        partitions = list(exact_bits.ordered_partitions(len(shape), rounds))
        for blocks in partitions:
            gap = sp.expand(
                model_divergence(shape, mass, blocks)
                - floor(shape, mass, blocks)
                - marginal_divergences(shape, mass, blocks)
            )
            demand(gap == 0, f"{_sides(shape)}, blocks {blocks}: {gap}")
        count = len(partitions)
        found.append(f"{_sides(shape)}: {count} partition{'s' if count > 1 else ''}")
    return f"identically 0 in all weights and predictions; {', '.join(found)}"


def _sides(shape: Shape) -> str:
    return "x".join(map(str, shape))
