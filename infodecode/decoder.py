"""The one decoding loop: a round of every row, whatever the strategy, the model and the chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import any_in_row, count_in_row, pairs_of
from infodecode._token_law import FromMarginal, TokenLaw
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import CHOOSE, EXPLORE, REVISE, Chance
from infodecode.models import Evaluation, Model, TokenRule
from infodecode.state import BLOCK_SCORES, OPEN_SCORES, SCORES, VISIBLE_SCORES, State
from infodecode.strategies import BlockPolicy, Candidates, Plan, Ranked, Strategy, WholeCanvas
from infodecode.strategies._base import TIES, Action, as_plan
from infodecode.token_evaluation import ruled

ORDERS = ("choose-then-sample", "sample-then-choose")

PENDING = -1.0
"""Marks a probability to be looked up once the tokens are drawn: rows branch in between."""


@dataclass(frozen=True)
class Decoder:
    """A strategy, a token rule and a block policy: everything but the model.

    The defaults are those of the papers' analysis. Dialects that ship elsewhere are options, since
    they change results: LLaDA and Fast-dLLM decode with ``order="sample-then-choose"`` and lowest
    ties; at temperature 0 the two orders coincide.

    Attributes:
        strategy: which positions to commit.
        tokens: makes the token law from the model's marginal, which it is by default; the other
            rules of `infodecode.token_rules` aim at a power law. Score fields stay the marginal's.
        temperature: of the token law; 0 takes the mode.
        order: ``"choose-then-sample"``: positions from the marginals, then tokens; at one position
            a round this is exact. ``"sample-then-choose"``: draw every feasible position
            first and call the drawn token's probability its confidence; biased even at one
            position a round.
        token_ties: at temperature 0, between equally probable tokens.
        position_ties: between equally ranked positions.
        confidence: score fields from the ``"untempered"`` law (LLaDA) or the ``"tempered"`` one
            (ParallelBench).
        blocks: which positions are open in a round.

    Example:
        >>> from infodecode import strategies
        >>> Decoder(strategies.TopK(2, by="random"))
        Decoder(TopK(k=2, by='random'))
    """

    strategy: Strategy
    tokens: TokenLaw = field(default=FromMarginal(), kw_only=True)
    temperature: float = field(default=1.0, kw_only=True)
    order: str = field(default="choose-then-sample", kw_only=True)
    token_ties: str = field(default="random", kw_only=True)
    position_ties: str = field(default="random", kw_only=True)
    confidence: str = field(default="untempered", kw_only=True)
    blocks: BlockPolicy = field(default=WholeCanvas(), kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.strategy, Strategy):
            raise TypeError(f"strategy must be a Strategy, got {_validation.shown(self.strategy)}")
        if not isinstance(self.blocks, BlockPolicy):
            raise TypeError(f"blocks must be a BlockPolicy, got {_validation.shown(self.blocks)}")
        if not isinstance(self.tokens, TokenLaw):
            raise TypeError(f"tokens must be a TokenLaw, got {_validation.shown(self.tokens)}")
        temperature = _validation.number("temperature", self.temperature, minimum=0)
        _validation.store(self, temperature=temperature)
        _validation.choice("order", self.order, ORDERS)
        _validation.choice("token_ties", self.token_ties, TIES)
        _validation.choice("position_ties", self.position_ties, TIES)
        _validation.choice("confidence", self.confidence, ("untempered", "tempered"))
        unknown = sorted(frozenset(self.strategy.needs) - set(SCORES))
        if unknown:
            raise ValueError(
                f"needs of {self.strategy!r} must be among {', '.join(SCORES)}, got {unknown[0]!r}"
            )
        if "drawn_probability" in self.strategy.needs and not self.draws_first:
            raise ValueError(
                f"{self.strategy!r} scores drawn tokens: order must be 'sample-then-choose'"
            )

    def __repr__(self) -> str:
        options = [
            f"{spec.name}={getattr(self, spec.name)!r}"
            for spec in fields(self)
            if spec.name != "strategy" and getattr(self, spec.name) != spec.default
        ]
        return f"Decoder({', '.join([repr(self.strategy), *options])})"

    @property
    def draws_first(self) -> bool:
        """Whether tokens are drawn before positions are chosen."""
        return self.order == "sample-then-choose"

    @property
    def rule(self) -> TokenRule:
        """How tokens are drawn."""
        tempered = self.confidence == "tempered"
        return TokenRule(self.temperature, self.token_ties, tempered, self.tokens)

    def round_limit(self, length: int, max_rounds: int | None) -> int:
        """Rounds to run at most: as asked, or as many as the strategy may need."""
        rounds: object = max_rounds
        if max_rounds is None:
            rounds = self.strategy.max_rounds(length) + self.blocks.waiting_rounds(length)
        return _validation.integer("max_rounds", rounds, minimum=1)

    def start(self, canvas: IntArray, weight: Array, stream: Array, model: Model) -> State:
        """Rows before their first round."""
        self.tokens.demand_model(model, self.temperature)
        memory = {**self.strategy.start(canvas), **model.start(canvas)}
        return State.start(canvas, weight, stream, model.tolerance, memory)

    def step(self, state: State, model: Model, chance: Chance) -> Iterator[State]:
        """One round of every row, in one piece (sampled) or several (enumerated)."""
        fresh = state.fresh()
        opened = fresh.with_(
            feasible=self.blocks.feasible(fresh),
            evaluated=fresh.evaluated * model.sequences_per_call,
        )
        for after in self._plan_and_commit(opened, model, chance):
            memory = _updated(after.memory, self.strategy.forget(after))
            yield after.with_(round=after.round + 1, memory=memory)

    def _plan_and_commit(self, state: State, model: Model, chance: Chance) -> Iterator[State]:
        view = self.strategy.view(state)
        shown = state if view is None else state.with_(canvas=view)
        rule = self.rule
        evaluation = model.evaluate(shown, rule)
        memory = _updated(state.memory, model.remember(shown))
        state = state.with_(
            scores=self._scores(state, evaluation), source=np.arange(state.rows), memory=memory
        )
        evaluation = ruled(evaluation, model, shown.with_(memory=memory), rule)
        for explored in self._explore(state, evaluation, model, chance):
            for drawn in self._draw_first(explored, evaluation, chance):
                plan = as_plan(self.strategy.plan(drawn))
                self._demand_feasible(drawn, plan)
                remembered = drawn.with_(memory=_updated(drawn.memory, plan.memory))
                for chosen in self._choose(remembered, plan.actions, chance, CHOOSE):
                    self._demand_progress(chosen, plan)
                    for committed in self._commit(chosen, evaluation, chance):
                        if plan.again:
                            yield from self._plan_again(committed, model, chance)
                        else:
                            yield from self._revise(committed, chance)

    def _plan_again(self, state: State, model: Model, chance: Chance) -> Iterator[State]:
        """A second plan, on the committed canvas: the look-ahead has paid for its evaluation."""
        feasible = self.blocks.feasible(state)
        blank = state.fresh()
        again = state.with_(
            feasible=feasible, stage=state.stage + 1, chosen=blank.chosen, drawn=blank.drawn
        )
        yield from self._plan_and_commit(again, model, chance)

    def _scores(self, state: State, evaluation: Evaluation) -> dict[str, Array]:
        """Fields that do not depend on a draw."""
        needs = frozenset(self.strategy.needs)
        scores = evaluation.scores(self._fields, state.feasible)
        if visible := needs.intersection(VISIBLE_SCORES):
            scores.update(evaluation.visible_scores(visible, ~state.masked))
        if not needs.isdisjoint(BLOCK_SCORES):
            scores["block_start"], scores["block_end"] = self.blocks.extent(state)
            number = self.blocks.number(state.canvas.shape[1])
            scores["block_number"] = np.broadcast_to(number, state.canvas.shape)
        return scores

    @cached_property
    def _fields(self) -> frozenset[str]:
        """Fields of feasible positions that do not depend on a draw."""
        needs = frozenset(self.strategy.needs).intersection(OPEN_SCORES)
        return needs - {"confidence"} if self.draws_first else needs

    def _explore(
        self, state: State, evaluation: Evaluation, model: Model, chance: Chance
    ) -> Iterator[State]:
        wish = self.strategy.explore(state) if state.stage == 0 else None
        if wish is None:
            yield state
            return
        for picked in self._choose(state, (wish,), chance, EXPLORE):
            rows, positions = pairs_of(picked.chosen)
            where = np.zeros(state.canvas.shape, bool)
            where[picked.source[rows], positions] = True
            token1 = evaluation.scores(["token1"], where)["token1"]
            tokens = token1[picked.source[rows], positions]
            copies = picked.take(rows)
            copies.canvas[np.arange(len(rows)), positions] = tokens
            scores = model.evaluate(copies, self.rule).scores(
                frozenset(self.strategy.needs).intersection(OPEN_SCORES), copies.masked
            )
            tried = Candidates(rows, positions, tokens, copies.canvas, scores)
            number = count_in_row(picked.chosen)
            yield picked.with_(
                scores={**picked.scores, **self.strategy.assess(picked, tried)},
                chosen=np.zeros(picked.canvas.shape, bool),
                calls=picked.calls + (number > 0),
                evaluated=picked.evaluated + number * model.sequences_per_call,
            )

    def _draw_first(self, state: State, evaluation: Evaluation, chance: Chance) -> Iterator[State]:
        if not self.draws_first:
            yield state
            return
        state = _charged(state, state.feasible, evaluation)
        for drawn in chance.draw(state, state.feasible, evaluation):
            rows, positions = pairs_of(drawn.feasible)
            tokens = drawn.drawn[rows, positions]
            found = evaluation.confidence_of(drawn.source[rows], positions, tokens)
            probability = np.zeros(drawn.canvas.shape)
            probability[rows, positions] = found
            confidence = probability
            if (changed := evaluation.confidence_in(tokens, found)) is not found:
                confidence = np.zeros(drawn.canvas.shape)
                confidence[rows, positions] = changed
            named = {"confidence": confidence, "drawn_probability": probability}
            yield drawn.with_(scores={**drawn.scores, **named})

    def _choose(
        self, state: State, actions: tuple[Action, ...], chance: Chance, purpose: int
    ) -> Iterator[State]:
        """Positions of all actions in ``chosen``, tokens given by the plan in ``drawn``."""
        if not actions:
            yield state
            return
        action, *rest = actions
        for rows, chosen, weight in chance.choose(state, action, self.position_ties, purpose):
            child = state.take(rows, weight=weight)
            drawn, forced = child.drawn, child.forced
            if action.tokens is not None:
                given = action.tokens[rows]
                drawn = np.where(chosen & (given >= 0), given, drawn)
            if action.forced is not None:
                forced = forced | action.forced[rows]
            child = child.with_(chosen=child.chosen | chosen, drawn=drawn, forced=forced)
            yield from self._choose(child, tuple(a.take(rows) for a in rest), chance, purpose)

    def _demand_feasible(self, state: State, plan: Plan) -> None:
        fine = state.feasible
        if self.strategy.revising:
            fine = fine | ~state.masked
        for action in plan.actions:
            if action.allowed is not None and (action.allowed & ~fine).any():
                row, position = np.argwhere(action.allowed & ~fine)[0]
                raise RuntimeError(
                    f"{self.strategy!r} may only commit feasible positions, got position "
                    f"{position} of canvas {state.canvas[row].tolist()}"
                )

    def _demand_progress(self, state: State, plan: Plan) -> None:
        if self.strategy.revising or self.strategy.may_idle or state.stage or plan.again:
            return
        idle = ~any_in_row(state.chosen)
        if idle.any() and all(isinstance(action, Ranked) for action in plan.actions):
            row = np.flatnonzero(idle)[0]
            canvas = state.canvas[row].tolist()
            if not state.feasible[row].any():
                raise RuntimeError(
                    f"blocks must keep a position open for {self.strategy!r}, which does not run "
                    f"by the clock: {self.blocks!r} opens none of canvas {canvas}"
                )
            raise RuntimeError(
                f"{self.strategy!r} committed nothing on canvas {canvas}; a strategy that does "
                "not revise must commit at least one position a round"
            )

    def _commit(self, state: State, evaluation: Evaluation, chance: Chance) -> Iterator[State]:
        given = state.chosen & (state.drawn >= 0)
        committed = state.chosen & (given | state.masked)
        where = committed & ~given
        if given.any():
            state = state.with_(canvas=np.where(given, state.drawn, state.canvas))
        if not self.strategy.revising:
            state = state.settled()
        recorded = chance.record or "committed_probability" in self.strategy.needs
        if recorded:
            known = state.probability if state.probability.size else np.zeros(committed.shape)
            state = state.with_(probability=np.where(committed, PENDING, known))
        pieces: Iterable[State] = (state,)
        if not self.draws_first:
            pieces = chance.fill(_charged(state, where, evaluation), where, evaluation)
        for piece in pieces:
            if recorded:
                piece = piece.with_(probability=self._probability(piece, evaluation))
            yield from chance.keep(piece) if given.any() else (piece,)

    def _probability(self, state: State, evaluation: Evaluation) -> FloatArray:
        """Probabilities ``(R, n)`` of the tokens just committed, beside those of earlier stages."""
        rows, positions = pairs_of(state.probability == PENDING)
        out = state.probability.copy()
        out[rows, positions] = evaluation.confidence_of(
            state.source[rows], positions, state.canvas[rows, positions]
        )
        return out

    def _revise(self, state: State, chance: Chance) -> Iterator[State]:
        wish = self.strategy.revise(state)
        if wish is None:
            yield state
            return
        plan = as_plan(wish)
        state = state.with_(memory=_updated(state.memory, plan.memory))
        visible = ~state.masked
        actions = tuple(
            a if a.allowed is not None else replace(a, allowed=visible) for a in plan.actions
        )
        cleared = state.with_(chosen=np.zeros(state.canvas.shape, bool))
        for revised in self._choose(cleared, actions, chance, REVISE):
            yield revised.with_(canvas=np.where(revised.chosen, np.int32(-1), revised.canvas))


def _charged(state: State, where: BoolArray, evaluation: Evaluation) -> State:
    """The state with the model calls that drawing tokens at ``where`` takes."""
    costs = evaluation.draw_costs(state.source, where)
    if costs is None:
        return state
    calls, evaluated = state.calls + costs.calls, state.evaluated + costs.evaluated
    return state.with_(calls=calls, evaluated=evaluated)


def _updated(
    memory: Mapping[str, Array], changes: Mapping[str, Array] | None
) -> Mapping[str, Array]:
    return {**memory, **changes} if changes else memory
