"""A test bench for unmasking strategies: random laws, random canvases, and every rule of the loop.

`check_strategy` runs a strategy on small random laws, exactly and on samples, and says in one
`StrategyViolation` what it broke, on which law and canvas. `distributions` and `canvases` are the
Hypothesis strategies it draws from, for tests of your own. Needs Hypothesis:
``pip install "infodecode[testing]"``.
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis  # noqa: F401
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'infodecode.testing needs Hypothesis: pip install "infodecode[testing]"'
    ) from _error

from infodecode.testing._check import check_strategy as check_strategy
from infodecode.testing._laws import canvases as canvases
from infodecode.testing._laws import distributions as distributions
from infodecode.testing._report import Check as Check
from infodecode.testing._report import StrategyReport as StrategyReport
from infodecode.testing._report import StrategyViolation as StrategyViolation

for _public in (check_strategy, Check, StrategyReport, StrategyViolation):
    _public.__module__ = __name__
