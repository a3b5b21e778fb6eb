"""Simulation: the decoding loop on random samples, on every core, the same for a seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._progress import progress_bar
from infodecode._randomness import seed_key, streams_of
from infodecode._rounding import at_mode
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.chance import Sampled
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.estimate import Estimate, mean_of_counts, proportion
from infodecode.models import Model
from infodecode.propagation import prepare
from infodecode.state import State

FIRST_LOOK = 4096
"""Samples before the first check of ``precision``; each later check doubles them."""

_BATCH_NUMBERS = 1 << 24


@dataclass(frozen=True, eq=False, repr=False)
class Simulation:
    """What a decoder puts out, on random samples.

    Attributes:
        distribution: the data law.
        decoder: what decoded it.
        samples: sequences decoded.
        seed: seed of the run; sample k depends on (seed, k) alone.
        off_support: what the ideal model predicted on canvases of data probability 0.
        validity: share of outputs in the support of the data.
        rounds: ``(T + 1,)`` how many samples finished after t rounds, t = 0, 1, ….
        unfinished: samples that had not finished within ``max_rounds``; never valid.
        expected_rounds: mean rounds of the finished samples.
        mode_probability: share of outputs that are a most probable outcome of the data; None for
            mixtures too large to know their modes.
        expected_calls: model calls per sample; a batched look-ahead is one.
        expected_evaluations: sequences evaluated per sample.
        sequences: ``(samples, n)`` the outputs in sample order, when asked for; else None.
    """

    distribution: Joint
    decoder: Decoder
    samples: int
    seed: int
    off_support: str
    validity: Estimate
    rounds: IntArray
    unfinished: int
    expected_rounds: Estimate | None
    mode_probability: Estimate | None
    expected_calls: float
    expected_evaluations: float
    sequences: IntArray | None

    def __repr__(self) -> str:
        return (
            f"<simulation of {self.samples:,} samples, seed {self.seed}: "
            f"{self.distribution.name}, {self.decoder!r}: validity {self.validity}, "
            f"rounds {self.expected_rounds}>"
        )

    def _repr_html_(self) -> str:
        title = f"{self.distribution.name}, {self.decoder!r}, {self.samples:,} samples"
        names = ("validity", "expected_rounds", "mode_probability", "expected_calls",
                 "unfinished", "off_support", "seed")  # fmt: skip
        return figures_table(title, {name: getattr(self, name) for name in names})


@dataclass(frozen=True, eq=False)
class Batch:
    """Decoded rows in sample order: sequences, rounds taken (-1 unfinished), costs."""

    sequences: IntArray
    rounds: IntArray
    calls: IntArray
    evaluated: IntArray


def simulate(
    distribution: Joint,
    decoder: Decoder,
    *,
    samples: int = 10_000,
    seed: int = 0,
    model: Model | None = None,
    off_support: str | None = None,
    precision: float | None = None,
    confidence: float = 0.95,
    max_rounds: int | None = None,
    batch: int | None = None,
    threads: int | None = None,
    keep_sequences: bool = False,
    progress: bool | None = None,
) -> Simulation:
    """Decode random samples and estimate what `exact` computes.

    Sample k is a function of (seed, k): the result is the same for any ``batch`` and ``threads``,
    and the first samples of a longer run are those of a shorter one.

    Cost: for each sample and round, the marginals of the masked positions and O(n log n).

    Args:
        distribution: the data law; its exact marginals are the model unless one is given.
        decoder: strategy, token rule, blocks.
        samples: how many sequences (at most, with ``precision``).
        seed: any integer >= 0.
        model: another model, such as `NoisyModel`.
        off_support: what the ideal model predicts off the support (see `IdealModel`): by default
            ``"marginal"``; another model keeps its own rule.
        precision: stop as soon as the validity interval is at most this far from its value on
            either side. Checked after 4,096 samples and at each doubling, the j-th check at
            confidence ``1 - (1 - confidence) / (j (j + 1))``, so that stopping early does not
            spoil the interval of ``validity`` (the others are those of a fixed sample size).
        confidence: of the intervals.
        max_rounds: stop a sample there and count it unfinished.
        batch: samples decoded together, per thread.
        threads: by default every core; kernels release the GIL.
        keep_sequences: return the outputs themselves.
        progress: show a bar; by default on a terminal, after a second.

    Returns:
        estimates with their intervals, counts of rounds, costs per sample.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import distributions, strategies
        >>> run = simulate(distributions.permutations(6), Decoder(strategies.Threshold(0.9)))
        >>> run.validity.value
        1.0
    """
    if isinstance(off_support, str) and off_support == "absorb":
        raise ValueError("off_support must say what to predict off the support, got 'absorb'")
    law, used, off_support = prepare(distribution, decoder, model, off_support, "float")
    most = _validation.integer("samples", samples, minimum=1)
    key = seed_key(seed)
    wanted = None if precision is None else _validation.number("precision", precision, above=0)
    level = _validation.confidence_level(confidence)
    limit = decoder.round_limit(law.length, max_rounds)
    workers = _validation.integer(
        "threads", os.cpu_count() if threads is None else threads, minimum=1
    )
    chosen = _batch_size(law, most, workers) if batch is None else batch
    size = _validation.integer("batch", chosen, minimum=1)
    _validation.flag("keep_sequences", keep_sequences)
    tally = _Tally(law, keep_sequences)
    with (
        ThreadPoolExecutor(workers) as pool,
        progress_bar("samples", most, progress) as advance,
    ):
        for look, (begin, end) in enumerate(_segments(most, wanted), start=1):
            spans = [(a, min(a + size, end)) for a in range(begin, end, size)]
            work = ((key, a, b, law, decoder, used, limit) for a, b in spans)
            for decoded in _in_order(pool, workers, work):
                tally.add(decoded)
                advance(len(decoded.rounds))
            spent = level if wanted is None else 1 - (1 - level) / (look * (look + 1))
            validity = proportion(tally.valid, tally.samples, spent)
            if wanted is not None and validity.half_width <= wanted:
                break
    return tally.result(distribution, decoder, int(seed), off_support, validity, level)


def decode_batch(
    canvas: IntArray, streams: Array, decoder: Decoder, model: Model, max_rounds: int
) -> Batch:
    """Decode canvases ``(B, n)``, each from its own stream; finished rows leave the batch."""
    rows = len(canvas)
    out = Batch(
        sequences=canvas.copy(),
        rounds=np.full(rows, -1),
        calls=np.zeros(rows, np.int64),
        evaluated=np.zeros(rows, np.int64),
    )
    where = np.arange(rows)
    for after in sampled_rounds(canvas, streams, decoder, model, max_rounds):
        out.calls[where] += after.calls
        out.evaluated[where] += after.evaluated
        out.sequences[where] = after.canvas
        over = decoder.strategy.finished(after)
        out.rounds[where[over]] = after.round[over]
        where = where[~over]
    return out


def sampled_rounds(
    canvas: IntArray,
    streams: Array,
    decoder: Decoder,
    model: Model,
    max_rounds: int,
    *,
    record: bool = False,
    over: Callable[[State], BoolArray] | None = None,
) -> Iterator[State]:
    """The states after each round, from canvases ``(R, n)``: see `rounds_from`."""
    state = decoder.start(canvas, np.ones(len(canvas)), streams, model)
    return rounds_from(state, decoder, model, Sampled(record=record), max_rounds, over=over)


def rounds_from(
    state: State,
    decoder: Decoder,
    model: Model,
    chance: Sampled,
    max_rounds: int,
    *,
    over: Callable[[State], BoolArray] | None = None,
) -> Iterator[State]:
    """The states after each round; rows that are over are left out of the next.

    A row is over when its strategy has finished, or as ``over`` says.
    """
    finished = decoder.strategy.finished if over is None else over
    for _ in range(max_rounds):
        (state,) = decoder.step(state, model, chance)
        yield state
        done = finished(state)
        if done.all():
            return
        if done.any():
            state = state.take(np.flatnonzero(~done))


class _Tally:
    """Whole-number sums over samples, so that neither order nor batches can matter."""

    def __init__(self, law: Joint, keep: bool) -> None:
        self.samples = self.valid = self.modes = self.calls = self.evaluated = 0
        self.rounds = np.zeros(1, np.int64)
        self._law = law
        self._peak = law.log2_mode()
        self._kept: list[IntArray] | None = [] if keep else None

    def add(self, batch: Batch) -> None:
        finished = batch.rounds >= 0
        log2 = np.full(len(finished), -np.inf)
        log2[finished] = self._law._log2_mass(batch.sequences[finished])
        self.samples += len(finished)
        self.valid += int(np.isfinite(log2).sum())
        if self._peak is not None:
            self.modes += int(at_mode(log2, self._peak).sum())
        self.calls += int(batch.calls.sum())
        self.evaluated += int(batch.evaluated.sum())
        counts = np.bincount(batch.rounds[finished], minlength=len(self.rounds))
        counts[: len(self.rounds)] += self.rounds
        self.rounds = counts
        if self._kept is not None:
            self._kept.append(batch.sequences)

    def result(
        self, distribution: Joint, decoder: Decoder, seed: int, off_support: str,
        validity: Estimate, level: float,
    ) -> Simulation:  # fmt: skip
        counts = self.rounds
        finished = int(counts.sum())
        return Simulation(
            distribution=distribution,
            decoder=decoder,
            samples=self.samples,
            seed=seed,
            off_support=off_support,
            validity=validity,
            rounds=counts,
            unfinished=self.samples - finished,
            expected_rounds=mean_of_counts(counts.tolist(), level) if finished else None,
            mode_probability=None
            if self._peak is None
            else proportion(self.modes, self.samples, level),
            expected_calls=self.calls / self.samples,
            expected_evaluations=self.evaluated / self.samples,
            sequences=None if self._kept is None else np.concatenate(self._kept),
        )


def _decode_span(
    key: np.uint64, begin: int, end: int, law: Joint, decoder: Decoder, model: Model, limit: int
) -> Batch:
    canvas = np.full((end - begin, law.length), -1, np.int32)
    return decode_batch(canvas, streams_of(key, begin, end - begin), decoder, model, limit)


def _in_order(
    pool: ThreadPoolExecutor, workers: int, work: Iterator[tuple[object, ...]]
) -> Iterator[Batch]:
    """Results in the order of the work, a few ahead of the reader at a time."""
    ahead: list[Future[Batch]] = []
    for task in work:
        ahead.append(pool.submit(_decode_span, *task))  # type: ignore[arg-type]
        if len(ahead) > 2 * workers:
            yield ahead.pop(0).result()
    for future in ahead:
        yield future.result()


def _segments(samples: int, precision: float | None) -> Iterator[tuple[int, int]]:
    """Stretches of samples between two looks at the interval."""
    if precision is None:
        yield 0, samples
        return
    begin, end = 0, FIRST_LOOK
    while begin < samples:
        yield begin, min(end, samples)
        begin, end = end, 2 * end


def _batch_size(law: Joint, samples: int, workers: int) -> int:
    """Large enough to spread the cost of a call, small enough to share and to fit in memory."""
    share = -(-samples // (2 * workers)) if workers > 1 else samples
    fits = _BATCH_NUMBERS // (law.length * max(law.alphabet_sizes))
    return max(1, min(law.batch, share, fits))
