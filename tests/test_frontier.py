"""Frontiers: every point is what exact says, kinds are what they claim, oracles gain."""

import itertools
import math
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.adaptive import bits_at_rounds
from infodecode.frontier import Frontier, Point, _marked, frontier, oracle_threshold
from infodecode.regret import KINDS
from infodecode.strategies import Plan, Ranked, Strategy
from tests import laws
from tests.translation import table

LAW = distributions.replace_random(5)
THREE = distributions.replace_random(3)
DRAWN = "sample-then-choose"


@dataclass(frozen=True)
class Cautious(Strategy):
    """The two surest of the drawn tokens, but a single one where none is likelier than not."""

    @property
    def needs(self):
        return frozenset({"drawn_probability"})

    def plan(self, state):
        probability = state.scores["drawn_probability"]
        return Ranked(probability, 1 + (probability > 0.5).any(axis=1))


@dataclass(frozen=True)
class Modes(Strategy):
    """The first position, its likeliest token without a draw."""

    @property
    def needs(self):
        return frozenset({"token1"})

    def plan(self, state):
        tokens = state.scores["token1"].astype(np.int64)
        return Ranked(np.zeros(state.canvas.shape), 1, ties="lowest", tokens=tokens)


@dataclass(frozen=True)
class Remasking(Strategy):
    """All positions at once, and all once more unless exactly one item was replaced."""

    revising = True

    def plan(self, state):
        return Ranked(np.zeros(state.canvas.shape), state.canvas.shape[1])

    def revise(self, state):
        again = ((state.canvas > 0).sum(axis=1) != 1) & (state.round == 0)
        key = np.zeros(state.canvas.shape)
        return Plan((Ranked(key, np.where(again, state.canvas.shape[1], 0)),))

    def max_rounds(self, length):
        return 3


@pytest.fixture(scope="module")
def front() -> Frontier:
    asked = [strategies.TopK, strategies.Threshold, strategies.Factor]
    drawn = [Decoder(s, order=DRAWN) for s in strategies.Factor.grid(5)]
    return frontier(LAW, [*asked, *drawn], entropy=True, oracle=True, samples=4000, seed=3)


def test_points_are_exact_runs(front):
    for point in front.points[::4]:
        run = infodecode.exact(LAW, point.decoder)
        assert point.method == "exact"
        assert point.kl == run.kl
        assert point.validity == run.validity
        assert point.rounds == pytest.approx(run.expected_rounds)
        assert point.entropy == pytest.approx(run.entropy)
        assert point.calls == pytest.approx(run.expected_calls)
        assert point.simulation is None


def test_paths_and_regrets_are_those_of_the_functions(front):
    for point in front.points:
        if point.kind in ("inside", "mixture"):
            path = infodecode.data_path(LAW, point.decoder)
            assert point.path_kl == path.bits
            assert point.data_rounds == path.expected_rounds
            best = infodecode.regret(LAW, point.decoder)
            assert point.regret == pytest.approx(best.regret, abs=1e-10)
            assert front.beside(point)["adaptive_bits"] == pytest.approx(best.best_bits, abs=1e-10)
        else:
            assert (point.path_kl, point.data_rounds, point.regret) == (None, None, None)


def test_undominated_points(front):
    curve = front.pareto
    assert len(curve) >= 4
    for earlier, later in itertools.pairwise(curve):
        assert earlier.rounds < later.rounds
        assert earlier.kl > later.kl
    for point in front.points:
        assert any(p.rounds <= point.rounds + 1e-12 and p.kl <= point.kl + 1e-12 for p in curve)


def test_frame_has_no_nan_and_every_column(front):
    frame = front.to_frame()
    assert len(frame) == len(front.points) + 1
    assert set(frame["family"]) == {"TopK", "Threshold", "Factor", "oracle threshold"}
    one = frame[frame["rounds"] == 1.0].iloc[0]
    for name in ("partition_bits", "random_order_bits", "adaptive_bits"):
        assert one[name] == pytest.approx(front.bounds.partition_bits[0])
    drawn = frame[frame["kind"] == "draws first"]
    assert len(drawn) == len(strategies.Factor.grid(5))
    assert drawn[["path_kl", "data_rounds", "regret"]].isna().all(axis=None)
    assert not any(
        isinstance(value, float) and math.isnan(value) for value in frame.to_numpy().flat
    )
    assert "nan" not in frame.to_csv().lower()
    star = frame.iloc[-1]
    assert (star["kind"], star["method"]) == ("oracle", "simulated")
    assert star["validity_low"] <= star["validity"] <= star["validity_high"]
    assert star["rounds"] == front.oracle.rounds.value


