"""Exact output laws: the decoding loop on weighted distinct canvases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from infodecode import _validation
from infodecode.chance import children_allowed
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.exact_run import ExactRun as ExactRun
from infodecode.models import Model
from infodecode.orbits import EnumeratedOrbits, sizes_of
from infodecode.propagation import blank_state, chance_for, prepare, propagate, revises

if TYPE_CHECKING:
    from infodecode.exploration.caps import EntropyCap


def exact(
    distribution: Joint,
    decoder: Decoder,
    *,
    model: Model | None = None,
    off_support: str | None = None,
    arithmetic: str = "float",
    max_rounds: int | None = None,
    max_children: int | None = None,
    orbits: bool | None = None,
    progress: bool | None = None,
) -> ExactRun:
    """The exact law of what a decoder puts out.

    Every choice of positions and every draw of tokens is followed with its probability; equal
    (canvas, memory) pairs of a round are merged, and children stream into the merge.

    Cost: O(n) for each canvas that a round leads to before merging, and the marginals of each
    distinct one.

    Args:
        distribution: the data law; its exact marginals are the model unless one is given.
        decoder: strategy, token rule, blocks.
        model: another model, such as `NoisyModel`; off the support it predicts what it predicts,
            and ``off_support`` may only be ``"absorb"`` or its own rule.
        off_support: ``"absorb"`` drops canvases of data probability 0, which is enough for
            validity, both KLs and total variation; ``"marginal"``, ``"uniform"`` and ``"natural"``
            follow them (see `IdealModel`), for the output law, its entropy and rounds. An absorbing
            run follows by marginals when one of these is first asked for (`ExactRun.followed`).
            By default absorb, but follow by marginals when the strategy revises: it may find back.
        arithmetic: ``"rational"`` carries exact fractions (integer-weighted laws, temperature 0,
            1 or 1/k); decisions at thresholds still compare within 1e-12.
        max_rounds: stop there and report the rest as unfinished; by default enough for every
            strategy that commits in each round.
        max_children: refuse a round that leads to more canvases than this (before merging); by
            default 20,000,000, and in proportion fewer beyond 16 positions.
        orbits: follow one canvas for all that the symmetry of the law turns it into. That needs an
            exchangeable law (`Joint.exchangeable`), its ideal model, and a decoder that treats
            positions alike: no blocks, no place-dependent strategy, random ties. By default from
            9 positions on, where it is possible; hundreds of positions then.
        progress: show a bar; by default on a terminal, after a second.

    Returns:
        the law of the output, and how far it is from the data.

    Raises:
        TypeError, ValueError: an argument that cannot be (the message names it), options that do
            not fit together, or too many canvases in a round (with their number).
        RuntimeError: a strategy that commits nothing, or what is not feasible.

    Example:
        >>> from infodecode import distributions, strategies
        >>> run = exact(distributions.replace_random(6), Decoder(strategies.TopK(2)),
        ...             arithmetic="rational")
        >>> run.validity
        Fraction(845, 1152)
    """
    if off_support is None and not revises(decoder):
        off_support = "absorb"
    law, used, off_support = prepare(distribution, decoder, model, off_support, arithmetic)
    if arithmetic == "rational":
        decoder.rule.demand_rational()
    rounds = decoder.round_limit(law.length, max_rounds)
    most = children_allowed(law.length) if max_children is None else max_children
    limit = _validation.integer("max_children", most, minimum=1)
    chance = chance_for(law, decoder, used, off_support, limit, orbits)
    live = blank_state(law, decoder, used, rational=arithmetic == "rational")
    done = propagate(live, law, decoder, used, chance, rounds, progress=progress)
    return ExactRun(
        distribution=distribution,
        decoder=decoder,
        off_support=off_support,
        outcomes=done.outputs.canvas,
        weights=done.outputs.weight,
        absorbed=done.absorbed,
        unfinished=done.unfinished,
        finished_by_round=done.finished_by_round,
        largest_round=done.largest_round,
        orbit_sizes=sizes_of(chance, done.outputs.canvas),
        _calls=done.calls,
        _evaluated=done.evaluated,
        _log2_data=law._log2_mass(done.outputs.canvas),
        _follow=partial(
            exact,
            distribution,
            decoder,
            model=model,
            off_support=used.off_support,
            arithmetic=arithmetic,
            max_rounds=max_rounds,
            max_children=max_children,
            orbits=isinstance(chance, EnumeratedOrbits),
            progress=progress,
        ),
        _cap=partial(
            _capped,
            distribution,
            decoder,
            model=model,
            off_support=used.off_support,
            max_children=max_children,
            progress=progress,
        ),
    )


def _capped(distribution: Joint, decoder: Decoder, **options: Any) -> EntropyCap:
    from infodecode.exploration.caps import entropy_cap

    return entropy_cap(distribution, decoder, **options)
