"""A strategy on the bench: what it declares, what it refuses, and one law after another."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from infodecode.decoder import ORDERS, Decoder
from infodecode.distributions import Joint, copy
from infodecode.strategies import (
    BlockPolicy,
    Clocked,
    LeftToRight,
    Strategy,
    Unlocking,
    WholeCanvas,
)
from infodecode.testing._laws import canvases
from infodecode.testing._report import Check, StrategyViolation
from infodecode.testing._rules import (
    EQUIVARIANT,
    FINISHES,
    KEEPS,
    MEMORY,
    ONE_BY_ONE,
    PER_ANSWER,
    PROGRESS,
    RULES,
    RUNS,
    SETTINGS,
    SIZES,
)
from infodecode.testing._stages import rounds, samples, symmetry, whole_law
from infodecode.testing._watch import Scene
from infodecode.trace import decode

LENGTHS = (1, 2, 3, 4)
"""Positions of the laws, unless the strategy is made for others."""

POLICIES: tuple[BlockPolicy, ...] = (
    WholeCanvas(),
    LeftToRight(2),
    Unlocking(2, 2),
    Clocked(2, 2),
)


def fits(strategy: Strategy, length: int) -> bool:
    """Whether a strategy decodes sequences of this length, as far as its sizes tell."""
    sizes = strategy.sizes(length)
    return sizes is None or sum(sizes) == length


class Bench:
    """One strategy, and how often it has held to each rule."""

    def __init__(
        self, strategy: Strategy, order: str | None, one_by_one: bool | None, unfinished: float
    ) -> None:
        self.strategy, self.one_by_one, self.unfinished = strategy, one_by_one, unfinished
        self.count: Counter[str] = Counter()
        self.policies: tuple[BlockPolicy, ...] = ()
        self.refused: dict[str, str] = {}
        self.failing: str | None = None
        after_draws = "drawn_probability" in strategy.needs
        self.orders = (order,) if order else ORDERS[1:] if after_draws else ORDERS
        Decoder(strategy, order=self.orders[0])

    @property
    def main(self) -> Decoder:
        """The first of the policies and orders, temperature 1."""
        return Decoder(self.strategy, order=self.orders[0], blocks=self.policies[0])

    def check_settings(self) -> None:
        """What the strategy declares before any decode."""
        kind = type(self.strategy)
        for n in LENGTHS:
            for setting in kind.grid(n):
                if not isinstance(setting, Strategy):
                    raise StrategyViolation(
                        self.strategy, SETTINGS, f"grid({n}) must hold strategies, got {setting!r}"
                    )
            limit = self.strategy.max_rounds(n)
            if not isinstance(limit, int | np.integer) or limit < 1:
                raise StrategyViolation(
                    self.strategy, SETTINGS, f"max_rounds({n}) must be at least 1, got {limit!r}"
                )

    def find_policies(
        self, laws: Joint | st.SearchStrategy[Joint] | None, blocks: BlockPolicy | None
    ) -> None:
        """Block policies that the strategy does not refuse."""
        if blocks is not None:
            self.policies = (blocks,)
            return
        if laws is not None and not isinstance(laws, Joint):
            self.policies = (WholeCanvas(),)
            return
        law = laws or copy(max(n for n in LENGTHS if fits(self.strategy, n)))
        for policy in POLICIES:
            try:
                decode(law, Decoder(self.strategy, order=self.orders[0], blocks=policy))
            except ValueError as error:
                self.refused[type(policy).__name__] = str(error)
            except Exception:
                self.policies += (policy,)
            else:
                self.policies += (policy,)
        if not self.policies:
            reason = next(iter(self.refused.values()))
            raise StrategyViolation(
                self.strategy, RUNS, f"it refuses every block policy: {reason}", distribution=law
            )
        if WholeCanvas() in self.policies:
            # A clock may close blocks before a rule that does not look at it has filled them.
            self.policies = tuple(p for p in self.policies if type(p) is not Clocked)

    def checks(self) -> tuple[Check, ...]:
        """What was tested, rule by rule."""
        policies = ", ".join(type(policy).__name__ for policy in self.policies)
        refused = f"; not {', '.join(self.refused)}" if self.refused else ""
        always = {RUNS: policies + refused}
        if self.unfinished:
            always[FINISHES] = f"but for {self.unfinished:g}"
        without = {
            PROGRESS: "revises" if self.strategy.revising else "may idle",
            KEEPS: "revises",
            SIZES: "gives none",
            EQUIVARIANT: "not claimed",
            ONE_BY_ONE: "not said or seen to",
            MEMORY: "none",
        }
        return tuple(
            Check(rule, count, always.get(rule, "") if count else without[rule])
            for rule, count in ((rule, self.count[rule]) for rule in RULES)
        )

    def check(self, data: st.DataObject, law: Joint) -> None:
        """Everything, on one law; raises StrategyViolation."""
        start = data.draw(canvases(law, rows=5))
        start[0] = -1
        dialect = Decoder(
            self.strategy,
            order=data.draw(st.sampled_from(self.orders)),
            temperature=data.draw(st.sampled_from((1.0, 0.0))),
            position_ties=data.draw(st.sampled_from(("random", "lowest"))),
            blocks=data.draw(st.sampled_from(self.policies)),
        )
        swap = data.draw(st.permutations(range(law.length)))
        names = [data.draw(st.permutations(range(v))) for v in law.alphabet_sizes]
        scene = Scene(self.strategy, law, dialect)
        main = Scene(self.strategy, law, self.main)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            self._stage("rounds", scene, lambda: rounds(scene, start, self.unfinished))
            self._stage("law", main, lambda: whole_law(main, self.unfinished, self.one_by_one))
            self._stage("samples", scene, lambda: samples(scene, start))
            self._stage("symmetry", main, lambda: symmetry(main, swap, names))
        self.count.update((RUNS, SETTINGS, *PER_ANSWER))
        self.count[MEMORY] += bool(main.memory)

    def _stage(self, name: str, scene: Scene, work: Callable[[], set[str]]) -> None:
        """Run a stage; errors of the strategy, and the loop's own refusals, are violations.

        Once a stage has failed, the others are left out: what remains is to find a smaller law.
        """
        if self.failing not in (None, name):
            return
        try:
            self.count.update(work())
        except StrategyViolation:
            self.failing = name
            raise
        except Exception as error:
            if self._refuses(scene, error):
                return
            self.failing = name
            text = str(error)
            if "committed nothing" in text:
                short = text.removeprefix(f"{self.strategy!r} ").partition(";")[0]
                raise scene.violation(PROGRESS, f"a round {short}") from None
            raise scene.violation(RUNS, f"{type(error).__name__}: {text}") from error

    def _refuses(self, scene: Scene, error: Exception) -> bool:
        """Whether a further policy is refused for some canvases only, in so many words."""
        further = scene.decoder.blocks != self.policies[0]
        return further and isinstance(error, ValueError) and "block" in str(error)
