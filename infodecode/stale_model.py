"""Stale marginals: what KV and feature caches lose, on exact laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.distributions import Joint
from infodecode.models import Evaluation, LawEvaluation, LawModel, Model, TokenRule, law_model_of
from infodecode.state import NOTHING, PREVIOUS_CANVAS, State
from infodecode.strategies import BlockPolicy, LeftToRight

CACHES = ("all", "prefix", "dual")
"""Which positions are cached: all, those before the active block, those outside it."""

CONTEXTS = ("present", "cached")
"""What a recomputed position reads of the cached ones: their tokens, or their cached features."""

CANVAS, ROUND, BLOCK = "seen_canvas", "seen_round", "seen_block"
"""Names of the model's memory: canvas, round and active block of the last refresh."""


class StaleModel(Model):
    """A model whose answers at cached positions are those of the last refresh.

    A *cached* position answers with its conditional law on the canvas of the last refresh; a
    *recomputed* one with its law on the present canvas. In a round that refreshes, every position
    is recomputed. So the error of caching is that of exact conditional laws on old canvases: run it
    with `exact` and compare with the same decoder without a cache.

    ``cache`` says what is cached:

    - ``"all"``: every position, refreshed every ``refresh`` rounds. It is the refresh interval of
      feature caches (dLLM-Cache with nothing updated in between).
    - ``"prefix"``: what lies before the active block.
    - ``"dual"``: what lies before and after it. Both are refreshed when the active block changes
      (Fast-dLLM: then only), and every ``refresh`` rounds.

    The active block is the first of ``block_length`` positions that has masks, as under
    `LeftToRight`; or, with ``blocks``, the one that a policy calls open. What follows from that, if
    committed positions stay:

    - ``refresh=1`` is no cache at all.
    - ``"prefix"`` with ``block_length`` loses nothing: there is no mask before the first block with
      masks. It changes scores of visible positions only, which rules that revise may read.
    - ``"dual"`` loses nothing under ``LeftToRight(block_length)``, which commits in the active
      block alone. It matters where positions outside the active block are committed: on the whole
      canvas, and under `Unlocking`. There ``blocks`` follows the decoder's own policy, and the
      masks left behind in earlier blocks are stale in the prefix too.
    - ``"all"`` with ``refresh=k``, on the whole canvas: ``TopK(m, by)`` puts out the law of
      ``TopK(k * m, by)`` without a cache, in ``ceil(n / m)`` rounds instead of ``ceil(n / (k m))``,
      provided that choosing does not look at drawn tokens (any ``by`` when choosing precedes
      drawing; random and left to right always). Hence the same path KL and the same KL. With
      ``refresh=None`` (never) every ``TopK`` loses the total correlation. Rules that count by
      confidence have no such identity: what passed is gone, so later rounds of the same refresh
      fall back.

    Networks cache more than this says: a recomputed position reads the *features* of cached ones,
    in which a token committed since the last refresh is still a mask. ``context="cached"`` hides
    those tokens from recomputed positions. It makes no difference where no cached position changes
    between refreshes, as under ``LeftToRight(block_length)``. dKV-Cache-Decode caches visible
    positions only, one round after their commit: every mask is recomputed, and nothing is lost at
    this level.

    A stale law may propose tokens that the present canvas excludes; `exact` then absorbs or follows
    as it does for any model. A round is one model call, cached or not: ``expected_calls`` counts
    calls, and a cached call is a cheaper one on a network. Copies of a look-ahead use the cache
    of their round; in a round that refreshes they are computed in full.

    Args:
        model: gives the laws; or a distribution, then its `IdealModel`.
        refresh: refresh at the latest after so many rounds, at least 1; None leaves it to the
            active block (and with ``cache="all"`` to the first round alone).
        cache: ``"all"``, ``"prefix"`` or ``"dual"``.
        block_length: of the active block; with ``"prefix"`` and ``"dual"``.
        blocks: the policy that says which block is active, instead of ``block_length``.
        context: ``"present"`` or ``"cached"``: what recomputed positions read of cached ones.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.permutations(4)
        >>> one_by_one = Decoder(strategies.TopK(1))
        >>> exact(law, one_by_one).validity
        1.0
        >>> exact(law, one_by_one, model=StaleModel(law, refresh=2)).validity  # as TopK(2)
        0.375

    Reference: Fast-dLLM (Wu et al. 2025, arXiv 2505.22618), section 3.2; dLLM-Cache (Liu et al.
    2025, arXiv 2506.06295); dKV-Cache (Ma et al. 2025, arXiv 2505.15781).
    """

    def __init__(
        self,
        model: LawModel | Joint,
        *,
        refresh: int | None,
        cache: str = "all",
        block_length: int | None = None,
        blocks: BlockPolicy | None = None,
        context: str = "present",
    ) -> None:
        self.model = law_model_of(model)
        self.refresh = (
            None if refresh is None else _validation.integer("refresh", refresh, minimum=1)
        )
        self.cache = _validation.choice("cache", cache, CACHES)
        self.context = _validation.choice("context", context, CONTEXTS)
        self.blocks = _policy(self.cache, block_length, blocks)
        self.alphabet_sizes = self.model.alphabet_sizes
        self.tolerance = self.model.tolerance
        self.off_support = self.model.off_support

    def __repr__(self) -> str:
        active = "" if self.blocks is None else f", blocks={self.blocks!r}"
        context = "" if self.context == "present" else f", context={self.context!r}"
        return (
            f"StaleModel({type(self.model).__name__}, refresh={self.refresh}, "
            f"cache={self.cache!r}{active}{context})"
        )

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        if self.refresh == 1:
            return NOTHING
        memory: dict[str, Array] = {
            CANVAS: np.full(canvas.shape, -2, np.int32),
            ROUND: np.full(len(canvas), -1, np.int64),
        }
        if self.blocks is not None:
            memory[BLOCK] = np.full(len(canvas), -1, np.int64)
        return memory

    def remember(self, state: State) -> Mapping[str, Array]:
        if self.refresh == 1:
            return NOTHING
        due = self._due(state)
        earlier = state.memory[ROUND] if self.refresh is not None else np.zeros_like(state.round)
        changes: dict[str, Array] = {
            CANVAS: np.where(due[:, None], state.canvas, state.memory[CANVAS]),
            ROUND: np.where(due, state.round, earlier),
        }
        if self.blocks is not None:
            changes[BLOCK] = np.where(due, self._active(state), state.memory[BLOCK])
        return changes

    def evaluate(self, state: State, rule: TokenRule) -> Evaluation:
        previous = state.memory.get(PREVIOUS_CANVAS)
        if self.refresh == 1:
            return LawEvaluation(self.model, state.canvas, rule, previous)
        now = self._look(state)
        before = None
        if previous is not None:
            if (state.memory[ROUND] == state.round).any():
                raise ValueError("divergence of a look-ahead is not known to a StaleModel")
            before = self._look_back(state, previous)
        return _StaleEvaluation(self.model, now, rule, before)

    def _active(self, state: State) -> IntArray:
        """Block ``(R,)`` that is active."""
        assert self.blocks is not None
        start, _ = self.blocks.extent(state)
        return self.blocks.number(state.canvas.shape[1])[start]

    def _due(self, state: State) -> BoolArray:
        """``(R,)``: whether this call refreshes; once a round at most."""
        seen = state.memory[ROUND]
        stale = np.zeros(state.rows, bool)
        if self.refresh is not None:
            stale |= state.round - seen >= self.refresh
        if self.blocks is not None:
            stale |= self._active(state) != state.memory[BLOCK]
        return np.asarray((seen < 0) | (stale & (seen != state.round)))

    def _cached(self, block: IntArray, shape: tuple[int, ...]) -> BoolArray:
        """Positions ``(R, n)`` that are cached while a block is active."""
        if self.blocks is None:
            return np.ones(shape, bool)
        number = self.blocks.number(shape[1])
        before = number < block[:, None]
        return np.asarray(before if self.cache == "prefix" else number != block[:, None])

    def _look(self, state: State) -> _Look:
        """What each position sees in this call."""
        full = self._due(state) | (state.memory[ROUND] == state.round)
        block = state.round if self.blocks is None else self._active(state)
        cached = self._cached(block, state.canvas.shape) & ~full[:, None]
        return self._look_at(state.canvas, state.memory[CANVAS], cached)

    def _look_back(self, state: State, previous: IntArray) -> _Look:
        """What each position saw in the last call; after a refresh both canvases are the same."""
        block = state.round if self.blocks is None else state.memory[BLOCK]
        cached = self._cached(block, previous.shape) & (state.memory[ROUND] >= 0)[:, None]
        return self._look_at(previous.view(), state.memory[CANVAS], cached)

    def _look_at(self, canvas: IntArray, seen: IntArray, cached: BoolArray) -> _Look:
        fresh = canvas if self.context == "present" else np.where(cached, seen, canvas)
        return _Look(canvas, fresh, seen, cached)


