"""What the device computes, against exact models with the same laws; batches, padding, options."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

torch = pytest.importorskip("torch")

from infodecode import Decoder, decode, strategies  # noqa: E402
from infodecode.masked_lm import scores as device  # noqa: E402
from infodecode.masked_lm.model import MaskedLM  # noqa: E402
from infodecode.masked_lm.wide import BLOCK, gumbel, inverted  # noqa: E402
from infodecode.models import TokenRule  # noqa: E402
from infodecode.state import OPEN_SCORES, VISIBLE_SCORES  # noqa: E402
from infodecode.strategies import LeftToRight, Unlocking  # noqa: E402
from infodecode.token_rules import LocalPower, MeanFieldPower, MetropolisHastings  # noqa: E402
from tests import recorded  # noqa: E402
from tests.dialects.schedules import dream, low_confidence  # noqa: E402
from tests.dialects.thresholds import threshold  # noqa: E402
from tests.fake_network import PairwiseLaws, PairwiseNetwork, state_of  # noqa: E402

PROMPT = [1, 2, 3]
LENGTH = 6
RULES = (
    TokenRule(),
    TokenRule(0.0, "lowest"),
    TokenRule(0.6, "random", True),
    TokenRule(0.0, "random", True),
)


def pair(seed=0, length=LENGTH, **options):
    """A network behind a prompt, and the exact model with its laws."""
    network = PairwiseNetwork(seed=seed)
    lm = MaskedLM(network, name="pairwise").prompted([PROMPT], length, **options)
    return lm, PairwiseLaws(network, PROMPT, length, eos=options.get("eos") != "suppress")


def canvases(seed, rows=5, length=LENGTH, vocabulary=6):
    draws = np.random.default_rng(seed)
    tokens = draws.integers(0, vocabulary, (rows, length))
    return np.where(draws.random((rows, length)) < 0.5, -1, tokens).astype(np.int32)


@pytest.mark.parametrize("chunk", [1 << 26, 60])
@pytest.mark.parametrize("rule", RULES)
@given(seed=st.integers(0, 1000))
def test_scores_are_those_of_the_exact_model(chunk, rule, seed):
    lm, oracle = pair(seed)
    state = state_of(canvases(seed), prompt=np.zeros(5, int), previous_canvas=canvases(seed + 1))
    state.memory["previous_canvas"][0] = -2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "CHUNK_BYTES", chunk)
        ours, exact = lm.evaluate(state, rule), oracle.evaluate(state, rule)
        found = ours.scores(OPEN_SCORES, state.masked)
        expected = exact.scores(OPEN_SCORES, state.masked)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, atol=2e-5, err_msg=name)
        found = ours.visible_scores(VISIBLE_SCORES, ~state.masked)
        for name, value in exact.visible_scores(VISIBLE_SCORES, ~state.masked).items():
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)
        rows, positions = np.nonzero(state.masked)
        np.testing.assert_allclose(ours.law(rows, positions), exact.law(rows, positions), atol=1e-5)
        level = np.random.default_rng(seed).random(len(rows))
        tokens = ours.draw(rows, positions, level)
        assert (tokens == exact.draw(rows, positions, level)).mean() > 0.97
        for alpha in (0.5, 1.0, 3.0):
            np.testing.assert_allclose(
                ours.log2_power_sums(rows, positions, alpha),
                exact.log2_power_sums(rows, positions, alpha),
                atol=1e-5,
            )
            powered = ours.draw_power(rows, positions, alpha, level)
            expected = exact.draw_power(rows, positions, alpha, level)
            assert (powered == expected).mean() > 0.97
        np.testing.assert_allclose(
            ours.log2_probability_of(rows, positions, tokens),
            exact.log2_probability_of(rows, positions, tokens),
            atol=1e-4,
        )
        every = slice(None, None, 2)
        np.testing.assert_allclose(
            ours.confidence_of(rows[every], positions[every], tokens[every]),
            exact.confidence_of(rows[every], positions[every], tokens[every]),
            atol=1e-5,
        )


@given(
    width=st.integers(1, 400), seed=st.integers(0, 10**6), level=st.floats(0, 1, exclude_max=True)
)
def test_draws_follow_the_cumulative_law(width, seed, level):
    draws = np.random.default_rng(seed)
    logits = 3 * draws.normal(size=(1, width)).astype(np.float32)
    logits[0, draws.random(width) < 0.3] = -np.inf
    logits[0, draws.integers(width)] = 1.0
    weights = np.exp((logits[0] - logits[0].max()).astype(np.float64))
    ends = weights.cumsum() / weights.sum()
    token = int(inverted(torch.from_numpy(logits), torch.tensor([level], dtype=torch.float64))[0])
    assert weights[token] > 0
    assert ends[token] > level - 1e-5
    assert ends[token] - weights[token] / weights.sum() < level + 1e-5


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_gumbel_noise_draws_from_the_same_law(temperature):
    """In double precision; the same number always gives the same token."""
    logits = torch.tensor([[0.3, -1.0, 2.0, -torch.inf, 1.2]]).repeat(20_000, 1)
    level = torch.from_numpy(np.random.default_rng(1).random(20_000))
    tokens = gumbel(logits, level, temperature)
    assert torch.equal(tokens, gumbel(logits, level, temperature))
    law = torch.softmax(logits[0].double() / temperature, 0).numpy()
    found = np.bincount(tokens.numpy(), minlength=5) / 20_000
    assert found[3] == 0
    np.testing.assert_allclose(found, law, atol=4 * np.sqrt(0.25 / 20_000))


def test_gumbel_noise_decodes_as_well():
    network = PairwiseNetwork(seed=2)
    options = {"prompts": [PROMPT], "length": LENGTH, "samples": 400, "progress": False}
    decoder = Decoder(strategies.TopK(1, by="left_to_right"))
    first = [
        np.bincount(decode(MaskedLM(network), decoder, noise=noise, **options).sequences[:, 0],
                    minlength=7)
        for noise in ("inversion", "gumbel")
    ]  # fmt: skip
    assert first[0].tolist() != first[1].tolist()
    assert stats.chi2_contingency(np.array(first)[:, np.sum(first, axis=0) > 0]).pvalue > 1e-3


def test_the_last_level_draws_a_possible_token():
    logits = torch.full((1, 2 * BLOCK), -torch.inf)
    logits[0, [3, 130]] = 0.0
    almost = torch.tensor([1 - 2.0**-53], dtype=torch.float64)
    assert int(inverted(logits, almost)[0]) == 130
    assert int(inverted(logits, torch.zeros(1, dtype=torch.float64))[0]) == 3


@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.TopK(2)),
        Decoder(strategies.TopK(1, by="margin"), temperature=0.0),
        Decoder(strategies.Threshold(0.5), order="sample-then-choose"),
        Decoder(strategies.Factor(1.0), temperature=0.7, confidence="tempered"),
        Decoder(strategies.EntropyBounded(1.0), blocks=LeftToRight(3)),
        Decoder(strategies.KLASS(), temperature=0.0),
        Decoder(strategies.WINO(), temperature=0.0),
        Decoder(strategies.P2(4)),
        Decoder(strategies.LookAhead()),
        Decoder(strategies.ETE(0.6), temperature=0.0, blocks=Unlocking(3, 2)),
        Decoder(strategies.ReMDM(6)),
        Decoder(strategies.TopK(2), tokens=LocalPower(2.0)),
        Decoder(strategies.TopK(2), tokens=MeanFieldPower(2.0)),
        Decoder(strategies.TopK(2), tokens=MetropolisHastings(2.0, proposals=2, steps=2)),
    ],
    ids=repr,
)
def test_every_kind_of_strategy_decodes_as_on_the_exact_model(decoder):
    network = PairwiseNetwork(seed=4)
    trace = decode(MaskedLM(network), decoder, prompts=[PROMPT], length=LENGTH, samples=3, seed=5)
    oracle = decode(PairwiseLaws(network, PROMPT, LENGTH), decoder, samples=3, seed=5)
    assert trace.canvases.tolist() == oracle.canvases.tolist()
    assert trace.calls.tolist() == oracle.calls.tolist()
    np.testing.assert_allclose(trace.probability, oracle.probability, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("guidance", [0.0, 1.5])
def test_a_prompt_does_not_depend_on_its_neighbours(temperature, guidance):
    """Left padding, batches of every size, other prompts: the same tokens in the same rounds."""
    model = MaskedLM(PairwiseNetwork(seed=1))
    prompts = [[1], [2, 3, 4, 5, 1], [3, 3], [5, 4, 3, 2, 1, 1, 2]]
    decoder = Decoder(strategies.Threshold(0.6), temperature=temperature)
    together = decode(
        model, decoder, prompts=prompts, length=LENGTH, guidance=guidance, batch_size=4
    )
    for size in (1, 3):
        again = decode(
            model, decoder, prompts=prompts, length=LENGTH, guidance=guidance, batch_size=size
        )
        assert again.canvases.tolist() == together.canvases.tolist()
    for count in (1, 2, 3):
        fewer = decode(model, decoder, prompts=prompts[:count], length=LENGTH, guidance=guidance)
        assert fewer.sequences.tolist() == together.sequences[:count].tolist()
        assert fewer.rounds.tolist() == together.rounds[:count].tolist()


def test_finished_sequences_leave_the_batch():
    network = PairwiseNetwork(seed=1)
    trace = decode(
        MaskedLM(network), Decoder(strategies.Threshold(0.6)), prompts=[PROMPT] * 8, length=LENGTH
    )
    assert len(set(trace.rounds.tolist())) > 1
    assert network.sequences == trace.evaluated.sum() == trace.rounds.sum()


def test_guidance_is_that_of_logits():
    lm, oracle = pair(2, guidance=2.0)
    state = state_of(canvases(1), prompt=np.zeros(5, int))
    rows, positions = np.nonzero(state.masked)
    given_ = np.log(oracle.laws(state.canvas, rows, positions)[:, :-1])
    bare = PairwiseLaws(oracle.network, [oracle.network.mask_id] * 3, LENGTH)
    without = np.log(bare.laws(state.canvas, rows, positions)[:, :-1])
    weights = np.exp(without + 3.0 * (given_ - without))
    expected = weights / weights.sum(axis=1, keepdims=True)
    found = lm.evaluate(state, TokenRule()).law(rows, positions)
    np.testing.assert_allclose(found[:, :-1], expected, atol=1e-5)
    assert (found[:, -1] == 0).all()


def test_guidance_evaluates_two_sequences_a_call():
    network = PairwiseNetwork(seed=1)
    trace = decode(
        MaskedLM(network), Decoder(strategies.TopK(2)), prompts=[PROMPT], length=LENGTH,
        guidance=1.0,
    )  # fmt: skip
    assert trace.calls.sum() == 3
    assert trace.evaluated.sum() == network.sequences == 6


def test_end_of_sequence_options():
    network = PairwiseNetwork(seed=3)
    model, decoder = MaskedLM(network), Decoder(strategies.TopK(1, by="left_to_right"))
    many = {"prompts": [PROMPT], "length": 8, "samples": 40}
    kept = decode(model, decoder, **many)
    assert (kept.sequences == network.eos_id).any(axis=1).mean() > 0.2
    assert (decode(model, decoder, **many, eos="suppress").sequences != network.eos_id).all()
    stopped = decode(model, decoder, **many, eos="stop")
    for row, full, rounds in zip(stopped.sequences, kept.sequences, stopped.rounds, strict=True):
        end = list(full).index(network.eos_id) + 1 if network.eos_id in full else 8
        assert row[:end].tolist() == full[:end].tolist()
        assert (row[end:] == -1).all()
        assert rounds == end
    assert stopped.finished.all()
    greedy = Decoder(strategies.TopK(1, by="confidence"), temperature=0.0)
    deferred = decode(model, greedy, prompts=[PROMPT], length=8, eos="defer")
    tokens = [deferred.sequences[0, np.flatnonzero(now[0])[0]] for now in deferred.committed]
    first = tokens.index(network.eos_id) if network.eos_id in tokens else len(tokens)
    assert all(token == network.eos_id for token in tokens[first:])


def test_deferred_ends_keep_their_true_probability():
    network = PairwiseNetwork(seed=3)
    decoder = Decoder(strategies.TopK(1, by="confidence"), order="sample-then-choose")
    trace = decode(MaskedLM(network), decoder, prompts=[PROMPT], length=8, eos="defer", samples=20)
    assert (trace.sequences == network.eos_id).any()
    assert (trace.probability[trace.committed] > 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": [], "length": 4}, "prompts must be one or more"),
        ({"prompts": ["text"], "length": 4}, "must be token ids"),
        ({"prompts": [[99]], "length": 4}, "prompts must be"),
        ({"prompts": [[1]], "length": 0}, "length must be"),
        ({"prompts": [[1]], "length": 64}, "within 64 tokens"),
        ({"prompts": [[1]], "length": 4, "eos": "never"}, "eos must be"),
        ({"prompts": [[1]], "length": 4, "guidance": -1}, "guidance must be"),
        ({"prompts": [[1]], "length": 4, "batch_size": 0}, "batch_size must be"),
        ({"prompts": [[1]], "length": 4, "samples": 0}, "samples must be"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        decode(MaskedLM(PairwiseNetwork()), Decoder(strategies.TopK(1)), **options)


def test_what_goes_with_what():
    model, decoder = MaskedLM(PairwiseNetwork()), Decoder(strategies.TopK(1))
    with pytest.raises(TypeError, match="needs prompts and length"):
        decode(model, decoder)
    with pytest.raises(TypeError, match="canvases must go with"):
        decode(model, decoder, prompts=[[1]], length=2, canvases=[[-1, -1]])
    with pytest.raises(TypeError, match="must go with a masked language model"):
        decode(PairwiseLaws(PairwiseNetwork(), [1], 4), decoder, prompts=[[1]], length=2)


def test_damaged_logits_are_refused():
    network = PairwiseNetwork()
    network.bias[:] = np.nan
    with pytest.raises(FloatingPointError, match="finite or -inf, got nan"):
        decode(MaskedLM(network), Decoder(strategies.TopK(1)), prompts=[[1]], length=4)


def checkpoint_traces():
    file = recorded.folder() / "checkpoint_traces.json"
    return json.loads(file.read_text())["traces"] if file.is_file() else []


KINDS = {
    "LLaDA generate low_confidence": low_confidence,
    "Fast-dLLM generate threshold": threshold,
    "Dream _sample entropy": dream,
}


def test_recorded_decodes_of_checkpoints():
    """The originals' decoders on the originals' networks: every canvas, every call."""
    from infodecode.masked_lm import load_masked_lm

    traces = checkpoint_traces()
    if not traces:
        pytest.skip("needs checkpoint_traces.json: set INFODECODE_GOLDEN")
    for number, trace in enumerate(traces):
        of = recorded.Recording("", trace, trace["mask_id"])
        model = load_masked_lm(str(recorded.folder() / "checkpoints" / trace["checkpoint"]))
        ours = decode(
            model, KINDS[trace["decoder"]](of), prompts=[trace["prompt"]],
            length=trace["gen_length"], as_shipped=True,
        )  # fmt: skip
        where = f"trace {number}, {trace['checkpoint']}, {trace['decoder']}"
        assert ours.calls.sum() == trace["n_calls"], where
        assert ours.canvases[:, 0].tolist() == of.generated().tolist(), where
