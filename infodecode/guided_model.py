"""Guidance: the law with the prompt, pushed away from the law without it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.models import LawModel, law_model_of


class GuidedModel(LawModel):
    r"""Unsupervised classifier-free guidance: what the prompt makes likelier counts more.

    .. math:: p(v) \propto \frac{p_c(v)^{w+1}}{p_u(v)^{w}}

    with :math:`p_c` the law of a position on the canvas and :math:`p_u` its law on the canvas
    without the prompt: the same, with the positions of ``prompt`` masked. In logits
    that is ``u + (w + 1)(c - u)``, LLaDA's ``cfg_scale``. Weight 0 changes nothing, and nor does a
    canvas on which the prompt is still masked. For an ideal model

    .. math:: p(v) \propto \mu(v \mid \text{rest}, \text{prompt})\,
              \mu(\text{prompt} \mid \text{rest}, v)^{w},

    the conditional law, weighted by how well the token explains the prompt: a sharper prompt than
    the data's. So a decoder that is exact with the ideal model puts out another law with this one,
    and its KL measures what guidance does to it.

    A token with :math:`p_c(v) = 0` stays impossible. :math:`p_u(v) = 0 < p_c(v)` cannot happen on
    a canvas of positive probability, since :math:`p_u(v) \ge \mu(\text{prompt} \mid \text{rest})\,
    p_c(v)`: what the prompt allows, its absence allows. Off the support, where both laws are what
    the model makes up, it can; then the limit is taken: only such tokens are left, in
    proportion to :math:`p_c^{w+1}`.

    A call evaluates two sequences for each canvas, and counts as one call.

    Args:
        model: the model to guide, or a distribution (then its `IdealModel`).
        weight: w, 0 to 1e100.
        prompt: positions that make up the prompt, on the canvas like any others; give their tokens
            in the canvases that a decode starts from.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> import numpy as np
        >>> from infodecode import distributions
        >>> law = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [4, 1, 2, 3])
        >>> guided = GuidedModel(law, 1.0, prompt=[0])
        >>> guided.laws(np.array([[0, -1]]), np.array([0]), np.array([1])).round(4)
        array([[0.9143, 0.0857]])

    Reference: Ho and Salimans 2022 (arXiv 2207.12598), equation 6; Nie et al. 2024 (arXiv
    2410.18514) for masked diffusion without paired data; ``generate.py`` of ML-GSAI/LLaDA.
    """

    sequences_per_call = 2

    def __init__(
        self, model: LawModel | Joint, weight: float, *, prompt: Iterable[int] | int
    ) -> None:
        self.model = law_model_of(model)
        self.weight = _validation.number("weight", weight, minimum=0, maximum=1e100)
        self.alphabet_sizes = self.model.alphabet_sizes
        self.prompt = _validation.positions("prompt", prompt, len(self.alphabet_sizes))
        self.tolerance = self.model.tolerance
        self.off_support = self.model.off_support

    def __repr__(self) -> str:
        return f"GuidedModel({self.model!r}, {self.weight!r}, prompt={list(self.prompt)})"

    def laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        given = np.asarray(self.model.laws(canvases, rows, positions), np.float64)
        if self.weight == 0 or not self.prompt:
            return given
        without = canvases.copy()
        without[:, list(self.prompt)] = -1
        free = np.asarray(self.model.laws(without, rows, positions), np.float64)
        return _guided(given, free, self.weight)


def _guided(given: FloatArray, free: FloatArray, weight: float) -> FloatArray:
    """``given ** (weight + 1) / free ** weight``, normalised by row, by logarithms."""
    possible = given > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(given)
        score = np.where(possible, log + weight * (log - np.log(free)), -np.inf)
    limit = np.isposinf(score)
    if limit.any():
        only = np.where(limit, (weight + 1) * np.where(possible, log, 0), -np.inf)
        score = np.where(limit.any(axis=1, keepdims=True), only, score)
    peak = score.max(axis=1, keepdims=True)
    powers = np.exp(score - np.where(np.isfinite(peak), peak, 0))
    total = powers.sum(axis=1, keepdims=True)
    return np.asarray(powers / np.where(total > 0, total, 1))
