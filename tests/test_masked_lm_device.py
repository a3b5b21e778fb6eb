"""What runs on a device: all rows at once, few transfers, and little memory."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from infodecode import Decoder, decode, strategies  # noqa: E402
from infodecode.masked_lm import MaskedLM, Network, llada_config, scores, wide  # noqa: E402
from infodecode.models import TokenRule  # noqa: E402
from infodecode.state import OPEN_SCORES  # noqa: E402
from infodecode.token_rules import LocalPower, MetropolisHastings  # noqa: E402
from tests.fake_network import PairwiseLaws, PairwiseNetwork, state_of  # noqa: E402

PROMPT = [1, 2, 3]
LENGTH = 6


@pytest.fixture
def as_on_a_device(monkeypatch):
    """All rows at once, as on a GPU, but on the CPU."""
    monkeypatch.setattr(wide, "row_by_row", lambda logits: False)


@given(rows=st.integers(1, 5), width=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_all_rows_at_once_give_what_row_by_row_gives(rows, width, seed):
    """The device's code and the CPU's are two programs: each is the other's oracle."""
    draws = np.random.default_rng(seed)
    logits = 4 * draws.normal(size=(rows, width)).astype(np.float32)
    logits[draws.random((rows, width)) < 0.3] = -np.inf
    logits[np.arange(rows), draws.integers(width, size=rows)] = draws.choice([1.0, 90.0])
    if width > 1:
        logits[0] = np.round(logits[0])
    level = torch.from_numpy(draws.random(rows))
    tokens = torch.from_numpy(draws.integers(width, size=rows))
    given_ = torch.from_numpy(logits)

    def everything():
        p1, token1, p2, total, top = wide.leading(given_, True)
        entropy = wide.entropy_bits(given_, total, top)
        found = wide.probability_of(given_, tokens)
        powers = [wide.log2_power_sums(given_, alpha) for alpha in (0.5, 3.0)]
        return [p1, token1, p2, total, top, entropy, found, *powers], wide.inverted(given_, level)

    one_by_one, drawn = everything()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide, "row_by_row", lambda logits: False)
        at_once, drawn_at_once = everything()
    for ours, other in zip(one_by_one, at_once, strict=True):
        np.testing.assert_allclose(ours, other, rtol=3e-6, atol=1e-6)
    law = torch.softmax(given_.double(), 1)
    ends = law.cumsum(1)
    for token in (drawn, drawn_at_once):
        end = ends.gather(1, token[:, None])[:, 0]
        inside = law.gather(1, token[:, None])[:, 0]
        assert (inside > 0).all()
        assert (end > level - 1e-5).all()
        assert (end - inside < level + 1e-5).all()


@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.TopK(2, by="margin"), temperature=0.0),
        Decoder(strategies.EntropyBounded(1.0)),
        Decoder(strategies.Threshold(0.5), order="sample-then-choose", temperature=0.7),
        Decoder(strategies.WINO(), temperature=0.0),
        Decoder(strategies.KLASS()),
        Decoder(strategies.TopK(2), tokens=MetropolisHastings(2.0, proposals=2, steps=2)),
    ],
    ids=repr,
)
def test_decodes_as_on_the_exact_model(decoder, as_on_a_device):
    network = PairwiseNetwork(seed=4)
    trace = decode(MaskedLM(network), decoder, prompts=[PROMPT], length=LENGTH, samples=3, seed=5)
    oracle = decode(PairwiseLaws(network, PROMPT, LENGTH), decoder, samples=3, seed=5)
    assert trace.canvases.tolist() == oracle.canvases.tolist()
    np.testing.assert_allclose(trace.probability, oracle.probability, atol=1e-5)


class Transfers(TorchDispatchMode):
    """Counts numbers that leave the device: `Tensor.cpu`, and single values taken out."""

    def __init__(self, patch) -> None:
        super().__init__()
        self.copies: list[int] = []
        self.single = 0
        whole = torch.Tensor.cpu

        def cpu(tensor, *more):
            self.copies.append(tensor.numel())
            return whole(tensor, *more)

        patch.setattr(torch.Tensor, "cpu", cpu)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.single += "_local_scalar_dense" in str(func) or "nonzero" in str(func)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("decoder", "each_round"),
    [
        (Decoder(strategies.Threshold(0.9), temperature=0.0), 1),
        (Decoder(strategies.EntropyBounded(1.0), temperature=0.0), 1),
        (Decoder(strategies.KLASS(), temperature=0.0), 1),
        (Decoder(strategies.Threshold(0.5), order="sample-then-choose"), 1),
        (Decoder(strategies.TopK(1)), 1),
        # Which positions are drawn is known after the choice, made on the other side.
        (Decoder(strategies.Threshold(0.5)), 2),
    ],
    ids=repr,
)
def test_one_small_transfer_a_round(decoder, each_round, as_on_a_device, monkeypatch):
    """Of a few numbers a position; the traced probabilities come with them."""
    config = llada_config(
        vocab_size=500, d_model=16, n_layers=1, n_heads=2, mlp_hidden_size=16,
        max_sequence_length=64, mask_token_id=499,
    )  # fmt: skip
    model = MaskedLM(Network.random(config))
    with Transfers(monkeypatch) as seen:
        trace = decode(model, decoder, prompts=[PROMPT, [7]], length=LENGTH, progress=False)
    assert len(seen.copies) == each_round * len(trace.latency)
    assert max(seen.copies) <= 6 * 2 * LENGTH
    assert seen.single == 0


def test_a_look_ahead_takes_one_transfer_more(as_on_a_device, monkeypatch):
    model = MaskedLM(PairwiseNetwork(seed=2))
    decoder = Decoder(strategies.LookAhead(), temperature=0.0)
    with Transfers(monkeypatch) as seen:
        trace = decode(model, decoder, prompts=[PROMPT], length=LENGTH, progress=False)
    assert len(seen.copies) == trace.calls.sum() > trace.rounds.sum()


