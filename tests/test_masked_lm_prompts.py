"""Prompts on real networks: batches, texts, and laws over the tokens that are allowed."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import infodecode  # noqa: E402
from infodecode import Decoder, decode, distributions, strategies  # noqa: E402
from infodecode.masked_lm import MaskedLM, Network, load_masked_lm, load_network  # noqa: E402
from infodecode.strategies import LeftToRight, Unlocking  # noqa: E402
from tests.checkpoints import DREAM, LLADA, all_logits  # noqa: E402
from tests.fake_network import PairwiseLaws, PairwiseNetwork  # noqa: E402
from tests.test_masked_lm_encoders import SMALL, made, vocabulary  # noqa: E402
from tests.test_masked_lm_network import word_tokenizer  # noqa: E402

PROMPTS = [[5], [6, 7, 8, 9, 10], [11, 12, 13], [20, 21, 22, 23, 24, 25, 26]]
LENGTH = 6
DECODERS = [
    Decoder(strategies.Factor(0.8), temperature=0.0),
    Decoder(strategies.Threshold(0.5), blocks=LeftToRight(3)),
    Decoder(strategies.KLASS(confidence=0.3)),
    Decoder(strategies.ETE(0.6), temperature=0.0, blocks=Unlocking(3, 2)),
    Decoder(strategies.P2(4)),
]


@pytest.fixture(scope="module", params=["llada", "dream", "bert"])
def model(request):
    bert = {"model_type": "bert", "mask_token_id": 59, **SMALL}
    config = {"llada": LLADA, "dream": DREAM, "bert": bert}[request.param]
    return MaskedLM(Network.random(config, seed=4), name=request.param)


@pytest.mark.parametrize("decoder", DECODERS, ids=repr)
def test_a_prompt_is_decoded_alike_in_every_batch(model, decoder):
    """Transformers' own modules: neighbours and batches move logits by their last bits alone."""
    for options in ({}, {"guidance": 1.5}):
        given = {"length": LENGTH, "progress": False, **options}
        together = decode(model, decoder, prompts=PROMPTS, **given)
        for size in (1, 3):
            again = decode(model, decoder, prompts=PROMPTS, batch_size=size, **given)
            assert again.canvases.tolist() == together.canvases.tolist()
        fewer = decode(model, decoder, prompts=PROMPTS[:2], **given)
        assert fewer.sequences.tolist() == together.sequences[:2].tolist()
        np.testing.assert_allclose(
            fewer.probability.sum(0), together.probability[: len(fewer.latency), :2].sum(0),
            atol=1e-5,
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["fnet", "convbert"])
def test_a_network_that_takes_no_padding_gets_prompts_of_one_length(tmp_path, kind):
    made(tmp_path, kind)
    model = MaskedLM(load_network(tmp_path)[0], name=kind)
    prompts = [PROMPTS[1], PROMPTS[0], PROMPTS[2], [30, 31, 32]]
    decoder = Decoder(strategies.Threshold(0.5))
    together = decode(model, decoder, prompts=prompts, length=LENGTH)
    alone = decode(model, decoder, prompts=prompts[:1], length=LENGTH)
    assert alone.sequences.tolist() == together.sequences[:1].tolist()
    assert together.evaluated.sum() == together.rounds.sum()


def test_prompts_of_every_form():
    model, decoder = load_masked_lm("tiny"), Decoder(strategies.TopK(2), temperature=0.0)
    text = "copy : A B C ="
    ids = list(model.encode(text))
    forms = [text, (text,), [ids], np.array([ids]), [np.array(ids, np.int32)], torch.tensor([ids])]
    for prompts in forms:
        assert decode(model, decoder, prompts=prompts, length=3).texts == ("A B C",)
    for prompts in (ids, np.array(ids)):
        with pytest.raises(TypeError, match="texts or sequences of token ids, got"):
            decode(model, decoder, prompts=prompts, length=3)
    for empty in ("", []):
        trace = decode(model, decoder, prompts=[empty, text], length=3, guidance=1.0)
        assert (trace.prompts[0], trace.finished.all()) == ((), True)
        alone = decode(model, decoder, prompts=[empty], length=3, guidance=1.0)
        assert alone.sequences.tolist() == trace.sequences[:1].tolist()


