"""A strategy under observation: every answer it gives to the loop is checked on the spot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from infodecode._typing import Array, BoolArray, IntArray
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.state import State
from infodecode.strategies import Candidates, Independent, Plan, Ranked, Strategy
from infodecode.strategies._base import Action, as_plan
from infodecode.testing._answers import (
    arrays_of,
    difference,
    equal,
    first_row,
    flat,
    rows_of,
    subsets,
)
from infodecode.testing._report import StrategyViolation
from infodecode.testing._rules import (
    COMPLETE,
    DRAWS,
    FEASIBLE,
    MEMORY,
    NEEDS,
    ROWS,
    WELL_FORMED,
    WRITES,
)

Answer = TypeVar("Answer")


@dataclass
class Scene:
    """What is being decoded, for the message of a violation.

    Attributes:
        strategy: as given, not under observation.
        law: decoded.
        decoder: decoding it.
        names_tokens, shows_other: whether a plan named tokens, or a view was shown, so far.
        memory: row shape and type of every memory array, from ``start``.
    """

    strategy: Strategy
    law: Joint
    decoder: Decoder
    names_tokens: bool = False
    shows_other: bool = False
    memory: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = field(default_factory=dict)

    def violation(self, rule: str, detail: str, canvas: Array | None = None) -> StrategyViolation:
        """To be raised."""
        return StrategyViolation(
            self.strategy,
            rule,
            detail,
            distribution=self.law,
            canvas=canvas,
            decoder=self.decoder,
        )


class _Scores(dict[str, Array]):
    """Score fields; asking for one that is not there breaks a rule."""

    def __init__(self, scores: Mapping[str, Array], scene: Scene) -> None:
        super().__init__(scores)
        self._scene = scene

    def __missing__(self, name: str) -> Array:
        reason = "which needs does not name"
        if name in self._scene.strategy.needs:
            reason = "which is not known before tokens are drawn (p1 is)"
        raise self._scene.violation(NEEDS, f"it reads scores[{name!r}], {reason}")


class Watched(Strategy):
    """Stands in for a strategy, and checks everything it is asked.

    Each question is asked again, for an answer that differs, and for some of the rows in another
    order and for one alone, for an answer that depends on the neighbours.
    """

    def __init__(self, strategy: Strategy, scene: Scene) -> None:
        self.strategy, self.scene = strategy, scene
        self._assessed: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return repr(self.strategy)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(self.strategy.needs)

    def sizes(self, length: int) -> tuple[int, ...] | None:
        return self.strategy.sizes(length)

    def max_rounds(self, length: int) -> int:
        return self.strategy.max_rounds(length)

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        given = canvas.copy()
        memory = self.strategy.start(canvas)
        self._demand_unwritten({"canvas": given}, {"canvas": canvas}, "start", canvas)
        for name, array in memory.items():
            if not isinstance(array, np.ndarray) or array.shape[:1] != (len(canvas),):
                raise self.scene.violation(
                    MEMORY, f"start must give arrays with a row per canvas, got {name}={array!r}"
                )
        for some in subsets(len(canvas)):
            alone = self.strategy.start(canvas[some])
            both = memory.keys() & alone.keys()
            together = {name: memory[name][some] for name in both}
            apart = {name: alone[name] for name in both}
            if (differs := difference(together, apart)) is not None:
                raise self.scene.violation(
                    ROWS, f"start gives another memory[{differs[0]!r}] for a row among other rows"
                )
        self.scene.memory = {k: (v.shape[1:], v.dtype) for k, v in memory.items()}
        return memory

    def view(self, state: State) -> IntArray | None:
        def look(shown: IntArray | None) -> None:
            if shown is not None:
                self.scene.shows_other = True
                if np.shape(shown) != state.canvas.shape:
                    raise self.scene.violation(
                        WELL_FORMED,
                        f"view must have the shape {state.canvas.shape}, got {np.shape(shown)}",
                    )

        return self._ask("view", state, self.strategy.view, look)

    def explore(self, state: State) -> Ranked | None:
        def look(wish: Ranked | None) -> None:
            if wish is not None:
                self._check_action(wish, state, state.feasible, "explore")

        return self._ask("explore", state, self.strategy.explore, look)

    def assess(self, state: State, candidates: Candidates) -> Mapping[str, Array]:
        seen = self._stripped(state)
        before = {**arrays_of(seen), **arrays_of(candidates)}
        before = {name: array.copy() for name, array in before.items()}
        found = self.strategy.assess(seen, candidates)
        self._demand_unwritten(
            before, {**arrays_of(seen), **arrays_of(candidates)}, "assess", state.canvas
        )
        self._assessed = frozenset(found)
        return found

    def plan(self, state: State) -> Plan | Action:
        open_ = state.feasible
        if self.strategy.revising:
            open_ = open_ | ~state.masked

        def look(wish: Plan | Action) -> None:
            self._check_plan(as_plan(wish), state, open_, "plan")

        return self._ask("plan", state, self.strategy.plan, look)

    def revise(self, state: State) -> Plan | Action | None:
        def look(wish: Plan | Action | None) -> None:
            if wish is not None:
                self._check_plan(as_plan(wish), state, None, "revise")

        return self._ask("revise", state, self.strategy.revise, look)

    def forget(self, state: State) -> Mapping[str, Array]:
        def left(seen: State) -> Plan:
            return Plan((), {**seen.memory, **self.strategy.forget(seen)})

        return self._ask("forget", state, left, lambda _: None).memory or {}

    def finished(self, state: State) -> BoolArray:
        def look(over: BoolArray) -> None:
            if np.shape(over) != (state.rows,) or np.asarray(over).dtype != bool:
                raise self.scene.violation(
                    WELL_FORMED, f"finished must be a bool per row, got {over!r}"
                )
            left = over & state.masked.any(axis=1)
            if left.any():
                raise self.scene.violation(
                    COMPLETE,
                    "finished calls a canvas with masks finished",
                    first_row(state.canvas, left),
                )

        return self._ask("finished", state, self.strategy.finished, look)

    # -- every answer --------------------------------------------------------------------------

    def _ask(
        self,
        name: str,
        state: State,
        ask: Callable[[State], Answer],
        look: Callable[[Answer], None],
    ) -> Answer:
        """The answer, once ``look`` and the rules for any answer have nothing against it."""
        seen = self._stripped(state)
        before = {key: array.copy() for key, array in arrays_of(seen).items()}
        answer = ask(seen)
        self._demand_unwritten(before, arrays_of(seen), name, state.canvas)
        look(answer)
        again = ask(self._stripped(state))
        if (differs := difference(flat(answer), flat(again))) is not None:
            what, row = differs
            raise self.scene.violation(
                DRAWS, f"{name} gives another {what} when asked again", first_row(state.canvas, row)
            )
        for some in subsets(state.rows):
            alone = ask(self._stripped(state.take(some)))
            if (differs := difference(flat(rows_of(answer, some)), flat(alone))) is not None:
                what, row = differs
                raise self.scene.violation(
                    ROWS,
                    f"{name} gives another {what} for a row among other rows",
                    first_row(state.canvas[some], row),
                )
        return answer

    def _stripped(self, state: State) -> State:
        """Without the scores that were not asked for."""
        named = self.needs | self._assessed
        known = {name: array for name, array in state.scores.items() if name in named}
        return state.with_(scores=_Scores(known, self.scene))

    def _demand_unwritten(
        self, before: Mapping[str, Array], after: Mapping[str, Array], name: str, canvas: Array
    ) -> None:
        for key, array in before.items():
            if not equal(array, after[key], exactly=True).all():
                raise self.scene.violation(WRITES, f"{name} writes to {key}", canvas[0])

    def _check_plan(self, plan: Plan, state: State, open_: BoolArray | None, name: str) -> None:
        taken = np.zeros(state.canvas.shape, np.int64)
        for action in plan.actions:
            if not isinstance(action, Ranked | Independent):
                raise self.scene.violation(
                    WELL_FORMED, f"{name} must give Ranked or Independent actions, got {action!r}"
                )
            taken += self._check_action(action, state, open_, name)
        if (taken > 1).any():
            row, position = np.argwhere(taken > 1)[0]
            raise self.scene.violation(
                WELL_FORMED,
                f"two actions of one {name} take position {position}",
                state.canvas[row],
            )
        self._check_memory(plan.memory or {}, state, name)

    def _check_action(
        self, action: Action, state: State, open_: BoolArray | None, name: str
    ) -> BoolArray:
        """Positions ``(R, n)`` that the action may take; raises where it is not well formed."""
        shape = state.canvas.shape
        allowed = action.allowed
        if allowed is None:
            allowed = ~state.masked if open_ is None else state.feasible
        elif np.shape(allowed) != shape or np.asarray(allowed).dtype != bool:
            raise self.scene.violation(
                WELL_FORMED, f"allowed of {name} must be a bool per position, got {allowed!r}"
            )
        if open_ is not None and (allowed & ~open_).any():
            row, position = np.argwhere(allowed & ~open_)[0]
            raise self.scene.violation(
                FEASIBLE, f"{name} allows position {position}, which is not open",
                state.canvas[row],
            )  # fmt: skip
        numbers = action.key if isinstance(action, Ranked) else action.probability
        what = "key" if isinstance(action, Ranked) else "probability"
        if np.shape(numbers) != shape:
            raise self.scene.violation(
                WELL_FORMED,
                f"{what} of {name} must have the shape {shape}, got {np.shape(numbers)}",
            )
        wrong = np.isnan(np.asarray(numbers, float))
        if isinstance(action, Independent):
            wrong |= (numbers < 0) | (numbers > 1)
        if (allowed & wrong).any():
            row, position = np.argwhere(allowed & wrong)[0]
            raise self.scene.violation(
                WELL_FORMED,
                f"{what} of {name} is {numbers[row, position]} at position {position}",
                state.canvas[row],
            )
        self._check_tokens(action, allowed, state, name)
        if isinstance(action, Independent):
            return np.asarray(allowed & (numbers > 0))
        return allowed & (self._counts(action, state, name) > 0)[:, None]

    def _counts(self, action: Ranked, state: State, name: str) -> IntArray:
        count = np.asarray(action.count)
        if count.dtype.kind not in "iu" or count.shape not in ((), (state.rows,)):
            raise self.scene.violation(
                WELL_FORMED, f"count of {name} must be an integer per row, got {action.count!r}"
            )
        count = np.broadcast_to(count, (state.rows,))
        if (count < 0).any():
            raise self.scene.violation(
                WELL_FORMED, f"count of {name} is {count.min()}", first_row(state.canvas, count < 0)
            )
        return count

    def _check_tokens(self, action: Action, allowed: BoolArray, state: State, name: str) -> None:
        if action.forced is not None and np.shape(action.forced) != (state.rows,):
            raise self.scene.violation(
                WELL_FORMED, f"forced of {name} must be a bool per row, got {action.forced!r}"
            )
        if action.tokens is None:
            return
        self.scene.names_tokens = True
        tokens = np.asarray(action.tokens)
        if tokens.shape != state.canvas.shape or tokens.dtype.kind not in "iu":
            raise self.scene.violation(
                WELL_FORMED, f"tokens of {name} must be an integer per position, got {tokens!r}"
            )
        wrong = allowed & ((tokens < -1) | (tokens >= np.array(self.scene.law.alphabet_sizes)))
        if wrong.any():
            row, position = np.argwhere(wrong)[0]
            raise self.scene.violation(
                WELL_FORMED,
                f"{name} names token {tokens[row, position]} at position {position}, which has "
                f"{self.scene.law.alphabet_sizes[position]}",
                state.canvas[row],
            )

    def _check_memory(self, memory: Mapping[str, Array], state: State, name: str) -> None:
        for key, array in memory.items():
            if key not in self.scene.memory:
                raise self.scene.violation(
                    MEMORY, f"{name} remembers {key!r}, which start does not give"
                )
            shape, kind = self.scene.memory[key]
            got = np.asarray(array)
            if got.shape != (state.rows, *shape) or got.dtype != kind:
                raise self.scene.violation(
                    MEMORY,
                    f"{name} turns memory[{key!r}] from {(state.rows, *shape)} {kind} into "
                    f"{got.shape} {got.dtype}",
                )


def watched(strategy: Strategy, scene: Scene) -> Watched:
    """The strategy under observation."""
    kind = type(
        "Watched", (Watched,), {"revising": strategy.revising, "may_idle": strategy.may_idle}
    )
    stand_in: Watched = kind(strategy, scene)
    return stand_in