class Peak(TorchDispatchMode):
    """Most bytes of tensors alive at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._alive: dict[int, object] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        return out

    def _follow(self, storage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return

        def gone(_) -> None:
            del self._alive[key]
            self.now -= size

        self._alive[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


VOCABULARY, CHUNK = 20_000, 4 << 20


@pytest.fixture(scope="module")
def wide_model():
    config = llada_config(
        vocab_size=VOCABULARY, d_model=32, n_layers=1, n_heads=2, mlp_hidden_size=64,
        max_sequence_length=128, mask_token_id=VOCABULARY - 1,
    )  # fmt: skip
    return MaskedLM(Network.random(config), name="wide")


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    ("decoder", "options"),
    [
        (Decoder(strategies.Threshold(0.9), temperature=0.0), {}),
        (Decoder(strategies.Threshold(0.9)), {"guidance": 1.0}),
        (
            Decoder(strategies.Threshold(0.9), order="sample-then-choose"),
            {"noise": "gumbel", "max_rounds": 1},
        ),
        (Decoder(strategies.EntropyBounded(1.0)), {}),
        (Decoder(strategies.KLASS()), {}),
        (Decoder(strategies.P2(8)), {}),
        (Decoder(strategies.TopK(4), tokens=LocalPower(2.0)), {}),
    ],
    ids=repr,
)
def test_scores_take_five_chunks_at_most(wide_model, decoder, options, at_once, monkeypatch):
    """And less than the forward pass with its logits, as every original decoder holds them."""
    monkeypatch.setattr(scores, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(wide, "row_by_row", lambda logits: not at_once)
    prompts = np.random.default_rng(0).integers(0, 1000, (8, 32)).tolist()
    network = wide_model.network
    with torch.inference_mode(), Peak() as forward:
        network.logits(network.hidden(torch.zeros((8, 64), dtype=torch.long)).flatten(0, 1))
    with Peak() as seen:
        decode(wide_model, decoder, prompts=prompts, length=32, **{"max_rounds": 2, **options})
    states = 2 * 8 * 64 * 32 * 4 * (1 + ("guidance" in options)) + 2**18
    assert 8 * 32 * 4 * VOCABULARY > 4 * CHUNK
    assert CHUNK < seen.most <= 5 * CHUNK + states < forward.most


@pytest.mark.parametrize("rule", [TokenRule(0.0, "random"), TokenRule(0.0, "random", True)])
def test_equal_tokens_stay_equal_after_a_look_ahead(rule):
    """A second question about some positions must not decide the ties of the others."""
    network = PairwiseNetwork(seed=1)
    network.bias[:], network.pair[:] = np.round(network.bias), np.round(network.pair)
    lm = MaskedLM(network).prompted([PROMPT], LENGTH)
    state = state_of(np.full((40, LENGTH), -1), prompt=np.zeros(40, int))
    ours = lm.evaluate(state, rule)
    exact = PairwiseLaws(network, PROMPT, LENGTH).evaluate(state, rule)
    expected = exact.scores(OPEN_SCORES[:5], state.masked)
    found = ours.scores(OPEN_SCORES[:5], state.masked)
    some = state.masked.copy()
    some[:, 1:] = False
    for asked in (["token1"], ["token1", "p1"]):
        again = ours.scores(asked, some)["token1"]
        np.testing.assert_array_equal(again, np.where(some, expected["token1"], 0))
    np.testing.assert_allclose(found["p1"], expected["p1"], atol=1e-5)
    rows, positions = np.nonzero(state.masked)
    level = np.random.default_rng(3).random(len(rows))
    drawn = exact.draw(rows, positions, level)
    assert (drawn != expected["token1"][rows, positions]).any()
    assert ours.draw(rows, positions, level).tolist() == drawn.tolist()


def test_another_thread_does_not_change_what_is_remembered():
    """States of the call before are kept for all threads: one call's, or asked for again."""
    network = PairwiseNetwork(seed=1)
    lm = MaskedLM(network).prompted([PROMPT], LENGTH)
    first = np.array([[-1] * LENGTH, [1, 2, -1, -1, -1, -1]], np.int32)
    memory = {"prompt": np.zeros(2, int), "previous_canvas": first}
    before = state_of(first, **memory)
    after = state_of(np.where(first < 0, [3, -1, -1, 4, -1, -1], first), **memory)

    def divergence():
        return lm.evaluate(after, TokenRule()).scores(["divergence"], after.masked)["divergence"]

    expected = divergence()
    lm.evaluate(state_of(first[::-1], **memory), TokenRule())
    reversed_, evaluated = lm._last, network.sequences
    lm.evaluate(before, TokenRule())

    class Interrupted(dict):
        def get(self, key):
            lm._last = reversed_
            return super().get(key)

    lm._last = Interrupted(lm._last)
    np.testing.assert_allclose(divergence(), expected, atol=1e-6)
    assert network.sequences == evaluated + 4


def test_the_impossible_alone_has_probability_0():
    logits = torch.tensor([[0.0, -2000.0, -torch.inf]])
    found = [wide.probability_of(logits, torch.tensor([k])).item() for k in range(3)]
    assert found == [1.0, wide.LEAST, 0.0]
    network = PairwiseNetwork(seed=3, scale=400.0)
    trace = decode(
        MaskedLM(network), Decoder(strategies.TopK(2), temperature=5000.0), prompts=[PROMPT],
        length=LENGTH, samples=20,
    )  # fmt: skip
    book = trace.ledger(0.5)
    assert np.isfinite(book.bits).all()
    assert (trace.probability[trace.committed] == wide.LEAST).any()