def test_reports(front):
    assert "undominated" in repr(front)
    assert "oracle threshold (shared randomness)" in repr(front)
    html = front._repr_html_()
    assert "<table" in html
    assert "NaN" not in html


@pytest.mark.parametrize(
    ("quantity", "label", "known"),
    [
        ("kl", "KL(data ‖ output), bits", {"adaptive optimum (on data)", "Factor, draws first"}),
        ("validity", "validity", {"oracle threshold (shared)", "floor $2^{-L^*_T}$"}),
        ("entropy", "entropy of the output, bits", {"entropy of the data", "Factor"}),
    ],
)
def test_plots(front, quantity, label, known):
    axes = front.plot(quantity=quantity)
    assert axes.get_xlabel() == "expected rounds"
    assert axes.get_ylabel() == label
    handles, labels = axes.get_legend_handles_labels()
    assert known <= set(labels)
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    drawn = {(float(m.get_xdata()[0]), float(m.get_ydata()[0])) for m in marks}
    for point in front.points:
        assert (point.rounds, getattr(point, quantity)) in drawn
    filled = [m for m in marks if m.get_markerfacecolor() == m.get_color() and m.get_ms() == 6]
    assert len(filled) == len(front.pareto)
    styles = {(h.get_color(), h.get_marker()) for h in handles}
    assert len(styles) == len(handles)
    plt.close(axes.figure)


def test_a_line_leads_to_the_path_of_a_mixture(front):
    axes = front.plot()
    ends = {
        (*line.get_xdata(), *line.get_ydata()) for line in axes.lines if len(line.get_xdata()) == 2
    }
    mixtures = [p for p in front.points if p.kind == "mixture"]
    assert mixtures
    for p in mixtures:
        assert (p.rounds, p.data_rounds, p.kl, p.path_kl) in ends
    plt.close(axes.figure)


def test_many_families_are_told_apart_beside_the_axes():
    classes = [type(f"Family{k}", (strategies.TopK,), {}) for k in range(20)]
    axes = frontier(distributions.copy(2), [c(1) for c in classes]).plot()
    handles, labels = axes.get_legend_handles_labels()
    assert {f"Family{k}" for k in range(20)} <= set(labels)
    assert len({(h.get_color(), h.get_marker()) for h in handles}) == len(handles)
    assert axes.get_legend().get_bbox_to_anchor().x0 >= axes.bbox.x1 - 1
    plt.close(axes.figure)


def test_plots_of_what_was_not_asked_for():
    plain = frontier(LAW, [strategies.OneByOne()])
    with pytest.raises(ValueError, match="needs a frontier with entropy=True"):
        plain.plot(quantity="entropy")
    with pytest.raises(ValueError, match="quantity must be one of 'kl', 'validity', 'entropy'"):
        plain.plot(quantity="bits")
    assert "oracle" not in " ".join(plain.plot(quantity="validity").get_legend_handles_labels()[1])
    plt.close("all")


def test_every_kind_is_shown_for_what_it_is():
    wanted = {
        "inside": Decoder(strategies.TopK(2, by="left_to_right")),
        "mixture": Decoder(strategies.TopK((2, 1))),
        "draws first": Decoder(strategies.TopK(2, by="confidence"), order=DRAWN),
        "revising": Decoder(Remasking()),
        "greedy": Decoder(strategies.TopK(2), temperature=0),
        "tempered": Decoder(strategies.TopK(2), temperature=0.5),
    }
    front = frontier(THREE, wanted.values())
    assert [point.kind for point in front.points] == list(wanted) == list(KINDS)
    assert list(front.to_frame()["kind"]) == list(wanted)
    for point in front.points:
        assert point.group == ("TopK" if point.kind in ("inside", "mixture") else point.group)
        assert (point.regret is None) == (point.kind not in ("inside", "mixture"))


def test_a_decoder_that_commits_likeliest_tokens_has_no_path():
    [point] = frontier(THREE, [Modes()]).points
    assert (point.kind, point.path_kl, point.regret) == ("greedy", None, None)
    assert point.kl == math.inf
    assert not point.pareto


