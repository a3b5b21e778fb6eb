"""Hidden Markov models: the past matters to the future through one state that is not seen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._grouping import group
from infodecode._kernels.chains import (
    UNIT,
    count_words_into,
    hidden_laws_into,
    hidden_masses_into,
    row_entropies,
)
from infodecode._kernels.laws import draw_into
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions._joint import TABLE_LIMIT, Joint
from infodecode.distributions._stochastic import (
    MOST_STATES,
    MOST_TOKENS,
    same,
    stationary,
    stationary_start,
    stochastic,
    whole,
)
from infodecode.distributions._symmetry import Automorphism
from infodecode.distributions._table import LARGEST_TOTAL, Table

LONGEST = 10_000
"""Most positions of a chain."""

MOST_SETS = 10_000
"""Most sets of hidden states that counting the support may meet."""

MOST_ADDITIONS = 20_000_000
"""Most additions that counting the support may take."""

MOST_BELIEFS = 1 << 23
"""Most words, times hidden states, at a position of an entropy without closed form."""

_COUNTED_SETS = 128
"""Most sets of hidden states with which the completions of every canvas are counted."""

_ALIKE = 2.0**-46
"""Laws of the hidden state whose probabilities round to equal multiples of it are one."""

_DRIFT = 2.0**-50
"""What rounding moves log2 of a probability by, at most, per position."""

_ROWS = 1 << 16


class HiddenMarkov(Joint):
    """Tokens emitted by a Markov chain of hidden states: see `hidden_markov`.

    Attributes:
        transition: ``(K, K)`` chances of the next hidden state, rows adding up to 1.
        emission: ``(K, V)`` chances of the token in each hidden state.
        initial: ``(K,)`` law of the first hidden state.
    """

    transition: FloatArray
    emission: FloatArray
    initial: FloatArray

    def __init__(
        self,
        transition: object,
        emission: object,
        *,
        length: int,
        initial: object = None,
        labels: Sequence[object] | None = None,
    ) -> None:
        size = _validation.integer("length", length, minimum=1, maximum=LONGEST)
        self.transition, exact_transition = stochastic("transition", transition, 2, MOST_STATES)
        states = len(self.transition)
        if self.transition.shape != (states, states):
            raise ValueError(f"transition must be square, got shape {self.transition.shape}")
        self.emission, exact_emission = stochastic("emission", emission, 2, MOST_TOKENS)
        if len(self.emission) != states:
            raise ValueError(
                f"emission must have one row per hidden state ({states}), got {len(self.emission)}"
            )
        exact_initial = None
        if initial is None:
            self.initial = stationary_start(self.transition)
        else:
            self.initial, exact_initial = stochastic("initial", initial, 1, MOST_STATES)
            if len(self.initial) != states:
                raise ValueError(
                    f"initial must have one entry per state ({states}), got {len(self.initial)}"
                )
        self._exact = (
            None
            if exact_transition is None
            or exact_emission is None
            or (initial is not None and exact_initial is None)
            else (exact_initial, exact_transition, exact_emission)
        )
        self._backwards = np.ascontiguousarray(self.transition.T)
        for array in (self.transition, self.emission, self.initial, self._backwards):
            array.flags.writeable = False
        tokens = self.emission.shape[1]
        names = range(tokens) if labels is None else _validation.iterate("labels", labels)
        if len(names) != tokens:
            raise ValueError(f"labels must name {tokens} tokens, got {len(names)}")
        self._describe(self._title(size), [tokens] * size, [names] * size)

    def _title(self, length: int) -> str:
        states, tokens = self.emission.shape
        return f"hidden_markov({states} states, {tokens} tokens, length={length})"

    # -- decoding -----------------------------------------------------------------------------

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), self.emission.shape[1]))
        hidden_laws_into(
            canvases, rows, positions, self.initial, self.transition, self._backwards,
            self.emission, out,
        )  # fmt: skip
        return out

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        mass, scale = np.empty(len(canvases)), np.empty(len(canvases), np.int64)
        hidden_masses_into(canvases, self.initial, self.transition, self.emission, mass, scale)
        with np.errstate(divide="ignore"):
            log2 = np.log2(mass) + UNIT * scale
        return np.where(np.abs(log2) <= _DRIFT * self.length, 0.0, log2)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        out = np.empty((size, self.length), np.int32)
        state, token = np.empty(size, np.int64), np.empty(size, np.int64)
        laws = np.tile(self.initial, (size, 1))
        for i in range(self.length):
            draw_into(laws, generator.random(size), state)
            draw_into(self.emission[state], generator.random(size), token)
            out[:, i] = token
            laws = self.transition[state]
        return out

    # -- support ------------------------------------------------------------------------------

    @cached_property
    def _automaton(self) -> IntArray | None:
        """Next number ``(D, V)`` of the set of hidden states that the tokens so far leave possible.

        -1 where the token cannot come. Set 0 are the initial states; None beyond `MOST_SETS`.
        """
        follow = [_bits(row) for row in self.transition]
        emitters = [_bits(column) for column in self.emission.T]
        sets = [_bits(self.initial)]
        number, after, rows = {sets[0]: 0}, {0: -1}, []
        for possible in sets:
            for emitter in emitters:
                seen = possible & emitter
                if seen not in after:
                    reached = 0
                    for s, step in enumerate(follow):
                        reached |= step if seen >> s & 1 else 0
                    after[seen] = number.setdefault(reached, len(sets))
                    if after[seen] == len(sets):
                        sets.append(reached)
            rows.append([after[possible & emitter] for emitter in emitters])
            if len(sets) > MOST_SETS:
                return None
        return np.array(rows, np.int64)

    @cached_property
    def support_size(self) -> int | None:
        if self._automaton is None:
            return None
        steps = Counter(
            (d, e) for d, row in enumerate(self._automaton.tolist()) for e in row if e >= 0
        )
        if len(steps) * self.length > MOST_ADDITIONS:
            return None
        words = [1] + [0] * (len(self._automaton) - 1)
        for _ in range(self.length):
            longer = [0] * len(words)
            for (d, e), tokens in steps.items():
                longer[e] += tokens * words[d]
            words = longer
        return sum(words)

    def _completions(self, canvases: IntArray) -> FloatArray:
        if self._automaton is None or len(self._automaton) > _COUNTED_SETS:
            return super()._completions(canvases)
        out = np.empty(len(canvases))
        count_words_into(canvases, self._automaton, out)
        return out

    @cached_property
    def _counts(self) -> tuple[IntArray, IntArray, IntArray] | None:
        """Initial, transition, emission as counts, if given exactly and a table can hold them."""
        if self._exact is None:
            return None
        initial, transition, emission = self._exact
        steps, step_total = whole(transition)
        tokens, token_total = whole(emission)
        total = step_total ** max(1, self.length - 1) * token_total**self.length
        if total > LARGEST_TOTAL:
            return None
        starts, start_total = whole(stationary(transition) if initial is None else initial)
        if total * start_total > LARGEST_TOTAL:
            return None
        return starts.astype(np.int64), steps.astype(np.int64), tokens.astype(np.int64)

    def _weighted_words(self) -> tuple[IntArray, Array]:
        """Words ``(N, n)`` and their weights: counts, or probabilities unless these are 0.0."""
        initial, transition, emission = self._counts or (
            self.initial, self.transition, self.emission
        )  # fmt: skip
        words, weights = [], []
        prefixes: list[tuple[IntArray, Array]] = [(np.empty((1, 0), np.int32), initial[None])]
        while prefixes:
            prefix, forward = prefixes.pop()
            joint = forward @ emission
            rows, tokens = np.nonzero(joint)
            longer = np.column_stack([prefix[rows], tokens]).astype(np.int32)
            if longer.shape[1] == self.length:
                words.append(longer)
                weights.append(joint[rows, tokens])
                continue
            for start in range(0, len(rows), _ROWS)[::-1]:
                part = slice(start, start + _ROWS)
                onward = (forward[rows[part]] * emission.T[tokens[part]]) @ transition
                prefixes.append((longer[part], onward))
        return np.concatenate(words), np.concatenate(weights)

    def _enumerate(self) -> Table:
        words, weights = self._weighted_words()
        if len(words) != self.support_size:
            raise ValueError(
                f"{self.name} has outcomes whose probabilities are too small for a float, which a "
                "table cannot hold; use the structured family itself"
            )
        return Table(
            words, weights, alphabet_sizes=self.alphabet_sizes, labels=self.labels, name=self.name
        )

    def log2_mode(self) -> float | None:
        if self.support_size is None or self.support_size > TABLE_LIMIT:
            return None
        weights = self._weighted_words()[1]
        return math.log2(weights.max() / math.fsum(weights))

    # -- entropies ----------------------------------------------------------------------------

    @cached_property
    def _state_laws(self) -> FloatArray:
        """Law of the hidden state at each position, ``(n, K)``."""
        laws = np.empty((self.length, len(self.initial)))
        laws[0] = self.initial
        for i in range(1, self.length):
            laws[i] = laws[i - 1] @ self.transition
            laws[i] /= laws[i].sum()
        return laws

    @cached_property
    def _position_entropies(self) -> FloatArray:
        entropies: FloatArray = row_entropies(self._state_laws @ self.emission)
        entropies.flags.writeable = False
        return entropies

    def position_entropies(self) -> FloatArray:
        return self._position_entropies

    def _entropy(self, positions: tuple[int, ...]) -> float:
        bits, before = [], 0
        beliefs, weights = self.initial[None], np.ones(1)
        states, alphabet = self.emission.shape
        for i in positions:
            if len(beliefs) * alphabet * states > MOST_BELIEFS:
                raise ValueError(
                    f"the entropy of {len(positions)} positions of {self.name} needs more than "
                    f"{MOST_BELIEFS // states:,} words, and no formula exists; ask for fewer"
                )
            beliefs = beliefs @ np.linalg.matrix_power(self.transition, i - before)
            tokens = beliefs @ self.emission
            bits.append(float(weights @ row_entropies(tokens)))
            if i != positions[-1]:
                beliefs, weights = self._revised(beliefs, weights, tokens)
            before = i
        return math.fsum(bits)

    def _revised(
        self, beliefs: FloatArray, weights: FloatArray, laws: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Laws of the hidden state after one more token, equal ones taken together."""
        rows, tokens = np.nonzero(laws)
        likely = weights[rows] * laws[rows, tokens]
        revised = beliefs[rows] * self.emission.T[tokens]
        revised /= revised.sum(axis=1, keepdims=True)
        numbers_of, first = group(np.rint(revised / _ALIKE).astype(np.uint64))
        return revised[first], np.asarray(np.bincount(numbers_of, likely), dtype=np.float64)

    # -- symmetry -----------------------------------------------------------------------------

    def symmetries(self) -> tuple[Automorphism, ...]:
        flow = self.initial[:, None] * self.transition
        if self.length < 2 or not same(flow, flow.T):
            return ()
        return (Automorphism("reverse the positions", np.arange(self.length)[::-1].copy()),)