def test_samples_of_several_prompts_come_prompt_by_prompt():
    model, decoder = load_masked_lm("tiny"), Decoder(strategies.TopK(1))
    prompts = ["copy : A B C =", "shuffle : A B C D ="]
    trace = decode(model, decoder, prompts=prompts, length=3, samples=20, seed=3)
    assert [model.text(prompt) for prompt in trace.prompts] == [
        prompt for prompt in prompts for _ in range(20)
    ]
    assert set(trace.texts[:20]) == {"A B C"}
    assert len(set(trace.texts[20:])) > 5


def test_an_encoders_text_goes_on(tmp_path):
    """[CLS] w1 w2, and no [SEP] between the prompt and what follows."""
    made(tmp_path, "bert")
    vocabulary(tmp_path)
    model = load_masked_lm(tmp_path)
    assert model.tokenizer("w1 w2")["input_ids"] == [2, 6, 7, 3]
    assert model.encode("w1 w2") == (2, 6, 7)
    assert model.encode([2, 6, 3]) == (2, 6, 3)


@pytest.mark.parametrize(
    ("name", "chat"),
    [
        ("GSAI-ML/LLaDA-8B-Base", False), ("Dream-org/Dream-v0-Base-7B", False),
        ("GSAI-ML/LLaDA-8B-Instruct", True), ("/data/database/llada-instruct", True),
    ],
)  # fmt: skip
def test_chat_templates_are_for_models_that_are_no_base_models(name, chat):
    words = word_tokenizer()
    words.chat_template = "{% for m in messages %}w1 {{ m.content }} w2{% endfor %}"
    model = MaskedLM(Network.random(LLADA), words, name=name)
    assert model.encode("w7") == ((1, 7, 2) if chat else (7,))
    assert model.encode("w7", chat=not chat) == ((7,) if chat else (1, 7, 2))


def test_ids_that_the_network_lacks_are_refused():
    words = word_tokenizer()
    words.add_tokens(["later"])
    model = MaskedLM(Network.random(LLADA), words, name="small")
    with pytest.raises(ValueError, match="network's 60 tokens, the tokenizer of small gave 60"):
        model.encode("w1 later")


# Laws over the tokens that are allowed: exact runs of a network.


def first_symbols(model, allowed):
    """The network's own conditional laws, one canvas at a time: the oracle of exact runs."""
    network, prompt = model.network, list(model.encode("shuffle : A B C ="))

    def law(canvas, i):
        ids = [network.mask_id if v < 0 else allowed[j][v] for j, v in enumerate(canvas)]
        logits = all_logits(network, torch.tensor([prompt + ids]))[0, len(prompt) + i].double()
        return torch.softmax(logits[list(allowed[i])], 0).numpy()

    return law


@pytest.mark.parametrize("blocks", [((0,), (1,), (2,)), ((0, 1), (2,)), ((1,), (0, 2))])
def test_the_exact_output_law_of_a_network(blocks):
    """Summed by hand over all sequences; model error and factorisation error add up to the KL."""
    model, law = load_masked_lm("tiny"), distributions.permutations(3)
    labels = law.labels
    allowed = [[model.encode(name)[0] for name in names] for names in labels]
    conditional = first_symbols(model, allowed)
    prompted = model.prompted(["shuffle : A B C ="], 3, allowed=labels)
    assert prompted.alphabet_sizes == law.alphabet_sizes == (3, 3, 3)
    decoder = Decoder(strategies.FixedPartition(blocks))
    run = infodecode.exact(law, decoder, model=prompted)

    def output(parts, sequence):
        canvas, share = [-1, -1, -1], 1.0
        for block in parts:
            share *= np.prod([conditional(canvas, i)[sequence[i]] for i in block])
            for i in block:
                canvas[i] = sequence[i]
        return share

    total = sum(output(blocks, x) for x in product(range(3), repeat=3))
    assert total == pytest.approx(1, abs=1e-6)
    valid = list(permutations(range(3)))
    assert float(run.validity) == pytest.approx(sum(output(blocks, x) for x in valid), abs=1e-5)
    one_by_one = [(i,) for block in blocks for i in block]
    model_error = np.mean([np.log2(1 / 6 / output(one_by_one, x)) for x in valid])
    factorisation = np.mean([np.log2(output(one_by_one, x) / output(blocks, x)) for x in valid])
    assert run.kl == pytest.approx(model_error + factorisation, abs=1e-5)
    # Trained on shuffles: what is lost beyond its own small error is that of an ideal model.
    assert 0 <= model_error < 0.01
    assert factorisation == pytest.approx(infodecode.partition_bits(law, blocks), abs=0.02)
    assert run.output.sample(5).shape == (5, 3)
    whole = run.output.table()
    for x, weight in zip(whole.outcomes.tolist(), whole.probabilities.tolist(), strict=True):
        assert weight == pytest.approx(output(blocks, x), abs=1e-5)


