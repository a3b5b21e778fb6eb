"""Frontiers: every point is what exact says, undominated points are undominated, oracles gain."""

import itertools
import math

import pytest

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.frontier import Frontier, frontier, oracle_threshold

LAW = distributions.replace_random(5)


@pytest.fixture(scope="module")
def front() -> Frontier:
    asked = [strategies.TopK, strategies.Threshold, strategies.Factor]
    return frontier(LAW, asked, entropy=True)


def test_points_are_exact_runs(front):
    for point in front.points[::4]:
        run = infodecode.exact(LAW, point.decoder)
        assert point.method == "exact"
        assert point.kl == run.kl
        assert point.validity == run.validity
        assert point.rounds == pytest.approx(run.expected_rounds)
        assert point.entropy == pytest.approx(run.entropy)


def test_undominated_points(front):
    curve = front.pareto
    assert len(curve) >= 4
    for earlier, later in itertools.pairwise(curve):
        assert earlier.rounds < later.rounds
        assert earlier.kl > later.kl
    for point in front.points:
        assert any(p.rounds <= point.rounds + 1e-12 and p.kl <= point.kl + 1e-12 for p in curve)


def test_frame_and_reports(front):
    frame = front.to_frame()
    assert len(frame) == len(front.points)
    assert set(frame["family"]) == {"TopK", "Threshold", "Factor"}
    one = frame[frame["rounds"] == 1.0].iloc[0]
    assert one["partition_bits"] == pytest.approx(front.bounds.partition_bits[0])
    assert "undominated" in repr(front)
    assert "<table" in front._repr_html_()
    axes = front.plot()
    assert axes.get_xlabel() == "rounds (expected)"


def test_large_runs_are_simulated():
    law = distributions.latin_squares(4)
    front = frontier(law, [strategies.TopK(4)], samples=500, max_children=1000)
    [point] = front.points
    assert point.method == "simulated"
    assert point.kl is None
    assert point.pareto
    assert point.rounds == 4
    assert "validity" in repr(front)


def test_infinite_errors_are_never_undominated():
    greedy = Decoder(strategies.TopK(5), temperature=0)
    front = frontier(LAW, [greedy, strategies.OneByOne()])
    assert [point.pareto for point in front.points] == [False, True]
    assert math.isinf(front.points[0].kl)


def test_oracle_threshold_is_at_least_as_valid_as_every_threshold():
    gammas = (0.3, 0.6, 0.75, 0.9)
    best = oracle_threshold(LAW, gammas, samples=4000, seed=3)
    for gamma in gammas:
        run = infodecode.simulate(LAW, Decoder(strategies.Threshold(gamma)), samples=4000, seed=3)
        assert best.validity.value >= run.validity.value
    strict = infodecode.exact(LAW, Decoder(strategies.Threshold(0.9)))
    assert best.rounds.value < strict.expected_rounds
    alone = oracle_threshold(LAW, [0.9], samples=1000, seed=3)
    same = infodecode.simulate(LAW, Decoder(strategies.Threshold(0.9)), samples=1000, seed=3)
    assert alone.validity.value == same.validity.value
    assert alone.rounds.value == same.expected_rounds.value


def test_refusals():
    with pytest.raises(ValueError, match="must hold at least one strategy"):
        frontier(LAW, [])
    with pytest.raises(ValueError, match="FixedPartition has no grid"):
        frontier(LAW, [strategies.FixedPartition])
    with pytest.raises(TypeError, match=r"strategies\[0\] must be a class of strategies"):
        frontier(LAW, [0.9])
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        frontier(3, [strategies.Threshold])
    with pytest.raises(ValueError, match="gammas must hold at least one"):
        oracle_threshold(LAW, [])


def test_grids_are_of_their_class():
    for family in (strategies.TopK, strategies.Threshold, strategies.Factor):
        for length in (1, 2, 9):
            grid = family.grid(length)
            assert grid
            assert all(type(strategy) is family for strategy in grid)
            assert len(set(grid)) == len(grid)