@dataclass(frozen=True, eq=False)
class _Look:
    """Canvases ``(R, n)`` of a call.

    Attributes:
        canvas: what there is.
        fresh: what recomputed positions see.
        seen: what cached positions saw.
        cached: which positions are cached.
    """

    canvas: IntArray
    fresh: IntArray
    seen: IntArray
    cached: BoolArray


class _StaleEvaluation(LawEvaluation):
    """Every position's law from the canvas that it sees."""

    def __init__(self, model: LawModel, now: _Look, rule: TokenRule, before: _Look | None) -> None:
        super().__init__(model, now.canvas, rule, None if before is None else before.canvas)
        self._now, self._before = now, before

    def _laws(self, canvas: IntArray, rows: IntArray, positions: IntArray) -> Array:
        look = self._now
        if self._before is not None and canvas is self._before.canvas:
            look = self._before
        cached = np.asarray(look.cached[rows, positions])
        if not cached.any():
            return super()._laws(look.fresh, rows, positions)
        if cached.all():
            return super()._laws(look.seen, rows, positions)
        old = super()._laws(look.seen, rows[cached], positions[cached])
        out = np.empty((len(rows), old.shape[1]), old.dtype)
        out[cached] = old
        out[~cached] = super()._laws(look.fresh, rows[~cached], positions[~cached])
        return out


def _policy(cache: str, block_length: int | None, blocks: BlockPolicy | None) -> BlockPolicy | None:
    """Which block is active; None if every position is cached."""
    if cache == "all":
        if block_length is not None or blocks is not None:
            given = "blocks" if block_length is None else "block_length"
            raise ValueError(f"{given} goes with cache 'prefix' or 'dual', got cache='all'")
        return None
    if (block_length is None) == (blocks is None):
        raise ValueError(
            f"cache={cache!r} needs block_length or blocks, one of them, "
            f"got block_length={block_length!r} and blocks={blocks!r}"
        )
    if blocks is None:
        return LeftToRight(_validation.integer("block_length", block_length, minimum=1))
    if not isinstance(blocks, BlockPolicy):
        raise TypeError(f"blocks must be a BlockPolicy, got {_validation.shown(blocks)}")
    return blocks