def test_the_same_two_rounds_by_path_mixed_and_drawn_first():
    """Replace Random of 3 in two rounds: path .2516, its mixture .1699, drawing first 0."""
    decoders = [
        Decoder(strategies.FixedPartition([(0, 1), (2,)])),
        Decoder(strategies.TopK((2, 1))),
        Decoder(Cautious(), order=DRAWN),
    ]
    front = frontier(THREE, decoders)
    fixed, mixed, drawn = front.points
    assert [point.rounds for point in front.points] == [2, 2, 2]
    assert fixed.path_kl == pytest.approx(fixed.kl)
    assert fixed.kl == pytest.approx(0.2516291673878228)
    assert mixed.path_kl == pytest.approx(fixed.path_kl)
    assert mixed.kl == pytest.approx(0.1699250014423124)
    assert (fixed.regret, mixed.regret) == (0, 0)
    assert (drawn.kind, drawn.kl, drawn.validity) == ("draws first", 0, 1)
    assert front.beside(drawn)["adaptive_bits"] == pytest.approx(fixed.kl)
    assert [point.pareto for point in front.points] == [False, False, True]
    steps = infodecode.exact(THREE, drawn.decoder).rounds
    assert steps[2] == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(sample=laws.counted(max_length=4))
def test_what_bounds_what(sample):
    """Inside: KL is path KL; a mixture is below it; nobody's path is below the optimum."""
    law = table(sample)
    asked = [
        strategies.TopK,
        strategies.Threshold(0.6),
        strategies.Factor,
        strategies.EntropyBudget(1.0),
    ]
    front = frontier(law, asked)
    assert front.adaptive_curve[0] == pytest.approx(
        [1.0, front.bounds.partition_bits[0]], abs=1e-10
    )
    assert front.adaptive_curve[-1, 1] == 0
    for point in front.points:
        beside = front.beside(point)
        assert point.regret >= 0
        assert point.path_kl == pytest.approx(beside["adaptive_bits"] + point.regret, abs=1e-9)
        assert beside["adaptive_bits"] <= beside["partition_bits"] + 1e-9
        assert beside["partition_bits"] <= beside["random_order_bits"] + 1e-9
        assert beside["adaptive_bits"] == pytest.approx(
            bits_at_rounds(law, point.data_rounds), abs=1e-9
        )
        if point.kind == "inside":
            assert point.kl == pytest.approx(point.path_kl, abs=1e-9)
        else:
            assert point.kind == "mixture"
            assert point.kl < point.path_kl
        assert point.validity >= 2**-point.kl - 1e-9


def test_what_strategies_get_and_decoders_keep():
    own = Decoder(strategies.OneByOne(), temperature=0.5)
    front = frontier(LAW, [strategies.Threshold, strategies.Factor(1.0), own, Cautious()],
                     temperature=0.0, order=DRAWN)  # fmt: skip
    *others, kept, cautious = [point.decoder for point in front.points]
    assert {(d.temperature, d.order) for d in others} == {(0.0, DRAWN)}
    assert kept == own
    assert cautious.order == DRAWN
    [alone] = frontier(THREE, [Cautious()]).points
    assert alone.decoder.draws_first


def test_labels_name_what_is_not_a_default():
    asked = [strategies.Threshold(0.9), Decoder(strategies.TopK(2), temperature=0, order=DRAWN)]
    points = frontier(LAW, asked).points
    assert [point.label for point in points] == [
        "Threshold(gamma=0.9)", "TopK(k=2), temperature=0.0, order='sample-then-choose'"
    ]  # fmt: skip
    best = infodecode.adaptive_optimum(THREE).policy(2)
    [point] = frontier(THREE, [best]).points
    assert point.settings == "AdaptiveOptimum(replace_random(3), rounds=2)"


def test_large_runs_are_simulated():
    law = distributions.latin_squares(4)
    front = frontier(law, [strategies.TopK(4)], samples=500, max_children=1000)
    [point] = front.points
    assert point.method == "simulated"
    assert point.kind == "inside"
    assert (point.kl, point.path_kl, point.regret) == (None, None, None)
    assert point.pareto
    assert point.rounds == 4
    assert "validity" in repr(front)
    row = front.to_frame().iloc[0]
    assert row["validity_low"] <= point.validity <= row["validity_high"]
    assert "adaptive_bits" not in row
    assert front.adaptive_curve is None


