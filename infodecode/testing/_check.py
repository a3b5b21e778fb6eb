"""`check_strategy`: every rule of the loop, on random laws."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from infodecode import _validation
from infodecode.decoder import ORDERS
from infodecode.distributions import Joint
from infodecode.strategies import BlockPolicy, Strategy
from infodecode.testing._bench import LENGTHS, Bench, fits
from infodecode.testing._laws import distributions
from infodecode.testing._report import StrategyReport, StrategyViolation
from infodecode.testing._rules import RUNS

SHRINKS = 100
"""Examples that Hypothesis may try to make a violation smaller."""


def check_strategy(
    strategy: Strategy,
    *,
    examples: int = 25,
    laws: Joint | st.SearchStrategy[Joint] | None = None,
    blocks: BlockPolicy | None = None,
    order: str | None = None,
    one_by_one: bool | None = None,
    unfinished: float = 0.0,
) -> StrategyReport:
    """Decode small random laws with a strategy, and check every rule of the loop.

    The strategy is run exactly and on samples, from blank and from partly filled canvases, on laws
    of one to four positions, with draws first and choosing first, at temperature 1 and 0, under
    several block policies. Each of its answers is checked (`StrategyReport` names the rules): it
    must be well formed, the same when asked again and among other rows, and write to nothing. What
    it declares is held against what it does: ``needs``, ``sizes``, ``max_rounds``, ``revising``,
    ``may_idle``, ``equivariant``, and exactness at one position a round.

    Always the same laws for the same version of Hypothesis. A law that breaks a rule is shrunk.

    Args:
        strategy: to be checked.
        examples: random laws to decode.
        laws: decode this law, or laws of this Hypothesis strategy, instead; for strategies made
            for certain laws. By default `distributions` of 1 to 4 positions, of those lengths that
            ``sizes`` adds up to.
        blocks: the policy to check under. By default the whole canvas and, where the strategy does
            not refuse them with a ValueError, other policies; some policy must be fine.
        order: ``"choose-then-sample"`` or ``"sample-then-choose"``; by default both, but the second
            only if ``needs`` names ``drawn_probability``.
        one_by_one: whether the output must be the data law because every round commits one
            position (choosing precedes drawing, temperature 1). By default this is expected of
            strategies that are seen to do so, name no tokens and show the model every canvas as it
            is; True demands it, False waives it.
        unfinished: probability of not finishing within ``max_rounds`` that is accepted.

    Returns:
        a report of what was checked.

    Raises:
        StrategyViolation: an AssertionError that shows the rule, the law, the canvas.
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import strategies
        >>> check_strategy(strategies.TopK(2), examples=3)["finishes within max_rounds"]
        Check(rule='finishes within max_rounds', examples=3, note='')
    """
    if not isinstance(strategy, Strategy):
        raise TypeError(f"strategy must be a Strategy, got {_validation.shown(strategy)}")
    number = _validation.integer("examples", examples, minimum=1, maximum=100_000)
    spared = _validation.number("unfinished", unfinished, minimum=0, maximum=1)
    if blocks is not None and not isinstance(blocks, BlockPolicy):
        raise TypeError(f"blocks must be a BlockPolicy, got {_validation.shown(blocks)}")
    if one_by_one is not None:
        _validation.flag("one_by_one", one_by_one)
    if order is not None:
        _validation.choice("order", order, ORDERS)
    drawn = _laws_for(strategy, laws)
    bench = Bench(strategy, order, one_by_one, spared)
    bench.check_settings()
    bench.find_policies(laws, blocks)
    found: list[StrategyViolation] = []
    tries = 0

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(data=st.data())
    def on_random_laws(data: st.DataObject) -> None:
        nonlocal tries
        tries += bool(found)
        if tries > SHRINKS:
            return
        try:
            bench.check(data, data.draw(drawn))
        except StrategyViolation as violation:
            found.append(violation)
            raise

    try:
        on_random_laws()
    except Exception:
        # Past SHRINKS, Hypothesis finds its example passing and says so: the last one stands.
        if not found:
            raise
        violation = found[-1]
        violation.__notes__ = []
        raise violation.with_traceback(None) from violation.__cause__
    return StrategyReport(strategy, bench.count[RUNS], bench.checks())


def _laws_for(
    strategy: Strategy, laws: Joint | st.SearchStrategy[Joint] | None
) -> st.SearchStrategy[Joint]:
    if isinstance(laws, Joint):
        return st.just(laws)
    if isinstance(laws, st.SearchStrategy):
        return laws
    if laws is not None:
        raise TypeError(
            "laws must be a distribution or a Hypothesis strategy of distributions, "
            f"got {_validation.shown(laws)}"
        )
    lengths = [n for n in LENGTHS if fits(strategy, n)]
    if not lengths:
        own = sum(strategy.sizes(LENGTHS[-1]) or ())
        raise ValueError(
            f"laws must be given for {strategy!r}: its sizes add up to {own} positions, more than "
            f"the {LENGTHS[-1]} of the random laws"
        )
    often = [n for n in lengths if n > 2]
    return st.sampled_from([*lengths, *often, *often]).flatmap(
        lambda n: distributions(min_length=n, max_length=n)
    )