def hidden_markov(
    transition: object,
    emission: object,
    *,
    length: int,
    initial: object = None,
    labels: Sequence[object] | None = None,
) -> HiddenMarkov:
    r"""A hidden Markov model: every state of a chain emits a token, and only tokens are seen.

    .. math:: p(y) = \sum_x \pi(x_1) \prod_{i=1}^{n-1} P(x_i, x_{i+1}) \prod_{i=1}^n E(x_i, y_i)

    Conditional marginals come from the forward–backward recursion, in which a masked position is no
    evidence; they are exact at any length. Entropies have no closed form. They are computed exactly
    by the chain rule over all words of the positions, words that leave the same law of the hidden
    state taken together, and refused where K times the number of words exceeds 2**23 (4 million
    words with two hidden states). Beyond, `infodecode.curve_estimates` has estimates.

    Args:
        transition: ``(K, K)`` probabilities of the next hidden state, a row for every present one:
            floats whose rows add up to 1 within 1e-9 (then divided by their sums), or integers and
            fractions that add up to 1 exactly. K <= 100; 0 or at least 1e-100 each.
        emission: ``(K, V)`` probabilities of the token in every hidden state, likewise; V <= 1000.
        length: positions n, 1 to 10,000.
        initial: ``(K,)`` law of the first hidden state; by default the stationary law.
        labels: names of the tokens, by default their numbers.

    Returns:
        the model. ``support_size`` is exact by the subset construction, and None where it meets
        more than 10,000 sets of hidden states or needs more than 20 million additions.

    Raises:
        ValueError: a row is no probability law (names it); or ``initial`` is left out and the chain
            has several classes of states that it cannot leave, hence several stationary laws.

    Example: the occasionally dishonest casino, with a loaded die that shows six half of the time.
        >>> fair, loaded = [1 / 6] * 6, [0.1] * 5 + [0.5]
        >>> casino = hidden_markov(
        ...     [[0.95, 0.05], [0.1, 0.9]], [fair, loaded], length=300, labels="1 2 3 4 5 6".split()
        ... )
        >>> rolls = [5] * 4 + [-1] * 296
        >>> casino.marginals(rolls)[0, [4, 299], 5].round(4).tolist()  # the next roll and the last
        [0.4454, 0.2778]
        >>> round(casino.entropy(range(10)), 4)
        25.1539

    Reference: Rabiner 1989; Durbin, Eddy, Krogh and Mitchison 1998, section 3.2 (the casino).
    """
    return HiddenMarkov(transition, emission, length=length, initial=initial, labels=labels)


def _bits(present: Array) -> int:
    """A set of states as the bits of an int."""
    return sum(1 << int(s) for s in np.flatnonzero(present))