def test_what_is_exact_stays_so_where_following_is_too_large():
    """Absorbed, the run is small; followed off the support, it is not."""
    law = distributions.insert_random(5)
    decoder = Decoder(strategies.Factor(1.6))
    run = infodecode.exact(law, decoder)
    front = frontier(law, [decoder], entropy=True, max_children=64, samples=2000)
    [point] = front.points
    assert point.method == "rounds simulated"
    assert (point.kl, point.validity) == (run.kl, run.validity)
    assert point.entropy is None
    assert point.path_kl > run.kl
    row = front.to_frame().iloc[0]
    assert row["rounds_low"] <= run.expected_rounds <= row["rounds_high"]
    assert "validity_low" not in row


def test_points_without_kl_are_held_against_all_others():
    """By validity; those with KL are held against each other only, by KL."""

    def point(rounds, validity, kl):
        decoder = Decoder(strategies.TopK(1))
        return Point("TopK", decoder, "inside", "exact", rounds, validity, kl=kl)

    cases = [
        (point(2.0, 0.9, 0.1), True),
        (point(3.0, 0.8, None), False),
        (point(3.0, 0.9, None), False),
        (point(3.0, 0.95, None), True),
        (point(4.0, 0.94, 0.05), True),
        (point(4.0, 0.99, 0.07), False),
        (point(1.5, 0.1, None), True),
        (point(5.0, 1.0, math.inf), False),
    ]
    marked = _marked([point for point, _ in cases])
    assert [point.pareto for point in marked] == [undominated for _, undominated in cases]


def test_infinite_errors_are_never_undominated():
    greedy = Decoder(strategies.TopK(5), temperature=0)
    front = frontier(LAW, [greedy, strategies.OneByOne()])
    assert [point.pareto for point in front.points] == [False, True]
    assert math.isinf(front.points[0].kl)
    assert math.isinf(front.to_frame()["kl"][0])


def test_unknown_entropies_leave_the_path_out():
    law = distributions.mixture([distributions.permutations(20), distributions.reverse(20)], [1, 1])
    [point] = frontier(law, [strategies.TopK(20)], samples=50, max_children=100).points
    assert (point.kl, point.path_kl) == (None, None)


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


TWO = distributions.Table([[0, 0], [1, 1]], [3, 2], name="one bit twice")


def test_oracle_of_two_thresholds_by_hand():
    """At .5 both tokens are drawn at once: equal with probability .52. At .9 one decides."""
    shared = oracle_threshold(TWO, [0.5, 0.9], samples=20_000, seed=1, confidence=1 - 1e-6)
    assert shared.validity.value == 1
    assert 0.52 * 1 + 0.48 * 2 in shared.rounds
    free = oracle_threshold(TWO, [0.9, 0.5, 0.9], coupling="independent")
    assert free.gammas == (0.5, 0.9)
    assert (free.method, free.validity.value) == ("exact", 1)
    assert free.rounds.value == pytest.approx(1.48)


def test_oracle_of_independent_runs_that_may_all_fail():
    law = distributions.permutations(3)
    gammas = (0.1, 0.2)
    for gamma in gammas:
        assert infodecode.exact(law, Decoder(strategies.Threshold(gamma))).validity < 0.3
    best = oracle_threshold(law, gammas, coupling="independent")
    one = 6 / 27
    assert best.validity.value == pytest.approx(1 - (1 - one) ** 2)
    assert best.rounds.value == pytest.approx(1)


def slow_oracle(law, gammas):
    """Every pair of outcomes of independent runs, from simulated laws of (rounds, valid)."""
    runs = []
    for gamma in gammas:
        run = infodecode.exact(law, Decoder(strategies.Threshold(gamma)), off_support="marginal")
        valid = infodecode.exact(law, Decoder(strategies.Threshold(gamma))).finished_by_round
        both = [(t, True, p) for t, p in enumerate(valid) if p > 0]
        wrong = run.finished_by_round - np.pad(valid, (0, len(run.rounds) - len(valid)))
        runs.append([*both, *((t, False, p) for t, p in enumerate(wrong) if p > 1e-15)])
    validity = rounds = 0.0
    for chosen in itertools.product(*runs):
        mass = math.prod(p for *_, p in chosen)
        good = [t for t, valid, _ in chosen if valid]
        validity += mass * bool(good)
        rounds += mass * (min(good) if good else chosen[-1][0])
    return validity, rounds


