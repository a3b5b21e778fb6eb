"""Explore-Then-Exploit against a slow second reading of it, and its parts one by one."""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, data_path, decode, distributions, exact, simulate
from infodecode.strategies import ETE, LeftToRight, Threshold, Unlocking
from tests import laws
from tests.translation import table

MASK = -1


class SlowETE:
    """One canvas at a time, recursively, in fractions: the law of (output, rounds, calls)."""

    def __init__(self, law, rule, block_length=None, budget=1, greedy=False):
        table = law.table()
        self.outcomes = [tuple(map(int, row)) for row in table.outcomes]
        total = sum(map(int, table.weights))
        self.mass = [Fraction(int(w), total) for w in table.weights]
        self.sizes = law.alphabet_sizes
        self.n = law.length
        self.rule, self.greedy = rule, greedy
        self.length = block_length or self.n
        self.budget = budget if block_length else 10**9

    def marginal(self, canvas, i):
        weights = [Fraction(0)] * self.sizes[i]
        for outcome, mass in zip(self.outcomes, self.mass, strict=True):
            if all(c in (MASK, v) for c, v in zip(canvas, outcome, strict=True)):
                weights[outcome[i]] += mass
        total = sum(weights)
        if not total:
            return self.marginal((MASK,) * self.n, i)
        return [w / total for w in weights]

    def top(self, canvas):
        """Confidence and likeliest token of every masked position."""
        found = {}
        for i in range(self.n):
            if canvas[i] == MASK:
                marginal = self.marginal(canvas, i)
                found[i] = (max(marginal), marginal.index(max(marginal)))
        return found

    def open_block(self, canvas, spent):
        first = next(i for i in range(self.n) if canvas[i] == MASK)
        last = (self.n - 1) // self.length
        return max(min(spent // self.budget, last), first // self.length)

    def run(self):
        self.result = defaultdict(Fraction)
        self.follow((MASK,) * self.n, Fraction(1), 0, 0)
        return self.result

    def follow(self, canvas, weight, rounds, calls):
        if MASK not in canvas:
            self.result[canvas, rounds, calls] += weight
            return
        block = self.open_block(canvas, rounds)
        end = min((block + 1) * self.length, self.n)
        top = {i: v for i, v in self.top(canvas).items() if i < end}
        current = [i for i in top if i >= block * self.length]
        tried = self.candidates(top, current)
        if not tried:
            for chosen, share in self.exploit(top, set(top), block, False):
                for after, odds in self.draw(canvas, chosen):
                    self.follow(after, weight * share * odds, rounds + 1, calls + 1)
            return
        for names, share in tried:
            for best, part in self.best(canvas, top, names):
                self.explored(canvas, weight * share * part, rounds, calls, top, block, names, best)

    def explored(self, canvas, weight, rounds, calls, top, block, names, best):
        follow = self.rule.follow and self.rule.commit == "tried"
        firsts = []
        if follow:
            firsts = [((), Fraction(1))]
        else:
            firsts = self.exploit(top, set(top) - set(names), block, True)
        for chosen, share in firsts:
            if self.rule.commit == "tried":
                after = self.put(canvas, best, top[best][1])
                branches = self.draw(after, chosen, of=canvas)
            else:
                branches = self.draw(canvas, (*chosen, best))
            for after, odds in branches:
                if not follow:
                    self.follow(after, weight * share * odds, rounds + 1, calls + 2)
                    continue
                if MASK not in after:
                    self.result[after, rounds + 1, calls + 2] += weight * share * odds
                    continue
                block = self.open_block(after, rounds)
                end = min((block + 1) * self.length, self.n)
                again = {i: v for i, v in self.top(after).items() if i < end}
                for second, more in self.exploit(again, set(again), block, True):
                    for last, luck in self.draw(after, second):
                        total = weight * share * odds * more * luck
                        self.follow(last, total, rounds + 1, calls + 2)

    def candidates(self, top, current):
        """Sets of positions tried, with the probability of each (ties at random)."""
        rule = self.rule
        if not rule.beam or len(current) < rule.least_masked:
            return []
        if float(sum(top[i][0] for i in current) / len(current)) >= rule.trigger - 1e-12:
            return []
        spread = max(1, self.n - 1)
        nearness = {
            i: rule.later_bonus * i / spread - abs(float(top[i][0]) - rule.level) for i in current
        }
        return subsets_of_best(nearness, min(rule.beam, len(current)))

    def best(self, canvas, top, names):
        """Positions committed of those tried, with the probability of each."""
        score = {}
        for i in names:
            after = self.top(self.put(canvas, i, top[i][1]))
            newly = sum(self.sure(after[j][0]) and not self.sure(top[j][0]) for j in top if j != i)
            score[i] = math.log2(top[i][0]) + self.rule.weight * newly
        return [(names[0], share) for names, share in subsets_of_best(score, 1)]

    def exploit(self, top, allowed, block, explored):
        """Sets of positions committed, with the probability of each."""
        sure = tuple(i for i in top if i in allowed and self.sure(top[i][0]))
        if not self.rule.implicit:
            if sure or explored or not allowed:
                return [(sure, Fraction(1))]
            return subsets_of_best({i: float(top[i][0]) for i in allowed}, 1)
        options = [[(sure, Fraction(1))]]
        for b in range(block + 1):
            inside = [i for i in top if i in allowed and i // self.length == b]
            if not inside or any(i in sure for i in inside) or (b == block and explored):
                continue
            options.append(subsets_of_best({i: float(top[i][0]) for i in inside}, 1))
        return [
            (tuple(i for names, _ in combo for i in names), math.prod(s for _, s in combo))
            for combo in itertools.product(*options)
        ]

    def draw(self, canvas, chosen, of=None):
        laws_of = of or canvas
        options = []
        for i in chosen:
            marginal = self.marginal(laws_of, i)
            if self.greedy:
                modes = [v for v, p in enumerate(marginal) if p == max(marginal)]
                options.append([(i, v, Fraction(1, len(modes))) for v in modes])
            else:
                options.append([(i, v, p) for v, p in enumerate(marginal) if p])
        for combo in itertools.product(*options):
            after = canvas
            for i, v, _ in combo:
                after = self.put(after, i, v)
            yield after, math.prod((p for *_, p in combo), start=Fraction(1))

    def sure(self, confidence):
        return float(confidence) > self.rule.gamma + 1e-12

    @staticmethod
    def put(canvas, i, v):
        return (*canvas[:i], v, *canvas[i + 1 :])


def subsets_of_best(score, count):
    """The best ``count`` names, ties at random: every choice with its probability."""
    ranked = sorted(score, key=lambda i: -score[i])
    cut = score[ranked[count - 1]]
    sure = [i for i in score if score[i] > cut + 1e-12]
    tied = [i for i in score if abs(score[i] - cut) <= 1e-12]
    ways = list(itertools.combinations(tied, count - len(sure)))
    return [((*sure, *way), Fraction(1, len(ways))) for way in ways]


RULES = st.builds(
    ETE,
    gamma=st.sampled_from([0.4, 0.6, 0.9]),
    beam=st.integers(0, 3),
    trigger=st.sampled_from([0.5, 0.8, 1.0]),
    least_masked=st.integers(1, 3),
    level=st.sampled_from([0.3, 0.5]),
    later_bonus=st.sampled_from([0.0, 0.01]),
    weight=st.sampled_from([0.0, 1.0, 3.0]),
    implicit=st.booleans(),
    follow=st.booleans(),
    commit=st.sampled_from(["tried", "drawn"]),
)


@given(
    laws.counted().map(table),
    RULES,
    st.booleans(),
    st.integers(1, 4),
    st.integers(1, 2),
)
def test_exact_law_is_that_of_the_slow_reading(law, rule, greedy, block_length, budget):
    slow = SlowETE(law, rule, block_length, budget, greedy)
    expected = slow.run()
    decoder = Decoder(
        rule,
        temperature=0 if greedy else 1,
        blocks=Unlocking(block_length, budget),
    )
    run = exact(law, decoder, off_support="marginal")
    outputs, rounds, calls = defaultdict(float), defaultdict(float), 0.0
    for (outcome, t, c), weight in expected.items():
        outputs[outcome] += float(weight)
        rounds[t] += float(weight)
        calls += float(weight * c)
    ours = {
        tuple(map(int, row)): float(w) for row, w in zip(run.outcomes, run.weights, strict=True)
    }
    assert set(ours) == set(outputs)
    for outcome, weight in outputs.items():
        assert ours[outcome] == pytest.approx(weight, abs=1e-12)
    for t, weight in rounds.items():
        assert run.rounds[t] == pytest.approx(weight, abs=1e-12)
    assert float(run.expected_calls) == pytest.approx(calls, abs=1e-10)


@given(laws.counted().map(table), st.sampled_from([0.3, 0.6, 0.9]), st.integers(1, 4))
def test_without_its_parts_it_is_the_threshold(law, gamma, block):
    bare = ETE(gamma, beam=0, implicit=False)
    for policy in (LeftToRight(block), Unlocking(4, 1)):
        ours = exact(law, Decoder(bare, blocks=policy), off_support="marginal")
        plain = exact(law, Decoder(Threshold(gamma), blocks=policy), off_support="marginal")
        assert ours.kl == pytest.approx(plain.kl, abs=1e-12)
        assert ours.rounds.tolist() == pytest.approx(plain.rounds.tolist(), abs=1e-12)
        assert ours.expected_calls == pytest.approx(plain.expected_calls)


def test_profile_records_in_one_round():
    """BR-9: the name first. Two model calls, where confidence takes four rounds."""
    law = distributions.profile_records(20)
    greedy = exact(law, Decoder(ETE(), temperature=0))
    assert (greedy.validity, greedy.expected_rounds, greedy.expected_calls) == (1, 1, 2)
    baseline = exact(law, Decoder(Threshold(0.9), temperature=0))
    assert (baseline.expected_rounds, baseline.expected_calls) == (4, 4)


def test_drawn_tokens_keep_every_outcome():
    law = distributions.profile_records(20)
    run = exact(law, Decoder(ETE(commit="drawn")))
    assert (run.validity, run.kl, run.expected_rounds) == (1, 0, 2)
    assert run.expected_calls == 3
    assert data_path(law, Decoder(ETE(commit="drawn"))).bits == 0


def test_a_path_over_data_needs_drawn_tokens():
    law = distributions.profile_records(10)
    with pytest.raises(ValueError, match="must draw the tokens it commits"):
        data_path(law, Decoder(ETE()))


def test_simulation_agrees():
    law = distributions.concatenate(
        distributions.variable_names(), distributions.profile_records(6)
    )
    decoder = Decoder(ETE(0.8, beam=3), blocks=Unlocking(5, 2))
    runs = simulate(law, decoder, samples=4000, seed=3, confidence=0.9999)
    run = exact(law, decoder, off_support="marginal")
    assert float(run.validity) in runs.validity
    assert float(run.expected_rounds) in runs.expected_rounds


def test_forced_commits_are_marked():
    trace = decode(distributions.permutations(4), Decoder(ETE(beam=0)), samples=3)
    assert trace.forced[:3].all()
    assert not trace.forced[3].any()


def test_many_blocks_advance_together():
    """A budget of one round per block: all earlier blocks still commit their best position."""
    law = distributions.permutations(12)
    trace = decode(law, Decoder(ETE(beam=0), blocks=Unlocking(3, 1)), samples=50, seed=1)
    assert trace.committed.sum(axis=2)[:4].tolist() == [[t] * 50 for t in (1, 2, 3, 3)]
    assert int(trace.rounds.max()) < 12
    assert np.unique(trace.rounds).size == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": 2}, "gamma must be at most 1, got 2"),
        ({"beam": -1}, "beam must be at least 0, got -1"),
        ({"trigger": math.nan}, "trigger must be finite, got nan"),
        ({"least_masked": 0}, "least_masked must be at least 1, got 0"),
        ({"level": -0.1}, "level must be at least 0, got -0.1"),
        ({"weight": -1}, "weight must be at least 0, got -1"),
        ({"commit": "guessed"}, "commit must be one of 'tried', 'drawn', got 'guessed'"),
    ],
)
def test_arguments_are_checked(change, message):
    with pytest.raises(ValueError, match=message):
        ETE(**change)
