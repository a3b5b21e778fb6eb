"""Sequence-level Metropolis–Hastings with a decoder's proposals, exactly: `exact_chain`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from infodecode import _validation
from infodecode._grouping import Packing, group
from infodecode._rounding import ROUNDING, nonnegative
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import children_allowed
from infodecode.decoder import Decoder
from infodecode.distributions import Joint, Table
from infodecode.exploration._chain import ExactChain
from infodecode.exploration._proposals import (
    DENSITIES,
    Decoded,
    decode_all,
    demand_product_form,
    remasked_sets,
)
from infodecode.exploration._transition import (
    RATIONAL_LIMIT,
    STATES_LIMIT,
    Canvases,
    Costs,
    Power,
    canvases_of,
    marginal_moves,
    path_moves,
    paths_from,
    power_of,
    refreshed_moves,
    with_rejections,
)
from infodecode.models import Model
from infodecode.propagation import prepare, revises
from infodecode.strategies import Strategy, WholeCanvas

REDUCIBLE = ("refuse", "report")


def exact_chain(
    distribution: Joint,
    decoder: Decoder,
    *,
    alpha: float = 1,
    cuts: object = None,
    density: str = "marginal",
    start: object = None,
    model: Model | None = None,
    off_support: str | None = None,
    arithmetic: str = "float",
    reducible: str = "refuse",
    max_children: int | None = None,
    progress: bool | None = None,
) -> ExactChain:
    r"""Metropolis–Hastings on sequences with target mu^alpha and a decoder's proposals, exactly.

    From a sequence x, a set S of positions is drawn, whatever x is; they are masked again and
    decoded, with the rest kept, which gives x'. It is accepted with probability

    .. math:: \min\Bigl(1, \frac{\mu(x')^\alpha\, q(x \mid x_{-S})}
                                {\mu(x)^\alpha\, q(x' \mid x_{-S})}\Bigr)

    and x kept otherwise. With all positions in S this is an independence sampler, and at alpha = 1
    it takes the factorisation error out of a parallel decoder. Where mu(x) = 0, which only a
    start can be, a whole proposal is made and accepted.

    What q may be (``density``):

    * ``"marginal"``: the law of what the decoder puts out on that canvas. Right for every decoder.
    * ``"path"``: the product of the probabilities of the *tokens* drawn along the way. Right for
      commit-only decoders that choose positions before they draw, and what `sample_chain` can
      compute without enumerating anything. Given x, the probabilities of positions multiply to a
      law of the path, so that the chain on (x, path) has the target mu^alpha(x) P(path | x), from
      which they cancel; counting them biases it. With whole proposals the state keeps the path it
      came by; otherwise a path for x is drawn anew at each step. Where the canvas fixes the
      positions, both densities are the same.

    Cost: `infodecode.exact` on every canvas that the sets leave of an outcome, then N x N for
    each set.

    Args:
        distribution: the data law mu, of at most 4,096 outcomes (states, with paths), or 256 with
            fractions.
        decoder: makes the proposals.
        alpha: exponent of the target, > 0.
        cuts: sets to draw S from, uniformly (repeat one to weigh it): a cut c stands for positions
            from c on, 0 for all; else give the positions themselves. None decodes everything.
        density: see above.
        start: a sequence ``(n,)`` or a distribution; by default what the decoder puts out.
        model: proposals of another model, such as `NoisyModel`; the target stays that of mu.
        off_support: what the model predicts on impossible canvases, as in `infodecode.exact`.
        arithmetic: ``"rational"`` for fractions: integer weights, integer alpha, marginal density.
        reducible: ``"refuse"`` a chain that cannot reach every outcome from every other, or
            ``"report"`` it, by ``classes`` and ``missing_mass``.
        max_children, progress: as in `infodecode.exact`.

    Returns:
        the matrix, with its laws by step, spectral gap, acceptance and costs.

    Raises:
        TypeError, ValueError: an argument that cannot be; too many states or canvases (with their
            number); a reducible chain (with the target mass out of reach).

    Example:
        >>> from infodecode import distributions, strategies
        >>> bits = distributions.Table([[0, 0], [1, 1]])
        >>> chain = exact_chain(bits, Decoder(strategies.TopK(2)), arithmetic="rational")
        >>> chain.total_variation(3)
        array([Fraction(1, 2), Fraction(1, 4), Fraction(1, 8), Fraction(1, 16)], dtype=object)
        >>> chain.acceptance, chain.spectral_gap
        (Fraction(1, 2), 0.5)

    Reference: Locally Confident, Globally Stuck (2026), abstract; Liu 1996 (independence samplers);
    Karan and Du 2025 (arXiv 2510.14901).
    """
    law, used, off_support = prepare(
        distribution, decoder, model,
        "absorb" if off_support is None and not revises(decoder) else off_support, arithmetic,
    )  # fmt: skip
    rational = arithmetic == "rational"
    exponent = _validation.number("alpha", alpha, above=0)
    _validation.choice("density", density, DENSITIES)
    _validation.choice("reducible", reducible, REDUCIBLE)
    path = density == "path"
    if rational:
        decoder.rule.demand_rational()
        if exponent != int(exponent) or path:
            raise ValueError(
                "arithmetic='rational' needs an integer alpha and density='marginal', got "
                f"alpha={alpha!r} and density={density!r}"
            )
    if path:
        demand_product_form(decoder)
    masks, times = remasked_sets(cuts, law.length)
    limit = RATIONAL_LIMIT if rational else STATES_LIMIT
    _demand_few(law.support_size, limit)
    table = law.table()
    target = power_of(table, exponent, rational=rational)
    canvases = canvases_of(target, masks, times, Packing(table.alphabet_sizes))
    most = children_allowed(law.length) if max_children is None else max_children
    decode = partial(
        decode_all,
        canvases.distinct, table.outcomes, table, decoder, used,
        path=path, rational=rational,
        max_children=_validation.integer("max_children", most, minimum=1),
        rounds=decoder.round_limit(law.length, None), progress=progress,
    )  # fmt: skip
    decoded = decode(absorb=off_support == "absorb")
    states = _states(target, canvases, decoded, masks, path, limit)
    begin, begin_law = _start_of(start, table, states)
    classes, missing = _classes(states)
    if missing > 0 and reducible == "refuse":
        raise ValueError(
            f"proposals of {decoder!r} must connect the outcomes of {law.name}: they fall into "
            f"{classes:,} classes, and target mass {missing:.3g} lies outside the largest; draw "
            "at a temperature above 0, let cuts include 0, or ask for reducible='report'"
        )

    def followed() -> Decoded:
        """The same decodes, followed off the support too."""
        return decode(absorb=False) if decoded.absorbed > 0 else decoded

    return ExactChain(
        distribution=distribution,
        decoder=decoder,
        alpha=exponent,
        density=density,
        cuts=masks,
        shares=canvases.share,
        outcomes=table.outcomes[states.sequence],
        target=states.target,
        transition=with_rejections(states.moves),
        acceptances=states.moves.sum(axis=1),
        entry=states.entry,
        start=begin,
        classes=classes,
        missing_mass=missing,
        _sequence=states.sequence,
        _log2_data=table._log2_mass(table.outcomes),
        _start_law=begin_law,
        _costs=lambda: _known_costs(decoder, masks) or _costs(canvases, followed()),
        _outside=lambda: _outside(followed(), len(table.outcomes)),
    )


def _demand_few(count: int | None, limit: int) -> None:
    if count is None or count > limit:
        number = "too many" if count is None else f"{count:,}"
        raise ValueError(
            f"an exact chain may have {limit:,} states at most, got {number}; use sample_chain"
        )


@dataclass(frozen=True, eq=False)
class _States:
    """States of a chain: outcome, target, moves, whole proposals, share of the outcome's target."""

    sequence: IntArray
    target: Array
    moves: Array
    entry: Array
    given: Array


def _states(
    target: Power, canvases: Canvases, decoded: Decoded, masks: BoolArray, path: bool, limit: int
) -> _States:
    count = len(target.outcomes)
    everyone = np.arange(count)
    if path and masks.all():
        paths = paths_from(0, everyone, decoded)
        _demand_few(len(paths.sequence), limit)
        pi = np.asarray(target.mass[paths.sequence] * paths.given)
        moves = path_moves(target, paths)
        return _States(paths.sequence, pi, moves, paths.mass, paths.given)
    entry = np.zeros(count, decoded.mass.dtype)
    whole = (decoded.origin == 0) & (decoded.sequence < count)
    np.add.at(entry, decoded.sequence[whole], decoded.mass[whole])
    moves = (refreshed_moves if path else marginal_moves)(target, canvases, decoded)
    return _States(everyone, target.mass, moves, entry, np.ones(count))


def _start_of(start: object, table: Table, states: _States) -> tuple[Array, Table | None]:
    """Probability of each state at first, and the law that was given, if one was."""
    if start is None:
        return states.entry, None
    rational = states.entry.dtype == object
    if isinstance(start, Joint):
        if start.alphabet_sizes != table.alphabet_sizes:
            raise ValueError(
                f"start must have the alphabets {table.alphabet_sizes} of the distribution, got "
                f"{start.alphabet_sizes}"
            )
        law = start.table()
    else:
        rows = _validation.sequences("start", start, table.alphabet_sizes)
        law = Table(rows, alphabet_sizes=table.alphabet_sizes)
    packing = Packing(table.alphabet_sizes)
    ids, _ = group(packing.keys(np.concatenate([table.outcomes, law.outcomes])))
    number = ids[len(table.outcomes) :]
    mass: Array = law.probabilities
    if rational:
        if not law.integer:
            raise ValueError(f"arithmetic='rational' needs a start of integer counts, got {law!r}")
        mass = np.array([Fraction(int(w), int(law.total)) for w in law.weights], dtype=object)
    on = number < len(table.outcomes)
    outcomes = np.zeros(len(table.outcomes), mass.dtype)
    outcomes[number[on]] = mass[on]
    shares = outcomes[states.sequence]
    return (shares if rational else np.asarray(shares * states.given)), law


def _classes(states: _States) -> tuple[int, float]:
    """Number of classes, and the target mass outside the largest."""
    from scipy.sparse.csgraph import connected_components

    moves = np.asarray(states.moves > 0, bool)
    classes, label = connected_components(moves, directed=False)
    if classes == 1:
        return 1, 0.0
    mass = np.bincount(label, np.asarray(states.target, np.float64))
    missing = nonnegative(1.0 - float(mass.max()), zero=ROUNDING)
    return int(classes), missing


def _known_costs(decoder: Decoder, masks: BoolArray) -> Costs | None:
    """Costs of whole decodes by a strategy whose sizes are given in advance."""
    sizes = decoder.strategy.sizes(masks.shape[1])
    looks_ahead = type(decoder.strategy).explore is not Strategy.explore
    if sizes is None or looks_ahead or not masks.all() or decoder.blocks != WholeCanvas():
        return None
    if decoder.tokens.asks:
        return None
    return Costs(len(sizes), len(sizes), len(sizes))


def _costs(canvases: Canvases, decoded: Decoded) -> Costs:
    return Costs(
        float(decoded.calls[0]),
        float(canvases.weight @ decoded.calls),
        float(canvases.weight @ decoded.evaluated),
    )


def _outside(decoded: Decoded, known: int) -> tuple[IntArray, FloatArray]:
    """Sequences off the support that a whole decode puts out, and the law of these."""
    off = (decoded.origin == 0) & (decoded.sequence >= known)
    sequence, place = np.unique(decoded.sequence[off], return_inverse=True)
    mass = np.bincount(place.ravel(), np.asarray(decoded.mass[off], np.float64))
    return decoded.sequences[sequence], mass / mass.sum()
