"""Decodes of one law: each stage raises a violation, or gives the rules that it has tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from infodecode._typing import IntArray
from infodecode.decoder import Decoder
from infodecode.distributions import Joint, Table
from infodecode.estimate import proportion
from infodecode.exact import ExactRun, exact
from infodecode.simulate import Simulation, simulate
from infodecode.strategies import WholeCanvas
from infodecode.testing._rules import (
    AGREES,
    BATCHES,
    EQUIVARIANT,
    FINISHES,
    KEEPS,
    ONE_BY_ONE,
    PROGRESS,
    SIZES,
)
from infodecode.testing._watch import Scene, watched
from infodecode.trace import Trace, decode

SAMPLES = 1500
"""Samples that are held against the exact law."""

CONFIDENCE = 1 - 1e-9
"""Of the intervals that must contain the exact law: there are thousands of them."""

PRECISION = 1e-9
"""Largest difference of two exact laws that should be equal."""


def rounds(scene: Scene, start: IntArray, unfinished: float) -> set[str]:
    """Round by round, from partly filled canvases (the first is blank), under observation."""
    decoder, strategy = scene.decoder, scene.strategy
    trace = decode(scene.law, replace(decoder, strategy=watched(strategy, scene)), canvases=start)
    before, after = trace.canvases[:-1], trace.canvases[1:]
    tested = set()
    if not strategy.revising:
        _demand_kept(scene, before, after)
        tested.add(KEEPS)
    if not strategy.revising and not strategy.may_idle:
        idle = (trace.calls > 0) & ~trace.committed.any(axis=2)
        if idle.any():
            t, row = np.argwhere(idle)[0]
            raise scene.violation(PROGRESS, f"round {t + 1} commits nothing", before[t, row])
        tested.add(PROGRESS)
    if not trace.finished.all() and not unfinished:
        row = np.flatnonzero(~trace.finished)[0]
        limit = strategy.max_rounds(scene.law.length)
        raise scene.violation(
            FINISHES,
            f"after max_rounds = {limit} rounds the canvas is {after[-1, row].tolist()}",
            start[row],
        )
    sizes = strategy.sizes(scene.law.length)
    if sizes is not None and decoder.blocks == WholeCanvas():
        _demand_sizes(scene, trace, sizes)
        tested.add(SIZES)
    return tested


def _demand_kept(scene: Scene, before: IntArray, after: IntArray) -> None:
    lost = (before >= 0) & (after != before)
    if lost.any():
        t, row, position = np.argwhere(lost)[0]
        what = "masks" if after[t, row, position] < 0 else "overwrites"
        raise scene.violation(
            KEEPS,
            f"round {t + 1} {what} position {position} although revising is False",
            before[t, row],
        )


def _demand_sizes(scene: Scene, trace: Trace, sizes: tuple[int, ...]) -> None:
    taken = trace.committed[:, 0].sum(axis=1)[: int(trace.rounds[0])]
    if taken.tolist() != list(sizes):
        raise scene.violation(
            SIZES,
            f"it commits {taken.tolist()}, sizes says {list(sizes)}",
            trace.canvases[0, 0],
        )


def whole_law(scene: Scene, unfinished: float, one_by_one: bool | None) -> set[str]:
    """Exactly, under observation."""
    decoder, strategy = scene.decoder, scene.strategy
    run = _exact(scene.law, replace(decoder, strategy=watched(strategy, scene)))
    if run.unfinished > unfinished + PRECISION:
        raise scene.violation(
            FINISHES,
            f"with probability {float(run.unfinished):.3g} it has not after max_rounds = "
            f"{strategy.max_rounds(scene.law.length)} rounds",
        )
    if one_by_one is False or decoder.draws_first:
        return {FINISHES}
    n = scene.law.length
    single = (
        not strategy.revising
        and not strategy.may_idle
        and len(run.finished_by_round) == n + 1
        and run.finished_by_round[n] > 1 - PRECISION
    )
    if one_by_one is None and (n == 1 or scene.names_tokens or scene.shows_other or not single):
        return {FINISHES}
    if not single:
        raise scene.violation(ONE_BY_ONE, "it does not commit one position a round")
    if not max(run.kl, run.reverse_kl) <= PRECISION:
        raise scene.violation(
            ONE_BY_ONE,
            f"KL(data‖output) is {run.kl:.6g} bits, KL(output‖data) {run.reverse_kl:.6g}",
        )
    return {FINISHES, ONE_BY_ONE}


def samples(scene: Scene, start: IntArray) -> set[str]:
    """On samples: beside the exact law, in other batches, among other neighbours."""
    law, decoder = scene.law, scene.decoder
    drawn = simulate(
        law, decoder, samples=SAMPLES, confidence=CONFIDENCE, threads=1, keep_sequences=True
    )
    assert drawn.sequences is not None
    _demand_agreement(scene, _exact(law, decoder), drawn, drawn.sequences)
    for batch, threads in ((1, 1), (3, 2)):
        few = simulate(law, decoder, samples=8, batch=batch, threads=threads, keep_sequences=True)
        assert few.sequences is not None
        _demand_same(scene, drawn.sequences[:8], few.sequences, f"batches of {batch}")
    one = decode(law, decoder, canvases=start, seed=1).sequences
    for kept, other in ((slice(0, None, 2), 0), (slice(1, None, 2), 1)):
        rows = np.repeat(start[[other]], len(start), axis=0)
        rows[kept] = start[kept]
        again = decode(law, decoder, canvases=rows, seed=1).sequences
        _demand_same(scene, one[kept], again[kept], "a batch with other neighbours")
    return {AGREES, BATCHES}


def _demand_same(scene: Scene, one: IntArray, other: IntArray, where: str) -> None:
    if (differs := (one != other).any(axis=1)).any():
        row = np.flatnonzero(differs)[0]
        raise scene.violation(BATCHES, f"sample {row} comes out differently in {where}")


def _demand_agreement(scene: Scene, run: ExactRun, drawn: Simulation, sequences: IntArray) -> None:
    exactly = _outputs(run)
    seen = Counter(map(tuple, sequences.tolist()))
    all_finish = run.unfinished <= PRECISION
    for outcome, p in exactly.items() if all_finish else ():
        share = proportion(seen[outcome], SAMPLES, CONFIDENCE)
        if p not in share:
            raise scene.violation(
                AGREES, f"{list(outcome)} has probability {p:.6g} exactly, {share} on samples"
            )
    if all_finish and (strange := [y for y in seen if y not in exactly]):
        raise scene.violation(AGREES, f"{list(strange[0])} is impossible exactly, but was sampled")
    for t, p in enumerate(run.finished_by_round):
        times = int(drawn.rounds[t]) if t < len(drawn.rounds) else 0
        share = proportion(times, SAMPLES, CONFIDENCE)
        if p not in share:
            raise scene.violation(
                AGREES, f"{t} rounds have probability {p:.6g} exactly, {share} on samples"
            )


def symmetry(scene: Scene, swap: list[int], names: list[list[int]]) -> set[str]:
    """The output laws of a law and of its mirror images, if the strategy vouches for them."""
    if not scene.strategy.equivariant or scene.decoder.blocks != WholeCanvas():
        return set()
    table = scene.law.table()
    plain = _outputs(_exact(table, scene.decoder))
    sizes = table.alphabet_sizes
    moved = Table(table.outcomes[:, swap], table.weights, alphabet_sizes=[sizes[i] for i in swap])
    expected = {tuple(y[i] for i in swap): p for y, p in plain.items()}
    _demand_equal(scene, expected, moved, f"positions in the order {swap}")
    if "token1" not in scene.strategy.needs:
        columns = [np.array(names[i])[y] for i, y in enumerate(table.outcomes.T)]
        renamed = Table(np.column_stack(columns), table.weights, alphabet_sizes=sizes)
        expected = {tuple(names[i][v] for i, v in enumerate(y)): p for y, p in plain.items()}
        _demand_equal(scene, expected, renamed, f"tokens renamed by {names}")
    return {EQUIVARIANT}


def _demand_equal(
    scene: Scene, expected: dict[tuple[int, ...], float], law: Joint, how: str
) -> None:
    found = _outputs(_exact(law, scene.decoder))
    for y in {*expected, *found}:
        if abs(expected.get(y, 0.0) - found.get(y, 0.0)) > PRECISION:
            raise scene.violation(
                EQUIVARIANT,
                f"with {how}, {list(y)} has probability {found.get(y, 0.0):.6g} instead of "
                f"{expected.get(y, 0.0):.6g}, although equivariant is True",
            )


def _exact(law: Joint, decoder: Decoder) -> ExactRun:
    """Followed off the support by marginals, canvas by canvas."""
    return exact(law, decoder, off_support="marginal", orbits=False, progress=False)


def _outputs(run: ExactRun) -> dict[tuple[int, ...], float]:
    return dict(zip(map(tuple, run.outcomes.tolist()), run.probabilities.tolist(), strict=True))