@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.TopK(2)),
        Decoder(strategies.Threshold(0.5)),
        Decoder(strategies.KLASS(confidence=0.2)),
        Decoder(strategies.WINO()),
        Decoder(strategies.LookAhead()),
        Decoder(strategies.TopK(1, by="margin"), temperature=0.0),
    ],
    ids=repr,
)
def test_exact_and_sampled_runs_agree_on_a_network(decoder):
    """On one thread and on two, whose calls must not take each other's states."""
    model, law = load_masked_lm("tiny"), distributions.permutations(4)
    prompted = model.prompted(["shuffle : A B C D ="], 4, allowed=law.labels)
    run = infodecode.exact(law, decoder, model=prompted)
    given = {"model": prompted, "samples": 600, "batch": 40, "keep_sequences": True}
    estimates = [infodecode.simulate(law, decoder, **given, threads=k) for k in (1, 2)]
    assert estimates[0].sequences.tolist() == estimates[1].sequences.tolist()
    spread = np.sqrt(run.validity * (1 - run.validity) / 600)
    assert abs(estimates[0].validity.value - run.validity) <= 4 * spread + 1e-9


def test_allowed_tokens_differ_from_place_to_place():
    network = PairwiseNetwork(seed=5)
    allowed = [[4, 1], [0, 2, 5], [3], [1, 0]]
    lm = MaskedLM(network).prompted([[1, 2]], 4, allowed=allowed, guidance=0.0)
    assert lm.alphabet_sizes == (2, 3, 1, 2)
    trace = decode(lm, Decoder(strategies.TopK(2)), samples=50, seed=1)
    assert (trace.sequences < np.array(lm.alphabet_sizes)).all()
    whole = PairwiseLaws(network, [1, 2], 4)
    for t, k, i in np.argwhere(trace.committed).tolist():
        shown = [-1 if v < 0 else allowed[j][v] for j, v in enumerate(trace.canvases[t, k])]
        canvas = np.array([shown], np.int32)
        one = whole.laws(canvas, np.array([0]), np.array([i]))[0][allowed[i]]
        expected = one[trace.sequences[k, i]] / one.sum()
        assert trace.probability[t, k, i] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allowed": [["A"], ["B"]]}, "allowed must have tokens for each of 3 positions, got 2"),
        ({"allowed": [["A"], ["B", "B"], ["C"]]}, r"allowed\[1\] must be distinct tokens"),
        ({"allowed": [["A"], [], ["C"]]}, r"allowed\[1\] must be distinct tokens, one or more"),
        ({"allowed": [["A"], [2], ["C"]]}, r"allowed\[1\] .* without the mask, got \[2\]"),
        ({"allowed": [["A"], ["A B"], ["C"]]}, "single tokens, got 'A B', which are 2"),
        ({"allowed": [["A"], [50], ["C"]]}, "allowed must be at most 49, got 50"),
        ({"allowed": [["A"], ["sing"], ["C"]]}, "allowed must be text that the tokenizer of tiny"),
        ({"allowed": [["A"]] * 3, "eos": "suppress"}, "allowed goes with eos='keep'"),
        ({"allowed": [["A"]] * 3, "as_shipped": True}, "allowed goes with eos='keep'"),
    ],
)
def test_allowed_tokens_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        load_masked_lm("tiny").prompted(["copy : A B C ="], 3, **options)
