"""Traces of text: what is written of every token, and how it is shown."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from infodecode import Decoder, decode, strategies  # noqa: E402
from infodecode.masked_lm import MaskedLM  # noqa: E402
from tests.fake_network import PairwiseLaws, PairwiseNetwork  # noqa: E402

PROMPT = [1, 2, 3]
LENGTH = 6


class Nasty:
    """Reads tokens as text that means something to HTML, JSON and rich."""

    words = ("<eos>", "<b>", "&amp;", "[red]", "\n", "\u2028é\"'\\", "<mask>")
    chat_template = None

    def decode(self, ids, *, skip_special_tokens=False):
        left = [v for v in ids if not (skip_special_tokens and v in (0, 6))]
        return "".join(self.words[v] for v in left)


def trace_of(decoder, samples=4, **options):
    model = MaskedLM(PairwiseNetwork(seed=4), Nasty(), name="<i>nasty</i>")
    options = {"prompts": [PROMPT], "length": LENGTH, "seed": 2, **options}
    return decode(model, decoder, samples=samples, **options)


@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.ReMDM(8)),
        Decoder(strategies.P2(5)),
        Decoder(strategies.RCR(4), order="sample-then-choose", blocks=strategies.Clocked(6, 4)),
        Decoder(strategies.WINO(0.6, 0.97)),
    ],
    ids=repr,
)
def test_a_token_is_recorded_with_its_last_commit(decoder):
    """Also where it had been committed and masked again before."""
    trace = trace_of(decoder, samples=12)
    laws = PairwiseLaws(trace.model.network, PROMPT, LENGTH)
    for k, record in enumerate(trace.records()):
        for i, (t, found) in enumerate(zip(record["round"], record["probability"], strict=True)):
            rounds = [
                s for s in range(1, len(trace.latency) + 1)
                if trace.canvases[s - 1, k, i] != trace.canvases[s, k, i] >= 0
            ]  # fmt: skip
            assert t == rounds[-1]
            before = trace.canvases[t - 1, k : k + 1]
            if before[0, i] < 0:
                law = laws.laws(before, np.array([0]), np.array([i]))[0]
                assert found == pytest.approx(law[trace.sequences[k, i]], abs=1e-5)
                assert record["bits"][i] == pytest.approx(-np.log2(found), abs=1e-9)
        lost = record["taken_back"]
        seen = trace.canvases[:, k]
        for one in lost:
            i, begin, end = one["position"], one["round"], one["until"]
            assert seen[begin - 1, i] != one["token"] != seen[end, i]
            assert (seen[begin:end, i] == one["token"]).all()
            assert one["bits"] == pytest.approx(-np.log2(one["probability"]))
            assert one["reason"] == trace.reason(k, begin)
        commits = (trace.committed | trace.edited)[:, k].sum()
        assert len(lost) == commits - (trace.sequences[k] >= 0).sum()
    assert trace.remasked.any()


def test_json_lines_round_trip(tmp_path):
    trace = trace_of(Decoder(strategies.LookAhead()), eos="stop", guidance=0.5)
    path = trace.to_jsonl(tmp_path / "trace.jsonl")
    lines = path.read_bytes().decode().rstrip("\n").split("\n")
    assert [json.loads(line) for line in lines] == list(trace.records())
    for k, record in enumerate(map(json.loads, lines)):
        assert record["tokens"] == trace.sequences[k].tolist()
        assert record["text"] == trace.texts[k]
        assert record["options"] == {
            "guidance": 0.5, "eos": "stop", "as_shipped": False, "noise": "inversion",
        }  # fmt: skip
        masked = trace.sequences[k] < 0
        for name in ("probability", "bits", "reason"):
            assert [value is None for value in record[name]] == masked.tolist()
        assert "explored" in record["reason"]
        assert record["taken_back"] == []
        assert (record["calls"], len(record["seconds"])) == (
            trace.calls[:, k].sum(), record["rounds"],
        )  # fmt: skip


def test_texts_end_at_the_end_of_sequence():
    one = Decoder(strategies.TopK(1, by="left_to_right"))
    words = Nasty.words
    for eos in ("keep", "stop"):
        trace = trace_of(one, samples=40, eos=eos)
        assert (trace.sequences == 0).any()
        for row, text in zip(trace.sequences.tolist(), trace.texts, strict=True):
            end = row.index(0) if 0 in row else LENGTH
            assert text == "".join(words[v] for v in row[:end])


def test_pages_and_terminals_show_tokens_as_they_are():
    trace = trace_of(Decoder(strategies.TopK(2)), samples=8, max_rounds=2)
    page = trace._repr_html_()
    assert set(np.unique(trace.sequences)) >= {-1, 1, 2}
    for raw in ("<b>", "<eos>", "<i>"):
        assert raw not in page
    for shown in ("&lt;b&gt;", "&amp;amp;", "[red]", "▢"):
        assert shown in page
    assert page.count("<p") == page.count("</p>") == 8
    assert page.count("<span") == page.count("</span>")
    assert "not finished" in page
    for k, row in enumerate(trace.sequences.tolist()):
        assert str(trace.rich(k)) == "".join("▢" if v < 0 else Nasty.words[v] for v in row)


def test_numbers_of_one_are_written_as_one():
    trace = trace_of(Decoder(strategies.TopK(LENGTH)), samples=1)
    assert "1 round, 1 model call, 6.00 tokens a round" in trace._repr_html_()
    assert repr(trace).startswith("<1 decode of 6 tokens")


@pytest.mark.parametrize("options", [{}, {"guidance": 2.0}, {"eos": "suppress"}, {"eos": "defer"},
                                     {"as_shipped": True}])  # fmt: skip
def test_texts_are_scored_by_the_model_that_decoded_them(options):
    """One by one there is no factorisation error, whatever the options were."""
    trace = trace_of(Decoder(strategies.TopK(1)), samples=10, **options)
    scores = trace.scores(orders=2, progress=False)
    np.testing.assert_allclose(scores.factorisation_error, 0, atol=1e-4)
    assert (scores.spread > 0.1).any()


def test_an_end_of_sequence_leaves_the_rest_out_of_the_ledger_and_the_scores():
    trace = trace_of(Decoder(strategies.TopK(1, by="left_to_right")), samples=40, eos="stop")
    assert (trace.sequences < 0).any()
    book = trace.ledger(0.5)
    bits = [sum(b for b in record["bits"] if b is not None) for record in trace.records()]
    np.testing.assert_allclose(book.bits, bits, atol=1e-9)
    assert (book.bound <= book.rounds + 1e-9).all()
    scores = trace.scores(orders=1, progress=False)
    np.testing.assert_allclose(scores.left_to_right, book.bits, atol=1e-4)
