"""Decodes whose token probabilities are multiplied up, drawn or along given sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from infodecode._kernels.rows import pairs_of
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import Sampled, classify
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.exploration._proposals import OWN_TOKENS, PATH, decode_all
from infodecode.models import Evaluation, Model, TokenRule
from infodecode.propagation import demand_rows_finished
from infodecode.simulate import rounds_from
from infodecode.state import State
from infodecode.strategies import Independent, Ranked
from infodecode.token_rules import FromMarginal, LocalPower

ROW, GIVEN = "row of the batch", "tokens given"


@dataclass(frozen=True, eq=False)
class Decodes:
    """What came of R canvases.

    Attributes:
        sequences: ``(R, n)``.
        log2_path: ``(R,)`` log2 of the product of the probabilities of the tokens.
        calls, evaluated: ``(R,)`` model calls and sequences evaluated.
    """

    sequences: IntArray
    log2_path: FloatArray
    calls: IntArray
    evaluated: IntArray


class _Weighing(Sampled):
    """One outcome per row, tokens drawn or given, with their probability.

    Args:
        rule: how tokens are drawn.
        weigh: multiply up token probabilities; else only draw.
        fixed: refuse positions that the canvas does not fix.
    """

    def __init__(self, rule: TokenRule, *, weigh: bool, fixed: bool) -> None:
        super().__init__()
        self._rule, self._weigh, self._fixed = rule, weigh, fixed

    def choose(
        self, state: State, action: Ranked | Independent, ties: str, purpose: int
    ) -> Iterator[tuple[IntArray | slice, BoolArray, Array]]:
        if self._fixed and not _fixed(state, action, ties):
            raise ValueError(
                "score='path' needs a decoder whose positions follow from the canvas, got one "
                "that draws them; score='left-to-right' is defined for every model"
            )
        yield from super().choose(state, action, ties, purpose)

    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        if not self._weigh:
            yield from super().fill(state, where, evaluation)
            return
        given = state.memory[GIVEN]
        drawn = self._draw_onto(state.canvas, state, where & (given < 0), evaluation)
        canvas = np.where(where & (given >= 0), given, drawn)
        rows, positions = pairs_of(where)
        log2 = self._log2(evaluation, state.source[rows], positions, canvas[rows, positions])
        bits = np.bincount(rows, log2, minlength=state.rows)
        yield state.with_(canvas=canvas, memory={**state.memory, PATH: state.memory[PATH] + bits})

    def _log2(
        self, evaluation: Evaluation, rows: IntArray, positions: IntArray, tokens: IntArray
    ) -> FloatArray:
        """log2 of the probability with which each token is drawn."""
        rule = self._rule
        marginal = isinstance(rule.tokens, FromMarginal)
        with np.errstate(divide="ignore"):
            if marginal and (rule.temperature == 1 or rule.tempered_confidence):
                return np.log2(evaluation.confidence_of(rows, positions, tokens))
            if marginal or isinstance(rule.tokens, LocalPower):
                alpha = getattr(rule.tokens, "alpha", 1) / rule.temperature
                log2 = evaluation.log2_probability_of(rows, positions, tokens)
                return alpha * log2 - evaluation.log2_power_sums(rows, positions, alpha)
            laws = evaluation.law(rows, positions)
            return np.log2(np.asarray(laws[np.arange(len(rows)), tokens], np.float64))

    def keep(self, state: State) -> Iterator[State]:
        if self._weigh:
            raise ValueError(OWN_TOKENS)
        yield from super().keep(state)


def _fixed(state: State, action: Ranked | Independent, ties: str) -> bool:
    """Whether the canvas fixes which positions an action takes."""
    allowed = state.feasible if action.allowed is None else np.asarray(action.allowed, bool)
    if isinstance(action, Independent):
        free = allowed & (action.probability > 0) & (action.probability < 1)
        return not free.any()
    if (action.ties or ties) == "lowest":
        return True
    _, need, tied = classify(state, action, allowed)
    return bool(((need == 0) | (need == tied)).all())


def decode_rows(
    canvas: IntArray, streams: Array, decoder: Decoder, model: Model, max_rounds: int,
    *, given: IntArray | None = None, weigh: bool = True, fixed: bool = False,
) -> Decodes:  # fmt: skip
    """Decode canvases ``(R, n)`` through the one loop, each from its own stream.

    Args:
        canvas, streams, decoder, model, max_rounds: as for `infodecode.simulate.sampled_rounds`.
        given: ``(R, n)`` tokens to commit where a row has them; -1 draws.
        weigh: multiply up the probabilities of the tokens.
        fixed: refuse a decoder whose positions the canvas does not fix.
    """
    rows = len(canvas)
    out = Decodes(canvas.copy(), np.zeros(rows), np.zeros(rows, np.int64), np.zeros(rows, np.int64))
    chance = _Weighing(decoder.rule, weigh=weigh, fixed=fixed)
    state = decoder.start(canvas, np.ones(rows), streams, model)
    memory: dict[str, Array] = {ROW: np.arange(rows)}
    if weigh:
        blank = np.full(canvas.shape, -1, np.int32)
        memory |= {PATH: np.zeros(rows), GIVEN: blank if given is None else given}
    state = state.with_(memory={**state.memory, **memory})
    finished = np.zeros(rows, bool)
    for after in rounds_from(state, decoder, model, chance, max_rounds):
        row = after.memory[ROW]
        out.calls[row] += after.calls
        out.evaluated[row] += after.evaluated
        out.sequences[row] = after.canvas
        if weigh:
            out.log2_path[row] = after.memory[PATH]
        finished[row] = decoder.strategy.finished(after)
    demand_rows_finished("a chain of decodes", finished, max_rounds)
    return out


def left_to_right(sequences: IntArray, model: Model) -> FloatArray:
    """log2 of the product of p(x_i | x_<i) ``(R,)``; all prefixes go into one model call."""
    rows, n = sequences.shape
    position = np.tile(np.arange(n), rows)
    canvas = np.repeat(sequences, n, axis=0)
    canvas[np.arange(n)[None, :] >= position[:, None]] = -1
    each = np.arange(len(canvas))
    state = State.start(
        canvas, np.ones(len(canvas)), np.zeros(len(canvas), np.uint64), model.tolerance,
        dict(model.start(canvas)),
    )  # fmt: skip
    evaluation = model.evaluate(state, TokenRule())
    found = evaluation.confidence_of(each, position, sequences.ravel())
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(found).reshape(rows, n).sum(axis=1))


class MarginalDensity:
    """log2 q(x | canvas) of whatever a decoder puts out, each canvas enumerated once.

    Args:
        law: the data law.
        decoder, model: what decodes.
        absorb: drop canvases of data probability 0: q is asked for on the support only.
        max_children, rounds: as in `infodecode.exact`.
    """

    def __init__(
        self, law: Joint, decoder: Decoder, model: Model, *, absorb: bool, max_children: int,
        rounds: int,
    ) -> None:  # fmt: skip
        self._law, self._decoder, self._model = law, decoder, model
        self._absorb, self._max_children, self._rounds = absorb, max_children, rounds
        self._known: dict[bytes, dict[bytes, float]] = {}

    def __call__(self, canvases: IntArray, sequences: IntArray) -> FloatArray:
        """``(B,)`` for canvases and sequences ``(B, n)``; -inf for what is never put out."""
        keys = [row.tobytes() for row in canvases]
        new = list(dict.fromkeys(key for key in keys if key not in self._known))
        if new:
            self._decode(np.array([np.frombuffer(key, np.int32) for key in new]), new)
        return np.array(
            [
                self._known[key].get(row.tobytes(), -np.inf)
                for key, row in zip(keys, sequences, strict=True)
            ]
        )

    def _decode(self, canvases: IntArray, keys: list[bytes]) -> None:
        decoded = decode_all(
            canvases, np.empty((0, self._law.length), np.int32), self._law, self._decoder,
            self._model, absorb=self._absorb, path=False, rational=False,
            max_children=self._max_children, rounds=self._rounds, progress=False,
        )  # fmt: skip
        for key in keys:
            self._known[key] = {}
        log2 = np.log2(decoded.mass)
        names = [row.tobytes() for row in decoded.sequences]
        for origin, sequence, value in zip(decoded.origin, decoded.sequence, log2, strict=True):
            self._known[keys[origin]][names[sequence]] = float(value)
