"""Tokens drawn by adding Gumbel noise in low precision: the law that this really draws from."""

from __future__ import annotations

import numpy as np

from infodecode import _validation
from infodecode._kernels.gumbel import gridded_gumbel_into
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.models import LawModel, law_model_of

HEAD = 1024
"""Levels at either end of the grid that are summed one by one; up to 2^11, all are."""

LARGEST_BITS = 40

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)


def truncated_gumbel_law(probabilities: object, *, bits: int = 24) -> FloatArray:
    r"""Law of ``argmax(log p + g)``, the Gumbel noise g made from uniforms on a grid.

    .. math:: g_v = -\log(-\log U_v), \qquad U_v \in \{1, \dots, 2^b - 1\}\, 2^{-b}

    independent and uniform; equal sums go to the lowest index, as in ``argmax``. Exact U would give
    p. On a grid g has a largest value, -log(-log(1 - 2^-b)) (16.6 at 24 bits), so that a token v
    hardly wins if its probability is below 2^-b: with ``r = 2^-b / p_v`` it keeps r / (e^r - 1) of
    it. Unlikely tokens lose mass to likely ones, as at a lower temperature.

    ``torch.rand`` draws float32 numbers on the grid of 24 bits, bfloat16 ones on that of 8. (It
    also draws 0, which shipped code shifts by a tiny number; here it is drawn again.) In one draw
    from a vocabulary, 24 bits hardly matter. They do where a sampler draws token *or mask* at once,
    as MDLM's code does: in each of many rounds every token then has a tiny probability. Pass the
    whole law of such a round, ``[1 - share, share * p_1, share * p_2, ...]``.

    Args:
        probabilities: ``(V,)`` or ``(K, V)``, each row adding up to 1.
        bits: b, 1 to 40.

    Returns:
        laws of the same shape, by summing over all levels of U up to 11 bits. Beyond, 1,024 levels
        at each end are summed and the others integrated: an error of about 2^-b / 10 in total
        variation, and of relative size 1e-5 for unlikely tokens.

    Raises:
        ValueError: probabilities that are negative or do not add up to 1, bits out of range.

    Example:
        >>> truncated_gumbel_law([0.4, 0.6], bits=1)  # one level: no noise at all
        array([0., 1.])
        >>> float(truncated_gumbel_law([1 - 1e-7, 1e-7])[1] / 1e-7)
        0.7314...

    Reference: Zheng et al. 2024 (arXiv 2409.02908), who found the issue in float32 noise.
    Their formula cuts a continuous U off at 1 - 2^-b, with e^-r in place of the above.
    """
    given = np.asarray(_validation.array("probabilities", probabilities), dtype=np.float64)
    laws = given[None] if given.ndim == 1 else given
    if laws.ndim != 2 or laws.shape[1] == 0:
        raise ValueError(f"probabilities must have shape (V,) or (K, V), got {given.shape}")
    sums = laws.sum(axis=1)
    if not (laws >= 0).all() or (abs(sums - 1) > 1e-9).any():
        raise ValueError(
            "probabilities must be nonnegative and add up to 1, "
            f"got {_validation.shown(probabilities)}"
        )
    b = _validation.integer("bits", bits, minimum=1, maximum=LARGEST_BITS)
    return _gridded(laws, b).reshape(given.shape)


def _gridded(laws: Array, bits: int) -> FloatArray:
    out = np.empty(laws.shape)
    flat = np.ascontiguousarray(laws, dtype=np.float64)
    gridded_gumbel_into(flat, 1 << bits, HEAD, (1 + _NODES) / 2, _WEIGHTS / 2, out)
    return out


class TruncatedGumbelModel(LawModel):
    """A model whose tokens are drawn with Gumbel noise of ``bits`` bits: `truncated_gumbel_law`.

    A bug that some code ships is a token rule, and as such a law: with this model, `exact` gives
    the output law of the code. Meant for temperature 1 (at another one, the noise would have to be
    cut after tempering). Scores, such as confidence, come from the law drawn from as well.

    Args:
        model: the model to draw from, or a distribution (then its `IdealModel`).
        bits: of the uniform numbers, 1 to 40: 24 for float32, 8 for bfloat16.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.variable_names()
        >>> coarse = TruncatedGumbelModel(law, bits=8)
        >>> run = exact(law, Decoder(strategies.TopK(1)), model=coarse)
        >>> run.validity, round(run.kl, 6), round(law.entropy() - run.entropy, 3)
        (1.0, 0.000169, 0.021)

    Reference: Zheng et al. 2024 (arXiv 2409.02908).
    """

    def __init__(self, model: LawModel | Joint, *, bits: int = 24) -> None:
        self.model = law_model_of(model)
        self.bits = _validation.integer("bits", bits, minimum=1, maximum=LARGEST_BITS)
        self.alphabet_sizes = self.model.alphabet_sizes
        self.off_support = self.model.off_support

    def laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        return _gridded(self.model.laws(canvases, rows, positions), self.bits)
