"""Sequence-level Metropolis–Hastings, sampled: on any model, through the one decoding loop."""

from __future__ import annotations

import numpy as np

from infodecode import _validation
from infodecode._progress import progress_bar
from infodecode._randomness import seed_key
from infodecode._typing import FloatArray, IntArray
from infodecode.chance import children_allowed
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.exploration._paths import MarginalDensity, decode_rows, left_to_right
from infodecode.exploration._proposals import DENSITIES, demand_product_form, remasked_sets
from infodecode.exploration._samples import SampledChain
from infodecode.exploration._walk import Score, Walk
from infodecode.models import LawModel, Model, model_of
from infodecode.propagation import revises

SCORES = ("distribution", "left-to-right", "path")

_BATCH_NUMBERS = 1 << 22


def sample_chain(
    model: Model | Joint,
    decoder: Decoder,
    *,
    alpha: float = 1,
    steps: int = 100,
    chains: int = 100,
    seed: int = 0,
    cuts: object = None,
    density: str = "path",
    score: str | None = None,
    distribution: Joint | None = None,
    start: object = None,
    warm_up: int | None = None,
    keep_history: bool = False,
    batch: int | None = None,
    max_rounds: int | None = None,
    max_children: int | None = None,
    confidence: float = 0.95,
    progress: bool | None = None,
) -> SampledChain:
    """Run chains of Metropolis–Hastings with target mu^alpha and a decoder's proposals.

    What `exact_chain` computes, sampled, and for models without a law: many chains go through the
    decoding loop as one batch. The step is described there.

    The target's mu is what ``score`` says:

    * ``"distribution"``: the data law.
    * ``"left-to-right"``: the chain rule p(x_1) p(x_2 | x_1) … by the model itself, n sequences in
      one call. Of a network other orders give other values.
    * ``"path"``: the model's probabilities along this decoder's own path from a blank canvas, as
      it draws: the target is then the power of the decoder's output law, whose positions must
      follow from the canvas. With whole proposals it costs nothing.

    Args:
        model: a model, or a distribution (then its `IdealModel`). A network must answer any number
            of canvases at once (one prompt).
        decoder: makes the proposals, at a temperature above 0; whether they reach every outcome is
            not checked.
        alpha: exponent of the target, > 0.
        steps: steps of each chain.
        chains: how many, independent of each other.
        seed: any integer >= 0. Chain c depends on (seed, c) alone.
        cuts: as in `exact_chain`.
        density: ``"path"`` weighs by tokens along the path: commit-only decoders that choose before
            they draw. ``"marginal"`` by the output law on each canvas that comes up, enumerated:
            any decoder, small laws.
        score: see above; by default ``"distribution"`` where there is one.
        distribution: the data law, if ``model`` is not.
        start: a sequence ``(n,)`` or one per chain ``(chains, n)``; by default each begins with a
            decode.
        warm_up: steps left out of the means; by default half of them.
        keep_history: return the sequences of every step.
        batch: chains that go together; the result does not depend on it.
        max_rounds: most rounds of a decode.
        max_children: as in `infodecode.exact`, for ``density="marginal"``.
        confidence: of the intervals.
        progress: show a bar; by default on a terminal, after a second.

    Returns:
        where the chains went, acceptance, effective sample size, costs.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.permutations(4)
        >>> run = sample_chain(law, Decoder(strategies.TopK(2)), steps=60, chains=400)
        >>> run.validity.value, run.acceptance.low < 0.375 < run.acceptance.high
        (1.0, True)

    Reference: Karan and Du 2025 (arXiv 2510.14901); Liu 1996.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"decoder must be a Decoder, got {_validation.shown(decoder)}")
    law = _law_of(model, distribution)
    used = model_of(model)
    if law is not None and law.alphabet_sizes != used.alphabet_sizes:
        raise ValueError(
            f"distribution must have the alphabets {used.alphabet_sizes} of the model, "
            f"got {law.alphabet_sizes}"
        )
    if decoder.temperature == 0:
        raise ValueError(
            "decoder must draw at a temperature above 0, for every outcome to be proposed, got "
            f"{decoder!r}"
        )
    exponent = _validation.number("alpha", alpha, above=0)
    length = _validation.integer("steps", steps, minimum=1)
    count = _validation.integer("chains", chains, minimum=1)
    key = seed_key(seed)
    masks, times = remasked_sets(cuts, len(used.alphabet_sizes))
    by_path = _validation.choice("density", density, DENSITIES) == "path"
    named = "left-to-right" if law is None else "distribution"
    name = _validation.choice("score", named if score is None else score, SCORES)
    if by_path or name == "path":
        demand_product_form(decoder)
    begin = _starts(start, used, count)
    half = length // 2 if warm_up is None else warm_up
    left_out = _validation.integer("warm_up", half, minimum=0, maximum=length - 1)
    _validation.flag("keep_history", keep_history)
    level = _validation.confidence_level(confidence)
    limit = decoder.round_limit(len(used.alphabet_sizes), max_rounds)
    together = _together(used, count) if batch is None else batch
    size = _validation.integer("batch", together, minimum=1)
    marginal = None if by_path else _marginal(law, decoder, used, limit, max_children)
    free = name == "path" and by_path and bool(masks.all())
    walk = Walk(
        decoder, used, limit, exponent, masks, _ends(times),
        None if free else _score(name, law, decoder, used, limit),
        marginal, name == "path", key,
    )  # fmt: skip
    scores, accepted = np.empty((length + 1, count)), np.empty((length, count), bool)
    ended = np.empty(begin.shape, np.int32)
    history = np.empty((length + 1, *begin.shape), np.int32) if keep_history else None
    spent = np.zeros(2, np.int64)
    with progress_bar("steps", length * -(-count // size), progress) as advance:
        for first in range(0, count, size):
            part = slice(first, first + size)
            for step, at in enumerate(walk.run(first, begin[part], length)):
                scores[step, part] = at.score
                ended[part] = at.sequences
                if history is not None:
                    history[step, part] = at.sequences
                if step:
                    accepted[step - 1, part] = at.accepted
                    spent += at.calls.sum(), at.evaluated.sum()
                    advance(1)
    per_step = spent / (length * count)
    return SampledChain(
        decoder, exponent, density, name, int(seed), left_out, ended, history, scores, accepted,
        float(per_step[0]), float(per_step[1]), level,
    )  # fmt: skip


def _together(model: Model, chains: int) -> int:
    """Chains in a batch: all, but for exact models as many as whole laws of fit in memory."""
    if not isinstance(model, LawModel):
        return chains
    numbers = len(model.alphabet_sizes) * max(model.alphabet_sizes)
    return max(1, min(chains, _BATCH_NUMBERS // numbers))


def _law_of(model: Model | Joint, distribution: Joint | None) -> Joint | None:
    if distribution is None:
        return model if isinstance(model, Joint) else None
    if isinstance(model, Joint):
        raise ValueError("distribution goes with a model: the first argument is one already")
    return require("distribution", distribution)


def _starts(start: object, model: Model, chains: int) -> IntArray:
    """``(C, n)`` sequences to start from; masked for a decode."""
    if start is None:
        return np.full((chains, len(model.alphabet_sizes)), -1, np.int32)
    rows = _validation.sequences("start", start, model.alphabet_sizes)
    if len(rows) not in (1, chains):
        raise ValueError(f"start must be one sequence or chains={chains}, got {len(rows)}")
    return np.repeat(rows, chains, axis=0) if len(rows) == 1 else rows


def _ends(times: IntArray) -> FloatArray:
    """Cumulative probabilities of the sets; the last is exactly 1."""
    return np.asarray(np.cumsum(times) / times.sum(), np.float64)


def _marginal(
    law: Joint | None, decoder: Decoder, model: Model, rounds: int, max_children: int | None
) -> MarginalDensity:
    if law is None:
        raise ValueError("density='marginal' enumerates: give the distribution of the model")
    most = children_allowed(law.length) if max_children is None else max_children
    return MarginalDensity(
        law, decoder, model, absorb=not revises(decoder), rounds=rounds,
        max_children=_validation.integer("max_children", most, minimum=1),
    )  # fmt: skip


def _score(name: str, law: Joint | None, decoder: Decoder, model: Model, rounds: int) -> Score:
    def by_distribution(sequences: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
        assert law is not None
        nothing = np.zeros(len(sequences), np.int64)
        return law._log2_mass(sequences), nothing, nothing

    def from_the_left(sequences: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
        ones = np.ones(len(sequences), np.int64)
        return left_to_right(sequences, model), ones, ones * sequences.shape[1]

    def along_the_path(sequences: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
        blank, streams = np.full(sequences.shape, -1, np.int32), np.zeros(len(sequences), np.uint64)
        out = decode_rows(blank, streams, decoder, model, rounds, given=sequences, fixed=True)
        return out.log2_path, out.calls, out.evaluated

    if name == "distribution" and law is None:
        raise ValueError("score='distribution' needs the distribution of the model")
    return {
        "distribution": by_distribution,
        "left-to-right": from_the_left,
        "path": along_the_path,
    }[name]
