"""Hypothesis strategies: small random laws, and canvases partly filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from hypothesis import strategies as st

from infodecode import _validation
from infodecode import distributions as laws
from infodecode._typing import IntArray
from infodecode.distributions import Joint, Table
from infodecode.distributions._joint import require

LONGEST = 6
"""Most positions of a random law: its outcomes are listed."""

MOST_TOKENS = 4

FAMILIES: tuple[tuple[int, Callable[[int], Joint]], ...] = (
    (1, laws.copy),
    (1, laws.permutations),
    (2, laws.replace_random),
    (2, laws.parity),
    (3, laws.shuffled),
    (2, lambda n: laws.markov_chain([[0.75, 0.25], [0.5, 0.5]], length=n)),
)
"""Structured families, each with the fewest positions it has."""


def distributions(
    *,
    min_length: int = 1,
    max_length: int = 4,
    max_tokens: int = 3,
    max_outcomes: int = 12,
    families: bool = True,
) -> st.SearchStrategy[Joint]:
    """Small random laws: tables of integer counts, and some structured families.

    Among the tables are degenerate ones: a single outcome, positions that are certain, alphabets
    with one token, tokens that never occur. Counts are small, so that ties and probabilities on
    round thresholds are common. Examples shrink towards few positions, tokens and outcomes.

    Args:
        min_length, max_length: positions, 1 to 6.
        max_tokens: tokens at a position of a table, 1 to 4.
        max_outcomes: of a table.
        families: also draw from structured families (permutations, replace random, parity, …).

    Returns:
        a Hypothesis strategy of distributions.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from hypothesis import given
        >>> @given(distributions(max_length=3))
        ... def entropy_is_not_negative(law):
        ...     assert law.entropy() >= 0
        >>> entropy_is_not_negative()
    """
    shortest = _validation.integer("min_length", min_length, minimum=1, maximum=LONGEST)
    longest = _validation.integer("max_length", max_length, minimum=shortest, maximum=LONGEST)
    tokens = _validation.integer("max_tokens", max_tokens, minimum=1, maximum=MOST_TOKENS)
    most = _validation.integer("max_outcomes", max_outcomes, minimum=1)
    tables = _tables(shortest, longest, tokens, most)
    if not _validation.flag("families", families):
        return tables
    members = [
        make(n) for fewest, make in FAMILIES for n in range(max(shortest, fewest), longest + 1)
    ]
    return st.integers(0, 5).flatmap(lambda k: st.sampled_from(members) if k == 5 else tables)


@st.composite
def _tables(draw: st.DrawFn, shortest: int, longest: int, tokens: int, most: int) -> Joint:
    length = draw(st.integers(shortest, longest))
    sizes = draw(st.lists(st.integers(1, tokens), min_size=length, max_size=length))
    possible = list(product(*map(range, sizes)))
    number = draw(st.integers(1, min(most, len(possible))))
    chosen = draw(
        st.lists(st.integers(0, len(possible) - 1), min_size=number, max_size=number, unique=True)
    )
    largest = draw(st.sampled_from((1, 2, 4)))
    counts = draw(st.lists(st.integers(1, largest), min_size=number, max_size=number))
    return Table([possible[k] for k in chosen], counts, alphabet_sizes=sizes)


@st.composite
def canvases(
    draw: st.DrawFn,
    distribution: Joint,
    *,
    rows: int | None = None,
    possible: bool = True,
    complete: bool = False,
) -> IntArray:
    """Canvases of a law, partly filled: ``(n,)`` int32, -1 masked.

    Args:
        distribution: gives the length and the alphabets.
        rows: draw so many, as ``(rows, n)``.
        possible: show tokens of one outcome only; otherwise any tokens, so that the canvas may
            have probability 0.
        complete: whether a canvas without masks may come up.

    Returns:
        a Hypothesis strategy of integer arrays; examples shrink towards all masked.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from hypothesis import given
        >>> from infodecode import distributions
        >>> law = distributions.permutations(3)
        >>> @given(canvases(law))
        ... def a_canvas_of_three_positions(canvas):
        ...     assert canvas.shape == (3,) and (canvas < 0).any()
        >>> a_canvas_of_three_positions()
    """
    require("distribution", distribution)
    number = 1 if rows is None else _validation.integer("rows", rows, minimum=1)
    _validation.flag("possible", possible)
    _validation.flag("complete", complete)
    found = np.array([_canvas(draw, distribution, possible, complete) for _ in range(number)])
    return found[0] if rows is None else found


def _canvas(draw: st.DrawFn, law: Joint, possible: bool, complete: bool) -> IntArray:
    n = law.length
    shown = draw(st.sets(st.integers(0, n - 1), max_size=n if complete else n - 1))
    tokens = _outcome(draw, law) if possible else _any_tokens(draw, law.alphabet_sizes)
    canvas = np.full(n, -1, np.int32)
    canvas[list(shown)] = tokens[list(shown)]
    return canvas


def _outcome(draw: st.DrawFn, law: Joint) -> IntArray:
    if isinstance(law, Table):
        return np.asarray(law.outcomes[draw(st.integers(0, len(law.outcomes) - 1))])
    return np.asarray(law.sample(1, seed=draw(st.integers(0, 1000)))[0])


def _any_tokens(draw: st.DrawFn, sizes: Sequence[int]) -> IntArray:
    return np.array([draw(st.integers(0, size - 1)) for size in sizes], np.int32)
