"""Inequalities of theory that hold for every model, not for perfect ones only.

The others have their tests beside the functions that compute them: partitions and schedules
(PB-2 to PB-4, RT-1 to RT-4, RT-7), entropy budgets (RT-5, RT-6), the adaptive optimum (RT-8),
rounds (BR-2 to BR-6), floors (FLOOR-1, RT-9).
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, NoisyModel, distributions, exact
from infodecode.models import LawModel
from infodecode.strategies import FixedPartition, TopK
from tests import laws
from tests.translation import table


class AnyModel(LawModel):
    """Predicts laws that have nothing to do with any data, a fixed function of the canvas."""

    tolerance = 1e-12

    def __init__(self, sizes, seed):
        self.alphabet_sizes, self.seed = sizes, seed

    def laws(self, canvases, rows, positions):
        out = np.zeros((len(rows), max(self.alphabet_sizes)))
        for k, (row, i) in enumerate(zip(rows, positions, strict=True)):
            key = [self.seed, int(i), *(int(v) + 1 for v in canvases[row])]
            size = self.alphabet_sizes[i]
            out[k, :size] = np.random.default_rng(key).dirichlet(np.ones(size))
        return out


@st.composite
def ordered_partitions(draw, length):
    order = draw(st.permutations(range(length)))
    cuts = sorted(draw(st.sets(st.integers(1, length - 1)))) if length > 1 else []
    return tuple(tuple(order[a:b]) for a, b in itertools.pairwise([0, *cuts, length]))


@given(laws.counted().map(table), st.integers(0, 2**20))
def test_one_round_of_any_model(law, seed):
    """PB-1: KL(data || output) >= TC, whatever the model predicts."""
    run = exact(law, Decoder(TopK(law.length)), model=AnyModel(law.alphabet_sizes, seed))
    assert run.kl >= infodecode.total_correlation(law) - 1e-9


@given(st.data(), laws.counted().map(table), st.integers(0, 2**20))
def test_a_fixed_order_of_any_model(data, law, seed):
    """PB-2 (Theorem 1): the bits of the partition are a floor; noise and nonsense stay above."""
    blocks = data.draw(ordered_partitions(law.length))
    floor = infodecode.partition_bits(law, blocks)
    decoder = Decoder(FixedPartition(blocks))
    for model in (AnyModel(law.alphabet_sizes, seed), NoisyModel(law, 0.5, seed=seed)):
        assert exact(law, decoder, model=model).kl >= floor - 1e-9
    assert exact(law, decoder).kl == pytest.approx(floor, abs=1e-9)


def test_marginals_matter_only_on_contexts_that_occur():
    """Equality in Theorem 1 does not need exact marginals where the data never goes."""

    class Careless(LawModel):
        tolerance = 1e-12
        alphabet_sizes = (2, 2)

        def laws(self, canvases, rows, positions):
            first = canvases[rows, 0]
            right = np.array([[1.0, 0.0]])
            return np.where(((positions == 0) | (first == 0))[:, None], right, [[0.3, 0.7]])

    law = distributions.Table([[0, 0]], alphabet_sizes=(2, 2))
    assert exact(law, Decoder(FixedPartition(((0,), (1,)))), model=Careless()).kl == 0


@given(st.data(), st.lists(laws.counted(max_length=3), min_size=2, max_size=3))
def test_partitions_that_depend_on_the_input(data, samples):
    """PB-5 (Theorem 3): with a context X, the floor is the mean of the floors of its laws."""
    from tests.laws import Sample

    length = min(sample.length for sample in samples)
    contexts = []
    for sample in samples:
        weights = {}
        for outcome, weight in sample.weights.items():
            weights[outcome[:length]] = weights.get(outcome[:length], 0) + weight
        contexts.append(table(Sample({}, weights, sample.alphabet_sizes[:length])))
    shares = np.array([data.draw(st.integers(1, 4)) for _ in contexts], float)
    shares /= shares.sum()
    floor = divergence = 0.0
    for law, share in zip(contexts, shares, strict=True):
        blocks = data.draw(ordered_partitions(length))
        floor += share * infodecode.partition_bits(law, blocks)
        model = AnyModel(law.alphabet_sizes, data.draw(st.integers(0, 999)))
        divergence += share * exact(law, Decoder(FixedPartition(blocks)), model=model).kl
    assert divergence >= floor - 1e-9


@st.composite
def peaked(draw):
    """A joint law of k positions and a factor f <= 1 whose rule it obeys, close to the edge."""
    k = draw(st.integers(2, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    joint = generator.dirichlet(np.full(3**k, 0.2)).reshape((3,) * k)
    mode = tuple(generator.integers(0, 3, k))
    weight = draw(st.floats(0.3, 1.0))
    joint = (1 - weight) * joint
    joint[mode] += weight
    return joint


@given(peaked())
def test_greedy_equivalence(joint):
    """BR-7: under the factor rule with f = 1 the marginal modes are the one joint mode."""
    k = joint.ndim
    marginals = [joint.sum(axis=tuple(j for j in range(k) if j != i)) for i in range(k)]
    confidence = np.array([m.max() for m in marginals])
    product = marginals[0]
    for m in marginals[1:]:
        product = np.multiply.outer(product, m)
    distance = np.abs(product - joint).sum() / 2
    assert distance <= (1 - confidence).sum() + 1e-12
    if ((k + 1) * (1 - confidence) < 1).all():
        best = tuple(int(m.argmax()) for m in marginals)
        assert np.unravel_index(joint.argmax(), joint.shape) == best
        rest = joint.copy()
        rest[best] = 0
        assert joint[best] > rest.max()


@pytest.mark.parametrize("k", [2, 3, 5])
def test_greedy_equivalence_at_its_edge(k):
    """BR-7 is tight: at (k + 1)(1 - c) = 1 the modes tie; copies of one bit meet the distance."""
    joint = np.zeros((2,) * k)
    joint[(0,) * k] = 1
    for i in range(k):
        joint[tuple(int(i == j) for j in range(k))] = 1
    joint /= joint.sum()
    confidence = 1 - joint.sum(axis=tuple(range(1, k)))[1]
    assert (k + 1) * (1 - confidence) == pytest.approx(1)
    assert joint[(0,) * k] == joint.max()
    assert (joint == joint.max()).sum() == k + 1
    rare = 1e-6
    distance = 1 - (1 - rare) ** k - rare**k
    assert distance == pytest.approx(k * rare, rel=1e-4)
    assert distance <= k * rare


@given(st.integers(1, 12), st.floats(0.01, 1.0), st.data())
def test_the_product_of_a_round_is_worth_at_most_the_factor(size, factor, data):
    """BR-3: -sum ln c_i <= k f / (k + 1 - f) <= f nats under the rule with f <= 1."""
    edge = factor / (size + 1)
    misses = [data.draw(st.floats(0, edge)) for _ in range(size)]
    spent = -math.fsum(math.log1p(-miss) for miss in misses)
    assert spent <= size * factor / (size + 1 - factor) + 1e-12
    assert size * factor / (size + 1 - factor) <= factor + 1e-12
