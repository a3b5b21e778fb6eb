"""Independent Metropolis–Hastings on tokens: the law after some moves, state by state."""

from __future__ import annotations

from infodecode._kernels.jit import njit


@njit
def after_moves_into(start, order, proposal, ratio, moves, law, rejected, below):  # type: ignore[no-untyped-def]
    """The law of a chain started from its own proposals, after ``moves`` moves.

    States of chain g are ``start[g]:start[g + 1]``. ``order`` lists them by rising weight, and
    ``ratio[r]`` is the weight at rank r over that at rank r + 1 (1 between equal ones, 0 from an
    impossible state to a possible one). At a, a proposal b is accepted with min(1, w_b / w_a): a
    move sends mass up the ranks freely, and down them by the product of the ratios passed.
    ``rejected`` and ``below`` are room to work in. Plain Python runs it on fractions.
    """
    for g in range(start.shape[0] - 1):
        first, last = start[g], start[g + 1]
        zero = 0 * proposal[first]
        reject = zero
        proposed = zero
        for r in range(first, last):
            rejected[r] = reject
            law[order[r]] = proposal[order[r]]
            proposed += proposal[order[r]]
            reject = (1 - ratio[r]) * proposed + ratio[r] * reject
        for _ in range(moves):
            lower = zero
            for r in range(first, last):
                lower += law[order[r]]
                below[r] = lower
            passed = zero
            for r in range(last - 1, first - 1, -1):
                state = order[r]
                mass = law[state]
                law[state] = mass * rejected[r] + proposal[state] * (below[r] + passed)
                if r > first:
                    passed = (passed + mass) * ratio[r - 1]