@given(sample=laws.counted(max_length=3))
def test_oracle_of_independent_runs_is_that_of_every_combination(sample):
    law = table(sample)
    gammas = (0.2, 0.4, 0.6)
    best = oracle_threshold(law, gammas, coupling="independent")
    validity, rounds = slow_oracle(law, gammas)
    assert best.validity.value == pytest.approx(validity, abs=1e-12)
    assert best.rounds.value == pytest.approx(rounds, abs=1e-12)
    single = [
        float(infodecode.exact(law, Decoder(strategies.Threshold(g))).validity) for g in gammas
    ]
    assert max(single) - 1e-12 <= best.validity.value <= min(1, sum(single)) + 1e-12


def test_frontier_takes_the_oracle_of_its_own_thresholds():
    given_ = [strategies.Threshold(0.7), strategies.Threshold(0.4), strategies.Factor(1.0)]
    assert frontier(TWO, given_, oracle=True, samples=100).oracle.gammas == (0.4, 0.7)
    other = frontier(TWO, [strategies.Factor(1.0)], oracle=True, samples=100).oracle
    assert other.gammas == (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    assert (other.samples, other.seed, other.coupling) == (100, 0, "shared")


def test_refusals():
    with pytest.raises(ValueError, match="must hold at least one strategy"):
        frontier(LAW, [])
    with pytest.raises(ValueError, match="FixedPartition has no grid"):
        frontier(LAW, [strategies.FixedPartition])
    with pytest.raises(TypeError, match=r"strategies\[0\] must be a class of strategies"):
        frontier(LAW, [0.9])
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        frontier(3, [strategies.Threshold])
    with pytest.raises(ValueError, match="order must be one of"):
        frontier(LAW, [strategies.Threshold], order="both")
    with pytest.raises(ValueError, match="temperature must be at least 0"):
        frontier(LAW, [strategies.Threshold], temperature=-1)
    with pytest.raises(TypeError, match="oracle must be True or False"):
        frontier(LAW, [strategies.Threshold], oracle=0.9)
    with pytest.raises(ValueError, match="max_children must be at least 1"):
        frontier(LAW, [strategies.Threshold], max_children=0)
    with pytest.raises(ValueError, match="gammas must hold at least one"):
        oracle_threshold(LAW, [])
    with pytest.raises(ValueError, match="gamma must be at most 1"):
        oracle_threshold(LAW, [1.5])
    with pytest.raises(ValueError, match="coupling must be one of 'shared', 'independent'"):
        oracle_threshold(LAW, coupling="none")
    with pytest.raises(ValueError, match="confidence must be less than 1"):
        oracle_threshold(LAW, confidence=1.0)


def test_grids_are_of_their_class():
    for family in (strategies.TopK, strategies.Threshold, strategies.Factor):
        for length in (1, 2, 9):
            grid = family.grid(length)
            assert grid
            assert all(type(strategy) is family for strategy in grid)
            assert len(set(grid)) == len(grid)


def test_decodes_that_do_not_end_are_shown_and_not_marked():
    endless = Decoder(strategies.WINO(0.3, 0.9, limited=False), order="sample-then-choose")
    front = frontier(distributions.replace_random(5), [endless, strategies.TopK(2)], samples=300)
    some, fine = front.points
    assert 0.5 < some.unfinished < 0.8
    assert fine.unfinished == 0
    assert [point.pareto for point in front.points] == [False, True]
    assert list(front.to_frame()["unfinished"]) == [some.unfinished, 0]


def test_decodes_none_of_which_ends():
    rule = strategies.Dilated(2, 0.9, as_shipped=True)
    stuck = Decoder(rule, blocks=strategies.Clocked(8, 3))
    front = frontier(distributions.replace_random(8), [stuck, strategies.TopK(4)], samples=50)
    none, fine = front.points
    assert (none.unfinished, none.rounds, none.validity) == (1, math.inf, 0)
    assert (none.pareto, fine.pareto) == (False, True)
    assert front.beside(none) == {}
