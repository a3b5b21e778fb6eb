"""``infodecode decode`` on the model that comes with the package."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("transformers")

from infodecode.cli import decode as decode_command
from infodecode.cli.app import app

RUN = ["decode", "--length", "4", "--strategy", "factor:1"]
PROMPT = "copy : A B C D ="


def run(*arguments, **options):
    result = CliRunner().invoke(app, [*RUN, *arguments], **options)
    assert result.exit_code == 0, result.output
    return result.output


def test_text_rounds_and_the_ledger():
    shown = run(PROMPT)
    assert "A B C D" in shown
    assert "1 round, 1 model call, 4.00 tokens a round" in shown
    assert "corrected bound" in shown
    assert "exploited" in shown


def test_json_has_everything():
    record = json.loads(run(PROMPT, "--json", "--orders", "2", "--samples", "2"))
    first, second = record["decodes"]
    assert first["text"] == second["text"] == "A B C D"
    assert first["prompt"] == PROMPT
    assert first["round"] == [1] * 4
    assert first["reason"] == ["exploited"] * 4
    assert sum(first["bits"]) == pytest.approx(record["ledger"]["bits"][0])
    assert record["ledger"]["corrected_bound"][0] <= first["rounds"]
    assert len(record["scores"]["left_to_right"]) == 2


def test_prompts_from_standard_input_and_a_file_of_traces(tmp_path):
    path = tmp_path / "trace.jsonl"
    run("--jsonl", str(path), input=f"{PROMPT}\n\nreverse : A B C D =\n")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["text"] for line in lines] == ["A B C D", "D C B A"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere/at-all", PROMPT], "nowhere/at-all"),
        (["--strategy", "wishful", PROMPT], "strategy must be"),
        (["--jsonl", "no/such/folder/t.jsonl", PROMPT], "no such folder"),
        (["--length", "0", PROMPT], "length must be"),
        (["sing : A B C D ="], "prompts must be text that the tokenizer of tiny takes"),
        (["--device", "abacus", PROMPT], "device must be"),
    ],
)
def test_what_is_refused(arguments, message, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = CliRunner().invoke(app, [*RUN, *arguments])
    assert result.exit_code != 0
    assert message in str(result.exception)


def test_no_prompt_at_all(monkeypatch):
    result = CliRunner().invoke(app, RUN, input="")
    assert "give a prompt" in str(result.exception)
    # In a terminal it does not wait for lines that nobody thinks of typing.
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    assert decode_command._lines() == []


def test_without_a_length_it_is_what_fits():
    """The tiny model has room for 64 tokens; the prompts take 7 and 9 of them."""
    record = json.loads(run_bare("decode", PROMPT, "copy : A B C D E F =", "--json"))
    assert [len(one["tokens"]) for one in record["decodes"]] == [55, 55]


def run_bare(*arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_examples_of_the_help_are_complete():
    """The first one runs; the options of the others are ours."""
    shown = run_bare("decode", "--help")
    first, *others = re.findall(r"infodecode (decode(?:.*\\\n)*.*)", decode_command.decode.__doc__)
    assert first.split()[:3] == ["decode", "--length", "6"]
    assert run_bare(*shlex.split(first)).count("round") >= 1
    assert len(others) == 2
    for option in re.findall(r"--[a-z-]+", " ".join(others)):
        assert option in shown


def test_written_traces_are_those_of_the_screen(tmp_path):
    path = tmp_path / "trace.jsonl"
    record = json.loads(
        run_bare("decode", PROMPT, "--length", "4", "--jsonl", str(path), "--json", "--eos",
                 "defer", "--guidance", "0.5", "--blocks", "left_to_right:2", "--temperature", "1")
    )  # fmt: skip
    (line,) = path.read_text().splitlines()
    (shown,) = record["decodes"]
    assert json.loads(line) == shown
    assert (shown["options"]["eos"], shown["options"]["guidance"]) == ("defer", 0.5)
    assert "LeftToRight" in shown["decoder"]


def test_views_of_a_trace():
    import infodecode
    from infodecode import Decoder, strategies

    model = infodecode.load_masked_lm("tiny")
    prompts = ["shuffle : A B C D =", PROMPT]
    trace = infodecode.decode(model, Decoder(strategies.TopK(2)), prompts=prompts, length=4)
    assert trace.text == trace.texts[0]
    assert trace.texts[1] == "A B C D"
    assert trace.rounds.tolist() == [2, 2]
    assert trace.tokens_per_round.tolist() == [2, 2]
    assert "2 decodes of 4 tokens by tiny" in repr(trace)
    page = trace._repr_html_()
    assert page.count("<span title=") == 8
    assert "round 2" in page
    assert str(trace.rich(1)) == "A B C D"
    assert (trace.committed_in > 0).all()
    assert (trace.to_frame()["label"].str.len() > 0).all()
    assert trace.latency.shape == (2,)
